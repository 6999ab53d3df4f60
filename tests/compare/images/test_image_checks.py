from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import shd
from shd.compare.ask import look
from shd.compare.checks import before


def codes(train, synthetic, holdout) -> list[str]:
    return [finding.code for finding in before(look(train, synthetic, holdout))]


@pytest.fixture(scope="module")
def three(heads):
    return heads(12, 1), replace(heads(8, 3), subjects=None), heads(8, 2)


def test_nothing_is_wrong_with_clean_pictures(three):
    assert codes(*three) == []


def test_one_person_on_both_sides(three):
    train, made, holdout = three
    frame = pd.concat([holdout.frame, train.frame.iloc[:3]], ignore_index=True)
    images = np.concatenate([holdout.images, train.images[:3]])
    subjects = np.concatenate([holdout.subjects, train.subjects[:3]])
    mixed = replace(holdout, frame=frame, images=images, subjects=subjects)
    assert codes(train, made, mixed) == ["SHD001", "SHD003"]
    hidden = replace(mixed, subjects=np.where(np.arange(len(mixed)) < len(holdout), mixed.subjects, "stranger"))
    assert codes(train, made, hidden) == ["SHD003"]  # under another id


def test_a_class_out_of_order(three):
    train, made, holdout = three
    frame = holdout.frame.assign(**{"class": np.roll(holdout.frame["class"], 1)})
    frame["class"] = frame["class"].astype(holdout.frame["class"].dtype)
    assert codes(train, made, replace(holdout, frame=frame)) == ["SHD004"]


def test_few_people_a_class_that_is_gone_and_a_copy(three, heads):
    train, made, holdout = three
    assert codes(train, made, heads(5, 2)) == ["SHD006"]
    assert codes(train, made.take(np.flatnonzero(made.frame["class"] != "much")), holdout) == ["SHD009"]
    assert codes(train, replace(train, subjects=None), holdout) == ["SHD011"]


@pytest.mark.slow
@pytest.mark.real_data("alzheimers")
def test_the_real_people_and_the_release_are_clean():
    train, holdout = shd.load("alzheimers", source="real").split(0.2, 0)
    assert codes(train, shd.load("alzheimers", source="synthetic"), holdout) == []
