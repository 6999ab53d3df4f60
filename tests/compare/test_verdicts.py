"""What verdicts must see in tables of 1,000 records, what they must not cry about, and what they cannot tell."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare import ask
from shd.compare.ask import answers
from shd.compare.core.chance import generator, redrawn, training_error
from shd.compare.core.question import Answer
from shd.compare.core.result import Result
from shd.compare.core.score import worst
from shd.compare.core.sides import Sides, look
from shd.compare.core.tasks import skill_share
from shd.compare.fairness import groups_of_people
from shd.compare.fidelity import c2st, columns, pairs, trust
from shd.compare.report.power import power
from shd.compare.utility.tstr import QUESTION as TSTR
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


def tables_of(synthetic: pd.DataFrame) -> dict[str, Dataset]:
    roles = {"target": "sick", "sensitive": ("group",)}
    return {
        "train": Dataset(make(N, 100), **roles),
        "synthetic": Dataset(synthetic, source="synthetic", **roles),
        "holdout": Dataset(make(N, 200), **roles),
    }


def sides_of(synthetic: pd.DataFrame) -> Sides:
    return look(tables_of(synthetic), level="quick")


def asked(name: str, synthetic: pd.DataFrame) -> Result:
    return ask(name, **tables_of(synthetic), level="quick")


def mixed(frame: pd.DataFrame, names: list, rows=slice(None), seed: int = 0) -> pd.DataFrame:
    """Each of some columns in another order, among some records."""
    rng, frame = np.random.default_rng(seed), frame.copy()
    for name in names:
        own = frame.loc[rows, name]
        frame.loc[rows, name] = own.iloc[rng.permutation(len(own))].to_numpy()
    return frame


def fidelity(synthetic: pd.DataFrame) -> Result:
    """What is found on fidelity about columns and pairs, and which variables can be trusted."""
    sides = sides_of(synthetic)
    asked = (columns.QUESTION, pairs.QUESTION, c2st.QUESTION, trust.QUESTION)
    return Result.of(sides, answers(asked, sides))


def verdicts_of(result: Result) -> tuple[dict[str, str], pd.Series]:
    trusted = result.table("trust").set_index("column")["verdict"]
    return {score.metric: score.verdict for score in result.scores}, trusted


@pytest.fixture(scope="module")
def fresh():
    return fidelity(make(N, 300))


def test_a_fresh_sample_raises_no_alarm(fresh):
    found, trusted = verdicts_of(fresh)
    assert worst(list(found.values())) == "green" and set(trusted) == {"green"}


@pytest.mark.slow
@pytest.mark.parametrize("pair", [("age", "blood"), ("pulse", "weight")])
def test_one_pair_destroyed_is_no_green_fidelity_under_two_red_variables(pair):
    found, trusted = verdicts_of(fidelity(mixed(make(N, 300), [pair[1]])))
    assert set(trusted[list(pair)]) == {"red"}
    assert found["variables off"] in ("amber", "red") and worst(list(found.values())) != "green"


def test_no_red_variable_stands_under_a_green_question():
    frame = pd.DataFrame({"column": list("abcdefgh"), "distance": 0.0, "real reference": 0.0})
    for verdicts, verdict in (
        (["green"] * 8, "green"),
        (["red"] + ["green"] * 7, "amber"),
        (["red"] * 3 + ["green"] * 5, "red"),
        (["grey"] * 8, "grey"),
    ):
        before = {columns.QUESTION: Answer(tables={"columns": frame.assign(verdict=verdicts)})}
        (score,) = trust.measure(sides_of(make(N, 300)), before).scores
        assert score.verdict == verdict and score.value == verdicts.count("red") / 8


@pytest.mark.slow
def test_missingness_made_random_is_seen_though_one_column_alone_looks_right():
    """The share that is missing stays; what it hangs together with is lost."""
    spoiled = make(N, 300)
    lab, rng = spoiled["lab"], np.random.default_rng(0)
    known = lab.fillna(lab.dropna().sample(N, replace=True, random_state=0).set_axis(lab.index))
    spoiled["lab"] = known.mask(pd.Series(rng.permutation(lab.isna())))
    result = fidelity(spoiled)
    found, trusted = verdicts_of(result)
    link = result.table("pairs").query("first == 'age' and second == 'lab (missing)'").iloc[0]
    assert link["train"] > 0.4 and abs(link["synthetic"]) < 0.1
    assert trusted["lab"] == "red" and worst(list(found.values())) != "green"
    (alone,) = asked("what is missing together", spoiled).scores
    assert alone.verdict in ("green", "grey")  # a single column cannot be missing together


def test_whether_a_column_is_missing_is_paired_with_all_but_itself(fresh):
    pairs_frame = fresh.table("pairs")
    named = pairs_frame[(pairs_frame["second"] == "lab (missing)")]["first"].tolist()
    assert named == ["age", "blood", "pulse", "weight", "sick", "group"]
    error = pairs_frame["difference"].abs().mean()
    assert fresh.score("association error").value == pytest.approx(error)


def group_told(synthetic: pd.DataFrame):
    return asked(groups_of_people.QUESTION.name, synthetic).score("group C2ST")


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
    (score,) = asked(TSTR.name, mixed(frame, list(frame))).scores
    assert score.metric == "TSTR / TRTR: yes" or score.metric == "TSTR / TRTR: no"
    assert score.value < 0.4 and score.verdict == "red" and score.floor == 0 and score.ceiling == 1
    (good,) = asked(TSTR.name, frame).scores
    assert good.value > 0.85 and good.verdict == "green"


def test_the_share_of_skill_counts_from_guessing():
    assert skill_share(0.7, 0.75) == pytest.approx(0.8) and skill_share(0.5, 0.9) == 0
    assert np.isfinite(skill_share(np.array([0.6]), np.array([0.5]))).all()


def test_where_real_records_teach_nothing_nothing_can_be_told():
    rng = np.random.default_rng(0)
    frames = [make(N, seed).assign(sick=pd.Categorical(rng.choice(["no", "yes"], N))) for seed in (1, 2, 3)]
    given = dict(zip(("train", "synthetic", "holdout"), [Dataset(f, target="sick") for f in frames], strict=True))
    (score,) = ask(TSTR.name, **given, level="quick").scores
    assert score.verdict == "grey" and "hardly better than guessing" in score.sentence


def test_learning_from_other_records_is_part_of_the_error():
    """A mean of n records, learned from halves, has the error that theory gives: sd / root of n."""
    train = sides_of(make(N, 300)).train
    at = train.names.index("pulse")
    rng = generator(0, "test")
    errors = [training_error(lambda half: half.values[:, at].mean(), train, rng, splits=5) for _ in range(40)]
    assert np.sqrt(np.mean(np.square(errors))) == pytest.approx(9 / np.sqrt(N), rel=0.2)
    wider = redrawn(rng.normal(0, 3, (2000, 2)), np.array([4.0, 0.0]), rng)
    assert wider.std(axis=0) == pytest.approx([5, 3], rel=0.1)


def test_the_report_says_what_size_of_fault_it_can_show(fresh):
    said, table = power(fresh), fresh.table("pairs")
    assert "a C2ST of 0.5" in said or "a C2ST of 0.6" in said
    assert "a link between two columns off by 0." in said and "of the labels of sick drawn at random" in said
    assert power(replace(fresh, scores=(), tables={})) == ""
    wide = {"pairs": table.assign(low=table["low"] - 0.5, high=table["high"] + 0.5)}
    assert power(replace(fresh, scores=(), tables=wide)) != power(replace(fresh, scores=(), tables={"pairs": table}))
