"""Targets that others changed, before a run or meanwhile, or that were treated otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.models import Execution
from jobs.lake.problems import CommitConflict
from jobs.spark_app import session
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.growing import COLUMNS, PATHS, check_as_in_full, delta, grown, rows, run
from tests.helpers.sweeps import but_for


def test_a_target_that_others_changed_stops(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    run(spark, lake)
    grown(spark, lake, 20, 30)
    run(spark, lake)
    target = delta(spark, lake / "treated" / "t")
    target.restoreToVersion(0)
    with pytest.raises(LakenymError, match=r"version 2 .*RESTORE.* changed its rows since the last run"):
        run(spark, lake)
    run(spark, lake, mode="full")
    target.update("day = date'2026-01-01'", {"note": "'x'"})
    with pytest.raises(LakenymError, match=r"changed its rows since the last run|rows that no run of this job wrote"):
        run(spark, lake)


def test_what_was_deleted_stays_gone(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    run(spark, lake)
    delta(spark, lake / "treated" / "t").delete("day = date'2026-01-02'")
    kept = lakes.treated(spark, lake).count()
    grown(spark, lake, 20, 30)
    assert run(spark, lake).rows == 10
    assert lakes.treated(spark, lake).count() == kept + 10


def test_another_treatment_is_refused_or_all_are_treated_anew(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    run(spark, lake)
    grown(spark, lake, 20, 30)
    other = {**COLUMNS, "note": "drop"}
    with pytest.raises(LakenymError, match=r"note \(technique.*--retreat"):
        run(spark, lake, columns=other)
    anew = run(spark, lake, columns=other, retreat=True)
    assert (anew.mode, anew.rows) == ("full", 30)
    grown(spark, lake, 30, 35)
    assert run(spark, lake, columns=other, retreat=True).mode == "incremental", "nothing differs any more"
    grown(spark, lake, 35, 36)
    with pytest.raises(LakenymError, match="partitioned otherwise"):
        run(spark, lake, columns=other, target={"partition_by": ["day"]})


def test_a_constrained_target_is_not_added_to(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    run(spark, lake)
    spark.sql(f"ALTER TABLE delta.`{lake}/treated/t` ADD CONSTRAINT dated CHECK (day > date'2000-01-01')")
    grown(spark, lake, 20, 30)
    for execution in PATHS:
        with pytest.raises(LakenymError, match="constraints"):
            run(spark, lake, execution)


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_of_two_runs_at_once_one_adds(spark: SparkSession, lake: Path, execution: Execution) -> None:
    grown(spark, lake, 0, 20)
    run(spark, lake)
    grown(spark, lake, 20, 30)
    own = session.for_run(spark)
    conf = lakes.configured(
        lake,
        lakes.table(
            "t",
            lake,
            COLUMNS,
            source={"format": "delta", "path": str(lake / "raw" / "t")},
            target={"path": str(lake / "treated" / "t"), "mode": "incremental"},
            execution=execution,
        ),
    )
    late = pseudonymize.prepare(own, conf, "t")
    assert run(spark, lake, execution).rows == 10
    with pytest.raises(CommitConflict):
        pseudonymize.execute(own, late)
    check_as_in_full(spark, lake)
    named = {row[0] for row in lakes.treated(spark, lake).selectExpr("_metadata.file_name").distinct().collect()}
    there = {path.name for path in (lake / "treated" / "t").glob("*.parquet")}
    assert execution == "spark" or named == there, "the run that came late leaves no file"


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_rows_that_another_program_adds_meanwhile_are_a_conflict(
    spark: SparkSession, lake: Path, execution: Execution
) -> None:
    grown(spark, lake, 0, 20)
    run(spark, lake)
    grown(spark, lake, 20, 30)
    own = session.for_run(spark)
    entry = lakes.table("t", lake, COLUMNS, execution=execution)
    entry["source"]["format"], entry["target"]["mode"] = "delta", "incremental"
    late = pseudonymize.prepare(own, lakes.configured(lake, entry), "t")
    lakes.treated(spark, lake).limit(1).write.format("delta").mode("append").save(str(lake / "treated" / "t"))
    with pytest.raises(CommitConflict):
        pseudonymize.execute(own, late)
    assert lakes.treated(spark, lake).count() == 21


@pytest.mark.parametrize("first", ["incremental", "full"])
def test_a_run_that_added_nothing_is_a_conflict_too(spark: SparkSession, lake: Path, first: Any) -> None:
    """Else two commits would carry one mark, and the later one not count as a run."""
    grown(spark, lake, 0, 20)
    entry = lakes.table("t", lake, COLUMNS, rows="id < '5'")
    entry["source"]["format"], entry["target"]["mode"] = "delta", "incremental"
    conf = lakes.configured(lake, entry)
    pseudonymize.run(spark, conf, "t")
    rows(spark, 50, 60).selectExpr("concat('9', id) AS id", "day", "note").write.format("delta").mode("append").save(
        str(lake / "raw" / "t")
    )
    own = session.for_run(spark)
    late = pseudonymize.prepare(own, config.in_mode(conf, first), "t")
    assert pseudonymize.run(spark, conf, "t").rows == 0
    with pytest.raises(CommitConflict):
        pseudonymize.execute(own, late)
    grown(spark, lake, 0, 3)
    assert pseudonymize.run(spark, conf, "t").rows == 3
