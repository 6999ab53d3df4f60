"""Do intervals of 95 % hold the truth? Simulated where it is known; at least 90 % have to, with few people, too."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from shd.compare import ask
from shd.compare.core import models as _models
from shd.compare.core.chance import generator, interval, subject_weights
from shd.compare.core.models import auroc, r2
from shd.compare.core.sides import look
from shd.compare.core.tables import align
from shd.compare.core.tasks import find_tasks
from shd.compare.fidelity import c2st as _judges
from shd.compare.fidelity import columns, pairs
from shd.compare.utility import calibration
from shd.compare.utility import tstr as utility
from shd.dataset import Dataset

pytestmark = pytest.mark.slow

_TIMES = 200


def share_held(times: int, of_one) -> float:
    """How often the interval that `of_one` gives for a seed holds the truth that it gives."""
    held = [low <= truth <= high for low, high, truth in (of_one(seed) for seed in range(times))]
    return float(np.mean(held))


@pytest.mark.parametrize("records_each", [1, 4])
def test_auroc_with_several_records_a_subject(records_each):
    n, apart = 150, 1.0

    def of_one(seed: int) -> tuple[float, float, float]:
        rng = np.random.default_rng(seed)
        sick = rng.random(n) < 0.4
        score = apart * sick + rng.normal(size=n)  # the same for all records of a person: the hardest case
        sick, score, subjects = (np.repeat(x, records_each) for x in (sick, score, np.arange(n)))
        weights = subject_weights(subjects, 200, generator(seed, "test"))
        low, high = interval(auroc(sick, score)[0], auroc(sick, score, weights), 0, 1)
        return low, high, norm.cdf(apart / np.sqrt(2))

    assert share_held(_TIMES, of_one) >= 0.9


def test_explained_variance():
    def of_one(seed: int) -> tuple[float, float, float]:
        rng = np.random.default_rng(seed)
        x = rng.normal(size=200)
        y = x + rng.normal(size=200)
        weights = subject_weights(np.arange(200), 200, generator(seed, "test"))
        return *interval(r2(y, x)[0], r2(y, x, weights)), 0.5

    assert share_held(_TIMES, of_one) >= 0.9


def _tables(seed: int, n: int, share: tuple[float, float], slope: tuple[float, float]) -> dict[str, Dataset]:
    """Train and synthetic: a column of two levels, and two numbers that hang together."""
    rng, tables = np.random.default_rng(seed), {}
    for name, p, b in zip(("train", "synthetic"), share, slope, strict=True):
        x = rng.normal(size=n)
        frame = pd.DataFrame({"a": pd.Categorical(np.where(rng.random(n) < p, "yes", "no"), ["no", "yes"])})
        if b is not None:
            frame = frame.assign(x=x, y=b * x + np.sqrt(1 - b**2) * rng.normal(size=n))
        tables[name] = Dataset(frame, source="real" if name == "train" else "synthetic")
    return tables


def test_column_distance():
    def of_one(seed: int) -> tuple[float, float, float]:
        inputs = look(_tables(seed, 300, (0.3, 0.5), (None, None)), random_state=seed)
        (score,) = columns.measure(inputs).scores
        return score.low, score.high, 0.2

    assert share_held(_TIMES, of_one) >= 0.9


def test_association_error():
    # of three pairs two hang together in neither table, so that their error is chance alone: one pair is left
    def of_one(seed: int) -> tuple[float, float, float]:
        tables = _tables(seed, 800, (0.5, 0.5), (0.7, 0.2))
        tables = {name: Dataset(t.frame[["x", "y"]], source=t.source) for name, t in tables.items()}
        inputs = look(tables, random_state=seed)
        (score,) = pairs.measure(inputs).scores
        return score.low, score.high, 0.5

    assert share_held(100, of_one) >= 0.9


@pytest.mark.parametrize("sizes", [(150, 150, 150), (200, 1000, 100)])
def test_distances_to_few_people(sizes):
    """Many synthetic records do not make up for few real ones, who divide the space among them."""
    held = {"DCR share": [], "NNDR gap": []}
    for seed in range(80):
        rng = np.random.default_rng(seed)
        roles = zip(("train", "synthetic", "holdout"), sizes, strict=True)
        tables = {name: pd.DataFrame(rng.normal(size=(n, 4))) for name, n in roles}
        found = ask("distances to the closest records", **tables, random_state=seed)
        for metric, truth in (("DCR share", 0.5), ("NNDR gap", 0.0)):
            score = found.score(metric)
            held[metric].append(score.low <= truth <= score.high)
    assert np.mean(held["DCR share"]) >= 0.9
    assert np.mean(held["NNDR gap"]) >= 0.85  # the next person is not drawn again


def _chances(n: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    sick = rng.random(n) < 1 / (1 + np.exp(-x[:, 0] - 0.5 * x[:, 1]))
    return pd.DataFrame(x, columns=list("abc")).assign(sick=pd.Categorical(np.where(sick, "yes", "no")))


def test_calibration_slope_of_few_records_learned_from():
    """The truth is the mean slope of models that learn from as many records, tested on very many."""

    def of_one(seed: int) -> tuple[float, float]:
        given = {role: _chances(250, 3 * seed + k) for k, role in enumerate(("train", "synthetic", "holdout"))}
        score = ask("calibration", **given, target="sick", random_state=seed).score("calibration slope")
        return score.low, score.high

    many = align(_chances(4000, 10**6))[0][0]
    ((task,), _) = find_tasks(many, many, "sick")
    truth = np.mean(
        [calibration._calibrated([task], align(_chances(250, 10**5 + k))[0][0], many)[1] for k in range(40)]
    )
    assert share_held(40, lambda seed: (*of_one(seed), truth)) >= 0.9


def test_skill_of_few_records_learned_from():
    """Learned from other records, too, models reach the share of skill that they reach on average."""

    def of_one(seed: int) -> tuple[float, float, float]:
        given = {role: _chances(200, 3 * seed + k) for k, role in enumerate(("train", "synthetic", "holdout"))}
        (score,) = utility.measure(look(given, "sick", random_state=seed)).scores
        return score.low, score.high, 1.0  # synthetic records are fresh ones

    assert share_held(30, of_one) >= 0.9


def test_telling_two_samples_of_one_population_apart(monkeypatch):
    monkeypatch.setattr(_models, "_TREES", 5)

    def of_one(seed: int) -> tuple[float, float, float]:
        rng = np.random.default_rng(seed)
        real, synthetic = (pd.DataFrame(rng.normal(size=(100, 3))) for _ in range(2))
        (real, synthetic), _ = align(real, synthetic, names=["real", "synthetic"])
        drawn = _judges.separated(_judges.train_folds(real, synthetic, 100, seed))
        return *interval(drawn[0], drawn[1:], 0, 1), 0.5

    assert share_held(60, of_one) >= 0.9
