"""Whether a row holds a wanted value at a leaf path: in structs, arrays, maps, and at places in JSON text."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.configuration.column_path import Document, Element, Field, Items, MapKey, MapValue, Member, Step
from jobs.lake.columns import column
from jobs.subjects.held import Place, SourcePlace
from jobs.subjects.lookup import Lookup
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure
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
    steps = leaf.column.steps
    first = steps[0]
    assert isinstance(first, Field)
    values, listed = _at(column(first.name), schema[first.name].dataType, steps[1:])
    inner = leaf.steps[len(steps) + 1 :] if leaf.is_in_json else None
    mark, label = wording.mark(), place.label

    def holds_one_of_the_asked(values: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            own = None if key is None else key.resolve()
            return _held(label, plain(values), listed, inner, lambda found: wanted.value.holds(compared(found, own)))

    find = arrow_udf(holds_one_of_the_asked, returnType=T.BooleanType())  # type: ignore[call-overload]
    return find(values)  # type: ignore[no-any-return]


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
    label: str, given: pa.Array, listed: bool, inner: Sequence[Step] | None, holds: Callable[[pa.Array], Any]
) -> pa.Array:
    """Of each row whether one of its values is wanted."""
    try:
        rows = given.value_parent_indices().to_numpy() if listed else np.arange(len(given))
        values = narrow(plain(given.flatten() if listed else given))
        if inner is not None:
            at, values = _of_texts(values, inner)
            rows = rows[at]
        found = np.zeros(len(given), bool)
        found[rows[holds(values)]] = True
        return pa.array(found)
    except LakenymError as error:
        error.args = (f"{label}: {error}",)
        raise error from None
    except Exception as error:  # texts of libraries quote values
        raise UnexpectedFailure(f"{label}: it cannot be searched ({type(error).__name__})") from None


def _of_texts(texts: pa.Array, inner: Sequence[Step]) -> tuple[Any, pa.Array]:
    """The values at a place in JSON texts, numbers as they are written, and of each the number of its text."""
    at, found = [], []
    for number, text in enumerate(texts.to_pylist()):
        for value in () if text is None else within(json.loads(text, parse_int=str, parse_float=str), inner):
            at.append(number)
            found.append(value)
    return np.array(at, np.int64), pa.array(found, pa.string())


def within(value: Any, steps: Sequence[Step]) -> Iterator[str]:
    """The values at the end of some steps into JSON that was read, as text."""
    if not steps:
        if isinstance(value, bool):
            yield "true" if value else "false"
        elif isinstance(value, str):
            yield value
        return
    step = steps[0]
    if isinstance(step, Member) and isinstance(value, dict) and step.name in value:
        yield from within(value[step.name], steps[1:])
    elif isinstance(step, Items) and isinstance(value, list):
        for each in value:
            yield from within(each, steps[1:])


def each_of(place: Place, rows: pa.Table) -> Iterator[list[Any]]:
    """Of rows on the driver the values at a place, row by row, without nulls."""
    leaf = place.path.leaf
    first = leaf.steps[0]
    assert isinstance(first, Field)
    for value in rows[first.name].to_pylist():
        yield list(_walked(value, leaf.steps[1:]))


def _walked(value: Any, steps: Sequence[Step]) -> Iterator[Any]:
    if value is None:
        return
    if not steps:
        yield value
        return
    step, rest = steps[0], steps[1:]
    if isinstance(step, Document):
        yield from within(json.loads(value, parse_int=str, parse_float=str), rest)
    elif isinstance(step, Field):
        yield from _walked(value[step.name], rest)
    elif isinstance(step, Element):
        for each in value:
            yield from _walked(each, rest)
    else:
        for key, item in value:
            yield from _walked(key if isinstance(step, MapKey) else item, rest)
