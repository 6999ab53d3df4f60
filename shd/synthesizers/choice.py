"""`choose_family`: which family suits a table, found by trying the quick ones on people held out."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd._errors import ShdError, ShdWarning
from shd._progress import progress
from shd.dataset import Dataset, as_frame, role_of
from shd.synthesizers._cuts import Cuts
from shd.synthesizers._protect import MIN_PEOPLE, Protection, people_of
from shd.synthesizers.encoding import TableEncoder
from shd.synthesizers.registry import registry

MANY = 20_000
"""From so many records on a network learns what quick families do not."""

QUICK = ("GaussianCopula", "SequentialTrees", "BayesianNetwork", "MixtureCircuit")
"""Families that take seconds, and are tried on smaller tables."""

_JUDGES = ("boosted trees", "logistic")


@dataclass(frozen=True)
class Choice:
    """The family that was chosen, why, and what was tried: a row a family, empty where nothing had to be."""

    family: str
    why: str
    tried: pd.DataFrame


def choose_family(
    data: Dataset | pd.DataFrame,
    condition: tuple[str, ...] = (),
    random_state: int = 0,
    min_people: int | None = None,
) -> Choice:
    """Choose a family for a table by its size, and a small one's by what comes of people held out.

    With pictures it is `ImageCGAN`, from 20,000 records on `TabularCGAN`. Of smaller tables the quick families learn
    four fifths of the people, five times, or all but 2,500 people once. A family is out of the question if its records
    are nearer to people learned from than to people held out. Of the others the one is taken with the lowest sum of two
    AUROCs: that of the better of two judges who tell its records from people held out, and what is lost of the target's
    where its records are learned from.

    Parameters
    ----------
    data : Dataset or pandas.DataFrame, shape (n, n_columns)
        The training records. Never give it the holdout.
    condition : tuple of str
        Columns that will be asked for: then only families count that can be asked.
    random_state : int
        The same seed gives the same choice.
    min_people : int, optional
        People who have to share what will be learned; see `Synthesizer`. Default: as the Dataset says, else five.

    Returns
    -------
    Choice

    Raises
    ------
    ShdError
        Where no quick family can learn the table.
    """
    nothing = pd.DataFrame(columns=["family", "nearer", "low", "by heart", *_JUDGES, "worst", "lost"])
    if getattr(data, "images", None) is not None:
        return Choice("ImageCGAN", "pictures are learned by ImageCGAN", nothing)
    if len(data) >= MANY:
        return Choice("TabularCGAN", f"{len(data):,} records are enough for a network", nothing)
    quick = [name for name in QUICK if not condition or "condition" in registry[name]().get_params()]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ShdWarning)  # the family that is chosen will say the same, once
        tried = _try_out(data, quick, random_state, min_people)
    fair = tried[~tried["by heart"]]
    if len(fair):
        best = fair.loc[(fair["worst"].clip(lower=0.5) + fair["lost"].clip(lower=0)).idxmin()]
        why = f"its records are the most like those of people held out (AUROC {best['worst']:.2f}; 0.5 is best)"
    else:
        best = tried.loc[tried["nearer"].idxmin()]
        why = f"its records are the least near to people learned from ({best['nearer']:.0%}; 50% is best)"
    return Choice(best["family"], f"of {len(tried)} quick families {why}", tried)


def _try_out(data: Dataset | pd.DataFrame, quick: list[str], seed: int, min_people: int | None) -> pd.DataFrame:
    """Return what each quick family makes of people held out."""
    least = min_people or role_of(data, "min_people", MIN_PEOPLE) or MIN_PEOPLE
    people = people_of(data)
    safe = Protection.fit(data, least).apply(data)
    encoder = TableEncoder().fit(as_frame(safe), people, least)
    target = getattr(safe, "target", None)
    at = encoder.names.index(target) if target is not None and encoder[target].levels is not None else None
    cuts, rows = Cuts(encoder.transform(as_frame(safe)), people, encoder.columns_, seed), []
    with progress(len(quick), "Trying quick families") as bar:
        for family in quick:

            def learn(rows: np.ndarray, n: int, family: str = family) -> np.ndarray:
                part = safe.take(rows) if isinstance(safe, Dataset) else safe.iloc[rows].reset_index(drop=True)
                # another seed for each cut: equal draws of five models would give the records away to a judge
                another = seed + int(rows.sum())

                def drawn(least: int) -> np.ndarray:
                    model = registry[family](min_people=least, random_state=seed).fit(part)
                    return encoder.transform(model.sample(n, random_state=another))

                try:
                    return drawn(least)
                except ShdError:  # in a fifth fewer people a level is too rare, and merged into one that is not known
                    return drawn(1)

            try:
                trials = cuts.try_out(learn)
            except ShdError:  # a family that cannot learn this table is not chosen
                continue
            share, judged = cuts.nearer(trials), cuts.told_apart(trials)
            rows.append(
                {
                    "family": family,
                    "nearer": share.nearer,
                    "low": share.low,
                    "by heart": share.knows_by_heart,
                    **judged,
                    "worst": max(judged.values()),
                }
            )
            rows[-1]["lost"] = 0.0 if at is None else cuts.lost(trials, at)
            bar.advance(note=f"{family}: {rows[-1]['worst']:.2f}")
    if not rows:
        raise ShdError("no quick family can learn this table; name one: --family TabularCGAN (family=).")
    return pd.DataFrame(rows)
