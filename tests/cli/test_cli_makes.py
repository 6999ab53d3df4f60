"""What the commands make: releases, reports, and what a stop leaves."""

import json
import re
import signal
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import shd
from shd.releases.release import IMAGE_FILES, SUMS, TABLE_FILES, open_release
from shd.synthesizers import Marginals
from shd.synthesizers.base import registry
from shd.synthesizers.choice import QUICK


def names_in(folder: str) -> list[str]:
    return sorted(path.name for path in Path(folder).iterdir())


def test_generate_writes_a_release(call, stays, generate):
    code, out, err = call("", *generate())
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


def test_generate_again_replaces_its_release_and_nothing_else(call, stays, quick, generate):
    assert call("", *generate())[0] == 0
    first = Path("out/synthetic.csv.gz").read_bytes()
    assert call("", *generate())[0] == 0
    assert Path("out/synthetic.csv.gz").read_bytes() == first
    assert call("", *generate("--seed", "1"))[0] == 0
    assert Path("out/synthetic.csv.gz").read_bytes() != first
    Path("out/mine.txt").touch()
    assert call("", *generate())[0] == 2
    assert call("", *generate("--force"))[0] == 0
    assert Path("out/mine.txt").exists()


def test_generate_json_stands_alone_on_standard_output(call, stays, quick, generate):
    code, out, _ = call("", *generate("--json"))
    assert code == 0
    result = json.loads(out)
    assert result["release"] == "out"
    assert result["card"] == json.loads(Path("out/card.json").read_text())


def test_generate_without_a_family_takes_the_one_that_suits_and_says_why(call, stays, quick, own):
    code, _, err = call("", "generate", "stays.csv", "-o", "out", "--target", "sick", *own)
    assert code == 0, err
    chosen = open_release("out").card["synthesizer"]["class"]
    assert chosen in QUICK and f"{chosen}: of {len(QUICK)} quick families its records are" in err
    code, _, err = call("", "generate", "stays.csv", "-o", "other", "--family", "AUTO", "--target", "sick", *own)
    assert code == 0 and open_release("other").card["synthesizer"]["class"] == chosen


def test_generate_with_a_budget_keeps_its_promise_and_says_so(call, stays, quick, own):
    declared = {"sex": {"levels": ["f", "m"]}, "stays": {"low": 0, "high": 20}, "sick": {"levels": ["no", "yes"]}}
    Path("domain.json").write_text(json.dumps(declared))
    line = ["generate", "stays.csv", "-o", "out", "--target", "sick", "--epsilon", "2", "--domain", "domain.json", *own]
    code, _, err = call("", *line)
    assert code == 0, err
    told = open_release("out").card["synthesizer"]
    assert told["class"] == "PrivateMoments" and told["privacy"]["epsilon"] == 2.0
    assert not any("domain of" in spent["what"] for spent in told["privacy"]["spent"])


def test_generate_learns_with_the_gan_and_goes_on_from_its_checkpoint(call, stays, quick, own):
    line = ["generate", "stays.csv", "-o", "out", "--target", "sick", "--condition", "sex", *own]
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


def test_ctrl_c_while_fitting_still_writes_the_release_and_ends_with_130(call, stays, quick, monkeypatch, generate):
    monkeypatch.setitem(registry, "Marginals", Stopped)
    monkeypatch.setitem(registry, "Stopped", Stopped)
    code, out, _ = call("", *generate())
    assert code == 130
    assert out.splitlines()[-1] == "Release: out"
    open_release("out")


def test_ctrl_c_else_ends_with_130_one_line_and_nothing_written(call, stays, monkeypatch, generate):
    monkeypatch.setitem(registry, "Marginals", Broken)
    handler = signal.getsignal(signal.SIGINT)
    code, out, err = call("", *generate())
    assert (code, out) == (130, "")
    assert err.splitlines()[-1] == "shd: stopped; no output was written."
    assert names_in(".") == ["stays.csv"]
    assert signal.getsignal(signal.SIGINT) is handler


STUDY = """
from shd.compare.findings import declare, needs, share
ASKED = share(needs("stays")(lambda frame: (frame["stays"] > 4).to_numpy(float)))
FINDINGS = [declare("X1", "many stays", "above", ASKED, "Many?", "a share", theme="stays", source="nobody")]
"""


def test_studies_of_ones_own_are_given_by_folder(call, stays, tmp_path, report, monkeypatch, generate):
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
    assert call("", *generate(), "--findings", "mine")[0] == 0
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
