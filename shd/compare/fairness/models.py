"""Models of the target by group of people: how well each group is served, and who is flagged."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import generator, interval, redrawn, subject_weights, subsample, training_error
from shd.compare.core.question import Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded
from shd.compare.core.tasks import Task, find_tasks, with_known_target
from shd.compare.fairness.gaps import Gap, Judged, Measure, among, find_gaps, names_of, points, worst_gap
from shd.compare.fairness.groups import FEWEST, Group, by_group, members, prepare_groups
from shd.dataset import Dataset, role_of

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
_RATES = {"selection rate": selection_rate, "TPR": true_positive_rate, "FPR": false_positive_rate}


@dataclass(frozen=True, eq=False)
class GroupModels:
    """What models trained on each table predict for the same real test records, and who these are.

    Parameters
    ----------
    task : Task
    groups : list of Group
        Those with enough test records, and enough of them with and without the level.
    test : Coded
    predicted : dict of str to ndarray, shape (n_test,)
        Chances or numbers by what was learned from: TRTR, TSTR, floor.
    prevalence : float
        Share of real train records that have the level.
    weights : ndarray, shape (n_replicates, n_test)
        Test records drawn again by subject.
    error : ndarray, shape (n_groups + 2 * n_columns,)
        Standard errors of differences between models of real and of synthetic records that come from the records
        learned from; see `_gaps_of`. A single 0 where they were not looked for.
    """

    task: Task
    groups: list[Group]
    test: Coded
    predicted: dict[str, np.ndarray]
    prevalence: float
    weights: np.ndarray
    error: np.ndarray = field(default_factory=lambda: np.zeros(1))

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
        weights = np.vstack([np.ones(len(self.test)), self.weights])
        parts = [*self.members.T, np.ones(len(self.test), dtype=bool)]

        def of_part(part: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            return self.task.score(self.test.take(part), predicted[part], weights[:, part])

        jobs = [(part, predicted) for predicted in self.predicted.values() for part in parts]
        found = np.column_stack(in_parallel(of_part, *zip(*jobs, strict=True)))
        return dict(zip(self.predicted, np.split(found, len(self.predicted), axis=1), strict=True))

    @cached_property
    def rates(self) -> dict[tuple, MetricFrame]:
        """Rates of each group, by sensitive column and by what the model learned from."""
        found, outcome = {}, self.task.outcome(self.test)
        for column, own in self.columns():
            part = self.members[:, own].any(axis=1)
            group = self.members[part][:, own].argmax(axis=1)
            for name, flagged in self.flagged.items():
                given = {"y_true": outcome[part], "y_pred": flagged[part], "sensitive_features": group}
                found[column, name] = MetricFrame(metrics=_RATES, **given)
        return found

    def columns(self) -> list[tuple[object, np.ndarray]]:
        """Return each sensitive column and the positions of its groups, those with two groups or more."""
        positions = {}
        for j, group in enumerate(self.groups):
            positions.setdefault(group.column, []).append(j)
        return [(column, np.array(own)) for column, own in positions.items() if len(own) > 1]


def train_models(
    task: Task,
    groups: Sequence[Group],
    tables: dict[str, Coded],
    test: Coded,
    rows: int = _ROWS,
    tested: int = _TESTED,
    random_state: int = 0,
    splits: int = 0,
) -> GroupModels:
    """Train gradient boosting on equally many records of each table, and again on halves; see `GroupModels`."""
    rng = generator(random_state, "fairness models")
    test = test.take(subsample(len(test), tested, rng))
    n = min(rows, *(len(table) for table in tables.values()))
    learned = [table.take(subsample(len(table), n, rng)) for table in tables.values()]
    predicted = in_parallel(lambda table: task.predict(table, [test])[0], learned)
    outcome, weights = task.outcome(test), subject_weights(test.subjects, _REPLICATES, rng)
    kept = []
    for group in groups:
        own = outcome[group.of(test)]
        rarer = min(own.sum(), (~own).sum()) if task.is_level else len(own)
        if group.column != task.target and len(own) >= FEWEST and rarer >= _FEWEST_OF_LEVEL:
            kept.append(group)
    prevalence = float(task.outcome(learned[0]).mean()) if task.is_level else np.nan
    models = GroupModels(task, kept, test, dict(zip(tables, predicted, strict=True)), prevalence, weights)
    if not kept or not splits:
        return models
    alone = replace(models, weights=np.ones((1, len(test))))

    def of_half(half: Coded) -> np.ndarray:
        return _gaps_of(replace(alone, predicted={"half": task.predict(half, [test])[0]}), "half")

    made = dict(zip(tables, learned, strict=True))["TSTR"]
    # models of real records learn from as many, so that the difference errs by the root of two more
    return replace(models, error=np.sqrt(2) * training_error(of_half, made, rng, splits))


def _gaps_of(models: GroupModels, name: str) -> np.ndarray:
    """Return how much better each group is served than all people, then both differences of every column."""
    scores = models.scores[name][-1]
    odds = _drawn(models, name, models.columns()) if models.task.is_level and models.columns() else ()
    return np.concatenate([scores[:-1] - scores[-1], *(part[-1] for part in odds)])


def judge_models(sides: Sides, groups: Sequence[Group]) -> Judged:
    """Compare how well models of real and of synthetic records serve each group, and whom they flag."""
    what = "utility and odds by group"
    if sides.ready is None:
        return Judged(skipped=[Skipped(what, sides.lacks["target"], kind="target")])
    ready = sides.ready
    task, most = ready.tasks[0], (sides.most(_ROWS), sides.most(_TESTED, least=_QUICK_TESTED))
    tables = {"TRTR": ready.fit, "TSTR": ready.synthetic, "floor": ready.floor}
    models = train_models(task, groups, tables, ready.test, *most, sides.random_state, sides.splits)
    gaps = _utility_gaps(models) if models.groups else []
    if not gaps:
        return Judged(skipped=[Skipped(what, f"no group has enough test records with and without {task.label}")])
    left = [group for group in groups if group not in models.groups]
    skipped = [Skipped(f"{what}: {group}", f"too few test records with or without {task.label}") for group in left]
    odds = _judge_odds(models, sides.word)
    facts = utility_frame(models).drop(columns=["records", "gap"])
    score = worst_gap(gaps).score(_utility_sentence(models, gaps, sides.word))
    return Judged([score, *odds.scores], gaps + odds.gaps, facts, odds.frames, skipped + odds.skipped)


def _utility_gaps(models: GroupModels) -> list[Gap]:
    """Return what each group loses by learning from synthetic records, beyond what all people lose."""
    real, synthetic, floor = (models.scores[name] for name in ("TRTR", "TSTR", "floor"))
    gap, of_floor = (lost[:, :-1] - lost[:, -1:] for lost in (real - synthetic, real - floor))
    n = len(models.groups)
    drawn = redrawn(gap[1:], models.error[:n], generator(0, "utility of groups"))
    return find_gaps(UTILITY, names_of(models.groups), gap[0], drawn, of_floor[0], np.zeros(n))


def _utility_sentence(models: GroupModels, gaps: list[Gap], word: str) -> str:
    worst, task = worst_gap(gaps), models.task
    j = names_of(models.groups).index(worst.name)
    real, synthetic = (models.scores[name][0] for name in ("TRTR", "TSTR"))
    of = f"{task.target} = {task.label}" if task.is_level else task.target
    return (
        f"A model of {of} reaches an {task.measure} of {synthetic[j]:.3f} for {word} people of {worst} if it learned "
        f"from synthetic records and {real[j]:.3f} from {word} ones; for all people {synthetic[-1]:.3f} and "
        f"{real[-1]:.3f}. The group loses {worst.value:.3f} more than all do (independent columns: "
        f"{worst.floor or 0:.3f}).{among(gaps)}"
    )


def _judge_odds(models: GroupModels, word: str) -> Judged:
    """Say by how much a model of synthetic records treats groups less alike than one of real records, by column."""
    columns = models.columns()
    if not models.task.is_level or not columns:
        why = "the target is a number" if columns else "no column has two groups that are large enough"
        return Judged(skipped=[Skipped(f"{ODDS.metric}, {PARITY.metric}", why)])
    drawn = {name: _drawn(models, name, columns) for name in ("TRTR", "TSTR")}
    errors = np.split(models.error[len(models.groups) :], 2)
    table = differences(models)
    wide = table.pivot(index="column", columns="design").loc[[column for column, _ in columns]]
    names, gaps, scores = [(column, "all groups") for column, _ in columns], [], []
    for k, (measure, what) in enumerate(_DIFFERENCES.items()):
        real, synthetic, floor = (wide[measure.metric, name].to_numpy() for name in ("TRTR", "TSTR", "floor"))
        replicates = redrawn(drawn["TSTR"][k] - drawn["TRTR"][k], errors[k], generator(k, "odds of groups"))
        own = find_gaps(measure, names, synthetic - real, replicates, floor - real, np.zeros(len(names)), -1, 1)
        worst = worst_gap(own)
        j = names.index(worst.name)
        sentence = (
            f"{what} differs between groups of {worst.column} by up to {synthetic[j] * 100:.1f} points with a model of "
            f"synthetic records and {real[j] * 100:.1f} with one of {word} ones: {points(worst.value)} "
            f"(independent columns: {points(worst.floor)}).{among(own, 'columns')}"
        )
        scores.append(worst.score(sentence))
        gaps += own
    return Judged(scores, gaps, frames={"group rates": _rates_frame(models), "group differences": table})


def differences(models: GroupModels) -> pd.DataFrame:
    """Return one row a sensitive column and model: the two differences between its groups.

    They are what fairlearn's `equalized_odds_difference` and `demographic_parity_difference` return.
    """
    rows = []
    for (column, name), frame in models.rates.items():
        gap = frame.difference(method="between_groups")
        rows.append((column, name, max(gap["TPR"], gap["FPR"]), gap["selection rate"]))
    frame = pd.DataFrame(rows, columns=["column", "design", ODDS.metric, PARITY.metric])
    return frame.astype({"column": object, ODDS.metric: float, PARITY.metric: float})


def _rates_frame(models: GroupModels) -> pd.DataFrame:
    """Return one row a group and model: who is flagged, who of those with the level, who of those without it."""
    labels = {column: [models.groups[j].label for j in own] for column, own in models.columns()}
    parts = [
        frame.by_group.assign(column=column, group=labels[column], design=name)
        for (column, name), frame in models.rates.items()
    ]
    return pd.concat(parts, ignore_index=True)[["column", "group", "design", *_RATES]]


def _drawn(models: GroupModels, name: str, columns: list) -> tuple[np.ndarray, np.ndarray]:
    """Return both differences under each set of weights, (n_replicates, n_columns): one matrix product a rate."""
    outcome, flagged = models.task.outcome(models.test), models.flagged[name]
    among = {"TPR": outcome, "FPR": ~outcome, "selection rate": np.ones(len(outcome), dtype=bool)}
    spread = {}
    for rate, those in among.items():
        caught, all_of = (models.weights @ (models.members & who[:, None]) for who in (those & flagged, those))
        share = np.divide(caught, all_of, out=np.full(caught.shape, np.nan), where=all_of > 0)
        spread[rate] = np.column_stack([np.ptp(share[:, own], axis=1) for _, own in columns])
    return np.maximum(spread["TPR"], spread["FPR"]), spread["selection rate"]


def group_utility(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    target: str | None = None,
    sensitive: Sequence | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Train on real and on synthetic records, and test both models on the real people of each group.

    Gradient boosting learns the commonest level of the target (of two levels the rarer one), or the
    number itself, from equally many records of both tables.

    Parameters
    ----------
    train, synthetic, holdout : Dataset or DataFrame
    target : str, optional
        Column predicted; by default the target of any of the Datasets.
    sensitive : sequence of str, optional
        Columns that describe groups; by default those that train declares.
    random_state : int

    Returns
    -------
    DataFrame
        One row a group with at least 100 train and 50 holdout records: ``column``, ``group``,
        ``records`` tested, ``TRTR`` and ``TSTR`` (AUROC, 0 to 1, or R2), ``low`` and ``high`` (95 %
        interval of TSTR, drawing subjects again), and ``gap``: what the group loses beyond what all
        people lose.

    Raises
    ------
    ShdError
        Where there is no target, it cannot be tested, or no group is large enough.

    References
    ----------
    Bhanot et al. (2021), *The Problem of Fairness in Synthetic Healthcare Data*, Entropy,
    doi 10.3390/e23091165.
    """
    return utility_frame(_train_on(train, synthetic, holdout, target, sensitive, random_state))


