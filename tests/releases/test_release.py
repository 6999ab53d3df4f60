import gzip
import hashlib
import json
import platform
from dataclasses import asdict, replace
from types import SimpleNamespace

import pandas as pd
import pytest

from shd import ShdError
from shd._errors import ShdWorkError
from shd._paths import challenges_dir
from shd.dataset import DataCard, Dataset
from shd.domain import Dates, Domain, Levels, Numbers
from shd.releases.card import _checksum_of_files
from shd.releases.card_page import card_as_html
from shd.releases.generate import Cost, Split, sample_as_many_as_train
from shd.releases.release import SUMS, TABLE_FILES, check_folder, is_release, make_release, open_release
from shd.synthesizers import BayesianNetwork, Marginals, load_synthesizer

CARD = DataCard(title="Stays", licence="CC0 1.0", citation="We (2026).", notes=("A trap | with a bar.",))
pytestmark = pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # sixty rows are few, and meant to be


@pytest.fixture
def made(table, stub_report):
    """The arguments of `make_release` for a tiny run."""
    data = Dataset.from_frame(table, target="sick", subject="patient", name="stays", card=CARD)
    train, holdout = data.split(0.2, 0)
    model = Marginals(min_people=1, random_state=0).fit(train)  # sixteen people are few, and not what is tested
    train, holdout = (model.protection_.apply(side) for side in (train, holdout))
    synthetic = Dataset(model.sample(30), target="sick", source="synthetic", name="stays", card=CARD)
    pieces = {"train": train, "holdout": holdout, "synthesizer": model, "synthetic": synthetic}
    how = {"split": Split(0.2, 0), "cost": Cost(1.5, 1.4), "drawn_again": None, "kept_rules": False, "with_model": True}
    return {**pieces, "report": stub_report(), **how}


def test_release_holds_its_files_and_their_checksums(made, tmp_path):
    release = make_release(tmp_path / "out", **made)
    assert sorted(p.name for p in release.folder.iterdir()) == sorted([*TABLE_FILES, SUMS])
    lines = (release.folder / SUMS).read_text().splitlines()
    for line in lines:  # the form that sha256sum -c reads
        digest, name = line.split("  ")
        assert digest == hashlib.sha256((release.folder / name).read_bytes()).hexdigest()
    assert len(lines) == len(TABLE_FILES)
    assert (release.folder / "card.html").read_text(encoding="utf-8") == card_as_html(release.card)
    assert len({(release.folder / name).stat().st_mode for name in TABLE_FILES}) == 1
    assert open_release(release.folder).card == release.card
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_data_and_model_come_back(made, tmp_path):
    folder = make_release(tmp_path / "out", **made).folder
    pd.testing.assert_frame_equal(pd.read_parquet(folder / "synthetic.parquet"), made["synthetic"].frame)
    assert len(pd.read_csv(folder / "synthetic.csv.gz")) == 30
    again = load_synthesizer(folder / "model.safetensors").sample(30)
    pd.testing.assert_frame_equal(again, made["synthetic"].frame)


def test_same_rows_give_the_same_bytes(made, tmp_path):
    first, second = (make_release(tmp_path / name, **made).folder for name in ("one", "two"))
    for name in set(TABLE_FILES) - {"README.md", "card.json", "card.html", "croissant.json"}:  # which say when
        assert (first / name).read_bytes() == (second / name).read_bytes()
    content = (first / "synthetic.csv.gz").read_bytes()
    assert content[4:8] == bytes(4)  # no time
    assert gzip.decompress(content).startswith(b"sex,age,")


@pytest.mark.parametrize("name", TABLE_FILES)
def test_tampering_is_found(made, tmp_path, name):
    folder = make_release(tmp_path / "out", **made).folder
    content = bytearray((folder / name).read_bytes())
    content[-2] ^= 1
    (folder / name).write_bytes(content)
    with pytest.raises(ShdError, match=f"{name}: changed|not a release"):
        open_release(folder)


def test_a_missing_file_or_line_is_found(made, tmp_path):
    folder = make_release(tmp_path / "out", **made).folder
    (folder / "report.html").unlink()
    with pytest.raises(ShdWorkError, match=r"report.html: missing"):
        open_release(folder)
    sums = (folder / SUMS).read_text().splitlines(keepends=True)
    (folder / SUMS).write_text("".join(line for line in sums if "README" not in line))
    with pytest.raises(ShdWorkError, match=r"README.md: not as it should be"):
        open_release(folder)


