"""What Spark and Delta fail with, in words that say what to do: by class of error, never by their own text.

Their messages quote values, so only classes of errors and parameters that hold a name of a column, a type or a file are
taken out of them. Of a path only the file's name is told: folders may be named after values of a partition column.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator, Mapping
from typing import Any

from py4j.protocol import Py4JError

from jobs.lake import storage_jars

DEEPEST = 30
SQL_NAME = re.compile(r"[A-Z][A-Z0-9_]*(\.[A-Z][A-Z0-9_]*)*")


@dataclasses.dataclass(frozen=True)
class Thrown:
    """One Java exception of a chain of causes. condition: Spark's class of it, empty where it has none."""

    java_class: str
    condition: str
    parameters: Mapping[str, str]


@dataclasses.dataclass(frozen=True)
class Known:
    """A class of error and what is said of it. text: besides, some words of Spark's or the system's own that must stand
    in the whole text. column, file, type: names of the parameters that hold such a thing."""

    pattern: str
    told: str
    text: str = ""
    column: tuple[str, ...] = ()
    file: tuple[str, ...] = ()
    type: tuple[str, ...] = ()


PATH = ("path", "filePath", "currentFile")
RERUN = "run it again once nothing writes there"
KNOWN = (
    Known(
        "",
        "executors have no such Python package: install the same packages there (requirements.lock), or send an "
        "environment with spark.archives and set PYSPARK_PYTHON",
        text=r"ModuleNotFoundError: No module named '(privacy_udfs|jobs|pyarrow|pandas|numpy|cryptography|pydantic)",
    ),
    Known(
        "",
        "a disk is full: make room where the target lies, or in Spark's folders for temporary files (spark.local.dir)",
        text=r"No space left on device|Disk quota exceeded",
    ),
    Known(
        "FAILED_READ_FILE.FILE_NOT_EXIST|DELTA_FILE_NOT_FOUND|java.io.FileNotFoundException",
        f"a file of the source went away while it was read: {RERUN}",
        file=PATH,
    ),
    Known(
        "DELTA_LOG_FILE_NOT_FOUND|DELTA_TRUNCATED_TRANSACTION_LOG|DELTA_VERSION_NOT_FOUND|DELTA_STATE_RECOVER_ERROR",
        "files of a Delta log are missing: restore them, or read another version",
    ),
    Known(
        "FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH|PARQUET_CONVERSION_FAILURE|SchemaColumnConvertNot",
        "files of the source hold a column with different types, or not with the type that was looked up: write it "
        "with one type in all files",
        column=("column", "columnName"),
        file=PATH,
        type=("expectedType", "actualType"),
    ),
    Known(
        "FAILED_READ_FILE.UNSUPPORTED_FILE_SYSTEM", "Spark cannot reach this kind of storage: its jars are missing"
    ),
    Known("FAILED_READ_FILE|DELTA_FAILED_READ_FILE_FOOTER|CANNOT_READ_FILE_FOOTER|ParquetDecodingException",
          "a file of the source cannot be read, since it is damaged or in another format: replace it", file=PATH),
    Known("CANNOT_MERGE_INCOMPATIBLE_DATA_TYPE",
          "files of the source hold a column with types that do not go together: write it with one type in all files",
          type=("left", "right")),
    Known("CANNOT_MERGE_SCHEMAS", "files of the source hold a column with types that do not go together: write it with "
          "one type in all files"),
    Known("UNABLE_TO_INFER_SCHEMA", "the source holds no file with data to learn its columns from: mend its path, or "
          "wait for the first files"),
    Known("PATH_NOT_FOUND", "there is nothing at the path of the source: mend source.path in the catalog"),
    Known("TABLE_OR_VIEW_NOT_FOUND|DELTA_TABLE_NOT_FOUND|DELTA_MISSING_DELTA_TABLE|DELTA_PATH_DOES_NOT_EXIST",
          "there is no such table: mend source or target in the catalog"),
    Known("DATA_SOURCE_NOT_FOUND", "Spark does not know this format: its jars are missing; add them with spark.jars"),
    Known("INCOMPATIBLE_TABLE_CHANGE_AFTER_ANALYSIS|DELTA_SCHEMA_CHANGE|DELTA_METADATA_CHANGED|DELTA_CONCURRENT",
          "a table changed between the look and the run: run it again"),
    Known("PARQUET_TYPE_", "a file of the source has a column of a type that Spark does not "
          "read (nanoseconds, say): write it as another one", column=("field", "columnName"), type=("parquetType",)),
    Known("UNSUPPORTED_ARROWTYPE|UNSUPPORTED_DATATYPE|UNSUPPORTED_DATA_TYPE_FOR_|DELTA_UNSUPPORTED_DATA_TYPES",
          "a column has a type that cannot be treated or stored: keep it out of the source, or drop it in the catalog",
          column=("columnName",), type=("typeName", "dataType", "columnType")),
    Known("CAST_OVERFLOW_IN_TABLE_INSERT", "a value does not fit into the type of its column in the target",
          column=("columnName",), type=("sourceType", "targetType")),
    Known("CAST_OVERFLOW|NUMERIC_VALUE_OUT_OF_RANGE|ARITHMETIC_OVERFLOW|DATETIME_OVERFLOW|CAST_INVALID_INPUT",
          "a value does not fit into the type that it is to have: mend it in the source, or treat another type",
          type=("sourceType", "targetType")),
    Known("DUPLICATED_MAP_KEY", "two keys of a map become equal: treat them by a technique that keeps them apart"),
    Known("DELTA_INVALID_CHARACTERS_IN_COLUMN_NAME|DELTA_INVALID_CHARACTERS_IN_COLUMN_NAMES|INVALID_COLUMN_NAME_AS_PATH",
          "Delta does not take such a name of a column: set delta.columnMapping.mode: name in target.properties, or "
          "rename it in the source", column=("columnName", "invalidColumnNames")),
    Known("DELTA_CLUSTERING_COLUMN_MISSING_STATS|DELTA_CLUSTERING_COLUMNS_DATATYPE_NOT_SUPPORTED",
          "the target cannot be clustered by a column of this type: take another one in target.cluster_by",
          column=("columns", "columnsWithDataTypes")),
    Known("DELTA_CLUSTER_BY_INVALID_NUM_COLUMNS", "the target is clustered by too many columns: Delta takes four"),
    Known("DELTA_CLUSTER|DELTA_CREATE_TABLE_WITH_DIFFERENT_CLUSTERING", "the target's clustering does not go with what "
          "stands there: mend target.cluster_by and target.partition_by, or choose a new target"),
    Known("DELTA_INVALID_PARTITION_COLUMN|INVALID_PARTITION_COLUMN_DATA_TYPE|DELTA_NON_PARTITION_COLUMN_ABSENT|"
          "DELTA_PARTITION_COLUMN_NOT_FOUND|"
          "DELTA_CANNOT_USE_ALL_COLUMNS_FOR_PARTITION|ALL_PARTITION_COLUMNS_NOT_ALLOWED",
          "the target cannot be partitioned so: mend target.partition_by", column=("columnName", "name"),
          type=("dataType",)),
    Known("DELTA_CONFIGURE_SPARK_SESSION", "the session does not know Delta: start it with spark.sql.extensions and "
          "spark.sql.catalog.spark_catalog set as Delta's documentation has them"),
    Known("DELTA_UNSUPPORTED_COLUMN_MAPPING|DELTA_COLUMN_MAPPING|DELTA_ENABLING_COLUMN_MAPPING|"
          "DELTA_BLOCK_COLUMN_MAPPING",
          "the target's column mapping cannot become what is asked: leave delta.columnMapping.mode as it is, or choose "
          "a new target"),
    Known("DELTA_UNKNOWN_CONFIGURATION|DELTA_UNSUPPORTED_FEATURES_IN_CONFIG",
          "target.properties names a setting that Delta does not know: mend it"),
    Known("DELTA_UNSUPPORTED_FEATURES|DELTA_INVALID_PROTOCOL_VERSION", "a table needs a newer Delta than this one"),
    Known("DELTA_CANNOT_MODIFY_APPEND_ONLY", "the target is delta.appendOnly, which no run may replace: take another"),
    Known("DELTA_EXCEED_CHAR_VARCHAR_LIMIT", "a treated value is longer than its CHAR or VARCHAR: make it a STRING"),
    Known("DELTA_NOT_NULL_CONSTRAINT_VIOLATED|DELTA_VIOLATE_CONSTRAINT|DELTA_NEW_",
          "a treated row breaks a constraint of the target: drop the constraint, or treat its column in another way"),
    Known("UnknownHostException", "the host that a path names is not known here: mend the path, or the network's "
          "names"),
    Known("ConnectException|NoRouteToHostException|SocketTimeoutException", "the service that a path, or Spark's "
          "settings, name does not answer: see whether it runs, and whether this machine may reach it"),
    Known("FetchFailed|MetadataFetchFailedException", "an executor was lost with the data that it held: run it again, "
          "with more memory for executors (spark.executor.memoryOverhead)"),
    Known("", "an executor was lost, most often for want of memory: raise spark.executor.memoryOverhead, which "
          "Python's memory counts to, or give a task fewer rows (spark.sql.execution.arrow.maxRecordsPerBatch)",
          text=r"ExecutorLostFailure|Python worker exited unexpectedly"),
    Known("OutOfMemoryError|_OUT_OF_MEMORY|UNABLE_TO_ACQUIRE_MEMORY|SparkOutOfMemoryError|OversizedAllocationException",
          "a batch of rows does not fit into memory: raise spark.executor.memory, or give a batch fewer rows "
          "(spark.sql.execution.arrow.maxRecordsPerBatch)"),
    Known("AccessDeniedException|AccessControlException", "the job may not read the source or write the target: give "
          "its user the right to"),
    Known("", "the job may not read the source or write the target: give its user the right to",
          text=r"\(Permission denied\)|AccessDeniedException|AccessControlException|Status Code: 403"),
)  # fmt: skip


