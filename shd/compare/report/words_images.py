"""A comparison of pictures in plain words: what was compared, warnings, and what to know first."""

from shd.compare.report.outcome import Outcome

_EASY = 0.05


def compared(report: Outcome) -> str:
    """Return one line on what was compared with what."""
    train, synthetic, holdout = (report.about.table(role) for role in ("train", "synthetic", "holdout"))
    held = f", {holdout.records:,} of {holdout.subjects:,} people held out" if holdout else ", no holdout"
    return (
        f"{synthetic.records:,} synthetic pictures beside {train.records:,} {report.about.word} ones of "
        f"{train.subjects:,} people{held}"
    )


def warnings(report: Outcome) -> list[str]:
    """Return what those who read about pictures should know first."""
    said = [f"C{note.what[1:]}: {note.why}." for note in report.result.skipped if note.kind == "class"]
    if not report.shown("leakage").empty:
        rows = report.shown("leakage").query("task == 'two classes' and metric == 'AUROC'").set_index("split")["value"]
        by_image, by_subject = rows["by image"], rows["by subject"]
        if by_image - by_subject >= _EASY:
            said.append(
                f"Split pictures by person: split by image, the same network on the same {report.about.word} pictures "
                f"scores {by_image:.2f} and not {by_subject:.2f}, because it knows the people again."
            )
    return said
