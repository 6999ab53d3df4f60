import numpy as np
import pandas as pd
import pytest

from shd._errors import ShdError
from shd.compare import compare, dcr_share, verbatim_copies

TRAIN = pd.DataFrame({"n": [0.0, 10.0, 4.0, np.nan], "c": ["a", "b", "a", None]})


def test_copies_are_counted_missing_values_included():
    synthetic = pd.DataFrame({"n": [10, 10, np.nan, 4, 0], "c": ["b", "a", None, "a", None]})
    assert verbatim_copies(TRAIN, synthetic) == 3  # the first, third and fourth


def test_every_record_copies_itself():
    assert verbatim_copies(TRAIN, TRAIN) == 4


def test_dcr_share_by_hand():
    train = pd.DataFrame({"n": [0.0, 10.0], "c": ["a", "b"]})
    holdout = pd.DataFrame({"n": [5.0, 10.0], "c": ["a", "a"]})
    synthetic = pd.DataFrame(
        {
            "n": [0.0, 5.0, 10.0, 2.5],  # range in train 10
            "c": ["a", "a", "a", "a"],
        }
    )
    # to train 0, .5, 1, .25; to holdout .5, 0, 0, .25: one nearer to train, two to holdout, one tie
    assert dcr_share(train, synthetic, holdout) == pytest.approx((1 + 0 + 0 + 0.5) / 4)


def test_missing_numbers_differ_from_every_number_and_agree_with_each_other():
    train = pd.DataFrame({"n": [np.nan, 0.0], "c": ["a", "a"]})
    holdout = pd.DataFrame({"n": [1.0, 1.0], "c": ["a", "a"]})
    assert dcr_share(train, train.iloc[:1], holdout) == 1


def test_copies_of_train_lie_nearer_to_train(people):
    train = people(300, 1)
    assert dcr_share(train, train, people(300, 2)) > 0.9


def test_fresh_records_lie_between(people):
    assert dcr_share(people(600, 1), people(600, 3), people(600, 2)) == pytest.approx(0.5, abs=0.05)


def test_scores(fresh, cohort):
    assert fresh.score("verbatim copies").verdict == fresh.score("DCR share").verdict == "green"
    train, _, holdout = cohort
    report = compare(train, train.frame, holdout=holdout)
    copies = report.score("verbatim copies")
    assert copies.value == 800 and copies.verdict == "red"
    assert report.score("DCR share").verdict == "red"
    assert "no guarantee" in report.score("DCR share").sentence


@pytest.mark.parametrize("call", [verbatim_copies, lambda a, b: dcr_share(a, b, TRAIN)])
def test_what_is_no_table_is_refused(call):
    with pytest.raises(ShdError, match="synthetic must be"):
        call(TRAIN, 3)
