"""`BayesianNetwork(epsilon=...)`: what it learns, what it pays, and what it never tells."""

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open

import shd
from shd import Dates, Domain, Levels, Numbers, ShdError
from shd._errors import ShdWarning
from shd.synthesizers import BayesianNetwork, load_synthesizer
from shd.synthesizers.dp.book import Budget
from shd.synthesizers.dp.cells import Column
from shd.synthesizers.dp.network import PrivateFit
from shd.synthesizers.dp.noise import Noise
from shd.synthesizers.dp.private import Records
from shd.tables.identify import people_in

ABC = Levels(["0", "1", "2"])


@pytest.fixture(scope="module")
def chain():
    """A -> B -> C: each copies the one before nine times in ten."""
    rng = np.random.default_rng(0)
    n = 5000
    a = rng.integers(0, 3, n)
    b = np.where(rng.random(n) < 0.9, a, rng.integers(0, 3, n))
    c = np.where(rng.random(n) < 0.9, b, rng.integers(0, 3, n))
    return pd.DataFrame({"A": a, "B": b, "C": c}).astype(str).astype("category")


CHAIN = Domain({"A": ABC, "B": ABC, "C": ABC})


@pytest.fixture(scope="module")
def mixed():
    """Every kind of column that can be declared."""
    rng = np.random.default_rng(0)
    n = 4000
    frame = pd.DataFrame(
        {
            "ward": rng.choice(["a", "b"], n),
            "stage": rng.integers(1, 4, n),
            "sick": rng.random(n) < 0.3,
            "age": rng.integers(0, 100, n),
            "weight": rng.normal(70, 12, n).round(1),
            "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 366, n), unit="D"),
            "stay": pd.to_timedelta(rng.integers(0, 20, n), unit="D"),
        }
    )
    frame.loc[::5, "weight"] = np.nan
    return frame


MIXED = Domain(
    {
        "ward": Levels(["a", "b", "c"], dtype="str"),
        "stage": Levels([1, 2, 3, 4], ordered=True),
        "sick": Levels([False, True]),
        "age": Numbers(0, 110, dtype="int16"),
        "weight": Numbers(2, 250, decimals=1, missing=True),
        "day": Dates("2019-01-01", "2021-12-31"),
        "stay": Dates("0 days", "60 days", dtype="timedelta64[us]"),
    }
)


def agree(frame, one, other):
    return (frame[one].astype(str) == frame[other].astype(str)).mean()


# Without a domain there is no promise ---------------------------------------------------------------


def test_a_table_without_domain_or_budget_for_one_is_refused_in_one_line(chain):
    with pytest.raises(ShdError, match=r"'A', 'B', 'C' have none. Declare .* domain=Domain.* or give delta") as error:
        BayesianNetwork(epsilon=1).fit(chain)
    assert "\n" not in str(error.value)
    with pytest.raises(ShdError, match="'C' have none"):  # a categorical dtype is no declaration
        BayesianNetwork(epsilon=1, domain=Domain({"A": ABC, "B": ABC})).fit(chain)
    with pytest.raises(ShdError, match="'A', 'B', 'C' have none"):  # nor in a Dataset
        BayesianNetwork(epsilon=1).fit(shd.Dataset(chain))


def test_the_domain_of_a_dataset_counts(chain):
    data = shd.Dataset(chain, domain=CHAIN | Domain({"gone": ABC}))
    assert BayesianNetwork(epsilon=1).fit(data).privacy_.guarantee


def test_a_declared_column_that_is_not_there_is_a_slip(chain):
    with pytest.raises(ShdError, match="no column 'D'"):
        BayesianNetwork(epsilon=1, domain=CHAIN | Domain({"D": ABC})).fit(chain)


