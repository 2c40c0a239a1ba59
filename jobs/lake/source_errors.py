"""What Spark raises when a source cannot be read, as a `SourceProblem` that says what to do.

Spark's text may quote what it stumbled over, so none of it is passed on: only names that a schema or path declares,
which stand in the parameters of its error conditions. Values in paths (``cust=7``) are left out.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Container, Iterator, Mapping
from typing import Any, NamedTuple

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.configuration.models import Source
from jobs.lake import parquet_footers, storage_jars
from jobs.lake.problems import SourceProblem

_VALUE = re.compile(r"(?<=[^/=]=)[^/]+")
_UNIQUE = "every column of a source needs a name of its own, and case makes no other name: rename one"


class Told(NamedTuple):
    """One condition of Spark's, or the class of an exception that has none."""

    condition: str
    parameters: Mapping[str, str]


@contextlib.contextmanager
def told(spark: SparkSession, source: Source) -> Iterator[None]:
    """Whatever Spark raises inside is a `SourceProblem` afterwards; our own errors stay."""
    try:
        yield
    except (PySparkException, Py4JError) as error:
        raise SourceProblem(f"{source.describe()}: {_message(spark, source, list(_all_told(error)))}") from None


def named(error: Exception) -> str:
    """What an error of Spark's is called: its condition or class, which hold no value."""
    return next((condition for condition, _ in _all_told(error) if condition), "no name is given")


def is_one_of(error: Exception, names: Container[str]) -> bool:
    """Whether an error of Spark's, or a cause of it, is of a condition or class."""
    return any(condition in names for condition, _ in _all_told(error))


def shown_path(path: str) -> str:
    """A path without the values of partition folders and without what a URI may hold before its host."""
    return _VALUE.sub("...", re.sub("//[^/@]*@", "//", path))


def _all_told(error: Exception) -> Iterator[Told]:
    """The conditions of an error and of its causes, outermost first."""
    if isinstance(error, PySparkException) and error.getCondition():
        yield Told(str(error.getCondition()), error.getMessageParameters() or {})
    cause: Any = error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)
    while cause is not None:
        yield _of_java(cause)
        cause = cause.getCause()


def _of_java(error: Any) -> Told:
    try:
        condition = error.getCondition()
        return Told(str(condition or ""), {str(k): str(v) for k, v in dict(error.getMessageParameters()).items()})
    except Py4JError:
        return Told(str(error.getClass().getSimpleName()), {})


def _message(spark: SparkSession, source: Source, found: list[Told]) -> str:
    for name, message in _MESSAGES.items():
        for condition, parameters in found:
            if condition == name or condition.startswith(f"{name}."):
                shown = _Shown(source, parameters)
                if name in _TYPES:
                    shown["column"] = _column(spark, source, shown, _TYPES[name])
                return message.format_map(shown)
    said_as = next((condition for condition, _ in found if condition), None)
    said = "and Spark gives no name for what is wrong" if said_as is None else f"Spark says [{said_as}]"
    return f"it cannot be read{',' if said_as is None else ':'} {said}. The cluster's own logs hold the details"


def _column(spark: SparkSession, source: Source, shown: Mapping[str, str], type_: str) -> str:
    """The column of a Parquet type that Spark cannot read, and its file, if they can be found."""
    with contextlib.suppress(PySparkException, Py4JError):
        found = parquet_footers.column_of(spark, source, type_.format_map(shown))
        if found is not None:
            return f"{found[0]} (in {shown_path(found[1]).rpartition('/')[2]})"
    return "a column"


class _Shown(dict[str, str]):
    """The parameters of a condition as they may be shown."""

    def __init__(self, source: Source, parameters: Mapping[str, str]) -> None:
        super().__init__({name: str(value).strip("`\"'") for name, value in parameters.items()})
        self["format"] = str(source.format)
        self["file"] = shown_path(self.get("path", "")).rpartition("/")[2] or "a file"
        self["columns"] = _unlike(parameters)
        self["storage"] = _no_storage(source)
        if source.format in ("csv", "json") and source.schema_ is None:  # names may be data there
            self["columnName"] = self["name"] = "the same"

    def __missing__(self, name: str) -> str:
        return "?"


