# ruff: noqa: B018, D100 - cells end with what they show
# %% [markdown]
# # Start here: a tour in ten minutes
#
# For everybody who is new to shd. You need to know what a table in pandas is, and nothing else.
#
# **Time.** 10 minutes; the cells themselves take about one.
#
# **What you will learn**
#
# - how to load a dataset, and how to see where its rows come from;
# - how to split it, so that no patient is on both sides;
# - how to fit a conditional GAN for a short while, and ask it for the patients you want;
# - how to read a report that compares synthetic records with the others.
#
# Run the cells from top to bottom (Shift + Enter).

# %% [markdown]
# ## Load
#
# One row is one hospital stay of a patient with diabetes in the United States, 1999 to 2008. The
# target, `readmitted`, says whether the patient came back within 30 days (`<30`), later (`>30`)
# or not at all (`NO`).

# %%
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import shd
from shd.plot import PALETTE

plt.rcParams.update({"axes.spines.right": False, "axes.spines.top": False, "font.size": 9})

data = shd.load("diabetes")
print(data)

# %% [markdown]
# **Where do these rows come from?** A dataset has one of three sources.
#
# | source | what it is |
# | --- | --- |
# | `real` | patients. Not part of shd: `shd data fetch diabetes` downloads them (3 MB, CC BY 4.0) |
# | `synthetic` | drawn from a model that has learned the real table |
# | `stand-in` | a second, independent synthetic cohort, used where the real data are not on disk |
#
# Whatever is found on the stand-in shows how things are done. It says nothing about real patients.

# %% tags=["nbval-check-output"]
print("You are looking at:", data.source)

# %%
data

# %% [markdown]
# ## Look
#
# Do people who were in hospital before come back more often? `number_inpatient` counts the stays
# in the year before this one. The bars are 95 % intervals.


