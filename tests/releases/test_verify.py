import hashlib
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import shd
from shd import ShdError
from shd.dataset import DataCard, Dataset
from shd.releases import Cost, Split, generate, make_release, open_release, verify
from shd.releases.card import risk_of, use_of
from shd.releases.card_page import as_json, pages_of_card
from shd.releases.release import SUMS
from shd.releases.verify import _sample, check_scores
from shd.synthesizers import Marginals, SliceGaussian

pytestmark = pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # the tables are small, and meant to be
CARD = DataCard(title="Stays", licence="CC0 1.0")


@pytest.fixture(scope="module")
def stays() -> Dataset:
    rng = np.random.default_rng(0)
    n = 150
    frame = pd.DataFrame({"sex": rng.choice(["f", "m"], n), "age": rng.integers(20, 90, n)})
    frame["sick"] = np.where(rng.random(n) < 0.3 + 0.4 * (frame["age"] > 60), "yes", "no")
    roles = {"target": "sick", "subjects": np.arange(n) // 3, "sensitive": ("sex",), "name": "stays", "card": CARD}
    return Dataset.from_frame(frame, **roles)


@pytest.fixture(scope="module")
def made(stays) -> SimpleNamespace:
    """One run of generate: comparing takes seconds."""
    return generate(stays, Marginals(random_state=0))


@pytest.fixture(scope="module")
def first(made, tmp_path_factory):
    return make_release(tmp_path_factory.mktemp("release") / "out", **vars(made)).folder


@pytest.fixture
def release(first, tmp_path):
    return open_release(shutil.copytree(first, tmp_path / "release"))


@pytest.fixture
def same(made, monkeypatch):
    """Let every comparison find what the first one found; returns what it was asked."""
    asked = {}

    def compare(train, synthetic, **options):
        asked.update(options, train=train, synthetic=synthetic)
        return made.report

    monkeypatch.setattr(sys.modules["shd.compare"], "compare", compare)
    return asked


def changed(release, **parts):
    """Write another card, its pages and its checksums, as a diligent forger would."""
    card = {**release.card, **parts}
    card["risk"] = risk_of(card["scores"], card["verdicts"])
    card["use"] = use_of(card)
    for name, text in {"card.json": as_json(card), **pages_of_card(card)}.items():
        (release.folder / name).write_text(text, encoding="utf-8")
    return resigned(release)


def resigned(release):
    """Write the checksums again, whatever was changed."""
    names = [line.split("  ")[1] for line in (release.folder / SUMS).read_text().splitlines()]
    sums = [f"{hashlib.sha256((release.folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (release.folder / SUMS).write_text("".join(sums))
    return open_release(release.folder)


def agreements(found) -> dict[str, str]:
    return {claim.what: claim.agrees for claim in found.claims}


def test_a_release_is_confirmed_to_the_last_digit(release, stays, made):
    found = verify(release, stays)
    assert found.holds and set(agreements(found).values()) == {"yes"}
    claims = set(agreements(found))
    assert {"checksums", "records", "columns", "subjects of train", "rows of holdout"} <= claims
    assert {f"{score.question}: {score.metric}" for score in made.report.results} <= claims
    assert found.notes == ()
    assert found.frame.shape == (len(found.claims), 5)
    assert found.summary().splitlines()[0].split() == ["claimed", "found", "agrees"]


def test_it_compares_as_the_card_says(release, stays, made, same):
    how = {**release.card["comparison"], "random_state": 5, "level": "quick"}
    verify(changed(release, comparison=how), stays)
    assert (same["random_state"], same["level"], same["target"]) == (5, "quick", "sick")
    pd.testing.assert_frame_equal(same["synthetic"].frame, made.synthetic.frame)
    pd.testing.assert_frame_equal(same["holdout"].frame, made.holdout.frame)


def test_as_many_are_drawn_from_the_model_as_were_compared(release, stays, same, made):
    how = {**release.card["comparison"], "records": 7}
    assert verify(changed(release, comparison=how), stays).holds
    pd.testing.assert_frame_equal(same["synthetic"].frame, made.synthesizer.sample(7))


def test_without_the_original_only_the_data_are_looked_at(release, same):
    found = verify(release)
    assert found.holds and same == {}
    assert set(agreements(found)) == {"checksums", "other files", "records", "columns", "records of the CSV"}
    assert "--real" in found.notes[0]
    data = {**release.card["data"], "records": 7}
    assert agreements(verify(changed(release, data=data)))["records"] == "no"
    data = {**release.card["data"], "columns": release.card["data"]["columns"][:2], "target": None}
    assert agreements(verify(changed(release, data=data)))["columns"] == "no"


def test_a_forged_score_or_verdict_is_found(release, stays, same):
    scores = [dict(score) for score in release.card["scores"]]
    scores[0]["value"] = 1000.0
    found = verify(changed(release, scores=scores), stays)
    assert not found.holds
    assert [claim.what for claim in found.claims if claim.agrees == "no"] == [
        f"{scores[0]['question']}: {scores[0]['metric']}"
    ]
    other = "red" if release.card["verdicts"]["fidelity"] == "amber" else "amber"
    verdicts = {**release.card["verdicts"], "fidelity": other}
    found = verify(changed(release, scores=release.card["scores"], verdicts=verdicts), stays)
    assert agreements(found)["fidelity: verdict"] == "no"


def test_a_forged_column_is_found(release, stays, same):
    columns = [dict(column) for column in release.card["data"]["columns"]]
    turned = {"green": "red", "amber": "green", "red": "green"}
    columns[0]["verdict"] = turned[columns[0]["verdict"]]
    columns[1]["trust"] = {**columns[1]["trust"], "verdict": turned[columns[1]["trust"]["verdict"]]}
    found = verify(changed(release, data={**release.card["data"], "columns": columns}), stays)
    assert {claim.what for claim in found.claims if claim.agrees == "no"} == {"verdicts of columns", "trust in columns"}
    (claim,) = [claim for claim in found.claims if claim.what == "verdicts of columns"]
    assert (claim.claimed, claim.found) == ("3", "2")


def test_a_bad_score_left_out_shows_in_the_verdict(release, stays, same, made):
    bad = next(score for score in made.report.results if score.verdict not in ("green", None))
    same_question = [score for score in release.card["scores"] if score["question"] == bad.question]
    kept = [score for score in release.card["scores"] if score not in same_question]
    better = {"green": "grey"}.get(release.card["verdicts"][bad.question], "green")
    verdicts = {**release.card["verdicts"], bad.question: better}
    found = agreements(verify(changed(release, scores=kept, verdicts=verdicts), stays))
    assert found[f"{bad.question}: {bad.metric}"] == "no"  # this very version measures it, and would claim it
    assert found[f"{bad.question}: verdict"] == "no"


def test_scores_of_another_version_are_not_held_against_a_release(release, stays, same):
    card = release.card
    about = {**card["environment"], "commit": "of another day"}
    found = verify(changed(release, environment=about, scores=card["scores"][1:]), stays)
    first = card["scores"][0]
    assert found.holds and agreements(found)[f"{first['question']}: {first['metric']}"] == "not claimed"


def test_what_else_lies_in_the_folder_is_found_and_the_scores_are_measured_all_the_same(release, stays, same):
    (release.folder / "stays.csv").touch()
    found = verify(release, stays)
    assert [(claim.what, claim.where) for claim in found.claims if claim.agrees == "no"] == [
        ("other files", "stays.csv")
    ]
    assert "fidelity: verdict" in agreements(found)


def test_an_original_without_roles_takes_those_of_the_card(release, stays, same):
    assert verify(release, replace(stays, sensitive=(), counts=())).holds
    assert same["train"].sensitive == ("sex",) and same["train"].counts == stays.counts


def test_a_target_that_is_sensitive_is_both_again(release, stays, same):
    how = {**release.card["comparison"], "sensitive": ["sick"]}
    verify(changed(release, comparison=how), replace(stays, sensitive=()))
    assert (same["train"].sensitive, same["train"].target) == (("sick",), "sick")


def test_a_verdict_of_a_column_left_out_is_found(release, stays, same):
    columns = [{**column, "verdict": None, "trust": {}} for column in release.card["data"]["columns"]]
    found = verify(changed(release, data={**release.card["data"], "columns": columns}), stays)
    assert {claim.what for claim in found.claims if claim.agrees == "no"} == {"verdicts of columns", "trust in columns"}


@pytest.mark.parametrize("what", ["other rows", "other people", "another seed"])
def test_other_data_are_noticed_before_anything_is_measured(release, stays, same, what):
    if what == "other rows":
        stays = replace(stays, frame=stays.frame.assign(age=stays.frame["age"] + 1))
    elif what == "other people":
        stays = replace(stays, subjects=stays.subjects + 1000)
    else:
        release = changed(release, split={**release.card["split"], "random_state": 1})
    found = verify(release, stays)
    assert not found.holds and same == {}
    assert "not measured again" in found.notes[-1]
    marks = agreements(found)
    assert marks["rows of train"] == ("yes" if what == "other people" else "no")
    # what people are called is keyed by all of the rows
    assert marks["subjects of train"] == ("no" if what == "other people" else "not sure")


def test_a_column_too_many_is_named(release, stays, same):
    wrong = Dataset(stays.frame.assign(ward="a"), target="sick", subjects=stays.subjects)
    assert "'ward'" in verify(release, wrong).notes[-1] and "--subject" in verify(release, wrong).notes[-1]
    of_people = Dataset(stays.frame.assign(patient=stays.subjects), target="sick", sensitive=("sex",))
    assert verify(release, of_people).holds  # it repeats and identifies people: it is the subject


@pytest.mark.parametrize("key", ["sha256_of_rows", "hmac_of_subjects"])
def test_a_split_without_a_checksum_is_not_taken_on_trust(release, stays, same, key):
    split = release.card["split"]
    del split["train"][key]
    found = verify(changed(release, split=split), stays)
    assert not found.holds
    assert agreements(found)[f"{key.split('_of_')[1]} of train"] == "no"


def _files(release, path) -> dict:
    about = {"bytes": path.stat().st_size, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    return release.card["files"] | {path.name: about}


def test_the_model_is_that_of_the_card(release, stays, same):
    found = agreements(verify(release, stays))
    assert (found["model"], found["records of the model"]) == ("yes", "yes")
    model = release.folder / "model.safetensors"
    other = Dataset(stays.frame.assign(more=1.0), target="sick")
    for data, seed, marks in (
        (other, 0, ("yes", "no")),  # of other columns
        (stays.take(np.arange(40)), 0, ("yes", "not sure")),  # of fewer people
        (stays, 7, ("no", None)),  # with another seed than the card says
    ):
        Marginals(random_state=seed).fit(data).save(model)
        found = verify(changed(release, files=_files(release, model)), stays)
        assert tuple(map(agreements(found).get, ("model", "records of the model"))) == marks
        assert found.holds == ("no" not in marks)
    model.write_bytes(b"no model")
    assert agreements(verify(changed(release, files=_files(release, model)), stays))["model"] == "no"


def _with(report, score):
    return replace(report, result=replace(report.result, scores=(*report.results, score)))


def test_an_alarm_left_out_is_missed_on_the_card_of_any_version(release, stays, same, made):
    alarm = replace(made.report.results[0], verdict="amber", metric="one that was left out")
    silent = replace(made.report.results[0], metric="one that is new")
    for score, mark in ((alarm, "no"), (silent, "not claimed")):
        report = _with(made.report, score)
        found = {claim.what: claim.agrees for claim in check_scores(release.card, report, True)}
        assert found[f"{score.question}: {score.metric}"] == mark


def test_a_hidden_file_is_found(release, stays, same):
    (release.folder / ".patients.csv").write_text("no")
    assert not verify(release).holds
    (release.folder / ".patients.csv").unlink()
    (release.folder / ".gitignore").write_text("")
    assert verify(release).holds


def test_cards_of_earlier_versions_are_measured_as_generate_did(release, stays, same):
    del release.card["comparison"]
    assert verify(changed(release), stays).holds
    assert (same["random_state"], same["level"], same["target"]) == (0, "full", "sick")


def test_other_versions_are_told(release, stays, same):
    about = release.card["environment"]
    about = {**about, "packages": {**about["packages"], "numpy": "1.0"}}
    (note,) = verify(changed(release, environment=about), stays).notes
    assert f"numpy 1.0, here {np.__version__}" in note


def test_what_the_card_lacks_is_said_in_one_line(release, stays):
    split = {name: release.card["split"][name] for name in ("by", "train", "holdout")}
    with pytest.raises(ShdError, match="does not say how train and holdout were split"):
        verify(changed(release, split=split), stays)


@pytest.fixture(scope="module")
def scans() -> Dataset:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"class": pd.Categorical(["a", "b"] * 60), "slice": np.arange(120) % 3})
    images = rng.integers(0, 255, (120, 16, 16)).astype(np.uint8)
    return Dataset(frame, target="class", subjects=np.arange(120) // 3, card=CARD, name="scans", images=images)


@pytest.fixture
def of_scans(scans, made, tmp_path):
    """A release of twelve pictures whose card was made from 96."""
    train, holdout = scans.split(0.2, 0)
    model = SliceGaussian(components=3, random_state=0).fit(train)
    said = made.report.to_dict()
    said["about"] |= {"tables": [{"role": "synthetic", "records": 96}], "target": "class"}
    report = SimpleNamespace(
        to_dict=lambda: said, summary=made.report.summary, without_persons=made.report.without_persons
    )
    pieces = {"train": train, "holdout": holdout, "synthesizer": model, "synthetic": model.sample(12)}
    return make_release(tmp_path / "scans", **pieces, report=report, split=Split(0.2, 0), cost=Cost(1, 1))


def test_pictures_are_drawn_again_as_were_compared(of_scans, scans, same):
    assert verify(of_scans, scans).holds
    assert same["synthetic"].images.shape == (96, 16, 16)
    assert same["synthetic"].source == "synthetic"
    synthetic = of_scans.read_data()
    assert synthetic.images.shape == (12, 16, 16) and list(synthetic.frame) == ["class", "slice"]


def test_pictures_of_earlier_versions_and_of_another_kind_are_refused(of_scans, release, scans, stays):
    del of_scans.card["comparison"]
    with pytest.raises(ShdError, match="does not say which pictures were compared"):
        verify(changed(of_scans), scans)
    with pytest.raises(ShdError, match="made from pictures; give --real the original, scans"):
        verify(of_scans, stays)
    with pytest.raises(ShdError, match="made from a table"):
        verify(release, scans)


@pytest.mark.slow
@pytest.mark.real_data("diabetes")
def test_the_release_that_ships_was_made_from_the_real_patients():
    from shd._paths import challenges_dir
    from shd.releases.verify import _check_split, _split

    release = open_release(challenges_dir() / "diabetes_ml" / "data" / "release")
    train, holdout = _split(release, shd.load("diabetes", source="real"))
    claims = [*_check_split(release.card, train, holdout)]
    assert len(claims) == 4 and {claim.agrees for claim in claims} == {"yes"}


def test_pictures_of_a_model_that_was_not_handed_on_are_not_drawn_again(of_scans, scans):
    del of_scans.card["files"]["model.safetensors"]  # its card was made from more pictures than lie there
    with pytest.raises(ShdError, match="a model that was not handed on; only its maker"):
        _sample(of_scans, of_scans.load_model(), of_scans, scans, 96)
