"""Do synthetic records lie where real ones lie, and everywhere where they do? Precision, recall, density, coverage."""

import numpy as np
import pandas as pd

from shd._errors import ShdError
from shd._parallel import in_parallel
from shd.compare.core.chance import generator, interval, subject_weights, subsample
from shd.compare.core.gower import Gower
from shd.compare.core.neighbourhoods import NEIGHBOURS, Regions
from shd.compare.core.question import Answer, Question, Skipped
from shd.compare.core.score import Score
from shd.compare.core.sides import Sides
from shd.compare.core.tables import Coded, align
from shd.compare.core.verdicts import between
from shd.dataset import Dataset

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


def table_precision_recall(
    real: Dataset | pd.DataFrame | Coded,
    synthetic: Dataset | pd.DataFrame | Coded,
    rows: int = _ROWS,
    k: int = NEIGHBOURS,
    random_state: int = 0,
) -> dict[str, float]:
    """Return precision, recall, density and coverage of a table, in Gower's distance.

    The neighbourhood of a record reaches to the k-th nearest record of its own table. ``precision``:
    share of synthetic records in the neighbourhood of a real one. ``recall``: share of real records in
    the neighbourhood of a synthetic one. ``density``: how many real neighbourhoods hold a synthetic
    record, by k; above 1 where synthetic records keep to the crowd. ``coverage``: share of real
    neighbourhoods with a synthetic record inside.

    Parameters
    ----------
    real, synthetic : Dataset or DataFrame
        Real records should be ones that the synthesizer has not seen. The ranges of numbers come
        from them.
    rows : int
        Most records a side; equally many are taken.
    k : int
    random_state : int

    Returns
    -------
    dict of str to float
        0 to 1, but ``density`` 0 or more. Equal records have neighbourhoods of no size, which still
        hold each other, so that a table may come to more than its ideal.

    Raises
    ------
    ShdError
        Where k is not between 1 and the number of records a side less one.

    References
    ----------
    Kynkäänniemi et al. (2019), *Improved Precision and Recall Metric for Assessing Generative
    Models*, NeurIPS, arXiv 1904.06991. Naeem et al. (2020), *Reliable Fidelity and Diversity
    Metrics for Generative Models*, ICML, arXiv 2002.09797. Gower (1971), *A General Coefficient of
    Similarity and Some of Its Properties*, Biometrics, doi 10.2307/2528823.
    """
    (real, synthetic), _ = align(real, synthetic, names=["real", "synthetic"])
    most = min(rows, len(real), len(synthetic)) - 1
    if isinstance(k, bool) or not isinstance(k, int | np.integer) or not 1 <= k <= most:
        raise ShdError(f"k={k!r} must be a whole number from 1 to {most}, one less than there are records a side.")
    real, synthetic = _drawn([real, synthetic], rows, random_state)
    gower = Gower.of(real)
    return _regions(gower, real, synthetic, _reach(gower, real, k), k).measure()


def measure(sides: Sides) -> Answer:
    """Compare neighbourhoods of real test records with synthetic records, and with floor and ceiling."""
    tables = {"synthetic": sides.synthetic, "floor": sides.floor, "ceiling": sides.fit}
    if min(len(sides.test), *map(len, tables.values())) <= NEIGHBOURS:
        return Answer(skipped=[Skipped(_WHAT, f"take more than {NEIGHBOURS} records a side")])
    rows = sides.most(_ROWS, _ROWS // 2) if len(sides.test.names) <= _WIDE else sides.most(_ROWS_IF_WIDE)
    real, *others = _drawn([sides.test, *tables.values()], rows, sides.random_state)
    gower = Gower.of(sides.train)
    reach = _reach(gower, real, NEIGHBOURS)
    regions = {n: _regions(gower, real, t, reach, NEIGHBOURS) for n, t in zip(tables, others, strict=True)}
    found = {name: region.measure() for name, region in regions.items()}
    rng = generator(sides.random_state, "neighbourhoods")
    weights = [subject_weights(table.subjects, _REPLICATES, rng) for table in (real, others[0])]
    drawn = pd.DataFrame(in_parallel(regions["synthetic"].measure, *weights))
    return Answer([_score(metric, found, drawn[metric].to_numpy(), sides.word) for metric in _SAID])


def _score(metric: str, found: dict[str, dict], replicates: np.ndarray, word: str) -> Score:
    value, floor, ceiling = (found[name][metric] for name in ("synthetic", "floor", "ceiling"))
    low, high = (float(b) for b in interval(value, replicates, 0, np.inf if metric == "density" else 1))
    unit = ".2f" if metric == "density" else ".0%"
    sentence = (
        f"{_SAID[metric].format(value=value, word=word)} (with other {word} records it is {ceiling:{unit}}, with "
        f"independent columns {floor:{unit}})."
    )
    rule = between(floor, ceiling, "higher")
    return Score("fidelity", metric, value, low, high, floor, ceiling, rule, "higher", sentence)


def _drawn(tables: list[Coded], rows: int, random_state: int) -> list[Coded]:
    """Draw equally many records of each table."""
    rng = generator(random_state, "records with neighbours")
    n = min(rows, *map(len, tables))
    return [table.take(subsample(len(table), n, rng)) for table in tables]


def _reach(gower: Gower, table: Coded, k: int) -> np.ndarray:
    """Return the distance of each record to its k-th neighbour in the same table, shape (n,)."""

    def of_block(distance: np.ndarray, start: int) -> np.ndarray:
        return np.partition(distance, k, axis=1)[:, k]  # 0 is the record itself

    return np.concatenate(gower.map_blocks(table, table, of_block))


def _regions(gower: Gower, real: Coded, other: Coded, reach: np.ndarray, k: int) -> Regions:
    """Find who lies in whose neighbourhood; `reach` is that of the real records."""
    reach_other = _reach(gower, other, k)

    def of_block(distance: np.ndarray, start: int) -> tuple[np.ndarray, np.ndarray]:
        return distance <= reach[start : start + len(distance), None], distance <= reach_other

    blocks = gower.map_blocks(real, other, of_block)
    return Regions(*(np.concatenate(part) for part in zip(*blocks, strict=True)), k)


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
