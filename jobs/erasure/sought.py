"""Those who are asked for, in the rows of a table: which rows are theirs, and what stays of rows of others.

A row whose own column, or field of a struct, holds one of them is theirs. Where one stands in an element of an array or
an entry of a map, the row is somebody else's: the innermost element or entry goes, and the rest stays.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark import Broadcast
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf
from pyspark.sql.pandas.types import from_arrow_type

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step
from jobs.lake.columns import column
from jobs.lake.delta_commit.take_out import AFTER, BEFORE, CHANGE, DELETED
from jobs.lake.file_places import FILE
from jobs.lake.sql import quoted

ROW, GONE = "lakenym erased row", "lakenym erased in {}"
"""Names of what is put beside the columns of a table: no catalog lets a column be called so."""
ROWS, ELEMENTS, PLACE = "rows", "elements", "place"
INTO = (Element, MapKey, MapValue)


@dataclasses.dataclass(frozen=True)
class Sought:
    """How those who are asked for are called in one column. values: distinct, of the column's own type; never shown."""

    path: ColumnPath
    values: pa.Array = dataclasses.field(repr=False)

    @property
    def is_nested(self) -> bool:
        return any(isinstance(step, INTO) for step in self.path.steps)

    @property
    def kind(self) -> T.DataType:
        return from_arrow_type(self.values.type)


def marked(rows: DataFrame, sought: Sequence[Sought]) -> DataFrame:
    """The rows with `ROW`, whether they are theirs, and of each nested column (`GONE`) what of it is theirs, an entry
    for each element that is to go. sought: columns that the rows have."""
    hits: Column = F.lit(False)
    for at, each in enumerate(each for each in sought if not each.is_nested):
        name = f"lakenym erased by {at}"
        theirs = rows.sparkSession.createDataFrame(pa.table({name: each.values}))
        own = column(*(step.name for step in each.path.steps if isinstance(step, Field)))
        rows = rows.join(F.broadcast(theirs), own == column(name), "left")
        hits = hits | column(name).isNotNull()
    nested = [each for each in sought if each.is_nested]
    gone = {
        GONE.format(at): among(rows.sparkSession, each.values)(
            _values_at(column(each.path.root), each.path.steps[1:], each.kind)
        )
        for at, each in enumerate(nested)
    }
    return rows.withColumns({ROW: hits, **gone})


def counted(rows: DataFrame, sought: Sequence[Sought]) -> DataFrame:
    """Of each file (`PLACE`) in which one of them stands: how many rows go (`ROWS`), and how many elements of others
    (`ELEMENTS`)."""
    nested = range(sum(each.is_nested for each in sought))
    elements = sum((F.size(GONE.format(at)) for at in nested), F.lit(0))
    found = marked(rows.withColumn(PLACE, F.col(FILE)), sought)
    of_file = found.where(F.col(ROW) | (elements > 0)).groupBy(PLACE)
    return of_file.agg(
        F.count_if(F.col(ROW)).alias(ROWS), F.sum(F.when(F.col(ROW), 0).otherwise(elements)).alias(ELEMENTS)
    )


def without(rows: DataFrame, sought: Sequence[Sought], tells_changes: bool) -> DataFrame:
    """What stays of the rows. tells_changes: with `CHANGE`, and the rows that a change feed is told of."""
    names, found = rows.columns, marked(rows, sought)
    nested = [each for each in sought if each.is_nested]
    kept: dict[str, Column] = {}
    for at, each in enumerate(nested):
        before = kept.get(each.path.root, column(each.path.root))
        kept[each.path.root] = _cleaned(before, each.path.steps[1:], column(GONE.format(at)))
    if not tells_changes:
        stays = found.where(~F.col(ROW))
        return stays.select(*(kept.get(name, column(name)).alias(name) for name in names))
    elements = sum((F.size(GONE.format(at)) for at in range(len(nested))), F.lit(0))
    none = F.lit(None).cast("string")
    told = (
        F.when(F.col(ROW), F.array(F.lit(DELETED)))
        .when(elements > 0, F.array(none, F.lit(BEFORE), F.lit(AFTER)))
        .otherwise(F.array(none))
    )
    spread = found.withColumn(CHANGE, F.explode(told))
    was = F.coalesce(F.col(CHANGE).isin(DELETED, BEFORE), F.lit(False))
    columns = (
        F.when(was, column(name)).otherwise(kept[name]).alias(name) if name in kept else column(name) for name in names
    )
    return spread.select(*columns, F.col(CHANGE))


# -- within arrays and maps -------------------------------------------------------------------------------------------


def among(spark: SparkSession, values: pa.Array) -> Callable[[Column], Column]:
    """A function of arrays: what of each is among some values, with repetitions. The values are in no plan."""
    shared = spark.sparkContext.broadcast(values)
    made = functools.partial(_among, shared=shared)

    def found(lists: pa.Array) -> pa.Array:
        return made(lists)

    return arrow_udf(found, returnType=T.ArrayType(from_arrow_type(values.type)))  # type: ignore[call-overload, no-any-return]


