"""Rows with values that are refused: set aside under a key of their own, counted, and treated again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration import config
from jobs.configuration.models import Execution
from jobs.named_keys import key_ring, key_use
from privacy_udfs import sealed_rows
from privacy_udfs.errors import KeyProblem, LakenymError, TokenRefused
from privacy_udfs.keys import Keyset, clear_cache
from tests.helpers import growing, lakes, quarantines
from tests.helpers.byte_scan import contents, found
from tests.helpers.growing import PATHS
from tests.helpers.kills import killed
from tests.helpers.quarantines import COLUMNS, aside, ids, put, rows, run
from tests.helpers.sweeps import but_for

BAD, BAD_ZIP, BAD_SEEN = "id in (3, 8, 40)", "id in (8, 9)", "id in (41, 43)"
REFUSED = {3: ("ip", "truncate_ip"), 8: ("ip", "truncate_ip"), 40: ("ip", "truncate_ip")}
REFUSED |= {9: ("home.zip", "generalize_hierarchy"), 41: ("seen[].ip", "truncate_ip"), 43: ("seen[].ip", "truncate_ip")}


@pytest.mark.parametrize("execution", PATHS)
def test_refused_rows_are_set_aside(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Several values of one row, nested ones and nulls too: a row stands there once, by its first column."""
    put(rows(spark, 0, 50, BAD, BAD_ZIP, BAD_SEEN).coalesce(1), lake)
    result = run(spark, lake, execution)
    assert (result.execution, result.rows, result.quarantined) == (execution, 44, 6)
    assert result.counts["ip"] == (36, 8, 0)
    assert ids(spark, lake) == sorted(f"note-{at}-n" for at in range(50) if at not in REFUSED)
    found = aside(spark, lake)
    assert sorted((row["column"], row["rule"]) for row in found) == sorted(REFUSED.values())
    rows_told = {row["row_in_file"] for row in found}
    assert rows_told == ({*REFUSED} if execution == "columnar" else {None}), "Spark tells no numbers of Delta's rows"
    assert {(row["table"], row["run_id"], row["key"]) for row in found} == {("t", result.run_id, "aside")}
    assert all(row["file"].endswith(".parquet") and "/" not in row["file"] for row in found)
    (said,) = growing.told(spark, lake)
    assert (said["rows"], said["quarantined"]) == (44, 6)
    assert said["quarantine"]["runs"] == {result.run_id: 6}


def test_a_copy_of_the_key_that_treats_a_column_seals_nothing(lake: Path) -> None:
    """By name and place it is another."""
    conf = quarantines.configured(lake)
    assert key_ring.open_for(conf, conf.tables["t"]).keysets.keys() == {"aside", "crm"}
    (lake / "keys" / "aside.json").write_bytes((lake / "keys" / "crm.json").read_bytes())
    clear_cache()
    with pytest.raises(KeyProblem, match="key aside of the quarantine is key crm again"):
        key_ring.open_for(conf, conf.tables["t"])


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_more_than_the_entry_lets_be_set_aside_stops(spark: SparkSession, lake: Path, execution: Execution) -> None:
    put(rows(spark, 0, 50, "id in (1, 2, 3, 4, 5, 6)", "id in (8, 9, 10, 12, 13)"), lake)
    with pytest.raises(LakenymError) as caught:
        run(spark, lake, execution, quarantine={"at_most": 0.1})
    told = str(caught.value)
    assert "of 50 rows 11 are refused (6 by truncate_ip of ip, 5 by generalize_hierarchy of home.zip)" in told
    assert quarantines.CANARY not in told
    assert not list((lake / "treated").rglob("*.parquet")), "what was written is taken away"
    assert not (lake / "quarantine").exists()
    assert run(spark, lake, execution, quarantine={"at_most": 0.22}).quarantined == 11


