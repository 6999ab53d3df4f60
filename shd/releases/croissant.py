"""A release in the words of Croissant, which dataset search engines and machine learning tools read.

MLCommons Croissant 1.1 is JSON-LD over schema.org, see Akhtar et al. (2024), *Croissant: A Metadata
Format for ML-Ready Datasets*, doi 10.1145/3650203.3663326; its vocabulary for responsible AI is that
of Jain et al. (2024), *A Standardized Machine-readable Dataset Documentation Format for Responsible
AI*, arXiv 2407.16883. Everything here is derived from the card.
"""

import re

_CONFORMS_TO = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
_SPDX = {
    "apache 2.0": "Apache-2.0",
    "cc by 4.0": "CC-BY-4.0",
    "cc by-nc 4.0": "CC-BY-NC-4.0",
    "cc by-nc-sa 4.0": "CC-BY-NC-SA-4.0",
    "cc by-sa 4.0": "CC-BY-SA-4.0",
    "cc0 1.0": "CC0-1.0",
    "cdla permissive 2.0": "CDLA-Permissive-2.0",
    "mit": "MIT",
    "odbl 1.0": "ODbL-1.0",
    "odc-by 1.0": "ODC-By-1.0",
    "pddl 1.0": "PDDL-1.0",
}
"""Licences by the names that people write, in lower case, and what SPDX calls them."""
_TYPES = {"count": "cr:Int64", "number": "sc:Float", "yes/no": "sc:Boolean", "date": "sc:DateTime"}  # else text
_FORMATS = {
    "synthetic.csv.gz": ("text/csv", "The records as CSV, compressed with gzip."),
    "synthetic.parquet": ("application/x-parquet", "The records as Parquet, with the types of the columns."),
    "synthetic.zip": ("application/zip", "The pictures as grey JPEG files, and index.csv with a row for each."),
}
_PLAIN = "citeAs column conformsTo containedIn extract field fileProperty fileObject fileSet format includes"
_PLAIN += " arrayShape equivalentProperty isArray isLiveDataset jsonPath key md5 parentField path recordSet"
_PLAIN += " references regex repeated replace samplingRate separator source subField transform"
_CONTEXT = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "dct": "http://purl.org/dc/terms/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "sc": "https://schema.org/",
    **{name: f"cr:{name}" for name in _PLAIN.split()},
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "description": {"@container": "@language"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "name": {"@container": "@language"},
}  # the one of the standard, written out: nobody needs a network to understand it


def croissant(card: dict) -> dict:
    """Return the card of a release as Croissant metadata, plain values for JSON."""
    of_pictures = "synthetic.zip" in card["files"]
    described = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "conformsTo": _CONFORMS_TO,
        "name": card["title"],
        "description": _description(card),
        "url": "card.html",
        "version": _version(card["made"]),
        "datePublished": card["made"][:10],
        "creator": {"@type": "sc:Organization", "name": card.get("creator") or _tool(card)},
        "license": licence_url(card["licence"]),
        "citeAs": how_to_cite(card),
        "isBasedOn": card["made_from"]["url"] or None,
        "keywords": ["synthetic data", "health", card["made_from"]["name"], card["synthesizer"]["class"]],
        "isLiveDataset": False,
        **_responsible(card),
        "distribution": [_file(name, card["files"][name]) for name in _FORMATS if name in card["files"]],
        "recordSet": [_pictures(card) if of_pictures else _records(card)],
    }
    if of_pictures:
        described["distribution"] += _inside()
    return {name: value for name, value in described.items() if value is not None}


def licence_url(licence: dict) -> str:
    """Return the address of a licence at SPDX where it has one, else what the card has."""
    known = _SPDX.get(licence["name"].strip().lower())
    return f"https://spdx.org/licenses/{known}" if known else licence["url"] or licence["name"]


def how_to_cite(card: dict) -> str:
    """Return how to cite a release: itself, and after whom it was made."""
    own = f"{card['title']}. Made {card['made'][:10]} with {_tool(card)}."
    return f"{own} After: {card['citation']}" if card["citation"] else own


def _tool(card: dict) -> str:
    return f"shd {card['environment']['shd']} ({card['synthesizer']['class']})"


def _version(made: str) -> str:
    """Return the day as a version of three numbers, as Croissant wants it: 2026.1.31."""
    return ".".join(str(int(part)) for part in made[:10].split("-"))


def kind_of_rows(card: dict) -> str:
    """Return what a release is made of: records or pictures."""
    return "pictures" if card["data"].get("pixels") else "records"


def _description(card: dict) -> str:
    learned = f"drawn from a model that learned from {card['made_from']['source']} ones"
    kind = card.get("kind") or {"name": "full"}
    if kind["name"] != "full":
        marked = f"{card['mark']} " if card.get("mark") else ""
        said = f"{marked}{card['data']['records']:,} records, {kind['title']}. {kind['what']}"
        return f"{said} {card['description']}".strip()
    return f"{card['data']['records']:,} synthetic {kind_of_rows(card)}, {learned}. {card['description']}".strip()


