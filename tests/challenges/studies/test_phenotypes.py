import numpy as np
import pandas as pd
import pytest
import studies

from shd._errors import ShdError


def three_kinds(study, n: int, seed: int, shares=(0.5, 0.3, 0.2)):
    """Patients of three kinds that cannot be mistaken: young and short, old and long, many earlier visits."""
    data = study(n, seed, linked=False)
    kind = np.random.default_rng(seed).choice(3, n, p=shares)
    ages = data.frame["age"].cat.categories
    frame = data.frame.assign(
        age=pd.Categorical.from_codes(np.where(kind == 0, 2, 8), ages, ordered=True),
        time_in_hospital=np.where(kind == 1, 14, 1),
        num_medications=np.where(kind == 1, 40, 5),
        number_inpatient=np.where(kind == 2, 9, 0),
        number_emergency=np.where(kind == 2, 9, 0),
        number_outpatient=np.where(kind == 2, 9, 0),
    )
    return data.__class__(frame, target="readmitted", name=data.name), kind


def test_three_separate_kinds_are_found(study):
    data, kind = three_kinds(study, 600, 0)
    model = studies.phenotypes(data, k=3)
    found = model.assign(data)
    assert sorted(np.bincount(found)[1:]) == sorted(np.bincount(kind))
    assert len(set(zip(found.tolist(), kind.tolist(), strict=True))) == 3  # one cluster a kind
    assert model.frame["share"].is_monotonic_decreasing
    words = " ".join(model.frame["words"])
    assert "younger" in words and "longer stays" in words and "visits before" in words


def test_the_same_centres_serve_every_table(study):
    data, _ = three_kinds(study, 600, 0)
    other, kind = three_kinds(study, 600, 1, shares=(0.2, 0.3, 0.5))
    model = studies.phenotypes(data, k=3)
    shares = model.shares(other).sort_values("share")["share"].to_numpy()
    assert shares == pytest.approx(np.sort(np.bincount(kind)) / 600)
    compared = studies.compare_phenotypes(model, data, other)
    figure = studies.plot_phenotypes(compared, "stand-in")
    said = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    assert any("% of patients would have to change their kind" in text.get_text() for text in said)


def test_the_same_table_has_the_same_shares(study):
    data, _ = three_kinds(study, 300, 0)
    model, again = (studies.phenotypes(data, k=3, random_state=4) for _ in range(2))
    assert model.frame.equals(again.frame)
    assert model.shares(data).equals(model.learned)
    assert (model.learned["low"] < model.learned["share"]).all()


@pytest.mark.parametrize("k", [1, 601])
def test_impossible_numbers_of_kinds(study, k):
    with pytest.raises(ShdError, match=f"k={k}"):
        studies.phenotypes(study(600, 0), k=k)


def test_a_table_of_something_else():
    with pytest.raises(ShdError, match="lacks 'age'"):
        studies.phenotypes(pd.DataFrame({"x": [1, 2]}))


def test_words_go_with_the_kind(study):
    data, kind = three_kinds(study, 600, 0)
    model = studies.phenotypes(data, k=3)
    found, words = model.assign(data), model.frame.set_index("cluster")["words"]
    young, long, visited = (words[found[kind == own][0]] for own in range(3))
    assert "younger" in young and "older" not in young
    assert "longer stays" in long and "shorter stays" not in long
    assert "more inpatient visits before" in visited


def test_a_table_of_one_kind_stays_one_kind(study):
    data, kind = three_kinds(study, 600, 0)
    model = studies.phenotypes(data, k=3)
    alone, _ = three_kinds(study, 100, 1, shares=(0, 1, 0))
    assert set(model.assign(alone)) == set(model.assign(data)[kind == 1])


