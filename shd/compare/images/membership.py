"""Can an attacker tell who was learned from? Membership inference from pictures, and from the model that made them.

The attackers hold somebody's pictures and the release, or the model too, and a reference: pictures of people who are
none of those attacked (the holdout takes both parts in turn). For one person all pictures count together. The strongest
attacker counts, and chance is that of the strongest of as many. Shokri et al. (2017), *Membership Inference Attacks
Against Machine Learning Models*, IEEE S&P, arXiv 1610.05820. Carlini et al. (2022), *Membership Inference Attacks From
First Principles*, arXiv 2112.03570: why hits at few false alarms are what counts.
"""

from collections.abc import Collection

import numpy as np
from sklearn.decomposition import PCA
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import Ridge

from shd._errors import ShdError
from shd._parallel import one_thread
from shd.compare.core.chance import deal, generator
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped
from shd.compare.images.pictures import Pictures, nearest, points_of
from shd.compare.images.sides import ImageSides
from shd.compare.privacy.strongest_attacker import Guesses, Strongest, auroc_of, find_strongest, hits_at, ranks
from shd.dataset import Dataset
from shd.synthesizers.base import Synthesizer

_FEWEST, _FEWEST_FOR_HITS = 8, 20  # people a side
_FOLDS, _DIRECTIONS, _MOST = 4, 30, 2000
_ALARMS = 0.10
GREEN, AMBER = 0.10, 0.20  # how far the AUROC may lie above 0.5, where chance does not explain it
HITS_GREEN, HITS_AMBER = 0.10, 0.20  # the same for hits at 10 % false alarms
_BY = {
    "distance": "how near the closest synthetic picture lies",
    "density ratio": "how much nearer synthetic pictures lie than those of other people",
    "boosted trees": "boosted trees that learned to tell synthetic pictures from those of other people",
    "the model itself": "what the model says of a picture",
    "the model, corrected": "what the model says of a picture, beyond what pictures like it are given",
}
_MEANS = {
    "grey": "so few people cannot show more",
    "green": "no attack tells who was learned from",
    "amber": "it hints at who was learned from",
    "red": "it tells who was learned from",
}


def measure(sides: ImageSides, done: dict) -> Answer:
    """Attack the release, the floor, and other real pictures in their place; and the model, where it is given."""
    what = "membership inference"
    train, held, seed = sides.train, sides.holdout, sides.random_state
    people = [len(np.unique(side.subjects)) for side in (train, held)]
    if min(people) < 2 * _FEWEST:
        return Answer(skipped=[Skipped(what, f"takes {2 * _FEWEST} people in train and in the holdout")])
    attack = _Attack(train, sides.synthetic, held, seed)
    guesses, skipped = attack.guesses(), []
    asked = {"membership AUROC": (guesses, auroc_of)}
    if min(people) >= _FEWEST_FOR_HITS:
        asked["membership hits at 10 %"] = (guesses, hits_at(_ALARMS))
    else:
        skipped.append(Skipped("membership hits at 10 %", f"takes {_FEWEST_FOR_HITS} people in the holdout"))
    found = {name: find_strongest(*one, generator(seed, f"chance {name}")) for name, one in asked.items()}
    half = deal(held.subjects, 2, generator(seed, "membership halves")) == 0
    winners = {one.attacker for one in found.values()}
    beside = [
        _Attack(train, sides.floor, held, seed).guesses(winners),
        _Attack(train, held.take(half), held.take(~half), seed).guesses(winners),
    ]
    scores = []
    for name, one in found.items():
        of = asked[name][1]
        floor, ceiling = (float(of(side.is_member, side.scores[one.attacker])[0]) for side in beside)
        scores.append(_score(sides, name, one, floor, ceiling))
    said, why = {}, "takes a fitted model that says something of pictures: compare(..., synthesizer=...)"
    if getattr(sides.synthesizer, "n_rows_", None):
        try:
            said = attack.from_model(sides.given, sides.synthesizer)
        except ShdError as error:
            why = f"the model cannot be asked about these pictures: {error}"
    if said:
        one = find_strongest(
            Guesses(guesses.is_member, guesses.fold, said), auroc_of, generator(seed, "chance weights")
        )
        scores.append(_score(sides, "membership AUROC: weights", one, None, None))
    else:
        skipped.append(Skipped("membership AUROC: weights", why))
    return Answer(scores, skipped=skipped)


