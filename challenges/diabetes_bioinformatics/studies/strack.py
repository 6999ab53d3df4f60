"""What the study of these patients found: HbA1c, its measurement, and who comes back within 30 days.

Strack, DeShazo, Gennings, Olmo, Ventura, Cios, Clore (2014), *Impact of HbA1c Measurement on Hospital
Readmission Rates*, BioMed Research International, doi 10.1155/2014/781670. Its abstract could be read
here; its text is quoted from memory, and from a summary by others that agrees with it. Where figures are
quoted the published file comes near: medicines were changed in 42.7 % (not measured), 55.1 % (measured) and
65.0 % (high); 42.5, 55.0 and 65.0 in the study, from memory. The counts of its Table 3 are in `published`.
"""

from functools import partial

import numpy as np
import pandas as pd

from shd import Dataset
from shd.compare.findings import (
    Finding,
    Fit,
    NoEstimateError,
    Recipe,
    Variables,
    declare,
    dummies,
    logit,
    needs,
    odds,
    share,
    terms,
)

from .published import COHORT, cohort
from .variables import (
    HBA1C_GROUPS,
    age_band,
    early_readmission,
    hba1c_group,
    high_hba1c,
    in_group,
    is_level,
    measured,
    medication_changed,
    number,
    primary_group,
)

STUDY = "Strack et al. 2014, doi 10.1155/2014/781670"
_REFERENCES = {"discharged": "home", "admitted_from": "referral", "specialty": "internal medicine", "race": "Caucasian"}
_CONTROLS = (age_band, number("time_in_hospital"), is_level("discharged", "elsewhere"))


def adjusted_model(dataset: Dataset) -> pd.DataFrame:
    """Fit the study's model of readmission within 30 days and return its odds ratios.

    HbA1c group, main diagnosis and their interaction; discharge, admission source, specialty, race, age
    band and days in hospital as main effects. The study's final model holds interactions among these too,
    which are left out here: its claims are about HbA1c and main diagnosis. Reference: a white patient of
    30 to 60 with a circulatory diagnosis, HbA1c not measured, referred, internal medicine, sent home.

    Columns term (in words), odds ratio, low, high (95 %), p and why not: one row a term, the intercept left out. NaN,
    and a reason, for a term that the records do not allow to estimate.
    """
    v = cohort(dataset)
    group = v(hba1c_group)
    hba1c = dummies(group, HBA1C_GROUPS[0], least=1).drop(columns="HbA1c: unknown", errors="ignore")
    design = _design(v, hba1c.where(group.notna()))  # nobody knows to which group a record without it belongs
    fit = _fit(v, design)
    rows = []
    for term in design.columns:
        try:
            found = fit.contrast(term)
            rows.append((term, found.value, found.low, found.high, found.p, ""))
        except NoEstimateError as error:
            rows.append((term, *[np.nan] * 4, str(error)))
    return pd.DataFrame(rows, columns=["term", "odds ratio", "low", "high", "p", "why not"])


def measured_model(v: Variables) -> Fit:
    """Fit the model with HbA1c measured or not in place of its four groups; the findings read its terms."""
    return _fit(v, _design(v, pd.DataFrame({"HbA1c measured": v(measured)})))


def _fit(v: Variables, design: pd.DataFrame) -> Fit:
    outcome = v(early_readmission)
    known = ~np.isnan(outcome) & design.notna().all(axis=1).to_numpy()
    subjects = None if v.subjects is None else v.subjects[known]
    return logit(outcome[known], design.loc[known].reset_index(drop=True), subjects)


def _design(v: Variables, hba1c: pd.DataFrame) -> pd.DataFrame:
    """Return the terms of the model, in words."""
    group = dummies(v(primary_group), "circulatory", least=1)
    parts = [hba1c, group, dummies(v(age_band), "30-60", least=1)]
    parts += [dummies(_named(v.frame[column]), reference) for column, reference in _REFERENCES.items()]
    parts.append(pd.DataFrame({"days in hospital": v(number("time_in_hospital"))}))
    both = {f"{one} and {two}": hba1c[one] * group[two] for one in hba1c for two in group}
    return pd.concat([*parts, pd.DataFrame(both)], axis=1)


def _named(values: pd.Series) -> pd.Series:
    """Return a category with its name and levels in words."""
    values = values.astype("category").rename(str(values.name).replace("_", " "))
    return values.cat.rename_categories(lambda level: "African American" if level == "AfricanAmerican" else level)


_study = partial(declare, theme="HbA1c and readmission", source=STUDY)


def _term(*names: str, less: tuple[str, ...] = ()) -> Recipe:
    return terms(measured_model, COHORT, *names, less=less)


@needs("A1Cresult", "change")
def high_and_changed(frame: pd.DataFrame) -> np.ndarray:
    """1 where HbA1c is high and medicines were changed, 0 where it was not measured, unknown elsewhere."""
    group = hba1c_group(frame)
    return np.select([group == HBA1C_GROUPS[1], group == HBA1C_GROUPS[0]], [1.0, 0.0], np.nan)


_RATIO = "odds ratio of readmission within 30 days"
_MODEL = "adjusted for HbA1c measured x main diagnosis, discharge, admission, specialty, race, age band and days"
_BOTH = "HbA1c measured and main diagnosis: "
_WHO = {"theme": "who comes back"}
_CARE = {"theme": "HbA1c and treatment"}

