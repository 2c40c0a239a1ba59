"""Values within the columns of a table: whether one is among those that are looked for, and rows without such values.

Where one stands in an element of an array or an entry of a map, the innermost element or entry goes, and the rest
stays; where it stands in none, the value becomes null.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.configuration.column_path import ColumnPath, Document, Element, Field, Items, MapKey, MapValue, Member, Step
from jobs.lake.columns import dotted
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure
from privacy_udfs.technique import narrow, plain

INTO = (Element, MapKey, MapValue)
Hit = Callable[[pa.Array], npt.NDArray[np.bool_]]
"""Of each value of a column whether it is looked for. It is sent to executors, and holds a reference to what is looked
for, never the values themselves."""


def has_list(path: ColumnPath) -> bool:
    """Whether a path leads into arrays or maps, of JSON text too."""
    return any(isinstance(step, (*INTO, Items)) for step in path.steps)


def whether(label: str, hit: Hit) -> Callable[[Column], Column]:
    """A function of a column: whether its value is looked for; never null. label: of the column, for errors."""
    look = _look(label, hit)

    def is_one_of_the_asked(values: pa.Array) -> pa.Array:
        return pa.array(look(whole(values)))

    return arrow_udf(is_one_of_the_asked, returnType=T.BooleanType())  # type: ignore[call-overload, no-any-return]


def those(label: str, hit: Hit, kind: T.DataType) -> Callable[[Column], Column]:
    """A function of arrays: what of each is looked for, with repetitions; empty for null. kind: of the values."""
    look = _look(label, hit)

    def those_of_the_asked(lists: pa.Array) -> pa.Array:
        lists = whole(lists)
        flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
        hits = pa.array(look(flat))
        numbers = np.bincount(np.asarray(parents.filter(hits)), minlength=len(lists))
        offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat.filter(hits))

    return arrow_udf(those_of_the_asked, returnType=T.ArrayType(kind))  # type: ignore[call-overload, no-any-return]


def numbers(label: str, at: Callable[[pa.Array], npt.NDArray[np.int32]]) -> Callable[[Column], Column]:
    """A function of arrays: of each what ``at`` says of its values, each once."""
    mark = wording.mark()

    def numbers_of_the_asked(lists: pa.Array) -> pa.Array:
        lists = whole(lists)
        flat, parents = pc.list_flatten(lists), np.asarray(pc.list_parent_indices(lists))
        with told_of(label, mark):
            found = np.asarray(at(narrow(plain(flat))), np.int64)
        pairs = np.unique(np.column_stack((parents, found)), axis=0) if len(found) else np.zeros((0, 2), np.int64)
        offsets = np.searchsorted(pairs[:, 0], np.arange(len(lists) + 1)).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets), pa.array(pairs[:, 1], pa.int32()))

    return arrow_udf(numbers_of_the_asked, returnType=T.ArrayType(T.IntegerType()))  # type: ignore[call-overload, no-any-return]


def whole(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _look(label: str, hit: Hit) -> Hit:
    """Errors of it say the column, and no value."""
    mark = wording.mark()

    def look(values: pa.Array) -> npt.NDArray[np.bool_]:
        with told_of(label, mark):
            return np.asarray(hit(narrow(plain(values))), bool)

    return look


@contextlib.contextmanager
def told_of(label: str, mark: str) -> Iterator[None]:
    with wording.marked_errors(mark):
        try:
            yield
        except LakenymError as error:
            error.args = (f"{label}: {error}",)
            raise error from None
        except Exception as error:  # texts of libraries quote values
            raise UnexpectedFailure(f"{label}: it cannot be searched ({type(error).__name__})") from None


def values_at(at: Column, steps: Sequence[Step], kind: T.DataType) -> Column:
    """An array of all values at a path below a column; what is null on the way has none."""
    if not steps:
        return F.array(at)
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        return values_at(at.getField(step.name), rest, kind)
    parts = at if isinstance(step, Element) else F.map_keys(at) if isinstance(step, MapKey) else F.map_values(at)
    each = F.transform(parts, lambda part: values_at(part, rest, kind))
    return F.coalesce(F.flatten(each), F.array().cast(T.ArrayType(kind)))


def cleaned(at: Column, steps: Sequence[Step], gone: Column) -> Column:
    """A column without the innermost elements or entries in which a value at the path is among those that go; null in
    the place of such a value where it stands in none."""
    if not steps:
        return F.when(~_is_theirs(at, (), gone), at)
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        inner = cleaned(at.getField(step.name), rest, gone)
        return F.when(at.isNotNull(), at.withField(dotted(step.name), inner))
    is_last = not any(isinstance(each, INTO) for each in rest)
    if isinstance(step, Element):
        if is_last:
            return F.filter(at, lambda part: ~_is_theirs(part, rest, gone))
        return F.transform(at, lambda part: cleaned(part, rest, gone))
    if is_last:
        return F.map_filter(at, lambda key, value: ~_is_theirs(key if isinstance(step, MapKey) else value, rest, gone))
    if isinstance(step, MapKey):
        return F.transform_keys(at, lambda key, value: cleaned(key, rest, gone))
    return F.transform_values(at, lambda key, value: cleaned(value, rest, gone))


def _is_theirs(part: Column, rest: Sequence[Step], gone: Column) -> Column:
    for step in rest:
        assert isinstance(step, Field), "the last step into an array or a map is behind"
        part = part.getField(step.name)
    return F.coalesce(F.array_contains(gone, part), F.lit(False))


def kind_of(schema: T.StructType, path: ColumnPath) -> T.DataType | None:
    """The type of what stands at a path; None where the schema has no such path."""
    given: T.DataType = schema
    for step in path.steps:
        if isinstance(step, Field):
            fields: Mapping[str, T.DataType] = (
                {each.name: each.dataType for each in given.fields} if isinstance(given, T.StructType) else {}
            )
            if step.name not in fields:
                return None
            given = fields[step.name]
        elif isinstance(step, INTO):
            inner = below(given, step)
            if inner is given:
                return None
            given = inner
        elif not (isinstance(step, Document | Member | Items) and isinstance(given, T.StringType)):
            return None
    return given


def below(given: T.DataType, step: Step) -> T.DataType:
    """The type of elements, keys or values; of anything else the same."""
    if isinstance(given, T.ArrayType) and isinstance(step, Element):
        return given.elementType
    if isinstance(given, T.MapType):
        return given.keyType if isinstance(step, MapKey) else given.valueType
    return given


def is_required(schema: T.StructType, path: ColumnPath) -> bool:
    """Whether the field at the end of a path of fields may not be null."""
    given: T.DataType = schema
    is_nullable = True
    for step in path.steps:
        fields = given.fields if isinstance(given, T.StructType) else []
        field = next((each for each in fields if isinstance(step, Field) and each.name == step.name), None)
        if field is None:
            return False
        given, is_nullable = field.dataType, field.nullable
    return not is_nullable