@pytest.mark.parametrize(
    ("parameters", "why"),
    [
        *(({"epsilon": e}, "epsilon=.* must be a number above 0") for e in (0, -1, 1e-12, float("nan"), "1", True)),
        ({"epsilon": float("inf")}, "epsilon=.* must be a number above 0"),
        ({"epsilon": 1, "delta": 1}, "delta=1 must be"),
        ({"epsilon": 1, "delta": -1e-9}, "delta=.* must be"),
        ({"epsilon": 1, "max_records": 0}, "max_records=0 must be"),
        ({"epsilon": 1, "noise_seed": -1}, "noise_seed=-1 must be"),
        ({"epsilon": 1, "domain": {"A": ["0"]}}, "domain must be a Domain"),
        ({"domain": CHAIN}, "are for private fits"),
        ({"delta": 1e-6}, "are for private fits"),
        ({"noise_seed": 1}, "are for private fits"),
    ],
)
def test_arguments_that_promise_nothing_are_refused(chain, parameters, why):
    with pytest.raises(ShdError, match=why):
        BayesianNetwork(**parameters).fit(chain)


# What it learns -------------------------------------------------------------------------------------


def test_a_large_epsilon_keeps_the_pairs(chain):
    sample = BayesianNetwork(epsilon=100, domain=CHAIN).fit(chain).sample(20_000)
    for pair in (("A", "B"), ("B", "C"), ("A", "C")):
        assert agree(sample, *pair) == pytest.approx(agree(chain, *pair), abs=0.02)


def test_a_chain_is_recovered(chain):
    model = BayesianNetwork(degree=1, epsilon=20, domain=CHAIN).fit(chain)
    links = {frozenset((child, parent)) for child, parents in model.parents_.items() for parent in parents}
    assert links == {frozenset("AB"), frozenset("BC")}


def test_more_noise_keeps_less(chain):
    kept = [
        np.mean([agree(BayesianNetwork(epsilon=e, domain=CHAIN).fit(chain).sample(2000), "A", "C") for _ in range(5)])
        for e in (10, 0.002)
    ]
    assert kept[0] > 0.8 > 0.65 > kept[1]


def test_columns_come_back_as_declared_whatever_is_in_the_table(mixed):
    for epsilon in (100, 0.001):
        sample = BayesianNetwork(epsilon=epsilon, domain=MIXED).fit(mixed).sample(500)
        assert list(sample) == list(mixed)
        for name, declared in MIXED.columns.items():
            values = sample[name]
            assert str(values.dtype) == declared.dtype
            assert declared.missing or not values.isna().any()
        assert sample["stage"].cat.categories.tolist() == [1, 2, 3, 4] and sample["stage"].cat.ordered
        assert sample["age"].between(0, 110).all() and sample["weight"].dropna().between(2, 250).all()
        assert np.allclose(sample["weight"].dropna(), sample["weight"].dropna().round(1))
        assert sample["day"].between("2019-01-01", "2021-12-31").all()
        assert sample["stay"].between("0 days", "60 days").all()


def test_with_a_large_epsilon_single_columns_are_those_of_the_table(mixed):
    sample = BayesianNetwork(epsilon=200, domain=MIXED).fit(mixed).sample(20_000)
    assert sample["weight"].isna().mean() == pytest.approx(0.2, abs=0.01)
    assert sample["weight"].mean() == pytest.approx(mixed["weight"].mean(), abs=1)
    assert sample["age"].mean() == pytest.approx(mixed["age"].mean(), abs=1)
    assert sample["sick"].mean() == pytest.approx(0.3, abs=0.02)
    assert (sample["day"] - mixed["day"].mean()).mean() < pd.Timedelta("5 days")
    assert not (sample["ward"] == "c").mean() > 0.001