# %%
def share_back(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the share that came back, and half its 95 % interval, by number of earlier stays."""
    earlier = frame["number_inpatient"].clip(upper=4)
    back = (frame["readmitted"] != "NO").groupby(earlier).agg(["mean", "size"])
    back["half"] = 1.96 * np.sqrt(back["mean"] * (1 - back["mean"]) / back["size"])
    return back


def draw(axis: plt.Axes, frame: pd.DataFrame, name: str, shift: float = 0.0) -> None:
    """Draw one line; `name` is a colour of the palette."""
    back = share_back(frame)
    axis.errorbar(
        back.index + shift, 100 * back["mean"], 100 * back["half"], fmt="o-", capsize=2, color=PALETTE[name], label=name
    )
    axis.set(xticks=range(5), xticklabels=["0", "1", "2", "3", "4 or more"], ylim=(0, 100))
    axis.set(xlabel="stays in the year before", ylabel="came back, %")


back = share_back(data.frame)["mean"]
figure, axis = plt.subplots(figsize=(5.5, 3))
draw(axis, data.frame, data.source)
axis.set_title(f"{back[4]:.0%} come back after four stays or more, {back[0]:.0%} after none", loc="left")
axis.legend(frameon=False, loc="lower right")
plt.show()

# %% [markdown]
# ## Split by patient
#
# A patient may have several stays. `split` keeps all stays of a patient on one side, so that the
# holdout really is unseen. A synthesizer must never see the holdout.

# %% tags=["nbval-check-output"]
train, holdout = data.split(test_size=0.2, random_state=0)
print("Patients on both sides:", len(set(train.subjects) & set(holdout.subjects)))

# %% [markdown]
# ## Fit a little
#
# `TabularCGAN` learns what the columns have to do with each other. Here it gets 12,000 records and
# 300 steps, which is a taste; a good model takes minutes. Beside it stands `Marginals`, which draws
# every column by itself. It is the floor: whatever looks as good as `Marginals` has learned nothing.
#
# (shd warns of columns with a single value: medicines that hardly anybody takes. Here we know.)

# %%
warnings.simplefilter("ignore", shd.ShdWarning)

draw_rows = np.random.default_rng(0)
some = train.take(draw_rows.choice(len(train), 12_000, replace=False))
gan = shd.TabularCGAN(condition="readmitted", steps=300, random_state=0).fit(some)
floor = shd.Marginals(random_state=0).fit(some)

synthetic, independent = gan.sample(12_000), floor.sample(12_000)
synthetic.head(3)

# %% [markdown]
# A *conditional* GAN makes what you ask for. Two hundred patients who came back within 30 days:

# %% tags=["nbval-check-output"]
sick = gan.sample(200, condition={"readmitted": "<30"})
print(sick["readmitted"].value_counts().to_dict())

# %% [markdown]
# ## Look again
#
# Did it learn what we saw above? Single columns are right in both synthetic tables. What they have
# to do with one another makes the difference.

# %%
known, learned, lost = (
    share_back(frame)["mean"][4] - share_back(frame)["mean"][0] for frame in (holdout.frame, synthetic, independent)
)
figure, axis = plt.subplots(figsize=(5.5, 3))
draw(axis, holdout.frame, "holdout")
draw(axis, synthetic, "synthetic", shift=0.06)
draw(axis, independent, "floor", shift=-0.06)
axis.set_title(
    f"From none to four: {100 * known:+.0f} points in the holdout,\n"
    f"{100 * learned:+.0f} in the GAN's records, {100 * lost:+.0f} in independent columns",
    loc="left",
)
axis.legend(frameon=False, loc="lower right", ncols=3)
plt.show()

# %% [markdown]
# ## Compare
#
# One figure is not enough: there are 42 columns and 861 pairs. `shd.compare` asks all questions at
# once. *Fidelity*: are the records alike? *Utility*: does a model trained on them work on held-out
# patients? *Privacy*: are they copies, and what does an attacker learn? *Fairness*: is all that so for
# every group of people? Every number stands between a floor (independent columns) and a ceiling
# (other records in place of the synthetic ones), and has a verdict.

# %%
unseen = holdout.take(draw_rows.choice(len(holdout), 4_000, replace=False))
report = shd.compare(some.take(np.arange(4_000)), synthetic.head(4_000), holdout=unseen, random_state=0)
report

# %% [markdown]
# Read it from the top. Amber and red are what the model has to learn yet. All numbers are in
# `report.scores`; "real reference" is the ceiling: other records of the same source as `data`.
# `report.save("report.html")` writes one page that opens without a connection.

# %%
report.scores[["question", "metric", "floor", "value", "real reference", "verdict"]].round(3)

# %% [markdown]
# Which columns can you trust, and what should you not use the others for? The trust table says it
# of each one, the worst first. (`report.table("fairness")` has a row for each group of people, and
# `report.plot("privacy")` draws every attack.)

# %%
worst_first = report.table("trust")["verdict"].map({"red": 0, "amber": 1, "green": 2}).argsort(kind="stable")
report.table("trust").iloc[worst_first].head(8)

# %%
report.plot("privacy")

# %% [markdown]
# ## With more time
#
# shd ships a synthetic table from a model that learned for longer, from the real data. How easily
# can a classifier tell each table from the holdout? C2ST: 0.5 is a guess, 1 means always.

# %%
released = shd.load("diabetes", source="synthetic")
for name, table in (("independent columns", independent), ("300 steps", synthetic), ("the release", released)):
    print(f"C2ST {shd.compare.c2st(holdout, table, rows=3_000):.2f}  {name}")

# %% [markdown]
# ## What you learned
#
# - `shd.load` says where its rows come from: real, synthetic or stand-in.
# - `split` keeps a patient on one side.
# - A synthesizer has `fit` and `sample`; a conditional one gives what you ask for.
# - `shd.compare` puts every number between a floor and a ceiling. Single columns are easy. What
#   counts is what they have to do with each other.
#
# ## Where to go next
#
# - The challenges: open `challenges/diabetes_ml/starter.ipynb`, or, for those who know the clinic
#   better than code, `challenges/diabetes_bioinformatics/starter.ipynb`.
# - Change `steps=300` to `steps=2000` above, run the notebook again, and watch the C2ST.
# - In a terminal: `shd demo` does all of this once, `shd generate --help` shows how to make a release
#   from your own table, and `shd data fetch diabetes` brings the real data.
