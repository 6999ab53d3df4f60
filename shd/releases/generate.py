"""The main job, from a Dataset to a judged synthetic one: split, fit, sample, compare."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from shd._errors import ShdError, ShdWorkError
from shd._processes import leave
from shd._progress import notice
from shd.dataset import Dataset
from shd.datasets._pictures import as_stored
from shd.tables.identify import people_in, subject_in

if TYPE_CHECKING:
    from shd.compare import Report
    from shd.compare.findings import Finding
    from shd.releases.kind import Kind
    from shd.synthesizers import ImageSynthesizer, Synthesizer

_DRAWS = 20  # of pictures that lie too near to a person learned from


@dataclass(frozen=True)
class Split:
    """How train and holdout were told apart."""

    test_size: float
    random_state: int


@dataclass(frozen=True)
class Cost:
    """What a fit took: seconds on the clock, and seconds of all processors together."""

    wall_seconds: float
    cpu_seconds: float


@dataclass(frozen=True, eq=False)
class Generated:
    """Everything that `generate` made, as `shd.releases.release.make_release` takes it.

    `drawn_again` counts the pictures that lay too near to a person learned from; None for tables. `kept_rules` says
    whether records that break a rule between columns were drawn again, `with_model` whether the model is handed on.
    """

    train: Dataset
    holdout: Dataset
    synthesizer: "Synthesizer"
    synthetic: Dataset
    report: "Report"
    split: Split | None = None
    cost: Cost | None = None
    drawn_again: int | None = None
    kept_rules: bool = False
    with_model: bool = True


class Steps:
    """Tell people which step of how many is running, on standard error."""

    def __init__(self, total: int):
        self._total, self._done = total, 0

    def __call__(self, label: str, text: str) -> None:
        """Begin the next step."""
        self._done += 1
        notice(f"{self._done}/{self._total} {label:<8} {text}")

    def loaded(self, data: Dataset) -> None:
        """Say what was loaded, below its step."""
        subjects = len(np.unique(data.subjects))
        what = "records" if data.images is None else "pictures"
        notice(f"{'':<13}{len(data):,} {what} of {subjects:,} subjects, {data.frame.shape[1]} columns")


def choose(
    data: Dataset,
    condition: tuple[str, ...] = (),
    in_steps: bool = False,
    test_size: float = 0.2,
    random_state: int = 0,
    min_people: int | None = None,
) -> str:
    """Return the name of the family that suits what `generate` will learn from with the same split, and say why.

    With `in_steps` somebody wants to say how long it learns: then it is a network.
    """
    from shd.synthesizers.choice import choose_family

    if unknown := [column for column in condition if column not in data.frame.columns]:
        raise ShdError(f"condition {unknown[0]!r} is not a column of the table.")
    if in_steps and data.images is None:
        return "TabularCGAN"
    data = with_subjects_found(data)
    choice = choose_family(data.split(test_size, random_state)[0], condition, random_state, min_people)
    if len(choice.tried):
        notice(f"{'':<13}{choice.family}: {choice.why}. Another: --family NAME.")
    return choice.family


def find_family(name: str) -> type["Synthesizer"]:
    """Return a family by its name, in upper or lower case; `ShdError` where there is none."""
    from shd.synthesizers.registry import registry

    return registry.find(name)


def make_synthesizer(family: str, *, condition: tuple[str, ...] = (), random_state: int = 0, **parameters):
    """Return a synthesizer by the name of its family."""
    chosen = find_family(family)
    given = {"condition": condition or None, **parameters}
    given = {name: value for name, value in given.items() if value is not None}
    takes = signature(chosen.__init__).parameters
    for name in given:
        if name not in takes:
            raise ShdError(f"{chosen.__name__} takes no {name}; leave it out, or choose another family.")
    return chosen(random_state=random_state, **given)


def generate(
    data: Dataset,
    synthesizer: "Synthesizer",
    *,
    minutes: float | None = None,  # to fit in, for families that learn step by step
    checkpoint: str | Path | None = None,  # file of the training state; the same call goes on from it
    test_size: float = 0.2,
    random_state: int = 0,  # of the split and of the comparison
    keep_rules: bool = False,  # whether no record may break a rule between columns that all of train keeps
    with_model: bool = True,  # whether the model will be handed on: then it is attacked, too
    findings: "Sequence[Finding]" = (),  # what experts know of such tables
    steps: Callable[[str, str], None] | None = None,  # told label and text of each of the four steps
    kind: "Kind | None" = None,  # of release, where it is not fully synthetic; see `shd.releases.kinds`
) -> Generated:
    """Split by subject, fit on train, sample as many records, and compare them with train and holdout."""
    tell = steps or Steps(4)
    if keep_rules and data.images is not None:
        raise ShdError("rules between columns are kept in tables; leave keep_rules out for pictures.")
    kind = None if kind is None or kind.name == "full" else kind
    if kind is not None and (keep_rules or data.images is not None):
        raise ShdError(f"kind {kind.name!r} is for tables, and keeps no rules; leave one of the two out.")
    data = with_subjects_found(data)
    train, holdout = data.split(test_size, random_state)
    if kind is not None:
        synthesizer, with_model = kind.adapt(synthesizer, train), with_model and kind.learns
    tell("split", f"{len(train):,} records to learn from, {len(holdout):,} held out, by subject")
    if minutes is not None:
        _set_steps(synthesizer, train, minutes, checkpoint)
    stops = "; Ctrl-C stops early and keeps what was learned" if hasattr(synthesizer, "steps_for") else ""
    tell("fit", f"{type(synthesizer).__name__}{stops}")
    cost = _fit(synthesizer, train, checkpoint)
    leave()
    how = {"keep_rules": keep_rules, "with_model": with_model, "findings": findings, "tell": tell, "kind": kind}
    return judge(train, holdout, synthesizer, Split(test_size, random_state), cost, **how)


def judge(
    train: Dataset,
    holdout: Dataset,
    synthesizer: "Synthesizer",
    split: Split,
    cost: Cost,
    *,
    keep_rules: bool = False,
    with_model: bool = True,
    findings: "Sequence[Finding]" = (),
    synthetic: Dataset | None = None,
    tell: Callable[[str, str], None],
    kind: "Kind | None" = None,
) -> Generated:
    """Sample from a fitted synthesizer, or take what was sampled before, and compare with train and holdout.

    What few people have is in no table that is compared, so that no figure and no sentence tells of it; and what is
    attacked is what an attacker would have: the synthesizer as it is released, where it is.
    """
    from shd.compare import compare
    from shd.synthesizers._protect import Protection

    protection = getattr(synthesizer, "protection_", None)
    if protection is None:  # after a private fit, which needs none, or of a model from a file
        protection = Protection.fit(train, synthesizer.least_people(train))
        if getattr(synthesizer, "privacy_", None) is None:
            synthesizer.protection_ = protection
    train, holdout = (protection.apply(side) for side in (train, holdout))
    things = "records" if train.images is None else "pictures"
    drawn_again = None
    if kind is not None:
        tell("sample", kind.title)
        synthetic = replace(kind.make(train, synthesizer), subjects=None)  # a release does not say whose records are
    else:
        tell("sample", f"{len(train if synthetic is None else synthetic):,} synthetic {things}")
    if synthetic is None:
        synthetic, drawn_again = sample_as_many_as_train(synthesizer, train, keep_rules)
    tell("compare", "fidelity, utility, privacy and fairness")
    file = synthesizer.for_release() if with_model else None
    how = {"findings": findings, "random_state": split.random_state}
    report = compare(train, synthetic, holdout=holdout, synthesizer=file, **how)
    return Generated(train, holdout, synthesizer, synthetic, report, split, cost, drawn_again, keep_rules, with_model)


def with_subjects_found(data: Dataset) -> Dataset:
    """Return the Dataset with its subjects, where a column that identifies people tells them and nobody has said so.

    Without it a patient would stand on both sides of the split, and count as many people.
    """
    if len(np.unique(data.subjects)) < len(data):
        return data
    column = subject_in(data.frame)
    if column is None or column == data.target:
        return data
    notice(f"column {column!r} repeats and identifies people: taken as the subject. Another: --subject COLUMN.")
    roles = {
        role: tuple(name for name in getattr(data, role) if name != column)
        for role in ("sensitive", "counts", "levels_read", "declared", "keep", "fake")
    }
    ids = data.frame[column]  # as --subject would take them: the same split
    subjects = people_in(data.frame) if ids.isna().any() else ids.astype(object).to_numpy()
    return replace(data, frame=data.frame.drop(columns=column), subjects=subjects, **roles)


def sample_as_many_as_train(
    synthesizer: "Synthesizer", train: Dataset, keep_rules: bool = False
) -> tuple[Dataset, int | None]:
    """Sample as many records as train has, as they will be released; see `Generated`.

    After a private fit it is the private number of them that counts: the length of train is nobody's business.
    """
    if train.images is not None:
        return sample_apart(synthesizer, train, len(train))
    roles = {role: getattr(train, role) for role in ("target", "sensitive", "counts", "name", "card")}
    n = len(train) if getattr(synthesizer, "privacy_", None) is None else synthesizer.n_rows_
    return Dataset(synthesizer.sample(n, keep_rules=keep_rules), source="synthetic", **roles), None


def sample_apart(
    synthesizer: "ImageSynthesizer",
    train: Dataset,
    n: int,
    condition: dict | pd.DataFrame | None = None,
    random_state: int | None = None,
) -> tuple[Dataset, int]:
    """Give synthetic pictures as they are stored, none of them too near to a person learned from.

    How near is too near is learned from train alone: see `shd.compare.images.privacy.too_near_to_train`. Such a picture
    is drawn again, for the same class and slice; how many were is returned, too. Pictures that are too near twenty
    times in a row stay: the model knows those people by heart, and the report will say so.
    """
    from shd.compare.images.privacy import too_near_to_train

    seed = synthesizer.random_state if random_state is None else random_state
    seed = int(np.random.default_rng().integers(2**31)) if seed is None else seed
    drawn = synthesizer.sample(n, condition=condition, random_state=seed)
    images, drawn_again, open_rows = as_stored(drawn.images), 0, np.arange(n)
    for attempt in range(1, _DRAWS + 1):
        open_rows = open_rows[too_near_to_train(train, images[open_rows])]
        if not len(open_rows) or attempt == _DRAWS:
            break
        drawn_again += len(open_rows)
        asked = drawn.frame.iloc[open_rows].reset_index(drop=True)
        again = synthesizer.sample(len(asked), condition=asked, random_state=seed + 1000 * attempt)
        images[open_rows] = as_stored(again.images)
    if drawn_again:
        notice(f"{'':<13}{drawn_again:,} drawn again: too near to a person learned from")
    if len(open_rows):
        notice(f"{'':<13}{len(open_rows):,} are still too near after {_DRAWS} draws; see the report")
    return replace(drawn, images=images), drawn_again


def _fit(synthesizer: "Synthesizer", train: Dataset, checkpoint: str | Path | None) -> Cost:
    options = {}
    if checkpoint is not None:
        if "checkpoint" not in signature(synthesizer.fit).parameters:
            raise ShdError(f"{type(synthesizer).__name__} keeps no checkpoint; leave it out.")
        options["checkpoint"] = checkpoint
    wall, cpu = time.perf_counter(), time.process_time()
    synthesizer.fit(train, **options)
    # a fit that went on from a checkpoint counts what it took before, too
    took = getattr(synthesizer, "seconds_", (time.perf_counter() - wall, time.process_time() - cpu))
    return Cost(*(round(seconds, 1) for seconds in took))


def _set_steps(synthesizer: "Synthesizer", train: Dataset, minutes: float, checkpoint: str | Path | None) -> None:
    """Turn minutes into steps, once: who goes on from a checkpoint keeps the steps it was begun with."""
    note = None if checkpoint is None else Path(f"{checkpoint}.json")
    if note is not None and note.is_file() and Path(checkpoint).is_file():
        synthesizer.set_minutes(train, minutes, steps=_steps_in(note))
        return
    synthesizer.set_minutes(train, minutes)
    if note is not None:
        try:
            note.parent.mkdir(parents=True, exist_ok=True)
            note.write_text(json.dumps({"steps": synthesizer.steps, "minutes": minutes}), encoding="utf-8")
        except OSError as error:
            raise ShdWorkError(f"{note}: cannot be written ({error.strerror}). Name another checkpoint.") from None


def _steps_in(note: Path) -> int:
    try:
        return int(json.loads(note.read_text(encoding="utf-8"))["steps"])
    except (OSError, ValueError, KeyError, TypeError):
        raise ShdWorkError(f"{note}: broken. Give --steps, or delete it and its checkpoint to start anew.") from None
