import base64
import copy
import io
import pickle
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shd._errors import ShdError
from shd.dataset import DataCard, Dataset, as_frame, describe_columns


@pytest.fixture
def data(table):
    return Dataset.from_frame(table, target="sick", subject="patient", sensitive=("sex",), name="stays")


def test_roles_are_inferred(data):
    kinds = data.roles.set_index("column")["kind"].to_dict()
    assert kinds == {
        "sex": "category",
        "age": "ordered category",
        "stays": "count",
        "weight": "number",
        "smoker": "yes/no",
        "admitted": "date",
        "sick": "category",
    }
    assert data.roles.set_index("column")["role"].to_dict()["sick"] == "target"
    assert data.roles.set_index("column")["role"].to_dict()["sex"] == "sensitive"
    assert data.counts == ("stays",)


def test_subject_is_never_a_feature(data, table):
    assert "patient" not in data.frame
    assert list(data.subjects) == list(table["patient"])


def test_without_subject_every_record_is_its_own(table):
    assert list(Dataset.from_frame(table).subjects) == list(range(60))


def test_from_frame_leaves_the_callers_table_alone(table):
    before = table.copy()
    Dataset.from_frame(table, target="sick", subject="patient")
    pd.testing.assert_frame_equal(table, before)


def test_numbers_and_flags_held_as_objects_become_what_they_are():
    frame = pd.DataFrame({"n": np.array([1, 2, 3], dtype=object), "flag": np.array([True, False, True], dtype=object)})
    assert Dataset.from_frame(frame).roles["kind"].tolist() == ["count", "yes/no"]


def test_missing_is_reported_per_column():
    roles = Dataset.from_frame(pd.DataFrame({"a": ["x", None, "y", None], "b": [1.0, 2.0, 3.0, np.nan]})).roles
    assert roles["missing"].tolist() == [0.5, 0.25]
    assert roles["levels"].tolist() == [2, 3]


def test_take_accepts_positions_masks_and_series(data):
    mask = data.frame["sick"] == "yes"
    by_mask = data.take(mask)
    by_position = data.take(np.flatnonzero(mask))
    pd.testing.assert_frame_equal(by_mask.frame, by_position.frame)
    assert list(by_mask.subjects) == list(by_position.subjects)
    assert (by_mask.target, by_mask.counts, by_mask.card) == (data.target, data.counts, data.card)
    assert by_mask.frame.index.tolist() == list(range(mask.sum()))


def test_images_go_with_their_records():
    images = np.arange(6 * 2 * 2, dtype=np.uint8).reshape(6, 2, 2)
    data = Dataset(pd.DataFrame({"slice": range(6)}), subjects=[0, 0, 1, 1, 2, 2], images=images)
    train, holdout = data.split(test_size=0.4)
    for part in (train, holdout):
        assert np.array_equal(part.images, images[part.frame["slice"]])


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 4, 4)), np.zeros((2, 4), dtype=np.uint8), np.zeros((2, 4, 4, 3), dtype=np.uint8), [[0], [0]]],
)
def test_images_must_be_grey_bytes(images):
    with pytest.raises(ShdError, match="uint8"):
        Dataset(pd.DataFrame({"a": [1, 2]}), images=images)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"target": "nope"}, "target: there is no column 'nope'"),
        ({"sensitive": ("nope",)}, "sensitive: there is no column 'nope'"),
        ({"counts": ("nope",)}, "counts: there is no column 'nope'"),
        ({"source": "fake"}, "not one of real, synthetic, stand-in"),
        ({"subjects": [1, 2]}, "2 entries for 3 records"),
        ({"subjects": [1, None, 2]}, "none missing"),
        ({"subjects": [[1], [2], [3]]}, "one id a record"),
        ({"images": np.zeros((2, 4, 4), dtype=np.uint8)}, "2 entries for 3 records"),
    ],
)
def test_wrong_roles_are_refused(arguments, says):
    with pytest.raises(ShdError, match=says):
        Dataset(pd.DataFrame({"a": [1, 2, 3]}), **arguments)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        ([1, 2], "must be a pandas DataFrame, not list"),
        (pd.DataFrame(), "empty"),
        (pd.DataFrame({"a": []}), "empty: 0 rows"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "'a' more than once"),
        (pd.DataFrame({"a": [[1], [2]]}), "column 'a' holds lists"),
    ],
)
def test_tables_nothing_can_be_done_with_are_refused(frame, says):
    with pytest.raises(ShdError, match=says):
        Dataset.from_frame(frame)


