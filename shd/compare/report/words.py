"""The report in plain words: a verdict a question, findings, warnings, six lines for the terminal."""

from markupsafe import Markup

from shd.compare.core.score import CHAPTERS, NO_GUARANTEE, VERDICTS, Score, Skipped
from shd.compare.report.outcome import Outcome
from shd.dataset import describe_columns

ASKED = {
    "fidelity": "Is it alike?",
    "utility": "Is it useful?",
    "privacy": "Is it safe?",
    "fairness": "Is it so for everybody?",
}
SAID = {
    "fidelity": {
        "grey": "cannot tell: too few records, or none to compare with, to say whether it is alike",
        "green": "as alike as other {word} {things}",
        "amber": "alike in much, not in all",
        "red": "not alike",
    },
    "utility": {
        "grey": "cannot tell: these records cannot show what it teaches",
        "green": "teaches what {word} {things} teach",
        "amber": "teaches most of what {word} {things} teach",
        "red": "loses much of what {word} {things} teach",
    },
    "privacy": {
        "grey": "cannot tell: no alarm, and no attack that could have raised one",
        "green": "no alarm, which is no guarantee",
        "amber": "look closer before sharing",
        "red": "alarm: do not share",
    },
    "fairness": {
        "grey": "cannot tell: too few people in each group",
        "green": "as good as for all, for every group large enough to tell",
        "amber": "some groups are served less well",
        "red": "some groups are served badly",
    },
}
TITLES = {
    "fidelity": "Fidelity: are they alike?",
    "utility": "Usefulness: do they teach what {word} {things} teach?",
    "privacy": "Privacy: do they remember people?",
    "fairness": "Fairness: are they as good for everybody?",
}
INTROS = {
    "privacy": Markup(
        "<b>No alarm is no guarantee.</b> Green comes from attacks that were tried and failed. Distances may raise an "
        "alarm; without one they are grey, for they show little. None of this shows what a cleverer attacker finds."
    ),
}
_FINDINGS, _NUMBERS = 3, 3  # sentences in the summary, and numbers a question in the terminal
_PAIR, _TOO_EASY = 0.1, 0.03  # an association lost or invented, and TSTS over TRTR, worth a warning
_KNOWN_AGAIN = 0.05  # how much a split by image adds, worth a warning


def things(report: Outcome) -> str:
    """Return what was compared: records or pictures."""
    return "pictures" if report.is_of_images else "records"


def chapter_words(report: Outcome, chapter: str) -> tuple[str, str]:
    """Return the title of a chapter, and what is said before its first question."""
    return TITLES[chapter].format(word=report.about.word, things=things(report)), INTROS.get(chapter, "")


def verdict_words(report: Outcome, question: str) -> str:
    """Return what the verdict of a question means, or which method checks hold it back."""
    verdict, held = report.verdicts[question], report.held_back(question)
    if held:
        codes = ", ".join(dict.fromkeys(finding.code for finding in held))
        why = "this cannot be believed" if any(f.level == "error" for f in held) else f"{held[0].title}"
        return f"the numbers alone raise no alarm, but {why} ({codes})"
    return SAID[question][verdict].format(word=report.about.word, things=things(report)) if verdict else "not judged"


def skipped(report: Outcome) -> list[Skipped]:
    """Return what was not judged; columns left out for the same reason share a line."""
    alike: dict[str, list] = {}
    for note in report.result.skipped:
        if note.column is not None:
            alike.setdefault(note.why, []).append(note.column)
    lines = []
    for note in report.result.skipped:
        columns = alike.get(note.why, ()) if note.column is not None else ()
        if len(columns) < 2:
            lines.append(note)
        elif note.column == columns[0]:
            lines.append(Skipped(f"{len(columns)} columns ({describe_columns(columns)})", note.why))
    return lines


def compared(report: Outcome) -> str:
    """Return one line on what was compared with what."""
    about = report.about
    train, synthetic, holdout = (about.table(role) for role in ("train", "synthetic", "holdout"))
    held = f"{holdout.records:,}" if holdout else "no holdout"
    if about.is_of_images:
        held += f" of {holdout.subjects:,} people held out" if holdout else ""
        return (
            f"{synthetic.records:,} synthetic pictures beside {train.records:,} {about.word} ones of "
            f"{train.subjects:,} people, {held}"
        )
    return (
        f"{synthetic.records:,} synthetic records beside {train.records:,} {about.word} ones, "
        f"{held}{' held out' if holdout else ''}, {about.n_columns} columns"
    )


def findings(report: Outcome) -> list[str]:
    """Return three sentences: those of the worst scores of the three worst questions, in the order of the questions."""
    worst_of = {question: scores[0] for question in CHAPTERS if (scores := worst_first(report, question))}
    ranked = sorted(worst_of, key=lambda question: -VERDICTS.index(worst_of[question].verdict))[:_FINDINGS]
    said = [worst_of[question].sentence for question in CHAPTERS if question in ranked]
    silent = [question for question in CHAPTERS if question not in worst_of]
    more = [f"{question.capitalize()} could not be judged; the end of the report says why." for question in silent]
    return (said + more)[:_FINDINGS]


