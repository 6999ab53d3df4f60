import hashlib
import json
import shutil
import sys
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import shd
from shd import ShdError
from shd._audit import Audit, audit, compare_scores, read_synthetic
from shd._generate import Cost, Split, generate
from shd.compare import Score
from shd.dataset import DataCard, Dataset
from shd.release import SUMS, make_release, verify_release
from shd.synthesizers import Marginals, SliceGaussian

pytestmark = pytest.mark.filterwarnings("ignore::shd.ShdWarning")  # the tables are small, and meant to be
CARD = DataCard(title="Stays", licence="CC0 1.0")
SCORE = Score("privacy", "copies", 0.5, 0.4, 0.6, 0.1, 0.9, "green", "lower", "Fine.")


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
    return verify_release(shutil.copytree(first, tmp_path / "release"))


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
    """Write another card, and its checksums, as a forger would."""
    card = {**release.card, **parts}
    (release.folder / "card.json").write_text(json.dumps(card), encoding="utf-8")
    names = [line.split("  ")[1] for line in (release.folder / SUMS).read_text().splitlines()]
    sums = [f"{hashlib.sha256((release.folder / name).read_bytes()).hexdigest()}  {name}\n" for name in names]
    (release.folder / SUMS).write_text("".join(sums))
    return verify_release(release.folder)


def agreements(found) -> dict[str, str]:
    return {claim.what: claim.agrees for claim in found.claims}


# Scores ------------------------------------------------------------------------------------------


def agreement(**parts) -> str:
    """Agreement of a claim that differs from what is measured in some parts."""
    claimed = {**vars(SCORE), **parts}
    (claim,) = compare_scores({"scores": [claimed]}, SimpleNamespace(results=[SCORE]))
    return claim.agrees


def test_a_score_agrees_exactly_within_chance_or_not():
    assert agreement() == "yes"
    assert agreement(value=0.50001, floor=0.100001) == "yes"  # what another processor makes of the same sums
    assert agreement(value=0.55, low=0.45, high=0.65) == "within chance"
    assert agreement(value=0.61, low=0.45, high=0.7) == "no"  # outside the measured interval
    assert agreement(value=0.55, low=0.52, high=0.58) == "no"  # the measured value is outside the claimed one
    assert agreement(value=0.55, low=0, high=1) == "within chance"
    assert agreement(value=0.7, low=0, high=1) == "no"  # a wide interval excuses nothing


def test_a_score_with_another_verdict_reference_or_nothing_at_all_does_not_agree():
    assert agreement(verdict="red") == "no"
    assert agreement(ceiling=0.901) == "no"
    assert agreement(floor=None) == "no"
    assert agreement(value=None) == "no"
    assert agreement(low=0.45) == "within chance"


def test_what_differs_is_named(release):
    claimed = {**vars(SCORE), "low": 0.3, "floor": 0.2, "verdict": "red"}
    (claim,) = compare_scores({"scores": [claimed]}, SimpleNamespace(results=[SCORE]))
    assert claim.where == "low, floor, verdict"
    assert Audit(release, (claim,), ()).summary().splitlines()[1].endswith("  no: low, floor, verdict")


def test_what_is_claimed_but_not_measured_and_the_other_way_round():
    found = list(compare_scores({"scores": [{**vars(SCORE), "metric": "made up"}]}, SimpleNamespace(results=[SCORE])))
    assert [(claim.what, claim.claimed, claim.found, claim.agrees) for claim in found] == [
        ("privacy: made up", 0.5, None, "no"),
        ("privacy: copies", None, 0.5, "not claimed"),
    ]


def test_references_that_are_missing_on_both_sides_are_the_same():
    score = replace(SCORE, ceiling=None)
    (claim,) = compare_scores({"scores": [vars(score)]}, SimpleNamespace(results=[score]))
    assert claim.agrees == "yes"


# Releases ----------------------------------------------------------------------------------------


