"""Rules between columns: which are found, what they say, and that they survive a file."""

import json
from itertools import permutations

import numpy as np
import pandas as pd
import pytest

import shd
from shd._errors import ShdError
from shd.synthesizers.rules import find_rules, rule_from_dict
from shd.synthesizers.rules.table import log_fixed, log_never, log_order, log_ranges

PLANTED = {
    "admission <= discharge",
    "total = drugs + tests",
    "bmi = weight / height^2",
    "chapter is fixed by code",
    "group is fixed by ranges of age",
    "death and cause are missing together",
    "death is missing exactly when died is no",
    "never both: sex is male, and pregnant is yes",
}


@pytest.fixture(scope="module")
def stays(planted):
    return planted()


@pytest.fixture(scope="module")
def found(stays):
    return find_rules(stays)


def words(rules):
    return {rule.words for rule in rules}


def test_what_was_planted_is_found_and_little_else(found):
    assert words(found) >= PLANTED
    assert words(found) - PLANTED <= {"discharge = death", "death = discharge"}  # those who died


def test_every_rule_holds_without_exception(stays, found):
    assert all(not rule.broken(stays).any() for rule in found)


def test_one_exception_and_it_is_no_rule(stays):
    stays = stays.copy()
    stays.loc[0, "admission"] = stays["discharge"].max() + pd.Timedelta(days=1)
    stays.loc[1, "total"] += 1
    stays.loc[2, ["sex", "pregnant"]] = "male", "yes"
    left = words(find_rules(stays))
    assert not left & {
        "admission <= discharge",
        "total = drugs + tests",
        "never both: sex is male, and pregnant is yes",
    }


def test_independent_columns_have_no_rules(independent):
    """Of 20 tables at a level of one in a hundred, one or none may have a rule."""
    tables = [independent(n, seed, people) for seed in range(5) for n, people in ((60, None), (300, None), (900, None))]
    tables += [independent(600, seed, people=80) for seed in range(5)]
    assert sum(bool(find_rules(frame, people)) for frame, people in tables) <= 1


def test_records_of_one_person_do_not_count_twice(planted):
    """Thirty people cannot show a rule, however often each comes."""
    stays = planted(30)
    many = stays.iloc[np.repeat(np.arange(30), 40)].reset_index(drop=True)
    assert not find_rules(many, np.repeat(np.arange(30), 40))
    assert find_rules(many)


@pytest.mark.parametrize(
    ("make", "expected"),
    {
        "difference of dates": (
            lambda f: f.assign(stay=(f["discharge"] - f["admission"]).dt.days)[["admission", "discharge", "stay"]],
            "admission",
        ),
        "change of unit": (lambda f: pd.DataFrame({"m": f["height"], "cm": f["height"] * 100}), "cm = 100 * m"),
        "Fahrenheit": (
            lambda f: pd.DataFrame({"C": f["weight"], "F": (1.8 * f["weight"] + 32).round(2)}),
            "F = 1.8 * C + 32",
        ),
        "complement": (lambda f: pd.DataFrame({"a": f["drugs"] % 2, "b": 1 - f["drugs"] % 2}), "b = 1 - a"),
        "sum of four": (
            lambda f: pd.DataFrame(np.random.default_rng(0).poisson(4, (900, 4)), columns=list("abcd")).assign(
                e=lambda g: g.sum(axis=1)
            ),
            "e = a + b + c + d",
        ),
        "product": (
            lambda f: pd.DataFrame({"per kg": f["drugs"] + 1, "kg": f["weight"]}).assign(
                dose=lambda g: (g["per kg"] * g["kg"]).round(1)
            ),
            "dose = per kg * kg",
        ),
        "order of categories": (
            lambda f: pd.DataFrame(
                {
                    name: pd.Categorical.from_codes(codes, ["mild", "moderate", "severe"], ordered=True)
                    for name, codes in (("least", np.minimum(f["drugs"] % 3, f["tests"] % 3)), ("most", f["tests"] % 3))
                }
            ),
            "least <= most",
        ),
        "strictly less": (
            lambda f: pd.DataFrame({"a": f["drugs"], "b": f["drugs"] + 1 + f["tests"] % 3}),
            "a < b",
        ),
        "levels that are numbers": (
            lambda f: pd.DataFrame({"ward": f["age"] % 9, "site": (f["age"] % 9 * 7) % 3}),
            "site is fixed by ward",
        ),
        "one to one": (
            lambda f: pd.DataFrame({"code": f["code"], "name": "the " + f["code"].astype(str)}),
            "name and code fix each other",
        ),
        "missing above a number": (
            lambda f: pd.DataFrame({"age": f["age"], "school": f["weight"].where(f["age"] < 30)}),
            "school is missing exactly when age is 30 or more",
        ),
        "one known, the other missing": (
            lambda f: pd.DataFrame(
                {"by phone": f["height"].where(f["sex"] == "male"), "on site": f["bmi"].where(f["sex"] != "male")}
            ),
            "on site is missing exactly when by phone is known",
        ),
        "never a number of it": (
            lambda f: pd.DataFrame({"sex": f["sex"], "births": np.where(f["sex"] == "male", 0, f["drugs"])}),
            "never both: sex is male, and births is 1, 2, 3",
        ),
        "never before an age": (
            lambda f: pd.DataFrame({"age": f["age"], "retired": (f["age"] > 60) & (f["drugs"] > 2)}),
            "never both: age is below",
        ),
    }.values(),
)  # fmt: skip
def test_more_of_each_kind(stays, make, expected):
    frame = make(stays)
    rules = find_rules(frame)
    assert any(rule.words.startswith(expected) for rule in rules), words(rules)
    assert not any(rule.broken(frame).any() for rule in rules)


