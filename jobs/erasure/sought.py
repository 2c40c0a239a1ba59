"""Those who are asked for, in the rows of a table: which rows are theirs, and what stays of rows of others.

A row whose own column, or field of a struct, holds one of them is theirs; where the catalog names the column that says
whose a row is (``subject``), that one alone. Elsewhere in such a table the row is somebody else's: the value becomes
null. So it is where one stands in an element of an array or an entry of a map: the innermost element or entry goes, and
the rest stays. And so it is at a place within JSON text.
"""

from __future__ import annotations

import dataclasses
import functools
import operator
from collections.abc import Callable, Iterable, Iterator, Sequence

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field, Step, json_path
from jobs.erasure import numbered
from jobs.erasure.numbered import Numbered
from jobs.lake import within_rows, within_texts
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.lake.delta_commit.take_out import AFTER, BEFORE, CHANGE, DELETED
from jobs.lake.file_places import FILE
from jobs.lake.within_rows import Hit
from jobs.lake.within_texts import Inner

ROW, GONE = "lakenym erased row", "lakenym erased in {}"
NUMBER, CLOSED = "lakenym erased parts", "lakenym unread"
"""Names of what is put beside the columns of a table: no catalog lets a column be called so."""
ROWS, ELEMENTS, UNREAD, PLACE, NUMBERS = "rows", "elements", "unread", "place", "numbers {}"


@dataclasses.dataclass(frozen=True, eq=False)
class Sought:
    """A column, or a place in the JSON texts of one, and how those who are asked for are told in it. is_of_others:
    another column says whose a row is. beside: other columns by which it is told too; then ``hit`` gets a struct of
    all. closed: which values nobody can look into; None where all are looked into, or the texts themselves tell.
    numbered: whom a value names; None where nobody can say."""

    path: ColumnPath
    hit: Hit = dataclasses.field(repr=False)
    is_of_others: bool = False
    beside: tuple[str, ...] = ()
    closed: Hit | None = dataclasses.field(default=None, repr=False)
    numbered: Numbered | None = dataclasses.field(default=None, repr=False)

    @property
    def has_list(self) -> bool:
        return within_rows.has_list(self.path)

    @property
    def is_nested(self) -> bool:
        """Whether the row stays, and a part of it goes."""
        return self.has_list or self.is_of_others


@dataclasses.dataclass(frozen=True, eq=False)
class _Part:
    """A column of which parts may go. within: of JSON texts, the places in them, by one of which the row may go too."""

    path: ColumnPath
    hit: Hit | None = None
    within: tuple[Inner, ...] = ()

    def gone(self, rows: DataFrame) -> Column:
        """What of it is theirs: values, or of texts `within_texts.FOUND`."""
        kind = within_rows.kind_of(rows.schema, self.path)
        assert kind is not None, "only columns that the rows have are looked into"
        values = within_rows.values_at(column(self.path.root), self.path.steps[1:], bare(kind))
        if self.hit is None:
            return within_texts.found(self.path, self.within)(values)
        return within_rows.those(str(self.path), self.hit, bare(kind))(values)

    def cleaned(self, before: Column, gone: Column) -> Column:
        clean = within_texts.cleaned if self.within else within_rows.cleaned
        return clean(before, self.path.steps[1:], gone)


def _parts(sought: Sequence[Sought]) -> list[_Part]:
    texts: dict[ColumnPath, list[Inner]] = {}
    for each in sought:
        if each.path.is_in_json:
            inner = Inner(json_path(each.path), each.hit, each.is_of_others)
            texts.setdefault(each.path.column, []).append(inner)
    nested = [_Part(each.path, each.hit) for each in sought if each.is_nested and not each.path.is_in_json]
    return [*nested, *(_Part(path, within=tuple(inner)) for path, inner in texts.items())]


