"""A folder of a team's own: everything that a challenge needs, and nothing that is the organiser's."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from shd import __version__
from shd._errors import ShdError
from shd._paths import CHALLENGE, challenges_dir
from shd._progress import notice
from shd.hackathon.challenge import Challenge, find_challenge, read_challenge
from shd.hackathon.people import rehearsal, write_asked
from shd.releases.release import all_or_nothing, save_text

TRAVELS = ("starter", "checks", "glossary", "studies", "example", "stand_in", "release", "synthetic", "real")
"""What of the `[files]` of a challenge a team gets, beside its page. What is not named here stays behind."""
TEAM, SUBMISSIONS = "team.toml", "SUBMISSIONS.md"
_BLOCK = re.compile(r"<!-- start -->.*?<!-- /start -->", re.DOTALL)
_SOLUTION = re.compile(r"^\| `solution\.ipynb` .*\n|\s*Compare with `solution\.ipynb` afterwards\.", re.MULTILINE)
_ABOVE = " (in your folder; here `../SUBMISSIONS.md`)"  # where the page lies among the challenges that ship
_IGNORED = ".venv/\n__pycache__/\n.ipynb_checkpoints/\n.DS_Store\n*.ckpt\n*.whl\n"
_HERE = """\
```
pip install -r requirements.txt      # in an environment of its own, with Python 3.11 or newer
jupyter lab starter.ipynb
```

This folder works wherever it lies: in it, `shd.load` reads its own data, and says so. `SUBMISSIONS.md` says what to
hand in. `shd challenge check .` says what would be lost, `shd challenge score .` what it scores."""


@dataclass(frozen=True)
class Started:
    """A folder that was made, and what it holds."""

    folder: Path
    challenge: str
    team: str
    files: int
    has_git: bool

    def to_dict(self) -> dict:
        """Return it as JSON knows it."""
        return {**vars(self), "folder": str(self.folder)}


def start(challenge: str | Path, folder: str | Path, team: str | None = None) -> Started:
    """Make a folder that a team works in, and that works wherever it lies.

    Parameters
    ----------
    challenge : str or pathlib.Path
        A challenge that ships, by name, or a folder with a challenge.toml.
    folder : str or pathlib.Path
        The folder to make. It must not be there, or be empty.
    team : str, optional
        What the team is called; by default as the folder is.

    Raises
    ------
    ShdError
        Where there is no such challenge, or the folder holds something.

    Examples
    --------
    >>> start("diabetes_ml", "my-team")  # doctest: +SKIP
    """
    found, folder = find_challenge(challenge), Path(folder)
    if folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise ShdError(f"{folder}: not empty. Name a folder that is not there yet.")
    team = team or folder.resolve().name
    with all_or_nothing(folder, "the folder of the team") as part:
        fill(part, found, team)
    files = sum(path.is_file() for path in folder.rglob("*"))
    return Started(folder, found.id, team, files, _commit(folder, found, team))


def fill(folder: Path, challenge: Challenge, team: str) -> None:
    """Put into a folder what travels of a challenge, and what a team needs beside it."""
    for name in TRAVELS:
        if name in challenge.files:
            _copy(challenge.path(name), folder / place_of(challenge.files[name]))
    save_text(folder / CHALLENGE, _own_toml(challenge))
    save_text(folder / challenge.files["readme"], page_of(challenge.path("readme").read_text(encoding="utf-8")))
    page = next((p for p in (challenge.folder / SUBMISSIONS, challenges_dir() / SUBMISSIONS) if p.is_file()), None)
    if page is not None:
        _copy(page, folder / SUBMISSIONS)
    save_text(folder / "requirements.txt", requirements(challenge))
    save_text(folder / TEAM, _team_toml(team, challenge.id))
    save_text(folder / ".gitignore", _IGNORED)
    (folder / "submission").mkdir(exist_ok=True)
    save_text(folder / "submission" / ".gitkeep", "")
    if "predict" in challenge.tracks:
        own = read_challenge(folder)
        write_asked(rehearsal(own), folder / own.tracks["predict"].ids)


def place_of(file: str) -> str:
    """Return where a file lies in a team's folder: below it, wherever it came from."""
    return file if ".." not in Path(file).parts else Path(file).name


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        ignored = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.pyc")
        shutil.copytree(source, target, ignore=ignored, dirs_exist_ok=True)
    elif not source.is_file():
        raise ShdError(f"{source}: not there, though {CHALLENGE} names it. Get the challenge again.")
    elif not target.exists():  # a file of the release came with its folder
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)


def _own_toml(challenge: Challenge) -> str:
    """Return the challenge.toml of a copy: without what does not travel, and with everything below its folder."""
    text = (challenge.folder / CHALLENGE).read_text(encoding="utf-8")
    for name, file in challenge.files.items():
        line = re.compile(rf"^{re.escape(name)} *= *{re.escape(_quoted(file))}[^\n]*\n", re.MULTILINE)
        stays = name in (*TRAVELS, "readme")
        text = line.sub(f"{name} = {_quoted(place_of(file))}\n" if stays else "", text)
    return text


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # a basic string of TOML


def page_of(readme: str) -> str:
    """Return the page of a copy: how to begin there, and no word of what does not travel."""
    return _SOLUTION.sub("", _BLOCK.sub(lambda _: _HERE, readme)).replace(_ABOVE, "")


def requirements(challenge: Challenge) -> str:
    """Return what one ``pip install -r`` needs."""
    extras = "lab,studies" if "studies" in challenge.files else "lab"
    return (
        "# pip install -r requirements.txt\n"
        "# The wheel lies in this folder, or whoever handed it out has it: make wheel, in a checkout of shd.\n"
        f"./shd-{__version__}-py3-none-any.whl[{extras}]\n"
    )


def _team_toml(team: str, challenge: str) -> str:
    return (
        f"# Who hands this in.\nteam = {_quoted(team)}\nchallenge = {_quoted(challenge)}\n"
        'members = [] # for example ["Ada", "Grace"]\n'
    )


def _commit(folder: Path, challenge: Challenge, team: str) -> bool:
    """Make the folder a git repository with one commit, where git is there; say so where it cannot be."""
    git = shutil.which("git")
    if git is None:
        return False
    who = ["-c", f"user.name={team}", "-c", "user.email=team@example.invalid", "-c", "commit.gpgsign=false"]
    steps = (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--no-verify", "-m", f"{challenge.title}"])
    for step in steps:
        ran = subprocess.run([git, *who, "-C", str(folder), *step], capture_output=True, text=True, check=False)
        if ran.returncode:
            notice(f"git {step[0]}: {(ran.stderr.strip().splitlines() or ['failed'])[0]}; the folder works without.")
            return False
    return True
