"""What a table promises of its columns beside their types: it is kept where rows are put to others, or said."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize
from jobs.configuration import config
from jobs.run_events.events import Event, Warned
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.growing import COLUMNS, PATHS, check_as_in_full, grown, run
from tests.helpers.sweeps import but_for

GIVEN: dict[str, dict[str, Any]] = {
    "generated": {"delta.generationExpression": "concat('canary', id)"},
    "identity": {"delta.identity.start": 1, "delta.identity.step": 1, "delta.identity.allowExplicitInsert": False},
    "constraint": {"delta.invariants": '{"expression":{"expression":"note <> \'canary\'"}}'},
    "default": {"CURRENT_DEFAULT": "'canary'"},
}


def altered(lake: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change a target's metadata by hand, for what no statement adds to a table that is there."""
    log = lake / "treated" / "t" / "_delta_log"
    commits = sorted(log.glob("*.json"))
    told = [json.loads(line) for commit in commits for line in commit.read_text().splitlines()]
    metadata = [action["metaData"] for action in told if "metaData" in action][-1]
    change(metadata)
    info = {"commitInfo": {"operation": "SET TBLPROPERTIES", "operationParameters": {}, "timestamp": 0}}
    lines = [info, {"metaData": metadata}]
    (log / f"{len(commits):020}.json").write_text("\n".join(map(json.dumps, lines)))


def with_note(**said: Any) -> Callable[[dict[str, Any]], None]:
    """Have the column ``note`` say something more of itself."""

    def change(metadata: dict[str, Any]) -> None:
        schema = json.loads(metadata["schemaString"])
        for field in schema["fields"]:
            if field["name"] == "note":
                field["nullable"] = said.get("nullable", True)
                field["metadata"] |= {key: value for key, value in said.items() if key != "nullable"}
        metadata["schemaString"] = json.dumps(schema)

    return change


def warned(spark: SparkSession, lake: Path, **more: Any) -> list[str]:
    """What a run warns of."""
    events: list[Event] = []
    run(spark, lake, report=events.append, **more)
    return [event.message for event in events if isinstance(event, Warned)]


@pytest.mark.parametrize("kind", but_for(["generated", "identity"], ["generated", "identity", "constraint"]))
def test_rows_are_not_put_to_columns_that_promise_more(spark: SparkSession, lake: Path, kind: str) -> None:
    grown(spark, lake, 0, 10)
    run(spark, lake)
    altered(lake, with_note(**GIVEN[kind]))
    grown(spark, lake, 10, 15)
    for execution in PATHS:
        with pytest.raises(LakenymError, match=rf"generated or constrained.*\(note \({kind}\)\).*--mode full") as told:
            run(spark, lake, execution)
        assert "canary" not in str(told.value)
    if kind == "identity":
        return
    (told_once,) = warned(spark, lake, mode="full")
    assert f"and drops: note ({kind}). What must hold" in told_once
    assert "canary" not in told_once
    assert warned(spark, lake, mode="full") == [], "once they are dropped, nothing is to be said"
    grown(spark, lake, 15, 20)
    assert run(spark, lake).rows == 5
    check_as_in_full(spark, lake)


def test_all_that_a_run_in_full_drops_is_said_at_once(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    grown(spark, lake, 0, 10)
    day = {"columns": {**COLUMNS, "day": lakes.column("keep", "non_personal")}}
    run(spark, lake, target={"partition_by": ["day"]}, **day)
    altered(lake, with_note(**GIVEN["default"], nullable=False))
    spark.sql(f"ALTER TABLE delta.`{lake}/treated/t` ADD CONSTRAINT some CHECK (day > date'1999-12-31')")
    wanted = "and drops: note (default), note (NOT NULL), CHECK constraint some, partitions by day. What must hold"
    entry = lakes.table("t", lake, day["columns"], source={"format": "delta", "path": str(lake / "raw" / "t")})
    conf = lakes.write_conf(lake, entry)
    assert plan.main(["--conf", str(conf), "--table", "t"]) == 0
    assert wanted in capfd.readouterr().err
    (said,) = warned(spark, lake, mode="full", **day)
    assert wanted in said
    assert "1999" not in said


def test_a_default_stays_where_rows_are_added(spark: SparkSession, lake: Path) -> None:
    grown(spark, lake, 0, 10)
    run(spark, lake)
    place = f"delta.`{lake}/treated/t`"
    spark.sql(f"ALTER TABLE {place} SET TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')")
    spark.sql(f"ALTER TABLE {place} ALTER COLUMN note SET DEFAULT 'none'")
    grown(spark, lake, 10, 15)
    assert warned(spark, lake) == []
    log = sorted((lake / "treated" / "t" / "_delta_log").glob("*.json"))
    assert '"metaData"' not in log[-1].read_text()
    assert lakes.treated(spark, lake).count() == 15
    (said,) = warned(spark, lake, mode="full")
    assert "drops: note (default)." in said


@pytest.mark.sweep
@pytest.mark.parametrize("stated", [{}, {"cluster_by": ["day"]}])
def test_clustering_that_others_gave_is_said_to_be_dropped(spark: SparkSession, lake: Path, stated: Any) -> None:
    grown(spark, lake, 0, 10)
    run(spark, lake, target=stated)
    spark.sql(f"ALTER TABLE delta.`{lake}/treated/t` CLUSTER BY (note)")
    (said,) = warned(spark, lake, mode="full", target=stated)
    assert "drops: clusters by note." in said
    assert warned(spark, lake, mode="full", target=stated) == []


def test_folders_named_after_pseudonyms_are_said_by_the_plan(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    grown(spark, lake, 0, 3)
    named = {"class": "direct_identifier", "treatment": {"domain": "customer"}, "why": "a test"}
    columns = {**COLUMNS, "id": named, "day": lakes.column("keep", "non_personal")}
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["id", "day"]}
    conf = lakes.write_conf(lake, lakes.table("t", lake, columns, source=source, target=target))
    assert plan.main(["--conf", str(conf), "--table", "t"]) == 0
    assert "  what id becomes are names of folders\n" in capfd.readouterr().out
    assert plan.main(["--conf", str(conf), "--table", "t", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["folders"] == ["id"]
    assert pseudonymize.run(spark, config.load(conf), "t").rows == 3
    shown = {row["id"] for row in lakes.treated(spark, lake).collect()}
    assert {path.name for path in (lake / "treated" / "t").glob("id=*")} == {f"id={each}" for each in shown}
    assert not shown & {"0", "1", "2"}
