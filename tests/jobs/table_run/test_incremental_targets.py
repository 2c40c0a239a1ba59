"""Targets that others changed, before a run or meanwhile, or that were treated otherwise."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration import config
from jobs.configuration.models import Execution, Mode
from jobs.lake.delta_commit import APPLICATION, transaction
from jobs.lake.problems import CommitConflict, PassedOver
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
    with pytest.raises(LakenymError, match=r"version 2 .*RESTORE.* changed its rows since the last run.*--mode full"):
        run(spark, lake)
    run(spark, lake, mode="full")
    target.update("day = date'2026-01-01'", {"note": "'x'"})
    with pytest.raises(LakenymError, match=r"changed its rows since the last run|rows that no run of this job wrote"):
        run(spark, lake)


def marked(lake: Path, mark: int) -> None:
    """As a clone of a treated table may have it, or a log that was made anew: a mark of this job in a commit of others,
    past the table's versions."""
    log = lake / "treated" / "t" / "_delta_log"
    info = {"commitInfo": {"operation": "CLONE", "operationParameters": {}, "timestamp": 0}}
    lines = [info, {"txn": {"appId": APPLICATION, "version": mark, "lastUpdated": 0}}]
    (log / f"{len(list(log.glob('*.json'))):020}.json").write_text("\n".join(map(json.dumps, lines)))


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_a_mark_that_is_not_higher_stops_no_commit(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Delta's issues 5259 and 3934: by an equal or lower ``txnVersion`` rows are left out without a word."""
    grown(spark, lake, 0, 20)
    run(spark, lake, execution)
    run(spark, lake, execution, mode="full")
    delta(spark, lake / "treated" / "t").restoreToVersion(0)
    grown(spark, lake, 20, 30)
    restored = run(spark, lake, execution, mode="full")
    assert (restored.version, restored.rows) == (3, 30)
    marked(lake, 100)
    grown(spark, lake, 30, 35)
    assert (run(spark, lake, execution).rows, lakes.treated(spark, lake).count()) == (5, 35)
    assert run(spark, lake, execution, mode="full").rows == 35
    grown(spark, lake, 35, 37)
    assert run(spark, lake, execution).rows == 2, "the run in full counts as one"
    check_as_in_full(spark, lake)


def test_a_statement_that_delta_passes_over_is_told(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where Delta's own transaction is out of reach, its statement leaves the rows out."""
    grown(spark, lake, 0, 20)
    run(spark, lake)
    marked(lake, 2)  # of the version that is to come
    grown(spark, lake, 20, 30)
    monkeypatch.setattr(transaction, "TRIED", {"4.2": "4.3"})
    with pytest.raises(PassedOver, match=r"a mark of this job that is not lower.*choose a new target, or drop this"):
        run(spark, lake, mode="full")
    assert lakes.treated(spark, lake).count() == 20


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


def test_another_version_of_the_policy_is_refused_or_all_are_treated_anew(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    entry = lakes.table("t", lake, COLUMNS, source={"format": "delta", "path": str(lake / "raw" / "t")})
    entry["target"]["mode"] = "incremental"
    pseudonymize.run(spark, lakes.configured(lake, entry), "t")
    grown(spark, lake, 20, 30)
    policy = {**lakes.POLICY, "version": "2027-01"}
    (lake / "conf" / "policy.yaml").write_text(json.dumps(policy), encoding="utf-8")  # which is YAML too
    conf = config.load(lake / "conf")
    modes: tuple[Mode, ...] = ("incremental", "stream")
    for mode in modes:
        with pytest.raises(LakenymError, match=r"another version of the policy.*--retreat, or --mode full"):
            pseudonymize.run(spark, conf, "t", mode=mode)
    assert lakes.treated(spark, lake).count() == 20
    anew = pseudonymize.run(spark, conf, "t", retreat=True)
    assert (anew.mode, anew.rows) == ("full", 30)
    assert lakes.properties(spark, lake)["privacy.policy.version"] == "2027-01"
    grown(spark, lake, 30, 33)
    assert pseudonymize.run(spark, conf, "t").rows == 3


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


@pytest.mark.parametrize("first", but_for(["incremental"], ["incremental", "full"]))
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
