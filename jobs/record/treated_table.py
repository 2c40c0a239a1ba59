"""What a reader's job learns from a treated table alone, and what it is kept from doing with it.

Every field of a treated table carries its own entry of the treatment record in its metadata, so a schema is enough: no
configuration, no key and no lookup. All functions take a data frame or its schema; none reads rows::

    customers, orders = spark.read.table("treated.customers"), spark.read.table("treated.orders")
    privacy_of(customers)["birth_date"].technique        # generalize_date
    check_join(customers, orders, on="customer_id")      # raises UnsafeUse where nothing would join
    check_publishable(customers)                         # raises UnsafeUse where a direct identifier is raw

Metadata follows a column through ``select`` and ``alias`` and is lost by expressions: a computed column has no entry
and counts as undecided. It is told by whoever wrote the table: this is help against mistakes, no access control.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step, When
from jobs.configuration.documents import did_you_mean
from jobs.console.shown import shown
from jobs.lake.record_names import PRIVACY
from jobs.record.field_metadata import decoded
from jobs.record.record_reader import why_unsound
from privacy_udfs.errors import LakenymError
from privacy_udfs.techniques import facts_of, parse


class UnsafeUse(LakenymError):
    """What was asked would give wrong or raw results. Nothing was read."""


@dataclasses.dataclass(frozen=True)
class ColumnPrivacy:
    """What a table says of one leaf column. All but the path is None where it says nothing: nobody decided.

    fault: why what it says cannot be believed; then it counts as undecided, and all but the path is None.
    cases: where rows are treated differently, what it says of each case (of which ``rows`` is the predicate); then path
    and class are all that the column says by itself.
    """

    path: str
    class_: str | None = None
    technique: str | None = None
    parameters: Mapping[str, Any] | None = None
    domain: str | None = None
    key: str | None = None
    key_id: int | None = None
    key_check: str | None = None
    rows: str | None = None
    cases: tuple[ColumnPrivacy, ...] = ()
    fault: str | None = None

    @property
    def is_decided(self) -> bool:
        return self.technique is not None or bool(self.cases)

    @property
    def is_raw(self) -> bool:
        """Whether the column shows the values of the source: kept, if only in some rows, or undecided."""
        if self.cases:
            return any(case.is_raw for case in self.cases)
        return self.technique is None or facts_of(self.technique).keeps_values


def privacy_of(table: DataFrame | T.StructType) -> dict[str, ColumnPrivacy]:
    """Path (``address.zip``, ``items[].sku``) -> what the table says of it, for every leaf column, nested ones too."""
    schema = table if isinstance(table, T.StructType) else table.schema
    return {column.path: column for column in _of_struct(ColumnPath(()), schema)}


def by_column(table: DataFrame | T.StructType) -> dict[str, list[ColumnPrivacy]]:
    """Top-level column -> what the table says of each leaf in it."""
    schema = table if isinstance(table, T.StructType) else table.schema
    return {field.name: list(_of_struct(ColumnPath(()), T.StructType([field]))) for field in schema.fields}


def _of_struct(path: ColumnPath, given: T.StructType) -> Iterator[ColumnPrivacy]:
    for field in given.fields:
        below = path.child(Field(field.name))
        yield from _of(below, field.dataType, _told(below, decoded(field.metadata.get(PRIVACY))))


def _told(path: ColumnPath, metadata: Any) -> dict[str, Any]:
    """Path -> entry. Those of array elements and map entries stand on the nearest field, by the rest of their path."""
    if not isinstance(metadata, dict):
        return {}
    if "technique" in metadata or "class" in metadata:
        return {str(path): metadata}
    return {f"{path}{rest}": entry for rest, entry in metadata.items()}


def _of(path: ColumnPath, given: T.DataType, told: Mapping[str, Any]) -> Iterator[ColumnPrivacy]:
    entry = told.get(str(path))
    nested = isinstance(given, (T.StructType, T.ArrayType, T.MapType))
    if entry is not None and (not nested or _empties(entry)):  # else it says nothing of the leaves below
        yield _column(path, entry)
    elif isinstance(given, T.StructType):
        yield from _of_struct(path, given)
    elif isinstance(given, T.ArrayType):
        yield from _of(path.child(Element()), given.elementType, told)
    elif isinstance(given, T.MapType):
        parts: list[tuple[Step, T.DataType]] = [(MapKey(), given.keyType), (MapValue(), given.valueType)]
        for step, part in parts:
            yield from _of(path.child(step), part, told)
    else:
        cases = tuple(_cases(path, told))
        fault = next((f"{case.path}: {case.fault}" for case in cases if case.fault is not None), None)
        if fault is not None:
            yield ColumnPrivacy(str(path), fault=fault)
        else:
            yield ColumnPrivacy(str(path), cases[0].class_ if cases else None, cases=cases)


def _empties(entry: Any) -> bool:
    """Whether an entry is one of a whole struct, array or map: all of it null."""
    return why_unsound(entry) is None and _gives_null(entry["technique"], entry["parameters"])


def _gives_null(technique: str | None, parameters: Mapping[str, Any] | None) -> bool:
    try:
        return parse({**(parameters or {}), "technique": technique}).gives_null()
    except LakenymError:  # unknown, or with a long list of which the hash alone is recorded
        return False


def _cases(path: ColumnPath, told: Mapping[str, Any]) -> Iterator[ColumnPrivacy]:
    for number in itertools.count(1):
        case = path.child(When(number))
        if str(case) not in told:
            return
        column = _column(case, told[str(case)])
        if column.fault is None and column.rows is None:
            column = ColumnPrivacy(str(case), fault="it does not say of which rows it is")
        yield column


def _column(path: ColumnPath, entry: Any) -> ColumnPrivacy:
    fault = why_unsound(entry)
    if fault is not None:
        return ColumnPrivacy(str(path), fault=fault)
    known = {field.name for field in dataclasses.fields(ColumnPrivacy)} - {"path", "class_", "cases", "fault"}
    return ColumnPrivacy(str(path), entry.get("class"), **{name: entry[name] for name in known & entry.keys()})


# -- what is refused --------------------------------------------------------------------------------------------------


def check_publishable(table: DataFrame | T.StructType) -> None:
    """Raise `UnsafeUse` with every column that must not leave: raw direct identifiers, and what nobody decided."""
    reasons = [f"{shown(column.path)}: {_why_not(column)}" for column in privacy_of(table).values() if _why_not(column)]
    if reasons:
        raise UnsafeUse("\n".join(["the table must not be published:", *(f"  {reason}" for reason in reasons)]))


def _why_not(column: ColumnPrivacy) -> str | None:
    if column.fault is not None:
        return f"what it says of its treatment cannot be believed: {column.fault}"
    if not column.is_decided:
        return "nobody decided about it"
    raw = [case for case in (column.cases or (column,)) if case.is_raw and case.class_ == "direct_identifier"]
    where = f" in some rows ({raw[0].path})" if raw and column.cases else ""
    return f"a direct identifier that is kept as it is{where}" if raw else None


def check_join(
    left: DataFrame | T.StructType,
    right: DataFrame | T.StructType,
    on: str | Sequence[str | tuple[str, str]],
) -> None:
    """Raise `UnsafeUse` unless the columns join: both raw, or both treated alike, in one domain, under one key.

    on: a path, or several; a pair where the two sides name it differently.
    """
    sides, reasons = (privacy_of(left), privacy_of(right)), []
    for pair in [on] if isinstance(on, str) else on:
        names = (pair, pair) if isinstance(pair, str) else pair
        one, other = _found(sides[0], names[0], "left"), _found(sides[1], names[1], "right")
        reason = _no_join(one, other)
        if reason is not None:
            reasons.append(f"{shown(one.path)} and {shown(other.path)}: {reason}")
    if reasons:
        raise UnsafeUse("\n".join(["the tables do not join:", *(f"  {reason}" for reason in reasons)]))


def _found(columns: Mapping[str, ColumnPrivacy], name: str, side: str) -> ColumnPrivacy:
    path = name if name in columns else str(ColumnPath((Field(name),)))
    if path not in columns:
        raise UnsafeUse(f"the {side} table has no leaf column {name!r}{did_you_mean(name, columns)}")
    return columns[path]


def _no_join(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    """Why two columns do not join, or None."""
    if one.cases or other.cases:
        return _no_join_by_cases(one, other)
    if one.is_raw or other.is_raw:
        raw = "the first" if one.is_raw else "the second"
        return None if one.is_raw and other.is_raw else f"{raw} is raw, the other one treated: nothing would match"
    for column in (one, other):
        facts = facts_of(column.technique)
        if facts.one_result:
            return f"{column.technique} leaves nothing to join on"
        if not facts.deterministic:
            return f"{column.technique} gives equal values unequal results"
    return _unlike(one, other)


def _no_join_by_cases(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    """Columns that are treated by cases join if the cases are the same ones; what became null joins with nothing."""
    if [case.rows for case in one.cases] != [case.rows for case in other.cases]:
        return "rows are treated differently, by other cases on either side"
    pairs = list(zip(one.cases, other.cases, strict=True))
    pairs = [pair for pair in pairs if not all(map(_is_nulled, pair))] or pairs
    reasons = ((case.path, _no_join(case, others)) for case, others in pairs)
    return next((f"{path}: {reason}" for path, reason in reasons if reason is not None), None)


def _is_nulled(column: ColumnPrivacy) -> bool:
    return _gives_null(column.technique, column.parameters)


def _unlike(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    if one.technique != other.technique:
        return f"{one.technique} and {other.technique} give different results"
    if one.domain != other.domain:
        return f"domains {one.domain} and {other.domain} cannot be linked, by intention"
    if one.key != other.key:
        return f"keys {one.key} and {other.key} give different pseudonyms"
    if one.key_id != other.key_id:
        return f"versions {one.key_id} and {other.key_id} of key {one.key}: treat the older table anew"
    if one.key_check != other.key_check:
        return f"two keys are called {one.key} and have the id {one.key_id}: one table was treated with the wrong one"
    return _other_parameters(one.parameters or {}, other.parameters or {})


def _other_parameters(one: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    names = [name for name in dict.fromkeys([*one, *other]) if one.get(name) != other.get(name)]
    named = ", ".join(name for name in names if name != "on_refused")
    return f"other parameters ({named}) give different results" if named else None