def test_columns_that_nobody_declared_are_learned_from_a_part_of_the_budget(mixed):
    model = BayesianNetwork(epsilon=50, delta=1e-6, domain=Domain({"sick": MIXED.columns["sick"]})).fit(mixed)
    sample = model.sample(5000)
    # noise may let a record in a thousand miss what none misses
    assert set(sample["ward"].dropna()) == {"a", "b"} and str(sample["ward"].dtype) == "str"
    assert sample["ward"].isna().mean() < 0.01
    assert str(sample["stage"].dtype) == str(sample["age"].dtype) == "int64"
    assert sample["weight"].isna().mean() == pytest.approx(0.2, abs=0.03)
    assert sample["day"].dt.year.between(2020, 2020).mean() > 0.99
    assert sample["stay"].mean() == pytest.approx(mixed["stay"].mean(), abs=pd.Timedelta("2 days"))
    bought = [entry for entry in model.privacy_.spent if entry.what.startswith("domain of")]
    assert [entry.what for entry in bought] == [f"domain of {name}" for name in mixed if name != "sick"]


def test_a_budget_too_small_to_name_a_level_says_so_and_names_none(mixed):
    with pytest.warns(ShdWarning, match="'ward', 'stage': the budget was too small to name any level"):
        model = BayesianNetwork(epsilon=0.01, delta=1e-6).fit(mixed[["ward", "stage"]].astype("category"))
    assert set(model.sample(100)["ward"]) == {"other"}


def test_one_column_and_no_parents():
    frame = pd.DataFrame({"a": ["x"] * 900 + ["y"] * 100})
    domain = Domain({"a": Levels(["x", "y", "z"])})
    for degree in (0, 2):
        model = BayesianNetwork(degree, 20, domain=domain).fit(frame)
        assert (model.sample(5000)["a"] == "x").mean() == pytest.approx(0.9, abs=0.03)


# What it never tells --------------------------------------------------------------------------------


def header(path):
    with safe_open(path, "pt") as content:
        return content.metadata()["shd"]


def test_nothing_of_a_single_person_is_in_the_file(mixed, tmp_path):
    odd = pd.DataFrame([{"ward": "the moon", "stage": 77, "sick": None, "age": 100_017, "weight": 9_999.7}])
    frame = pd.concat([mixed.astype({"sick": object}), odd], ignore_index=True)
    frame["day"] = frame["day"].fillna(pd.Timestamp("1907-07-07"))
    frame["stay"] = frame["stay"].fillna(pd.Timedelta("777 days"))
    for parameters in ({"domain": MIXED}, {"delta": 1e-6}):
        model = BayesianNetwork(epsilon=5, **parameters).fit(frame)
        text = header(model.save(tmp_path / "model"))
        assert "moon" not in text and "77" not in json.loads(text)["encoder"]
        again = load_synthesizer(tmp_path / "model")
        assert again.get_params() == model.get_params() and again.privacy_ == model.privacy_
        pd.testing.assert_frame_equal(again.sample(50), model.sample(50))
        sample = model.sample(5000)
        assert "the moon" not in set(sample["ward"]) and sample["age"].max() < 300 and sample["weight"].max() < 600
        assert sample["day"].min() > pd.Timestamp("1910-01-01")


def test_no_cell_makes_a_fit_fail_or_warn(mixed):
    """Neither an error nor a warning may tell that a table holds something odd."""
    odd = {
        "ward": ["z", 3, None, np.nan, pd.NaT, ("a", "b"), b"a", 2**70, float("inf")],
        "stage": [9, "one", None, -1, 2.5, True, np.nan, 1e300, -np.inf],
        "sick": ["yes", None, 2, "True", pd.NA, 0.5, np.nan, -1, 1],
        "age": [None, "old", -5, 10**30, np.inf, -np.inf, np.nan, pd.Timestamp("2020"), (1,)],
        "weight": ["66,3", None, 1e-300, 1e300, np.inf, "", pd.NA, True, 1j],
        "day": ["24.03.2020", None, "2020-03-24T10:00+02:00", 5, "9999-12-31", "", np.inf, "0001-01-01", "2020-02-30"],
        "stay": ["long", None, 3, "-5 days", np.nan, "200000 days", "", pd.NaT, -np.inf],
    }
    frame = pd.concat([mixed.astype(object), pd.DataFrame(odd).astype(object)], ignore_index=True)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        sample = BayesianNetwork(epsilon=10, domain=MIXED).fit(frame).sample(200)
        assert str(sample["age"].dtype) == "int16"
        learned = BayesianNetwork(epsilon=10, delta=1e-6).fit(frame).sample(200)
        # a few ages are no numbers: noise decides whether that is seen, and a column with gaps is float64
        assert str(learned["age"].dtype) in ("int64", "float64") and str(learned["day"].dtype) == "datetime64[us]"
        for few in (frame.head(1), frame.tail(1), mixed.assign(ward="a", age=5, weight=np.nan).head(40)):
            BayesianNetwork(epsilon=1, domain=MIXED).fit(few).sample(5)


