import numpy as np
import pandas as pd
import pytest
from studies import FINDINGS, adjusted_model
from studies.variables import (
    age_band,
    age_years,
    any_code,
    any_readmission,
    at_least,
    chapter_of,
    drugs_taken,
    early_readmission,
    hba1c_group,
    high_hba1c,
    in_group,
    insulin,
    is_level,
    main_in,
    measured,
    primary_group,
)

from shd import load
from shd.compare.findings import Estimate, Need, Variables, estimates
from shd.dataset import Dataset


def codes_of(*levels):
    return pd.DataFrame({f"diag_{i}": pd.Categorical(levels) for i in (1, 2, 3)})


def test_the_library_is_as_large_as_it_promises(study, challenge):
    assert len(FINDINGS) >= 30
    assert sum(f.applies_to(study(200)) is None for f in FINDINGS) >= 25
    assert sum(f.applies_to(challenge(200)) is None for f in FINDINGS) >= 18
    assert len({f.code for f in FINDINGS}) == len({(f.theme, f.label) for f in FINDINGS}) == len(FINDINGS)


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda f: f.code)
def test_a_finding_says_all_about_itself(finding, study, challenge):
    for words in (finding.theme, finding.label, finding.population, finding.estimand, finding.method, finding.source):
        assert words
    assert len(finding.label) <= 40
    assert finding.question.endswith("?")
    for table in (study(3000, 1), challenge(3000, 1)):
        if finding.applies_to(table) is None:
            found = finding.estimate(table)
            assert isinstance(found, Estimate)
            assert found.low <= found.value <= found.high
            assert 0 <= found.p <= 1
            assert found.n <= len(table)


def test_findings_say_what_a_table_lacks(challenge):
    reasons = {f.code: f.applies_to(challenge(200)) for f in FINDINGS}
    assert reasons["DF07"] == "there is no column 'discharged'"
    assert reasons["DF81"] == "no level 428 in diag_1, diag_2, diag_3"
    assert reasons["DF21"] is None


def test_each_column_named_is_needed(study):
    table = study(500)
    for finding in FINDINGS:
        for need in finding.columns:
            for column in need.columns:
                lacking = Dataset(table.frame.drop(columns=column), name=table.name)
                assert finding.applies_to(lacking) == f"there is no column {column!r}"


def test_planted_links_are_found_and_others_not(study):
    linked, free = (
        estimates(study(6000, 2, linked), FINDINGS).set_index("code")["as expected"] for linked in (True, False)
    )
    planted = ["DF15", "DF21", "DF31", "DF33", "DF51"]
    assert linked[planted].all()
    assert not free[planted].any()
    assert not linked["DF54"]  # here HbA1c is measured whatever the diagnosis
    assert free.drop("DF01").mean() < 0.1


def test_estimates_of_repeated_patients_are_by_patient(challenge):
    table = challenge(2000, 3)
    finding = next(f for f in FINDINGS if f.code == "DF21")
    twice = Dataset(pd.concat([table.frame] * 2), subjects=np.tile(table.subjects, 2), name="diabetes")
    once, again = finding.estimate(table), finding.estimate(twice)
    assert again.value == pytest.approx(once.value, rel=1e-6)
    assert np.log(again.high / again.low) == pytest.approx(np.log(once.high / once.low), rel=0.02)


def test_variables_of_the_study_by_hand():
    frame = pd.DataFrame(
        {
            "A1Cresult": ["not measured", ">8", ">8", "Norm", ">7", None],
            "change": ["Ch", "Ch", "No", "Ch", "No", "No"],
            "age": ["[0-10)", "[20-30)", "[30-40)", "[50-60)", "[60-70)", None],
            "readmitted": ["<30", ">30", "NO", "NO", None, "<30"],
            "number_inpatient": [0, 1, 2, 3, 0, 1],
            "race": ["Asian", "Caucasian", "Hispanic", None, "Hispanic", "Caucasian"],
        }
    )
    high, changed = "high, medication changed", "high, not changed"
    expected = ["not measured", high, changed, "not high", "not high", np.nan]
    assert hba1c_group(frame).astype("object").where(lambda g: g.notna(), np.nan).to_list()[:5] == expected[:5]
    assert hba1c_group(frame).isna().to_list() == [False] * 5 + [True]
    np.testing.assert_array_equal(measured(frame), [0, 1, 1, 1, 1, np.nan])
    np.testing.assert_array_equal(high_hba1c(frame), [np.nan, 1, 1, 0, 0, np.nan])
    assert age_band(frame).to_list()[:5] == ["<30", "<30", "30-60", "30-60", ">60"]
    np.testing.assert_array_equal(age_years(frame), [5, 25, 35, 55, 65, np.nan])
    np.testing.assert_array_equal(early_readmission(frame), [1, 0, 0, 0, np.nan, 1])
    np.testing.assert_array_equal(any_readmission(frame), [1, 1, 0, 0, np.nan, 1])
    np.testing.assert_array_equal(at_least("number_inpatient", 2, against=1)(frame), [np.nan, 0, 1, 1, np.nan, 0])
    np.testing.assert_array_equal(
        is_level("race", "Hispanic", against=("Caucasian",))(frame), [np.nan, 0, 1, np.nan, 1, 0]
    )


