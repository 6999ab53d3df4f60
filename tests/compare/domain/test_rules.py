import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import domain


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
    rules = domain.association_rules(baskets, least_support=0.1, least_confidence=0.1, least_lift=1.0)
    rule = rules.set_index(["first", "then"]).loc[("bread=y", "butter=y")]
    assert (rule["records"], rule["support"], rule["confidence"]) == (60, 0.6, 0.75)  # three of five, three of four
    assert rule["lift"] == pytest.approx(0.75 / 0.6)
    assert rule["lift low"] < rule["lift"] < rule["lift high"]
    back = rules.set_index(["first", "then"]).loc[("butter=y", "bread=y")]
    assert back["confidence"] == 1.0 and back["lift"] == pytest.approx(1 / 0.8)


def test_independent_columns_have_no_rule():
    assert sum(len(domain.association_rules(ward(800, seed, linked=False), least_lift=1.0)) for seed in range(5)) == 0


def test_a_second_condition_has_to_add_something():
    rules = domain.association_rules(ward(2000, 0))
    assert set(rules["second"]) == {""}  # the ward says nothing
    together = pd.DataFrame({"a": list("yynn") * 50, "b": list("ynyn") * 50})
    together["both"] = np.where((together["a"] == "y") & (together["b"] == "y"), "y", "n")
    found = domain.association_rules(together).set_index(["first", "second", "then"])
    assert found.loc[("a=y", "b=y", "both=y"), "confidence"] == 1.0
    assert found.loc[("a=y", "b=y", "both=y"), "gain"] == pytest.approx(0.5)


def test_kept_lost_and_invented():
    linked, free = ward(2000, 0), ward(2000, 1, linked=False)
    for pair, status in (((linked, ward(2000, 2)), "kept"), ((linked, free), "lost"), ((free, linked), "invented")):
        found = domain.compare_rules(*pair)
        row = found.rules.set_index(["first", "then"]).loc[("admitted_from=emergency room", "discharged=elsewhere")]
        assert row["status"] == status
        assert found.summary[status] == len(found.worst(status, 100))
        assert found.records == 2000


def test_rules_that_hold_by_definition_are_left_out(study):
    data = study(1500, 0)
    everything = domain.association_rules(data, trivial=True, least_support=0.05)
    kept = domain.association_rules(data, least_support=0.05)
    assert not kept["then"].str.startswith(("age=", "gender=", "race=")).any()
    assert everything["then"].str.startswith(("age=", "gender=", "race=", "change=")).any()


@pytest.mark.parametrize("support", [0, 1.5])
def test_an_impossible_support(support):
    with pytest.raises(ShdError, match="least_support"):
        domain.association_rules(ward(50, 0), least_support=support)


def test_a_table_of_numbers_has_no_items():
    with pytest.raises(ShdError, match="no column with levels"):
        domain.association_rules(pd.DataFrame({"x": [1.0, 2.0]}))
