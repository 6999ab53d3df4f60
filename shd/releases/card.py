"""What a release says about itself. Everything here is derived; nothing is typed by hand."""

import hashlib
import hmac
import os
import platform
import re
import subprocess
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

import shd
from shd._json import json_values
from shd.dataset import Dataset, describe_columns
from shd.releases.kinds import Full
from shd.releases.refusals import REAL_INSIDE

if TYPE_CHECKING:
    from shd.releases.generate import Generated
    from shd.synthesizers import Synthesizer
    from shd.synthesizers._protect import Done

FORMAT = "shd-release-1"
MODEL = "model.safetensors"
"""Stays where it was made where it would tell whom it learned from; the card says so."""
LEFT_OUT = "the critics, which can be asked about people and know those learned from"
"""What a model file lacks: critics of the diabetes release told whom they had learned from, AUROC .56 to .58."""
OF_ROWS = "rows of train and holdout, sorted"
"""What the checksum of the original is of, where there was no file."""
_NEEDED = "title made description licence citation made_from data split synthesizer verdicts scores not_judged"
NEEDED = (*_NEEDED.split(), "summary", "use", "environment", "files")
"""What every card has; later versions of shd may add to it."""


def describe(
    made: "Generated", *, raw: Path | None, creator: str | None, done: "Done", mark: str | None = None
) -> dict:
    """Return the card of a release, as plain values for JSON; see `shd.releases.make_release`."""
    train, holdout, synthesizer, synthetic = made.train, made.holdout, made.synthesizer, made.synthetic
    about, key = made.report.to_dict(), key_of(train, holdout)
    rules = {} if train.images is not None else {"found": len(synthesizer.rules_), "kept": made.kept_rules}
    things = "records" if synthetic.images is None else "pictures"
    kind = {} if train.images is not None else {"kind": _kind(synthetic, synthesizer)}
    what = f"Synthetic {things}"
    if mark == REAL_INSIDE:
        what = f"{kind['kind']['title'].capitalize()}: {things} with real values inside,"
    card = {
        "format": FORMAT,
        **({} if mark is None else {"mark": mark}),
        "title": f"{what} after: {train.card.title or train.name}",
        "made": datetime.now(UTC).isoformat(timespec="seconds"),
        **kind,
        "description": train.card.description,
        "licence": {"name": train.card.licence, "url": train.card.licence_url},
        "citation": train.card.citation,
        "creator": creator,
        "made_from": _made_from(train, holdout, raw),
        "data": {
            "records": len(synthetic),
            "target": synthetic.target,
            "pixels": None if synthetic.images is None else list(synthetic.images.shape[1:]),
            "columns": _columns(synthetic, about),
        },
        "split": {
            **(asdict(made.split) if made.split else {}),
            "by": "subject",
            "train": describe_side(train, key),
            "holdout": describe_side(holdout, key),
        },
        "protection": _protection(done),
        "synthesizer": _synthesizer(made, about["about"]["random_state"], rules),
        "comparison": _comparison(about["about"], train, len(synthetic)),
        "verdicts": about["verdicts"],
        "scores": about["scores"],
        "not_judged": about["skipped"],
        "risk": risk_of(about["scores"], about["verdicts"]),
        "checks": about.get("findings"),
        "summary": made.report.summary().splitlines(),
    }
    return {**card, "use": use_of(card), "environment": environment()}


def _synthesizer(made: "Generated", random_state: int, rules: dict) -> dict:
    """Return what made the records, what it took, and what it promises."""
    synthesizer = made.synthesizer
    return {
        "class": type(synthesizer).__name__,
        "parameters": json_values(synthesizer.get_params()),
        "steps_taken": getattr(synthesizer, "steps_", None),
        "fit": asdict(made.cost) if made.cost else None,
        **({} if made.drawn_again is None else {"drawn_again": made.drawn_again}),
        **_promise(synthesizer),
        **({} if (reached := getattr(synthesizer, "identifiability_", None)) is None else {"identifiability": reached}),
        **(describe_weights(made, random_state) if made.with_model else {}),
        **({"rules": rules} if rules else {}),
    }


def describe_weights(made: "Generated", random_state: int) -> dict:
    """Return what the file lacks that made the records, and what that costs; nothing where it lacks nothing."""
    handed_on = made.synthesizer.for_release()
    if handed_on is made.synthesizer or made.synthetic.images is not None:
        return {}
    released, drawn = c2st_of_weights(handed_on, made.synthetic, made.holdout, random_state)
    said = {
        "left_out": getattr(made.synthesizer, "left_out", LEFT_OUT),
        "c2st": released,
        "c2st_of_weights": drawn,
        "random_state": random_state,
    }
    return {"weights": said}


def c2st_of_weights(
    model: "Synthesizer", synthetic: Dataset, holdout: Dataset, random_state: int
) -> tuple[float, float]:
    """Return the C2ST of the records released and of as many drawn from the file, both against the holdout."""
    from shd.compare.fidelity.c2st import c2st

    drawn = model.sample(len(synthetic))
    return tuple(round(c2st(holdout, records, random_state=random_state), 6) for records in (synthetic, drawn))