def test_drugs_by_hand(drug_names):
    frame = pd.DataFrame({name: ["No", "No", "No"] for name in drug_names})
    frame["insulin"], frame["metformin"] = ["No", "Up", "Steady"], ["No", "No", "Down"]
    assert insulin(frame).tolist() == [0, 1, 1]
    frame.loc[0, "insulin"] = None
    assert drugs_taken(frame, ["insulin", "metformin"]).tolist() == [[False, False], [True, False], [True, True]]
    assert np.isnan(insulin(frame)[0])


def test_groups_of_main_diagnosis_by_codes_and_by_chapters():
    levels = {
        "250": "diabetes", "276": "other", "428": "circulatory", "785": "circulatory", "786": "respiratory",
        "787": "digestive", "788": "genitourinary", "780": "other", "715": "musculoskeletal", "820": "injury",
        "162": "neoplasms", "V57": "other", "E849": "other", "038": "other", "other circulatory": "circulatory",
        "other injury and poisoning": "injury", "other symptoms and signs": "other", "other external causes": "other",
    }  # fmt: skip
    frame = codes_of(*levels, None)
    assert primary_group(frame).to_list() == [*levels.values(), "other"]
    assert in_group("diabetes")(frame).sum() == 1
    chapters = pd.DataFrame({"diag_1": pd.Categorical(["circulatory", "endocrine and metabolic", "blood"])})
    assert primary_group(chapters).to_list() == ["circulatory", "endocrine and metabolic", "other"]
    assert Need(("diag_1",), ("250",)).lacks(chapters) == "no level 250 in diag_1"


def test_chapters_are_found_from_codes_too():
    frame = codes_of("250", "other endocrine and metabolic", "428")
    as_chapters = pd.DataFrame({"diag_1": pd.Categorical([chapter_of(code) for code in frame["diag_1"]])})
    endocrine = main_in("endocrine and metabolic")
    assert endocrine(frame).tolist() == endocrine(as_chapters).tolist() == [1, 1, 0]
    assert chapter_of("no such thing") is None and chapter_of("V99") is None
    places = pd.DataFrame({"diag_1": ["250", "428"], "diag_2": ["428", None], "diag_3": [None, "401"]})
    assert any_code("428")(places.astype("category")).tolist() == [1, 1]


def test_variables_and_models_are_computed_once(study):
    v, calls = Variables(study(100)), []

    def variable(frame):
        calls.append(1)
        return np.zeros(len(frame))

    assert v(variable) is v(variable)
    assert len(calls) == 1


def test_the_study_s_model_names_its_terms_and_says_what_it_cannot_estimate(study):
    model = adjusted_model(study(3000, 4)).set_index("term")
    assert {"discharged: elsewhere", "days in hospital", "age: >60", "race: African American"} <= set(model.index)
    assert "HbA1c: not high and main diagnosis: diabetes" in model.index
    known = model[model["why not"] == ""]
    assert (known["low"] <= known["odds ratio"]).all() and (known["odds ratio"] <= known["high"]).all()
    small = adjusted_model(study(400, 4))
    lost = small[small["why not"] != ""]
    assert len(lost) and lost["odds ratio"].isna().all()


@pytest.mark.slow
@pytest.mark.real_data("diabetes_cohort")
def test_the_real_cohort_shows_what_is_known_but_for_what_notes_say():
    cohort = Variables(load("diabetes_cohort", source="real"))
    shown = {f.code: f.estimate(cohort).shows(f.expected) for f in FINDINGS}
    noted = {f.code for f in FINDINGS if f.note}
    assert {code for code, shows in shown.items() if not shows} == noted
    assert sum(shown.values()) >= 60
