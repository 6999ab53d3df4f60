"""A release must not carry people out of the hospital: every file of it is searched for what one person alone has."""

import gzip
import json
import re
import struct
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from shd import cli
from shd._errors import ShdError
from shd.compare import tstr
from shd.dataset import DataCard, Dataset
from shd.releases.card import describe_side, key_of
from shd.releases.refusals import RED
from shd.releases.release import make_release, open_release
from shd.synthesizers import BayesianNetwork, Marginals

pytestmark = [pytest.mark.filterwarnings("ignore::shd.ShdWarning"), pytest.mark.slow]
WHO = ("patient_no", "name", "email", "insurance", "note")
WORDS = ("Hintertupfingen", "Mukoviszidose", "1234567.89")
SHORT = re.compile(r"(?<![\w+/])(E84|HIV)(?![\w+/])")  # three letters come up by chance in the figures of a page
CASES = {
    "several rows a person": (".csv", "--family marginals"),
    "numeric ids, one row a person": (".parquet", "--family BayesianNetwork"),
    "a network": (".csv", "--steps 20 --subject patient_no --fake email"),
}


def texts(folder: Path) -> list[tuple[str, str]]:
    """Every file of a release as text, packed ones unpacked; binary ones as they are, too."""
    found = []
    for path in sorted(folder.iterdir()):
        content = path.read_bytes()
        found += [(path.name, content.decode("latin-1")), (path.name, content.decode("utf-8", "ignore"))]
        if path.suffix == ".gz":
            found.append((path.name, gzip.decompress(content).decode()))
        if path.suffix == ".parquet":
            found.append((path.name, pd.read_parquet(path).to_csv(index=False)))
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found += [(name, name + archive.read(name).decode("latin-1")) for name in archive.namelist()]
    return found


def follows(folder: Path, visits: pd.DataFrame) -> list[tuple[str, str]]:
    """Return what a release tells of single people: file and value."""
    alone = {str(value) for name in WHO if name in visits for value in visits[name].unique()}
    alone |= {f"{day:%Y-%m-%d}" for day in visits["born"].unique()}
    digits = {value for value in alone if value.isdigit()}  # as words of their own: 31 is in many numbers
    found = []
    for name, text in texts(folder):
        words = set(re.findall(r"[\w.@-]+", text))
        found += [(name, value) for value in (alone - digits) | set(WORDS) if value in text]
        found += [(name, value) for value in SHORT.findall(text)]
        found += [(name, value) for value in digits if len(value) > 5 and value in words]
        # an income to the cent may come up by chance among drawn ones, and nowhere else
        incomes = () if name.startswith("synthetic") else visits["income"]
        found += [(name, str(value)) for value in incomes if str(value) in words]
    content = (folder / "model.safetensors").read_bytes()
    return found + [("model", str(x)) for x in visits["income"].unique() if struct.pack("<d", x) in content]


@pytest.fixture(scope="module", params=CASES, ids=str)
def released(request, hospital, tmp_path_factory):
    ending, options = CASES[request.param]
    folder = tmp_path_factory.mktemp("hospital")
    visits = hospital(160, 160 if ending == ".parquet" else 240)
    if ending == ".parquet":
        visits["patient_no"] = visits["patient_no"].str[1:].astype(int)
        visits.to_parquet(folder / "visits.parquet")
    else:
        visits.to_csv(folder / "visits.csv", index=False)
    words = f"generate {folder / 'visits'}{ending} -o {folder / 'out'} --licence CC0 --target readmitted {options}"
    assert cli.main([*words.split(), "--force-red"]) == 0
    (out,) = (path for path in folder.iterdir() if path.name.startswith("out"))
    return out, visits, folder / f"visits{ending}"


def test_no_file_tells_of_a_single_person(released):
    folder, visits, _ = released
    assert follows(folder, visits) == []


def test_the_search_would_find_them(released, tmp_path):
    folder, visits, _ = released
    (tmp_path / "out").mkdir()
    for path in folder.iterdir():
        (tmp_path / "out" / path.name).write_bytes(path.read_bytes())
    visits.to_parquet(tmp_path / "out" / "synthetic.parquet")
    assert {"Hintertupfingen", "HIV", "E84", str(visits["name"][0]), "1234567.89"} <= {
        value for _, value in follows(tmp_path / "out", visits)
    }


def test_the_card_names_what_was_dropped(released):
    folder, visits, _ = released
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    said = card["protection"]
    gone = {one["column"] for one in said["dropped"]} | set(said["made_up"]) | {"patient_no"}
    assert gone == {*WHO, "born"} and said["min_people"] == 5
    left = {column["name"] for column in card["data"]["columns"]} - set(said["made_up"])
    assert left == set(visits) - gone
    for page in ("README.md", "card.html"):
        assert "Dropped, as they identify people" in (folder / page).read_text(encoding="utf-8")


