"""Groups of people beside train: how many they are, how alike, and how near synthetic records come to them.

Small groups differ by chance alone: columns of a group are compared on equally many synthetic and held-out records, and
once more on as many of all people. Each synthetic record belongs to the group of the real record nearest to it, be that
in train or in the holdout: counted for its nearest train record alone, rare groups would fall below 0.5 for no other
reason than that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from shd._parallel import in_parallel
from shd.compare.core.attacks import as_many_people
from shd.compare.core.chance import bootstrap_weights, deal, generator, sample_records, subject_weights
from shd.compare.core.gower import Gower
from shd.compare.core.score import NO_GUARANTEE, Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, Column
from shd.compare.fairness.groups import FEWEST, Group, by_group, members
from shd.compare.fairness.worst_group import Judged, Measure, describe_choice, find_gaps, worst_gap, write_points
from shd.compare.fidelity.columns import column_distances

SHARES = Measure("group shares", 0.10, 0.25)  # of the group's share in train
DISTANCES = Measure("group fidelity", 0.02, 0.06)  # of the mean column distance
NEARNESS = Measure("group DCR share", 0.05, 0.10, "at 0.5", 0.5)
_ROWS, _NEAREST = 4000, 3000  # most records of a group whose columns are compared; whose nearest is looked for
_REAL = 20_000  # most real records a side to look for it in
_BLOCKS, _REPLICATES, _GRID = 200, 200, 64


def judge_shares(sides: Sides, groups: Sequence[Group]) -> Judged:
    """Compare how many there are of each group."""
    tables = _tables(sides, "train", "synthetic", "floor", "holdout")
    is_in = {name: members(groups, table) for name, table in tables.items()}
    share = {name: own.mean(axis=0) for name, own in is_in.items()}
    gap = {name: np.abs(own / share["train"] - 1) for name, own in share.items()}
    rng = generator(sides.random_state, "group shares")
    real, made = (_drawn_shares(tables[name], is_in[name], rng) for name in ("train", "synthetic"))
    drawn = (made - real) / share["train"]  # not made / real: a ratio of small groups is skewed
    gaps = find_gaps(
        SHARES, [group.name for group in groups], gap["synthetic"], drawn, gap["floor"], gap.get("holdout"), least=0
    )
    worst = worst_gap(gaps)
    j = worst.at
    other = f" (of other {sides.word} records {share['holdout'][j]:.1%})" if "holdout" in tables else ""
    sentence = (
        f"{groups[j]} makes up {share['train'][j]:.1%} of the {sides.word} records learned from and "
        f"{share['synthetic'][j]:.1%} of the synthetic ones{other}: {worst.value:.0%} off.{describe_choice(gaps)}"
    )
    facts = by_group(groups, {"share train": share["train"], "share synthetic": share["synthetic"]})
    return Judged([worst.score(sentence)], gaps, facts)


def _tables(sides: Sides, *names: str) -> dict[str, Coded]:
    return {name: table for name in names if (table := getattr(sides, name)) is not None}


def _drawn_shares(table: Coded, is_in: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Share of each group with the records drawn again by blocks of subjects, shape (n_replicates, n_groups)."""
    block, weights = _blocks(table, rng)
    counts = np.stack([np.bincount(block, own, minlength=weights.shape[1]) for own in is_in.T], axis=1)
    return (weights @ counts) / (weights @ np.bincount(block))[:, None]


