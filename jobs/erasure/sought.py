"""Those who are asked for, in the rows of a table: which rows are theirs, and what stays of rows of others.

A row whose own column, or field of a struct, holds one of them is theirs; where the catalog names the column that says
whose a row is (``subject``), that one alone. Elsewhere in such a table the row is somebody else's: the value becomes
null. So it is where one stands in an element of an array or an entry of a map: the innermost element or entry goes, and
the rest stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step
from jobs.lake.bare_types import bare
from jobs.lake.columns import column, dotted
from jobs.lake.delta_commit.take_out import AFTER, BEFORE, CHANGE, DELETED
from jobs.lake.file_places import FILE
from privacy_udfs import wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure
from privacy_udfs.technique import narrow, plain

ROW, GONE = "lakenym erased row", "lakenym erased in {}"
"""Names of what is put beside the columns of a table: no catalog lets a column be called so."""
ROWS, ELEMENTS, PLACE = "rows", "elements", "place"
INTO = (Element, MapKey, MapValue)
Hit = Callable[[pa.Array], npt.NDArray[np.bool_]]
"""Of each value of a column whether it calls one of them. It is sent to executors, and holds a reference to what is
looked for, never the values themselves."""


@dataclasses.dataclass(frozen=True, eq=False)
class Sought:
    """A column, and how those who are asked for are told in it. is_of_others: another column says whose a row is."""

    path: ColumnPath
    hit: Hit = dataclasses.field(repr=False)
    is_of_others: bool = False

    @property
    def has_list(self) -> bool:
        return any(isinstance(step, INTO) for step in self.path.steps)

    @property
    def is_nested(self) -> bool:
        """Whether the row stays, and a part of it goes."""
        return self.has_list or self.is_of_others


def marked(rows: DataFrame, sought: Sequence[Sought]) -> DataFrame:
    """The rows with `ROW`, whether they are theirs, and of each nested column (`GONE`) what of it is theirs, an entry
    for each element that is to go, or value that becomes null. sought: columns that the rows have."""
    hits: Column = F.lit(False)
    gone: dict[str, Column] = {}
    for each in sought:
        kind = kind_of(rows.schema, each.path)
        assert kind is not None, "only columns that the rows have are looked into"
        if each.is_nested:
            values = _values_at(column(each.path.root), each.path.steps[1:], bare(kind))
            gone[GONE.format(len(gone))] = _those(each, bare(kind))(values)
        else:
            own = column(*(step.name for step in each.path.steps if isinstance(step, Field)))
            hits = hits | _whether(each)(own)
    return rows.withColumns({ROW: hits, **gone})


def counted(rows: DataFrame, sought: Sequence[Sought]) -> DataFrame:
    """Of each file (`PLACE`) in which one of them stands: how many rows go (`ROWS`), and how many parts of rows of
    others (`ELEMENTS`)."""
    nested = range(sum(each.is_nested for each in sought))
    elements = _elements(len(nested))
    found = marked(rows.withColumn(PLACE, F.col(FILE)), sought)
    of_file = found.where(any_of(len(nested))).groupBy(PLACE)
    return of_file.agg(
        F.count_if(F.col(ROW)).alias(ROWS), F.sum(F.when(F.col(ROW), 0).otherwise(elements)).alias(ELEMENTS)
    )


def any_of(nested: int) -> Column:
    """Whether a row of `marked` holds one of them. nested: how many of the columns are."""
    return F.col(ROW) | (_elements(nested) > 0)


def _elements(nested: int) -> Column:
    found: Column = F.lit(0)
    for at in range(nested):
        found = found + F.size(column(GONE.format(at)))
    return found


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
    elements = _elements(len(nested))
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


def _whether(sought: Sought) -> Callable[[Column], Column]:
    """A function of a column: whether its value is theirs; never null."""
    look = _look(sought)

    def is_one_of_the_asked(values: pa.Array) -> pa.Array:
        return pa.array(look(_whole(values)))

    return arrow_udf(is_one_of_the_asked, returnType=T.BooleanType())  # type: ignore[call-overload, no-any-return]


def _those(sought: Sought, kind: T.DataType) -> Callable[[Column], Column]:
    """A function of arrays: what of each is theirs, with repetitions; empty for null."""
    look = _look(sought)

    def those_of_the_asked(lists: pa.Array) -> pa.Array:
        lists = _whole(lists)
        flat, parents = pc.list_flatten(lists), pc.list_parent_indices(lists)
        hits = pa.array(look(flat))
        numbers = np.bincount(np.asarray(parents.filter(hits)), minlength=len(lists))
        offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int32)
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), flat.filter(hits))

    return arrow_udf(those_of_the_asked, returnType=T.ArrayType(kind))  # type: ignore[call-overload, no-any-return]


def _whole(values: Any) -> pa.Array:
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def _look(sought: Sought) -> Hit:
    """Errors of it say the column, and no value."""
    mark, label, hit = wording.mark(), str(sought.path), sought.hit

    def look(values: pa.Array) -> npt.NDArray[np.bool_]:
        with wording.marked_errors(mark):
            try:
                return np.asarray(hit(narrow(plain(values))), bool)
            except LakenymError as error:
                error.args = (f"{label}: {error}",)
                raise error from None
            except Exception as error:  # texts of libraries quote values
                raise UnexpectedFailure(f"{label}: it cannot be searched ({type(error).__name__})") from None

    return look


def _values_at(at: Column, steps: Sequence[Step], kind: T.DataType) -> Column:
    """An array of all values at a path below a column; what is null on the way has none."""
    if not steps:
        return F.array(at)
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        return _values_at(at.getField(step.name), rest, kind)
    parts = at if isinstance(step, Element) else F.map_keys(at) if isinstance(step, MapKey) else F.map_values(at)
    each = F.transform(parts, lambda part: _values_at(part, rest, kind))
    return F.coalesce(F.flatten(each), F.array().cast(T.ArrayType(kind)))


def _cleaned(at: Column, steps: Sequence[Step], gone: Column) -> Column:
    """A column without the innermost elements or entries in which a value at the path is among those that go; null in
    the place of such a value where it stands in none."""
    if not steps:
        return F.when(~_is_theirs(at, (), gone), at)
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        inner = _cleaned(at.getField(step.name), rest, gone)
        return F.when(at.isNotNull(), at.withField(dotted(step.name), inner))
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
            below = _below(given, step)
            if below is given:
                return None
            given = below
        else:
            return None
    return given
