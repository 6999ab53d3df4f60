# ruff: noqa: B018, D100 - cells end with what they show, and explain themselves
# %% [markdown] tags=["starter"]
# # Will the patient come back? Starter
#
# The starter of the challenge `diabetes_ml`, for teams and students who know a little pandas.
#
# **Time.** 15 minutes to run and read it, 2 hours with the five exercises.
#
# **What you will learn**
#
# - why records are split by patient, and how copies make a score look wonderful;
# - what a model learns from synthetic records, tested on records that nobody has seen (TSTR, TRTR, TSTS);
# - how to set two models side by side and find where they disagree;
# - how to tell synthetic records from others, and what gives them away.
#
# Run the cells from top to bottom: the notebook runs as it is. Each exercise has a place to write
# in, and below it a check that gives you a hint.

# %% [markdown] tags=["solution"]
# # Will the patient come back? Solution
#
# The worked solution of `starter.ipynb` in the challenge `diabetes_ml`. Try the starter first.
#
# **Time.** 15 minutes to run and read it.
#
# **What you will learn**
#
# - why records are split by patient, and how copies make a score look wonderful;
# - what a model learns from synthetic records, tested on records that nobody has seen (TSTR, TRTR, TSTS);
# - how to set two models side by side and find where they disagree;
# - how to tell synthetic records from others, and what gives them away.

# %% [markdown]
# ## The data
#
# One row is one hospital stay of a patient with diabetes. The target `readmitted` says whether the
# patient came back within 30 days (`<30`), later (`>30`) or not at all (`NO`).
#
# `shd.load("diabetes")` takes the real data where they are on your disk, else a **stand-in**: a
# second, independent synthetic cohort, so that everything runs without a download. **Numbers
# found on the stand-in say nothing about real patients.** For the real data, run
# `shd data fetch diabetes` in a terminal (3 MB, licence CC BY 4.0), then run this notebook again.

# %%
import warnings

import checks
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.inspection import permutation_importance
from sklearn.metrics import roc_auc_score

import shd
from shd.plot import PALETTE

warnings.simplefilter("ignore", shd.ShdWarning)  # it warns of medicines that nobody takes: we know
plt.rcParams.update({"axes.spines.right": False, "axes.spines.top": False, "font.size": 9})

data = shd.load("diabetes")
synthetic = shd.load("diabetes", source="synthetic")
print(data)
print(synthetic)

# %% [markdown]
# Did you get the real data or the stand-in? It decides what your numbers mean. The figures name it.

# %% tags=["nbval-check-output"]
print("Source of the data:", data.source)
print("Columns:", data.frame.shape[1])
print("Levels of the target:", *data.frame["readmitted"].cat.categories)

# %%
data

# %% [markdown]
# ## Before anything else: split by patient
#
# Nearly one patient in four has more than one stay. Split by row, and many patients are on both
# sides: the model is tested on people it has met. `Dataset.split` splits by patient.

# %%
train, test = data.split(test_size=0.2, random_state=0)

shuffled = np.random.default_rng(0).permutation(data.subjects)
on_both_sides = set(shuffled[: len(test)]) & set(shuffled[len(test) :])
print(f"split by row:     {len(on_both_sides):5,} patients on both sides")
print(f"split by patient: {len(set(train.subjects) & set(test.subjects)):5,} patients on both sides")

# %% [markdown]
# How much does that change? On the real table, gradient boosting gains next to nothing by it
# (an AUROC of 0.675 by row, 0.676 by patient). Such models do not remember single patients. Others
# do, and you will not know beforehand. The split by patient costs nothing, so we always use it.
#
# A near relative does far more harm. Only one stay in nine is `<30`, so it is tempting to copy
# these records until both classes are equally large. Who copies first and splits afterwards has
# copies of the same record on both sides. A forest remembers records, and finds them again:

# %%
_, some = data.split(test_size=0.15, random_state=1)  # some patients only, to be quick


