"""Whether the first row of a CSV file is a header or a person's row, told by the rows below it.

What a name of a column bears in itself is judged by `names_as_data`. Here the first row is held against the others of
its own column: a name does not come again as a value, has not the very shape of the values, is no name of persons above
names of persons. A header is known too, by words that columns are called, or by values that are of another kind than
the words above them. Where nothing says either, it is not taken for a header: one person's row would become the names
of columns, in the configuration, in records and in version control. No value leaves these functions.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence

from pyspark.sql import DataFrame

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import Source
from jobs.detection import hints, trait_words
from jobs.detection.names_as_data import GIVEN_BY_SPARK, MEND, NUMBER, YEAR_OR_BAND, NamesAreData, is_counted, shown
from jobs.detection.recognizers.name_lists import AMBIGUOUS, FAMILY, GIVEN

ROWS = 500
"""Rows that are looked at."""
NAMES = (GIVEN | FAMILY) - AMBIGUOUS
MANY_NAMES = 0.5
FOR_ONE = 2
"""Columns that show a header for each that shows a row, so that it is one: a choice may stand in both."""
CALLED = re.compile(
    r"(?:.* )?(?:ids?|no|nr|num|number|key|code|type|kind|status|state|flag|date|time|day|month|year|timestamp|created|"
    r"updated|amount|value|price|total|sum|count|qty|quantity|rate|unit|size|weight|height|name|title|label|group|"
    r"category|class|level|text|description|source|version|currency|customer|client|user|patient|employee|product|"
    r"item|order|account|company|department|url|file|path|index|rank|score|result|reason|comment|"
    r"nummer|datum|zeit|betrag|preis|menge|anzahl|art|typ|wert|gruppe|kategorie|bezeichnung|beschreibung|kunde|artikel|"
    r"firma|abteilung|numero|montant|prix|quantite|valeur|libelle|categorie|entreprise|fecha|importe|precio|cantidad|"
    r"valor|descripcion|empresa|producto|tipo|nome|codice|prezzo)"
)
"""Last words of what columns are called, as `hints.words` has them."""
WRITTEN_AS_NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)+|[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[a-z]+(?:[A-Z][a-z0-9]+)+")
MOST_WORDS = 4
STANDS_FOR_NONE = frozenset(
    {"", "null", "n/a", "na", "nan", "none", "nil", "unknown", "unbekannt", "?", "-", "--", "."}
)
"""What stands in a row for no value, and is no name of a column."""
_PARTICLE = re.compile(
    r"(?:van|von|de|del|della|di|da|du|des|la|le|el|al|zu|zum|ter|ten|rue|calle|via)\s+\S|Mc[A-Z]|O'[A-Z]"
)
"""How names and streets begin that are written otherwise than others of their column."""
TRUE = "where they are names, state the option header: 'true'"
VALUES = frozenset({"hiv"})
"""Words that hint at a kind of columns, and stand in rows as often."""


def check_rows(source: Source, rows: DataFrame, folders: Collection[str], decided: Collection[ColumnPath] = ()) -> None:
    """The same of rows as they are read. folders: columns that are folders."""
    if not _is_open(source):
        return
    own = rows.drop(*folders)
    check(source, own.columns, own.head(ROWS), decided)


def check(
    source: Source, names: Sequence[str], rows: Sequence[Sequence[object]], decided: Collection[ColumnPath] = ()
) -> None:
    """Raise `NamesAreData` where the names of a CSV's columns are its first row, or nothing says that they are not.

    names: as the reader gives them, without those of folders. rows: the first ones below, as texts. decided: as
    `names_as_data.check` has it. Nothing is judged where the source states ``schema`` or ``header``: somebody knows.
    """
    if not _is_open(source):
        return
    known = {step.name for path in decided for step in path.steps if isinstance(step, Field)}
    if known.intersection(names):
        return
    below = [row for row in rows if not _is_again(names, row)]  # files put together have their header again
    columns = {at: (name, _values(below, at)) for at, name in enumerate(names) if not GIVEN_BY_SPARK.fullmatch(name)}
    counted = is_counted([name.strip() for name in names if _is_number(name)])
    of_row = [at for at, (name, values) in columns.items() if _is_of_row(name, at, values, counted)]
    rest = {at: each for at, each in columns.items() if at not in of_row}
    of_header = [at for at, each in rest.items() if _is_of_header(*each) or (counted and _is_number(each[0]))]
    if of_row and len(of_header) < FOR_ONE * len(of_row):
        raise NamesAreData(f"{MEND} (columns at {shown([at + 1 for at in of_row])}); {TRUE}")
    if columns and not of_header:
        raise NamesAreData(f"{MEND}: nothing says that its first row is a header; {TRUE}")


def _is_open(source: Source) -> bool:
    return source.format == "csv" and source.schema_ is None and "header" not in source.options


def _values(rows: Sequence[Sequence[object]], at: int) -> list[str]:
    return [str(row[at]).strip() for row in rows if row[at] is not None and str(row[at]).strip()]


def _is_again(names: Sequence[str], row: Sequence[object]) -> bool:
    """Whether a row is the header: the reader names what has no name, and puts places behind names that stand twice."""
    told = ["" if each is None else str(each).strip() for each in row]
    return any(told) and all(
        each == name.strip()
        or each == name.strip().removesuffix(str(at))
        or (not each and GIVEN_BY_SPARK.fullmatch(name))
        for at, (name, each) in enumerate(zip(names, told, strict=False))
    )


def _is_of_row(name: str, at: int, values: Sequence[str], counted: bool) -> bool:
    """at: the column's place, which the reader puts behind names that stand twice. counted: whether the numbers among
    the names are a series, as those over a matrix are."""
    text = name.strip()
    if not values or not text:
        return False
    if text in values:
        return True
    if len(text.removesuffix(str(at))) > 1 and text.removesuffix(str(at)) in values:  # A1, A2: items, of A, B and C
        return True
    if _is_number(text) and not counted:
        years = YEAR_OR_BAND.fullmatch(text) is not None
        return all(_is_number(each) and (not years or YEAR_OR_BAND.fullmatch(each)) for each in values)
    if any(map(str.isdigit, text)) and len(text) > 2 and not _is_number(text):
        return all(_shape(each) == _shape(text) for each in values)
    if _has_name(text) and not _is_called(text):
        return sum(map(_has_name, values)) >= MANY_NAMES * len(values)
    return False


def _is_number(text: str) -> bool:
    return NUMBER.fullmatch(text.strip()) is not None


def _shape(text: str) -> str:
    """``K-12`` and ``B-97`` are alike; where digits begin, how many there are does not count: days, addresses."""
    shape = re.sub(r"[^\W\d_]", "a", re.sub(r"\d", "9", text))
    return re.sub(r"9+", "9", re.sub(r"a+", "a", shape)) if shape[:1] == "9" else shape


def _has_name(text: str) -> bool:
    return any(word in NAMES for word in re.split(r"[\W\d_]+", text.lower()))


def _is_of_header(name: str, values: Sequence[str]) -> bool:
    text = name.strip()
    if text.lower() in STANDS_FOR_NONE or _PARTICLE.match(text):
        return False
    if _is_called(text) and not (values and all(map(_is_called, values))):
        return True
    return bool(values) and any(not of(text) and all(map(of, values)) for of in _KINDS)


def _is_called(text: str) -> bool:
    """Whether columns are called so. The yes and no of a trait (``female``) is a name and a value."""
    words = hints.words(text)
    if len(words.split()) > MOST_WORDS or re.search(r"\d\w*\s+\w", text) or not words:
        return False
    if words in VALUES or any(pattern.fullmatch(words) for pattern in trait_words.PATTERNS.values()):
        return False
    if len(words.split()) > 1 and text[:1].isupper() and _has_name(text):  # Miss Victoria Price
        return False
    if CALLED.fullmatch(words) or WRITTEN_AS_NAME.fullmatch(text):
        return True
    return bool(hints.of(ColumnPath((Field(text),))))


_KINDS = (
    _is_number,
    lambda text: any(map(str.isdigit, text)),
    lambda text: "@" in text,
    lambda text: text[:1].isupper(),
    lambda text: text.isupper(),
    lambda text: text.lower() in ("true", "false", "yes", "no", "y", "n", "t", "f", "ja", "nein", "oui", "non"),
)
"""Kinds that all values of a column may be of, and its name not."""
