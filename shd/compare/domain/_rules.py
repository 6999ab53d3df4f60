"""Do the rules of the ward hold? Association rules, "if this, then that", of two tables side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import hypergeom
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from shd._errors import ShdError
from shd.compare.core.chance import generator, subsample
from shd.compare.domain._phenotypes import VISITS, years
from shd.compare.domain.networks import drug_columns, drugs_taken, first_records
from shd.dataset import Dataset
from shd.datasets.diabetes import DIAGNOSES
from shd.datasets.diabetes_cohort import title

_MOST_LEVELS, _CHUNK = 30, 250  # levels of a column that make items; pairs of conditions counted at a time
_KEY = ["first", "second", "then"]
_VALUES = [f"{value}{bound}" for value in ("support", "confidence", "lift") for bound in ("", " low", " high")]


def association_rules(
    dataset: Dataset | pd.DataFrame,
    least_support: float = 0.02,
    least_confidence: float = 0.3,
    least_lift: float = 1.1,
    least_gain: float = 0.05,
    most: int = 200,
    trivial: bool = False,
    without: Sequence[str] = (),
) -> pd.DataFrame:
    """Find rules "if this, then that" in the records, with one or two conditions (Apriori).

    Items are the levels of clinical columns, age in three bands, drugs taken, diagnoses in any of the three
    places as their levels stand, and whether there were visits in the year before. A rule's support is the
    share of records with all of it, its confidence the share of those with the conditions that have the
    consequence, its lift that over the share of all records that have it.

    Parameters
    ----------
    dataset : Dataset or DataFrame
        The first record of each subject counts.
    least_support, least_confidence, least_lift : float
        What a rule has at least: 0 to 1, 0 to 1, from 1.
    least_gain : float
        Confidence that a second condition must add to the better one alone; else it is no rule of its own.
    most : int
        Most rules, those furthest from chance first.
    trivial : bool
        Whether to keep rules that hold by definition (a drug taken, a change of dose and diabetesMed follow
        from each other) or conclude who the patient is (age, gender, race).
    without : sequence of str
        Columns whose items are left out; ``"diagnosis"`` for those.

    Returns
    -------
    pandas.DataFrame
        One row a rule: first, second (conditions, ``"column=level"``; second is "" where there is one), then,
        records, support, support low, support high, confidence, ... low, ... high, lift, ... low, ... high, gain
        (NaN with one condition), p (Fisher's exact, one-sided), q (Benjamini and Hochberg over all rules with
        the support), trivial. Intervals are of 95 %: Wilson's, of the lift by the delta method.

    Raises
    ------
    ShdError
        Where there are no items, or `least_support` is not above 0 and at most 1.

    References
    ----------
    Agrawal and Srikant (1994), *Fast Algorithms for Mining Association Rules*. Bayardo, Agrawal, Gunopulos
    (1999) on gain, doi 10.1109/ICDE.1999.754924.
    """
    if not 0 < least_support <= 1:
        raise ShdError(f"least_support={least_support} is not above 0 and at most 1, for example 0.02.")
    items, has = _items(first_records(dataset), without)
    found = _apriori(has, max(1, int(np.ceil(least_support * len(has) - 1e-9))))
    rules = _measured(items, has, found)
    if rules.empty:
        return rules
    rules["q"] = multipletests(rules["p"], method="fdr_bh")[1]
    keep = (rules["confidence"] >= least_confidence) & (rules["lift"] >= least_lift) & (rules["q"] < 0.05)
    keep &= ~(rules["gain"] < least_gain)
    rules = rules[keep & (trivial | ~rules["trivial"])]
    # of equally rare rules the stronger, of equally strong ones the commoner
    surprise = rules["support"] * np.log(rules["lift"])
    order = surprise.sort_values(ascending=False, kind="stable").index[:most]
    return rules.loc[order].reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class RuleComparison:
    """The rules of two tables side by side: see `compare_rules`.

    Parameters
    ----------
    rules : DataFrame
        first, second, then, status, and of either table its support, confidence and lift with bounds
        (``"real support low"``), and gap: the difference of the lifts (other - real) over its standard error.
    records : int
        Records a side.
    """

    rules: pd.DataFrame
    records: int

    @property
    def summary(self) -> pd.Series:
        """Return rules (of real), kept, changed, lost, invented, share kept, low, high (Wilson; NaN without rules)."""
        counts = self.rules["status"].value_counts().reindex(["kept", "changed", "lost", "invented"], fill_value=0)
        n, kept = int(counts[:3].sum()), int(counts["kept"])
        low, high = proportion_confint(kept, n, method="wilson") if n else (np.nan, np.nan)
        return pd.Series({"rules": n, **counts, "share kept": kept / n if n else np.nan, "low": low, "high": high})

    def worst(self, status: str, n: int = 10) -> pd.DataFrame:
        """Return the rules of a status that are furthest apart in lift, the worst first."""
        own = self.rules[self.rules["status"] == status]
        return own.loc[own["gap"].abs().sort_values(ascending=False, kind="stable").index[:n]].reset_index(drop=True)


def compare_rules(
    real: Dataset | pd.DataFrame,
    other: Dataset | pd.DataFrame,
    records: int | None = None,
    random_state: int = 0,
    **how: object,
) -> RuleComparison:
    """Say which rules of real records hold in another table, and which it has made up.

    A rule of real is "lost" where its lift in the other table may be 1 or less (its lower bound), "kept" where it
    is not and the intervals of support, confidence and lift all overlap, else "changed". A rule that is only the
    other table's is "invented" where an interval does not overlap; where all do, it missed a threshold by chance and
    is not listed.

    Parameters
    ----------
    real, other : Dataset or DataFrame
    records : int, optional
        Records a side, one a subject; by default as many as the smaller table has.
    random_state : int
        Which records are taken.
    **how
        See `association_rules`.

    Returns
    -------
    RuleComparison

    Raises
    ------
    ShdError
        See `association_rules`.
    """
    tables = [first_records(real, "real"), first_records(other, "other")]
    n = min(map(len, tables)) if records is None else min(records, *map(len, tables))
    rng = generator(random_state, "records of rules")
    tables = [table.iloc[subsample(len(table), n, rng)].reset_index(drop=True) for table in tables]
    sides = [association_rules(table, **how) for table in tables]
    rules = pd.concat([side[_KEY] for side in sides]).drop_duplicates(ignore_index=True)
    of_real = rules.merge(sides[0][_KEY].assign(real=True), how="left", on=_KEY)["real"].notna().to_numpy()
    values = []
    for name, table in zip(("real", "other"), tables, strict=True):
        items, has = _items(table, how.get("without", ()))
        values.append(_measured(items, has, _positions(items, rules))[_VALUES].add_prefix(f"{name} "))
    rules = pd.concat([rules, *values], axis=1)
    close = np.all(
        [
            (rules[f"real {v} low"] <= rules[f"other {v} high"]) & (rules[f"other {v} low"] <= rules[f"real {v} high"])
            for v in ("support", "confidence", "lift")
        ],
        axis=0,
    )
    there = (rules["other lift low"] > 1).to_numpy()
    rules["status"] = np.select(
        [of_real & close & there, of_real & there, of_real], ["kept", "changed", "lost"], "invented"
    )
    rules["gap"] = _gap(rules)
    return RuleComparison(rules[of_real | ~close].reset_index(drop=True), n)


def _items(frame: pd.DataFrame, without: Sequence[str]) -> tuple[list[str], np.ndarray]:
    """Return the items, ``"column=level"``, and which records have them, float32, shape (n, n_items)."""
    drugs = drug_columns(frame)
    found: dict[str, np.ndarray] = {}
    for name in frame.columns:
        values = frame[name]
        if name in DIAGNOSES or name in without:
            continue
        if name == "age":
            band = pd.cut(
                years(values), [-np.inf, 30, 60, np.inf], right=False, labels=["under 30", "30 to 60", "over 60"]
            )
            found |= {f"age={level}": (band == level).to_numpy() for level in band.cat.categories}
        elif name in drugs:
            found[f"{name}=taken"] = drugs_taken(frame, [name])[:, 0]
        elif name in VISITS:
            found[f"{name.removeprefix('number_')} visits before=any"] = (values > 0).to_numpy()
        elif values.dtype.kind not in "iufM" and values.nunique() <= _MOST_LEVELS:
            known = values.astype("object")
            found |= {f"{name}={level}": (known == level).to_numpy() for level in known.dropna().unique()}
    if "diagnosis" not in without and set(DIAGNOSES) <= set(frame.columns):
        places = [frame[name].astype("object") for name in DIAGNOSES]
        for level in sorted({level for place in places for level in place.dropna().unique()}):
            found[f"diagnosis={title(level)}"] = np.any([(place == level).to_numpy() for place in places], axis=0)
    found = {name: has for name, has in sorted(found.items()) if has.any()}
    if not found:
        raise ShdError("the table has no column with levels to make rules of; give one, or leave fewer out.")
    return list(found), np.column_stack(list(found.values())).astype(np.float32)


def _apriori(has: np.ndarray, least: int) -> np.ndarray:
    """Return positions of the conditions and the consequence of each rule that `least` records have, shape (m, 3).

    The second condition is -1 where there is one. Whatever is frequent consists of frequent parts, so that
    only frequent items and pairs are put together.
    """
    kept = np.flatnonzero(has.sum(axis=0) >= least)
    pairs = has[:, kept].T @ has[:, kept]
    np.fill_diagonal(pairs, 0)
    one = np.argwhere(pairs >= least)
    rules = [np.column_stack([kept[one[:, 0]], np.full(len(one), -1), kept[one[:, 1]]])]
    two = np.argwhere(np.triu(pairs) >= least)
    for start in range(0, len(two), _CHUNK):
        a, b = two[start : start + _CHUNK].T
        triples = (has[:, kept[a]] * has[:, kept[b]]).T @ has[:, kept]
        triples[np.arange(len(a)), a] = triples[np.arange(len(a)), b] = 0
        pair, then = np.nonzero(triples >= least)
        rules.append(np.column_stack([kept[a[pair]], kept[b[pair]], kept[then]]))
    return np.concatenate(rules)


def _positions(items: list[str], rules: pd.DataFrame) -> np.ndarray:
    """Return the rules as `_apriori` does; an item that the table lacks is one past the last."""
    at = {name: i for i, name in enumerate(items)} | {"": -1}
    names = rules[_KEY].to_numpy()
    return np.array([[at.get(name, len(items)) for name in rule] for rule in names], dtype=int).reshape(-1, 3)


def _measured(items: list[str], has: np.ndarray, rules: np.ndarray) -> pd.DataFrame:
    """Return support, confidence and lift of rules with their bounds; see `association_rules`."""
    n, names = len(has), np.array([*items, "(absent)", ""], dtype=object)
    has = np.pad(has, ((0, 0), (0, 1)))
    a, b, then = rules.T
    pairs = has.T @ has
    both = b >= 0
    # records with the conditions, and with all of the rule
    conditions = np.where(both, pairs[a, b], pairs[a, a]).round().astype(int)
    whole = np.where(both, _triples(has, a, b, then), pairs[a, then]).round().astype(int)
    gain = np.full(len(rules), np.nan)
    confidence = _over(whole, conditions)
    alone = np.maximum(_over(pairs[a, then], pairs[a, a]), _over(pairs[b, then], pairs[b, b]))
    gain[both] = (confidence - alone)[both]
    total = pairs[then, then].round().astype(int)
    lift = _over(confidence, total / n)
    frame = pd.DataFrame({"first": names[a], "second": np.where(both, names[b], ""), "then": names[then]})
    frame["records"] = whole
    frame["support"], frame["support low"], frame["support high"] = _share(whole, np.full(len(rules), n))
    frame["confidence"], frame["confidence low"], frame["confidence high"] = _share(whole, conditions)
    frame["lift"], frame["lift low"], frame["lift high"] = lift, *_lift_bounds(whole, conditions, total, n)
    p = hypergeom.sf(whole - 1, n, total, conditions)
    return frame.assign(gain=gain, p=np.clip(p, 0, 1), trivial=[_trivial(*own) for own in frame[_KEY].to_numpy()])


def _triples(has: np.ndarray, a: np.ndarray, b: np.ndarray, then: np.ndarray) -> np.ndarray:
    """Return how many records have three items, a pair of conditions counted once for all it leads to."""
    count = np.zeros(len(a))
    pairs, of_rule = np.unique(np.column_stack([a, b]), axis=0, return_inverse=True)
    of_rule = of_rule.ravel()
    for start in range(0, len(pairs), _CHUNK):
        i, j = pairs[start : start + _CHUNK].T
        here = (of_rule >= start) & (of_rule < start + len(i))
        count[here] = ((has[:, i] * has[:, j]).T @ has)[of_rule[here] - start, then[here]]
    return count


def _over(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Divide, 0 where there is nothing to divide by."""
    return np.divide(above, below, out=np.zeros(np.shape(above)), where=below > 0)


