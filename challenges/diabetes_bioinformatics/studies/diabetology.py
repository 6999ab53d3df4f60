"""What is known about patients with diabetes in hospital, whatever the table: textbook and literature.

Every direction was written down before the tables were looked at. Where no paper is named the source
is general clinical knowledge, as any textbook of internal medicine gives it, and says so.
"""

from functools import partial

from shd.compare.findings import Finding, declare, odds, ranks, rates, together

from .variables import (
    age_decades,
    any_code,
    any_in,
    any_readmission,
    at_least,
    drug,
    early_readmission,
    further_in,
    glitazone,
    high_glucose,
    high_hba1c,
    in_group,
    insulin,
    is_level,
    main_code,
    main_in,
    measured,
    metformin,
    number,
    sulfonylurea,
)

_TEXTBOOK = "general clinical knowledge (textbook)"
_RUBIN = "Rubin 2015, Hospital Readmission of Patients with Diabetes, doi 10.1007/s11892-015-0584-7"
_LACE = "van Walraven et al. 2010 (LACE), doi 10.1503/cmaj.091117"
_BOX = "Nesto et al. 2003, consensus of AHA and ADA, doi 10.1161/01.CIR.0000103683.99399.7E"
_MALE = is_level("gender", "Male", against=("Female",))
_FEMALE = is_level("gender", "Female", against=("Male",))
_BLACK = is_level("race", "AfricanAmerican", against=("Caucasian",))
_HISPANIC = is_level("race", "Hispanic", against=("Caucasian",))
_WHO = (age_decades, _FEMALE)
_ADJUSTED = "adjusted for age and sex"
_KIDNEY = any_code("584", "585", "403")
_CHRONIC_KIDNEY = any_code("585", "403", "404")
_FAILURE = any_code("428")
_ISCHAEMIC = ("410", "411", "413", "414")
_EARLIER = number("number_inpatient", 5)  # 5 and more: few patients have more, and one has 42
_DAYS, _PROCEDURES = number("time_in_hospital"), number("num_procedures")
_MEDICINES, _TESTS, _DIAGNOSES = number("num_medications"), number("num_lab_procedures"), number("number_diagnoses")
_UP = is_level("insulin", "Up")
_YOUNG = is_level("age", "[0-10)", "[10-20)", "[20-30)")
_OLDEST = is_level("age", "[80-90)", "[90-100)", against=("[60-70)", "[70-80)"))


_known = partial(declare, source=_TEXTBOOK)
_BACK = {"theme": "who comes back"}
_AGE = {"theme": "age, sex and race"}
_CARE = {"theme": "HbA1c and treatment"}
_DRUGS = {"theme": "medicines"}
_STAY = {"theme": "the stay in hospital"}
_ILL = {"theme": "diseases together"}
# of presence in one of three places: a link takes places from others, so that these are on the low side
_TOGETHER = "records with both over records expected if independent"

