"""Runs that follow inserts, updates and deletes: the table is then the one that a run in full makes."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.configuration.config import ConfigError
from jobs.console.exit_codes import Refused
from privacy_udfs.errors import LakenymError
from tests.helpers import growing, lakes
from tests.helpers.changing import (
    COLUMNS,
    FED,
    GAINED,
    TARGET,
    check_as_in_full,
    deleted,
    gains,
    made,
    put,
    rows,
    run,
    source,
)
from tests.helpers.sweeps import but_for

VECTORS = {"delta.enableDeletionVectors": "true"}


@pytest.mark.parametrize("vectors", but_for([True], [False, True]))
def test_inserts_updates_and_deletes_are_followed(spark: SparkSession, lake: Path, vectors: bool) -> None:
    """Files without a row that changed stay; those that have one are written anew, with the other rows as they are."""
    more = VECTORS if vectors else {}
    made(spark, lake, range(20), **more)
    made(spark, lake, range(20, 40))
    target = {"properties": more}
    first = run(spark, lake, target=target)
    assert (first.mode, first.rows, first.version, first.changed) == ("full", 40, 0, None)
    stays = lakes.treated(spark, lake).where("day = date'2026-01-01'").selectExpr("_metadata.file_name").distinct()
    before = {row[0] for row in stays.collect()}
    put(spark, lake, [3, 4, 100, 101], 1)
    deleted(spark, lake, [5, 6, 101])
    put(spark, lake, [4], 2)
    second = run(spark, lake, target=target)
    assert (second.mode, second.version, second.execution) == ("changes", 1, "spark")
    assert second.changed == {"inserted": 1, "updated": 2, "deleted": 2, "stale": 0}
    assert second.counts["id"] == (3, 0, 0), "rows that did not change are not treated again"
    check_as_in_full(spark, lake, target=target)
    after = {row[0] for row in lakes.treated(spark, lake).selectExpr("_metadata.file_name").distinct().collect()}
    assert before & after, "a file without a change stays"
    assert run(spark, lake, target=target).execution == "none"
    said = growing.told(spark, lake)
    assert [each["mode"] for each in said] == ["full", "changes"]
    assert said[1]["changed"] == second.changed
    assert said[1]["source_position"]["version"] == said[1]["source_version"] == 4


@pytest.mark.sweep
@pytest.mark.parametrize("seed", range(12))
def test_random_histories_end_as_in_full(spark: SparkSession, lake: Path, seed: int) -> None:
    chance = random.Random(seed)
    made(spark, lake, range(12), **chance.choice([{}, VECTORS]))
    run(spark, lake)
    there, last, columns, is_wider = set(range(12)), 12, COLUMNS, False
    gained: list[str] = []
    steps = ["insert", "update", "delete", "mixed", "run", "run", "gain", "optimize source", "optimize target",
             "overwrite"]  # fmt: skip
    surely = chance.randrange(2, 8)

    def followed() -> None:
        if is_wider:
            with pytest.raises(LakenymError, match=r"is new.*with --retreat, or --mode full"):
                run(spark, lake, columns=columns)
        heals: dict[str, Any] = chance.choice([{"retreat": True}, {"mode": "full"}]) if is_wider else {}
        assert (run(spark, lake, columns=columns, **heals).mode == "full") is is_wider

    for turn in range(1, 11):
        step = "gain" if turn == surely else chance.choice(steps)
        some = set(chance.sample(sorted(there), min(len(there), chance.randrange(1, 4))))
        if step == "insert":
            new = {*range(last, last + chance.randrange(1, 4))}
            made(spark, lake, new, gained)
            there, last = there | new, last + len(new)
        elif step in ("update", "mixed"):
            new = {chance.randrange(last)} if step == "mixed" else set()
            put(spark, lake, some | new, turn, gained)
            there |= new
        elif step == "delete":
            deleted(spark, lake, some)
            there -= some
        elif step == "overwrite":
            rows(spark, there, turn, gained).write.format("delta").mode("overwrite").save(str(lake / "raw" / "t"))
        elif step == "gain" and len(gained) < len(GAINED):
            name = chance.choice([name for name in GAINED if name not in gained])
            gained.append(name)
            columns, is_wider = {**columns, **GAINED[name][1]}, True
            if chance.random() < 0.5:
                gains(spark, lake, name)
            else:
                made(spark, lake, [last], gained, mergeSchema="true")
                there, last = {*there, last}, last + 1
        elif step == "run":
            followed()
            is_wider = False
        elif step.startswith("optimize"):
            place = "raw" if step.endswith("source") else "treated"
            spark.sql(f"OPTIMIZE delta.`{lake}/{place}/t`").collect()
    followed()
    assert lakes.treated(spark, lake).count() == len(there)
    check_as_in_full(spark, lake, columns=columns)


@pytest.mark.sweep
def test_the_last_word_of_each_key_counts(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    put(spark, lake, [50, 51], 1)
    deleted(spark, lake, [50, 3])
    put(spark, lake, [3], 2)
    deleted(spark, lake, [4])
    put(spark, lake, [51], 3)
    assert run(spark, lake).changed == {"inserted": 1, "updated": 1, "deleted": 1, "stale": 0}
    check_as_in_full(spark, lake)
    put(spark, lake, [60], 1)
    deleted(spark, lake, [60])
    assert run(spark, lake).changed == {"inserted": 0, "updated": 0, "deleted": 0, "stale": 0}
    assert run(spark, lake).execution == "none", "where it stopped was told all the same"
    check_as_in_full(spark, lake)


@pytest.mark.sweep
def test_files_of_which_no_row_stays_are_gone(spark: SparkSession, lake: Path) -> None:
    """Nothing is left of them to copy: Delta's writer then makes a file without a row, and leaves it out."""
    made(spark, lake, range(4))
    run(spark, lake)
    for turn in (1, 2):
        put(spark, lake, range(4), turn)
        assert run(spark, lake).changed == {"inserted": 0, "updated": 4, "deleted": 0, "stale": 0}
    deleted(spark, lake, range(4))
    assert run(spark, lake).changed == {"inserted": 0, "updated": 0, "deleted": 4, "stale": 0}
    made(spark, lake, [9])
    assert run(spark, lake).rows == 1


