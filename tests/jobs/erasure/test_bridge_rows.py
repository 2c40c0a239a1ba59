"""Rows of a sealed bridge: those of the erased go, under every version of the key, with days as of any table."""

from __future__ import annotations

import types
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from jobs import erase, rotate_keys
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.erasure_entry import ErasedListEntry, Erasure
from jobs.configuration.vault_entry import VaultEntry
from jobs.console.exit_codes import Refused
from jobs.erasure import bridge_rows, carried_out, other_sources
from jobs.erasure.carried_out import Wanted
from jobs.erasure.outcome import TableErased
from jobs.lake import table_files, vault_table
from jobs.lake.closed_table import Still
from jobs.lake.history import History
from jobs.lake.log_commits import Commit
from jobs.lake.problems import CommitConflict
from jobs.lake.remains import Remains
from jobs.lake.vault_table import NoVault, Vault
from jobs.rotation import bridge_filling, scope
from jobs.rotation.scope import Asked as Moved
from jobs.spark_app import session
from jobs.subjects.asked import Asked, HeldIn
from privacy_udfs.bridging import BridgeRows
from privacy_udfs.keys import create_file
from tests.helpers import erased_lists, rotations
from tests.helpers.reversals import edit

Missing = Callable[[Vault], DataFrame]
WHY = "the shop's system is switched off in March"


def with_bridge(spark: SparkSession, lake: Path) -> Config:
    rotations.house(lake)
    create_file(lake / "keys" / "bridge.json")
    edit(lake / "conf" / "keys.yaml", bridge={"keyset": f"file:{lake}/keys/bridge.json"})
    stated = {"domain": "customer", "key": "bridge", "path": f"{lake}/bridge", "why": WHY}
    stated["id"] = vault_table.create(spark, f"{lake}/bridge")
    edit(lake / "conf" / "policy.yaml", rotation={"reencrypt": ["crm"], "bridge": [stated]})
    return config.load(lake / "conf")


def bridge(spark: SparkSession, lake: Path) -> set[tuple[bytes, bytes]]:
    rows = spark.read.format("delta").load(f"{lake}/bridge").collect()
    return {(bytes(row["row_key"]), bytes(row["sealed_value"])) for row in rows}


@pytest.mark.sweep
def test_a_person_goes_out_of_the_bridge(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delitem(rotations.TABLES, "crm.people")
    rotations.treated_house(spark, lake)
    conf, customer = with_bridge(spark, lake), Moved(domain="customer")
    assert rotate_keys.build_bridge(spark, conf, customer) == 4
    rotations.promoted(lake)
    rotations.treated_all(spark, conf)
    assert rotate_keys.build_bridge(spark, conf, customer) == 8, "each of four under two versions"
    conf = erased_lists.stated(lake, erased_lists.listed(spark, lake))
    before = bridge(spark, lake)
    wanted = Wanted(Asked("customer", pa.array(["C-1"])), sources=True)
    planned = {each.name: each for each in erase.plan(spark, conf, wanted).tables}
    assert planned["bridge of customer"].rows_deleted == 2
    assert {each.kind for each in planned["bridge of customer"].remains} == {"data_file"}
    assert bridge(spark, lake) == before, "a plan writes nothing"
    made = erase.run(spark, conf, wanted)
    (told,) = (each for each in made.tables if each.name == "bridge of customer")
    assert (told.rows_deleted, {each.kind for each in told.remains}) == (2, {"data_file"})
    assert made.is_done, made.unsearched
    gone = before - bridge(spark, lake)
    assert len(gone) == 2
    rotations.raw(spark, lake, "shop.orders", 1, 2)
    assert rotate_keys.build_bridge(spark, conf, customer) == 6, "whom a source has again stands on the list"
    check_an_erasure_meanwhile(spark, lake, conf)
    last = made.until
    assert last is not None
    monkeypatch.setattr(table_files, "now", lambda: (last.toordinal() - 719163) * table_files.DAY)
    assert erase.run(spark, conf, wanted).is_done
    files = b"".join(each.read_bytes() for each in (lake / "bridge").rglob("*.parquet"))
    assert not any(sealed in files for _, sealed in gone)
    assert "C-1" not in "".join(capfd.readouterr())
    check_another_writer_between_the_commit_and_the_second_look(spark, lake)


def check_an_erasure_meanwhile(spark: SparkSession, lake: Path, conf: Config) -> None:
    """Of three values under two versions: nobody who is erased while the bridge is filled, or carried on, is put there
    again."""
    customer = Moved(domain="customer")

    def before_it(spark: SparkSession, entry: VaultEntry, missing: Missing, still: Still) -> Vault:
        erase.run(spark, conf, Wanted(Asked("customer", pa.array(["C-2"]))))
        return vault_table.add(spark, entry, missing, still)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bridge_filling, "vault_table", types.SimpleNamespace(add=before_it))
        with pytest.raises(CommitConflict, match="nothing was committed"):
            rotate_keys.build_bridge(spark, conf, customer)
    assert len(bridge(spark, lake)) == 4
    assert rotate_keys.build_bridge(spark, conf, customer) == 4
    rotations.promoted(lake)
    own = session.for_run(spark)
    found = scope.found(own, conf, customer)
    turns = [bridge_filling._turn(conf, found, *each) for each in bridge_filling._columns(conf, found, "customer")]
    meanwhile = list[Any]()

    def during_it(spark: SparkSession, entry: VaultEntry, missing: Missing, still: Still) -> Vault:
        def then(vault: Vault) -> DataFrame:
            rows = missing(vault)
            if not meanwhile:
                meanwhile.append(erase.run(spark, conf, Wanted(Asked("customer", pa.array(["C-3"])))))
            return rows

        return vault_table.add(spark, entry, then, still)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(bridge_filling, "vault_table", types.SimpleNamespace(add=during_it))
        bridge_filling.carried_on(own, conf, turns)
    assert meanwhile, "it was carried on"
    assert len(bridge(spark, lake)) == 3, "one value is left, under three versions"


