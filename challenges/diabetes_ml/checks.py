"""The five exercises: planted data, and the checks of what answers make of them."""

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from shd import Dataset
from shd.hackathon import Exercise, flags, number, several, table, word

_EXACT = 1e-6


# --- 1: honest parts

leak = Exercise(
    "leak",
    1,
    visible_points=1,
    hidden_points=2,
    returns=several(("the train part", table()), ("the test part", table())),
    hints=(
        "First decide who is in which part, then change records. Which of the two steps may see the test part?",
        "data.split gives two Datasets that share no patient; copy_rare takes the frame of one of them.",
        "train, test = data.split(...), and copy_rare(train.frame) goes back beside test.frame.",
    ),
)


@leak.planted
def few_patients(seed: int) -> tuple[Dataset]:
    """Some stays of some patients, each with a number of its own to know it by."""
    rng = np.random.default_rng([1, seed])
    patients = np.sort(rng.integers(0, 150, 400))
    back = pd.Categorical(rng.choice(["NO", ">30", "<30"], 400, p=[0.6, 0.25, 0.15]), ["NO", ">30", "<30"])
    frame = pd.DataFrame({"stay": rng.permutation(400), "age": rng.integers(20, 90, 400), "readmitted": back})
    return (Dataset(frame, target="readmitted", subjects=patients),)


@leak.visible
def parts_are_honest(parts: list[pd.DataFrame], data: Dataset) -> str | None:
    """Nobody on both sides, copies on one of them, nothing lost."""
    train, test = parts
    if not {"stay", "readmitted"} <= set(train) & set(test):
        return "Both parts keep all columns: return frames as `split` and `copy_rare` give them."
    patient = dict(zip(data.frame["stay"], data.subjects, strict=True))
    known, unknown = set(train["stay"]), set(test["stay"])
    if known & unknown:
        return f"{len(known & unknown)} records are in both parts. Split first, and copy afterwards."
    both = {patient[stay] for stay in known} & {patient[stay] for stay in unknown}
    if both:
        return f"{len(both)} patients are in both parts: the split is by row. `data.split` splits by patient."
    if test["stay"].duplicated().any():
        return "There are copies in the test part. Only the train part may be changed."
    if known | unknown != set(data.frame["stay"]):
        return f"{len(data) - len(known | unknown)} records are in neither part."
    if len(unknown) > len(known):
        return "The two are the wrong way round: the train part comes first, and is the larger one."
    if not 0.1 <= len(unknown) / len(data) <= 0.3:
        return f"{len(unknown) / len(data):.0%} of the records are in the test part; a fifth is wanted."
    if not train["stay"].duplicated().any():
        return "No record of the train part was copied. `copy_rare` takes its frame."
    return None


# --- 2: TSTR


def _stays(rng: np.random.Generator, signs: dict[str, int], n: int = 400) -> pd.DataFrame:
    """Return stays whose `lab` (0 or 1) tells of `any` and whose `ward` tells of `<30`, as signs say."""
    lab, ward = rng.integers(0, 2, n), rng.integers(0, 2, n)
    towards = {"any": lab if signs["any"] > 0 else 1 - lab, "<30": ward if signs["<30"] > 0 else 1 - ward}
    early = rng.random(n) < 0.1 + 0.35 * towards["<30"]
    late = ~early & (rng.random(n) < 0.05 + 0.75 * towards["any"])
    back = np.select([early, late], ["<30", ">30"], "NO")
    return pd.DataFrame({"lab": lab, "ward": ward, "readmitted": pd.Categorical(back, ["NO", ">30", "<30"])})


def _auroc(train: pd.DataFrame, test: pd.DataFrame, level: str) -> float:
    """Return the AUROC of the share of each kind of stay that came back in `train`: what trees learn here."""
    back = [frame["readmitted"] != "NO" if level == "any" else frame["readmitted"] == level for frame in (train, test)]
    shares = back[0].groupby([train["lab"], train["ward"]]).mean()
    return roc_auc_score(back[1], shares.loc[pd.MultiIndex.from_frame(test[["lab", "ward"]])].to_numpy())


tstr = Exercise(
    "tstr",
    2,
    visible_points=1,
    hidden_points=2,
    returns=number(0, 1),
    hints=(
        "T-S-T-R: trained on which records, tested on which?",
        "fit_model takes the synthetic records and the level; auroc takes the model, the test records and the level.",
        "return auroc(fit_model(...), ..., level): put in the two tables that the letters name.",
    ),
)


