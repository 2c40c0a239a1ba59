"""The job: what it measures of a treated table, what it tells of it, and what it ends with."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs import pseudonymize, risk
from jobs.configuration import config
from jobs.console.exit_codes import BAD_USAGE, DONE, REFUSED
from jobs.risk_measures import report
from jobs.risk_measures.sizes import Sizes
from tests.helpers.lakes import POLICY, column, table, write_conf

COLUMNS = {
    "id": column({"domain": "customer"}, "direct_identifier"),
    "zip": column({"technique": "truncate", "keep": 1}),
    "town": column("redact"),
    "visits[]": column("keep"),
    "ill": column("keep", "sensitive"),
}
CANARIES = ("canary-ill", "canary-town", "77777", "88888", "C-100")


@pytest.fixture
def conf(spark: SparkSession, lake: Path) -> Path:
    """40 people in the one class of zip, all with one row, and a person with six rows in the other."""
    rows = [(f"C-100{at}", "88888", "canary-town", [1], "canary-ill" if at % 2 else "well") for at in range(40)]
    rows += [("C-100x", "77777", "canary-town", [1, 2], "canary-ill")] * 6
    schema = "id string, zip string, town string, visits array<int>, ill string"
    spark.createDataFrame(rows, schema).write.parquet(str(lake / "raw" / "t"))
    folder = write_conf(lake, table("t", lake, COLUMNS, subject="id"))
    pseudonymize.run(spark, config.load(folder), "t")
    return folder


def test_a_treated_table_is_measured(
    conf: Path, lake: Path, spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    """A class of six rows is one person's: by rows all thresholds are reached, by people not one."""
    policy = {**POLICY, "thresholds": {"k": 5, "l": 1 + 1, "t": 0.9}}
    (conf / "policy.yaml").write_text(yaml.safe_dump(policy), encoding="utf-8")
    asked = ["--conf", str(conf), "--table", "t", "--json"]
    assert risk.main(asked) == REFUSED
    found = json.loads(capfd.readouterr().out)
    assert (found["counted"], found["rows"], found["people"]) == ("people", 46, 41)
    assert (found["k"], found["uniques"]) == (1, "< 10")
    assert (found["quasi_identifiers"], found["left_out"]) == (["zip"], ["visits[]"])
    assert found["prosecutor"]["at_risk"] == "< 0.244"
    assert found["histogram"] == [{"from": 1, "to": 40, "rows": 41}]
    assert found["missed"] == ["k is 1, the policy wants 5", "ill: l is 1, the policy wants 2"]
    spark.createDataFrame([("7",), ("9",)], "zip string").write.format("delta").save(str(lake / "outside"))
    outside = str(lake / "outside")
    more = ["--by-rows", "--population", outside, "--attack", outside, "--sampling-fraction", "0.1"]
    assert risk.main([*asked[:-1], *more, "--column-sets", "1", "--frequency"]) == REFUSED
    told = capfd.readouterr().out
    for line in (
        "t: 46 rows in < 10 classes by",
        "  rows are counted, not people: so it was asked for",
        "k 6; like no other: 0",
        "attack: rows 46, matched < 10, one < 10, sure 0",
        "zip: like no other in these alone: 0",
        "id: 41 pseudonyms, the most frequent has < 0.217 of the rows, ten have 0.3261",
        "missed: ill: l is 1, the policy wants 2",
    ):
        assert line in told.splitlines()
    for canary in CANARIES:
        assert canary not in told + json.dumps(found)