def codes(frame: pd.DataFrame) -> pd.DataFrame:
    """Turn the levels of categories into numbers, which a forest can read."""
    return frame.apply(lambda column: column.cat.codes if column.dtype == "category" else column)


def forest_auroc(train_frame: pd.DataFrame, test_frame: pd.DataFrame) -> float:
    """Train a forest to find `<30`, and return its AUROC on other records."""
    forest = RandomForestClassifier(n_estimators=50, n_jobs=-1, random_state=0)
    forest.fit(codes(train_frame.drop(columns="readmitted")), train_frame["readmitted"] == "<30")
    chance = forest.predict_proba(codes(test_frame.drop(columns="readmitted")))[:, 1]
    return roc_auc_score(test_frame["readmitted"] == "<30", chance)


def copy_rare(frame: pd.DataFrame) -> pd.DataFrame:
    """Copy `<30` records, drawn at random, until half of all records are `<30`."""
    rare = frame[frame["readmitted"] == "<30"]
    return pd.concat([frame, rare.sample(len(frame) - 2 * len(rare), replace=True, random_state=0)])


balanced = copy_rare(some.frame).sample(frac=1, random_state=0)  # copied first
fifth = len(balanced) // 5
leaky_auroc = forest_auroc(balanced.iloc[fifth:], balanced.iloc[:fifth])  # split by row afterwards
print(f"AUROC {leaky_auroc:.3f}")

# %% [markdown]
# Wonderful, and worth nothing. Real classifiers reach an AUROC of about 0.675 for readmission at
# all and 0.654 for readmission within 30 days. **Anything near 0.9 is leakage.**
#
# ### Exercise 1: mend it (3 points)
#
# Write a function that splits by patient first, and then copies rare records in the train part only.
# It returns the frames of both parts, train first. Use `data.split` and `copy_rare`.


