# ruff: noqa: B018, D100 - cells end with what they show, and explain themselves
# %% [markdown] tags=["starter"]
# # Does the biology survive? Starter
#
# The starter of the challenge `diabetes_bioinformatics`, for biologists and for programmers.
#
# **Time.** 15 minutes to run and read it, 2 hours with the five exercises.
#
# **What you will learn**
#
# - what is known of patients with diabetes in hospital, and how each claim becomes a number with an interval;
# - which of these findings synthetic patients keep, which they lose, and how to tell loss from chance;
# - how diseases, medicines and kinds of patients hang together, drawn side by side for both tables;
# - why a synthetic comparison group may give a wrong answer about a treatment.
#
# **Two paths.** *The biologist's path:* run all cells (menu Run, Run All Cells), skip the code, read the figures and
# the text beneath them; code begins with the exercises, and each of those is a line. *The programmer's path:* read
# the cells too; every function has its method and its paper in its help (`findings.replicate?`).
#
# Clinical terms and medicines are in `GLOSSARY.md`.

# %% [markdown] tags=["solution"]
# # Does the biology survive? Solution
#
# The worked solution of `starter.ipynb` in the challenge `diabetes_bioinformatics`. Try the starter first.
#
# **Time.** 15 minutes to run and read it.
#
# **What you will learn**
#
# - what is known of patients with diabetes in hospital, and how each claim becomes a number with an interval;
# - which of these findings synthetic patients keep, which they lose, and how to tell loss from chance;
# - how diseases, medicines and kinds of patients hang together, drawn side by side for both tables;
# - why a synthetic comparison group may give a wrong answer about a treatment.

# %% [markdown]
# ## The patients
#
# One row is one patient with diabetes: the first hospital stay in the table, as in the study of Strack and
# colleagues (2014). They asked whether measuring HbA1c (the blood sugar of the last months) goes with fewer
# readmissions within 30 days.
#
# `shd.load("diabetes_cohort")` takes the real data where they are on your disk, else a **stand-in**: a second
# synthetic cohort from a shorter run, so that everything runs without a download. **Numbers found on
# the stand-in say nothing about real patients.** For the real data, run `shd data fetch diabetes_cohort` in a
# terminal (3 MB, licence CC BY 4.0), then run this notebook again.

# %%
import warnings

import checks
import numpy as np
import pandas as pd
import studies
from scipy.stats import false_discovery_control
from statsmodels.stats.contingency_tables import Table2x2

import shd
from shd.compare import findings
from shd.datasets.diabetes_cohort import title

warnings.simplefilter("ignore", shd.ShdWarning)  # it warns of medicines that nobody takes: we know

data = shd.load("diabetes_cohort")
synthetic = shd.load("diabetes_cohort", source="synthetic")
train, holdout = data.split(test_size=0.2, random_state=0)  # the release was made from `train` of the real data
word = data.source
print(data)
print(synthetic)

# %% tags=["nbval-check-output"]
print("Source of the data:", data.source)
print("Columns:", data.frame.shape[1])
print("Levels of the target:", *data.frame["readmitted"].cat.categories)

# %%
data

# %% [markdown]
# What brings these patients to hospital? The codes are those of ICD-9, the code book of the time; `title` puts
# them in words.

# %%
main = pd.DataFrame(
    {
        name: table.frame["diag_1"].value_counts(normalize=True)
        for name, table in ((word, train), ("synthetic", synthetic))
    }
)
main = main.sort_values(word, ascending=False).head(10)
main.rename(index=title).style.format("{:.1%}")

# %% [markdown]
# ## Known findings, one by one
#
# Before anybody looked at the synthetic table, claims were written down: a question, whose records, what is
# estimated and how, which direction is expected, and where that comes from. Some are from the study, most from what
# any textbook says. Here are a few of them.

# %%
library = studies.FINDINGS
shown = pd.DataFrame([(f.code, f.theme, f.question, f.estimand, f.expected, f.source) for f in library])
shown.columns = ["code", "theme", "question", "estimand", "expected", "source"]
print(f"{len(library)} findings in {shown['theme'].nunique()} themes")
shown.groupby("theme", sort=False).head(1).set_index("code")

# %% [markdown]
# Each is now estimated twice: on the first table (of the real data: the records that the synthesizer learned from),
# and on as many synthetic records as there are held-out ones. A finding is **replicated** where the effect points the
# same way, is not chance (5 %), and the two 95 % intervals overlap. A finding that the first table does not show itself
# is not counted.

# %%
found = findings.replicate(train, synthetic, studies.FINDINGS, records=len(holdout))
rate = findings.replication_rate(found)
print(
    f"{rate.replicated} of {rate.counted} findings are replicated: {rate.value:.0%} ({rate.low:.0%} to {rate.high:.0%})"
)
findings.forest(found, word)