def test_releases_of_earlier_versions_are_read(made, tmp_path):
    folder = make_release(tmp_path / "out", **made).folder
    lines = (folder / SUMS).read_text().splitlines(keepends=True)
    old = [line for line in lines if "card.html" not in line and "croissant" not in line]
    (folder / SUMS).write_text("".join(old))
    with pytest.raises(ShdWorkError, match=r"card.html: not as it should be"):  # there, and nobody vouches for it
        open_release(folder)
    (folder / "card.html").unlink()
    (folder / "croissant.json").unlink()
    open_release(folder)
    (folder / SUMS).write_text("".join(lines))
    with pytest.raises(ShdWorkError, match=r"card.html: missing"):
        open_release(folder)


@pytest.mark.parametrize("name", ["diabetes_ml", "alzheimers_mri"])
def test_the_releases_that_ship_are_whole(name):
    assert open_release(challenges_dir() / name / "data" / "release").card["data"]["records"] >= 1000


def test_a_card_that_lacks_something_is_no_card(made, tmp_path):
    folder = make_release(tmp_path / "out", **made).folder
    card = json.loads((folder / "card.json").read_text())
    del card["use"]
    (folder / "card.json").write_text(json.dumps(card))
    sign(folder)
    with pytest.raises(ShdWorkError, match=r"card.json: lacks 'use'. Get the release again."):
        open_release(folder)


def sign(folder):
    """Write the checksums again, as somebody would who has changed a file."""
    names = [line.split("  ")[1] for line in (folder / SUMS).read_text().splitlines()]
    sums = [f"{hashlib.sha256((folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (folder / SUMS).write_text("".join(sums))


def test_checksums_never_lead_out_of_the_folder(made, tmp_path):
    folder = make_release(tmp_path / "out", **made).folder
    with (folder / SUMS).open("a") as stream:
        stream.write(f"{'0' * 64}  ../elsewhere\n")
    with pytest.raises(ShdWorkError, match="elsewhere: not as it should be"):
        open_release(folder)


def test_verify_refuses_what_is_no_release(tmp_path):
    with pytest.raises(ShdError, match="not a release") as caught:
        open_release(tmp_path)
    assert caught.value.exit_code == 2


def test_card_says_where_it_comes_from(made, tmp_path):
    raw = tmp_path / "stays.csv"
    raw.write_bytes(b"the owner's bytes")
    folder = make_release(tmp_path / "out", **made, raw=raw).folder
    card = json.loads((folder / "card.json").read_text())
    assert card["made_from"]["sha256"] == hashlib.sha256(b"the owner's bytes").hexdigest()
    assert card["made_from"]["records"] == 60
    assert card["made_from"]["subjects"] == 20
    assert card["split"]["test_size"] == 0.2
    assert card["split"]["train"]["subjects"] + card["split"]["holdout"]["subjects"] == 20
    assert card["split"]["train"]["hmac_of_subjects"] != card["split"]["holdout"]["hmac_of_subjects"]
    assert card["licence"]["name"] == "CC0 1.0"
    assert card["synthesizer"] == {
        "class": "Marginals",
        "parameters": {"min_people": 1, "random_state": 0},
        "steps_taken": None,
        "fit": {"wall_seconds": 1.5, "cpu_seconds": 1.4},
        "rules": {"found": 0, "kept": False},
    }
    assert {c["name"]: c["type"] for c in card["data"]["columns"]}["stays"] == "int64"
    assert set(card["environment"]["packages"]) >= {"torch", "numpy", "pandas"}
    assert card["files"]["synthetic.parquet"]["bytes"] == (folder / "synthetic.parquet").stat().st_size
    assert {c["name"]: c["verdict"] for c in card["data"]["columns"]}["sex"] == "red"
    assert card["verdicts"]["privacy"] == "green"


def test_two_sets_of_changes_are_not_the_same_shd(tmp_path):
    (tmp_path / "a.py").write_text("1")
    first = _checksum_of_files(tmp_path)
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "a.pyc").touch()
    assert _checksum_of_files(tmp_path) == first
    (tmp_path / "a.py").write_text("2")
    assert _checksum_of_files(tmp_path) != first
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert _checksum_of_files(tmp_path) != first


def test_card_names_no_machine_user_or_folder(made, tmp_path):
    folder = make_release(tmp_path / "out", **made).folder
    text = (folder / "card.json").read_text() + (folder / "README.md").read_text()
    assert str(tmp_path) not in text
    assert platform.node() not in text


def test_without_a_raw_file_the_checksum_is_that_of_the_rows(made, tmp_path):
    first = make_release(tmp_path / "one", **made).card["made_from"]
    swapped = {**made, "train": made["train"].take(range(len(made["train"]))[::-1])}
    assert make_release(tmp_path / "two", **swapped).card["made_from"]["sha256"] == first["sha256"]
    fewer = {**made, "train": made["train"].take(range(10))}
    assert make_release(tmp_path / "three", **fewer).card["made_from"]["sha256"] != first["sha256"]


