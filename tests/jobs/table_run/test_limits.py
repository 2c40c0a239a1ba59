"""How much may be treated under a key: counted in the log, held before a run begins and before its commit."""

from __future__ import annotations

import concurrent.futures
import json
import re
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import check, plan, pseudonymize, verify
from jobs.audit_log.limits import LimitReached
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import REFUSED, Refused
from jobs.lake import audit_table
from jobs.lake.delta_commit import transaction
from jobs.monitoring import limits_watch
from jobs.table_run import audited as told_by_runs
from jobs.verification import charged
from tests.helpers import lakes, quarantines, vaults
from tests.helpers.audits import COLUMNS, kinds, limited, listed, raw, verified
from tests.helpers.lakes import column, table, treated
from tests.helpers.sweeps import but_for

HASH = {"technique": "keyed_hash", "key": "crm"}
BEGUN = ["run_started", "key_use"]


def crm(**bounds: int) -> dict[str, Any]:
    return {"keys": {"crm": bounds}}


def counted(spark: SparkSession, conf: Config) -> list[int]:
    """The rows that the log counts, run after run."""
    return [row["body"]["rows"] for row in listed(spark, conf, kinds=["key_rows"])]


def files(lake: Path, name: str = "t") -> int:
    return len(list((lake / "treated" / name).rglob("*.parquet")))


