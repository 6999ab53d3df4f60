"""What verdicts must see in tables of 1,000 records, what they must not cry about, and what they cannot tell."""

import numpy as np
import pandas as pd
import pytest

from shd.compare.core.chance import generator, redrawn, training_error
from shd.compare.core.score import settle
from shd.compare.core.sides import look
from shd.compare.core.verdicts import worst
from shd.compare.fairness import groups_of_people as fairness
from shd.compare.fidelity import c2st as detection
from shd.compare.fidelity import columns, missingness, pairs, trust
from shd.compare.fidelity.trust import trust_table
from shd.compare.report.power import power
from shd.compare.report.report import About, Report, Table
from shd.compare.utility import tstr as utility
from shd.dataset import Dataset

N = 1000


def make(n: int, seed: int) -> pd.DataFrame:
    """Links between numbers, a rare and a middling group, values missing by age, and an outcome."""
    rng = np.random.default_rng(seed)
    age = rng.normal(60, 12, n)
    frame = pd.DataFrame({"age": age, "blood": 0.5 * age + rng.normal(0, 4, n), "pulse": rng.normal(70, 9, n)})
    frame["weight"] = 80 + 0.6 * (frame["pulse"] - 70) + rng.normal(0, 8, n)
    group = rng.choice(["most", "some", "rare"], n, p=[0.705, 0.25, 0.045])
    sick = rng.random(n) < 1 / (1 + np.exp(-(age - 60) / 8))
    frame["sick"] = pd.Categorical(np.where(sick, "yes", "no"))
    frame["group"] = pd.Categorical(group, ["most", "some", "rare"])
    return frame.assign(lab=rng.normal(size=n)).mask(
        pd.DataFrame({"lab": rng.random(n) < 1 / (1 + np.exp((70 - age) / 6))}).reindex(
            columns=[*frame, "lab"], fill_value=False
        )
    )


def inputs_of(synthetic: pd.DataFrame, seed: int = 0, **roles):
    roles = {"target": "sick", "sensitive": ("group",)} | roles
    given = {
        "train": Dataset(make(N, 100 + seed), **roles),
        "synthetic": Dataset(synthetic, source="synthetic", **roles),
        "holdout": Dataset(make(N, 200 + seed), **roles),
    }
    return look(given, random_state=seed, level="quick")


def mixed(frame: pd.DataFrame, names: list, rows=slice(None), seed: int = 0) -> pd.DataFrame:
    """Each of some columns in another order, among some records."""
    rng, frame = np.random.default_rng(seed), frame.copy()
    for name in names:
        own = frame.loc[rows, name]
        frame.loc[rows, name] = own.iloc[rng.permutation(len(own))].to_numpy()
    return frame


def fidelity(inputs) -> tuple:
    """Scores on fidelity that are about columns and pairs, and the trust table."""
    answers = [module.measure(inputs) for module in (columns, pairs, detection)]
    frames = {name: frame for answer in answers for name, frame in answer.tables.items()}
    table = trust_table(frames["columns"], frames["pairs"], pd.DataFrame(), frames["giveaways"])
    scores = [score for answer in answers for score in answer.scores] + trust.measure(table, frames["columns"])
    return settle(scores), table.set_index("column"), frames


@pytest.fixture(scope="module")
def fresh():
    return fidelity(inputs_of(make(N, 300)))


def test_a_fresh_sample_raises_no_alarm(fresh):
    scores, table, _ = fresh
    assert worst([score.verdict for score in scores]) == "green" and set(table["verdict"]) == {"green"}


@pytest.mark.parametrize("pair", [("age", "blood"), ("pulse", "weight")])
def test_one_pair_destroyed_is_no_green_fidelity_under_two_red_variables(pair):
    scores, table, _ = fidelity(inputs_of(mixed(make(N, 300), [pair[1]])))
    found = {score.metric: score.verdict for score in scores}
    assert {table.loc[name, "verdict"] for name in pair} == {"red"}
    assert found["variables off"] in ("amber", "red") and worst(list(found.values())) != "green"


def test_no_red_variable_stands_under_a_green_question():
    columns_frame = pd.DataFrame({"column": list("abcdefgh"), "distance": 0.0})
    for n_red, verdict in ((0, "green"), (1, "amber"), (3, "red")):
        table = columns_frame.assign(verdict=["red"] * n_red + ["green"] * (8 - n_red), why="it is off")
        (score,) = trust.measure(table, columns_frame)
        assert score.verdict == verdict and score.value == n_red / 8
    unknown = columns_frame.assign(verdict="grey", why="nobody knows")
    assert (
        trust.measure(unknown, columns_frame)[0].verdict == "grey" and trust.measure(unknown, columns_frame[:0]) == []
    )


def test_missingness_made_random_is_seen_though_one_column_alone_looks_right():
    """The share that is missing stays; what it hangs together with is lost."""
    spoiled = make(N, 300)
    lab, rng = spoiled["lab"], np.random.default_rng(0)
    known = lab.fillna(lab.dropna().sample(N, replace=True, random_state=0).set_axis(lab.index))
    spoiled["lab"] = known.mask(pd.Series(rng.permutation(lab.isna())))
    scores, table, frames = fidelity(inputs_of(spoiled))
    link = frames["pairs"].query("first == 'age' and second == 'lab (missing)'").iloc[0]
    assert link["train"] > 0.4 and abs(link["synthetic"]) < 0.1
    assert table.loc["lab", "verdict"] == "red" and worst([score.verdict for score in scores]) != "green"
    (alone,) = missingness.measure(inputs_of(spoiled)).scores
    assert alone.verdict in ("green", "grey")  # a single column cannot be missing together