@tstr.planted
def three_tables(seed: int) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, str]:
    """Train, synthetic and test records that say different things, so that each mistake has a number of its own."""
    rng = np.random.default_rng([2, seed])
    level = ["<30", "any"][seed % 2]
    train = _stays(rng, {"any": 1, "<30": 1})
    synthetic = _stays(rng, {"any": rng.choice([-1, 1]), "<30": rng.choice([-1, 1])} | {level: -1})
    return train, synthetic, _stays(rng, {"any": 1, "<30": 1}), level


@tstr.visible
def is_neither_trtr_nor_another(
    found: float, train: pd.DataFrame, synthetic: pd.DataFrame, test: pd.DataFrame, level: str
) -> str | None:
    """The mistakes that are easy to make each have a number of their own."""
    if abs(found - _auroc(synthetic, test, level)) < _EXACT:
        return None
    other = "any" if level == "<30" else "<30"
    mistakes = {
        _auroc(train, test, level): "That is TRTR: the model was trained on the real records.",
        _auroc(synthetic, synthetic, level): "The model was tested on the records that it was trained on.",
        _auroc(synthetic, train, level): "The model was tested on `train`; held-out records are wanted.",
        _auroc(synthetic, test, other): f"That is the AUROC for {other!r}; the level that was asked for is {level!r}.",
    }
    near = (said for value, said in mistakes.items() if abs(found - value) < _EXACT)
    return next(
        near, f"For these tables {found:.4f} is not it. Are the three tables and the level used as their names say?"
    )


# --- 3: too easy?

ease = Exercise(
    "ease",
    3,
    visible_points=1,
    hidden_points=3,
    returns=several(("TSTS", number(0, 1)), ("the verdict", word("too easy", "too hard", "about right"))),
    hints=(
        "Two numbers are needed: TSTS from the synthetic table alone, TRTR from the two real ones.",
        "Split the synthetic Dataset by patient first, then fit on one part and test on the other; compare with TRTR.",
        'tsts = auroc(fit_model(first.frame, "any"), second.frame, "any"), and trtr likewise from train and test.',
    ),
)
_STRENGTHS = {"too easy": 0.95, "about right": 0.75, "too hard": 0.35}


@ease.planted
def a_table_as_easy_as(seed: int) -> tuple[Dataset, pd.DataFrame, pd.DataFrame]:
    """A synthetic table that is planted to be too easy, too hard or about right, by its seed."""
    rng = np.random.default_rng([3, seed])
    strength = list(_STRENGTHS.values())[seed % 3]
    patients = np.sort(rng.integers(0, 600, 1200))
    synthetic = Dataset(_by_lab(rng, 1200, strength), target="readmitted", subjects=patients, source="synthetic")
    return synthetic, _by_lab(rng, 1200, 0.75), _by_lab(rng, 1200, 0.75)


def _by_lab(rng: np.random.Generator, n: int, strength: float) -> pd.DataFrame:
    """Return stays of which `lab` (0 or 1) tells as much as the strength (0 to 1) says."""
    lab = rng.integers(0, 2, n)
    comes = rng.random(n) < 0.5 + (lab - 0.5) * strength
    back = pd.Categorical(np.where(comes, rng.choice(["<30", ">30"], n), "NO"), ["NO", ">30", "<30"])
    return pd.DataFrame({"lab": lab, "readmitted": back})


def _auroc_of_lab(train: pd.DataFrame, test: pd.DataFrame) -> float:
    """Return the AUROC of a model that has seen what `lab` tells."""
    sign = np.sign(train["lab"].corr((train["readmitted"] != "NO").astype(float)))
    return roc_auc_score(test["readmitted"] != "NO", sign * test["lab"])


@ease.visible
def tsts_is_on_other_synthetic_records(
    found: list, synthetic: Dataset, train: pd.DataFrame, test: pd.DataFrame
) -> str | None:
    """TSTS comes from two parts of the synthetic table."""
    tsts, _ = found
    expected, trtr = _tsts(synthetic), _auroc_of_lab(train, test)
    if abs(tsts - expected) < _EXACT:
        return None
    if abs(tsts - trtr) < _EXACT:
        return "Its first number is TRTR; TSTS is trained and tested on synthetic records."
    return f"TSTS is not {tsts:.4f} for this table. Is the model tested on synthetic records that it has not seen?"


