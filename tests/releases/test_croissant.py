import hashlib
import json
import logging

import numpy as np
import pandas as pd
import pytest

from shd._paths import challenges_dir
from shd.dataset import DataCard, Dataset
from shd.datasets._pictures import as_stored, write_pictures
from shd.releases.croissant import croissant, how_to_cite, licence_url

mlcroissant = pytest.importorskip("mlcroissant")
# what other packages say about themselves: rdflib of its names, mlcroissant of open files and of pandas 3
pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
    pytest.mark.filterwarnings("ignore:The inplace keyword"),
]
FRAME = pd.DataFrame(
    {
        "sex": pd.Categorical(["f", "m", "f"]),
        "stays": [1, 2, 3],
        "weight kg": [70.5, np.nan, 60.0],
        "smoker": [True, False, True],
        "admitted": pd.to_datetime(["2020-11-14", "2020-11-15", "2020-11-16"]),
        "a b": [1.0, 2.0, 3.0],
        "a-b": [4.0, 5.0, 6.0],
    }
)
SIZE = {"width": 20, "height": 16}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    """Fail where anything is asked for over a network."""

    def refuse(*arguments, **options):
        raise AssertionError(f"asked for {arguments[:2]}")

    monkeypatch.setattr("socket.socket.connect", refuse)


@pytest.fixture
def card() -> dict:
    """A card of the table above, as `shd.releases.card.describe` makes it."""
    data = Dataset.from_frame(FRAME, target="smoker", sensitive=("sex",))
    columns = [
        {
            "name": row.column,
            "role": row.role,
            "kind": row.kind,
            "type": str(data.frame[row.column].dtype),
            "levels": row.levels,
            "missing": row.missing,
            "verdict": "green",
        }
        for row in data.roles.itertuples()
    ]
    side = {"records": 3, "subjects": 2}
    score = {"question": "privacy", "metric": "copies", "sentence": "None was copied."}
    return {
        "title": "Synthetic records after: Stays",
        "made": "2026-01-05T10:00:00+00:00",
        "description": "One row a stay.",
        "licence": {"name": "CC BY 4.0", "url": "https://creativecommons.org/licenses/by/4.0/"},
        "citation": "We (2020). Stays.",
        "creator": "A hospital",
        "made_from": {
            "name": "stays",
            "source": "real",
            "url": "https://example.org/stays",
            "checksum_of": "stays.csv",
            "sha256": "0" * 64,
            "notes": ["A trap."],
        },
        "data": {"records": 3, "target": "smoker", "pixels": None, "columns": columns},
        "split": {"train": side, "holdout": side},
        "synthesizer": {"class": "Marginals"},
        "scores": [score],
        "use": {"may": ["Teaching."], "may_not": ["Decisions."]},
        "environment": {"shd": "0.1.0"},
        "files": {},
    }


def opened(folder, described):
    """Let mlcroissant read and check a description in its folder; warnings of its own are errors."""
    (folder / "croissant.json").write_text(json.dumps(described), encoding="utf-8")
    dataset = mlcroissant.Dataset(folder / "croissant.json")
    issues = dataset.metadata.ctx.issues
    assert (issues.errors, issues.warnings) == (set(), set())
    return dataset


def with_file(card: dict, path) -> dict:
    content = path.read_bytes()
    return {**card["files"], path.name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}}


def test_a_table_is_valid_and_its_records_come_back_typed(card, tmp_path, caplog):
    FRAME.to_parquet(tmp_path / "synthetic.parquet", index=False)
    FRAME.to_csv(tmp_path / "synthetic.csv.gz", index=False)
    for name in ("synthetic.csv.gz", "synthetic.parquet"):
        card["files"] = with_file(card, tmp_path / name)
    with caplog.at_level(logging.WARNING):
        records = list(opened(tmp_path, croissant(card)).records("records"))
    assert caplog.messages == []  # such as a context that is not the standard one
    assert len(records) == 3
    assert records[1] == {
        "records/sex": b"m",
        "records/stays": 2,
        "records/weight-kg": None,
        "records/smoker": False,
        "records/admitted": pd.Timestamp("2020-11-15"),
        "records/a-b-5": 2.0,
        "records/a-b-6": 5.0,
    }


def test_a_changed_file_is_noticed(card, tmp_path):
    FRAME.to_parquet(tmp_path / "synthetic.parquet", index=False)
    card["files"] = with_file(card, tmp_path / "synthetic.parquet")
    card["files"]["synthetic.parquet"]["sha256"] = "f" * 64
    with pytest.raises(Exception, match="Download"):
        list(opened(tmp_path, croissant(card)).records("records"))


