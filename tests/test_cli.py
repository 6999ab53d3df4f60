import json
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shd
from shd import cli
from shd._errors import ShdError, ShdWarning, ShdWorkError
from shd.releases.release import IMAGE_FILES, SUMS, TABLE_FILES, open_release
from shd.synthesizers import Marginals
from shd.synthesizers.base import registry
from shd.synthesizers.choice import QUICK

COMMANDS = ["demo", "generate", "bench", "audit", "compare", "explain", "verify", "catalog"]
COMMANDS += ["data list", "data fetch", "data add", "data verify"]
COMMANDS += [f"challenge {name}" for name in ("list", "start", "new", "check", "score", "seal")]


@pytest.fixture
def stays(tmp_path, monkeypatch) -> str:
    """A small table of forty patients on disk, in the folder that is current."""
    rng = np.random.default_rng(0)
    n = 120
    columns = {"patient": np.repeat(np.arange(40), 3), "sex": rng.choice(["f", "m"], n), "stays": rng.integers(0, 9, n)}
    pd.DataFrame({**columns, "sick": rng.choice(["no", "yes"], n)}).to_csv(tmp_path / "stays.csv", index=False)
    monkeypatch.chdir(tmp_path)
    return "stays.csv"


@pytest.fixture
def call(capsys):
    """A function that runs a command line and returns exit code, standard output and standard error."""

    def run(line: str, *more: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([*line.split(), *more])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="session")
def report():
    """One small report, made once: comparing takes seconds."""
    frame = pd.DataFrame({"sex": ["f", "m"] * 60, "sick": ["no", "yes", "yes"] * 40})
    train, holdout = shd.Dataset.from_frame(frame, target="sick").split(0.2, 0)
    return shd.compare(train, train.frame, holdout=holdout)


@pytest.fixture
def quick(monkeypatch, report):
    """Let `generate` take that report for its own."""
    monkeypatch.setattr(sys.modules["shd.compare"], "compare", lambda *tables, **options: report)


