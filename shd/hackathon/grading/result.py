"""What became of one submission, and of all of them: a table for the gradebook and a sheet for marks by hand."""

import csv
import io
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from shd._errors import ShdError
from shd.hackathon.grading.marks import Mark

SHEET = "marking.csv"
"""The sheet for free-text answers: a person fills its column ``mark``, and the next grading reads it."""
_MOST_OF_A_CELL = 32_767  # characters that spreadsheets keep
_SHEET = ("team", "text", "points", "words", "mark", "comment")
Marks = dict[tuple[str, str], dict]
"""What people wrote into the sheet, by team and text."""


@dataclass
class Result:
    """What became of one submission."""

    team: str
    challenge: str
    fingerprint: str
    sandbox: list[str] = field(default_factory=list)
    exercises: list[Mark] = field(default_factory=list)
    texts: list[dict] = field(default_factory=list)
    tracks: list[dict] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def points(self) -> float:
        """The points of all exercises that checks mark."""
        return round(sum(one.points for one in self.exercises), 2)

    @property
    def out_of(self) -> int:
        """How many there are."""
        return sum(one.out_of for one in self.exercises)

    def to_dict(self) -> dict:
        """Return all of it as plain values."""
        plain = {
            name: getattr(self, name) for name in ("team", "challenge", "fingerprint", "points", "out_of", "sandbox")
        }
        exercises = [one.to_dict() for one in self.exercises]
        return {**plain, "exercises": exercises, "texts": self.texts, "tracks": self.tracks, "notes": self.notes}


def read_results(folder: Path) -> list[dict]:
    """Return the results in a folder, in the order of the names of teams."""
    return [json.loads(file.read_text(encoding="utf-8")) for file in sorted(folder.glob("*/result.json"))]


def gradebook(results: Sequence[dict], marks: Marks) -> str:
    """Return a table as CSV: one line a team, one column an exercise, words marked by hand, sum, and other tracks."""
    names, texts = exercises_of(results), texts_of(results)
    tracks = list(dict.fromkeys(name for result in results for name in scores_of(result)))
    rows = []
    for result in results:
        points = {one["exercise"]: one["points"] for one in result["exercises"]}
        by_hand = {text: _mark(marks.get((result["team"], text))) for text in texts}
        row = {"team": result["team"], "challenge": result["challenge"], **points, **by_hand}
        whole = total(result, marks, texts)
        rows.append({**row, "points": whole["points"], "out of": whole["out_of"], **scores_of(result)})
    return _as_csv(rows, ["team", "challenge", *names, *texts, "points", "out of", *tracks])


def scores_of(result: dict) -> dict[str, str]:
    """Return what a team scored in each track, other than the notebook, by the half of the people."""
    tracks = {f"{one['track']}, {one['people']}": one for one in result["tracks"]}
    return {name: f"{one['value']:.3f}" if one["ranked"] else "not ranked" for name, one in tracks.items()}


def total(result: dict, marks: Marks, texts: Iterable[str]) -> dict[str, float]:
    """Return the points of a team, those given by hand for its texts included, and how many there are."""
    by_hand = [_mark(marks.get((result["team"], text))) or 0 for text in texts]
    out_of = result["out_of"] + sum(points_of(text) for text in texts)
    return {"points": round(result["points"] + sum(by_hand), 2), "out_of": out_of}


def exercises_of(results: Iterable[dict]) -> list[str]:
    """Return the names of all exercises, in their order."""
    return list(dict.fromkeys(one["exercise"] for result in results for one in result["exercises"]))


def texts_of(results: Iterable[dict]) -> list[str]:
    """Return the names of all questions in words."""
    return list(dict.fromkeys(one["text"] for result in results for one in result["texts"]))


def points_of(text: str) -> int:
    """Return what a free-text answer can be worth: the tag ``text:why:3`` says 3."""
    worth = text.rpartition(":")[2]
    return int(worth) if worth.isdigit() else 0


def marking_sheet(results: Sequence[dict], marks: Marks) -> str:
    """Return the sheet with every free-text answer, and the marks that it has so far."""
    rows = []
    for result in results:
        for one in result["texts"]:
            known = marks.get((result["team"], one["text"]), {})
            kept = {key: known.get(key) or "" for key in ("mark", "comment")}
            row = {"team": result["team"], "text": one["text"], "points": points_of(one["text"])}
            rows.append({**row, "words": _harmless(one["words"]), **kept})
    there = {(row["team"], row["text"]) for row in rows}
    gone = [{name: row.get(name, "") for name in _SHEET} for about, row in marks.items() if about not in there]
    return _as_csv([*rows, *gone], _SHEET)  # marks of a submission that cannot be graded now are not lost


def read_marks(folder: Path, results: Sequence[dict] = ()) -> Marks:
    """Return what people wrote into the sheet, by team and text.

    A mark for words that the team has changed since is not one for the new: it moves into the comment.
    """
    words = {(one["team"], text["text"]): _harmless(text["words"]) for one in results for text in one["texts"]}
    marks = {}
    for row in _rows(folder / SHEET):
        if not row.keys() >= {"team", "text", "mark"}:
            raise ShdError(f"{SHEET}: columns team, text and mark are needed; keep the first line as it was.")
        given, most, about = _mark(row), points_of(row["text"]), (row["team"], row["text"])
        if given is not None and not 0 <= given <= most:
            raise ShdError(f"{SHEET}: {row['mark']} points for {row['team']}, where 0 to {most} can be given.")
        if given is not None and about in words and not _same(row.get("words"), words[about]):
            row |= {"mark": "", "comment": f"was {row['mark']}, for other words. {row.get('comment') or ''}".strip()}
        marks[about] = row
    return marks


def _rows(file: Path) -> list[dict]:
    """Read a sheet as spreadsheets save it: with commas, semicolons or tabs, in UTF-8 or in that of Windows."""
    if not file.is_file():
        return []
    content = file.read_bytes()
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("cp1252", "replace")
    first = text.partition("\n")[0]
    rows = csv.DictReader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), restval="")
    return [{name: value for name, value in row.items() if isinstance(value, str)} for row in rows]


def _same(marked: str | None, words: str) -> bool:
    """Whether words are those that were marked; a sheet without them, or with the first part alone, is believed."""
    if marked is None:
        return True
    marked, words = "".join(marked.split()), "".join(words.split())
    return marked == words or (len(marked) > _MOST_OF_A_CELL / 2 and words.startswith(marked))


def _mark(row: dict | None) -> float | None:
    text = (row or {}).get("mark", "").strip().replace(",", ".")
    try:
        return float(text) if text else None
    except ValueError as error:
        raise ShdError(f"{SHEET}: {text!r} is no mark; a number is wanted, or nothing.") from error


def _harmless(words: str) -> str:
    """Keep spreadsheets from running what a team wrote as a formula."""
    return f"'{words}" if words[:1] in "=+-@\t\r" and words else words


def _as_csv(rows: Iterable[dict], columns: Sequence[str]) -> str:
    made = io.StringIO()
    writer = csv.DictWriter(made, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return made.getvalue()
