"""Draw synthetic pictures again that lie too near to a person learned from, before they are released."""

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shd._progress import notice
from shd.dataset import Dataset
from shd.datasets._pictures import as_stored

if TYPE_CHECKING:
    from shd.synthesizers import ImageSynthesizer

_ROUNDS = 20


def sample_apart(
    synthesizer: "ImageSynthesizer",
    train: Dataset,
    n: int,
    condition: dict | pd.DataFrame | None = None,
    random_state: int | None = None,
) -> tuple[Dataset, int]:
    """Give synthetic pictures as they are stored, none of them too near to a person learned from.

    How near is too near is learned from train alone: see `shd.compare.images.privacy.too_near_to_train`. What
    is, is drawn again, for the same class and slice. Pictures that are too near twenty times in a row
    stay: the model knows those people by heart, and the report will say so.

    Parameters
    ----------
    synthesizer : ImageSynthesizer
        Fitted on `train`.
    train : Dataset
    n, condition, random_state
        As `ImageSynthesizer.sample` takes them.

    Returns
    -------
    synthetic : Dataset
        n pictures.
    drawn_again : int
        How many pictures were thrown away on the way.
    """
    from shd.compare.images.privacy import too_near_to_train

    seed = synthesizer.random_state if random_state is None else random_state
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    drawn = synthesizer.sample(n, condition=condition, random_state=seed)
    images, drawn_again, open_rows = as_stored(drawn.images), 0, np.arange(n)
    for attempt in range(1, _ROUNDS + 1):
        open_rows = open_rows[too_near_to_train(train, images[open_rows])]
        if not len(open_rows) or attempt == _ROUNDS:
            break
        drawn_again += len(open_rows)
        asked = drawn.frame.iloc[open_rows].reset_index(drop=True)
        again = synthesizer.sample(len(asked), condition=asked, random_state=seed + 1000 * attempt)
        images[open_rows] = as_stored(again.images)
    if drawn_again:
        notice(f"{'':<13}{drawn_again:,} drawn again: too near to a person learned from")
    if len(open_rows):
        notice(f"{'':<13}{len(open_rows):,} are still too near after {_ROUNDS} draws; see the report")
    return replace(drawn, images=images), drawn_again
