"""Is it safe? Copies of training pictures, and synthetic pictures that lie too near to them.

Pictures are compared after reducing them to 16 x 16 pixels and removing their mean brightness. What
is left are the large shapes, by which people differ. In finer pixels every smooth picture lies near
the people whose average it is, whether it remembers anybody or not: there copies and pictures that
share no more than a basis with train are hard to tell apart (measured: copies exceed the reference
by .23 and `SliceGaussian` by .14 at 32 x 32, by .25 and .09 at 16 x 16).

All this raises alarms, and guarantees nothing: without one a score is grey, *cannot tell* (Yao et al. 2025, *The DCR
Delusion*, arXiv 2505.01524; consensus framework, Patterns 2025, doi 10.1016/j.patter.2025.101320).
"""

import numpy as np

from shd._errors import ShdError
from shd.compare.core.attacks import surely
from shd.compare.core.chance import generator, interval, subject_weights
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.images.picture_grid import Grid
from shd.compare.images.pictures import Pictures, like, reduced, shared_counts, some_of
from shd.compare.images.sides import ImageSides, check, class_names, pictures_of
from shd.compare.privacy.copies import binomial_interval
from shd.compare.privacy.distances import NO_GUARANTEE
from shd.dataset import Dataset

_SIDE = 16
_REPLICATES, _CHUNK = 100, 500
_GREEN, _AMBER = 0.15, 0.20  # how far a share may lie above that of real people
_EXPECTED = 0.01  # share of people held out that lies as near to train as "too near"
_TOO_NEAR_GREEN, _TOO_NEAR_AMBER = 3, 10  # times what is expected
_SHOWN = 6
_KEPT_APART = 0.05  # share of people learned from that have another one nearer than pictures for release may be


def exact_copies(train: Dataset, synthetic: Dataset) -> int:
    """Count the synthetic pictures that equal a train picture in every pixel.

    Raises
    ------
    ShdError
        Where Datasets have no images, or images of different sizes.
    """
    check({"train": train, "synthetic": synthetic})
    return int(_is_copy(train.images, synthetic.images).sum())


def nearer_to_train(train: Dataset, synthetic: Dataset, holdout: Dataset, random_state: int = 0) -> dict[str, float]:
    """Return the share of synthetic pictures that lie nearer to a train picture than to one held out.

    From train come as many pictures as are held out, of the same classes and slices. They show
    more people than the holdout does, so that the share is not 0.5 even for pictures that remember
    nobody. The reference says what it is for real people: train pictures are asked the same
    question, each with all pictures of its own person taken away.

    Parameters
    ----------
    train, synthetic, holdout : Dataset
        With images of one size, and the same class as target.
    random_state : int

    Returns
    -------
    dict of str to float
        ``share`` and ``reference``, 0 to 1.

    Raises
    ------
    ShdError
        Where Datasets have no images, differ in size or classes, or train has one person only.
    """
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    target = check(given)
    names = class_names(train, target)
    learned, made, held = (pictures_of(data, target, names, role) for role, data in given.items())
    rng = generator(random_state, "nearest pictures")
    counts = shared_counts([learned, held], len(names))
    if not counts.sum() or len(np.unique(learned.subjects)) < 2:
        raise ShdError("train needs two people or more, and a class that is in the holdout too.")
    held = some_of(held, counts, rng)
    near = like(held, learned, rng)
    share, reference = _Sides.of(made, near, held), _Sides.of(learned, near, held, learned=True)
    return {"share": float(share.closer().mean()), "reference": float(reference.closer().mean())}


def too_near_to_train(train: Dataset, images: np.ndarray, share: float = _KEPT_APART) -> np.ndarray:
    """Say which pictures lie nearer to people learned from than those lie to each other.

    The limit is a quantile of the distances from each train picture to the nearest one of another
    person. No holdout takes part, so that it can decide what is released.

    Parameters
    ----------
    train : Dataset
        With images of two people or more.
    images : ndarray of uint8, shape (n, height, width)
        Of the same size.
    share : float
        0 to 1: which quantile.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    ShdError
        Where train has one person only, or sizes differ.
    """
    if train.images is None or images.shape[1:] != train.images.shape[1:]:
        raise ShdError("pictures can only be held against train pictures of the same size; give those.")
    if len(np.unique(train.subjects)) < 2:
        raise ShdError("how near is too near shows between people: train needs two or more.")
    learned = points_of(train.images)
    among, _ = nearest(learned, learned, train.subjects)
    return nearest(points_of(images), learned)[0] < np.quantile(among, share)


