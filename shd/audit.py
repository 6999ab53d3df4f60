"""Thousands of fits to pairs of tables that differ in one person: whether a private family keeps its promise.

What an attacker sees, and how he is judged, stands in ``synthesizers/dp/audit.py``. Here the work is cut into pieces of
a few fits, each with a file of its own: an audit that was stopped goes on where it was, and can be made longer.
"""

import hashlib
import json
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from shd import __version__
from shd._json import json_values
from shd._progress import progress
from shd.synthesizers.base import Synthesizer
from shd.synthesizers.dp.audit import Bound, Claim, judge, look
from shd.synthesizers.dp.neighbours import Pair, pairs

_FITS = 25  # in one piece of work


@dataclass(frozen=True)
class Piece:
    """A few fits to one of two tables."""

    family: type[Synthesizer]
    parameters: tuple[tuple[str, object], ...]
    pair: str
    with_: bool
    first: int
    last: int
    seed: int

    @property
    def file(self) -> str:
        """Name of the file of what it showed."""
        told = f"{__version__} {self.family.__qualname__} {self.parameters} {self.pair} {self.seed}"
        side = "with" if self.with_ else "without"
        return f"{hashlib.sha256(told.encode()).hexdigest()[:12]}.{side}.{self.first}-{self.last}.npz"


def run(piece: Piece) -> pd.DataFrame:
    """Fit, and return what each fit showed, a row each."""
    pair = next(one for one in pairs() if one.name == piece.pair)
    table = pair.with_ if piece.with_ else pair.without
    make = partial(piece.family, domain=pair.domain, **dict(piece.parameters))
    return pd.DataFrame(
        [look(make(noise_seed=_seed(piece, fit)), table, pair.record) for fit in range(piece.first, piece.last)]
    )


def _seed(piece: Piece, fit: int) -> int:
    told = f"{piece.seed} {piece.pair} {piece.with_} {fit}"
    return int.from_bytes(hashlib.sha256(told.encode()).digest()[:7])


def audit(
    family: type[Synthesizer],
    folder: Path,
    parameters: dict,
    runs: int = 1000,
    jobs: int = 1,
    seed: int = 0,
    confidence: float = 0.95,
    among: Sequence[str] | None = None,
) -> list[Bound]:
    """Try to refute what a family promises, and keep what each fit showed in `folder`.

    Parameters
    ----------
    family : type
        A private family.
    folder : pathlib.Path
        Where results lie; what is there already is not done again.
    parameters : dict
        Of the family: epsilon, delta and what else it takes, but for domain and seed of the noise.
    runs : int
        Fits to each table of each pair.
    jobs : int
        Processes at once.
    seed : int
        The same seed gives the same noise, and the same bounds.
    confidence : float
        With which all bounds hold together.
    among : sequence of str, optional
        Names of pairs; default: all of `pairs`.

    Returns
    -------
    list of Bound
        One a pair; also in ``audit.json`` of the folder, and in the figure ``audit.png``.

    Raises
    ------
    ShdError
        Where the family cannot take the parameters.
    """
    chosen = [pair for pair in pairs() if among is None or pair.name in among]
    family(domain=chosen[0].domain, **parameters)._check_parameters()
    told = tuple(sorted(parameters.items()))
    pieces = [
        Piece(family, told, pair.name, with_, first, min(first + _FITS, runs), seed)
        for first in range(0, runs, _FITS)
        for pair in chosen
        for with_ in (True, False)
    ]
    folder.mkdir(parents=True, exist_ok=True)
    left = [piece for piece in pieces if not (folder / piece.file).is_file()]
    with progress(len(pieces), f"Auditing {family.__name__}") as bar:
        bar.advance(len(pieces) - len(left))
        for piece, seen in _done(left, jobs):
            part = folder / f"part.{piece.file}"
            np.savez_compressed(part, names=seen.columns.to_numpy(str), seen=seen.to_numpy(float))
            part.replace(folder / piece.file)
            bar.advance(note=piece.pair)
    claim = _claim(family, parameters)
    bounds = [judge(pair.name, _read(folder, pieces, pair), claim, confidence, 2 * len(chosen)) for pair in chosen]
    found = {"family": family.__name__, "parameters": parameters, "runs": runs, "seed": seed, "confidence": confidence}
    text = json.dumps(json_values({**found, "pairs": [bound.to_dict() for bound in bounds]}), indent=1)
    (folder / "audit.json").write_text(text + "\n", encoding="utf-8")
    draw(family.__name__, bounds, folder / "audit.png")
    return bounds


