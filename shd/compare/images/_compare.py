"""`compare` for pictures: train the networks side by side, ask every question, collect the answers."""

from dataclasses import dataclass
from types import ModuleType

from shd._parallel import in_parallel
from shd._progress import progress
from shd.compare.core.score import Answer
from shd.compare.images import (
    attention,
    detection,
    leakage,
    means,
    membership,
    privacy,
    realism,
    samples,
    utility,
    variety,
)
from shd.compare.images._inputs import ImageInputs


@dataclass(frozen=True)
class Step:
    """One question: its name in the progress bar, who answers it, its share of the time.

    The module's ``jobs``, where it has one, returns the trainings to be done beforehand, by name. Its
    ``measure`` gets the inputs and what all trainings gave.
    """

    label: str
    module: ModuleType
    weight: float


STEPS = (
    Step("pictures to look at", samples, 1),
    Step("precision, recall, Fréchet distance", realism, 8),
    Step("mean pictures", means, 4),
    Step("variety", variety, 5),
    Step("C2ST: telling real from synthetic", detection, 1),
    Step("utility: TRTR, TSTR, TSTS, TRTS", utility, 4),
    Step("Grad-CAM: where networks look", attention, 4),
    Step("privacy: copies and distances", privacy, 6),
    Step("membership inference", membership, 4),
    Step("leakage: split by image and by subject", leakage, 2),
)
"""Every question about pictures, in order. A new one is one module and one line here."""


def ask(inputs: ImageInputs) -> list[Answer]:
    """Train all networks, as many at a time as there are cores, then ask every question."""
    jobs = {}
    for step in STEPS:
        jobs |= step.module.jobs(inputs) if hasattr(step.module, "jobs") else {}
    answers = []
    with progress(sum(job.seconds for job in jobs.values()) + sum(step.weight for step in STEPS), "comparing") as bar:
        bar.advance(0, note=f"training {len(jobs)} networks")
        trained = in_parallel(lambda job: job.work(lambda share: bar.advance(share * job.seconds)), jobs.values())
        done = dict(zip(jobs, trained, strict=True))
        for step in STEPS:
            bar.advance(0, note=step.label)
            answers.append(step.module.measure(inputs, done))
            bar.advance(step.weight)
    return answers
