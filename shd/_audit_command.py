"""The command `shd audit`: whether a private family keeps its promise."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shd import _terminal
from shd._errors import ShdError
from shd._json import json_values
from shd._options import AsJson, examples
from shd._terminal import in_columns

if TYPE_CHECKING:
    from shd.synthesizers.dp.audit import Bound

EXAMPLES = examples("shd audit MST --epsilon 1", "shd audit BayesianNetwork --epsilon 0.5 --runs 5000 --jobs 4")


def audit(
    family: Annotated[str, typer.Argument(metavar="FAMILY", help="A private family.")],
    epsilon: Annotated[float, typer.Option(metavar="N", help="What it promises.")],
    delta: Annotated[float, typer.Option(metavar="N", help="Chance that the promise fails.")] = 1e-5,
    runs: Annotated[int, typer.Option(metavar="N", min=12, help="Fits to each table; six tables in all.")] = 1000,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Processes at once.")] = 1,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="The same seed gives the same bounds.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Where results lie.  [default: audit-FAMILY]"),
    ] = None,
    json: AsJson = False,
) -> int:
    """Try to refute what a private family promises.

    Fits it many times to tables that differ in one person, and lets an attacker tell them apart. An audit that was
    stopped goes on where it was. Ends with 1 where the promise is refuted. What it finds is audit.json, and a
    figure, audit.png.
    """
    from shd.audit import audit as run
    from shd.synthesizers import registry

    name = _named(family)
    folder = output or Path(f"audit-{name}")
    told = {**registry[name].quick, "epsilon": epsilon, "delta": delta}
    try:
        bounds = run(registry[name], folder, told, runs, jobs, seed)
    except KeyboardInterrupt:
        stopped = ShdError(f"stopped; what is done lies in {folder}, and the same command goes on.")
        stopped.exit_code = _terminal.INTERRUPTED  # typer would leave the words out
        raise stopped from None
    refuted = any(bound.refuted for bound in bounds)
    said = f"{name}: the promise is REFUTED." if refuted else f"{name}: nothing was found, which proves nothing."
    text = "\n".join([*_lines(bounds), "", said, "", f"Results: {folder / 'audit.json'}, {folder / 'audit.png'}"])
    found = {"family": name, "refuted": refuted, "pairs": [bound.to_dict() for bound in bounds]}
    _terminal.emit(json_values(found), json, text)
    return int(refuted)


def _named(family: str) -> str:
    """Return the name of a private family as it is written."""
    from shd.synthesizers import registry
    from shd.synthesizers.dp.private import PrivateSynthesizer

    by_lower = {name.lower(): name for name in registry}
    name = by_lower.get(family.lower())
    if name is not None and issubclass(registry[name], PrivateSynthesizer):
        return name
    private = [one for one in registry if issubclass(registry[one], PrivateSynthesizer)]
    why = "is no family" if name is None else "promises no privacy"
    raise ShdError(f"{name or family} {why}; give one of {', '.join(private)}.")


def _lines(bounds: "list[Bound]") -> list[str]:
    rows = [("one person more", "epsilon", "at least", "this attack", "mu", "at least", "this attack", "share", "")]
    for bound in bounds:
        cells = []
        for claimed, found in ((bound.claim.epsilon, bound.epsilon), (bound.claim.mu, bound.mu)):
            low, estimate, high = (f"{value:.3f}" for value in found)
            cells += [f"{claimed:.3f}", low, f"{estimate} ({low} to {high})"]
        rows.append((bound.pair, *cells, f"{bound.share:.0%}", "red: refuted" if bound.refuted else "green"))
    return in_columns(rows)
