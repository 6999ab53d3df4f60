from pathlib import Path

import pytest

import shd
from shd._errors import ShdError, ShdWarning, ShdWorkError

COMMANDS = ["demo", "generate", "bench", "audit", "compare", "explain", "verify", "catalog"]
COMMANDS += ["data list", "data fetch", "data add", "data verify"]
COMMANDS += [f"challenge {name}" for name in ("list", "start", "new", "check", "score", "seal")]


def names_in(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


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
    "generate stays.csv -o out --family marginals --epsilon 1": "Marginals takes no epsilon",
    "generate stays.csv -o out --licence x --target sick --epsilon=-1": "epsilon=-1.0 must be a number above 0",
    "generate stays.csv -o out --epsilon 1 --domain nope.json": "nope.json: cannot be read",
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
