import numpy as np
import pytest

from shd._errors import ShdError
from shd.compare.images import membership_inference
from shd.compare.images.membership import _Attack


def test_hits_and_auroc_worked_out_by_hand():
    # two members, two others; a member's mean is 3 and 1, an other's 2 and 0
    member = np.array([True] * 4 + [False] * 4)
    attack = _Attack(member, np.array([4.0, 2, 1, 1, 2, 2, 0, 0]), np.array([0, 0, 1, 1, 2, 2, 3, 3]))
    assert attack.auroc()[0] == 0.75  # of four pairs only 1 against 2 is wrong
    assert attack.hits() == 0.25  # only 4 lies above all others
    assert attack.hits(np.array([0, 2, 1, 1])) == 0.0


def test_copies_are_found_and_strangers_are_not(heads):
    train, holdout, fresh = heads(20, 1), heads(20, 2), heads(20, 3)
    assert membership_inference(train, train, holdout) == {"AUROC": 1.0, "TPR": 1.0}
    found = membership_inference(train, fresh, holdout)
    assert abs(found["AUROC"] - 0.5) < 0.15 and found["TPR"] < 0.06


def test_the_report_judges_both(fresh):
    assert fresh.score("membership AUROC").verdict == fresh.score("membership hits at 1 %").verdict == "green"
    assert 0.3 < fresh.score("membership AUROC").ceiling < 0.7


def test_few_people_are_not_judged(heads):
    from shd.compare import compare

    report = compare(heads(12, 1), heads(12, 3), holdout=heads(5, 2))
    assert "membership inference" in report.skipped["what"].tolist() and report.score("membership AUROC") is None


def test_tables_are_refused(heads):
    with pytest.raises(ShdError, match="images"):
        membership_inference(heads(4, 1), heads(4, 2).frame, heads(4, 3))