def test_what_is_not_declared_is_cut_or_counted_as_other_or_missing_or_by_chance():
    def cells(values, declared):
        column = Column.of(pd.Series(values, name="x", dtype=object), declared, 256, learned=False)
        column.by_chance(Noise(0))
        return column.cells.tolist()

    assert cells(["a", "z", None], Levels(["a", "b"], other="b", missing=True)) == [0, 1, 2]
    assert cells(["a", "z", None], Levels(["a", "b"], missing=True)) == [0, 2, 2]
    assert cells([-7, 99, 3], Numbers(0, 9)) == [0, 9, 3]
    assert cells([-7, np.nan, 4.4], Numbers(0, 9, missing=True)) == [0, 10, 4]
    assert cells(["1999-01-01", "2020-01-03", "2050-01-01"], Dates("2020-01-01", "2020-01-05")) == [0, 2, 4]
    by_chance = np.array(cells(["z"] * 3000 + [None] * 3000, Levels(["a", "b", "c"])))
    assert np.bincount(by_chance) / 6000 == pytest.approx([1 / 3] * 3, abs=0.03)


def test_the_number_of_records_is_noisy(chain):
    seen = {BayesianNetwork(epsilon=0.5, domain=CHAIN).fit(chain).n_rows_ for _ in range(12)}
    assert len(seen) > 3 and np.mean(list(seen)) == pytest.approx(5000, abs=300)


def test_the_noise_is_told_by_no_seed(chain):
    one, other = (BayesianNetwork(epsilon=1, domain=CHAIN, random_state=0).fit(chain) for _ in range(2))
    assert any(
        (a.table.shape != b.table.shape) or (a.table != b.table).any()
        for a, b in zip(one.nodes_, other.nodes_, strict=True)
    )
    pd.testing.assert_frame_equal(one.sample(50), one.sample(50))  # random_state is for drawing


def test_a_seed_for_the_noise_ends_the_promise_and_says_so(chain, tmp_path):
    with pytest.warns(ShdWarning, match="no guarantee: the seed of the noise was given"):
        one = BayesianNetwork(epsilon=1, domain=CHAIN, noise_seed=0).fit(chain)
    assert not one.privacy_.guarantee and one.privacy_.sentence.startswith("no guarantee: the seed")
    assert not load_synthesizer(one.save(tmp_path / "model")).privacy_.guarantee
    with pytest.warns(ShdWarning):
        same = BayesianNetwork(epsilon=1, domain=CHAIN, noise_seed=0).fit(chain)
    assert all((a.table == b.table).all() for a, b in zip(one.nodes_, same.nodes_, strict=True))


def test_without_epsilon_nothing_is_promised(chain, tmp_path):
    model = BayesianNetwork().fit(chain)
    assert model.privacy_ is None and load_synthesizer(model.save(tmp_path / "model")).privacy_ is None