def test_keys_of_two_columns_partitions_and_renamed_columns(spark: SparkSession, lake: Path) -> None:
    """Folders are called after values that paths encode; the target knows columns by other names than its files."""
    columns = {"id": "keep", "part": lakes.column("keep", "non_personal"), "`my note`": "redact"}
    spark.sql(
        f"CREATE TABLE delta.`{lake}/raw/t` (id int, part string, `my note` string) USING delta "
        "TBLPROPERTIES ('delta.columnMapping.mode' = 'name', 'delta.enableChangeDataFeed' = 'true')"
    )
    values = ", ".join(f"({at}, '{part}', 'n')" for at in range(4) for part in ("a b", "50% off/on", "ä"))
    spark.sql(f"INSERT INTO delta.`{lake}/raw/t` VALUES {values}, (9, 'z', 'n')")
    target = {"key": ["part", "id"], "partition_by": ["part"]}
    more: dict[str, Any] = {"columns": columns, "target": target}
    run(spark, lake, **more)
    source(spark, lake).update("id = 2", {"`my note`": "'other'"})
    source(spark, lake).delete("part = 'ä' AND id > 2")
    assert run(spark, lake, **more).changed == {"inserted": 0, "updated": 3, "deleted": 1, "stale": 0}
    check_as_in_full(spark, lake, **more)