def test_the_split_is_by_people_and_the_release_verifies(released):
    folder, visits, raw = released
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    sides = [card["split"][side]["subjects"] for side in ("train", "holdout")]
    assert sum(sides) == visits["patient_no"].nunique()
    assert (
        cli.main(["verify", str(folder), "--real", str(raw), *(["--subject", "patient_no"] * (len(visits) == 240))])
        == 0
    )


# Without a comparison -----------------------------------------------------------------------------


@pytest.fixture
def made(hospital, stub_report):
    """What `make_release` takes, of the planted table."""
    card = DataCard(title="Visits", licence="CC0 1.0")
    data = Dataset.from_frame(hospital(), subject="patient_no", target="readmitted", name="visits", card=card)
    train, holdout = data.split(0.2, 0)
    model = Marginals().fit(train)
    safe = [model.protection_.apply(side) for side in (train, holdout)]
    synthetic = Dataset(model.sample(len(train)), target="readmitted", source="synthetic", name="visits", card=card)
    pieces = {"synthesizer": model, "synthetic": synthetic, "report": stub_report()}
    return {"train": safe[0], "holdout": safe[1], **pieces}, train, holdout


def test_what_is_not_protected_is_not_released(made, tmp_path):
    pieces, train, holdout = made
    make_release(tmp_path / "fine", **pieces)
    synthetic = pieces["synthetic"]
    leaks = {
        "train tells of fewer than 5": {"train": train},
        "holdout tells of fewer than 5": {"holdout": holdout},
        "synthetic has 'email', which train has not": {
            "synthetic": replace(synthetic, frame=synthetic.frame.assign(email=train.frame["email"].to_numpy()))
        },
        "column 'doctor' .name.": {
            "synthetic": replace(
                synthetic, frame=synthetic.frame.assign(doctor=train.frame["name"].astype(str).to_numpy())
            )
        },
        "'town' has levels that train has not": {
            "synthetic": replace(synthetic, frame=synthetic.frame.assign(town=train.frame["town"].to_numpy()))
        },
        "synthesizer has learned 'born'": {
            "synthesizer": Marginals().fit(pieces["train"].frame.assign(born=np.arange(len(train)) % 7))
        },
    }
    for message, other in leaks.items():
        with pytest.raises(ShdError, match=message):
            make_release(tmp_path / "out", **{**pieces, **other})
    assert not (tmp_path / "out").exists()


def test_a_red_release_is_not_written_and_carries_a_mark_where_it_is_forced(made, stub_report, tmp_path):
    pieces = {**made[0], "report": stub_report("red")}
    with pytest.raises(ShdError, match=r"privacy is red, so that no release was written.*--force-red"):
        make_release(tmp_path / "out", **pieces)
    assert list(tmp_path.iterdir()) == []
    release = make_release(tmp_path / "out", **pieces, force_red=True)
    assert release.folder.name == "out-RED-not-to-be-handed-on"
    assert release.card["use"]["may_not"][0] == RED
    assert RED in (release.folder / "report.html").read_text().splitlines()[1]
    for page in ("README.md", "card.html"):
        assert RED in (release.folder / page).read_text(encoding="utf-8")
    open_release(release.folder)


def test_subjects_cannot_be_guessed_from_a_card(made):
    train, holdout = made[0]["train"], made[0]["holdout"]
    key = key_of(train, holdout)
    said = describe_side(train, key)["hmac_of_subjects"]
    assert said == describe_side(train, key_of(holdout, train))["hmac_of_subjects"]
    other = key_of(replace(train, frame=train.frame.assign(age=train.frame["age"] + 1)), holdout)
    assert said != describe_side(train, other)["hmac_of_subjects"]  # whoever lacks a record has another key


def test_what_is_left_is_as_useful_as_before(hospital):
    """Beside a model of the same columns that learned of single people, too; both tested on other people."""
    left = ["town", "income", "doctor", "age", "diagnosis", "weight", "readmitted"]
    visits, others = hospital(2400, 3600), hospital(4000, 6000, seed=9)[left]
    roles = {"target": "readmitted", "subjects": visits["patient_no"].to_numpy()}
    whole, bare = Dataset(visits, **roles), Dataset(visits[left], **roles)
    models = BayesianNetwork().fit(whole), BayesianNetwork(min_people=1).fit(bare)
    reached = [tstr(model.sample(10_000)[left], others, "readmitted")["yes"] for model in models]
    assert reached[0] > 0.75 and abs(reached[0] - reached[1]) < 0.01
