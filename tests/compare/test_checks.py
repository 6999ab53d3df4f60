import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import shd
from shd._errors import ShdError
from shd.compare.ask import answers
from shd.compare.checks import CHECKS, after, before, explain
from shd.compare.core.result import Result
from shd.compare.core.sides import Sides, look
from shd.compare.privacy import linkability
from shd.compare.utility import tstr
from shd.dataset import Dataset
from shd.synthesizers import Marginals


def sides(train, synthetic, holdout=None, **known) -> Sides:
    given = {"train": train, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    return look(given, **known)


def findings(*tables, asked=(), **known) -> dict:
    """Return what all checks find by their codes, after the questions that they take."""
    looked = sides(*tables, **known)
    early = before(looked)
    return {found.code: found for found in [*early, *after(looked, Result.of(looked, answers(asked, looked)), early)]}


def codes(*tables, **known) -> list[str]:
    return [finding.code for finding in before(sides(*tables, **known))]


def test_nothing_is_wrong_with_a_clean_cohort(cohort, fresh):
    assert codes(*cohort) == [] and fresh.findings == ()


def test_a_shared_subject(cohort):
    train, synthetic, holdout = cohort
    mixed = replace(holdout, subjects=np.concatenate([train.subjects[:2], holdout.subjects[2:]]))
    assert codes(train, synthetic, mixed) == ["SHD001"]
    # ids of several kinds
    some, others = ([f"p{k}", *d.subjects[1:].tolist()] for k, d in enumerate((train, holdout)))
    of_kinds = [replace(d, subjects=np.array(i, dtype=object)) for d, i in ((train, some), (holdout, others))]
    assert codes(of_kinds[0], synthetic, of_kinds[1]) == []
    # record numbers are no ids
    plain = [Dataset(d.frame, target="sick") for d in (train, holdout)]
    assert codes(plain[0], synthetic, plain[1]) == []


def test_record_numbers_of_one_side_are_no_ids_of_the_other(cohort):
    train, synthetic, holdout = cohort
    numbered = replace(train, subjects=np.arange(len(train)) // 3)
    assert codes(numbered, synthetic, Dataset(holdout.frame, target="sick")) == []


def test_a_holdout_with_one_class_is_not_mislabelled(cohort):
    train, synthetic, holdout = cohort
    constant = holdout.frame.assign(sick="yes")
    assert "SHD004" not in codes(Dataset(train.frame, target="sick"), synthetic, constant)


def test_a_contaminated_holdout_does_not_excuse_copies(cohort):
    train, _, _ = cohort
    found = codes(train, train.frame, replace(train, subjects=train.subjects + 10_000))
    assert "SHD011" in found and "SHD003" in found


def test_the_most_extreme_person_is_not_named(people):
    rng = np.random.default_rng(0)
    income = np.append(rng.lognormal(11, 1, 599), 98_765_432)
    train = people(600, 1).assign(income=income)
    made = people(600, 2).assign(income=np.minimum(rng.lognormal(11, 1, 600), np.quantile(income, 0.94)))
    (said,) = [f.sentence for f in before(sides(train, made)) if f.code == "SHD009"]
    assert "income = from " in said and "9.877e+07" not in said


def test_the_holdout_was_seen(cohort):
    train, synthetic, holdout = cohort
    made = pd.concat([synthetic.frame.head(100), holdout.frame.head(300)], ignore_index=True)
    assert "SHD002" in findings(train, made, holdout)


def test_a_synthesizer_that_was_fitted_on_everything(cohort):
    train, synthetic, holdout = cohort
    both = Marginals(random_state=0).fit(pd.concat([train.frame, holdout.frame]))
    assert "fitted on 1,600 records" in findings(train, synthetic, holdout, synthesizer=both)["SHD002"].sentence


def test_repeated_records(cohort):
    train, synthetic, holdout = cohort
    frame = pd.concat([holdout.frame.iloc[:700], train.frame.iloc[:100]], ignore_index=True)
    assert codes(train, synthetic, Dataset(frame, target="sick", subjects=holdout.subjects)) == ["SHD003"]


def test_records_that_repeat_by_chance_are_no_fault():
    coarse = [pd.DataFrame({"a": np.random.default_rng(k).choice(list("xyz"), 300)}) for k in range(3)]
    assert codes(*coarse) == []


def test_records_that_repeat_all_but_a_hair(people):
    train = people(600, 1)
    copies = people(300, 2)
    copies.iloc[:60] = train.iloc[:60]
    copies[["age", "blood"]] += 1e-6  # no two are equal
    assert [f.code for f in before(sides(train, people(300, 3), copies))] == ["SHD003"]
    assert codes(train, people(300, 3), people(300, 2)) == []
    coarse = [pd.DataFrame({"age": np.random.default_rng(k).integers(20, 90, 300)}) for k in range(3)]
    assert "SHD003" not in codes(*coarse)  # equal by chance


def test_records_on_both_sides_do_not_make_the_synthesizer_a_suspect(people):
    train = people(600, 1)
    made, held = (train.assign(age=train["age"] + d, blood=train["blood"] + d) for d in (1e-6, 2e-6))
    assert findings(train, made, held).keys() == {"SHD003", "SHD010"}  # no attack was asked for


def test_a_target_out_of_order(cohort):
    train, synthetic, holdout = cohort
    frame = holdout.frame.assign(sick=holdout.frame["sick"].sample(frac=1, random_state=0).to_numpy())
    found = before(sides(train, synthetic, replace(holdout, frame=frame)))
    assert [f.code for f in found] == ["SHD004"] and "nothing in holdout" in found[0].sentence


def test_people_who_contradict_themselves(cohort):
    train, synthetic, holdout = cohort
    settled = [d.frame.assign(sex=d.frame["sex"].to_numpy()[np.arange(800) // 2 * 2]) for d in (train, holdout)]
    clean = [replace(d, frame=frame) for d, frame in zip((train, holdout), settled, strict=True)]
    assert codes(clean[0], synthetic, clean[1]) == []
    found = before(sides(clean[0], synthetic, holdout))  # here a person's sex is drawn anew each time
    assert [f.code for f in found] == ["SHD004"] and found[0].sentence.startswith("sex: ")


def test_some_people_who_contradict_themselves_on_both_sides(cohort):
    train, synthetic, holdout = cohort

    def with_slips(data, slips):
        sex = data.frame["sex"].to_numpy(object)[np.arange(800) // 2 * 2]
        sex[: 2 * slips : 2] = np.where(sex[: 2 * slips : 2] == "f", "m", "f")
        return replace(data, frame=data.frame.assign(sex=pd.Categorical(sex)))

    assert codes(with_slips(train, 3), synthetic, with_slips(holdout, 3)) == []  # of 400 people
    found = before(sides(with_slips(train, 12), synthetic, with_slips(holdout, 3)))
    assert [f.code for f in found] == ["SHD004"] and "3.0% of the people of train" in found[0].sentence


def test_a_synthesizer_without_a_seed(cohort):
    assert codes(*cohort, synthesizer=Marginals(random_state=None)) == ["SHD005"]
    assert codes(*cohort, synthesizer=Marginals(random_state=0)) == []


def test_few_records(people):
    found = before(sides(people(300, 1), people(300, 2), people(150, 3)))
    assert [f.code for f in found] == ["SHD006"] and "holdout has 150 records" in found[0].sentence


def test_a_leak(cohort):
    tables = [d.frame.assign(code=np.where(d.frame["sick"] == "yes", 7.0, 2.0)) for d in cohort]
    given = dict(zip(("train", "synthetic", "holdout"), tables, strict=True))
    found = before(look(given, "sick"))
    assert [f.code for f in found] == ["SHD007"] and "code alone predicts sick" in found[0].sentence


def test_the_halves_of_an_alphabet_are_not_what_is_predicted():
    letters = np.tile(list("abcdefghijklmnopqrstuvwxyz"), 30)
    table = pd.DataFrame({"letter": letters, "late": letters > "m"})
    given = {"train": table, "synthetic": table.iloc[::-1]}
    found = before(look(given, "letter"))
    assert "SHD007" not in {finding.code for finding in found}  # no letter is told by its half


def test_a_number_that_may_be_an_id(people):
    rng = np.random.default_rng(0)
    more = {
        "patient": rng.permutation(10**6)[:300],
        "born": pd.Timestamp("1950-01-01") + pd.to_timedelta(np.arange(300), unit="D"),
        "weight": rng.normal(70, 9, 300),
        "visits": np.arange(300) % 200,
    }
    found = before(sides(people(300, 1).assign(**more), people(300, 2).assign(**more)))
    assert [f.code for f in found][:1] == ["SHD012"] and found[0].level == "warning"
    assert found[0].sentence.startswith("patient holds 300 different whole numbers")
    assert codes(people(90, 1).assign(n=range(90)), people(300, 2).assign(n=1)) == ["SHD006"]  # too few to tell


def test_a_sensitive_column_that_was_lost(people):
    train = Dataset(people(300, 1), sensitive=("sex", "pills"))
    found = before(sides(train, people(300, 2).drop(columns="pills")))
    assert [f.code for f in found] == ["SHD013"] and found[0].sentence.startswith("pills is declared sensitive")


def test_a_target_of_small_classes_only():
    rng = np.random.default_rng(0)
    tables = [pd.DataFrame({"x": rng.normal(size=100), "class": [f"{k % 18}" for k in range(100)]}) for _ in range(3)]
    given = dict(zip(("train", "synthetic", "holdout"), tables, strict=True))
    assert {f.code for f in before(look(given, "class"))} == {"SHD006"}


def test_a_target_that_is_too_easy(cohort):
    train, synthetic, holdout = cohort
    hard = [replace(d, frame=d.frame.assign(sick=_blur(d.frame["sick"]))) for d in (train, holdout)]
    found = findings(hard[0], synthetic, hard[1], asked=(tstr.QUESTION,))  # the synthetic labels are sharper
    assert found.keys() == {"SHD008", "SHD010"}


def _blur(labels: pd.Series) -> np.ndarray:
    other = np.random.default_rng(0).random(len(labels)) < 0.15
    return np.where(other, np.where(labels == "yes", "no", "yes"), labels)


def test_a_mode_that_vanished(cohort):
    train, synthetic, holdout = cohort
    frame = synthetic.frame[(synthetic.frame["pills"] != "none") & (synthetic.frame["age"] < 75)]
    found = before(sides(train, frame, holdout))
    assert [f.code for f in found] == ["SHD009"]
    assert "pills = none" in found[0].sentence and "age = " in found[0].sentence


def test_a_rare_class_of_the_target_that_vanished(people):
    rare = [people(4000, k).assign(sick=lambda t: np.where(np.arange(len(t)) % 150 == 0, "very", "no")) for k in (1, 2)]
    rare[1]["sick"] = "no"
    given = {"train": rare[0], "synthetic": rare[1]}
    found = before(look(given, "sick"))
    assert [f.code for f in found] == ["SHD009"] and "sick = very" in found[0].sentence


def test_no_attack(people):
    found = findings(people(300, 1), people(300, 2), target="sick")
    assert found.keys() == {"SHD010"} and found["SHD010"].level == "warning"
    attacked = findings(people(300, 1), people(300, 2), people(300, 3), asked=(linkability.QUESTION,))
    assert "SHD010" not in attacked


def test_the_same_table_twice(cohort):
    train, _, holdout = cohort
    found = before(sides(train, train.frame, holdout))
    assert [f.code for f in found] == ["SHD011"]
    assert "100% of the synthetic records are in train" in found[0].sentence


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.code)
def test_every_check_has_a_page_whose_code_runs(check):
    page = explain(check.code)
    assert page.startswith(f"# {check.code}: ") and "Find it" in page and "Mend it" in page
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    exec(block, {})


def test_values_of_single_people():
    def table(n: int, *rare: str, top: int = 49) -> pd.DataFrame:
        numbers = [*np.resize(np.arange(50), n - 1), top]
        return pd.DataFrame({"disease": [*rare, *np.resize(["a", "b"], n - len(rare))], "age": numbers})

    def found(*tables) -> list[str]:
        return [f.sentence for f in before(sides(*tables)) if f.code == "SHD014"]

    (said,) = found(table(500, "rare"), table(500, "rare"))
    assert "show 1 value that fewer than 5 people of train have" in said and "'disease'" in said
    (said,) = found(table(500, "rare", "odd", top=90), table(500, "odd", "rare", top=90))
    assert "show 3 values" in said and "'disease', 'age'" in said and "odd" not in said and "90" not in said
    assert found(table(500, "rare", top=90), table(500, top=89)) == []  # of what single people have, nothing is shown
    assert found(table(500, top=51), table(500, top=51)) == []  # the largest number, but not far from the next
    assert found(table(500, *["rare"] * 5), table(500, "rare")) == []
    # what other people have, too, points at nobody
    (said,) = found(table(500, "rare", top=90), table(500, "rare", top=90), table(400, "rare"))
    assert "show 1 value that fewer than 5 people of train, and nobody held out, have" in said and "'age'" in said
    # five records of one person are one person
    ids = np.r_[np.zeros(5, dtype=int), np.arange(1000, 1495)]
    one = Dataset(table(500, *["rare"] * 5).astype({"disease": "category"}), subjects=ids)
    assert len(found(one, table(500, "rare"))) == 1


def test_codes_are_in_order_and_there_once():
    assert [check.code for check in CHECKS] == [f"SHD{k:03}" for k in range(1, len(CHECKS) + 1)]


def test_an_unknown_code():
    with pytest.raises(ShdError, match="SHD001 to SHD014"):
        explain("SHD999")


@pytest.mark.slow
@pytest.mark.real_data
def test_the_real_split_and_the_release_are_clean():
    train, holdout = shd.load("diabetes", source="real").split(0.2, 0)
    assert codes(train, shd.load("diabetes", source="synthetic"), holdout) == []
