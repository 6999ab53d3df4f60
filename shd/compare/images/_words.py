"""A comparison of pictures in plain words: what was compared, warnings, glossary."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shd.compare.report.report import Report

SHARED = ("method check", "stand-in")
"""Words of the glossary of tables that mean the same here."""

GLOSSARY = {
    "membership inference": (
        "Attackers have somebody's pictures, the synthetic ones (or the model: weights) and pictures of other people, "
        "and guess who was learned from; the strongest counts, one guess a person. AUROC 0.5: cannot tell. Hits at "
        "10 %: who is found while ten in a hundred are accused wrongly."
    ),
    "AUROC": (
        "The chance that a network gives a picture of the class in question a higher score than one of another class. "
        "0.5 is guessing, 1 is always right."
    ),
    "holdout": "Pictures of people that the synthesizer never saw.",
    "interval": "The range in which the number would lie in 95 of 100 repetitions, from drawing people again.",
    "augmentation": "Adding synthetic pictures to the real ones before training, to make the model better.",
    "C2ST": (
        "Classifier two-sample test: the AUROC of a network that tries to tell synthetic from real pictures. 0.5 means "
        "it cannot. It sees every pixel, and finds texture that no eye would notice."
    ),
    "ceiling": "The same number with pictures of other real people in place of the synthetic ones: as good as it gets.",
    "exact copy": "A synthetic picture that equals one learned from in every pixel.",
    "features": (
        "What a small network computes from a picture before it names the class: 64 numbers in which pictures are "
        "compared. It was trained on real train people alone."
    ),
    "floor": (
        "The same number for SliceGaussian: the mean picture of class and slice with Gaussian differences, which looks "
        "blurred. In usefulness the floor is guessing, and for Grad-CAM a network that learned nothing."
    ),
    "Fréchet distance": (
        "How far the features of two sets of pictures are apart in mean and spread; 0 is the same. Its scale depends "
        "on the network, so that only floor and ceiling give it a meaning."
    ),
    "Grad-CAM": "A map of the places in a picture that made a network name the class.",
    "grey level": "Brightness of a pixel, from 0 (black) to 255 (white).",
    "kernel distance": "KID: how far two sets of features are apart, by a measure that needs fewer pictures.",
    "mean image error": "By how many grey levels the average picture of a class is off, mean over pixels and classes.",
    "nearer to train": (
        "How often the nearest real picture is one learned from and not one held out. Where that is more often than "
        "for real people whom nobody learned from, somebody was remembered."
    ),
    "precision, recall, density, coverage": (
        "Around each picture lies a ball that reaches to its fifth neighbour. Precision: synthetic pictures inside "
        "balls of real ones. Recall: real ones inside balls of synthetic ones. Density: how many real balls hold a "
        "synthetic picture. Coverage: real balls that hold at least one."
    ),
    "split by subject": "All pictures of a person lie on the same side, in train or in the test.",
    "too near": (
        "Synthetic pictures that lie nearer to a picture learned from than the nearest 1 % of held-out pictures do."
    ),
    "TSTR / TRTR": (
        "How much of what real pictures teach synthetic ones teach: the AUROC of networks trained on synthetic "
        "pictures less 0.5, divided by that of networks trained on real ones less 0.5. 1 is as much, 0 is guessing."
    ),
    "TRTR, TSTR, TSTS, TRTS": (
        "Train on real or synthetic pictures, test on real or synthetic ones. TSTR is what counts: trained on "
        "synthetic, tested on real. TSTS alone misleads."
    ),
    "two classes, all classes": (
        "Two questions to one network: is it the first class or any other, and which class is it. The second is the "
        "mean AUROC of each class against the rest."
    ),
    "variety": (
        "How much brightness, ventricles and whole pictures differ within a class, divided by how much they do among "
        "real people. 1 is right; below, the generator makes the common pictures again and again."
    ),
    "ventricles": (
        "The cavities in the middle of the brain, filled with fluid; they widen with dementia. Measured here as the "
        "share of dark pixels in the inner half of the picture."
    ),
    "verdict": (
        "Green: nine tenths of the way from floor to ceiling, or chance explains the rest. Amber: six tenths. Red: "
        "less. Grey: cannot tell, for chance explains the floor as well, or the number is worse than that. Variety, "
        "copies and distances have limits of their own. A question is as good as its worst score that is not grey."
    ),
}
_EASY = 0.05  # a split by image that scores so much more is worth a warning


def compared(report: "Report") -> str:
    """Return one line on what was compared with what."""
    train, synthetic, holdout = (report.about.table(role) for role in ("train", "synthetic", "holdout"))
    held = f", {holdout.records:,} of {holdout.subjects:,} people held out" if holdout else ", no holdout"
    return (
        f"{synthetic.records:,} synthetic pictures beside {train.records:,} {report.about.word} ones of "
        f"{train.subjects:,} people{held}"
    )


def warnings(report: "Report") -> list[str]:
    """Return what those who read about pictures should know first."""
    said = [f"C{note.what[1:]}: {note.why}." for note in report.notes if note.what.startswith("class ")]
    if not report.leakage.empty:
        rows = report.leakage.query("task == 'two classes' and metric == 'AUROC'").set_index("split")["value"]
        by_image, by_subject = rows["by image"], rows["by subject"]
        if by_image - by_subject >= _EASY:
            said.append(
                f"Split pictures by person: split by image, the same network on the same {report.about.word} pictures "
                f"scores {by_image:.2f} and not {by_subject:.2f}, because it knows the people again."
            )
    return said
