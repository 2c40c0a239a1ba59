"""Versions of a key are not destroyed while a table needs them, nor without a person's word."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from jobs import keys
from jobs.configuration import config
from jobs.console.exit_codes import Refused
from jobs.named_keys import key_use, named_key
from privacy_udfs.keys import Keyset
from tests.helpers.key_helpers import four_keys
from tests.helpers.lakes import table, write_conf


@pytest.fixture
def folder(lake: Path) -> Path:
    return four_keys(lake)


def agreed() -> None:
    """Someone says yes."""


def test_destroy_refuses_what_a_table_needs(folder: Path) -> None:
    key = named_key.find(config.load(folder), "crm")
    old = key.read().primary_id
    keys.main(["promote", "--conf", str(folder), "--name", "crm", "--id", str(keys.add(key))])
    with pytest.raises(Refused, match=r"is in the record of crm.customers, crm.orders: treat them anew first"):
        keys.destroy(key, old, lambda key_id: ["crm.customers", "crm.orders"] if key_id == old else [], agreed)
    assert key.read().entry(old).status == "ENABLED"
    keys.destroy(key, old, lambda key_id: [], agreed)
    assert key.read().entry(old).status == "DESTROYED"


def test_the_tables_own_records_are_asked(spark: SparkSession, lake: Path) -> None:
    """By the command itself: `show --tables` names the table, and `destroy` leaves the version alone."""
    write_conf(lake, table("crm.customers", lake, {"id": "keep"}), table("crm.orders", lake, {"id": "keep"}))
    key = named_key.find(config.load(lake / "conf"), "crm")
    old, new = key.read().primary_id, keys.add(key)
    entry = {"class": "direct_identifier", "technique": "keyed_hash", "parameters": {}, "key": "x", "key_id": old}
    record = {"version": 1, "columns": {"id": entry}}
    writer = spark.range(1).writeTo(f"delta.`{lake}/treated/crm.customers`").using("delta")
    writer.tableProperty("privacy.record", json.dumps(record)).create()
    assert [key_use.lookup(config.load(lake / "conf"))(key_id) for key_id in (old, new)] == [["crm.customers"], []]
    for verb in (["promote", "--id", str(new)], ["disable", "--id", str(old)]):
        assert keys.main([*verb, "--conf", str(lake / "conf"), "--name", "crm"]) == 0
    assert keys.main(["destroy", "--conf", str(lake / "conf"), "--name", "crm", "--id", str(old), "--yes"]) == 1
    assert key.read().entry(old).status == "DISABLED"


@pytest.mark.parametrize(("answer", "code", "status"), [("{id}", 0, "DESTROYED"), ("yes", 1, "ENABLED")])
def test_destroy_asks_on_a_terminal(folder: Path, answer: str, code: int, status: str) -> None:
    key = named_key.find(config.load(folder), "crm")
    spare = keys.add(key)
    command = [sys.executable, str(Path(keys.__file__)), "destroy", "--conf", str(folder), "--name", "crm"]
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*command, "--id", str(spare)], stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    os.write(ours, (answer.format(id=spare) + "\n").encode())
    out, err = process.communicate(timeout=120)
    assert (process.returncode, key.read().entry(spare).status) == (code, status), err.decode()
    assert f"Type its id to destroy it: key crm: destroy version {spare}: done" in out.decode() or code
    for end in (ours, theirs):
        os.close(end)


def test_destroy_without_a_terminal_needs_yes(folder: Path) -> None:
    key = named_key.find(config.load(folder), "crm")
    spare = keys.add(key)
    command = [sys.executable, str(Path(keys.__file__)), "destroy", "--conf", str(folder), "--name", "crm"]
    done = subprocess.run([*command, "--id", str(spare)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    assert (done.returncode, "say --yes" in done.stderr) == (1, True)
    assert isinstance(key.read(), Keyset)
    assert key.read().entry(spare).status == "ENABLED"