def _kind(synthetic: Dataset, synthesizer: "Synthesizer") -> dict:
    """Return what is synthetic, its rung of the ladder from structural to replica, and the risk that goes with it."""
    return json_values((synthetic.kind or Full()).describe(type(synthesizer).__name__))


def _promise(synthesizer: "Synthesizer") -> dict:
    """Return what a private fit promises, or why it promises nothing; nothing where no privacy was asked for."""
    privacy = getattr(synthesizer, "privacy_", None)
    return {} if privacy is None else {"privacy": {"says": privacy.sentence, **json_values(privacy.to_dict())}}


def has_model(card: dict) -> bool:
    """Whether the model was handed on with the data."""
    return MODEL in card["files"]


def environment() -> dict:
    """Return versions and hardware, in general words: no names of machines, users or folders."""
    return {
        "shd": shd.__version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "packages": _packages(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": _processor(),
        "processors": os.cpu_count(),
    }


def _made_from(train: Dataset, holdout: Dataset, raw: Path | None) -> dict:
    if raw is not None and raw.is_file():
        what, digest = raw.name, sha256(raw)
    else:
        what, digest = OF_ROWS, sha256_of_rows(train, holdout)
    return {
        "name": train.name,
        "source": train.source,
        "url": train.card.url,
        "checksum_of": what,
        "sha256": digest,
        "records": len(train) + len(holdout),
        "subjects": _n_subjects(train) + _n_subjects(holdout),
        "notes": list(train.card.notes),
    }


def sha256(path: Path) -> str:
    """Return the checksum of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_rows(*sides: Dataset) -> str:
    """Return one checksum of all records, the same whatever their order."""
    hashes = np.concatenate([_row_hashes(data) for data in sides])
    return hashlib.sha256(np.sort(hashes).astype("<u8").tobytes()).hexdigest()


def _row_hashes(data: Dataset) -> np.ndarray:
    """Return one uint64 a record, the same whatever the order of the records; shape (n,)."""
    frame = data.frame
    if data.images is not None:
        frame = frame.assign(picture=[hashlib.sha256(image.tobytes()).hexdigest() for image in data.images])
    return pd.util.hash_pandas_object(frame, index=False, categorize=False).to_numpy()


def key_of(*sides: Dataset) -> bytes:
    """Return what only those can compute who have every record: ids that are keyed by it cannot be guessed."""
    hashes = np.sort(np.concatenate([_row_hashes(data) for data in sides])).astype("<u8")
    return hashlib.sha256(b"key of the subjects" + hashes.tobytes()).digest()


def describe_side(data: Dataset, key: bytes) -> dict:
    """Size of one side of a split, and checksums that tell whether another split is the same one; see `key_of`."""
    ids = sorted(map(str, pd.unique(data.subjects)))
    return {
        "records": len(data),
        "subjects": len(ids),
        "hmac_of_subjects": hmac.new(key, "\n".join(ids).encode(), "sha256").hexdigest(),
        "sha256_of_rows": sha256_of_rows(data),
    }


def _protection(done: "Done") -> dict:
    """Return what was taken out before anything was learned, in counts, and in sentences for the pages."""
    dropped = [{"column": str(one.column), "kind": one.kind} for one in done.dropped if not one.made_up]
    least = done.min_people
    sentences = []
    if dropped:
        sentences.append(
            f"Dropped, as they identify people: {describe_columns([one['column'] for one in dropped], 50)}."
        )
    if done.made_up:
        sentences.append(f"Made up, and about nobody: {describe_columns(done.made_up, 50)}.")
    if done.kept:
        sentences.append(f"Identify people, and were kept knowingly: {describe_columns(done.kept, 50)}.")
    if least == 1:
        sentences.append("Levels and numbers of single people were learned as they are (min_people=1).")
    else:
        sentences.append(
            f"What fewer than {least} people of train share was not learned: {done.merged_levels} levels in "
            f"{done.merged_columns} columns were merged into others, and numbers or dates of {done.cut_columns} "
            f"columns were cut to the range of the rest."
        )
    return {
        "min_people": least,
        "dropped": dropped,
        "made_up": list(done.made_up),
        "kept": list(done.kept),
        "merged_levels": done.merged_levels,
        "cut_columns": done.cut_columns,
        "sentences": sentences,
    }


def _n_subjects(data: Dataset) -> int:
    return len(pd.unique(data.subjects))


def _columns(data: Dataset, about: dict) -> list[dict]:
    judged = {row["column"]: row["verdict"] for row in about["columns"]}
    trusted = {row["column"]: row for row in about.get("trust", ())}
    return [
        {
            "name": str(row.column),
            "role": row.role,
            "kind": row.kind,
            "type": str(data.frame[row.column].dtype),
            "levels": int(row.levels),
            "missing": round(float(row.missing), 4),
            "verdict": judged.get(row.column),
            "trust": {name: value for name, value in trusted.get(row.column, {}).items() if name != "column"},
        }
        for row in data.roles.itertuples()
    ]


def _comparison(about: dict, train: Dataset, released: int) -> dict:
    """Return how the scores were measured: what `shd.compare` takes to measure them again."""
    compared = next(table["records"] for table in about["tables"] if table["role"] == "synthetic")
    return {
        "level": about.get("level", "full"),
        "random_state": about["random_state"],
        "target": about["target"],
        "sensitive": list(map(str, train.sensitive)),  # one may be the target, too, and have that role above
        "records": compared,
        "records_are": "those released" if compared == released else "drawn from the model",
        **({"findings": about["findings"]} if about.get("findings") else {}),
    }


def risk_of(scores: list[dict], verdicts: dict) -> dict:
    """Gather what could go wrong for the people behind the data, from the scores on privacy and fairness."""
    from shd.compare.core.score import NO_GUARANTEE

    risk = {"notice": NO_GUARANTEE}
    for question in ("privacy", "fairness"):
        own = [score for score in scores if score["question"] == question]
        risk[question] = {
            "verdict": verdicts.get(question),
            "alarms": [score["metric"] for score in own if score["verdict"] in ("amber", "red")],
            "sentences": [score["sentence"] for score in own],
        }
    return risk


def use_of(card: dict) -> dict:
    """Return what the data may and may not be used for, as far as source, verdicts and checks on the card tell."""
    source = card["made_from"]["source"]
    may = ["Teaching and learning.", "Writing and testing code that will later run on the original data."]
    may_not = [
        "Conclusions about patients, unless they have been repeated on the original data.",
        "Decisions about anybody's care.",
        "Attempts to find out who a record is about.",
    ]
    said = {question: verdict or "not judged" for question, verdict in card["verdicts"].items()}
    errors = sorted({check["code"] for check in card["checks"] or () if check["level"] == "error"})
    if said.get("utility") == "green":
        may += [] if errors else ["Choosing and training models that are then tested on the original data."]
    else:
        may_not.append("Ranking models or features: utility is not green, see the scores.")
    if said.get("fidelity") != "green":
        may_not.append(f"Describing the original: fidelity is {said.get('fidelity', 'not judged')}, see the scores.")
    if said.get("privacy") != "green":
        privacy = said.get("privacy", "not judged")
        may_not.append(f"Handing on to people who may not see the original data: privacy is {privacy}.")
    if said.get("fairness") in ("grey", "amber", "red"):
        may_not.append(f"Statements about single groups of people: fairness is {said['fairness']}.")
    if errors:
        why = f"checks of method found that they cannot be believed ({', '.join(errors)})"
        may_not.insert(0, f"Anything that rests on the scores, handing on included: {why}.")
    red = [column["name"] for column in card["data"]["columns"] if column["trust"].get("verdict") in ("grey", "red")]
    if red:
        may_not.append(f"Anything that rests on columns not to be trusted: {describe_columns(red)}.")
    if card.get("mark"):
        may_not.insert(0, card["mark"])
    if (card.get("kind") or {}).get("holds_real"):
        may = ["Work inside the safe setting, by those who may see the original."]
    if source != "real":
        may_not.insert(0, f"Anything about real patients: it was made from {source} data, not from real ones.")
    return {"may": may, "may_not": may_not}


def _packages() -> dict[str, str]:
    """Return the installed version of everything that shd needs to run."""
    try:
        needed = [line for line in requires("shd") or [] if "extra ==" not in line]
    except PackageNotFoundError:  # run from a folder, not installed
        needed = ["torch", "numpy", "pandas", "scikit-learn"]
    names = sorted({re.match(r"[\w.-]+", line).group() for line in needed})
    return {name: version(name) for name in names}


def _commit() -> str | None:
    """Return the commit of a checkout of shd; where files differ, with ``+changes.`` and their checksum, too.

    None if there is none. Without the checksum, two sets of changes would look like the same shd.
    """
    root = Path(shd.__file__).resolve().parents[1]
    if not (root / ".git").exists():  # the package may be installed below somebody else's repository
        return None
    try:
        commit = _git(root, "rev-parse", "HEAD")
        dirty = _git(root, "status", "--porcelain", "--", "shd")
        return f"{commit}+changes.{_checksum_of_files(root / 'shd')}" if dirty else commit
    except (OSError, subprocess.SubprocessError):
        return None


def _checksum_of_files(folder: Path) -> str:
    """Return eight characters that are others where any file below a folder is another, or has another name."""
    digest = hashlib.sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts):
        digest.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:8]


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True, timeout=10)
    return done.stdout.strip()


def _processor() -> str:
    try:
        found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(encoding="utf-8"), re.MULTILINE)
    except OSError:
        found = None
    return found.group(1) if found else platform.processor() or platform.machine()