def test_a_run_in_full_forgets_what_was_set_aside_before(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 20, "id < 3"), lake)
    first = run(spark, lake)
    assert first.quarantined == 2, "of row 0 the value is null"
    put(rows(spark, 0, 20, "id = 9"), lake, mode="overwrite")
    second = run(spark, lake)
    assert [row["run_id"] for row in aside(spark, lake)] == [second.run_id]
    put(rows(spark, 0, 20), lake, mode="overwrite")
    clean = run(spark, lake, on_refused="stop")
    assert (clean.rows, clean.quarantined, aside(spark, lake)) == (20, 0, [])
    assert "quarantine" not in growing.told(spark, lake)[-1]


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_incremental_runs_go_on_and_keep_count(spark: SparkSession, lake: Path, execution: Execution) -> None:
    target = {"mode": "incremental"}
    put(rows(spark, 0, 20, "id = 3"), lake)
    first = run(spark, lake, execution, target=target)
    put(rows(spark, 20, 40, "id = 22", "id = 23"), lake)
    second = run(spark, lake, execution, target=target)
    assert (second.mode, second.rows, second.quarantined) == ("incremental", 18, 2)
    assert run(spark, lake, execution, target=target).execution == "none"
    put(rows(spark, 40, 45), lake)
    third = run(spark, lake, execution, target=target, on_refused="stop")
    assert (third.rows, third.quarantined) == (5, 0)
    assert {row["run_id"] for row in aside(spark, lake)} == {first.run_id, second.run_id}
    assert [said.get("quarantined") for said in growing.told(spark, lake)] == [1, 2, None]
    assert growing.told(spark, lake)[-1]["quarantine"]["runs"] == {first.run_id: 1, second.run_id: 2}
    assert lakes.treated(spark, lake).count() == 42


def test_by_predicates_and_subjects_and_chance(spark: SparkSession, lake: Path) -> None:
    """Spark's path alone evaluates predicates; a row without a case, and one without a subject, are set aside."""
    cases = [{"rows": "day = 0", "treatment": "redact"}, {"rows": "day = 1", "treatment": {"technique": "mask"}}]
    columns = {
        "id": {"technique": "randomized_encryption", "key": "crm"},
        "note": {"class": "quasi_identifier", "when": cases, "why": "a test"},
        "born": {"technique": "date_shift", "max_days": 9, "key": "crm"},
    }
    frame = rows(spark, 0, 30, BAD).selectExpr("*", "if(id = '4', null, id) AS who", "date'2026-01-01' AS born")
    put(frame, lake)
    more = {"columns": {**columns, "who": {"domain": "customer"}}, "subject": "who", "rows": "id <> '5'"}
    result = run(spark, lake, **more)
    assert (result.execution, result.rows, result.quarantined) == ("spark", 18, 11)
    found = sorted((row["column"], row["rule"]) for row in aside(spark, lake))
    assert found == [*[("born", "date_shift")], *[("ip", "truncate_ip")], *[("note", "when")] * 9]


def test_partitions_of_source_and_target(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 40, BAD, BAD_ZIP), lake, partition="day")
    for execution in PATHS:
        result = run(spark, lake, execution, target={"partition_by": ["day"]})
        assert (result.execution, result.rows, result.quarantined) == (execution, 37, 3)
        assert not any("day" in row["file"] for row in aside(spark, lake)), "values of folders are not told"


# -- requeue ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_rules_that_were_mended_treat_them_again(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """A longer hierarchy, and null for what is no address: the record says so afterwards, and the table grows on."""
    target = {"mode": "incremental"}
    put(rows(spark, 0, 20, "id = 3", "id in (3, 5)"), lake)
    run(spark, lake, execution, target=target)
    put(rows(spark, 20, 40, "id = 22", "id in (23, 24)"), lake)
    run(spark, lake, execution, target=target)
    nothing = run(spark, lake, target=target, requeue=True)
    assert (nothing.execution, nothing.mode, nothing.rows) == ("none", "requeue", 0), "no rule was mended"
    levels = [*COLUMNS["home.zip"]["levels"], *[[f"{quarantines.CANARY}z-{at}", "99"] for at in (3, 5, 23)]]
    longer = {"home.zip": {"technique": "generalize_hierarchy", "levels": levels}}
    first = run(spark, lake, target=target, requeue=True, columns=longer)
    assert (first.mode, first.rows, first.version) == ("requeue", 2, 2)
    assert len(aside(spark, lake)) == 3
    nulled = {**longer, "ip": {"technique": "truncate_ip", "on_refused": None}}
    second = run(spark, lake, target=target, requeue=True, columns=nulled)
    assert (second.rows, second.counts["ip"]) == (2, (0, 0, 2))
    (left,) = aside(spark, lake)
    assert (left["column"], left["rule"]) == ("home.zip", "generalize_hierarchy")
    assert lakes.record(spark, lake)["columns"]["ip"]["parameters"]["on_refused"] == "null"
    shown = lakes.treated(spark, lake).schema["ip"].metadata["privacy"]
    assert shown["parameters"]["on_refused"] == "null"
    put(rows(spark, 40, 45, "id = 41"), lake)
    assert run(spark, lake, execution, target=target, columns=nulled).rows == 5
    assert len(ids(spark, lake)) == len({*ids(spark, lake)}) == 44
    full = run(spark, lake, execution, mode="full", columns=nulled)
    assert (full.rows, full.quarantined) == (44, 1)