def _score(sides: ImageSides, name: str, found: Strongest, floor: float | None, ceiling: float | None) -> Score:
    other = "" if ceiling is None else f"; with pictures of other {sides.word} people in their place: {ceiling:.0%}"
    if "hits" in name:
        verdict = found.verdict(_ALARMS, HITS_GREEN, HITS_AMBER)
        sentence = (
            f"With 10 false alarms in a hundred, an attacker who goes by {_BY[found.attacker]} finds {found.value:.0%} "
            f"of the people learned from (knowing nothing: 10%{other}; winners of the MIDST competition of 2025, on "
            f"tables: 25% from the records, 46% from the model): {_MEANS[verdict]}."
        )
    else:
        verdict = found.verdict(0.5, GREEN, AMBER)
        sentence = (
            f"An attacker who goes by {_BY[found.attacker]} ranks a person learned from above one held out "
            f"{found.value:.0%} of the time (knowing nothing: 50%{other}): {_MEANS[verdict]}."
        )
    better = "lower" if "hits" in name else "at 0.5"
    return Score.of(
        name,
        found.value,
        (found.low, found.high),
        (floor, ceiling),
        verdict=verdict,
        better=better,
        sentence=sentence,
        digits=2,
    )


class _Attack:
    """Members and others with all their pictures as points, dealt into folds by person."""

    def __init__(self, train: Pictures, release: Pictures, held: Pictures, seed: int):
        self.release, self.seed, self.sizes = points_of(release.images), seed, (len(train), len(held))
        self.points = points_of(np.concatenate([train.images, held.images]))
        whose = [np.unique(side.subjects, return_inverse=True)[1] for side in (train, held)]
        people = [int(own.max()) + 1 for own in whose]
        self.person = np.concatenate([whose[0], whose[1] + people[0]])
        self.is_member = np.repeat([True, False], people)
        rng = generator(seed, "folds of people")
        self.fold = np.concatenate([rng.permutation(n) % _FOLDS for n in people])

    def guesses(self, winners: Collection[str] = ("distance", "density ratio", "boosted trees")) -> Guesses:
        """Let attackers guess by the pictures; one score a person."""
        scores = {name: np.empty(len(self.points)) for name in winners}
        for here, reference in self._hands():
            own = self.points[here]
            to_release = np.log(nearest(own, self.release)[0] + 1e-6)
            if "distance" in scores:
                scores["distance"][here] = -to_release
            if "density ratio" in scores:
                scores["density ratio"][here] = np.log(nearest(own, reference)[0] + 1e-6) - to_release
            if "boosted trees" in scores:
                scores["boosted trees"][here] = self._boosted(own, reference)
        return Guesses(self.is_member, self.fold, self._ranked(scores))

    def from_model(self, given: dict[str, Dataset], model: Synthesizer) -> dict[str, np.ndarray]:
        """Ask the model about every picture; nothing where it has nothing to say."""
        said = [model.log_score(given[role]) for role in ("train", "holdout")]
        if said[0] is None or said[1] is None:
            return {}
        said = np.concatenate(said)
        beyond, train = np.empty(len(said)), self.sizes[0]
        for here, reference in self._hands():
            space = self._space(reference)
            outside = ~here & (np.arange(len(said)) >= train)
            line = Ridge().fit(space.transform(self.points[outside]), said[outside])
            beyond[here] = said[here] - line.predict(space.transform(self.points[here]))
        return self._ranked({"the model itself": said, "the model, corrected": beyond})

    def _ranked(self, scores: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: ranks(score, self.person, self.fold) for name, score in scores.items()}

    def _hands(self):
        """Yield which pictures are attacked, and the points of the people held out who are in other folds."""
        held = np.arange(len(self.points)) >= self.sizes[0]
        for k in range(_FOLDS):
            here = self.fold[self.person] == k
            yield here, self.points[held & ~here]

    def _space(self, reference: np.ndarray) -> PCA:
        directions = min(_DIRECTIONS, len(reference) - 1, reference.shape[1])
        return PCA(directions, whiten=True, random_state=0).fit(reference)

    def _boosted(self, own: np.ndarray, reference: np.ndarray) -> np.ndarray:
        rng, space = np.random.default_rng(self.seed), self._space(reference)
        sides = [side[rng.permutation(len(side))[:_MOST]] for side in (self.release, reference)]
        made = np.repeat([True, False], [len(side) for side in sides])
        model = HistGradientBoostingClassifier(
            max_leaf_nodes=15, min_samples_leaf=10, early_stopping=False, class_weight="balanced", random_state=0
        )
        with one_thread():
            return model.fit(space.transform(np.concatenate(sides)), made).decision_function(space.transform(own))


QUESTION = Question(
    name="membership inference",
    chapter="privacy",
    measure=measure,
    weight=4,
    needs=("holdout",),
    is_attack=True,
    words={
        "membership inference": (
            "Attackers have somebody's pictures, the synthetic ones (or the model: weights) and pictures of other "
            "people, and guess who was learned from; the strongest counts, one guess a person. AUROC 0.5: cannot "
            "tell. Hits at 10 %: who is found while ten in a hundred are accused wrongly."
        ),
    },
)
