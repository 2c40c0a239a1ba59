"""Rows in small classes are kept out of the table, in the one commit that holds all others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.models import Execution
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake.delta_commit import before_commit, left_out
from jobs.run_events import events
from jobs.table_run.result import summary
from privacy_udfs.errors import UnexpectedFailure
from tests.helpers import lakes
from tests.helpers.growing import PATHS, told
from tests.helpers.lakes import column, record, treated
from tests.helpers.sweeps import but_for

COLUMNS: Mapping[str, Any] = {
    "person": column({"domain": "customer"}, "direct_identifier"),
    "address.city": column("keep"),
    "address.zip": column({"technique": "truncate", "keep": 2}),
    "note": column("keep", "non_personal"),
    "day": column("keep", "non_personal"),
    "`a.b`": column("keep", "non_personal"),
}
CANARY = "Xanadu"
SCHEMA = "person string, city string, zip string, note string, day date, absent boolean"
Row = tuple[Any, ...]


def row(person: str, city: str | None, zip_code: str | None, note: str, absent: bool = False) -> Row:
    return (person, city, zip_code, note, None, absent)


def many(count: int, city: str | None, zip_code: str | None, note: str, absent: bool = False) -> list[Row]:
    """Rows of as many people."""
    return [row(f"{note}-{at}", city, zip_code, note, absent) for at in range(count)]


def raw(spark: SparkSession, lake: Path, *files: Iterable[Row]) -> None:
    """A file for each list of rows."""
    for rows in files:
        made = spark.createDataFrame([*rows], SCHEMA)
        address = "CASE WHEN absent THEN NULL ELSE struct(city, zip) END AS address"
        chosen = made.selectExpr("person", address, "note", "coalesce(day, date'2026-01-01') AS day", "1 AS `a.b`")
        chosen.coalesce(1).write.format("delta").mode("append").save(str(lake / "raw" / "t"))


def configured(lake: Path, suppress: Mapping[str, Any] | None = None, **more: Any) -> Config:
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    stated = {} if suppress is None else {"suppress": dict(suppress)}
    return lakes.configured(lake, lakes.table("t", lake, COLUMNS, source=source, **stated, **more))


def run(spark: SparkSession, conf: Config, execution: Execution = "auto", **more: Any) -> pseudonymize.Result:
    return pseudonymize.run(spark, conf, "t", execution=execution, **more)


def notes(spark: SparkSession, lake: Path) -> list[str]:
    return sorted(each["note"] for each in treated(spark, lake).collect())


def files(lake: Path) -> list[Path]:
    """Data files that stand in the target's folder, of the table or not."""
    return sorted((lake / "treated" / "t").rglob("*.parquet"))


def folders(lake: Path) -> set[str]:
    """The notes by which partitions are called."""
    return {path.name.removeprefix("note=") for path in (lake / "treated" / "t").glob("note=*")}


def texts(lake: Path) -> str:
    """All that Delta's log says."""
    log = lake / "treated" / "t" / "_delta_log"
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in sorted(log.glob("*.json")))


def logged(lake: Path, version: int = 0) -> list[dict[str, Any]]:
    text = (lake / "treated" / "t" / "_delta_log" / f"{version:020}.json").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


# By hand, k = 3: rows are alike in city and the first two digits, null is like null, and an address that is not there
# is another one than one of nulls.
BY_ROWS: Sequence[Sequence[Row]] = (
    [*many(2, "Berlin", "80331", "a"), *many(2, CANARY, "80331", "b"), *many(2, None, "80331", "c")],
    [*many(1, "Berlin", "80999", "d"), *many(2, "Berlin", "81", "e"), *many(1, None, "80", "f")],
    [*many(2, None, None, "g"), *many(3, None, None, "h", absent=True), *many(3, "Rome", None, "i")],
    [*many(4, "Rome", None, "j")],
)
STAY = ["a"] * 2 + ["c"] * 2 + ["d", "f"] + ["h"] * 3 + ["i"] * 3 + ["j"] * 4


