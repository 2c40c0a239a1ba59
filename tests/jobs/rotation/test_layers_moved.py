"""Tables moved to the next version of their key by a further layer: `jobs/rotate_keys.py` without any source."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize, rotate_keys
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.rotation import foreseen, in_place, layered
from jobs.rotation.scope import Asked
from tests.helpers import lakes
from tests.helpers.layered_lakes import MASTERS, NEW, NEWEST, OLD, keys, layers
from tests.helpers.layers_by_hand import pseudonym
from tests.helpers.reversals import edit

LAYER = Asked(key="crm", way="layer")
COLUMNS: dict[str, Any] = {
    "id": lakes.column({"domain": "customer"}, "direct_identifier"),
    "who.id": {"domain": "customer"},
    "num": "keep",
}
NAMES = ("one", "two")


def by_hand(value: str, many: int = 2) -> str:
    return pseudonym(value, [*MASTERS.values()][:many], "customer")


def raw(spark: SparkSession, lake: Path, name: str, start: int, end: int, *more: str) -> None:
    rows = spark.range(start, end, 1, 1).selectExpr(
        "if(id % 5 = 4, null, concat('C-', id % 7)) AS id",
        "if(id % 3 = 2, null, named_struct('id', concat('C-', id))) AS who",
        "cast(id AS int) AS num",
        *more,
    )
    rows.write.format("delta").mode("append").save(f"{lake}/raw/{name}")


def check(spark: SparkSession, lake: Path, name: str, rows: int, many: int = 2) -> None:
    """Every value is what both keys make of the source, which is not asked."""
    found = {
        row["num"]: (row["id"], row["who"] and row["who"]["id"]) for row in lakes.treated(spark, lake, name).collect()
    }
    assert found == {
        n: (None if n % 5 == 4 else by_hand(f"C-{n % 7}", many), None if n % 3 == 2 else by_hand(f"C-{n}", many))
        for n in range(rows)
    }


def entries(lake: Path, columns: Any = COLUMNS) -> list[dict[str, Any]]:
    return [
        lakes.table(
            name,
            lake,
            columns,
            source={"format": "delta", "path": f"{lake}/raw/{name}"},
            target={"path": f"{lake}/treated/{name}", "mode": "incremental"},
        )
        for name in NAMES
    ]


def due(spark: SparkSession, lake: Path, columns: Any = COLUMNS) -> Config:
    """Two growing tables under the first version, and a configuration that states two layers by now."""
    keys(lake, 1)
    lakes.write_conf(lake, *entries(lake, columns))
    conf = layers(lake, [OLD])
    for name in NAMES:
        raw(spark, lake, name, 0, 20)
        pseudonymize.run(spark, conf, name)
    keys(lake, 2)
    return layers(lake, [OLD, NEW])


def version(spark: SparkSession, lake: Path, name: str) -> int:
    return int(spark.sql(f"DESCRIBE HISTORY delta.`{lake}/treated/{name}` LIMIT 1").collect()[0]["version"])


def test_tables_get_a_layer_with_no_source_there(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped after the first of two and run again; beside it nightly runs of both are refused; then they go on."""
    conf = due(spark, lake)
    for name in NAMES:
        with pytest.raises(Refused, match=r"rotate_keys\.py puts what is there under the further layers"):
            pseudonymize.run(spark, conf, name)
    lakes.write_conf(lake, *({**each, "made_for": {"recipient": "court"}} for each in entries(lake)))
    with pytest.raises(Refused, match=r"one: it was made for another recipient or purpose, .*made_for"):
        rotate_keys.run(spark, layers(lake, [OLD, NEW]), LAYER)
    lakes.write_conf(lake, *entries(lake))
    conf = layers(lake, [OLD, NEW])
    shutil.move(lake / "raw", lake / "aside")
    found, sizes, _ = rotate_keys.plan(spark, conf, LAYER)
    told = foreseen.as_data(found, sizes)
    assert [(each["table"], each["way"]) for each in told["tables"]] == [("one", "layer"), ("two", "layer")]
    assert [each["way"] for table in told["tables"] for each in table["columns"]] == ["layer"] * 4
    whole = in_place.rewritten

    def stopped(*arguments: Any, **more: Any) -> Any:
        if arguments[2] == "two":
            raise KeyboardInterrupt
        return whole(*arguments, **more)

    monkeypatch.setattr(in_place, "rewritten", stopped)
    with pytest.raises(KeyboardInterrupt):
        rotate_keys.run(spark, conf, LAYER)
    monkeypatch.undo()
    check(spark, lake, "one", 20)
    check(spark, lake, "two", 20, many=1)
    assert "privacy.rotation" in lakes.properties(spark, lake, "two")
    shutil.move(lake / "aside", lake / "raw")
    for name in NAMES:
        with pytest.raises(Refused, match=r"would not join|further layers"):
            pseudonymize.run(spark, conf, name)
    shutil.move(lake / "raw", lake / "aside")
    made = rotate_keys.run(spark, conf, LAYER)
    told = rotate_keys.as_data(made)
    assert made.is_proven, json.dumps(told, indent=1)
    assert {each["table"]: each["way"] for each in told["tables"]} == {"one": "moved", "two": "layer"}
    outcomes = [{each["check"]: each["outcome"] for each in table["checks"]} for table in told["tables"]]
    assert [each["layers"] for each in outcomes] == ["holds", "holds"], told
    assert all("rows anew" not in each for each in outcomes), "the source is not asked"
    assert told["old_versions"] == [
        {"id": OLD, "may_be_disabled": False, "named_by": [*NAMES, "the layers of domain customer"]}
    ]
    for name in NAMES:
        check(spark, lake, name, 20)
        assert "privacy.rotation" not in lakes.properties(spark, lake, name)
    before = [version(spark, lake, name) for name in NAMES]
    again = rotate_keys.run(spark, conf, LAYER)
    assert (again.is_proven, again.has_written) == (True, False)
    assert [version(spark, lake, name) for name in NAMES] == before
    shutil.move(lake / "aside", lake / "raw")
    raw(spark, lake, "one", 20, 30)
    result = pseudonymize.run(spark, conf, "one")
    assert (result.mode, result.rows) == ("incremental", 10)
    check(spark, lake, "one", 30)


