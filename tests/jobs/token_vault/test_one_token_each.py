"""One token for each value, whoever comes at the same time, and whatever becomes of the run."""

from __future__ import annotations

import contextlib
import functools
import os
import subprocess
import sys
import threading
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.lake import closed_table
from jobs.table_run import tokens
from jobs.token_vault import exchange
from privacy_udfs.errors import LakenymError
from tests.helpers import kills, lakes, vaults
from tests.helpers.vaults import TOKENS


def test_two_runs_at_once_give_equal_values_one_token_and_one_killed_before_its_commit_leaves_tokens_for_the_next(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both look at an empty vault before either adds to it; nothing but Delta keeps them apart."""
    id_ = vaults.made(spark, lake)
    for name, first in (("t", 0), ("u", 50)):
        spark.range(first, first + 100).selectExpr("cast(id as string) AS id").write.parquet(str(lake / "raw" / name))
        conf = vaults.configured(lake, id_, {"id": TOKENS}, name)
    together = threading.Barrier(2)
    added, conflicts = closed_table.added, list[BaseException]()

    def added_together(begun: Any, rows: DataFrame, *more: Any) -> int:
        with contextlib.suppress(threading.BrokenBarrierError):
            together.wait(120)
        together.abort()  # the second time there is nobody to wait for
        try:
            return added(begun, rows, *more)
        except BaseException as error:
            conflicts.append(error)
            raise

    monkeypatch.setattr(closed_table, "ADDING", defaultdict(contextlib.nullcontext))
    monkeypatch.setattr(closed_table, "added", added_together)
    treated = tokens.rows

    def killed(prepared: Any, *rest: Any) -> DataFrame:
        if prepared.table == "u":
            raise LakenymError("killed between the vault's commit and the table's")
        return treated(prepared, *rest)

    monkeypatch.setattr(tokens, "rows", killed)
    with ThreadPoolExecutor(2) as pool:
        one, other = (pool.submit(pseudonymize.run, spark, conf, name) for name in ("t", "u"))
        assert one.result().rows == 100
        with pytest.raises(LakenymError, match="killed"):
            other.result()
    assert len(conflicts) == 1
    monkeypatch.undo()
    assert vaults.counts(spark, lake) == (150, 150, 150)
    pseudonymize.run(spark, conf, "u")
    assert vaults.counts(spark, lake) == (150, 150, 150)
    both = [{row["id"] for row in lakes.treated(spark, lake, name).collect()} for name in ("t", "u")]
    assert [len(each) for each in both] == [100, 100]
    assert len(both[0] & both[1]) == 50


def test_what_had_expired_for_the_driver_of_a_newer_row_counts_no_more_and_nothing_else_is_chosen_among(
    spark: SparkSession,
) -> None:
    """By the clock of this driver the older row has not expired. b: both live; c: twice the same. No name is taken."""
    day = "timestamp'2030-01-{:02} 00:00:00'".format
    held = [("a", "A1", 1, 5), ("a", "A2", 5, 9), ("b", "B1", 1, 6), ("b", "B2", 5, 9), ("c", "C", 1, None)]
    said = [
        f"(X'{ord(key):02x}', '{token}', {day(made)}, {'cast(null AS timestamp)' if end is None else day(end)})"
        for key, token, made, end in [*held, held[-1], ("d", "D", 2, None)]
    ]
    vault = spark.sql(f"SELECT * FROM VALUES {', '.join(said)} AS (lookup, sealed_token, created, expires)")
    rows = spark.sql(
        "SELECT key, 1 AS lakenym_found_0, 2 AS lakenym_key_0 FROM VALUES ('a'), ('b'), ('c'), ('d') AS (key)"
    )
    joined = exchange._joined(rows, F.expr("cast(key AS binary)"), vault, ("lookup", "sealed_token"), 0)
    found = {row["key"]: (row[exchange.found(0)], row["lakenym_found_0"]) for row in joined.collect()}
    assert found == {"a": ("A2", 1), "b": (None, 1), "c": (None, 1), "d": ("D", 1)}


@pytest.mark.sweep
def test_a_vault_that_has_two_tokens_of_a_value_stops_the_run(spark: SparkSession, lake: Path) -> None:
    """As no run of ours leaves it; and no row comes twice."""
    id_ = vaults.made(spark, lake)
    spark.range(100).selectExpr("cast(id as string) AS id").write.parquet(str(lake / "raw" / "t"))
    conf = vaults.configured(lake, id_, {"id": TOKENS})
    pseudonymize.run(spark, conf, "t")
    vaults.rows(spark, lake).write.format("delta").mode("append").save(str(lake / "vault"))
    with pytest.raises(LakenymError, match="t: id: the vault has no token, or more than one, for a value of a row"):
        pseudonymize.run(spark, conf, "t")
    assert lakes.treated(spark, lake).count() == 100


@pytest.mark.sweep
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_driver_killed_at_the_vaults_commit_or_before_the_tables(spark: SparkSession, lake: Path, when: str) -> None:
    id_ = vaults.made(spark, lake)
    spark.range(1000).selectExpr("cast(id % 700 as string) AS id").write.parquet(str(lake / "raw" / "t"))
    conf = vaults.configured(lake, id_, {"id": TOKENS})
    kills.killed(lake, "jobs.lake.closed_table", "added", when)
    assert not (lake / "treated" / "t" / "_delta_log").exists()
    before = vaults.counts(spark, lake)
    assert before == ((700, 700, 700) if when == "after" else (0, 0, 0))
    pseudonymize.run(spark, conf, "t")
    assert vaults.counts(spark, lake) == (700, 700, 700)
    assert lakes.treated(spark, lake).distinct().count() == 700


@pytest.mark.sweep
def test_two_drivers_at_once(spark: SparkSession, lake: Path) -> None:
    id_ = vaults.made(spark, lake)
    for name in ("t", "u"):
        spark.range(20_000).selectExpr("cast(id as string) AS id").write.parquet(str(lake / "raw" / name))
        vaults.configured(lake, id_, {"id": TOKENS}, name)
    words = [sys.executable, "-m", "jobs.pseudonymize", "--conf", str(lake / "conf"), "--table"]
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"}
    with ThreadPoolExecutor(2) as pool:
        run = functools.partial(subprocess.run, env=environ, capture_output=True, text=True, timeout=600, check=False)
        done = list(pool.map(lambda name: run([*words, name]), ("t", "u")))
    assert [each.returncode for each in done] == [0, 0], [each.stderr[-2000:] for each in done]
    assert vaults.counts(spark, lake) == (20_000, 20_000, 20_000)
    one, other = (lakes.treated(spark, lake, name) for name in ("t", "u"))
    assert one.join(other, "id").count() == 20_000
