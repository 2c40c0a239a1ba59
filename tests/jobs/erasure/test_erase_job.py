"""The job on the command line, by pseudonyms, with tokens of a vault, and with sources that are no Delta tables."""

from __future__ import annotations

import contextlib
import json
import types
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import erase, pseudonymize
from jobs.configuration.config import Config
from jobs.erasure import bridge_rows, carried_out, one_table, places, quarantines, subject_keys
from jobs.erasure.carried_out import Wanted
from jobs.erasure.one_table import Place
from jobs.erasure.outcome import TableErased
from jobs.lake import table_files
from jobs.lake.address import Address
from jobs.subjects.asked import Asked, HeldIn
from tests.helpers import byte_scan, lakes, vaults

PERSON = {"domain": "person"}
NUMBER = {"class": "quasi_identifier", "treatment": "keep", "why": "a test"}


def name(at: int) -> str:
    return f"person-{at:06d}"


@pytest.fixture
def conf(spark: SparkSession, lake: Path) -> Config:
    """A treated table of tokens and hashes, of ten persons, from Parquet files."""
    made = vaults.made(spark, lake)
    columns: dict[str, Any] = {"tok": PERSON, "who": {"domain": "customer"}, "num": NUMBER}
    person = "concat('person-', lpad(cast(id AS string), 6, '0'))"
    rows = spark.range(0, 10, 1, 2).selectExpr(f"{person} AS tok", f"{person} AS who", "id AS num")
    rows.write.parquet(f"{lake}/raw/t")
    found = vaults.configured(lake, made, columns)
    pseudonymize.run(spark, found, "t")
    return found


def asked(domain: str, *ids: str, held_in: HeldIn | None = None, **more: bool) -> Wanted:
    return Wanted(Asked(domain, pa.array(ids), held_in), **more)


def numbers(spark: SparkSession, lake: Path) -> list[int]:
    return sorted(row["num"] for row in lakes.treated(spark, lake).collect())


def test_tokens_lose_their_way_back(spark: SparkSession, conf: Config, lake: Path) -> None:
    found = erase.run(spark, conf, asked("person", name(3), name(99), forced=True, sources=True))
    assert [(each.name, each.rows_deleted) for each in found.tables] == [("t", 1), ("vault of person", 1)]
    assert (numbers(spark, lake), found.tokens) == ([at for at in range(10) if at != 3], 1)
    assert vaults.rows(spark, lake).count() == 9
    assert [each.kind for _, each in found.all_remains] == ["source"], "the Parquet files hold the person"
    assert not found.is_done
    assert len(list((lake / "vault" / "_delta_log").glob("*.json"))) == 3, "by its log a vault is known again"
    (lake / "raw" / "t").rename(lake / "old")
    spark.read.parquet(str(lake / "old")).where("num != 3").write.parquet(f"{lake}/raw/t")
    assert erase.run(spark, conf, asked("person", name(3), sources=True)).is_gone
    assert pseudonymize.run(spark, conf, "t", accept_deleted_rows=True).rows == 9


