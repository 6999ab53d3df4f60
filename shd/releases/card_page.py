"""The card of a release as pages: HTML in the look of the report, Markdown, and metadata for search engines."""

import json
from functools import cache

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined, UndefinedError

from shd.plot import PALETTE, VERDICT_COLOURS, VERDICT_MARKS
from shd.releases.card import has_model, risk_of
from shd.releases.croissant import croissant, how_to_cite, kind_of_rows, licence_url

BROKEN_CARD = (KeyError, TypeError, ValueError, AttributeError, IndexError, UndefinedError)
"""What pages raise of a card that is not as shd writes it."""
_FILES = {"SHA256SUMS", "model.safetensors", "report.html", "synthetic.csv.gz", "synthetic.parquet", "synthetic.zip"}
"""What the page links to; other names and addresses in a card are shown, and lead nowhere."""
_NOTHING = "–"  # what the trust table says where a column can be used for anything


def pages_of_card(card: dict) -> dict[str, str]:
    """Return every page that says in other words what a card says, by the names of their files."""
    card = complete_card(card)
    return {
        "card.html": card_as_html(card),
        "croissant.json": as_json(croissant(card)),
        "README.md": card_as_markdown(card),
    }


def as_json(content: dict) -> str:
    """Return plain values as the text of a file of a release."""
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def card_as_markdown(card: dict) -> str:
    """Return the card as a page of Markdown."""
    template = page_templates().overlay(autoescape=False).get_template("release.md.j2")
    return template.render({"has_model": has_model(card), **card})


def card_as_html(card: dict, with_data: bool = True) -> str:
    """Return the card of a release as one HTML document that needs nothing else."""
    card = complete_card(card)
    made_from, scores = card["made_from"], card["scores"]
    return page_templates().get_template("card.html.j2").render(
        card=card,
        word=made_from["source"],
        things=kind_of_rows(card),
        questions=answers_of_card(card),
        scores=[{**score, **_written(score)} for score in scores],
        trusted=any(column["trust"] for column in card["data"]["columns"]),
        columns=_columns(card["data"]["columns"]),
        has_model=has_model(card),
        here=_FILES if with_data else {"report.html"},
        licence_url=licence_url(card["licence"]),
        cite=how_to_cite(card),
    )  # fmt: skip


@cache
def page_templates() -> Environment:
    """Return the templates of shd, with the look of the report."""
    # the report's templates by their place: importing `shd.compare` takes seconds
    environment = Environment(
        loader=ChoiceLoader([PackageLoader("shd.releases"), PackageLoader("shd", "compare/report/templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"marks": VERDICT_MARKS, "palette": PALETTE, "colours": VERDICT_COLOURS}
    environment.filters |= {"size": readable_size, "cell": _cell, "number": _three_digits}
    environment.tests["web"] = lambda address: address.startswith(("https://", "http://"))
    return environment


def complete_card(card: dict) -> dict:
    """Return a card with what those of earlier versions lack, as far as it follows from the rest."""
    data = {"pixels": None, **card["data"]}
    data["columns"] = [{"trust": {}, **column} for column in data["columns"]]
    return {
        "creator": None,
        "checks": None,
        "comparison": None,
        "protection": None,
        "mark": None,
        "kind": None,
        "risk": risk_of(card["scores"], card["verdicts"]),
        **card,
        "data": data,
    }


def answers_of_card(card: dict) -> list[dict]:
    """Return every question as it is asked, its verdict, what that means, and the sentence of its worst score."""
    from shd.compare.core.score import CHAPTERS, VERDICTS
    from shd.compare.report.words import ASKED, SAID

    answers = []
    for question in CHAPTERS:
        verdict = card["verdicts"].get(question)
        scores = [score for score in card["scores"] if score["question"] == question]
        worst = max(scores, key=lambda score: VERDICTS.index(score["verdict"]), default=None)
        said = SAID[question][verdict] if verdict else ""
        answers.append(
            {
                "name": question,
                "asked": ASKED[question],
                "verdict": verdict,
                "words": said.format(word=card["made_from"]["source"], things=kind_of_rows(card)),
                "worst": worst["sentence"] if worst else "",
            }
        )
    return answers


def readable_size(n_bytes: int) -> str:
    """Return a number of bytes as people write it: 614 kB."""
    return f"{n_bytes / 1e6:,.1f} MB" if n_bytes >= 1e6 else f"{n_bytes / 1e3:,.0f} kB"


def _cell(value: object) -> str:
    return "–" if value is None else str(value).replace("|", "\\|").replace("\n", " ")


def _three_digits(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _written(score: dict) -> dict:
    """Return the numbers of a score as they are shown."""
    numbers = {name: score[name] for name in ("value", "low", "high", "floor", "ceiling")}
    digits = score.get("digits", 3)
    return {name: "–" if number is None else f"{number:,.{digits}f}" for name, number in numbers.items()}


def _columns(columns: list[dict]) -> list[dict]:
    """Return what is shown of each column, the least to be trusted first, else in their order."""
    order = ["red", "amber", "green", "grey", None]
    return sorted((_column(column) for column in columns), key=lambda column: order.index(column["verdict"]))


def _column(column: dict) -> dict:
    """Return a column with the verdict that counts, that of the trust table where there is one, and its reasons."""
    trust = column["trust"]
    why = trust.get("why") or ""
    if trust.get("not for", _NOTHING) != _NOTHING:
        why = f"{why} Not for: {trust['not for']}".strip()
    about = [column["role"]] if column["role"] != "feature" else []
    about.append(f"{column['kind']}, {column['levels']:,} levels" if "category" in column["kind"] else column["kind"])
    if column["missing"]:
        about.append(f"{column['missing']:.1%} missing")
    verdict = trust.get("verdict", column["verdict"])
    return {"name": column["name"], "about": ", ".join(about), "verdict": verdict, "why": why}
