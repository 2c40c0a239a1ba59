"""The columns of a treated table: what it says of them itself, and why the configuration says so."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Document, Element, Field, MapKey, MapValue
from jobs.configuration.documents import canonical_json
from jobs.configuration.models import ColumnRule, TableConfig
from jobs.record import told_elsewhere
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import NEVER_MATTERS, ColumnRecord
from jobs.record.record_reader import Columns
from jobs.record.treated_table import privacy_of
from jobs.report_pages.facts.table_facts import Column, Treatment
from privacy_udfs.errors import LakenymError
from privacy_udfs.strength import Shows
from privacy_udfs.techniques import parse

LEARNS: Mapping[Shows | None, str] = {
    Shows.NOTHING: "nothing: the column is not there",
    Shows.MISSING: "at most which values were missing",
    Shows.LENGTHS: "how long values are",
    Shows.EQUALITY: "which values are equal, and how often each occurs",
    Shows.EQUALITY_AND_A_WAY_BACK: "which values are equal, and how often each occurs",
    Shows.FORM: "the shape of a value, which are equal, and how often each occurs",
    Shows.A_PART: "a part of the value, or a coarser one",
    Shows.NEARLY_THE_VALUE: "nearly the value: order or differences stay, or the rest of a text",
    Shows.THE_VALUE: "the value itself",
    None: "unknown: take it for the value itself",
}
LONGEST = 240
"""Characters of a parameter that are shown."""


def of_table(schema: T.StructType, recorded: Columns, entry: TableConfig) -> tuple[Column, ...]:
    """Those that the table has, in its order, then those that were dropped."""
    types, told = dict(_types(ColumnPath(()), schema)), privacy_of(schema)
    there = [_present(column, types, entry) for column in told.values()]
    gone = [path for path, record in recorded.items() if record.facts.drops_column and path not in told]
    return (*there, *(_dropped(path, recorded[path], entry) for path in gone))


def planned(entry: TableConfig) -> tuple[Column, ...]:
    """Of a table that is not there yet: what the configuration decides."""
    found = []
    for path, decision in entry.decisions.items():
        pairs = [
            (name, ColumnRecord.of_rule(rule, rule.treatment.domain), rule) for name, rule in decision.named.items()
        ]
        treatments = tuple(_treatment(str(name), record, rule) for name, record, rule in pairs)
        found.append(Column(path, decision.cases[0].class_, None, treatments, tuple(_notes(decision.cases[0]))))
    return tuple(found)


def _present(column: ColumnPrivacy, types: Mapping[str, str], entry: TableConfig) -> Column:
    each = [case for case in column.cases or (column,) if case.record is not None]
    treatments = tuple(
        _treatment(case.path, case.record, _rule(entry, case.path)) for case in each if case.record is not None
    )
    notes = [*_notes(_rule(entry, each[0].path) if each else None), *_otherwise(each, entry)]
    if column.fault is not None:
        notes.append(f"what the table says of it cannot be believed: {column.fault}")
    within = "within JSON text" if str(Document()) in column.path else "?"
    return Column(column.path, column.class_, types.get(column.path, within), treatments, tuple(notes))


def _dropped(path: str, record: ColumnRecord, entry: TableConfig) -> Column:
    rule = _rule(entry, path)
    return Column(path, record.class_, None, (_treatment(path, record, rule),), tuple(_notes(rule)))


def _rule(entry: TableConfig, path: str) -> ColumnRule | None:
    return entry.columns.get(path)


def _notes(rule: ColumnRule | None) -> Iterator[str]:
    if rule is None:
        return
    if rule.kind is not None:
        yield f"stated to hold: {rule.kind}"
    if rule.retention is not None:
        yield f"kept for {rule.retention}"
    if rule.review_by is not None:
        yield f"to be reviewed by {rule.review_by.isoformat()}"


def _otherwise(each: list[ColumnPrivacy], entry: TableConfig) -> Iterator[str]:
    """Where the configuration at hand says something else than the table."""
    for case in each:
        rule = _rule(entry, case.path)
        if rule is None:
            yield "the configuration at hand does not name it"
        elif (rule.class_, rule.treatment.technique.technique) != (case.class_, case.technique):
            yield f"the configuration at hand says {rule.class_}, {rule.treatment.technique.technique}"


def _treatment(path: str, record: ColumnRecord, rule: ColumnRule | None) -> Treatment:
    told = told_elsewhere.parameters(record)
    facts = record.facts
    return Treatment(
        record.technique,
        {name: _word(told[name]) for name in _chosen(record)},
        record.domain,
        record.key,
        record.key_id,
        path if record.rows is not None else None,
        "" if rule is None else rule.why,
        LEARNS[Shows.MISSING if record.gives_null else facts.shows],
        _way_back(record),
        facts.deterministic,
        _protects(record),
        record.is_raw,
    )


def _chosen(record: ColumnRecord) -> Iterator[str]:
    """The parameters that say something: no empty ones, and not that refused values stop the run, as ever."""
    for name, value in record.parameters.items():
        is_empty = value is None or value is False or value in ("", [])
        if not is_empty and (name, value) != (NEVER_MATTERS, "stop"):
            yield name


def _word(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(each, (str, int, float)) for each in value):
        text = ", ".join(map(str, value))
    elif isinstance(value, dict) and value.keys() == {"count", "sha256"}:
        return f"a list of {value['count']} (SHA-256 {value['sha256'][:12]}…)"
    else:
        text = value if isinstance(value, str) else canonical_json(value)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _way_back(record: ColumnRecord) -> str | None:
    facts = record.facts
    if facts.by_vault:
        return f"whoever holds key {record.key} and the vault of the domain can turn a token back"
    if facts.subject_keys_in(record.parameters) is not None:
        return (
            f"whoever holds key {record.key} and its table of keys of subjects can turn it back, while the key is there"
        )
    if facts.reversible and record.key is not None:
        return f"whoever holds key {record.key} can turn it back"
    if record.key is not None and facts.deterministic:
        return f"none; whoever holds key {record.key} can compute what a guess of theirs would give"
    return None


def _protects(record: ColumnRecord) -> bool:
    """Whether every value is protected as a whole, as lineage says it."""
    try:
        technique = parse({**record.parameters, "technique": record.technique})
    except LakenymError:  # a long list is in the record by its hash only
        return not record.leaves_values
    return technique.masks() or record.facts.drops_column


def _types(path: ColumnPath, given: T.DataType) -> Iterator[tuple[str, str]]:
    """Every node of a schema below a path, with its type."""
    if isinstance(given, T.StructType):
        for field in given.fields:
            below = path.child(Field(field.name))
            yield str(below), _type(field.dataType)
            yield from _types(below, field.dataType)
    elif isinstance(given, T.ArrayType):
        yield str(path.child(Element())), _type(given.elementType)
        yield from _types(path.child(Element()), given.elementType)
    elif isinstance(given, T.MapType):
        for step, part in ((MapKey(), given.keyType), (MapValue(), given.valueType)):
            yield str(path.child(step)), _type(part)
            yield from _types(path.child(step), part)


def _type(given: T.DataType) -> str:
    return given.typeName() if isinstance(given, (T.StructType, T.ArrayType, T.MapType)) else given.simpleString()
