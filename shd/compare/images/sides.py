"""What every question about pictures gets to see: checked, aligned, and in equal sets."""

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import one_thread
from shd.compare.core.chance import deal, generator
from shd.compare.core.score import Skipped
from shd.compare.core.sides import weaknesses
from shd.compare.core.tables import left_out
from shd.compare.images.pictures import FEWEST_PEOPLE, Pictures, like, points_of, shared_counts, some_of
from shd.dataset import Dataset
from shd.synthesizers import SliceGaussian, Synthesizer
from shd.synthesizers.image_base import LEVEL

FEWEST = 12  # pictures a side, below which nothing is measured
_COMPONENTS = 60  # of the floor: what it takes to look like a blurred brain, in seconds
_SMALLEST = 16  # pixels a side
_FIFTH = "a fifth of the people of train takes its part, but the synthesizer has learned from them"
_NO_FAIRNESS = "is judged for tables, by the groups of people that they declare"


@dataclass(frozen=True, eq=False)
class ImageSides:
    """Pictures of all sides; see `shd.compare.core.sides.Sides`.

    `real` are those of `test` that sets are compared with. `others`, ``synthetic``, ``floor`` (`SliceGaussian`) and
    ``ceiling`` (other real people), have as many pictures as `real`, with the same classes and slices. `judged` are
    the classes with enough people on both real sides; `names` has the healthiest first.
    """

    train: Pictures
    synthetic: Pictures
    floor: Pictures
    holdout: Pictures | None
    fit: Pictures
    test: Pictures
    real: Pictures
    others: dict[str, Pictures]
    names: tuple[str, ...]
    judged: tuple[int, ...]
    word: str
    random_state: int
    given: dict[str, Dataset] = field(default_factory=dict)
    synthesizer: Synthesizer | None = None
    target: str | None = None
    n_columns: int = 1
    lacks: dict[str, str] = field(default_factory=dict)
    skipped: tuple[Skipped, ...] = ()
    thumbnails: dict[str, np.ndarray] = field(default_factory=dict)

    is_of_images, level = True, "full"

    def points(self, role: str) -> np.ndarray:
        """Return pictures of one role as points, 16 x 16 pixels less their mean; computed once."""
        if role not in self.thumbnails:
            self.thumbnails[role] = points_of(self.given[role].images)
        return self.thumbnails[role]


def look(
    given: dict[str, Dataset], target: str | None, random_state: int, synthesizer: "Synthesizer | None" = None
) -> ImageSides:
    """Check what was given, and make the sets that every question compares."""
    target = check(given, target)
    names = class_names(given["train"], target)
    leveled = all(LEVEL in data.frame for data in given.values())
    sides = {role: pictures_of(data, target, names, role, leveled) for role, data in given.items()}
    train, synthetic, holdout = sides["train"], sides["synthetic"], sides.get("holdout")
    fit, test = train, holdout
    if holdout is None:
        fifth = deal(train.subjects, 5, generator(random_state, "test part of train")) == 0
        fit, test = (train.take(~fifth), train.take(fifth)) if not fifth.all() else (train, train)
    for what, pictures in (("train", fit), ("the held-out part", test), ("synthetic", synthetic)):
        if len(pictures) < FEWEST:
            raise ShdError(f"{what} has {len(pictures)} pictures; {FEWEST} are the fewest that can be compared.")
    floor = _floor(train, names, max(len(train), 2 * len(test)), random_state)
    real, others = _equal_sets(test, {"synthetic": synthetic, "floor": floor, "ceiling": fit}, names, random_state)
    judged = tuple(c for c in range(len(names)) if min(fit.people(c), real.people(c)) >= FEWEST_PEOPLE)
    notes = _notes(given, target, leveled)
    notes += [_left_out(names[c], fit.people(c), test.people(c)) for c in range(len(names)) if c not in judged]
    if not judged:
        raise ShdError(f"no class has {FEWEST_PEOPLE} people in train and in the holdout; give more people of each.")
    n_columns, word = given["train"].frame.shape[1], given["train"].source
    notes = [*_weaknesses(given), *notes, Skipped("fairness", _NO_FAIRNESS)]
    given = {role: replace(data, target=target) for role, data in given.items()}
    lacks = {} if holdout is not None else {"holdout": "takes a holdout: compare(..., holdout=...)"}
    return ImageSides(
        train, synthetic, floor, holdout, fit, test, real, others, names, judged, word, random_state,
        given, synthesizer, target, n_columns, lacks, tuple(notes),
    )  # fmt: skip


def _weaknesses(given: dict[str, Dataset]) -> list[Skipped]:
    """List what weakens the comparison as a whole; without a holdout networks are tested on a part of train."""
    notes = weaknesses(given)
    return [replace(n, why=f"no holdout was given: {_FIFTH}") if n.kind == "holdout" else n for n in notes]


