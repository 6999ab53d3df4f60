"""Is it useful? Classifiers of the disease, trained and tested on real and synthetic pictures.

TRTR, TSTR, TSTS, TRTS: train on real or synthetic, test on real or synthetic pictures. What counts
is TSTR beside TRTR. ``real + synthetic`` asks whether synthetic pictures help where there are real
ones already. One network answers both questions: who is healthy, and which class is it. Esteban, Hyland, Rätsch
(2017), *Real-valued (Medical) Time Series Generation with Recurrent Conditional GANs*, arXiv 1706.02633.
"""

import numpy as np
import pandas as pd

from shd.compare.core.chance import deal, generator, interval, subsample
from shd.compare.core.question import Answer, Question
from shd.compare.core.score import Score, Skipped, between
from shd.compare.core.tasks import GUESSING, skill_share
from shd.compare.images.networks import CLASSIFIER_SECONDS, Job, probabilities, train_classifier
from shd.compare.images.pictures import Pictures, together
from shd.compare.images.sides import ImageSides
from shd.compare.images.tasks import Task, Tested, score, tasks_of

_FIFTHS = 5


def classifiers(sides: ImageSides) -> dict[str, Job]:
    """Return what takes time: classifiers of real (two, with other seeds), synthetic, and both."""
    seed, n_classes = sides.random_state, len(sides.names)
    real, learn, _ = _sides(sides)

    def of(pictures: Pictures, seed: int) -> Job:
        return Job(lambda tick: train_classifier(pictures, n_classes, seed, tick), CLASSIFIER_SECONDS)

    return {
        "classifier of real": of(real, seed),
        "classifier of real, again": of(real, seed + 1),
        "classifier of synthetic": of(learn, seed),
        "classifier of both": of(together(real, learn), seed),
    }


def _sides(sides: ImageSides) -> tuple[Pictures, Pictures, Pictures]:
    """Real pictures to learn from, as many synthetic ones, and a fifth of the synthetic ones to test on."""
    rng = generator(sides.random_state, "picture utility")
    is_test = deal(sides.synthetic.subjects, _FIFTHS, rng) == 0
    if is_test.all():  # a single subject
        is_test = np.arange(len(sides.synthetic)) % _FIFTHS == 0
    learn, inside = sides.synthetic.take(~is_test), sides.synthetic.take(is_test)
    n = min(len(sides.fit), len(learn))
    real, learn = (pictures.take(subsample(len(pictures), n, rng)) for pictures in (sides.fit, learn))
    return real, learn, inside


def measure(sides: ImageSides, done: dict) -> Answer:
    """Test the classifiers on people held out, and on synthetic pictures that none of them has seen."""
    _, _, inside = _sides(sides)
    runs = {
        "TRTR": ("classifier of real", sides.test),
        "TSTR": ("classifier of synthetic", sides.test),
        "real + synthetic": ("classifier of both", sides.test),
        "TSTS": ("classifier of synthetic", inside),
        "TRTS": ("classifier of real", inside),
    }
    chance = {design: probabilities(done[name], pictures) for design, (name, pictures) in runs.items()}
    scores, rows, skipped = [], [], []
    for task in tasks_of(len(sides.names), sides.judged):
        found = {
            # the same people are drawn for every design that is tested on them
            design: score(task, pictures, chance[design], generator(sides.random_state, "people drawn again"))
            for design, (_, pictures) in runs.items()
        }
        rows += [(task.label, "AUROC", design, t.value, t.low, t.high) for design, t in found.items()]
        more, notes = _score(task, found, sides)
        scores += more
        skipped += notes
    frame = pd.DataFrame(rows, columns=["target", "measure", "design", "value", "low", "high"])
    return Answer(scores, {"utility": frame}, skipped)


def _score(task: Task, found: dict[str, Tested], sides: ImageSides) -> tuple[list[Score], list[Skipped]]:
    trtr, tstr = found["TRTR"], found["TSTR"]
    unlearnable = f"{sides.word} pictures do not predict it better than guessing, so that TSTR says "
    if not np.isfinite([trtr.value, tstr.value]).all():
        return [], [Skipped(f"utility: {task.label}", "the people held out are all of one class")]
    ratio = float(skill_share(tstr.value, trtr.value))
    low, high = interval(ratio, skill_share(tstr.replicates, trtr.replicates))
    asked = f"{sides.names[0]} from the rest" if task.label == "two classes" else "each class from the rest"
    sentence = (
        f"To tell {asked}, synthetic pictures teach {ratio:.0%} of what {sides.word} ones do beyond guessing (AUROC "
        f"{tstr.value:.3f} against {trtr.value:.3f}, 0.5 is guessing; {sides.word} and synthetic together "
        f"{found['real + synthetic'].value:.3f})."
    )
    rule = between(0.0, 1.0, "higher") if trtr.low > GUESSING else "grey"
    share = Score.of(
        f"TSTR / TRTR: {task.label}", ratio, (low, high), (0, 1), verdict=rule, better="higher", sentence=sentence
    )
    notes = [] if trtr.low > GUESSING else [Skipped(f"utility: {task.label}", unlearnable + "little")]
    return [share], notes


QUESTION = Question(
    name="TRTR, TSTR, TSTS, TRTS",
    chapter="utility",
    measure=measure,
    show="chapters.pictures:tstr",
    weight=4,
    tables=("utility",),
    jobs=classifiers,
    words={
        "TSTR / TRTR": (
            "How much of what real pictures teach synthetic ones teach: the AUROC of networks trained on "
            "synthetic pictures less 0.5, divided by that of networks trained on real ones less 0.5. 1 is as "
            "much, 0 is guessing."
        ),
        "TRTR, TSTR, TSTS, TRTS": (
            "Train on real or synthetic pictures, test on real or synthetic ones. TSTR is what counts: trained on "
            "synthetic, tested on real. TSTS alone misleads."
        ),
        "two classes, all classes": (
            "Two questions to one network: is it the first class or any other, and which class is it. The second "
            "is the mean AUROC of each class against the rest."
        ),
        "augmentation": "Adding synthetic pictures to the real ones before training, to make the model better.",
    },
)
