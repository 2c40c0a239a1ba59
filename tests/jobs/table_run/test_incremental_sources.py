"""Sources that did not only grow: the run stops, and names what heals it."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.growing import COLUMNS, check_as_in_full, delta, grown, ran, rows, rows_of, run
from tests.helpers.sweeps import but_for


def restored(spark: SparkSession, path: Path) -> None:
    grown(spark, path.parent.parent, 50, 60)
    delta(spark, path).restoreToVersion(0)


def without_commit(path: Path, number: int) -> None:
    (path / "_delta_log" / f"{number:020d}.json").unlink()


def put_back(spark: SparkSession, path: Path) -> None:
    """As from a copy of the table at an earlier time, which has gone on otherwise since."""
    log = path / "_delta_log"
    for file in log.iterdir():
        if file.is_file() and "00000000000000000000" not in file.name:
            file.unlink()
    rows(spark, 90, 95).write.format("delta").mode("append").save(str(path))
    rows(spark, 95, 99).write.format("delta").mode("append").save(str(path))


def lost_log(spark: SparkSession, path: Path) -> None:
    """As log cleanup leaves it: commits before a checkpoint are gone."""
    grown(spark, path.parent.parent, 50, 60)
    jvm: Any = spark._jvm
    log = jvm.org.apache.spark.sql.delta.DeltaLog.forTable(spark._jsparkSession, str(path))
    log.update(False, jvm.scala.Option.empty(), jvm.scala.Option.empty())
    log.checkpoint()
    without_commit(path, 0)


def vacuumed(spark: SparkSession, path: Path) -> None:
    grown(spark, path.parent.parent, 50, 60)
    spark.sql(f"OPTIMIZE delta.`{path}`").collect()
    live = {row[0] for row in delta(spark, path).toDF().selectExpr("_metadata.file_name").collect()}
    for file in path.glob("*.parquet"):
        if file.name not in live:
            file.unlink()


FAULTS: dict[str, tuple[Callable[[SparkSession, Path], object], str]] = {
    "updated": (lambda spark, path: delta(spark, path).update("id = '3'", {"note": "'x'"}), "changed or deleted rows"),
    "deleted": (lambda spark, path: delta(spark, path).delete("id = '3'"), "changed or deleted rows"),
    "overwritten": (lambda spark, path: grown(spark, path.parent.parent, 0, 9, "overwrite"), "changed or deleted rows"),
    "restored": (restored, "RESTORE"),
    "lost log": (lost_log, "no longer holds version 0"),
    "put back": (put_back, "is not the one that the last run read"),
    "compacted and vacuumed": (vacuumed, "compacted and vacuumed away"),
}


COMMON = ("lost log", "put back")


@pytest.mark.parametrize("name", but_for(COMMON, FAULTS))
def test_a_source_that_did_not_only_grow_stops(spark: SparkSession, lake: Path, name: str) -> None:
    grown(spark, lake, 0, 20)
    if name == "put back":
        grown(spark, lake, 20, 25)
        grown(spark, lake, 25, 40)
    run(spark, lake)
    before = rows_of(spark, lake)
    fault, why = FAULTS[name]
    fault(spark, lake / "raw" / "t")
    with pytest.raises(LakenymError, match=why) as caught:
        run(spark, lake)
    assert "--mode full" in str(caught.value)
    assert rows_of(spark, lake) == before
    healed = run(spark, lake, mode="full")
    assert healed.mode == "full"
    check_as_in_full(spark, lake)
    grown(spark, lake, 200, 210)
    assert run(spark, lake).mode == "incremental"
    check_as_in_full(spark, lake)


def test_a_source_made_anew_stops(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 20)
    run(spark, lake)
    (lake / "raw" / "t").rename(lake / "raw" / "old")
    grown(spark, lake, 0, 20)
    grown(spark, lake, 20, 30)
    with pytest.raises(LakenymError, match=r"another table than the one that the last run read.*--mode full"):
        run(spark, lake)
    assert run(spark, lake, mode="full").rows == 30


def test_files_of_a_folder_that_changed_stop(spark: SparkSession, lake: Path) -> None:
    folder = lake / "raw" / "t"
    rows(spark, 0, 20).write.parquet(str(folder))
    ran(spark, lake, "parquet")
    rows(spark, 20, 30).write.mode("append").parquet(str(folder))
    first = min(folder.glob("*.parquet"), key=lambda path: path.stat().st_mtime)
    kept = first.read_bytes(), first.stat().st_mtime
    first.unlink()
    with pytest.raises(LakenymError, match="of the 2 files that were read before"):
        ran(spark, lake, "parquet")
    first.write_bytes(kept[0])
    os.utime(first, (kept[1] - 5, kept[1] - 5))
    with pytest.raises(LakenymError, match="files that were read before have changed since"):
        ran(spark, lake, "parquet")
    os.utime(first, (kept[1], kept[1]))
    late = folder / "late.parquet"
    late.write_bytes(kept[0])
    os.utime(late, (kept[1] - 3600, kept[1] - 3600))
    with pytest.raises(LakenymError, match="there are now 3"):
        ran(spark, lake, "parquet")
    soon = datetime.datetime.now().timestamp() + 3600
    os.utime(late, (soon, soon))
    with pytest.raises(LakenymError, match="in the future"):
        ran(spark, lake, "parquet")
    assert lakes.treated(spark, lake).count() == 20


def test_a_view_has_no_place_to_go_on_from(spark: SparkSession, lake: Path) -> None:
    spark.sql("CREATE DATABASE viewed")
    try:
        rows(spark, 0, 20).write.format("delta").saveAsTable("viewed.raw")
        spark.sql("CREATE VIEW viewed.some AS SELECT * FROM viewed.raw")
        entry = lakes.table("t", lake, COLUMNS, source={"table": "viewed.some"})
        entry["target"]["mode"] = "incremental"
        conf = lakes.configured(lake, entry)
        with pytest.raises(LakenymError, match="does not tell what is new in it: use mode: full"):
            pseudonymize.run(spark, conf, "t")
        assert pseudonymize.run(spark, conf, "t", mode="full").rows == 20
    finally:
        spark.sql("DROP DATABASE viewed CASCADE")


def test_columns_that_others_took_the_names_of_stop(spark: SparkSession, lake: Path) -> None:
    """A column dropped and added again holds nulls in all old rows, with no file taken away."""
    place = f"delta.`{lake}/raw/t`"
    rows(spark, 0, 20).write.format("delta").option("delta.columnMapping.mode", "name").save(str(lake / "raw" / "t"))
    run(spark, lake)
    spark.sql(f"ALTER TABLE {place} DROP COLUMN note")
    spark.sql(f"ALTER TABLE {place} ADD COLUMN note STRING")
    grown(spark, lake, 20, 30)
    with pytest.raises(LakenymError, match="its columns, or how they are read, are not as they were"):
        run(spark, lake)
    assert run(spark, lake, mode="full").rows == 30


def test_files_read_otherwise_than_before_stop(spark: SparkSession, lake: Path) -> None:
    folder = lake / "raw" / "t"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("id,day,note\n1,d,NA\n")
    assert ran(spark, lake, "csv").rows == 1
    (folder / "b.csv").write_text("id,day,note\n2,d,NA\n")
    with pytest.raises(LakenymError, match="how they are read"):
        ran(spark, lake, "csv", source={"options": {"nullValue": "NA"}})
    assert ran(spark, lake, "csv").mode == "incremental"
    otherwise: dict[str, Any] = {"source": {"options": {"nullValue": "NA"}}}
    assert ran(spark, lake, "csv", retreat=True, **otherwise).mode == "full"
    assert ran(spark, lake, "csv", retreat=True, **otherwise).execution == "none"


def test_a_mode_that_only_flags_choose_can_be_healed(spark: SparkSession, lake: Path) -> None:
    folder, target = lake / "raw" / "t", {"path": str(lake / "treated" / "t"), "mode": "full"}
    rows(spark, 0, 5).write.parquet(str(folder))
    assert ran(spark, lake, "parquet", target=target, mode="incremental").mode == "full"
    next(folder.glob("*.parquet")).unlink()
    with pytest.raises(LakenymError, match="--mode full"):
        ran(spark, lake, "parquet", target=target, mode="incremental")
    ran(spark, lake, "parquet", target=target, mode="full")
    rows(spark, 5, 9).write.mode("append").parquet(str(folder))
    assert ran(spark, lake, "parquet", target=target, mode="incremental").rows == 4