# %% tags=["answer:leak"]
def honest_parts(data: shd.Dataset) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a train part whose rare records were copied, and a test part that shares no patient with it."""
    # BEGIN SOLUTION
    first, second = data.split(test_size=0.2, random_state=0)
    return copy_rare(first.frame), second.frame
    # INSTEAD
    # return None  # your lines here
    # END SOLUTION


# %% tags=["check:leak"]
checks.leak(honest_parts)

# %%
if checks.leak.solved("number"):
    honest_auroc = forest_auroc(*honest_parts(some))
    print(f"{leaky_auroc:.3f} was leakage; {honest_auroc:.3f} is what this forest can do for a new patient.")

# %% [markdown]
# ## Path 1: train on synthetic, test on held-out records
#
# A synthetic table is useful if what it teaches holds for records that it was not made from. So
# we train the same model twice and test it on the same held-out patients:
#
# | name | trained on | tested on |
# | --- | --- | --- |
# | TRTR | real records (train) | real records (test) |
# | TSTR | synthetic records | real records (test) |
# | TSTS | synthetic records | other synthetic records |
# | floor | records whose columns were drawn one by one | real records (test) |
#
# Without the real data, the stand-in takes the place of "real" in all of them. The release was
# made from the train side of a split by patient with seed 0. Keep `random_state=0` above, and its
# model has never seen the patients in your `test`.

# %%
ROWS = 10_000  # a part of the records, to be quick; use all of them when it counts

few_train = train.frame.sample(ROWS, random_state=0)
few_synthetic = synthetic.frame.sample(ROWS, random_state=0)
few_floor = shd.Marginals(min_people=1, random_state=0).fit(few_train).sample(ROWS)  # never handed on: all levels stay


def outcome(frame: pd.DataFrame, level: str) -> pd.Series:
    """Say of each record whether the patient came back: `any` time, or within 30 days (`<30`)."""
    return frame["readmitted"] != "NO" if level == "any" else frame["readmitted"] == level


def fit_model(frame: pd.DataFrame, level: str) -> HistGradientBoostingClassifier:
    """Train gradient boosting to predict `outcome`."""
    model = HistGradientBoostingClassifier(categorical_features="from_dtype", early_stopping=False, random_state=0)
    return model.fit(frame.drop(columns="readmitted"), outcome(frame, level))


def chance(model: HistGradientBoostingClassifier, frame: pd.DataFrame) -> np.ndarray:
    """Return the predicted chance of each record, 0 to 1."""
    return model.predict_proba(frame.drop(columns="readmitted"))[:, 1]


def auroc(model: HistGradientBoostingClassifier, frame: pd.DataFrame, level: str) -> float:
    """Return how well the model puts records in order: 0.5 is guessing, 1 is perfect."""
    return roc_auc_score(outcome(frame, level), chance(model, frame))


on_train, on_synthetic = fit_model(few_train, "any"), fit_model(few_synthetic, "any")
trtr = {"any": auroc(on_train, test.frame, "any"), "<30": auroc(fit_model(few_train, "<30"), test.frame, "<30")}
floor = {level: auroc(fit_model(few_floor, level), test.frame, level) for level in trtr}
for level, value in trtr.items():
    print(f"{level:3}  TRTR {value:.3f}, floor {floor[level]:.3f}")

# %% [markdown]
# ### Exercise 2: TSTR (3 points)
#
# Write a function that returns TSTR for a level. It is given three tables; `fit_model` and `auroc` do the rest.


# %% tags=["answer:tstr"]
def tstr(train: pd.DataFrame, synthetic: pd.DataFrame, test: pd.DataFrame, level: str) -> float:
    """Return the AUROC on held-out records of a model that was trained on synthetic ones."""
    # BEGIN SOLUTION
    return auroc(fit_model(synthetic, level), test, level)
    # INSTEAD
    # return None  # your line here
    # END SOLUTION


# %% tags=["check:tstr"]
checks.tstr(tstr)

# %%
if checks.tstr.solved():
    taught = {level: tstr(few_train, few_synthetic, test.frame, level) for level in trtr}
    table = pd.DataFrame({"floor": floor, "TSTR": taught, "TRTR": trtr})
    share = ((table["TSTR"] - 0.5) / (table["TRTR"] - 0.5)).mean()  # 0.5 is guessing

    figure, axis = plt.subplots(figsize=(6.5, 2.2))
    marks = {"floor": (PALETTE["floor"], "s"), "TSTR": (PALETTE["synthetic"], "o"), "TRTR": (PALETTE[data.source], "D")}
    for name, (colour, mark) in marks.items():
        axis.scatter(table[name], range(len(table)), color=colour, marker=mark, s=60, label=name, zorder=3, alpha=0.8)
    axis.hlines(range(len(table)), table.min(axis=1), table.max(axis=1), color="#cccccc", zorder=1)
    axis.set(yticks=range(len(table)), yticklabels=["back at any time", "back within 30 days"], ylim=(-0.6, 1.6))
    axis.set(xlim=(0.45, 0.75), xlabel=f"AUROC on held-out {data.source} records (0.5 is guessing)")
    axis.legend(loc="upper left", bbox_to_anchor=(1, 1), frameon=False)
    axis.set_title(f"Synthetic records teach {share:.0%} of what {data.source} records teach", loc="left")
    plt.show()

# %% [markdown]
# ### Exercise 3: is a synthetic table too easy? (4 points)
#
# Write a function that trains and tests on synthetic records only, for the level `"any"`: split them
# by patient with `test_size=0.2, random_state=0`. It returns TSTS and a verdict, `"too easy"`,
# `"too hard"` or `"about right"`: two hundredths above TRTR is too easy, two hundredths below is too
# hard. TRTR comes from the two tables that the synthetic one stands for.
#
# Why it matters: a model trained and tested on the synthetic table of 2020 had an accuracy of 0.69
# for the three levels, where real records give about 0.58. Data that are too easy to predict are as
# wrong as data that are too hard, and TSTS alone looks like praise.


# %% tags=["answer:ease"]
def ease(synthetic: shd.Dataset, train: pd.DataFrame, test: pd.DataFrame) -> tuple[float, str]:
    """Return TSTS, and what it says beside TRTR."""
    # BEGIN SOLUTION
    first, second = synthetic.split(test_size=0.2, random_state=0)
    tsts = auroc(fit_model(first.frame, "any"), second.frame, "any")
    trtr = auroc(fit_model(train, "any"), test, "any")
    return tsts, "too easy" if tsts > trtr + 0.02 else "too hard" if tsts < trtr - 0.02 else "about right"
    # INSTEAD
    # return None  # your lines here
    # END SOLUTION


# %% tags=["check:ease"]
checks.ease(ease)

# %% [markdown]
# Now two tables made from *this* train part: one is drawn from a network of pairs of columns, the
# other is the same, but whoever was in hospital before comes back and nobody else. The release is
# not judged here: it was made from the real patients, and the stand-in is another cohort.

# %%
if checks.ease.solved("table"):
    drawn = shd.BayesianNetwork(random_state=0).fit(train.take(np.arange(len(few_train)))).sample(ROWS)
    planted = drawn.assign(readmitted=drawn["readmitted"].where(drawn["number_inpatient"] == 0, ">30"))
    for name, frame in {"drawn": drawn, "planted": planted}.items():
        made = shd.Dataset(frame, target="readmitted", source="synthetic")
        print("{:8} TSTS {:.3f}: {}".format(name, *ease(made, few_train, test.frame)))

# %% [markdown]
# ## Path 2: two models side by side
#
# Two models with the same AUROC may still do different things. Do they look at the same columns?
# Shuffle one column of the held-out records, and see how much AUROC the model loses: that is the
# column's permutation importance.

# %%
seen = test.frame.sample(2_000, random_state=0)


def importance(model: HistGradientBoostingClassifier) -> pd.Series:
    """Return the AUROC lost when a column is shuffled, by column."""
    x = seen.drop(columns="readmitted")
    lost = permutation_importance(model, x, outcome(seen, "any"), scoring="roc_auc", n_repeats=2, random_state=0)
    return pd.Series(lost.importances_mean, index=x.columns)


both = pd.DataFrame({data.source: importance(on_train), "synthetic": importance(on_synthetic)})
top = both.loc[both.max(axis=1).nlargest(10).index[::-1]]  # the ten that matter most, the first on top
order = top[data.source].rank().corr(top["synthetic"].rank())

figure, axis = plt.subplots(figsize=(6.5, 3.4))
axis.hlines(range(len(top)), top.min(axis=1), top.max(axis=1), color="#cccccc", zorder=1)
axis.scatter(top[data.source], range(len(top)), color=PALETTE[data.source], marker="D", label=data.source, zorder=3)
axis.scatter(top["synthetic"], range(len(top)), color=PALETTE["synthetic"], label="synthetic", zorder=3, alpha=0.8)
axis.set(yticks=range(len(top)), yticklabels=top.index, xlabel="AUROC lost when the column is shuffled")
axis.legend(title="model trained on", loc="lower right", frameon=False)
one, other = top[data.source].idxmax(), top["synthetic"].idxmax()
found = f"Both models lean most on {one}" if one == other else f"One leans most on {one}, the other on {other}"
axis.set_title(found, loc="left")
plt.show()
print(f"Rank correlation of the ten importances: {order:.2f} (1: the same order)")

# %% [markdown]
# Now the patients. Each dot is one held-out stay (every sixth is drawn), with the chance to come back
# that each of the two models gives it.

# %%
p_train, p_synthetic = chance(on_train, test.frame), chance(on_synthetic, test.frame)
near = np.mean(np.abs(p_train - p_synthetic) < 0.1)

figure, axis = plt.subplots(figsize=(4.2, 4.2))
axis.plot([0, 1], [0, 1], color="#cccccc", zorder=1)
axis.scatter(p_train[::6], p_synthetic[::6], s=3, alpha=0.4, color=PALETTE["holdout"], zorder=2)
axis.set(xlim=(0, 1), ylim=(0, 1), aspect="equal")
axis.set(xlabel=f"chance, model trained on {data.source}", ylabel="chance, model trained on synthetic")
axis.set_title(f"For {near:.0%} of the stays, the models\ndiffer by less than 10 points", loc="left")
plt.show()

# %% [markdown]
# Where do they disagree? These are the groups in which the predicted chances differ most on average:
# above zero, the model trained on synthetic records gives the higher chance.

# %%
by_group = {
    f"{column} = {level}": ((p_synthetic - p_train)[rows].mean(), rows.sum())
    for column in ("race", "gender", "age", "diag_1", "insulin", "A1Cresult")
    for level in test.frame[column].cat.categories
    if (rows := (test.frame[column] == level).to_numpy()).sum() >= 100
}
by_group = pd.DataFrame(by_group, index=["synthetic minus other", "stays"]).T
by_group.iloc[by_group.iloc[:, 0].abs().argsort()[::-1]].head(6).round(3).astype({"stays": int})

# %% [markdown]
# ### Exercise 4: who would be called? (2 points)
#
# A ward can call one patient in ten after they leave, and calls those with the highest chance to
# come back. Each model makes its list: the `n` positions with the highest chance. Write a function
# that returns the share of the list (0 to 1) that the two models have in common.


# %% tags=["answer:overlap"]
def overlap(one: np.ndarray, other: np.ndarray, n: int) -> float:
    """Return which share of the n highest chances of one model are among the n highest of the other."""
    # BEGIN SOLUTION
    return len(set(np.argsort(one)[-n:]) & set(np.argsort(other)[-n:])) / n
    # INSTEAD
    # return None  # use np.argsort
    # END SOLUTION


# %% tags=["check:overlap"]
checks.overlap(overlap)

# %%
if checks.overlap.solved("number"):
    print(f"{overlap(p_train, p_synthetic, len(test) // 10):.0%} of the list is the same; by chance 10% would be.")

# %% [markdown] tags=["solution"]
# The AUROCs are close, and yet a part of the list is different. That need not be the fault of the
# synthetic records: two models trained on two halves of the same table disagree as well. Try it.
# Whoever swaps one model for another should look at the list, not at the AUROC alone.

# %% [markdown]
# ## Path 3: tell them apart
#
# Mix held-out and synthetic records, and train a classifier to tell which is which. Its AUROC is
# the C2ST: 0.5 means that it can only guess, 1 that every synthetic record gives itself away. We
# ask it about the release, and about the floor, whose columns were drawn one by one.

# %%
against = {"release": few_synthetic, "floor": few_floor}
c2st = {name: shd.compare.c2st(test, frame, rows=2_000) for name, frame in against.items()}
for name, value in c2st.items():
    print(f"C2ST {value:.3f}  {name} against held-out {data.source} records")

# %% [markdown]
# With the stand-in, the first number says only that two synthetic cohorts are alike. With the real
# data it is the number to beat: at best 0.5.
#
# What gives the floor away? Train such a classifier, and shuffle its columns on new records.

# %%
mixed = pd.concat([test.frame.sample(5_000, random_state=0), few_floor.sample(5_000, random_state=0)])
is_floor = np.repeat([False, True], 5_000)
fit_rows = np.random.default_rng(0).random(len(mixed)) < 0.75
detective = HistGradientBoostingClassifier(categorical_features="from_dtype", early_stopping=False, random_state=0)
detective.fit(mixed[fit_rows], is_floor[fit_rows])
lost = permutation_importance(
    detective, mixed[~fit_rows], is_floor[~fit_rows], scoring="roc_auc", n_repeats=2, random_state=0
)
clues = pd.Series(lost.importances_mean, index=mixed.columns).nlargest(8)[::-1]

figure, axis = plt.subplots(figsize=(6.5, 2.8))
axis.barh(clues.index, clues, color=PALETTE["floor"])
axis.set_xlabel("AUROC that the detective loses when the column is shuffled")
axis.set_title(f"What gives the floor away first: {clues.index[-1]}", loc="left")
plt.show()

# %% [markdown]
# Drawn one by one, each column is right on its own. What is wrong is what columns have to do with
# one another, and above all where there is a rule.
#
# ### Exercise 5: impossible records (3 points)
#
# `diabetesMed` says whether any medicine for diabetes was given. The columns in `medicines` say
# which: everything but `No` means given. In the 98,052 real records the two never contradict
# each other. Write a function that finds the records in which they do.

# %%
columns = list(train.frame.columns)
medicines = columns[columns.index("metformin") : columns.index("change")]


# %% tags=["answer:impossible"]
def impossible(frame: pd.DataFrame, medicines: list[str]) -> pd.Series:
    """Return for each record whether diabetesMed and the medicines contradict each other."""
    # BEGIN SOLUTION
    given = (frame[medicines] != "No").any(axis=1)
    return given != (frame["diabetesMed"] == "Yes")
    # INSTEAD
    # return None  # your lines here
    # END SOLUTION


# %% tags=["check:impossible"]
checks.impossible(impossible)

# %%
rows = {f"held-out ({data.source})": test.frame, "release (synthetic)": synthetic.frame, "floor": few_floor}
if checks.impossible.solved("table"):
    broken = {name: 100 * impossible(frame, medicines).mean() for name, frame in rows.items()}
    print(pd.Series(broken, name="impossible records, per cent").round(2).to_string())

# %% [markdown]
# There is a second rule like this one: between `change` and the medicines. Find it, and see
# whether the release keeps it. What the release breaks, your own generator can do better.

# %% [markdown] tags=["solution"]
# The second rule: `change` is `Ch` where a dose went up or down, or where two medicines or more
# were given, and `No` everywhere else. All 98,052 real records keep it.


# %% tags=["solution"]
def change_broken(frame: pd.DataFrame) -> pd.Series:
    """Return for each record whether `change` and the medicines contradict each other."""
    moved = frame[medicines].isin(["Up", "Down"]).any(axis=1)
    several = (frame[medicines] != "No").sum(axis=1) >= 2
    return (moved | several) != (frame["change"] == "Ch")


pd.DataFrame({"change broken, per cent": {name: 100 * change_broken(frame).mean() for name, frame in rows.items()}})

# %% [markdown]
# ### In words: would you hand it on? (3 points)
#
# A clinic asks for this release, to choose whom a nurse calls after discharge. Write three to five sentences: what
# it may be used for, what not, and which number above you would show for each. A person reads and marks them.

# %% [markdown] tags=["starter", "text:hand_on:3"]
# Write here.

# %% [markdown] tags=["solution", "text:hand_on:3"]
# To try methods and to teach: yes. What is learned from it holds for held-out patients to a good part (TSTR beside
# TRTR in exercise 2), far above what columns drawn one by one teach. To choose whom a nurse calls: no. Two models
# with nearly the same AUROC agree on a part of the list alone (exercise 4), and those who were left out would not
# know. For a number in a paper: no. The C2ST of path 3, asked on the real data, says how far synthetic records can be
# told from real ones, so that a count or a rare combination has to be looked up in real records.

# %% [markdown]
# ## What you learned
#
# - Split by patient, and do everything else, such as copying rare records, after the split. A score
#   near 0.9 on this table is leakage.
# - TSTR beside TRTR says what synthetic records teach. The floor says what is worth nothing. TSTS
#   shows data that are too easy.
# - Two models with the same AUROC may still choose other patients.
# - C2ST asks whether synthetic records can be told apart. Broken rules between columns are what
#   gives them away first.
#
# ## Where to go next
#
# - Run the notebook again on the real data: `shd data fetch diabetes`.
# - Ask all these questions at once: `shd.compare(train, synthetic, holdout=test)` returns a report
#   with intervals, privacy and a verdict. With all records it takes one to two minutes.
# - Make a release of your own, with its card: `shd generate diabetes -o my-release --minutes 10`
#   (add `--source stand-in` without the real data). Judge it: `shd compare --help`.
# - `README.md` in this folder has the rules, the data card and the path of 40 hours.
