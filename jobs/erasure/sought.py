"""Those who are asked for, in the rows of a table: which rows are theirs, and what stays of rows of others.

A row whose own column, or field of a struct, holds one of them is theirs; where the catalog names the column that says
whose a row is (``subject``), that one alone. Elsewhere in such a table the row is somebody else's: the value becomes
null. So it is where one stands in an element of an array or an entry of a map: the innermost element or entry goes, and
the rest stays.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field, Step
from jobs.lake import within_rows
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.lake.delta_commit.take_out import AFTER, BEFORE, CHANGE, DELETED
from jobs.lake.file_places import FILE
from jobs.lake.within_rows import Hit

ROW, GONE = "lakenym erased row", "lakenym erased in {}"
"""Names of what is put beside the columns of a table: no catalog lets a column be called so."""
ROWS, ELEMENTS, PLACE = "rows", "elements", "place"


@dataclasses.dataclass(frozen=True, eq=False)
class Sought:
    """A column, and how those who are asked for are told in it. is_of_others: another column says whose a row is.
    beside: other columns by which it is told too; then ``hit`` gets a struct of all."""

    path: ColumnPath
    hit: Hit = dataclasses.field(repr=False)
    is_of_others: bool = False
    beside: tuple[str, ...] = ()

    @property
    def has_list(self) -> bool:
        return within_rows.has_list(self.path)

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
        kind = within_rows.kind_of(rows.schema, each.path)
        assert kind is not None, "only columns that the rows have are looked into"
        if each.is_nested:
            values = within_rows.values_at(column(each.path.root), each.path.steps[1:], bare(kind))
            gone[GONE.format(len(gone))] = within_rows.those(str(each.path), each.hit, bare(kind))(values)
        else:
            own = column(*(step.name for step in each.path.steps if isinstance(step, Field)))
            own = F.struct(own, *map(column, each.beside)) if each.beside else own
            hits = hits | within_rows.whether(str(each.path), each.hit)(own)
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
        kept[each.path.root] = within_rows.cleaned(before, each.path.steps[1:], column(GONE.format(at)))
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


# -- as the files have it ---------------------------------------------------------------------------------------------


def in_files(
    sought: Sequence[Sought], schema: T.StructType, name_in_files: Callable[[T.StructField], str]
) -> tuple[T.StructType, list[Sought]]:
    """What a reader of the files themselves needs: the columns of the paths, and the paths, by their names there."""
    roots = {name for each in sought for name in (each.path.root, *each.beside)}
    fields = [field for field in schema.fields if field.name in roots]
    renamed = [T.StructField(name_in_files(f), _renamed(f.dataType, name_in_files)) for f in fields]
    names = {field.name: name_in_files(field) for field in fields}
    paths = [
        dataclasses.replace(
            each, path=_path(each.path, schema, name_in_files), beside=tuple(names[name] for name in each.beside)
        )
        for each in sought
    ]
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
            schema = within_rows.below(schema, step)
    return ColumnPath(tuple(steps))
