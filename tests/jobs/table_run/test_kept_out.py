"""Whoever was erased does not come back from the source: in every mode, by both paths."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from tests.helpers import erasures, growing, lakes
from tests.helpers.growing import PATHS

COLUMNS = {"id": {"domain": "customer"}, "number": "keep"}


@pytest.mark.parametrize("execution", PATHS)
def test_rows_of_the_erased_stay_out_of_a_run_in_full(spark: SparkSession, lake: Path, execution: str) -> None:
    spark.createDataFrame([(f"C-{n}" if n % 9 else None, n) for n in range(40)], "id string, number int").write.parquet(
        str(lake / "raw" / "t")
    )
    lakes.write_conf(lake, lakes.table("t", lake, COLUMNS, execution=execution))
    conf = erasures.stated(lake, erasures.listed(spark, lake))
    assert pseudonymize.run(spark, conf, "t").rows == 40
    erasures.put(spark, conf, ["C-3", " C-5 ", "C-77"])
    result = pseudonymize.run(spark, conf, "t")
    there = {row.number for row in lakes.treated(spark, lake).collect()}
    assert (result.execution, result.rows, there) == (execution, 38, {*range(40)} - {3, 5})
    said = growing.told(spark, lake)[-1]
    assert said["kept_out"] == "< 10"
    assert said["erased_list"]["version"] == 1