def names_in(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def generate(*more: str) -> list[str]:
    return ["generate", "stays.csv", "-o", "out", "--family", "marginals", "--target", "sick", *more]


OWN = ("--subject", "patient", "--licence", "CC0 1.0")


# Help and manners --------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_an_example_and_fits_80_columns(call, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call(f"{command} --help")
    assert code == 0
    example = out[out.index("Example") :]
    assert f"shd {command}" in example
    assert max(map(len, out.splitlines())) <= 80


def test_every_command_is_in_the_list(call):
    _, out, _ = call("--help")
    shown = [line.split()[0] for line in out.split("Commands:")[1].split("Example")[0].splitlines() if line.strip()]
    assert shown == [
        "demo",
        "generate",
        "compare",
        "explain",
        "verify",
        "catalog",
        "grade",
        "bench",
        "audit",
        "data",
        "challenge",
    ]
    assert "..." not in out.split("Commands:")[1]


def test_version(call):
    assert call("--version") == (0, f"{shd.__version__}\n", "")


@pytest.mark.parametrize("line", ["", "data", "challenge"])
def test_a_command_that_needs_another_word_shows_its_help(call, line):
    code, out, err = call(line)
    assert (code, out) == (2, "")
    assert "Commands:" in err


IMPOSSIBLE = {
    "nothing": "No such command 'nothing'. See: shd --help",
    "generate": "Missing argument 'DATASET|FILE'. See: shd generate --help",
    "generate stays.csv": "Missing option",
    "generate nope -o out": "nope: neither a data set (diabetes",
    "generate nope.csv -o out": "nope.csv: neither a data set",
    "generate diabetes -o out": "run: shd data fetch diabetes, or take the stand-in: --source stand-in",
    "generate diabetes -o out --source fake": "--source 'fake' is not one of real, synthetic, stand-in",
    "generate stays.csv -o out": "no release without a licence",
    "generate stays.csv -o stays.csv": "Name a folder for the release",
    "generate stays.csv -o .": "holds 'stays.csv'",
    "generate stays.csv -o out --licence x --target nope": "--target: there is no column 'nope'",
    "generate stays.csv -o out --licence x --subject nope": "--subject: there is no column 'nope'",
    "generate stays.csv -o out --licence x --condition nope": "condition 'nope' is not a column",
    "generate stays.csv -o out --licence x --test-size 2": "--test-size 2.0 is not between 0 and 1",
    "generate stays.csv -o out --family nope": "there is no family 'nope'; known are",
    "generate stays.csv -o out --family marginals --steps 3": "Marginals takes no steps",
    "generate stays.csv -o out --family marginals --condition sex": "Marginals takes no condition",
    "generate stays.csv -o out --licence x --family marginals --minutes 1": "does not learn step by step",
    "generate stays.csv -o out --licence x --family marginals --checkpoint c": "keeps no checkpoint",
    "generate stays.csv -o out --licence x --target sick --minutes 0": "--minutes 0.0 must be more than 0",
    "generate stays.csv -o out --minutes 1 --steps 1": "give one of them",
    "generate stays.csv -o out --steps 0": "Invalid value for '--steps'",
    "generate stays.csv -o out --seed=-1": "Invalid value for '--seed'",
    "compare stays.csv": "Missing argument 'SYNTHETIC'",
    "compare nope.csv stays.csv": "nope.csv: neither a data set",
    "compare stays.csv nope.csv": "nope.csv: no such file",
    "compare stays.csv stays.csv --holdout nope.csv": "nope.csv: no such file",
    "compare stays.csv stays.csv --target nope": "--target: there is no column 'nope'",
    "compare stays.csv stays.csv -o .": "a folder. Name a file",
    "compare stays.csv stays.csv -o stays.csv/x.html": "lies below a file",
    "demo -o .": "a folder. Name a file",
    "demo --minutes x": "Invalid value for '--minutes'",
    "demo --challenge cancer": "there is no data set 'cancer'",
    "generate stays.csv -o out --licence x --family imagecgan --steps 3": "give a Dataset with images",
    "data fetch nope": "there is no data set 'nope'; known are diabetes",
    "data add diabetes nope.zip": "nope.zip: no such file",
    "data add diabetes stays.csv": "is not the archive of diabetes",
    "data verify diabetes": "run: shd data fetch diabetes",
}


@pytest.mark.parametrize("line", IMPOSSIBLE)
def test_the_impossible_ends_with_2_and_one_line_that_says_what_to_do(call, stays, line):
    before = names_in(".")
    code, out, err = call(line)
    assert code == 2
    assert out == ""
    complaint = err.splitlines()[-1]
    assert complaint.startswith("shd: ")
    assert IMPOSSIBLE[line] in complaint
    assert "Traceback" not in err
    assert names_in(".") == before


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (ShdError("no.\nGo on."), 2, "shd: no. Go on."),
        (ShdWorkError("the network is down; try again."), 1, "shd: the network is down; try again."),
        (OSError(28, "No space left on device", "here.txt"), 1, "shd: here.txt: No space left on device"),
        (MemoryError(), 1, "shd: not enough memory"),
        (ModuleNotFoundError("no", name="nbval"), 1, "shd: nbval is not installed: install shd[grade], "),
        (ModuleNotFoundError("no", name="dask.distributed"), 1, "shd: dask.distributed is not installed: install "),
        (ModuleNotFoundError("no", name="nowhere"), 1, "shd: unexpected ModuleNotFoundError: no"),
        (ZeroDivisionError("by zero"), 1, "shd: unexpected ZeroDivisionError: by zero To see where, add --debug."),
    ],
)
@pytest.mark.parametrize("debug", [False, True])
def test_exit_codes(call, monkeypatch, error, code, says, debug):
    def fail():
        raise error

    monkeypatch.setattr("shd.datasets.list_datasets", fail)
    got, out, err = call("data list --debug" if debug else "data list")
    assert (got, out) == (code, "")
    assert err.splitlines()[-1].startswith(says)
    assert ("Traceback" in err) == debug


def test_warnings_are_notes_of_one_line_once_each(call, monkeypatch):
    import warnings

    from shd.datasets import list_datasets

    def warn():
        for _ in range(2):
            warnings.warn("few rows:\nuse more.", ShdWarning, stacklevel=1)
            warnings.warn("of another package", FutureWarning, stacklevel=1)
        return list_datasets()

    monkeypatch.setattr("shd.datasets.list_datasets", warn)
    assert call("data list")[2] == "note: few rows: use more.\n"
    assert "of another package" in call("--debug data list")[2]


# What the commands make --------------------------------------------------------------------------


def test_generate_writes_a_release(call, stays):
    code, out, err = call("", *generate(*OWN))
    assert code == 0, err
    assert out.splitlines()[-1] == "Release: out"
    assert len(out.strip().split("\n\n")[0].splitlines()) == 6
    steps = [line.split()[:2] for line in err.splitlines() if line[:1].isdigit()]
    assert [number for number, _ in steps] == [f"{i}/6" for i in range(1, 7)]
    assert [word for _, word in steps] == ["load", "split", "fit", "sample", "compare", "write"]
    assert "note: 96 rows are too few" in err
    card = open_release("out").card
    assert card["made_from"]["checksum_of"] == "stays.csv"
    assert (card["split"]["train"]["records"], card["split"]["train"]["subjects"]) == (96, 32)
    assert card["licence"]["name"] == "CC0 1.0"
    assert {score["question"] for score in card["scores"]} == {"fidelity", "utility", "privacy"}
    assert names_in("out") == sorted([*TABLE_FILES, SUMS])


