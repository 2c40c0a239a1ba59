"""From what a catalog tells of columns to the classes it stands for: to propose, never to decide.

A label is a name and a value on a column or a table: a tag, a key of a field's metadata, a table's property. The label
``privacy_class`` says a class by itself; which others mean one, the caller says (``--means pii=direct_identifier``).
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, ColumnPathError, Document, Element, Field, MapKey, MapValue
from jobs.configuration.documents import NAME_PATTERN
from jobs.lake.described import COMMENT, Described
from jobs.lake.record_names import PRIVACY
from jobs.lake.tag_names import CLASS, DOMAIN, STRICTEST
from jobs.record import marks
from jobs.record.column_record import CLASSES
from jobs.record.treated_table import privacy_of

WHOLE_TABLE = ColumnPath(())
CLASS_LABELS = (CLASS, "privacy.class")
DOMAIN_LABELS = (DOMAIN, "privacy.domain")
CLASS_PROPERTY = "privacy.class."
"""Begins a table's property that says the class of one column: ``privacy.class.address.zip``."""

Means = Mapping[tuple[str, str | None], str]
"""(name, value) of a label -> class; None for any value."""


@dataclasses.dataclass(frozen=True)
class Label:
    """path: of the column it is on. where: for a person, such as 'the tag'."""

    path: ColumnPath
    name: str
    value: str
    where: str


@dataclasses.dataclass(frozen=True)
class Told:
    """A class that the catalog proposes for a path and what is below it. where: what says so. treated: by which
    technique the values there were treated already."""

    path: ColumnPath
    class_: str
    where: str
    domain: str | None = None
    treated: str | None = None


def meant(labels: Iterable[Label], means: Means) -> Iterator[Told]:
    """What labels stand for; a label that means nothing is passed over."""
    known = list(labels)
    domains = {each.path: each.value for each in known if each.name in DOMAIN_LABELS and _is_name(each.value)}
    for label in known:
        class_ = _class(label, means)
        if class_ is not None:
            yield Told(label.path, class_, f"{label.where} {label.name}", domains.get(label.path))


def _class(label: Label, means: Means) -> str | None:
    if label.name in CLASS_LABELS and label.value in CLASSES:
        return label.value
    return means.get((label.name, label.value)) or means.get((label.name, None))


def _is_name(value: str) -> bool:
    return bool(re.fullmatch(NAME_PATTERN, value)) and value != "none"


def of_schema(table: Described, means: Means) -> Iterator[Told]:
    """What comments, field metadata and properties say, which every catalog under Spark has."""
    yield from _of_mark(WHOLE_TABLE, table.comment, "the table's comment")
    yield from meant((Label(WHOLE_TABLE, *item, "the table's property") for item in table.properties.items()), means)
    yield from _of_properties(table.properties)
    yield from _of_records(table.schema)
    for path, field in fields(WHOLE_TABLE, table.schema):
        yield from _of_mark(path, field.metadata.get(COMMENT), "the comment")
        own = {name: value for name, value in field.metadata.items() if name not in (COMMENT, PRIVACY)}
        texts = {name: _text(value) for name, value in own.items() if isinstance(value, str | bool | int)}
        yield from meant((Label(path, *item, "the field's metadata") for item in texts.items()), means)


def _text(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def fields(path: ColumnPath, given: T.DataType) -> Iterator[tuple[ColumnPath, T.StructField]]:
    """Every column and every field within, each by its path."""
    if isinstance(given, T.StructType):
        for field in given.fields:
            below = path.child(Field(field.name))
            yield below, field
            yield from fields(below, field.dataType)
    elif isinstance(given, T.ArrayType):
        yield from fields(path.child(Element()), given.elementType)
    elif isinstance(given, T.MapType):
        yield from fields(path.child(MapKey()), given.keyType)
        yield from fields(path.child(MapValue()), given.valueType)


def _of_mark(path: ColumnPath, comment: str | None, where: str) -> Iterator[Told]:
    for said in marks.read(comment):
        whole = _joined(path, said.rest)
        if whole is not None:
            yield Told(whole, said.class_, where, said.domain)


_INTO = re.compile(rf"(?<!\.)`{re.escape(str(Document()))}")
"""How the way into JSON text begins (`jobs.record.marks`); behind a dot it is a name."""


def _joined(path: ColumnPath, rest: str) -> ColumnPath | None:
    into = _INTO.search(rest)
    rest = f"{rest[: into.start()]}{rest[into.start() + 1 :].removesuffix('`')}" if into else rest
    text = rest if rest[:1] in ("", "[", "{", ":", ".") else f".{rest}"
    return path if not rest else _parsed(f"{path}{text}" if path.steps else text.removeprefix("."))


def _parsed(text: str) -> ColumnPath | None:
    try:
        return ColumnPath.parse(text)
    except ColumnPathError:
        return None


def _of_properties(properties: Mapping[str, str]) -> Iterator[Told]:
    for name, value in properties.items():
        path = _parsed(name.removeprefix(CLASS_PROPERTY)) if name.startswith(CLASS_PROPERTY) else None
        if path is not None and value in CLASSES:
            yield Told(path, value, "the table's property privacy.class")


def _of_records(schema: T.StructType) -> Iterator[Told]:
    """Fields of tables that were made from treated ones keep their entry of the record."""
    for path, column in privacy_of(schema).items():
        if column.class_ in CLASSES:
            techniques = " or ".join(dict.fromkeys(str(each.technique) for each in column.cases or (column,)))
            treated = None if column.is_raw else techniques
            yield Told(ColumnPath.parse(path), str(column.class_), "the field's treatment record", None, treated)


def of_leaf(path: ColumnPath, told: Sequence[Told]) -> list[Told]:
    """What holds for a leaf: what was told nearest to it, the strictest class first; nothing, if nothing was."""
    above = [each for each in told if path.steps[: len(each.path.steps)] == each.path.steps]
    deepest = max((len(each.path.steps) for each in above), default=0)
    nearest = [each for each in above if len(each.path.steps) == deepest]
    return sorted(dict.fromkeys(nearest), key=lambda each: STRICTEST.index(each.class_))