def odds_differences(
    train: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    holdout: Dataset | pd.DataFrame | Coded,
    target: str | None = None,
    sensitive: Sequence | None = None,
    random_state: int = 0,
) -> pd.DataFrame:
    """Return how unequally groups are treated by models trained on real and on synthetic records.

    Both models flag as large a share of the real test records as has the level in train. The
    equalised odds difference is the largest difference between groups in the share found among
    those who have the level, or flagged among those who do not; the demographic parity difference
    that in the share flagged at all.

    Parameters
    ----------
    train, synthetic, holdout, target, sensitive, random_state
        As in `group_utility`; the target must be a category.

    Returns
    -------
    DataFrame
        One row a column and design (``TRTR``, ``TSTR``): ``equalised odds difference`` and
        ``demographic parity difference``, 0 (all groups alike) to 1.

    Raises
    ------
    ShdError
        As in `group_utility`, and where the target is a number.

    References
    ----------
    Hardt, Price, Srebro (2016), *Equality of Opportunity in Supervised Learning*, arXiv 1610.02413.
    Computed by fairlearn: Weerts et al. (2023), *Fairlearn: Assessing and Improving Fairness of AI
    Systems*, arXiv 2303.16626.
    """
    models = _train_on(train, synthetic, holdout, target, sensitive, random_state)
    if not models.task.is_level:
        raise ShdError(f"target {models.task.target!r} is a number; differences of odds take a category.")
    return differences(models)