def test_disjoint_ranges_and_chains_are_not_listed():
    rng = np.random.default_rng(0)
    start = rng.integers(0, 50, 500)
    chain = pd.DataFrame({"a": start, "b": start + rng.poisson(9, 500), "far": rng.integers(1000, 2000, 500)})
    chain["c"] = chain["b"] + rng.poisson(9, 500)
    assert words(find_rules(chain)) == {"a <= b", "b <= c"}


def test_levels_of_few_people_are_in_no_rule(planted):
    stays = planted(2000)
    stays["code"] = stays["code"].astype(str)
    stays.loc[:3, ["code", "chapter"]] = "E-secret", "E"
    rules = find_rules(stays)
    assert "secret" not in json.dumps([rule.to_dict() for rule in rules])
    assert "secret" in json.dumps([rule.to_dict() for rule in find_rules(stays, min_people=4)])


def test_a_rule_and_its_written_form_are_the_same(planted, found):
    other = planted(300, seed=1).sample(frac=1, random_state=0).reset_index(drop=True)
    other["admission"] = other["admission"].to_numpy()[::-1]
    for rule in found:
        again = rule_from_dict(json.loads(json.dumps(rule.to_dict())))
        assert again == rule
        np.testing.assert_array_equal(again.broken(other), rule.broken(other))


def test_chances_are_those_of_all_ways_to_deal():
    first, second = np.array([1, 2, 2, 4, 6]), np.array([2, 3, 3, 5, 7])
    ways = [np.array(way) for way in permutations(range(5))]
    share = np.mean([(first <= second[way]).all() for way in ways])
    assert np.exp(log_order(first, second)) == pytest.approx(share)
    codes = np.array([0, 0, 1, 1, 1])
    unbroken = np.mean([np.count_nonzero(np.diff(codes[way])) == 1 for way in ways])
    assert np.exp(log_ranges(codes)) == pytest.approx(unbroken)
    a, b = np.array([1, 1, 0, 0, 0]), np.array([1, 0, 0, 0, 1])
    apart = np.mean([not (a & b[way]).any() for way in ways])
    assert np.exp(log_never(np.array(2), np.array(2), 5)) == pytest.approx(apart)
    # two people of one level and three of another, shares .4 and .6
    assert np.exp(log_fixed(codes, codes)) == pytest.approx((0.4**2 + 0.6**2) * (0.4**3 + 0.6**3))


def test_what_a_user_writes_says_what_it_says():
    frame = pd.DataFrame(
        {"a": [1, 3, 2], "b": [2, 2, 2], "sum": [3, 5, 9], "sex": ["m", "f", "m"], "pregnant": ["no", "yes", "yes"]}
    )
    rule = shd.Rule
    for made, broken in {
        rule.at_most("a", "b"): [0, 1, 0],
        rule.at_most("a", "b", strict=True): [0, 1, 1],
        rule.total("sum", ["a", "b"]): [0, 0, 1],
        rule.never({"sex": "m", "pregnant": ["yes", "unsure"]}): [0, 0, 1],
        rule.fixed("pregnant", "sex", {"m": "no"}): [0, 0, 1],
        rule.own("a is 1", lambda f: f["a"] == 1): [0, 1, 1],
    }.items():
        np.testing.assert_array_equal(made.broken(frame), np.array(broken, bool), made.words)
    death = pd.DataFrame({"died": ["no", "yes", "no"], "death": [np.nan, np.nan, 4.0]})
    np.testing.assert_array_equal(rule.missing_when("death", {"died": "no"}).broken(death), [False, True, True])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"a": 1}, "two columns"),
        ("nothing", "no rule"),
        ([shd.Rule.at_most("age", "nowhere")], "no column 'nowhere'"),
        ([shd.Rule.own("breaks", lambda frame: frame["nowhere"])], "its function fails"),
        ([shd.Rule.own("mute", lambda frame: [1, 2])], "True or False"),
        ([shd.Rule.own("impossible", lambda frame: frame["age"] > 1000)], "still break 'impossible'"),
    ],
)
def test_rules_that_cannot_work_are_refused_in_one_line(stays, wrong, said):
    model = shd.Marginals().fit(stays[["age", "sex", "drugs"]])
    with pytest.raises(ShdError, match=said) as refused:
        model.sample(20, keep_rules=[shd.Rule.never(wrong)] if isinstance(wrong, dict) else wrong)
    assert "\n" not in str(refused.value)
