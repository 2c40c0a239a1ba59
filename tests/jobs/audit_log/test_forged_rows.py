"""Rows that no run writes, in a log whose states were made to fit: they are found, and nothing falls over them. How
runs that nobody can tell of leave the log."""

from __future__ import annotations

import contextlib
import datetime
import json
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from jobs.audit_log import settling, verify
from jobs.audit_log.leaves import Leaf, MalformedLeaf
from jobs.audit_log.log import Log
from jobs.audit_log.rows import walked
from jobs.audit_log.state import State
from jobs.lake import audit_table, target_files
from jobs.lake.address import Address
from jobs.lake.audit_table import DERIVED, INDEX, LEAF, STATE

AT = "2026-11-28T00:00:00.000000Z"
SUMS = {"sha256": "00"}


def written(kind: str = "run_committed", **more: Any) -> str:
    """The text of a leaf, of whatever."""
    told: dict[str, Any] = {"v": 1, "kind": kind, "time": AT, "actor": "a", "software": "s", "table": "t"}
    told |= {"run_id": "r", "outcome": "", "body": {}, **more}
    return json.dumps(told, sort_keys=True, separators=(",", ":"))


def row(text: str) -> dict[str, Any]:
    told, state = json.loads(text), ""
    with contextlib.suppress(MalformedLeaf, RecursionError, UnicodeError):
        state = State().after(text).text()
    return {INDEX: 0, **{name: told[name] for name in DERIVED}, LEAF: text, STATE: state}


NONE = "its leaf is none"
COMMIT = {"location": "file:/x", "version": 3, "files": SUMS}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (written("run_started", table=["t"]), NONE),
        (written("run_started", run_id={"r": 1}), NONE),
        (written(actor=None), NONE),
        (written(outcome=1), NONE),
        (written(table="\ud800"), NONE),
        (written(body=["location"]), NONE),
        (written("key_use", body={"share": 0.5}), NONE),
        (written("key_use", body={"share": float("nan")}), NONE),
        (written("run_started", body={"location": "\ud800"}), NONE),
        (written("run_started", body={"\ud800": 1}), NONE),
        (written(time="soon"), NONE),
        (written(time=None), NONE),
        (written(time="2026-11-28"), NONE),
        (written("run_started", body={"location": 1}), NONE),
        (written("run_started", body={"version": "1"}), NONE),
        (written("key_rows", body={"key": "crm", "key_id": 1, "rows": "many"}), "it tells of a use, and its number"),
        (written("key_use", body={"key": 1, "key_id": 1}), "it tells of a use, and not of which key"),
        (written(time="2999-01-01T00:00:00.000000Z"), "its time is one to come"),
        (written(body={**COMMIT, "files": {"sha256": "zz"}}), "it tells of a commit, and its sums of files are none"),
        (written(body={"location": "file:/x"}), "it tells of a commit, and not of which version"),
        (written(body={**COMMIT, "version": "3"}), "it tells of a commit, and not of which version"),
        (written(body={**COMMIT, "version": True}), "it tells of a commit, and not of which version"),
        (written(body={**COMMIT, "location": 1}), "it tells of a commit, and not where"),
        (written(body={**COMMIT, "files": "00"}), "it tells of a commit, and its sums of files are none"),
        (written(body={**COMMIT, "files": {}}), "it tells of a commit, and its sums of files are none"),
        (written(body={**COMMIT, "added": None}), "it tells of a commit, and its sums of files are none"),
    ],
)
def test_a_row_that_no_run_writes_is_found(text: str, found: str) -> None:
    walk = walked([row(text)], "2026-12-01")
    (finding,) = walk.findings
    assert finding.level == "wrong"
    assert str(finding).startswith(f"row 0: {found}")
    assert walk.newest == {}


def test_a_row_as_runs_write_it() -> None:
    walk = walked([row(written(body=COMMIT))])
    assert walk.findings == []
    assert [leaf.body["version"] for leaf in walk.newest.values()] == [3]


@pytest.mark.parametrize(
    ("sums", "expected"),
    [
        ({}, [("unchecked", "table t: the log tells no file list of version 3")]),
        ({"files": {"sha256": target_files.digest([])}}, []),
        ({"files": SUMS}, [("wrong", "table t: the files of version 3 are not those that were committed")]),
    ],
)
def test_a_commit_that_was_settled_without_its_file_list_is_not_checked(
    monkeypatch: pytest.MonkeyPatch, sums: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    monkeypatch.setattr(audit_table, "forget", lambda *_: None)
    monkeypatch.setattr(Address, "exists", lambda *_: True)
    monkeypatch.setattr(Address, "version", lambda *_: 3)
    monkeypatch.setattr(target_files, "of", lambda *_: [])
    leaf = Leaf.parse(written(body={"location": "file:/x", "version": 3, **sums}))
    found = verify._target(cast(SparkSession, None), "file:/x", leaf)
    assert [(each.level, str(each)) for each in found] == expected


@pytest.mark.parametrize(
    ("hours", "mode", "stands", "versions", "reason"),
    [
        (23.9, "partitions", True, [0, 1, 2, 3], None),
        (24.1, "partitions", True, [0, 1, 2, 3], settling.NEVER_SEEN),
        (24.1, "partitions", True, [1], settling.NEVER_SEEN),
        (24.1, "partitions", None, [], settling.NEVER_SEEN),
        (24.1, "partitions", None, [3], settling.UNKNOWN),
        (24.1, "full", True, [1], None),
    ],
)
def test_a_run_of_partitions_does_not_stay_open_for_ever(
    monkeypatch: pytest.MonkeyPatch,
    hours: float,
    mode: str,
    stands: bool | None,
    versions: list[int],
    reason: str | None,
) -> None:
    """Other runs' commits keep it from nothing, so only time tells. None: it is left."""
    began = datetime.datetime.fromisoformat(AT.replace("Z", "+00:00"))
    monkeypatch.setattr(settling, "_now", lambda: began + datetime.timedelta(hours=hours))
    monkeypatch.setattr(settling, "_stands", lambda *_: stands)
    others = {version: {"time": began, "run": {"run_id": "other", "mode": "full"}} for version in versions}
    monkeypatch.setattr(settling, "_commits", lambda *_: others)
    log = SimpleNamespace(spark=None, actor="a", leaf=lambda kind, time, **more: Leaf(kind, time, "a", "s", **more))
    told = {"table": "t", "time": AT, "mode": mode, "location": "file:/x", "version": -1 if stands is None else 1}
    found = settling._end(cast(Log, log), "r", told, settling.PATIENCE)
    assert (None if found is None else (found.kind, found.run_id, found.body["reason"])) == (
        None if reason is None else ("run_unknown", "r", reason)
    )
