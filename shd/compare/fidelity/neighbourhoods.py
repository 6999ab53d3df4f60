"""Do synthetic records lie where real ones lie, and everywhere where they do? Precision, recall, density, coverage.

The neighbourhood of a record reaches to the k-th nearest record of its own table, in Gower's distance. Equal records
have neighbourhoods of no size, which still hold each other, so that a table may come to more than its ideal.
Kynkäänniemi et al. (2019), arXiv 1904.06991, on precision and recall; Naeem et al. (2020), arXiv 2002.09797, on
density and coverage.
"""

import numpy as np

from shd.compare.core.chance import equally_many, generator, subject_weights
from shd.compare.core.gower import Gower
from shd.compare.core.neighbourhoods import NEIGHBOURS, Regions, score_regions
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Skipped
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded

_ROWS = 3000
_WIDE, _ROWS_IF_WIDE = 100, 1000  # columns from which on fewer records are looked at, and how many
_REPLICATES = 50
_WHAT = "precision, recall, density, coverage"
_SAID = {
    "precision": "{value:.0%} of synthetic records are plausible: in the neighbourhood of some {word} one",
    "recall": "{value:.0%} of {word} records are in the neighbourhood of some synthetic one; the rest has no like",
    "density": "Around a {word} record there are {value:.2f} times as many synthetic records as there should be",
    "coverage": "{value:.0%} of {word} records have a synthetic one among their nearest neighbours",
}
_BESIDE = " (with other {word} records it is {ceiling}, with independent columns {floor})."


def measure(sides: Sides) -> Answer:
    """Compare neighbourhoods of real test records with synthetic records, and with floor and ceiling."""
    tables = {"synthetic": sides.synthetic, "floor": sides.floor, "ceiling": sides.fit}
    if min(len(sides.test), *map(len, tables.values())) <= NEIGHBOURS:
        return Answer(skipped=[Skipped(_WHAT, f"take more than {NEIGHBOURS} records a side")])
    rows = sides.most(_ROWS, _ROWS // 2) if len(sides.test.names) <= _WIDE else sides.most(_ROWS_IF_WIDE)
    rng = generator(sides.random_state, "records with neighbours")
    real, *others = equally_many([sides.test, *tables.values()], rows, rng)
    gower = Gower.of(sides.train)
    reach = _reach(gower, real)
    regions = {name: _regions(gower, real, other, reach) for name, other in zip(tables, others, strict=True)}
    rng = generator(sides.random_state, "neighbourhoods")
    weights = [subject_weights(table.subjects, _REPLICATES, rng) for table in (real, others[0])]
    return Answer(score_regions(regions, weights, _SAID, _BESIDE, sides.word))


def _reach(gower: Gower, table: Coded) -> np.ndarray:
    """Return the distance of each record to its k-th neighbour in the same table, shape (n,)."""

    def of_block(distance: np.ndarray, start: int) -> np.ndarray:
        return np.partition(distance, NEIGHBOURS, axis=1)[:, NEIGHBOURS]  # 0 is the record itself

    return np.concatenate(gower.map_blocks(table, table, of_block))


def _regions(gower: Gower, real: Coded, other: Coded, reach: np.ndarray) -> Regions:
    """Find who lies in whose neighbourhood; `reach` is that of the real records."""
    reach_other = _reach(gower, other)

    def of_block(distance: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
        return distance <= reach[start : start + len(distance), None], distance <= reach_other

    blocks = gower.map_blocks(real, other, of_block)
    return Regions(*(np.concatenate(part) for part in zip(*blocks, strict=True)), NEIGHBOURS)


QUESTION = Question(
    name="precision, recall, density, coverage",
    chapter="fidelity",
    measure=measure,
    weight=5,
    readme=("coverage",),
    words={
        "precision, recall, density, coverage": (
            "Neighbourhoods of records. Precision: synthetic ones that look like some real one. Recall: real ones "
            "that look like some synthetic one. Density: how many synthetic ones lie around a real one. Coverage: "
            "real ones that have a synthetic one nearby."
        ),
    },
)
