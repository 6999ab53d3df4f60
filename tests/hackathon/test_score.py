import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import shd
from shd import cli
from shd._errors import ShdError
from shd.compare.core.score import Score
from shd.dataset import Dataset
from shd.hackathon.bench import VISIBLE, Bench, visible_bench
from shd.hackathon.challenge import Metric, find_challenge, read_challenge
from shd.hackathon.gates import NAMES, measured_gates, schema_gate
from shd.hackathon.people import rehearsal
from shd.hackathon.predictions import judge_predictions
from shd.hackathon.score import _ASKED, TrackScore, compare, parts_of, rank, score, score_on

THREE = ["readmitted", "number_inpatient", "num_medications"]


@pytest.fixture(scope="module")
def bench(template):
    """Judged at the quick level: the same questions to fewer records."""
    return replace(visible_bench(read_challenge(template)), level="quick")


@pytest.fixture(scope="module")
def release(template, bench):
    return pd.read_parquet(template / "data" / "release" / "synthetic.parquet").head(len(bench.train))


def hand_in(team, frame):
    frame.to_parquet(team / "submission" / "synthetic.parquet", index=False)
    return team


def judged(team, frame, bench):
    return score_on(hand_in(team, frame), bench, ["synthesize"]).of("synthesize")


@pytest.fixture
def only_gates(monkeypatch):
    """Ask what the gates need, and nothing else: models of the target and judges take most of the time."""
    monkeypatch.setitem(_ASKED, False, _ASKED[False][:4])


@pytest.fixture
def only_parts(monkeypatch):
    """Ask what utility and fidelity need, and nothing else."""
    monkeypatch.setitem(_ASKED, False, _ASKED[False][4:6])


def failed(found):
    return [gate.name for gate in found.gates if not gate.passed]


# What each kind of table deserves ----------------------------------------------------------------------


def test_the_release_passes_every_gate_and_scores_well(team, bench, release):
    found = judged(team, release, bench)
    assert found.is_ranked and [gate.name for gate in found.gates] == list(NAMES)
    assert found.value > 0.7 and found.low < found.value < found.high
    assert all(gate.reason for gate in found.gates) and all(part.sentence for part in found.parts)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:only one value")
def test_columns_drawn_one_by_one_pass_the_gates_and_are_told_apart(team, bench, release, monkeypatch, only_gates):
    drawn = shd.Marginals(random_state=0, min_people=1).fit(bench.train).sample(len(bench.train))
    found = judged(team, drawn, bench)
    assert failed(found) == [], found.gates
    monkeypatch.setitem(_ASKED, False, ("C2ST: telling real from synthetic",))
    tables = (Dataset(frame, source="synthetic") for frame in (drawn, release))
    own, best = (parts(replace(bench, level="full"), table)["fidelity"] for table in tables)
    assert own.high < best.value


def test_train_copied_verbatim_is_not_ranked(team, bench, only_gates):
    found = judged(team, bench.train.frame, bench)
    assert failed(found) == ["copies", "membership"]
    assert not found.is_ranked and rank([found]) == [None]
    reasons = {gate.name: gate.reason for gate in found.gates}
    assert "equal a record learned from, in every column: more than chance gives" in reasons["copies"]


def test_people_held_out_copied_verbatim_are_not_ranked(team, bench, only_gates):
    copied = pd.concat([bench.held[VISIBLE].frame] * 4, ignore_index=True)
    assert failed(judged(team, copied, bench)) == ["membership"]


def test_three_columns_are_not_ranked(team, bench, release):
    found = judged(team, release[THREE], bench)
    assert failed(found) == ["schema"] and not found.is_ranked
    assert "39 columns" in found.gates[0].reason


