"""What training loops share: held-out rows and score, timing, and checkpoints to resume from."""

import hashlib
import json
import pickle
import time
from collections.abc import Callable
from pathlib import Path
from timeit import timeit

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from shd._errors import ShdError, ShdWorkError

_HELD_SHARE, _MOST_HELD = 0.1, 5000
_SCORE_ROWS = 10_000
_SECONDS_BETWEEN = 30  # checkpoints at least that often


def heldout_rows(subjects: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose rows to score on, whole subjects at a time: a tenth, at most 5,000."""
    ids, subject_of_row = np.unique(subjects, return_inverse=True)
    order = rng.permutation(len(ids))
    rows_so_far = np.cumsum(np.bincount(subject_of_row)[order])
    n_chosen = np.searchsorted(rows_so_far, min(_MOST_HELD, _HELD_SHARE * len(subjects)))
    if n_chosen == 0:  # few subjects: hold out the one with the fewest rows, if there is another to learn from
        return (subject_of_row == np.argmin(np.bincount(subject_of_row))) & (len(ids) > 1)
    return np.isin(subject_of_row, order[:n_chosen])


def heldout_of_classes(subjects: np.ndarray, classes: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Choose the rows to score on so that every class keeps a subject to learn from."""
    held = heldout_rows(subjects, rng)
    vanished = ~np.isin(classes, classes[~held])
    held &= ~np.isin(subjects, subjects[vanished])
    if not held.any():
        raise ShdError(f"{len(classes)} rows leave no subject to score on; give records of more subjects.")
    return held


def heldout_score(train: np.ndarray, held: np.ndarray, sample: Callable[[int], np.ndarray]) -> float:
    """Tell real from synthetic on rows that neither the generator nor the detector has seen.

    A gradient boosting detector learns train against synthetic rows, and is scored on held-out
    against fresh synthetic rows (a classifier two-sample test, Lopez-Paz & Oquab 2017).
    """
    n_learn, n_test = min(_SCORE_ROWS, len(train)), len(held)
    fake = sample(n_learn + n_test)
    rows = np.linspace(0, len(train) - 1, n_learn).astype(int)
    detector = HistGradientBoostingClassifier(max_iter=60, random_state=0)
    detector.fit(np.vstack([train[rows], fake[:n_learn]]), np.repeat([1, 0], n_learn))
    truth = np.repeat([1, 0], n_test)
    return float(roc_auc_score(truth, detector.predict_proba(np.vstack([held, fake[n_learn:]]))[:, 1]))


def seconds_per_call(work: Callable[[], object], calls: int = 8) -> float:
    """Wall seconds that one call of `work` takes, the first (which warms up) left out."""
    work()
    return timeit(work, number=calls) / calls


class Clock:
    """Wall and CPU seconds of a fit, also where it was interrupted."""

    def __init__(self, wall: float = 0.0, cpu: float = 0.0):
        self._wall, self._cpu = time.perf_counter() - wall, time.process_time() - cpu

    def read(self) -> tuple[float, float]:
        """Return wall and CPU seconds so far."""
        return time.perf_counter() - self._wall, time.process_time() - self._cpu


def fingerprint(parameters: dict, *arrays: np.ndarray) -> str:
    """Return a hash of what a fit depends on: parameters (anything that JSON can write), and arrays."""
    digest = hashlib.sha256(json.dumps(parameters, sort_keys=True, default=str).encode())
    for array in arrays:
        digest.update(f"{array.shape} {array.dtype}".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def under(prefix: str, tensors: dict) -> dict:
    """Return the entries whose key begins with `prefix`, without it."""
    return {key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)}


class Checkpoint:
    """A training state on disk that is replaced in one step, so that a stop never leaves half of one."""

    def __init__(self, path: str | Path | None, identity: str):
        self.path = None if path is None else Path(path)
        self.identity = identity
        self._saved = time.monotonic()

    def is_due(self) -> bool:
        """Whether the last one is half a minute old: no more than that is lost when a run is stopped."""
        return self.path is not None and time.monotonic() - self._saved > _SECONDS_BETWEEN

    def load(self) -> dict | None:
        """Return the state to go on from, or None where there is none yet."""
        if self.path is None:
            return None
        self._make_folder()  # better to hear of a bad place before training than after
        if not self.path.exists():
            return None
        try:
            content = dict(torch.load(self.path, weights_only=True))
        except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, LookupError, TypeError, ValueError) as error:
            reason = (str(error).splitlines() or [type(error).__name__])[0][:100]
            raise ShdError(
                f"{self.path}: cannot be read as a checkpoint ({reason}). Delete it to start anew."
            ) from None
        if content.get("identity") != self.identity:
            raise ShdError(
                f"{self.path}: was made with other parameters or data. Delete it to start anew, or name another file."
            )
        return content["state"]

    def save(self, state: dict) -> None:
        """Write the state, all or nothing; `ShdWorkError` where the disk refuses it."""
        if self.path is None:
            return
        temporary = self.path.with_name(self.path.name + ".part")
        try:
            torch.save({"identity": self.identity, "state": state}, temporary)
            temporary.replace(self.path)
        except (OSError, RuntimeError) as error:
            raise ShdWorkError(f"{self.path}: cannot write the checkpoint ({error}). Name another file.") from None
        self._saved = time.monotonic()

    def _make_folder(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ShdWorkError(f"{self.path}: no checkpoint can lie there ({error}). Name another file.") from None
