"""All rows of a small Delta table read on the driver, where a query of Spark's would cost more than all the rest.

Every doubt gives None: then Spark reads them, and says what is wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.lake import delta_commit, small_log
from jobs.lake.column_mapping import MODE
from jobs.lake.java import hadoop_path, java_class
from jobs.lake.source_files import absolute

LOCAL = "file:"
BYTES, FILES = 1 << 22, 100
"""Of all files at most, and how many of them."""


def of(spark: SparkSession, path: str | None, table: str | None, schema: T.StructType) -> pa.Table | None:
    """path, table: as `delta_commit.begin` takes them. schema: that the table has to have."""
    try:
        begun = delta_commit.begin(spark, path, table)
        if begun is None or begun.version < 0:
            return None
        snapshot = begun.txn.snapshot()
        if not _is_plain(json.loads(snapshot.metadata().json())["metaData"], schema):
            return None
        small = small_log.replayed(spark, snapshot, begun.existing)
        if small is None or len(small.told) > FILES or sum(int(add["size"]) for add in small.told) > BYTES:
            return None
        if any(add.get("deletionVector") is not None for add in small.told):
            return None
        return pa.concat_tables([to_arrow_schema(schema).empty_table(), *_read(spark, begun.location, small, schema)])
    except (Py4JError, PySparkException, pa.ArrowException, OSError, ValueError, LookupError, TypeError):
        return None


def _is_plain(metadata: Mapping[str, Any], schema: T.StructType) -> bool:
    """Whether files hold just these columns by these names."""
    stored = T.StructType.fromJson(json.loads(metadata["schemaString"]))
    same = [(each.name, each.dataType) for each in stored] == [(each.name, each.dataType) for each in schema]
    return same and not metadata["partitionColumns"] and metadata["configuration"].get(MODE, "none") == "none"


def _read(spark: SparkSession, location: str, small: small_log.Replayed, schema: T.StructType) -> Iterator[pa.Table]:
    content, wanted = _reader(spark, location), to_arrow_schema(schema)
    for add in small.told:
        found = content(absolute(location.rstrip("/"), str(add["path"])))
        if len(found) != int(add["size"]):
            raise ValueError("another file than the log says")
        rows = pq.read_table(pa.BufferReader(found), use_threads=False)
        yield rows.select(wanted.names).cast(wanted)


def _reader(spark: SparkSession, location: str) -> Callable[[str], bytes]:
    """Reads a file, by its URI: those of this machine here, where each question to Java takes as long as the file."""
    if location.startswith(LOCAL):
        return lambda uri: Path(uri.removeprefix(LOCAL)).read_bytes()
    files = hadoop_path(spark, location).getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    bytes_of = java_class(spark._jvm, "org.apache.commons.io.IOUtils").toByteArray

    def content(uri: str) -> bytes:
        stream = files.open(hadoop_path(spark, uri))
        try:
            return bytes(bytes_of(stream))
        finally:
            stream.close()

    return content
