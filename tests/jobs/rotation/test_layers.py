"""Layers in whole tables: what a run gives, what is moved without its source, and who knows of all versions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import keys, linkage, plan, pseudonymize, verify
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config, ConfigError
from jobs.console.exit_codes import Refused
from jobs.lake.state import TargetState
from jobs.named_keys import key_use
from jobs.record.column_record import ColumnRecord, Unsound
from jobs.record.treated_table import UnsafeUse, check_join, privacy_of
from jobs.rotation import layered
from jobs.spark_app import failures
from privacy_udfs.errors import KeyProblem, LakenymError
from privacy_udfs.keys import load_keyset
from tests.helpers import growing, lakes, two_paths
from tests.helpers.layered_lakes import MASTERS, NEW, NEWEST, OLD, layers, moved
from tests.helpers.layered_lakes import keys as made_keys
from tests.helpers.layers_by_hand import check_values, pseudonym

BOTH = [MASTERS[OLD], MASTERS[NEW]]
ID = {"id": lakes.column({"domain": "customer"}, "direct_identifier"), "num": "keep"}
DDL = "id string, num int"
ROWS = [("C-1001", 1), (" C-1002 ", 2), (None, 3), ("C-1001", 4)]


def by_hand(value: str, many: int = 2) -> str:
    return pseudonym(value, [*MASTERS.values()][:many], "customer")


def treated(spark: SparkSession, lake: Path, versions: int = 2, name: str = "t", columns: Any = ID) -> Config:
    """A table treated under so many layers."""
    spark.createDataFrame(ROWS, DDL).coalesce(1).write.parquet(str(lake / "raw" / name))
    made_keys(lake, versions)
    lakes.write_conf(lake, lakes.table(name, lake, columns))
    conf = layers(lake, [*MASTERS][:versions])
    pseudonymize.run(spark, conf, name)
    return conf


def ids(spark: SparkSession, lake: Path, name: str = "t") -> dict[int, str | None]:
    return {row["num"]: row["id"] for row in lakes.treated(spark, lake, name).collect()}


# -- a run ------------------------------------------------------------------------------------------------------------


def test_both_paths_give_what_the_layers_are_by_hand(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In columns, in columns of columns, in texts; whole numbers too."""
    monkeypatch.setitem(lakes.DOMAINS, "customer", {**lakes.DOMAINS["customer"], "layers": [str(OLD), str(NEW)]})
    numbers = {"technique": "keyed_hash", "encoding": "bigint", "key": "crm", "layers": [str(OLD), str(NEW)]}
    monkeypatch.setitem(lakes.DOMAINS, "number", numbers)
    made_keys(lake, 2)
    kinds = "num int, id string, who struct<id: string>, items array<string>, tags map<string, int>, code long"
    kinds += ", note string, day date"
    given = [
        (1, "C-1001", {"id": "Ann Lee"}, ["a", None], {"k": 1}, 7, "write to Ann Lee!", None),
        (2, None, None, None, None, None, None, None),
    ]
    source = {"format": "parquet", "path": str(lake / "raw" / "t")}
    frame = spark.createDataFrame(given, kinds)
    frame.coalesce(1).write.parquet(source["path"])
    of = {"domain": "customer"}
    columns = two_paths.kept(
        frame.schema,
        **{"id": of, "who.id": of, "items[]": of, "tags{key}": of, "code": {"domain": "number"}},
        note={"technique": "treat_entities", "entities": {"phone": "redact"}, "known": {"who.id": "customer"}},
        day={"technique": "date_shift", "max_days": 30, "key": "crm"},
    )
    two_paths.columnar(spark, lake, columns, source, subject="id")
    row = next(row for row in lakes.treated(spark, lake, "auto").collect() if row["num"] == 1)
    assert (row["id"], row["who"]["id"], row["items"]) == (by_hand("C-1001"), by_hand("Ann Lee"), [by_hand("a"), None])
    assert row["tags"] == {by_hand("k"): 1}
    assert row["note"] == f"write to {by_hand('Ann Lee')}!"
    assert str(row["code"]) == pseudonym("7", BOTH, "number", encoding="bigint")
    record = lakes.record(spark, lake, "auto")["columns"]
    said = {"layers": [str(OLD), str(NEW)], "key_id": NEW, "key_check": check_values(BOTH, "customer")}
    for path in ("id", "who.id", "items[]", "tags{key}"):
        entry = record[path]
        assert {"layers": entry["parameters"]["layers"], **{k: entry[k] for k in ("key_id", "key_check")}} == said
    assert record["note"]["keys"]["customer"] == {"key": "crm", "key_id": NEW, "key_check": said["key_check"]}
    told = privacy_of(lakes.treated(spark, lake, "auto"))
    assert {told[path].key_check for path in ("id", "who.id", "items[]")} == {said["key_check"]}
    conf = config.load(lake / "conf")
    needing = key_use.lookup(conf)
    assert [key_id for key_id in MASTERS if needing(key_id)] == [OLD, NEW]
    joined = "\n".join(linkage.lines(linkage.run(spark, {"t": conf.tables["t"].target})))
    assert f"customer (keyed_hash, key crm, layers {OLD} then {NEW}): " in joined


