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

from jobs.configuration.column_path import (
    ColumnPath,
    ColumnPathError,
    Document,
    Element,
    Field,
    MapKey,
    MapValue,
    Step,
    When,
)
from jobs.configuration.documents import did_you_mean
from jobs.console.shown import shown
from jobs.record.column_record import ColumnRecord, Unsound
from jobs.record.field_metadata import entries_on
from privacy_udfs.errors import LakenymError


class UnsafeUse(LakenymError):
    """What was asked would give wrong or raw results. Nothing was read."""


@dataclasses.dataclass(frozen=True)
class ColumnPrivacy:
    """What a table says of one leaf column.

    record: what was done to it; None where rows are treated differently, or where nobody decided.
    cases: where rows are treated differently, what it says of each case, of which ``rows`` is the predicate.
    fault: why what it says cannot be believed; then it counts as undecided.
    """

    path: str
    record: ColumnRecord | None = None
    cases: tuple[ColumnPrivacy, ...] = ()
    fault: str | None = None

    @property
    def records(self) -> tuple[ColumnRecord, ...]:
        """What was done to it: one record, or one for each case; none where nobody decided."""
        return tuple(each.record for each in self.cases or (self,) if each.record is not None)

    @property
    def class_(self) -> str | None:
        """None where nobody decided. All cases of a column have the same."""
        return self.records[0].class_ if self.records else None

    # what follows is None where nobody decided, and where there are cases

    @property
    def technique(self) -> str | None:
        return None if self.record is None else self.record.technique

    @property
    def parameters(self) -> Mapping[str, Any] | None:
        return None if self.record is None else self.record.parameters

    @property
    def domain(self) -> str | None:
        return None if self.record is None else self.record.domain

    @property
    def scope(self) -> str | None:
        """How far its pseudonyms join: `privacy_udfs.scope_labels.SCOPES`."""
        return None if self.record is None else self.record.scope

    @property
    def key(self) -> str | None:
        return None if self.record is None else self.record.key

    @property
    def key_id(self) -> int | None:
        return None if self.record is None else self.record.key_id

    @property
    def key_check(self) -> str | None:
        return None if self.record is None else self.record.key_check

    @property
    def rows(self) -> str | None:
        return None if self.record is None else self.record.rows

    @property
    def is_decided(self) -> bool:
        return bool(self.records)

    @property
    def is_raw(self) -> bool:
        """Whether the column shows the values of the source: kept, if only in some rows, or undecided."""
        return not self.records or any(record.is_raw for record in self.records)

    @property
    def leaves_values(self) -> bool:
        """Whether it shows values of the source, or may within others."""
        return not self.records or any(record.leaves_values for record in self.records)


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
        yield from _of(below, field.dataType, entries_on(below, field.metadata))


def _of(path: ColumnPath, given: T.DataType, told: Mapping[str, Any]) -> Iterator[ColumnPrivacy]:
    entry = told.get(str(path))
    own = None if entry is None else _column(path, entry)
    nested = isinstance(given, (T.StructType, T.ArrayType, T.MapType))
    if own is not None and (not nested or _empties(own)):  # else it says nothing of the leaves below
        yield own
    elif isinstance(given, T.StructType):
        yield from _of_struct(path, given)
    elif isinstance(given, T.ArrayType):
        yield from _of(path.child(Element()), given.elementType, told)
    elif isinstance(given, T.MapType):
        parts: list[tuple[Step, T.DataType]] = [(MapKey(), given.keyType), (MapValue(), given.valueType)]
        for step, part in parts:
            yield from _of(path.child(step), part, told)
    elif into := [name for name in told if name.startswith(f"{path}{Document()}")]:
        yield from (_column_named(name, told[name]) for name in into)
    else:
        cases = tuple(_cases(path, told))
        fault = next((f"{case.path}: {case.fault}" for case in cases if case.fault is not None), None)
        yield ColumnPrivacy(str(path), cases=cases if fault is None else (), fault=fault)


def _empties(column: ColumnPrivacy) -> bool:
    """Whether an entry is one of a whole struct, array or map: all of it null."""
    return column.record is not None and column.record.gives_null