NO_WORDS = "Spark failed"
"""How it begins of an error that stands in none of these."""


def explained(error: Any) -> str:
    """What went wrong, without a value: a sentence from `KNOWN`, else the class of the error in brackets."""
    no_storage = storage_jars.told(error)
    if no_storage is not None:
        return no_storage
    chain, text = list(causes(error)), str(error)
    for known in KNOWN:
        if known.text and re.search(known.text, text):
            return known.told
        found = next((each for each in chain if known.pattern and _is_of(each, known.pattern)), None)
        if found is not None:
            return known.told + _named(known, found) + _condition([found])
    return f"{NO_WORDS}{_condition(chain) or _class(error, chain)}"


def _class(error: Any, chain: list[Thrown]) -> str:
    """What the innermost error is called that Spark has no name for."""
    name = chain[-1].java_class if chain else type(error).__name__
    return f" with {name}, of which more is not told, since its text may hold a value: Spark's own logs have it"


def causes(error: Any) -> Iterator[Thrown]:
    """The Java exceptions behind one of pyspark's, the outermost first; those of executors are among them."""
    thrown = getattr(error, "_origin", None) or getattr(error, "java_exception", None)
    for _ in range(DEEPEST):
        if thrown is None:
            return
        parameters = _asked(thrown, "getMessageParameters")
        held = {} if parameters is None else {str(name): str(parameters[name]) for name in parameters}
        yield Thrown(str(thrown.getClass().getName()), str(_asked(thrown, "getCondition") or ""), held)
        thrown = thrown.getCause()