def _share(count: np.ndarray, of: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return shares with Wilson's bounds; 0 to 1 where there is nothing to take a share of."""
    low, high = proportion_confint(count, np.maximum(of, 1), method="wilson")
    return _over(count, of), np.where(of > 0, low, 0.0), np.where(of > 0, high, 1.0)


def _lift_bounds(whole: np.ndarray, a: np.ndarray, then: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return bounds of the lift: delta method on its logarithm, of three counts from one multinomial."""
    seen = (whole > 0) & (a > 0) & (then > 0)
    w, x, y = (np.where(seen, count, 1) / n for count in (whole, a, then))
    lift = w / (x * y)
    error = np.sqrt(((1 / w - 1 / x - 1 / y + 2 * lift - 1) / n).clip(0))
    # never seen together: at most 3.7 records could have been (exact Poisson bound)
    most = _over(np.full(len(whole), 3.69), a * then / n)
    most = np.where((a > 0) & (then > 0), most, np.inf)
    return np.where(seen, lift * np.exp(-1.96 * error), 0.0), np.where(seen, lift * np.exp(1.96 * error), most)


def _trivial(first: str, second: str, then: str) -> bool:
    """Whether a rule holds by definition, or concludes who the patient is."""
    columns = [item.split("=")[0] for item in (first, second, then)]
    if columns[2] in ("age", "gender", "race"):
        return True
    summary = [column in ("change", "diabetesMed") for column in columns]
    drug = [item.endswith("=taken") for item in (first, second, then)]
    return any((summary[2] and drug[i]) or (summary[i] and drug[2]) or (summary[2] and summary[i]) for i in (0, 1))


def _gap(rules: pd.DataFrame) -> np.ndarray:
    """Return the difference of the lifts, other - real, over its standard error, shape (m,)."""
    errors = [(rules[f"{s} lift high"] - rules[f"{s} lift low"]) / (2 * 1.96) for s in ("real", "other")]
    error = np.sqrt(errors[0] ** 2 + errors[1] ** 2).to_numpy()
    gap = (rules["other lift"] - rules["real lift"]).to_numpy()
    return np.divide(gap, error, out=np.zeros(len(gap)), where=error > 0)
