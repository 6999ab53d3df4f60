"""Many releases on one static page: a clearing house that needs no server."""

import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from shd._errors import ShdError
from shd._progress import progress
from shd.releases.card_page import BROKEN_CARD, answers_of_card, as_json, card_as_html, page_templates
from shd.releases.croissant import croissant, kind_of_rows, licence_url
from shd.releases.release import SUMS, all_or_nothing, checksums, open_release, save_text

FORMAT = "shd-catalog-1"
_PAGES = ("card.json", "report.html", "croissant.json")  # copied as they are; card.html is made anew


@dataclass(frozen=True)
class Entry:
    """One folder with a card: a release, or what is left of one."""

    folder: str  # below the folder that was searched
    slug: str  # its folder on the site; empty where it is broken
    about: dict  # what the catalogue says of it; empty where it is broken
    reason: str  # why it is broken; empty where it is whole


@dataclass(frozen=True)
class Catalog:
    """A page of releases on disk."""

    page: Path  # the ``index.html``
    entries: tuple[Entry, ...]

    def to_dict(self) -> dict:
        """Return what ``catalog.json`` holds."""
        return {
            "format": FORMAT,
            "releases": [
                {"folder": e.folder, "page": f"{e.slug}/card.html", **e.about} for e in self.entries if e.slug
            ],
            "broken": [{"folder": e.folder, "reason": e.reason} for e in self.entries if not e.slug],
        }


def make_catalog(folder: str | Path, site: str | Path, with_data: bool = False) -> Catalog:
    """Write a static page of all releases below a folder, all or nothing."""
    folder, site = Path(folder), Path(site)
    _check_places(folder, site)
    found = sorted(_folders(folder, site), key=Path.as_posix)
    if not found:
        raise ShdError(f"{folder}: no release below it, that is, no folder with a card.json. Name another folder.")
    with all_or_nothing(site, "the catalogue", _ours(site)) as made:
        catalog = _write(folder, found, made, with_data)
    return Catalog(site / "index.html", catalog.entries)


def _check_places(folder: Path, site: Path) -> None:
    """Raise `ShdError` where there is nothing to read, or something would be overwritten that is not ours."""
    if not folder.is_dir():
        raise ShdError(f"{folder}: no such folder. Name the folder that holds the releases.")
    if site.resolve() in (folder.resolve(), *folder.resolve().parents):
        raise ShdError(f"{site}: holds the releases themselves. Name another folder for the site.")
    if site.is_file():
        raise ShdError(f"{site}: a file. Name a folder for the site.")
    others = sorted({path.name for path in site.iterdir()} - _ours(site)) if site.is_dir() else []
    if others:
        raise ShdError(f"{site}: holds {others[0]!r}, which is of no catalogue. Name an empty folder.")


def _ours(site: Path) -> set[str]:
    """Return the names of what an earlier catalogue put into a folder."""
    try:
        earlier = json.loads((site / "catalog.json").read_text(encoding="utf-8"))
        if earlier["format"] == FORMAT:
            return {"index.html", "catalog.json", *(entry["page"].split("/")[0] for entry in earlier["releases"])}
    except (OSError, *BROKEN_CARD):
        pass
    return set()


def _folders(folder: Path, site: Path) -> Iterator[Path]:
    """Find the folders with a card; never the site itself, never a hidden one."""
    for name, inside, files in os.walk(folder):
        here = Path(name)
        inside[:] = [one for one in inside if not one.startswith(".") and (here / one).resolve() != site.resolve()]
        if "card.json" in files:
            yield here


def _write(folder: Path, found: list[Path], made: Path, with_data: bool) -> Catalog:
    entries, metadata = [], []
    with progress(len(found), "cataloguing") as bar:
        for one in found:
            where = one.relative_to(folder).as_posix()
            bar.advance(0, note=where)
            slug = _slug(one.name if where == "." else where, {entry.slug for entry in entries})
            entry, texts = _look(one, where, slug, with_data)
            entries.append(entry)
            if entry.slug:
                metadata.append(_metadata(json.loads(texts["croissant.json"]), slug, with_data))
                _copy(one, made / slug, texts, with_data)
            bar.advance()
    catalog = Catalog(made / "index.html", tuple(entries))
    save_text(made / "catalog.json", as_json(catalog.to_dict()))
    save_text(catalog.page, _index(catalog, metadata, with_data))
    return catalog


