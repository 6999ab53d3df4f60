"""How often method checks accuse records in which nothing is wrong: other people of the same population."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from shd.compare.ask import answers
from shd.compare.checks import CHECKS, before, finished_report
from shd.compare.core.result import Result
from shd.compare.core.sides import Sides, look
from shd.compare.privacy import linkability
from shd.compare.utility import tstr
from shd.dataset import Dataset
from shd.synthesizers import Marginals

pytestmark = pytest.mark.slow

DRAWS, N = 20, 600
(SEEN,) = (check for check in CHECKS if check.code == "SHD002")
ROLES = ("train", "synthetic", "holdout")


def shares(k: int) -> np.ndarray:
    return 1 / np.arange(1, k + 1) / (1 / np.arange(1, k + 1)).sum()


def coarse(n: int, rng) -> pd.DataFrame:
    levels = {"u": 3, "v": 4, "w": 5, "x": 8, "y": 6, "z": 5}
    return pd.DataFrame({c: rng.choice(list("abcdefgh")[:k], n, p=shares(k)) for c, k in levels.items()})


def rounded(n: int, rng) -> pd.DataFrame:
    numbers = {"age": rng.normal(60, 12, n).round(), "pressure": rng.normal(130, 15, n).round()}
    return pd.DataFrame({**numbers, "sex": rng.choice(["f", "m"], n)})


def well(n: int, rng, ill: float = 0.4) -> pd.DataFrame:
    sick = rng.random(n) < ill
    return pd.DataFrame({f"pills_{k}": np.where(sick, rng.poisson(3, n), 0) for k in range(6)})


def fine(n: int, rng) -> pd.DataFrame:
    a = rng.normal(size=n)
    return pd.DataFrame(
        {
            "a": a,
            "b": a + rng.normal(size=n),
            "crp": rng.lognormal(size=n).round(1),
            "income": rng.lognormal(8, 1, n).round(),
            "visits": rng.poisson(1, n) * (rng.random(n) < 0.5),
            "group": rng.choice(list("abc"), n),
            "sick": np.where(a + rng.normal(size=n) > 1.8, "yes", "no"),
        }
    )


def stays(n: int, rng) -> Dataset:
    """One to seven stays a person: what is the person's stays the same."""
    people = n // 4
    whose = np.repeat(np.arange(people), rng.integers(1, 8, people))
    frame = fine(people, rng).iloc[whose].reset_index(drop=True)
    frame["a"] = (frame["a"] + rng.normal(0, 0.3, len(frame))).round(1)
    frame["clinic"] = rng.choice(list("abcdefghij"), people, p=shares(10))[whose]
    return Dataset.from_frame(frame, subjects=whose + int(rng.integers(1 << 30)) * 10, sensitive=("group",))


POPULATIONS = {"coarse": coarse, "rounded": rounded, "well": well, "fine": fine, "stays": stays}


def look_at(train, synthetic, holdout=None, **known) -> Sides:
    given = {"train": train, "synthetic": synthetic, **({} if holdout is None else {"holdout": holdout})}
    frame = train.frame if isinstance(train, Dataset) else train
    return look(given, "sick" if "sick" in frame else None, **known)


def codes(*tables, **known) -> set[str]:
    sides = look_at(*tables, **known)
    found = {finding.code for finding in before(sides)}
    return found | {finding.code for finding in SEEN.found(sides, None, [])}


@pytest.fixture(scope="module")
def alarms() -> dict[str, Counter]:
    """In how many draws of a population each check spoke; those on the finished report are asked apart."""
    found = {name: Counter() for name in POPULATIONS}
    for name, population in POPULATIONS.items():
        for draw in range(DRAWS):
            rng = np.random.default_rng(draw)
            seeded = Marginals(random_state=0)
            found[name].update(codes(*(population(N, rng) for _ in ROLES), synthesizer=seeded))
    return found


ASKED = [check.code for check in CHECKS if not check.of_result] + ["SHD002"]


@pytest.mark.parametrize("code", sorted(ASKED))
def test_a_check_accuses_at_most_one_fresh_sample_in_twenty(alarms, code):
    assert {name: found[code] for name, found in alarms.items() if found[code] > 0.05 * DRAWS} == {}


def test_checks_of_the_report_accuse_at_most_one_fresh_sample_in_twenty():
    easy = attacked = 0
    for draw in range(8):
        rng = np.random.default_rng(draw)
        tables = [fine(300, rng) for _ in ROLES]
        tables = [t.assign(sick=pd.cut(t["a"] + rng.normal(size=300), 5, labels=list("abcde"))) for t in tables]
        sides = look_at(*tables, level="quick")
        result = Result.of(sides, answers((tstr.QUESTION, linkability.QUESTION), sides))
        easy += bool(finished_report.too_easy(sides, result, []))
        attacked += not finished_report.no_attack(sides, result, [])
    assert easy == 0 and attacked == 8  # SHD008, SHD010


# --- nothing is wrong, and it looks odd


