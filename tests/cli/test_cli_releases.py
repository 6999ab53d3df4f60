import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shd import cli
from shd._paths import challenges_dir
from shd.releases.release import SUMS

COMMANDS = ["verify", "catalog"]
GENERATE = "generate stays.csv -o out --family marginals --target sick --subject patient --licence CC0".split()


def write_stays(path: Path) -> None:
    rng = np.random.default_rng(0)
    n = 120
    columns = {"patient": np.repeat(np.arange(40), 3), "sex": rng.choice(["f", "m"], n), "stays": rng.integers(0, 9, n)}
    pd.DataFrame({**columns, "sick": rng.choice(["no", "yes"], n)}).to_csv(path, index=False)


@pytest.fixture
def stays(tmp_path, monkeypatch) -> Path:
    """A table of forty patients in the current folder."""
    write_stays(tmp_path / "stays.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "stays.csv"


@pytest.fixture
def call(capsys):
    """A function that runs a command line and returns exit code, standard output and standard error."""

    def run(*line: str) -> tuple[int, str, str]:
        capsys.readouterr()
        code = cli.main([word for part in line for word in part.split()])
        return code, *capsys.readouterr()

    return run


@pytest.fixture(scope="module")
def made_once(tmp_path_factory) -> Path:
    """The release of that table: comparing takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(tmp_path_factory.mktemp("made"))
        write_stays(Path("stays.csv"))
        assert cli.main(GENERATE) == 0
        return Path("out").resolve()


@pytest.fixture
def release(stays, made_once) -> Path:
    """A copy of it in the current folder."""
    return Path(shutil.copytree(made_once, "out"))


def sign(folder: Path) -> None:
    """Write the checksums again, as somebody would who has changed a file."""
    names = [line.split("  ")[1] for line in (folder / SUMS).read_text().splitlines()]
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(sums))


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_fits_80_columns(call, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    code, out, _ = call(f"{command} --help")
    assert code == 0
    assert f"shd {command}" in out[out.index("Example") :]
    assert max(map(len, out.splitlines())) <= 80


def test_both_are_in_the_list(call):
    out = call("--help")[1].split("Commands:")[1]
    assert set(COMMANDS) <= {line.split()[0] for line in out.splitlines() if line.strip()}
    assert "..." not in out


def test_verify_confirms_a_release_that_holds(call, release):
    code, out, err = call("verify out --real stays.csv --subject patient")
    assert code == 0, out + err
    assert out.splitlines()[-1] == "Holds: out"
    steps = [line.split()[:2] for line in err.splitlines() if line[:1].isdigit()]
    assert steps == [["1/5", "files"], ["2/5", "load"], ["3/5", "split"], ["4/5", "model"], ["5/5", "compare"]]
    card = json.loads((release / "card.json").read_text())
    for score in card["scores"]:
        (line,) = [line for line in out.splitlines() if line.startswith(f"{score['question']}: {score['metric']}  ")]
        assert line.endswith("yes")


def test_verify_json_stands_alone_and_finds_a_forged_score(call, release):
    card = json.loads((release / "card.json").read_text())
    forged = card["scores"][0]
    forged["value"], honest = 123.0, forged["value"]
    (release / "card.json").write_text(json.dumps(card))
    code, out, err = call("verify out --real stays.csv --subject patient")
    assert (code, out) == (1, "")
    assert err.splitlines()[-1].endswith("card.json: changed since it was released. Get the release again.")
    sign(release)
    code, out, _ = call("verify out --real stays.csv --subject patient --json")
    assert code == 1
    found = json.loads(out)
    assert not found["holds"]
    wrong = [
        claim for claim in found["claims"] if claim["agrees"] == "no" and not claim["what"].endswith((".html", ".md"))
    ]
    what = f"{forged['question']}: {forged['metric']}"
    assert wrong == [{"what": what, "claimed": 123.0, "found": honest, "agrees": "no", "where": "value"}]


@pytest.mark.slow
def test_verify_confirms_what_a_table_with_groups_and_another_name_was_judged_by(call, stays):
    table = pd.read_csv(stays)
    table = pd.concat([table, table.assign(patient=table["patient"] + 40), table.assign(patient=table["patient"] + 80)])
    table.assign(stays=np.arange(len(table)) % 9).to_csv(stays, index=False)
    assert cli.main([*GENERATE, "--sensitive", "sex"]) == 0
    assert {score["question"] for score in json.loads(Path("out/card.json").read_text())["scores"]} >= {"fairness"}
    stays.rename("copy.csv")
    code, out, err = call("verify out --real copy.csv --subject patient --json")
    found = json.loads(out)
    assert (code, found["holds"]) == (0, True), out + err
    assert {claim["agrees"] for claim in found["claims"]} == {"yes"}


def test_verify_says_in_one_line_that_a_card_is_broken(call, release):
    card = json.loads((release / "card.json").read_text())
    (release / "card.json").write_text(json.dumps({**card, "data": {}}))
    sign(release)
    for line in ("verify out", "verify out --real stays.csv --subject patient"):
        code, out, err = call(line)
        assert (code, out) == (1, "")
        assert err.splitlines()[-1].endswith("card.json: not as shd writes it. Get the release again.")


def test_verify_says_what_is_amiss_with_the_original(call, release):
    stays = pd.read_csv("stays.csv").rename(columns={"patient": "who"})  # a name that tells nobody whose it is
    stays.to_csv("stays.csv", index=False)
    code, out, _ = call("verify out --real stays.csv")
    assert code == 1
    assert out.splitlines()[-1] == "Differs: out"
    assert "what is 'who'? The patient's id is named with --subject" in out


def test_verify_without_the_original_looks_at_the_files(call):
    folder = challenges_dir() / "diabetes_ml" / "data" / "release"
    code, out, err = call("verify", str(folder))
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == f"Holds: {folder}"
    found = json.loads(call("verify --json", str(folder))[1])
    assert (
        found["holds"]
        and {"what": "columns", "claimed": "42", "found": "42", "agrees": "yes", "where": ""} in found["claims"]
    )


def test_catalog_makes_a_page_and_names_it_last(call, release):
    Path("broken").mkdir()
    Path("broken/card.json").touch()
    code, out, _ = call("catalog . -o www/site")
    assert code == 0
    lines = out.splitlines()
    assert lines[-1] == f"Catalogue: {Path('www/site/index.html')}"
    assert lines[0] == "whole   out: Synthetic records after: stays"
    assert lines[1] == "broken  broken: not a release of shd. Give a folder with SHA256SUMS and card.json."
    assert not Path("www/site/out/synthetic.parquet").exists()
    code, out, _ = call("catalog . -o www/site --with-data --json")
    found = json.loads(out)
    assert found["catalogue"] == str(Path("www/site/index.html")) and len(found["releases"]) == 1
    assert Path("www/site/out/synthetic.parquet").is_file()


IMPOSSIBLE = {
    "verify": "Missing argument 'RELEASE'. See: shd verify --help",
    "verify nope": "nope: not a release of shd",
    "verify .": "not a release of shd",
    "verify . --subject patient": "give that, too: --real FILE",
    "catalog": "Missing argument 'FOLDER'. See: shd catalog --help",
    "catalog .": "Missing option",
    "catalog nope -o site": "nope: no such folder",
    "catalog . -o site": "no release below it",
    "catalog . -o .": "holds the releases themselves",
    "catalog . -o stays.csv": "a file. Name a folder",
}


@pytest.mark.parametrize("line", IMPOSSIBLE)
def test_the_impossible_ends_with_2_and_one_line_that_says_what_to_do(call, stays, line):
    code, out, err = call(line)
    assert (code, out) == (2, "")
    assert err.splitlines()[-1].startswith("shd: ") and IMPOSSIBLE[line] in err.splitlines()[-1]
    assert [path.name for path in Path().iterdir()] == ["stays.csv"]


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("--real nope.csv", "nope.csv: neither a data set (diabetes"),
        ("--real diabetes", "run: shd data fetch diabetes"),
        ("--real stays.csv --subject nope", "there is no column 'nope'"),
    ],
)
def test_an_original_that_is_not_there_ends_with_2(call, release, line, says):
    code, out, err = call(f"verify out {line}")
    assert (code, out) == (2, "")
    assert says in err.splitlines()[-1]