# %% [markdown]
# **Read it like a clinician.** Diamonds are the first table, circles the synthetic patients; a filled circle is
# replicated, and a word says so too. Ask of each `no` why: does the effect point the other way, is it there but
# clearly weaker or stronger (the intervals do not overlap), is its interval too wide, or were there too few records
# to ask? The first two are faults of the synthesizer. The last two may be only a small number of records.

# %%
found.loc[found["counted"] & ~found["replicated"], ["code", "label", "real", "other", "why not"]].round(2)

# %% [markdown]
# No table replicates everything, not even other patients of the same hospitals:

# %%
floor = shd.Dataset(shd.Marginals(random_state=0).fit(train.frame).sample(len(train)), name=data.name)
rates = {}
for name, table in (("held-out patients", holdout), ("synthetic patients", synthetic), ("independent columns", floor)):
    one = findings.replication_rate(findings.replicate(train, table, studies.FINDINGS, records=len(holdout)))
    rates[name] = (one.replicated, one.counted, one.value, one.low, one.high)
pd.DataFrame.from_dict(rates, orient="index", columns=["replicated", "of", "rate", "low", "high"]).round(2)

# %% [markdown]
# The bottom row is a table in which every single column is right, and nothing hangs together. It is what a hospital
# would hand out that looks at one column at a time.
#
# ### Exercise 1: what is lost? (3 points)
#
# `found` is a table with a row a finding. A finding **that counts** and that the **held-out** patients replicate may
# be missing from one cut of the synthetic table by chance: with another `random_state` of `replicate` it comes back.
# What **no** cut replicates, the synthesizer lost. Write a function that is given the tables of many cuts and that
# of the held-out patients, and returns the list of codes that are lost for good.


# %% tags=["answer:lost"]
def lost(cuts: list[pd.DataFrame], by_holdout: pd.DataFrame) -> list[str]:
    """Return the codes of what counts and held-out patients replicate, and no cut does."""
    # BEGIN SOLUTION
    never = sum(cut["replicated"].astype(int) for cut in cuts) == 0
    return by_holdout.loc[by_holdout["counted"] & by_holdout["replicated"] & never, "code"].tolist()
    # INSTEAD
    # return None  # use the columns "code", "counted" and "replicated"
    # END SOLUTION


# %% tags=["check:lost"]
checks.lost(lost)

# %%
if checks.lost.solved("list"):
    by_holdout = findings.replicate(train, holdout, studies.FINDINGS)
    once = lost([found], by_holdout)
    again = [finding for finding in studies.FINDINGS if finding.code in once]  # only these can be lost for good
    cuts = [findings.replicate(train, synthetic, again, records=len(holdout), random_state=k) for k in range(20)]
    always = lost(cuts, findings.replicate(train, holdout, again)) if again else []
    print(f"lost in one cut: {', '.join(once) or 'none'}. Lost in all of 20: {', '.join(always) or 'none'}.")

# %% [markdown]
# ## The study: HbA1c and readmission
#
# The study's cohort has 69,984 patients (its counts are quoted from memory); the published file gives 69,973. Do
# groups have the sizes that were published? Here are the eight that differ most.

# %%
sizes = studies.group_sizes(data)[["group", "level", "published", "here", "difference"]]
sizes = sizes.rename(columns={"published": "published (from memory)"})
sizes.loc[sizes["difference"].abs().nlargest(8).index].style.hide().format(
    {"published (from memory)": "{:,}", "here": "{:,}", "difference": "{:+.1%}"}
)

# %% [markdown]
# And how often do they come back within 30 days? The study's counts (from memory) give odds ratios, with 95 %
# intervals; beside them are those of the table that you have, and of the synthetic patients.
# Which effect would be published from the synthetic patients, and is none? (Look for an interval clear of 1 where the
# others hold 1.)


# %%
def written(odds: pd.DataFrame, name: str) -> pd.Series:
    """Write odds ratios with their intervals."""
    low = "low" if name == "here" else "published low"
    ends = odds[low], odds[low.replace("low", "high")]
    return pd.Series([f"{o:.2f} ({a:.2f} to {b:.2f})" for o, a, b in zip(odds[name], *ends, strict=True)])


here, made = studies.crude_odds_ratios(data), studies.crude_odds_ratios(synthetic)
columns = {
    "published (from memory)": written(here, "published"),
    word: written(here, "here"),
    "synthetic": written(made, "here"),
}
here[["group", "level", "against"]].assign(**columns).style.hide()

# %% [markdown]
# The study's question was another: does it matter that HbA1c is *measured*? The claim was that where diabetes itself
# is the reason for the stay, patients whose HbA1c was measured come back less often.

