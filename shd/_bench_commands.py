"""The command `shd bench`: families, data sets and seeds, side by side."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shd import _terminal
from shd._errors import ShdError
from shd._options import AsJson, Target, examples
from shd._terminal import in_columns

if TYPE_CHECKING:
    from shd.dataset import Dataset

EXAMPLES = examples(
    "shd bench --datasets stays.csv --target sick --families auto,Marginals",
    "shd bench --list",
)


def bench(
    datasets: Annotated[
        list[str] | None, typer.Option(metavar="DATASET|FILE", help="What to learn; again for more.")
    ] = None,
    families: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="Families, with commas between.  [default: all quick ones, and auto]"),
    ] = None,
    seeds: Annotated[
        str, typer.Option(metavar="N,N", help="Seeds of split and family, with commas between.")
    ] = "0,1,2",
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where results lie.")] = Path(
        "bench"
    ),
    target: Target = None,
    jobs: Annotated[int, typer.Option(metavar="N", min=1, help="Fits at once on this machine.")] = 1,
    scheduler: Annotated[
        str | None, typer.Option(metavar="ADDRESS", help="Of a Dask cluster, such as tcp://host:8786.")
    ] = None,
    list_: Annotated[
        bool, typer.Option("--list", help="Name the families and data sets that are known, and end.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Try families on data sets: quality against seconds.

    Each fit learns three fifths of the people, and is judged by the others. A bench that was stopped goes on where
    it was. What it finds is a table, bench.csv, and a figure, bench.png.
    """
    from shd.bench import AUTO, draw, summary
    from shd.bench import bench as run
    from shd.synthesizers.choice import QUICK

    known = _tables()
    if list_:
        from shd.datasets import DATASETS

        found = {"families": [AUTO, *known], "datasets": [name for name in DATASETS if name != "alzheimers"]}
        text = "\n".join(f"{title}: {', '.join(names)}" for title, names in found.items())
        _terminal.emit(found, json, text)
        return
    if not datasets:
        raise ShdError("nothing to learn: give --datasets, a name (shd bench --list) or a CSV or Parquet file.")
    chosen = [_named(name, known) for name in families.split(",")] if families else [AUTO, *QUICK]
    data = [_opened(what, target) for what in datasets]
    table = run(data, chosen, _whole(seeds), output, jobs, scheduler)
    draw(table, output / "bench.png")
    found = summary(table)
    lines = zip(found.index, found.to_numpy(), strict=True)
    rows = [("family", *found.columns), *((family, *map(_short, row)) for family, row in lines)]
    failed = [f"{row.dataset} {row.family} {row.seed}: {row.error}" for row in _failures(table)]
    _terminal.emit(
        {"lines": table.to_dict("records"), "summary": found.reset_index().to_dict("records")},
        json,
        "\n".join([*in_columns(rows), *failed, "", f"Results: {output / 'bench.csv'}, {output / 'bench.png'}"]),
    )


def _tables() -> list[str]:
    """Return the names of all families of tables."""
    from shd.synthesizers import ImageSynthesizer, registry

    return [name for name in registry if not issubclass(registry[name], ImageSynthesizer)]


def _named(name: str, known: list[str]) -> str:
    by_lower = {one.lower(): one for one in ("auto", *known)}
    if name.strip().lower() not in by_lower:
        raise ShdError(f"--families: there is no family {name.strip()!r}; known are {', '.join(by_lower.values())}.")
    return by_lower[name.strip().lower()]


def _whole(seeds: str) -> list[int]:
    parts = [part.strip() for part in seeds.split(",")]
    if not all(part.isdigit() for part in parts) or len(set(parts)) < len(parts):
        raise ShdError(f"--seeds {seeds}: give whole numbers with commas between, each once, such as 0,1,2.")
    return [int(part) for part in parts]


def _opened(what: str, target: str | None) -> "Dataset":
    """Open a data set by name, with its own target, or a file."""
    from shd.datasets import open_data
    from shd.datasets.registry import is_known
    from shd.releases.generate import with_subjects_found

    data, _ = open_data(what, target=None if is_known(what) else target)
    if data.images is not None:
        raise ShdError(f"{what}: pictures are compared by python -m benchmarks.images; give tables.")
    return replace(with_subjects_found(data), name=Path(what).stem)


def _failures(table) -> list:
    return list(table[table["error"].notna()].itertuples()) if "error" in table else []


def _short(value: float) -> str:
    return f"{value:.0f}" if value == int(value) or value >= 100 else f"{value:.3f}"