def _responsible(card: dict) -> dict:
    """Return what the vocabulary for responsible AI asks for, as far as the card knows."""
    made_from, split = card["made_from"], card["split"]
    said = {
        question: [score["sentence"] for score in card["scores"] if score["question"] == question]
        for question in ("privacy", "fairness")
    }
    sensitive = [column["name"] for column in card["data"]["columns"] if column["role"] == "sensitive"]
    if sensitive:
        said["privacy"].insert(0, f"Columns that describe groups of people: {', '.join(sensitive)}.")
    original = [made_from["url"], card["citation"], f"sha256 {made_from['sha256']} of {made_from['checksum_of']}."]
    return {
        "rai:dataCollection": (
            f"Drawn from {card['synthesizer']['class']}, fitted on {split['train']['records']:,} {made_from['source']} "
            f"{kind_of_rows(card)} of {split['train']['subjects']:,} subjects of {made_from['name']}."
        ),
        "rai:dataCollectionType": "Synthetic data generation",
        "rai:dataCollectionRawData": " ".join(part for part in original if part),
        "rai:dataCollectionMissingData": _missing(card["data"]["columns"]),
        "rai:dataPreprocessingProtocol": (
            f"Train and holdout were split by subject; {split['holdout']['records']:,} {kind_of_rows(card)} were never "
            "shown to the synthesizer."
        ),
        "rai:personalSensitiveInformation": said["privacy"] or None,
        "rai:dataBiases": said["fairness"] or "Whether all groups are served alike was not judged.",
        "rai:dataUseCases": card["use"]["may"],
        "rai:dataLimitations": [
            *(f"Not for: {line}" for line in card["use"]["may_not"]),
            *(f"Of the original: {note}" for note in made_from["notes"]),
        ],
        "rai:dataReleaseMaintenancePlan": "A release is never changed, only replaced; SHA256SUMS tells which it is.",
    }


def _missing(columns: list[dict]) -> str:
    holed = [column for column in columns if column["missing"] > 0]
    if not holed:
        return "No value is missing."
    most = max(holed, key=lambda column: column["missing"])
    return (
        f"Values are missing in {len(holed)} columns, as in the original; "
        f"most in {most['name']}: {most['missing']:.1%}."
    )


def _described(kind: str, at: str, name: str, description: str, **more: object) -> dict:
    return {"@type": f"cr:{kind}", "@id": at, "name": name, "description": description, **more}


def _file(name: str, file: dict) -> dict:
    encoding, said = _FORMATS[name]
    about = {"contentUrl": name, "contentSize": f"{file['bytes']} B", "encodingFormat": encoding}
    same = {"sameAs": "synthetic.parquet"} if name == "synthetic.csv.gz" else {}
    return _described("FileObject", name, name, said, **about, sha256=file["sha256"], **same)


def _inside() -> list[dict]:
    """Return what lies inside the archive of pictures."""
    archive, index = {"@id": "synthetic.zip"}, "One row a picture: its file, class and slice."
    table = {"contentUrl": "index.csv", "containedIn": archive, "encodingFormat": "text/csv"}
    files = {"containedIn": archive, "encodingFormat": "image/jpeg", "includes": "*/*.jpg"}
    pictures = "One grey JPEG file a picture, in a folder for each class."
    return [
        _described("FileObject", "index.csv", "index.csv", index, **table),
        _described("FileSet", "pictures", "pictures", pictures, **files),
    ]


def _records(card: dict) -> dict:
    fields = _fields(card["data"]["columns"], "synthetic.parquet")
    return _described("RecordSet", "records", "records", "One row a synthetic record.", field=fields)


def _pictures(card: dict) -> dict:
    """Return one record a picture: its file, what the index says of that file, and the picture itself."""

    def of_files(name: str, said: str, kind: str, extract: str, **more: object) -> dict:
        source = {"fileSet": {"@id": "pictures"}, "extract": {"fileProperty": extract}}
        return _described("Field", f"records/{name}", name, said, dataType=kind, source=source, **more)

    at = {"fileObject": {"@id": "index.csv"}, "extract": {"column": "file"}}
    file = of_files("file", "File of the picture.", "sc:Text", "fullpath", references=at)
    size = "{1} x {0} pixels, grey.".format(*card["data"]["pixels"])
    picture = of_files("picture", size, "sc:ImageObject", "content")
    fields = [file, *_fields(card["data"]["columns"], "index.csv"), picture]
    return _described("RecordSet", "records", "records", "One row a synthetic picture.", field=fields)


def _fields(columns: list[dict], file: str) -> list[dict]:
    """Return one field a column, each with an id of its own that has no blanks."""
    slugs = [re.sub(r"[^\w.-]+", "-", column["name"], flags=re.ASCII) for column in columns]
    taken = {"file", "picture"} | {slug for slug in slugs if slugs.count(slug) > 1}
    ids = [f"{slug}-{i}" if slug in taken else slug for i, slug in enumerate(slugs)]
    return [_field(at, column, file) for at, column in zip(ids, columns, strict=True)]


def _field(at: str, column: dict, file: str) -> dict:
    kind = "cr:Int64" if column.get("type", "").startswith("int") else _TYPES.get(column["kind"], "sc:Text")
    source = {"fileObject": {"@id": file}, "extract": {"column": column["name"]}}
    return _described("Field", f"records/{at}", column["name"], _column_words(column), dataType=kind, source=source)


def _column_words(column: dict) -> str:
    said = [f"{column['role']}, {column['kind']}"]
    if "category" in column["kind"]:
        said.append(f"{column['levels']} levels")
    if column.get("verdict"):
        said.append(f"likeness to the original: {column['verdict']}")
    return "; ".join(said).capitalize() + "."
