"""One rule for what identifies people: columns of names, numbers of people, addresses, free text.

Fit, generate, compare and release all ask here. A column is looked at by its name, by the form of its values, and by
how many people share a value; what many share identifies nobody, whatever it is called. Names of columns are known in
English, German, French and Spanish.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import phonenumbers

NAME, NUMBER, MAIL, PHONE, ACCOUNT = "name", "id or record number", "e-mail", "telephone", "insurance or account number"
BORN, ADDRESS, POSTCODE, WEB, PLACE = (
    "date of birth",
    "address",
    "fine postcode",
    "web or network address",
    "coordinates",
)
FILE, TEXT = "file name", "free text"
_OF_ONE_PERSON = (NUMBER, ACCOUNT, MAIL, PHONE, NAME)  # by which the records of one person are told, the surest first

_LOOKED_AT = 500  # distinct values whose form is looked at
_FEW = 4  # people who share a value that still is nearly somebody's own
_MANY = 20  # distinct values from which a column can single people out
_YEARS = 25  # nine in ten dates of birth span more than this


@dataclass(frozen=True)
class Identified:
    """A column that identifies people: which, what it holds, how that was seen, and whether it is to be made up."""

    column: object
    kind: str
    why: str
    made_up: bool = False


@dataclass(frozen=True)
class _Shares:
    """How many people share the values of a column: distinct values, and shares of people, 0 to 1."""

    distinct: int
    alone: float
    few: float
    settled: float  # of the people with several records, those with one value only


def identify(frame: pd.DataFrame, people: np.ndarray | None = None) -> tuple[Identified, ...]:
    """Return the columns that identify people, in their order."""
    if people is None or len(pd.unique(people)) == len(frame):
        people = people_in(frame)
    found = (_identify_column(frame[name], people) for name in frame.columns)
    return tuple(one for one in found if one is not None)


def people_in(frame: pd.DataFrame) -> np.ndarray:
    """Return a number for the person of each record, int64, shape (n,), by a number or name of people that repeats.

    Where nothing in the table tells which records are one person's, every record is somebody else's.
    """
    column = subject_in(frame)
    rows = np.arange(len(frame))
    if column is None:
        return rows
    at, values = pd.factorize(frame[column].astype(object))
    return np.where(at < 0, len(values) + rows, at)


def subject_in(frame: pd.DataFrame) -> object | None:
    """Return the column that tells which records are one person's; None where no two records are, or none tells."""
    rows = np.arange(len(frame))
    found = [
        one for name in frame.columns if (one := _identify_column(frame[name], rows)) and one.kind in _OF_ONE_PERSON
    ]
    known = {one.column: frame[one.column].notna().sum() for one in found}
    # two of a name are no sign yet: one row in ten has to be a further one
    repeated = [one for one in found if frame[one.column].nunique() < 0.9 * known[one.column] > 0.8 * len(frame)]
    return min(repeated, key=lambda one: _OF_ONE_PERSON.index(one.kind), default=Identified(None, "", "")).column


def _identify_column(values: pd.Series, people: np.ndarray) -> Identified | None:
    known = values.notna().to_numpy()
    values, people = values[known], people[known]
    if pd.api.types.is_bool_dtype(values) or not len(values) or pd.api.types.is_timedelta64_dtype(values):
        return None
    if pd.api.types.is_float_dtype(values) and not (values % 1 == 0).all() and PLACE not in _hint(str(values.name)):
        return None  # a measurement
    at, levels = _levels_and_codes(values)
    if _FEW * len(levels) < 0.02 * len(pd.unique(people)):
        return None  # whatever it is, many share it
    if len(levels) < 5 or all(isinstance(level, (bool, np.bool_)) for level in levels):
        return None
    shares = _count_shares(at, people, len(levels))
    hint = _hint(str(values.name))
    if pd.api.types.is_datetime64_any_dtype(values):
        kind, why = _of_dates(pd.Series(pd.to_datetime(levels)), shares, hint)
    elif all(isinstance(level, (int, float, np.number)) for level in levels[:_LOOKED_AT]):
        kind, why = _of_numbers(np.array(levels, dtype=float), at, shares, hint)
    else:
        kind, why = _of_text([str(level) for level in levels], shares, hint)
    return Identified(values.name, kind, why) if kind else None