def _asked(thrown: Any, method: str) -> Any:
    try:
        return getattr(thrown, method)()
    except (Py4JError, TypeError):  # it has no such method
        return None


def _is_of(thrown: Thrown, pattern: str) -> bool:
    """Whether a condition starts so, or a Java class ends so or has it in its name."""
    names = [each for each in pattern.split("|") if each]
    java = thrown.java_class.rpartition(".")[2]
    return any(thrown.condition.startswith(name) or name.rpartition(".")[2] in java for name in names)


def _condition(chain: list[Thrown]) -> str:
    """The innermost class of error that Spark has a name for: the outer ones say that a job failed."""
    named = [each.condition for each in chain if SQL_NAME.fullmatch(each.condition)]
    return f" [{named[-1]}]" if named else ""


def _named(known: Known, thrown: Thrown) -> str:
    """What the error is about: names only."""
    parts = [(word, name) for word, names in (("column", known.column), ("type", known.type)) for name in names]
    told = [f"{word} {thrown.parameters[name]}" for word, name in parts if thrown.parameters.get(name)]
    files = [thrown.parameters[name] for name in known.file if thrown.parameters.get(name)]
    told += [f"file {path.rstrip('/').rpartition('/')[2]}" for path in files[:1]]
    return f" ({', '.join(told)})" if told else ""
