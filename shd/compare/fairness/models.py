"""Models of the target by group of people: how well each group is served, and who is flagged.

Gradient boosting learns the target from equally many real and synthetic records, and is tested on the real people of
each group. Both models flag as large a share of them as has the level in train: the equalised odds difference is the
largest one between groups in the share found among those who have the level, or flagged among those who do not (Hardt,
Price, Srebro 2016, *Equality of Opportunity in Supervised Learning*, arXiv 1610.02413); the demographic parity
difference that in the share flagged at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd

from shd._parallel import in_parallel
from shd.compare.core.chance import generator, interval, redrawn, sample_records, subject_weights, training_error
from shd.compare.core.score import Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Task
from shd.compare.fairness.groups import FEWEST, Group, by_group, members
from shd.compare.fairness.worst_group import Gap, Judged, Measure, describe_choice, find_gaps, worst_gap, write_points

UTILITY = Measure("group utility", 0.02, 0.05)
ODDS = Measure("equalised odds difference", 0.05, 0.10)
PARITY = Measure("demographic parity difference", 0.05, 0.10)
_ROWS, _TESTED = 40_000, 20_000  # most records to train on, and to test on
_FEWEST_OF_LEVEL = 10  # test records of a group with the level predicted, and without it
_REPLICATES = 200
_QUICK_TESTED = 4000
_DIFFERENCES = {
    ODDS: "The share that is flagged, of those with or of those without it,",
    PARITY: "The share that is flagged",
}


@dataclass(frozen=True, eq=False)
class GroupModels:
    """What models trained on each table predict for the same real test records, and who these are."""

    task: Task
    groups: list[Group]  # those with enough test records, and enough of them with and without the level
    test: Coded
    predicted: dict[str, np.ndarray]  # chances or numbers by what was learned from: TRTR, TSTR, floor
    prevalence: float  # share of real train records that have the level
    weights: np.ndarray  # how often each test record counts: once, and then drawn again by subject, (1 + n, n_test)
    error: np.ndarray = field(default_factory=lambda: np.zeros(1))  # that comes from training: see `_gaps_of`

    @cached_property
    def members(self) -> np.ndarray:
        """Which test records belong to which group."""
        return members(self.groups, self.test)

    @cached_property
    def flagged(self) -> dict[str, np.ndarray]:
        """Whom each model flags: as many of the test records, from the top, as have the level in train."""
        cuts = {name: np.quantile(p, 1 - self.prevalence, method="higher") for name, p in self.predicted.items()}
        return {name: p >= cuts[name] for name, p in self.predicted.items()}

    @cached_property
    def scores(self) -> dict[str, np.ndarray]:
        """AUROC or R2 in each group and, last, among all; the value and then its replicates, (1 + n, n_groups + 1)."""
        parts = [*self.members.T, np.ones(len(self.test), dtype=bool)]

        def of_part(part: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            return self.task.score(self.test.take(part), predicted[part], self.weights[:, part])

        jobs = [(part, predicted) for predicted in self.predicted.values() for part in parts]
        found = np.column_stack(in_parallel(of_part, *zip(*jobs, strict=True)))
        return dict(zip(self.predicted, np.split(found, len(self.predicted), axis=1), strict=True))

    @cached_property
    def rates(self) -> dict[str, dict[str, np.ndarray]]:
        """By model and rate, the share of each group that is flagged, (1 + n, n_groups)."""
        outcome = self.task.outcome(self.test)
        among = {"selection rate": np.ones(len(outcome), dtype=bool), "TPR": outcome, "FPR": ~outcome}

        def share(those: np.ndarray, flagged: np.ndarray) -> np.ndarray:
            caught, all_of = (self.weights @ (self.members & who[:, None]) for who in (those & flagged, those))
            return np.divide(caught, all_of, out=np.full(caught.shape, np.nan), where=all_of > 0)

        return {
            name: {rate: share(those, flagged) for rate, those in among.items()}
            for name, flagged in self.flagged.items()
        }

    def differences(self, name: str) -> dict[Measure, np.ndarray]:
        """How far apart a model's rates are between the groups of each column, (1 + n, n_columns)."""
        spread = {
            rate: np.column_stack([np.ptp(share[:, own], axis=1) for _, own in self.columns()])
            for rate, share in self.rates[name].items()
        }
        return {ODDS: np.maximum(spread["TPR"], spread["FPR"]), PARITY: spread["selection rate"]}

    def columns(self) -> list[tuple[object, np.ndarray]]:
        """Return each sensitive column and the positions of its groups, those with two groups or more."""
        positions = {}
        for j, group in enumerate(self.groups):
            positions.setdefault(group.column, []).append(j)
        return [(column, np.array(own)) for column, own in positions.items() if len(own) > 1]


