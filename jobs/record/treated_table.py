"""What a reader's job learns from a treated table alone, and what it is kept from doing with it.

Every field of a treated table carries its own entry of the treatment record in its metadata, so a schema is enough: no
configuration, no key and no lookup. All functions take a data frame or its schema; none reads rows, unless asked to::

    customers, orders = spark.read.table("treated.customers"), spark.read.table("treated.orders")
    privacy_of(customers)["birth_date"].technique        # generalize_date
    check_join(customers, orders, "customer_id")         # says why they join, or raises UnsafeUse where nothing would
    check_join(customers, orders, "customer_id", "buyer")  # of a name on either side
    check_join(customers, orders, "customer_id", "buyer", look=True)  # reads the rows too: is one value in common?
    check_publishable(customers)                         # raises UnsafeUse where a direct identifier is raw

Metadata follows a column through ``select`` and ``alias`` and is lost by expressions: a computed column has no entry
and counts as undecided. It is told by whoever wrote the table: this is help against mistakes, no access control.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, SparkSession
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
from jobs.lake.address import Address
from jobs.record import leaf_values
from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.column_record import ColumnRecord, Unsound
from jobs.record.field_metadata import entries_on
from jobs.record.joins import empties, verdict
from privacy_udfs.errors import LakenymError

Table = DataFrame | T.StructType
On = str | tuple[str, str] | Sequence[str | tuple[str, str]]


class UnsafeUse(LakenymError):
    """What was asked would give wrong or raw results. Nothing was read."""


def privacy_of(table: Table) -> dict[str, ColumnPrivacy]:
    """Path (``address.zip``, ``items[].sku``) -> what the table says of it, for every leaf column, nested ones too."""
    schema = table if isinstance(table, T.StructType) else table.schema
    return {column.path: column for column in _of_struct(ColumnPath(()), schema)}


def by_column(table: Table) -> dict[str, list[ColumnPrivacy]]:
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
    if own is not None and (not nested or empties(own)):  # else it says nothing of the leaves below
        yield dataclasses.replace(own, kind=given)
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
        yield ColumnPrivacy(str(path), cases=cases if fault is None else (), fault=fault, kind=given)


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


def check_publishable(table: Table) -> None:
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


def check_join(left: Table | str, right: Table | str, on: On, other: str | None = None, look: bool = False) -> str:
    """Raise `UnsafeUse` unless the columns join: both raw, or both treated alike, in one domain, under one key. Gives a
    sentence for each pair that says why they do, and within what: of a domain of ``scope: period`` rows of one period
    join and no others, and with ``key_per: subject`` those of one subject.

    left, right: data frames, schemas, or names or paths of tables, which the session in use reads. on: a path, or a
    list of such; a pair where the two sides name it differently. other: the same of two names alone,
    ``check_join("treated.customers", "treated.orders", "id", "buyer.id")``. look: read the rows too, and raise where
    columns that are treated alike hold values and not one in common, as ids do that are written in two ways
    (``Patient/f001`` and ``f001``): no record tells how ids were written.
    """
    tables = _table(left), _table(right)
    sides = privacy_of(tables[0]), privacy_of(tables[1])
    pairs = [(_found(sides[0], one, "left"), _found(sides[1], two, "right")) for one, two in _pairs(on, other)]
    told = [verdict(*pair) for pair in pairs]
    if look:
        told = [_looked(tables, pair, *said) for pair, said in zip(pairs, told, strict=True)]
    if not all(join for join, _ in told):
        reasons = [f"  {sentence}" for join, sentence in told if not join]
        raise UnsafeUse("\n".join(["the tables do not join:", *reasons]))
    return "\n".join(sentence for _, sentence in told)


def _looked(
    tables: tuple[Table, Table], pair: tuple[ColumnPrivacy, ColumnPrivacy], joins: bool, said: str
) -> tuple[bool, str]:
    """A verdict by the rows too."""
    if not joins:
        return joins, said
    frames = [table for table in tables if isinstance(table, DataFrame)]
    if len(frames) < len(tables):
        raise UnsafeUse("look reads rows: give data frames, or names or paths of tables, and no schema")
    one, other = (leaf_values.of(frame, column.path) for frame, column in zip(frames, pair, strict=True))
    if one is None or other is None:
        return True, f"{said}; what stands in JSON text was not looked at"
    found = leaf_values.in_common(one, other)
    if found is None:
        return True, f"{said}; one of them holds no value"
    if not found:
        names = " and ".join(shown(column.path) for column in pair)
        return (
            False,
            f"{names} are treated alike, but have no value in common: are the ids written alike (strip_prefix)?",
        )
    return True, f"{said}; they have values in common"


def _pairs(on: On, other: str | None) -> list[tuple[str, str]]:
    """The columns that are compared, on the left and on the right."""
    if other is not None:
        if not isinstance(on, str):
            raise UnsafeUse("two names are one column of each table: give a list of pairs for several")
        return [(on, other)]
    if isinstance(on, tuple) and len(on) == 2 and all(isinstance(name, str) for name in on):
        return [(str(on[0]), str(on[1]))]
    listed = [on] if isinstance(on, str) else on
    return [(pair, pair) if isinstance(pair, str) else pair for pair in listed]


def _table(given: Table | str) -> Table:
    """Of a table that is named, how the session in use reads it. No row is read."""
    if not isinstance(given, str):
        return given
    spark = SparkSession.getActiveSession()
    if spark is None:
        raise UnsafeUse("there is no session of Spark that could look for a table: start one, or give a data frame")
    address = Address.named(given)
    if not address.exists(spark):
        raise UnsafeUse(f"there is no table {shown(given)}")
    return address.read(spark)


def _found(columns: Mapping[str, ColumnPrivacy], name: str, side: str) -> ColumnPrivacy:
    path = name if name in columns else str(ColumnPath((Field(name),)))
    if path not in columns:
        raise UnsafeUse(f"the {side} table has no leaf column {name!r}{did_you_mean(name, columns)}")
    return columns[path]
