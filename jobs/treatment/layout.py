"""Whether a target can be laid out as the catalog says: what Delta would refuse when it writes, or write wrong."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping

from pyspark.sql import types as T

from jobs.configuration import same_names
from jobs.configuration.column_path import ColumnPath, ColumnPathError, Field
from jobs.configuration.kept_values import INDEXED, STATISTICS, covers
from jobs.configuration.models import Target
from jobs.lake.column_mapping import MODE

COMPARABLE = (T.NumericType, T.StringType, T.DateType, T.TimestampType, T.TimestampNTZType)
"""What Delta keeps the least and the greatest of: it refuses to cluster by anything else, or to be told to keep it."""
IN_FOLDERS = (*COMPARABLE, T.BooleanType)
"""What the name of a partition's folder can hold; bytes would be read as text and come back as others."""
MOST_CLUSTERING = 4
NEEDS_MAPPING = re.compile(r"[ ,;{}()\n\t=]")
"""Characters that Delta takes in a column's name only under column mapping."""

Outputs = Mapping[str, T.DataType | None]
"""Path of a leaf column -> its type in the target, None where it is dropped; in the order of the table."""


def faults(target: Target, outputs: Outputs) -> Iterator[str]:
    """Why the target cannot be partitioned or clustered so; names columns and types."""
    for name in target.partition_by:
        yield from _of_type("partition_by", name, outputs, IN_FOLDERS, "numbers, text, dates, timestamps and booleans")
    for name in target.cluster_by:
        yield from _of_type("cluster_by", name, outputs, COMPARABLE, "numbers, text, dates and timestamps")
        yield from _unmeasured(target, name, outputs)
    if len(target.cluster_by) > MOST_CLUSTERING:
        yield f"target: cluster_by names {len(target.cluster_by)} columns; Delta takes at most {MOST_CLUSTERING}"
    for names in (target.partition_by, target.cluster_by):
        for earlier, later in same_names.pairs(names):
            yield f"target: {earlier} and {later} in partition_by or cluster_by are one column: name it once"
    kept = {ColumnPath.parse(path).root for path, output in outputs.items() if output is not None}
    if kept and kept <= set(target.partition_by):
        yield "target: partition_by names every column, and Delta needs one besides"


def path_of(name: str, outputs: Outputs) -> str | None:
    """The leaf that partition_by or cluster_by names, by its name or by its path."""
    candidates = [str(Field(name))]
    with contextlib.suppress(ColumnPathError):
        candidates.append(str(ColumnPath.parse(name)))
    return next((path for path in candidates if path in outputs), None)


def _of_type(key: str, name: str, outputs: Outputs, kinds: tuple[type, ...], takes: str) -> Iterator[str]:
    path = path_of(name, outputs)
    output = outputs.get(path) if path is not None else None
    if output is not None and not isinstance(output, kinds):
        yield f"target: {key} cannot take {path}, which is {output.simpleString()} in the target; it takes {takes}"


def _unmeasured(target: Target, name: str, outputs: Outputs) -> Iterator[str]:
    """Delta clusters only by columns of which it keeps statistics, and the catalog may say of which it does."""
    path = path_of(name, outputs)
    stated = {key.lower(): (key, value) for key, value in target.properties.items()}
    if path is None:
        return
    if STATISTICS.lower() in stated:
        key, value = stated[STATISTICS.lower()]
        if not any(covers(listed, path) for listed in value.split(",")):
            yield f"target: cluster_by names {path}, of which {key} in properties keeps no statistics: add it there"
    elif INDEXED.lower() in stated:
        key, value = stated[INDEXED.lower()]
        number = position(path, outputs)
        if value.strip().isdigit() and number > int(value):
            yield f"target: cluster_by names {path}, the leaf column number {number}, and {key} stops before it"


def position(path: str, outputs: Outputs) -> int:
    """Of a leaf, from 1, as Delta counts: an array or a map is one leaf. 0 of one that is not there."""
    return positions(outputs).get(path, 0)


def positions(outputs: Outputs) -> dict[str, int]:
    """Those of all leaves that are there."""
    measured = {leaf: _measured(leaf) for leaf, output in outputs.items() if output is not None}
    numbers = {leaf: number for number, leaf in enumerate(dict.fromkeys(measured.values()), 1)}
    return {leaf: numbers[above] for leaf, above in measured.items()}


def _measured(path: str) -> tuple[str, ...]:
    names = []
    for step in ColumnPath.parse(path).steps:
        if not isinstance(step, Field):
            break
        names.append(step.name)
    return tuple(names)


def column_mapping(target: Target, schema: T.StructType) -> dict[str, str]:
    """The property that lets columns be called as they are in the source; empty where none needs it, or it is set."""
    set_by_user = MODE.lower() in map(str.lower, target.properties)
    return {} if set_by_user or not any(map(NEEDS_MAPPING.search, _names(schema))) else {MODE: "name"}


def _names(given: T.DataType) -> list[str]:
    if isinstance(given, T.StructType):
        return [name for field in given.fields for name in (field.name, *_names(field.dataType))]
    if isinstance(given, T.ArrayType):
        return _names(given.elementType)
    if isinstance(given, T.MapType):
        return _names(given.keyType) + _names(given.valueType)
    return []