def _train_models(sides: Sides, groups: Sequence[Group]) -> GroupModels:
    """Train gradient boosting on equally many records of each table, and again on halves; see `GroupModels`."""
    ready = sides.ready
    task, tables = ready.tasks[0], {"TRTR": ready.fit, "TSTR": ready.synthetic, "floor": ready.floor}
    rng = generator(sides.random_state, "fairness models")
    test = sample_records(ready.test, sides.most(_TESTED, least=_QUICK_TESTED), rng)
    n = min(sides.most(_ROWS), *(len(table) for table in tables.values()))
    learned = {name: sample_records(table, n, rng) for name, table in tables.items()}
    predicted = in_parallel(lambda table: task.predict(table, [test])[0], learned.values())
    weights = np.vstack([np.ones(len(test)), subject_weights(test.subjects, _REPLICATES, rng)])
    kept = [group for group in groups if _is_tested(group, task, test)]
    prevalence = float(task.outcome(learned["TRTR"]).mean()) if task.is_level else np.nan
    models = GroupModels(task, kept, test, dict(zip(tables, predicted, strict=True)), prevalence, weights)
    if not kept:
        return models
    alone = replace(models, weights=weights[:1])

    def of_half(half: Coded) -> np.ndarray:
        return _gaps_of(replace(alone, predicted={"half": task.predict(half, [test])[0]}), "half")

    # models of real records learn from as many, so that the difference errs by the root of two more
    return replace(models, error=np.sqrt(2) * training_error(of_half, learned["TSTR"], rng, sides.splits))


def _is_tested(group: Group, task: Task, test: Coded) -> bool:
    """Whether a group has enough test records, and enough of them with and without the level predicted."""
    own = task.outcome(test)[group.is_in(test)]
    rarer = min(own.sum(), (~own).sum()) if task.is_level else len(own)
    return group.column != task.target and len(own) >= FEWEST and rarer >= _FEWEST_OF_LEVEL


def _gaps_of(models: GroupModels, name: str) -> np.ndarray:
    """Return how much better each group is served than all people, then both differences of every column."""
    scores = models.scores[name][0]
    odds = models.differences(name).values() if models.task.is_level and models.columns() else ()
    return np.concatenate([scores[:-1] - scores[-1], *(part[0] for part in odds)])


def judge_models(sides: Sides, groups: Sequence[Group]) -> Judged:
    """Compare how well models of real and of synthetic records serve each group, and whom they flag."""
    what = "utility and odds by group"
    if sides.ready is None:
        return Judged(skipped=[Skipped(what, sides.lacks["target"], kind="target")])
    models = _train_models(sides, groups)
    task = models.task
    gaps = _utility_gaps(models) if models.groups else []
    if not gaps:
        return Judged(skipped=[Skipped(what, f"no group has enough test records with and without {task.label}")])
    left = [group for group in groups if group not in models.groups]
    skipped = [Skipped(f"{what}: {group}", f"too few test records with or without {task.label}") for group in left]
    odds = _judge_odds(models, sides.word)
    score = worst_gap(gaps).score(_utility_sentence(models, gaps, sides.word))
    return Judged([score, *odds.scores], gaps + odds.gaps, _utility_frame(models), odds.frames, skipped + odds.skipped)


def _utility_gaps(models: GroupModels) -> list[Gap]:
    """Return what each group loses by learning from synthetic records, beyond what all people lose."""
    real, synthetic, floor = (models.scores[name] for name in ("TRTR", "TSTR", "floor"))
    gap, of_floor = (lost[:, :-1] - lost[:, -1:] for lost in (real - synthetic, real - floor))
    n = len(models.groups)
    drawn = redrawn(gap[1:], models.error[:n], generator(0, "utility of groups"))
    return find_gaps(UTILITY, [group.name for group in models.groups], gap[0], drawn, of_floor[0], np.zeros(n))