@pytest.mark.slow
def test_three_columns_with_the_others_held_constant_are_not_ranked(team, bench, release, only_gates):
    held = release.copy()
    for name in held.columns.drop(THREE):
        held[name] = pd.Series(held[name].mode().repeat(len(held)).array, dtype=held[name].dtype)
    found = judged(team, held, bench)
    assert failed(found) == ["schema"] and "every record has" in found.gates[0].reason
    # and if a constant column had gone unseen:
    gates = measured_gates(compare(bench, Dataset(held, target="readmitted", source="synthetic"), VISIBLE))
    assert [gate.name for gate in gates if not gate.passed] == ["coverage"]
    assert "too many people have no like here" in gates[0].reason


def test_a_misspelt_column_is_not_ranked_and_named(team, bench, release):
    found = judged(team, release.rename(columns={"insulin": "insuline"}), bench)
    assert failed(found) == ["schema"] and "did you mean 'insulin'?" in found.why


# The parts ---------------------------------------------------------------------------------------------


def planted(n, seed, noise=0.3):
    """People whose target is told by one column, but for some noise."""
    rng = np.random.default_rng(seed)
    x, z = rng.normal(size=(2, n)).round(2)
    told = np.where(x + noise * rng.normal(size=n) > 0, "yes", "no")
    frame = pd.DataFrame({"x": x, "z": z, "sick": pd.Categorical(told, ["no", "yes"])})
    return Dataset(frame, target="sick", source="stand-in")


@pytest.fixture(scope="module")
def planted_bench(template):
    challenge = replace(read_challenge(template), target="sick")
    return Bench(challenge, planted(1200, 0), {VISIBLE: planted(400, 1)}, {}, level="quick")


def parts(bench, data):
    return {part.name: part for part in parts_of(compare(bench, data, VISIBLE), bench.challenge)}


def test_records_of_the_same_population_reach_about_one(planted_bench, only_parts):
    found = parts(planted_bench, replace(planted(1200, 2), source="synthetic"))
    assert found["utility"].value > 0.95 and found["fidelity"].value > 0.8


def test_records_whose_target_is_noise_teach_nothing(planted_bench, only_parts):
    noise = planted(1200, 2)
    rng = np.random.default_rng(0)
    noise = replace(noise, frame=noise.frame.assign(sick=rng.permutation(noise.frame["sick"])), source="synthetic")
    noise.frame["sick"] = pd.Categorical(noise.frame["sick"], ["no", "yes"])
    found = parts(planted_bench, noise)
    assert found["utility"].value < 0.3 and found["fidelity"].value < 0.6


def test_where_nothing_can_be_learned_utility_is_left_out_but_not_for_few_records(planted_bench, only_parts):
    blurred = replace(planted_bench, train=planted(1200, 0, noise=1e6), held={VISIBLE: planted(400, 1, noise=1e6)})
    few, many = (replace(planted(n, 2, noise=1e6), source="synthetic") for n in (200, 1200))
    assert parts(blurred, few)["utility"].value == 0
    found = parts(blurred, many)["utility"]
    assert found.value is None and found.to_dict()["value"] is None and "better than guessing" in found.sentence


# Gates alone -------------------------------------------------------------------------------------------


class _Found:
    """As much of a Result as gates look at."""

    skipped = ()
    about = type("about", (), {"word": "real"})

    def __init__(self, *scores):
        self.scores = scores

    def score(self, metric):
        return next((one for one in self.scores if one.metric == metric), None)


def _score(metric, verdict="green", value=0.5, high=0.6, floor=0.5):
    return Score("", metric, value, value, high, floor, 1.0, verdict, "higher", f"{metric} is {verdict}.")


@pytest.mark.parametrize(("high", "passed"), [(0.705, False), (0.71, True), (0.9, True)])
def test_coverage_fails_where_it_is_surely_less_than_the_baseline(high, passed):
    gates = measured_gates(_Found(_score("coverage", value=0.7, high=high, floor=0.72)))
    assert (gates[0].name, gates[0].passed) == ("coverage", passed)