def _no_storage(source: Source) -> str:
    scheme = storage_jars.scheme_of(source.path or "")
    told = "a class is missing: add the jar of the format, or of the file system that the table lies in"
    return storage_jars.missing(scheme) if scheme not in ("", "file") else told


def _unlike(parameters: Mapping[str, str]) -> str:
    """Columns that two schemas, as Spark writes them, hold in two types."""
    try:
        sides = [T.DataType.fromDDL(parameters[side].strip('"')) for side in ("left", "right")]
    except (KeyError, PySparkException, Py4JError):
        return "a column"
    return ", ".join(_differing("", *sides)) or "a column"


def _differing(path: str, left: T.DataType, right: T.DataType) -> Iterator[str]:
    if isinstance(left, T.StructType) and isinstance(right, T.StructType):
        others = {field.name.lower(): field for field in right.fields}
        for field in left.fields:
            other = others.get(field.name.lower())
            if other is not None:
                yield from _differing(f"{path}.{field.name}".removeprefix("."), field.dataType, other.dataType)
    elif isinstance(left, T.ArrayType) and isinstance(right, T.ArrayType):
        yield from _differing(f"{path}[]", left.elementType, right.elementType)
    elif isinstance(left, T.MapType) and isinstance(right, T.MapType):
        yield from _differing(f"{path}{{key}}", left.keyType, right.keyType)
        yield from _differing(f"{path}{{value}}", left.valueType, right.valueType)
    elif left != right:
        yield f"{path} ({left.simpleString()} and {right.simpleString()})"