def measure(sides: ImageSides, done: dict) -> Answer:
    """Count copies, compare distances to train and holdout, and show the most suspicious pictures."""
    copies = _copies(sides)
    if sides.holdout is None:
        why = "take a holdout: compare(..., holdout=...)"
        return Answer(
            [copies], skipped=[Skipped("nearer to train, too near, and copies beside what chance gives,", why)]
        )
    if len(np.unique(sides.train.subjects)) < 2:
        return Answer([copies], skipped=[Skipped("nearer to train, too near", "take two people in train or more")])
    too_near, suspects = _too_near(sides)
    return Answer([copies, _nearer(sides), too_near], pictures={"suspects": suspects})


def _is_copy(train: np.ndarray, other: np.ndarray) -> np.ndarray:
    seen = {image.tobytes() for image in train}
    return np.array([image.tobytes() in seen for image in other])


def _copies(sides: ImageSides) -> Score:
    n = len(sides.synthetic)
    value, floor = (int(_is_copy(sides.train.images, p.images).sum()) for p in (sides.synthetic, sides.floor))
    low, high = (n * bound for bound in binomial_interval(value, n))
    ceiling, most, other = None, 0.0, ""
    if sides.holdout is not None:
        found, size = int(_is_copy(sides.train.images, sides.holdout.images).sum()), len(sides.holdout)
        ceiling, most = n * found / size, n * binomial_interval(found, size)[1] if found else 0.0
        other = f" Among as many of other {sides.word} people it is {ceiling:,.0f}."
    verdict = "red" if low > most else "grey"
    sentence = f"{value:,} of {n:,} synthetic pictures equal a picture learned from, pixel by pixel.{other}"
    floor *= n / len(sides.floor)
    return Score("privacy", "exact copies", float(value), low, high, floor, ceiling, verdict, "lower", sentence, 0)


def _nearer(sides: ImageSides) -> Score:
    near, held = sides.others["ceiling"], sides.real
    tables = {
        "synthetic": _Sides.of(sides.synthetic, near, held),
        "floor": _Sides.of(sides.floor, near, held),
        "ceiling": _Sides.of(sides.train, near, held, learned=True),
    }
    value, floor, ceiling = (float(side.closer().mean()) for side in tables.values())
    rng = generator(sides.random_state, "nearer to train")
    drawn = [subject_weights(np.unique(p.subjects), _REPLICATES, rng) > 0 for p in (near, held)]
    # the same people are drawn for both, so that the interval is that of their difference
    difference = [
        tables["synthetic"].closer(*people).mean() - tables["ceiling"].closer(*people).mean()
        for people in zip(*drawn, strict=True)
    ]
    low, high = map(float, interval(value, np.array(difference), 0, 1))
    above = value - ceiling
    alarm = above > _GREEN and surely(value, low) > ceiling
    verdict = "grey" if not alarm else "amber" if above <= _AMBER else "red"
    sentence = (
        f"{value:.0%} of synthetic pictures lie nearer to a picture learned from than to one of as many held out; "
        f"where nobody is remembered it is {ceiling:.0%} (other {sides.word} people), up to {_GREEN * 100:.0f} points "
        f"above are no alarm. {NO_GUARANTEE}"
    )
    return Score("privacy", "nearer to train", value, low, high, floor, ceiling, verdict, "at the ceiling", sentence, 2)


def _too_near(sides: ImageSides) -> tuple[Score, Grid]:
    train, held = sides.train, sides.holdout
    points = {name: points_of(p.images) for name, p in (("train", train), ("held", held), ("made", sides.synthetic))}
    of_held, _ = nearest(points["held"], points["train"])
    limit = float(np.quantile(of_held, _EXPECTED))
    of_made, in_train = nearest(points["made"], points["train"])
    to_held, in_held = nearest(points["made"], points["held"])
    of_train, _ = nearest(points["train"], points["train"], train.subjects)
    of_floor, _ = nearest(points_of(sides.floor.images), points["train"])
    value, floor, ceiling = (float((d < limit).mean()) for d in (of_made, of_floor, of_train))
    weights = subject_weights(held.subjects, _REPLICATES, generator(sides.random_state, "too near")).astype(int)
    limits = [np.quantile(np.repeat(of_held, w), _EXPECTED) for w in weights]
    low, high = map(float, interval(value, np.array([(of_made < other).mean() for other in limits]), 0, 1))
    times = value / max(_EXPECTED, ceiling)
    alarm = times > _TOO_NEAR_GREEN and surely(value, low) > max(_EXPECTED, ceiling)
    verdict = "grey" if not alarm else "amber" if times <= _TOO_NEAR_AMBER else "red"
    sentence = (
        f"{value:.1%} of synthetic pictures lie nearer to a picture learned from than the nearest 1 % of held-out "
        f"pictures do (expected: 1 %; other {sides.word} people: {ceiling:.1%}; blurred Gaussians: {floor:.1%})."
    )
    score = Score("privacy", "too near", value, low, high, floor, ceiling, verdict, "lower", sentence)
    return score, _suspects(sides, of_made / np.maximum(to_held, 1e-9), in_train, in_held)


