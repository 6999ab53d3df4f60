import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors.numpy import save_file

from shd._errors import ShdError, ShdWarning
from shd.dataset import Dataset
from shd.synthesizers import BayesianNetwork, Marginals, Synthesizer, TabularCGAN, load_synthesizer
from shd.synthesizers.base import check_fittable


def good(n=150):
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.choice(["x", "y"], n), "b": rng.normal(size=n)})


def with_column(values, n=150):
    return good(n).assign(odd=values)


@pytest.fixture
def saved(tmp_path):
    return Marginals().fit(good()).save(tmp_path / "model.safetensors")


@pytest.mark.parametrize("data", [None, [[1, 2]], "table.csv", np.zeros((3, 3))])
def test_fit_wants_a_table(data):
    with pytest.raises(ShdError, match="train must be a Dataset or a pandas DataFrame"):
        Marginals().fit(data)


@pytest.mark.parametrize("frame", [pd.DataFrame(), pd.DataFrame({"a": []}), pd.DataFrame(index=[1, 2])])
def test_fit_refuses_an_empty_table(frame):
    with pytest.raises(ShdError, match="empty"):
        Marginals().fit(frame)


def test_fit_refuses_repeated_and_layered_names():
    with pytest.raises(ShdError, match="'a' more than once"):
        Marginals().fit(pd.DataFrame([[1, 2]] * 150, columns=["a", "a"]))
    with pytest.raises(ShdError, match="several rows of column names"):
        Marginals().fit(pd.DataFrame([[1, 2]] * 150, columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])))


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(ShdError, match="random_state=.* must be a whole number"):
        Marginals(random_state=seed).fit(good())
    with pytest.raises(ShdError, match="random_state=.* must be a whole number"):
        Marginals().fit(good()).sample(5, random_state=seed)


@pytest.mark.parametrize("n", [0, -1, 2.0, "10", None, True])
def test_sample_wants_a_number_of_rows(n):
    with pytest.raises(ShdError, match="must be a whole number of rows"):
        Marginals().fit(good()).sample(n)


def test_what_was_not_fitted_says_so(tmp_path):
    with pytest.raises(ShdError, match="this Marginals has learned nothing yet; call fit"):
        Marginals().sample(5)
    with pytest.raises(ShdError, match="learned nothing yet"):
        Marginals().save(tmp_path / "model.safetensors")


def test_a_fit_that_failed_leaves_nothing_to_sample():
    model = Marginals().fit(good())
    with pytest.raises(ShdError):
        model.fit(with_column([[1]] * 150))
    with pytest.raises(ShdError, match="learned nothing yet"):
        model.sample(5)


def test_a_dataset_is_as_good_as_its_frame():
    one, other = Marginals().fit(Dataset(good(), target="a")), Marginals().fit(good())
    pd.testing.assert_frame_equal(one.sample(20), other.sample(20))


def test_the_index_and_the_order_of_columns_are_kept_apart():
    frame = good()[["b", "a"]].set_index(np.arange(150) + 7)
    sample = Marginals().fit(frame).sample(3)
    assert list(sample) == ["b", "a"] and sample.index.tolist() == [0, 1, 2]


def test_another_seed_gives_other_rows_of_the_same_model():
    model = Marginals().fit(good())
    assert not model.sample(50).equals(model.sample(50, random_state=1))
    assert model.sample(50, random_state=1).equals(model.sample(50, random_state=1))


# What can be fitted -------------------------------------------------------------------------


def test_nested_values_are_refused_by_column():
    with pytest.raises(ShdError, match="'odd' holds lists"):
        Marginals().fit(with_column([[k] for k in range(150)]))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (good(20), "20 rows are too few"),
        (with_column(np.nan), "nothing but missing values in 'odd'"),
        (with_column("same"), "only one value in 'odd'"),
    ],
)
def test_what_cannot_be_learned_well_is_said(frame, message):
    with pytest.warns(ShdWarning, match=message):
        Marginals().fit(frame)


def test_a_warning_points_at_the_line_that_called_fit():
    with pytest.warns(ShdWarning) as caught:
        Marginals().fit(good(20))
    assert caught[0].filename == __file__


def test_an_ordinary_table_is_fitted_in_silence():
    check_fittable(with_column([*range(75)] * 2))


# Saving ---------------------------------------------------------------------------------------


def test_a_model_comes_back_with_its_arguments(saved):
    model = load_synthesizer(saved)
    assert isinstance(model, Marginals)
    assert model.get_params() == {"min_people": None, "random_state": 0}
    assert model.n_rows_ == 150