def test_readme_says_what_card_says(made, tmp_path):
    folder = make_release(tmp_path / "out", **made).folder
    page = (folder / "README.md").read_text()
    for words in ("Stays", "CC0 1.0", "We (2026).", "30 synthetic records", "line 4", "C2ST", "not green"):
        assert words in page
    assert "A trap" in page
    assert "None" not in page


def test_card_says_how_it_was_compared_and_whose_records(made, tmp_path, stub_report):
    card = make_release(tmp_path / "one", **made).card
    how = {"level": "full", "random_state": 0, "target": "sick", "sensitive": [], "records": 30}
    assert card["comparison"] == {**how, "records_are": "those released"}
    made["report"] = stub_report(compared=48)
    again = make_release(tmp_path / "two", **made, creator="A hospital").card
    assert again["comparison"]["records_are"] == "drawn from the model"
    assert (card["creator"], again["creator"]) == (None, "A hospital")


def test_card_gathers_the_risks_and_the_checks(made, tmp_path, stub_report):
    trust = [{"column": "sex", "verdict": "red", "why": "Its links are lost.", "not for": "groups"}]
    finding = {
        "code": "SHD001",
        "title": "Few people",
        "level": "warning",
        "sentence": "20 people.",
        "todo": "Add some.",
    }
    made["report"] = stub_report("red", "amber", trust, [finding])
    folder = make_release(tmp_path / "out", **made, force_red=True).folder
    card = open_release(folder).card
    assert card["risk"]["privacy"] == {"verdict": "red", "alarms": ["copies"], "sentences": ["1 of 30."]}
    assert card["risk"]["fairness"] == {"verdict": "amber", "alarms": [], "sentences": []}
    assert "no guarantee" in card["risk"]["notice"]
    assert card["checks"] == [finding]
    assert {c["name"]: c["trust"] for c in card["data"]["columns"]}["sex"] == {
        name: trust[0][name] for name in ("verdict", "why", "not for")
    }
    assert any("columns not to be trusted: 'sex'" in line for line in card["use"]["may_not"])
    assert any("fairness is amber" in line for line in card["use"]["may_not"])
    for name in ("card.html", "README.md"):
        assert "Few people" in (folder / name).read_text()
    assert "Its links are lost. Not for: groups" in (folder / "card.html").read_text()


def test_rows_of_each_side_have_a_checksum_that_does_not_follow_their_order(made, tmp_path):
    first = make_release(tmp_path / "one", **made).card["split"]
    made["train"] = made["train"].take(range(len(made["train"]))[::-1])
    assert make_release(tmp_path / "two", **made).card["split"] == first
    changed = made["train"].frame.assign(stays=made["train"].frame["stays"] + 1)
    made["train"] = replace(made["train"], frame=changed)
    other = make_release(tmp_path / "three", **made).card["split"]["train"]
    assert other["sha256_of_rows"] != first["train"]["sha256_of_rows"]
    assert other["hmac_of_subjects"] != first["train"]["hmac_of_subjects"]  # keyed by the rows


def test_with_an_error_of_method_nothing_may_rest_on_the_scores(made, tmp_path, stub_report):
    finding = {"code": "SHD001", "title": "Shared people", "level": "error", "sentence": "Five.", "todo": "Split."}
    made["report"] = stub_report(findings=[finding, {**finding, "sentence": "Six."}])
    made["report"].verdicts["utility"] = "green"
    card = make_release(tmp_path / "out", **made).card
    assert card["verdicts"] == made["report"].verdicts  # held back by the report, or not at all
    assert card["use"]["may_not"][0] == (
        "Anything that rests on the scores, handing on included: "
        "checks of method found that they cannot be believed (SHD001)."
    )
    assert not any("models" in line for line in card["use"]["may"])
    warned = {**made, "report": stub_report(findings=[{**finding, "level": "warning"}])}
    use = make_release(tmp_path / "warned", **warned).card["use"]
    assert not any("SHD001" in line for line in use["may_not"])


@pytest.mark.parametrize("privacy", ["red", "amber", None])
def test_use_follows_the_privacy_verdict(made, tmp_path, privacy, stub_report):
    card = make_release(tmp_path / "out", **{**made, "report": stub_report(privacy)}, force_red=True).card
    assert any("privacy is" in line for line in card["use"]["may_not"])


def test_made_from_a_stand_in_says_so(made, tmp_path):
    for side in ("train", "holdout"):
        made[side] = replace(made[side], source="stand-in")
    release = make_release(tmp_path / "out", **made)
    assert "stand-in" in release.card["use"]["may_not"][0]
    assert "Made from stand-in data" in (release.folder / "README.md").read_text()