def _suspects(sides: ImageSides, ratio: np.ndarray, in_train: np.ndarray, in_held: np.ndarray) -> Grid:
    """Show the synthetic pictures that are nearest to train, as compared with people held out."""
    rows = np.argsort(ratio, kind="stable")[:_SHOWN]
    stacks = sides.synthetic.images[rows], sides.train.images[in_train[rows]], sides.holdout.images[in_held[rows]]
    columns = tuple(f"{sides.names[sides.synthetic.classes[r]]}, {ratio[r]:.2f}" for r in rows)
    names = ("synthetic", "nearest learned from", "nearest held out")
    return Grid(np.stack(stacks), names, columns, persons=(False, True, True))


def points_of(images: np.ndarray) -> np.ndarray:
    """Return pictures as points: 16 x 16 pixels less their mean, float32, shape (n, 256)."""
    flat = reduced(images, _SIDE).reshape(len(images), -1).astype(np.float32) / 255
    return flat - flat.mean(axis=1, keepdims=True)


def nearest(points: np.ndarray, real: np.ndarray, own: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the distance of each point to the nearest real one, and which; without those of its own person."""
    distance, which = np.empty(len(points)), np.empty(len(points), dtype=int)
    for part, squares in _squares(points, real):
        if own is not None:
            squares[own[part, None] == own] = np.inf
        which[part] = squares.argmin(axis=1)
        distance[part] = np.sqrt(squares[np.arange(len(squares)), which[part]])
    return distance, which


def _squares(points: np.ndarray, real: np.ndarray):
    """Yield, part by part, which points and their squared distances to all real ones."""
    length = (real**2).sum(axis=1)
    for first in range(0, len(points), _CHUNK):
        part = slice(first, first + _CHUNK)
        here = points[part]
        yield part, np.maximum((here**2).sum(axis=1)[:, None] + length - 2 * here @ real.T, 0)


class _Sides:
    """How far pictures are from the nearest picture of each person learned from, and of each held out."""

    def __init__(self, to_train: np.ndarray, to_held: np.ndarray):
        self.to_train, self.to_held = to_train, to_held

    @classmethod
    def of(cls, pictures: Pictures, near: Pictures, held: Pictures, learned: bool = False) -> "_Sides":
        """Measure; pictures that were `learned` from are not compared with their own person."""
        points = points_of(pictures.images)
        to_train, to_held = (_by_person(points, side) for side in (near, held))
        if learned:
            to_train[pictures.subjects[:, None] == np.unique(near.subjects)] = np.inf
        return cls(to_train, to_held)

    def closer(self, learned: np.ndarray | slice = slice(None), held: np.ndarray | slice = slice(None)) -> np.ndarray:
        """Return 1 for pictures nearer to train, 0 for others, 0.5 for ties; of the people named only."""
        to_train, to_held = self.to_train[:, learned].min(axis=1), self.to_held[:, held].min(axis=1)
        return np.where(to_train < to_held, 1.0, np.where(to_train > to_held, 0.0, 0.5))


def _by_person(points: np.ndarray, side: Pictures) -> np.ndarray:
    """Return the distance of each point to the nearest picture of each person, shape (n, n_people)."""
    order = np.argsort(side.subjects, kind="stable")
    _, first = np.unique(side.subjects[order], return_index=True)
    real = points_of(side.images[order])
    return np.concatenate([np.minimum.reduceat(squares, first, axis=1) for _, squares in _squares(points, real)])


QUESTION = Question(
    name="copies and distances",
    chapter="privacy",
    measure=measure,
    show="chapters.pictures:suspects",
    weight=6,
    words={
        "exact copy": "A synthetic picture that equals one learned from in every pixel.",
        "nearer to train": (
            "How often the nearest real picture is one learned from and not one held out. Where that is more "
            "often than for real people whom nobody learned from, somebody was remembered."
        ),
        "too near": (
            "Synthetic pictures that lie nearer to a picture learned from than the nearest 1 % of held-out pictures do."
        ),
    },
)
