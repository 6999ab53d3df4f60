"""Can an attacker tell who was learned from? Membership inference, by the distance to the closest synthetic picture.

The attacker holds a picture of somebody and the release, and guesses that whoever has a synthetic
picture nearby was learned from. For one person the nearness of all their pictures counts together.
"""

import numpy as np

from shd.compare._models import auroc
from shd.compare._resample import deal, generator, interval, subject_weights
from shd.compare._schema import Answer, Score, Skipped
from shd.compare.images._inputs import ImageInputs, check, class_names, pictures_of
from shd.compare.images._pictures import Pictures
from shd.compare.images.privacy import nearest, points_of
from shd.dataset import Dataset

_REPLICATES, _FEWEST = 200, 8  # people a side
_FALSE_ALARMS = 0.01
GREEN, AMBER = 0.10, 0.20  # how far the AUROC may lie above 0.5, where chance does not explain it
TPR_GREEN, TPR_AMBER = 0.02, 0.05  # the same for hits at 1 % false alarms


def membership_inference(train: Dataset, synthetic: Dataset, holdout: Dataset) -> dict[str, float]:
    """Return how well distances to the closest synthetic picture tell people learned from and people held out.

    Distances are those of `nearer_to_train`: between pictures of 16 x 16 pixels less their mean.

    Parameters
    ----------
    train, synthetic, holdout : Dataset
        With images of one size, and the same class as target.

    Returns
    -------
    dict of str to float
        ``AUROC`` of people (0.5: nothing can be told) and ``TPR``, the share of pictures learned
        from that are found with 1 % false alarms (0.01: nothing can be told).

    Raises
    ------
    ShdError
        Where Datasets have no images, or differ in size or classes.

    References
    ----------
    Shokri et al. (2017), *Membership Inference Attacks Against Machine Learning Models*, IEEE S&P,
    arXiv 1610.05820. Carlini et al. (2022), *Membership Inference Attacks From First Principles*,
    arXiv 2112.03570: why hits at few false alarms are what counts.
    """
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    target = check(given)
    names = class_names(train, target)
    attack = _Attack.of(*(pictures_of(data, target, names, role) for role, data in given.items()))
    return {"AUROC": float(attack.auroc()[0]), "TPR": attack.hits()}


def measure(inputs: ImageInputs, done: dict) -> Answer:
    """Attack the release, the floor, and other real pictures in their place."""
    what = "membership inference"
    if inputs.holdout is None:
        return Answer(skipped=[Skipped(what, "takes a holdout: compare(..., holdout=...)")])
    train, held = inputs.train, inputs.holdout
    people = min(len(np.unique(side.subjects)) for side in (train, held))
    if people < 2 * _FEWEST:
        return Answer(skipped=[Skipped(what, f"takes {2 * _FEWEST} people in train and in the holdout")])
    half = deal(held.subjects, 2, generator(inputs.random_state, "membership halves")) == 0
    sides = {
        "synthetic": _Attack.of(train, inputs.synthetic, held),
        "floor": _Attack.of(train, inputs.floor, held),
        "ceiling": _Attack.of(train, held.take(half), held.take(~half)),
    }
    rng = generator(inputs.random_state, what)
    return Answer([_of_people(inputs, sides, rng), _of_pictures(inputs, sides, rng)])


def _of_people(inputs: ImageInputs, sides: dict[str, "_Attack"], rng: np.random.Generator) -> Score:
    value, floor, ceiling = (float(side.auroc()[0]) for side in sides.values())
    attack = sides["synthetic"]
    low, high = map(float, interval(value, attack.auroc(attack.draw(_REPLICATES, rng)), 0, 1))
    sentence = (
        f"Who has synthetic pictures nearby is guessed to have been learned from: the guess ranks a person learned "
        f"from above one held out {value:.0%} of the time (knowing nothing: 50%; with pictures of other {inputs.word} "
        f"people in their place: {ceiling:.0%})."
    )
    verdict = _verdict(value - 0.5, low - 0.5, GREEN, AMBER)
    return Score("privacy", "membership AUROC", value, low, high, floor, ceiling, verdict, "at 0.5", sentence, digits=2)


def _of_pictures(inputs: ImageInputs, sides: dict[str, "_Attack"], rng: np.random.Generator) -> Score:
    value, floor, ceiling = (side.hits() for side in sides.values())
    attack = sides["synthetic"]
    drawn = np.array([attack.hits(w.astype(int)) for w in attack.draw(_REPLICATES // 2, rng)])
    low, high = map(float, interval(value, drawn, 0, 1))
    sentence = (
        f"With one false alarm in a hundred, the same attack finds {value:.1%} of the pictures learned from (knowing "
        f"nothing: 1%; with pictures of other {inputs.word} people: {ceiling:.1%})."
    )
    verdict = _verdict(value - _FALSE_ALARMS, low - _FALSE_ALARMS, TPR_GREEN, TPR_AMBER)
    return Score(
        "privacy", "membership hits at 1 %", value, low, high, floor, ceiling, verdict, "lower", sentence, digits=3
    )


def _verdict(excess: float, low: float, green: float, amber: float) -> str:
    return "green" if excess <= green or low <= 0 else "amber" if excess <= amber else "red"


class _Attack:
    """How near each picture of members and others lies to the release; near is a high score."""

    def __init__(self, member: np.ndarray, score: np.ndarray, person: np.ndarray):
        self.member, self.score = member, score
        _, first, self.person = np.unique(person, return_index=True, return_inverse=True)
        self.member_person = member[first]
        self.person_score = np.bincount(self.person, score) / np.bincount(self.person)

    @classmethod
    def of(cls, train: Pictures, release: Pictures, held: Pictures) -> "_Attack":
        points = points_of(release.images)
        near = [-nearest(points_of(side.images), points)[0] for side in (train, held)]
        is_member = np.repeat([True, False], [len(train), len(held)])
        person = np.concatenate([np.unique(side.subjects, return_inverse=True)[1] for side in (train, held)])
        person[len(train) :] += person[: len(train)].max() + 1
        return cls(is_member, np.concatenate(near), person)

    def draw(self, replicates: int, rng: np.random.Generator) -> np.ndarray:
        """Return bootstrap weights of people, members and others drawn apart, shape (replicates, n_people)."""
        weights = np.empty((replicates, len(self.member_person)))
        for side in (self.member_person, ~self.member_person):
            weights[:, side] = subject_weights(np.arange(side.sum()), replicates, rng)
        return weights

    def auroc(self, weights: np.ndarray | None = None) -> np.ndarray:
        return auroc(self.member_person, self.person_score, weights)

    def hits(self, weights: np.ndarray | None = None) -> float:
        """Share of members' pictures above all but 1 % of those of others."""
        times = np.ones(len(self.score), dtype=int) if weights is None else weights[self.person]
        others = np.repeat(self.score[~self.member], times[~self.member])
        above = self.score[self.member] > np.quantile(others, 1 - _FALSE_ALARMS)
        return float(np.average(above, weights=times[self.member]))
