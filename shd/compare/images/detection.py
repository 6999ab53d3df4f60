"""Can a network tell synthetic from real pictures? The classifier two-sample test, C2ST.

The detector looks at every pixel of the pictures as they are, and learns on other people than it is
tested on. What gives synthetic pictures away is often fine texture that no eye would notice. Lopez-Paz and Oquab
(2017), *Revisiting Classifier Two-Sample Tests*, ICLR, arXiv 1610.06545.
"""

import numpy as np

from shd._errors import ShdError
from shd.compare.core.chance import generator, interval, subject_weights
from shd.compare.core.models import auroc
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, between
from shd.compare.images.networks import Job, Tick, apply, train_detector
from shd.compare.images.pictures import Pictures, like, shared_counts, some_of, together
from shd.compare.images.sides import ImageSides

_REPLICATES, _HANDS = 200, 4
_SECONDS = 36


def jobs(sides: ImageSides) -> dict[str, Job]:
    """Return what takes time: a detector of synthetic pictures, of the floor, and of other real people."""
    seed = sides.random_state

    def of(real: Pictures, other: Pictures) -> Job:
        return Job(lambda tick: _detect(real, other, sides.test, seed, tick), _SECONDS)

    # half of the people play the real ones, and the others those to be told from them
    half, rest = sides.fit.hands(2, generator(seed, "detector of real people"))
    return {
        "detector of synthetic": of(sides.fit, sides.synthetic),
        "detector of floor": of(sides.fit, sides.floor),
        "detector of ceiling": of(half, rest),
    }


def measure(sides: ImageSides, done: dict) -> Answer:
    """Say how well synthetic pictures are told from real ones, between floor and ceiling."""
    (value, low, high), (floor, *_), (ceiling, *_) = (
        done[f"detector of {name}"] for name in ("synthetic", "floor", "ceiling")
    )
    sentence = (
        f"Shown one {sides.word} and one synthetic picture, a network picks the synthetic one {value:.1%} of the time "
        f"(guessing: 50%); between two groups of {sides.word} people it is right {ceiling:.1%}, with blurred "
        f"Gaussians {floor:.1%}."
    )
    rule = between(floor, max(ceiling, 0.5), "lower")
    score = Score.of("C2ST", value, (low, high), (floor, ceiling), verdict=rule, better="at 0.5", sentence=sentence)
    return Answer([score])


def _detect(
    real: Pictures, other: Pictures, test: Pictures, random_state: int, tick: Tick
) -> tuple[float, float, float]:
    """AUROC of a detector with its 95 % interval; the last quarter of `other` is for the test."""
    rng = generator(random_state, "picture detector")
    held, *rest = other.hands(_HANDS, rng)
    if not len(held) or not any(map(len, rest)):
        raise ShdError(f"the detector takes {_HANDS} subjects or more on the synthetic side; give more.")
    real, learn = _paired(real, together(*(part for part in rest if len(part))), rng)
    test, held = _paired(test, held, rng)
    detector = train_detector(real.images, learn.images, random_state, tick)
    sides = (test, held)
    score = np.concatenate([apply(detector, pictures.images) for pictures in sides])
    is_other = np.repeat([False, True], [len(pictures) for pictures in sides])
    # on each side people are drawn again on their own
    weights = np.hstack([subject_weights(pictures.subjects, _REPLICATES, rng) for pictures in sides])
    value = float(auroc(is_other, score)[0])
    low, high = interval(value, auroc(is_other, score, weights), 0, 1)
    return value, float(low), float(high)


def _paired(first: Pictures, second: Pictures, rng: np.random.Generator) -> tuple[Pictures, Pictures]:
    """Cut two sides to the same number of pictures of each class, and the second to the slices of the first."""
    counts = shared_counts([first, second], 1 + int(max(first.classes.max(), second.classes.max())))
    if not counts.sum():
        raise ShdError("the detector finds no class with pictures on both sides; give more people of each class.")
    first = some_of(first, counts, rng)
    return first, like(first, second, rng)


QUESTION = Question(
    name="C2ST: telling real from synthetic",
    chapter="fidelity",
    measure=measure,
    weight=1,
    jobs=jobs,
    words={
        "C2ST": (
            "Classifier two-sample test: the AUROC of a network that tries to tell synthetic from real pictures. "
            "0.5 means it cannot. It sees every pixel, and finds texture that no eye would notice."
        ),
    },
)
