"""What Spark fails with, said in words that name column or file and the mend, and hold no value."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.spark_app import failures, spark_errors
from privacy_udfs import wording
from privacy_udfs.errors import ValueRefused

VALUE = "Zerlina Quixotebird"


def told(step: Callable[[], Any]) -> str:
    with pytest.raises(failures.RunFailed) as failed:
        failures.translated("t", step)
    message = str(failed.value)
    assert message.endswith("; nothing was committed")
    assert VALUE not in message
    return message


def damaged(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[:4] + b"\xff" * (len(content) - 12) + content[-8:])


def test_what_happens_to_files(spark: SparkSession, lake: Path) -> None:
    rows = spark.createDataFrame([(1, VALUE), (2, "b")], "id bigint, name string").coalesce(1)
    rows.write.partitionBy("name").parquet(str(lake / "t"))
    seen = spark.read.schema(rows.schema).parquet(str(lake / "t"))
    files = sorted(lake.rglob("*.parquet"))
    damaged(files[0])
    assert re.search(r"^t: a file of the source cannot be read.*\(file part-[^/ ]*\.parquet\) \[", told(seen.collect))
    for file in files:
        file.unlink()
    assert re.search(r"^t: a file of the source went away.*\(file part-[^/ ]*\.parquet\) \[", told(seen.collect))
    assert "nothing at the path of the source" in told(lambda: spark.read.parquet(str(lake / VALUE)))
    (lake / "empty").mkdir()
    assert "holds no file with data" in told(lambda: spark.read.parquet(str(lake / "empty")))
    assert "jars are missing" in told(lambda: spark.read.parquet("s3a://bucket/t"))
    assert "does not know this format" in told(lambda: spark.read.format("avrow").load(str(lake)))


def test_types_of_files_that_do_not_go_together(spark: SparkSession, lake: Path) -> None:
    (lake / "t").mkdir()
    pq.write_table(pa.table({"id": pa.array([1], pa.int32())}), lake / "t" / "a.parquet")
    pq.write_table(pa.table({"id": [VALUE]}), lake / "t" / "b.parquet")
    merged = told(lambda: spark.read.option("mergeSchema", "true").parquet(str(lake / "t")))
    assert "with types that do not go together" in merged
    read = told(spark.read.schema("id int").parquet(str(lake / "t")).collect)
    assert re.search(r"hold a column with different types.*column .*id.*file b\.parquet\)", read)
    nanoseconds = pa.table({"at": pa.array([1], pa.time64("ns"))})
    (lake / "n").mkdir()
    pq.write_table(nanoseconds, lake / "n" / "a.parquet")
    assert "of a type that Spark does not read" in told(lambda: spark.read.parquet(str(lake / "n")))


def test_values_that_do_not_fit_and_what_delta_does_not_take(spark: SparkSession, lake: Path) -> None:
    rows = spark.createDataFrame([(VALUE, 1, {"a": 1})], "name string, id int, pairs map<string, int>")
    assert "does not fit into the type" in told(rows.select(F.col("name").cast("int")).collect)
    odd = rows.select(F.col("id").alias("odd name"), "name")
    write = told(lambda: odd.write.format("delta").save(str(lake / "odd")))
    assert "(column odd name" in write
    assert "delta.columnMapping.mode: name in target.properties" in write
    rows.createOrReplaceTempView("given")
    for clause, wanted in (
        ("CLUSTER BY (pairs)", "cannot be clustered by a column of this type"),
        ("PARTITIONED BY (pairs)", "cannot be partitioned so"),
        ("TBLPROPERTIES ('delta.nosuch' = '1')", "names a setting that Delta does not know"),
    ):
        statement = f"CREATE TABLE delta.`{lake}/{len(clause)}` USING delta {clause} AS TABLE given"
        assert wanted in told(lambda statement=statement: spark.sql(statement))  # type: ignore[misc]


def test_an_unknown_class_stays_in_brackets_and_no_value_passes_for_one(spark: SparkSession) -> None:
    assert told(lambda: spark.sql("SELECT nosuch")).startswith("t: Spark failed [UNRESOLVED_COLUMN")
    raising = spark.range(1).select(F.raise_error(F.lit(f"[{VALUE.upper().replace(' ', '_')}] No space")))
    assert told(raising.collect).startswith("t: Spark failed [USER_RAISED_EXCEPTION]; ")


def test_our_words_are_known_by_the_mark_of_the_run_alone(spark: SparkSession) -> None:
    mark = wording.renew()
    imitated = [
        f"privacy_udfs.errors.ValueRefused: {VALUE}",
        f"[USER_RAISED_EXCEPTION] the csv source holds a line that does not parse {VALUE}",
        wording.marked("0" * 32, "ValueRefused", VALUE),
        f"<{{mark}} ValueRefused>{VALUE}</{{mark}}>",
    ]
    for text in imitated:
        assert told(spark.range(1).select(F.raise_error(F.lit(text))).collect).startswith(
            "t: Spark failed [USER_RAISED"
        )
    ours = F.raise_error(F.lit(f"{VALUE} {wording.marked(mark, 'ValueRefused', 't: a: refused')} {VALUE}"))
    assert told(spark.range(1).select(ours).collect) == "t: a: refused (ValueRefused); nothing was committed"
    wording.renew()
    assert told(spark.range(1).select(ours).collect).startswith("t: Spark failed [USER_RAISED")


def test_an_error_carries_the_mark_out_of_a_block() -> None:
    mark = wording.renew()
    with pytest.raises(ValueRefused) as error, wording.marked_errors(mark):
        raise ValueRefused("a: 2 values\nand more")
    assert wording.told(f"Traceback ... {error.value}\nSQLSTATE") == ("ValueRefused", "a: 2 values\nand more")
    with pytest.raises(ValueRefused, match=r"^plain$"), wording.marked_errors(None):
        raise ValueRefused("plain")


def test_every_class_that_is_translated_is_one_of_spark_or_delta(spark: SparkSession) -> None:
    """A misspelt one would never be found."""
    loader = spark._jvm.java.lang.Thread.currentThread().getContextClassLoader()  # type: ignore[union-attr]
    names: set[str] = set()
    for file in ("error/error-conditions.json", "error/delta-error-classes.json"):
        stream = loader.getResourceAsStream(file)
        for name, condition in json.loads(bytes(stream.readAllBytes())).items():
            names |= {name, *(f"{name}.{sub}" for sub in condition.get("subClass") or ())}
    wanted = {
        each for known in spark_errors.KNOWN for each in known.pattern.split("|") if re.fullmatch(r"[A-Z_.]+", each)
    }
    assert [each for each in sorted(wanted) if not any(each in name for name in names)] == []