def _blocks(table: Coded, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return the block of each record and how often each block is drawn, (n_replicates, n_blocks)."""
    block = deal(table.subjects, min(_BLOCKS, len(table)), rng)
    return block, bootstrap_weights(int(block.max()) + 1, _REPLICATES, rng)


def judge_distances(sides: Sides, groups: Sequence[Group]) -> Judged:
    """Compare how alike the columns are within each group."""
    if len(sides.train.names) < 2:
        return Judged(skipped=[Skipped(DISTANCES.metric, "the table has no column beside the sensitive one")])
    tables = _tables(sides, "train", "synthetic", "floor", "holdout")
    found = _measure_distances(sides, groups, tables)
    gap = {name: np.array([f.gap(name) for f in found]).T for name in ("synthetic", "floor")}
    ceiling = np.zeros(len(groups)) if "holdout" in tables else None
    value, drawn = gap["synthetic"][0], gap["synthetic"][1:]
    gaps = find_gaps(DISTANCES, [group.name for group in groups], value, drawn, gap["floor"][0], ceiling, -1, 1)
    worst = worst_gap(gaps)
    j = worst.at
    other = f" (other {sides.word} people: {found[j].reference:.1%})" if "holdout" in tables else ""
    sentence = (
        f"Within {groups[j]} about {found[j].distance:.1%} of the records would have to change in each column for "
        f"synthetic and {sides.word} ones to agree{other}. That is {write_points(worst.value)} points more than "
        f"among all people, chance left out (columns that ignore the group: {write_points(worst.floor)})."
        f"{describe_choice(gaps)}"
    )
    own = {"fidelity": [f.distance for f in found], "fidelity reference": [f.reference for f in found]}
    return Judged([worst.score(sentence)], gaps, by_group(groups, own))


@dataclass(frozen=True, eq=False)
class GroupDistance:
    """Mean column distance of other tables from train, within a group and among as many of all people.

    Of each table the distance, and the same with all records drawn again, (1 + n_replicates,).
    """

    inside: dict[str, np.ndarray]
    outside: dict[str, np.ndarray]

    @property
    def distance(self) -> float:
        """That of the synthetic records of the group."""
        return float(self.inside["synthetic"][0])

    @property
    def reference(self) -> float:
        """That of held-out people of the group; NaN without a holdout."""
        return float(self.inside["holdout"][0]) if "holdout" in self.inside else np.nan

    def gap(self, name: str) -> np.ndarray:
        """Return the distance beyond that of held-out people, less the same among all people."""
        none = np.full(1 + _REPLICATES, np.nan)
        inside, outside = (side.get(name, none) - side.get("holdout", 0.0) for side in (self.inside, self.outside))
        return inside - outside


def _measure_distances(sides: Sides, groups: Sequence[Group], tables: dict[str, Coded]) -> list[GroupDistance]:
    """Measure each group against train, on equally many records of synthetic and holdout."""
    rows = sides.most(_ROWS)

    def of_group(group: Group) -> GroupDistance:
        rng = generator(sides.random_state, f"group distances {group}")
        own = {name: table.take(group.is_in(table)) for name, table in tables.items()}
        n = min(rows, *(len(own[name]) for name in own if name not in ("train", "floor")))
        sizes = {name: min(rows if name == "train" else n, len(table)) for name, table in own.items()}
        cut = [{name: sample_records(t, sizes[name], rng) for name, t in side.items()} for side in (own, tables)]
        return GroupDistance(*(_mean_distances(side, group.at, rng) for side in cut))

    return in_parallel(of_group, groups)


def _mean_distances(tables: dict[str, Coded], without: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Mean column distance of each other table from train: its value, and the same with all drawn again."""
    train = tables["train"]
    others = [name for name in tables if name != "train" and len(tables[name])]
    exact = {name: np.delete(column_distances(train, tables[name]).to_numpy(), without).mean() for name in others}
    drawn_by = {name: _blocks(tables[name], rng) for name in ("train", *others)}
    drawn = dict.fromkeys(others, 0.0)
    for j in np.delete(np.arange(len(train.columns)), without):
        column = train.columns[j]
        edges = _edges(train.values[:, j], column)
        shares = {}
        for name, (block, weights) in drawn_by.items():
            shares[name] = _level_shares(tables[name].values[:, j], edges, block, weights)
        for name in others:
            gap = shares[name] - shares["train"]
            distance = np.abs(gap.cumsum(axis=1)).max(axis=1) if column.is_number else np.abs(gap).sum(axis=1) / 2
            drawn[name] = drawn[name] + distance / (len(train.columns) - 1)
    return {name: np.append(exact[name], drawn[name]) for name in others}


def _edges(values: np.ndarray, column: Column) -> np.ndarray:
    """Return codes of levels, or a grid of a column's numbers."""
    if not column.is_number:
        return np.arange(1, len(column.levels))
    known = values[~np.isnan(values)]
    return np.unique(np.quantile(known, np.linspace(0, 1, _GRID), method="nearest")) if len(known) else np.zeros(1)


def _level_shares(values: np.ndarray, edges: np.ndarray, block: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Share of records between edges (missing is the lowest) under each set of block weights."""
    code = np.searchsorted(edges, np.where(np.isnan(values), -np.inf, values), side="right")
    n_codes, n_blocks = len(edges) + 1, weights.shape[1]
    counts = np.bincount(block * n_codes + code, minlength=n_blocks * n_codes).reshape(n_blocks, n_codes)
    drawn = weights @ counts
    return drawn / drawn.sum(axis=1, keepdims=True)


def judge_nearness(sides: Sides, groups: Sequence[Group]) -> Judged:
    """Compare whose records synthetic ones come near to."""
    if sides.holdout is None:
        return Judged(skipped=[Skipped(NEARNESS.metric, "takes a holdout: compare(..., holdout=...)")])
    holdout = sides.holdout
    records, share, drawn = _nearness(sides, groups, sides.synthetic, holdout)
    _, floor, _ = _nearness(sides, groups, sides.floor, holdout, again=False)
    half = deal(holdout.subjects, 2, generator(sides.random_state, "group halves")) == 0
    ceiling = np.full(len(groups), np.nan)
    if 0 < half.sum() < len(half):
        _, ceiling, _ = _nearness(sides, groups, holdout.take(half), holdout.take(~half), again=False)
    value = np.where(records >= FEWEST, share, np.nan)
    gaps = find_gaps(NEARNESS, [group.name for group in groups], value, drawn, floor, ceiling, 0, 1)
    if not gaps:
        why = f"fewer than {FEWEST} synthetic records are nearest to people of any group"
        return Judged(skipped=[Skipped(NEARNESS.metric, why)])
    worst = worst_gap(gaps)
    other = f"; other {sides.word} records: {worst.ceiling:.0%}" if worst.ceiling is not None else ""
    sentence = (
        f"Of the synthetic records nearest to people of {worst}, {worst.value:.0%} lie nearer to one learned from than "
        f"to one held out (ideal: 50%; interval {worst.low:.0%} to {worst.high:.0%}{other}).{describe_choice(gaps)} "
        f"{NO_GUARANTEE}"
    )
    return Judged([worst.score(sentence)], gaps, by_group(groups, {"DCR share": value}))


def _nearness(
    sides: Sides, groups: Sequence[Group], records: Coded, holdout: Coded, again: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return how many records are nearest to each group, the share of them nearer to train, and replicates of it.

    Train and holdout are cut to as many people, who are drawn again: one whom many records come near to counts as one.
    """
    rng, gower = generator(sides.random_state, "group nearness"), Gower.of(sides.train)
    records = sample_records(records, sides.most(_NEAREST), rng)
    real = as_many_people(sides.train, holdout, _REAL, rng)
    (to_train, in_train), (to_holdout, in_holdout) = (_closest(gower, records, side) for side in real)
    nearer = (1 + np.sign(to_holdout - to_train).astype(float)) / 2  # a tie counts half for both sides
    at = (in_train, in_holdout)
    # what each side counts for each group, by the record that it was found at
    counts = [
        members(groups, side)[rows] * weight[:, None]
        for side, rows, weight in zip(real, at, (nearer, 1 - nearer), strict=True)
    ]
    ours, theirs = (count.sum(axis=0) for count in counts)
    if not again:
        return ours + theirs, _share(ours, theirs), np.empty((0, len(groups)))
    weights = [subject_weights(side.subjects, _REPLICATES, rng)[:, rows] for side, rows in zip(real, at, strict=True)]
    drawn = _share(*(weight @ count for weight, count in zip(weights, counts, strict=True)))
    return ours + theirs, _share(ours, theirs), drawn


def _share(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    return np.divide(ours, ours + theirs, out=np.full(ours.shape, np.nan), where=ours + theirs > 0)


def _closest(gower: Gower, records: Coded, real: Coded) -> list[np.ndarray]:
    """Return the distance of each record to its nearest real one, and which that is."""
    return [found[:, 0] for found in gower.nearest_few(records, real, 1)]