# The account ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "parameters",
    [
        {"epsilon": 1.0, "domain": MIXED},
        {"epsilon": 0.1, "delta": 1e-5},
        {"epsilon": 7, "degree": 0, "domain": MIXED},
        {"epsilon": 3, "degree": 1, "delta": 1e-5, "domain": Domain({"age": Numbers(0, 110)})},
    ],
)
def test_what_is_spent_adds_up_to_what_is_promised(mixed, parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # levels that could not be named
        privacy = BayesianNetwork(**parameters).fit(mixed).privacy_
    assert sum(entry.epsilon for entry in privacy.spent) <= privacy.epsilon * (1 + 1e-12)
    assert sum(entry.delta for entry in privacy.spent) <= privacy.delta * (1 + 1e-12)
    assert privacy.epsilon == parameters["epsilon"] and privacy.delta == parameters.get("delta", 0)
    assert privacy.unit == "record" and privacy.max_records == 1 and privacy.guarantee


def test_neighbours_are_subjects_and_their_records_are_bounded(chain):
    data = shd.Dataset(chain, subjects=np.append(np.arange(4000), np.zeros(1000, dtype=int)), domain=CHAIN)
    for m in (1, 3):
        model = BayesianNetwork(epsilon=20, max_records=m).fit(data)
        assert model.privacy_.unit == "subject" and model.privacy_.max_records == m
        assert model.n_rows_ == pytest.approx(4000 + m - 1, abs=30)


def test_whose_a_record_is_is_never_found_in_the_records():
    """Elsewhere a number of people that repeats says so; here that would be told for nothing."""
    frame = pd.DataFrame({"patient_id": np.arange(1000) % 500 + 70_001, "sick": np.arange(1000) % 3 == 0})
    assert len(np.unique(people_in(frame))) == 500
    domain = Domain({"patient_id": Numbers(70_000, 71_000), "sick": MIXED.columns["sick"]})
    model = BayesianNetwork(epsilon=20, domain=domain).fit(frame)
    assert model.n_rows_ == pytest.approx(1000, abs=30) and model.privacy_.unit == "record"


class Recorder(Noise):
    """Hands out counts and scores as they are, and notes them."""

    def __init__(self):
        super().__init__(0)
        self.counts, self.scores = [], []

    def blur(self, counts, scale):
        self.counts.append((np.array(counts, dtype=np.int64), scale))
        return np.array(counts, dtype=np.int64)

    def choose(self, scores, epsilon, sensitivity):
        self.scores.append((list(scores), sensitivity))
        return 0  # no parent: the structure does not depend on the scores, and both runs ask the same


def test_a_whole_fit_asks_for_no_count_that_one_subject_moves_further_than_m(mixed):
    people = np.append(np.arange(600), [600] * 3)
    odd = pd.DataFrame([{"ward": "c", "stage": 4, "sick": True, "age": 110, "weight": np.nan}] * 3)
    table = pd.concat([mixed.head(600), odd], ignore_index=True)
    table["day"], table["stay"] = table["day"].fillna(pd.Timestamp("2021-12-31")), table["stay"].fillna(pd.Timedelta(0))
    found = []
    for rows in (600, 603):
        noise = Recorder()
        bounds = {"degree": 2, "max_bins": 40, "max_levels": 200}
        records = Records(table[:rows], people[:rows], 3, MIXED, Budget(5, 0), noise)
        PrivateFit(records, **bounds)._columns()
        found.append(noise.counts)
    assert [scale for _, scale in found[0]] == [scale for _, scale in found[1]]
    for (counts, _), (other, _) in zip(*found, strict=True):
        assert np.abs(counts - other).sum() <= 3


# The shipped table ----------------------------------------------------------------------------------


def test_the_diabetes_table_needs_no_delta():
    data = shd.load("diabetes", source="stand-in").take(np.arange(0, 98_000, 14))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model = BayesianNetwork(degree=1, epsilon=10).fit(data)
    sample = model.sample(2000)
    assert list(sample) == list(data.frame)
    assert model.privacy_.delta == 0 and model.privacy_.unit == "subject"
    assert sample["readmitted"].value_counts(normalize=True)["NO"] == pytest.approx(
        (data.frame["readmitted"] == "NO").mean(), abs=0.05
    )
