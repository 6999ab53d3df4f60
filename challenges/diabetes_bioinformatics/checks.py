"""The five exercises: planted findings, records and chances, and the checks of what answers make of them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.stats import false_discovery_control

from shd.hackathon import Exercise, number, several, word, words

_EXACT = 1e-6


# --- 1: what is lost?

lost = Exercise(
    "lost",
    1,
    visible_points=1,
    hidden_points=2,
    returns=words(),
    hints=(
        "Three conditions hold at once: it counts, held-out patients replicate it, and no cut of the table does.",
        'Add up the column "replicated" over all cuts: what is lost for good has the sum 0. Join conditions with &.',
        'never = sum(cut["replicated"] for cut in cuts) == 0, then by_holdout.loc[... & ... & never, "code"].tolist()',
    ),
)


@lost.planted
def cuts_of_a_table(seed: int) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    """Sixty findings in twenty cuts: some are never there, some come and go."""
    rng = np.random.default_rng([1, seed])
    codes = [f"PF{k:02d}" for k in range(60)]
    counted = rng.random(60) < 0.8
    often = rng.choice([0.0, 0.3, 1.0], 60, p=[0.3, 0.4, 0.3])

    def cut(chance: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"code": codes, "counted": counted, "replicated": counted & (rng.random(60) < chance)})

    return [cut(often) for _ in range(20)], cut(np.full(60, 0.7))


@lost.visible
def three_conditions_at_once(found: list[str], cuts: list[pd.DataFrame], by_holdout: pd.DataFrame) -> str | None:
    """Each condition that was left out is told."""
    given, known = set(found), by_holdout.set_index("code")
    if not given <= set(known.index):
        return 'Some of these are no codes; by_holdout.loc[..., "code"].tolist() gives codes.'
    ever = pd.concat(cuts).groupby("code")["replicated"].any()
    should = set(known.index[known["counted"] & known["replicated"] & ~ever[known.index]])
    if given == should:
        return None
    if given & set(known.index[~known["counted"]]):
        return "Some of these do not count: the first table does not show them itself."
    if given & set(known.index[~known["replicated"]]):
        return "Some of these the held-out patients do not replicate either: so few records cannot show them."
    if given & set(ever.index[ever]):
        return "Some of these come back in another cut. Lost for good is what no cut replicates."
    return f"{len(should - given)} more are lost."


# --- 2: an odds ratio by hand

odds = Exercise(
    "odds",
    2,
    visible_points=1,
    hidden_points=2,
    returns=number(0),
    hints=(
        "Four fields: both, only the one, only the other, none. All three places of a diagnosis count.",
        'frame[["diag_1", "diag_2", "diag_3"]].isin(codes).any(axis=1) says who has one; pd.crosstab counts them.',
        "Table2x2(pd.crosstab(has_one, has_other).to_numpy()).oddsratio",
    ),
)


@odds.planted
def records_with_three_places(seed: int) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Records with codes in three places, two of which go together."""
    rng = np.random.default_rng([2, seed])
    together = rng.random(300) < 0.3
    places = {f"diag_{k}": rng.choice(["428", "585", "403", "250", "786"], 300) for k in (1, 2, 3)}
    frame = pd.DataFrame(places)
    frame.loc[together, "diag_3"] = rng.choice(["428", "585"], together.sum())
    frame.loc[rng.random(300) < 0.5, ["diag_1", "diag_2"]] = "250"
    return frame, ["428"], [["585", "403"], ["403", "786"]][seed % 2]


@odds.visible
def four_fields(found: float, frame: pd.DataFrame, one: list[str], other: list[str]) -> str | None:
    """The usual mistakes have numbers of their own."""
    places = frame[["diag_1", "diag_2", "diag_3"]]

    def ratio(table: pd.DataFrame, first: list[str], second: list[str]) -> float:
        a, b = table.isin(first).any(axis=1), table.isin(second).any(axis=1)
        return (a & b).sum() * (~a & ~b).sum() / ((a & ~b).sum() * (~a & b).sum())

    right = ratio(places, one, other)
    if abs(found - right) < _EXACT * right:
        return None
    mistakes = {
        1 / right: "Upside down: an odds ratio above 1 says that the two go together.",
        ratio(places[["diag_1"]], one, other): "Only the first place is counted; there are three.",
        ratio(places, one, other[:1]): "Only the first code of the other is counted.",
        ratio(places, one, ["585", "403"]): "It counts other codes than those that were asked for.",
    }
    near = (said for value, said in mistakes.items() if abs(found - value) < _EXACT)
    return next(near, f"{found:.4f} is not it for this table. Are all three places counted, and all codes?")


# --- 3: links out of nothing

links = Exercise(
    "links",
    3,
    visible_points=1,
    hidden_points=2,
    returns=several(("before the correction", number(0)), ("after it", number(0))),
    hints=(
        "The first number needs no correction: how many are below 0.05?",
        "For the second, scipy.stats.false_discovery_control turns p into q, the share of false finds that you accept.",
        "(p < 0.05).sum(), (false_discovery_control(p) < 0.05).sum()",
    ),
)


