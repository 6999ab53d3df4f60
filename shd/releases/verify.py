"""Whether a release holds: its files, its split, and every number of its card, measured again on the original."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

import pandas as pd

from shd._errors import ShdError, ShdWorkError
from shd._json import json_values
from shd._progress import notice
from shd.dataset import Dataset, describe_columns
from shd.releases.card import c2st_of_weights, describe_side, environment, has_model, key_of
from shd.releases.card_page import BROKEN_CARD, pages_of_card
from shd.releases.claims import CHANCE, NEW, NO, UNSURE, YES, Claim, Verification, agree_if, same_number
from shd.releases.generate import sample_apart, with_subjects_found
from shd.releases.kind import Kind
from shd.releases.kinds import kind_of_card
from shd.releases.release import IMAGE_FILES, SCHEMA, SUMS, TABLE_FILES, Release, checksums
from shd.tables.reading import read_table
from shd.tables.schema import same_records

if TYPE_CHECKING:
    from shd.compare import Report
    from shd.compare.findings import Finding
    from shd.synthesizers import Synthesizer

_NUMBERS = ("value", "low", "high", "floor", "ceiling")
_SHOWN = 12  # characters of a checksum, for people
_NAMED = 5  # files
_OF_THE_SYSTEM = {".DS_Store", ".gitattributes", ".gitignore", ".gitkeep"}  # may lie beside the files of a release
_ITS_MAKER = "only its maker can measure it again."
_OF_THE_MACHINE = "ImageNet"  # weights that not every machine has; scores in their features come and go


def verify(
    release: Release,
    real: Dataset | None = None,
    tell: Callable[[str, str], None] = lambda label, text: None,
    findings: "Sequence[Finding] | None" = None,
) -> Verification:
    """Check what a release says of its data and, given the original, its split and every score.

    `findings` are, unless they are given, those that the card names.
    """
    _check_card(release)
    card, synthetic, others = release.card, release.read_data(), _other_versions(release.card)
    claims = [*_check_files(release, synthetic)]
    if real is None:
        notes = ("the scores were not measured again; that takes the original: --real DATASET|FILE",)
        return Verification(release, tuple(claims), notes)
    tell("split", "by subject, as the card says")
    train, holdout = _split(release, _as_it_was(real, card, synthetic))
    split = [*_check_split(card, train, holdout)]
    if any(claim.agrees == NO for claim in split):
        return Verification(release, (*claims, *split), (_not_measured(card, real),))
    from shd.compare.findings import of_card

    tell("model", "loaded, and records drawn again")
    model = _readable_model(release)
    claims += [*split, *_check_model(release, model, synthetic, holdout)]
    if (kind := kind_of_card(card)) is not None and "weights" not in card["synthesizer"]:
        claims.append(_check_kind(kind, card, model, train, synthetic))
    report = _measure(release, model, synthetic, train, holdout, of_card(card) if findings is None else findings, tell)
    of_another_shd = not others.keys().isdisjoint({"shd", "commit"})
    for check in (check_scores, _check_verdicts, _check_columns):
        claims += check(card, report, of_another_shd)
    said = "; ".join(f"{name} {then}, here {now}" for name, (then, now) in others.items())
    notes = (f"made with other versions, so that scores may differ a little: {said}",) if others else ()
    return Verification(release, tuple(claims), notes)


def original_of(release: Release) -> tuple[str, str | None]:
    """Return source and target of what a release was made from; `ShdWorkError` where its card is broken."""
    _check_card(release)
    return release.card["made_from"]["source"], release.card["data"]["target"]


def _check_card(release: Release) -> None:
    """Raise `ShdWorkError` where a card is not as shd writes it: its pages take all that it must hold."""
    try:
        pages_of_card(release.card)
    except BROKEN_CARD:
        raise ShdWorkError(f"{release.folder / 'card.json'}: not as shd writes it. Get the release again.") from None


def _check_files(release: Release, synthetic: Dataset) -> Iterator[Claim]:
    """Whether files, records and columns are those of the card, and nothing else is handed on with them."""
    verified, data = f"{len(checksums(release.folder))}", release.card["data"]
    yield Claim("checksums", verified, verified, YES)  # else there were no release
    records = data["records"], len(synthetic)
    yield Claim("records", *(f"{count:,}" for count in records), agree_if(records[0] == records[1]))
    names = [column["name"] for column in data["columns"]], [str(name) for name in synthetic.frame]
    yield Claim("columns", *(f"{len(side)}" for side in names), agree_if(names[0] == names[1]))
    ours = {SUMS, *(TABLE_FILES if synthetic.images is None else IMAGE_FILES)} | _OF_THE_SYSTEM
    others = sorted(path.name for path in release.folder.iterdir() if path.name not in ours)
    where = ", ".join(others[:_NAMED]) + (" ..." if len(others) > _NAMED else "")
    yield Claim("other files", "0", f"{len(others)}", agree_if(not others), where)
    if synthetic.images is None:
        yield _check_csv(release, synthetic)


def _check_csv(release: Release, synthetic: Dataset) -> Claim:
    """Whether the CSV, as its schema says to read it, holds the very records of the Parquet, which were compared."""
    what = "records of the CSV", "those of the Parquet"
    if not (release.folder / SCHEMA).is_file():
        return Claim(*what, "not read", UNSURE, "made before there was a schema beside it")
    try:
        same = same_records(read_table(release.folder / "synthetic.csv.gz"), synthetic.frame)
    except ShdError:
        same = False
    return Claim(*what, "the same" if same else "others", agree_if(same))


def _as_it_was(real: Dataset, card: dict, synthetic: Dataset) -> Dataset:
    """Return the original with the roles that the card gives its columns: a file of its own declares none."""
    if real.images is not None:
        return real
    named = (card.get("comparison") or {}).get("sensitive", synthetic.sensitive)
    roles = {"sensitive": named, "counts": synthetic.counts}
    roles = {role: tuple(column for column in columns if column in real.frame) for role, columns in roles.items()}
    done = card.get("protection") or {}
    roles |= {role: tuple(done.get(what, ())) for role, what in (("keep", "kept"), ("fake", "made_up"))}
    return replace(real, **roles)


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
    elif same and synthetic.images is None and kind_of_card(release.card) is None:
        yield _check_records(model.sample(len(synthetic), keep_rules=release.keeps_rules), synthetic.frame)


def _check_kind(kind: Kind, card: dict, model: "Synthesizer | None", train: Dataset, synthetic: Dataset) -> Claim:
    """Make a release of this kind again from the original and the model, and lay its records beside those released."""
    if not kind.learns:
        drawn = kind(random_state=card["synthesizer"]["parameters"].get("random_state") or 0)
        return _check_records(drawn.frame, synthetic.frame)
    if model is None:
        return Claim("records of the model", "those released", "not made again", UNSURE, "its maker has the model")
    return _check_records(kind.make(train, model).frame, synthetic.frame)


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


def _other_versions(card: dict) -> dict[str, tuple[str, str | None]]:
    """Return the versions that differ from those that the card was made with: then and now."""
    then, now = (
        {"shd": about["shd"], "commit": about["commit"], "Python": about["python"], **about["packages"]}
        for about in (card["environment"], environment())
    )
    return {name: (then[name], now.get(name)) for name in then if then[name] != now.get(name)}
