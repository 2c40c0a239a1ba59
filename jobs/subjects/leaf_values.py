"""Whether a row holds a wanted value at a leaf path: in structs, arrays, maps, and at places in JSON text.

JSON text is read, and its numbers are spelled, as an erasure does: whom one of both finds, the other finds too. A text
in which nobody can tell who is named, as one that is no JSON, has nobody, and is counted (`unread_in`).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step, json_path
from jobs.lake import within_texts
from jobs.lake.columns import column
from jobs.subjects.held import Place, SourcePlace
from jobs.subjects.lookup import Lookup
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure
from privacy_udfs.json_text.branches import JsonPath
from privacy_udfs.keys import AnyReference
from privacy_udfs.technique import Key, narrow, plain

Compared = Callable[[pa.Array, Key | None], pa.Array]
"""From values of a column to the bytes that they are compared by (`pseudonyms.comparable`)."""


class Sent(Protocol):
    """What carries the wanted to executors: in Spark, a broadcast variable."""

    @property
    def value(self) -> Lookup: ...


def held_in(
    place: Place | SourcePlace, schema: T.StructType, wanted: Sent, compared: Compared, key: AnyReference | None
) -> Column:
    """True for rows that hold a wanted value there, never null. schema: of the rows."""
    leaf = place.path.leaf
    values, listed = _of_column(leaf.column, schema)
    inner = json_path(leaf) if leaf.is_in_json else None
    mark, label = wording.mark(), place.label

    def holds_one_of_the_asked(values: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            own = None if key is None else key.resolve()
            return _held(label, plain(values), listed, inner, lambda found: wanted.value.holds(compared(found, own)))

    find = arrow_udf(holds_one_of_the_asked, returnType=T.BooleanType())  # type: ignore[call-overload]
    return find(values)  # type: ignore[no-any-return]


def unread_in(text: ColumnPath, paths: Sequence[JsonPath], schema: T.StructType) -> Column:
    """Of rows how many JSON texts of a column they hold in which nobody can tell who is named at one of some paths."""
    values, listed = _of_column(text, schema)
    mark, label = wording.mark(), str(text)

    def texts_that_nobody_can_read(values: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            return _counted(label, plain(values), listed, lambda each: within_texts.is_unread(each, paths))

    count = arrow_udf(texts_that_nobody_can_read, returnType=T.IntegerType())  # type: ignore[call-overload]
    return count(values)  # type: ignore[no-any-return]


def _of_column(path: ColumnPath, schema: T.StructType) -> tuple[Column, bool]:
    first = path.steps[0]
    assert isinstance(first, Field)
    return _at(column(first.name), schema[first.name].dataType, path.steps[1:])


def _at(value: Column, kind: T.DataType, steps: Sequence[Step]) -> tuple[Column, bool]:
    """What stands at the end of some steps, and whether it is an array of such."""
    if not steps:
        return value, False
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        assert isinstance(kind, T.StructType)
        return _at(value.getField(step.name), kind[step.name].dataType, rest)
    items, inner = _items(value, kind, step)
    listed = any(not isinstance(each, Field) for each in rest)
    found = F.transform(items, lambda item: _at(item, inner, rest)[0])
    return (F.flatten(F.filter(found, lambda each: each.isNotNull())) if listed else found), True


def _items(value: Column, kind: T.DataType, step: Step) -> tuple[Column, T.DataType]:
    if isinstance(step, Element):
        assert isinstance(kind, T.ArrayType)
        return value, kind.elementType
    assert isinstance(kind, T.MapType)
    if isinstance(step, MapKey):
        return F.map_keys(value), kind.keyType
    assert isinstance(step, MapValue)
    return F.map_values(value), kind.valueType


def _held(
    label: str, given: pa.Array, listed: bool, inner: JsonPath | None, holds: Callable[[pa.Array], Any]
) -> pa.Array:
    """Of each row whether one of its values is wanted."""
    with _named(label):
        rows, values = _flat(given, listed)
        if inner is not None:
            at, values = _of_texts(values, inner)
            rows = rows[at]
        found = np.zeros(len(given), bool)
        found[rows[holds(values)]] = True
        return pa.array(found)


def _counted(label: str, given: pa.Array, listed: bool, counts: Callable[[str | None], bool]) -> pa.Array:
    with _named(label):
        rows, values = _flat(given, listed)
        found = np.bincount(rows[[counts(text) for text in within_texts.spelled(values)]], minlength=len(given))
        return pa.array(found.astype(np.int32))


def _flat(given: pa.Array, listed: bool) -> tuple[Any, pa.Array]:
    """Of each value its row, and the values."""
    rows = given.value_parent_indices().to_numpy() if listed else np.arange(len(given))
    return rows, narrow(plain(given.flatten() if listed else given))


@contextlib.contextmanager
def _named(label: str) -> Iterator[None]:
    """Errors with the name of a column, and without a value."""
    try:
        yield
    except LakenymError as error:
        error.args = (f"{label}: {error}",)
        raise error from None
    except Exception as error:  # texts of libraries quote values
        raise UnexpectedFailure(f"{label}: it cannot be searched ({type(error).__name__})") from None


def _of_texts(texts: pa.Array, inner: JsonPath) -> tuple[Any, pa.Array]:
    """The values at a place in JSON texts, and of each the number of its text."""
    at, found = [], []
    for number, text in enumerate(within_texts.spelled(texts)):
        for value in within_texts.of_text(text, inner):
            at.append(number)
            found.append(value)
    return np.array(at, np.int64), pa.array(found, pa.string())


def each_of(place: Place, rows: pa.Table) -> Iterator[list[Any]]:
    """Of rows on the driver the values at a place, row by row, without nulls."""
    leaf = place.path.leaf
    first = leaf.steps[0]
    assert isinstance(first, Field)
    for value in rows[first.name].to_pylist():
        yield list(_walked(value, leaf.column.steps[1:], json_path(leaf) if leaf.is_in_json else None))


def _walked(value: Any, steps: Sequence[Step], inner: JsonPath | None) -> Iterator[Any]:
    """inner: where the values are JSON texts, the path into them."""
    if value is None:
        return
    if not steps:
        yield from [value] if inner is None else within_texts.of_text(value, inner)
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        yield from _walked(value[step.name], rest, inner)
    elif isinstance(step, Element):
        for each in value:
            yield from _walked(each, rest, inner)
    else:
        for key, item in value:
            yield from _walked(key if isinstance(step, MapKey) else item, rest, inner)