@ease.visible
def the_verdict_follows(found: list, synthetic: Dataset, train: pd.DataFrame, test: pd.DataFrame) -> str | None:
    """Two hundredths above TRTR is too easy, two below too hard."""
    tsts, verdict = found
    trtr = _auroc_of_lab(train, test)
    should = "too easy" if tsts > trtr + 0.02 else "too hard" if tsts < trtr - 0.02 else "about right"
    return None if verdict == should else f"TSTS is {tsts:.3f} and TRTR {trtr:.3f}: that is not {verdict!r}."


def _tsts(synthetic: Dataset) -> float:
    first, second = synthetic.split(test_size=0.2, random_state=0)
    return _auroc_of_lab(first.frame, second.frame)


# --- 4: the lists of two models

overlap = Exercise(
    "overlap",
    4,
    visible_points=1,
    hidden_points=1,
    returns=number(0, 1),
    hints=(
        "The highest chances of each model make a list of positions. What have the two lists in common?",
        "np.argsort(chance)[-n:] gives the positions of the n highest; a set of each can be intersected with &.",
        "len(set(np.argsort(one)[-n:]) & set(np.argsort(other)[-n:])) is how many; a share is wanted.",
    ),
)


@overlap.planted
def two_models(seed: int) -> tuple[np.ndarray, np.ndarray, int]:
    """The chances that two models give the same stays, and how long the list is."""
    rng = np.random.default_rng([4, seed])
    number_of_stays = int(rng.integers(150, 250))
    one = rng.permutation(number_of_stays) / number_of_stays
    other = np.clip(one + rng.normal(0, 0.1, number_of_stays), 0, 2) / 2
    return one, other, number_of_stays // int(rng.integers(5, 9))


@overlap.visible
def is_a_share_of_one_list(found: float, one: np.ndarray, other: np.ndarray, n: int) -> str | None:
    """The usual mistakes have numbers of their own."""
    lists = [set(np.argsort(chance)[-n:]) for chance in (one, other)]
    lowest = [set(np.argsort(chance)[:n]) for chance in (one, other)]
    common = len(lists[0] & lists[1])
    if abs(found - common / n) < _EXACT:
        return None
    if abs(found - common / len(one)) < _EXACT:
        return "Divide by the length of one list, not by the number of all stays."
    if abs(found - len(lowest[0] & lowest[1]) / n) < _EXACT:
        return "That is the share for the lowest chances; the ward calls those with the highest."
    if abs(found - common / len(lists[0] | lists[1])) < _EXACT:
        return "Divide by the length of one list, not by how many are on either."
    return f"{found:.4f} is not it. Take the n highest of each, and count the positions that are in both."


# --- 5: impossible records

impossible = Exercise(
    "impossible",
    5,
    visible_points=1,
    hidden_points=2,
    returns=flags(),
    hints=(
        "A record is impossible in two ways: a medicine is given and denied, or said to be given and none is.",
        "(frame[medicines] != 'No').any(axis=1) says who takes something; compare it with what diabetesMed says.",
        "given != (frame['diabetesMed'] == 'Yes'), where given is the line of the hint before.",
    ),
)
_SOME = ["metformin", "glipizide", "insulin", "glyburide-metformin"]


@impossible.planted
def few_records(seed: int) -> tuple[pd.DataFrame, list[str]]:
    """Records with every dose of every medicine, some of which cannot be."""
    rng = np.random.default_rng([5, seed])
    frame = pd.DataFrame("No", index=range(40), columns=_SOME)
    for row in range(24):
        frame.loc[row, rng.choice(_SOME, 1 + row % 2, replace=False)] = ["Steady", "Up", "Down"][row % 3]
    frame["diabetesMed"] = rng.choice(["Yes", "No"], 40)
    return frame.sample(frac=1, random_state=seed), _SOME


@impossible.visible
def every_record_is_judged(found: pd.Series, frame: pd.DataFrame, medicines: list[str]) -> str | None:
    """The first record that is judged wrongly is shown."""
    if len(found) != len(frame):
        return f"{len(found)} answers for {len(frame)} records."
    given = (frame[medicines] != "No").any(axis=1).to_numpy()
    wrong = np.flatnonzero(np.asarray(found, dtype=bool) != (given != (frame["diabetesMed"] == "Yes").to_numpy()))
    if not len(wrong):
        return None
    row = frame.iloc[wrong[0]]
    taken = ", ".join(f"{name} {row[name]}" for name in medicines if row[name] != "No") or "no medicine"
    said = "impossible" if found.iloc[wrong[0]] else "possible"
    return f"{len(wrong)} records are judged wrongly. One has {taken} and diabetesMed {row['diabetesMed']}: not {said}."
