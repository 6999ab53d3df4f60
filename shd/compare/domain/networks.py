"""Do diagnoses, and drugs, stand together as they do in life? Networks of links that are stronger than chance."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import chi2, spearmanr
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from shd._errors import ShdError
from shd.compare.core.chance import generator, subsample
from shd.compare.domain._finding import need_list
from shd.compare.domain._pair_tests import at_least_one, by_places, two_sided
from shd.dataset import Dataset, as_frame, describe_columns
from shd.datasets.diabetes import DIAGNOSES
from shd.datasets.diabetes_cohort import OTHER
from shd.datasets.icd9 import LEVELS, chapter
from shd.synthesizers._protect import OTHER as MERGED

DRUG_LEVELS = ("No", "Steady", "Up", "Down")
TOGETHER, APART, NO_LINK = "together", "apart", "no link"
_LEVEL = 0.05  # false discovery rate
_EXPECTED = 5  # records from which on a lift is known well enough to be ranked


def comorbidity_network(
    dataset: Dataset | pd.DataFrame, by: str = "code", least: int = 50, nodes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Ask of every two diagnoses whether they stand in one record more often than chance puts them there.

    A record has three places, diag_1 to diag_3. Three places at random hold fewer pairs than presence
    alone suggests: two codes that are in 30 % of the records each would share 9 % if they were free to, but
    share 6 % where each record draws three. Fisher's test on presence therefore finds links "apart" everywhere.
    Here the null is that of the places: each is filled on its own, with each diagnosis as often there as it
    is, and no diagnosis twice in a record (quasi-independence). It is fitted separately to records with the
    same places filled, and the same places alike, so that a record with two diagnoses cannot pass for a weaker link.
    A negative bias remains that no null removes: of up to nine diagnoses three are kept, and a strong
    link takes places from the others. "Apart" may mean only that; "together" errs on the careful side.

    Parameters
    ----------
    dataset : Dataset or DataFrame
        The first record of each subject counts. A diagnosis that stands twice in a record counts once.
    by : {"code", "chapter"}
        The levels as they stand, or the chapters of ICD-9 that they belong to.
    least : int
        A diagnosis is looked at from so many records on.
    nodes : sequence of str, optional
        The diagnoses to look at, whatever their number of records.

    Returns
    -------
    pandas.DataFrame
        One row a pair that was looked at: first, second, records (with both), expected, lift (records /
        expected, from 0), low, high (exact 95 % interval of the count over what was expected), p (two-sided), q
        (Benjamini and Hochberg over all pairs), link ("together" or "apart" where q < .05, else "no
        link"), first records, second records. Lift and bounds are NaN where nothing was expected.

    Raises
    ------
    ShdError
        Where a column lacks, `by` is another word, a code is in no chapter, or no record has two diagnoses.

    Notes
    -----
    The count's variance under the null is that of permuting each place by itself, in closed form. The test
    is a binomial of that mean and variance, so that it is exact enough for rare pairs as well.
    With few levels (below ten or so) it errs on the careful side.

    References
    ----------
    Goodman (1968), *The Analysis of Cross-Classified Data: Independence, Quasi-Independence, and
    Interactions in Contingency Tables with or without Missing Entries*, doi 10.1080/01621459.1968.10480916.
    Hidalgo et al. (2009), *A Dynamic Network Approach for the Study of Human Phenotypes*, doi
    10.1371/journal.pcbi.1000353. Benjamini and Hochberg (1995), doi 10.1111/j.2517-6161.1995.tb02031.x.
    """
    frame = _need(first_records(dataset), DIAGNOSES)
    codes, alike, names = _places(frame, by)
    if ((codes >= 0).sum(axis=1) < 2).all():
        raise ShdError("no record has two different diagnoses, and a network needs pairs; give more records.")
    presence = np.zeros((len(codes), len(names)), dtype=np.float32)
    for place in codes.T:
        presence[place >= 0, place[place >= 0]] = 1
    expected, variance = by_places(codes, alike, len(names))
    return _pairs(names, presence, expected, variance, least, nodes)


