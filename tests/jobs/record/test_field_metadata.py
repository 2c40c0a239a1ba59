"""Parameters of every kind stand in the metadata of fields, and are given back as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.pseudonymize import run
from jobs.record.field_metadata import decoded, encoded
from jobs.record.record_reader import columns_of
from jobs.record.treated_table import privacy_of
from tests.helpers import lakes
from tests.helpers.lakes import configured, table

NUMBERS: list[Any] = [1, -(2**63), 2**63 - 1, 0.1, [1, 2], [1.5, 2.0]]
AS_EVER: list[Any] = [*NUMBERS, None, True, "", "ü\u2028\U0001f600", [], ["a"], {}, {"a": {"b": ["c"]}}]
OTHERS: list[Any] = [[["a", "b"], ["c", "d"]], [1, "a"], [1, 1.5], [None], [True, 1], 2**63, [2**70]]
OTHERS += [[{}], [{"a": 1}, {"b": []}], {"json": "x"}, {"json": 1}, {"a": [[[]]]}, [-1, "0.5", 3]]


@pytest.mark.parametrize("value", AS_EVER, ids=repr)
def test_what_spark_holds_stands_as_it_is(value: Any) -> None:
    assert encoded(value) == value == decoded(value)


def test_sparks_metadata_gives_back_what_it_got(spark: SparkSession) -> None:
    assert spark._jvm is not None
    read = spark._jvm.org.apache.spark.sql.types.Metadata.fromJson
    for value in [*AS_EVER, *OTHERS]:
        entry = {"parameters": {"value": value, "more": {"deep": value}}}
        told = json.loads(read(json.dumps(encoded(entry))).json())
        assert decoded(told) == entry
        assert json.dumps(decoded(told), sort_keys=True) == json.dumps(entry, sort_keys=True)


LEVELS = [["a", "x", "*"], ["b", "z", "*"]]
LISTS: dict[str, tuple[str, dict[str, Any]]] = {
    "hierarchy": (
        "string",
        {"technique": "generalize_hierarchy", "levels": LEVELS, "level": 1},
    ),
    "names": ("string", {"technique": "substitute", "values": ["a", "b"], "key": "crm"}),
    "whole": ("bigint", {"technique": "generalize_number", "edges": [0, 10, 20]}),
    "mixed": ("double", {"technique": "generalize_number", "edges": [0, 0.5, 10]}),
    "huge": ("decimal(38,0)", {"technique": "generalize_number", "width": 10**20}),
    "steps": ("string", {"technique": "keyed_hash", "key": "crm", "normalize": ["nfc", "trim"]}),
}


def test_short_lists_are_recorded_whole(spark: SparkSession, lake: Path) -> None:
    fields = [T.StructField(name, T.DataType.fromDDL(kind)) for name, (kind, _) in LISTS.items()]
    nested = T.StructType([T.StructField("s", T.StructType(fields)), *fields])
    spark.createDataFrame([], nested).write.parquet(str(lake / "raw" / "t"))
    columns = {prefix + name: treatment for prefix in ("", "s.") for name, (_, treatment) in LISTS.items()}
    run(spark, configured(lake, table("t", lake, columns)), "t")
    path = f"delta.`{lake}/treated/t`"
    properties = lakes.properties(spark, lake)
    record, told = columns_of(properties), privacy_of(spark.table(path))
    assert {name: column.parameters for name, column in told.items()} == {
        name: entry.parameters for name, entry in record.items()
    }
    assert record["hierarchy"].parameters["levels"] == LEVELS