@pytest.mark.parametrize(
    ("roles", "says"),
    [
        ({"subject": "nope"}, "subject: there is no column 'nope'"),
        ({"subject": "gap"}, "missing ids"),
        ({"subject": "a", "target": "a"}, "both 'a'"),
    ],
)
def test_wrong_subject_columns_are_refused(roles, says):
    with pytest.raises(ShdError, match=says):
        Dataset.from_frame(pd.DataFrame({"a": [1, 2], "gap": [1, None]}), **roles)


def test_split_is_repeatable_and_stratified(data):
    train, holdout = data.split(test_size=0.3, random_state=1)
    again, _ = data.split(test_size=0.3, random_state=1)
    other, _ = data.split(test_size=0.3, random_state=2)
    assert list(train.subjects) == list(again.subjects)
    assert list(train.subjects) != list(other.subjects)
    assert len(np.unique(holdout.subjects)) == 6
    ever_sick = data.frame.groupby(data.subjects)["sick"].apply(lambda s: (s == "yes").any())
    assert abs(ever_sick[np.unique(holdout.subjects)].mean() - ever_sick.mean()) < 0.1


def test_split_does_not_depend_on_the_order_of_rows(data):
    shuffled = data.take(np.random.default_rng(3).permutation(len(data)))
    assert set(data.split()[1].subjects) == set(shuffled.split()[1].subjects)


