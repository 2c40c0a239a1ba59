"""What Delta's log says of a file's values, so that readers leave the file out, made out of the file's own footer.

Which columns are measured is Delta's rule (`StatisticsCollection.getIndexedColumns`), by which its readers look too.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import types as T

from jobs.columnar.bounds import Value, bounded, greatest, in_footer, least
from jobs.columnar.leaves import leaves
from jobs.columnar.unfit import NotColumnar
from jobs.lake.column_mapping import name_in_files

NAMED, COUNTED, LONGEST = (
    f"delta.dataSkipping{what}".lower() for what in ("StatsColumns", "NumIndexedCols", "StringPrefixLength")
)
MOST_COLUMNS, MOST_CHARACTERS = 32, 32  # what Delta does where no property says
NAME = r"`(?:[^`]|``)+`|\w+"
NAMES = re.compile(rf"\s*(?:{NAME})\s*(?:[.,]\s*(?:{NAME})\s*)*")

Tree: TypeAlias = dict[str, "Tree | str"]
"""Nested objects by name; the leaves are JSON."""


@dataclasses.dataclass(frozen=True)
class Measured:
    """One leaf column of a target of which Delta keeps statistics. path: physical names, as in the files, from the
    root, through structs only. longest: how many characters of its strings may stand in the log."""

    path: tuple[str, ...]
    type: T.DataType
    longest: int = MOST_CHARACTERS


def measured(
    schema: T.StructType, properties: Mapping[str, str], partition_columns: Sequence[str]
) -> tuple[Measured, ...]:
    """The columns that Delta would measure of a table with this metadata; of an array, a map and a VARIANT nothing.

    schema: of Delta's metadata. properties: of the table, in any letter case. Raises `NotColumnar` for a property that
    is not spelled as Delta wants it.
    """
    known = {name.lower(): value for name, value in properties.items()}
    held = [field for field in schema.fields if field.name not in partition_columns]
    longest = max(0, _whole(known.get(LONGEST, str(MOST_CHARACTERS))))
    if NAMED in known:
        found = _named(held, _paths(known[NAMED]))
    else:
        most = _whole(known.get(COUNTED, str(MOST_COLUMNS)))
        found = itertools.islice(_every(held), most if most >= 0 else None)
    return tuple(
        Measured(path, given, longest)
        for path, given in found
        if not isinstance(given, T.ArrayType | T.MapType | T.VariantType)
    )


def of(footer: pq.FileMetaData, columns: Sequence[Measured]) -> str:
    """The statistics of a file as JSON. footer: of the file as it was written by Arrow.

    A column has a count of nulls where every row group has one, and bounds where every row group that has values has
    them: Parquet's writer keeps none of more than 4096 bytes, or none at all. A file without rows has numRecords only.
    """
    kinds: dict[str, Tree] = {"minValues": {}, "maxValues": {}, "nullCount": {}}
    schema = footer.schema.to_arrow_schema()
    stored = {leaf.path: (at, leaf.type) for at, leaf in enumerate(leaves(schema)) if not leaf.repeated}
    for column in columns if footer.num_rows else ():
        if column.path in stored:
            for kind, value in _of_column(footer, column, *stored[column.path]):
                _put(kinds[kind], column.path, value)
    return _json({"numRecords": str(footer.num_rows), **kinds})


def _of_column(footer: pq.FileMetaData, column: Measured, at: int, stored: pa.DataType) -> Iterator[tuple[str, str]]:
    told = [footer.row_group(group).column(at).statistics for group in range(footer.num_row_groups)]
    if any(each is None or not each.has_null_count for each in told):
        return
    yield "nullCount", str(sum(each.null_count for each in told))
    with_values = [each for each in told if each.num_values]
    if not bounded(column.type, stored) or not with_values or not all(each.has_min_max for each in with_values):
        return
    ranges: list[tuple[Value, Value]] = [in_footer(each, column.type) for each in with_values]
    for kind, bound in (
        ("minValues", least(min(low for low, _ in ranges), column.type, column.longest)),
        ("maxValues", greatest(max(high for _, high in ranges), column.type, column.longest)),
    ):
        if bound is not None:
            yield kind, bound


def _put(tree: Tree, path: tuple[str, ...], value: str) -> None:
    for name in path[:-1]:
        tree = tree.setdefault(name, {})  # type: ignore[assignment]
    tree[path[-1]] = value


def _json(tree: Mapping[str, Tree | str]) -> str:
    """JSON by hand, since `json` has no way to write a decimal number digit by digit."""
    return "{" + ",".join(f"{json.dumps(name)}:{_text(below)}" for name, below in tree.items()) + "}"


def _text(below: Tree | str) -> str:
    return below if isinstance(below, str) else _json(below)


def _every(
    fields: Iterable[T.StructField], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], T.DataType]]:
    for field in fields:
        path = (*above, name_in_files(field))
        if isinstance(field.dataType, T.StructType):
            yield from _every(field.dataType.fields, path)
        else:
            yield path, field.dataType


def _named(
    fields: Iterable[T.StructField], wanted: Sequence[Sequence[str]], above: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], T.DataType]]:
    """The leaves at and below paths of lower-case logical names. A struct that is named and one of whose fields is
    named too stands for that field only, as in Delta's `filterSchema`."""
    for field in fields:
        rests = [path[1:] for path in wanted if path[0] == field.name.lower()]
        if rests and not any(rests):
            yield from _every([field], above)
        elif rests and isinstance(field.dataType, T.StructType):
            below = [rest for rest in rests if rest]
            yield from _named(field.dataType.fields, below, (*above, name_in_files(field)))


def _paths(listed: str) -> list[list[str]]:
    """`` a, b.c, `x y`.`z``` `` as paths, in lower case: Delta finds columns in any."""
    if not listed.strip():
        return []
    if not NAMES.fullmatch(listed):
        raise NotColumnar("the columns to measure are not listed as Delta wants them")
    paths: list[list[str]] = [[]]
    for part in re.findall(rf"{NAME}|,", listed):
        if part == ",":
            paths.append([])
        else:
            paths[-1].append(_unquoted(part).lower())
    return paths


def _unquoted(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name


def _whole(value: str) -> int:
    try:
        return int(value)
    except ValueError:
        raise NotColumnar("a property of data skipping is not a whole number") from None
