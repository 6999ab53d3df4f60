"""Whether a release holds: its files, its split, and every number of its card, measured again on the original."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from shd._errors import ShdError
from shd._json import json_values
from shd._progress import notice
from shd.dataset import DataCard, Dataset, describe_columns
from shd.releases.card import (
    OF_ROWS,
    c2st_of_weights,
    describe_side,
    environment,
    has_model,
    key_of,
    sha256,
    sha256_of_rows,
)
from shd.releases.claims import CHANCE, NEW, NO, UNSURE, YES, Claim, Verification, agree_if, same_number
from shd.releases.generate import sample_apart, with_subjects_found
from shd.releases.release import Release, save_report
from shd.releases.verify_files import check_files, check_other_files, check_pages, derived_claim, made_pages

if TYPE_CHECKING:
    from shd.compare import Report
    from shd.compare.findings import Finding
    from shd.synthesizers import Synthesizer

_NUMBERS = ("value", "low", "high", "floor", "ceiling")
_SHOWN = 12  # characters of a checksum, for people
_ITS_MAKER = "only its maker can measure it again."
_OF_THE_MACHINE = "ImageNet"  # weights that not every machine has; scores in their features come and go


def verify(
    release: Release,
    real: Dataset | None = None,
    raw: Path | None = None,
    tell: Callable[[str, str], None] = lambda label, text: None,
    findings: "Sequence[Finding] | None" = None,
) -> Verification:
    """Check what a release says of its data and, given the original, its split and every score.

    `findings` are, unless they are given, those that the card names.
    """
    card, pages, synthetic = release.card, made_pages(release), release.read_data()
    others = _other_versions(card)
    another = not others.keys().isdisjoint({"shd", "commit"})
    pages_hold, notes = _excused(another, check_pages(release, pages), "another version of shd made it")
    written = (check_other_files(release, synthetic), *pages_hold)
    claims = list(check_files(release, synthetic))
    if real is None:
        notes = ("the scores were not measured again; that takes the original: --real DATASET|FILE", *notes)
        return Verification(release, (*claims, *written), notes)
    tell("split", "by subject, as the card says")
    train, holdout = _split(release, _as_it_was(real, card, synthetic))
    claims += [*_check_split(card, train, holdout), *_check_original(card, raw, train, holdout)]
    if any(claim.agrees == NO for claim in claims):
        return Verification(release, (*claims, *written), (*notes, _not_measured(card, real)))
    from shd.compare.findings import of_card

    tell("model", "loaded, and records drawn again")
    model = _readable_model(release)
    claims += _check_model(release, model, synthetic, holdout)
    report = _measure(release, model, synthetic, train, holdout, of_card(card) if findings is None else findings, tell)
    for check in (check_scores, _check_verdicts, _check_columns):
        claims += check(card, report, another)
    words, more = _excused(bool(others), _check_words(release, report), "other versions made it")
    if others:
        said = "; ".join(f"{name} {then}, here {now}" for name, (then, now) in others.items())
        notes = (f"made with other versions, so that scores may differ a little: {said}", *notes)
    return Verification(release, (*claims, *words, *written), (*notes, *more))


def original_of(release: Release) -> tuple[str, str | None]:
    """Return source and target of what a release was made from; `ShdWorkError` where its card is broken."""
    made_pages(release)
    return release.card["made_from"]["source"], release.card["data"]["target"]


def _excused(excused: bool, claims: Iterator[Claim], why: str) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """Return claims, and as a note those that do not agree where there is an excuse for it."""
    claims = tuple(claims)
    differ = [claim.what for claim in claims if claim.agrees == NO] if excused else []
    note = f"not as this version of shd would write it, as {why}: {', '.join(differ)}"
    return tuple(claim for claim in claims if claim.what not in differ), (note,) if differ else ()


def _as_it_was(real: Dataset, card: dict, synthetic: Dataset) -> Dataset:
    """Return the original with the names, roles and licence that the card gives: a file of its own declares none."""
    if real.images is not None:
        return real
    about = real.card
    if about.licence == DataCard.licence:
        title = about.title and card["title"].split(" after: ", 1)[-1]  # else that of another file
        about = replace(about, title=title, licence=card["licence"]["name"], citation=card["citation"])
    named = (card.get("comparison") or {}).get("sensitive", synthetic.sensitive)
    roles = {"sensitive": named, "counts": synthetic.counts}
    roles = {role: tuple(column for column in columns if column in real.frame) for role, columns in roles.items()}
    done = card.get("protection") or {}
    roles |= {role: tuple(done.get(what, ())) for role, what in (("keep", "kept"), ("fake", "made_up"))}
    return replace(real, name=card["made_from"]["name"], card=about, **roles)


def check_scores(card: dict, report: "Report", of_another_shd: bool = True) -> Iterator[Claim]:
    """Lay every score that a card claims beside the same one measured again, then those that it does not claim.

    The very shd that made a card measures nothing that was not measured then, so that what is not claimed was left
    out. Another one may measure more, but what is no longer green is missed on any card.
    """
    found = {(score.question, score.metric): asdict(score) for score in report.results}
    for claimed in card["scores"]:
        measured = found.pop((claimed["question"], claimed["metric"]), None)
        what = f"{claimed['question']}: {claimed['metric']}"
        if measured is None:
            yield Claim(what, claimed["value"], None, NO)
        else:
            yield Claim(what, claimed["value"], float(measured["value"]), *_agreement(claimed, measured))
    for (question, metric), measured in found.items():  # another shd may not have measured it; none leaves out an alarm
        excused = (of_another_shd and measured["verdict"] in (None, "grey", "green")) or _OF_THE_MACHINE in metric
        yield Claim(f"{question}: {metric}", None, float(measured["value"]), NEW if excused else NO)


def _agreement(claimed: dict, measured: dict) -> tuple[str, str]:
    """Return whether a score agrees, and which of its numbers differ; see `Claim`."""
    differ = [name for name in _NUMBERS if not same_number(claimed[name], measured[name])]
    if claimed["verdict"] != measured["verdict"]:
        return NO, ", ".join([*differ, "verdict"])
    reference = "value" not in differ and {"floor", "ceiling"} & set(differ)
    near = _inside(claimed, measured) and _inside(measured, claimed) and not reference
    return (CHANCE if near else NO, ", ".join(differ)) if differ else (YES, "")


def _inside(score: dict, other: dict) -> bool:
    """Whether the value of a score lies inside the interval of another one."""
    value, low, high = score["value"], other["low"], other["high"]
    return None not in (value, low, high) and low <= value <= high


def _split(release: Release, real: Dataset) -> tuple[Dataset, Dataset]:
    from shd.synthesizers._protect import Protection

    card = release.card
    if (real.images is None) != (card["data"].get("pixels") is None):
        kind = "pictures" if card["data"].get("pixels") else "a table"
        raise ShdError(f"{release.folder}: made from {kind}; give --real the original, {card['made_from']['name']}.")
    if "test_size" not in card["split"]:
        raise ShdError(f"{release.folder / 'card.json'}: does not say how train and holdout were split; {_ITS_MAKER}")
    sides = with_subjects_found(real).split(card["split"]["test_size"], card["split"]["random_state"])
    done = card.get("protection")
    if done is None:  # of an earlier version
        return sides
    protection = Protection.fit(sides[0], done["min_people"])
    return tuple(protection.apply(side) for side in sides)


def _not_measured(card: dict, real: Dataset) -> str:
    names = {column["name"] for column in card["data"]["columns"]}
    more = [str(name) for name in real.frame if name not in names]
    hint = f"; what is {describe_columns(more)}? The patient's id is named with --subject" if more else ""
    return f"the scores were not measured again, as not everything above agrees{hint}"


def _check_split(card: dict, train: Dataset, holdout: Dataset) -> Iterator[Claim]:
    """Whether the same people and the same rows are on each side."""
    secret, sides = key_of(train, holdout), {"train": train, "holdout": holdout}
    found = {name: describe_side(side, secret) for name, side in sides.items()}
    rows, people = "sha256_of_rows", "hmac_of_subjects"
    moved = any(card["split"][name].get(rows) != found[name][rows] for name in sides)
    for name in sides:
        claimed, here = card["split"][name], found[name]
        for what, key in (("subjects", people), ("rows", rows)):
            count = "records" if what == "rows" else "subjects"
            shown = [f"{said[count]:,} {said.get(key, 'no checksum')[:_SHOWN]}" for said in (claimed, here)]
            same = claimed.get(key) == here[key] and claimed["records"] == here["records"]
            if key == people and moved and not same and key in claimed and claimed[count] == here[count]:
                yield Claim(f"{what} of {name}", *shown, UNSURE, "the checksum of people is keyed by the rows")
            else:
                yield Claim(f"{what} of {name}", *shown, agree_if(same))


def _check_original(card: dict, raw: Path | None, train: Dataset, holdout: Dataset) -> Iterator[Claim]:
    """Whether the original is the same file; the same rows in another file are as good."""
    made_from, found = card["made_from"], None
    if made_from["checksum_of"] == OF_ROWS:
        found = sha256_of_rows(train, holdout)
    elif raw is not None and raw.is_file():  # else a folder that the owner's archive was unpacked to
        found = sha256(raw)
    if found == made_from["sha256"]:
        yield Claim("original", made_from["sha256"][:_SHOWN], found[:_SHOWN], YES)


def _readable_model(release: Release) -> "Synthesizer | None":
    """Load the model of a release; None where it was not handed on, or is broken."""
    try:
        return release.load_model()
    except ShdError:
        return None


def _check_model(
    release: Release, model: "Synthesizer | None", synthetic: Dataset, holdout: Dataset
) -> Iterator[Claim]:
    """Lay class and parameters of the model beside the card's, and draw the records again.

    Pictures are not drawn again: that takes minutes, and many of them were drawn twice. Nor are records that parts of
    the model chose which its file lacks: there both C2STs of the card are measured again.
    """
    claimed = release.card["synthesizer"]
    if model is None:
        there = has_model(release.card)
        found = ("not readable", NO, "the file is broken") if there else ("not handed on", UNSURE, "its maker has it")
        yield Claim("model", claimed["class"], *found)
        return
    parameters = json_values(model.get_params())
    differ = [name for name, value in claimed["parameters"].items() if parameters.get(name) != value]
    same = type(model).__name__ == claimed["class"] and not differ
    yield Claim("model", claimed["class"], type(model).__name__, agree_if(same), ", ".join(differ))
    if same and "weights" in claimed:
        names = {"c2st": "C2ST of the records", "c2st_of_weights": "C2ST of records drawn from the weights"}
        found = c2st_of_weights(model, synthetic, holdout, claimed["weights"]["random_state"])
        for (key, what), value in zip(names.items(), found, strict=True):
            yield Claim(what, claimed["weights"][key], value, agree_if(same_number(claimed["weights"][key], value)))
    elif same and synthetic.images is None:
        yield _check_records(model.sample(len(synthetic), keep_rules=release.keeps_rules), synthetic.frame)


def _check_records(drawn: pd.DataFrame, released: pd.DataFrame) -> Claim:
    """Whether a model gives the records released; numbers may be rounded otherwise on another machine."""
    what, drawn, released = "records of the model", drawn.astype(str), released.astype(str)
    if list(drawn) != list(released):
        return Claim(what, "those released", "of other columns", NO)
    if drawn.equals(released):
        return Claim(what, "those released", "the same", YES)
    alike = float((drawn == released).to_numpy().mean())
    why = "another machine, another seed, or another model, of which the scores say nothing"
    return Claim(what, "those released", f"{alike:.0%} of entries alike", UNSURE, why)


def _measure(
    release: Release,
    model: "Synthesizer | None",
    synthetic: Dataset,
    train: Dataset,
    holdout: Dataset,
    findings: "Sequence[Finding]",
    tell: Callable[[str, str], None],
) -> "Report":
    """Compare the same records as the maker of the card did, in the same way."""
    from shd.compare import compare

    how = release.card.get("comparison")
    if how is None:  # of an earlier version
        if synthetic.images is not None:
            raise ShdError(f"{release.folder / 'card.json'}: does not say which pictures were compared; {_ITS_MAKER}")
        seed = release.card["split"]["random_state"]
        how = {"level": "full", "random_state": seed, "target": synthetic.target, "records": len(synthetic)}
    if how["records"] != len(synthetic):
        notice(f"{'':<13}{how['records']:,} drawn from the model, as were compared")
        synthetic = _sample(release, model, synthetic, train, how["records"])
    tell("compare", f"level {how['level']}, seed {how['random_state']}")
    options = {name: how[name] for name in ("level", "random_state", "target")} | {"findings": findings}
    return compare(train, synthetic, holdout=holdout, synthesizer=model, **options)


def _sample(release: Release, model: "Synthesizer | None", synthetic: Dataset, train: Dataset, n: int) -> Dataset:
    if model is None:
        raise ShdError(f"{release.folder}: the records compared came from a model that was not handed on; {_ITS_MAKER}")
    if train.images is not None:
        return sample_apart(model, train, n)[0]
    return replace(synthetic, frame=model.sample(n, keep_rules=release.keeps_rules), subjects=None)


def _check_verdicts(card: dict, report: "Report", of_another_shd: bool) -> Iterator[Claim]:
    """Whether every question is answered as the card says."""
    for question, found in report.verdicts.items():
        claimed = card["verdicts"].get(question)
        if claimed or found:
            new = of_another_shd and not claimed and found in ("grey", "green")
            yield Claim(f"{question}: verdict", claimed, found, NEW if new else agree_if(claimed == found))


def _check_columns(card: dict, report: "Report", of_another_shd: bool) -> Iterator[Claim]:
    """Whether every column is judged as the card says, alone and in the trust table."""
    columns = card["data"]["columns"]
    for what, table, claimed in (
        ("verdicts of columns", "columns", {column["name"]: column["verdict"] for column in columns}),
        ("trust in columns", "trust", {column["name"]: column.get("trust", {}).get("verdict") for column in columns}),
    ):
        frame = report.result.tables.get(table, pd.DataFrame(columns=["column", "verdict"]))
        found = dict(zip(frame["column"].map(str), frame["verdict"], strict=True))
        unclaimed = set() if of_another_shd else set(found)
        claimed = {name: verdict for name, verdict in claimed.items() if verdict or name in unclaimed}
        same = sum(found.get(name) == verdict for name, verdict in claimed.items())
        if claimed:
            yield Claim(what, f"{len(claimed)}", f"{same}", agree_if(same == len(claimed)))


def _check_words(release: Release, report: "Report") -> Iterator[Claim]:
    """Whether card and report say what is said now; words hold numbers, so only where all have the same digits."""
    card, now = release.card, report.to_dict()
    if [score["value"] for score in card["scores"]] != [score["value"] for score in now["scores"]]:
        return
    sentences = [[score["sentence"] for score in scores] for scores in (card["scores"], now["scores"])]
    yield derived_claim("sentences of scores", "of these scores", sentences[0] == sentences[1], "other words")
    yield derived_claim("summary", "of these scores", card["summary"] == report.summary().splitlines(), "other words")
    if card.get("checks") is not None:  # releases of earlier versions know none
        yield derived_claim("method checks", "of these data", card["checks"] == now["findings"], "other checks")
    with tempfile.TemporaryDirectory() as folder:
        save_report(report, Path(folder, "report.html"))
        same = Path(folder, "report.html").read_bytes() == (release.folder / "report.html").read_bytes()
    yield derived_claim("report.html", "of these scores", same, "another page")


def _other_versions(card: dict) -> dict[str, tuple[str, str | None]]:
    """Return the versions that differ from those that the card was made with: then and now."""
    then, now = (
        {"shd": about["shd"], "commit": about["commit"], "Python": about["python"], **about["packages"]}
        for about in (card["environment"], environment())
    )
    return {name: (then[name], now.get(name)) for name in then if then[name] != now.get(name)}