def test_no_release_without_a_licence(made, tmp_path):
    made["train"] = replace(made["train"], card=DataCard(title="Stays"))
    with pytest.raises(ShdError, match="no release without a licence"):
        make_release(tmp_path / "out", **made)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
@pytest.mark.parametrize("earlier", [False, True])
def test_a_stop_on_the_way_leaves_the_folder_as_it_was(made, tmp_path, error, earlier, monkeypatch):
    if earlier:
        make_release(tmp_path / "out", **made)
    before = {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()}

    def fail(path):
        path.write_text("<p>half a rep")
        raise error

    monkeypatch.setattr(made["report"], "save", fail)
    with pytest.raises((KeyboardInterrupt, ShdWorkError)):
        make_release(tmp_path / "out", **made)
    assert {p: p.read_bytes() for p in tmp_path.rglob("*") if p.is_file()} == before
    assert (tmp_path / "out").exists() == earlier


def test_an_earlier_release_is_replaced(made, tmp_path):
    make_release(tmp_path / "out", **made)
    made["synthetic"] = made["synthetic"].take(range(10))
    make_release(tmp_path / "out", **made)
    assert open_release(tmp_path / "out").card["data"]["records"] == 10
    assert [p.name for p in tmp_path.iterdir()] == ["out"]


def test_an_empty_folder_is_taken_and_others_are_not(made, tmp_path):
    folder = tmp_path / "out"
    folder.mkdir()
    check_folder(folder)
    (folder / "thesis.md").write_text("mine")
    with pytest.raises(ShdError, match=r"holds 'thesis.md'.*--force"):
        make_release(folder, **made)
    make_release(folder, **made, force=True)
    assert (folder / "thesis.md").read_text() == "mine"
    open_release(folder)
    (tmp_path / "file").touch()
    with pytest.raises(ShdError, match="Name a folder"):
        check_folder(tmp_path / "file")


def test_a_readme_of_somebody_else_is_not_overwritten(tmp_path):
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(ShdError, match="no release"):
        check_folder(tmp_path)
    (tmp_path / "card.json").write_text("[]")
    (tmp_path / SUMS).touch()
    assert not is_release(tmp_path)


def test_generated_is_what_make_release_takes(made):
    from shd.releases.generate import Generated

    made = SimpleNamespace(**made)
    assert set(vars(Generated(**vars(made)))) == set(vars(made))
    assert asdict(made.cost) == {"wall_seconds": 1.5, "cpu_seconds": 1.4}


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore:The inplace keyword")  # of rdflib and mlcroissant
def test_the_metadata_lead_to_the_records(made, tmp_path):
    mlcroissant = pytest.importorskip("mlcroissant")
    folder = make_release(tmp_path / "out", **made).folder
    dataset = mlcroissant.Dataset(folder / "croissant.json")
    assert dataset.metadata.ctx.issues.warnings == set()
    records = list(dataset.records("records"))
    assert [record["records/stays"] for record in records] == made["synthetic"].frame["stays"].tolist()
    assert [record["records/sick"].decode() for record in records] == made["synthetic"].frame["sick"].tolist()


@pytest.mark.parametrize("noise_seed", [None, 3])
def test_the_card_says_what_a_private_fit_promises(made, table, tmp_path, noise_seed):
    answers = Domain({"sex": Levels(["f", "m"]), "smoker": Levels([False, True]), "sick": Levels(["no", "yes"])})
    age, days = Levels(["young", "old"], ordered=True), Dates("2020-01-01", "2021-12-31")
    numbers = {"stays": Numbers(0, 20), "weight": Numbers(2, 250, decimals=1)}
    domain = answers | Domain({"age": age, "admitted": days, **numbers})
    model = BayesianNetwork(epsilon=2, domain=domain, noise_seed=noise_seed, min_people=1).fit(made["train"])
    synthetic, _ = sample_as_many_as_train(model, made["train"])
    assert len(synthetic) == model.n_rows_  # the private number of records, not the length of train
    release = make_release(tmp_path / "out", **{**made, "synthesizer": model, "synthetic": synthetic})
    said = release.card["synthesizer"]["privacy"]
    assert said["epsilon"] == 2 and said["delta"] == 0 and said["unit"] == "subject" and said["spent"]
    assert said["guarantee"] == (noise_seed is None)
    readme = (release.folder / "README.md").read_text(encoding="utf-8")
    promise = (
        "Differential privacy: (2, 0)-differential privacy for a subject" if noise_seed is None else "no guarantee"
    )
    assert promise in readme
    assert load_synthesizer(release.folder / "model.safetensors").privacy_ == model.privacy_