@pytest.mark.parametrize(
    ("verdict", "fails_at", "passed"),
    [("green", "amber", True), ("grey", "amber", True), ("amber", "amber", False), ("amber", "red", True),
     ("red", "red", False)],
)  # fmt: skip
def test_attacks_fail_from_the_verdict_on_that_the_challenge_says(verdict, fails_at, passed):
    gates = measured_gates(_Found(_score("membership AUROC"), _score("membership hits at 10 %", verdict)), fails_at)
    assert gates[2].passed == passed
    assert gates[2].reason == (
        "membership hits at 10 % is " + verdict if verdict not in ("green", "grey") else gates[2].reason
    )


def test_what_could_not_be_measured_is_said_and_fails_nobody():
    gates = measured_gates(_Found())
    assert all(gate.passed and gate.reason.startswith("could not be measured") for gate in gates)


def test_the_schema_gate_names_the_first_problem_and_counts_the_others():
    assert schema_gate(()).passed
    assert schema_gate(["a", "b", "c"]).reason == "a (and 2 more: see shd challenge check)"


# Predictions -------------------------------------------------------------------------------------------


def test_predictions_are_scored_by_the_metrics_of_the_challenge(team, bench):
    asked = bench.asked[VISIBLE]
    truth = asked.data.frame["readmitted"].astype(str).to_numpy()
    table = pd.DataFrame({"id": asked.ids, "chance_any": (truth != "NO") * 0.9, "chance_30": 0.5})
    table.sample(frac=1, random_state=0).to_csv(team / "submission" / "predictions.csv", index=False)
    found = score_on(team, bench, ["predict"]).of("predict")
    assert [(part.name, part.value) for part in found.parts] == [("auroc_any", 1.0), ("auroc_30", 0.5)]
    assert (found.value, found.is_ranked, found.source) == (0.75, True, "stand-in")
    assert score(team, tracks=["predict"]).to_dict() == score_on(team, bench, ["predict"]).to_dict()


def test_predictions_for_the_people_of_an_event_are_left_to_the_organiser(team, bench):
    file = team / "data" / "predict.parquet"
    sealed = pd.read_parquet(file).assign(id=lambda f: "e" + f["id"])
    sealed.to_parquet(file)
    table = pd.DataFrame({"id": sealed["id"], "chance_any": 0.5, "chance_30": 0.5})
    table.to_csv(team / "submission" / "predictions.csv", index=False)
    found = score(team, tracks=["predict"]).of("predict")
    assert found.value is None and "only the organiser can score them" in found.why


def test_chances_of_pictures_are_averaged_by_person():
    challenge = find_challenge("alzheimers_mri")
    levels = ["non-demented", "very mild", "mild", "moderate"]
    truth = pd.Categorical(np.repeat(["non-demented", "very mild", "mild", "mild"], 2), levels, ordered=True)
    images = np.zeros((8, 16, 16), np.uint8)
    data = Dataset(pd.DataFrame({"class": truth}), target="class", subjects=np.repeat([3, 1, 2, 0], 2), images=images)
    chances = pd.DataFrame(0.0, index=range(8), columns=levels)
    chances["non-demented"] = [0.9, 0.5, 0.1, 0.1, 0.6, 0.1, 0.9, 0.9]  # means .7, .1, .35, .9
    chances["very mild"] = [0.1, 0.5, 0.9, 0.2, 0.0, 0.0, 0.1, 0.1]
    chances["mild"] = 1 - chances["non-demented"] - chances["very mild"]
    mean, found = judge_predictions(challenge, chances, data)
    by_name = {part.name: part.value for part in found}
    assert by_name["auroc"] == pytest.approx(2 / 3)  # the person of .9 is demented
    assert by_name["balanced_accuracy"] == pytest.approx((1 + 1 + 1 / 2) / 3)
    assert mean.value == pytest.approx((2 / 3 + 2.5 / 3) / 2)


