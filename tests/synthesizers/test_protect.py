"""What few people have is neither learned nor told: levels, numbers, gaps and combinations."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers import BayesianNetwork, Marginals
from shd.synthesizers._conditions import Conditions
from shd.synthesizers._few import distinct_people, merge_neighbours
from shd.synthesizers._protect import Protection, people_of
from shd.synthesizers.encoding import ColumnCodec, TableEncoder


def rng(seed=0):
    return np.random.default_rng(seed)


def protected(values, people=None, **roles):
    """The protected column, of a table with another one."""
    frame = pd.DataFrame({"x": values, "y": rng().integers(0, 3, len(values))})
    data = Dataset(frame, subjects=people, **roles)
    return Protection.fit(data).apply(data).frame["x"]


# Levels -----------------------------------------------------------------------------------------


def test_levels_of_few_people_become_other_and_alone_the_commonest():
    towns = ["Kiel"] * 90 + ["Jena"] * 50 + ["Au", "Ob"] * 3
    assert protected(towns).value_counts().to_dict() == {"Kiel": 90, "Jena": 50, "other": 6}
    assert protected(towns[:142]).value_counts().to_dict() == {"Kiel": 92, "Jena": 50}


def test_it_is_people_that_count_and_not_records():
    towns = ["Kiel"] * 90 + ["Au"] * 60
    people = np.r_[np.arange(90), np.arange(60) % 4]  # sixty stays of four people
    assert protected(towns, people).eq("Kiel").all()
    assert protected(towns, np.arange(150) % 99).nunique() == 2


@pytest.mark.parametrize("dtype", ["str", "object", "string", "category"])
def test_whatever_the_text_is_held_in(dtype):
    values = pd.Series(["a"] * 30 + ["b"] * 30 + list("cdefg"), dtype="object").astype(dtype)
    got = protected(values)
    assert got.value_counts().to_dict() == {"a": 30, "b": 30, "other": 5}
    if dtype == "category":
        assert list(got.cat.categories) == ["a", "b", "other"]
    else:
        assert got.dtype == ("str" if dtype == "object" else dtype)  # text held as objects is text


def test_ordered_levels_go_to_their_neighbours_and_numbers_to_theirs():
    order = ["none", "mild", "grave", "worst"]
    values = pd.Series(
        pd.Categorical(["none"] * 40 + ["mild"] * 30 + ["grave"] * 9 + ["worst"] * 2, order, ordered=True)
    )
    got = protected(values)
    assert got.value_counts().to_dict() == {"none": 40, "mild": 30, "grave": 11}
    assert list(got.cat.categories) == order[:3] and got.cat.ordered
    numbers = pd.Series(pd.Categorical([1] * 40 + [2] * 40 + [7] * 3, [7, 1, 2]))
    assert protected(numbers).value_counts().to_dict() == {1: 40, 2: 43}


def test_declared_levels_stay_in_the_dtype_and_do_not_occur():
    values = pd.Series(pd.Categorical(["a"] * 50 + ["b"] * 40 + ["c"] * 4, ["a", "b", "c", "d"]))
    got = protected(values, declared=("x",))
    assert list(got.cat.categories) == ["a", "b", "c", "d"] and set(got) == {"a", "b"}
    assert list(protected(values).cat.categories) == ["a", "b"]  # a dtype of one's own declares nothing
    takes_in = values.cat.rename_categories({"b": "Other"})
    assert protected(takes_in, declared=("x",)).eq("Other").sum() == 44


def test_yes_and_no_go_together_where_few_say_yes():
    assert not protected([True] * 3 + [False] * 60).any()
    assert protected([True] * 5 + [False] * 60).sum() == 5


def test_the_holdout_gets_no_level_that_train_has_not():
    frame = pd.DataFrame({"x": ["a"] * 30 + ["b"] * 30 + list("cdefg"), "n": np.arange(65.0)})
    protection = Protection.fit(frame)
    other = protection.apply(pd.DataFrame({"x": ["a", "new", "c"], "n": [-5.0, 30.0, 1e9]}))
    assert other["x"].tolist() == ["a", "other", "other"]
    assert other["n"].tolist() == [4.0, 30.0, 60.0]


# Numbers and dates ------------------------------------------------------------------------------


def test_numbers_are_cut_where_five_people_lie_beyond():
    people = np.r_[np.arange(200), np.zeros(20)]  # one person has the twenty largest
    values = np.r_[rng().normal(3e4, 8e3, 200).round(2), np.linspace(1e6, 2e6, 20)]
    got = protected(values, people)
    highest = np.sort(values[:200])[::-1]
    assert highest[4] < got.max() <= highest[3]
    assert (got == got.max()).sum() >= 24
    assert round(got.max() % 10, 6) == 0  # rounded: nobody's own income
    assert got.min() == pytest.approx(np.sort(values)[4], abs=100)


def test_dates_are_cut_and_keep_their_type():
    for zone in (None, "Europe/Berlin"):
        days = pd.Series(pd.Timestamp("2020-01-01") + pd.to_timedelta(rng().integers(0, 700, 300), unit="D"))
        days[0] = pd.Timestamp("1901-02-03")
        values = days.dt.tz_localize(zone)
        got = protected(values)
        assert got.dtype == values.dtype and got.dt.year.min() == 2020


@pytest.mark.parametrize("dtype", ["int64", "Int64", "float32", "Float64", "uint8"])
def test_counts_of_few_people_join_their_neighbours(dtype):
    values = pd.Series([0] * 90 + [1] * 60 + [2] * 30 + [3, 3, 4, 4, 5, 6] + [9] * 2, dtype=dtype)
    got = protected(values)
    assert got.dtype == values.dtype
    assert (distinct_people(got.to_numpy(int), np.arange(len(got)), 10)[got.unique().astype(int)] >= 5).all()
    assert abs(got.astype(float).mean() - values.astype(float).mean()) < 0.1


def test_gaps_of_few_people_are_filled_and_what_few_have_is_gone():
    gaps = pd.Series(np.r_[rng().normal(70, 9, 200), [np.nan] * 3])
    assert protected(gaps).notna().all()
    assert protected(pd.Series(["a"] * 60 + ["b"] * 40 + [None] * 4)).eq("a").sum() == 64
    assert protected(pd.Series(np.r_[[1.5] * 4, [np.nan] * 99])).isna().all()
    assert protected(pd.Series(["rare"] * 4 + [None] * 99, dtype="category")).isna().all()
    assert protected(pd.Series(np.r_[[1.5] * 40, [np.nan] * 5])).isna().sum() == 5


@pytest.mark.parametrize("kind", ["str", "category", "number", "ordered"])
def test_levels_of_few_people_with_many_records_join_one_that_enough_people_share(kind):
    people = np.array([0, 1, 2, 3, 4, 5, 5, 4, 2, 2, 5, 4, 4, 2, 6, 3, 2, 7, 2, 1])
    values = pd.Series(list("baaacgbbbhcaeabaebaa"))  # a: 8 records of 4 people; b: 6 of 6
    if kind == "number":
        values = values.map(ord).astype("category")
    elif kind != "str":
        values = values.astype(pd.CategoricalDtype(list("abcegh"), ordered=kind == "ordered"))
    data = Dataset(pd.DataFrame({"x": values, "y": 1}), subjects=people)
    fitted = Protection.fit(data, 6)
    once = fitted.apply(data)
    at, levels = pd.factorize(once.frame["x"].astype(object))
    assert (distinct_people(at, people, len(levels)) >= 6).all()
    pd.testing.assert_frame_equal(Protection.fit(once, 6).apply(once).frame, once.frame)
    unheard = pd.Series([0 if kind == "number" else "z"] * 20, dtype="str" if kind == "str" else "category")
    told = fitted.apply(Dataset(pd.DataFrame({"x": unheard, "y": 1}), subjects=people)).frame["x"]
    assert set(told) <= set(once.frame["x"])  # a level that train never had becomes one that it has


@st.composite
def columns(draw):
    n = draw(st.integers(20, 120))
    kind = draw(st.sampled_from(["float64", "int64", "Int64", "float32", "str", "category", "bool", "datetime64[us]"]))
    seed = rng(draw(st.integers(0, 999)))
    if kind in ("str", "category"):
        values = pd.Series(seed.choice(list("abcdefghij"), n, p=[0.5, 0.3, *[0.025] * 8]), dtype=kind)
    elif kind == "bool":
        values = pd.Series(seed.random(n) < 0.05)
    else:
        numbers = seed.choice([seed.normal(0, 50, n), seed.zipf(1.5, n).clip(max=500), seed.integers(0, 9, n)])
        values = pd.Series(numbers if kind.startswith("float") else np.round(numbers)).astype(
            "int64" if kind.startswith("date") else kind
        )
        values = pd.to_datetime(values, unit="D").astype(kind) if kind.startswith("date") else values
    if kind not in ("int64", "bool"):
        values = values.mask(seed.random(n) < draw(st.sampled_from([0, 0.02, 0.3])))
    return values, np.append(np.arange(6), seed.integers(0, draw(st.sampled_from([8, 40, 1000])), n - 6))


@settings(max_examples=80, deadline=None)
@given(columns(), st.integers(2, 6))
def test_nothing_is_left_to_do_after_the_first_time(column, least):
    values, people = column
    data = Dataset(pd.DataFrame({"x": values, "y": 1}), subjects=people)
    once = Protection.fit(data, least).apply(data)
    pd.testing.assert_frame_equal(Protection.fit(once, least).apply(once).frame, once.frame)
    if not pd.api.types.is_numeric_dtype(values) and not pd.api.types.is_datetime64_any_dtype(values):
        at, levels = pd.factorize(once.frame["x"].astype(object))
        known = at >= 0
        assert (distinct_people(at[known], people_of(data)[known], len(levels)) >= least).all()


@settings(max_examples=80, deadline=None)
@given(columns(), st.integers(2, 6), st.integers(2, 50), st.integers(0, 99))
def test_a_codec_of_protected_numbers_tells_of_enough_people(column, least, max_bins, seed):
    values, people = column
    data = Dataset(pd.DataFrame({"x": values, "y": 1}), subjects=people)
    safe = Protection.fit(data, least).apply(data).frame["x"]
    codec = ColumnCodec.fit(safe, max_bins, 200, people_of(data), least)
    codec = ColumnCodec.from_dict(json.loads(json.dumps(codec.to_dict())))
    codes = codec.transform(safe)
    back = codec.inverse(codes, rng(seed))
    assert back.dtype == safe.dtype and back.isna().tolist() == safe.isna().tolist()
    assert codec.transform(back).tolist() == codes.tolist()
    assert (distinct_people(codes, people_of(data), codec.n_codes) >= least).all()
    assert not len(codec.weight) or codec.weight.min() >= least
    if safe.notna().any() and codec.levels is None:
        assert back.min() >= values.min() and back.max() <= values.max()


def told(codec):
    """Every number that a codec writes into a file."""
    return np.unique(np.r_[codec.low, codec.high])


@pytest.mark.parametrize(
    "values",
    [rng().lognormal(10, 0.6, 800).round(2), rng().normal(0, 1e-9, 800), rng().lognormal(0, 2, 800).astype("float32")],
    ids=["cents", "tiny", "single precision"],
)
def test_no_number_of_one_person_is_told_and_the_shape_holds(values):
    safe = protected(values)
    codec = ColumnCodec.fit(safe, 40, 200, np.arange(800), 5)
    shared = pd.Series(values).value_counts()
    few = shared.index[shared < 5]
    assert not np.isin(told(codec), few).any()
    back = codec.inverse(codec.transform(safe), rng())
    assert np.quantile(back, [0.1, 0.5, 0.9]) == pytest.approx(
        np.quantile(values, [0.1, 0.5, 0.9]), rel=0.05, abs=1e-11
    )
    assert np.isin(back, few).mean() < 0.05


def test_a_common_number_stays_exact_among_those_of_single_people():
    values = np.where(rng().random(900) < 0.6, 0, rng(1).lognormal(4, 1, 900).round(2))
    safe = protected(values)
    encoder = TableEncoder().fit(pd.DataFrame({"x": safe}), np.arange(900), 5)
    back = encoder.inverse(encoder.transform(pd.DataFrame({"x": safe})), rng())["x"]
    assert ((back == 0) == (values == 0)).all()
    assert np.allclose(back, back.round(2))


def test_runs_of_few_are_cut_into_groups_and_the_last_joins_the_nearest():
    at = np.array([0] * 9 + [1, 2, 3, 4, 5, 6] + [7] * 9 + [8])
    assert merge_neighbours(at, np.arange(len(at)), np.arange(9.0), 3).tolist() == [0, 2, 2, 2, 5, 5, 5, 7, 7]


# Models -----------------------------------------------------------------------------------------


def test_combinations_of_few_people_are_no_classes():
    codes = np.array([[0, 0]] * 9 + [[1, 1]] * 8 + [[0, 1]] * 7)
    conditions, classes = Conditions.learn(("a", "b"), codes, np.r_[np.arange(17), np.zeros(7, int)], 5)
    assert conditions.combinations.tolist() == [[0, 0], [1, 1]]
    assert conditions.counts.tolist() == [16, 8] and (classes[17:] == 0).all()


def test_a_network_learns_nothing_of_states_of_few_people():
    n = 400
    a = np.r_[np.repeat(["x", "y"], n // 2)]
    b = np.where(a == "x", "u", "v")
    a[:3] = "z"  # of three people, the same person's record thrice each
    frame = pd.DataFrame({"a": np.r_[a, ["z"] * 6], "b": np.r_[b, ["w"] * 6]})
    people = np.r_[np.arange(n), np.repeat([0, 1, 2], 2)]
    data = Dataset(frame, subjects=people)
    for model in (BayesianNetwork().fit(data), BayesianNetwork(min_people=3).fit(data)):
        levels = {"w", "z"} & (set(model.encoder_["a"].levels) | set(model.encoder_["b"].levels))
        assert bool(levels) == (model.min_people == 3)


def test_a_model_file_names_no_level_and_no_number_of_few(tmp_path):
    n = 300
    frame = pd.DataFrame(
        {
            "town": ["Kiel", "Jena", "Bonn"] * (n // 3),
            "income": rng().lognormal(10, 0.4, n).round(2),
            "seen": pd.Timestamp("2001-01-01") + pd.to_timedelta(rng().integers(0, 7000, n), unit="D"),
        }
    )
    frame.loc[0, "town"], frame.loc[0, "income"] = "Hintertupfingen", 1_234_567.89
    for model in (Marginals(), BayesianNetwork()):
        content = model.fit(frame).save(tmp_path / "model.safetensors").read_bytes().decode("latin-1")
        assert "Hintertupfingen" not in content and "1234567.89" not in content
        assert not [x for x in frame["income"] if str(x) in content]
    content = Marginals(min_people=1).fit(frame).save(tmp_path / "model.safetensors").read_bytes().decode("latin-1")
    assert "Hintertupfingen" in content and "1234567.89" in content  # the test would see them


def test_a_table_of_fewer_people_than_that_is_refused():
    with pytest.raises(ShdError, match=r"tells of 4 people, fewer than min_people=5"):
        Marginals().fit(Dataset(pd.DataFrame({"a": [1, 2] * 40}), subjects=np.arange(80) % 4))
    for wrong in (0, 2.5, True, "5"):
        with pytest.raises(ShdError, match="min_people="):
            Marginals(min_people=wrong).fit(pd.DataFrame({"a": [1, 2] * 80}))