def test_layers_that_do_not_end_with_the_version_in_force_are_refused(spark: SparkSession, lake: Path) -> None:
    spark.createDataFrame(ROWS, DDL).write.parquet(str(lake / "raw" / "t"))
    made_keys(lake, 3)
    lakes.write_conf(lake, lakes.table("t", lake, ID))
    conf = layers(lake, [OLD, NEW])
    for ask in (plan.run, pseudonymize.run):
        with pytest.raises(Refused, match=f"domain customer: its layers end with version {NEW} of key 'crm', and"):
            ask(spark, conf, "t")
    with pytest.raises(KeyProblem, match="has no key id 5"):
        pseudonymize.run(spark, layers(lake, [5, NEWEST]), "t")
    assert not (lake / "treated").exists()


def test_layers_are_of_a_domain_only(lake: Path) -> None:
    stated = {"technique": "keyed_hash", "key": "crm", "layers": ["1", "2"]}
    for treatment in (stated, {**stated, "domain": "mine"}, {**stated, "domain": "customer"}):
        with pytest.raises(ConfigError, match=r"id\.treatment\.layers: layers are those of a domain"):
            lakes.configured(lake, lakes.table("t", lake, {"id": treatment}))
    lakes.write_conf(lake, lakes.table("t", lake, ID))
    for wrong, told in (([OLD, OLD], "twice"), (["x", OLD], "layers"), ([OLD, 0], "layers")):
        with pytest.raises(ConfigError, match=rf"customer.*{told}"):
            layers(lake, wrong)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="layers"):
        layers(lake, [OLD, NEW], technique="mask")


# -- who knows of all versions ----------------------------------------------------------------------------------------


