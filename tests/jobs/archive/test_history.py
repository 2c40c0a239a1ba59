"""Stored configurations: each once, found by hash, restored to files that mean the same, and policies rolled back."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs import history
from jobs.archive import restore, snapshots
from jobs.configuration import config, yaml_reader, yaml_writer
from jobs.configuration.config import Config
from jobs.configuration.documents import Fault
from jobs.configuration.policy_entries import Snapshots
from jobs.console.exit_codes import Refused
from tests.helpers import reversals
from tests.helpers.edits import replace
from tests.jobs.configuration.test_config import ENVIRON, GOOD, JSON, PRINTABLE

TABLES = ("crm.customers", "crm.orders")


@pytest.fixture
def conf(tmp_path: Path) -> Path:
    """The good configuration, with a hierarchy through a domain too, and a place for snapshots."""
    folder = tmp_path / "conf"
    shutil.copytree(GOOD, folder)
    with (folder / "policy.yaml").open("a", encoding="utf-8") as policy:
        policy.write(f"snapshots: {{path: {tmp_path}/snapshots}}\n")
    return folder


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)


def contents(conf: Config) -> dict[str, str]:
    """What a table of snapshots would hold, by hash."""
    texts = [config.snapshot(conf, table) for table in conf.tables]
    texts += [rows for table in conf.tables for rows in config.hierarchies(conf, table).values()]
    return {config.sha256(text): text for text in texts}


# -- files, without Spark ---------------------------------------------------------------------------------------------


@given(st.dictionaries(PRINTABLE, JSON, min_size=1, max_size=3))
def test_yaml_is_read_back_equal(value: dict[str, Any]) -> None:
    faults: list[Fault] = []
    document = yaml_reader.parse(yaml_writer.dump(value), "x.yaml", faults)
    assert not faults
    assert document is not None
    assert document.data == value


def test_yaml_reads_like_what_a_person_writes() -> None:
    text = yaml_writer.dump({"table": "crm.customers", "on": "no", "version": "2026-11", "why": "join key", "a": [1]})
    assert text == 'table: crm.customers\n"on": "no"\nversion: "2026-11"\nwhy: join key\na:\n- 1\n'


@pytest.mark.parametrize("table", TABLES)
def test_a_restored_configuration_means_the_same(conf: Path, tmp_path: Path, table: str) -> None:
    before = config.load(conf)
    names = restore.restore(config.snapshot(before, table), contents(before).__getitem__, tmp_path / "restored")
    after = config.load(tmp_path / "restored")
    assert after.tables == {table: before.tables[table]}
    assert after.policy == before.policy
    assert config.snapshot_sha256(after, table) == config.snapshot_sha256(before, table)
    assert ("hierarchies/countries.csv" in names) is (table == "crm.customers")
    assert names == sorted(path.relative_to(tmp_path / "restored").as_posix() for path in files(tmp_path / "restored"))


def test_keys_and_domains_that_the_policy_names_are_restored(conf: Path, tmp_path: Path) -> None:
    """Though no table has them: without them the policy would not load."""
    with (conf / "keys.yaml").open("a", encoding="utf-8") as keys:
        keys.write(
            'away: {keyset: "file:/away.json"}\nown: {keyset: "file:/own.json"}\nleft: {keyset: "file:/l.json"}\n'
        )
    with (conf / "domains.yaml").open("a", encoding="utf-8") as domains:
        domains.write("visitor: {technique: keyed_hash, key: own}\n")
    erasure = {"key": "away", "approvers": [reversals.approver(tmp_path, domains=["visitor"])]}
    with (conf / "policy.yaml").open("a", encoding="utf-8") as policy:
        policy.write(yaml.safe_dump({"erasure": erasure}))
    before = config.load(conf)
    restore.restore(config.snapshot(before, "crm.orders"), contents(before).__getitem__, tmp_path / "restored")
    after = config.load(tmp_path / "restored")
    assert after.policy == before.policy
    assert {*after.keys} >= {"away", "own"}
    assert "left" not in after.keys, "of nobody"
    assert after.domains["visitor"] == before.domains["visitor"]
    assert config.snapshot(after, "crm.orders") == config.snapshot(before, "crm.orders")


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_hierarchy_that_a_domain_names_is_restored(conf: Path, tmp_path: Path) -> None:
    treatment = "{technique: generalize_hierarchy, levels_file: hierarchies/countries.csv}"
    replace(conf / "catalog" / "crm.customers.yaml", treatment, "{domain: country}")
    with (conf / "domains.yaml").open("a", encoding="utf-8") as domains:
        domains.write(f"country: {treatment}\n")
    before = config.load(conf)
    restore.restore(config.snapshot(before, "crm.customers"), contents(before).__getitem__, tmp_path / "restored")
    assert config.load(tmp_path / "restored").tables["crm.customers"] == before.tables["crm.customers"]


def test_tables_whose_values_texts_look_for_are_restored_with_them(conf: Path, tmp_path: Path) -> None:
    replace(conf / "policy.yaml", "[drop, redact, keyed_hash]", "[drop, redact, keyed_hash, treat_entities]")
    treatment = "technique: treat_entities, entities: {email: redact}, known_elsewhere: {customer: all}"
    (conf / "catalog" / "crm.notes.yaml").write_text(
        "table: crm.notes\nowner: me@example.org\nsource: {format: delta, path: /raw/n}\ntarget: {path: /treated/n}\n"
        f"columns:\n  note: {{class: direct_identifier, treatment: {{{treatment}}}, why: x}}\n"
    )
    before = config.load(conf)
    sought = before.tables["crm.notes"].columns["note"].treatment.technique.known_elsewhere  # type: ignore[attr-defined]
    behind = sorted({column.rpartition(".")[0] for column in sought["customer"].columns})
    assert "crm.customers" in behind
    names = restore.restore(config.snapshot(before, "crm.notes"), contents(before).__getitem__, tmp_path / "restored")
    assert {f"catalog/{name}.yaml" for name in [*behind, "crm.notes"]} <= set(names)
    after = config.load(tmp_path / "restored")
    assert after.tables["crm.notes"] == before.tables["crm.notes"]
    assert config.snapshot(after, "crm.notes") == config.snapshot(before, "crm.notes")


def test_what_would_not_be_the_same_is_not_written(conf: Path, tmp_path: Path) -> None:
    before = config.load(conf)
    text, target = config.snapshot(before, "crm.customers"), tmp_path / "restored"
    other_rows = dict.fromkeys(contents(before), '[["DE","Asia","World"]]')
    for snapshot, load, said in (
        (text, other_rows.__getitem__, "would not give the stored configuration again"),
        (
            text.replace('"generalize_date"', '"generalise_date"'),
            contents(before).__getitem__,
            "does not read the stored",
        ),
        (text.replace("hierarchies/c", "../c"), contents(before).__getitem__, "no plain path inside the folder"),
        (text.replace("hierarchies/c", "h\\\\c"), contents(before).__getitem__, "no plain path inside the folder"),
        (
            text.replace('"table":"crm.customers"', '"table":"../../../out"'),
            contents(before).__getitem__,
            "no plain path inside the folder",
        ),
    ):
        with pytest.raises(restore.NotRestored, match=said):
            restore.restore(snapshot, load, target)
        assert not target.exists()
        assert not (tmp_path / "out.yaml").exists()
    target.mkdir()
    (target / "mine").touch()
    with pytest.raises(restore.NotRestored, match="is not empty"):
        restore.restore(text, contents(before).__getitem__, target)


# -- with Spark -------------------------------------------------------------------------------------------------------


def test_store_list_load(spark: SparkSession, conf: Path) -> None:
    one = config.load(conf)
    place = one.policy.snapshots
    assert place is not None
    assert snapshots.listed(spark, place) == []
    assert [snapshots.store(spark, one, table, f"run-{n}") for n, table in enumerate([*TABLES, *TABLES])] == [
        config.snapshot_sha256(one, table) for table in [*TABLES, *TABLES]
    ]
    replace(conf / "catalog" / "crm.customers.yaml", "unit: year", "unit: decade")
    other = config.load(conf)
    sha256 = snapshots.store(spark, other, "crm.customers", "run-9")
    found = snapshots.listed(spark, place)
    assert [(row.table, row.run_id, row.policy_version) for row in found] == [
        ("crm.customers", "run-0", "2026-11-01"),
        ("crm.orders", "run-1", "2026-11-01"),
        ("crm.customers", "run-9", "2026-11-01"),
    ]
    assert [row.table for row in snapshots.listed(spark, place, ["crm.orders"])] == ["crm.orders"]
    rows = spark.read.format("delta").load(str(place.path))
    assert rows.count() == 4, "three configurations and one hierarchy, each once"
    assert spark.sql(f"DESCRIBE DETAIL delta.`{place.path}`").collect()[0]["properties"]["delta.appendOnly"] == "true"
    assert "canary" not in str(rows.collect()), "nothing of the environment is stored"
    assert snapshots.load(spark, place, sha256[:8]) == config.snapshot(other, "crm.customers")
    for asked, said in (
        ("f" * 64, "nothing is stored"),
        ("abc", "expected a SHA-256"),
        ("zz" * 32, "expected a SHA-256"),
    ):
        with pytest.raises(snapshots.SnapshotProblem, match=said):
            snapshots.load(spark, place, asked)


def test_settings_of_a_run_do_not_reach_its_snapshot(spark: SparkSession, conf: Path) -> None:
    """A run leaves ids of its own commit in its session, by which Delta would skip this one."""
    own = spark.newSession()
    own.conf.set("spark.databricks.delta.write.txnAppId", "lakenym")
    own.conf.set("spark.databricks.delta.write.txnVersion", "1")
    loaded = config.load(conf)
    assert loaded.policy.snapshots is not None
    for table in TABLES:
        snapshots.store(own, loaded, table, "run")
    assert len(snapshots.listed(spark, loaded.policy.snapshots)) == 2


def test_where_no_place_is_named_nothing_is_stored(spark: SparkSession) -> None:
    good = config.load(GOOD)
    assert snapshots.store(spark, good, "crm.orders", "run") == config.snapshot_sha256(good, "crm.orders")


def test_what_was_changed_since_is_refused(spark: SparkSession, conf: Path, tmp_path: Path) -> None:
    loaded = config.load(conf)
    sha256 = snapshots.store(spark, loaded, "crm.orders", "run")
    rows = spark.read.format("delta").load(f"{tmp_path}/snapshots")
    forged = rows.selectExpr(
        *[c if c != "content" else "replace(content, 'keep', 'drop') as content" for c in rows.columns]
    )
    forged.write.format("delta").save(f"{tmp_path}/forged")
    with pytest.raises(snapshots.SnapshotProblem, match="it was changed since"):
        snapshots.load(spark, Snapshots(path=f"{tmp_path}/forged"), sha256)


def test_in_a_table_by_name(spark: SparkSession, conf: Path) -> None:
    spark.sql("CREATE SCHEMA IF NOT EXISTS privacy_history")
    replace(conf / "policy.yaml", f"{{path: {conf.parent}/snapshots}}", "{table: privacy_history.snapshots}")
    loaded = config.load(conf)
    place = Snapshots(table="privacy_history.snapshots")
    assert loaded.policy.snapshots == place
    for _ in range(2):
        sha256 = snapshots.store(spark, loaded, "crm.orders", "run")
    assert [row.sha256 for row in snapshots.listed(spark, place)] == [sha256]
    spark.sql("DROP SCHEMA privacy_history CASCADE")


def test_the_verbs(spark: SparkSession, conf: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = snapshots.store(spark, config.load(conf), "crm.customers", "run-1")
    stored = config.load(conf).policy
    replace(conf / "policy.yaml", "2026-11-01", "2027-01-01")
    snapshots.store(spark, config.load(conf), "crm.customers", "run-2")
    ask = ["--conf", str(conf)]
    assert history.main(["list", *ask]) == 0
    lines = capsys.readouterr().out.splitlines()[2:]
    assert [line.split()[2] for line in lines] == ["2026-11-01", "2027-01-01"]
    assert lines[0].startswith(first[:12])
    assert history.main(["list", *ask, "--json", "--table", "crm.orders"]) == 0
    assert json.loads(capsys.readouterr().out) == []
    assert history.main(["show", *ask, first[:8]]) == 0
    assert json.loads(capsys.readouterr().out)["policy"]["version"] == "2026-11-01"
    assert history.main(["restore", *ask, first[:8], "--output", str(tmp_path / "back")]) == 0
    assert config.snapshot_sha256(config.load(tmp_path / "back"), "crm.customers") == first
    assert history.main(["policy", *ask, "2026-11-01", "--output", str(conf / "old.yaml")]) == 0
    (conf / "old.yaml").rename(conf / "policy.yaml")
    assert config.load(conf).policy == stored, "rolled back by name"
    capsys.readouterr()
    for words, said in (
        (["restore", *ask, first, "--output", str(tmp_path / "back")], "is not empty"),
        (["show", *ask, "f" * 64], "nothing is stored"),
        (["policy", *ask, "2026-11-02", "--output", str(tmp_path / "p")], "did you mean '2026-11-01'?"),
        (["policy", *ask, "2026-11-01", "--output", str(conf / "policy.yaml")], "name a new file"),
    ):
        assert history.main(words) == 1
        assert said in capsys.readouterr().err


def test_two_policies_of_one_version_are_told_apart(spark: SparkSession, conf: Path) -> None:
    snapshots.store(spark, config.load(conf), "crm.orders", "run-1")
    replace(conf / "policy.yaml", "[keep, drop]", "[keep]")
    replace(conf / "catalog" / "crm.customers.yaml", "treatment: drop", "treatment: keep")
    other = config.load(conf)
    snapshots.store(spark, other, "crm.orders", "run-2")
    with pytest.raises(Refused, match="2 policies are called 2026-11-01: restore one of"):
        history.policy(spark, other, "2026-11-01")


def test_no_place_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert history.main(["list", "--conf", str(GOOD)]) == 2
    assert "names no place" in capsys.readouterr().err
