"""Shadow models: what a synthesizer makes without a person, beside what was released."""

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from sklearn.base import clone

from shd._errors import ShdError
from shd.compare.core.attacks import RELEASED, check_count
from shd.compare.core.chance import deal, generator
from shd.compare.core.gower import Gower
from shd.compare.core.tables import Coded, align
from shd.compare.privacy.crowd import Crowd
from shd.dataset import Dataset, as_frame


@dataclass(frozen=True, eq=False)
class Shadow:
    """What was made from half of the people, and who was left out: of train, and behind them of the holdout."""

    made: pd.DataFrame
    left_out: np.ndarray


def shadow_models(given: dict, synthesizer: object, shadows: int, random_state: int) -> list[Shadow]:
    """Fit copies of a synthesizer on random halves of all real people; each person is left out of every second one."""
    check_count(shadows, "shadows")
    if shadows % 2:
        raise ShdError(f"shadows={shadows} is odd; give an even number, for each split of the people makes two.")
    if not all(callable(getattr(synthesizer, name, None)) for name in ("fit", "sample")):
        raise ShdError(f"synthesizer={synthesizer!r} has no fit and sample; give one, for example Marginals().")
    rng = generator(random_state, "shadow models")
    (train, holdout), _ = align(given["train"], given["holdout"], names=["train", "holdout"])
    subjects = np.concatenate([train.subjects, holdout.subjects + train.subjects.max() + 1])
    frames = [as_frame(given[name], name) for name in ("train", "holdout")]
    pool = pd.concat([frame[train.names] for frame in frames], ignore_index=True)
    made = []
    for _ in range(shadows // 2):
        hand = deal(subjects, 2, rng)
        for half in (0, 1):
            model, seed = clone(synthesizer, safe=False), int(rng.integers(2**31))
            if hasattr(model, "random_state"):
                model.random_state = seed
            model.fit(_part(given["train"], pool, subjects, hand == half))
            left_out = np.zeros(subjects.max() + 1, dtype=bool)
            left_out[subjects[hand != half]] = True
            made.append(Shadow(as_frame(model.sample(len(given["synthetic"])), "what was sampled"), left_out))
    return made


def _part(train: Dataset | pd.DataFrame, pool: pd.DataFrame, subjects: np.ndarray, rows: np.ndarray) -> object:
    """Return some of the pool, as a Dataset with the roles of train where train is one."""
    frame = pool[rows].reset_index(drop=True)
    if not isinstance(train, Dataset):
        return frame
    roles = {name: tuple(c for c in getattr(train, name) if c in frame) for name in ("sensitive", "counts")}
    target = train.target if train.target in frame else None
    return replace(train, frame=frame, subjects=subjects[rows], target=target, **roles)


def beyond_shadows(
    crowd: Crowd, release: Coded, made: list[Coded], left_out: list[np.ndarray], subjects: np.ndarray, gower: Gower
) -> np.ndarray:
    """Return how much nearer the release lies to each record than what was made without its person; shape (n,)."""
    total, times = np.zeros(len(subjects)), np.zeros(len(subjects))
    for table, out in zip(made, left_out, strict=True):
        nearest = gower.nearest(crowd.table, table.take(np.arange(min(len(table), RELEASED))))
        total += np.where(out[subjects], nearest, 0)
        times += out[subjects]
    return total / times - gower.nearest(crowd.table, release)