def utility_frame(models: GroupModels) -> pd.DataFrame:
    """Return one row a group; see `group_utility`."""
    real, synthetic = models.scores["TRTR"], models.scores["TSTR"]
    low, high = interval(synthetic[0], synthetic[1:], most=1)
    lost = real[0] - synthetic[0]
    facts = {
        "records": models.members.sum(axis=0),
        "TRTR": real[0, :-1],
        "TSTR": synthetic[0, :-1],
        "low": low[:-1],
        "high": high[:-1],
        "gap": lost[:-1] - lost[-1],
    }
    return by_group(models.groups, facts)


def _train_on(
    train: object, synthetic: object, holdout: object, target: str | None, sensitive: object, random_state: int
) -> GroupModels:
    given = {"train": train, "synthetic": synthetic, "holdout": holdout}
    target = target or next((t for t in (role_of(d, "target") for d in given.values()) if t), None)
    coded, groups = prepare_groups(given, sensitive)
    if target not in coded[0].names or len(coded[0].names) < 2:
        raise ShdError(f"target={target!r} is not a column that all tables have; name one of {coded[0].names[:6]}.")
    real, made, test = (with_known_target(table, target) for table in coded)
    tasks, skipped = find_tasks(test, test, target)
    if not tasks or not len(real) or not len(made):
        raise ShdError(f"target {target!r}: {skipped[0].why if skipped else 'a table has no record with it'}.")
    models = train_models(tasks[0], groups, {"TRTR": real, "TSTR": made}, test, random_state=random_state)
    if not models.groups:
        raise ShdError(f"no group has {FEWEST} records to test on and enough of {tasks[0].label!r}; give more records.")
    return models