def marked(rows: DataFrame, sought: Sequence[Sought]) -> DataFrame:
    """The rows with `ROW`, whether they are theirs, and of each column of parts (`GONE`) what of it is theirs, an entry
    for each element that is to go, or value that becomes null; `NUMBER` of such, and of values that nobody can look
    into (`CLOSED`). sought: columns that the rows have."""
    parts = _parts(sought)
    found = rows.withColumns({GONE.format(at): part.gone(rows) for at, part in enumerate(parts)})
    hits, numbers, closed = [F.lit(False)], [F.lit(0)], [F.lit(0)]
    for each in sought:
        if each.is_nested or each.path.is_in_json:
            continue
        own = _own(each)
        hits.append(within_rows.whether(str(each.path), each.hit)(own))
        if each.closed is not None:
            closed.append(within_rows.whether(str(each.path), each.closed)(own).cast("int"))
    for at, part in enumerate(parts):
        gone = column(GONE.format(at))
        numbers.append(within_texts.total(gone, within_texts.PARTS) if part.within else F.size(gone))
        if part.within:
            hits.append(within_texts.is_own(gone))
            closed.append(within_texts.total(gone, within_texts.UNREAD))
    one = functools.reduce(operator.or_, hits)
    return found.withColumns(
        {ROW: one, NUMBER: functools.reduce(operator.add, numbers), CLOSED: functools.reduce(operator.add, closed)}
    )


def _own(each: Sought) -> Column:
    """What a column outside of arrays and maps is told by."""
    own = column(*(step.name for step in each.path.steps if isinstance(step, Field)))
    return F.struct(own, *map(column, each.beside)) if each.beside else own


def counted(rows: DataFrame, sought: Sequence[Sought]) -> DataFrame:
    """Of each file (`PLACE`) in which one of them stands, or may: how many rows go (`ROWS`), how many parts of rows of
    others (`ELEMENTS`), and how many values in rows that stay nobody can look into (`UNREAD`); and of each column that
    is `numbered` whom it names there (`NUMBERS`)."""
    found = marked(rows.withColumn(PLACE, F.col(FILE)), sought)
    of_file = found.where(any_of() | (F.col(CLOSED) > 0)).groupBy(PLACE)
    stays = (F.when(F.col(ROW), 0).otherwise(F.col(name)) for name in (NUMBER, CLOSED))
    sums = (F.sum(each).alias(name) for each, name in zip(stays, (ELEMENTS, UNREAD), strict=True))
    named = (
        F.array_distinct(F.flatten(F.collect_set(who))).alias(NUMBERS.format(at)) for at, who in _named(rows, sought)
    )
    return of_file.agg(F.count_if(F.col(ROW)).alias(ROWS), *sums, *named)


def _named(rows: DataFrame, sought: Sequence[Sought]) -> Iterator[tuple[int, Column]]:
    for at, each in enumerate(sought):
        if each.numbered is None:
            continue
        kind = within_rows.kind_of(rows.schema, each.path)
        assert kind is not None, "only columns that the rows have are looked into"
        if each.is_nested:
            values = within_rows.values_at(column(each.path.root), each.path.steps[1:], bare(kind))
        else:
            values = F.array(_own(each))
        yield at, within_rows.numbers(str(each.path), each.numbered.at)(values)


def numbers_of(sought: Sequence[Sought], told: Iterable[Row]) -> frozenset[int] | None:
    """The numbers of the ids that are named in what `counted` gives; None where somebody is of whom nobody knows
    whether it is one of them, or another one."""
    rows = [row for row in told if row[ROWS] or row[ELEMENTS]]
    if rows and any(each.numbered is None for each in sought):
        return None
    found = [{at for row in rows for at in row[NUMBERS.format(number)]} - {-1} for number in range(len(sought))]
    return numbered.of_places([each.numbered for each in sought], found)


def any_of() -> Column:
    """Whether a row of `marked` holds one of them."""
    return F.col(ROW) | (F.col(NUMBER) > 0)


def without(rows: DataFrame, sought: Sequence[Sought], tells_changes: bool) -> DataFrame:
    """What stays of the rows. tells_changes: with `CHANGE`, and the rows that a change feed is told of."""
    names, found = rows.columns, marked(rows, sought)
    kept: dict[str, Column] = {}
    for at, part in enumerate(_parts(sought)):
        before = kept.get(part.path.root, column(part.path.root))
        kept[part.path.root] = part.cleaned(before, column(GONE.format(at)))
    if not tells_changes:
        stays = found.where(~F.col(ROW))
        return stays.select(*(kept.get(name, column(name)).alias(name) for name in names))
    none = F.lit(None).cast("string")
    told = (
        F.when(F.col(ROW), F.array(F.lit(DELETED)))
        .when(F.col(NUMBER) > 0, F.array(none, F.lit(BEFORE), F.lit(AFTER)))
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
