"""Recipes: an estimator together with the variables it is used on, ready to be declared as a finding."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from shd.compare.findings import estimators
from shd.compare.findings.finding import Estimate, Finding, Need, NoEstimateError, Variable, Variables, prepare
from shd.dataset import Dataset

_ROBUST = "cluster-robust by patient where patients have several stays"


@dataclass(frozen=True, eq=False)
class Recipe:
    """How an estimate is made: callable on a table or its variables, with what it needs and its method in words."""

    run: Callable[[Variables], Estimate]
    columns: tuple[Need, ...]
    method: str

    def __call__(self, data: Dataset | Variables) -> Estimate:
        """Return the estimate of a table."""
        return self.run(prepare(data))


def odds(outcome: Variable, exposure: Variable, adjust: Sequence[Variable] = (), among: Variable | None = None):
    """Return a recipe for the odds ratio of an outcome by an exposure, adjusted for other variables."""
    method = f"logistic regression (statsmodels Logit), errors {_ROBUST}"
    return _adjusted(estimators.odds_ratio, method, outcome, exposure, adjust, among)


def rates(outcome: Variable, exposure: Variable, adjust: Sequence[Variable] = (), among: Variable | None = None):
    """Return a recipe for the ratio of the means of a count."""
    method = f"Poisson regression (statsmodels GLM) with robust errors, {_ROBUST}"
    return _adjusted(estimators.rate_ratio, method, outcome, exposure, adjust, among)


def ranks(first: Variable, second: Variable) -> Recipe:
    """Return a recipe for a rank correlation."""
    method = "Spearman's correlation (scipy) with Fisher's interval"
    return _plain(estimators.rank_correlation, method, first, second)


def together(first: Variable, second: Variable) -> Recipe:
    """Return a recipe for how many times more often two things stand together than by chance."""
    return _plain(estimators.lift, f"observed over expected, interval by the delta method, {_ROBUST}", first, second)


def share(outcome: Variable, reference: float = 0.5) -> Recipe:
    """Return a recipe for the share that has an outcome, less a reference."""

    def run(v: Variables) -> Estimate:
        return estimators.share_beyond(v(outcome), reference, v.subjects)

    return Recipe(run, outcome.needs, f"a share with a normal interval, {_ROBUST}")


def terms(
    model: Callable[[Variables], estimators.Fit], columns: tuple[Need, ...], *names: str, less: tuple[str, ...] = ()
) -> Recipe:
    """Return a recipe for terms of a model that several findings share, summed; it is fitted once a table."""

    def run(v: Variables) -> Estimate:
        return v.model(model).contrast(*names, less=less)

    return Recipe(run, columns, f"terms of one logistic regression (statsmodels Logit), errors {_ROBUST}")


def declare(
    code: str,
    label: str,
    expected: str,
    recipe: Recipe,
    question: str,
    estimand: str,
    *,
    theme: str,
    source: str,
    population: str = "all records",
    note: str = "",
) -> Finding:
    """Return a `Finding` whose columns and method are those of its recipe."""
    words = (question, population, estimand, recipe.method, expected, source)
    return Finding(code, theme, label, *words, recipe.columns, recipe, note)


def covariates(v: Variables, adjust: Sequence[Variable]) -> pd.DataFrame:
    """Return the terms of some variables: numbers as they are, categories by their levels; see `dummies`."""
    found = []
    for variable in adjust:
        values = v(variable)
        is_category = isinstance(values, pd.Series)
        found.append(estimators.dummies(values) if is_category else pd.Series(values, name=f"term {len(found)}"))
    return pd.concat(found, axis=1)


def _adjusted(method: Callable, words: str, outcome, exposure, adjust, among) -> Recipe:
    def run(v: Variables) -> Estimate:
        y, x = v(outcome), v(exposure)
        rows = slice(None) if among is None else np.flatnonzero(v(among) == 1)
        if among is not None and len(rows) == 0:
            raise NoEstimateError("no record belongs to the population.")
        others = None if not adjust else covariates(v, adjust).iloc[rows].reset_index(drop=True)
        return method(y[rows], x[rows], others, None if v.subjects is None else v.subjects[rows])

    variables = (outcome, exposure, *adjust, *(() if among is None else (among,)))
    return Recipe(run, _needs(variables), words)


def _plain(method: Callable, words: str, first: Variable, second: Variable) -> Recipe:
    def run(v: Variables) -> Estimate:
        return method(v(first), v(second), v.subjects)

    return Recipe(run, _needs((first, second)), words)


def _needs(variables: Sequence[Variable]) -> tuple[Need, ...]:
    return tuple(dict.fromkeys(need for variable in variables for need in variable.needs))