# fmt: off
FINDINGS: tuple[Finding, ...] = (
    # --- who comes back
    _known("DF21", "each inpatient visit before", "above", odds(early_readmission, _EARLIER, _WHO),
           "Do patients come back sooner the more often they were in hospital in the year before?",
           f"odds ratio of readmission within 30 days per inpatient visit (5 at most), {_ADJUSTED}",
           source=_RUBIN, **_BACK),
    _known("DF22", "2+ inpatient visits, not one", "above",
           odds(any_readmission, at_least("number_inpatient", 2, against=1), _WHO),
           "Is the risk of return higher after two earlier stays than after one?",
           f"odds ratio of any readmission, two or more inpatient visits against one, {_ADJUSTED}",
           population="one inpatient visit or more in the year before", source=_RUBIN, **_BACK),
    _known("DF23", "any emergency visit before", "above",
           odds(early_readmission, at_least("number_emergency", 1), _WHO),
           "Do patients with emergency visits in the year before come back within 30 days more often?",
           f"odds ratio of readmission within 30 days, any emergency visit against none, {_ADJUSTED}",
           source=_LACE, **_BACK),
    _known("DF24", "any outpatient visit before", "above",
           odds(any_readmission, at_least("number_outpatient", 1), _WHO),
           "Do patients with outpatient visits in the year before come back more often?",
           f"odds ratio of any readmission, any outpatient visit against none, {_ADJUSTED}", **_BACK),
    _known("DF25", "each diagnosis more", "above", odds(any_readmission, _DIAGNOSES, _WHO),
           "Do patients with more diagnoses come back more often?",
           f"odds ratio of any readmission per diagnosis, {_ADJUSTED}", source=_LACE + " (comorbidity)", **_BACK),
    _known("DF26", "insulin", "above", odds(early_readmission, insulin, _WHO),
           "Do patients on insulin come back within 30 days more often?",
           f"odds ratio of readmission within 30 days, insulin against none, {_ADJUSTED}", source=_RUBIN, **_BACK),
    _known("DF27", "heart failure", "above", odds(any_readmission, _FAILURE, _WHO),
           "Do patients with heart failure come back more often?",
           f"odds ratio of any readmission, heart failure (428) in any place, {_ADJUSTED}",
           source="Jencks, Williams, Coleman 2009, doi 10.1056/NEJMsa0803563", **_BACK),
    _known("DF28", "kidney disease", "above", odds(early_readmission, _KIDNEY, _WHO),
           "Do patients with kidney disease come back within 30 days more often?",
           f"odds ratio of readmission within 30 days, 584, 585 or 403 in any place, {_ADJUSTED}",
           source=_RUBIN, **_BACK),
    _known("DF29", "pregnancy and childbirth", "below", odds(any_readmission, main_in("pregnancy and childbirth")),
           "Do women admitted for pregnancy or childbirth come back less often?",
           "odds ratio of any readmission, main diagnosis of the chapter against others", **_BACK),
    # --- age, sex and race
    _known("DF31", "age: diagnoses", "above", ranks(age_decades, _DIAGNOSES),
           "Do older patients have more diagnoses?", "rank correlation of age and number of diagnoses",
           source="Barnett et al. 2012, multimorbidity, doi 10.1016/S0140-6736(12)60240-2", **_AGE),
    _known("DF32", "age: circulatory main diagnosis", "above", odds(main_in("circulatory"), age_decades),
           "Do diseases of heart and vessels become a more frequent main diagnosis with age?",
           "odds ratio of a circulatory main diagnosis per ten years", **_AGE),
    _known("DF33", "age: diabetes main diagnosis", "below", odds(in_group("diabetes"), age_decades),
           "Is diabetes itself the main diagnosis more often in the young?",
           "odds ratio of a main diagnosis of diabetes per ten years",
           source="general clinical knowledge (ketoacidosis of type 1)", **_AGE),
    _known("DF34", "age: endocrine main diagnosis", "below", odds(main_in("endocrine and metabolic"), age_decades),
           "Is an endocrine or metabolic disease, diabetes among them, the main diagnosis more often in the young?",
           "odds ratio of a main diagnosis of the chapter per ten years", **_AGE),
    _known("DF35", "age: HbA1c above 8 %", "below", odds(high_hba1c, age_decades),
           "Is HbA1c above 8 % more often in the young?", "odds ratio of HbA1c above 8 % per ten years",
           population="HbA1c measured",
           source="Ali et al. 2013, diabetes care in the US, doi 10.1056/NEJMsa1213829", **_AGE),
    _known("DF36", "below 30: insulin", "above", odds(insulin, _YOUNG),
           "Do patients below 30 use insulin more often (type 1)?",
           "odds ratio of insulin, below 30 against older", **_AGE),
    _known("DF37", "age: dysrhythmia", "above", odds(any_code("427"), age_decades),
           "Does dysrhythmia become more frequent with age?", "odds ratio of 427 in any place per ten years",
           source="Go et al. 2001 (atrial fibrillation), doi 10.1001/jama.285.18.2370", **_AGE),
    _known("DF38", "age: discharged elsewhere", "above", odds(is_level("discharged", "elsewhere"), age_decades),
           "Are older patients sent elsewhere than home more often?",
           "odds ratio of such a discharge per ten years", **_AGE),
    _known("DF39", "age: obesity", "below", odds(any_code("278"), age_decades),
           "Is obesity named less often in the old?", "odds ratio of 278 in any place per ten years", **_AGE),
    _known("DF40", "men: ischaemic heart disease", "above", odds(main_code(*_ISCHAEMIC), _MALE, (age_decades,)),
           "Are men admitted for ischaemic heart disease more often than women?",
           "odds ratio of 410, 411, 413 or 414 as main diagnosis, men against women, adjusted for age", **_AGE),
    _known("DF41", "men: circulatory main diagnosis", "above", odds(main_in("circulatory"), _MALE, (age_decades,)),
           "Are men admitted for heart and vessels more often than women?",
           "odds ratio of a circulatory main diagnosis, men against women, adjusted for age", **_AGE),
    _known("DF42", "women: urinary tract infection", "above", odds(any_code("599"), _FEMALE, (age_decades,)),
           "Do women have urinary tract infections more often than men?",
           "odds ratio of 599 in any place, women against men, adjusted for age", **_AGE),
    _known("DF43", "women: hypothyroidism", "above", odds(any_code("244"), _FEMALE, (age_decades,)),
           "Do women have hypothyroidism more often than men?",
           "odds ratio of 244 in any place, women against men, adjusted for age", **_AGE),
    _known("DF44", "African American: HbA1c above 8 %", "above", odds(high_hba1c, _BLACK, _WHO),
           "Do African American patients have higher HbA1c than white ones?",
           f"odds ratio of HbA1c above 8 %, African American against Caucasian, {_ADJUSTED}",
           population="HbA1c measured", source="Kirk et al. 2006, doi 10.2337/dc05-1973", **_AGE,
           note="Not in the real tables once age and sex are allowed for (cohort 1.07, 0.98-1.17)."),
    _known("DF45", "Hispanic: HbA1c above 8 %", "above", odds(high_hba1c, _HISPANIC, _WHO),
           "Do Hispanic patients have higher HbA1c than white ones?",
           f"odds ratio of HbA1c above 8 %, Hispanic against Caucasian, {_ADJUSTED}",
           population="HbA1c measured", source="Kirk et al. 2008, Diabetes Care 31(2):240-246", **_AGE,
           note="Not significant in the real tables (cohort 1.10, 0.89-1.36): few Hispanic patients were measured."),
    _known("DF46", "African American: hypertensive kidney", "above", odds(any_code("403"), _BLACK, _WHO),
           "Do African American patients have hypertensive kidney disease more often than white ones?",
           f"odds ratio of 403 in any place, African American against Caucasian, {_ADJUSTED}",
           source="Klag et al. 1997 (men), doi 10.1001/jama.1997.03540400043029", **_AGE),
    # --- HbA1c and treatment
    _known("DF51", "HbA1c above 8 %: insulin", "above", odds(insulin, high_hba1c, _WHO),
           "Do patients with high HbA1c use insulin more often?",
           f"odds ratio of insulin, HbA1c above 8 % against lower, {_ADJUSTED}", population="HbA1c measured", **_CARE),
    _known("DF52", "HbA1c above 8 %: insulin raised", "above", odds(_UP, high_hba1c, among=insulin),
           "Is insulin raised more often where HbA1c is high?",
           "odds ratio of a higher dose of insulin, HbA1c above 8 % against lower",
           population="insulin, HbA1c measured", **_CARE),
    _known("DF53", "HbA1c above 8 %: high glucose", "above", odds(high_glucose, high_hba1c),
           "Do high HbA1c and high serum glucose go together?",
           "odds ratio of glucose above 200 mg/dl, HbA1c above 8 % against lower",
           population="both measured", source="Nathan et al. 2008, doi 10.2337/dc08-0545", **_CARE),
    _known("DF54", "diabetes main diagnosis: HbA1c measured", "above", odds(measured, in_group("diabetes")),
           "Is HbA1c measured more often in patients admitted for diabetes?",
           "odds ratio of a measurement, main diagnosis diabetes against others", **_CARE),
    _known("DF55", "endocrine diagnosis: HbA1c measured", "above", odds(measured, main_in("endocrine and metabolic")),
           "Is HbA1c measured more often in patients admitted for an endocrine or metabolic disease?",
           "odds ratio of a measurement, main diagnosis of the chapter against others", **_CARE),
    # --- medicines
    _known("DF61", "80 and older: metformin", "below", odds(metformin, _OLDEST, (_FEMALE,)),
           "Do the oldest use metformin less often?",
           "odds ratio of metformin, from 80 on against 60-79, adjusted for sex",
           source="label of metformin before 2016: caution from 80 years on", **_DRUGS),
    _known("DF62", "kidney disease: metformin", "below", odds(metformin, _KIDNEY, _WHO),
           "Do patients with kidney disease use metformin less often?",
           f"odds ratio of metformin, 584, 585 or 403 in any place, {_ADJUSTED}",
           source="label of metformin: contraindicated in renal failure", **_DRUGS),
    _known("DF64", "heart failure: glitazones", "below", odds(glitazone, _FAILURE, _WHO),
           "Do patients with heart failure use pioglitazone and rosiglitazone less often?",
           f"odds ratio of a glitazone, heart failure (428) in any place, {_ADJUSTED}", source=_BOX, **_DRUGS),
    _known("DF65", "metformin with sulfonylurea", "above", together(metformin, sulfonylurea),
           "Are metformin and a sulfonylurea prescribed together?", _TOGETHER,
           source="Nathan et al. 2009, consensus of ADA and EASD, doi 10.2337/dc08-9025", **_DRUGS),
    _known("DF66", "glipizide with glyburide", "below", together(drug("glipizide"), drug("glyburide")),
           "Are two sulfonylureas avoided in one patient?", _TOGETHER, **_DRUGS),
    _known("DF67", "pioglitazone with rosiglitazone", "below", together(drug("pioglitazone"), drug("rosiglitazone")),
           "Are two glitazones avoided in one patient?", _TOGETHER, **_DRUGS),
    _known("DF68", "insulin: sulfonylurea", "below", odds(sulfonylurea, insulin, _WHO),
           "Do patients on insulin use sulfonylureas less often?",
           f"odds ratio of a sulfonylurea, insulin against none, {_ADJUSTED}", **_DRUGS),
    # --- the stay in hospital
    _known("DF71", "days: medicines", "above", ranks(_DAYS, _MEDICINES),
           "Do longer stays have more medicines?", "rank correlation of days and number of medicines", **_STAY),
    _known("DF72", "days: laboratory tests", "above", ranks(_DAYS, _TESTS),
           "Do longer stays have more laboratory tests?", "rank correlation of days and number of tests", **_STAY),
    _known("DF73", "diagnoses: medicines", "above", ranks(_DIAGNOSES, _MEDICINES),
           "Do patients with more diagnoses get more medicines?", "rank correlation of the two numbers", **_STAY),
    _known("DF74", "circulatory: procedures", "above", rates(_PROCEDURES, main_in("circulatory")),
           "Are there more procedures in stays for heart and vessels?",
           "ratio of the mean number of procedures, circulatory main diagnosis against others", **_STAY),
    _known("DF75", "musculoskeletal: procedures", "above", rates(_PROCEDURES, main_in("musculoskeletal")),
           "Are there more procedures in stays for bones and joints?",
           "ratio of the mean number of procedures, musculoskeletal main diagnosis against others", **_STAY),
    _known("DF76", "mental disorder: days", "above", rates(_DAYS, main_in("mental"), _WHO),
           "Do patients admitted for a mental disorder stay longer?",
           f"ratio of mean days, mental main diagnosis against others, {_ADJUSTED}", **_STAY),
    _known("DF77", "symptoms only: days", "below", rates(_DAYS, main_in("symptoms and signs"), _WHO),
           "Do patients whose main diagnosis is a symptom stay shorter?",
           f"ratio of mean days, main diagnosis of the chapter symptoms and signs against others, {_ADJUSTED}",
           **_STAY),
    _known("DF78", "infection: laboratory tests", "above", rates(_TESTS, main_in("infectious and parasitic"), _WHO),
           "Are more laboratory tests made in stays for an infection?",
           f"ratio of the mean number of tests, infectious main diagnosis against others, {_ADJUSTED}", **_STAY),
    _known("DF79", "insulin: days", "above", rates(_DAYS, insulin, _WHO),
           "Do patients on insulin stay longer?", f"ratio of mean days, insulin against none, {_ADJUSTED}", **_STAY),
    _known("DF80", "septicemia: days", "above", rates(_DAYS, main_code("038"), _WHO),
           "Do patients admitted for septicemia stay longer?",
           f"ratio of mean days, 038 as main diagnosis against others, {_ADJUSTED}", **_STAY),
    # --- diseases together
    _known("DF81", "heart failure, chronic kidney disease", "above", together(_FAILURE, _CHRONIC_KIDNEY),
           "Do heart failure and chronic kidney disease stand together?", _TOGETHER,
           source="Ronco et al. 2008 (cardiorenal syndrome), doi 10.1016/j.jacc.2008.07.051", **_ILL),
    _known("DF82", "heart failure, dysrhythmia", "above", together(_FAILURE, any_code("427")),
           "Do heart failure and dysrhythmia stand together?", _TOGETHER,
           source="Wang et al. 2003, doi 10.1161/01.CIR.0000072767.89944.6E", **_ILL),
    _known("DF83", "hypertension, lipid disorders", "above", together(any_code("401"), any_code("272")),
           "Do hypertension and lipid disorders stand together?", _TOGETHER,
           source="metabolic syndrome: Grundy et al. 2005, doi 10.1161/CIRCULATIONAHA.105.169404", **_ILL),
    _known("DF84", "osteomyelitis, skin ulcer", "above", together(any_code("730"), any_code("707")),
           "Do osteomyelitis and skin ulcers stand together (the diabetic foot)?", _TOGETHER,
           source="Lipsky et al. 2012 (diabetic foot infection), doi 10.1093/cid/cis346", **_ILL),
    _known("DF85", "cellulitis, skin ulcer", "above", together(any_code("682"), any_code("707")),
           "Do cellulitis and skin ulcers stand together?", _TOGETHER,
           source="Lipsky et al. 2012 (diabetic foot infection), doi 10.1093/cid/cis346", **_ILL),
    _known("DF86", "pneumonia, COPD", "above", together(any_code("486"), any_code("491", "492", "496")),
           "Do pneumonia and chronic obstructive lung disease stand together?", _TOGETHER, **_ILL),
    _known("DF87", "ischaemic heart, lipid disorders", "above", together(any_code(*_ISCHAEMIC), any_code("272")),
           "Do ischaemic heart disease and lipid disorders stand together?", _TOGETHER, **_ILL),
    _known("DF88", "acute kidney failure, electrolytes", "above", together(any_code("584"), any_code("276")),
           "Do acute kidney failure and disorders of fluid and electrolytes stand together?", _TOGETHER, **_ILL),
    _known("DF89", "endocrine diagnosis, skin disease", "above",
           odds(further_in("skin"), main_in("endocrine and metabolic")),
           "Do patients admitted for diabetes and its like have skin disease beside it (ulcers) more often?",
           "odds ratio of a skin diagnosis in second or third place, endocrine main diagnosis against others", **_ILL),
    _known("DF90", "genitourinary, blood", "above", together(any_in("genitourinary"), any_in("blood")),
           "Do kidney disease and anaemia stand together?", _TOGETHER + " (chapters genitourinary and blood)", **_ILL,
           note="The opposite in the real tables (cohort 0.71): a record has room for three diagnoses only, and the "
                "chapter genitourinary holds urinary tract infections as often as kidney failure."),
)
# fmt: on