def prescription_network(
    dataset: Dataset | pd.DataFrame, least: int = 50, nodes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Ask of every two diabetes drugs whether patients take both more often than chance has it.

    Looked at are the patients who take at least one (diabetesMed is Yes). That alone makes any two
    drugs look apart: who does not take the one must take another. So the null is that drugs are taken
    independently of each other, and that patients who happen to take none are not in the table.

    Parameters
    ----------
    dataset : Dataset or DataFrame
        The first record of each subject counts. Any level but No is taken.
    least, nodes
        As in `comorbidity_network`, of drugs.

    Returns
    -------
    pandas.DataFrame
        As of `comorbidity_network`.

    Raises
    ------
    ShdError
        Where there is no column of a drug or no patient who takes one.
    """
    frame = _need(first_records(dataset), ["diabetesMed"])
    frame = frame[(frame["diabetesMed"] == "Yes").to_numpy()]
    names = drug_columns(frame)
    if not names:
        raise ShdError("no column of a drug, with levels No, Steady, Up, Down, and patients who take one; check both.")
    taken = drugs_taken(frame, names)
    taken = taken[taken.any(axis=1)]
    if len(taken) == 0:
        raise ShdError("no patient takes a diabetes drug, and a network needs some; give more records.")
    expected, variance = at_least_one(taken.sum(axis=0), len(taken))
    return _pairs(names, taken.astype(np.float32), expected, variance, least, nodes)


@dataclass(frozen=True, eq=False)
class NetworkComparison:
    """Two networks over the same pairs, from equally many records.

    Parameters
    ----------
    real, other : DataFrame
        All pairs that were looked at; see `comorbidity_network`.
    links : DataFrame
        See `match_links`.
    records : int
        Records a side.
    """

    real: pd.DataFrame
    other: pd.DataFrame
    links: pd.DataFrame
    records: int

    @property
    def summary(self) -> pd.DataFrame:
        """One row a kind of link: real links, kept, lost, invented, share kept, low, high (Wilson), share invented.

        Shares are 0 to 1, and NaN without links; the share invented is one of the other table's links.
        """
        rows = []
        for kind in (TOGETHER, APART):
            status = self.links.loc[self.links["link"] == kind, "status"]
            kept, lost, invented = (int((status == name).sum()) for name in ("kept", "lost", "invented"))
            of_real, of_other = kept + lost, kept + invented
            low, high = proportion_confint(kept, of_real, method="wilson") if of_real else (np.nan, np.nan)
            shares = kept / of_real if of_real else np.nan, low, high, invented / of_other if of_other else np.nan
            rows.append((kind, of_real, kept, lost, invented, *shares))
        names = ["link", "real links", "kept", "lost", "invented", "share kept", "low", "high", "share invented"]
        return pd.DataFrame(rows, columns=names)

    @property
    def correlation(self) -> float:
        """Spearman's correlation of the log lifts, -1 to 1, over pairs with five records expected in `real`."""
        enough = (self.real["expected"] >= _EXPECTED).to_numpy()
        one, other = (log_lift(frame)[enough] for frame in (self.real, self.other))
        if enough.sum() < 3 or np.ptp(one) == 0 or np.ptp(other) == 0:
            return np.nan
        return float(spearmanr(one, other).statistic)


def compare_networks(
    real: Dataset | pd.DataFrame,
    other: Dataset | pd.DataFrame,
    network: Callable[..., pd.DataFrame] = comorbidity_network,
    records: int | None = None,
    least: int = 50,
    random_state: int = 0,
    **how: object,
) -> NetworkComparison:
    """Compare the networks of two tables, from equally many records and over the same pairs.

    Whether a link is found depends on the number of records, so both tables are cut to the same. Looked at is
    what either table has often enough.

    Parameters
    ----------
    real, other : Dataset or DataFrame
    network : callable
        `comorbidity_network` or `prescription_network`.
    records : int, optional
        Records a side, one a subject; by default as many as the smaller table has.
    least : int
        As for the network, of the records that are compared.
    random_state : int
        Which records are taken.
    **how
        Further arguments of the network, such as ``by="chapter"``.

    Returns
    -------
    NetworkComparison

    Raises
    ------
    ShdError
        Where a network cannot be made, or `records` is below 2.
    """
    tables = [first_records(real, "real"), first_records(other, "other")]
    n = min(map(len, tables)) if records is None else min(records, *map(len, tables))
    if n < 2:
        raise ShdError(f"networks of {n} records say nothing; compare at least 2 a side.")
    rng = generator(random_state, "records of networks")
    tables = [table.iloc[subsample(len(table), n, rng)] for table in tables]
    seen = [pd.unique(network(table, least=least, **how)[["first", "second"]].to_numpy().ravel()) for table in tables]
    nodes = list(dict.fromkeys([*seen[0], *seen[1]]))
    one, two = (network(table, least=least, nodes=nodes, **how) for table in tables)
    return NetworkComparison(one, two, match_links(one, two), n)


def match_links(real: pd.DataFrame, other: pd.DataFrame) -> pd.DataFrame:
    """Lay the links of two networks side by side.

    Returns
    -------
    pandas.DataFrame
        One row a link of either: first, second, link ("together" or "apart"), status ("kept", "lost",
        "invented"), real log lift, other log lift (NaN where a pair was not looked at), real records. A
        link that turned round is lost as the one and invented as the other.
    """
    sides = []
    for name, frame in (("real", real), ("other", other)):
        swapped = (frame["first"] > frame["second"]).to_numpy()
        ends = np.where(swapped[:, None], frame[["second", "first"]], frame[["first", "second"]])
        side = pd.DataFrame(ends, columns=["first", "second"])
        side[[f"{name} link", f"{name} records"]] = frame[["link", "records"]].to_numpy()
        sides.append(side.assign(**{f"{name} log lift": log_lift(frame)}))
    both = sides[0].merge(sides[1], how="outer", on=["first", "second"], sort=True)
    found = []
    for kind in (TOGETHER, APART):
        here, there = (both[f"{name} link"] == kind for name in ("real", "other"))
        status = np.select([here & there, here], ["kept", "lost"], "invented")
        found.append(both.assign(link=kind, status=status)[here | there])
    columns = ["first", "second", "link", "status", "real log lift", "other log lift", "real records", "other records"]
    return pd.concat(found, ignore_index=True)[columns]


def log_lift(frame: pd.DataFrame) -> np.ndarray:
    """Return natural logarithms of lifts, half a record added on both sides so that a count of 0 has one."""
    return np.log((frame["records"].to_numpy(float) + 0.5) / (frame["expected"].to_numpy(float) + 0.5))


def first_records(dataset: Dataset | pd.DataFrame, what: str = "dataset") -> pd.DataFrame:
    """Return the first record of each subject: records of one patient are no independent witnesses."""
    frame = as_frame(dataset, what)
    if isinstance(dataset, Dataset):
        frame = frame[~pd.Series(dataset.subjects).duplicated().to_numpy()]
    return frame.reset_index(drop=True)


def drug_columns(frame: pd.DataFrame) -> list[str]:
    """Return the columns that say how a drug was dosed: levels No, Steady, Up, Down."""
    texts = [c for c in frame.columns if c not in ("change", "diabetesMed") and frame[c].dtype.kind not in "iufbM"]
    return [c for c in texts if frame[c].notna().any() and set(frame[c].dropna().unique()) <= set(DRUG_LEVELS)]


def drugs_taken(frame: pd.DataFrame, names: Sequence[str]) -> np.ndarray:
    """Return whether each drug is taken, at any dose, bool, shape (n, n_drugs)."""
    return np.column_stack([(frame[name].notna() & (frame[name] != "No")).to_numpy() for name in names])


def to_chapter(level: str) -> str:
    """Return the ICD-9 chapter of a level of diagnosis: a code, a pooled or merged level, or a chapter itself."""
    bare = level.removeprefix(OTHER)
    return bare if bare in LEVELS or bare == MERGED else chapter(level)


def _need(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    lacking = [column for column in columns if column not in frame.columns]
    if lacking:
        raise ShdError(f"the table lacks {describe_columns(lacking)}; give one with the columns of the diabetes data.")
    return frame


def _places(frame: pd.DataFrame, by: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Return what the three places of each record hold, as codes.

    Returns
    -------
    codes : ndarray of int, shape (n, 3)
        -1 where a place is empty or repeats an earlier one.
    alike : ndarray of bool, shape (n, 3)
        Whether second repeats first, third first, and third second.
    names : list of str
        Of the codes.
    """
    if by not in ("code", "chapter"):
        raise ShdError(f"by={by!r} is neither 'code' nor 'chapter'.")
    columns = [frame[name].astype("object") for name in DIAGNOSES]
    known = {level for column in columns for level in column.dropna().unique()}
    named = {level: to_chapter(str(level)) if by == "chapter" else str(level) for level in known}
    names = sorted(set(named.values()))
    at = {name: i for i, name in enumerate(names)}
    codes = np.column_stack(
        [column.map({level: at[name] for level, name in named.items()}).fillna(-1).astype(int) for column in columns]
    )
    first, second, third = codes.T.copy()
    alike = np.column_stack([second == first, third == first, third == second]) & (codes[:, [1, 2, 2]] >= 0)
    codes[alike[:, 0], 1] = -1
    codes[alike[:, 1] | alike[:, 2], 2] = -1
    return codes, alike, names


def _pairs(
    names: list[str],
    presence: np.ndarray,
    expected: np.ndarray,
    variance: np.ndarray,
    least: int,
    nodes: Sequence[str] | None,
) -> pd.DataFrame:
    """Return the network's table; see `comorbidity_network`."""
    need_list(nodes, "nodes")
    records = presence.sum(axis=0).astype(int)
    together = np.rint(presence.T @ presence).astype(int)
    at = {name: i for i, name in enumerate(names)}
    nodes = [name for name, n in zip(names, records, strict=True) if n >= least] if nodes is None else sorted(nodes)
    ends = pd.DataFrame(list(combinations(nodes, 2)), columns=["first", "second"], dtype="object")
    # a node that the table lacks takes a place behind the others, which is empty
    i, j = (ends[end].map(at).fillna(len(names)).astype(int).to_numpy() for end in ends)
    together, expected, variance = (np.pad(matrix, (0, 1)) for matrix in (together, expected, variance))
    records = np.append(records, 0)
    count, mean = together[i, j], expected[i, j]
    p = two_sided(count, mean, variance[i, j])
    q = multipletests(p, _LEVEL, method="fdr_bh")[1] if len(p) else p
    low, high = chi2.ppf(0.025, 2 * count) / 2, chi2.ppf(0.975, 2 * count + 2) / 2
    low = np.where(count > 0, low, 0.0)
    lifts = [np.divide(v, mean, out=np.full(len(mean), np.nan), where=mean > 0) for v in (count, low, high)]
    link = np.select([(q < _LEVEL) & (count > mean), q < _LEVEL], [TOGETHER, APART], NO_LINK)
    columns = {"records": count, "expected": mean, "lift": lifts[0], "low": lifts[1], "high": lifts[2]}
    columns |= {"p": p, "q": q, "link": link, "first records": records[i], "second records": records[j]}
    return ends.assign(**columns)
