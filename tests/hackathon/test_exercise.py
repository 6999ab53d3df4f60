"""Exercises: what is right, what is wrong and why, hints one by one, and what a grader finds."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as some

from shd import Dataset, ShdError
from shd.hackathon import Exercise, array, flags, number, several, table, word, words
from shd.hackathon.exercise import HAND_IN, HIDDEN_SEEDS, without_hidden
from shd.hackathon.outputs import MOST_BYTES, Failed, as_text, from_text


@pytest.fixture
def double(tmp_path, monkeypatch) -> Exercise:
    """Twice a number."""
    monkeypatch.chdir(tmp_path)
    exercise = Exercise("double", 3, 1, 2, number(), ("up", "times two", "return 2 * x"))

    @exercise.planted
    def a_number(seed):
        return (10 + seed,)

    @exercise.visible
    def is_larger(found, x):
        return None if found > x else f"{found} is not larger than {x}."

    @exercise.hidden
    def is_twice(found, x):
        return None if found == 2 * x else f"{found} is not twice {x}."

    return exercise


def said(exercise, answer, capsys) -> list[str]:
    exercise(answer)
    return capsys.readouterr().out.splitlines()


def test_a_right_answer_is_told_and_recorded(double, tmp_path, capsys):
    assert said(double, lambda x: 2 * x, capsys) == [
        "Exercise 3: right, 1 of 3 points; the same on other data gives the other 2."
    ]
    assert double.solved() and capsys.readouterr().out == ""
    assert json.loads((tmp_path / ".shd/double.json").read_text()) == {"exercise": "double", "right": True, "tries": 0}


def test_one_hint_more_after_each_failed_try(double, capsys):
    for tries in (1, 2, 3, 3):
        first, *hints = said(double, lambda x: x, capsys)
        assert first == "Exercise 3: not yet. 10 is not larger than 10."
        assert [hint.split(": ")[1] for hint in hints] == ["up", "times two", "return 2 * x"][:tries]
    assert not double.solved() and capsys.readouterr().out == "Solve exercise 3 to see this figure.\n"


@pytest.mark.parametrize("untouched", [None, lambda x: None])
def test_what_is_not_written_is_no_failed_try(double, untouched, capsys):
    (line,) = said(double, untouched, capsys)
    assert "not written yet" in line and double.tries == 0


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (0.79, "Give the check your function itself, not 0.79."),
        (lambda x: float("nan"), "NaN"),
        (lambda x: "20", "One number is wanted, and it returns '20'."),
        (lambda x: True, "One number is wanted"),
        (lambda x: [20], "One number is wanted"),
        (lambda x: open, "cannot be handed in"),
        (lambda x: 1 / 0, "stops in its line"),
        (lambda: 20, "TypeError"),
        (lambda x: float("inf"), "infinity"),
    ],
)
def test_wrong_kinds_are_answered_in_a_sentence(double, answer, told, capsys):
    (line, *_) = said(double, answer, capsys)
    assert told in line and "Traceback" not in line and not double.is_solved


def test_what_a_function_prints_and_warns_stays_out_of_the_line(double, capsys):
    def loud(x):
        print("half done")
        pd.Series([1], dtype="int64").astype("float32")
        np.float64(1) / np.float64(0)
        return 2 * x

    assert len(said(double, loud, capsys)) == 1


def test_a_grader_finds_what_the_function_returns_on_hidden_seeds(double, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(HAND_IN, str(tmp_path / "in"))
    monkeypatch.setenv(HIDDEN_SEEDS, "5,7")
    double(lambda x: x + 10)  # twice on the data that students see alone
    assert double.is_solved
    assert from_text((tmp_path / "in/double.outputs.json").read_text()) == {0: 20, 5: 25, 7: 27}


@given(
    some.recursive(
        some.none() | some.booleans() | some.integers(-(10**6), 10**6) | some.floats(allow_nan=False) | some.text(),
        lambda inner: some.lists(inner) | some.dictionaries(some.text(), inner),
        max_leaves=8,
    )
)
def test_what_is_handed_in_comes_back(value):
    assert from_text(as_text({1: value})) == {1: value}


def test_arrays_tables_and_sets_come_back():
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", None]})
    sent = {"array": np.arange(6.0).reshape(2, 3), "set": {3, 1}, "frame": frame, "gone": float("nan")}
    back = from_text(as_text({0: sent}))[0]
    assert np.array_equal(back["array"], sent["array"]) and back["set"] == {1, 3} and np.isnan(back["gone"])
    assert back["frame"]["a"].tolist() == [1, 2] and back["frame"]["b"].isna().tolist() == [False, True]
    data = Dataset(pd.DataFrame({"a": [1, 2]}), subjects=np.array([7, 8]))
    assert from_text(as_text({0: data}))[0].to_dict("list") == {"a": [1, 2], "subject": [7, 8]}
    assert isinstance(from_text(as_text({0: Failed("no")}))[0], Failed)


@pytest.mark.parametrize(
    "text", ["", "[]", "{", '{"a": 1}', '{"0": {"x": 1}}', '{"0": {"array": [1], "shape": [2]}}', "[" * 10**5]
)
def test_what_no_check_wrote_is_refused(text):
    with pytest.raises(ShdError, match="not what a check writes"):
        from_text(text)


def test_too_much_is_refused():
    with pytest.raises(ShdError, match="too large"):
        as_text({0: "x" * MOST_BYTES})
    with pytest.raises(ShdError, match="too large"):
        from_text("x" * (MOST_BYTES + 1))


@pytest.mark.parametrize(
    ("kind", "right", "wrong"),
    [
        (number(0, 1), [0, 1, 0.5, np.float32(0.5), np.array(0.5)], [1.1, None, "1", np.nan, np.array([0.5]), True]),
        (word("yes", "no"), ["yes"], ["Yes", 1, None]),
        (words(), [[], ["a"], {"a", "b"}, np.array(["a"])], ["a", [1], ["a", "a"], None]),
        (
            flags(),
            [np.array([True]), pd.Series([True, False])],
            [[True], np.array([1.0]), pd.Series([1]), np.array([[True]])],
        ),
        (array(2), [np.ones((2, 2))], [np.ones(2), [[1, 2]], np.array([["a"]]), np.full((1, 1), np.nan)]),
        (several(("a", number()), ("b", word("x"))), [(1, "x"), [2, "x"]], [(1,), "xx", (1, "y"), None]),
        (table(), [pd.DataFrame({"a": [1]})], [pd.DataFrame(), [[1]], None]),
    ],
)
def test_kinds(kind, right, wrong):
    assert [kind(value) for value in right] == [None] * len(right)
    assert all(isinstance(kind(value), str) and kind(value).endswith(".") for value in wrong)


def test_hidden_checks_are_not_in_the_copy_of_a_team():
    source = "a = 1\n\n\n# BEGIN HIDDEN\nsecret = 2\n# END HIDDEN\n\n\nb = 3\n"
    assert without_hidden(source) == "a = 1\n\n\nb = 3\n"
    with pytest.raises(ShdError, match="BEGIN HIDDEN"):
        without_hidden("# BEGIN HIDDEN\nsecret = 2\n")