def test_what_the_job_ends_with(conf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without thresholds all is well; what is not there is refused; a share is a share."""
    asked = ["--conf", str(conf), "--table", "t"]
    assert risk.main(asked) == DONE
    assert risk.main([*asked, "--attack", str(conf / "none")]) == REFUSED
    assert "is not there" in capfd.readouterr().err
    assert risk.main([*asked, "--nulls", "any"]) == BAD_USAGE, "rows in the place of people, and nobody asked for it"
    assert "give --by-rows too" in capfd.readouterr().err
    assert risk.main([*asked, "--nulls", "any", "--by-rows"]) == DONE
    assert "rows are counted, not people: so it was asked for" in capfd.readouterr().out
    for bounds, code in (
        ({"k": 5}, REFUSED),
        ({"k": 1, "l": 1, "t": 1}, DONE),
        ({"at_risk": 0.0}, REFUSED),
        ({"at_risk": 0.05}, DONE),  # one of 41 people
    ):  # what runs are held to, reports are too
        (conf / "policy.yaml").write_text(yaml.safe_dump({**POLICY, "risk": bounds}), encoding="utf-8")
        assert risk.main(asked) == code
    with pytest.raises(SystemExit) as ended:
        risk.main([*asked, "--sampling-fraction", "2"])
    assert ended.value.code == BAD_USAGE


def test_the_job_estimates(conf: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """So few classes are all counted, their people by sketches; a class of one person misses k = 5 for sure."""
    asked = ["--conf", str(conf), "--table", "t", "--estimate"]
    assert risk.main(asked) == DONE
    told = capfd.readouterr().out
    assert "classes with one person only: < 1" in told.splitlines()
    (conf / "policy.yaml").write_text(yaml.safe_dump({**POLICY, "thresholds": {"k": 5, "l": 2}}), encoding="utf-8")
    assert risk.main([*asked, "--json"]) == REFUSED
    found = json.loads(capfd.readouterr().out)
    assert (found["estimated"], found["counted"], found["rows"], found["k_at_most"]) == (True, "people", 46, 1)
    assert (found["unique_classes"], found["classes"], found["sampled_classes"]) == ("< 1", "< 10", "< 10")
    assert found["missed"] == ["k is at most 1, the policy wants 5"]
    assert found["not_estimated"] == ["l and t are not estimated: measure without --estimate"]
    assert risk.main([*asked, "--by-rows"]) == DONE
    rows = capfd.readouterr().out
    assert "rows above a risk of 0.2: 0" in rows.splitlines()
    assert not any(canary in told + json.dumps(found) + rows for canary in CANARIES)
    with pytest.raises(SystemExit):
        risk.main([*asked, "--frequency"])


def test_small_counts_do_not_follow_from_others() -> None:
    """Bands hold ten rows each: sizes 1 (3 rows), 2 (4), 3 (3), 5 (200), and 1000 (1000), 4000 rows at last."""
    sizes = Sizes.of([(1, 3, 3), (2, 2, 4), (3, 1, 3), (5, 40, 200), (1000, 1, 1000), (4000, 1, 4000)])
    assert [(each["from"], each["to"], each["rows"]) for each in report.bands(sizes)] == [
        *((1, 3, 10), (5, 5, 200)),
        *((1000, 1000, 1000), (4000, 4000, 4000)),
    ]
    last = Sizes.of([(10, 5, 50), (20, 1, 9)])
    assert report.bands(last) == [{"from": 10, "to": 20, "rows": 59}]
    assert report.bands(Sizes.of([(1, 2, 2)])) == [{"from": 1, "to": 1, "rows": "< 10"}]
    assert (report.count(0), report.count(9), report.count(10)) == (0, "< 10", 10)
    assert (report.share(0, 50), report.share(3, 50), report.share(25, 50)) == (0, "< 0.2", 0.5)


def test_what_is_told_beside_the_bands_is_a_bound_where_a_small_count_would_follow() -> None:
    """Sizes 1 (12 people), 2 (4), 5 (100): beside a band of 12, that 16 are at risk would tell the 4."""
    close = Sizes.of([(1, 12, 12), (2, 2, 4), (5, 20, 100)])
    assert report.bands(close) == [{"from": 1, "to": 1, "rows": 12}, {"from": 2, "to": 5, "rows": 104}]
    assert report.singled(close) == (12, "< 22")
    far = Sizes.of([(1, 30, 30), (2, 10, 20), (5, 20, 100)])
    assert report.singled(far) == (30, 50)
    few = Sizes.of([(1, 4, 4), (2, 2, 4), (5, 20, 100)])
    assert report.singled(few) == ("< 10", "< 10")
    above = Sizes.of([(4, 5, 20), (5, 1, 5), (6, 10, 60)])  # of the band of 5 and more 65
    assert report.singled(above) == (0, 20)


@given(st.dictionaries(st.integers(1, 12), st.integers(1, 25), max_size=8), st.sampled_from([0.2, 0.5, 0.11]))
def test_no_two_numbers_that_are_told_differ_by_a_small_count(classes: dict[int, int], threshold: float) -> None:
    sizes = Sizes.of([(size, many, size * many) for size, many in classes.items()])
    told = [0, report.count(sizes.rows), *report.singled(sizes, threshold)]
    ends = list(itertools.accumulate(each["rows"] for each in report.bands(sizes) if isinstance(each["rows"], int)))
    numbers = sorted([each for each in told if isinstance(each, int)] + ends)
    assert all(later == one or later - one >= 10 for one, later in itertools.pairwise(numbers))
    exact = (sizes.uniques, sizes.at_risk(threshold))
    for number, shown in zip(exact, report.singled(sizes, threshold), strict=True):
        if isinstance(shown, int):
            assert shown == number
        else:
            mark, _, bound = shown.partition(" ")
            assert number < int(bound) if mark == "<" else number > int(bound)


def test_what_reaches_a_threshold_is_suggested(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Twelve people, one of them with six rows: those who are ill share three digits, all share one."""
    rows = [(f"p{at}", f"1{at % 2}{at:03}", 30 + at % 3, "canary-ill" if at % 2 else "well") for at in range(12)]
    frame = spark.createDataFrame([*rows, *[rows[0]] * 5], "id string, zip string, age int, ill string")
    frame.write.parquet(str(lake / "raw" / "t"))
    columns = {**COLUMNS, "zip": column("keep"), "age": column("keep")}
    columns = {name: columns[name] for name in ("id", "zip", "age", "ill")}
    asked = ["--conf", str(write_conf(lake, table("t", lake, columns, subject="id"))), "--table", "t", "--suggest"]
    assert risk.main(asked) == BAD_USAGE, "neither the policy nor a flag says what to reach"
    assert "--k" in capfd.readouterr().err
    ladders = ["--ladder", "zip=prefix:3,1", "--ladder", "age=width:5,10"]
    assert risk.main([*asked, "--k", "5", "--l", "2", *ladders]) == REFUSED, "a run counts her rows together"
    told = capfd.readouterr().out
    assert "WOULD BE REFUSED" in told
    entry = yaml.safe_load(told)
    assert entry["zip"]["treatment"] == {"technique": "truncate", "keep": 1}
    assert entry["age"]["treatment"] == {"technique": "generalize_number", "width": 5}
    assert entry["age"]["why"] == ""
    assert not any(word in told for word in ("canary", "10000", "p0"))
    assert risk.main([*asked, "--k", "50"]) == REFUSED
    assert "canary" not in capfd.readouterr().out
    for wrong in (["--ladder", "town=prefix:1"], ["--ladder", "zip=nonsense:1"]):
        assert risk.main([*asked, "--k", "2", *wrong]) == BAD_USAGE
    with pytest.raises(SystemExit):
        risk.main([*asked[:-1], "--k", "5"])
