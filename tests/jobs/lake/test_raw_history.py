"""Which versions count as raw, and what is told of what is left of them."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import state
from jobs.lake.history import History, _judged
from jobs.lake.log_commits import Commit
from jobs.lake.replace import USER_METADATA
from jobs.lake.state import TargetState
from jobs.record.treatment_record import RECORD
from jobs.spark_app import session
from tests.helpers.lakes import configured, quick_to_vacuum, table

ENTRY = {"id": {"domain": "customer"}, "note": "keep"}
RECORDED = {RECORD: "{}", "privacy.status": "treated"}
CREATE = "CREATE OR REPLACE TABLE AS SELECT"


# -- what a commit is, without Spark ----------------------------------------------------------------------------------


def ours(version: int, **more: object) -> Commit:
    run = {"run_id": f"r{version}", "rows": 5, "files": 1}
    parts = {
        "added": 1,
        "rows": 5,
        "removed": 0,
        "record": RECORDED,
        "mark": version,
        "operation": CREATE,
        "parameters": {},
        "run": run,
    }
    return Commit(version, **{**parts, **more})  # type: ignore[arg-type]


def other(version: int, operation: str, **more: object) -> Commit:
    parts = {
        "added": 0,
        "rows": 0,
        "removed": 0,
        "record": None,
        "mark": None,
        "operation": operation,
        "parameters": {},
        "run": {},
    }
    return Commit(version, **{**parts, **more})  # type: ignore[arg-type]


def more(version: int, **others: object) -> Commit:
    """A run of ours that added rows."""
    run = {**ours(version).run, "mode": "incremental"}
    return dataclasses.replace(ours(version), **{"operation": "WRITE", "record": None, "run": run, **others})  # type: ignore[arg-type]


def some(version: int, **others: object) -> Commit:
    """A run of ours that replaced partitions."""
    run = {**ours(version).run, "mode": "partitions"}
    return more(version, **{"removed": 1, "run": run, **others})


COPY = ours(0).run
UNSET = {"other": "x"}


@pytest.mark.parametrize(
    ("commits", "raw"),
    [
        ([ours(0), ours(1)], []),
        ([ours(0), other(1, "OPTIMIZE"), other(2, "VACUUM START"), ours(3)], []),
        ([ours(0), other(1, "WRITE", added=1, rows=1), other(2, "OPTIMIZE"), ours(3)], [1, 2]),
        ([ours(0), other(1, "UPDATE", added=1), other(2, "MERGE", added=1)], [1, 2]),
        ([ours(0), other(1, "DELETE", added=1), other(2, "TRUNCATE")], []),
        ([ours(0), other(1, "SET TBLPROPERTIES", record=RECORDED)], []),
        ([ours(0), other(1, "SET TBLPROPERTIES", record={**RECORDED, "privacy.status": "x"})], [1]),
        ([ours(0), other(1, "UNSET TBLPROPERTIES", record=UNSET), ours(2)], [1]),
        ([other(0, "WRITE", added=1, record=UNSET), other(1, "SET TBLPROPERTIES", record=RECORDED)], [0, 1]),
        ([ours(0), ours(1, run=COPY)], [1]),
        ([ours(0), ours(1, mark=None)], [1]),
        ([ours(0), ours(1, mark=0)], [1]),
        ([ours(0), ours(1, mark=2)], [1]),
        ([ours(0), ours(1, operation="WRITE")], [1]),
        ([ours(0), ours(1, rows=6)], [1]),
        ([ours(0), ours(1, added=2)], [1]),
        ([ours(0, run={"run_id": "before these numbers were told"})], []),
        ([ours(0), ours(1, record=UNSET)], [1]),
        ([ours(0), other(1, "VACUUM END"), ours(2, mark=1)], []),
        ([ours(0), ours(1), other(2, "RESTORE", added=1, parameters={"version": "0"})], []),
        ([other(0, "WRITE", added=1), ours(1), other(2, "RESTORE", added=1, parameters={"version": "0"})], [0, 2]),
        ([other(0, "WRITE", added=1), ours(1), other(2, "RESTORE", added=1, parameters={"version": "1"})], [0]),
        ([other(0, "WRITE", added=1), ours(1), other(2, "RESTORE", added=1, parameters={"timestamp": "x"})], [0, 2]),
        ([other(0, "CLONE", added=3, record=RECORDED)], [0]),
        ([ours(0), more(1), other(2, "OPTIMIZE"), more(3)], []),
        ([ours(0), more(1, run={**ours(1).run, "mode": "changes"}, removed=1)], []),
        ([ours(0), more(1, run={**ours(1).run, "mode": "some"}, removed=1)], [1]),
        ([ours(0), other(1, "WRITE", added=1), more(2), ours(3)], [1, 2]),
        ([ours(0), more(1, mark=None)], [1]),
        ([ours(0), more(1, run={**COPY, "mode": "incremental"})], [1]),
        ([ours(0), more(1, rows=6)], [1]),
        ([ours(0), more(1, record=UNSET)], [1]),
        ([ours(0), more(1, record=RECORDED), more(2)], []),  # it states the same, and what was measured
        ([ours(0), more(1, record={**RECORDED, "privacy.status": "x"})], [1]),
        ([other(0, "WRITE", added=1, record=UNSET), more(1, record=RECORDED)], [0, 1]),
        ([other(0, "WRITE", added=1, record=UNSET), more(1)], [0, 1]),
        ([ours(0), other(1, "CLONE", mark=100), ours(2), more(3)], []),
        ([ours(0), other(1, "CLONE", mark=1), ours(2, mark=1)], [2]),
        ([ours(0), some(1), some(2, mark=1), some(3, mark=2), ours(4)], []),
        ([ours(0), more(1), some(2, mark=2), some(3, mark=2), more(4, mark=4)], []),
        ([ours(0), some(1), more(2, mark=1)], [2]),
        ([ours(0), some(1), ours(2, mark=1)], [2]),
        ([ours(0), more(1), some(2, mark=1)], [2]),
        ([ours(0), some(1, mark=2)], [1]),
        ([ours(0), some(1), other(2, "WRITE", added=1), some(3)], [2, 3]),
    ],
)
def test_which_versions_are_raw(commits: list[Commit], raw: list[int]) -> None:
    assert [version for version, treated in _judged(commits, False)[0].items() if not treated] == raw


@pytest.mark.parametrize(
    ("commits", "lacking"),
    [
        ([ours(0), more(1)], False),
        ([ours(0), other(1, "DELETE", added=1, removed=1)], True),
        ([ours(0), other(1, "DELETE", added=1, removed=1), more(2)], True),
        ([ours(0), other(1, "DELETE", added=1, removed=1), ours(2), more(3, removed=1)], False),
        ([ours(0), other(1, "OPTIMIZE"), more(2, removed=2)], False),
        ([more(7), more(8)], True),
    ],
)
def test_whether_others_may_have_deleted_rows(commits: list[Commit], lacking: bool) -> None:
    """Since the last run that wrote all rows; of a log that no longer holds one nobody knows."""
    runs = frozenset(commit.version for commit in commits if commit.run)
    assert History(commits[-1].version, tuple(commits), ours=runs).may_lack_rows is lacking


def back(version: int, parameters: Mapping[str, str]) -> Commit:
    return other(version, "RESTORE", added=1, parameters=parameters)


@pytest.mark.parametrize(
    ("commits", "deletes"),
    [
        ([ours(0), other(1, "DELETE", removed=1, deleted=3), other(2, "OPTIMIZE", added=1, removed=2)], [1]),
        ([ours(0), other(1, "DELETE", removed=1), more(2), other(3, "MERGE", added=1, removed=1, deleted=1)], [1, 3]),
        ([ours(0), other(1, "MERGE", added=1, removed=1, deleted=0), other(2, "UPDATE", added=1, removed=1)], []),
        ([ours(0), other(1, "a program", removed=1), other(2, "DELETE", added=1, removed=1)], [1, 2]),
        ([ours(0), other(1, "DELETE", removed=1), ours(2), some(3)], []),
        ([ours(0), other(1, "DELETE", removed=1), some(2), back(3, {"version": "0"})], []),
        ([ours(0), other(1, "DELETE", removed=1), ours(2), back(3, {"version": "1"})], [1]),
        ([ours(0), other(1, "DELETE", removed=1), back(2, {"timestamp": "x"})], [1]),
        ([other(0, "WRITE"), other(1, "DELETE", removed=1)], []),  # nothing there is ours
        ([other(0, "WRITE"), other(1, "DELETE", removed=1), ours(2), other(3, "DELETE", removed=1)], [3]),
    ],
)
def test_which_commits_took_rows_away(commits: list[Commit], deletes: list[int]) -> None:
    """Since the last run that wrote all, but for what was put back."""
    states, runs = _judged(commits, False)
    found = History(commits[-1].version, tuple(commits), states, frozenset(runs)).deletes
    assert [commit.version for commit in found] == deletes


def test_a_cleaned_log_begins_as_its_schema_says() -> None:
    left = [other(7, "OPTIMIZE"), other(8, "SET TBLPROPERTIES", record=RECORDED)]
    assert list(_judged(left, True)[0].values()) == [True, True]
    assert list(_judged(left, False)[0].values()) == [False, False]
    assert list(_judged([*left, ours(9)], False)[0].values()) == [False, False, True]


# -- real tables ------------------------------------------------------------------------------------------------------


def treated(spark: SparkSession, lake: Path) -> Config:
    spark.range(20).select("id", F.lit("x").alias("note")).coalesce(1).write.parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, ENTRY))
    pseudonymize.run(spark, conf, "t")
    return conf


def look(spark: SparkSession, conf: Config) -> TargetState:
    return state.inspect(session.for_run(spark), conf.tables["t"].target)


def test_rows_of_others_are_raw_until_the_next_run(spark: SparkSession, lake: Path) -> None:
    conf, name = treated(spark, lake), f"delta.`{lake}/treated/t`"
    run = spark.sql(f"DESCRIBE HISTORY {name}").collect()[0]["userMetadata"]
    quick = quick_to_vacuum(spark)
    for statement in ("OPTIMIZE {}", "VACUUM {}", "COMMENT ON TABLE {} IS 'x'", "DELETE FROM {} WHERE note = 'nobody'"):
        quick.sql(statement.format(name)).collect()
    before = look(spark, conf)
    assert before.raw_versions == ()
    own = session.for_run(spark)
    own.conf.set(USER_METADATA, run)
    own.sql(f"INSERT INTO {name} VALUES ('x', 'canary')")
    assert look(spark, conf).raw_versions == (before.version + 1,)
    with pytest.raises(Refused, match="rows that no run of this job wrote, which time travel") as refused:
        pseudonymize.run(spark, conf, "t")
    assert "canary" not in str(refused.value)
    assert pseudonymize.run(spark, conf, "t", allow_raw_history=True).version == before.version + 2
    spark.sql(f"RESTORE {name} TO VERSION AS OF {before.version}")
    assert look(spark, conf).raw_versions == (before.version + 1,), "what was restored is treated"


def test_what_is_left_after_vacuum_and_after_the_log_is_cleaned(spark: SparkSession, lake: Path) -> None:
    spark.sql("SELECT 'x' AS id, 'canary' AS note").write.format("delta").save(str(lake / "treated" / "t"))
    with pytest.raises(Refused, match=r"time travel would still show.*VACUUM afterwards.*30 days"):
        treated(spark, lake)
    conf = configured(lake, table("t", lake, ENTRY))
    pseudonymize.run(spark, conf, "t", allow_raw_history=True)
    assert (look(spark, conf).left.files, look(spark, conf).left.log) == (True, True)
    for file in (lake / "treated" / "t").glob("*.parquet"):
        if file.name in removed(lake):
            file.unlink()  # as VACUUM does, which would wait for a week
    with pytest.raises(
        Refused, match=r"data files are gone, but the Delta log.*least and greatest.*30 days"
    ) as refused:
        pseudonymize.run(spark, conf, "t")
    assert "canary" not in str(refused.value)
    log = lake / "treated" / "t" / "_delta_log"
    first = log / f"{0:020}.json"
    (log / f".{first.name}.crc").unlink(missing_ok=True)  # Hadoop's own, of the file as it was
    first.write_text(first.read_text().replace('\\"minValues\\":{\\"id\\"', '\\"noValues\\":{\\"id\\"'))
    assert not look(spark, conf).left, "a log without statistics says no value"
    assert pseudonymize.run(spark, conf, "t").version == 2


def removed(lake: Path) -> set[str]:
    commit = lake / "treated" / "t" / "_delta_log" / f"{1:020}.json"
    actions = [json.loads(line) for line in commit.read_text().splitlines()]
    return {action["remove"]["path"] for action in actions if "remove" in action}


def test_a_location_with_the_signs_of_a_pattern(spark: SparkSession, lake: Path) -> None:
    conf = treated(spark, lake)
    odd = lake / "o[d]d {x}"
    shutil.copytree(lake / "treated" / "t", odd)
    spark.sql("SELECT 'x' AS id, 'canary' AS note").write.format("delta").mode("append").save(str(odd))
    target = conf.tables["t"].target.model_copy(update={"path": str(odd)})
    assert state.inspect(session.for_run(spark), target).raw_versions == (1,)


def test_where_the_last_run_stopped() -> None:
    commits = [ours(0), more(1), other(2, "OPTIMIZE"), other(3, "DELETE", removed=1)]
    states, ours_of = _judged(commits, False)
    run, after = History(3, tuple(commits), states, frozenset(ours_of)).since_last_run
    assert run is not None
    assert (run.version, [each.version for each in after]) == (1, [3, 2])
