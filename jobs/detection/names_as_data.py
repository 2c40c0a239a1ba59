"""Whether the names of columns are values: of a CSV without a header they are its first row, of JSON they may be keys.

Such names must not be shown. Only names that come out of the data are judged, those of a declared schema are not; and
it takes several signs, or one that no name of a column bears, so that ``2021`` or ``Paris`` among others stay names.
"""

from __future__ import annotations

import dataclasses
import itertools
import re
from collections.abc import Sequence

import pyarrow as pa
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import Source
from jobs.detection import recognizers
from jobs.detection.recognizers import dates, email, free_text, iban, network, payment_card, phone, url
from jobs.detection.recognizers.name_lists import AMBIGUOUS, FAMILY, GIVEN
from privacy_udfs.errors import LakenymError

MOST_COLUMNS = 5_000
"""More than a person can read a draft of."""
MOST_KEYS = 1_000
"""Fields of one object; more are keys of a map."""
FEWEST_KEYS = 50
NUMBERED = re.compile(r"(\D*)(\d{1,6})")
SHOWN = 5
GIVEN_BY_SPARK = re.compile(r"_c\d+")
YEAR_OR_BAND = re.compile(r"(?:19|20)\d\d|\d{1,4}\s?[\-/]\s?\d{1,4}")
NUMBER = re.compile(r"[+\-]?\(?\d[\d\s.,:/()\-]*%?|[+\-]?\.\d+")
NOTHING = frozenset({"true", "false", "null", "n/a", "none", "nan"})
LOOK_ALIKE = (email, phone, iban, payment_card, network, url, dates, free_text)
PROVING = ("email", "iban", "payment_card", "mac", "ip", "url_user_data", "phone", "free_text_person")
"""Findings that no name of a column shows."""


class NamesAreData(LakenymError):
    """The names of a table's columns look like values of it. Says which by their places."""


@dataclasses.dataclass(frozen=True)
class _Judged:
    """place: of the column, from 1. value: looks like one. proves: as no name does."""

    name: str
    place: int
    value: bool
    proves: bool


def check(source: Source, schema: T.StructType, decided: Sequence[ColumnPath] = ()) -> None:
    """Raise `NamesAreData` where the names of columns look like data, or where there are too many to look at.
    decided: paths that an entry of the catalog names already, which are known for names."""
    if source.format in ("csv", "json") and source.schema_ is None:
        known = {step.name for path in decided for step in path.steps if isinstance(step, Field)}
        _check_names(schema, known, source.format == "json")
    count = _leaves(schema)
    if count > MOST_COLUMNS:
        raise NamesAreData(f"it has {count:,} columns, and {MOST_COLUMNS:,} at most can be looked at and drafted")


def _check_names(schema: T.StructType, known: set[str], of_json: bool) -> None:
    maps = [place for place, field in enumerate(schema.fields, 1) if any(map(_is_map, _structs(field.dataType)))]
    if maps or (of_json and _is_map(schema)):
        where = f"(in columns at {shown(maps)})" if maps else "(at its top)"
        raise NamesAreData(f"{MEND} {where}: many fields of one object, which are keys of a map")
    named = [(name, place) for place, field in enumerate(schema.fields, 1) for name in _names(field)]
    judged = _judge([each for each in named if each[0] not in known and not GIVEN_BY_SPARK.fullmatch(each[0])])
    telling = [each for each in judged if each.value]
    places = sorted({each.place for each in judged if each.proves})
    if not places and len(telling) > 1 and 2 * len(telling) > len(judged) and not _is_series(telling):
        places = sorted({each.place for each in telling})
    if places:
        raise NamesAreData(f"{MEND} (columns at {shown(places)})")


def shown(places: Sequence[int]) -> str:
    return ", ".join(map(str, places[:SHOWN])) + (", ..." if len(places) > SHOWN else "")


MEND = "the names of its columns look like data: state 'schema:' (or the option header: 'false') in its source"