def test_a_key_that_rows_are_sealed_with_is_needed(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 20, "id = 3"), lake)
    run(spark, lake)
    (row,) = aside(spark, lake)
    needing = key_use.lookup(config.load(lake / "conf"))
    assert (needing(row["key_id"]), needing(row["key_id"] + 1)) == (["t"], [])


def test_rows_that_were_deleted_in_the_target_do_not_come_back(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 20, "id = 3"), lake)
    run(spark, lake)
    spark.sql(f"DELETE FROM delta.`{lake}/treated/t` WHERE note = 'note-4-n'")
    nulled = {"ip": {"technique": "truncate_ip", "on_refused": None}}
    with pytest.raises(LakenymError, match="a row in quarantine is one of them"):
        run(spark, lake, requeue=True, columns=nulled)
    assert lakes.treated(spark, lake).count() == 18


def test_other_rules_than_those_of_the_target_are_refused(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 20, "id = 3"), lake)
    with pytest.raises(LakenymError, match="nothing can be requeued"):
        run(spark, lake, requeue=True)
    run(spark, lake)
    for columns in ({"ip": {"technique": "truncate_ip", "ipv4": 16}}, {"ip": "redact"}, {"note": "drop"}):
        with pytest.raises(LakenymError, match="treated otherwise") as caught:
            run(spark, lake, requeue=True, columns=columns)
        assert next(iter(columns)) in str(caught.value)
    shorter = {"home.zip": {"technique": "generalize_hierarchy", "levels": [["8001", "80"], ["8003", "80"]]}}
    with pytest.raises(LakenymError, match=r"home\.zip"):
        run(spark, lake, requeue=True, columns=shorter)


def test_rows_of_another_run_or_key_do_not_open(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 20, "id in (3, 4)"), lake)
    run(spark, lake)
    place = DeltaTable.forPath(spark, str(lake / "quarantine"))
    first, second = (bytes(row["sealed"]) for row in aside(spark, lake))
    keyset = Keyset.from_json((lake / "keys" / "aside.json").read_text())
    (run_id,) = {row["run_id"] for row in aside(spark, lake)}
    technique = sealed_rows.technique("t", run_id)
    key = keyset.subkey(technique, "quarantine")
    opened = sealed_rows.opened(pa.array([first, second], pa.binary()), "t", run_id, key)
    assert [row.column("ip")[0].as_py() for row in opened] == [f"{quarantines.CANARY}-{at}" for at in (3, 4)]
    assert "gone" not in opened[0].schema.names, "columns that are dropped are not even read"
    assert "street" in opened[0].column("home")[0].as_py(), "what is read stands there as a whole"
    for other in (("u", run_id), ("t", "another")):
        with pytest.raises(TokenRefused):
            sealed_rows.opened(pa.array([first], pa.binary()), *other, key)
    place.update(set={"sealed": F.expr("concat(sealed, X'00')")})
    nulled = {"ip": {"technique": "truncate_ip", "on_refused": None}}
    with pytest.raises(LakenymError, match="not as it was put there"):
        run(spark, lake, requeue=True, columns=nulled)


# -- what was there before, and what ends in the middle ---------------------------------------------------------------


