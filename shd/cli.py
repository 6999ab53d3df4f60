"""The command line. Every command is one call of the package."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import shd
from shd import _audit_command, _bench_commands, _challenge_commands, _data_commands, _grade_commands, _terminal
from shd import _options as option
from shd._errors import ShdError
from shd._json import json_values
from shd._options import examples, reading

if TYPE_CHECKING:
    from shd.compare.findings import Studies

app = typer.Typer(
    name="shd",
    help="Synthetic health data: make it, judge it, learn with it.",
    epilog=examples("shd demo"),
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,  # plain help: it fits 80 columns, and can be copied and read aloud
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(_data_commands.app, name="data")
app.add_typer(_challenge_commands.app, name="challenge")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (see `shd._terminal.run`)."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    kept = [word for word in given if word != "--debug"]  # it may stand anywhere
    return _terminal.run(lambda: app(kept, prog_name="shd", standalone_mode=False), debug=len(kept) < len(given))


def _version(wanted: bool) -> None:
    if wanted:
        print(shd.__version__)
        raise typer.Exit


@app.callback()
def _shd(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show tracebacks and all warnings; for any command.")] = False,
) -> None:
    """Take what stands before a command."""


@app.command(epilog=examples("shd demo -o demo.html", "shd demo --challenge alzheimers"))
def demo(
    challenge: Annotated[str, typer.Option(metavar="NAME", help="diabetes or alzheimers.")] = "diabetes",
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The report.")] = Path("shd-demo.html"),
    minutes: Annotated[
        float | None, typer.Option(metavar="N", help="Time to fit in.  [default: 1.1; pictures 2]")
    ] = None,
    seed: option.Seed = 0,
    json: option.AsJson = False,
) -> None:
    """Do it all once: load, fit, sample, compare, report.

    The data are the stand-in cohort that ships with shd: nothing is downloaded.
    """
    _check_output(output)
    from shd.releases import Steps, choose, generate, make_synthesizer

    steps = Steps(6)
    steps("load", f"{challenge}, the stand-in: nothing is downloaded")
    data = shd.load(challenge, source="stand-in")
    steps.loaded(data)
    gan = make_synthesizer(choose(data, in_steps=True), random_state=seed)
    if minutes is None:
        minutes = 1.1 if data.images is None else 2.0
    findings = _findings(challenge, None)
    made = generate(data, gan, minutes=minutes, random_state=seed, findings=findings, steps=steps)
    steps("report", str(output))
    made.report.save(output)
    result = {**made.report.to_dict(), "report": str(output)}
    _terminal.emit(result, json, f"\n{made.report.summary()}\n\nReport: {output}")


@app.command(
    epilog=examples(
        "shd generate diabetes -o release",
        "shd generate stays.csv -o release --target sick --licence 'CC BY 4.0'",
        "shd generate diabetes -o release --kind fair --protect gender",
    )
)
def generate(
    what: option.DatasetOrFile,
    output: option.ReleaseFolder,
    minutes: option.Minutes = None,
    steps: option.TrainingSteps = None,
    seed: option.Seed = 0,
    family: option.Family = None,
    epsilon: option.Epsilon = None,
    condition: option.Condition = None,
    kind: option.Kind = None,
    columns: option.Columns = None,
    level: option.Level = None,
    share: option.Share = None,
    protect: option.Protect = None,
    imputations: option.Imputations = None,
    domain: option.DomainFile = None,
    target: option.Target = None,
    subject: option.Subject = None,
    sensitive: option.Sensitive = None,
    keep_rules: option.KeepRules = False,
    skip: option.Skip = 0,
    missing: option.Missing = None,
    text: option.Text = None,
    day_first: option.DayFirst = None,
    decimal: option.Decimal = None,
    test_size: option.TestSize = 0.2,
    source: option.Source = None,
    licence: option.Licence = None,
    citation: option.Citation = "",
    findings: option.Findings = None,
    checkpoint: option.Checkpoint = None,
    min_people: option.MinPeople = None,
    keep: option.Keep = None,
    fake: option.Fake = None,
    no_model: option.NoModel = False,
    force: option.Force = False,
    force_red: option.ForceRed = False,
    json: option.AsJson = False,
) -> None:
    """Make synthetic data, and release them.

    Fits on four fifths of the patients, samples as many records, compares them with both parts, and
    writes a folder with data, model, report, card and checksums. Columns that identify people are
    dropped, and what few people share is not learned.
    """
    from shd import releases
    from shd.datasets import open_data
    from shd.releases import Steps, check_folder, check_licence, choose, make_synthesizer

    check_folder(output, force)
    if minutes is not None and steps is not None:
        raise ShdError("--minutes and --steps both say how long to fit; give one of them.")
    declared = option.declared(domain)
    told = {"condition": tuple(condition or ()), "steps": steps, "min_people": min_people, "epsilon": epsilon}
    make = partial(make_synthesizer, random_state=seed, **told, domain=None if epsilon is None else declared)
    # better to hear of a wrong name before the data are read
    given = {"columns": columns, "share": share, "protect": protect, "imputations": imputations}
    asked = option.kind_asked(kind, level, None if epsilon is not None else declared, **given)
    family = family or asked.family
    if epsilon is not None and (family or "auto").lower() == "auto":
        family = "PrivateMoments"  # to try families out on the records would be paid for
    synthesizer = make(family) if family and family.lower() != "auto" else None
    tell = Steps(6)
    tell("load", f"{what}, {source}" if source else what)
    _check_real(what, source)
    data, raw = open_data(
        what,
        source=source or "real",
        target=target,
        subject=subject,
        sensitive=tuple(sensitive or ()),
        licence=licence,
        citation=citation,
        reading=reading(skip, missing, text, day_first, decimal),
    )
    data = replace(data, keep=(*data.keep, *(keep or ())), fake=(*data.fake, *(fake or ())))
    check_licence(data)
    known = _findings(what, findings)
    tell.loaded(data)
    in_steps = (minutes, steps, checkpoint) != (None, None, None)
    synthesizer = synthesizer or make(
        choose(data, condition or asked.asks(data), in_steps, test_size, seed, min_people)
    )
    if minutes is None and steps is None and hasattr(synthesizer, "steps_for"):
        minutes = 6.0
    write = {"raw": raw, "checkpoint": checkpoint, "force": force, "force_red": force_red, "kind": asked}
    how = {"minutes": minutes, "test_size": test_size, "random_state": seed, "keep_rules": keep_rules}
    release, made = releases.generate_release(
        output, data, synthesizer, tell, with_model=not no_model, findings=known, **write, **how
    )
    result = {"release": str(release.folder), "card": release.card}
    _terminal.emit(result, json, f"\n{made.report.summary()}\n\nRelease: {release.folder}")


@app.command(epilog=examples("shd compare train.csv synthetic.csv --holdout holdout.csv"))
def compare(
    real: Annotated[str, typer.Argument(metavar="REAL", help="What the synthetic records were made from.")],
    synthetic: Annotated[Path, typer.Argument(metavar="SYNTHETIC", help="The synthetic records.")],
    holdout: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Real records that were not used to make them.")
    ] = None,
    target: option.Target = None,
    subject: option.Subject = None,
    sensitive: option.Sensitive = None,
    skip: option.Skip = 0,
    missing: option.Missing = None,
    text: option.Text = None,
    day_first: option.DayFirst = None,
    decimal: option.Decimal = None,
    findings: option.Findings = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Look at fewer records: seconds, and wider intervals.")
    ] = False,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The report.")] = Path("report.html"),
    seed: option.Seed = 0,
    json: option.AsJson = False,
) -> None:
    """Judge synthetic data beside the real ones.

    The report is one page on fidelity, utility, privacy and fairness that opens offline.
    """
    _check_output(output)
    from shd.dataset import Dataset
    from shd.datasets import open_data

    how = reading(skip, missing, text, day_first, decimal)
    train, _ = open_data(real, target=target, subject=subject, sensitive=tuple(sensitive or ()), reading=how)
    made = Dataset.from_csv(synthetic, source="synthetic", **how)
    held = None if holdout is None else Dataset.from_csv(holdout, subject=subject, **how)
    options = {"target": target, "level": "quick" if quick else "full", "random_state": seed}
    report = shd.compare(train, made, holdout=held, findings=_findings(real, findings), **options)
    report.save(output)
    _terminal.emit({**report.to_dict(), "report": str(output)}, json, f"{report.summary()}\n\nReport: {output}")


@app.command(epilog=examples("shd explain SHD001"))
def explain(
    code: Annotated[str, typer.Argument(metavar="CODE", help="Of a method check, as a report names it.")],
    json: option.AsJson = False,
) -> None:
    """Explain what a method check found."""
    from shd.compare.checks import explain as page_of

    page = page_of(code.upper())
    _terminal.emit({"code": code.upper(), "page": page}, json, page.rstrip())


@app.command(epilog=examples("shd verify release", "shd verify release --real diabetes"))
def verify(
    release: Annotated[Path, typer.Argument(metavar="RELEASE", help="Folder of a release.")],
    real: Annotated[
        str | None, typer.Option(metavar="DATASET|FILE", help="The whole original, to measure every score again.")
    ] = None,
    subject: option.Subject = None,
    skip: option.Skip = 0,
    missing: option.Missing = None,
    text: option.Text = None,
    day_first: option.DayFirst = None,
    decimal: option.Decimal = None,
    findings: option.Findings = None,
    json: option.AsJson = False,
) -> int:
    """Check the claims of a release.

    Every checksum is computed again, and the data are laid beside the card. Given the original, it is
    split as the card says, and each score is measured again and laid beside the card's. Ends with 1
    where something differs.
    """
    from shd.datasets import open_data
    from shd.releases import Steps, open_release, original_of
    from shd.releases import verify as verify_release

    if subject is not None and real is None:
        raise ShdError("--subject names a column of the original; give that, too: --real FILE.")
    if real is None:
        found = verify_release(open_release(release))
    else:
        tell = Steps(5)
        tell("files", str(release))
        whole = open_release(release)
        source, target = original_of(whole)
        how = reading(skip, missing, text, day_first, decimal)
        tell("load", f"{real}, {source}")
        data, _ = open_data(real, source=source, target=target, subject=subject, reading=how)
        tell.loaded(data)
        known = None if findings is None else _findings(real, findings)
        found = verify_release(whole, data, tell, known)
    result = {"release": str(release), "holds": found.holds, "claims": found.frame.to_dict("records")}
    last = f"{'Holds' if found.holds else 'Differs'}: {release}"
    _terminal.emit({**json_values(result), "notes": list(found.notes)}, json, f"{found.summary()}\n\n{last}")
    return 0 if found.holds else 1


@app.command(epilog=examples("shd catalog releases -o site", "shd catalog releases -o site --with-data"))
def catalog(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder with releases, at any depth.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="SITE", help="Folder for the page.")],
    with_data: Annotated[bool, typer.Option("--with-data", help="Copy data and models, too.")] = False,
    json: option.AsJson = False,
) -> None:
    """Show many releases on one static page.

    Verifies each release below the folder, and writes a page that needs no server, with their cards,
    reports and metadata. What is broken is listed with the reason.
    """
    from shd.releases import make_catalog

    made = make_catalog(folder, output, with_data)
    found = made.to_dict()
    lines = [f"whole   {one['folder']}: {one['title']}" for one in found["releases"]]
    lines += [f"broken  {one['folder']}: {one['reason']}" for one in found["broken"]]
    text = "\n".join([*lines, "", f"Catalogue: {made.page}"])
    _terminal.emit({**found, "catalogue": str(made.page)}, json, text)


app.command(epilog=_grade_commands.EXAMPLES)(_grade_commands.grade)
app.command(epilog=_bench_commands.EXAMPLES)(_bench_commands.bench)
app.command(epilog=_audit_command.EXAMPLES)(_audit_command.audit)


def _findings(what: str, folder: Path | None) -> "Studies":
    """Return the studies in a folder, else those that the challenge of a data set brings."""
    from shd.compare.findings import load, of_dataset

    return of_dataset(what) if folder is None else load(folder)


def _check_output(path: Path) -> None:
    """Say before the work, not after it, that a report cannot be put there."""
    if path.is_dir():
        raise ShdError(f"{path}: a folder. Name a file for the report, for example {path / 'report.html'}.")
    if any(parent.is_file() for parent in path.parents):
        raise ShdError(f"{path}: lies below a file. Name another place for the report.")


def _check_real(what: str, source: str | None) -> None:
    from shd.datasets.registry import DATASETS, real_path

    if source is None and what in DATASETS and real_path(what) is None:
        raise ShdError(
            f"{what}: the real data are not on disk; run: shd data fetch {what}, or take the stand-in: "
            f"--source stand-in"
        )


if __name__ == "__main__":
    sys.exit(main())
