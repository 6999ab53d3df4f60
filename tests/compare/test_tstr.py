import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import ask, tstr
from shd.compare.ask import answers
from shd.compare.core.models import FAMILIES
from shd.compare.core.sides import look
from shd.compare.utility import augmentation, calibration, importance, ranking, regression
from shd.compare.utility import tstr as utility
from shd.dataset import Dataset

QUESTIONS = tuple(module.QUESTION for module in (utility, ranking, augmentation, importance, calibration, regression))


def asked(train, synthetic, holdout=None, target="sick", level="full") -> dict:
    given = {"train": train, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    return answers(QUESTIONS, look(given, target, level))


def test_a_level_is_learned_from_a_fresh_sample(people):
    found = tstr(people(600, 1), people(600, 2), "sick")
    assert list(found) == ["yes"] or list(found) == ["no"]  # two levels mirror each other
    assert 0.8 < next(iter(found.values())) < 1


def test_every_common_level_gets_a_model(people):
    assert set(tstr(people(300, 1), people(300, 2), "pills")) == {"none", "some", "many"}


def test_a_number_gets_r2(people):
    found = tstr(people(400, 1), people(400, 2), "blood")
    assert 0.6 < found["R2"] < 1


def test_a_number_of_few_values_is_a_set_of_levels(people):
    frame = people(300, 1).assign(sick=lambda f: (f["sick"] == "yes").astype(int))
    assert list(tstr(frame, frame, "sick")) in (["1"], ["0"])


def test_a_level_that_synthetic_records_lack_cannot_be_learned(people):
    without = people(300, 1)
    assert tstr(without[without["pills"] != "many"], people(300, 2), "pills")["many"] == 0.5


@pytest.mark.parametrize("target", [None, "no such column"])
def test_an_unknown_target_is_refused(people, target):
    with pytest.raises(ShdError, match="is not a column that both tables have"):
        tstr(people(30, 1), people(30, 2), target)


def test_a_column_called_target_is_no_role(people):
    tables = [people(60, seed).rename(columns={"sex": "target"}) for seed in (1, 2)]
    with pytest.raises(ShdError, match="target=None is not a column"):
        tstr(*tables)
    assert tstr(*tables, target="target")


def _coin(people, n: int, seed: int) -> pd.DataFrame:
    return people(n, seed).assign(sick=np.random.default_rng(seed + 99).choice(["no", "yes"], n))


@pytest.mark.parametrize(("n", "make"), [(400, _coin), (30, lambda people, n, seed: people(n, seed))])
def test_of_models_that_guess_nothing_can_be_told(people, n, make):
    """Of thirty records none is learned: both models give one chance to everybody, and would agree completely."""
    train, synthetic, holdout = (make(people, n, seed) for seed in (1, 2, 3))
    answer = ask(utility.QUESTION.name, train, synthetic, holdout=holdout, target="sick")
    assert answer.scores[0].verdict == "grey" and "better than guessing" in answer.scores[0].sentence
    assert answer.table("utility")["design"].tolist() == list(utility.DESIGNS)


def test_a_constant_target_is_refused(people):
    frame = people(30, 1).assign(sick="yes")
    with pytest.raises(ShdError, match="single level"):
        tstr(frame, frame, "sick")


def test_scores(fresh, scrambled):
    (good,), (bad,) = ([s for s in r.results if s.metric.startswith("TSTR")] for r in (fresh, scrambled))
    assert good.verdict == "green" and good.value == pytest.approx(1, abs=0.1)
    assert bad.verdict == "red" and bad.value == pytest.approx(0, abs=0.2)
    assert fresh.table("utility")["design"].tolist() == ["TRTR", "TSTR", "TSTS", "TRTS", "floor"]


def test_a_level_too_rare_to_test_is_listed(people):
    train, holdout = people(200, 1), people(200, 2)
    rare = holdout.assign(pills=holdout["pills"].where(holdout["pills"] != "many", "some"))
    found = ask(utility.QUESTION.name, train, train, holdout=rare, target="pills")
    assert "target level many" in [note.what for note in found.skipped]


def test_a_level_that_hardly_anybody_has_is_not_named_in_what_is_handed_on(people):
    train, holdout = people(300, 1), people(300, 2)
    train = train.assign(pills=["poison"] * 3 + train["pills"].tolist()[3:])
    found = ask(utility.QUESTION.name, train, train, holdout=holdout, target="pills")
    assert "a rare level of the target" in [note.what for note in found.skipped]
    assert not any("poison" in note.what + note.why for note in found.skipped)


def _odd_tables() -> dict[str, tuple[pd.DataFrame, str | None]]:
    rng = np.random.default_rng(0)
    plain = pd.DataFrame({"x": rng.normal(size=60), "g": rng.choice(["a", "b"], 60), "sick": rng.choice([0, 1], 60)})
    return {
        "one record": (plain.head(1), "sick"),
        "one column": (plain[["sick"]], "sick"),
        "no target": (plain, None),
        "a constant target": (plain.assign(sick=1), "sick"),
        "a missing target": (plain.assign(sick=np.nan), "sick"),
        "a nearly constant target": (plain.assign(sick=[1] + [0] * 59), "sick"),
        "constant columns": (plain.assign(x=1.0, g="a"), "sick"),
        "missing columns": (plain.assign(x=np.nan, g=None), "sick"),
        "a missing number as target": (plain.assign(x=np.nan), "x"),
        "huge numbers": (plain.assign(x=plain["x"] * 1e200), "sick"),
        "infinite numbers": (plain.assign(x=np.where(plain["x"] > 1, np.inf, plain["x"])), "sick"),
        "a copy of the target": (plain.assign(g=plain["sick"].astype(str)), "sick"),
        "a number as target": (plain, "x"),
        "a name with braces": (plain.rename(columns={"sick": "{sick}"}), "{sick}"),
        "many levels": (plain.assign(g=rng.integers(0, 40, 60).astype(str)), "sick"),
        "a rare level": (plain.assign(g=["c"] + ["a"] * 59), "sick"),
        "dates": (plain.assign(x=pd.Timestamp("2020-11-14") + pd.to_timedelta(np.arange(60), unit="D")), "sick"),
    }


@pytest.fixture
def few_families(monkeypatch):
    """That every family stands odd numbers is tested in `test_models`."""
    monkeypatch.setattr(ranking, "FAMILIES", FAMILIES[1:4])


@pytest.mark.usefixtures("few_families")
@pytest.mark.parametrize("odd", list(_odd_tables()))
def test_odd_tables_are_judged_or_skipped_with_a_reason(odd):
    table, target = _odd_tables()[odd]
    for question, answer in asked(table, table.copy(), table.copy(), target).items():
        assert answer.scores or answer.skipped, question.name
        for score in answer.scores:
            assert np.isfinite([score.value, score.low, score.high, score.ceiling]).all(), score
            assert score.floor is None or np.isfinite(score.floor)


@pytest.mark.usefixtures("few_families")
@pytest.mark.parametrize("n", [1, 45, 600])
def test_without_a_holdout_a_part_of_train_is_tested_on(people, n):
    for question, answer in asked(people(n, 1), people(n, 2)).items():
        assert answer.scores or (answer.skipped and n < 600), question.name
        assert all(score.ceiling is not None for score in answer.scores)


@pytest.mark.parametrize("collapsed", ["one level", "one record"])
def test_synthetic_records_of_one_level_are_judged_or_skipped(people, collapsed):
    """Mode collapse: the target has a single level, or every record is the same one."""
    synthetic = people(200, 2).assign(sick="no") if collapsed == "one level" else people(200, 2).iloc[[0] * 200]
    for question, answer in asked(people(250, 1), synthetic, people(200, 3)).items():
        assert answer.scores or answer.skipped
        # records that teach nothing do not spoil what a hundred real ones teach
        assert question == augmentation.QUESTION or not any(score.verdict == "green" for score in answer.scores)


def test_one_subject_alone_is_skipped(people):
    train = Dataset(people(200, 1), target="sick", subjects=np.zeros(200))
    found = asked(train, people(200, 2), level="quick", target=None)
    assert all(answer.scores or answer.skipped for answer in found.values())


def test_chances_of_the_quick_level_come_from_fewer_records(people, monkeypatch):
    monkeypatch.setattr(utility, "_MOST_ROWS", 800)
    seen = []
    learn = utility.Task.learn

    def spy(task, train, *family):
        seen.append(len(train))
        return learn(task, train, *family)

    monkeypatch.setattr(utility.Task, "learn", spy)
    for level, most in (("full", 800), ("quick", 500)):
        seen.clear()
        tables = people(900, 1), people(900, 2)
        ask(utility.QUESTION.name, *tables, holdout=people(200, 3), target="sick", level=level)
        assert max(seen) == most


@pytest.mark.slow
@pytest.mark.real_data
def test_readmission_is_as_hard_as_it_is_known_to_be(real_diabetes):
    """Anything near 0.9 would be leakage."""
    train, holdout = real_diabetes.split(random_state=0)
    found = tstr(train, holdout)
    assert found["NO"] == pytest.approx(0.675, abs=0.02)
    assert found["<30"] == pytest.approx(0.65, abs=0.02)
