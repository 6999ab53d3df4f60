"""What the model file of a release leaves out, and what records drawn from it alone are worth.

Critics that learned from real records can be asked about people: those of the diabetes release ranked the people
learned from above others, with an AUROC of .56 to .58. They stay with the maker. Released are the records that they
let through, and the weights without them.
"""

from typing import TYPE_CHECKING

from shd.dataset import Dataset

if TYPE_CHECKING:
    from shd.synthesizers import Synthesizer

LEFT_OUT = "the critics, which can be asked about people and know those learned from"


def describe_weights(synthesizer: "Synthesizer", synthetic: Dataset, holdout: Dataset, random_state: int) -> dict:
    """Return what the file lacks that made the records, and what that costs; nothing where it lacks nothing."""
    handed_on = synthesizer.for_release()
    if handed_on is synthesizer or synthetic.images is not None:
        return {}
    released, drawn = c2st_of_weights(handed_on, synthetic, holdout, random_state)
    said = {"left_out": LEFT_OUT, "c2st": released, "c2st_of_weights": drawn, "random_state": random_state}
    return {"weights": said}


def c2st_of_weights(
    model: "Synthesizer", synthetic: Dataset, holdout: Dataset, random_state: int
) -> tuple[float, float]:
    """Return the C2ST of the records released and of as many drawn from the file, both against the holdout."""
    from shd.compare.detection import c2st

    drawn = model.sample(len(synthetic))
    return tuple(round(c2st(holdout, records, random_state=random_state), 6) for records in (synthetic, drawn))