def _among(lists: pa.Array, shared: Broadcast[pa.Array]) -> pa.Array:
    if isinstance(lists, pa.ChunkedArray):
        lists = lists.combine_chunks()
    flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
    wanted = shared.value
    hit = pc.is_in(flat.cast(wanted.type), value_set=wanted, skip_nulls=True)
    numbers = np.bincount(np.asarray(parents.filter(hit)), minlength=len(lists))
    offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat.cast(wanted.type).filter(hit))


def _values_at(at: Column, steps: Sequence[Step], kind: T.DataType) -> Column:
    """An array of all values at a path below a column; what is null on the way has none."""
    if not steps:
        return F.array(at)
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        return _values_at(at.getField(step.name), rest, kind)
    parts = {Element: lambda: at, MapKey: lambda: F.map_keys(at), MapValue: lambda: F.map_values(at)}[type(step)]()
    each = F.transform(parts, lambda part: _values_at(part, rest, kind))
    return F.coalesce(F.flatten(each), F.array().cast(T.ArrayType(kind)))


def _cleaned(at: Column, steps: Sequence[Step], gone: Column) -> Column:
    """A column without the innermost elements or entries in which a value at the path is among those that go."""
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        inner = _cleaned(at.getField(step.name), rest, gone)
        return F.when(at.isNotNull(), at.withField(quoted(step.name), inner))
    is_last = not any(isinstance(each, INTO) for each in rest)
    if isinstance(step, Element):
        if is_last:
            return F.filter(at, lambda part: ~_is_theirs(part, rest, gone))
        return F.transform(at, lambda part: _cleaned(part, rest, gone))
    if is_last:
        return F.map_filter(at, lambda key, value: ~_is_theirs(key if isinstance(step, MapKey) else value, rest, gone))
    if isinstance(step, MapKey):
        return F.transform_keys(at, lambda key, value: _cleaned(key, rest, gone))
    return F.transform_values(at, lambda key, value: _cleaned(value, rest, gone))


def _is_theirs(part: Column, rest: Sequence[Step], gone: Column) -> Column:
    for step in rest:
        assert isinstance(step, Field), "the last step into an array or a map is behind"
        part = part.getField(step.name)
    return F.coalesce(F.array_contains(gone, part), F.lit(False))


# -- as the files have it ---------------------------------------------------------------------------------------------


def in_files(
    sought: Sequence[Sought], schema: T.StructType, name_in_files: Callable[[T.StructField], str]
) -> tuple[T.StructType, list[Sought]]:
    """What a reader of the files themselves needs: the columns of the paths, and the paths, by their names there."""
    roots = {each.path.root for each in sought}
    fields = [field for field in schema.fields if field.name in roots]
    renamed = [T.StructField(name_in_files(f), _renamed(f.dataType, name_in_files)) for f in fields]
    paths = [dataclasses.replace(each, path=_path(each.path, schema, name_in_files)) for each in sought]
    return T.StructType(renamed), paths


def _renamed(given: T.DataType, name: Callable[[T.StructField], str]) -> T.DataType:
    if isinstance(given, T.StructType):
        return T.StructType([T.StructField(name(f), _renamed(f.dataType, name)) for f in given.fields])
    if isinstance(given, T.ArrayType):
        return T.ArrayType(_renamed(given.elementType, name))
    if isinstance(given, T.MapType):
        return T.MapType(_renamed(given.keyType, name), _renamed(given.valueType, name))
    return given


def _path(path: ColumnPath, schema: T.DataType, name: Callable[[T.StructField], str]) -> ColumnPath:
    steps: list[Step] = []
    for step in path.steps:
        if isinstance(step, Field) and isinstance(schema, T.StructType):
            field = next(each for each in schema.fields if each.name == step.name)
            steps.append(Field(name(field)))
            schema = field.dataType
        else:
            steps.append(step)
            schema = _below(schema, step)
    return ColumnPath(tuple(steps))


def _below(given: T.DataType, step: Step) -> T.DataType:
    if isinstance(given, T.ArrayType) and isinstance(step, Element):
        return given.elementType
    if isinstance(given, T.MapType):
        return given.keyType if isinstance(step, MapKey) else given.valueType
    return given


def has(schema: T.StructType, path: ColumnPath) -> bool:
    """Whether a schema has a path."""
    given: T.DataType = schema
    for step in path.steps:
        if isinstance(step, Field):
            fields: Mapping[str, T.DataType] = (
                {each.name: each.dataType for each in given.fields} if isinstance(given, T.StructType) else {}
            )
            if step.name not in fields:
                return False
            given = fields[step.name]
        elif isinstance(step, INTO):
            below = _below(given, step)
            if below is given:
                return False
            given = below
        else:
            return False
    return True
