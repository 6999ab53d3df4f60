"""How a split by image deceives: the same network, the same real pictures, split by image and by person.

Neighbouring slices of one head look alike. With some of them in train and the rest in the test, a
network need only know the person again to know the class, and scores far above what it reaches on
people whom it has not seen.
"""

import numpy as np
import pandas as pd

from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question
from shd.compare.images.networks import CLASSIFIER_SECONDS, Job, probabilities, train_classifier
from shd.compare.images.pictures import Pictures, together
from shd.compare.images.sides import ImageSides
from shd.compare.images.tasks import score, tasks_of


def jobs(sides: ImageSides) -> dict[str, Job]:
    """Return what takes time: a classifier for each split."""
    n_classes, seed = len(sides.names), sides.random_state

    def of(pictures: Pictures) -> Job:
        # nothing is shifted, as in most published work: that is what lets people be known again
        return Job(lambda tick: train_classifier(pictures, n_classes, seed, tick, shift=0), CLASSIFIER_SECONDS)

    return {f"classifier, split {split}": of(train) for split, (train, _) in _splits(sides).items()}


def measure(sides: ImageSides, done: dict) -> Answer:
    """Test both classifiers. It is no score of the synthetic pictures, and gets no verdict."""
    rows = []
    for split, (_, test) in _splits(sides).items():
        chance = probabilities(done[f"classifier, split {split}"], test)
        for task in tasks_of(len(sides.names), sides.judged):
            for metric, name in (("auroc", "AUROC"), ("accuracy", "accuracy")):
                found = score(task, test, chance, generator(sides.random_state, "leakage"), metric)
                rows.append((split, task.label, name, found.value, found.low, found.high))
    return Answer(tables={"leakage": pd.DataFrame(rows, columns=["split", "task", "metric", "value", "low", "high"])})


def _splits(sides: ImageSides) -> dict[str, tuple[Pictures, Pictures]]:
    """Return train and test under both splits: by image all are mixed, whoever they are of, and cut as many again."""
    every, n = together(sides.fit, sides.test), len(sides.test)
    rows = generator(sides.random_state, "split by image").permutation(len(every))
    by_image = every.take(np.sort(rows[n:])), every.take(np.sort(rows[:n]))
    return {"by image": by_image, "by subject": (sides.fit, sides.test)}


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