def _done(pieces: list[Piece], jobs: int) -> Iterator[tuple[Piece, pd.DataFrame]]:
    """Give results as they come, from so many processes."""
    if jobs == 1:
        yield from ((piece, run(piece)) for piece in pieces)
        return
    with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
        asked = {pool.submit(run, piece): piece for piece in pieces}
        try:
            yield from ((asked[future], future.result()) for future in as_completed(asked))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _read(folder: Path, pieces: list[Piece], pair: Pair) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return what fits with the person and without showed, in their order."""
    own = [piece for piece in pieces if piece.pair == pair.name]
    return tuple(
        pd.concat([_opened(folder / piece.file) for piece in own if piece.with_ == with_], ignore_index=True)
        for with_ in (True, False)
    )


def _opened(file: Path) -> pd.DataFrame:
    with np.load(file) as kept:
        return pd.DataFrame(kept["seen"], columns=kept["names"].astype(object))


def _claim(family: type[Synthesizer], parameters: dict) -> Claim:
    """Return what a family promises: the domain is declared, so that all of the budget is for the rest."""
    epsilon, delta = (float(parameters.get(name, 0.0)) for name in ("epsilon", "delta"))
    return Claim(epsilon, delta, family.book(epsilon, delta, learns_domain=False).rho)


def draw(family: str, bounds: list[Bound], file: Path) -> Path:
    """Draw how false alarms and misses trade off, beside what the promise rules out; return the file."""
    from shd.plot import PALETTE, Figure, style

    with style():
        figure = Figure(figsize=(4.2 * len(bounds), 4.3), layout="constrained")
        axes = figure.subplots(1, len(bounds), squeeze=False)[0]
        for axis, bound in zip(axes, bounds, strict=True):
            alarms = np.linspace(0, 1, 401)
            axis.fill_between(alarms, bound.claim.least_misses(alarms), color="#8c8c8c", alpha=0.3, linewidth=0)
            axis.plot(alarms, 1 - alarms, color="#8c8c8c", linestyle=":", linewidth=1)
            axis.plot(*bound.curve, color=PALETTE["synthetic"], linewidth=1.5)
            low, shown, high = zip(bound.for_mu.false_alarms, bound.for_mu.misses, strict=True)
            reach = [[[at - least], [most - at]] for least, at, most in zip(low, shown, high, strict=True)]
            axis.errorbar(*shown, xerr=reach[0], yerr=reach[1], color="black", fmt="o", markersize=4, capsize=3)
            axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal", xlabel="false alarms, share", ylabel="misses, share")
            found = f"epsilon at least {bound.epsilon[0]:.2f}, promised {bound.claim.epsilon:g}"
            if bound.claim.rho is not None:
                found = f"mu at least {bound.mu[0]:.2f}, promised {bound.claim.mu:.2f}"
            axis.set_title(f"{bound.pair}\n{'REFUTED: ' if bound.refuted else ''}{found}", loc="left")
        axes[0].text(0.03, 0.03, "ruled out by the promise", transform=axes[0].transAxes)
        axes[0].text(0.62, 0.42, "guessing", transform=axes[0].transAxes, rotation=-45)
        figure.suptitle(f"{family}: was this person there?", x=0.01, ha="left")
        figure.savefig(file, dpi=130, facecolor="white")
    return file
