"""One source treated by both paths, into two targets, and all that anyone can see of the two tables."""

from __future__ import annotations

import dataclasses
import json
import re
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from jobs import pseudonymize
from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.models import Execution
from jobs.pseudonymize import Result
from tests.helpers import lakes

IDS = re.compile(r"materializedRow|inCommitTimestampEnablement|privacy\.(config|software)")
"""Properties that differ from table to table: ids, times, and the hash of a configuration that names its target."""


@dataclasses.dataclass(frozen=True)
class Told:
    """All that is compared. rows: exact, to the bit of each number, in order of their text."""

    rows: Sequence[str]
    schema: Any
    detail: Mapping[str, Any]
    operation: Mapping[str, Any]


Seen = Callable[[DataFrame], DataFrame]
"""What is compared of a table's rows."""


def whole(frame: DataFrame) -> DataFrame:
    return frame


def kept(schema: T.StructType, **treated: Any) -> dict[str, Any]:
    """A rule for each leaf column: to keep it, but for those that ``treated`` names by their paths."""
    paths = [str(path) for path in _leaves(ColumnPath(()), schema)]
    assert set(treated) <= set(paths), (sorted(treated), paths)
    return {path: treated.get(path, "keep") for path in paths}


def _leaves(path: ColumnPath, given: T.DataType) -> Iterator[ColumnPath]:
    if isinstance(given, T.StructType):
        for field in given.fields:
            yield from _leaves(path.child(Field(field.name)), field.dataType)
    elif isinstance(given, T.ArrayType):
        yield from _leaves(path.child(Element()), given.elementType)
    elif isinstance(given, T.MapType):
        yield from _leaves(path.child(MapKey()), given.keyType)
        yield from _leaves(path.child(MapValue()), given.valueType)
    else:
        yield path


def same(spark: SparkSession, lake: Path, columns: Mapping[str, Any], source: Mapping[str, Any], **more: Any) -> Result:
    """Treat a source by both paths and compare the tables; the result of the run that was free to choose.

    target: what the catalog says of both targets besides their places. by_name: the targets are ``<by_name>_spark``
    and ``<by_name>_auto``. seen: what is compared of the rows. before: SQL that each target begins with, with its name
    for {}. Any more is the entry's.
    """
    seen = more.pop("seen", whole)
    target, before, by_name = more.pop("target", {}), more.pop("before", ()), more.pop("by_name", None)
    results, places = {}, {}
    executions: tuple[Execution, ...] = ("spark", "auto")
    for execution in executions:
        path = lake / "treated" / execution
        place = {"table": f"{by_name}_{execution}"} if by_name else {"path": str(path)}
        places[execution] = place["table"] if by_name else f"delta.`{path}`"
        for statement in before:
            spark.sql(statement.replace("{}", places[execution]))
        results[execution] = run(spark, lake, columns, source, execution, target={**place, **target}, **more)
    compare(spark, places["spark"], places["auto"], seen)
    by_spark, by_auto = results["spark"], results["auto"]
    assert by_spark.execution == "spark"
    assert by_spark.not_columnar is None
    assert (by_auto.rows, by_auto.counts) == (by_spark.rows, by_spark.counts)
    return by_auto


def run(
    spark: SparkSession,
    lake: Path,
    columns: Mapping[str, Any],
    source: Mapping[str, Any],
    execution: Execution,
    **more: Any,
) -> Result:
    """One run by one path; by default into a folder of its name."""
    entry = lakes.table("t", lake, columns, source=dict(source), **more)
    entry["target"] = more.get("target", {"path": str(lake / "treated" / execution)})
    conf = lakes.configured(lake, entry)
    return pseudonymize.run(spark, conf, "t", allow_raw_history=True, execution=execution, accept_deleted_rows=True)


def columnar(*arguments: Any, **more: Any) -> None:
    """The same, and the run took the columnar path."""
    result = same(*arguments, **more)
    assert result.execution == "columnar", result.not_columnar