def test_a_number_is_scored_by_its_r2(template):
    challenge = read_challenge(template)
    asked = replace(challenge.tracks["predict"], columns={"predicted": []})
    challenge = replace(
        challenge, metrics=(Metric(name="r2", measure="R2", meaning="how long"),), tracks={"predict": asked}
    )
    y = np.arange(50.0)
    data = Dataset(pd.DataFrame({"days": y}), target="days")
    right, _ = judge_predictions(challenge, pd.DataFrame({"predicted": y}), data)
    mean, _ = judge_predictions(challenge, pd.DataFrame({"predicted": np.full(50, y.mean())}), data)
    assert (right.value, round(mean.value, 9)) == (1.0, 0.0)


def test_intervals_come_from_people_and_not_from_records(template):
    challenge, rng = read_challenge(template), np.random.default_rng(0)
    levels = np.array(["NO", ">30", "<30"])[rng.integers(0, 3, 60)]
    chances = pd.DataFrame({name: rng.random(60) for name in ("chance_any", "chance_30")})

    def width(copies):
        frame = pd.DataFrame({"readmitted": np.repeat(levels, copies)})
        data = Dataset(frame, target="readmitted", subjects=np.repeat(np.arange(60), copies))
        found, _ = judge_predictions(challenge, chances.loc[chances.index.repeat(copies)], data)
        return found.high - found.low

    assert width(10) == pytest.approx(width(1), rel=0.01)


def test_people_of_one_class_cannot_be_told(template):
    data = Dataset(pd.DataFrame({"readmitted": ["NO"] * 5}), target="readmitted")
    mean, _ = judge_predictions(
        read_challenge(template), pd.DataFrame({"chance_any": [0.1] * 5, "chance_30": 0.1}), data
    )
    assert mean.value is None and "all of one class" in mean.sentence


def test_a_rehearsal_asks_about_the_same_people_every_time(template):
    one, other = (rehearsal(read_challenge(template)) for _ in range(2))
    assert one.ids.tolist() == other.ids.tolist() and one.data.frame.equals(other.data.frame)


# Ranks -------------------------------------------------------------------------------------------------


def _of(value, half=0.1, passed=True):
    gates = () if passed else (schema_gate(["x"]),)
    return TrackScore("predict", "private", "real", value, value - half, value + half, gates=gates)


def test_teams_that_cannot_be_told_apart_share_a_rank():
    assert rank([_of(0.5), _of(0.9), _of(0.8), _of(0.95, passed=False)]) == [3, 1, 1, None]
    assert rank([]) == []
    assert rank([TrackScore("predict", "private", "real", None, None, None)]) == [None]


scores = st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.5), st.booleans()).map(lambda one: _of(*one)), max_size=8)


@given(scores)
def test_a_rank_counts_those_that_are_surely_better(found):
    ranks = rank(found)
    ranked = [(one, r) for one, r in zip(found, ranks, strict=True) if r is not None]
    assert not ranked or min(r for _, r in ranked) == 1
    for one, r in ranked:
        assert r == 1 + sum(other.low > one.high for other, _ in ranked)
        for other, s in ranked:
            assert not other.low > one.high or s < r


# The command line --------------------------------------------------------------------------------------


def test_a_track_that_is_not_there(team, bench):
    with pytest.raises(ShdError, match="track 'notebook' is not scored here; scored are predict, synthesize"):
        score_on(team, bench, ["notebook"])
    with pytest.raises(ShdError, match="there is no score of 'predict' on 'public' people"):
        score_on(team, bench, ["predict"]).of("predict", "public")


def test_the_command_prints_gates_and_ends_with_1_where_nothing_was_scored(team, capsys):
    assert cli.main(["challenge", "score", str(team), "--track", "predict"]) == 1
    said = capsys.readouterr().out
    assert "gate  FAILED  schema" in said and said.splitlines()[-1] == "Score: predict -, not ranked (visible)"
    ids = pd.read_parquet(team / "data" / "predict.parquet")["id"]
    table = pd.DataFrame({"id": ids, "chance_any": 0.5, "chance_30": 0.5})
    table.to_csv(team / "submission" / "predictions.csv", index=False)
    assert cli.main(["challenge", "score", str(team), "--track", "predict", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["tracks"][0]["value"], found["tracks"][0]["ranked"], found["team"]) == (0.5, True, "team")
