"""Runs whose values get random tokens: once each, the same for equal values, joined in bulk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs import pseudonymize, tokens, verify
from tests.helpers import lakes, vaults
from tests.helpers.vaults import TOKENS

SCHEMA = "id bigint, other string, home struct<who: string, zip: string>, amount int"
ROWS = [(1, "1", ("2", "x"), 10), (2, None, None, 20), (None, "3", ("1", "y"), 30), (1, "1", (None, "z"), 40)]
COLUMNS = {"id": TOKENS, "other": TOKENS, "home.who": TOKENS, "home.zip": "keep", "amount": "keep"}


def test_equal_values_have_one_token_in_all_columns_types_and_runs(spark: SparkSession, lake: Path) -> None:
    id_, source = vaults.made(spark, lake), str(lake / "raw" / "t")
    spark.createDataFrame(ROWS, SCHEMA).write.format("delta").save(source)
    more = {"source": {"format": "delta", "path": source}}
    more["target"] = {"path": str(lake / "treated" / "t"), "mode": "incremental"}
    conf = vaults.configured(lake, id_, COLUMNS, **more)
    first = pseudonymize.run(spark, conf, "t")
    assert first.not_columnar == "tokens are joined from their vault by Spark"
    assert first.counts == {"id": (3, 1, 0), "other": (3, 1, 0), "home.who": (2, 2, 0)}
    found = {row["amount"]: row for row in lakes.treated(spark, lake).collect()}
    one, two, three = found[10]["id"], found[20]["id"], found[30]["other"]
    assert len({one, two, three}) == 3
    assert [found[n]["id"] for n in (10, 20, 30, 40)] == [one, two, None, one]
    assert [found[n]["other"] for n in (10, 20, 30, 40)] == [one, None, three, one]
    assert [found[n]["home"] for n in (10, 20, 30, 40)] == [(two, "x"), None, (one, "y"), (None, "z")]
    assert vaults.rows(spark, lake).count() == 3
    entry = lakes.record(spark, lake)["columns"]["home.who"]
    assert (entry["domain"], entry["parameters"]["vault"], entry["key"]) == ("person", id_, "crm")
    _held_to_what_is_said_of_it(spark, conf, lake)
    spark.createDataFrame([(2, "4", None, 50)], SCHEMA).write.format("delta").mode("append").save(source)
    assert pseudonymize.run(spark, conf, "t").mode == "incremental"
    new = lakes.treated(spark, lake).where("amount = 50").collect()[0]
    assert new["id"] == two
    assert new["other"] not in (one, two, three)
    assert vaults.rows(spark, lake).count() == 4
    assert tokens.exists(spark, conf, "person", [one, "no token", "A" * 22, new["other"]]) == [True, False, False, True]


def _held_to_what_is_said_of_it(spark: SparkSession, conf: Any, lake: Path) -> None:
    """Of the vault and of the table what others see: no value, no statistics, nobody else's folder; shapes that are
    verified."""
    log = "".join(path.read_text() for path in (lake / "vault" / "_delta_log").glob("*.json"))
    assert "minValues" not in log
    assert (lake / "vault").stat().st_mode & 0o777 == 0o700
    checks = {check.name: check for check in verify.run(spark, conf, "t").checks}
    assert {checks[name].outcome for name in ("shapes", "record anew", "rows anew")} == {"holds"}
    assert "id, other, home: not, for their tokens stand in a vault" in checks["rows anew"].said
