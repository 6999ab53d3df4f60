"""Options that several commands share: what is asked, how people are protected, how a CSV is to be read."""

from pathlib import Path
from typing import Annotated

import typer

from shd._errors import ShdError

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
Seed = Annotated[int, typer.Option(min=0, metavar="N", help="The same seed gives the same rows, and the same numbers.")]
Target = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column to predict.")]
Subject = Annotated[str | None, typer.Option(metavar="COLUMN", help="Column with the patient's id.")]
Sensitive = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="Column of groups to be treated alike; again for more.")
]
Findings = Annotated[
    Path | None,
    typer.Option(
        "--findings", metavar="FOLDER", help="Studies to find again in synthetic records; a data set brings its own."
    ),
]

MinPeople = Annotated[
    int | None,
    typer.Option(
        "--min-people", min=1, metavar="N", help="Fewest people who share what is learned; 1 for all.  [default: 5]"
    ),
]
Keep = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column that identifies people, kept as a category; again for more."),
]
Fake = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column that is made up, in the form that it has; again for more."),
]

Skip = Annotated[int, typer.Option(min=0, metavar="N", help="Lines above the row of names of a CSV to leave out.")]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        metavar="WORD", help="Word for a missing value in a CSV; again for more.  [default: NA, N/A, NULL ...]"
    ),
]
Text = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="Column of a CSV to keep as it is written; again for more.")
]
DayFirst = Annotated[
    bool | None, typer.Option("--day-first/--month-first", help="Whether 03/04/2020 is in April, or in March.")
]
Decimal = Annotated[str | None, typer.Option(metavar="MARK", help="Decimal mark of a CSV: a point, or a comma.")]

DatasetOrFile = Annotated[str, typer.Argument(metavar="DATASET|FILE", help="A data set, or a .csv or .parquet file.")]
ReleaseFolder = Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the release.")]
Minutes = Annotated[float | None, typer.Option(metavar="N", help="Time to fit in.  [default: 6]")]
TrainingSteps = Annotated[int | None, typer.Option(min=1, metavar="N", help="Training steps, instead of minutes.")]
Family = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="auto, SequentialTrees, GaussianCopula, BayesianNetwork, MixtureCircuit, TabularCGAN, "
        "TabularAutoregressive, TabularDiffusion, TabularVAE, ADSGAN, SmoothedBootstrap or Marginals; for images "
        "ImageCGAN, FlowMatching, ActiveAppearance or SliceGaussian.  [default: auto, by people held out]",
    ),
]
Epsilon = Annotated[
    float | None,
    typer.Option(metavar="N", help="Differential privacy for subjects; of family PrivateMoments unless one is named."),
]
Condition = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN", help="Column that can be asked for; again for more.  [default: the target]"),
]
KeepRules = Annotated[
    bool, typer.Option("--keep-rules", help="No record breaks a rule between columns that all of train keeps.")
]
TestSize = Annotated[float, typer.Option(metavar="SHARE", help="Share of the patients held out.")]
Source = Annotated[str | None, typer.Option(metavar="SOURCE", help="real, synthetic or stand-in.  [default: real]")]
Licence = Annotated[str | None, typer.Option(metavar="TEXT", help="Terms of use of your own table.")]
Citation = Annotated[str, typer.Option(metavar="TEXT", help="Whom to thank for your own table.")]
Checkpoint = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Keep the state of the fit here; the same command goes on.")
]
NoModel = Annotated[
    bool, typer.Option("--no-model", help="Hand on the data without the model, which can be asked about people.")
]
Force = Annotated[bool, typer.Option("--force", help="Write into a folder that holds other things.")]
ForceRed = Annotated[bool, typer.Option("--force-red", help="Write it though its privacy is red, marked as such.")]


Kind = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="full, partial, hybrid, augment, impute, fair or structural: see docs/kinds.md.  [default: full]",
    ),
]
Columns = Annotated[
    list[str] | None, typer.Option(metavar="COLUMN", help="Of kind partial: column to be replaced; again for more.")
]
Level = Annotated[
    list[str] | None,
    typer.Option(metavar="COLUMN=LEVEL", help="Of kind augment: which records are rare; again to narrow it."),
]
Share = Annotated[
    float | None, typer.Option(metavar="SHARE", help="Of kind augment: of the rare; of kind hybrid: of the columns.")
]
Protect = Annotated[
    str | None, typer.Option(metavar="COLUMN", help="Of kind fair: what the target shall be independent of.")
]
Imputations = Annotated[int | None, typer.Option(metavar="N", help="Of kind impute: how often gaps are filled.")]
DomainFile = Annotated[
    Path | None,
    typer.Option("--domain", metavar="FILE", help="JSON of what columns can hold, for --epsilon and kind structural."),
]


def kind_asked(kind: str | None, level: list[str] | None, domain: object, **settings) -> object:
    """Return the kind of release that options ask for."""
    from shd.releases.kinds import make_kind

    if strange := [one for one in level or () if "=" not in one]:
        raise ShdError(f"--level {strange[0]}: write COLUMN=LEVEL, for example --level readmitted=YES.")
    asked = dict(one.split("=", 1) for one in level or ()) or None
    return make_kind((kind or "full").lower(), level=asked, domain=domain, **settings)


def declared(domain: Path | None) -> object:
    """Return what a file declares of columns, or None."""
    from shd.domain import Domain

    return None if domain is None else Domain.read(domain)


def reading(skip: int, missing: list | None, text: list | None, day_first: bool | None, decimal: str | None) -> dict:
    """Return how a file is to be read, as `Dataset.from_csv` takes it."""
    words = None if missing is None else tuple(missing)
    return {"skip": skip, "missing": words, "text": tuple(text or ()), "day_first": day_first, "decimal": decimal}


def examples(*lines: str) -> str:
    """Return what stands below the help of a command, each example on a line of its own."""
    return "\n".join(["\b", "Examples:" if len(lines) > 1 else "Example:", *(f"  {line}" for line in lines)])