def test_all_who_ask_for_versions_are_told_of_each_layer(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = treated(spark, lake)
    assert ids(spark, lake) == {1: by_hand("C-1001"), 2: by_hand("C-1002"), 3: None, 4: by_hand("C-1001")}
    shown = keys.run(conf, "show", "crm", keys.Asked(tables=True))
    assert {row["id"]: row["tables"] for row in shown} == {OLD: "t", NEW: "t"}  # type: ignore[index,call-overload]
    for verb in ("disable", "destroy"):
        with pytest.raises(Refused, match=f"new values of the domain customer pass through version {OLD} as a layer"):
            keys.run(conf, verb, "crm", keys.Asked(id=OLD, agreed=lambda: None))
    assert f"crm#{OLD}+{NEW}" in plan.as_text(plan.run(spark, conf, "t"))
    check_verified(spark, conf)


def check_verified(spark: SparkSession, conf: Config) -> None:
    found = verify.run(spark, conf, "t")
    assert not found.fails, [check for check in found.checks if check.outcome != "holds"]
    assert {check.name: check.outcome for check in found.checks}["rows anew"] == "holds"


def test_a_destroyed_layer_is_seen_where_the_table_is_treated_anew_without_it(spark: SparkSession, lake: Path) -> None:
    """The configuration goes back to one version, the source is there: the table goes there in one run."""
    treated(spark, lake)
    conf = layers(lake, [NEW])
    keys.run(conf, "disable", "crm", keys.Asked(id=OLD))
    with pytest.raises(Refused, match=f"version {OLD} is in the record of t"):
        keys.run(conf, "destroy", "crm", keys.Asked(id=OLD, agreed=lambda: None))
    pseudonymize.run(spark, conf, "t")
    assert ids(spark, lake)[1] == pseudonym("C-1001", [MASTERS[NEW]], "customer")
    keys.run(conf, "destroy", "crm", keys.Asked(id=OLD, agreed=lambda: None))


def test_tables_in_other_layers_do_not_join(spark: SparkSession, lake: Path) -> None:
    treated(spark, lake, 1, "one")
    both = treated(spark, lake, 2, "two", {**ID, "id": {"domain": "other"}})
    assert both.domains["customer"].treatment.technique.layer_ids() == (OLD, NEW)
    frames = {"one": lakes.treated(spark, lake, "one")}
    spark.createDataFrame(ROWS, DDL).write.parquet(str(lake / "raw" / "three"))
    lakes.write_conf(lake, lakes.table("three", lake, ID))
    (lake / "conf" / "catalog" / "two.yaml").unlink()
    conf = layers(lake, [OLD, NEW])
    with pytest.raises(Refused, match=rf"in layers, ids {OLD} then {NEW}\) is in force, and the record of one names"):
        pseudonymize.run(spark, conf, "three")
    pseudonymize.run(spark, conf, "three", accept_other_key_version=True)
    spark.createDataFrame(ROWS, DDL).write.parquet(str(lake / "raw" / "four"))
    lakes.write_conf(lake, lakes.table("four", lake, ID))
    pseudonymize.run(
        spark, config.load(lake / "conf"), "four", accept_other_key_version=True
    )  # under the new one alone
    frames |= {name: lakes.treated(spark, lake, name) for name in ("three", "four")}
    check_join(frames["three"], frames["three"], "id")
    for one, other in (("one", "three"), ("four", "three")):
        with pytest.raises(UnsafeUse, match=r"in layers, .* gives different pseudonyms"):
            check_join(frames[one], frames[other], "id")
    told = linkage.run(spark, {name: each.target for name, each in config.load(lake / "conf").tables.items()})
    assert len(told.found.apart) == 3


def entry(**more: Any) -> dict[str, Any]:
    said = {"class": "direct_identifier", "technique": "keyed_hash", "domain": "d", "key": "crm"}
    return {**said, "key_id": 2, "key_check": "a.b", "parameters": {"layers": ["1", "2"]}, **more}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"key_id": 1}, "not its last layer"),
        ({"parameters": {"layers": {"count": 2, "sha256": "aa"}}}, "not told"),
        ({"parameters": {"layers": ["2"]}}, "no such parameters"),
        ({"parameters": {"layers": [1, 2]}}, "no such parameters"),
        ({"parameters": {"layers": "12"}}, "no such parameters"),
    ],
)
def test_a_record_of_layers_that_cannot_be_is_not_believed(wrong: dict[str, Any], told: str) -> None:
    assert ColumnRecord.from_json(entry()).key_ids == (1, 2)
    with pytest.raises(Unsound, match=told):
        ColumnRecord.from_json(entry(**wrong))


def test_what_goes_on_from_what() -> None:
    both = ColumnRecord.from_json(entry())
    first = ColumnRecord.from_json(entry(key_id=1, key_check="a", parameters={}))
    third = ColumnRecord.from_json(entry(key_id=3, key_check="a.b.c", parameters={"layers": ["1", "2", "3"]}))
    assert both.continues(first)
    assert third.continues(both)
    assert third.continues(first)
    others = ({"key_check": "x.b"}, {"parameters": {"layers": ["3", "2"]}}, {"domain": "e"}, {"class": "sensitive"})
    assert not any(ColumnRecord.from_json(entry(**each)).continues(first) for each in others)
    assert not first.continues(first)
    assert not both.continues(both)


# -- a table that is moved --------------------------------------------------------------------------------------------


def test_moved_without_its_source_it_is_what_the_source_gives(spark: SparkSession, lake: Path) -> None:
    """To the byte, with the source gone; after one more layer too."""
    treated(spark, lake, 1)
    assert ids(spark, lake)[1] == by_hand("C-1001", 1)
    shutil.move(lake / "raw" / "t", lake / "aside")
    for many in (2, 3):
        made_keys(lake, many)
        conf = layers(lake, [*MASTERS][:many])
        moved(spark, lake, conf, "id", run_id=f"run-{many}")
        due = {n: None if text is None else by_hand(text.strip(), many) for text, n in ROWS}
        assert ids(spark, lake) == due
    shutil.move(lake / "aside", lake / "raw" / "t")
    there, record = lakes.treated(spark, lake), lakes.record(spark, lake)
    pseudonymize.run(spark, conf, "t")
    assert lakes.treated(spark, lake).schema.jsonValue() == there.schema.jsonValue()
    assert lakes.record(spark, lake) == record
    assert ids(spark, lake) == due


