import numpy as np
import pandas as pd
import pytest
import studies
from scipy.stats import fisher_exact

from shd._errors import ShdError
from shd.datasets.diabetes_cohort import title


def ward(n: int, seed: int, linked: bool = True) -> pd.DataFrame:
    """Where `linked`, patients from the emergency room mostly go elsewhere."""
    rng = np.random.default_rng(seed)
    urgent = rng.random(n) < 0.4
    away = rng.random(n) < (np.where(urgent, 0.8, 0.2) if linked else 0.5)
    return pd.DataFrame(
        {
            "admitted_from": np.where(urgent, "emergency room", "referral"),
            "discharged": np.where(away, "elsewhere", "home"),
            "ward": rng.choice(["a", "b"], n),
        }
    )


def test_five_baskets_by_hand():
    baskets = pd.DataFrame({"bread": list("yyyyn") * 20, "butter": list("yyynn") * 20})
    rules = studies.association_rules(baskets, least_support=0.1, least_confidence=0.1, least_lift=1.0)
    rule = rules.set_index(["first", "then"]).loc[("bread=y", "butter=y")]
    assert (rule["records"], rule["support"], rule["confidence"]) == (60, 0.6, 0.75)  # three of five, three of four
    assert rule["lift"] == pytest.approx(0.75 / 0.6)
    assert rule["lift low"] < rule["lift"] < rule["lift high"]
    back = rules.set_index(["first", "then"]).loc[("butter=y", "bread=y")]
    assert back["confidence"] == 1.0 and back["lift"] == pytest.approx(1 / 0.8)


def test_independent_columns_have_no_rule():
    assert sum(len(studies.association_rules(ward(800, seed, linked=False), least_lift=1.0)) for seed in range(5)) == 0


def test_a_second_condition_has_to_add_something():
    rules = studies.association_rules(ward(2000, 0))
    assert set(rules["second"]) == {""}  # the ward says nothing
    together = pd.DataFrame({"a": list("yynn") * 50, "b": list("ynyn") * 50})
    together["both"] = np.where((together["a"] == "y") & (together["b"] == "y"), "y", "n")
    found = studies.association_rules(together).set_index(["first", "second", "then"])
    assert found.loc[("a=y", "b=y", "both=y"), "confidence"] == 1.0
    assert found.loc[("a=y", "b=y", "both=y"), "gain"] == pytest.approx(0.5)


def test_kept_lost_and_invented():
    linked, free = ward(2000, 0), ward(2000, 1, linked=False)
    for pair, status in (((linked, ward(2000, 2)), "kept"), ((linked, free), "lost"), ((free, linked), "invented")):
        found = studies.compare_rules(*pair)
        row = found.rules.set_index(["first", "then"]).loc[("admitted_from=emergency room", "discharged=elsewhere")]
        assert row["status"] == status
        assert found.summary[status] == len(found.worst(status, 100))
        assert found.records == 2000


def test_rules_that_hold_by_definition_are_left_out(study):
    data = study(1500, 0)
    everything = studies.association_rules(data, trivial=True, least_support=0.05)
    kept = studies.association_rules(data, least_support=0.05)
    assert not kept["then"].str.startswith(("age=", "gender=", "race=")).any()
    assert everything["then"].str.startswith(("age=", "gender=", "race=", "change=")).any()


@pytest.mark.parametrize("support", [0, 1.5])
def test_an_impossible_support(support):
    with pytest.raises(ShdError, match="least_support"):
        studies.association_rules(ward(50, 0), least_support=support)


def test_a_table_of_numbers_has_no_items():
    with pytest.raises(ShdError, match="no column with levels"):
        studies.association_rules(pd.DataFrame({"x": [1.0, 2.0]}))


