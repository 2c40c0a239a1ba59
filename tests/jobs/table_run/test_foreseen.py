"""What a search finds, and whether a run lets it pass: said beforehand, and then held against the run itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import pseudonymize, risk
from jobs.configuration import config
from jobs.console.exit_codes import DONE, REFUSED
from jobs.risk_search.losses import MEASURES
from tests.helpers.lakes import POLICY, column, table, write_conf

ILLNESSES = ("flu;lung;inner;any", "asthma;lung;inner;any", "stroke;heart;inner;any", "burn;skin;outer;any")
BY_PLACE = {"technique": "generalize_hierarchy", "levels_file": "illnesses.csv", "level": 1}


def laid(
    spark: SparkSession, lake: Path, rows: list[tuple[Any, ...]], ill: Any = "keep", **more: Any
) -> tuple[list[str], Mapping[str, Any]]:
    """What the job is asked, and the entry; rows: who, zip, illness."""
    spark.createDataFrame(rows, "who string, zip string, ill string").write.parquet(str(lake / "raw" / "t"))
    columns = {"who": column("drop", "direct_identifier"), "zip": column("keep"), "ill": column(ill, "sensitive")}
    folder = write_conf(lake)
    (folder / "illnesses.csv").write_text("\n".join(ILLNESSES) + "\n", encoding="utf-8")
    entry = table("t", lake, columns, **more)
    return ["--conf", str(write_conf(lake, entry)), "--table", "t", "--suggest", "--json"], entry


def found(asked: list[str], capfd: pytest.CaptureFixture[str], code: int) -> dict[str, Any]:
    capfd.readouterr()
    assert risk.main(asked) == code
    told = capfd.readouterr().out
    assert not any(each in told for each in ("canary", "flu", "stroke", "10000", "2999"))
    data: dict[str, Any] = json.loads(told)
    return data


def run(spark: SparkSession, lake: Path, entry: Mapping[str, Any], told: str, bounds: Mapping[str, Any]) -> Any:
    """What a run measures that treats the table as the lines say, with what was searched for asked of it."""
    lines = yaml.safe_load(told)
    columns = {name: {**each, "why": "counted"} for name, each in lines.get("columns", lines).items()}
    more = {"suppress": lines["suppress"]} if "suppress" in lines else {}
    folder = write_conf(lake, {**entry, **more, "columns": {**entry["columns"], **columns}})
    (folder / "policy.yaml").write_text(yaml.safe_dump({**POLICY, "risk": dict(bounds)}), encoding="utf-8")
    return pseudonymize.run(spark, config.load(folder), "t").risk


def test_t_is_measured_from_what_stays(spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Two classes of ten are spread alike; one row beside them has an illness of its own. Of all rows each class is
    1/21 away, of those that stay not at all."""
    rows = [(f"p{at}", f"{1 + at % 2}0000", "flu" if at < 10 else "stroke") for at in range(20)]
    asked, entry = laid(spark, lake, [*rows, ("canary", "29999", "burn")])
    asked += ["--k", "5", "--t", "0.01", "--ladder", "zip=prefix:1"]
    kept = found([*asked, "--suppressed", "0.05"], capfd, DONE)
    assert [(each["column"], each["step"], each["treatment"]) for each in kept["columns"]] == [("zip", 0, "keep")]
    assert kept["suppressed"] == {"rows": "< 10", "share": "< 0.476"}
    assert (kept["asked"], kept["gate"]["accepted"]) == ({"k": 5, "t": {"ill": 0.01}, "at_most": 0.05}, True)
    assert [*kept["losses"]] == [*MEASURES]
    assert (kept["nodes"], 0 < kept["checks"] <= 3, kept["counted"]) == (3, True, "rows")
    assert {"steps": {"zip": 0}, "at_risk": "< 0.476", "loss": 0.4558, "reaches": True} in kept["front"]
    measured = run(spark, lake, entry, kept["entry"], {"k": 5, "t": 0.01})
    assert measured["sensitive"]["ill"]["t"] == kept["gate"]["measured"]["sensitive"]["ill"]["t"] == 0
    assert (measured["k"], measured["rows"]) == (10, 20)


def test_t_goes_by_the_hierarchy_of_what_is_shown(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """One class has lungs alone, the other hearts: half of each has to be moved one of two levels up, which is a half
    times a half. As categories they are a half apart."""
    rows = [(f"p{at}", f"{1 + at % 2}0000", "stroke" if at % 2 else "flu") for at in range(20)]
    asked, entry = laid(spark, lake, rows, BY_PLACE)
    asked += ["--k", "5", "--t"]
    assert found([*asked, "0.24"], capfd, DONE)["columns"][0]["treatment"] == "redact"
    near = found([*asked, "0.26"], capfd, DONE)
    assert (near["columns"][0]["treatment"], near["gate"]["measured"]["sensitive"]["ill"]["t"]) == ("keep", 0.25)
    measured = run(spark, lake, entry, near["entry"], {"k": 5, "t": 0.26})
    assert measured["sensitive"]["ill"]["t"] == 0.25


def test_a_ladder_of_a_sensitive_column_is_not_what_the_gate_goes_by(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the file, flu and stroke meet at the second of three levels: a third away. A run that keeps the values knows
    no hierarchy of them: a half."""
    rows = [(f"p{at}", f"{1 + at % 2}0000", "stroke" if at % 2 else "flu") for at in range(20)]
    asked, entry = laid(spark, lake, rows)
    asked += ["--k", "5", "--t", "0.34"]
    assert found(asked, capfd, DONE)["columns"][0]["treatment"] == "redact"
    by_file = found([*asked, "--ladder", "ill=illnesses.csv"], capfd, REFUSED)
    assert by_file["columns"][0]["treatment"] == "keep"
    assert by_file["gate"]["missed"] == ["ill: t is 0.5, and at most 0.34 is let pass by the search"]
    with pytest.raises(Exception, match=r"ill: t is 0\.5"):
        run(spark, lake, entry, by_file["entry"], {"k": 5, "t": 0.34})


def test_people_are_asked_for_by_their_whole_trails(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each class of rows has five people; but one of them has two rows, which nobody else has."""
    rows = [(f"p{at}", "10000", "flu" if at % 2 else "stroke") for at in range(5)]
    asked, _ = laid(spark, lake, [*rows, ("p0", "10000", "flu")], subject="who")
    seen = found([*asked, "--k", "5"], capfd, REFUSED)
    assert (seen["counted"], seen["columns"][0]["treatment"]) == ("people", "keep")
    assert seen["gate"]["missed"] == [
        "k is 1, and 5 is asked by the search: classes of fewer than 5 hold < 10 of < 10 people"
    ]
    assert risk.main([*asked[:-1], "--k", "5"]) == REFUSED
    assert "# a run that treats these columns so WOULD BE REFUSED by the gate:" in capfd.readouterr().out
