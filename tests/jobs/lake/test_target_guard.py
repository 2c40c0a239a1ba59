"""What stands at a target, or comes there while a run writes, is never overwritten unseen."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.errors import PySparkAttributeError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.configuration import plain_path
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage
from jobs.lake import replace
from jobs.lake.delta_commit import transaction
from jobs.lake.java import java_class
from jobs.lake.problems import CommitConflict, Overwritten, SourceProblem
from jobs.pseudonymize import Prepared
from jobs.run_events import events
from jobs.spark_app import session
from jobs.spark_app.failures import translated
from jobs.table_run.planned import inspected, planned
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.lakes import configured, quick_to_vacuum, table
from tests.helpers.sweeps import but_for

ENTRY = {"id": {"domain": "customer"}, "note": "keep"}
Change = Callable[[SparkSession, str], object]
ROW = "SELECT 'x' AS id, 'canary' AS note"


def raw(spark: SparkSession, lake: Path, **more: object) -> Config:
    spark.range(20).select("id", F.lit("x").alias("note")).coalesce(1).write.parquet(str(lake / "raw" / "t"))
    return configured(lake, table("t", lake, ENTRY, **more))


def prepared(spark: SparkSession, conf: Config) -> tuple[SparkSession, Prepared]:
    own = session.for_run(spark)
    return own, translated("t", lambda: pseudonymize.prepare(own, conf, "t"))


def sql(*statements: str) -> Change:
    return lambda spark, name: [spark.sql(statement.format(name)).collect() for statement in statements]


def append(spark: SparkSession, name: str) -> None:
    spark.sql(ROW).write.format("delta").mode("append").save(name.split("`")[1])


def overwrite(spark: SparkSession, name: str) -> None:
    spark.sql(ROW).write.format("delta").mode("overwrite").save(name.split("`")[1])


def drop_and_begin_anew(spark: SparkSession, name: str) -> None:
    shutil.rmtree(name.split("`")[1])
    overwrite(spark, name)


CHANGES: dict[str, Change] = {
    "append": append,
    "overwrite": overwrite,
    "delete": sql("DELETE FROM {} WHERE note = 'x'"),
    "update": sql("UPDATE {} SET note = 'canary'"),
    "merge": sql(f"MERGE INTO {{}} t USING ({ROW}) s ON t.id = s.id WHEN NOT MATCHED THEN INSERT *"),
    "properties": sql("ALTER TABLE {} SET TBLPROPERTIES (delta.enableChangeDataFeed = true)"),
    "table comment": sql("COMMENT ON TABLE {} IS 'by hand'"),
    "column comment": sql("ALTER TABLE {} ALTER COLUMN note COMMENT 'by hand'"),
    "replace": sql("CREATE OR REPLACE TABLE {} USING delta AS " + ROW),
    "begun anew": drop_and_begin_anew,
}


@pytest.fixture(scope="module")
def treated(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Config]:
    """A treated table; each test works on its own copy."""
    lake = tmp_path_factory.mktemp("guarded")
    conf = raw(spark, lake)
    pseudonymize.run(spark, conf, "t")
    return lake, conf


def copied(treated: tuple[Path, Config], lake: Path) -> Config:
    shutil.copytree(treated[0] / "treated", lake / "treated")
    shutil.copytree(treated[0] / "raw", lake / "raw")
    shutil.copytree(treated[0] / "keys", lake / "keys")
    return configured(lake, table("t", lake, ENTRY))


@pytest.mark.parametrize("change", but_for(["append", "delete", "properties", "begun anew"], CHANGES))
def test_a_change_since_the_look_is_a_conflict(
    spark: SparkSession, lake: Path, treated: tuple[Path, Config], change: str
) -> None:
    own, held = prepared(spark, copied(treated, lake))
    name = f"delta.`{lake}/treated/t`"
    CHANGES[change](spark, name)
    there = log_of(lake)
    with pytest.raises(CommitConflict, match="committed nothing"):
        translated("t", lambda: pseudonymize.execute(own, held))
    assert log_of(lake) == there, "what the other one committed stands"


def log_of(lake: Path) -> list[str]:
    return sorted(path.name for path in (lake / "treated" / "t" / "_delta_log").glob("*.json"))


def test_what_changes_no_row_is_no_conflict(spark: SparkSession, lake: Path, treated: tuple[Path, Config]) -> None:
    own, held = prepared(spark, copied(treated, lake))
    name = f"delta.`{lake}/treated/t`"
    quick = quick_to_vacuum(spark)
    for statement in ("OPTIMIZE {}", "VACUUM {}", "DELETE FROM {} WHERE note = 'nobody'"):
        quick.sql(statement.format(name)).collect()
    assert pseudonymize.execute(own, held).version == len(log_of(lake)) - 1
    assert prepared(spark, held.conf)[1].target.raw_versions == ()


def test_a_table_that_was_made_meanwhile_is_a_conflict(spark: SparkSession, lake: Path) -> None:
    own, held = prepared(spark, raw(spark, lake))
    append(spark, f"delta.`{lake}/treated/t`")
    with pytest.raises(CommitConflict, match=r"created delta.*committed nothing"):
        translated("t", lambda: pseudonymize.execute(own, held))
    assert spark.read.format("delta").load(str(lake / "treated" / "t")).count() == 1


def test_a_folder_that_was_dropped_is_not_made_again_by_halves(
    spark: SparkSession, lake: Path, treated: tuple[Path, Config]
) -> None:
    own, held = prepared(spark, copied(treated, lake))
    shutil.rmtree(lake / "treated" / "t")
    with pytest.raises(CommitConflict, match="committed nothing"):
        translated("t", lambda: pseudonymize.execute(own, held))
    assert not list(lake.glob("treated/t/_delta_log/*.json"))


def test_by_name_too(spark: SparkSession, lake: Path) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS guard")
    try:
        conf = raw(spark, lake, target={"table": "guard.t"})
        first = prepared(spark, conf)
        late = prepared(spark, conf)
        assert pseudonymize.execute(*first).version == 0
        with pytest.raises(CommitConflict, match="committed nothing"):
            translated("t", lambda: pseudonymize.execute(*late))
        late = prepared(spark, conf)
        spark.sql("INSERT INTO guard.t VALUES ('x', 'canary')")
        with pytest.raises(CommitConflict, match="committed nothing"):
            translated("t", lambda: pseudonymize.execute(*late))
        assert spark.table("guard.t").count() == 21
    finally:
        spark.sql("DROP DATABASE guard CASCADE")


def test_a_partitioned_name_again_and_again(spark: SparkSession, lake: Path) -> None:
    """Its partition column is not the last one, which catalogs do not take in the entry of a table."""
    rows = "SELECT id, 'x' AS part, 'y' AS note FROM range(3)"
    spark.sql(rows).write.parquet(str(lake / "raw" / "t"))
    entry = {**ENTRY, "part": "keep"}
    target = {"table": "in_parts", "partition_by": ["part"]}
    conf = configured(lake, table("t", lake, entry, target=target))
    try:
        assert [pseudonymize.run(spark, conf, "t").version for _ in range(3)] == [0, 1, 2]
        spark.sql("DROP TABLE in_parts")
        for _ in range(2):  # the statement leaves the columns in the entry
            spark.sql(f"CREATE OR REPLACE TABLE in_parts USING delta PARTITIONED BY (part) AS {rows}")
        assert pseudonymize.run(spark, conf, "t", allow_raw_history=True).version == 2
        assert pseudonymize.run(spark, conf, "t", allow_raw_history=True).version == 3
        treated = spark.read.table("in_parts")
        assert treated.count() == 3
        assert all("privacy" in field.metadata for field in treated.schema.fields)
    finally:
        spark.sql("DROP TABLE IF EXISTS in_parts")


def test_a_run_that_ended_before_its_name_was_known_is_taken_up(spark: SparkSession, lake: Path) -> None:
    spark.sql("CREATE DATABASE IF NOT EXISTS guard")
    try:
        conf = raw(spark, lake, target={"table": "guard.t"})
        _, held = prepared(spark, conf)
        assert held.target.location is not None
        path = held.target.location.removeprefix("file:")
        pseudonymize.run(spark, configured(lake, table("t", lake, ENTRY, target={"path": path})), "t")
        assert pseudonymize.run(spark, configured(lake, table("t", lake, ENTRY, target={"table": "guard.t"})), "t")
        assert spark.table("guard.t").count() == 20
        assert spark.sql("DESCRIBE HISTORY guard.t").count() == 2
    finally:
        spark.sql("DROP DATABASE guard CASCADE")


def test_the_commit_tells_its_rows_and_files(spark: SparkSession, treated: tuple[Path, Config]) -> None:
    row = spark.sql(f"DESCRIBE HISTORY delta.`{treated[0]}/treated/t`").collect()[0]
    run = json.loads(row["userMetadata"])
    assert (run["rows"], run["files"], run["counts"]["id"]) == (20, 1, [20, 0, 0])
    assert row["operation"] == "CREATE OR REPLACE TABLE AS SELECT"
    assert row["operationMetrics"]["numOutputRows"] == "20"


def test_a_property_in_another_letter_case_is_the_same(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    feed = "delta.enableChangeDataFeed"
    for name, value in ((feed, "true"), (feed.lower(), "false")):
        target = {"path": str(lake / "treated" / "t"), "properties": {name: value}}
        pseudonymize.run(spark, configured(lake, table("t", lake, ENTRY, target=target)), "t")
        detail = spark.sql(f"DESCRIBE DETAIL delta.`{lake}/treated/t`").collect()[0]
        assert detail["properties"][feed] == value


def test_a_standing_constraint_prints_no_value(spark: SparkSession, lake: Path, treated: tuple[Path, Config]) -> None:
    conf = copied(treated, lake)
    spark.sql(f"ALTER TABLE delta.`{lake}/treated/t` ADD CONSTRAINT short CHECK (length(note) < 3)")
    spark.sql("SELECT 1L AS id, 'canary' AS note").write.mode("overwrite").parquet(str(lake / "raw" / "t"))
    assert pseudonymize.run(spark, conf, "t").rows == 1


def test_another_delta_is_told_and_what_it_overwrote_too(
    spark: SparkSession, lake: Path, treated: tuple[Path, Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transaction, "TRIED", {"4.2": "4.3"})
    told: list[events.Event] = []
    own, conf = session.for_run(spark), copied(treated, lake)
    held = pseudonymize.prepare(own, conf, "t", report=told.append)
    assert held.target.transaction is None
    assert told == [events.Warned("t", replace.UNGUARDED)]
    append(spark, f"delta.`{lake}/treated/t`")
    with pytest.raises(Overwritten, match=r"version 2 .* replaced what others committed .* version 1\."):
        translated("t", lambda: pseudonymize.execute(own, held))


class Standing:
    """A stand-in for an object of Java: it answers some calls otherwise, and passes on all others."""

    def __init__(self, real: Any, **calls: Callable[..., Any]) -> None:
        self._real, self._calls = real, calls

    def __getattr__(self, name: str) -> Any:
        return self._calls.get(name) or getattr(self._real, name)


def owned_by_its_catalog(jvm: Any, name: str) -> Any:
    """Delta's `DeltaLog`, whose snapshots say that the table's catalog makes its commits. No catalog here does so, so
    this one answer is made up; the log, its table and its other answers are real."""
    logs = java_class(jvm, name)
    if not name.endswith(".DeltaLog"):
        return logs

    def begun(txn: Any) -> Standing:
        return Standing(txn, snapshot=lambda: Standing(txn.snapshot(), isCatalogOwned=lambda: True))

    def log(*given: Any) -> Standing:
        real = logs.forTable(*given)
        return Standing(real, startTransaction=lambda *more: begun(real.startTransaction(*more)))

    return Standing(logs, forTable=log)


def test_a_table_whose_catalog_makes_its_commits_is_written_by_sql(
    spark: SparkSession, lake: Path, treated: tuple[Path, Config], monkeypatch: pytest.MonkeyPatch
) -> None:
    conf, path = copied(treated, lake), str(lake / "treated" / "t")
    assert transaction.begin(spark, path, None) is not None
    monkeypatch.setattr(transaction, "java_class", owned_by_its_catalog)
    assert transaction.begin(spark, path, None) is None
    told: list[events.Event] = []
    result = pseudonymize.run(spark, conf, "t", report=told.append)
    assert events.Warned("t", replace.UNGUARDED) in told
    assert (result.execution, result.version, result.rows) == ("spark", 1, 20)
    assert result.not_columnar == "Delta's own transaction is out of reach here"
    assert lakes.treated(spark, lake).count() == 20
    with pytest.raises(LakenymError, match="execution: columnar is asked for, and Delta's own transaction is out of"):
        pseudonymize.run(spark, conf, "t", execution="columnar")


class Connect:
    """A session of Spark Connect, as far as it answers: it has no Java, and makes no sessions. The real one needs
    grpcio and a server."""

    version = "4.2.1"

    def __getattr__(self, name: str) -> Any:
        raise PySparkAttributeError(errorClass="JVM_ATTRIBUTE_NOT_SUPPORTED", messageParameters={"attr_name": name})


def test_spark_connect_has_no_transaction_and_no_runs() -> None:
    connect: Any = Connect()
    assert transaction.begin(connect, "/t", None) is None
    with pytest.raises(BadUsage, match="a session of Spark Connect gives runs none of their own"):
        session.for_run(connect)


# -- places ------------------------------------------------------------------------------------------------------------


def test_a_folder_of_other_files_is_refused(spark: SparkSession, lake: Path) -> None:
    conf = raw(spark, lake)
    (lake / "treated" / "t").mkdir(parents=True)
    (lake / "treated" / "t" / "mine.txt").write_text("canary")
    with pytest.raises(SourceProblem, match="holds files and is no Delta table") as refused:
        prepared(spark, conf)
    assert "canary" not in str(refused.value)
    (lake / "treated" / "t" / "mine.txt").unlink()
    assert pseudonymize.run(spark, conf, "t").version == 0, "an empty folder is free"


def test_inside_another_delta_table_is_refused(spark: SparkSession, lake: Path) -> None:
    spark.range(1).write.format("delta").save(str(lake / "treated"))
    with pytest.raises(SourceProblem, match="in the folder of another Delta table"):
        prepared(spark, raw(spark, lake))


def test_the_source_through_a_link_or_a_name_is_refused(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    (lake / "link").symlink_to(lake / "raw")
    spark.sql(f"CREATE TABLE IF NOT EXISTS linked USING parquet LOCATION '{lake}/raw/t'")
    spark.sql("CREATE OR REPLACE VIEW seen AS SELECT * FROM linked")
    try:
        for source, target in (
            ({"format": "parquet", "path": f"{lake}/raw/t"}, f"file://{lake}/link/t/"),
            ({"format": "parquet", "path": f"{lake}/raw/t"}, f"{lake}/link/t/deeper"),
            ({"format": "parquet", "path": f"{lake}/link/t"}, f"{lake}/raw/./x/../t"),
            ({"table": "linked"}, f"file:{lake}/raw/t"),
            ({"table": "seen"}, f"{lake}/raw/t/below"),
        ):
            conf = configured(lake, table("t", lake, ENTRY, source=source, target={"path": target}))
            with pytest.raises(SourceProblem, match=r"is the place that the source is read from|is no Delta table"):
                prepared(spark, conf)
        with pytest.raises(SourceProblem, match="is the place that the source is read from"):
            inspected(planned(session.for_run(spark), conf, "t"))
        spark.range(1).selectExpr("id", "'x' AS note").write.format("delta").save(f"{lake}/delta")
        (lake / "link" / "delta").symlink_to(lake / "delta")
        delta = {"source": {"format": "delta", "path": f"{lake}/delta"}, "target": {"path": f"{lake}/raw/delta"}}
        with pytest.raises(SourceProblem, match="is the place that the source is read from"):
            prepared(spark, configured(lake, table("t", lake, ENTRY, **delta)))
        beside = {"source": {"table": "seen"}, "target": {"path": f"{lake}/link/beside"}}
        assert prepared(spark, configured(lake, table("t", lake, ENTRY, **beside)))
    finally:
        spark.sql("DROP VIEW seen")
        spark.sql("DROP TABLE linked")


def test_restored_files_stay_inside() -> None:
    for name in ("../x", "a/../../x", "/etc/x", "C:/x", "a\\..\\x", "a\nb", "", ".", "${HOME}/x"):
        assert not plain_path.is_plain(name), name
    for name in ("catalog/crm.customers.yaml", "hierarchies/länder 1.csv", "a..b", "./a"):
        assert plain_path.is_plain(name), name
    assert not plain_path.is_name("a/b")
