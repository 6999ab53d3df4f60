"""How a split by image deceives: the same network, the same real pictures, split by image and by person.

Neighbouring slices of one head look alike. With some of them in train and the rest in the test, a
network need only know the person again to know the class, and scores far above what it reaches on
people whom it has not seen.
"""

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question
from shd.compare.images.networks import CLASSIFIER_SECONDS, Job, probabilities, silent, train_classifier
from shd.compare.images.pictures import FEWEST_PEOPLE, Pictures, together
from shd.compare.images.sides import FEWEST, ImageSides, check, class_names, pictures_of
from shd.compare.images.tasks import score, tasks_of
from shd.dataset import Dataset

SPLITS = ("by image", "by subject")
_SHARE = 0.2


def leakage_by_split(dataset: Dataset, random_state: int = 0, steps: int | None = None) -> pd.DataFrame:
    """Train the same small network under a split by image and a split by subject, and test both.

    Parameters
    ----------
    dataset : Dataset
        Real pictures with their class as target, and several pictures a subject.
    random_state : int
    steps : int, optional
        Batches of 64 pictures; by default six rounds, 120 to 250.

    Returns
    -------
    DataFrame
        One row a split, task and metric: ``split`` ("by image", "by subject"), ``task`` ("two
        classes": the first against all others; "all classes"), ``metric`` ("AUROC", "accuracy"),
        ``value``, and ``low`` and ``high``, the 95 % interval from drawing people again.

    Raises
    ------
    ShdError
        Where there are no images, no class, or too few subjects.

    Examples
    --------
    >>> shd.compare.leakage_by_split(shd.load("alzheimers"))  # doctest: +SKIP
    """
    target = check({"dataset": dataset})
    names = class_names(dataset, target)
    pictures = pictures_of(dataset, target, names, "dataset")
    if len(np.unique(pictures.subjects)) in (1, len(pictures)):
        raise ShdError("dataset: leakage shows only with several subjects and several pictures of each; name them.")
    if len(pictures) < 2 * FEWEST:
        raise ShdError(f"dataset has {len(pictures)} pictures; a split takes {2 * FEWEST} or more.")
    sides = Dataset(dataset.frame[[target]], target, dataset.subjects, images=dataset.images).split(
        _SHARE, random_state
    )
    train, test = (pictures_of(side, target, names, "dataset") for side in sides)
    trainings = _trainings(train, test, len(names), random_state, steps)
    networks = in_parallel(lambda job: job.work(silent), trainings.values())
    done = dict(zip(trainings, networks, strict=True))
    judged = tuple(c for c in range(len(names)) if min(train.people(c), test.people(c)) >= FEWEST_PEOPLE)
    return _frame(train, test, judged or tuple(range(len(names))), len(names), random_state, done)


def jobs(sides: ImageSides) -> dict[str, Job]:
    """Return what takes time: a classifier for each split."""
    return _trainings(sides.fit, sides.test, len(sides.names), sides.random_state)


def measure(sides: ImageSides, done: dict) -> Answer:
    """Test both classifiers. It is no score of the synthetic pictures, and gets no verdict."""
    frame = _frame(sides.fit, sides.test, sides.judged, len(sides.names), sides.random_state, done)
    return Answer(tables={"leakage": frame})


def _by_image(train: Pictures, test: Pictures, random_state: int) -> tuple[Pictures, Pictures]:
    """Mix the pictures of both sides, whoever they are of, and cut them again at the same place."""
    every = together(train, test)
    rows = generator(random_state, "split by image").permutation(len(every))
    return every.take(np.sort(rows[len(test) :])), every.take(np.sort(rows[: len(test)]))


def _trainings(
    train: Pictures, test: Pictures, n_classes: int, random_state: int, steps: int | None = None
) -> dict[str, Job]:
    sides = {"by image": _by_image(train, test, random_state)[0], "by subject": train}

    def of(pictures: Pictures) -> Job:
        # nothing is shifted, as in most published work: that is what lets people be known again
        return Job(
            lambda tick: train_classifier(pictures, n_classes, random_state, shift=0, steps=steps, tick=tick),
            CLASSIFIER_SECONDS,
        )

    return {f"classifier, split {split}": of(pictures) for split, pictures in sides.items()}


def _frame(
    train: Pictures, test: Pictures, judged: tuple[int, ...], n_classes: int, random_state: int, done: dict
) -> pd.DataFrame:
    tests = {"by image": _by_image(train, test, random_state)[1], "by subject": test}
    rows = []
    for split in SPLITS:
        chance = probabilities(done[f"classifier, split {split}"], tests[split])
        for task in tasks_of(n_classes, judged):
            for metric, name in (("auroc", "AUROC"), ("accuracy", "accuracy")):
                found = score(task, tests[split], chance, generator(random_state, "leakage"), metric)
                rows.append((split, task.label, name, found.value, found.low, found.high))
    return pd.DataFrame(rows, columns=["split", "task", "metric", "value", "low", "high"])


QUESTION = Question(
    name="leakage: split by image and by subject",
    chapter="utility",
    measure=measure,
    show="chapters.pictures:leakage",
    weight=2,
    tables=("leakage",),
    jobs=jobs,
    words={
        "split by subject": "All pictures of a person lie on the same side, in train or in the test.",
    },
)