@pytest.mark.sweep
def test_old_files_go_after_their_tokens_have(
    spark: SparkSession, conf: Config, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without its row in the vault nobody knows the token that an older file holds."""
    wanted = asked("person", name(3))
    token = lakes.treated(spark, lake).where("num = 3").head()["tok"].encode()  # type: ignore[index]
    erase.run(spark, conf, wanted)
    assert vaults.rows(spark, lake).count() == 9
    again = erase.run(spark, conf, wanted)
    assert any(label == "t" and each.kind == "data_file" for label, each in again.all_remains)
    later = table_files.now() + 60 * 24 * 3600 * 1000
    with monkeypatch.context() as patch:
        patch.setattr(table_files, "now", lambda: later)
        assert not [label for label, _ in erase.run(spark, conf, wanted).all_remains if label == "t"]
    assert not any(byte_scan.found({token}, content) for _, content in byte_scan.contents(lake / "treated" / "t"))
    made = erase.run(spark, conf, asked("person", name(4))).tables[0]
    assert made.rows_deleted == 1
    spark.sql(f"RESTORE TABLE delta.`{lake}/treated/t` TO VERSION AS OF {made.before}").collect()
    restored = erase.run(spark, conf, asked("person", name(4)))
    assert [each.place for each in restored.unsearched] == ["tok"]
    assert not restored.is_done


@pytest.mark.sweep
def test_a_table_of_tokens_that_is_run_in_full_meanwhile_keeps_its_day(
    spark: SparkSession, conf: Config, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files of the erasure were looked into while tokens were known: no later run takes them for unread ones."""
    wanted = asked("person", name(3), sources=True)
    first = erase.run(spark, conf, wanted)
    (lake / "raw" / "t").rename(lake / "old")
    spark.read.parquet(str(lake / "old")).where("num != 3").write.parquet(f"{lake}/raw/t")
    pseudonymize.run(spark, conf, "t", mode="full", accept_deleted_rows=True)
    again = erase.run(spark, conf, wanted)
    assert [each.is_changed for each in again.tables] == [False, False]
    assert (again.until, again.is_done) == (first.until, True)
    assert [each.count for label, each in again.all_remains if label == "t" and each.kind == "data_file"] == [
        each.count for label, each in first.all_remains if label == "t" and each.kind == "data_file"
    ]
    later = table_files.now() + 31 * table_files.DAY
    with monkeypatch.context() as patch:
        patch.setattr(table_files, "now", lambda: later)
        assert erase.run(spark, conf, wanted).is_gone


def test_sources_go_first_and_what_came_back_meanwhile_goes_too(
    spark: SparkSession, conf: Config, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    search = types.SimpleNamespace(held=types.SimpleNamespace(sources=()))
    source, target = (Place(each, Address(path=f"{lake}/{each}"), ()) for each in ("source of t", "t"))
    monkeypatch.setattr(carried_out, "searching", lambda *given: contextlib.nullcontext(search))
    monkeypatch.setattr(places, "targets", lambda conf, search: ([target], []))
    monkeypatch.setattr(places, "sources", lambda *given: [places.OfSource(("t",), ())])
    monkeypatch.setattr(places, "delta_of", lambda *given: source.address)
    monkeypatch.setattr(places, "keys_of", lambda *given: ())
    monkeypatch.setattr(quarantines, "places", lambda *given: ([], []))
    monkeypatch.setattr(bridge_rows, "places", lambda *given: ([], []))
    monkeypatch.setattr(one_table, "refusals", lambda *given: [])
    versions, done = {"t": 1, "source of t": 1}, list[str]()

    def once(spark: SparkSession, place: Place, *more: Any) -> TableErased:
        done.append(place.name)
        before, versions[place.name] = versions[place.name], versions[place.name] + 1
        return TableErased(place.name, "", before, before + 1, 1, 0, 1)

    def seen(spark: SparkSession, place: Place) -> int:
        if place.name == "t" and done.count("t") < 3:
            versions["t"] = 7 * done.count("t")  # a run that had read the source before; and one beside the vault
        return versions[place.name]

    monkeypatch.setattr(one_table, "erase", once)
    monkeypatch.setattr(one_table, "version", seen)
    found = carried_out.erased(spark, conf, asked("customer", name(3), sources=True))
    assert done == ["source of t", "t", "t", "t"]
    assert [(each.name, each.before, each.after, each.rows_deleted) for each in found.tables] == [
        ("source of t", 1, 2, 1),
        ("t", 1, 15, 3),
    ]


def test_what_this_job_does_not_reach_is_told() -> None:
    """Keys of subjects under a key that no table uses. And ids need be no text."""
    nobody = Asked("person", pa.array([b"\xff\xfe"], pa.binary()))
    key = types.SimpleNamespace(subject_keys=object())
    conf: Any = types.SimpleNamespace(tables={}, keys={"old": key})
    assert [each.place for each in subject_keys.unsearched(conf, nobody)] == ["keys of subjects of old"]
    assert subject_keys.found(cast(Any, None), conf, nobody) == ()


def test_by_pseudonyms(spark: SparkSession, conf: Config, lake: Path) -> None:
    who = [row["who"] for row in lakes.treated(spark, lake).where("num IN (2, 5)").collect()]
    wanted = asked("customer", *who, held_in=HeldIn("t", "who"), sources=True)
    before = {*(lake / "treated" / "t").glob("*.parquet")}
    found = erase.run(spark, conf, wanted)
    anew = [pq.read_metadata(file) for file in {*(lake / "treated" / "t").glob("*.parquet")} - before]
    assert anew
    assert not any(each.row_group(0).column(2).is_stats_set for each in anew), "num identifies people"
    assert (found.tables[0].rows_deleted, numbers(spark, lake)) == (2, [0, 1, 3, 4, 6, 7, 8, 9])
    assert [(each.place, each.why[:25]) for each in found.unsearched] == [("sources", "ids are given as pseudony")]
    assert not found.is_done


def test_on_the_command_line(spark: SparkSession, conf: Config, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ids = lake / "ids.csv"
    ids.write_text(f"id\n{name(3)}\n{name(4)}\n")
    command = ["--conf", str(lake / "conf"), "--domain", "customer", "--ids", str(ids)]
    other = lake / "other.txt"
    other.write_text(f"{name(3)}\n1001.00\n{name(99)}\n")
    assert erase.main([*command[:-1], str(other), "--plan"]) == 0
    told = capsys.readouterr().out
    assert "2 of them were found nowhere, in no table and no older version" in told
    assert not any(each in told for each in (name(3), name(99), "1001.00\n"))
    assert erase.main([*command, "--plan"]) == 0
    assert numbers(spark, lake) == [*range(10)]
    plan = capsys.readouterr().out
    assert "plan for 2 subjects of domain customer" in plan
    assert "found nowhere" not in plan
    assert "1 data file, goes from 20" in plan
    assert erase.main([*command, "--json"]) == 1, "the source was not looked into"
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert (told["tables"][0]["rows_deleted"], told["tables"][0]["elements_removed"], told["nowhere"]) == (2, 0, 0)
    assert "ids" not in told["tables"][0]
    assert {each["kind"] for each in told["remains"]} == {"source"}
    gone = {text.encode() for text in map(name, (3, 4))}
    said = [plan.encode(), out.encode(), err.encode()]
    said += [content for _, content in byte_scan.contents(lake / "treated")]
    assert not any(byte_scan.found(gone, each) for each in said)
    assert erase.main(command[:-2]) == 2
    assert erase.main(["--conf", str(lake / "conf"), "--domain", "customers", "--ids", str(ids)]) == 2
