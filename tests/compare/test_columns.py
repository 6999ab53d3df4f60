import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import ask
from shd.compare.fidelity.distributions import without_rare
from shd.dataset import Dataset


def frame(*values, **columns):
    return pd.DataFrame(columns or {"x": values})


def column_distances(train, synthetic, what="distance"):
    return ask("columns", train, synthetic).table("columns").set_index("column")[what]


def wasserstein_distances(train, synthetic):
    return column_distances(train, synthetic, "wasserstein")


def test_total_variation_by_hand():
    # shares a .5 b .25 c .25 against a .25 b .75 c 0: half of .25 + .5 + .25
    assert column_distances(frame(*"aabc"), frame(*"abbb"))["x"] == pytest.approx(0.5)


def test_missing_is_a_level():
    assert column_distances(frame("a", "a", None, None), frame("a", "a", "a", "a"))["x"] == pytest.approx(0.5)


def test_kolmogorov_smirnov_by_hand():
    # at 2: 2 of 4 against 0 of 2
    assert column_distances(frame(1, 2, 3, 4), frame(3, 4))["x"] == pytest.approx(0.5)


def test_missing_counts_as_smaller_than_every_number():
    assert column_distances(frame(1.0, 2.0), frame(np.nan, 2.0))["x"] == pytest.approx(0.5)
    assert column_distances(frame(np.nan, 2.0), frame(np.nan, 2.0))["x"] == 0


def test_nothing_in_common_is_one():
    distances = column_distances(frame(n=[1, 2], c=["a", "b"]), frame(n=[8, 9], c=["y", "z"]))
    assert distances.tolist() == [1, 1]


def test_the_type_a_table_was_stored_with_does_not_matter():
    first = frame(n=[1, 2, 3], c=pd.Categorical([1, 2, 2]), b=[True, False, True])
    second = frame(n=["1", "2", "3"], c=["2", "1", "2"], b=[1, 0, 1])
    assert column_distances(first, second).tolist() == [0, 0, 0]
    nullable = first.astype({"n": "Int64", "b": "boolean"})
    assert column_distances(nullable, first.astype({"n": float})).tolist() == [0, 0, 0]


def test_dates_are_numbers():
    days = pd.date_range("2020-01-01", periods=4)
    assert column_distances(frame(*days), frame(*days[2:]))["x"] == pytest.approx(0.5)
    assert column_distances(frame(*days), frame(*days.astype(str)))["x"] == 0


def test_wasserstein_by_hand():
    # 1, 2, 3, 4 against 3, 4, 5, 6: every value has to move by 2
    assert wasserstein_distances(frame(1, 2, 3, 4), frame(3, 4, 5, 6))["x"] == pytest.approx(2)
    # half of the records move from 0 to 10
    assert wasserstein_distances(frame(0, 0, 0, 0), frame(0, 10))["x"] == pytest.approx(5)


def test_wasserstein_is_in_the_units_of_the_column():
    days = pd.date_range("2020-01-01", periods=4)
    assert wasserstein_distances(frame(*days), frame(*(days + pd.Timedelta(days=3))))["x"] == pytest.approx(3)
    train, other = frame(1.0, 2.0, 3.0), frame(2.0, 3.0, 4.0)
    assert wasserstein_distances(train * 1000, other * 1000)["x"] == pytest.approx(1000)


def test_wasserstein_is_for_known_numbers_alone():
    assert wasserstein_distances(frame(1.0, 2.0, np.nan), frame(2.0, 3.0, 2.0, 3.0))["x"] == pytest.approx(1)
    assert np.isnan(wasserstein_distances(frame(1.0, 2.0), frame(np.nan, np.nan))["x"])
    assert np.isnan(wasserstein_distances(frame(*"ab"), frame(*"cd"))["x"])


@pytest.mark.parametrize("bad", [[1, 2], None, "table"])
def test_what_is_no_table_is_refused(bad):
    with pytest.raises(ShdError, match="must be a Dataset or a pandas DataFrame"):
        column_distances(frame(1, 2), bad)


def test_no_shared_column_is_refused():
    with pytest.raises(ShdError, match="share no column"):
        column_distances(frame(a=[1]), frame(b=[1]))


def test_scores(fresh, scrambled):
    for report in (fresh, scrambled):  # single columns are right in both
        score = report.score("column distance")
        assert score.verdict == "green"
        assert score.low <= score.value <= score.high
        assert report.table("columns")["column"].tolist() == ["age", "blood", "pills", "sick", "sex"]
    is_number = fresh.table("columns")["kind"] == "number"
    for what in ("wasserstein", "wasserstein real reference"):
        assert (fresh.table("columns")[what].notna() == is_number).all()
    shares = fresh.table("distributions").groupby("column")[["real", "synthetic", "holdout"]].sum()
    assert np.allclose(shares, 1)


def test_dates_beyond_the_nanoseconds():
    late = pd.DataFrame({"until": pd.to_datetime(["2020-01-01", "9998-12-31"] * 5).astype("datetime64[s]")})
    assert column_distances(late, late)["until"] == 0
    earlier = late.assign(until=late["until"] - pd.Timedelta(days=1))
    assert wasserstein_distances(late, earlier)["until"] == pytest.approx(1)


def bars_of(train, synthetic, holdout=None):
    return ask("columns", train, synthetic, holdout=holdout).table("distributions")


def test_bars_count_people_not_records():
    table = frame(n=[1.0, 1.0, 2.0, np.nan] * 10, c=list("aabb") * 10)
    bars = bars_of(Dataset(table, subjects=np.arange(40) // 2), table).set_index("column")["people"]
    assert bars["n"].tolist() == [10, 10, 10] and bars["c"].tolist() == [10, 10]  # two records a person
    assert bars_of(table, table)["people"].tolist() == [20, 10, 10, 20, 20]


def test_the_ends_of_numbers_are_folded_until_five_people_stand_there():
    numbers = frame(n=[0, 1, *[2] * 20, *[3] * 20, *[4] * 4, 99])
    bars = without_rare(bars_of(numbers, numbers), 5)
    assert bars["people"].tolist() == [22, 20, 5] and bars["right"].max() < 5
    assert bars["real"].sum() == pytest.approx(1) and bars["synthetic"].sum() == pytest.approx(1)
    few = without_rare(bars_of(numbers.head(3), numbers.head(3)), 5)
    assert len(few) == 1 and few["people"].tolist() == [3]  # one bar holds all


def test_rare_levels_become_one_unless_nobody_real_has_them():
    train = frame(c=[*"a" * 20, *"b" * 5, *"c" * 4, "d"])
    made, held = frame(c=[*"a" * 20, "invented"]), frame(c=[*"a" * 20, "held"])
    bars = without_rare(bars_of(train, made, held), 5)
    assert bars["label"].tolist() == ["a", "b", "invented", "(rare levels)"]
    assert bars["people"].tolist() == [20, 5, 0, 5]
    assert bars["real"].sum() == pytest.approx(1) and bars["holdout"].sum() == pytest.approx(1)


def test_many_visits_of_one_person_are_rare_too():
    who = Dataset(frame(c=["lonely"] * 20 + ["home"] * 80), subjects=[0] * 20 + list(range(1, 81)))
    assert without_rare(bars_of(who, frame(c=["home"] * 9)), 5)["label"].tolist() == ["home", "(rare levels)"]
