"""Columns that are folders (``cust=007/part-0.parquet``): text, unless the catalog states a type.

Spark would guess a type from the folders that are there today: `007` and `7` would be one number, `1e3` another text.
A run reads them as text (`jobs.lake.pinned_settings`); ``partitions`` of a source states another type.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.documents import did_you_mean
from jobs.configuration.models import Source
from jobs.lake.java import hadoop_path
from jobs.lake.leaves import Leaf
from jobs.lake.problems import SourceProblem, raised
from jobs.lake.sql import quoted

_WHOLE = r"^[+-]?\d{1,19}\z"
_WRITTEN = {
    "tinyint": _WHOLE,
    "smallint": _WHOLE,
    "int": _WHOLE,
    "bigint": _WHOLE,
    "date": r"^\d{4}-\d{2}-\d{2}\z",
    "timestamp": r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?\z",
}
"""How a folder writes a value of the type; Spark's cast would take more, and make two texts one value."""
PLAIN = (("value",), ("path", "modificationTime", "length", "content"))
"""The columns of files that are read as lines or bytes: none of them is the source's."""


def check(spark: SparkSession, source: Source, rows: DataFrame, leaves: list[Leaf]) -> None:
    """Raise `SourceProblem` where files and folders contradict each other, which Spark settles with no word said."""
    for leaf in leaves:
        if leaf.partitions and leaf.roots:
            for problem in (*_in_both(source, leaf), *_beside(spark, rows, leaf)):
                raise SourceProblem(f"{source.describe()}: {problem}")


def _in_both(source: Source, leaf: Leaf) -> Iterator[str]:
    read_as_text = source.format in ("csv", "json") and leaf.columns in PLAIN
    in_files = set() if read_as_text else {name.lower() for name in leaf.columns}
    for name in leaf.partitions:
        if name.lower() in in_files:
            yield f"{name} is a column of the files and of their folders: take it out of one of the two"


def _beside(spark: SparkSession, rows: DataFrame, leaf: Leaf) -> Iterator[str]:
    """Files beside partition folders: Spark lists them, and passes over them."""
    roots = [root for root in leaf.roots if _has_files(spark, root)]
    if roots and {_place(root) for root in roots} & {
        _place(unquote(file).rpartition("/")[0]) for file in rows.inputFiles()
    }:
        yield (
            "files lie beside its partition folders, and would not be read: move them into a folder, "
            "__HIVE_DEFAULT_PARTITION__ for null"
        )


def _has_files(spark: SparkSession, root: str) -> bool:
    """Whether a folder holds files of its own; asked first, since there may be very many files in all."""
    path = hadoop_path(spark, root)
    system = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    return any(not status.isDirectory() for status in system.listStatus(path))


def _place(path: str) -> str:
    return re.sub(r"^[\w+.-]+:/*", "/", path)


def typed(rows: DataFrame, source: Source) -> DataFrame:
    """The rows with partition columns of the types that the source states. A folder that does not fit stops the run."""
    if not source.partitions:
        return rows
    return rows.select(*[_typed(name, source.partitions.get(name, "string")) for name in rows.columns])


def _typed(name: str, given: str) -> Column:
    column = F.col(quoted(name))
    if given == "string":
        return column
    right = F.when(column.rlike(_WRITTEN[given]), column.try_cast(given))
    why = f"a partition folder {name}=... holds a value that is no {given}, which 'partitions' states for it"
    wrong = raised(F.lit(why)).cast(given)
    return F.when(column.isNotNull() & right.isNull(), wrong).otherwise(right).alias(name)


def check_names(rows: DataFrame, source: Source, partitions: tuple[str, ...]) -> None:
    """Raise `SourceProblem` if ``partitions`` of the source names what is no text column of its folders."""
    for name in source.partitions:
        if name not in partitions:
            hint = did_you_mean(name, partitions)
            raise SourceProblem(f"{source.describe()}: partitions: no folder is called {name}=...{hint}")
        if rows.schema[name].dataType != T.StringType():
            raise SourceProblem(f"{source.describe()}: partitions: 'schema' gives {name} a type already")