def test_generate_again_replaces_its_release_and_nothing_else(call, stays, quick):
    assert call("", *generate(*OWN))[0] == 0
    first = Path("out/synthetic.csv.gz").read_bytes()
    assert call("", *generate(*OWN))[0] == 0
    assert Path("out/synthetic.csv.gz").read_bytes() == first
    assert call("", *generate(*OWN, "--seed", "1"))[0] == 0
    assert Path("out/synthetic.csv.gz").read_bytes() != first
    Path("out/mine.txt").touch()
    assert call("", *generate(*OWN))[0] == 2
    assert call("", *generate(*OWN, "--force"))[0] == 0
    assert Path("out/mine.txt").exists()


def test_generate_json_stands_alone_on_standard_output(call, stays, quick):
    code, out, _ = call("", *generate(*OWN, "--json"))
    assert code == 0
    result = json.loads(out)
    assert result["release"] == "out"
    assert result["card"] == json.loads(Path("out/card.json").read_text())


def test_generate_without_a_family_takes_the_one_that_suits_and_says_why(call, stays, quick):
    code, _, err = call("", "generate", "stays.csv", "-o", "out", "--target", "sick", *OWN)
    assert code == 0, err
    chosen = open_release("out").card["synthesizer"]["class"]
    assert chosen in QUICK and f"{chosen}: of {len(QUICK)} quick families its records are" in err
    code, _, err = call("", "generate", "stays.csv", "-o", "other", "--family", "AUTO", "--target", "sick", *OWN)
    assert code == 0 and open_release("other").card["synthesizer"]["class"] == chosen


def test_generate_learns_with_the_gan_and_goes_on_from_its_checkpoint(call, stays, quick):
    line = ["generate", "stays.csv", "-o", "out", "--target", "sick", "--condition", "sex", *OWN]
    line += ["--checkpoint", "state.pt", "--minutes", "0.001"]
    code, _, err = call("", *line)
    assert code == 0, err
    card = open_release("out").card
    assert card["synthesizer"]["class"] == "TabularCGAN"
    steps = card["synthesizer"]["parameters"]["steps"]
    assert json.loads(Path("state.pt.json").read_text())["steps"] == steps
    first = Path("out/synthetic.csv.gz").read_bytes()
    code, _, err = call("", *line)
    assert code == 0, err
    assert re.search(rf"step \d+ of {steps} from state.pt", err)
    assert Path("out/synthetic.csv.gz").read_bytes() == first
    Path("state.pt.json").write_text("{}")
    assert call("", *line)[0] == 1


class Stopped(Marginals):
    """A family that gets a Ctrl-C while it learns, and keeps what it has, as `TabularCGAN` does."""

    def _fit(self, codes, rng):
        super()._fit(codes, rng)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


class Broken(Marginals):
    """A family that gets a Ctrl-C before it has learned anything."""

    def _fit(self, codes, rng):
        signal.raise_signal(signal.SIGINT)


for _family in (Stopped, Broken):  # the contract tests go through the registry
    del registry[_family.__name__]


def test_ctrl_c_while_fitting_still_writes_the_release_and_ends_with_130(call, stays, quick, monkeypatch):
    monkeypatch.setitem(registry, "Marginals", Stopped)
    monkeypatch.setitem(registry, "Stopped", Stopped)
    code, out, _ = call("", *generate(*OWN))
    assert code == 130
    assert out.splitlines()[-1] == "Release: out"
    open_release("out")


def test_ctrl_c_else_ends_with_130_one_line_and_nothing_written(call, stays, monkeypatch):
    monkeypatch.setitem(registry, "Marginals", Broken)
    handler = signal.getsignal(signal.SIGINT)
    code, out, err = call("", *generate(*OWN))
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "shd: stopped; no output was written."
    assert names_in(".") == ["stays.csv"]
    assert signal.getsignal(signal.SIGINT) is handler


STUDY = """
from shd.compare.findings import declare, needs, share
ASKED = share(needs("stays")(lambda frame: (frame["stays"] > 4).to_numpy(float)))
FINDINGS = [declare("X1", "many stays", "above", ASKED, "Many?", "a share", theme="stays", source="nobody")]
"""