@pytest.mark.parametrize("execution", but_for([], PATHS))
def test_killed_between_the_commits(spark: SparkSession, lake: Path, execution: Execution) -> None:
    target = {"mode": "incremental"}
    put(rows(spark, 0, 20, "id = 3"), lake)
    first = run(spark, lake, execution, target=target)
    put(rows(spark, 20, 40, "id = 22"), lake)
    quarantines.configured(lake, target=target, execution=execution)
    killed(lake, "jobs.lake.quarantine_table", "append", "after")
    (orphan,) = {row["run_id"] for row in aside(spark, lake)} - {first.run_id}
    assert len(growing.told(spark, lake)) == 1, "the target is as it was"
    nulled = {"ip": {"technique": "truncate_ip", "on_refused": None}}
    again = run(spark, lake, execution, target=target)
    assert (again.rows, again.quarantined) == (19, 1)
    assert orphan not in {row["run_id"] for row in aside(spark, lake)}
    assert run(spark, lake, target=target, requeue=True, columns=nulled).rows == 2
    assert ids(spark, lake) == sorted(f"note-{at}-n" for at in range(40))


@pytest.mark.sweep
def test_killed_before_rows_are_taken_out_of_quarantine(spark: SparkSession, lake: Path) -> None:
    target, nulled = {"mode": "incremental"}, {"ip": {"technique": "truncate_ip", "on_refused": None}}
    put(rows(spark, 0, 20, "id in (3, 4)"), lake)
    run(spark, lake, target=target)
    quarantines.configured(lake, target=target, columns=nulled)
    killed(lake, "jobs.lake.quarantine_table", "remove_rows", "before", requeue=True)
    assert len(aside(spark, lake)) == 2
    assert lakes.treated(spark, lake).count() == 20
    again = run(spark, lake, target=target, columns=nulled, requeue=True)
    assert (again.execution, again.rows, aside(spark, lake)) == ("none", 0, [])
    put(rows(spark, 20, 25), lake)
    run(spark, lake, target=target, columns=nulled)
    assert ids(spark, lake) == sorted(f"note-{at}-n" for at in range(25))


def test_places_that_are_none_for_a_quarantine(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, 0, 20, "id = 3"), lake)
    rows(spark, 0, 1).write.format("delta").save(str(lake / "other"))
    with pytest.raises(LakenymError, match="a table of something else"):
        run(spark, lake, quarantine={"path": str(lake / "other")})
    (lake / "files").mkdir()
    (lake / "files" / "a.txt").write_text("x")
    with pytest.raises(LakenymError, match=r"quarantine .* holds files"):
        run(spark, lake, quarantine={"path": str(lake / "files")})
    (lake / "link").symlink_to(lake / "raw")
    with pytest.raises(LakenymError, match=r"quarantine .* lies in the folder of another Delta table"):
        run(spark, lake, quarantine={"path": str(lake / "link" / "t" / "new")})
    target = {"mode": "incremental"}
    run(spark, lake, target=target)
    with pytest.raises(LakenymError, match="another quarantine than the entry names"):
        run(spark, lake, target=target, quarantine={"path": str(lake / "new")})


# -- nothing leaks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_no_value_stands_anywhere(
    spark: SparkSession, lake: Path, execution: Execution, capfd: pytest.CaptureFixture[str]
) -> None:
    put(rows(spark, 0, 50, BAD, BAD_ZIP, BAD_SEEN), lake)
    events: list[Any] = []
    run(spark, lake, execution, report=events.append, target={"mode": "incremental"})
    nulled = {"ip": {"technique": "truncate_ip", "on_refused": None}}
    run(spark, lake, report=events.append, target={"mode": "incremental"}, requeue=True, columns=nulled)
    assert events[-1].name == "warning"
    told = "".join(capfd.readouterr()) + repr(events)
    assert quarantines.CANARY not in told
    wanted = [f"note-{at}-n".encode() for at in REFUSED] + [quarantines.CANARY.encode()]
    read = [*contents(lake / "quarantine"), *contents(lake / "treated")]
    assert any(name.endswith("(pages)") for name, _ in read)
    for name, content in read:
        in_target = {f"note-{at}-n".encode() for at in (3, 40)}
        assert not found(set(wanted) - in_target, content), name
