"""What a team hands in: found, read and checked, with all that would be lost said at once."""

import json
import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from shd._errors import ShdError, first_line
from shd.dataset import Dataset
from shd.datasets.own import SUBJECT
from shd.hackathon.challenge import Challenge, Predict, Synthesize, read_challenge
from shd.hackathon.columns import Expected, expected, judge, match_names, meant
from shd.hackathon.formats import Limits, is_pickle, read_stack, read_table
from shd.hackathon.people import ID, read_ids, read_source, rehearsal
from shd.hackathon.start import TEAM

_WHOLE = 0.01  # how far the chances of all classes may be from 1 together
_LONGEST = 100_000  # bytes of a team.toml
_KEPT = (".gitkeep", "README.md", ".DS_Store")


@dataclass(frozen=True)
class Finding:
    """Something about a submission: what is wrong, where, and whether it costs anything."""

    track: str  # or "team"
    file: str
    sentence: str
    loses: bool = True

    def to_dict(self) -> dict:
        """Return it as JSON knows it."""
        return dict(vars(self))


@dataclass(frozen=True, eq=False)
class Handed:
    """What was handed in for one track: the file, what is in it, and what is wrong with it."""

    track: str
    file: Path | None
    content: pd.DataFrame | Dataset | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether it can be scored."""
        return self.content is not None and not any(one.loses for one in self.findings)


class Submission:
    """A team's folder, and the challenge that it answers.

    The challenge is that of the folder; who grades gives the one that was handed out, which no team has changed.
    """

    def __init__(self, folder: str | Path, challenge: Challenge | None = None, ids: Sequence[str] | None = None):
        self.folder, self._ids, self._handed = Path(folder), ids, {}
        if not self.folder.is_dir():
            raise ShdError(f"{self.folder}: no such folder. Give the folder of a team.")
        self.challenge = challenge or read_challenge(self.folder)

    @cached_property
    def ids(self) -> pd.Series:
        """The ids that predictions are wanted for: as given, as in the folder of the challenge, or of a rehearsal."""
        if self._ids is not None:
            return pd.Series(self._ids, dtype=object)
        file = self.challenge.folder / self.challenge.tracks["predict"].ids
        return read_ids(file) if file.is_file() else pd.Series(rehearsal(self.challenge).ids, dtype=object)

    @cached_property
    def team(self) -> str:
        """The name of the team, as team.toml says it; of the folder where it does not."""
        name = self._told.get("team")
        return name if isinstance(name, str) and name.strip() else self.folder.resolve().name

    @cached_property
    def _told(self) -> dict:
        file = self.folder / TEAM
        try:
            if file.is_symlink() or file.stat().st_size > _LONGEST:
                return {}
            return tomllib.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # `about_team` says so

    def about_team(self) -> list[Finding]:
        """Say what is wrong with team.toml."""
        file = self.folder / TEAM
        if not file.is_file():
            return [Finding("team", TEAM, "missing: nobody knows whose this is; shd challenge start makes one")]
        if not self._told:
            return [Finding("team", TEAM, "not TOML, or empty: mend it, or take one from shd challenge start")]
        said, own = [], self._told.get("challenge")
        if own != self.challenge.id:
            said.append(f"is of the challenge {own!r}, this one is {self.challenge.id!r}: is it the right folder?")
        if not isinstance(self._told.get("team"), str) or not self._told["team"].strip():
            said.append('names no team: team = "my-team"')
        if not isinstance(self._told.get("members", []), list):
            said.append('members must be a list, for example ["Ada", "Grace"]')
        return [Finding("team", TEAM, one) for one in said]

    def findings(self) -> list[Finding]:
        """Return all that is wrong, in the order of the tracks."""
        handed = [self.handed(track) for track in self.challenge.tracks]
        return [*self.about_team(), *self._strangers(), *(one for track in handed for one in track.findings)]

    def handed(self, track: str) -> Handed:
        """Return what was handed in for one track, checked; read once."""
        if track not in self._handed:
            self._handed[track] = self._read(track)
        return self._handed[track]

    def _read(self, track: str) -> Handed:
        asked = self.challenge.tracks[track]
        path, said = self._find(track)
        if path is None or said:
            return Handed(track, path, None, said)
        readers = {"predict": self._predictions, "synthesize": self._synthetic, "notebook": self._notebook}
        try:
            content, found = readers[track](path, asked)
        except ShdError as error:
            return Handed(track, path, None, [Finding(track, self._name(path), str(error))])
        return Handed(track, path, content, [Finding(track, self._name(path), *one) for one in found])

    def _find(self, track: str) -> tuple[Path | None, list[Finding]]:
        """Find the one file of a track, and refuse what cannot be opened safely."""
        asked = self.challenge.tracks[track]
        paths = [self.folder / f"{asked.file}.{one}" for one in asked.formats]
        there = [path for path in paths if path.exists() or path.is_symlink()]
        named = ", ".join(f".{one}" for one in asked.formats)
        if not there:
            return None, [Finding(track, asked.file, f"not handed in: {asked.file} with the ending {named}")]
        if len(there) > 1:
            names = " and ".join(path.name for path in there)
            return None, [Finding(track, self._name(there[0]), f"{names} are both there: keep the one that counts")]
        path = there[0]
        wrong = self._unsafe(path, asked.megabytes)
        return path, [Finding(track, self._name(path), wrong)] if wrong else []

    def _unsafe(self, path: Path, megabytes: float) -> str | None:
        below = [path, *path.parents][: len(path.relative_to(self.folder).parts)]
        if any(one.is_symlink() for one in below) or not path.is_file():
            return "a link, or no file: put the file itself here"
        size = path.stat().st_size / 1e6
        if size > megabytes:
            return f"too large: {size:,.1f} MB, {megabytes:g} MB at most"
        if is_pickle(path):
            return "holds a pickle, which can run code when it is opened: write it in another format"
        return None

    def _strangers(self) -> list[Finding]:
        """Say which files beside what was asked for nobody will look at."""
        said = []
        tracks = self.challenge.tracks.items()
        for folder in sorted({(self.folder / track.file).parent for _, track in tracks} - {self.folder}):
            asked = {Path(t.file).name: name for name, t in tracks if (self.folder / t.file).parent == folder}
            for path in sorted(folder.iterdir()) if folder.is_dir() and not folder.is_symlink() else ():
                track = asked.get(path.stem)
                if path.name in _KEPT or (track and path.suffix[1:] in self.challenge.tracks[track].formats):
                    continue
                near = next(iter(get_close_matches(path.stem, asked, 1)), None)
                about, loses = self._about_stranger(path, track, near), bool(track or near) or is_pickle(path)
                said.append(Finding(track or asked.get(near, "team"), self._name(path), about, loses))
        return said

    def _about_stranger(self, path: Path, track: str | None, near: str | None) -> str:
        if is_pickle(path):
            return "a pickle, which can run code when it is opened: it is never read; write it in another format"
        if track:
            formats = self.challenge.tracks[track].formats
            return f"in a format that is not read here; write {' or '.join(f'.{one}' for one in formats)}"
        return "nobody reads it" + (f": did you mean {near!r}? Rename it" if near else "; take it out")

    def _name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    # What is in the files ----------------------------------------------------------------------------

    def _predictions(self, path: Path, asked: Predict) -> tuple[pd.DataFrame | None, list[tuple]]:
        ids = self.ids
        frame = read_table(path, Limits(2 * len(ids) + 1000))
        wanted = [ID, *asked.columns]
        said = [(one, True) for one in match_names(frame.columns, wanted)]
        frame = frame.rename(columns=meant(frame.columns, wanted))
        if ID in frame:
            said += [(one, True) for one in match_ids(frame[ID], ids)]
        made = {}
        for name in (name for name in asked.columns if name in frame):
            low, high = (-np.inf, np.inf) if asked.is_number else (0, 1)
            made[name], more = judge(frame[name], Expected(name, "number", low=low, high=high))
            said += [(one, True) for one in more]
            if not more and len(frame) > 1 and made[name].nunique() == 1:
                said.append((f"column {name!r} has one value for everybody, which orders nobody", False))
        if said and any(loses for _, loses in said):
            return None, said
        table = pd.DataFrame(made).set_axis(frame[ID].astype(str)).loc[ids]
        off = (table.sum(axis=1) - 1).abs()
        if asked.is_whole and (off > _WHOLE).any():
            said.append((f"the chances of {int((off > _WHOLE).sum()):,} records do not add up to 1", False))
        return table, said

    def _synthetic(self, path: Path, asked: Synthesize) -> tuple[Dataset | None, list[tuple]]:
        like = self.like
        size = like.images.shape[1:] if like.images is not None else (0, 0)
        limits, images = Limits(asked.most, size), None
        if like.images is None:
            frame = read_table(path, limits)
        else:
            levels = list(map(str, like.frame[like.target].cat.categories))
            frame, images = read_stack(path, limits, levels, like.target)
        columns = self.expected
        found, wanted = [name for name in frame.columns if name != SUBJECT], [one.name for one in columns]
        said = match_names(found, wanted)
        frame = frame.rename(columns=meant(found, wanted))
        made = {}
        for column in (one for one in columns if one.name in frame):
            made[column.name], more = judge(frame[column.name], column)
            said += more
        if len(frame) < asked.fewest:
            said.append(f"{len(frame):,} records, {asked.fewest:,} at least: make more")
        if said or any(values is None for values in made.values()):
            return None, [(one, True) for one in said]
        return self._dataset(made, images, like), []

    def _dataset(self, made: dict, images: np.ndarray | None, like: Dataset) -> Dataset:
        roles = {role: getattr(like, role) for role in ("target", "sensitive", "counts", "name", "card", "declared")}
        return Dataset(pd.DataFrame(made), images=images, source="synthetic", **roles)

    @cached_property
    def like(self) -> Dataset:
        """Records as the synthetic ones should be."""
        source = self.challenge.tracks["synthesize"].like.replace("_", "-")
        return read_source(self.challenge, source)

    @cached_property
    def expected(self) -> list[Expected]:
        """What the columns of synthetic records hold."""
        tables = [self.like]
        if self.like.images is None and self.challenge.path("synthetic").is_file():
            tables.append(read_source(self.challenge, "synthetic"))
        return expected(tables)

    def _notebook(self, path: Path, asked: object) -> tuple[dict | None, list[tuple]]:
        try:
            book = json.loads(path.read_text(encoding="utf-8"))
            cells = [cell for cell in book["cells"] if isinstance(cell["cell_type"], str)]
        except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
            raise ShdError(f"not a notebook ({first_line(error)}): save it again in JupyterLab") from None
        ids = Counter(str(cell.get("id")) for cell in cells if "id" in cell)
        twice = [one for one, times in ids.items() if times > 1]
        said = [(f"{len(twice)} cells share an id with another; the last of them counts", False)] if twice else []
        return book, said


def match_ids(found: pd.Series, wanted: pd.Series) -> list[str]:
    """Say which ids are missing, unknown or there twice."""
    lacking = found.isna()
    written = found[~lacking].astype(str)
    said = [f"{int(lacking.sum()):,} rows have no id"] if lacking.any() else []
    repeated = written[written.duplicated()]
    if len(repeated):
        said.append(f"{len(repeated):,} ids are there twice, for example {repeated.iloc[0]!r}: one row an id")
    known, given = set(wanted), set(written)
    missing, strange = sorted(known - given), sorted(given - known)
    if len(strange) == len(given) and given:
        return [*said, f"none of the {len(given):,} ids is one that was asked about, for example {strange[0]!r}"]
    if missing:
        said.append(f"{len(missing):,} of {len(known):,} ids have no row, for example {missing[0]!r}")
    if strange:
        said.append(f"{len(strange):,} ids were not asked about, for example {strange[0]!r}: take them out")
    return said


def check(folder: str | Path, challenge: Challenge | None = None, ids: Sequence[str] | None = None) -> list[Finding]:
    """Check what a team hands in, and say all that would be lost, and why.

    Nothing of the team's is run. What can be lost is a track: a file that is missing, or that is not as
    SUBMISSIONS.md says.

    Parameters
    ----------
    folder : str or pathlib.Path
        The folder of a team.
    challenge : Challenge, optional
        The challenge as it was handed out; by default what the folder says.
    ids : sequence of str, optional
        The ids that predictions are wanted for; by default those of the folder of the challenge.

    Returns
    -------
    list of Finding
        Empty where nothing is wrong; those that cost nothing say ``loses=False``.

    Raises
    ------
    ShdError
        Where there is no such folder, or it is not that of a challenge.
    """
    return Submission(folder, challenge, ids).findings()
