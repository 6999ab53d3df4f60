"""What the check cells of the notebooks call. Each prints one line: right, or what to look at."""

from numbers import Real

import pandas as pd
from statsmodels.stats.contingency_tables import Table2x2
from studies import FINDINGS

from shd import Dataset
from shd.compare.findings import replicate, replication_rate

_EXACT, _NEAR = 1e-6, 0.02  # as a share of the number: rounded answers are near


def lost(answer: list[str] | None, found: pd.DataFrame, by_holdout: pd.DataFrame) -> None:
    """Exercise 1: findings that count, that the held-out patients replicate and the synthetic ones do not."""
    if answer is None:
        print("Not yet. Three conditions have to hold at once: join them with & and ~, and take found['code'].")
        return
    if isinstance(answer, pd.Series) and answer.dtype != bool:
        answer = answer.tolist()
    if not isinstance(answer, (list, tuple, set)) or not set(answer) <= set(found["code"]):
        print('Give a list of codes, such as ["DF04", "DF21"]: found.loc[..., "code"].tolist()')
        return
    should = set(found.loc[found["counted"] & ~found["replicated"] & by_holdout["replicated"], "code"])
    given = set(answer)
    if given == should:
        what = "finding is" if len(should) == 1 else "findings are"
        print(f"Right. {len(should)} {what} lost that other patients show. What would a clinician miss most?")
    elif given & set(found.loc[~found["counted"], "code"]):
        print("Some of these do not count: the first table does not show them itself. Look at found['counted'].")
    elif given & set(found.loc[found["replicated"], "code"]):
        print("Some of these are replicated: nothing is lost there. Look at found['replicated'].")
    elif given > should:
        print("Nearly. Some of these the held-out patients do not replicate either: so few records cannot show them.")
    else:
        print(f"{len(given & should)} of your {len(given)} are right; there are {len(should)} in all.")


def odds(answer: float | None, of_train: float, synthetic: Dataset) -> None:
    """Exercise 2: the odds ratio of heart failure and kidney disease among synthetic patients."""
    if not _is_number(answer, "Build the table with pd.crosstab for `synthetic`, and take Table2x2(...).oddsratio."):
        return
    places = synthetic.frame[["diag_1", "diag_2", "diag_3"]]
    fields = pd.crosstab(places.isin(["428"]).any(axis=1), places.isin(["585", "403"]).any(axis=1))
    should = Table2x2(fields.to_numpy()).oddsratio
    if abs(answer / of_train - 1) < _EXACT:
        print("That is the first table's. Count among the records of `synthetic`.")
    elif abs(answer / should - 1) < _NEAR / 2:
        print(f"Right. {should:.2f} among synthetic patients, {of_train:.2f} in the first table.")
    elif abs(answer * should - 1) < _NEAR:
        print("Upside down: an odds ratio above 1 says that the two go together.")
    else:
        print(
            f"{answer:.2f} is not it (about {should:.1f} was expected). Are all three places counted, and both codes?"
        )


def links(without: int | None, with_correction: int | None, network: pd.DataFrame) -> None:
    """Exercise 3: how many links independent columns seem to have, before and after the correction."""
    hint = '(nothing["p"] < 0.05).sum() counts the first; the second is the same with "q".'
    if not (_is_number(without, hint) and _is_number(with_correction, hint)):
        return
    should = int((network["p"] < 0.05).sum()), int((network["q"] < 0.05).sum())
    if (without, with_correction) == should:
        print(
            f"Right. Of {len(network):,} pairs {without} ({without / len(network):.0%}) look linked before the "
            f"correction and {with_correction} after it, and none of them is."
        )
    elif (with_correction, without) == should:
        print("The two are the wrong way round: a correction for many looks cannot add links.")
    elif without == should[0] or with_correction == should[1]:
        print(f"The {'first' if without == should[0] else 'second'} is right, the other is not.")
    else:
        print('Neither is right. Count in `nothing`, below 0.05: "p" for the first and "q" for the second.')


def size(answer: float | None, of_few: float, train: Dataset, synthetic: Dataset) -> None:
    """Exercise 4: the replication rate of all synthetic records."""
    if not _is_number(
        answer, "findings.replication_rate(findings.replicate(train, synthetic, studies.FINDINGS)).value"
    ):
        return
    should = replication_rate(replicate(train, synthetic, FINDINGS)).value
    if abs(answer - should) < 0.006:  # two digits are enough
        alike = " (alike, by chance)" if abs(should - of_few) < 0.006 else ""
        print(
            f"Right. {should:.0%} with all records, {of_few:.0%} with as many as are held out{alike}. More records "
            "show more, but narrower intervals also lay faults bare. Compare tables at one size only."
        )
    elif abs(answer - of_few) < 0.006:
        print("That is the rate of the cut table. Leave `records` out.")
    elif answer > 1:
        print("A rate is a share from 0 to 1: take .value, not .replicated or a percentage.")
    else:
        print(f"{answer:.3f} is not it. Which table is the first, and which the other?")


def controls(answer: str | None, arms: pd.DataFrame) -> None:
    """Exercise 5: the control group with the largest bias by weighting."""
    names = arms["controls"].unique()
    if answer is None:
        print("Not yet. Take the rows with method 'weighting', and the largest bias without its sign.")
    elif not isinstance(answer, str) or answer not in names:
        print(f"That is no control group. Give one of these names: {', '.join(names)}.")
    elif answer == "own controls":
        print("The bias of the own controls is 0 by definition: the others are measured against them.")
    else:
        own = arms[(arms["method"] == "weighting") & arms["bias"].notna()].set_index("controls")["bias"]
        if answer == own.abs().idxmax():
            print(f"Right. {own[answer]:+.2f} days. Now look at its interval: could it be chance?")
        else:
            print(f"{answer}: {own.get(answer, float('nan')):+.2f} days. Another one is further off.")


def _is_number(answer: object, hint: str) -> bool:
    if answer is None:
        print(f"Not yet. {hint}")
    elif isinstance(answer, bool) or not isinstance(answer, Real):
        print(f"Give one number. {hint}")
    else:
        return True
    return False
