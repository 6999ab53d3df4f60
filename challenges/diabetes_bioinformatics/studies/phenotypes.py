"""Are the kinds of patients those of life? Clusters learned on one table, looked for in another one."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from statsmodels.stats.proportion import proportion_confint

from shd import Dataset, ShdError
from shd.compare.findings import one_thread

from .tables import first_records, need_columns
from .variables import HBA1C_GROUPS, VISITS, age_years, drug_columns, drugs_taken, hba1c_group, insulin, primary_group

_CLINICAL = (
    "age", "number_diagnoses", "time_in_hospital", "num_medications", *VISITS, "A1Cresult", "change", "diag_1",
)  # fmt: skip
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
    """Kinds of patients, learned on one table and found again in any other: see `phenotypes`."""

    model: Pipeline  # scales the variables and finds the nearest cluster, the largest one first
    average: pd.Series  # of each variable and indicator of a level, "main diagnosis: respiratory", where it was learned
    deviation: pd.Series  # standard, there
    learned: pd.DataFrame  # shares of that table

    @property
    def k(self) -> int:
        """Number of clusters."""
        return len(self.centres)

    @property
    def centres(self) -> np.ndarray:
        """Scaled, float, shape (k, n_variables)."""
        return self.model[-1].cluster_centers_

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

        One row a cluster: cluster, share, low, high (0 to 1, Wilson, 95 %), records.
        """
        nearest, _ = self._nearest(first_records(dataset))
        n = np.bincount(nearest, minlength=self.k)
        low, high = proportion_confint(n, n.sum(), method="wilson")
        columns = {"share": n / n.sum(), "low": low, "high": high, "records": n}
        return pd.DataFrame({"cluster": range(1, self.k + 1), **columns})

    def profiles(self, dataset: Dataset | pd.DataFrame) -> pd.DataFrame:
        """Return the mean of each variable in each cluster, of the first records of subjects.

        One row a cluster and variable: cluster, variable, mean (years, days, numbers; shares of indicators; prior
        visits as log(1 + visits)), scaled: its distance from the average of the table that was learned from, in
        standard deviations. NaN where a cluster is empty.
        """
        nearest, values = self._nearest(first_records(dataset))
        means = values.fillna(self.average).groupby(nearest).mean().reindex(range(self.k))
        rows = pd.MultiIndex.from_product([range(1, self.k + 1), means.columns], names=["cluster", "variable"])
        scaled = (means - self.average) / self.deviation
        return rows.to_frame(index=False).assign(mean=means.to_numpy().ravel(), scaled=scaled.to_numpy().ravel())

    def _nearest(self, frame: pd.DataFrame) -> tuple[np.ndarray, pd.DataFrame]:
        values = _variables(frame, list(self.average.index))
        with one_thread():
            return self.model.predict(values), values

    def _words(self) -> list[str]:
        """Name what sets each cluster most apart, in words."""
        said, is_level = [], self.average.index.str.contains(":")
        for row in self.centres / np.where(is_level, self.deviation, 1.0):
            parts = []
            for j in np.argsort(-np.abs(row), kind="stable"):
                name = self.average.index[j]
                if abs(row[j]) < _TOLD or len(parts) == _SAID:
                    break
                if not is_level[j]:
                    parts.append(_WORDS[name][0 if row[j] > 0 else 1])
                elif row[j] > 0:  # that a level is rare says little
                    parts.append(name)
            said.append(", ".join(parts) or "near the average")
        return said