def check(given: dict[str, Dataset], target: str | None = None) -> str:
    """Raise `ShdError` unless all are pictures of one size with a class; return the name of the class."""
    for role, data in given.items():
        if not isinstance(data, Dataset) or data.images is None:
            other = next((r for r, d in given.items() if isinstance(d, Dataset) and d.images is not None), None)
            beside = f"{other} has images, {role} has none" if other else f"{role} has no images"
            raise ShdError(f"{beside}; give Datasets that all have images.")
    sizes = {role: data.images.shape[1:] for role, data in given.items()}
    if len(set(sizes.values())) > 1:
        said = ", ".join(f"{role} {height} x {width}" for role, (height, width) in sizes.items())
        raise ShdError(f"the pictures differ in size ({said}); bring them to one size.")
    if min(next(iter(sizes.values()))) < _SMALLEST:
        raise ShdError(f"pictures must be {_SMALLEST} x {_SMALLEST} pixels at least, to be compared.")
    target = target or next((data.target for data in given.values() if data.target is not None), None)
    if target is None:
        raise ShdError("the pictures have no class: name it, compare(..., target=...), or as the Dataset's target.")
    for role, data in given.items():
        if target not in data.frame:
            raise ShdError(f"target={target!r}: {role} has no such column; name the class that all Datasets have.")
        if data.frame[target].isna().any():
            raise ShdError(f"{role}: column {target!r} has missing values; drop those pictures.")
    return target


def class_names(data: Dataset, target: str) -> tuple[str, ...]:
    """Return the classes of a Dataset that occur, in the order of its categories, else of their names."""
    values = data.frame[target]
    if isinstance(values.dtype, pd.CategoricalDtype):
        there = set(values.unique())
        names = tuple(str(level) for level in values.cat.categories if level in there)
    else:
        names = tuple(str(level) for level in sorted(values.unique()))
    if len(names) < 2:
        raise ShdError(f"column {target!r} of train has one class only; networks learn from two or more.")
    if len(names) > len(data) / 2:
        raise ShdError(f"column {target!r} of train has {len(names)} values for {len(data)} pictures; it is no class.")
    return names


def pictures_of(data: Dataset, target: str, names: tuple[str, ...], role: str, leveled: bool = True) -> Pictures:
    """Return the pictures of a Dataset, with positions in `names` as classes."""
    at = {name: i for i, name in enumerate(names)}
    classes = data.frame[target].astype(str).map(at)
    if classes.isna().any():
        unknown = data.frame[target][classes.isna().to_numpy()].iloc[0]
        raise ShdError(
            f"{role} has the class {str(unknown)!r}, train has {', '.join(names)}; give all the same classes."
        )
    levels = np.zeros(len(data), dtype=np.int64)
    if leveled and LEVEL in data.frame:
        if not pd.api.types.is_integer_dtype(data.frame[LEVEL]) or data.frame[LEVEL].isna().any():
            raise ShdError(f"{role}: column {LEVEL!r} must hold whole numbers, none missing.")
        levels = data.frame[LEVEL].to_numpy(dtype=np.int64)
    return Pictures(data.images, classes.to_numpy(dtype=np.int64), levels, data.subjects)


def _floor(train: Pictures, names: tuple[str, ...], n: int, random_state: int) -> Pictures:
    """Draw n pictures from `SliceGaussian` of train."""
    frame = pd.DataFrame({"class": pd.Categorical.from_codes(train.classes, list(names)), LEVEL: train.levels})
    frame = frame if train.levels.any() else frame[["class"]]
    data = Dataset(frame, target="class", images=train.images)
    with one_thread():  # the last digits of its axes, and so a grey value here and there, depend on their number
        drawn = SliceGaussian(components=_COMPONENTS, random_state=random_state).fit(data).sample(n)
    return pictures_of(drawn, "class", names, "floor")


def _equal_sets(test: Pictures, pools: dict[str, Pictures], names: tuple[str, ...], random_state: int):
    """Cut all sides to equally many pictures a class, and the others to the slices of the real ones."""
    counts = shared_counts([test, *pools.values()], len(names))
    if counts.sum() < FEWEST:
        raise ShdError(f"the sides share fewer than {FEWEST} pictures of the same classes; give more of each class.")
    # a generator each: floor and ceiling are the same, whatever synthetic pictures stand beside them
    real = some_of(test, counts, generator(random_state, "equal sets: real"))
    others = {name: like(real, pool, generator(random_state, f"equal sets: {name}")) for name, pool in pools.items()}
    return real, others


def _notes(given: dict[str, Dataset], target: str, leveled: bool) -> list[Skipped]:
    """List what is not looked at, and what weakens every number."""
    others = {column: role for role, data in given.items() for column in data.frame if column not in (target, LEVEL)}
    notes = [left_out(c, f"is in {role}; pictures are compared by class and slice alone") for c, role in others.items()]
    if not leveled and any(LEVEL in data.frame for data in given.values()):
        notes.append(left_out(LEVEL, "is not in all Datasets, so that slices are not compared like with like"))
    train = given["train"]
    if np.array_equal(train.subjects, np.arange(len(train))):
        why = "train names no subjects: every picture counts as a person, so that intervals are too narrow"
        notes.append(Skipped("independence of people", f"{why} and nothing shows whether people leak into the test"))
    return notes


def _left_out(name: str, in_train: int, held: int) -> Skipped:
    if min(in_train, held) >= FEWEST_PEOPLE:
        return Skipped(
            f"class {name}", kind="class", why="there are no synthetic pictures of it, so that it is left out"
        )
    people = "1 person" if in_train == 1 else f"{in_train} people"
    why = (
        f"{people} in train and {held} held out; with fewer than {FEWEST_PEOPLE} a number speaks of persons, not of a "
        "disease, so that nothing is concluded about it"
    )
    return Skipped(f"class {name}", kind="class", why=why)