def test_split_of_a_numeric_target_spreads_its_range():
    frame = pd.DataFrame({"dose": np.arange(100.0)})
    _, holdout = Dataset(frame, target="dose").split(test_size=0.2)
    assert np.bincount((holdout.frame["dose"] // 20).astype(int)).tolist() == [4, 4, 4, 4, 4]


def test_split_with_a_class_of_one_subject():
    data = Dataset(pd.DataFrame({"y": ["a"] * 10 + ["b"] * 9 + ["once"]}), target="y")
    train, holdout = data.split(test_size=0.2)
    assert len(train) + len(holdout) == 20
    assert set(holdout.frame["y"]) >= {"a", "b"}


@pytest.mark.parametrize("test_size", [0, 1, -0.1, 20])
def test_split_refuses_a_share_that_is_none(data, test_size):
    with pytest.raises(ShdError, match="not between 0 and 1"):
        data.split(test_size=test_size)


def test_split_refuses_one_subject():
    with pytest.raises(ShdError, match="at least 2 subjects"):
        Dataset(pd.DataFrame({"a": [1, 2]}), subjects=[7, 7]).split()


def test_split_says_when_there_are_too_few_subjects():
    data = Dataset(pd.DataFrame({"y": list("aabbcc")}), target="y")
    with pytest.raises(
        ShdError, match="2 held out of 6 subjects leaves a side with fewer subjects than 'y' has classes"
    ):
        data.split(test_size=0.2)


@settings(deadline=None, max_examples=60)
@given(
    subjects=st.lists(st.sampled_from(["p1", "p2", "p3", "x", 4, 5, 6, 7]), min_size=2, max_size=60),
    share=st.floats(0.01, 0.99),
    seed=st.integers(0, 99),
)
def test_no_subject_is_on_both_sides(subjects, share, seed):
    ids = np.array(subjects, dtype=object)
    data = Dataset(pd.DataFrame({"row": np.arange(len(ids))}), subjects=ids)
    if len(set(subjects)) < 2:
        with pytest.raises(ShdError):
            data.split(share, seed)
        return
    train, holdout = data.split(share, seed)
    assert not set(train.subjects) & set(holdout.subjects)
    assert sorted([*train.frame["row"], *holdout.frame["row"]]) == list(range(len(ids)))


@settings(deadline=None, max_examples=60)
@given(records=st.lists(st.tuples(st.integers(0, 30), st.sampled_from("aaabbc")), min_size=2, max_size=80))
def test_no_subject_is_on_both_sides_of_a_stratified_split(records):
    subjects, target = zip(*records, strict=True)
    data = Dataset(pd.DataFrame({"y": target}), target="y", subjects=subjects)
    try:
        train, holdout = data.split(0.4)
    except ShdError:  # too few subjects for the classes
        assert len(set(subjects)) < 9
        return
    assert not set(train.subjects) & set(holdout.subjects)
    assert len(train) + len(holdout) == len(records)


def test_repr_says_where_the_rows_come_from(data):
    assert repr(data) == "Dataset 'stays', real: 60 records of 20 subjects, 7 columns, target 'sick'"


def test_notebook_view_escapes_what_others_wrote():
    card = DataCard(licence="<script>")
    view = Dataset(pd.DataFrame({"a": ["<b>"]}), name="<i>", card=card)._repr_html_()
    assert "<script>" not in view
    assert "<i>" not in view
    assert "<b>&lt;b&gt;" not in view
    assert "Roles of the columns" in view


def test_as_frame_takes_both_and_nothing_else(data, table):
    assert as_frame(data) is data.frame
    assert as_frame(table) is table
    with pytest.raises(ShdError, match="synthetic must be a Dataset or a pandas DataFrame, not str"):
        as_frame("x", "synthetic")


def test_describe_columns_shortens():
    assert describe_columns(["a", "b"]) == "'a', 'b'"
    assert describe_columns(list("abcdefg")) == "'a', 'b', 'c', 'd', 'e' and 2 more"


def test_a_notebook_shows_some_of_the_pictures():
    images = np.zeros((20, 6, 4), dtype=np.uint8)
    data = Dataset(pd.DataFrame({"class": ["a", "b"] * 10}), target="class", images=images)
    assert repr(data).startswith("Dataset 'table', real: 20 pictures of 6 x 4 pixels of 20 subjects")
    (strip,) = re.findall(r'<img src="data:image/png;base64,([^"]+)"', data._repr_html_())
    with Image.open(io.BytesIO(base64.b64decode(strip))) as shown:
        assert shown.size == (8 * 4, 6)
    assert "<img" not in replace(data, images=None)._repr_html_()


def test_levels_that_only_the_other_side_has_are_not_named():
    frame = pd.DataFrame({"d": ["common"] * 99 + ["only one"], "p": pd.Categorical(["a"] * 100, ["a", "b"])})
    for seed in range(3):
        sides = Dataset.from_frame(frame).split(random_state=seed)
        levels = [side.frame["d"].cat.categories.tolist() for side in sides]
        assert sorted(levels) == [["common"], ["common", "only one"]]
        assert [side.frame["p"].cat.categories.tolist() for side in sides] == [["a", "b"]] * 2  # declared: kept


@pytest.mark.parametrize("name", ["head", "columns", "shape", "iloc", "age", "dtypes"])
def test_what_a_frame_has_is_named_where_it_is(data, name):
    with pytest.raises(AttributeError, match=rf"data\.frame\.{name}"):
        getattr(data, name)
    for use in (lambda: data[name], lambda: name in data, lambda: list(data)):
        with pytest.raises(ShdError, match=r"data\.frame\["):
            use()
    assert not hasattr(data, name) and not hasattr(data, "_secret")
    assert len(pickle.loads(pickle.dumps(copy.deepcopy(data)))) == len(data)
