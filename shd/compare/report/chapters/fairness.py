"""What the page shows of groups of people."""

import pandas as pd

from shd.compare.core.part import Drawing, Part
from shd.compare.report import figures
from shd.compare.report.outcome import Outcome


def groups(report: Outcome) -> list[Part]:
    """Show how well models serve each group, and all that was found about it."""
    word, frame = report.about.word, report.shown("fairness")

    def draw(column: str, rows: pd.DataFrame) -> Drawing:
        lost = (rows["TRTR"] - rows["TSTR"]).to_numpy()
        title = f"{column}: {rows['group'].iloc[lost.argmax()]} loses most, {max(lost.max(), 0):.3f}"
        if rows["verdict"].isin(["green", "grey"]).all():
            title = f"{column}: no group is served worse than chance explains"
        sides = rows.rename(columns={"TRTR": "real", "TSTR": "synthetic"})
        tall = sides.melt("group", ["real", "synthetic"], "side").rename(columns={"group": "row"})
        label = f"AUROC on {word} people of the group (0.5 is guessing)"
        return Drawing(title, figures.row_plot(tall, word, label, said=figures.trained_on(word)))

    drawn = figures.each(frame[frame["TSTR"].notna()], "column", draw) if "TSTR" in frame else []
    text = "The questions above once more, for each group of people that the data set declares."
    return [Part("Groups of people", text, drawn), Part("Every group", table=frame)]
