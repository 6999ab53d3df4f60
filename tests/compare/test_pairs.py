import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import ask


def association_error(train, synthetic):
    return ask("pairs of columns", train, synthetic).score("association error").value


def association(first, second):
    frame = pd.DataFrame({"a": first, "b": second})
    pairs = ask("pairs of columns", frame, frame).table("pairs")
    return pairs.set_index(["first", "second"])["train"]["a", "b"]


def test_pearson():
    assert association([1, 2, 3, 4], [2, 4, 6, 8]) == pytest.approx(1)
    assert association([1, 2, 3, 4], [4, 3, 2, 1]) == pytest.approx(-1)
    x, y = [1.0, 2, 4, 9], [3.0, 1, 4, 2]
    assert association(x, y) == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_pearson_over_records_that_have_both():
    x, y = [1.0, 2, 4, 9, np.nan, 50], [3.0, 1, 4, 2, 70, np.nan]
    assert association(x, y) == pytest.approx(np.corrcoef(x[:4], y[:4])[0, 1])


def test_correlation_ratio_by_hand():
    # groups 1, 3 and 5, 7: means 2 and 6 about 4; between 16, total 9 + 1 + 1 + 9 = 20
    assert association([1, 3, 5, 7], ["a", "a", "b", "b"]) == pytest.approx(np.sqrt(16 / 20))
    assert association(["a", "a", "b", "b"], [1, 3, 5, 7]) == pytest.approx(np.sqrt(16 / 20))


def test_bias_corrected_cramers_v_by_hand():
    # table [[4, 1], [1, 4]]: chi2 = 3.6, phi2 = .36, corrected .36 - 1/9 = .2489; both sides 2 - 1/9, less one 8/9
    first, second = list("aaaaabbbbb"), list("xxxxyxyyyy")
    assert association(first, second) == pytest.approx(np.sqrt((0.36 - 1 / 9) / (8 / 9)))


def test_bias_correction_takes_weak_links_for_none():
    assert association(list("aabb"), list("xyxy")) == 0


def test_a_category_and_its_copy_go_together_completely():
    assert association(list("abcabcabc"), list("xyzxyzxyz")) == pytest.approx(1)


@pytest.mark.parametrize("other", [[1, 2, 3], list("abc"), [np.nan, 1.0, np.nan]])
@pytest.mark.parametrize("constant", [[5, 5, 5], ["k", "k", "k"], [np.nan] * 3, [None] * 3])
def test_a_constant_column_is_associated_with_nothing(constant, other):
    assert association(constant, other) == 0


def test_error_is_the_mean_over_pairs():
    train = pd.DataFrame({"a": [1, 2, 3, 4], "b": [1, 2, 3, 4], "c": [1, 1, 1, 1]})
    turned = train.assign(b=[4, 3, 2, 1])
    assert association_error(train, turned) == pytest.approx(2 / 3)
    assert association_error(train, train) == 0


def test_many_levels_share_one_and_stay_quick():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 150, 3000)
    assert association(codes.astype(str), (codes % 7).astype(str)) > 0.4


def test_scores(fresh, scrambled):
    good, bad = fresh.score("association error"), scrambled.score("association error")
    assert good.verdict == "green" and bad.verdict == "red"
    assert bad.value == pytest.approx(bad.floor, abs=0.03)
    assert len(fresh.table("pairs")) == 10
    assert scrambled.table("pairs").loc[scrambled.table("pairs")["lost"].idxmax(), "first"] == "age"


def test_what_is_no_table_is_refused():
    with pytest.raises(ShdError, match="synthetic is empty"):
        association_error(pd.DataFrame({"a": [1]}), pd.DataFrame({"a": []}))


@pytest.mark.slow
@pytest.mark.real_data
def test_other_real_patients_are_nearly_as_associated(real_diabetes):
    train, holdout = real_diabetes.split(random_state=0)
    assert 0.003 < association_error(train, holdout) < 0.009


@pytest.mark.parametrize("seed", range(3))
def test_without_a_holdout_chance_is_the_yardstick(people, seed):
    score = ask("pairs of columns", people(600, 10 * seed), people(600, 10 * seed + 1)).score("association error")
    assert score.ceiling is None and score.verdict == "green"
    assert "as many records of the same population miss it by 0.0" in score.sentence