def _utility_sentence(models: GroupModels, gaps: list[Gap], word: str) -> str:
    worst, task = worst_gap(gaps), models.task
    j = worst.at
    real, synthetic = (models.scores[name][0] for name in ("TRTR", "TSTR"))
    of = f"{task.target} = {task.label}" if task.is_level else task.target
    return (
        f"A model of {of} reaches an {task.measure} of {synthetic[j]:.3f} for {word} people of {worst} if it learned "
        f"from synthetic records and {real[j]:.3f} from {word} ones; for all people {synthetic[-1]:.3f} and "
        f"{real[-1]:.3f}. The group loses {worst.value:.3f} more than all do (independent columns: "
        f"{worst.floor or 0:.3f}).{describe_choice(gaps)}"
    )


def _judge_odds(models: GroupModels, word: str) -> Judged:
    """Say by how much a model of synthetic records treats groups less alike than one of real records, by column."""
    columns = models.columns()
    if not models.task.is_level or not columns:
        why = "the target is a number" if columns else "no column has two groups that are large enough"
        return Judged(skipped=[Skipped(f"{ODDS.metric}, {PARITY.metric}", why)])
    errors = np.split(models.error[len(models.groups) :], 2)
    names, gaps, scores = [(column, "all groups") for column, _ in columns], [], []
    for k, (measure, what) in enumerate(_DIFFERENCES.items()):
        real, synthetic, floor = (models.differences(name)[measure] for name in ("TRTR", "TSTR", "floor"))
        replicates = redrawn((synthetic - real)[1:], errors[k], generator(k, "odds of groups"))
        real, synthetic, floor = real[0], synthetic[0], floor[0]
        own = find_gaps(measure, names, synthetic - real, replicates, floor - real, np.zeros(len(names)), -1, 1)
        worst = worst_gap(own)
        j = worst.at
        sentence = (
            f"{what} differs between groups of {worst.column} by up to {synthetic[j] * 100:.1f} points with a model of "
            f"synthetic records and {real[j] * 100:.1f} with one of {word} ones: {write_points(worst.value)} "
            f"(independent columns: {write_points(worst.floor)}).{describe_choice(own, 'columns')}"
        )
        scores.append(worst.score(sentence))
        gaps += own
    frames = {"group rates": _rates_frame(models), "group differences": _differences_frame(models)}
    return Judged(scores, gaps, frames=frames)


def _differences_frame(models: GroupModels) -> pd.DataFrame:
    """Return one row a sensitive column and model: the two differences between its groups."""
    differences = {name: models.differences(name) for name in models.predicted}
    rows = [
        (column, name, own[ODDS][0, j], own[PARITY][0, j])
        for j, (column, _) in enumerate(models.columns())
        for name, own in differences.items()
    ]
    frame = pd.DataFrame(rows, columns=["column", "design", ODDS.metric, PARITY.metric])
    return frame.astype({"column": object, ODDS.metric: float, PARITY.metric: float})


def _rates_frame(models: GroupModels) -> pd.DataFrame:
    """Return one row a group and model: who is flagged, who of those with the level, who of those without it."""
    parts = [
        by_group([models.groups[j] for j in own], {rate: share[0, own] for rate, share in rates.items()}).assign(
            design=name
        )
        for _, own in models.columns()
        for name, rates in models.rates.items()
    ]
    return pd.concat(parts, ignore_index=True)[["column", "group", "design", *models.rates["TRTR"]]]


def _utility_frame(models: GroupModels) -> pd.DataFrame:
    """Return one row a group: AUROC or R2 of both models, and the interval of that of synthetic records."""
    real, synthetic = models.scores["TRTR"], models.scores["TSTR"]
    low, high = interval(synthetic[0], synthetic[1:], most=1)
    facts = {"TRTR": real[0], "TSTR": synthetic[0], "low": low, "high": high}
    return by_group(models.groups, {name: of_part[:-1] for name, of_part in facts.items()})
