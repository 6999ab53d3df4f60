"""The words of a report on tables, and what they mean."""

GLOSSARY = {
    "association": (
        "How strongly two columns hang together, 0 not at all and 1 completely. Two numbers: Pearson's correlation "
        "(which can be negative). A number and a category: the correlation ratio. Two categories: Cramér's V with "
        "Bergsma's bias correction."
    ),
    "attribute inference": (
        "An attacker knows all of somebody but one thing, and copies that from the most similar synthetic record. "
        "What counts is how much more often this is right for people learned from than for people held out, as a share "
        "of what is possible; and for rare levels, of whom are found (recall) and how many named have it (precision)."
    ),
    "augmentation gain": (
        "What a model that learns from few real records wins by synthetic ones beside them. The ceiling is what as "
        "many other real records would add."
    ),
    "AUROC": (
        "The chance that a model gives a record that has the outcome a higher score than one that has not. 0.5 is "
        "guessing, 1 is always right."
    ),
    "broken rules": (
        "Rules between columns that every record of train keeps (a before b, a sum, one column fixed by another, never "
        "both, missing exactly when), each too unlikely by chance. The share of records that break at least one, of "
        "those that records held out keep, too."
    ),
    "C2ST": (
        "Classifier two-sample test: the AUROC of the best of three classifiers (boosted trees, a regression on pairs "
        "of values, nearest neighbours) that try to tell synthetic from real records. 0.5 means that none of them can. "
        "Within a group of people it is held against as many of all people."
    ),
    "calibration": (
        "Whether chances come true: of those given a chance of 20 %, 20 % should have it. The error is how far "
        "chances are off on average."
    ),
    "calibration slope": "1 is right; below 1 chances are too extreme, above 1 too timid.",
    "ceiling": "The same number with other real records in place of the synthetic ones: as good as it gets.",
    "column distance": (
        "For categories the total variation, the share of records that would have to change; for numbers the "
        "Kolmogorov-Smirnov distance, the largest gap between the cumulative shares. Missing counts as a value."
    ),
    "confidence interval overlap": (
        "The same regression on both tables. The common part of an effect's two intervals, as a share of each, "
        "averaged: 1 the same interval, 0 or less apart. Two fresh real samples reach about 0.71."
    ),
    "DCR": (
        "Distance to closest record. The DCR share is how often that record is one that was learned from and not "
        "one held out; 0.5 is what a table reaches that remembers nobody."
    ),
    "density ratio": (
        "How much nearer the nearest synthetic records lie to a person than the nearest records of other real people."
    ),
    "demographic parity, equalised odds": (
        "How much groups differ in the share that a model flags: of all, or of those with and of those without the "
        "outcome. What counts is whether learning from synthetic records makes it worse than learning from real "
        "ones."
    ),
    "exact values": (
        "Synthetic numbers that equal one of train to the last digit, where fewer than five records have it, beside "
        "the same share among people held out."
    ),
    "floor": (
        "The same number for Marginals: each column drawn on its own. Columns are right, and nothing between them is."
    ),
    "holdout": "Records of people that the synthesizer never saw.",
    "importance agreement": (
        "Whether models of both tables rely on the same columns: the rank correlation of what each loses when a "
        "column is shuffled."
    ),
    "identifiability": (
        "The share of people to whom some synthetic record lies nearer than any other person's record does; rare "
        "values count more. Other real people reach about 0.5."
    ),
    "interval": (
        "A range from drawing records (by subject) again, made so that in 95 of 100 studies it holds the true number. "
        "Models are not trained again: for C2ST that is made up for, elsewhere the range can be too narrow."
    ),
    "k-anonymity, k-map": (
        "How many records share the values that others may know of a person: among the synthetic records "
        "(k-anonymity), and among real people (k-map). 1: one alone."
    ),
    "linkability": (
        "An attacker holds two halves of a person's columns and tries to match them through the synthetic records. "
        "What counts is the success for people learned from beyond that for people held out."
    ),
    "membership inference": (
        "Attackers have somebody's records, the synthetic table (or the model: weights) and records of other people, "
        "and guess whether that person was learned from; the strongest counts. AUROC 0.5: cannot tell. Hits at 10 %: "
        "who is found while ten in a hundred strangers are accused."
    ),
    "method check": "A test of how the comparison was set up, with a code and a page: shd explain SHD001.",
    "near copies": (
        "Synthetic records that are as much like somebody learned from as only the nearest 1 % of people held out are, "
        "by how surprising it is that strangers agree so well. Judged by the very nearest, beyond chance."
    ),
    "NNDR": (
        "Nearest-neighbour distance ratio: the distance to the nearest person over that to the second nearest. Near "
        "0: the record points at one person. Compared between people learned from and held out, at its lowest 5 %."
    ),
    "pMSE ratio": (
        "How well a logistic regression on single columns tells synthetic from real records, as a multiple of what "
        "it would find by chance alone. 1 is ideal."
    ),
    "precision, recall, density, coverage": (
        "Neighbourhoods of records. Precision: synthetic ones that look like some real one. Recall: real ones that "
        "look like some synthetic one. Density: how many synthetic ones lie around a real one. Coverage: real ones "
        "that have a synthetic one nearby."
    ),
    "records at risk": (
        "Records of train that stand far from all other people and have a synthetic record nearby. For the steward "
        "alone."
    ),
    "R2": "The share of the variation of a number that a model explains: 1 is all of it, 0 no better than the mean.",
    "relative prediction error": (
        "Each column is predicted from all others by a small decision tree. The error of trees trained on synthetic "
        "records, divided by that of trees trained on real ones; 1 is as good, more is worse (10 at most)."
    ),
    "singling out": (
        "An attacker takes values, or combinations of values, that one synthetic record alone has, and wins where "
        "they hold for exactly one real person learned from, more often than for one held out."
    ),
    "replication rate": (
        "Of the known clinical findings that the real records show, the share that the synthetic ones show too: the "
        "same direction, not by chance, intervals that overlap. All tables are cut to as many records."
    ),
    "SRA": (
        "Synthetic ranking agreement: how often two models come in the same order when chosen by synthetic records "
        "alone as when chosen by real ones."
    ),
    "stand-in": "A second synthetic cohort, used in place of real data that are not on this machine.",
    "TSTR / TRTR": (
        "How much of what real records teach synthetic ones teach: the AUROC of models trained on synthetic records "
        "less 0.5, divided by that of models trained on real ones less 0.5. 1 is as much, 0 is guessing."
    ),
    "TRTR, TSTR, TSTS, TRTS": (
        "Train on real or synthetic records, test on real or synthetic ones. TSTR is what counts: trained on "
        "synthetic, tested on real. TSTS alone misleads."
    ),
    "variables off": "The share of variables that the trust table calls amber or red.",
    "trust": "How far a single variable can be used, judged by the worst that was found about it.",
    "verbatim copy": "A synthetic record that equals a record learned from in every column.",
    "verdict": (
        "Green: nine tenths of the way from floor to ceiling, or chance explains the rest. Amber: six tenths. Red: "
        "less. Grey: cannot tell, for chance explains the floor as well, or the number is worse than that; distances "
        "that raise no alarm are grey, too, for they show little. Columns, copies and distances have limits of their "
        "own. Chance is allowed for over all scores of a question together: five comparisons in 100 of fresh real "
        "records show a fault somewhere. A question is as good as its worst score that is not grey."
    ),
    "Wasserstein distance": (
        "How far the values of a column would have to move on average to agree, in its own units."
    ),
}
