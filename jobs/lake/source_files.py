"""The files that a source's rows are read from, by name, as Spark or Delta lists them; no row is read."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import leaves
from jobs.lake.column_mapping import name_in_files

Folders = Mapping[str, pa.Scalar]
"""Name of a column -> its value in all rows of a file, of the column's type as Arrow has it."""


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
    names there. folders: columns that are not in them. configuration: of a Delta table. deleted: whether rows in them
    are deleted.
    """

    reader: str
    stored: T.StructType
    files: tuple[File, ...]
    folders: tuple[str, ...] = ()
    configuration: Mapping[str, str] = dataclasses.field(default_factory=dict)
    deleted: bool = False


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
    snapshot = index.getSnapshot()
    metadata, asked = snapshot.metadata(), spark._jvm.scala.jdk.javaapi.CollectionConverters  # type: ignore[union-attr]
    configuration = dict(asked.asJava(metadata.configuration()))
    schema = T.StructType.fromJson(json.loads(metadata.schemaString()))
    folders = [schema[name] for name in asked.asJava(metadata.partitionColumns())]
    names = tuple(field.name for field in folders)
    stored = T.StructType([field for field in schema.fields if field.name not in names])
    values = [_folder_value(field, at) for at, field in enumerate(folders)]
    listed = DataFrame(snapshot.allFiles().toDF(), spark)
    deleted = F.col("deletionVector").isNotNull().alias("deleted")
    table = listed.select("path", "size", deleted, *values).toArrow().combine_chunks()
    root = str(index.path().toString()).rstrip("/")
    files = []
    for at in range(table.num_rows):
        path, size, _, *of_folders = (column[at] for column in table.columns)
        files.append(File(_absolute(root, path.as_py()), size.as_py(), dict(zip(names, of_folders, strict=True))))
    has_deleted = any(table.column("deleted").to_pylist())
    return SourceFiles(reader, stored, tuple(files), names, configuration, has_deleted)


def _folder_value(field: T.StructField, at: int) -> Any:
    """The log has text, or null; Delta reads it by Spark's cast, as here."""
    return F.col("partitionValues")[F.lit(name_in_files(field))].try_cast(field.dataType).alias(f"folder_{at}")


def _absolute(root: str, path: str) -> str:
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
