"""The files that a source's rows are read from, by name, as Spark or Delta lists them; no row is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import leaves

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
    """The files of a source. reader: Spark's class that reads them. stored: the columns in them, with the metadata by
    which Delta knows their names there. configuration: of a Delta table. deleted: whether rows in them are deleted."""

    reader: str
    stored: T.StructType
    files: tuple[File, ...]
    configuration: Mapping[str, str] = dataclasses.field(default_factory=dict)
    deleted: bool = False


def of(rows: DataFrame) -> SourceFiles | None:
    """The files under rows that are all rows of one table or folder of files; None for all others, views too."""
    found = leaves.relations(rows)
    if len(found) != 1 or found[0] is None or not leaves.is_whole(rows):
        return None
    spark, relation = rows.sparkSession, found[0]
    index, reader = relation.location(), str(relation.fileFormat().getClass().getSimpleName())
    stored, folders = (leaves.schema_of(schema) for schema in (relation.dataSchema(), relation.partitionSchema()))
    if leaves.is_a(index, "TahoeFileIndex"):
        return _of_delta(spark, index, reader, tuple(field.name for field in folders.fields))
    if leaves.is_a(index, "InMemoryFileIndex"):
        return SourceFiles(reader, stored, tuple(_listed(index, folders)))
    return None


def _of_delta(spark: SparkSession, index: Any, reader: str, partitions: Collection[str]) -> SourceFiles:
    """The relation's own schemas lack the names in files, so those of the snapshot serve."""
    snapshot = index.getSnapshot()
    fields = leaves.schema_of(snapshot.schema()).fields
    stored = T.StructType([field for field in fields if field.name not in partitions])
    folders = T.StructType([field for field in fields if field.name in partitions])
    configuration = dict(spark._jvm.scala.jdk.javaapi.CollectionConverters.asJava(snapshot.metadata().configuration()))  # type: ignore[union-attr]
    values = [_folder_value(field, at) for at, field in enumerate(folders.fields)]
    listed = DataFrame(snapshot.allFiles().toDF(), spark)
    deleted = F.col("deletionVector").isNotNull().alias("deleted")
    table = listed.select("path", "size", deleted, *values).toArrow().combine_chunks()
    root = str(index.path().toString()).rstrip("/")
    files = []
    for at in range(table.num_rows):
        path, size, _, *of_folders = (column[at] for column in table.columns)
        known = {field.name: value for field, value in zip(folders.fields, of_folders, strict=True)}
        files.append(File(_absolute(root, path.as_py()), size.as_py(), known))
    return SourceFiles(reader, stored, tuple(files), configuration, bool(any(table.column("deleted").to_pylist())))


def _folder_value(field: T.StructField, at: int) -> Any:
    """The log has text, or null; Delta reads it by Spark's cast, as here."""
    name = field.metadata.get("delta.columnMapping.physicalName", field.name)
    return F.col("partitionValues")[F.lit(name)].try_cast(field.dataType).alias(f"folder_{at}")


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
