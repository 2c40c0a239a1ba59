"""`plan --diff record`: what a change of configuration means for a table that stands there already."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize
from jobs.gates.known import Inspected
from jobs.table_run.planned import inspected, planned
from tests.helpers.lakes import configured, table, write_conf

BEFORE = {
    "id": {"domain": "customer"},
    "zip": {"technique": "truncate", "keep": 2},
    "place.city": "drop",
    "place.street": "redact",
    "country": {"technique": "generalize_hierarchy", "levels": [[f"c{n}", "all"] for n in range(30)]},
}
AFTER = {**BEFORE, "id": {"domain": "other"}, "zip": {"technique": "truncate", "keep": 3}, "place.city": "keep"}


def raw(lake: Path) -> None:
    (lake / "raw" / "t").mkdir(parents=True)
    place = [{"city": "canary", "street": "canary"}]
    rows = pa.table({"id": [1], "zip": ["01234"], "place": place, "country": ["c1"]})
    pq.write_table(rows, lake / "raw" / "t" / "a.parquet")


def look(spark: SparkSession, lake: Path) -> Inspected:
    return inspected(planned(spark, configured(lake, table("t", lake, BEFORE)), "t"))


def test_against_the_record(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    raw(lake)
    nothing = plan.against_record(look(spark, lake))
    assert nothing.against == "no record: everything is new"
    assert {column.change for column in nothing.columns} == {"added"}

    pseudonymize.run(spark, configured(lake, table("t", lake, BEFORE)), "t")
    same = plan.against_record(look(spark, lake))
    assert {column.change for column in same.columns} == {"unchanged"}, "a hierarchy by its hash, too"

    ask = ["--conf", str(write_conf(lake, table("t", lake, AFTER))), "--table", "t", "--diff", "record"]
    assert plan.main([*ask, "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert told["against"] == "the record of version 0"
    assert {column["column"]: column["change"] for column in told["columns"]} == {
        "id": "changed",
        "zip": "weaker",
        "place.city": "weaker",
        "place.street": "unchanged",
        "country": "unchanged",
    }
    assert plan.main([*ask, "--fail-on-weaker"]) == 1
    out = capsys.readouterr().out
    assert "domain customer -> other: no longer joins with columns of the former" in out
    assert "canary" not in out
