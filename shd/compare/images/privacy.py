"""Is it safe? Copies of training pictures, and synthetic pictures that lie too near to them.

Nearer to train: the share of synthetic pictures whose nearest real one is learned from, not held out, of as many with
the same classes and slices. They show more people than the holdout does, so that the share is not 0.5 even where nobody
is remembered; the reference asks train pictures the same, each without its own person.

All this raises alarms, and guarantees nothing: without one a score is grey, *cannot tell* (Yao et al. 2025, *The DCR
Delusion*, arXiv 2505.01524; consensus framework, Patterns 2025, doi 10.1016/j.patter.2025.101320).
"""

import numpy as np

from shd._errors import ShdError
from shd.compare.core.chance import binomial_interval, generator, interval, subject_weights
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import NO_GUARANTEE, Score, Skipped, surely
from shd.compare.images.picture_grid import Grid
from shd.compare.images.pictures import Pictures, nearest, points_of, squares
from shd.compare.images.sides import ImageSides
from shd.dataset import Dataset

_REPLICATES = 100
_GREEN, _AMBER = 0.15, 0.20  # how far a share may lie above that of real people
_EXPECTED = 0.01  # share of people held out that lies as near to train as "too near"
_TOO_NEAR_GREEN, _TOO_NEAR_AMBER = 3, 10  # times what is expected
_SHOWN = 6
_KEPT_APART = 0.05  # share of people learned from that have another one nearer than pictures for release may be


def too_near_to_train(train: Dataset, images: np.ndarray, share: float = _KEPT_APART) -> np.ndarray:
    """Say which uint8 pictures lie nearer to people learned from than those lie to each other.

    The limit is a quantile of the distances from each train picture to the nearest one of another person. No holdout
    takes part, so that it can decide what is released.
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
    return Score.of("exact copies", value, (low, high), (floor, ceiling), verdict=verdict, sentence=sentence, digits=0)


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
    low, high = interval(value, np.array(difference), 0, 1)
    above = value - ceiling
    alarm = above > _GREEN and surely(value, low) > ceiling
    verdict = "grey" if not alarm else "amber" if above <= _AMBER else "red"
    sentence = (
        f"{value:.0%} of synthetic pictures lie nearer to a picture learned from than to one of as many held out; "
        f"where nobody is remembered it is {ceiling:.0%} (other {sides.word} people), up to {_GREEN * 100:.0f} points "
        f"above are no alarm. {NO_GUARANTEE}"
    )
    return Score.of(
        "nearer to train",
        value,
        (low, high),
        (floor, ceiling),
        verdict=verdict,
        better="at the ceiling",
        sentence=sentence,
        digits=2,
    )


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
    score = Score.of("too near", value, (low, high), (floor, ceiling), verdict=verdict, sentence=sentence)
    return score, _suspects(sides, of_made / np.maximum(to_held, 1e-9), in_train, in_held)


def _suspects(sides: ImageSides, ratio: np.ndarray, in_train: np.ndarray, in_held: np.ndarray) -> Grid:
    """Show the synthetic pictures that are nearest to train, as compared with people held out."""
    rows = np.argsort(ratio, kind="stable")[:_SHOWN]
    stacks = sides.synthetic.images[rows], sides.train.images[in_train[rows]], sides.holdout.images[in_held[rows]]
    columns = tuple(f"{sides.names[sides.synthetic.classes[r]]}, {ratio[r]:.2f}" for r in rows)
    names = ("synthetic", "nearest learned from", "nearest held out")
    return Grid(np.stack(stacks), names, columns, persons=(False, True, True))


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
    return np.concatenate([np.minimum.reduceat(away, first, axis=1) for _, away in squares(points, real)])


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