def phenotypes(dataset: Dataset | pd.DataFrame, k: int = 5, random_state: int = 0) -> Phenotypes:
    """Sort patients into k kinds by clinical variables (k-means), to look for the same kinds elsewhere.

    Variables: age, diagnoses, days, medications and prior visits (as log(1 + visits)), insulin, number of
    other diabetes drugs, the four groups of HbA1c and the nine of the main diagnosis of Strack et al. (2014). Numbers
    are in standard deviations; two levels differ by as much as two average patients do in a number. Learn on
    real train only: the first record of each subject counts, missing numbers count as the mean.

    Lloyd (1982), *Least Squares Quantization in PCM*, doi 10.1109/TIT.1982.1056489. Ahlqvist et al. (2018), *Novel
    subgroups of adult-onset diabetes*, doi 10.1016/S2213-8587(18)30051-2, cluster patients so.
    """
    frame = first_records(dataset)
    values = _variables(frame)
    if k < 2 or len(values.round(9).drop_duplicates()) < k:
        raise ShdError(f"k={k} clusters take k of at least 2 and as many different patients; change k or give more.")
    numbers, levels = list(_WORDS), list(values.columns[len(_WORDS) :])
    fill = SimpleImputer(keep_empty_features=True)
    of_numbers, of_levels = make_pipeline(fill, StandardScaler()), StandardScaler(with_std=False)
    scale = ColumnTransformer([("numbers", of_numbers, numbers), ("levels", of_levels, levels)])
    model = make_pipeline(scale, KMeans(k, n_init=8, random_state=random_state))
    with one_thread():
        n = np.bincount(model.fit_predict(values), minlength=k)
    model[-1].cluster_centers_ = model[-1].cluster_centers_[np.argsort(-n, kind="stable")]
    average = values.mean().fillna(0.0)
    deviation = values.fillna(average).std(ddof=0)[numbers].replace(0.0, 1.0)
    share = average[levels]
    deviation = pd.concat([deviation, np.sqrt((share * (1 - share)).clip(1e-4))])  # follows from the share
    found = Phenotypes(model, average, deviation, pd.DataFrame())
    return Phenotypes(model, average, deviation, found.shares(frame))


@dataclass(frozen=True, eq=False)
class PhenotypeComparison:
    """The same kinds of patients in two tables.

    `shares` has one row a cluster: cluster, words, real, real low, real high, the same of other, difference
    (other - real), overlap (whether the intervals do). `profiles` has one row a cluster and variable: cluster,
    variable, real, other, real scaled, other scaled, difference (of the scaled ones; in standard deviations).
    """

    shares: pd.DataFrame
    profiles: pd.DataFrame

    @property
    def moved(self) -> float:
        """Share of patients, 0 to 1, who would have to change their kind for the shares to agree."""
        return float(self.shares["difference"].abs().sum() / 2)

    @property
    def off(self) -> float:
        """Root mean square of the differences of profiles, in standard deviations."""
        return float(np.sqrt((self.profiles["difference"] ** 2).mean()))


def compare_phenotypes(
    model: Phenotypes, real: Dataset | pd.DataFrame, other: Dataset | pd.DataFrame
) -> PhenotypeComparison:
    """Find the kinds of patients learned on `real`, or its train, in two tables, and lay them side by side."""
    shares = model.frame[["cluster", "words"]].copy()
    profiles = []
    for name, table in (("real", real), ("other", other)):
        own = model.shares(table)
        shares[[name, f"{name} low", f"{name} high"]] = own[["share", "low", "high"]]
        own = model.profiles(table)
        profiles.append(own.rename(columns={"mean": name, "scaled": f"{name} scaled"}))
    overlap = (shares["real low"] <= shares["other high"]) & (shares["other low"] <= shares["real high"])
    both = profiles[0].merge(profiles[1], on=["cluster", "variable"])
    return PhenotypeComparison(
        shares.assign(difference=shares["other"] - shares["real"], overlap=overlap),
        both.assign(difference=both["other scaled"] - both["real scaled"]),
    )


def _variables(frame: pd.DataFrame, features: list[str] | None = None) -> pd.DataFrame:
    """Return the clinical variables, numbers first; indicators of those levels that are there, or are asked for."""
    need_columns(frame, _CLINICAL)
    drugs = [name for name in drug_columns(frame) if name != "insulin"]
    columns = {
        "age": age_years(frame),
        "diagnoses": frame["number_diagnoses"],
        "days in hospital": frame["time_in_hospital"],
        "medications": frame["num_medications"],
        **{f"{name.removeprefix('number_')} visits before": np.log1p(frame[name].clip(0)) for name in VISITS},
        "insulin": insulin(frame) if "insulin" in frame else 0.0,
        "other diabetes drugs": drugs_taken(frame, drugs).sum(axis=1),
    }
    hba1c, main = hba1c_group(frame), primary_group(frame)
    columns |= {f"HbA1c: {group}": hba1c == group for group in HBA1C_GROUPS}
    columns |= {f"main diagnosis: {group}": main == group for group in sorted(main.cat.categories)}
    table = pd.DataFrame({name: np.asarray(values, dtype=float) for name, values in columns.items()}, frame.index)
    if features is None:
        features = [name for name in table if not name.startswith("main diagnosis: ") or table[name].any()]
    return table.reindex(columns=features, fill_value=0.0)