@pytest.mark.sweep
def test_a_proof_sees_a_row_that_is_not_what_it_was(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the move had gone wrong: another layer than the keys give."""
    conf = due(spark, lake)
    whole = layered.delivered
    seen: list[bool] = []

    def wrong(spark_: Any, conf_: Any, turns: Any) -> Any:
        seen.append(True)
        if len(seen) > 2:  # both tables are moved by now: the proof puts one more layer on nothing
            turns = {}
        return whole(spark_, conf_, turns)

    monkeypatch.setattr(layered, "delivered", wrong)
    made = rotate_keys.run(spark, conf, LAYER)
    assert not made.is_proven
    checks = [check for each in made.tables for check in each.checks if check.name == "layers"]
    faults = [fault for check in checks for fault in check.faults]
    assert faults
    assert all("are not what the version before gives" in fault for fault in faults)


def test_what_has_no_layers_keeps_a_table_where_it_is(spark: SparkSession, lake: Path) -> None:
    """Refused before anything is written, its mark included; and so is what the configuration decides otherwise by
    now. By itself such a table is treated anew from its source."""
    columns = {**COLUMNS, "who.id": {"technique": "keyed_hash", "key": "crm"}}
    conf = due(spark, lake, columns)
    before = [version(spark, lake, name) for name in NAMES]
    with pytest.raises(Refused, match=r"one: who\.id: keyed_hash cannot be turned back"):
        rotate_keys.run(spark, conf, LAYER)
    found, *_ = rotate_keys.plan(spark, conf, Asked(key="crm"))
    assert [each.way for each in found.due] == ["source", "source"]
    lakes.write_conf(lake, *entries(lake, {**COLUMNS, "who.id": "redact"}))
    conf = layers(lake, [OLD, NEW])
    with pytest.raises(Refused, match=r"one: record and configuration differ in who\.id \(technique|cannot be turned"):
        rotate_keys.run(spark, conf, LAYER)
    lakes.write_conf(lake, *entries(lake, columns))
    conf = layers(lake, [NEW, OLD])
    with pytest.raises(Refused, match=rf"one: domain customer: its layers end with version {OLD} of"):
        rotate_keys.run(spark, conf, LAYER)
    assert [version(spark, lake, name) for name in NAMES] == before


def test_layers_of_another_end_stop_it_before_a_mark_and_other_layers_are_not_moved(
    spark: SparkSession, lake: Path
) -> None:
    """A column that can be turned back stands beside: it alone must not be moved. And what is under the version in
    force alone is not what a domain of two layers gives."""
    mail = {"technique": "deterministic_encryption", "key": "crm"}
    keys(lake, 2)
    lakes.write_conf(lake, *entries(lake, {**COLUMNS, "mail": mail})[:1])
    edit(lake / "conf" / "policy.yaml", rotation={"reencrypt": ["crm"]})
    conf = layers(lake, [NEW])
    raw(spark, lake, "one", 0, 20, "concat('m', id) AS mail")
    pseudonymize.run(spark, conf, "one")
    conf = layers(lake, [OLD, NEW])
    found, *_ = rotate_keys.plan(spark, conf, Asked(key="crm"))
    assert [each.way for each in found.due] == ["source"], "it is not moved, though it names no other version"
    with pytest.raises(Refused, match=r"do not go on from that"):
        rotate_keys.plan(spark, conf, LAYER)
    made = rotate_keys.run(spark, conf, Asked(key="crm"))
    assert made.is_proven, json.dumps(rotate_keys.as_data(made), indent=1)
    assert made.named_by == {OLD: ["one", "the layers of domain customer"]}
    check(spark, lake, "one", 20)
    keys(lake, 3)
    before = version(spark, lake, "one")
    with pytest.raises(Refused, match=rf"its layers end with version {NEW} of key 'crm', and version {NEWEST} is in"):
        rotate_keys.run(spark, conf, Asked(key="crm"))
    assert version(spark, lake, "one") == before