def check_another_writer_between_the_commit_and_the_second_look(spark: SparkSession, lake: Path) -> None:
    """One is left, under three versions. A writer puts back the three whom the source has, under the version of the
    tables, since nobody keeps a list: the one who was asked for goes again, and the two others stay."""
    conf, customer, put = erased_lists.stated(lake, None), Moved(domain="customer"), list[int]()

    class Between(carried_out.NoTrail):
        def erased(self, table: TableErased) -> None:
            if table.name == "bridge of customer" and not put:
                assert (table.rows_deleted, len(bridge(spark, lake))) == (3, 0)
                put.append(rotate_keys.build_bridge(spark, conf, customer))

    wanted = Wanted(Asked("customer", pa.array(["C-0"])))
    made = {each.name: each for each in erase.run(spark, conf, wanted, Between()).tables}["bridge of customer"]
    assert (put, made.rows_deleted, len(bridge(spark, lake))) == ([3], 3 + 1, 2)
    assert made.ids == frozenset({0})
    again = {each.name: each for each in erase.run(spark, conf, wanted).tables}["bridge of customer"]
    assert (again.rows_deleted, again.before, again.after) == (0, made.after, made.after)


def test_rows_are_told_by_the_value_and_rows_that_do_not_open_are_told() -> None:
    own = BridgeRows(b"k" * 32, "b")
    keys = own.row_keys(pa.array(["one", "two", "three"]))
    sealed = own.sealed(keys, pa.array([b"C-1", b"C-2", b"C-1"]))
    columns = [[*sealed.to_pylist(), b"x" * 60, None], [*keys.to_pylist(), b"r" * 16, None]]
    arrays = [pa.array(each, pa.binary()) for each in columns]
    rows = pa.StructArray.from_arrays(arrays, ["sealed_value", "row_key"])
    key: Any = types.SimpleNamespace(resolve=lambda: types.SimpleNamespace(material=b"k" * 32))
    wanted: Any = types.SimpleNamespace(value=bridge_rows.Lookup(pa.array([b"C-1"], pa.binary())))
    look = bridge_rows._Look("b", key, wanted)
    assert [*look(rows)] == [True, False, True, False, False]
    assert [*bridge_rows._Closed(look)(rows)] == [False, False, False, True, True]
    assert len(look.opened(rows.slice(0, 0))) == 0


def test_pseudonyms_and_a_bridge_that_is_not_there_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> None:
        raise NoVault("make one with jobs/tokens.py create")

    monkeypatch.setattr(vault_table, "looked", gone)
    made: Any = types.SimpleNamespace(table=types.SimpleNamespace(place="/b"))
    rotation = types.SimpleNamespace(bridge_of=lambda domain: made if domain == "person" else None)
    conf: Any = types.SimpleNamespace(policy=types.SimpleNamespace(rotation=rotation))
    by = Asked("person", pa.array(["x"]), HeldIn("t", "c"))
    assert [each.why for each in bridge_rows.places(cast(Any, None), conf, by)[1]] == [bridge_rows.BY_PSEUDONYMS]
    assert bridge_rows.places(cast(Any, None), conf, Asked("customer", by.ids)) == ([], [])
    (told,) = bridge_rows.places(cast(Any, None), conf, Asked("person", by.ids))[1]
    assert told.why == bridge_rows.NOT_THERE.format("/b")


def test_a_bridge_is_not_filled_by_another_list_than_runs_had() -> None:
    def ask(had: Any, now: str | None) -> None:
        run = {"erased_list": had} if had else {}
        commit = Commit(4, 1, 1, 0, None, 4, "CREATE OR REPLACE TABLE", {}, run)
        listed = None if now is None else ErasedListEntry(path="/l", id=now)
        conf: Any = types.SimpleNamespace(policy=types.SimpleNamespace(erasure=Erasure(key="erasure", list=listed)))
        stands = types.SimpleNamespace(history=History(4, (commit,), ours=frozenset({4})))
        bridge_filling._check_list(conf, cast(Any, types.SimpleNamespace(name="t", stands=stands)))

    first, second = "1" * 32, "2" * 32
    for had, now in ((None, first), ({"id": first, "version": 3}, first), ({"id": first, "version": 0}, second)):
        ask(had, now)
    ask({"id": first, "version": 3}, None)  # without a list it is as it was documented
    with pytest.raises(Refused, match=r"^t: its last run had another list .*version 3 of it.*name that list, or run"):
        ask({"id": first, "version": 3}, second)


def test_whoever_is_found_in_files_alone_is_not_called_found_nowhere() -> None:
    table, wanted = (
        TableErased("t", "/t", 0, 0, 0, 0, 0, ids=frozenset({0})),
        Wanted(Asked("person", pa.array(["a", "b"]))),
    )
    asked, files = (Remains("source", 1, None, why) for why in (carried_out.NOT_ASKED, other_sources.IN_FILES))
    assert [carried_out._nowhere(wanted, [table], each) for each in ([], [asked], [files])] == [1, 1, None]