def test_thresholds_hold():
    baskets = pd.DataFrame({"bread": list("yyyyn") * 20, "butter": list("yyynn") * 20})
    all_of = {"least_support": 0.1, "least_confidence": 0.1, "least_lift": 1.0}
    for name, value, column in (
        ("least_support", 0.6, "support"),
        ("least_confidence", 0.76, "confidence"),
        ("least_lift", 1.3, "lift"),
    ):
        everything = studies.association_rules(baskets, **all_of)
        found = studies.association_rules(baskets, **(all_of | {name: value}))
        assert len(found) == (everything[column] >= value - 1e-9).sum() and 0 < len(found) < len(everything)
    assert len(studies.association_rules(baskets, **all_of, most=2)) == 2
    assert (studies.association_rules(baskets, **all_of, without=["bread"])).empty


def test_many_independent_columns_have_hardly_a_rule():
    # some 1,700 rules a table: 1 in 20 would pass unless their number were allowed for
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(10):
        frame = pd.DataFrame(rng.choice(["y", "n"], (400, 8)), columns=list("abcdefgh"))
        found += len(studies.association_rules(frame, least_confidence=0, least_lift=1.0, least_gain=-1))
    assert found <= 20


def test_p_is_that_of_fisher():
    rules = studies.association_rules(ward(500, 0)).set_index(["first", "second", "then"])
    row = rules.loc[("admitted_from=emergency room", "", "discharged=elsewhere")]
    frame = ward(500, 0)
    urgent, away = frame["admitted_from"] == "emergency room", frame["discharged"] == "elsewhere"
    table = pd.crosstab(~urgent, ~away).to_numpy()
    assert row["p"] == pytest.approx(fisher_exact(table, "greater").pvalue)


def test_a_diagnosis_counts_in_any_place():
    places = {"diag_1": ["250", "486"] * 50, "diag_2": ["428", "250"] * 50, "diag_3": ["486", "401"] * 50}
    frame = pd.DataFrame(places).assign(sex=["f", "m"] * 50)
    rules = studies.association_rules(frame).set_index(["first", "then"])
    assert rules.loc[("sex=f", f"diagnosis={title('428')}"), "support"] == 0.5
    assert not rules.reset_index()["then"].str.contains(title("250")).any()  # everybody has it
    without = studies.association_rules(frame.assign(ward=["a", "b"] * 50), without=["diagnosis"])
    assert len(without) and not without["then"].str.startswith("diagnosis").any()


def test_a_drug_and_what_follows_from_it_are_trivial():
    taken = np.random.default_rng(0).random(500) < 0.5
    frame = pd.DataFrame({"insulin": np.where(taken, "Up", "No"), "change": np.where(taken, "Ch", "No")})
    frame["diabetesMed"] = np.where(taken, "Yes", "No")
    assert studies.association_rules(frame).empty
    everything = studies.association_rules(frame, trivial=True).set_index(["first", "then"])
    assert ("insulin=taken", "change=Ch") in everything.index and everything["trivial"].all()


def test_the_first_stay_of_a_patient_counts(challenge):
    data = challenge(1000, 0)
    first = data.frame.iloc[::2]
    assert studies.association_rules(data).equals(studies.association_rules(first))


def test_both_tables_are_cut_by_seed():
    big, small = ward(2000, 0), ward(300, 2)
    found, again = (studies.compare_rules(big, small, random_state=3) for _ in range(2))
    assert found.records == 300 and found.rules.equals(again.rules)
    count = found.rules["real support"] * 300
    assert count.to_numpy() == pytest.approx(count.round().to_numpy())


def test_the_worst_comes_first():
    found = studies.compare_rules(ward(2000, 0), ward(2000, 1, linked=False))
    gap = found.worst("lost")["gap"]
    assert (gap < 0).all() and gap.is_monotonic_increasing and len(gap) > 1
    changed = {"kept": 0, "changed": 0, "lost": len(gap), "invented": 0}
    assert found.summary[list(changed)].to_dict() == changed


def test_a_permuted_column_loses_its_rules():
    real = ward(2000, 0)
    other = real.assign(discharged=np.random.default_rng(0).permutation(real["discharged"]))
    assert set(studies.compare_rules(real, other).rules["status"]) == {"lost"}


def test_one_record_proves_no_rule(study):
    assert studies.association_rules(study(1, 0)).empty
    assert studies.compare_rules(study(500, 0), study(1, 0)).records == 1
