"""What the check cells of the notebooks call. Each prints one line: right, or what to look at."""

import pandas as pd
from statsmodels.stats.contingency_tables import Table2x2

from shd.compare.domain import replicate, replication_rate
from shd.dataset import Dataset

_NEAR = 0.02  # as a share of the number: two ways of counting differ by less


def lost(answer: list[str] | None, found: pd.DataFrame, by_holdout: pd.DataFrame) -> None:
    """Exercise 1: findings that count, that the held-out patients replicate and the synthetic ones do not."""
    if answer is None:
        print("Not yet. Three conditions have to hold at once: join them with & and ~, and take found['code'].")
        return
    should = set(found.loc[found["counted"] & ~found["replicated"] & by_holdout["replicated"], "code"])
    given = set(answer)
    if given == should:
        what = "finding is" if len(should) == 1 else "findings are"
        print(f"Right. {len(should)} {what} lost that other patients show. What would a clinician miss most?")
    elif given >= set(found.loc[found["counted"] & ~found["replicated"], "code"]):
        print("Nearly. Some of these the held-out patients do not replicate either: so few records cannot show them.")
    elif given & set(found.loc[~found["counted"], "code"]):
        print("Some of these do not count: the first table does not show them itself. Look at found['counted'].")
    else:
        print(f"{len(given & should)} of your {len(given)} are right; there are {len(should)} in all.")


def odds(answer: float | None, of_train: float, synthetic: Dataset) -> None:
    """Exercise 2: the odds ratio of heart failure and kidney disease among synthetic patients."""
    if answer is None:
        print("Not yet. Build the table with pd.crosstab for `synthetic`, and take Table2x2(...).oddsratio.")
        return
    places = synthetic.frame[["diag_1", "diag_2", "diag_3"]]
    fields = pd.crosstab(places.isin(["428"]).any(axis=1), places.isin(["585", "403"]).any(axis=1))
    should = Table2x2(fields.to_numpy()).oddsratio
    if abs(answer / should - 1) < _NEAR:
        print(f"Right. {should:.2f} among synthetic patients, {of_train:.2f} in the first table.")
    elif abs(answer / of_train - 1) < _NEAR:
        print("That is the first table's. Count among the records of `synthetic`.")
    elif abs(answer * should - 1) < _NEAR:
        print("Upside down: an odds ratio above 1 says that the two go together.")
    else:
        print(
            f"{answer:.2f} is not it (about {should:.1f} was expected). Are all three places counted, and both codes?"
        )


def links(without: int | None, with_correction: int | None, network: pd.DataFrame) -> None:
    """Exercise 3: how many links independent columns seem to have, before and after the correction."""
    if without is None or with_correction is None:
        print('Not yet. (nothing["p"] < 0.05).sum() counts the first; the second is the same with "q".')
        return
    should = int((network["p"] < 0.05).sum()), int((network["q"] < 0.05).sum())
    if (without, with_correction) == should:
        print(
            f"Right. Of {len(network):,} pairs {without} ({without / len(network):.0%}) look linked before the "
            f"correction and {with_correction} after it, and none of them is."
        )
    elif (with_correction, without) == should:
        print("The two are the wrong way round: a correction for many looks cannot add links.")
    else:
        print(f"Not quite: one of the two is {should[0] if without != should[0] else should[1]}.")


def size(answer: float | None, of_few: float, train: Dataset, synthetic: Dataset) -> None:
    """Exercise 4: the replication rate of all synthetic records."""
    if answer is None:
        print("Not yet. domain.replication_rate(domain.replicate(train, synthetic)).value")
        return
    should = replication_rate(replicate(train, synthetic)).value
    if abs(answer - should) < 1e-9:
        print(
            f"Right. {should:.0%} with all records, {of_few:.0%} with as many as are held out. More records show more, "
            "but narrower intervals also lay faults bare. Compare tables at one size only."
        )
    elif abs(answer - of_few) < 1e-9:
        print("That is the rate of the cut table. Leave `records` out.")
    elif answer > 1:
        print("A rate is a share: take .value, not .replicated.")
    else:
        print(f"{answer:.3f} is not it. Which table is the first, and which the other?")


def controls(answer: str | None, arms: pd.DataFrame) -> None:
    """Exercise 5: the control group with the largest bias by weighting."""
    names = arms["controls"].unique()
    if answer is None:
        print("Not yet. Take the rows with method 'weighting', and the largest bias without its sign.")
    elif answer not in names:
        print(f"{answer!r} is no control group. There are: {', '.join(names)}.")
    elif answer == "real controls":
        print("The bias of the real controls is 0 by definition: the others are measured against them.")
    else:
        own = arms[(arms["method"] == "weighting") & arms["bias"].notna()].set_index("controls")["bias"]
        if answer == own.abs().idxmax():
            print(f"Right. {own[answer]:+.2f} days. Now look at its interval: could it be chance?")
        else:
            print(f"{answer}: {own.get(answer, float('nan')):+.2f} days. Another one is further off.")
