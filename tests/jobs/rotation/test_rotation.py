"""A key's tables moved to its next version: all of them, each in one commit, proven at the end."""

from __future__ import annotations

import base64
import datetime
import json
import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from delta.tables import DeltaTable
from pyspark.sql import SparkSession

from jobs import pseudonymize, rotate_keys
from jobs.audit_log import settling
from jobs.audit_log.limits import LimitReached
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import delta_commit
from jobs.record.column_record import ColumnRecord
from jobs.rotation import carried_out, coverage, foreseen, marks, proof, scope, trail
from jobs.rotation.coverage import Looked
from jobs.rotation.scope import Asked
from jobs.verification.outcome import Check, judged
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import clear_cache
from privacy_udfs.keysets import keyset_versions
from tests.helpers import lakes, rotations, vaults
from tests.helpers.audits import listed, wrong
from tests.helpers.reversals import edit
from tests.helpers.rotations import (
    WAYS,
    contents,
    house,
    marked,
    promoted,
    treated_all,
    treated_house,
    versions,
)
from tests.helpers.sweeps import but_for

CRM = Asked(key="crm")


def as_anew(spark: SparkSession, lake: Path) -> dict[str, Any]:
    """What runs in full under the version in force make of the sources elsewhere."""
    treated_all(spark, house(lake, target="anew"))
    house(lake)
    return contents(spark, lake, "anew")


