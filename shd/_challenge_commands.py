"""The commands `shd challenge ...`: for teams a folder, a check and a score; for organisers a challenge and a seal."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from shd import _terminal
from shd._options import AsJson, ForceRed, Subject, Target, examples
from shd._terminal import in_columns

if TYPE_CHECKING:
    from shd.hackathon.predictions import Part
    from shd.hackathon.score import TeamScore, TrackScore

app = typer.Typer(
    help="Start, make, check and score challenges.",
    epilog=examples("shd challenge list", "shd challenge start diabetes_ml my-team"),
    no_args_is_help=True,
    rich_markup_mode=None,
)
Which = Annotated[
    str, typer.Argument(metavar="CHALLENGE", help="A challenge, for example diabetes_ml, or the folder of one.")
]
Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="The folder of a team.")]


@app.command("list", epilog=examples("shd challenge list"))
def _list(json: AsJson = False) -> None:
    """Show the challenges there are."""
    from shd.hackathon.challenge import all_challenges

    found = all_challenges()
    rows = [(one.id, one.dataset, ", ".join(one.tracks), one.title) for one in found]
    result = [{"id": i, "dataset": d, "tracks": t.split(", "), "title": title} for i, d, t, title in rows]
    text = "\n".join(in_columns([("challenge", "data set", "tracks", "title"), *rows]))
    _terminal.emit(result, json, f"{text}\n\nStart: shd challenge start {found[-1].id if found else 'NAME'} my-team")


@app.command("start", epilog=examples("shd challenge start diabetes_ml my-team"))
def _start(
    challenge: Which,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
    team: Annotated[
        str | None, typer.Option(metavar="NAME", help="What the team is called.  [default: as the folder]")
    ] = None,
    json: AsJson = False,
) -> None:
    """Make a folder for a team, which works wherever it lies.

    It holds the starter, the data, the page, what to install and, where git is there, a repository with
    one commit.
    """
    from shd.hackathon.start import start

    made = start(challenge, folder, team)
    text = f"{made.challenge}: {made.files} files{', in a git repository with one commit' if made.has_git else ''}."
    todo = "read README.md in it, then: jupyter lab starter.ipynb"
    _terminal.emit(made.to_dict(), json, f"{text}\n\nFolder: {made.folder} ({todo})")


@app.command(
    "new",
    epilog=examples(
        "shd challenge new my-challenge --data my.csv --target sick --subject patient",
        "shd challenge new my-challenge --data pictures",
    ),
)
def _new(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="A folder that is not there yet.")],
    data: Annotated[Path, typer.Option(metavar="FILE|DIR", help="A .csv or .parquet file, or a folder of pictures.")],
    target: Target = None,
    subject: Subject = None,
    title: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What it is called.  [default: as the folder]")
    ] = None,
    licence: Annotated[str, typer.Option(metavar="TEXT", help="Terms of use.")] = "for this challenge only",
    citation: Annotated[str, typer.Option(metavar="TEXT", help="Whom to thank.")] = "",
    force_red: ForceRed = False,
    json: AsJson = False,
) -> None:
    """Make a challenge around your own table or pictures.

    A fifth of the people is held back in organiser/. Of the others a quick synthesizer learns a
    synthetic copy; page, starter and a baseline are written. Pictures lie in one folder a class, or a
    labels.csv names file, class and person.
    """
    from shd.hackathon.scaffold import new

    told = {"title": title, "licence": licence, "citation": citation, "force_red": force_red}
    made = new(folder, data, target, subject, **told)
    lines = [f"{made.people:,} people for teams, {made.held_back:,} held back in organiser/."]
    todo = f"write its README.md, then: shd challenge start {made.folder} my-team"
    _terminal.emit(made.to_dict(), json, "\n".join([*lines, "", f"Challenge: {made.folder} ({todo})"]))


@app.command("check", epilog=examples("shd challenge check my-team"))
def _check(folder: Folder, json: AsJson = False) -> int:
    """Say what of a submission would be lost, and why.

    Nothing of the team's is run. SUBMISSIONS.md says what belongs where. Ends with 1 where something
    would be lost.
    """
    from shd.hackathon.submission import check

    found = check(folder)
    lost = [one for one in found if one.loses]
    lines = [f"{'lost' if one.loses else 'note':<5} {one.track:<11} {one.file}: {one.sentence}." for one in found]
    tracks = ", ".join(dict.fromkeys(one.track for one in lost))
    last = f"Would be lost: {tracks}. Mend it and check again." if lost else "Nothing would be lost."
    result = {"folder": str(folder), "whole": not lost, "findings": [one.to_dict() for one in found]}
    _terminal.emit(result, json, "\n".join([*lines, *([""] if lines else []), last]))
    return 1 if lost else 0


@app.command(
    "score", epilog=examples("shd challenge score my-team", "shd challenge score my-team --organiser organiser")
)
def _score(
    folder: Folder,
    organiser: Annotated[
        Path | None, typer.Option(metavar="DIR", help="What shd challenge seal wrote: score on hidden people.")
    ] = None,
    track: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Track to score; again for more.  [default: all]")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="Compare fewer records: faster, and wider intervals.")] = False,
    json: AsJson = False,
) -> int:
    """Score a submission: the gates, then a number with its interval for each track.

    On what teams may see, or on the hidden people of an organiser, the public and the private half apart.
    Tables take a minute or two, pictures some minutes. Nothing of the team's is run. Ends with 1 where
    nothing could be scored.
    """
    from shd.hackathon.score import score

    found = score(folder, organiser, tracks=track, level="quick" if quick else "full")
    _terminal.emit(found.to_dict(), json, "\n".join(_lines(found)))
    return 0 if any(one.value is not None for one in found.tracks) else 1


@app.command(
    "seal",
    epilog=examples(
        "shd challenge seal diabetes_ml --seed-file SECRET -o organiser",
        "shd challenge seal diabetes_ml --seed-file SECRET -o try --source stand-in",
    ),
)
def _seal(
    challenge: Which,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Folder for the organiser.")],
    seed_file: Annotated[Path, typer.Option(metavar="FILE", help="A file with 16 random bytes or more.")],
    source: Annotated[
        str | None, typer.Option(metavar="SOURCE", help="real, or stand-in for a rehearsal.  [default: real]")
    ] = None,
    json: AsJson = False,
) -> None:
    """Hide people: what teams may have, and what only the organiser keeps.

    People whom the release did not learn from are drawn with a secret, in a public and a private half
    that share nobody. Hand out what is in for-teams; keep the rest, and the secret, to yourself.
    """
    from shd.hackathon.seal import seal

    made = seal(challenge, seed_file, output, source)
    lines = [f"{name:<8} {count:>7,} people {made.records[name]:>7,} records" for name, count in made.people.items()]
    how = f"shd grade SUBMISSIONS -o results --challenge {challenge} --organiser {output}"
    lines += [f"\nHand out {output / 'for-teams'}, keep the rest, and score with: {how}"]
    _terminal.emit(made.to_dict(), json, "\n".join([*lines, "", f"Organiser: {made.folder}"]))


@app.command("export", epilog=examples("shd challenge export diabetes_ml --to nbgrader -o release/diabetes_ml"))
def _export(
    challenge: Which,
    to: Annotated[str, typer.Option(metavar="SYSTEM", help="nbgrader or otter.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="A folder that is not there yet.")],
    json: AsJson = False,
) -> None:
    """Write what a class is handed out that grades with nbgrader or otter."""
    from shd.hackathon.export import export

    path = export(challenge, to, output)
    _terminal.emit({"notebook": str(path), "system": to}, json, f"Notebook for {to}: {path}")


def _lines(found: "TeamScore") -> Iterator[str]:
    """Yield what a person reads of a score."""
    yield f"{found.team}, {found.challenge}"
    for one in found.tracks:
        yield f"\n{one.track}, {one.people} people ({one.source})"
        wide = max((len(part.name) for part in one.parts), default=0)
        yield from (
            f"  gate  {'passed' if gate.passed else 'FAILED'}  {gate.name:<11} {gate.reason}." for gate in one.gates
        )
        yield from (f"  part  {part.name:<{wide}}  {_number(part)}  {part.sentence}." for part in one.parts)
        if one.why and one.value is None and all(gate.passed for gate in one.gates):
            yield f"  not scored: {one.why}."
    yield ""
    shown = [f"{one.track} {_number(one)}{_rank_of(one)} ({one.people})" for one in found.tracks]
    yield f"Score: {'; '.join(shown) or 'none'}"


def _number(one: "TrackScore | Part") -> str:
    return "-" if one.value is None else f"{one.value:.3f} [{one.low:.3f}, {one.high:.3f}]"


def _rank_of(one: "TrackScore") -> str:
    return "" if one.is_ranked else ", not ranked"