def _levels_and_codes(values: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    """Return the place of each entry among the values that occur, and these."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        at, codes = pd.factorize(values.cat.codes.to_numpy())
        return at, values.cat.categories[codes].to_numpy(object)
    at, levels = pd.factorize(values)
    return at, np.asarray(levels, dtype=object)


def _count_shares(at: np.ndarray, people: np.ndarray, n: int) -> _Shares:
    own = pd.DataFrame({"at": at, "person": people}).drop_duplicates()
    sharing = np.bincount(own["at"], minlength=n)[own["at"]]
    records = pd.Series(people).value_counts()
    several = own["person"].value_counts()[records.index[records > 1]]
    settled = float((several == 1).mean()) if len(several) else 1.0
    return _Shares(n, float((sharing == 1).mean()), float((sharing <= _FEW).mean()), settled)


# Names of columns -------------------------------------------------------------------------------

_HINTS = {
    MAIL: r"e ?mails?|mail|courriel|correo( electronico)?",
    PHONE: r"(tele)?phone( (no|nr|number))?|tel|mobile|cell|fax|handy( ?nr| ?nummer)?|telefon( ?nr| ?nummer)?|telefono"
    r"|movil|portable|rufnummer",
    ACCOUNT: r"iban|bic|ssn|social security.*|nhs( (no|nr|number))?|insurance( (id|no|nr|number))?|policy( (id|no|nr"
    r"|number))?|health ?card.*|versicherten ?(nr|nummer|id)|versicherungs ?(nr|nummer)|krankenkassen ?nr|kvnr"
    r"|avs|ahv|sozialversicherung.*|nir|numero de securite sociale|num secu|dni|nie|nif|nuss|tarjeta sanitaria"
    r"|passport.*|ausweis ?(nr|nummer)|medicare.*|credit ?card.*|account( (id|no|nr|number))?|konto ?(nr"
    r"|nummer)?|steuer ?(id|nr)|tax ?id",
    BORN: r"(date of )?birth( ?da(te|y))?|birth ?date|dob|born( on)?|geburts ?(datum|tag)|geb( ?dat(um)?)?"
    r"|geboren( am)?|(date de )?naissance|date naiss|ne le|(fecha de )?nacimiento|fecha nac|f nac",
    ADDRESS: r"(home |street |postal |patient )?address( line)?( ?\d)?|street( name)?|strasse|anschrift|adresse"
    r"|wohnort strasse|rue|calle|direccion|domicilio|house ?(no|number)?|hausnummer",
    POSTCODE: r"(zip|post(al)?)( ?code)?|plz|postleitzahl|code postal|cp|codigo postal",
    WEB: r"ip( address)?|url|website|homepage|mac( address)?",
    PLACE: r"lat(itude)?|lon(g(itude)?)?|lng|gps.*|geo.*|coord.*|breitengrad|langengrad|latitud|longitud",
    FILE: r"file( ?name)?|path|filepath|datei( ?name)?|fichier|archivo|image ?(file|path|name)",
    TEXT: r"notes?|comments?|remarks?|free ?text|narrative|anamnes(e|is)|befund|notiz(en)?|bemerkung(en)?|kommentar"
    r"|report|commentaires?|remarques?|observaciones|notas?|comentarios?|history of present illness|letter"
    r"|arztbrief",
    NAME: r"((first|last|middle|full|sur|given|family|maiden|fore|patient|person|nick|user|contact) ?)?names?|(vor"
    r"|nach|familien|geburts|patienten|zu) ?name|initials|nom( de famille)?|prenoms?|nombres?|apellidos?|patient"
    r"|surname|next of kin|emergency contact|angehorige",
    NUMBER: r".*\b(id|uid|uuid|guid|mrn|pid|key|ident(ifier)?)|mrn\b.*|id\b.*|(record|chart|file|case|visit|encounter"
    r"|admission|sample|specimen|accession|patient|pat|subject|person|member|participant|client|user|hospital"
    r"|study|fall|akten?|besuchs?|probanden?|patienten|aufnahme|dossier|historia|expediente|paciente) ?(no|nr"
    r"|num|number|nbr|nummer|code|numero)|nhc|ipp|numero (de )?(dossier|patient|paciente|historia).*"
    r"|identificador|identifiant|kennung|patient|paciente|subject",
}
_HINTED = {kind: re.compile(rf"(?:{words})\Z") for kind, words in _HINTS.items()}


def _hint(name: str) -> tuple[str, ...]:
    """Return the kinds that the name of a column speaks of."""
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    for letter, plain in zip("äöüßéèêáíóúñç", ["a", "o", "u", "ss", *"eeeaiounc"], strict=True):
        text = text.lower().replace(letter, plain)
    words = re.sub(r"[^a-z0-9]+", " ", text).strip()
    tail = words.split(" ", 1)[-1]  # "patient_email", "home_phone"
    return tuple(kind for kind, form in _HINTED.items() if form.match(words) or (kind != NAME and form.match(tail)))


# Dates and numbers ------------------------------------------------------------------------------


def _of_dates(days: pd.Series, shares: _Shares, hint: Sequence[str]) -> tuple[str, str]:
    if BORN in hint and shares.few > 0.1 and shares.distinct >= _MANY:
        return BORN, "its name, and dates that few share"
    span = (days.quantile(0.95) - days.quantile(0.05)).days / 365.25  # one odd date makes no dates of birth
    if span > _YEARS and shares.few > 0.5 and shares.settled > 0.95 and shares.distinct >= _MANY:
        return BORN, f"dates of {span:.0f} years that few share, the same in all records of a person"
    return "", ""


def _of_numbers(levels: np.ndarray, at: np.ndarray, shares: _Shares, hint: Sequence[str]) -> tuple[str, str]:
    whole = bool((levels == np.round(levels)).all())
    if PLACE in hint and np.abs(levels).max() <= 180 and shares.few > 0.5 and not whole:
        return PLACE, "its name, and numbers that few share"
    if not whole or levels.min() < 0 or shares.distinct < min(_MANY, 10):
        return "", ""
    if dates := _as_dates(levels):
        return _of_dates(pd.Series(dates), shares, hint)
    named = next((k for k in (ACCOUNT, PHONE, POSTCODE, NUMBER) if k in hint), "")
    if named and shares.few > 0.3:
        return named, "its name, and numbers that few share"
    if shares.distinct < _MANY or shares.few < 0.95 or shares.settled < 0.95:
        return "", ""
    digits = np.floor(np.log10(np.maximum(levels, 1))) + 1
    width = levels.max() - levels.min()
    if digits.min() == digits.max() >= 8:
        return NUMBER, f"whole numbers of {digits[0]:.0f} digits that few share"
    first = pd.unique(at)  # in the order in which they come
    rising = bool((np.diff(levels[first]) > 0).all() or (np.diff(levels[first]) < 0).all())
    if len(levels) < 100 or (levels.min() >= 1700 and levels.max() <= 2100):  # a short count, or years
        return "", ""
    if shares.alone < 0.9:  # values that come up twice are measured rather than given out
        return "", ""
    if rising and width < 20 * len(levels):
        return NUMBER, "whole numbers that rise from person to person"
    if width < 1.5 * len(levels):
        return NUMBER, "whole numbers without gaps that few share"
    if digits.min() == digits.max() >= 5 and _is_even(levels):
        return NUMBER, f"whole numbers of {digits[0]:.0f} digits, spread evenly, that few share"
    return "", ""


def _is_even(levels: np.ndarray) -> bool:
    """Whether numbers are spread as evenly as those that are given out one after the other; no measurement is."""
    place = (np.sort(levels) - levels.min()) / (levels.max() - levels.min())
    return float(np.abs(place - np.linspace(0, 1, len(place))).max()) < 1.4 / np.sqrt(len(place))


def _as_dates(levels: np.ndarray) -> list[pd.Timestamp]:
    """Return whole numbers such as 19650312 as dates; nothing where they are none."""
    if not (levels.min() >= 18500101 and levels.max() <= 21001231):
        return []
    dates = pd.to_datetime(pd.Series(levels.astype("int64").astype(str)), format="%Y%m%d", errors="coerce").dropna()
    return dates.tolist() if len(dates) > 0.95 * len(levels) else []


# Text -------------------------------------------------------------------------------------------

_STREET = (
    r"stra(ß|ss)e|str\.|weg|platz|allee|gasse|street|st\.?|road|rd\.?|avenue|ave\.?|lane|ln\.?|drive|dr\.?|court|way"
)
_FORMS = {
    MAIL: r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}",
    WEB: r"(?:https?://|www\.)\S+|\d{1,3}(?:\.\d{1,3}){3}|(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}"
    r"|(?:[0-9a-f]{1,4}:){4,7}[0-9a-f]{1,4}",
    ACCOUNT: r"[A-Z]{2}\d{2} ?(?:[A-Z0-9]{4} ?){2,7}[A-Z0-9]{1,4}|\d{3}-\d{2}-\d{4}|\d{3} \d{3} \d{4}"
    r"|(?:\d{4}[ -]){3}\d{3,4}"
    r"|756\.\d{4}\.\d{4}\.\d{2}|[12] \d{2} \d{2} \d{2} \d{3} \d{3}(?: \d{2})?|\d{8}-?[A-Z]",
    PLACE: r"\(?-?\d{1,2}\.\d{3,}[°NS]*[,; ]+-?\d{1,3}\.\d{3,}[°EW]*\)?",
    FILE: r".*[\w)]\.(?:jpe?g|png|gif|tiff?|bmp|dcm|nii(?:\.gz)?|pdf|docx?|txt|rtf|mp[34]|wav|csv|xlsx?|edf|h5)"
    r"|(?:[A-Za-z]:)?"
    r"(?:[\\/][^\\/]+){2,}",
    NUMBER: r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[0-9a-f]{16,128}",
    POSTCODE: r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}",
    ADDRESS: rf".*(?:(?:\b|\w)(?:{_STREET})\W*,? ?\d+ ?[a-z]?\b.*|\b\d+[a-z]?,? (?:[\w.'-]+ ){{1,4}}(?:{_STREET})\b.*"
    r"|\d+,? (?:rue|avenue|boulevard|chemin|place|allée)\b.*|\b(?:calle|avenida|plaza|rue)\b.*\d+.*)",
}
_FORM = {
    kind: re.compile(rf"(?:{form})\Z", re.IGNORECASE if kind in (ADDRESS, FILE, WEB) else 0)
    for kind, form in _FORMS.items()
}
_CODE = re.compile(r"(?:[A-Z]\d{2}[A-Z0-9]?(?:\.?[A-Z0-9]{1,4})?|[VE]?\d{2,3}(?:\.\d{1,2})?|[A-Z]\d{2}[A-Z]{2}\d{2})\Z")
_DATES = ("%Y-%m-%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%Y/%m/%d", "%d-%m-%Y", "%d %b %Y", "%d.%m.%y")
_COUNTRIES = ("US", "GB", "DE", "FR", "ES")


def _of_text(levels: list[str], shares: _Shares, hint: Sequence[str]) -> tuple[str, str]:
    some = [levels[i].strip() for i in np.linspace(0, len(levels) - 1, min(len(levels), _LOOKED_AT)).astype(int)]
    if dates := _dates_in(some):
        return _of_dates(pd.Series(dates), shares, hint)
    own = shares.few > 0.2 or (shares.distinct >= 50 and shares.few > 0.02)
    if own:
        for kind, form in _FORM.items():
            if _share(some, form.match) > 0.5:
                return kind, "the form of its values"
        if _share(some, _is_phone) > 0.8:
            return PHONE, "the form of its values"
    words, letters = (np.array([size(text) for text in some]) for size in (lambda text: len(text.split()), len))
    many = shares.distinct >= _MANY
    if many and words.mean() >= 4 and letters.mean() >= 20 and shares.few > 0.3:
        return TEXT, f"{words.mean():.0f} words an entry that few share"
    named = next((kind for kind in hint if kind not in (WEB, PLACE)), "")
    if named and shares.few > 0.3 and shares.distinct >= 10 and named != BORN:
        return named, "its name, and entries that few share"
    coded = _share(some, _CODE.match) > 0.8
    if many and not coded and shares.few > 0.6 and _has_one_shape(some):
        return NUMBER, "entries of one form that few share"
    if many and shares.few > 0.1 and _share(some, _is_name) > 0.6:
        return NAME, "names of people that few share"
    if (many and shares.alone > (0.9 if coded else 0.5)) or (many and not coded and shares.few > 0.95):
        return (TEXT if words.mean() >= 2.5 else NAME), "nearly everybody has an entry of their own"
    return "", ""


def _share(some: list[str], fits: object) -> float:
    return float(np.mean([bool(fits(text)) for text in some]))


def _dates_in(some: list[str]) -> list[pd.Timestamp]:
    """Return text as dates, where one format fits nearly all of it."""
    if _share(some, re.compile(r"\d{1,4}[-./ ](?:\d{1,2}|[A-Za-z]{3})[-./ ]\d{1,4}\b").match) < 0.95:
        return []
    for form in _DATES:
        dates = pd.to_datetime(pd.Series(some).str[:11].str.split("T").str[0].str.strip(), format=form, errors="coerce")
        if dates.notna().mean() > 0.95:
            return dates.dropna().tolist()
    return []


def _is_phone(text: str) -> bool:
    digits = sum(letter.isdigit() for letter in text)
    if not (7 <= digits <= 15 and re.match(r"(?:tel\.? ?)?\+?[\d\s()/.–-]+\Z", text, re.IGNORECASE)):
        return False
    if digits == len(text) and text[0] != "0":  # bare digits: rather a number of people
        return False
    regions = (None,) if "+" in text else _COUNTRIES
    for region in regions:
        try:
            if phonenumbers.is_possible_number(phonenumbers.parse(text, region)):
                return True
        except phonenumbers.NumberParseException:
            continue
    return False


def _has_one_shape(some: list[str]) -> bool:
    """Whether nearly all entries are of one or two shapes with three digits or more, as ``P-00123``."""
    shapes = pd.Series([re.sub(r"[A-Za-z]", "a", re.sub(r"\d", "9", text)) for text in some]).value_counts()
    run = 3 if "a" in shapes.index[0] else 5  # 120/80 is a measurement
    digits = np.mean([max(map(len, re.findall(r"\d+", text)), default=0) for text in some])
    one_shape = shapes.iloc[:2].sum() > 0.9 * len(some)
    return bool(one_shape and digits >= run and not any(" " in shape for shape in shapes.index[:2]))


@cache
def _names() -> frozenset[str]:
    """Return first names and surnames of four languages, in small letters."""
    from faker.providers.person import de_DE, en_US, es_ES, fr_FR

    names = set()
    for people in (de_DE, en_US, es_ES, fr_FR):
        for part in ("first_names", "last_names", "first_names_female", "first_names_male"):
            names.update(str(name).lower() for name in getattr(people.Provider, part, ()))
    return frozenset(names)


def _is_name(text: str) -> bool:
    words = re.findall(r"[^\W\d_]+", text)
    return (
        0 < len(words) <= 5 and text[:1].isupper() and any(word.lower() in _names() for word in words if len(word) > 2)
    )
