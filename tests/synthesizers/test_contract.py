"""What every family of tables promises. A new one is picked up by being registered."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import shd.synthesizers  # noqa: F401 - registers the families
from shd import Dates, Domain, Levels, Numbers
from shd._errors import ShdError
from shd.synthesizers import ImageSynthesizer, load_synthesizer
from shd.synthesizers._protect import Protection
from shd.synthesizers.base import plain_number, registry

SMALL = {"condition": "sick", "steps": 8, "width": 16, "batch": 64}
SETTINGS = {
    "ADSGAN": {**SMALL, "identifiability": 0.3},
    "DPGAN": {"noise_seed": 0, "epsilon": 100.0, "steps": 4, "batch": 32, "width": 8},
    "MST": {"noise_seed": 0, "epsilon": 100.0},
    "MixtureCircuit": {"kinds": 4, "passes": 5},
    "PATEGAN": {"noise_seed": 0, "epsilon": 100.0, "steps": 2, "batch": 4, "width": 8},
    "PrivateMoments": {"noise_seed": 0, "epsilon": 100.0, "kinds": 20, "steps": 20},
    "TabularAutoregressive": SMALL,
    "TabularCGAN": SMALL,
    "TabularDiffusion": {**SMALL, "moves": 5},
    "TabularVAE": SMALL,
}
"""Constructor arguments that make a family quick enough for a test; none needed by default."""

pytestmark = pytest.mark.filterwarnings("ignore:no guarantee")  # the noise of private ones has a seed here


def domain_of(frame):
    """Declare what stands in the table, as nobody may outside of a test."""
    declared = {}
    for name, values in frame.items():
        kind = {"missing": bool(values.isna().any()), "dtype": str(values.dtype)}
        known = values.dropna()
        if kind["dtype"] == "category":
            declared[name] = Levels([c for c in known.cat.categories if (known == c).any()], ordered=known.cat.ordered)
        elif known.dtype.kind in "bO" or kind["dtype"] in ("str", "boolean"):
            declared[name] = Levels(sorted(known.unique()), **kind)
        elif known.dtype.kind == "M":
            declared[name] = Dates(str(known.min()), str(known.max()), unit="h", **kind)
        else:
            decimals = 2 * (known.dtype.kind == "f")
            low, high = np.ceil(float(known.min()) * 100) / 100, np.floor(float(known.max()) * 100) / 100
            declared[name] = Numbers(low, high, decimals=decimals, **kind)
    return Domain(declared)


@pytest.fixture(scope="module")
def mixed():
    """Every kind of column, a third of the values missing where a dtype allows it."""
    rng = np.random.default_rng(0)
    n = 300
    hole = rng.random(n) < 1 / 3
    frame = pd.DataFrame(
        {
            "sick": pd.Categorical(rng.choice(["no", "yes"], n), categories=["yes", "no", "unused"]),
            "stage": pd.Categorical(rng.integers(1, 4, n), categories=[1, 2, 3, 4], ordered=True),
            "count": rng.integers(0, 9, n),
            "small": rng.integers(0, 100, n).astype("int8"),
            "dose": np.where(hole, np.nan, rng.normal(50, 10, n)),
            "single": rng.normal(size=n).astype("float32"),
            "visits": pd.array(np.where(hole, None, rng.integers(0, 5, n)), dtype="Int64"),
            "smoker": rng.random(n) < 0.3,
            "consent": pd.array(np.where(hole, None, rng.random(n) < 0.5), dtype="boolean"),
            "ward": pd.Series(np.where(hole, None, rng.choice(["a", "b", "c"], n)), dtype="str"),
            "day": pd.Timestamp("2020-11-14") + pd.to_timedelta(rng.integers(0, 90, n), unit="D"),
            "hour": (pd.Timestamp("2020-11-14", tz="UTC") + pd.to_timedelta(rng.integers(0, 9, n), unit="h")),
        }
    )
    return frame


@pytest.fixture(scope="module", params=sorted(n for n, f in registry.items() if not issubclass(f, ImageSynthesizer)))
def family(request, mixed):
    settings = SETTINGS.get(request.param, {})
    return registry[request.param](**settings, **({"domain": domain_of(mixed)} if "epsilon" in settings else {}))


@pytest.fixture(scope="module")
def model(family, mixed):
    return clone(family).fit(mixed)


def test_same_columns_dtypes_and_categories(model, mixed):
    sample = model.sample(200)
    assert len(sample) == 200
    protection = model.protection_ or Protection.fit(mixed, model.least_people(mixed))
    learned = protection.apply(mixed)  # a level that nobody has is not handed on
    pd.testing.assert_series_equal(sample.dtypes, learned.dtypes)  # compares categories and their order, too
    assert "unused" not in sample["sick"].cat.categories


def test_nothing_is_made_up_and_nothing_is_missing_that_never_was(model, mixed):
    sample = model.sample(200)
    for name in mixed:
        if not mixed[name].isna().any():
            assert not sample[name].isna().any(), name
        if mixed[name].dtype.kind in "iufmM":
            assert sample[name].min() >= mixed[name].min() and sample[name].max() <= mixed[name].max(), name
        else:
            assert set(sample[name].dropna()) <= set(mixed[name].dropna()), name


def test_the_same_seed_gives_the_same_rows(family, model, mixed):
    pd.testing.assert_frame_equal(model.sample(50), model.sample(50))
    pd.testing.assert_frame_equal(clone(family).fit(mixed).sample(50), model.sample(50))
    assert not model.sample(50).equals(model.sample(50, random_state=1))


def test_a_saved_model_gives_the_same_rows(model, tmp_path):
    again = load_synthesizer(model.save(tmp_path / "model.safetensors"))
    assert type(again) is type(model)
    assert again.get_params() == model.get_params()
    pd.testing.assert_frame_equal(again.sample(50), model.sample(50))
    pd.testing.assert_frame_equal(load_synthesizer(again.save(tmp_path / "2")).sample(50), model.sample(50))


def test_arguments_are_stored_as_given_and_fit_does_not_touch_them(family, model):
    assert clone(family).get_params() == family.get_params() == model.get_params()
    json.dumps(model.get_params(), default=plain_number)  # they are written into the model file


def test_fit_returns_self_and_can_be_repeated(family, model, mixed):
    again = clone(family)
    assert again.fit(mixed.iloc[:150]) is again
    pd.testing.assert_frame_equal(again.fit(mixed).sample(50), model.sample(50))


def test_the_training_table_is_left_as_it_was(family, mixed):
    before = mixed.copy(deep=True)
    clone(family).fit(mixed)
    pd.testing.assert_frame_equal(mixed, before)


def test_one_row_can_be_asked_for(model):
    assert len(model.sample(1)) == 1


def test_an_unknown_condition_is_refused(model):
    with pytest.raises(ShdError):
        model.sample(5, condition={"no such column": 1})


def test_every_family_says_what_it_is(family):
    assert type(family).__doc__ and "random_state" in type(family).__doc__