@pytest.mark.sweep
def test_rows_that_leave_and_enter_what_the_table_reads(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    entry = {"entry": {"rows": "day < date'2026-01-03'"}}
    run(spark, lake, **entry)
    count = lakes.treated(spark, lake).count()
    source(spark, lake).update("id = 'c2'", {"day": "date'2026-01-01'"})
    source(spark, lake).update("id IN ('c0', 'c3')", {"day": "date'2026-01-05'"})
    source(spark, lake).update("id = 'c8'", {"note": "'outside before and after'"})
    assert run(spark, lake, **entry).changed == {"inserted": 1, "updated": 0, "deleted": 2, "stale": 0}
    assert lakes.treated(spark, lake).count() == count - 1
    check_as_in_full(spark, lake, **entry)


def test_modes_follow_each_other(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(10))
    run(spark, lake)
    made(spark, lake, range(10, 15))
    assert run(spark, lake, mode="incremental").rows == 5
    put(spark, lake, [1, 12], 1)
    assert run(spark, lake).changed == {"inserted": 0, "updated": 2, "deleted": 0, "stale": 0}
    deleted(spark, lake, [11])
    with pytest.raises(LakenymError, match="changed or deleted rows"):
        run(spark, lake, mode="incremental")
    assert run(spark, lake).mode == "changes"
    check_as_in_full(spark, lake)


def test_tables_by_name(spark: SparkSession, lake: Path) -> None:
    spark.sql("CREATE DATABASE changing")
    try:
        rows(spark, range(20)).write.format("delta").options(**FED).saveAsTable("changing.raw")
        entry = lakes.table("t", lake, COLUMNS)
        entry["source"], entry["target"] = {"table": "changing.raw"}, {"table": "changing.treated", **TARGET}
        conf = lakes.configured(lake, entry)
        pseudonymize.run(spark, conf, "t")
        spark.sql("DELETE FROM changing.raw WHERE id IN ('c1', 'c2')")
        changed = pseudonymize.run(spark, conf, "t").changed
        assert changed == {"inserted": 0, "updated": 0, "deleted": 2, "stale": 0}
        assert spark.table("changing.treated").count() == 18
    finally:
        spark.sql("DROP DATABASE changing CASCADE")


def test_by_flags_of_the_job(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(spark, lake, range(10))
    entry = lakes.table("t", lake, COLUMNS, source={"format": "delta", "path": str(lake / "raw" / "t")})
    given = ["--conf", str(lakes.write_conf(lake, entry)), "--table", "t", "--mode", "changes"]

    def ended(*more: str) -> tuple[int, dict[str, Any]]:
        code = pseudonymize.main([*given, *more])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    code, event = ended()
    assert (code, event["event"]) == (1, "failed")
    assert "state them as 'key' under target" in event["message"]
    lakes.write_conf(lake, {**entry, "target": {**entry["target"], "key": ["id"]}})
    assert ended()[1]["mode"] == "full"
    assert ended()[1]["event"] == "unchanged"
    put(spark, lake, [1, 50], 1)
    code, event = ended()
    assert (code, event["mode"], event["changed"]) == (
        0,
        "changes",
        {"inserted": 1, "updated": 1, "deleted": 0, "stale": 0},
    )
    lakes.write_conf(lake, {**entry, "target": {**entry["target"], "key": ["id"]}, "execution": "columnar"})
    put(spark, lake, [1], 2)
    code, event = ended()
    assert (code, "execution: columnar is asked for" in event["message"]) == (1, True)


@pytest.mark.parametrize(
    ("key", "column", "why"),
    [
        ([], {}, "expected 'key' with mode: changes"),
        (["ids"], {}, "did you mean 'id'"),
        (["id"], {"id": {"technique": "mask"}}, "treated by mask on line"),
        (["id"], {"id": "redact"}, "treated by redact"),
        (["id"], {"id": {"technique": "randomized_encryption", "key": "crm"}}, "treated by randomized_encryption"),
        (["id"], {"id": {"technique": "truncate", "keep": 2}}, "rows cannot be told apart: a key is kept"),
        (["day"], {"day": {"technique": "generalize_date", "unit": "year"}}, "treated by generalize_date"),
        (["id"], {"id": {"technique": "keyed_hash", "key": "crm", "empty": "null"}}, "may become null"),
    ],
)
def test_what_is_no_key_is_refused(lake: Path, key: list[str], column: dict[str, Any], why: str) -> None:
    entry = lakes.table("t", lake, {**COLUMNS, **column})
    entry["target"] |= {"mode": "changes", "key": key}
    with pytest.raises(ConfigError, match=why):
        lakes.configured(lake, entry)


def test_a_key_of_numbers_with_exponents_is_refused(spark: SparkSession, lake: Path) -> None:
    made(spark, lake, range(3))
    with pytest.raises(Refused, match="key: rate is double, which cannot tell rows apart"):
        run(spark, lake, target={"key": ["id", "rate"]})