@pytest.mark.parametrize("which", ["a held-out record", "the commonest record", "ten common records"])
def test_records_made_again_and_again_are_neither_the_holdout_nor_the_real_ones(which):
    rng = np.random.default_rng(0)
    train, holdout = (coarse(N, rng) for _ in range(2))
    common = train.value_counts().index[:10].to_frame(index=False)
    own = holdout.merge(train.drop_duplicates(), how="left", indicator=True).query("_merge == 'left_only'")
    record = {"a held-out record": own[train.columns].iloc[:1], "the commonest record": common.iloc[:1]}
    record = record.get(which, common)
    made = record.iloc[np.resize(np.arange(len(record)), N)].reset_index(drop=True)
    assert not {"SHD002", "SHD011"} & codes(train, made, holdout)


def test_a_held_out_record_of_numbers_made_again_and_again_is_no_sign():
    train, holdout = (fine(N, np.random.default_rng(k)) for k in range(2))
    made = holdout.iloc[np.zeros(N, dtype=int)].reset_index(drop=True)
    assert not {"SHD002", "SHD011"} & codes(train, made, holdout)


def test_a_holdout_of_healthier_people_repeats_nobody():
    rng = np.random.default_rng(0)
    train, made, holdout = (well(N, rng, ill) for ill in (0.6, 0.6, 0.1))
    assert "SHD003" not in codes(train, made, holdout)


def test_two_files_that_number_their_people_from_one_share_nobody():
    rng = np.random.default_rng(0)
    sides = [Dataset(fine(N, rng), subjects=np.arange(1, N + 1)) for _ in range(2)]
    assert "SHD001" not in codes(sides[0], fine(N, rng), sides[1])
    later = sides[0].frame.assign(a=sides[0].frame["a"] + 0.1, b=rng.normal(size=N))  # the same people, a year on
    assert "SHD001" in codes(sides[0], fine(N, rng), replace(sides[0], frame=later))


def test_four_people_in_two_hundred_who_contradict_themselves_are_slips():
    rng = np.random.default_rng(0)
    whose = np.arange(400) // 2
    sides = []
    for k in range(2):
        race = np.array(list("abc"))[rng.integers(0, 3, 200)][whose]
        race[:8:2] = "d"
        frame = fine(200, rng).iloc[whose].reset_index(drop=True).assign(race=race)
        sides.append(Dataset.from_frame(frame, subjects=whose + 1000 * (k + 1)))
    assert "SHD004" not in codes(sides[0], fine(400, rng).assign(race="a"), sides[1])


def test_people_known_again_by_their_village_are_no_leak():
    rng = np.random.default_rng(0)
    whose = np.repeat(np.arange(120), 8)
    frame = fine(120, rng).iloc[whose].reset_index(drop=True)
    frame = frame.assign(
        village=[f"v{k // 2}" for k in whose], sick=np.where(rng.random(120) < 0.5, "yes", "no")[whose]
    )
    train = Dataset.from_frame(frame, subjects=whose, target="sick")
    assert "SHD007" not in codes(train, frame)


def test_a_level_of_one_person_with_many_records_may_be_missing():
    rng = np.random.default_rng(0)
    whose = np.r_[np.zeros(60, dtype=int), np.arange(1, 541)]
    frame = fine(600, rng).assign(ward=np.where(whose == 0, "private", rng.choice(["a", "b"], 600)))
    made = fine(600, rng).assign(ward=rng.choice(["a", "b"], 600))
    assert "SHD009" not in codes(Dataset.from_frame(frame, subjects=whose), made)
    of_many = Dataset.from_frame(frame)  # sixty people
    assert "SHD009" in codes(of_many, made)


def test_the_end_of_a_count_is_nobodys():
    rng = np.random.default_rng(0)
    sides = [fine(N, rng).assign(falls=np.r_[end, np.resize([0, 1, 2, 3], N - 1)]) for end in (9, 9, 3)]
    assert "SHD014" not in codes(*sides)


# --- something is wrong


def test_synthetic_records_that_lie_near_the_holdout_saw_it():
    train, holdout, other = (fine(N, np.random.default_rng(k)) for k in range(3))
    noisy = holdout.assign(a=holdout["a"] + 0.01, b=holdout["b"] - 0.01)
    made = pd.concat([noisy.head(200), other.head(400)], ignore_index=True)
    assert "SHD002" in codes(train, made, holdout)


def test_a_holdout_that_was_learned_from_is_seen_in_coarse_tables_too():
    rng = np.random.default_rng(0)
    train, holdout, other = (pd.concat([coarse(N, rng), coarse(N, rng).add_prefix("z")], axis=1) for _ in ROLES)
    made = pd.concat([holdout.head(300), other.head(300)], ignore_index=True)
    assert "SHD002" in codes(train, made, holdout)
    assert "SHD003" in codes(train, other, pd.concat([holdout.head(500), train.head(100)], ignore_index=True))
    assert "SHD011" in codes(train, train.sample(frac=1, random_state=0), holdout)