@pytest.mark.parametrize("execution", PATHS)
def test_rows_in_small_classes_are_kept_out(
    spark: SparkSession, lake: Path, execution: Execution, capfd: pytest.CaptureFixture[str]
) -> None:
    """And nothing of them is left: neither a value, in files, statistics and the log, nor a count that is small, nor
    what it follows from."""
    raw(spark, lake, *BY_ROWS)
    configured(lake, {"k": 3, "at_most": 0.5}, execution=execution)
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "t"]) == 0
    out, err = capfd.readouterr()
    assert notes(spark, lake) == STAY
    assert CANARY not in out + err + texts(lake)
    adds = [each["add"] for each in logged(lake) if "add" in each]
    assert sum(json.loads(each["stats"])["numRecords"] for each in adds) == 16
    assert {lake / "treated" / "t" / each["path"] for each in adds} == {*files(lake)}
    held = [value for file in files(lake) for value in pq.read_table(file)["note"].to_pylist()]
    assert sorted(held) == STAY
    assert all(CANARY.encode() not in file.read_bytes() for file in files(lake))
    (event,) = [json.loads(line) for line in out.splitlines() if '"committed"' in line]
    assert (event["version"], event["execution"]) == (0, execution)
    assert (event["rows"], event["suppressed"]) == (16, "< 10")
    assert {(each["treated"], each["null"]) for each in event["columns"]} == {(None, None)}
    commit = next(each["commitInfo"] for each in logged(lake) if "commitInfo" in each)
    assert commit["operationMetrics"]["numOutputRows"] == "16"
    assert commit["operationMetrics"]["numFiles"] == str(len(adds))
    assert commit["operationMetrics"]["numOutputBytes"] == str(sum(each["size"] for each in adds))
    said = json.loads(commit["userMetadata"])
    assert (said["suppressed"], said["rows"], "counts" in said) == ("< 10", 16, False)
    assert record(spark, lake)["suppress"] == {"k": 3}


@pytest.mark.sweep
def test_both_paths_make_one_table(spark: SparkSession, lake: Path) -> None:
    """Partitioned, with columns of all kinds of statistics; and a replaced table, in one commit each."""
    raw(spark, lake, *BY_ROWS)
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["note"], "row_order": "source"}
    made = []
    for execution in PATHS:
        run(spark, configured(lake, {"k": 3, "at_most": 0.5}, target=target), execution)
        made.append(
            (treated(spark, lake).schema.jsonValue(), sorted(map(tuple, treated(spark, lake).collect()), key=str))
        )
    assert made[0] == made[1]
    assert [each["execution"] for each in told(spark, lake)] == [*PATHS]
    adds = [each["add"] for each in logged(lake, 1) if "add" in each]
    assert {each["partitionValues"]["note"] for each in adds} == set(STAY)
    assert folders(lake) == set(STAY), "not even an empty one of the others"


@pytest.mark.sweep
def test_only_files_that_hold_one_are_written_anew(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake, *BY_ROWS)
    written: list[int] = []
    delete = before_commit.delete
    monkeypatch.setattr(
        left_out.before_commit, "delete", lambda begun, old: (written.append(len(old)), delete(begun, old))
    )
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["note"], "row_order": "source"}
    run(spark, configured(lake, {"k": 3, "at_most": 0.5}, target=target), "columnar")
    assert written == [3]  # of the notes b, e and g, in which nothing stays
    assert len(files(lake)) == len(set(STAY))
    assert folders(lake) == set(STAY)
    assert run(spark, configured(lake, {"k": 2}, target=target), "columnar").suppressed == 0
    assert written == [3]
    assert sorted(set(notes(spark, lake))) == list("abcdefghij")


@pytest.mark.sweep
def test_many_are_told(spark: SparkSession, lake: Path) -> None:
    """From ten on their number is; and never what columns count, from which it would follow what they hold."""
    lonely = [row(f"p{at}", f"city {at}", "1", "lonely") for at in range(12)]
    raw(spark, lake, many(40, "Berlin", "80", "a"), lonely)
    done = run(spark, configured(lake, {"k": 5, "at_most": 0.25}))
    assert (done.rows, done.suppressed, done.counts) == (40, 12, {})
    assert told(spark, lake)[0]["suppressed"] == 12
    assert "40 rows (12 in small classes kept out) in" in events._summary(summary(done))


