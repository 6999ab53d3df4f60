"""What the study of these patients published of its groups, beside a cohort: sizes, readmissions, odds ratios.

Strack, DeShazo, Gennings, Olmo, Ventura, Cios, Clore (2014), *Impact of HbA1c Measurement on Hospital
Readmission Rates*, BioMed Research International, doi 10.1155/2014/781670, Table 3. Its text could not be
opened here: the counts are quoted from memory. What speaks for them: in the five groups whose levels are all quoted
patients add up to 69,984 and readmissions to 6,459, and the published file comes near all of them. Readmissions by
main diagnosis do not come near, and are left out.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from statsmodels.stats.contingency_tables import Table2x2

from shd import Dataset, ShdError
from shd.compare.findings import Need, Variables

from .variables import HBA1C_GROUPS, age_band, early_readmission, hba1c_group, primary_group

N_PUBLISHED = 69_984
"""Patients of the study, quoted from memory like every count below."""


@dataclass(frozen=True)
class Published:
    """One group of the study: how many patients, and how many of them came back within 30 days (None: not quoted)."""

    patients: int
    readmitted: int | None = None


_QUOTED: dict[str, dict[str, tuple[int, int | None]]] = {
    "HbA1c": dict(zip(HBA1C_GROUPS, ((57_080, 5_342), (4_071, 361), (2_196, 166), (6_637, 590)), strict=True)),
    "sex": {"Female": (37_251, 3_462), "Male": (32_733, 2_997)},
    "discharged": {"home": (44_339, 3_184), "elsewhere": (25_645, 3_275)},
    "admitted from": {"referral": (22_800, 2_032), "emergency room": (37_277, 3_563), "elsewhere": (9_907, 864)},
    "specialty": {
        "internal medicine": (10_642, 1_044), "cardiology": (4_213, 305), "family practice": (4_984, 492),
        "unknown": (33_641, 3_237),
    },
    "main diagnosis": {
        "circulatory": (21_411, None), "diabetes": (5_747, None), "respiratory": (9_490, None),
        "digestive": (6_485, None), "injury": (4_697, None), "musculoskeletal": (4_076, None),
        "genitourinary": (3_435, None), "neoplasms": (2_536, None), "other": (12_107, None),
    },
    "race": {"Caucasian": (52_300, 4_943), "AfricanAmerican": (12_626, 1_116), "unknown": (1_920, 145)},
    "age": {"30-60": (21_871, 1_614), "<30": (1_808, 112), ">60": (46_305, 4_733)},
}  # fmt: skip

PUBLISHED = {
    group: {level: Published(*counts) for level, counts in levels.items()} for group, levels in _QUOTED.items()
}
"""Patients and readmissions of each group and level, from memory; the first level is what others are held against."""

COHORT = (
    Need(("readmitted",), ("<30",)),
    Need(("A1Cresult", "change", "discharged", "admitted_from", "specialty", "race", "age", "time_in_hospital")),
    Need(("diag_1",), ("250",)),
)


def cohort(dataset: Dataset) -> Variables:
    """Return the variables of a table with the columns of the study's cohort."""
    v = Variables(dataset)
    for need in COHORT:
        lack = need.lacks(v.frame)
        if lack:
            raise ShdError(f"{lack}; give the study cohort, shd.load('diabetes_cohort').")
    return v


def group_sizes(dataset: Dataset) -> pd.DataFrame:
    """Lay the sizes and readmission rates of a cohort's groups beside those that the study publishes.

    The sizes of the real cohort differ by less than 1 %: the published file holds 69,973 records that fulfil the
    study's conditions, its own extract 69,984. Of its 6,459 early readmissions (from memory) the file holds 6,277,
    whatever the order of "first" stay and exclusions: its rates are some .3 points lower in most groups.

    Columns group, level, published, here (records), difference, as a share of the published size once both tables are
    of one length, and published rate and rate (early readmissions, 0 to 1; NaN: not quoted).
    """
    v = cohort(dataset)
    early, rows = v(early_readmission), []
    for group, levels in PUBLISHED.items():
        values = _grouping(v, group)
        for level, study in levels.items():
            inside = (values == level).to_numpy()
            here = int(inside.sum())
            scaled = here if len(values) > 60_000 else here * N_PUBLISHED / len(values)
            of_study = np.nan if study.readmitted is None else study.readmitted / study.patients
            rate = float(np.nanmean(early[inside])) if np.isfinite(early[inside]).any() else np.nan
            rows.append((group, level, study.patients, here, scaled / study.patients - 1, of_study, rate))
    return pd.DataFrame(rows, columns=["group", "level", "published", "here", "difference", "published rate", "rate"])


def crude_odds_ratios(dataset: Dataset) -> pd.DataFrame:
    """Lay the crude odds ratios of early readmission beside those that follow from the study's counts.

    Unadjusted, with Woolf's 95 % interval. The study's adjusted model cannot be laid beside ours: its coefficients
    could not be read (see `adjusted_model`).

    One row a level whose readmissions are quoted: group, level, against (the level that the odds are held against),
    published, published low, published high, here, low, high, same direction (or an odds ratio that the study cannot
    tell from 1) and within (whether the estimate here lies in the published interval). NaN, and False, where a level
    has no readmission here.
    """
    v = cohort(dataset)
    early, rows = v(early_readmission), []
    for group, levels in PUBLISHED.items():
        values, against = _grouping(v, group).to_numpy(), next(iter(levels))
        if levels[against].readmitted is None:
            continue
        for level in list(levels)[1:]:
            counts = [_counts(early[values == one]) for one in (level, against)]
            study = _odds([(levels[one].readmitted, levels[one].patients) for one in (level, against)])
            here = _odds(counts)
            same = (here[0] > 1) == (study[0] > 1) or study[1] <= 1 <= study[2]
            within = study[1] <= here[0] <= study[2]
            rows.append((group, level, against, *study, *here, bool(same and np.isfinite(here[0])), bool(within)))
    names = ["group", "level", "against", "published", "published low", "published high", "here", "low", "high"]
    return pd.DataFrame(rows, columns=[*names, "same direction", "within"])


def _counts(early: np.ndarray) -> tuple[int, int]:
    known = early[~np.isnan(early)]
    return int(known.sum()), len(known)


def _odds(counts: list[tuple[int, int]]) -> tuple[float, float, float]:
    """Return the odds ratio of the first pair of (readmitted, patients) against the second, and its interval."""
    table = np.array([(readmitted, patients - readmitted) for readmitted, patients in counts])
    if not table.all():
        return np.nan, np.nan, np.nan
    found = Table2x2(table, shift_zeros=False)
    return float(found.oddsratio), *map(float, found.oddsratio_confint())


def _grouping(v: Variables, group: str) -> pd.Series:
    by_study = {"HbA1c": hba1c_group, "main diagnosis": primary_group, "age": age_band}
    if group in by_study:
        return v(by_study[group])
    column = {"sex": "gender", "admitted from": "admitted_from"}.get(group, group)
    return v.frame[column].astype("object").fillna("unknown")