def not_columnar(why: str, *arguments: Any, **more: Any) -> None:
    """The same, and the run took Spark's path, for this reason."""
    result = same(*arguments, **more)
    assert result.execution == "spark"
    assert result.not_columnar is not None
    assert why in result.not_columnar


def compare(spark: SparkSession, by_spark: str, by_auto: str, seen: Seen = whole) -> None:
    """Assert that two tables are the same in all that can be seen of them, by both of Spark's readers of Parquet."""
    expected, found = told(spark, by_spark, seen), told(spark, by_auto, seen)
    for field in dataclasses.fields(Told):
        _check_equal(field.name, getattr(found, field.name), getattr(expected, field.name))
    spark.conf.set("spark.sql.parquet.enableVectorizedReader", "false")
    try:
        assert rows(seen(spark.table(by_auto))) == expected.rows
    finally:
        spark.conf.unset("spark.sql.parquet.enableVectorizedReader")


def _check_equal(where: str, found: Any, expected: Any) -> None:
    """With the first place where they differ."""
    if isinstance(expected, dict) and isinstance(found, dict) and expected.keys() == found.keys():
        for key in expected:
            _check_equal(f"{where}.{key}", found[key], expected[key])
    elif isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        for at, each in enumerate(expected):
            _check_equal(f"{where}[{at}]", found[at], each)
    else:
        assert found == expected, f"{where}: columnar {found!r}, Spark {expected!r}"


def told(spark: SparkSession, name: str, seen: Seen = whole) -> Told:
    frame = spark.table(name)
    return Told(rows(seen(frame)), json.loads(frame.schema.json()), _detail(spark, name), _operation(spark, name))


def rows(frame: DataFrame) -> list[str]:
    """Each row as a text, in which -0.0, 0.0 and every NaN are told apart."""
    table = frame.toArrow()
    columns = [[exact(value) for value in plain(column)] for column in table.columns]
    return sorted(map(repr, zip(*columns, strict=True))) if columns else []


def plain(column: pa.ChunkedArray) -> list[Any]:
    """Values as Python has them; dates and times as numbers, since Python has no years before 1 or after 9999."""
    given = column.type
    if pa.types.is_date(given):
        column = column.cast(pa.int32())
    if pa.types.is_timestamp(given):
        column = column.cast(pa.int64())
    if pa.types.is_string(given):
        column = column.cast(pa.binary())  # it need not be UTF-8
    return list(column.to_pylist())


def exact(value: Any) -> Any:
    if isinstance(value, float):
        return struct.pack(">d", value).hex()
    if isinstance(value, Mapping):
        return {key: exact(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [exact(each) for each in value]
    return (type(value).__name__, value) if isinstance(value, Decimal | bool) else value


def _detail(spark: SparkSession, name: str) -> dict[str, Any]:
    found = spark.sql(f"DESCRIBE DETAIL {name}").collect()[0].asDict()
    properties = {key: value for key, value in found["properties"].items() if not IDS.search(key)}
    wanted = ("format", "description", "partitionColumns", "clusteringColumns", "minReaderVersion", "minWriterVersion")
    return {
        **{key: found[key] for key in wanted},
        "tableFeatures": sorted(found["tableFeatures"]),
        "properties": properties,
    }


def _operation(spark: SparkSession, name: str) -> dict[str, Any]:
    """What the history says of the last commit: what it did, how much, and of which run."""
    found = spark.sql(f"DESCRIBE HISTORY {name} LIMIT 1").collect()[0]
    user = json.loads(found["userMetadata"])
    stated = {key: value for key, value in found["operationParameters"].items() if key not in ("properties",)}
    return {
        "operation": found["operation"],
        "parameters": stated,
        "metrics": sorted(found["operationMetrics"]),
        "counted": {key: found["operationMetrics"].get(key) for key in ("numOutputRows", "numRemovedFiles")},
        "blind": found["isBlindAppend"],
        "level": found["isolationLevel"],
        "said": {key: user[key] for key in ("source_version", "counts", "rows")},
    }
