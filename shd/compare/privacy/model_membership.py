"""Can an attacker who holds the model, not the records alone, tell who was learned from? Membership from the weights.

Whoever has the file asks it about people: what the model says of a record (a likelihood, the judgement of a critic that
was trained on real ones: Hayes, Melis, Danezis, De Cristofaro 2019, *LOGAN*, PoPETs, arXiv 1705.07663), raw, and beyond
what it says of records like it (Watson, Guo, Cormode, Sablayrolles 2022, *On the Importance of Difficulty Calibration
in Membership Inference Attacks*, ICLR, arXiv 2111.08440). And they draw as many records from it as they like. The
strongest attacker counts, as in `shd.compare.privacy.membership`.
"""

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from shd._errors import ShdError
from shd._parallel import one_thread
from shd.compare.core.attacks import budget
from shd.compare.core.chance import generator
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.compare.privacy.attacked import Attacked, guess
from shd.compare.privacy.attackers import boosted_trees
from shd.compare.privacy.membership import auroc_score
from shd.compare.privacy.strongest_attacker import Guesses, auroc_of, find_strongest, ranks
from shd.dataset import as_frame
from shd.synthesizers import Synthesizer

_WHAT = "membership AUROC: weights"
_PEOPLE, _DRAWN = 4000, 20_000  # people attacked a side, and most records drawn
_MORE = 5  # times as many records are drawn as were learned from
_RECORDS = 10_000  # that teach what the model says of anybody
_NONE = 1.0  # how far below all others a record lies that the model cannot know


def measure(sides: Sides) -> Answer:
    """Attack the model, where it is given."""
    most, seed = (budget(sides, _PEOPLE), budget(sides, _DRAWN)), sides.random_state
    try:
        guesses = _guess(sides.given, sides.synthesizer, *most, seed)
    except ShdError as error:
        return Answer(skipped=[Skipped(_WHAT, f"the model cannot be asked about these records: {error}")])
    found = find_strongest(guesses, auroc_of, generator(seed, _WHAT))
    return Answer([auroc_score(sides, "weights", found, None, None)])


def _guess(given: dict, model: Synthesizer, people: int, drawn: int, seed: int) -> Guesses:
    """Let all three attackers guess."""
    rng = generator(seed, _WHAT)
    more = model.sample(min(_MORE * model.n_rows_, drawn), random_state=int(rng.integers(2**31)))
    names = ["train", "holdout", "records drawn from the model"]
    (train, holdout, made), _ = align(given["train"], given["holdout"], more, names=names)
    attacked = Attacked.of(train, holdout, people, rng)
    guesses = guess(attacked, made, seed=seed, attackers={"many records": boosted_trees})
    frames = [as_frame(given[role], role) for role in ("train", "holdout")]
    said = model.log_score(pd.concat([frame.iloc[own] for frame, own in zip(frames, attacked.rows, strict=True)]))
    if said is None:
        return guesses
    rows = [rng.permutation(len(side))[:_RECORDS] for side in (holdout, made)]
    taught = [side.take(own) for side, own in zip((holdout, made), rows, strict=True)]
    answers = [model.log_score(frame.iloc[own]) for frame, own in zip((frames[1], more), rows, strict=True)]
    said, *answers = _finite(said, *answers)
    corrected = said - _said_of_others(attacked, taught, answers)
    scores = {"the model itself": said, "the model, corrected": corrected}
    scores = {name: ranks(score, attacked.person, attacked.fold) for name, score in scores.items()}
    return Guesses(guesses.is_member, guesses.fold, {**guesses.scores, **scores}, guesses.isolation)


def _said_of_others(attacked: Attacked, taught: list[Coded], answers: list[np.ndarray]) -> np.ndarray:
    """Return what the model says of records like each, by what it says of records drawn and of people not attacked."""
    expected = np.empty(len(attacked.table))
    for k in np.unique(attacked.fold):
        here = attacked.fold[attacked.person] == k
        known = ~np.isin(taught[0].subjects, attacked.table.subjects[here & ~attacked.of_member])
        tables, answered = [taught[0].take(known), taught[1]], [answers[0][known], answers[1]]
        expected[here] = _expected(tables, answered, attacked.table.take(here))
    return expected


def _expected(tables: list[Coded], said: list[np.ndarray], people: Coded) -> np.ndarray:
    """Return what a model of others expects to be said of people, shape (n,)."""
    values, categories = np.vstack([table.features()[0] for table in tables]), people.features()[1]
    known = ~np.isnan(values).all(axis=0)
    model = HistGradientBoostingRegressor(
        categorical_features=categories[known], early_stopping=False, random_state=0, max_iter=200
    )
    with one_thread():
        return model.fit(values[:, known], np.concatenate(said)).predict(people.features()[0][:, known])


def _finite(*said: np.ndarray) -> list[np.ndarray]:
    """Put what the model cannot know just below all that it knows."""
    known = np.concatenate(said)
    least = known[np.isfinite(known)].min(initial=0.0) - _NONE
    return [np.where(np.isfinite(part), part, least) for part in said]


QUESTION = Question(
    name="membership inference from the model",
    chapter="privacy",
    measure=measure,
    weight=4,
    needs=("model", "holdout", "people"),
    is_attack=True,
    readme=("membership AUROC: weights",),
)