def test_a_release_is_confirmed_to_the_last_digit(release, stays, made):
    found = audit(release, stays)
    assert found.holds and set(agreements(found).values()) == {"yes"}
    claims = set(agreements(found))
    assert {"checksums", "records", "columns", "subjects of train", "rows of holdout", "original"} <= claims
    assert {f"{score.question}: {score.metric}" for score in made.report.results} <= claims
    assert found.notes == ()
    assert found.frame.shape == (len(found.claims), 5)
    assert found.summary().splitlines()[0].split() == ["claimed", "found", "agrees"]


def test_it_compares_as_the_card_says(release, stays, made, same):
    how = {**release.card["comparison"], "random_state": 5, "level": "quick"}
    audit(changed(release, comparison=how), stays)
    assert (same["random_state"], same["level"], same["target"]) == (5, "quick", "sick")
    pd.testing.assert_frame_equal(same["synthetic"].frame, made.synthetic.frame)
    pd.testing.assert_frame_equal(same["holdout"].frame, made.holdout.frame)


def test_as_many_are_drawn_from_the_model_as_were_compared(release, stays, same, made):
    how = {**release.card["comparison"], "records": 7}
    assert audit(changed(release, comparison=how), stays).holds
    pd.testing.assert_frame_equal(same["synthetic"].frame, made.synthesizer.sample(7))


def test_without_the_original_only_the_data_are_looked_at(release, same):
    found = audit(release)
    assert found.holds and same == {}
    assert set(agreements(found)) == {"checksums", "files of the card", "records", "columns"}
    assert "--real" in found.notes[0]
    data = {**release.card["data"], "records": 7}
    assert agreements(audit(changed(release, data=data)))["records"] == "no"
    data = {**release.card["data"], "columns": release.card["data"]["columns"][:2], "target": None}
    assert agreements(audit(changed(release, data=data)))["columns"] == "no"
    files = {**release.card["files"], "report.html": {"bytes": 1, "sha256": "0" * 64}}
    assert agreements(audit(changed(release, files=files)))["files of the card"] == "no"


def test_a_forged_score_or_verdict_is_found(release, stays, same):
    scores = [dict(score) for score in release.card["scores"]]
    scores[0]["value"] = 1000.0
    found = audit(changed(release, scores=scores), stays)
    assert not found.holds
    assert [claim.what for claim in found.claims if claim.agrees == "no"] == [
        f"{scores[0]['question']}: {scores[0]['metric']}"
    ]
    other = "red" if release.card["verdicts"]["fidelity"] == "amber" else "amber"
    verdicts = {**release.card["verdicts"], "fidelity": other}
    found = audit(changed(release, scores=release.card["scores"], verdicts=verdicts), stays)
    assert agreements(found)["fidelity: verdict"] == "no"


def test_a_forged_column_is_found(release, stays, same):
    columns = [dict(column) for column in release.card["data"]["columns"]]
    turned = {"green": "red", "amber": "green", "red": "green"}
    columns[0]["verdict"] = turned[columns[0]["verdict"]]
    columns[1]["trust"] = {"verdict": "blue"}
    found = audit(changed(release, data={**release.card["data"], "columns": columns}), stays)
    assert {claim.what for claim in found.claims if claim.agrees == "no"} == {"verdicts of columns", "trust in columns"}
    (claim,) = [claim for claim in found.claims if claim.what == "verdicts of columns"]
    assert (claim.claimed, claim.found) == ("3", "2")


def test_a_bad_score_left_out_shows_in_the_verdict(release, stays, same, made):
    bad = next(score for score in made.report.results if score.verdict != "green")
    same_question = [score for score in release.card["scores"] if score["question"] == bad.question]
    kept = [score for score in release.card["scores"] if score not in same_question]
    verdicts = {**release.card["verdicts"], bad.question: "green"}
    found = agreements(audit(changed(release, scores=kept, verdicts=verdicts), stays))
    assert found[f"{bad.question}: {bad.metric}"] == "not claimed"
    assert found[f"{bad.question}: verdict"] == "no"


