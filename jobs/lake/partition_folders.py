"""Columns that are folders (``cust=007/part-0.parquet``): text, unless the catalog states a type.

Spark would guess a type from the folders that are there today: `007` and `7` would be one number, `1e3` another text.
A run reads them as text (`jobs.shared.session.RUN`); ``partitions`` of a source states another type.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.leaves import Leaf
from jobs.lake.problems import SourceProblem
from jobs.lake.sql import quoted
from jobs.shared.configuration.documents import did_you_mean
from jobs.shared.configuration.models import Source

_WHOLE = r"^[+-]?\d{1,19}$"
_WRITTEN = {
    "tinyint": _WHOLE,
    "smallint": _WHOLE,
    "int": _WHOLE,
    "bigint": _WHOLE,
    "date": r"^\d{4}-\d{2}-\d{2}$",
    "timestamp": r"^\d{4}-\d{2}-\d{2}[ T]\d{2}:\d{2}:\d{2}(\.\d{1,6})?(Z|[+-]\d{2}:\d{2})?$",
}
"""How a folder writes a value of the type; Spark's cast would take more, and make two texts one value."""
OTHER_TYPE = "a partition folder holds a value that is not of the type that 'partitions' states for its column"


def check(spark: SparkSession, source: Source, leaves: list[Leaf]) -> None:
    """Raise `SourceProblem` where files and folders contradict each other, which Spark settles with no word said."""
    for leaf in leaves:
        problem = next(_problems(spark, leaf), None)
        if problem is not None:
            raise SourceProblem(f"{source.describe()}: {problem}")


def _problems(spark: SparkSession, leaf: Leaf) -> Iterator[str]:
    if not leaf.partitions or not leaf.roots:
        return
    in_files = {name.lower() for name in leaf.columns}
    for name in leaf.partitions:
        if name.lower() in in_files:
            yield f"{name} is a column of the files and of their folders: take it out of one of the two"
    if any(_has_files(spark, root) for root in leaf.roots):
        yield (
            "files lie beside its partition folders, and would not be read: "
            "move them into a folder, __HIVE_DEFAULT_PARTITION__ for null"
        )


def _has_files(spark: SparkSession, root: str) -> bool:
    """Whether a folder holds files of its own. Those that Spark passes over, hidden ones, do not count."""
    assert spark._jvm is not None
    path = spark._jvm.org.apache.hadoop.fs.Path(root)
    system = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    return any(not status.isDirectory() and not _is_hidden(status) for status in system.listStatus(path))


def _is_hidden(status: object) -> bool:
    return str(status.getPath().getName()).startswith(("_", "."))  # type: ignore[attr-defined]


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
    wrong = F.raise_error(F.lit(OTHER_TYPE)).cast(given)
    return F.when(column.isNotNull() & right.isNull(), wrong).otherwise(right).alias(name)


def check_names(rows: DataFrame, source: Source, partitions: tuple[str, ...]) -> None:
    """Raise `SourceProblem` if ``partitions`` of the source names what is no text column of its folders."""
    for name in source.partitions:
        if name not in partitions:
            hint = did_you_mean(name, partitions)
            raise SourceProblem(f"{source.describe()}: partitions: no folder is called {name}=...{hint}")
        if rows.schema[name].dataType != T.StringType():
            raise SourceProblem(f"{source.describe()}: partitions: 'schema' gives {name} a type already")
