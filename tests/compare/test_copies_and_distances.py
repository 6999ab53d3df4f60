from importlib import import_module

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import ask
from shd.compare.ask import answers
from shd.compare.core.result import Result
from shd.compare.core.score import judge_excess
from shd.compare.core.sides import look
from shd.compare.privacy import distances
from shd.dataset import Dataset

DISTANCES = "distances to the closest records"
ASKED = [
    import_module(f"shd.compare.privacy.{name}").QUESTION
    for name in ("copies", "exact_values", "near_copies", "distances")
]

TRAIN = pd.DataFrame({"n": [0.0, 10.0, 4.0, np.nan], "c": ["a", "b", "a", None]})


def _copies(train, synthetic) -> float:
    return ask("verbatim copies", train, synthetic).score("verbatim copies").value


def test_copies_are_counted_missing_values_included():
    synthetic = pd.DataFrame({"n": [10, 10, np.nan, 4, 0], "c": ["b", "a", None, "a", None]})
    assert _copies(TRAIN, synthetic) == 3  # the first, third and fourth
    assert _copies(TRAIN, TRAIN) == 4


def _dcr(train, synthetic, holdout, **settings) -> float:
    return ask(DISTANCES, train, synthetic, holdout=holdout, **settings).score("DCR share").value


def test_dcr_share_by_hand():
    def of_fifty(n, c):
        return pd.DataFrame({"n": np.repeat(n, 100 // len(n)), "c": np.repeat(c, 100 // len(c))})

    train, holdout = of_fifty([0.0, 10.0], ["a", "b"]), of_fifty([5.0, 10.0], ["a", "a"])
    synthetic = of_fifty([0.0, 5.0, 10.0, 2.5], ["a", "a", "a", "a"])  # range in train 10
    found = ask(DISTANCES, train, synthetic, holdout=holdout)
    # to train 0, .5, 1, .25; to holdout .5, 0, 0, .25: one nearer to train, two to holdout, one tie
    assert found.score("DCR share").value == pytest.approx((1 + 0 + 0 + 0.5) / 4)
    frame = found.table("distances").query("records == 'synthetic'").iloc[::25]
    assert (2 * frame["to train"]).tolist() == [0, 0.5, 1, 0.25]
    assert (2 * frame["to holdout"]).tolist() == [0.5, 0, 0, 0.25]


def test_missing_numbers_differ_from_every_number_and_agree_with_each_other():
    train = pd.DataFrame({"n": [np.nan, 0.0] * 50, "c": "a"})
    assert _dcr(train, train.iloc[np.zeros(60, dtype=int)], pd.DataFrame({"n": [1.0] * 60, "c": "a"})) == 1


def test_copies_of_train_lie_nearer_to_train_and_fresh_records_between(people):
    train, holdout = people(600, 1), people(600, 2)
    assert _dcr(train, train, holdout) > 0.9
    assert _dcr(train, people(600, 3), holdout) == pytest.approx(0.5, abs=0.05)


def test_fresh_records_show_nothing(cohort):
    found = _scores(*cohort)
    assert found["verbatim copies"].verdict == found["DCR share"].verdict == "grey"
    assert "no guarantee" in found["DCR share"].sentence


def test_what_is_no_table_is_refused():
    with pytest.raises(ShdError, match="synthetic must be"):
        ask("verbatim copies", TRAIN, 3)


def _scores(train, synthetic, holdout=None):
    """Return the scores of all questions on copies and distances, by metric."""
    given = {"train": train, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    sides = look(given)
    return {score.metric: score for score in Result.of(sides, answers(ASKED, sides)).scores}


def _near(train, synthetic, holdout) -> float:
    return ask("near copies", train, synthetic, holdout=holdout).score("near copies").value


def test_near_copies_by_hand():
    train = pd.DataFrame({"n": np.arange(0.0, 1001, 10)})
    holdout = pd.DataFrame({"n": 10.0 * (np.arange(200) // 2) + np.repeat([1.0, 4.0], [2, 198])})
    synthetic = pd.DataFrame({"n": [0.0, 10.5, 22.0, 34.0, 45.0, 1000.0]})  # the nearest 1 % held out are 1 away
    assert _near(train, synthetic, holdout) == pytest.approx(3 / 6)


def test_near_copies_are_one_in_a_hundred_where_all_tie():
    same = pd.DataFrame({"c": ["a"] * 150})
    assert _near(same, same, same) == pytest.approx(0.01)


def test_ratios_of_distances_by_hand():
    # 0 of 10; 2 of 8; 5 of 5; two people at the same place; nobody else
    far = np.array([[0.0, 10], [2, 8], [5, 5], [0, 0], [3, np.inf]])
    assert distances._ratio(far).tolist() == [0, 0.25, 1, 1, 1]


def test_a_copy_of_train_is_caught_by_distances(cohort):
    train, _, holdout = cohort
    found = _scores(train, train.frame, holdout)
    assert found.pop("exact values").verdict == "amber"
    assert {name: score.verdict for name, score in found.items()} == dict.fromkeys(found, "red")
    assert found["verbatim copies"].value == 800
    assert list(found) == ["verbatim copies", "near copies", "DCR share", "NNDR gap"]
    assert found["near copies"].value == 1 and found["NNDR gap"].value == 1


@pytest.mark.parametrize("seed", [31, 41])
def test_new_people_are_no_near_copies(people, seed):
    found = _scores(people(800, seed), people(800, seed + 1), people(800, seed + 2))
    assert {found[name].verdict for name in ("near copies", "DCR share", "NNDR gap")} == {"grey"}
    for score in found.values():
        assert score.low <= score.value <= score.high and score.floor is not None and score.ceiling is not None
    assert "no guarantee" not in found["near copies"].sentence


def test_records_that_are_nearly_those_of_people_are_near_copies(people):
    train = people(600, 1)
    blurred = train.assign(blood=train["blood"] + np.random.default_rng(0).normal(0, 0.005, 600))
    found = _scores(train, blurred, people(600, 2))
    assert found["verbatim copies"].value == 0
    assert found["near copies"].verdict == "red"


def test_copies_beyond_what_people_share_by_chance_are_red_whatever_the_holdout_holds(people):
    train, fresh = people(300, 1), people(180, 2)
    mixed = pd.concat([train.head(120), fresh], ignore_index=True)
    assert {name: score.verdict for name, score in _scores(train, mixed).items()} == {"verbatim copies": "red"}
    assert _scores(train, mixed, train.copy())["verbatim copies"].verdict == "red"  # a holdout that is train


def test_equal_records_of_one_person_are_no_chance(people):
    """Every record comes twice: where both are of one person, hardly anybody is like another."""
    twice, copies = people(100, 1).loc[np.repeat(np.arange(100), 2)], people(100, 1).head(20)
    made = pd.concat([copies, people(80, 2)], ignore_index=True)
    verdict = {}
    for name, subjects in (("one", np.repeat(np.arange(100), 2)), ("two", np.arange(200))):
        verdict[name] = _scores(Dataset(twice, subjects=subjects), made)["verbatim copies"].verdict
    assert verdict == {"one": "red", "two": "grey"}


@pytest.mark.parametrize("n", [32, 96])
def test_several_records_a_person_of_a_coarse_table_are_equal_by_chance(n):
    """Strangers are laid beside all records of the others, as released ones are: thrice as many as people."""

    def stays(people, seed):
        rng = np.random.default_rng(seed)
        columns = {"sex": (["f", "m"], 3 * people), "stays": (9, 3 * people), "sick": (["no", "yes"], 3 * people)}
        return pd.DataFrame({name: rng.choice(*drawn) for name, drawn in columns.items()})

    train, holdout = (
        Dataset(stays(people, seed), subjects=np.arange(3 * people) // 3) for people, seed in ((n, 1), (n // 4, 2))
    )
    copies = ask("verbatim copies", train, stays(n, 3), holdout=holdout).score("verbatim copies")
    assert copies.value > 0.9 * 3 * n
    assert copies.verdict == "grey"


@pytest.mark.parametrize(
    ("value", "low", "ceiling", "verdict"),
    [
        (0.70, 0.60, 0.73, "amber"),  # other real records are as near
        (0.70, 0.60, 0.50, "red"),
        (0.54, 0.51, 0.50, "grey"),  # clear for one score, not for all of privacy
        (0.54, 0.53, 0.50, "amber"),
        (0.598, 0.565, 0.50, "red"),  # what a fit that memorises reached
        (0.44, 0.40, 0.50, "grey"),
    ],
)
def test_bands_of_the_dcr_share(value, low, ceiling, verdict):
    red_from = max(distances._RED_FROM, ceiling - 0.5)
    settings = {"passed": "grey", "red_from": red_from}
    assert judge_excess(value - 0.5, low - 0.5, 1, 0, distances._AMBER_TO, **settings) == verdict


def test_the_floor_remembers_nobody(people):
    """Columns drawn one by one, and no number that one person alone has."""
    train = people(900, 1)
    inputs = look({"train": train, "synthetic": people(900, 2), "holdout": people(900, 3)})
    blood, age = (inputs.train.names.index(name) for name in ("blood", "age"))
    assert not np.isin(inputs.floor.values[:, blood], inputs.train.values[:, blood]).any()
    assert np.isin(inputs.floor.values[:, age], inputs.train.values[:, age]).mean() > 0.9  # ages are shared by many
    quantiles = [np.quantile(side.values[:, blood], [0.1, 0.5, 0.9]) for side in (inputs.floor, inputs.train)]
    assert quantiles[0] == pytest.approx(quantiles[1], abs=2)
    assert distances.measure(inputs).scores[0].floor == pytest.approx(0.5, abs=0.06)


def _planted(train, fresh, made):
    return pd.concat([made, fresh.iloc[len(made) :]], ignore_index=True)[list(train.columns)]


@pytest.mark.parametrize("seed", [61, 71])
def test_a_few_copies_are_seen_and_new_people_are_not(people, seed):
    """One record in a hundred copied; two with one cell changed; two a little blurred; two of outliers."""
    rng = np.random.default_rng(seed)
    train, fresh, holdout = (_wide(people(1000, seed + k), rng) for k in range(3))
    alarms = lambda made: [n for n, s in _scores(train, made, holdout).items() if s.verdict in ("amber", "red")]  # noqa: E731
    assert alarms(fresh) == []
    assert "verbatim copies" in alarms(_planted(train, fresh, train.head(10)))
    changed = train.head(20).copy()
    for row in changed.index:
        column = rng.choice(train.columns)
        changed.loc[row, column] = fresh[column].iloc[rng.integers(1000)]
    assert "near copies" in alarms(_planted(train, fresh, changed))
    blurred = train.head(20).copy()
    for name in ("blood", "weight", "height", "sugar"):
        blurred[name] += rng.normal(0, 0.01 * train[name].std(), 20)
    assert "near copies" in alarms(_planted(train, fresh, blurred))
    apart = train.loc[(train["blood"] - train["blood"].mean()).abs().nlargest(20).index]
    assert "verbatim copies" in alarms(_planted(train, fresh, apart))


def _wide(table, rng):
    for name in ("weight", "height", "sugar"):
        table[name] = table["age"] * 0.2 + rng.normal(0, 5, len(table))
    return table


def test_equal_records_are_no_alarm_where_strangers_share_them(people):
    """Few columns of few levels: one record in three equals somebody's, by chance."""
    coarse = [
        people(600, seed)[["pills", "sick", "sex"]].assign(age=(people(600, seed)["age"] // 5)) for seed in range(9)
    ]
    for k in range(0, 9, 3):
        found = _scores(*coarse[k : k + 3])
        assert found["verbatim copies"].value > 200
        assert found["verbatim copies"].verdict == found["near copies"].verdict == "grey"


def test_exact_values_by_hand():
    train = pd.DataFrame({"n": [1.5, 2.5, 2.5, 2.5, 2.5, 2.5], "c": list("aabbab")})
    synthetic, holdout = train.assign(n=[1.5, 2.5, 9.0, np.nan, 1.5, 2.5]), train.assign(n=[2.5, 7.0] * 3)
    (row,) = ask("exact values", train, synthetic, holdout=holdout).table("exact values").to_dict("records")
    assert row == {
        "column": "n", "synthetic": 0.8, "held out": 0.5, "of few, synthetic": 0.4, "of few, held out": 0.0
    }  # fmt: skip


def test_numbers_of_single_people_that_are_handed_on_are_told(people):
    train, holdout = people(600, 1), people(600, 2)
    drawn = pd.DataFrame({name: train[name].sample(600, random_state=k).to_numpy() for k, name in enumerate(train)})
    score = _scores(train, drawn, holdout)["exact values"]
    assert score.verdict == "amber" and "blood 100.0% are exact values of train" in score.sentence
    assert _scores(train, people(600, 3), holdout)["exact values"].verdict == "grey"
    whole = [table[["age", "sick"]] for table in (train, drawn, holdout)]  # ages are shared by many
    assert _scores(*whole)["exact values"].verdict == "grey"


def test_records_count_with_the_people_that_they_are_near_to():
    side = distances._Side(np.zeros((5, 2)), np.array([7, 7, 7, 9, 9]), n_people=4)
    other = distances._Side(np.zeros((2, 2)), np.array([9, 5]), n_people=4)
    found, again = distances._drawn([side, other], np.random.default_rng(0))
    drawn = found.often
    assert drawn.shape[1] == 5 and (drawn[:, :3] == drawn[:, :1]).all() and (drawn[:, 3] == drawn[:, 4]).all()
    assert (again.often[:, 0] == drawn[:, 3]).all() and (again.often[:, 1] != drawn[:, 0]).any()  # the same nine
    assert drawn[:, [0, 3]].mean(axis=0) == pytest.approx(1, abs=0.2)
    of_all = found.scale * drawn[:, [0, 3]].sum(axis=1)
    assert of_all.max() <= 4 and (of_all < 4).any()  # two more people are near to no record


def test_a_small_holdout_leaves_out_near_copies_and_says_so(people):
    found = ask("near copies", people(100, 1), people(100, 2), holdout=people(90, 3))
    assert found.scores == () and found.skipped[0].what == "near copies" and "100 people" in found.skipped[0].why


def test_the_same_seed_gives_the_same_digits(people):
    tables = people(300, 1), people(300, 2), people(300, 3)
    assert _scores(*tables) == _scores(*tables)


def _visits(seed: int, people: int) -> Dataset:
    """People with one to four records each that are nearly alike."""
    rng = np.random.default_rng(seed)
    at = np.repeat(rng.normal(size=(people, 3)), rng.integers(1, 5, people), axis=0)
    subjects = np.unique(at[:, 0], return_inverse=True)[1]
    return Dataset(pd.DataFrame(at + 0.01 * rng.normal(size=at.shape), columns=list("abc")), subjects=subjects + 1)


def test_a_table_of_more_people_is_not_nearer_for_that():
    """Cut to as many records, the larger table would show more people, and be nearer to everybody: .65 for .5."""
    shares = [_dcr(_visits(3 * s, 200), _visits(3 * s + 1, 150), _visits(3 * s + 2, 50)) for s in range(10)]
    assert np.mean(shares) == pytest.approx(0.5, abs=0.06)


def test_no_near_copy_among_many_records_is_no_certainty(people):
    score = ask("near copies", people(400, 1), people(400, 2), holdout=people(400, 3)).score("near copies")
    assert score.low == 0 <= score.value and score.high > score.value


def test_ratios_of_distances_are_left_out_where_all_people_are_alike():
    def table(seed: int) -> pd.DataFrame:
        rng = np.random.default_rng(seed)
        return pd.DataFrame({"a": rng.choice(["x", "y"], 300), "b": rng.choice(["x", "y"], 300)})

    found = ask(DISTANCES, table(1), table(2), holdout=table(3))
    assert found.score("NNDR gap") is None and found.score("DCR share") is not None
    assert "too few different values" in {note.what: note.why for note in found.skipped}["NNDR gap"]
