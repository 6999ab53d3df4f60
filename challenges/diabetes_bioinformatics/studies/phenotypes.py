"""Are the kinds of patients those of life? Clusters learned on one table, looked for in another one."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from statsmodels.stats.proportion import proportion_confint

from shd import Dataset, ShdError
from shd.compare.findings import one_thread

from .tables import first_records, need_columns
from .variables import HBA1C_GROUPS, VISITS, age_years, drug_columns, drugs_taken, hba1c_group, insulin, primary_group

_CLINICAL = (
    "age",
    "number_diagnoses",
    "time_in_hospital",
    "num_medications",
    *VISITS,
    "A1Cresult",
    "change",
    "diag_1",
)
_SAID = 3  # features that a cluster's words name
_TOLD = 0.25  # standard deviations from the average from which on a feature is worth a word
_WORDS = {  # of a number above and below the average
    "age": ("older", "younger"),
    "diagnoses": ("more diagnoses", "fewer diagnoses"),
    "days in hospital": ("longer stays", "shorter stays"),
    "medications": ("more medications", "fewer medications"),
    "inpatient visits before": ("more inpatient visits before", "fewer inpatient visits before"),
    "emergency visits before": ("more emergency visits before", "fewer emergency visits before"),
    "outpatient visits before": ("more outpatient visits before", "fewer outpatient visits before"),
    "insulin": ("on insulin", "no insulin"),
    "other diabetes drugs": ("more other diabetes drugs", "fewer other diabetes drugs"),
}


@dataclass(frozen=True, eq=False)
class Phenotypes:
    """Kinds of patients, learned on one table and found again in any other: see `phenotypes`.

    Parameters
    ----------
    features : list of str
        Clinical variables and indicators of levels, ``"main diagnosis: respiratory"``.
    centre, spread : ndarray of float, shape (n_features,)
        Means and standard deviations of the table that it was learned on; indicators have spread 1.
    centres : ndarray of float, shape (k, n_features)
        Scaled, the largest cluster first.
    learned : DataFrame
        Shares of that table; see `shares`.
    """

    features: list[str]
    centre: np.ndarray
    spread: np.ndarray
    centres: np.ndarray
    learned: pd.DataFrame

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.centres)

    @property
    def frame(self) -> pd.DataFrame:
        """One row a cluster: cluster (1 to k), words, share (0 to 1, where it was learned)."""
        return pd.DataFrame(
            {"cluster": range(1, self.k + 1), "words": self._words(), "share": self.learned["share"].to_numpy()}
        )

    def assign(self, dataset: Dataset | pd.DataFrame) -> np.ndarray:
        """Return the cluster of each record, of all records of all subjects, int from 1 to k, shape (n,)."""
        frame = dataset.frame if isinstance(dataset, Dataset) else first_records(dataset)
        return self._nearest(frame)[0] + 1

    def shares(self, dataset: Dataset | pd.DataFrame) -> pd.DataFrame:
        """Return how common each cluster is among the first records of subjects.

        Returns
        -------
        pandas.DataFrame
            One row a cluster: cluster, share, low, high (0 to 1, Wilson, 95 %), records, and distance: the
            mean to the centre, in standard deviations of a variable. It grows where the cluster is blurred.
        """
        nearest, distance, _ = self._nearest(first_records(dataset))
        n = np.bincount(nearest, minlength=self.k)
        low, high = proportion_confint(n, n.sum(), method="wilson")
        total = np.bincount(nearest, distance, minlength=self.k)
        mean = np.divide(total, n, out=np.full(self.k, np.nan), where=n > 0)
        columns = {"share": n / n.sum(), "low": low, "high": high, "records": n, "distance": mean}
        return pd.DataFrame({"cluster": range(1, self.k + 1), **columns})

    def profiles(self, dataset: Dataset | pd.DataFrame) -> pd.DataFrame:
        """Return the mean of each variable in each cluster, of the first records of subjects.

        Returns
        -------
        pandas.DataFrame
            One row a cluster and variable: cluster, variable, mean (years, days, numbers; shares of
            indicators; prior visits as log(1 + visits)), scaled: its distance from the average of the table that
            was learned from, in standard deviations. NaN where a cluster is empty.
        """
        nearest, _, scaled = self._nearest(first_records(dataset))
        means = np.full((self.k, len(self.features)), np.nan)
        for cluster in np.unique(nearest):
            means[cluster] = scaled[nearest == cluster].mean(axis=0)
        rows = pd.MultiIndex.from_product([range(1, self.k + 1), self.features], names=["cluster", "variable"])
        frame = rows.to_frame(index=False)
        # an indicator's own deviation follows from its share
        return frame.assign(
            mean=(means * self.spread + self.centre).ravel(), scaled=(means / self._deviation()).ravel()
        )

    def _nearest(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        scaled = (_variables(frame, self.features) - self.centre) / self.spread
        squares = (scaled**2).sum(axis=1)[:, None] - 2 * scaled @ self.centres.T + (self.centres**2).sum(axis=1)
        nearest = squares.argmin(axis=1)
        return nearest, np.sqrt(squares.min(axis=1).clip(0)), scaled

    def _deviation(self) -> np.ndarray:
        indicator = np.array([":" in name for name in self.features])
        return np.where(indicator, np.sqrt((self.centre * (1 - self.centre)).clip(1e-4)), 1.0)

    def _words(self) -> list[str]:
        """Name what sets each cluster most apart, in words."""
        said = []
        for row in self.centres / self._deviation():
            parts = []
            for j in np.argsort(-np.abs(row), kind="stable"):
                name = self.features[j]
                if abs(row[j]) < _TOLD or len(parts) == _SAID:
                    break
                if ":" not in name:
                    parts.append(_WORDS[name][0 if row[j] > 0 else 1])
                elif row[j] > 0:  # that a level is rare says little
                    parts.append(name)
            said.append(", ".join(parts) or "near the average")
        return said


def phenotypes(dataset: Dataset | pd.DataFrame, k: int = 5, random_state: int = 0) -> Phenotypes:
    """Sort patients into k kinds by clinical variables (k-means), to look for the same kinds elsewhere.

    Variables: age, diagnoses, days, medications and prior visits (as log(1 + visits)), insulin, number of
    other diabetes drugs, the four groups of HbA1c and the nine of the main diagnosis of Strack et al. (2014); a
    table of chapters keeps "endocrine and metabolic", of which diabetes is most, among them. Numbers are
    in standard deviations; two levels differ by as much as two average patients do in a number.

    Parameters
    ----------
    dataset : Dataset or DataFrame
        Learn on real train only. The first record of each subject counts. Missing numbers count as the mean.
    k : int
        Clusters, at least 2.
    random_state : int

    Returns
    -------
    Phenotypes

    Raises
    ------
    ShdError
        Where columns lack, or there are fewer different patients than clusters.

    References
    ----------
    Lloyd (1982), *Least Squares Quantization in PCM*, doi 10.1109/TIT.1982.1056489. Ahlqvist et al. (2018),
    *Novel subgroups of adult-onset diabetes*, doi 10.1016/S2213-8587(18)30051-2, cluster patients so.
    """
    frame = first_records(dataset)
    features = _features(frame)
    values = _variables(frame, features)
    centre = np.nan_to_num(values.mean(axis=0))
    indicator = np.array([":" in name for name in features])
    spread = np.where(indicator, 1.0, values.std(axis=0))
    spread[spread == 0] = 1.0
    scaled = (values - centre) / spread
    if k < 2 or len(np.unique(scaled.round(9), axis=0)) < k:
        raise ShdError(f"k={k} clusters take k of at least 2 and as many different patients; change k or give more.")
    with one_thread():
        centres = KMeans(k, n_init=8, random_state=random_state).fit(scaled).cluster_centers_
    found = Phenotypes(features, centre, spread, centres, pd.DataFrame())
    n = np.bincount(found._nearest(frame)[0], minlength=k)
    found = Phenotypes(features, centre, spread, centres[np.argsort(-n, kind="stable")], pd.DataFrame())
    return Phenotypes(features, centre, spread, found.centres, found.shares(frame))


@dataclass(frozen=True, eq=False)
class PhenotypeComparison:
    """The same kinds of patients in two tables: see `compare_phenotypes`.

    Parameters
    ----------
    shares : DataFrame
        One row a cluster: cluster, words, real, real low, real high, real distance, the same of other,
        difference (other - real), overlap (whether the intervals do).
    profiles : DataFrame
        One row a cluster and variable: cluster, variable, real, other, real scaled, other scaled, difference (of
        the scaled ones; in standard deviations).
    """

    shares: pd.DataFrame
    profiles: pd.DataFrame

    @property
    def moved(self) -> float:
        """Share of patients, 0 to 1, who would have to change their kind for the shares to agree."""
        return float(self.shares["difference"].abs().sum() / 2)

    @property
    def blurred(self) -> float:
        """Mean distance to the own centre in other over that in real: 1 the same, above it less of a kind."""
        sides = [(self.shares[s] * self.shares[f"{s} distance"].fillna(0)).sum() for s in ("real", "other")]
        return float(sides[1] / sides[0]) if sides[0] > 0 else np.nan

    @property
    def off(self) -> float:
        """Root mean square of the differences of profiles, in standard deviations."""
        return float(np.sqrt((self.profiles["difference"] ** 2).mean()))


def compare_phenotypes(
    model: Phenotypes, real: Dataset | pd.DataFrame, other: Dataset | pd.DataFrame
) -> PhenotypeComparison:
    """Find the kinds of patients of one table in two, and lay their shares and profiles side by side.

    Parameters
    ----------
    model : Phenotypes
        Learned on `real`, or its train.
    real, other : Dataset or DataFrame
        The first record of each subject counts.

    Returns
    -------
    PhenotypeComparison

    Raises
    ------
    ShdError
        Where columns lack.
    """
    shares = model.frame[["cluster", "words"]].copy()
    profiles = []
    for name, table in (("real", real), ("other", other)):
        own = model.shares(table)
        shares[[name, f"{name} low", f"{name} high", f"{name} distance"]] = own[["share", "low", "high", "distance"]]
        own = model.profiles(table)
        profiles.append(own.rename(columns={"mean": name, "scaled": f"{name} scaled"}))
    overlap = (shares["real low"] <= shares["other high"]) & (shares["other low"] <= shares["real high"])
    both = profiles[0].merge(profiles[1], on=["cluster", "variable"])
    return PhenotypeComparison(
        shares.assign(difference=shares["other"] - shares["real"], overlap=overlap),
        both.assign(difference=both["other scaled"] - both["real scaled"]),
    )


def _features(frame: pd.DataFrame) -> list[str]:
    groups = primary_group(need_columns(frame, _CLINICAL))
    present = [group for group in sorted(groups.cat.categories) if (groups == group).any()]
    return [*_WORDS, *(f"HbA1c: {g}" for g in HBA1C_GROUPS), *(f"main diagnosis: {g}" for g in present)]


def _variables(frame: pd.DataFrame, features: Sequence[str]) -> np.ndarray:
    """Return the clinical variables, float, shape (n, n_features); missing numbers are the mean."""
    _features(frame)
    drugs = [name for name in drug_columns(frame) if name != "insulin"]
    columns = {
        "age": age_years(frame),
        "diagnoses": frame["number_diagnoses"],
        "days in hospital": frame["time_in_hospital"],
        "medications": frame["num_medications"],
        "insulin": insulin(frame) if "insulin" in frame else np.zeros(len(frame)),
        "other diabetes drugs": drugs_taken(frame, drugs).sum(axis=1),
    }
    for name in VISITS:
        columns[f"{name.removeprefix('number_')} visits before"] = np.log1p(frame[name].astype(float).clip(0))
    groups = {"HbA1c": hba1c_group(frame), "main diagnosis": primary_group(frame)}
    columns |= {name: groups[name.split(": ")[0]] == name.split(": ")[1] for name in features if ":" in name}
    values = np.column_stack([np.asarray(columns[name], dtype=float) for name in features])
    return np.where(np.isnan(values), np.nan_to_num(pd.DataFrame(values).mean().to_numpy()), values)