def test_pictures_are_valid_and_come_back_with_their_index(card, tmp_path, monkeypatch):
    from etils import epath
    from mlcroissant._src.operation_graph.operations import extract

    monkeypatch.setattr(extract, "EXTRACT_PATH", epath.Path(tmp_path / "extracted"))
    images = np.random.default_rng(0).integers(0, 255, (4, SIZE["height"], SIZE["width"])).astype(np.uint8)
    frame = pd.DataFrame({"class": pd.Categorical(["b", "a", "b", "a"]), "slice": [3, 1, 2, 0]})
    data = Dataset(frame, target="class", images=images, card=DataCard(), source="synthetic")
    write_pictures(tmp_path / "synthetic.zip", data)
    card["files"] = with_file(card, tmp_path / "synthetic.zip")
    columns = [("class", "category", "category"), ("slice", "number", "int64")]
    shared = {"role": "feature", "levels": 2, "missing": 0.0}
    card["data"]["columns"] = [{"name": name, "kind": kind, "type": type_, **shared} for name, kind, type_ in columns]
    card["data"]["pixels"] = [SIZE["height"], SIZE["width"]]
    records = list(opened(tmp_path, croissant(card)).records("records"))
    assert [record["records/file"] for record in records] == [
        b"a/0001.jpg",
        b"a/0002.jpg",
        b"b/0001.jpg",
        b"b/0002.jpg",
    ]
    assert [record["records/class"] for record in records] == [b"a", b"a", b"b", b"b"]
    assert [record["records/slice"] for record in records] == [1, 0, 3, 2]
    assert np.array_equal(np.asarray(records[0]["records/picture"]), as_stored(images)[1])


@pytest.mark.parametrize("name", ["diabetes_ml", "alzheimers_mri"])
def test_the_releases_that_ship_are_valid(name, tmp_path):
    folder = challenges_dir() / name / "data" / "release"
    card = json.loads((folder / "card.json").read_text(encoding="utf-8"))
    for file in card["files"]:
        (tmp_path / file).symlink_to(folder / file)
    described = croissant(card)
    opened(tmp_path, described)
    assert len(json.dumps(described)) < 50_000


def test_what_the_card_says_is_said(card):
    described = croissant(card)
    assert described["license"] == "https://spdx.org/licenses/CC-BY-4.0"
    assert (described["version"], described["datePublished"]) == ("2026.1.5", "2026-01-05")
    assert described["creator"]["name"] == "A hospital"
    assert described["isBasedOn"] == "https://example.org/stays"
    assert "We (2020). Stays." in described["citeAs"]
    assert described["rai:personalSensitiveInformation"] == [
        "Columns that describe groups of people: sex.",
        "None was copied.",
    ]
    assert described["rai:dataUseCases"] == ["Teaching."]
    assert described["rai:dataLimitations"] == ["Not for: Decisions.", "Of the original: A trap."]
    assert "not judged" in described["rai:dataBiases"]
    assert described["rai:dataCollectionMissingData"].endswith("most in weight kg: 33.3%.")
    fields = {field["name"]: field["dataType"] for field in described["recordSet"][0]["field"]}
    assert fields["stays"] == "cr:Int64" and fields["sex"] == "sc:Text" and fields["smoker"] == "sc:Boolean"
    assert json.dumps(croissant(card)) == json.dumps(described)


def test_fairness_is_told_as_bias_and_a_maker_without_a_name_is_the_tool(card):
    card["scores"].append({"question": "fairness", "metric": "gap", "sentence": "Women are served worse."})
    card["creator"] = None
    card["citation"] = card["made_from"]["url"] = ""
    described = croissant(card)
    assert described["rai:dataBiases"] == ["Women are served worse."]
    assert described["creator"]["name"] == "shd 0.1.0 (Marginals)"
    assert "isBasedOn" not in described
    assert how_to_cite(card) == "Synthetic records after: Stays. Made 2026-01-05 with shd 0.1.0 (Marginals)."


@pytest.mark.parametrize(
    ("name", "url", "said"),
    [
        ("odbl 1.0", "https://elsewhere", "https://spdx.org/licenses/ODbL-1.0"),
        ("House rules", "https://hospital/rules", "https://hospital/rules"),
        ("House rules", "", "House rules"),
    ],
)
def test_licences(name, url, said):
    assert licence_url({"name": name, "url": url}) == said