@pytest.mark.parametrize("execution", but_for(["columnar"], ["columnar", "spark"]))
def test_rows_are_held_before_the_commit(spark: SparkSession, lake: Path, execution: Any) -> None:
    """Of files nobody knows beforehand how many rows they hold."""
    raw(spark, lake)
    conf = limited(lake, **crm(rows_per_hour=5))
    pseudonymize.run(spark, conf, "t", execution=execution)
    assert kinds(spark, conf) == [*BEGUN, "key_rows", "run_committed"]
    assert counted(spark, conf) == [3]
    before = files(lake)
    told = "key crm: policy.yaml, limits: rows_per_hour is 5, and 3 were counted within the last hour; this run is 3"
    with pytest.raises(LimitReached, match=told) as caught:
        pseudonymize.run(spark, conf, "t", execution=execution)
    assert caught.value.exit_code == REFUSED
    assert "run it again from 20" in str(caught.value)
    assert files(lake) == before, "what was treated is taken away"
    assert treated(spark, lake).count() == 3
    assert len(treated(spark, lake).sparkSession.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/t`").collect()) == 1
    assert kinds(spark, conf)[4:] == [*BEGUN, "run_refused"]
    assert counted(spark, conf) == [3], "what nobody can see is not counted as rows"
    assert verified(spark, conf).is_whole


def test_rows_that_the_log_of_the_source_tells_are_held_before_anything_is_read(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spark.sql("SELECT concat('C-', id) AS id, 1 AS amount FROM range(7)").write.format("delta").save(f"{lake}/raw/t")
    entry = table("t", lake, COLUMNS, source={"format": "delta", "path": f"{lake}/raw/t"})
    conf = limited(lake, entry, **crm(rows_per_day=6))
    with pytest.raises(Refused, match="this run is 7 more, which is over it alone: treat fewer rows at a time"):
        pseudonymize.run(spark, conf, "t")
    assert not (lake / "treated").exists()
    assert kinds(spark, conf) == ["run_refused"]
    # what a run at work, or a killed one, said that it would treat counts until it tells how it ended
    conf = limited(lake, entry, **crm(rows_per_hour=13))
    monkeypatch.setattr(told_by_runs.Trail, "ended_by", lambda *_: None)
    monkeypatch.setattr(told_by_runs.Trail, "_still_told", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        pseudonymize.run(spark, conf, "t")
    monkeypatch.undo()
    with pytest.raises(Refused, match="is 13, and 7 were counted within the last hour; this run is 7 more"):
        pseudonymize.run(spark, conf, "t")


def test_runs_are_held_before_anything_is_read(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw(spark, lake)
    conf = limited(lake, default={"runs_per_hour": 1, "rows_per_day": 100})
    asked = ["--conf", str(lake / "conf"), "--table", "t"]
    assert plan.main([*asked, "--json"]) == 0
    room = json.loads(capsys.readouterr().out)["limits"]
    assert room == [
        {"key": "crm", "limit": "rows_per_day", "bound": 100, "used": 0, "left": 100},
        {"key": "crm", "limit": "runs_per_hour", "bound": 1, "used": 0, "left": 1},
    ]
    pseudonymize.run(spark, conf, "t")
    assert pseudonymize.main(asked) == REFUSED
    assert "limits: runs_per_hour is 1, and 1 were counted within the last hour" in capsys.readouterr().out
    assert plan.main(asked) == REFUSED
    out = capsys.readouterr().out
    assert "limits: crm: 97 of 100 rows per day are left, 0 of 1 runs per hour are left" in out
    assert kinds(spark, conf) == [*BEGUN, "key_rows", "run_committed", "run_refused"]
    found = [str(each) for each in limits_watch.findings(spark, conf)]
    assert found == [
        "alert: key crm: 1 of 1 runs_per_hour were counted; what is more is refused: find out who treats so much, or "
        "raise the limit"
    ]


def test_of_two_at_once_one_is_refused(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both have begun, and both ask before their commits; as drivers of their own do, by Delta's commit alone."""

    class Free:
        def __enter__(self) -> None: ...
        def __exit__(self, *_: object) -> None: ...

    monkeypatch.setattr(audit_table, "APPENDING", Free())
    for name in ("a", "b"):
        raw(spark, lake, name)
    conf = limited(lake, table("a", lake, COLUMNS), table("b", lake, COLUMNS), **crm(rows_per_hour=5))
    both, still_told = threading.Barrier(2), told_by_runs.Trail._still_told

    def together(self: Any, aside: Any) -> None:
        both.wait(60)
        still_told(self, aside)

    monkeypatch.setattr(told_by_runs.Trail, "_still_told", together)

    def run(name: str) -> str:
        try:
            pseudonymize.run(spark, conf, name)
        except LimitReached:
            return "refused"
        return "done"

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(run, ("a", "b"))) == ["done", "refused"]
    assert counted(spark, conf) == [3]
    assert sorted(files(lake, name) for name in ("a", "b")) == [0, 1]
    assert verified(spark, conf).is_whole


@pytest.mark.sweep
def test_a_stream_stops_where_there_is_no_room(spark: SparkSession, lake: Path) -> None:
    """What it wrote before stays, and the next one goes on there."""

    def gained(at: int) -> None:
        raw(spark, lake, rows=[(f"C-{at}{each}", each) for each in range(2)])

    gained(0)
    target = {"path": f"{lake}/treated/t", "mode": "stream"}
    conf = limited(lake, table("t", lake, COLUMNS, target=target), **crm(rows_per_hour=5))
    pseudonymize.run(spark, conf, "t")
    gained(1)
    gained(2)
    told = "rows_per_hour is 5, and 4 were counted within the last hour; this run is 2 more"
    with pytest.raises(Refused, match=told):
        pseudonymize.run(spark, conf, "t", files_per_batch=1)
    assert treated(spark, lake).count() == 4
    conf = limited(lake, table("t", lake, COLUMNS, target=target), **crm(runs_per_hour=4))
    pseudonymize.run(spark, conf, "t", files_per_batch=1)
    assert treated(spark, lake).count() == 6
    assert pseudonymize.run(spark, conf, "t").execution == "none", "where nothing is new there is no run"
    assert kinds(spark, conf).count("run_committed") == 3


@pytest.mark.sweep
@pytest.mark.parametrize("execution", ["columnar", "spark"])
def test_rows_in_quarantine_count_and_treated_again_once_more(spark: SparkSession, lake: Path, execution: Any) -> None:
    quarantines.put(quarantines.rows(spark, 0, 20, "id IN (3, 4)"), lake)

    def configured(**more: Any) -> Config:
        (lake / "conf" / "audit.yaml").unlink(missing_ok=True)
        conf = quarantines.configured(lake, target={"mode": "incremental"}, **more)
        written = {name: (lake / "conf" / name).read_text() for name in ("keys.yaml", "catalog/t.yaml")}
        limited(lake, **crm(rows_per_hour=22))
        keys = json.loads(json.dumps(conf.written["keys.yaml"]))
        keys["log"] = {"keyset": f"file:{lake}/keys/log.json"}
        (lake / "conf" / "keys.yaml").write_text(json.dumps(keys))
        (lake / "conf" / "catalog" / "t.yaml").write_text(written["catalog/t.yaml"])
        return config.load(lake / "conf")

    conf = configured()
    pseudonymize.run(spark, conf, "t", execution=execution)
    assert counted(spark, conf) == [20], "18 that are in the target, and 2 beside it"
    conf = configured(columns=quarantines.NULLED)
    pseudonymize.run(spark, conf, "t", requeue=True)
    assert counted(spark, conf) == [20, 2]
    assert kinds(spark, conf).count("key_use") == 4, "the quarantine's key seals, and treats nothing"


FINDS = {"technique": "treat_entities", "entities": {"email": "customer"}}
MANY: dict[str, tuple[str, dict[str, Any], int]] = {
    "an array": ("SELECT array('a', 'b', 'c', 'd', 'e') AS ids", {"ids[]": HASH}, 5),
    "a text": ("SELECT repeat('a.b@example.org, c.d@example.org; ', 3) AS note", {"note": column(FINDS)}, 6),
    "two columns": ("SELECT 'a' AS one, 'b' AS two", {"one": HASH, "two": HASH}, 1),
    "nulls": ("SELECT cast(NULL AS string) AS id FROM range(4)", {"id": HASH}, 4),
}


@pytest.mark.parametrize("name", but_for(["a text"], MANY))
@pytest.mark.parametrize("execution", but_for(["columnar"], ["columnar", "spark"]))
def test_a_row_is_no_way_to_have_many_values_treated(
    spark: SparkSession, lake: Path, name: str, execution: Any
) -> None:
    sql, columns, expected = MANY[name]
    spark.sql(sql).coalesce(1).write.parquet(f"{lake}/raw/t")
    conf = limited(lake, table("t", lake, columns), **crm(rows_per_hour=expected))
    pseudonymize.run(spark, conf, "t", execution=execution)
    assert counted(spark, conf) == [expected]
    (end,) = listed(spark, conf, kinds=["run_committed"])
    assert set(end["body"]["columns"]) == set(columns), "what is within texts is no column"
    with pytest.raises(Refused, match="and none is left"):
        pseudonymize.run(spark, conf, "t", execution=execution)


KEPT_OUT: dict[str, tuple[str, str, float, int]] = {
    "more than half": ("id < 4", "concat('C-', id)", 0.9, 2 * 4),
    "arrays": ("id < 12", "array_repeat(concat('C-', id), if(id = 0, 0, 1000))", 0.5, 2 * 11_000),
    "maps": ("id < 12", "map('a', concat('C-', id), 'b', 'x')", 0.5, 2 * 24),
}
"""Which rows stay, their values, the share that may be kept out, and twice the values that stay."""


@pytest.mark.parametrize("name", but_for(["arrays"], KEPT_OUT))
def test_how_many_rows_are_kept_out_is_not_told(spark: SparkSession, lake: Path, name: str) -> None:
    stay, values, at_most, expected = KEPT_OUT[name]
    path = {"arrays": "id[]", "maps": "id{value}"}.get(name, "id")
    number = 11 if name == "more than half" else 13
    rows = f"SELECT {values} AS id, if({stay}, 'a', concat('z', id)) AS zip FROM range({number})"
    spark.sql(rows).write.format("delta").save(f"{lake}/raw/t")
    columns = {path: column(HASH, "direct_identifier"), "zip": column("keep", "quasi_identifier")}
    columns |= {"id{key}": column("keep", "non_personal")} if name == "maps" else {}
    source = {"format": "delta", "path": f"{lake}/raw/t"}
    entry = table("t", lake, columns, source=source, suppress={"k": 2, "at_most": at_most})
    conf = limited(lake, entry, **crm(rows_per_hour=2 * expected - 1))
    pseudonymize.run(spark, conf, "t")
    assert counted(spark, conf) == [expected]
    told = f"rows_per_hour is {2 * expected - 1}, and {expected} were counted within the last hour; with this run it"
    with pytest.raises(LimitReached, match=told) as caught:
        pseudonymize.run(spark, conf, "t")
    assert "would be more: treat fewer rows at a time, run it later, or raise the limit" in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "stay", "at_most", "expected"),
    [(11, 4, 0.9, 40), (13, 12, 0.5, 24), (12, 12, 0.05, 24), (11, 4, 1, 16), (1000, 4, 0.05, 1024), (0, 0, 0.5, 0)],
)
def test_what_is_treated_to_verify_does_not_tell_it_either(rows: int, stay: int, at_most: float, expected: int) -> None:
    assert charged._coarse(rows, stay, at_most) == expected


def test_what_cannot_be_counted_without_telling_it_is_refused(spark: SparkSession, lake: Path) -> None:
    spark.sql("SELECT 'a.b@example.org' AS note, '1' AS zip").write.parquet(f"{lake}/raw/t")
    columns = {"note": column(FINDS), "zip": column("keep", "quasi_identifier")}
    conf = limited(lake, table("t", lake, columns, suppress={"k": 2}), **crm(rows_per_hour=5))
    with pytest.raises(Refused, match="note: how many values stand within its texts is not counted without telling"):
        pseudonymize.run(spark, conf, "t")
    assert kinds(spark, conf) == ["run_refused"]


def test_tokens_are_held_before_the_vault_gets_any(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And count, though the run be refused after that: who asks of them learns which were there."""
    raw(spark, lake)
    columns = {"id": column(vaults.TOKENS, "direct_identifier"), "amount": column("keep", "quasi_identifier")}
    monkeypatch.setitem(lakes.DOMAINS, "person", vaults.domain(lake, vaults.made(spark, lake)))

    def configured(most: int, **more: Any) -> Config:
        return limited(lake, table("t", lake, columns, **more), **crm(rows_per_hour=most))

    with pytest.raises(LimitReached, match="this run is 3 more"):
        pseudonymize.run(spark, configured(2), "t")
    assert vaults.counts(spark, lake) == (0, 0, 0)
    conf = configured(5, suppress={"k": 2, "at_most": 0.1})
    with pytest.raises(Refused, match="a share of at most"):
        pseudonymize.run(spark, conf, "t")
    assert vaults.counts(spark, lake) == (3, 3, 3)
    assert counted(spark, conf) == [4], "the next power of two"
    with pytest.raises(Refused, match="rows_per_hour is 5, and 4 were counted"):
        pseudonymize.run(spark, configured(5), "t")


def test_limits_that_cannot_be_held_let_nothing_pass(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake)

    def refused(told: str, *names: str) -> None:
        keys = {name: {"keyset": f"file:{lake}/keys/crm.json"} for name in ("crm",)}
        keys |= {name: {"keyset": f"file:{lake}/keys/../keys//crm.json"} for name in names}
        keys["log"] = {"keyset": f"file:{lake}/keys/log.json"}
        (lake / "conf" / "keys.yaml").write_text(json.dumps(keys))
        with pytest.raises(Refused, match=told):
            pseudonymize.run(spark, config.load(lake / "conf"), "t")
        assert check.main(["--conf", str(lake / "conf")]) == REFUSED
        assert told in capsys.readouterr().out
        assert not (lake / "treated").exists()

    limited(lake, audit=False, **crm(rows_per_hour=5))
    refused("limits: rows and runs are counted in the audit log, and there is none: state it in audit.yaml")
    limited(lake, keys={"crn": {"runs_per_hour": 5}})
    refused("nothing would be held to this limit")
    limited(lake, **crm(runs_per_hour=5))
    refused("also and crm are one keyset in keys.yaml, which could be used up twice: give it one name", "also")
    limited(lake, **crm(rows_per_hour=5))
    monkeypatch.setattr(transaction, "TRIED", {"4.2": "4.3"})
    assert plan.main(["--conf", str(lake / "conf"), "--table", "t"]) == REFUSED
    assert "rows under a key with a limit are counted before the commit, in" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        ({}, "expected 'keys', 'default', or both"),
        ({"default": {}}, "expected rows_per_hour, runs_per_hour, rows_per_day or runs_per_day"),
        ({"default": {"rows_per_hour": 0}}, "limits.default.rows_per_hour"),
        ({"default": {"rows_per_week": 1}}, "rows_per_week"),
        ({"keys": {"crm": {"runs_per_day": 1.5}}}, "limits.keys.crm.runs_per_day"),
    ],
)
def test_limits_that_say_nothing_are_faults(lake: Path, stated: dict[str, Any], told: str) -> None:
    with pytest.raises(config.ConfigError, match=re.escape(told)):
        limited(lake, **stated)


@pytest.mark.sweep
def test_what_is_treated_to_verify_a_table_counts(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who chooses the source learns by it which of its rows the table has."""
    raw(spark, lake)
    conf = limited(lake, **crm(rows_per_hour=7))
    pseudonymize.run(spark, conf, "t")
    assert not verify.run(spark, conf, "t").fails
    use = listed(spark, conf, kinds=["key_use"])[-1]["body"]
    assert (use["key"], use["rows"], use["by"]) == ("crm", 3, "verify")
    with pytest.raises(LimitReached, match="rows_per_hour is 7, and 6 were counted within the last hour"):
        verify.run(spark, conf, "t")
    assert verified(spark, conf).is_whole


FORGED: dict[str, Callable[[str], str]] = {
    "a time that is none": lambda log: f"UPDATE {log} SET time = 'soon' WHERE kind = 'key_rows'",
    "no time": lambda log: f"UPDATE {log} SET time = NULL WHERE kind = 'key_rows'",
    "a time long ago": lambda log: f"UPDATE {log} SET time = '1970-01-01T00:00:00.000000Z' WHERE kind = 'key_rows'",
    "another kind": lambda log: f"UPDATE {log} SET kind = 'erasure' WHERE kind = 'key_rows'",
    "another leaf": lambda log: f"UPDATE {log} SET leaf = replace(leaf, '\"rows\":3', '\"rows\":') WHERE index = 2",
    "no leaf": lambda log: f"UPDATE {log} SET leaf = NULL WHERE kind = 'key_rows'",
    "no index": lambda log: f"UPDATE {log} SET index = NULL WHERE kind = 'key_rows'",
    "gone": lambda log: f"DELETE FROM {log} WHERE kind = 'key_rows'",
}


@pytest.mark.sweep
@pytest.mark.parametrize("name", FORGED)
def test_rows_that_were_changed_are_not_counted_by(spark: SparkSession, lake: Path, name: str) -> None:
    raw(spark, lake)
    conf = limited(lake, **crm(rows_per_hour=5))
    pseudonymize.run(spark, conf, "t")
    log = f"delta.`{lake}/audit`"
    spark.sql(f"ALTER TABLE {log} SET TBLPROPERTIES (delta.appendOnly = false)")
    spark.sql(FORGED[name](log))
    spark.sql(f"ALTER TABLE {log} SET TBLPROPERTIES (delta.appendOnly = true)")
    with pytest.raises(Exception, match=r"see jobs/audit\.py verify"):
        pseudonymize.run(spark, conf, "t")
    assert not verified(spark, conf).is_whole
    assert treated(spark, lake).count() == 3