def test_whether_a_column_is_missing_is_paired_with_all_but_itself(fresh):
    pairs_frame = fresh[2]["pairs"]
    named = pairs_frame[(pairs_frame["second"] == "lab (missing)")]["first"].tolist()
    assert named == ["age", "blood", "pulse", "weight", "sick", "group"]
    inputs = inputs_of(make(N, 300))
    assert pairs.measure(inputs).scores[0].value == pytest.approx(
        pairs.association_error(inputs.train, inputs.synthetic)
    )


def group_told(synthetic: pd.DataFrame):
    (score,) = fairness.judge_told(
        inputs_of(synthetic), fairness.find_groups(inputs_of(synthetic).train, ["group"], 20)[0]
    ).scores
    return score


def test_a_rare_group_turned_into_noise_is_seen():
    """4.5 % of 1,000: too few to compare columns in, and plain to see."""
    spoiled, rng = make(N, 300), np.random.default_rng(0)
    rare = (spoiled["group"] == "rare").to_numpy()
    for name in ("age", "blood", "pulse", "weight"):
        low, high = spoiled[name].quantile([0.01, 0.99])
        spoiled.loc[rare, name] = rng.uniform(low - 20, high + 20, rare.sum())
    score = group_told(spoiled)
    assert 25 < rare.sum() < 70 and score.verdict in ("amber", "red") and "group = rare" in score.sentence


def test_a_group_whose_links_are_destroyed_is_seen():
    frame = make(N, 300)
    score = group_told(mixed(frame, ["age", "blood", "pulse", "weight", "sick"], (frame["group"] == "some").to_numpy()))
    assert score.verdict in ("amber", "red") and "group = some" in score.sentence


def test_a_group_of_which_nothing_can_be_told_is_grey():
    score = group_told(make(N, 300))
    assert score.verdict in ("grey", "green") and (score.verdict == "grey") == (score.high >= 0.15)
    assert score.floor is None  # independent columns give every group away alike


def test_independent_columns_reach_nothing_of_what_real_records_teach():
    frame = make(N, 300)
    (score,) = utility.measure(inputs_of(mixed(frame, list(frame)))).scores
    assert score.metric == "TSTR / TRTR: yes" or score.metric == "TSTR / TRTR: no"
    assert score.value < 0.4 and score.verdict == "red" and score.floor == 0 and score.ceiling == 1
    (good,) = utility.measure(inputs_of(frame)).scores
    assert good.value > 0.85 and good.verdict == "green"


def test_the_share_of_skill_counts_from_guessing():
    assert utility.skill_share(0.7, 0.75) == pytest.approx(0.8) and utility.skill_share(0.5, 0.9) == 0
    assert np.isfinite(utility.skill_share(np.array([0.6]), np.array([0.5]))).all()


def test_where_real_records_teach_nothing_nothing_can_be_told():
    rng = np.random.default_rng(0)
    frames = [make(N, seed).assign(sick=pd.Categorical(rng.choice(["no", "yes"], N))) for seed in (1, 2, 3)]
    given = dict(zip(("train", "synthetic", "holdout"), [Dataset(f, target="sick") for f in frames], strict=True))
    (score,) = utility.measure(look(given, level="quick")).scores
    assert score.verdict == "grey" and "hardly better than guessing" in score.sentence


def test_learning_from_other_records_is_part_of_the_error():
    """A mean of n records, learned from halves, has the error that theory gives: sd / root of n."""
    inputs = inputs_of(make(N, 300))
    at = inputs.train.names.index("pulse")
    rng = generator(0, "test")
    errors = [training_error(lambda half: half.values[:, at].mean(), inputs.train, rng, splits=5) for _ in range(40)]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(9 / np.sqrt(N), rel=0.2)
    wider = redrawn(rng.normal(0, 3, (2000, 2)), np.array([4.0, 0.0]), rng)
    assert wider.std(axis=0) == pytest.approx([5, 3], rel=0.1)


def test_the_report_says_what_size_of_fault_it_can_show(fresh):
    scores, table, frames = fresh
    tables = tuple(Table(role, role, "real", N, N) for role in ("train", "synthetic", "holdout"))
    about = About(tables, 7, "sick", "real", 0)
    said = power(Report(scores, {**frames, "trust": table}, (), about))
    assert "a C2ST of 0.5" in said or "a C2ST of 0.6" in said
    assert "a link between two columns off by 0." in said and "of the labels of sick drawn at random" in said
    assert power(Report((), {}, (), about)) == ""
    wide = frames["pairs"].assign(low=frames["pairs"]["low"] - 0.5, high=frames["pairs"]["high"] + 0.5)
    assert power(Report((), {"pairs": wide}, (), about)) != power(Report((), {"pairs": frames["pairs"]}, (), about))