def test_studies_of_ones_own_are_given_by_folder(call, stays, tmp_path, report, monkeypatch):
    given = []
    (tmp_path / "mine").mkdir()
    ours = ("compare", stays, stays, "--quick", "--findings", "mine")
    code, _, err = call("", *ours)
    assert code == 2 and "mine: no studies. Give a folder whose __init__.py holds FINDINGS" in err
    (tmp_path / "mine" / "__init__.py").write_text(STUDY)
    code, out, err = call("", *ours, "--json")
    assert code == 0, err
    assert "known findings" in [note["what"] for note in json.loads(out)["skipped"]]  # the quick level leaves it out
    take = sys.modules["shd.compare"]
    monkeypatch.setattr(take, "compare", lambda *tables, **options: given.extend(options["findings"]) or report)
    assert call("", *generate(*OWN), "--findings", "mine")[0] == 0
    assert [finding.code for finding in given] == ["X1"]


@pytest.mark.slow
def test_compare_writes_one_page_and_says_where(call, stays):
    frame = pd.read_csv(stays)
    frame[frame["patient"] < 30].to_csv("train.csv", index=False)
    frame[frame["patient"] >= 30].to_csv("held.csv", index=False)
    Marginals().fit(frame.drop(columns="patient")).sample(90).to_csv("made.csv", index=False)
    line = "compare train.csv made.csv --holdout held.csv --target sick --subject patient -o new/page.html"
    code, out, _ = call(line)
    assert code == 0
    assert out.splitlines()[-1] == f"Report: {Path('new/page.html')}"
    assert "30 held out" in out
    assert len(out.strip().split("\n\n")[0].splitlines()) == 6
    assert "<html" in Path("new/page.html").read_text(encoding="utf-8")
    code, out, _ = call(line + " --quick --json")
    assert json.loads(out)["report"] == str(Path("new/page.html"))
    assert json.loads(out)["scores"]


def test_demo_does_the_whole_job_and_ends_with_the_report(call, quick, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    whole = shd.load("diabetes", source="stand-in")
    some = whole.take(np.arange(400))
    monkeypatch.setitem(shd.__dict__, "load", lambda name, source: some)
    code, out, err = call("demo --minutes 0.001")
    assert code == 0, err
    assert out.splitlines()[-1] == "Report: shd-demo.html"
    assert Path("shd-demo.html").stat().st_size > 10_000
    assert "6/6 report" in err
    assert "10 steps here and now: too few to learn much" in err


@pytest.fixture
def few_pictures(monkeypatch):
    """Let `load` give few pictures of the stand-in, of people of every class."""
    whole = shd.load("alzheimers", source="stand-in")
    some = whole.take(np.flatnonzero(whole.frame["slice"] % 16 == 0))
    monkeypatch.setitem(shd.__dict__, "load", lambda name, source: some)
    monkeypatch.setattr(sys.modules["shd.datasets"], "load", lambda name, source: some)
    return some


@pytest.mark.slow
def test_demo_of_pictures(call, quick, few_pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call("demo --challenge alzheimers --minutes 0.001")
    assert code == 0, err
    assert (
        f"{len(few_pictures)} pictures of {len(set(few_pictures.subjects))} subjects" in err
        and "ImageCGAN: 1 steps" in err
    )
    assert out.splitlines()[-1] == "Report: shd-demo.html"


def test_generate_pictures_writes_a_release_of_them(call, quick, few_pictures, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = call("generate alzheimers --source stand-in -o out --family slicegaussian")
    assert code == 0, err
    assert names_in("out") == sorted([*IMAGE_FILES, SUMS])
    card = open_release("out").card
    assert card["synthesizer"]["class"] == "SliceGaussian" and card["made_from"]["source"] == "stand-in"
    assert out.splitlines()[-1] == "Release: out"


def test_data_list(call):
    code, out, _ = call("data list --json")
    assert code == 0
    (row,) = [row for row in json.loads(out) if row["name"] == "diabetes"]
    assert row["real"] is False
    assert row["licence"] == "CC BY 4.0"
    assert "diabetes         no " in call("data list")[1]


def test_data_fetch_add_and_verify_name_the_archive_last(call, monkeypatch, tmp_path):
    for name in ("fetch", "add", "verify"):
        monkeypatch.setattr(f"shd.datasets.{name}", lambda *given: tmp_path / "archive.zip")
        line = f"data {name} diabetes" + (" some.zip" if name == "add" else "")
        code, out, _ = call(line)
        assert (code, out) == (0, f"Archive: {tmp_path / 'archive.zip'}\n")
        assert json.loads(call(line + " --json")[1]) == {"name": "diabetes", "archive": str(tmp_path / "archive.zip")}