def test_profiles_add_up_to_the_table(study, drug_names):
    data = study(800, 0)
    model, frame = studies.phenotypes(data), data.frame
    share = model.shares(data).set_index("cluster")["share"]
    profiles = model.profiles(data)
    mean = (profiles["mean"] * profiles["cluster"].map(share)).groupby(profiles["variable"]).sum()
    high, changed = frame["A1Cresult"] == ">8", frame["change"] == "Ch"
    others = [name for name in drug_names if name != "insulin"]
    known = {
        "age": frame["age"].cat.codes.mean() * 10 + 5,
        "days in hospital": frame["time_in_hospital"].mean(),
        "insulin": (frame["insulin"] != "No").mean(),
        "other diabetes drugs": (frame[others] != "No").sum(axis=1).mean(),
        "HbA1c: high, medication changed": (high & changed).mean(),
        "HbA1c: high, not changed": (high & ~changed).mean(),
        "main diagnosis: diabetes": (frame["diag_1"] == "250").mean(),
        "main diagnosis: respiratory": frame["diag_1"].isin(["486", "496", "786"]).mean(),
    }
    assert {name: mean[name] for name in known} == pytest.approx(known)


def test_comparison_by_hand(study):
    data, kind = three_kinds(study, 600, 0)
    model = studies.phenotypes(data, k=3)
    more, other_kind = three_kinds(study, 600, 1, shares=(0.2, 0.3, 0.5))
    more = more.__class__(more.frame.assign(time_in_hospital=np.where(other_kind == 1, 12, 1)), name=more.name)
    compared = studies.compare_phenotypes(model, data, more)
    of_kind = [model.assign(data)[kind == own][0] for own in range(3)]
    change = (np.bincount(other_kind) - np.bincount(kind)) / 600
    shares = compared.shares.set_index("cluster").loc[of_kind]
    assert shares["difference"].to_numpy() == pytest.approx(change)
    assert compared.moved == pytest.approx(np.abs(change).sum() / 2)
    assert shares["overlap"].tolist() == [False, True, False]
    days = compared.profiles.set_index(["cluster", "variable"]).loc[(of_kind[1], "days in hospital")]
    assert (days["real"], days["other"]) == pytest.approx((14, 12))
    assert days["difference"] == pytest.approx(-2 / data.frame["time_in_hospital"].std(ddof=0))
    same = studies.compare_phenotypes(model, data, data)
    assert (same.moved, same.off) == pytest.approx((0, 0)) and same.shares["overlap"].all()


def test_the_first_stay_of_a_patient_counts(challenge):
    data = challenge(600, 0)
    model = studies.phenotypes(data)
    assert model.shares(data)["records"].sum() == 300 and len(model.assign(data)) == 600
    assert any("main diagnosis" in name for name in model.average.index)


def test_one_patient_and_no_drug(study, drug_names):
    model = studies.phenotypes(study(600, 0))
    one = studies.compare_phenotypes(model, study(600, 0), study(1, 1))
    assert one.shares["other"].sum() == 1 and (one.shares["other high"] > one.shares["other"]).any()
    assert studies.plot_phenotypes(one, "real", "stand-in") is not None
    with pytest.raises(ShdError, match="k=5"):
        studies.phenotypes(study(1, 0))
    bare = study(600, 0).frame.drop(columns=list(drug_names))
    profiles = studies.phenotypes(bare).profiles(bare)
    assert (profiles.loc[profiles["variable"].isin(["insulin", "other diabetes drugs"]), "mean"] == 0).all()


def test_the_title_tells_the_finding(study):
    data, _ = three_kinds(study, 600, 0)
    figure = studies.plot_phenotypes(studies.compare_phenotypes(studies.phenotypes(data, k=3), data, data), "real")
    assert figure.get_suptitle().startswith("0.0% of patients would have to change their kind")


def test_kinds_that_run_into_each_other_are_the_same_each_time(study):
    model, again = (studies.phenotypes(study(500, 0), k=8, random_state=2) for _ in range(2))
    assert np.array_equal(model.centres, again.centres)