def test_a_growing_table_goes_on_with_no_mixed_column(spark: SparkSession, lake: Path) -> None:
    """A nightly run before it is moved is refused and told what to do; one after it goes on from its place."""
    made_keys(lake, 1)
    growing.grown(spark, lake, 0, 20)
    growing.run(spark, lake)
    made_keys(lake, 2)
    growing.grown(spark, lake, 20, 30)
    conf = layers(lake, [OLD, NEW])
    with pytest.raises(
        Refused, match=r"id \(parameters, key_id, key_check\).*rotate_keys\.py puts what is there under"
    ):
        pseudonymize.run(spark, conf, "t")
    moved(spark, lake, conf, "id")
    again = pseudonymize.run(spark, conf, "t")
    assert (again.mode, again.rows) == ("incremental", 10)
    found = {row["id"] for row in lakes.treated(spark, lake).collect()}
    assert found == {by_hand(str(n)) for n in range(30)}
    check_verified(spark, conf)


def test_what_cannot_be_moved_is_told_before_anything_is_written(spark: SparkSession, lake: Path) -> None:
    of = {"domain": "customer"}
    cases = {
        "class": "quasi_identifier",
        "why": "a test",
        "when": [{"rows": "num = 1", "treatment": of}, {"rows": "num <> 1", "treatment": "redact"}],
    }
    treated(spark, lake, 1, columns={"id": cases, "num": "keep"})
    made_keys(lake, 2)
    conf = layers(lake, [OLD, NEW])
    record = {path: ColumnRecord.from_json(each) for path, each in lakes.record(spark, lake)["columns"].items()}

    def told(conf: Config, path: str, entry: ColumnRecord) -> str:
        return str(layered.why_not(conf, "t", ColumnPath.parse(path), entry))

    assert told(conf, "id{when 1}", record["id{when 1}"]) == "rows are treated by cases"
    assert told(conf, "num", record["num"]) == "domains.yaml states no layers for it"
    pseudonymize.run(spark, conf, "t")
    assert ids(spark, lake) == {1: by_hand("C-1001"), 2: None, 3: None, 4: None}
    lakes.write_conf(lake, lakes.table("t", lake, ID))
    conf, plain = layers(lake, [OLD, NEW]), ColumnRecord.from_json({**record["id{when 1}"].as_json(), "rows": None})
    plain = ColumnRecord.from_json({**plain.as_json(), "class": "direct_identifier"})
    assert layered.why_not(conf, "t", ColumnPath.parse("id"), plain) is None
    assert layered.due(conf, "t", ColumnPath.parse("id"), plain) == (OLD, NEW)
    assert "do not go on from that" in told(layers(lake, [NEW, OLD]), "id", plain)
    assert "more than the layers (bits)" in told(layers(lake, [OLD, NEW], bits=64), "id", plain)
    conf = layers(lake, [OLD, NEWEST, NEW])
    with pytest.raises(KeyProblem, match=f"has no key id {NEWEST}"):
        layered.turn(conf, "t", ColumnPath.parse("id"), plain, load_keyset(f"file:{lake}/keys/crm.json"))
    made_keys(lake, 3)
    conf, keyset = layers(lake, [OLD, NEW]), load_keyset(f"file:{lake}/keys/crm.json")
    with pytest.raises(KeyProblem, match=f"end with version {NEW}, and version {NEWEST} is in force"):
        layered.turn(conf, "t", ColumnPath.parse("id"), plain, keyset)
    other = ColumnRecord.from_json({**plain.as_json(), "key_check": "00" * 8})
    with pytest.raises(KeyProblem, match=f"key crm .id {OLD}. is not the key that id was treated with"):
        layered.turn(layers(lake, [OLD, NEW, NEWEST]), "t", ColumnPath.parse("id"), other, keyset)


def test_a_value_that_was_never_treated_stops_it_whole(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    treated(spark, lake, 1)
    spark.sql(f"UPDATE delta.`{lake}/treated/t` SET id = 'canary' WHERE num = 1")
    made_keys(lake, 2)
    monkeypatch.setattr(TargetState, "raw_versions", ())
    monkeypatch.setattr(TargetState, "last_run", lambda self: self.history.commits[0])
    conf = layers(lake, [OLD, NEW])
    with pytest.raises(LakenymError, match=r"t: id: 1 of .* values in this batch are no results") as told:
        failures.translated("t", lambda: moved(spark, lake, conf, "id"))
    assert "canary" not in str(told.value)
    assert ids(spark, lake)[4] == by_hand("C-1001", 1)
    assert json.loads(lakes.properties(spark, lake)["privacy.record"])["columns"]["id"]["key_id"] == OLD