def test_a_rotation_from_end_to_end(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Planned, refused, killed after the first commit, run again, proven; then nothing is left to do."""
    conf = treated_house(spark, lake)
    olds = {row["num"]: row["mail"] for row in rows_of(spark, lake, "crm.people")}
    old, new = promoted(lake)
    before = versions(spark, lake, ("audit",))
    found, sizes, used = rotate_keys.plan(spark, conf, CRM)
    told = foreseen.as_data(found, sizes, used)
    assert {each["table"]: each["way"] for each in told["tables"]} == WAYS
    assert (told["from"], told["to"]) == ([old], new)
    people = next(each for each in told["tables"] if each["table"] == "crm.people")
    assert (people["rows"], people["shares_domains_with"]) == (6, ["shop.orders"])
    assert people["recipients"] == ["desk of crm.people"]
    assert "authenticates nothing" in next(each["note"] for each in people["columns"] if each["column"] == "card")
    assert "authenticates nothing" in "\n".join(foreseen.lines(found, sizes))
    assert versions(spark, lake, ("audit",)) == before, "a plan writes nothing"

    check_refusals(spark, lake)
    assert versions(spark, lake, ("audit",)) == before, "what is refused writes nothing"
    stopped_at(spark, house(lake), monkeypatch, "after a commit")
    assert marked(spark, lake) == {"shop.orders"}
    made = rotate_keys.run(spark, conf, CRM)
    data = rotate_keys.as_data(made)
    assert made.is_proven, json.dumps(data, indent=1)
    ways = {each["table"]: each["way"] for each in data["tables"]}
    assert ways == {"crm.people": "moved", "shop.orders": "source"}
    outcomes = {
        (each["table"], check["check"]): check["outcome"] for each in data["tables"] for check in each["checks"]
    }
    assert outcomes["crm.people", "shapes"] == outcomes["crm.people", "sample"] == "holds"
    assert outcomes["crm.people", "re-encrypted"] == outcomes["crm.people", "columns"] == "holds"
    assert outcomes["shop.orders", "rows anew"] == outcomes["shop.orders", "counts"] == "holds"
    assert data["old_versions"] == [{"id": old, "may_be_disabled": True, "named_by": []}]
    assert any("VACUUM from" in each for each in data["held_by"])
    assert marked(spark, lake) == set()
    assert contents(spark, lake) == as_anew(spark, lake)
    rows = listed(spark, conf, kinds=["rotation"])
    outlined = [(each["table"], each["outcome"]) for each in rows]
    moved = [("shop.orders", "moved"), ("crm.people", "moved"), ("crm.people", "proven"), ("shop.orders", "proven")]
    assert outlined == [("", "begun"), ("", "begun"), *moved]
    assert wrong(spark, conf) == []

    after = versions(spark, lake, ("audit",))
    capsys.readouterr()
    command = ["--conf", str(lake / "conf"), "--key", "crm", "--json"]
    assert rotate_keys.main(command) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["proven"], {each["way"] for each in told["tables"]}) == (True, {"moved"})
    assert versions(spark, lake, ("audit",)) == after, "there was nothing to do"

    # an old value that is put back is found, by the id that it begins with and by the sample
    spark.sql(f"UPDATE delta.`{lake}/treated/crm.people` SET mail = '{olds[1]}' WHERE num = 1")
    found = scope.found(spark, conf, CRM)
    table = next(each for each in found.tables if each.name == "crm.people")
    checks = {each.name: each for each in proof.of(spark, conf, found, table, from_source=False)[1]}
    assert {name for name, each in checks.items() if each.outcome == "fails"} == {"shapes", "sample", "columns"}
    assert re.match(r"card: no value of it was proven .*re-encrypted: no rotation", checks["columns"].faults[0])
    assert "1 of 6 values" in str(checks["shapes"].faults)
    assert olds[1] not in str(checks)
    # by the job itself too: what the log says was of an older version of the table
    assert rotate_keys.main(command) == 1
    told = json.loads(capsys.readouterr().out)
    assert {each["table"]: each["proven"] for each in told["tables"]} == {"crm.people": False, "shop.orders": True}
    assert told["old_versions"] == [{"id": old, "may_be_disabled": False, "named_by": []}]


@pytest.mark.sweep
def test_limits_have_room_for_a_whole_rotation_or_it_does_not_begin(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each table alone would pass. What is moved from itself counts nothing; a proof by the policy of today."""
    for name in rotations.TABLES:
        rotations.raw(spark, lake, name)
    treated_all(spark, bounded(lake, rows_per_hour=23, runs_per_hour=100))
    promoted(lake)
    before = versions(spark, lake, ("audit",))
    by_source = Asked(key="crm", way="source")
    for bounds, told in (
        ({"rows_per_hour": 23}, "rows_per_hour is 23, and 12 were counted within the last hour; this run is 24 more"),
        ({"runs_per_day": 5}, "runs_per_day is 5, and 2 were counted within the last 24 hours; this run is 4 more"),
    ):
        with pytest.raises(Refused, match=f"all tables from their sources, and their proofs: key crm: .*{told}"):
            rotate_keys.run(spark, bounded(lake, **bounds), by_source)
    assert versions(spark, lake, ("audit",)) == before
    conf = bounded(lake, rows_per_hour=24, runs_per_hour=4)
    command = ["--conf", str(lake / "conf"), "--key", "crm", "--plan"]
    capsys.readouterr()
    assert rotate_keys.main(command) == 0
    told = capsys.readouterr().out
    assert "key crm: at least 12 will count; 12 of 24 rows per hour are left" in told
    assert rotate_keys.main([*command, "--json"]) == 0
    stated = {"key": "crm", "limit": "runs_per_hour", "bound": 4, "used": 2, "left": 2, "needed": 2}
    assert stated in json.loads(capsys.readouterr().out)["limits"]
    check_told_by_others(spark, lake, conf, monkeypatch)
    stopped_at(spark, conf, monkeypatch, "all moved")
    assert marked(spark, lake) == set()
    with pytest.raises(LimitReached, match="rows_per_hour is 23, and 18 were counted"):
        rotate_keys.run(spark, bounded(lake, rows_per_hour=23), CRM)
    made = rotate_keys.run(spark, bounded(lake, rows_per_hour=24, runs_per_hour=4, rows_per_day=100), CRM)
    assert made.is_proven, json.dumps(rotate_keys.as_data(made), indent=1)
    assert wrong(spark, conf) == []


def check_told_by_others(spark: SparkSession, lake: Path, conf: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """That the first table was moved is told by others before the run can, which then ends before the second one. No
    statement is of another row than it says, and nobody is told that the first one waits."""
    real, warned, bodies = trail.RunTrail.committed, list[str](), list[Any]()

    def told(run: Any, made: Any) -> None:
        bodies.append(run._about(run.log, made))
        settling.settle(run.log, run.table.location, datetime.timedelta(0))
        real(run, made)
        raise Stopped

    with monkeypatch.context() as patch:
        patch.setattr(trail.RunTrail, "committed", told)
        with pytest.raises(Stopped):
            rotate_keys.run(spark, conf, CRM, lambda event: warned.append(str(event)))
    assert marked(spark, lake) == {"shop.orders"}
    assert [each for each in warned if "stopped at this table; not moved yet: shop.orders; run it again" in each]
    named = lakes.properties(spark, lake, "crm.people")["privacy.config.sha256"]
    assert named != config.snapshot_sha256(conf, "crm.people")
    assert [each["configuration_sha256"] for each in bodies] == [named], "the one that decided, which the table names"
    rows = listed(spark, conf)
    last = next(row for row in reversed(rows) if row["kind"] == "run_committed")
    assert "told_by" in last["body"]
    envelopes = [json.loads(path.read_text()) for path in (lake / "checkpoints").glob("run-*.intoto.json")]
    for each in envelopes:
        said = json.loads(base64.b64decode(each["payload"]))["predicate"]
        assert said["body"] == rows[said["index"]]["body"]


def bounded(lake: Path, **bounds: int) -> Config:
    house(lake)
    edit(lake / "conf" / "policy.yaml", snapshots={"path": f"{lake}/snapshots"}, limits={"keys": {"crm": bounds}})
    return config.load(lake / "conf")


def rows_of(spark: SparkSession, lake: Path, name: str) -> list[Any]:
    return spark.read.format("delta").load(f"{lake}/treated/{name}").collect()


class Stopped(BaseException):
    """What a killed process is like from within: nobody catches it."""


STEPS = {
    "begun": (marks, "set_all", False, 1),
    "one marked": (marks, "_commit", True, 1),
    "all marked": (marks, "set_all", True, 1),
    "one moved": (carried_out, "_moved", True, 1),
    "before a commit": (delta_commit, "rewrite", False, 1),
    "after a commit": (delta_commit, "rewrite", True, 1),
    "before the source's": (carried_out, "execute", False, 1),
    "after the source's": (carried_out, "execute", True, 1),
    "all moved": (carried_out, "_proven", False, 1),
    "one proven": (proof, "of", True, 2),
}


def stopped_at(spark: SparkSession, conf: Config, monkeypatch: pytest.MonkeyPatch, step: str) -> None:
    """A rotation that ends at a step."""
    place, name, after, times = STEPS[step]
    real, calls = getattr(place, name), list[int]()

    def dies(*given: Any, **more: Any) -> Any:
        calls.append(1)
        made = real(*given, **more) if after or len(calls) < times else None
        if len(calls) == times:
            raise Stopped
        return made

    with monkeypatch.context() as patch:
        patch.setattr(place, name, dies)
        with pytest.raises(Stopped):
            rotate_keys.run(spark, conf, CRM)
    assert len(calls) == times


@pytest.mark.sweep
@pytest.mark.parametrize("step", STEPS)
def test_killed_at_a_step_and_run_again(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    conf = treated_house(spark, lake)
    promoted(lake)
    stopped_at(spark, conf, monkeypatch, step)
    made = rotate_keys.run(spark, conf, CRM)
    assert made.is_proven
    assert marked(spark, lake) == set()
    assert contents(spark, lake) == as_anew(spark, lake)
    last = versions(spark, lake, ("audit",))
    assert not rotate_keys.run(spark, conf, CRM).has_written
    assert versions(spark, lake, ("audit",)) == last


def check_refusals(spark: SparkSession, lake: Path) -> None:
    conf = house(lake, policy=None)
    with pytest.raises(Refused, match="rotation: reencrypt"):
        rotate_keys.run(spark, conf, CRM)
    with pytest.raises(Refused, match="who: keyed_hash cannot be turned back"):
        rotate_keys.run(spark, house(lake), Asked(key="crm", way="table"))
    with pytest.raises(BadUsage, match="did you mean crm"):
        rotate_keys.run(spark, conf, Asked(key="crn"))
    with pytest.raises(BadUsage, match="has no domain mial"):
        rotate_keys.run(spark, conf, Asked(domain="mial"))
    edit(lake / "conf" / "domains.yaml", mail={**rotations.SIV, "normalize": ["nfc"]})
    with pytest.raises(Refused, match=r"mail: the catalog decides otherwise by now .*normalize"):
        rotate_keys.run(spark, config.load(lake / "conf"), CRM)
    path, keyset = lake / "keys" / "crm.json", rotations.in_force(lake)
    path.write_text(keyset_versions.disabled(keyset, keyset.entries[0].id).to_json())
    clear_cache()
    with pytest.raises(LakenymError, match="disabled"):
        rotate_keys.run(spark, house(lake), CRM)
    path.write_text(keyset.to_json())
    clear_cache()


@pytest.mark.sweep
def test_runs_beside_a_rotation_never_mix(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a table that waits and of one that was moved, until all are; then runs go on with what is new."""
    modes = {"crm.people": "incremental", "shop.orders": "incremental"}
    conf = treated_house(spark, lake, modes=modes)
    promoted(lake)
    for name in modes:
        rotations.raw(spark, lake, name, 6, 9)
    real = carried_out._moved

    def beside(*given: Any) -> Any:
        whole, table = given[2:4]
        made = real(*given)
        for name in modes if table is not whole.due[-1] else ():
            with pytest.raises(Refused, match=r"treated otherwise|would not join"):
                pseudonymize.run(spark, conf, name)
        assert table.name not in marked(spark, lake)
        return made

    monkeypatch.setattr(carried_out, "_moved", beside)
    assert rotate_keys.run(spark, conf, CRM).is_proven
    held = {name: len(each[0]) for name, each in contents(spark, lake).items()}
    assert held == {"crm.people": 6, "shop.orders": 9}, "what comes from a source has what is new there"
    for name, rows in {"crm.people": 3, "shop.orders": 0}.items():
        made = pseudonymize.run(spark, conf, name)
        assert (made.mode, made.rows) == ("incremental", rows)
    assert contents(spark, lake) == as_anew(spark, lake)


@pytest.mark.sweep
def test_by_the_command_line_without_a_source(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A table that is moved from itself needs none: here it is gone."""
    treated_house(spark, lake)
    old, new = promoted(lake)
    (lake / "raw" / "crm.people").rename(lake / "gone")
    capsys.readouterr()
    command = ["--conf", str(lake / "conf"), "--domain", "customer"]
    assert rotate_keys.main([*command, "--json", "--plan"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["from"], told["to"], len(told["tables"])) == ([old], new, 2), "they hang together by mail"
    assert rotate_keys.main([*command, "--plan"]) == 0
    assert "does not join with" in capsys.readouterr().out
    assert rotate_keys.main(command) == 0
    told = capsys.readouterr().out
    assert f"version {old} may be disabled" in told
    assert "Canary" not in told


@pytest.mark.sweep
@pytest.mark.parametrize(
    ("module", "name", "after"),
    [
        ("jobs.rotation.marks", "_commit", True),
        ("jobs.lake.delta_commit", "rewrite", True),
        ("jobs.rotation.carried_out", "_moved", True),
        ("jobs.rotation.carried_out", "_proven", False),
    ],
)
def test_killed_by_the_system_and_run_again(
    spark: SparkSession, lake: Path, module: str, name: str, after: bool
) -> None:
    conf = treated_house(spark, lake)
    promoted(lake)
    rotations.killed(lake, module, name, after)
    assert rotate_keys.run(spark, conf, CRM).is_proven
    assert marked(spark, lake) == set()
    assert contents(spark, lake) == as_anew(spark, lake)
    assert not rotate_keys.run(spark, conf, CRM).has_written


@pytest.mark.sweep
@pytest.mark.parametrize("mode", ["stream", "changes", "partitions"])
def test_what_goes_on_from_a_table_goes_on(spark: SparkSession, lake: Path, mode: Any) -> None:
    """A stream, a run that follows changes, and one of some partitions, after the table was moved from itself."""
    spark.sql("SET spark.databricks.delta.properties.defaults.enableChangeDataFeed = true")
    try:
        rotations.raw(spark, lake, "crm.people")
    finally:
        spark.sql("RESET spark.databricks.delta.properties.defaults.enableChangeDataFeed")
    rotations.raw(spark, lake, "shop.orders")
    target = {"partition_by": ["num"]} if mode == "partitions" else {"key": ["num"]} if mode == "changes" else {}
    conf = house(lake, modes={} if mode == "partitions" else {"crm.people": mode}, target_of={"crm.people": target})
    treated_all(spark, conf)
    promoted(lake)
    assert rotate_keys.run(spark, conf, CRM).is_proven
    rotations.raw(spark, lake, "crm.people", 6, 9)
    more: Any = {"mode": "partitions", "where": "num >= 6"} if mode == "partitions" else {}
    pseudonymize.run(spark, conf, "crm.people", **more)
    assert len(rows_of(spark, lake, "crm.people")) == 9
    treated_all(spark, house(lake, target="anew", target_of={"crm.people": target}))
    rows = {name: found[0] for name, found in contents(spark, lake).items()}
    assert rows == {name: found[0] for name, found in contents(spark, lake, "anew").items()}


@pytest.mark.parametrize("way", but_for(["deleted"], ["files", "deleted", "partitions"]))
def test_a_source_that_lost_rows_takes_none_from_a_table(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    """Files of a folder that went away, rows of a Delta table where more came than went, days put in by partitions."""
    monkeypatch.delitem(rotations.TABLES, "crm.people")
    conf, lose = {"files": _of_files, "deleted": _of_deleted, "partitions": _of_partitions}[way](spark, lake)
    before, place = lose(), conf.tables["shop.orders"].target.path
    promoted(lake)
    told = r"would lose rows that its source has no more.*: .*--accept-shorter-source"
    with pytest.raises(Refused, match=told):
        rotate_keys.plan(spark, conf, CRM)
    assert spark.read.format("delta").load(str(place)).count() == before
    if way == "files":
        assert rotate_keys.run(spark, conf, Asked(key="crm", shorter_source=True)).is_proven
        assert spark.read.format("delta").load(str(place)).count() == 3


def _of_files(spark: SparkSession, lake: Path) -> tuple[Config, Callable[[], int]]:
    def grown(start: int, end: int) -> None:
        rows = spark.range(start, end, 1, 1).selectExpr(
            "concat('m', id) AS mail", "concat('C-', id) AS who", "cast(id AS int) AS num"
        )
        rows.write.mode("append").parquet(f"{lake}/raw/shop.orders")
        pseudonymize.run(spark, conf, "shop.orders")

    source = {"source": {"format": "parquet", "path": f"{lake}/raw/shop.orders"}}
    conf = house(lake, modes={"shop.orders": "incremental"}, entry_of={"shop.orders": source})
    grown(0, 5)
    old = [*(lake / "raw" / "shop.orders").glob("*.parquet")]
    grown(5, 8)

    def lose() -> int:
        for each in old:
            each.unlink()
        return 8

    return conf, lose


def _of_deleted(spark: SparkSession, lake: Path) -> tuple[Config, Callable[[], int]]:
    conf = treated_house(spark, lake, modes={"shop.orders": "incremental"})

    def lose() -> int:
        DeltaTable.forPath(spark, f"{lake}/raw/shop.orders").delete("num < 4")
        rotations.raw(spark, lake, "shop.orders", 6, 11)
        return 6

    return conf, lose


def _of_partitions(spark: SparkSession, lake: Path) -> tuple[Config, Callable[[], int]]:
    conf = treated_house(spark, lake, target_of={"shop.orders": {"partition_by": ["num"]}})

    def lose() -> int:
        DeltaTable.forPath(spark, f"{lake}/raw/shop.orders").delete("num < 3")
        rotations.raw(spark, lake, "shop.orders", 6, 9)
        pseudonymize.run(spark, conf, "shop.orders", mode="partitions", where="num >= 6")
        return 9

    return conf, lose


@pytest.mark.sweep
def test_a_proof_of_an_earlier_rotation_is_none_of_this_one(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the second version, back, and to the second again, killed before that was proven."""
    monkeypatch.delitem(rotations.TABLES, "shop.orders")
    conf = treated_house(spark, lake)
    old, new = promoted(lake)

    def put_in_force(version: int) -> None:
        keyset = keyset_versions.promoted(rotations.in_force(lake), version)
        (lake / "keys" / "crm.json").write_text(keyset.to_json())
        clear_cache()

    assert rotate_keys.run(spark, conf, CRM).is_proven
    put_in_force(old)
    assert rotate_keys.run(spark, conf, CRM).is_proven
    put_in_force(new)
    stopped_at(spark, conf, monkeypatch, "all moved")
    (made,) = rotate_keys.run(spark, conf, CRM).tables
    assert (made.way, made.is_proven, bool(made.checks)) == ("moved", True, True)
    assert rotate_keys.run(spark, conf, CRM).tables[0].checks == (), "now the log says so"


def test_what_could_not_be_checked_proves_nothing() -> None:
    columns = {
        "a": ColumnRecord("sensitive", "keyed_hash", key="crm"),
        "b": ColumnRecord("sensitive", "keyed_hash", key="crm"),
        "c": ColumnRecord("sensitive", "keyed_hash", key="other"),
    }
    crm: Any = SimpleNamespace(key="crm", to=2)
    stands: Any = SimpleNamespace(columns=columns)
    unmade = Looked(Check("rows anew", "not checked", "its source is gone"), frozenset("ab"))
    made = coverage.check(crm, stands, [Looked(judged("layers", []), frozenset("a")), unmade])
    assert made.faults == ("b: no value of it was proven to be of version 2 (rows anew: its source is gone)",)
    assert not carried_out.Moved("t", "moved", 1, checks=(unmade.check, made)).is_proven
    assert coverage.check(crm, stands, [Looked(judged("sample", []), frozenset("ab"))]).outcome == "holds"


@pytest.mark.sweep
def test_tokens_are_proven_by_their_vault(spark: SparkSession, lake: Path) -> None:
    """That each stands there under the version in force; what the vault keeps of the old one is told."""
    rows = spark.createDataFrame([(1, "a"), (2, "b"), (3, None), (4, "a")], "num int, who string")
    rows.write.format("delta").save(f"{lake}/raw/t")
    source = {"format": "delta", "path": f"{lake}/raw/t"}
    conf = vaults.configured(lake, vaults.made(spark, lake), {"num": "keep", "who": vaults.TOKENS}, source=source)
    pseudonymize.run(spark, conf, "t")
    _, new = promoted(lake)
    made = rotate_keys.run(spark, conf, CRM)
    assert made.is_proven, made
    assert {each.name: each.outcome for each in made.tables[0].checks}["vault"] == "holds"
    assert any(each.startswith("domain person: the vault ") for each in made.held_by)
    DeltaTable.forPath(spark, f"{lake}/vault").delete(f"key_id = {new}")
    (again,) = rotate_keys.run(spark, conf, CRM).tables
    assert not again.is_proven
    faults = [fault for check in again.checks for fault in check.faults]
    assert faults[0] == f"who: the vault has 2 of its tokens not under version {new}"