# %%
groups = studies.subgroup_effects(train, subgroups=("main diagnosis", "age band"))
same = studies.subgroup_effects(synthetic, subgroups=("main diagnosis", "age band"))
studies.plot_subgroup_effects(groups, same, word)

# %% [markdown]
# Many intervals, few of them clear of 1: who looks at twenty groups finds one by chance, and these intervals are not
# adjusted for that. The p values beside them are: they ask of each of the two variables whether its levels differ at
# all.
#
# ### Exercise 2: an odds ratio by hand (3 points)
#
# Heart failure (code `428`) and chronic kidney disease (`585` or `403`) go together. Write a function that counts the
# four fields (both, only one, only the other, none) among the three diagnoses of each record, for any codes, and
# returns the odds ratio. `Table2x2` of statsmodels helps.


# %% tags=["answer:odds"]
def odds(frame: pd.DataFrame, one: list[str], other: list[str]) -> float:
    """Return the odds ratio of having a code of `one` and having a code of `other`, in any of the three places."""
    # BEGIN SOLUTION
    places = frame[["diag_1", "diag_2", "diag_3"]]
    fields = pd.crosstab(places.isin(one).any(axis=1), places.isin(other).any(axis=1))
    return Table2x2(fields.to_numpy()).oddsratio
    # INSTEAD
    # return None  # use pd.crosstab and Table2x2
    # END SOLUTION


# %% tags=["check:odds"]
checks.odds(odds)

# %%
if checks.odds.solved("table"):
    tables = {word: train, "held-out": holdout, "synthetic": synthetic, "independent columns": floor}
    ratios = {name: odds(table.frame, ["428"], ["585", "403"]) for name, table in tables.items()}
    print(pd.Series(ratios, name="odds ratio, heart failure and kidney disease").round(2).to_string())

# %% [markdown]
# ## Networks: which diseases, and which medicines, go together?
#
# A line means that two diagnoses stand in one record more often than chance puts them there, after a correction for all
# pairs that were looked at. Both drawings have the same places: those of the first table. A large dot is a frequent
# diagnosis.

# %%
diseases = studies.compare_networks(train, synthetic, records=len(holdout))
studies.plot_networks(diseases.real, diseases.other, word)

# %% [markdown]
# Whether a weak link is found is partly luck. How many would **other patients** keep, and how many would they invent?

# %%
others = studies.compare_networks(train, holdout, records=len(holdout))
pd.concat({"synthetic": diseases.summary, "held-out patients": others.summary}).round(2)

# %% [markdown]
# Medicines that are prescribed together, among patients who take any:

# %%
medicines = studies.compare_networks(train, synthetic, studies.prescription_network, records=len(holdout))
studies.plot_networks(medicines.real, medicines.other, word, what="medicines")

# %% [markdown]
# ### Exercise 3: links out of nothing (3 points)
#
# `floor` has no links at all: its columns were drawn one by one. How many pairs of diagnoses would still be called
# linked? Write a function that is given the p of all pairs, and returns how many are below 0.05, and how many still
# are after Benjamini and Hochberg's correction for so many looks.

# %%
nothing = studies.comorbidity_network(floor)
nothing[["first", "second", "records", "expected", "lift", "p"]].head(3)


# %% tags=["answer:links"]
def links(p: np.ndarray) -> tuple[int, int]:
    """Return how many are below 0.05 before the correction, and how many after it."""
    # BEGIN SOLUTION
    return int((p < 0.05).sum()), int((false_discovery_control(p) < 0.05).sum())
    # INSTEAD
    # return None  # two numbers; scipy.stats.false_discovery_control makes the correction
    # END SOLUTION


# %% tags=["check:links"]
checks.links(links)

# %%
if checks.links.solved("number"):
    before, after = links(nothing["p"].to_numpy())
    print(f"{len(nothing):,} pairs, none of them linked: {before} look so before the correction, {after} after it.")

# %% [markdown]
# ## Kinds of patients
#
# Patients of the first table are sorted into five kinds by age, diagnoses, days, medicines and earlier visits. The same
# five kinds are then looked for among synthetic patients.

# %%
kinds = studies.phenotypes(train, k=5, random_state=0)
studies.plot_phenotypes(studies.compare_phenotypes(kinds, train, synthetic), word)

# %% [markdown]
# Rules say it in words: *if this, then that*. The ones that changed most:

# %%
rules = studies.compare_rules(train, synthetic, records=len(holdout))
print(rules.summary.round(2).to_string())
rules.worst("changed", 5)[["first", "second", "then", "real lift", "other lift"]].round(2)

# %% [markdown]
# ## Who leaves sooner?
#
# Length of stay as a survival time: discharge, to wherever, is the event. Each curve is the share of patients still
# in hospital. No stay of more than 14 days is in the table.

# %%
groups_of_stay = ("diabetes", "circulatory", "injury", "digestive")


