"""Whether the claims of a release hold: its files, its split, and its scores, measured again on the original."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from shd._errors import ShdError, ShdWorkError
from shd._plain import in_columns
from shd._progress import notice
from shd.dataset import DataCard, Dataset, describe_columns
from shd.datasets._pictures import read_pictures
from shd.releases.card import OF_ROWS, describe_side, environment, key_of, sha256_of_rows
from shd.releases.claims import CHANCE, NEW, NO, UNSURE, YES, Claim, mark, same_number
from shd.releases.generate import by_person
from shd.releases.release import Release, sha256
from shd.releases.sampling import sample_apart
from shd.releases.verify_model import kept_rules, model_of, of_model, readable_model
from shd.releases.verify_pages import made_pages, of_files, of_others, of_pages, of_words
from shd.synthesizers._protect import Protection
from shd.tables.reading import read_table

if TYPE_CHECKING:
    from shd.compare import Report

_NUMBERS = ("value", "low", "high", "floor", "ceiling")
_SHOWN = 12  # characters of a checksum, for people
_ITS_MAKER = "only its maker can measure it again."
_OF_THE_MACHINE = "ImageNet"  # weights that not every machine has; scores in their features come and go


@dataclass(frozen=True)
class Audit:
    """What an audit of a release found.

    Parameters
    ----------
    release : Release
    claims : tuple of Claim
    notes : tuple of str
        What weakens the audit, one sentence each.
    """

    release: Release
    claims: tuple[Claim, ...]
    notes: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing that the card says was found to be otherwise."""
        return all(claim.agrees != NO for claim in self.claims)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a claim: what, claimed, found, agrees, where."""
        return pd.DataFrame([asdict(claim) for claim in self.claims])

    def summary(self) -> str:
        """Return the claims as lines of text for the command line."""
        rows = [("", "claimed", "found", "agrees")]
        for claim in self.claims:
            agrees = f"{claim.agrees}: {claim.where}" if claim.where else claim.agrees
            rows.append((claim.what, _show(claim.claimed), _show(claim.found), agrees))
        return "\n".join([*in_columns(rows), *(f"note: {note}" for note in self.notes)])


def audit(
    release: Release,
    real: Dataset | None = None,
    raw: Path | None = None,
    tell: Callable[[str, str], None] = lambda label, text: None,
) -> Audit:
    """Check what a release says of its data and, given the original, its split and every score.

    Parameters
    ----------
    release : Release
        As `shd.releases.release.verify_release` returns it: its checksums are right.
    real : Dataset, optional
        The whole original, as it was before it was split.
    raw : pathlib.Path, optional
        The file that `real` was read from, for its checksum.
    tell : callable
        Told label and text of each step.

    Returns
    -------
    Audit
        Where train and holdout are not those of the card, scores are not measured again.

    Raises
    ------
    ShdError
        Where the card does not say how it was split or compared, or the original is of another kind.
    """
    pages, synthetic = made_pages(release), read_synthetic(release)
    others, another = tuple(_other_versions(release.card)), _of_another_shd(release.card)
    written, notes = _unless(another, of_pages(release, pages), "another version of shd made it")
    written = (of_others(release, synthetic), *written)
    claims = list(of_files(release, synthetic))
    if real is None:
        notes = ("the scores were not measured again; that takes the original: --real DATASET|FILE", *notes)
        return Audit(release, (*claims, *written), notes)
    tell("split", "by subject, as the card says")
    train, holdout = _split(release, _as_it_was(real, release.card, synthetic))
    claims += [*_of_split(release.card, train, holdout), *_of_original(release.card, raw, train, holdout)]
    if any(claim.agrees == NO for claim in claims):
        return Audit(release, (*claims, *written), (*notes, _not_measured(release.card, real)))
    tell("model", "loaded, and records drawn again")
    claims += of_model(release, synthetic, holdout)
    report = _measure(release, synthetic, train, holdout, tell)
    for lay_beside in (compare_scores, _of_verdicts, _of_columns):
        claims += lay_beside(release.card, report, another)
    words, more = _unless(bool(others), of_words(release, report), "other versions made it")
    return Audit(release, (*claims, *words, *written), (*others, *notes, *more))


def _unless(excused: bool, claims: Iterator[Claim], why: str) -> tuple[tuple[Claim, ...], tuple[str, ...]]:
    """Return claims, and as a note those that do not agree where there is an excuse for it."""
    claims = tuple(claims)
    differ = [claim.what for claim in claims if claim.agrees == NO] if excused else []
    note = f"not as this version of shd would write it, as {why}: {', '.join(differ)}"
    return tuple(claim for claim in claims if claim.what not in differ), (note,) if differ else ()


def original_of(release: Release) -> tuple[str, str | None]:
    """Return source and target of what a release was made from; `ShdWorkError` where its card is broken."""
    made_pages(release)
    return release.card["made_from"]["source"], release.card["data"]["target"]


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


def read_synthetic(release: Release) -> Dataset:
    """Read the data of a release, with the roles that its card gives the columns."""
    columns = release.card["data"]["columns"]
    roles = {
        "target": release.card["data"]["target"],
        "sensitive": [column["name"] for column in columns if column["role"] == "sensitive"],
        "name": release.card["made_from"]["name"],
        "source": "synthetic",
    }
    if (release.folder / "synthetic.zip").is_file():
        frame, images = read_pictures(release.folder / "synthetic.zip")
        return Dataset(frame.filter([column["name"] for column in columns]), images=images, **roles)
    counts = [column["name"] for column in columns if column["kind"] == "count"]
    path = release.folder / "synthetic.parquet"
    try:
        frame = read_table(path)
    except ShdError:
        raise ShdWorkError(f"{path}: not a Parquet file. Get the release again.") from None
    return Dataset(frame, counts=counts, **roles)


def compare_scores(card: dict, report: "Report", of_another_shd: bool = True) -> Iterator[Claim]:
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
    card = release.card
    if (real.images is None) != (card["data"].get("pixels") is None):
        kind = "pictures" if card["data"].get("pixels") else "a table"
        raise ShdError(f"{release.folder}: made from {kind}; give --real the original, {card['made_from']['name']}.")
    if "test_size" not in card["split"]:
        raise ShdError(f"{release.folder / 'card.json'}: does not say how train and holdout were split; {_ITS_MAKER}")
    sides = by_person(real).split(card["split"]["test_size"], card["split"]["random_state"])
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


def _of_split(card: dict, train: Dataset, holdout: Dataset) -> Iterator[Claim]:
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
                yield Claim(f"{what} of {name}", *shown, mark(same))


def _of_original(card: dict, raw: Path | None, train: Dataset, holdout: Dataset) -> Iterator[Claim]:
    """Whether the original is the same file; the same rows in another file are as good."""
    made_from = card["made_from"]
    if made_from["checksum_of"] == OF_ROWS:
        found = sha256_of_rows(train, holdout)
    elif raw is not None and raw.is_file():
        found = sha256(raw)
    else:  # a folder that the owner's archive was unpacked to
        return
    if found == made_from["sha256"]:
        yield Claim("original", made_from["sha256"][:_SHOWN], found[:_SHOWN], YES)


def _measure(
    release: Release, synthetic: Dataset, train: Dataset, holdout: Dataset, tell: Callable[[str, str], None]
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
        synthetic = _sample(release, synthetic, train, how["records"])
    tell("compare", f"level {how['level']}, seed {how['random_state']}")
    options = {name: how[name] for name in ("level", "random_state", "target")}
    return compare(train, synthetic, holdout=holdout, synthesizer=readable_model(release), **options)


def _sample(release: Release, synthetic: Dataset, train: Dataset, n: int) -> Dataset:
    model = model_of(release)
    if model is None:
        raise ShdError(f"{release.folder}: the records compared came from a model that was not handed on; {_ITS_MAKER}")
    if train.images is not None:
        return sample_apart(model, train, n)[0]
    return replace(synthetic, frame=model.sample(n, keep_rules=kept_rules(release.card)), subjects=None)


def _of_verdicts(card: dict, report: "Report", of_another_shd: bool) -> Iterator[Claim]:
    """Whether every question is answered as the card says."""
    for question, found in report.verdicts.items():
        claimed = card["verdicts"].get(question)
        if claimed or found:
            yield Claim(
                f"{question}: verdict",
                claimed,
                found,
                NEW if of_another_shd and not claimed and found in ("grey", "green") else mark(claimed == found),
            )


def _of_columns(card: dict, report: "Report", of_another_shd: bool) -> Iterator[Claim]:
    """Whether every column is judged as the card says, alone and in the trust table."""
    columns = card["data"]["columns"]
    for what, table, claimed in (
        ("verdicts of columns", "columns", {column["name"]: column["verdict"] for column in columns}),
        ("trust in columns", "trust", {column["name"]: column.get("trust", {}).get("verdict") for column in columns}),
    ):
        frame = report.frames.get(table, pd.DataFrame(columns=["column", "verdict"]))
        found = dict(zip(frame["column"].map(str), frame["verdict"], strict=True))
        unclaimed = set() if of_another_shd else set(found)
        claimed = {name: verdict for name, verdict in claimed.items() if verdict or name in unclaimed}
        same = sum(found.get(name) == verdict for name, verdict in claimed.items())
        if claimed:
            yield Claim(what, f"{len(claimed)}", f"{same}", mark(same == len(claimed)))


def _of_another_shd(card: dict) -> bool:
    then, now = card["environment"], environment()
    return (then["shd"], then["commit"]) != (now["shd"], now["commit"])


def _other_versions(card: dict) -> Iterator[str]:
    """Say which versions differ from those that the card was made with."""
    then, now = (_versions(about) for about in (card["environment"], environment()))
    other = [f"{name} {then[name]}, here {now.get(name)}" for name in then if then[name] != now.get(name)]
    if other:
        yield f"made with other versions, so that scores may differ a little: {'; '.join(other)}"


def _versions(about: dict) -> dict:
    return {"shd": about["shd"], "commit": about["commit"], "Python": about["python"], **about["packages"]}


def _show(value: str | float | None) -> str:
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:,.4f}".rstrip("0").rstrip(".")