# fmt: off
FINDINGS: tuple[Finding, ...] = (
    _study("DF01", "HbA1c measured in few stays", "below", share(measured),
           "Is HbA1c measured in fewer than half of the stays of patients with diabetes?",
           "share of records with HbA1c measured, less one half", source=f"{STUDY}, abstract: 18.4 % measured"),
    _study("DF02", "HbA1c measured", "below", odds(early_readmission, measured),
           "Do patients whose HbA1c was measured come back less often?", f"{_RATIO}, measured against not measured",
           source=f"{STUDY}: 8.7 % against 9.4 %, p = .007 (from memory, and as others quote it)"),
    _study("DF03", "HbA1c measured, main diagnosis diabetes", "below", _term("HbA1c measured", _BOTH + "diabetes"),
           "Admitted for diabetes: do patients whose HbA1c was measured come back less often?",
           f"{_RATIO}, measured against not measured, {_MODEL}", population="main diagnosis diabetes"),
    _study("DF04", "HbA1c x diabetes, not circulatory", "below", _term(_BOTH + "diabetes"),
           "Does measuring HbA1c go with fewer returns after a stay for diabetes, more than after one for the heart?",
           f"ratio of two {_RATIO} by HbA1c measured: main diagnosis diabetes over circulatory, {_MODEL}",
           source=f"{STUDY}: interaction, p < .001 (from memory, and as others quote it)"),
    _study("DF05", "HbA1c x diabetes, not respiratory", "below",
           _term(_BOTH + "diabetes", less=(_BOTH + "respiratory",)),
           "Does measuring HbA1c go with fewer returns after a stay for diabetes, more than after one for the lungs?",
           f"ratio of two {_RATIO} by HbA1c measured: main diagnosis diabetes over respiratory, {_MODEL}",
           source=f"{STUDY}: p = .02, above the study's own limit of .01 (from memory, and as others quote it)",
           note="No difference in the real cohort (1.01, 0.76-1.36): the same lower odds after a stay for the lungs."),
    _study("DF06", "HbA1c high and treated, diabetes", "below",
           odds(early_readmission, high_and_changed, _CONTROLS, among=in_group("diabetes")),
           "Admitted for diabetes, HbA1c high, medicines changed: do they come back less often than the untested?",
           f"{_RATIO}, HbA1c high and medicines changed against not measured, adjusted for age band, days, discharge",
           population="main diagnosis diabetes; HbA1c high and medicines changed, or not measured"),
    _study("DF07", "discharged elsewhere than home", "above", _term("discharged: elsewhere"),
           "Do patients who are not sent home come back more often?",
           f"{_RATIO}, discharged elsewhere against home, {_MODEL}", **_WHO),
    _study("DF08", "older than 60", "above", _term("age: >60"),
           "Do patients above 60 come back more often than those of 30 to 60?",
           f"{_RATIO}, above 60 against 30-60, {_MODEL}", **_WHO),
    _study("DF09", "each day in hospital", "above", _term("days in hospital"),
           "Do patients come back more often the longer they stayed?", f"{_RATIO} per day, {_MODEL}", **_WHO),
    _study("DF10", "admitted by emergency room", "above", _term("admitted from: emergency room"),
           "Do patients who came by the emergency room return more often than those referred?",
           f"{_RATIO}, emergency room against referral, {_MODEL}", **_WHO,
           note="Not in the real cohort (1.02, 0.96-1.09), once main diagnosis and discharge are allowed for.",
           source=f"a term of {STUDY}; direction after van Walraven et al. 2010 (LACE), doi 10.1503/cmaj.091117"),
    _study("DF11", "main diagnosis respiratory", "below", _term("main diagnosis: respiratory"),
           "Do patients treated for the lungs come back less often than those treated for heart and vessels?",
           f"{_RATIO}, HbA1c not measured: main diagnosis respiratory against circulatory, {_MODEL}", **_WHO,
           source=f"{STUDY}; the direction from memory of its rates"),
    _study("DF12", "admitted by a cardiologist", "below", _term("specialty: cardiology"),
           "Do patients of cardiologists come back less often than those of internists?",
           f"{_RATIO}, cardiology against internal medicine, {_MODEL}", **_WHO,
           source=f"{STUDY}; the direction from memory of its rates"),
    _study("DF13", "African American", "above", _term("race: African American"),
           "Do African American patients come back more often than white ones?",
           f"{_RATIO}, African American against Caucasian, {_MODEL}", **_WHO,
           note="Not in the real cohort (0.98, 0.91-1.05); the literature is about heart failure, infarction.",
           source=f"a term of {STUDY}; direction after Joynt, Orav, Jha 2011, doi 10.1001/jama.2011.123"),
    _study("DF14", "HbA1c measured: medicines changed", "above", odds(medication_changed, measured),
           "Are medicines changed more often where HbA1c was measured?",
           "odds ratio of a change of diabetes medicines, measured against not measured", **_CARE,
           source=f"{STUDY}: 55.0 % against 42.5 %, p < .001 (from memory, and as others quote it)"),
    _study("DF15", "HbA1c high: medicines changed", "above", odds(medication_changed, high_hba1c),
           "Are medicines changed more often where HbA1c is above 8 %?",
           "odds ratio of a change of diabetes medicines, HbA1c above 8 % against lower", **_CARE,
           population="HbA1c measured",
           source=f"{STUDY}: 65.0 % where high, 55.0 % where measured (from memory, and as others quote it)"),
)
# fmt: on