def worst_first(report: Outcome, question: str) -> list[Score]:
    """Return the scores of one question, the worst first, else in their order."""
    scores = [score for score in report.results if score.question == question]
    return sorted(scores, key=lambda score: -VERDICTS.index(score.verdict))


def warnings(report: Outcome) -> list[str]:
    """Return the three warnings that matter most."""
    said = [
        *(f"{found.code}: {found.sentence}" for found in report.findings if found.level == "error"),
        *_source_warnings(report),
        *_missing_warnings(report),
        *_target_warnings(report),
        *_class_warnings(report),
        *_split_warnings(report),
        *_column_warnings(report),
        *_pair_warnings(report),
        f"{NO_GUARANTEE} An attacker who knows more than this report may find more.",
        f"This is one synthetic {'set' if report.is_of_images else 'table'} from one seed: another one would score a "
        "little differently.",
        "Alike on average is not alike for every small group: look at the group you care about.",
    ]
    return said[:3]


def _source_warnings(report: Outcome) -> list[str]:
    word = report.about.word
    if word == "real":
        return []
    return [
        f"The reference here is a {word} cohort, not real patients: nothing below says how the synthetic "
        f"{things(report)} compare with real ones."
    ]


def _missing_warnings(report: Outcome) -> list[str]:
    said = []
    if report.about.table("holdout") is None:
        said.append(
            "No holdout was given: whether the synthesizer learned the population or its people cannot be told."
        )
    columns = [note for note in report.result.skipped if note.kind in ("column", "repaired")]
    if columns:
        said.append(f"Some columns were left out or repaired, first {columns[0].what}: {columns[0].why}.")
    return said


def _target_warnings(report: Outcome) -> list[str]:
    if report.shown("utility").empty:
        return []
    wide = report.shown("utility").pivot(index="target", columns="design", values="value")
    gap = (wide["TSTS"] - wide["TRTR"]).dropna()
    if gap.empty or gap.max() < _TOO_EASY:
        return []
    level, what = gap.idxmax(), things(report)
    return [
        f"The target is too easy in the synthetic {what}: tested on themselves they reach {wide['TSTS'][level]:.3f} "
        f"for {level}, {report.about.word} {what} {wide['TRTR'][level]:.3f}. Scores inside synthetic data mislead."
    ]


def _class_warnings(report: Outcome) -> list[str]:
    return [f"C{note.what[1:]}: {note.why}." for note in report.result.skipped if note.kind == "class"]


def _split_warnings(report: Outcome) -> list[str]:
    frame = report.shown("leakage")
    if frame.empty:
        return []
    value = frame.query("task == 'two classes' and metric == 'AUROC'").set_index("split")["value"]
    by_image, by_subject = value["by image"], value["by subject"]
    if by_image - by_subject < _KNOWN_AGAIN:
        return []
    return [
        f"Split pictures by person: split by image, the same network on the same {report.about.word} pictures scores "
        f"{by_image:.2f} and not {by_subject:.2f}, because it knows the people again."
    ]


def _column_warnings(report: Outcome) -> list[str]:
    frame = report.shown("columns")
    if frame.empty:
        return []
    furthest = frame.loc[frame["distance"].idxmax()]
    if furthest["verdict"] in ("grey", "green"):
        return []
    return [f"Do not trust {furthest['column']}: {furthest['distance']:.0%} of its values are off."]


def _pair_warnings(report: Outcome) -> list[str]:
    said, frame = [], report.shown("pairs")
    for what in ("lost", "invented"):
        if frame.empty or frame[what].max() < _PAIR:
            continue
        pair = frame.loc[frame[what].idxmax()]
        said.append(
            f"A link is {what}: {pair['first']} and {pair['second']} ({pair['train']:.2f} in {report.about.word} "
            f"records, {pair['synthetic']:.2f} in synthetic ones)."
        )
    return said


def summary(report: Outcome) -> list[str]:
    """Return six lines: what was compared, a line a question with its worst numbers, the first warning."""
    lines = [f"compared   {compared(report)}"]
    for question in CHAPTERS:
        scores = worst_first(report, question)
        numbers = ", ".join(
            f"{s.metric} {s.write(s.value)}"
            + (f" ({report.about.word} {s.write(s.ceiling)})" if s.ceiling is not None else "")
            for s in scores[:_NUMBERS]
        )
        if len(scores) > _NUMBERS:
            numbers += f", and {len(scores) - _NUMBERS} more no worse"
        held = report.held_back(question)
        if held:
            numbers += f"; held back by {', '.join(dict.fromkeys(finding.code for finding in held))}"
        verdict = report.verdicts[question] or "–"
        lines.append(f"{question:<10} {verdict:<6} {numbers or 'not judged'}")
    lines.append(f"note       {warnings(report)[0]}")
    return lines
