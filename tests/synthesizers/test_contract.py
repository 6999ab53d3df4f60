"""What every family of tables promises. A new one is picked up by being registered."""

import json
import re
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import shd
import shd.synthesizers  # registers the families
from shd import Dates, Domain, Levels, Numbers
from shd._errors import ShdError
from shd.synthesizers import ImageSynthesizer, load_synthesizer
from shd.synthesizers._protect import Protection
from shd.synthesizers.base import plain_number, registry

SMALL = {"condition": "sick", "steps": 8, "width": 16, "batch": 64}
SETTINGS = {
    "ADSGAN": {**SMALL, "identifiability": 0.3},
    "BayesianNetwork": {"condition": "sick"},
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
    before, numbers, torch_numbers = mixed.copy(deep=True), np.random.get_state()[1], torch.get_rng_state()
    fitted = clone(family).fit(mixed)
    fitted.sample(5)
    pd.testing.assert_frame_equal(mixed, before)  # the table is left as it was, and so are numbers that all share
    assert (np.random.get_state()[1] == numbers).all() and torch.equal(torch.get_rng_state(), torch_numbers)
    return fitted


@pytest.fixture(scope="module")
def odd(family):
    """A model of a table with columns that have nothing to learn, odd names, and people with several records."""
    n = 240
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {
            "sick": pd.Categorical(rng.choice(["no", "yes"], n)),
            "always the same": "one",
            "never there": np.full(n, np.nan),
            "größe (cm), gemessen": rng.integers(150, 190, n),
        },
        index=rng.permutation(n),
    )
    data = shd.Dataset(frame, target="sick", subjects=np.repeat(np.arange(n // 2), 2))
    given = clone(family)
    if "epsilon" in given.get_params() and given.epsilon is not None:
        given.set_params(domain=domain_of(data.frame.drop(columns="never there")), delta=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", shd.ShdWarning)
        return given.fit(data)


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


def test_the_same_seed_gives_the_same_rows(model):
    pd.testing.assert_frame_equal(model.sample(50), model.sample(50))
    pd.testing.assert_frame_equal(model.sample(50), model.sample(50, random_state=model.random_state))
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


def test_one_row_can_be_asked_for(model):
    assert len(model.sample(1)) == 1


def test_an_unknown_condition_is_refused(model):
    with pytest.raises(ShdError):
        model.sample(5, condition={"no such column": 1})


def test_every_family_says_what_it_is(family):
    assert type(family).__doc__ and "random_state" in type(family).__doc__


@pytest.mark.parametrize("n", [0, -1, 2.5, True, "many"])
def test_what_is_no_number_of_rows_is_refused(model, n):
    with pytest.raises(ShdError, match=re.escape(repr(n)) if n != 0 else "0"):
        model.sample(n)


@pytest.mark.parametrize("seed", [-1, 0.5, "first"])
def test_what_is_no_seed_is_refused(family, model, mixed, seed):
    with pytest.raises(ShdError, match="random_state"):
        model.sample(5, random_state=seed)
    with pytest.raises(ShdError, match="random_state"):
        clone(family).set_params(random_state=seed).fit(mixed)


@pytest.mark.parametrize("call", [lambda m: m.sample(5), lambda m: m.save("model"), lambda m: m.for_release()])
def test_before_it_was_fitted_it_says_so(family, call):
    with pytest.raises(ShdError, match="fit"):
        call(clone(family))


@pytest.mark.parametrize(
    "table",
    [
        lambda mixed: mixed.iloc[:0],
        lambda mixed: mixed.iloc[:, :0],
        lambda mixed: pd.concat([mixed, mixed[["count"]]], axis=1),
        lambda mixed: mixed.assign(dose=[[1, 2]] * len(mixed)),
        lambda mixed: mixed["count"].to_numpy(),
        lambda mixed: "mixed.csv",
    ],
    ids=["no rows", "no columns", "a name twice", "nested cells", "an array", "a path"],
)
def test_what_is_no_table_is_refused(family, mixed, table):
    with pytest.raises(ShdError):
        clone(family).fit(table(mixed))


@pytest.mark.parametrize("least", [0, -1, 1.5])
def test_what_is_no_number_of_people_is_refused(family, mixed, least):
    if "epsilon" in family.get_params() and family.epsilon is not None:
        pytest.skip("a private fit needs no protection besides")
    with pytest.raises(ShdError, match="min_people"):
        clone(family).set_params(min_people=least).fit(mixed)


def test_rows_are_counted_from_0(model, odd):
    for fitted in (model, odd):
        pd.testing.assert_index_equal(fitted.sample(7).index, pd.RangeIndex(7))


def test_what_is_missing_now_and_then_stays_so(model, mixed):
    sample = model.sample(400)
    for name in mixed.columns[mixed.isna().any()]:
        assert sample[name].isna().any() and sample[name].notna().any(), name


def test_gaps_are_as_frequent_as_they_were(model, mixed):
    sample = model.sample(1000)
    off = (sample.isna().mean() - mixed.isna().mean()).abs()
    assert off.max() < 0.3, off.idxmax()  # of a third; some families have taken eight steps only


def test_numbers_are_no_finer_than_they_were(model, mixed):
    sample = model.sample(300)
    for name in ("count", "small", "visits"):
        assert (sample[name].dropna() % 1 == 0).all(), name
    if getattr(model, "privacy_", None) is None:  # else dates are as fine as they are declared
        assert (sample["day"] == sample["day"].dt.normalize()).all()


def test_columns_with_nothing_to_learn_stay_as_they_are(odd):
    sample = odd.sample(60)
    assert set(sample["always the same"]) == {"one"}
    assert sample["never there"].isna().all()
    assert sample["größe (cm), gemessen"].between(150, 189).all()


def test_the_subject_is_no_column(odd):
    assert list(odd.sample(5).columns) == ["sick", "always the same", "never there", "größe (cm), gemessen"]


def test_more_rows_can_be_asked_for_than_were_learned_from(odd):
    assert len(odd.sample(1000)) == 1000


def test_what_can_be_asked_for_is_what_comes(odd):
    if "condition" not in odd.get_params():
        pytest.skip("takes no condition")
    assert set(odd.sample(40, condition={"sick": "yes"})["sick"]) == {"yes"}
    with pytest.raises(ShdError):
        odd.sample(5, condition={"sick": "perhaps"})


def test_a_broken_file_is_told_in_a_line(model, tmp_path):
    whole = model.save(tmp_path / "model.safetensors")
    half = tmp_path / "half.safetensors"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ShdError, match=r"half\.safetensors: not a model"):
        load_synthesizer(half)


def test_a_file_holds_no_pickle_and_says_whose_it_is(model, tmp_path):
    content = model.save(tmp_path / "model.safetensors").read_bytes()
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    assert json.loads(header["__metadata__"]["shd"])["class"] == type(model).__name__


def test_nothing_is_written_to_standard_output(odd, capsys):
    odd.sample(5)
    assert capsys.readouterr().out == ""


def test_what_is_handed_on_gives_the_same_columns(model):
    try:
        handed_on = model.for_release()
    except ShdError as refused:
        assert "no-model" in str(refused)
    else:
        pd.testing.assert_series_equal(handed_on.sample(5).dtypes, model.sample(5).dtypes)


def test_how_likely_a_record_is_is_a_number(model, mixed):
    score = model.log_score(mixed)
    assert score is None or (score.shape == (len(mixed),) and np.isfinite(score).all())
