import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import domain


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
    model = domain.phenotypes(data, k=3)
    found = model.assign(data)
    assert sorted(np.bincount(found)[1:]) == sorted(np.bincount(kind))
    assert len(set(zip(found.tolist(), kind.tolist(), strict=True))) == 3  # one cluster a kind
    assert model.frame["share"].is_monotonic_decreasing
    words = " ".join(model.frame["words"])
    assert "younger" in words and "longer stays" in words and "visits before" in words


def test_the_same_centres_serve_every_table(study):
    data, _ = three_kinds(study, 600, 0)
    other, kind = three_kinds(study, 600, 1, shares=(0.2, 0.3, 0.5))
    model = domain.phenotypes(data, k=3)
    shares = model.shares(other).sort_values("share")["share"].to_numpy()
    assert shares == pytest.approx(np.sort(np.bincount(kind)) / 600)
    compared = domain.compare_phenotypes(model, data, other)
    figure = domain.plot_phenotypes(compared, "stand-in")
    said = figure.findobj(lambda artist: hasattr(artist, "get_text"))
    assert any("% of patients would have to change their kind" in text.get_text() for text in said)


def test_the_same_table_has_the_same_shares(study):
    data, _ = three_kinds(study, 300, 0)
    model, again = (domain.phenotypes(data, k=3, random_state=4) for _ in range(2))
    assert model.frame.equals(again.frame)
    assert model.shares(data).equals(model.learned)
    assert (model.learned["low"] < model.learned["share"]).all()


@pytest.mark.parametrize("k", [1, 601])
def test_impossible_numbers_of_kinds(study, k):
    with pytest.raises(ShdError, match=f"k={k}"):
        domain.phenotypes(study(600, 0), k=k)


def test_a_table_of_something_else():
    with pytest.raises(ShdError, match="lacks 'age'"):
        domain.phenotypes(pd.DataFrame({"x": [1, 2]}))
