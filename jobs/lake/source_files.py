"""The files that a source's rows are read from, by name, as Spark or Delta lists them; no row is read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import leaves, small_log
from jobs.lake.column_mapping import name_in_files

Told = tuple[str, int, bool, list[pa.Scalar]]
"""Path, size, whether rows of it are deleted, and the values of columns that are folders."""
BOUNDS = ("minValues", "maxValues", "nullCount")
"""By which of a file's statistics it is left out."""
Folders = Mapping[str, pa.Scalar]
"""Name of a column -> its value in all rows of a file, of the column's type as Arrow has it."""


ADDED = (
    "add struct<path: string, size: bigint, partitionValues: map<string, string>, "
    "deletionVector: struct<storageType: string>>"
)
"""Of what a commit says of a file."""


@dataclasses.dataclass(frozen=True)
class File:
    """One file of a source. uri: as Hadoop spells it, with its scheme, nothing encoded. size: bytes. folders: values of
    columns that are not in the file, since its folder's name, or Delta's log, has them."""

    uri: str
    size: int
    folders: Folders = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class SourceFiles:
    """The files of a source.

    reader: Spark's class that reads them. stored: the columns in them, with the metadata by which Delta knows their
    names there. folders: columns that are not in them; folder_fields: the same, with their metadata, of a Delta table.
    configuration: of a Delta table. deleted: whether rows in them are deleted. measured: of a Delta table the columns,
    as files call them, of which its log has statistics of any file; None where nobody looked.
    """

    reader: str
    stored: T.StructType
    files: tuple[File, ...]
    folders: tuple[str, ...] = ()
    configuration: Mapping[str, str] = dataclasses.field(default_factory=dict)
    deleted: bool = False
    folder_fields: tuple[T.StructField, ...] = ()
    measured: frozenset[str] | None = None


def of(rows: DataFrame, of_text: bool = False) -> SourceFiles | None:
    """The files under rows that are all rows of one table or folder of files; None for all others, views too.

    of_text: the rows are made by `jobs.lake.text_sources` out of all lines of the files.
    """
    found = leaves.relations(rows)
    if len(found) != 1 or found[0] is None or not (of_text or leaves.is_whole(rows)):
        return None
    spark, relation = rows.sparkSession, found[0]
    index, reader = relation.location(), str(relation.fileFormat().getClass().getSimpleName())
    if leaves.is_a(index, "TahoeFileIndex"):
        return _of_delta(spark, index, reader)
    stored, folders = (leaves.schema_of(schema) for schema in (relation.dataSchema(), relation.partitionSchema()))
    if leaves.is_a(index, "InMemoryFileIndex"):
        return SourceFiles(reader, stored, tuple(_listed(index, folders)), tuple(folders.names))
    return None


def _of_delta(spark: SparkSession, index: Any, reader: str) -> SourceFiles:
    """Of a version of a Delta table. The schema is the log's: the relation's has not the names of columns in files."""
    snapshot = leaves.snapshot_of(index)
    metadata = json.loads(snapshot.metadata().json())["metaData"]
    schema = T.StructType.fromJson(json.loads(metadata["schemaString"]))
    folders = [schema[name] for name in metadata["partitionColumns"]]
    names = tuple(field.name for field in folders)
    stored = T.StructType([field for field in schema.fields if field.name not in names])
    root = str(index.path().toString()).rstrip("/")
    found, measured = _told(spark, index, snapshot, folders)
    files = [File(absolute(root, path), size, dict(zip(names, values, strict=True))) for path, size, _, values in found]
    deleted = any(deleted for _, _, deleted, _ in found)
    more = metadata["configuration"], deleted, tuple(folders), measured
    return SourceFiles(reader, stored, tuple(files), names, *more)


def _told(
    spark: SparkSession, index: Any, snapshot: Any, folders: list[T.StructField]
) -> tuple[list[Told], frozenset[str] | None]:
    """Of each file what Delta's log says; and of which columns it has statistics, where that costs nothing to see."""
    if leaves.is_a(index, "TahoeBatchFileIndex"):
        return list(_told_by_spark(_some_files(spark, index), folders)), None
    simple = all(field.dataType == T.StringType() for field in folders)
    small = small_log.replayed(spark, snapshot) if simple else None
    if small is None:
        return list(_told_by_spark(DataFrame(snapshot.allFiles().toDF(), spark), folders)), None
    told = [
        (
            str(add["path"]),
            int(add["size"]),
            add.get("deletionVector") is not None,
            [pa.scalar(add["partitionValues"].get(name_in_files(field)), pa.string()) for field in folders],
        )
        for add in small.told
    ]
    return told, _measured(small.told)


def _measured(files: Sequence[Mapping[str, Any]]) -> frozenset[str] | None:
    """The columns of which any statistics are, by the names at the root; None where these are not as Delta has them."""
    try:
        stated = [json.loads(each["stats"]) for each in files if each.get("stats")]
        return frozenset(name for told in stated for kind in BOUNDS for name in told.get(kind) or ())
    except (ValueError, TypeError, AttributeError):
        return None


def _told_by_spark(listed: DataFrame, folders: list[T.StructField]) -> Iterator[Told]:
    values = [folder_value(field).alias(f"folder_{at}") for at, field in enumerate(folders)]
    deleted = F.col("deletionVector").isNotNull().alias("deleted")
    table = listed.select("path", "size", deleted, *values).toArrow().combine_chunks()
    for at in range(table.num_rows):
        path, size, has_deleted, *of_folders = (column[at] for column in table.columns)
        yield path.as_py(), size.as_py(), has_deleted.as_py(), of_folders


def _some_files(spark: SparkSession, index: Any) -> DataFrame:
    """The files that were gained (`jobs.lake.gained`), as Delta's log has them, a row each."""
    found = index.addFiles()
    actions = [str(found.apply(at).json()) for at in range(found.size())]
    texts = spark.createDataFrame([(action,) for action in actions], "action string")
    return texts.select(F.from_json("action", ADDED)["add"].alias("add")).select("add.*")


def folder_value(field: T.StructField) -> Column:
    """The value that a file's folder has for a column. The log has text, or null; Delta reads it by Spark's cast, as
    here."""
    return F.col("partitionValues")[F.lit(name_in_files(field))].try_cast(field.dataType)


def absolute(root: str, path: str) -> str:
    """Delta's log has paths as URIs, relative to the table's folder unless the file is another table's."""
    decoded = unquote(path, errors="strict")
    return decoded if ":/" in path.partition("/")[0] + "/" else f"{root}/{decoded}"


def _listed(index: Any, folders: T.StructType) -> Iterator[File]:
    values = {str(path): known for path, known in _partitions(index, folders)}
    found = index.allFiles()
    for at in range(found.size()):
        status = found.apply(at)
        path = status.getPath()
        if status.getLen():  # Spark passes over empty files too
            yield File(str(path.toString()), int(status.getLen()), values.get(str(path.getParent().toString()), {}))


def _partitions(index: Any, folders: T.StructType) -> Iterator[tuple[str, Folders]]:
    if not folders.fields:
        return
    found = index.partitionSpec().partitions()
    for at in range(found.size()):
        place = found.apply(at)
        yield (
            str(place.path().toString()),
            {
                field.name: pa.scalar(_text(place.values(), number), pa.string())
                for number, field in enumerate(folders.fields)
            },
        )


def _text(row: Any, at: int) -> str | None:
    """Partition folders are read as text (`jobs.lake.pinned_settings`)."""
    return None if row.isNullAt(at) else str(row.getUTF8String(at).toString())
