"""Runs of some partitions that are refused: by the predicate, by what stands at the target, by flags."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from jobs import pseudonymize
from jobs.console.exit_codes import BadUsage, Refused
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes
from tests.helpers.partitioning import COLUMNS, entry, put, rows, run

WRONG: list[tuple[str | None, dict[str, Any], str]] = [
    ("part = ", {}, "expected one SQL condition"),
    ("part", {}, "true or false"),
    ("part = 'x'", {}, "a constant in it is no bigint"),
    ("secretvalue = 1", {}, "a column that the source does not have"),
    ("id = 'x'", {}, "names column id, by which the target is not partitioned: name some of part"),
    ("true", {}, "names no column: name some of part"),
    ("part = (SELECT 1)", {}, "none of what a predicate may use|does not take it"),
    ("part > rand() * 4", {}, "none of what a predicate may use"),
    ("part IS NOT NULL AND _metadata.file_name > 'x'", {}, "none of what a predicate may use"),
    ("part = 1", {"target": {"partition_by": []}}, "the target has none: state partition_by"),
    (
        "part = 1",
        {"columns": {**COLUMNS, "part": {"technique": "generalize_number", "width": 5}}},
        "names column part, whose values are other ones in the target",
    ),
    ("part = 1", {"target": {"mode": "full"}}, "--where belongs to mode: partitions, and the mode is full"),
    ("part = 1", {"mode": "incremental"}, "and the mode is incremental: add --mode partitions"),
    (None, {"mode": "partitions"}, "mode: partitions needs --where"),
]


def test_predicates_that_do_not_fit(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, "int", [1, 2], "old"), lake)
    for where, more, why in WRONG:
        with pytest.raises(BadUsage, match=why) as caught:
            run(spark, lake, where, **more)
        assert str(caught.value).startswith("t: ")
        assert "secretvalue" not in str(caught.value)
    assert not (lake / "treated").exists()


def test_what_stands_at_the_target(spark: SparkSession, lake: Path) -> None:
    put(rows(spark, "int", [0, 1, 2], "old"), lake)
    with pytest.raises(Refused, match=r"no target .* yet to replace partitions of: run it once with --mode full"):
        run(spark, lake, "part = 1")
    run(spark, lake)
    other = {**COLUMNS, "note": "redact"}
    for retreat in (False, True):
        with pytest.raises(Refused, match=r"note \(technique.*anew in one commit: with --mode full"):
            run(spark, lake, "part = 1", columns=other, retreat=retreat)
    with pytest.raises(LakenymError, match="partitioned otherwise than its entry says"):
        run(spark, lake, "part = 1", target={"partition_by": ["part", "note"]})
    theirs = lakes.treated(spark, lake).where("part = 2")
    theirs.write.format("delta").mode("append").save(str(lake / "treated" / "t"))
    with pytest.raises(Refused, match=r"holds rows that no run of this job wrote: run it once with --mode full"):
        run(spark, lake, "part = 1", allow_raw_history=True)
    assert run(spark, lake, allow_raw_history=True).mode == "full"
    assert run(spark, lake, "part = 1", allow_raw_history=True).rows == 2


def test_by_flags_of_the_job(spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(rows(spark, "int", [1, 2], "old"), lake)
    conf = lakes.write_conf(lake, entry(lake, target={"mode": "full"}))

    def ended(*flags: str) -> tuple[int, dict[str, Any]]:
        code = pseudonymize.main(["--conf", str(conf), *flags])
        return code, json.loads(capsys.readouterr().out.splitlines()[-1])

    assert ended("--table", "t")[1]["mode"] == "full"
    code, event = ended("--table", "t", "--mode", "partitions", "--where", "part = 2")
    assert (code, event["mode"], event["rows"]) == (0, "partitions", 2)
    for flags, why in (
        (["--all", "--mode", "partitions", "--where", "part = 2"], "cannot be used with --all"),
        (["--table", "t", "--mode", "partitions"], "needs --where"),
        (["--table", "t", "--where", "part = 2"], "add --mode partitions"),
    ):
        code, event = ended(*flags)
        assert (code, event["event"]) == (2, "failed")
        assert why in event["message"]