def _cases(path: ColumnPath, told: Mapping[str, Any]) -> Iterator[ColumnPrivacy]:
    for number in itertools.count(1):
        case = path.child(When(number))
        if str(case) not in told:
            return
        column = _column(case, told[str(case)])
        if column.record is not None and column.record.rows is None:
            column = ColumnPrivacy(str(case), fault="it does not say of which rows it is")
        yield column


def _column(path: ColumnPath, entry: Any) -> ColumnPrivacy:
    try:
        return ColumnPrivacy(str(path), ColumnRecord.from_json(entry))
    except Unsound as error:
        return ColumnPrivacy(str(path), fault=str(error))


def _column_named(name: str, entry: Any) -> ColumnPrivacy:
    """Of a place in JSON text. Anyone may have written its name."""
    try:
        return _column(ColumnPath.parse(name), entry)
    except ColumnPathError:
        return ColumnPrivacy(name, fault="its path cannot be understood")


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
    left = [case for case in (column.cases or (column,)) if case.leaves_values and case.class_ == "direct_identifier"]
    if not left:
        return None
    where = f" in some rows ({left[0].path})" if column.cases else ""
    how = "that is kept as it is" if left[0].is_raw else "of which only what is recognized is treated"
    return f"a direct identifier {how}{where}"


def check_join(
    left: DataFrame | T.StructType,
    right: DataFrame | T.StructType,
    on: str | Sequence[str | tuple[str, str]],
) -> None:
    """Raise `UnsafeUse` unless the columns join: both raw, or both treated alike, in one domain, under one key.

    on: a path, or several; a pair where the two sides name it differently. Of a domain of ``scope: period`` rows join
    that are of one period, and no others: `ColumnPrivacy.scope` says so.
    """
    sides, reasons = (privacy_of(left), privacy_of(right)), []
    for pair in [on] if isinstance(on, str) else on:
        names = (pair, pair) if isinstance(pair, str) else pair
        one, other = _found(sides[0], names[0], "left"), _found(sides[1], names[1], "right")
        reason = why_no_join(one, other)
        if reason is not None:
            reasons.append(f"{shown(one.path)} and {shown(other.path)}: {reason}")
    if reasons:
        raise UnsafeUse("\n".join(["the tables do not join:", *(f"  {reason}" for reason in reasons)]))


def _found(columns: Mapping[str, ColumnPrivacy], name: str, side: str) -> ColumnPrivacy:
    path = name if name in columns else str(ColumnPath((Field(name),)))
    if path not in columns:
        raise UnsafeUse(f"the {side} table has no leaf column {name!r}{did_you_mean(name, columns)}")
    return columns[path]


def why_no_join(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    """Why two columns do not join, or None."""
    if one.cases or other.cases:
        return _no_join_by_cases(one, other)
    for column in (one, other):
        if column.record is not None and column.record.facts.shows is None:
            return f"nobody has said what {column.technique} shows, nor whether equal values have equal results"
    if one.is_raw or other.is_raw:
        raw = "the first" if one.is_raw else "the second"
        return None if one.is_raw and other.is_raw else f"{raw} is raw, the other one treated: nothing would match"
    assert one.record is not None, "what is not raw and has no cases has a record"
    assert other.record is not None
    for record in (one.record, other.record):
        if record.facts.one_result:
            return f"{record.technique} leaves nothing to join on"
        if not record.facts.deterministic:
            return f"{record.technique} gives equal values unequal results"
    return one.record.why_other_results(other.record)


def _no_join_by_cases(one: ColumnPrivacy, other: ColumnPrivacy) -> str | None:
    """Columns that are treated by cases join if the cases are the same ones; what became null joins with nothing."""
    if [case.rows for case in one.cases] != [case.rows for case in other.cases]:
        return "rows are treated differently, by other cases on either side"
    pairs = list(zip(one.cases, other.cases, strict=True))
    pairs = [pair for pair in pairs if not all(map(_empties, pair))] or pairs
    reasons = ((case.path, why_no_join(case, others)) for case, others in pairs)
    return next((f"{path}: {reason}" for path, reason in reasons if reason is not None), None)