@pytest.mark.parametrize("what", ["other rows", "other people", "another seed"])
def test_other_data_are_noticed_before_anything_is_measured(release, stays, same, what):
    if what == "other rows":
        stays = replace(stays, frame=stays.frame.assign(age=stays.frame["age"] + 1))
    elif what == "other people":
        stays = replace(stays, subjects=stays.subjects + 1000)
    else:
        release = changed(release, split={**release.card["split"], "random_state": 1})
    found = audit(release, stays)
    assert not found.holds and same == {}
    assert "not measured again" in found.notes[-1]
    marks = agreements(found)
    assert marks["rows of train"] == ("yes" if what == "other people" else "no")
    assert marks["subjects of train"] == ("yes" if what == "other rows" else "no")


def test_a_column_too_many_is_named(release, stays, same):
    wrong = Dataset(stays.frame.assign(patient=stays.subjects), target="sick")
    assert "'patient'" in audit(release, wrong).notes[-1] and "--subject" in audit(release, wrong).notes[-1]


def test_the_same_rows_from_another_file_are_as_good(made, stays, tmp_path, same):
    files = [tmp_path / name for name in ("stays.csv", "copy.csv")]
    for path in files:
        path.write_text(path.name)
    release = make_release(tmp_path / "out", **vars(made), raw=files[0])
    assert agreements(audit(release, stays, files[0]))["original"] == "yes"
    assert "original" not in agreements(audit(release, stays, files[1])) and audit(release, stays, files[1]).holds
    split = release.card["split"]
    for side in ("train", "holdout"):
        del split[side]["sha256_of_rows"]  # as in releases of earlier versions
    assert agreements(audit(changed(release, split=split), stays, files[1]))["original"] == "no"
    assert "original" not in agreements(audit(release, stays, tmp_path))  # a folder that was unpacked


def test_cards_of_earlier_versions_are_measured_as_generate_did(release, stays, same):
    del release.card["comparison"]
    assert audit(changed(release), stays).holds
    assert (same["random_state"], same["level"], same["target"]) == (0, "full", "sick")


def test_other_versions_are_told(release, stays, same):
    about = release.card["environment"]
    about = {**about, "packages": {**about["packages"], "numpy": "1.0"}}
    (note,) = audit(changed(release, environment=about), stays).notes
    assert f"numpy 1.0, here {np.__version__}" in note


def test_what_the_card_lacks_is_said_in_one_line(release, stays):
    split = {name: release.card["split"][name] for name in ("by", "train", "holdout")}
    with pytest.raises(ShdError, match="does not say how train and holdout were split"):
        audit(changed(release, split=split), stays)


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
    assert audit(of_scans, scans).holds
    assert same["synthetic"].images.shape == (96, 16, 16)
    assert same["synthetic"].source == "synthetic"
    synthetic = read_synthetic(of_scans)
    assert synthetic.images.shape == (12, 16, 16) and list(synthetic.frame) == ["class", "slice"]


def test_pictures_of_earlier_versions_and_of_another_kind_are_refused(of_scans, release, scans, stays):
    del of_scans.card["comparison"]
    with pytest.raises(ShdError, match="does not say which pictures were compared"):
        audit(changed(of_scans), scans)
    with pytest.raises(ShdError, match="made from pictures; give --real the original, scans"):
        audit(of_scans, stays)
    with pytest.raises(ShdError, match="made from a table"):
        audit(release, scans)


@pytest.mark.real_data("diabetes")
def test_the_release_that_ships_was_made_from_the_real_patients():
    from shd._audit import _of_original, _of_split, _split
    from shd._paths import challenges_dir
    from shd.datasets.registry import archive_path

    release = verify_release(challenges_dir() / "diabetes_ml" / "data" / "release")
    train, holdout = _split(release, shd.load("diabetes", source="real"))
    claims = [*_of_split(release.card, train, holdout)]
    claims += _of_original(release.card, archive_path("diabetes"), train, holdout)
    assert len(claims) >= 3 and {claim.agrees for claim in claims} == {"yes"}