@links.planted
def chances(seed: int) -> tuple[np.ndarray]:
    """The p of many pairs of which some are linked."""
    rng = np.random.default_rng([3, seed])
    linked = int(rng.integers(5, 30))
    return (rng.permutation(np.concatenate([rng.random(400), rng.random(linked) * 10 ** -rng.uniform(2, 5)])),)


@links.visible
def before_and_after(found: list, p: np.ndarray) -> str | None:
    """Benjamini and Hochberg's correction (1995), and the usual mistakes."""
    before, after = found
    should = int((p < 0.05).sum()), int((false_discovery_control(p) < 0.05).sum())
    if (before, after) == should:
        return None
    if (after, before) == should:
        return "The two are the wrong way round: a correction for many looks cannot add links."
    if before != should[0]:
        return f"The first is not {before:g}: count the p below 0.05."
    if after == int((p < 0.05 / len(p)).sum()):
        return "The second is Bonferroni's correction; Benjamini and Hochberg's is asked for."
    return f"The second is not {after:g}."


# --- 4: at one size

size = Exercise(
    "size",
    4,
    visible_points=1,
    hidden_points=2,
    returns=several(("held-out", number(0, 1)), ("synthetic", number(0, 1))),
    hints=(
        "More records show more. What would make the two rates comparable?",
        "replicate takes records=: give both the size of the smaller table.",
        "fewest = min(len(holdout), len(synthetic)), and rate(replicate(train, table, records=fewest)) for each table.",
    ),
)


@size.planted
def rates_by_size(seed: int) -> tuple[Callable, Callable, str, list[int], list[int]]:
    """A `replicate` that finds more in larger tables, and a `rate` that says how much."""
    rng = np.random.default_rng([4, seed])
    few, many = sorted(int(n) for n in rng.choice(np.arange(50, 400), 2, replace=False))
    worth = {"holdout": rng.uniform(0.5, 0.6), "synthetic": rng.uniform(0.3, 0.4)}
    tables = {"holdout": [1] * few, "synthetic": [2] * many}
    if seed % 2:  # the synthetic table is the smaller one
        tables = {"holdout": [1] * many, "synthetic": [2] * few}
    names = {1: "holdout", 2: "synthetic"}

    def replicate(train: str, table: list[int], records: int | None = None) -> tuple[str, int]:
        return names[table[0]], min(records or len(table), len(table))

    def rate(found: tuple[str, int]) -> float:
        name, records = found
        return worth[name] + records / 1000

    return replicate, rate, "train", tables["holdout"], tables["synthetic"]


@size.visible
def both_at_the_size_of_the_smaller(found: list, replicate, rate, train, holdout, synthetic) -> str | None:
    """The rates of the whole tables have numbers of their own."""
    fewest = min(len(holdout), len(synthetic))
    right = [rate(replicate(train, table, records=fewest)) for table in (holdout, synthetic)]
    whole = [rate(replicate(train, table)) for table in (holdout, synthetic)]
    if np.allclose(found, right, rtol=0, atol=_EXACT):
        return None
    if np.allclose(found, whole, rtol=0, atol=_EXACT):
        return "The larger table wins by its size: cut both to the size of the smaller one."
    if np.allclose(found[::-1], right, rtol=0, atol=_EXACT):
        return "The two are the wrong way round: held-out patients first."
    return "At least one of the two rates is not that of as many records as the smaller table has."


# --- 5: whom would you believe?

_GROUPS = (
    "own controls",
    "few own controls",
    "held-out controls",
    "synthetic controls",
    "controls of independent columns",
)

controls = Exercise(
    "controls",
    5,
    visible_points=1,
    hidden_points=1,
    returns=word(*_GROUPS),
    hints=(
        "Weighting alone; a bias has a sign, and the size of the bias has none.",
        'Take the rows with method "weighting" whose bias is not missing, and the largest absolute bias.',
        'weighted.loc[weighted["bias"].abs().idxmax(), "controls"]',
    ),
)


@controls.planted
def arms_of_a_trial(seed: int) -> tuple[pd.DataFrame]:
    """Three methods and five control groups; the largest bias by weighting is below 0, another method's is larger."""
    rng = np.random.default_rng([5, seed])
    rows = []
    for method in ("raw", "weighting", "g-computation"):
        bias = rng.normal(0, 0.3, 5) if method == "weighting" else rng.normal(0, 2, 5)
        bias[0] = 0
        if method == "weighting":
            bias[rng.integers(1, 5)] = -1.5
        rows += [{"method": method, "controls": name, "bias": b} for name, b in zip(_GROUPS, bias, strict=True)]
    arms = pd.DataFrame(rows)
    gone = arms.index[(arms["method"] == "weighting") & arms["bias"].between(-1, -1e-9)]
    arms.loc[gone[:1], "bias"] = np.nan
    return (arms.sample(frac=1, random_state=seed),)


@controls.visible
def largest_by_weighting(found: str, arms: pd.DataFrame) -> str | None:
    """The usual mistakes lead to other groups."""
    weighted = arms[arms["method"] == "weighting"].dropna(subset="bias").set_index("controls")["bias"]
    if found == weighted.abs().idxmax():
        return None
    if found == "own controls":
        return "The bias of the own controls is 0 by definition: the others are measured against them."
    if found == weighted.idxmax():
        return "That is the largest bias above 0; one below 0 is larger without its sign."
    return f"{found!r} is not the group with the largest bias by weighting."
