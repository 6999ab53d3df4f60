"""The words that all reports share; what a question measures it explains itself."""

from shd.compare.core.result import Result

GENERAL = {
    "AUROC": (
        "The chance that a model gives a record that has the outcome a higher score than one that has not. 0.5 is "
        "guessing, 1 is always right."
    ),
    "ceiling": ("The same number with other real records in place of the synthetic ones: as good as it gets."),
    "floor": (
        "The same number for Marginals: each column drawn on its own. Columns are right, and nothing between them is."
    ),
    "holdout": ("Records of people that the synthesizer never saw."),
    "interval": (
        "A range from drawing records (by subject) again, made so that in 95 of 100 studies it holds the true "
        "number. Models are not trained again: for C2ST that is made up for, elsewhere the range can be too "
        "narrow."
    ),
    "method check": ("A test of how the comparison was set up, with a code and a page: shd explain SHD001."),
    "stand-in": ("A second synthetic cohort, used in place of real data that are not on this machine."),
    "verdict": (
        "Green: nine tenths of the way from floor to ceiling, or chance explains the rest. Amber: six tenths. "
        "Red: less. Grey: cannot tell, for chance explains the floor as well, or the number is worse than that; "
        "distances that raise no alarm are grey, too, for they show little. Columns, copies and distances have "
        "limits of their own. Chance is allowed for over all scores of a question together: five comparisons in "
        "100 of fresh real records show a fault somewhere. A question is as good as its worst score that is not "
        "grey."
    ),
}

OF_IMAGES = {
    "AUROC": (
        "The chance that a network gives a picture of the class in question a higher score than one of another "
        "class. 0.5 is guessing, 1 is always right."
    ),
    "holdout": ("Pictures of people that the synthesizer never saw."),
    "interval": ("The range in which the number would lie in 95 of 100 repetitions, from drawing people again."),
    "ceiling": (
        "The same number with pictures of other real people in place of the synthetic ones: as good as it gets."
    ),
    "floor": (
        "The same number for SliceGaussian: the mean picture of class and slice with Gaussian differences, which "
        "looks blurred. In usefulness the floor is guessing, and for Grad-CAM a network that learned nothing."
    ),
    "verdict": (
        "Green: nine tenths of the way from floor to ceiling, or chance explains the rest. Amber: six tenths. "
        "Red: less. Grey: cannot tell, for chance explains the floor as well, or the number is worse than that. "
        "Variety, copies and distances have limits of their own. A question is as good as its worst score that is "
        "not grey."
    ),
}


def glossary(result: Result) -> dict[str, str]:
    """Return the words of a report and what they mean, in alphabetical order."""
    words = GENERAL | (OF_IMAGES if result.about.is_of_images else {}) | result.words
    return dict(sorted(words.items(), key=lambda entry: entry[0].lower()))