def _look(one: Path, where: str, slug: str, with_data: bool) -> tuple[Entry, dict[str, str]]:
    """Verify a release and write its pages; one that is broken or not for the public gets the reason, and no pages."""
    try:
        card = open_release(one).card
        if (card.get("kind") or {}).get("holds_real"):
            return Entry(where, "", {}, "holds values of real people: it stays in the safe setting."), {}
        texts = {"card.html": card_as_html(card, with_data), "croissant.json": as_json(croissant(card))}
        return Entry(where, slug, _about(card), ""), texts
    except ShdError as error:
        reason = str(error).replace(f"{one}{os.sep}", "").replace(f"{one}: ", "")  # the page is for the public
    except OSError as error:
        reason = f"cannot be read ({error.strerror or type(error).__name__})."
    except BROKEN_CARD:
        reason = "card.json: not as shd writes it. Get the release again."
    return Entry(where, "", {}, reason), {}


def _slug(name: str, taken: set[str]) -> str:
    """Return the name of a folder on the site, from that of the release."""
    slug = re.sub(r"[^\w.-]+", "-", name, flags=re.ASCII).strip("-.") or "release"
    more = (f"{slug}-{number}" for number in range(2, len(taken) + 3))
    return next(one for one in (slug, *more) if one not in taken)


def _about(card: dict) -> dict:
    """Return what the catalogue says of a release."""
    data, made_from = card["data"], card["made_from"]
    return {
        "title": card["title"],
        "description": card["description"],
        "made": card["made"],
        "made_from": {"name": made_from["name"], "source": made_from["source"], "url": made_from["url"]},
        "family": card["synthesizer"]["class"],
        "records": data["records"],
        "columns": len(data["columns"]),
        "pixels": data.get("pixels"),
        "target": data["target"],
        "licence": {"name": card["licence"]["name"], "url": licence_url(card["licence"])},
        "bytes": sum(file["bytes"] for file in card["files"].values()),
        "verdicts": {question["name"]: question["verdict"] for question in answers_of_card(card)},
    }


def _metadata(described: dict, slug: str, with_data: bool) -> dict:
    """Return the Croissant of a release as it stands in the page: for search engines, without the columns."""
    described = {**described, "@id": f"{slug}/", "url": f"{slug}/card.html"}
    del described["recordSet"]
    files = described.pop("distribution")
    if with_data:
        addresses = ("@id", "contentUrl", "sameAs")
        described["distribution"] = [
            {name: f"{slug}/{value}" if name in addresses else value for name, value in file.items()}
            for file in files
            if "containedIn" not in file
        ]
    return described


def _copy(one: Path, to: Path, texts: dict[str, str], with_data: bool) -> None:
    to.mkdir()
    for name, text in texts.items():
        save_text(to / name, text)
    for name in (SUMS, *checksums(one)) if with_data else _PAGES:
        if (one / name).is_file():
            shutil.copyfile(one / name, to / name)


def _index(catalog: Catalog, metadata: list[dict], with_data: bool) -> str:
    whole = [entry for entry in catalog.entries if entry.slug]
    return page_templates().get_template("catalog.html.j2").render(
        entries=[{**entry.about, "slug": entry.slug, "things": kind_of_rows({"data": entry.about})} for entry in whole],
        broken=[entry for entry in catalog.entries if not entry.slug],
        metadata=[_in_script(one) for one in metadata],
        with_data=with_data,
        word="real",
    )  # fmt: skip


def _in_script(content: dict) -> Markup:
    """Return JSON that may stand in a page: nothing in it can end the script."""
    return Markup(json.dumps(content, ensure_ascii=False).replace("<", "\\u003c"))