_NO_FILES = "no file of format {format} is there: a source needs at least one, which tells its columns"
_UNREADABLE = "{file} cannot be read as {format}: it is damaged, or of another format; mend it, or take it away"
_NO_DELTA = (
    "no Delta table is there: mend 'path' or 'format'. A version is stated by the option versionAsOf, not in the path"
)
_DENIED = "the folder or a file in it may not be read: give the account of the run the right to read it"
_NO_TYPE = (
    "{column} is of the Parquet type {parquetType}, which Spark cannot read: write the file again with another type "
    "(a timestamp in microseconds, a number as int, bigint, double or decimal)"
)
_TYPES = {
    "PARQUET_TYPE_ILLEGAL": "{parquetType}",
    "PARQUET_TYPE_NOT_SUPPORTED": "{parquetType}",
    "UNSUPPORTED_TIME_TYPE": "TIME(",
    "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION": "DECIMAL({precision},",
}
"""Condition -> how the type is written, or begins, of the column that is to blame."""
_MESSAGES = {
    "AccessControlException": _DENIED,
    "AccessDeniedException": _DENIED,
    "PATH_NOT_FOUND": "nothing is there: mend 'path', or its wildcards, which match nothing",
    "UNABLE_TO_INFER_SCHEMA": _NO_FILES,
    "TABLE_OR_VIEW_NOT_FOUND": "no table or view is called so: mend 'table' (catalog.database.table)",
    "REQUIRES_SINGLE_PART_NAMESPACE": "no table or view is called so: mend 'table' (catalog.database.table)",
    "SCHEMA_NOT_FOUND": "no database is called so: mend 'table' (catalog.database.table)",
    "CATALOG_NOT_FOUND": "no catalog is called so: mend 'table', or configure the catalog for Spark",
    "PARSE_SYNTAX_ERROR": "it is no table's name: mend 'table' (catalog.database.table)",
    "CANNOT_MERGE_SCHEMAS": (
        "its files hold {columns} in two types, and which is right cannot be guessed: write the older files again with "
        "the newer type, or make two sources of them"
    ),
    "PARQUET_TYPE_ILLEGAL": _NO_TYPE,
    "PARQUET_TYPE_NOT_SUPPORTED": _NO_TYPE,
    "PARQUET_TYPE_NOT_RECOGNIZED": "a file has a column of a type that Spark does not know: write the file again",
    "UNSUPPORTED_TIME_TYPE": "{column} is a time of day, which Spark cannot read: write it as text",
    "DECIMAL_PRECISION_EXCEEDS_MAX_PRECISION": (
        "{column} is a decimal of {precision} digits, and Spark reads {maxPrecision}: write it as text"
    ),
    "COLUMN_ALREADY_EXISTS": f"two columns are called {{columnName}}: {_UNIQUE}",
    "AMBIGUOUS_REFERENCE": f"two columns are called {{name}}: {_UNIQUE}",
    "FAILED_READ_FILE": _UNREADABLE,
    "CANNOT_READ_FILE_FOOTER": _UNREADABLE,
    "CONFLICTING_PARTITION_COLUMN_NAMES": (
        "its folders name different columns, or are of different depth: every file needs the same ones above it"
    ),
    "CONFLICTING_DIRECTORY_STRUCTURES": (
        "some files lie in partition folders (column=value) and others do not: every file needs the same ones above it"
    ),
    "EMPTY_PARTITION_COLUMN_VALUE": (
        "a partition folder names a column and no value: a null is __HIVE_DEFAULT_PARTITION__"
    ),
    "DELTA_TABLE_NOT_FOUND": _NO_DELTA,
    "DELTA_TABLE_ONLY_OPERATION": _NO_DELTA,
    "DELTA_UNSUPPORTED_TIME_TRAVEL_MULTIPLE_FORMATS": _NO_DELTA,
    "DELTA_MISSING_DELTA_TABLE": "it is not a Delta table: mend 'path' or 'format'",
    "DELTA_PATH_DOES_NOT_EXIST": "nothing is there: mend 'path'",
    "DELTA_VERSION_NOT_FOUND": (
        "version {userVersion} is not there; there are {earliest} to {latest}: mend versionAsOf, or leave it out"
    ),
    "DELTA_TIMESTAMP_GREATER_THAN_COMMIT": (
        "timestampAsOf is after the newest version ({maximumTimestamp}): leave it out to read that one"
    ),
    "DELTA_TIMESTAMP_EARLIER_THAN_COMMIT_RETENTION": (
        "timestampAsOf is before the oldest version that is left ({timestampString}): take a later one"
    ),
    "DELTA_TIMESTAMP_INVALID": "timestampAsOf is no time, such as '2026-11-30 18:00:00'",
    "DELTA_UNSUPPORTED_FEATURES_FOR_READ": "it uses features of Delta that this version cannot read",
    "DELTA_FILE_NOT_FOUND_DETAILED": "files of this version are gone (VACUUM): read a newer version",
    "DELTA_LOG_FILE_NOT_FOUND": "the log of this version is gone: read a newer version",
    "DELTA_TRUNCATED_TRANSACTION_LOG": "the log of this version is gone: read a newer version",
    "DELTA_STATE_RECOVER_ERROR": "its Delta log is damaged",
    "UNSUPPORTED_FEATURE.TIME_TRAVEL": "it is no Delta table, and has no versions: remove versionAsOf or timestampAsOf",
    "UnsupportedFileSystemException": "{storage}",
    "ClassNotFoundException": "{storage}",
    "UnknownHostException": "the host in 'path' is not known",
    "NoSuchBucketException": "the bucket in 'path' is not there",
    "PatternSyntaxException": "'path' is no pattern: a bracket or brace in it is not closed",
    "URISyntaxException": "'path' is no path or URI",
}
"""Condition of an error or of a cause of it, or its class -> what to say. The more telling ones come first."""