def stays(table: shd.Dataset) -> pd.DataFrame:
    """Return the curves of four groups of main diagnosis."""
    curves = studies.discharge_curves(table, by="main diagnosis")
    return curves[curves["group"].isin(groups_of_stay)]


studies.plot_discharge_curves(stays(train), stays(synthetic), word)

# %%
studies.plot_hazards(studies.discharge_hazards(train), studies.discharge_hazards(synthetic), word)

# %% [markdown]
# ### Exercise 4: more records, more findings? (3 points)
#
# A larger table shows more, and its narrower intervals also lay faults bare. Write a function that returns two
# replication rates that can be compared: that of the held-out patients, and that of the synthetic ones. It is given
# `replicate(train, table, records=...)` and `rate(found)`. (The check hands it a `replicate` whose rates are known.)


# %% tags=["answer:size"]
def size(replicate, rate, train, holdout, synthetic) -> tuple[float, float]:
    """Return the replication rates of held-out and of synthetic patients, at one size."""
    # BEGIN SOLUTION
    fewest = min(len(holdout), len(synthetic))
    return tuple(rate(replicate(train, table, records=fewest)) for table in (holdout, synthetic))
    # INSTEAD
    # return None  # two rates, of as many records
    # END SOLUTION


# %% tags=["check:size"]
checks.size(size)

# %%
if checks.size.solved("table"):

    def replicate(train: shd.Dataset, table: shd.Dataset, records: int | None = None) -> pd.DataFrame:
        """Look for all findings of the library."""
        return findings.replicate(train, table, studies.FINDINGS, records=records)

    def share(found: pd.DataFrame) -> float:
        """Return the replication rate."""
        return findings.replication_rate(found).value

    fair, whole = size(replicate, share, train, holdout, synthetic), share(replicate(train, synthetic))
    print("held-out {:.2f}, synthetic {:.2f} at one size; all synthetic records {:.2f}".format(*fair, whole))

# %% [markdown]
# ## A synthetic control arm
#
# A trial treats patients and needs others to compare them with. Could synthetic patients stand in for those? The table
# is no trial: doctors chose who gets insulin. That makes it a good place to see how answers go wrong.
#
# The treated are always the same. Their days in hospital are compared with those of five control groups: all of the
# first table's own, 500 of those, held-out ones, synthetic ones, and ones whose columns are independent. Three methods:
# *raw* (as it is), *weighting* (controls are weighted to look like the treated) and *g-computation* (a regression says
# what the treated would have had).

# %%
arms = studies.control_arm_experiment(
    train,
    synthetic,
    holdout,
    floor,
    treatment="insulin",
    outcome="days in hospital",
    adjust=("age (10 years)", "sex", "race", "main diagnosis", "number of diagnoses", "prior inpatient visits"),
)
studies.plot_contrasts(arms, unit="days", scale=1, word=word)

# %%
arms.round(3)

# %% [markdown]
# (`worth`: so many controls that all weigh the same would say as much.)
#
# **Nothing here is evidence about insulin.** Who gets insulin may be sicker in ways that no column holds. The question
# is only whether synthetic controls give the answer that the table's own give.
#
# ### Exercise 5: whom would you believe? (2 points)
#
# `arms` has a row a method and control group, with the bias: the answer minus that of the own controls. By
# *weighting*, which control group has the largest bias, without regard to its sign? Write a function that returns its
# name as it stands in the column `controls`.


# %% tags=["answer:controls"]
def controls(arms: pd.DataFrame) -> str:
    """Return the control group with the largest bias by weighting."""
    # BEGIN SOLUTION
    weighted = arms[(arms["method"] == "weighting") & arms["bias"].notna()]
    return weighted.loc[weighted["bias"].abs().idxmax(), "controls"]
    # INSTEAD
    # return None  # a name from arms["controls"]
    # END SOLUTION


# %% tags=["check:controls"]
checks.controls(controls)

# %%
if checks.controls.solved("answer"):
    worst = controls(arms)
    bias = arms.set_index(["method", "controls"]).loc[("weighting", worst), "bias"]
    print(f"{worst}: {bias:+.2f} days. Look at its interval in the figure: could it be chance?")

# %% [markdown]
# ## What you learned
#
# - A finding is a claim made beforehand, with a direction and an interval. Synthetic records are as good as the
#   findings they replicate, beside those that other real patients replicate.
# - A lost finding and a small sample look alike at first. Intervals tell them apart.
# - Who looks at many pairs or groups finds links in nothing, unless the number of looks is taken into account.
# - Columns that are right one by one replicate next to nothing.
# - A synthetic control arm inherits every bias of its table, and may add its own.
#
# ## Where to go next
#
# - Take one question further, as `README.md` says, with the real data.
# - The challenge `diabetes_ml` asks what a model learns from synthetic records.
