"""One rule for what identifies people."""

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Identified:
    column: object
    kind: str
    why: str


def identify(frame: pd.DataFrame, people: np.ndarray) -> tuple[Identified, ...]:
    return ()