def _leaves(kind: T.DataType) -> int:
    if isinstance(kind, T.StructType):
        return sum(_leaves(field.dataType) for field in kind.fields)
    if isinstance(kind, T.MapType):
        return _leaves(kind.keyType) + _leaves(kind.valueType)
    return _leaves(kind.elementType) if isinstance(kind, T.ArrayType) else 1


def _structs(kind: T.DataType) -> list[T.StructType]:
    """The structs in a type, itself included."""
    if isinstance(kind, T.StructType):
        return [kind, *(inner for field in kind.fields for inner in _structs(field.dataType))]
    return _structs(kind.elementType) if isinstance(kind, T.ArrayType) else []


def _is_map(struct: T.StructType) -> bool:
    """Whether the fields are keys: more than anyone names, or many with numbers in them that no count explains."""
    names = struct.names
    if len(names) > MOST_KEYS:
        return True
    alike = len({field.dataType.simpleString() for field in struct.fields}) == 1
    numbered = [NUMBERED.fullmatch(name) for name in names]
    if len(names) < FEWEST_KEYS or not alike or sum(any(map(str.isdigit, name)) for name in names) < 0.8 * len(names):
        return False
    places = sorted({int(each[2]) for each in numbered if each})
    counted = len({each[1] if each else "" for each in numbered}) == 1 and places[-1] - places[0] < 2 * len(places)
    return not (all(numbered) and counted)


def _names(field: T.StructField) -> list[str]:
    return [field.name, *(inner.name for each in _structs(field.dataType) for inner in each.fields)]


def _judge(named: Sequence[tuple[str, int]]) -> list[_Judged]:
    if not named:
        return []
    texts = [name for name, _ in named]
    found = recognizers.recognize(pa.array(texts, pa.string()), LOOK_ALIKE)
    shows = {finding: mask.tolist() for finding, mask in found.items()}
    judged = []
    for at, (name, place) in enumerate(named):
        proves = any(shows[each][at] for each in PROVING) or _is_full_name(name)
        value = proves or shows["date"][at] or shows["timestamp"][at] or shows["free_text"][at]
        judged.append(_Judged(name, place, value or _is_number(name) or _is_person(name) or _is_nothing(name), proves))
    return judged


def _is_number(name: str) -> bool:
    return NUMBER.fullmatch(name.strip()) is not None and YEAR_OR_BAND.fullmatch(name.strip()) is None


def _is_nothing(name: str) -> bool:
    return name.strip().lower() in NOTHING


def _is_person(name: str) -> bool:
    """One capitalized word that is a name of persons and no word; Spark numbers those that occur twice."""
    word = name.strip().rstrip("0123456789")
    return word[:1].isupper() and not word.isupper() and word.lower() in (GIVEN | FAMILY) - AMBIGUOUS


def _is_full_name(name: str) -> bool:
    """Two words or three, a given name that is no word before a family name, or behind it and a comma."""
    words = re.split(r"[\s,]+", name.strip())
    known = [word.lower() for word in words if word[:1].isupper() and not word.isupper()]
    given = [at for at, word in enumerate(known) if word in GIVEN and word not in AMBIGUOUS]
    family = [at for at, word in enumerate(known) if word in FAMILY]
    pairs = [(one, other) for one, other in itertools.product(given, family) if one != other]
    return len(words) in (2, 3) and any(one < other or "," in name for one, other in pairs)


def _is_series(values: Sequence[_Judged]) -> bool:
    """Whether they are dates or numbers that go up, as those of a table spread over time or over a count do."""
    return not any(each.proves for each in values) and is_counted([each.name.strip() for each in values])


def is_counted(names: Sequence[str]) -> bool:
    """The same of names by themselves."""
    texts = list(dict.fromkeys(names))
    if len(texts) < 3:
        return False
    if all(re.fullmatch(r"\d{1,6}", text) for text in texts):
        steps = {int(after) - int(before) for before, after in itertools.pairwise(texts)}
        return len(steps) == 1 and min(steps) > 0
    days = [re.fullmatch(r"\d{4}-\d\d(?:-\d\d)?", text) for text in texts]
    return all(days) and texts == sorted(set(texts))
