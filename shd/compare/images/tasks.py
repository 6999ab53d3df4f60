"""What a classifier is asked, and how its answers are scored: two classes, and all of them."""

from dataclasses import dataclass

import numpy as np

from shd.compare.core.chance import interval, mean_known, subject_weights
from shd.compare.core.models import auroc
from shd.compare.images.pictures import Pictures

REPLICATES = 200


@dataclass(frozen=True)
class Task:
    """One question to a classifier.

    "two classes": the first, the healthiest, against all others. "all classes": each of those with enough people
    against the rest, averaged.
    """

    label: str
    classes: tuple[int, ...]

    def auroc(self, classes: np.ndarray, chance: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the AUROC under each set of weights, shape (n_sets,); see `shd.compare.core.models.auroc`."""
        if self.label == "two classes":
            return auroc(classes > 0, -chance[:, 0], weights)
        return mean_known(np.array([auroc(classes == c, chance[:, c], weights) for c in self.classes]))

    def accuracy(self, classes: np.ndarray, chance: np.ndarray, weights: np.ndarray | None = None) -> np.ndarray:
        """Return the share of right answers under each set of weights, shape (n_sets,)."""
        weights = np.ones((1, len(classes))) if weights is None else weights
        if self.label == "two classes":
            right = (chance[:, 0] < 0.5) == (classes > 0)
        else:
            right = chance.argmax(axis=1) == classes
        return weights @ right / weights.sum(axis=1)


def tasks_of(n_classes: int, judged: tuple[int, ...]) -> list[Task]:
    """Return the tasks there are: with two classes in all only one."""
    tasks = [Task("two classes", judged)]
    return tasks if n_classes == 2 else [*tasks, Task("all classes", judged)]


@dataclass(frozen=True, eq=False)
class Tested:
    """A classifier's number on some pictures, its interval, and the same number with people drawn again."""

    value: float
    low: float
    high: float
    replicates: np.ndarray


def score(
    task: Task, pictures: Pictures, chance: np.ndarray, rng: np.random.Generator, metric: str = "auroc"
) -> Tested:
    """Score the chances given to some pictures, with an interval from drawing people again."""
    weights = subject_weights(pictures.subjects, REPLICATES, rng)
    measure = getattr(task, metric)
    value = float(measure(pictures.classes, chance)[0])
    replicates = measure(pictures.classes, chance, weights)
    low, high = interval(value, replicates, 0, 1)
    return Tested(value, float(low), float(high), replicates)