@pytest.mark.parametrize("execution", but_for(["spark"], PATHS))
def test_people_count_and_not_rows(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Somebody's five rows are one in their class, and go with all that they have elsewhere; those without a person
    are one person's."""
    trail = [row("P", CANARY, "80", "trail")] * 5 + [row("P", "Berlin", "80", "trail")]
    nobody = [(None, "Berlin", "80", "nobody", None, False)] * 5
    pairs = [row(f"q{at}", city, "80", "pair") for at in range(3) for city in ("Rome", "Oslo")]
    raw(spark, lake, [*many(3, "Berlin", "80", "a"), *trail], [*nobody, *pairs])
    conf = configured(lake, {"k": 3, "at_most": 0.8}, subject="person", risk={"k": 3})
    done = run(spark, conf, execution)
    assert notes(spark, lake) == ["a"] * 3 + ["pair"] * 6
    assert done.suppressed == "< 10", "eleven rows, of two people"
    assert done.risk is not None
    assert (done.risk["k"], done.risk["counted"]) == (3, "people")
    run(spark, configured(lake, {"k": 3, "at_most": 0.8}), execution)
    assert notes(spark, lake) == sorted(["a"] * 3 + ["nobody"] * 5 + ["pair"] * 6 + ["trail"] * 6)


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_too_many_leave_the_target_as_it_was(
    spark: SparkSession, lake: Path, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake, many(40, "Berlin", "80", "a"))
    with monkeypatch.context() as patched:  # where no class is small nothing is written a second time
        patched.setattr(left_out, "_written_anew", None)
        assert run(spark, configured(lake, {"k": 5}), execution).suppressed == 0
    before = files(lake), texts(lake)
    raw(spark, lake, many(3, CANARY, "80", "b"))
    with pytest.raises(Refused) as refused:
        run(spark, configured(lake, {"k": 5}), execution)
    assert str(refused.value) == (
        "t: suppress: classes of fewer than 5 rows hold < 10 of 43 rows, and a share of at most 0.05 may be kept out "
        "(at_most); nothing was committed"
    )
    assert (files(lake), texts(lake)) == before
    assert run(spark, configured(lake, {"k": 5, "at_most": 0.07}), execution).rows == 40


def test_earlier_versions_that_kept_less_out_are_warned_of(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing at first, then classes of one: while their files are there, and after that while the log tells of it."""

    def warned(k: int) -> str:
        configured(lake, {"k": k, "at_most": 0.5})
        capfd.readouterr()
        assert plan.main(["--conf", str(lake / "conf"), "--table", "t"]) == 0
        return capfd.readouterr().err

    raw(spark, lake, [*many(4, "Berlin", "80", "a"), *many(2, CANARY, "80", "b"), *many(1, "Oslo", "80", "c")])
    run(spark, configured(lake))
    first = files(lake)
    run(spark, configured(lake, {"k": 2, "at_most": 0.5}))
    of, still = f"delta.`{lake}/treated/t`", "time travel shows rows that a run keeps out now, until VACUUM"
    assert f"suppress: 1 version of {of} (0) kept none, or smaller classes, out: {still}" in warned(2)
    assert f"suppress: 2 versions of {of} (0, 1) kept none, or smaller classes, out: {still}" in warned(3)
    for path in first:
        path.unlink()
    assert "their data files are gone, but Delta's log still holds the least and greatest values" in warned(2)
    assert still in warned(3)
    configured(lake)
    assert plan.main(["--conf", str(lake / "conf"), "--table", "t"]) == 0
    assert "suppress" not in capfd.readouterr().err
    assert CANARY not in warned(2) + warned(3)


@pytest.mark.sweep
def test_the_gate_is_asked_of_what_is_left(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, many(40, "Berlin", "80", "a"), many(4, CANARY, "80", "b"), many(1, "Oslo", "80", "c"))
    by = r"by its entry \(risk\)"
    with pytest.raises(Refused, match=f"k is 4, and 5 is asked {by}: classes of fewer than 5 hold < 10 of 44 rows"):
        run(spark, configured(lake, {"k": 4}, risk={"k": 5}))
    assert not files(lake)
    assert run(spark, configured(lake, {"k": 5, "at_most": 0.2}, risk={"k": 5})).risk["k"] == 40  # type: ignore[index]


def test_what_others_took_the_place_of_is_a_fault(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where a file that holds them cannot be deleted nothing is committed."""
    raw(spark, lake, *BY_ROWS)

    def refuse(begun: Any, old: Any) -> None:
        raise UnexpectedFailure("cannot be deleted")

    monkeypatch.setattr(left_out.before_commit, "delete", refuse)
    with pytest.raises(UnexpectedFailure, match="cannot be deleted"):
        run(spark, configured(lake, {"k": 3, "at_most": 0.5}))
    assert not files(lake)
    assert not list((lake / "treated" / "t" / "_delta_log").glob("*.json"))


def test_another_k_is_another_record(spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """So rows are not put to it by other rules; and a plan says what it means."""
    raw(spark, lake, many(40, "Berlin", "80", "a"))
    run(spark, configured(lake, {"k": 5}))
    grows = {"path": str(lake / "treated" / "t"), "mode": "incremental"}
    raw(spark, lake, many(1, CANARY, "80", "b"))
    conf = configured(lake, target=grows)
    with pytest.raises(Refused, match=r"rows in classes of another size were kept out \('suppress'\)"):
        run(spark, conf)
    asked = ["--conf", str(lake / "conf"), "--table", "t", "--diff", "record", "--fail-on-weaker"]
    assert plan.main(asked) == 1
    assert "small classes that are kept out: those of fewer than 5 -> none (weaker)" in capfd.readouterr().out
    assert run(spark, conf, retreat=True).rows == 41
    assert "suppress" not in record(spark, lake)
    configured(lake, {"k": 5, "at_most": 0.5})
    assert plan.main(asked) == 0
    assert "none -> those of fewer than 5 (stronger)" in capfd.readouterr().out
    assert plan.main(asked[:4]) == 0
    assert "rows in classes of fewer than 5 rows, by quasi-identifiers, are kept out, up to a share of 0.5" in (
        capfd.readouterr().out
    )


def test_it_is_of_all_rows(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, many(2, "Berlin", "80", "a"))
    conf = configured(lake, {"k": 2})
    for mode in ("incremental", "changes", "stream"):
        with pytest.raises(BadUsage, match=f"a class is of the whole table.*the mode is {mode}: use --mode full"):
            run(spark, conf, mode=mode)
    with pytest.raises(BadUsage, match="the mode is partitions"):
        run(spark, conf, mode="partitions", where="day = '2026-01-01'")
    with pytest.raises(BadUsage, match="what stands in quarantine with all other rows"):
        run(spark, conf, requeue=True)


@pytest.mark.parametrize(
    ("suppress", "more", "said"),
    [
        ({"k": 1}, {}, "suppress.k: expected"),
        ({}, {}, "suppress.k: required, and missing"),
        ({"k": 5, "at_most": 0}, {}, "suppress.at_most: expected"),
        ({"k": 5, "at_mots": 0.1}, {}, "did you mean 'at_most'"),
        ({"k": 5}, {"mode": "stream"}, "the target's mode is stream: take one of the two out"),
        ({"k": 5}, {"mode": "changes", "key": ["person"]}, "suppress is for runs of all rows, in mode full"),
    ],
)
def test_what_is_no_suppression(lake: Path, suppress: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configured(lake, suppress, target={"path": str(lake / "treated" / "t"), **more})


@pytest.mark.parametrize("treatment", ["drop", "redact", None])
def test_there_is_something_to_be_alike_in(lake: Path, treatment: str | None) -> None:
    columns = {"a": column("keep", "sensitive"), **({"b": column(treatment)} if treatment else {})}
    with pytest.raises(ConfigError, match="expected a column of class quasi_identifier that stays in the target"):
        config.load(lakes.write_conf(lake, lakes.table("t", lake, columns, suppress={"k": 2})))
