import warnings

import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.dataset import Dataset
from shd.synthesizers import TabularCGAN, load_synthesizer, tabular_cgan
from shd.synthesizers.tabular_game import ClassMoments


def mixed(n: int = 600, seed: int = 0) -> pd.DataFrame:
    """A table where `dose` follows `drug`, `sick` follows `dose`, and `age` is sometimes missing."""
    rng = np.random.default_rng(seed)
    drug = rng.choice(["none", "low", "high"], n, p=[0.5, 0.3, 0.2])
    dose = np.where(drug == "none", 0, np.where(drug == "low", rng.integers(1, 5, n), rng.integers(5, 10, n)))
    sick = rng.random(n) < 0.1 + 0.08 * dose
    age = np.where(rng.random(n) < 0.2, np.nan, rng.normal(60, 10, n).round(1))
    return pd.DataFrame(
        {
            "drug": pd.Categorical(drug, categories=["none", "low", "high", "never"], ordered=True),
            "dose": dose,
            "age": age,
            "sick": np.where(sick, "yes", "no"),
        }
    ).astype({"sick": "category"})


SMALL = {"steps": 20, "width": 16, "noise": 4, "batch": 32, "pack": 4, "random_state": 3}


@pytest.fixture(scope="module", autouse=True)
def many_scores():
    """Let short fits take ten held-out scores, as long ones do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tabular_cgan, "_STEPS_BETWEEN", 1)
        yield


@pytest.fixture(scope="module")
def fitted(many_scores) -> TabularCGAN:
    return TabularCGAN(condition="sick", **SMALL).fit(mixed())


def test_gives_back_columns_dtypes_and_categories(fitted):
    real, synthetic = fitted.protection_.apply(mixed()), fitted.sample(200)
    assert list(synthetic.columns) == list(real.columns)
    assert (synthetic.dtypes == real.dtypes).all()
    assert len(synthetic) == 200


@pytest.mark.parametrize("level", ["yes", "no"])
def test_what_is_asked_for_is_what_comes(fitted, level):
    assert (fitted.sample(300, condition={"sick": level})["sick"] == level).all()


def test_a_frame_of_conditions_is_met_row_by_row(fitted):
    asked = pd.DataFrame({"sick": ["yes", "no", "no", "yes"]})
    assert fitted.sample(4, condition=asked)["sick"].tolist() == asked["sick"].tolist()


def test_several_conditions_hold_together_even_if_never_seen_together():
    frame = mixed()
    frame = frame[~((frame["drug"] == "high") & (frame["sick"] == "no"))].reset_index(drop=True)
    model = TabularCGAN(condition=("sick", "drug"), **SMALL).fit(frame)
    got = model.sample(50, condition={"sick": "no", "drug": "high"})
    assert (got["sick"] == "no").all()
    assert (got["drug"] == "high").all()
    free = model.sample(400, condition={"sick": "no"})
    assert set(free["drug"]) <= {"none", "low"}  # what is not asked for follows the real classes that fit


def test_unasked_conditions_follow_the_real_shares(fitted):
    share = (fitted.sample(20_000)["sick"] == "yes").mean()
    assert share == pytest.approx((mixed()["sick"] == "yes").mean(), abs=0.02)


def test_same_seed_same_rows_and_another_seed_others(fitted):
    again = TabularCGAN(condition="sick", **SMALL).fit(mixed())
    pd.testing.assert_frame_equal(fitted.sample(100), again.sample(100))
    assert not fitted.sample(100).equals(fitted.sample(100, random_state=99))


def test_save_and_load_give_the_same_rows(fitted, tmp_path):
    path = fitted.save(tmp_path / "gan.safetensors")
    loaded = load_synthesizer(path)
    pd.testing.assert_frame_equal(loaded.sample(100), fitted.sample(100))
    pd.testing.assert_frame_equal(loaded.history_, fitted.history_)


def test_the_condition_is_the_target_of_a_dataset():
    model = TabularCGAN(**SMALL).fit(Dataset(mixed(), target="sick"))
    assert model.conditions_.columns == ("sick",)


def test_the_global_random_state_is_left_alone(fitted):
    import torch

    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    TabularCGAN(condition="sick", **{**SMALL, "steps": 2}).fit(mixed()).sample(10)
    assert torch.equal(torch.rand(3), expected)


class _StopAt:
    """Raise KeyboardInterrupt at the given step, as Ctrl-C would."""

    def __init__(self, step: int):
        self.left, self.step = step, tabular_cgan.Game.step

    def __call__(self, game):
        if game.settings.steps > 1 and self.left == 0:
            raise KeyboardInterrupt
        self.left -= 1
        self.step(game)


def stop_after(monkeypatch, steps: int) -> None:
    stop = _StopAt(steps)
    monkeypatch.setattr(tabular_cgan.Game, "step", lambda game: stop(game))
    monkeypatch.setattr(tabular_cgan, "seconds_per_call", lambda work: 0.01)  # no trial steps


def test_a_fit_stopped_with_ctrl_c_can_be_sampled_and_saved(monkeypatch, tmp_path, capsys):
    stop_after(monkeypatch, 7)
    model = TabularCGAN(condition="sick", **SMALL).fit(mixed())
    assert model.steps_ == 7
    assert "Stopped at step 7 of 20" in capsys.readouterr().err
    assert len(load_synthesizer(model.save(tmp_path / "early.safetensors")).sample(10)) == 10


def test_a_resumed_fit_equals_one_without_interruption(monkeypatch, tmp_path, fitted):
    file = tmp_path / "run" / "gan.ckpt"
    with monkeypatch.context() as patch:
        stop_after(patch, 9)
        TabularCGAN(condition="sick", **SMALL).fit(mixed(), checkpoint=file)
    resumed = TabularCGAN(condition="sick", **SMALL).fit(mixed(), checkpoint=file)
    pd.testing.assert_frame_equal(resumed.sample(200), fitted.sample(200))
    pd.testing.assert_frame_equal(resumed.history_, fitted.history_)


def test_a_checkpoint_of_other_data_or_parameters_is_refused(tmp_path):
    file = tmp_path / "gan.ckpt"
    TabularCGAN(condition="sick", **SMALL).fit(mixed(), checkpoint=file)
    with pytest.raises(ShdError, match="other parameters or data"):
        TabularCGAN(condition="sick", **SMALL).fit(mixed(seed=1), checkpoint=file)
    file.write_bytes(b"nonsense")
    with pytest.raises(ShdError, match="Delete it to start anew"):
        TabularCGAN(condition="sick", **SMALL).fit(mixed(), checkpoint=file)


def test_it_learns_the_pairs_that_marginals_lose():
    """Dose follows drug exactly in the real table; independent columns break that in half the rows."""
    frame = mixed(3000)
    model = TabularCGAN(condition="sick", steps=400, width=64, noise=16, batch=128, random_state=0).fit(frame)
    got = model.sample(3000)
    logical = ((got["drug"] == "none") == (got["dose"] == 0)).mean()
    assert logical > 0.9  # Marginals: 0.5
    sick_by_dose = got.groupby(got["dose"] >= 5)["sick"].apply(lambda s: (s == "yes").mean())
    real_by_dose = frame.groupby(frame["dose"] >= 5)["sick"].apply(lambda s: (s == "yes").mean())
    assert sick_by_dose.to_numpy() == pytest.approx(real_by_dose.to_numpy(), abs=0.08)
    assert got["age"].isna().mean() == pytest.approx(0.2, abs=0.05)


def test_the_best_held_out_generator_is_kept(monkeypatch):
    scores = iter([0.9, 0.6, 0.7, 0.8, 0.75, 0.5])  # the last is that of the finished model
    monkeypatch.setattr(tabular_cgan, "heldout_score", lambda *_: next(scores))
    model = TabularCGAN(condition="sick", **SMALL, patience=3).fit(mixed())
    assert model.history_["heldout_c2st"].tolist() == [0.9, 0.6, 0.7, 0.8, 0.75]  # three without a better one
    assert model.steps_ == 10
    short = TabularCGAN(condition="sick", **SMALL, patience=3)
    first_scores = iter([0.9, 0.6, 0.5])
    monkeypatch.setattr(tabular_cgan, "heldout_score", lambda *_: next(first_scores))
    stop_after(monkeypatch, 4)
    np.testing.assert_array_equal(short.fit(mixed()).sample(20)["dose"], model.sample(20)["dose"])


def test_thousands_of_levels_share_codes_and_all_come_back():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"code": rng.zipf(1.2, 4000).clip(max=3000).astype(str), "sick": rng.choice(["y", "n"], 4000)})
    frame["code"] = frame["code"].astype("category")
    model = TabularCGAN(condition="sick", **{**SMALL, "steps": 3}, max_levels=50, min_people=1).fit(frame)
    assert model.encoder_["code"].n_codes == 50
    got = model.sample(4000)
    assert got["code"].nunique() > 100
    assert set(got["code"]) <= set(frame["code"])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"condition": "nope"}, "'nope' is not a column"),
        ({"condition": ("drug", "dose", "age", "sick"), "max_levels": 1000}, "nothing is left"),
        ({"condition": "sick", "steps": 0}, "steps=0"),
        ({"condition": "sick", "width": 2.5}, "width=2.5"),
        ({"condition": "sick", "batch": 4, "pack": 8}, "at least one pack"),
        ({"condition": "sick", "steps": True}, "steps=True"),
        ({"condition": "sick", "critic_steps": -1}, "critic_steps=-1"),
        ({"condition": "sick", "temperature": 0}, "temperature=0"),
        ({"condition": "sick", "moment_weight": float("nan")}, "moment_weight=nan"),
        ({"condition": "sick", "moment_growth": 0.5}, "moment_growth=0.5"),
        ({"condition": "sick", "random_state": -1}, "random_state=-1"),
        ({"condition": 0}, "condition 0 is not a column"),
        ({"condition": "age", "max_levels": 5}, "more than 5 levels"),
    ],
)
def test_bad_parameters_get_one_clear_line(parameters, message):
    with pytest.raises(ShdError, match=message) as error:
        TabularCGAN(**{**SMALL, **parameters}).fit(mixed())
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("n", "condition", "message"),
    [
        (5, {"sick": "maybe"}, "no level 'maybe'"),
        (5, {"age": 3}, "'age' is not conditional"),
        (5, "yes", "must be a dict or a DataFrame"),
        (5, {"sick": ["yes", "no"]}, "a DataFrame with a level for each row"),
        (5, pd.DataFrame({"sick": ["yes"]}), "1 rows for 5 rows"),
        (0, None, "n=0"),
    ],
)
def test_bad_requests_get_one_clear_line(fitted, n, condition, message):
    with pytest.raises(ShdError, match=message) as error:
        fitted.sample(n, condition=condition)
    assert "\n" not in str(error.value)


def test_a_number_that_is_asked_for_comes_exactly_and_an_unknown_one_is_refused():
    frame = mixed().assign(year=np.random.default_rng(0).integers(1900, 2000, 600))
    model = TabularCGAN(condition="year", min_people=1, **SMALL).fit(frame)
    assert (model.sample(50, condition={"year": 1977})["year"] == 1977).all()
    with pytest.raises(ShdError, match="no level 2077"):
        model.sample(5, condition={"year": 2077})


def test_few_subjects_can_be_learned_and_one_cannot():
    few = Dataset(mixed(), target="sick", subjects=np.arange(600) % 3, min_people=1)
    assert len(TabularCGAN(**SMALL).fit(few).sample(5)) == 5
    with pytest.raises(ShdError, match="no subject to score on"):
        TabularCGAN(**SMALL).fit(Dataset(mixed(), target="sick", subjects=np.zeros(600), min_people=1))


def test_a_rare_class_is_never_held_out_whole():
    frame = mixed().astype({"sick": str})
    frame.loc[0, "sick"] = "once"
    for seed in range(8):
        model = TabularCGAN(condition="sick", min_people=1, **{**SMALL, "steps": 1, "random_state": seed})
        model.fit(frame)
        assert (model.sample(3, condition={"sick": "once"})["sick"] == "once").all()


def test_a_checkpoint_of_another_split_or_condition_is_refused(tmp_path):
    file = tmp_path / "gan.ckpt"
    TabularCGAN(**SMALL).fit(Dataset(mixed(), target="sick"), checkpoint=file)
    for other in (
        Dataset(mixed(), target="sick", subjects=np.arange(600) // 2),
        Dataset(mixed(), target="drug"),
    ):
        with pytest.raises(ShdError, match="other parameters or data"):
            TabularCGAN(**SMALL).fit(other, checkpoint=file)


@pytest.mark.parametrize("content", [b"", b"text", b"PK"])
def test_a_broken_checkpoint_gets_one_clear_line(tmp_path, content):
    file = tmp_path / "gan.ckpt"
    file.write_bytes(content)
    with pytest.raises(ShdError, match="cannot be read as a checkpoint"):
        TabularCGAN(condition="sick", **SMALL).fit(mixed(), checkpoint=file)
    with pytest.raises(ShdError, match="no checkpoint can lie there"):
        TabularCGAN(condition="sick", **SMALL).fit(mixed(), checkpoint=file / "below")


def test_without_a_seed_every_fit_is_another():
    first, second = (TabularCGAN(condition="sick", **{**SMALL, "random_state": None}).fit(mixed()) for _ in range(2))
    assert first.seed_ != second.seed_


def test_it_says_beforehand_how_long_it_takes_and_how_much_memory(capsys):
    TabularCGAN(condition="sick", **SMALL).fit(mixed())
    assert "minutes" in capsys.readouterr().err


def test_minutes_become_steps():
    model = TabularCGAN(condition="sick", **SMALL)
    few, many = model.steps_for(mixed(), 0.05), model.steps_for(mixed(), 5)
    assert 10 <= few < many
    assert not hasattr(model, "encoder_")  # the trial leaves the model as it was


def test_no_warnings_on_an_ordinary_table():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TabularCGAN(condition="sick", **{**SMALL, "steps": 2}).fit(mixed())


def test_the_weight_of_the_moments_grows_as_the_learning_rate_falls(monkeypatch):
    """By how much, and over how many batches moments are averaged: seen by the loss, step by step."""
    seen = []
    loss = ClassMoments.loss

    def watched(self, probabilities, classes, keep):
        seen.append(keep)
        return loss(self, probabilities, classes, keep)

    monkeypatch.setattr(ClassMoments, "loss", watched)
    options = SMALL | {"steps": 10, "critic_steps": 0, "critic_trees": 0}
    weights = []
    for growth in (1.0, 4.0):
        seen.clear()
        model = TabularCGAN(condition="sick", moment_growth=growth, **options).fit(mixed())
        weights.append(model.generator_[0].weight.detach().numpy().copy())
        kept = np.array(seen[-10:])  # the ten steps of the fit; more were tried to tell how long it takes
        if growth == 1:
            assert kept == pytest.approx(0.9)
        else:  # from the seventh step on, at a whole learning rate .1 of each batch counts, at a quarter .025
            assert kept == pytest.approx([0.9] * 7 + [0.925, 0.95, 0.975])
    assert not np.array_equal(*weights)


def test_what_is_handed_on_has_no_critics_and_draws_from_the_generator_alone(fitted, tmp_path):
    handed_on = fitted.for_release()
    assert fitted.filter_.critics and not handed_on.filter_.critics
    path = handed_on.save(tmp_path / "model.safetensors")
    assert b"filter." not in path.read_bytes()
    pd.testing.assert_frame_equal(load_synthesizer(path).sample(50), handed_on.sample(50))
    assert np.isnan(load_synthesizer(path).heldout_c2st_)
    assert np.isfinite(fitted.heldout_c2st_)  # the maker's model stays as it was


def test_what_was_not_fitted_is_not_handed_on():
    with pytest.raises(ShdError, match="call fit"):
        TabularCGAN().for_release()