def test_numpy_arguments_can_be_saved(tmp_path):
    path = Marginals(random_state=np.int64(3)).fit(good()).save(tmp_path / "model.safetensors")
    assert load_synthesizer(str(path)).random_state == 3


def test_saving_makes_the_folder_and_leaves_no_half_files(tmp_path):
    path = Marginals().fit(good()).save(str(tmp_path / "new" / "model.safetensors"))
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]


def test_saving_where_nothing_can_be_written_says_where(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ShdError, match="cannot write the model"):
        Marginals().fit(good()).save(tmp_path / "file" / "model.safetensors")


def test_loading_what_is_not_there(tmp_path):
    with pytest.raises(ShdError, match="no such model file"):
        load_synthesizer(tmp_path / "none.safetensors")


def test_loading_what_is_not_a_model(tmp_path):
    for name, content in {"empty": b"", "text": b"a,b\n1,2\n", "junk": bytes(range(256))}.items():
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ShdError, match="not a model file"):
            load_synthesizer(path)


def test_loading_a_file_cut_short(saved):
    saved.write_bytes(saved.read_bytes()[:-5])
    with pytest.raises(ShdError, match="not a model file"):
        load_synthesizer(saved)


@pytest.mark.parametrize(
    "header",
    [
        {},
        {"format": "shd-synthesizer-1", "class": "Unheard"},
        {"format": "something else", "class": "Marginals"},
        {"format": "shd-synthesizer-1", "class": "Marginals"},
        {"format": "shd-synthesizer-1", "class": "Marginals", "parameters": {"unheard": 1}},
    ],
)
def test_loading_what_another_version_wrote(tmp_path, header):
    path = Path(tmp_path / "other.safetensors")
    save_file({"counts": np.zeros(1)}, path, {"shd": json.dumps(header)})
    with pytest.raises(ShdError, match="not a model of this version"):
        load_synthesizer(path)


def test_a_family_of_ones_own_needs_four_methods(tmp_path, monkeypatch):
    from shd.synthesizers import base

    monkeypatch.setattr(base, "registry", dict(base.registry))

    class First(Synthesizer):
        """Repeats the first row."""

        def __init__(self, random_state=0):
            self.random_state = random_state

        def _fit(self, codes, rng):
            self.row_ = codes[0]

        def _sample(self, n, condition, rng):
            return np.tile(self.row_, (n, 1))

        def _get_state(self):
            return {"row": self.row_}, {}

        def _set_state(self, tensors, extra):
            self.row_ = tensors["row"]

    frame = good()
    path = First().fit(frame).save(tmp_path / "first.safetensors")
    assert load_synthesizer(path).sample(3)["a"].tolist() == [frame["a"][0]] * 3


def test_a_model_says_how_likely_records_are():
    """Three of four are a: (3 + .5) / (4 + 1); a level that it cannot know was not learned from."""
    model = Marginals().fit(pd.DataFrame({"c": ["a", "a", "a", "b"] * 30}))
    said = model.log_score(pd.DataFrame({"c": ["a", "b", "z", None]}))
    assert said[:2] == pytest.approx(np.log([90.5 / 121, 30.5 / 121])) and np.isneginf(said[2:]).all()
    with pytest.raises(ShdError, match="lacks the column 'c'"):
        model.log_score(pd.DataFrame({"d": ["a"]}))


def test_the_likelihoods_of_a_network_add_up_to_one():
    rng = np.random.default_rng(0)
    first = rng.integers(2, size=400)
    frame = pd.DataFrame({"a": first.astype(str), "b": (first ^ (rng.random(400) < 0.2)).astype(str)})
    every = pd.DataFrame({"a": list("0011"), "b": list("0101")})
    assert np.exp(BayesianNetwork().fit(frame).log_score(every)).sum() == pytest.approx(1)


def test_a_gan_without_critics_says_nothing():
    frame = pd.DataFrame({"a": list("xy") * 60, "b": list("xxyy") * 30})
    said = []
    for trees in (0, 20):
        model = TabularCGAN(condition="a", steps=2, critic_steps=0, critic_trees=trees).fit(frame)
        said.append(model.log_score(frame))
    assert said[0] is None and (said[1] is None or said[1].shape == (120,))


def test_torch_is_loaded_for_networks_alone():
    code = (
        "import sys, shd.synthesizers as s; s.Marginals; s.BayesianNetwork; s.SliceGaussian; "
        "print(*[name for name in ('torch', 'faker', 'matplotlib', 'statsmodels') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
