"""Quasi-identifiers are cut into boxes (``mondrian``) once all rows are treated, in the one commit that holds them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize, risk, verify
from jobs.archive import restore
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.configuration.models import Execution
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake.delta_commit import before_commit, left_out
from jobs.risk_search import class_table
from jobs.run_events import events
from jobs.table_run import box_cut
from jobs.table_run.result import summary
from privacy_udfs.errors import UnexpectedFailure
from tests.helpers import kills, lakes
from tests.helpers.growing import PATHS
from tests.helpers.lakes import column, record, treated
from tests.helpers.sweeps import but_for
from tests.jobs.table_run.test_small_classes import files, logged, texts

COLUMNS: Mapping[str, Any] = {
    "person": column({"domain": "customer"}, "direct_identifier"),
    "age": column("keep"),
    "`zip.code`": column({"technique": "truncate", "keep": 5}),
    "town": column("keep"),
    "illness": column("keep", "sensitive"),
    "note": column({"technique": "truncate", "keep": 9}, "non_personal"),
}
SCHEMA = "person string, age int, `zip.code` string, town string, illness string, note string"
CANARY = "Xanadu"
Row = tuple[Any, ...]


def raw(spark: SparkSession, lake: Path, *parts: Sequence[Row], schema: str = SCHEMA) -> None:
    """A file for each list of rows."""
    for rows in parts:
        made = spark.createDataFrame([*rows], schema).coalesce(1)
        made.write.format("delta").mode("append").save(str(lake / "raw" / "t"))


def configured(lake: Path, mondrian: Mapping[str, Any] | None = None, **more: Any) -> Config:
    source = {"format": "delta", "path": str(lake / "raw" / "t")}
    stated = {} if mondrian is None else {"mondrian": dict(mondrian)}
    columns = more.pop("columns", COLUMNS)
    return lakes.configured(lake, lakes.table("t", lake, columns, source=source, **stated, **more))


def run(spark: SparkSession, conf: Config, execution: Execution = "auto", **more: Any) -> pseudonymize.Result:
    return pseudonymize.run(spark, conf, "t", execution=execution, **more)


def boxes(spark: SparkSession, lake: Path) -> Counter[Row]:
    """Of each combination of values how many rows have it."""
    return Counter((row.age, row["zip.code"], row.town) for row in treated(spark, lake).collect())


# By hand, k = 2. Cut at the median of the column that is the widest: age and zip are both as wide as they can be, so
# that age, the first, is cut: 20, 21 | 60, 90. Neither half can be cut again. The least age of a box; of zips what two
# digits, or one, make of them; of towns, which have no ladder, null where there are two.
FOUR = [
    ("p1", 20, "80331", CANARY, "flu", "a"),
    ("p2", 21, "80999", CANARY, "cold", "b"),
    ("p3", 60, "10115", "Berlin", "flu", "c"),
    ("p4", 90, "12043", "Cologne", "cold", "d"),
]
BY_PREFIX = {"`zip.code`": "prefix:2,1"}


@pytest.mark.parametrize("execution", PATHS)
def test_rows_get_the_values_of_their_boxes(
    spark: SparkSession, lake: Path, execution: Execution, capfd: pytest.CaptureFixture[str]
) -> None:
    """In the one commit; and no value that a box hides is left in files, statistics, the log or what is told."""
    raw(spark, lake, FOUR[:3], FOUR[3:])
    configured(lake, {"k": 2, "ladders": BY_PREFIX}, execution=execution)
    assert pseudonymize.main(["--conf", str(lake / "conf"), "--table", "t"]) == 0
    out, err = capfd.readouterr()
    assert boxes(spark, lake) == {(20, "80", CANARY): 2, (60, "1", None): 2}
    found = {row.note: (row.age, row.illness) for row in treated(spark, lake).collect()}
    assert found == {"a": (20, "flu"), "b": (20, "cold"), "c": (60, "flu"), "d": (60, "cold")}
    assert treated(spark, lake).schema["age"].dataType.simpleString() == "int"
    adds = [each["add"] for each in logged(lake) if "add" in each]
    assert {lake / "treated" / "t" / each["path"] for each in adds} == {*files(lake)}, "the first files are gone"
    held = [row for file in files(lake) for row in pq.read_table(file).to_pylist()]
    for hidden in ("Cologne", "Berlin", "80999", "10115", "12043"):
        assert hidden not in str(held) + out + err + texts(lake)
    assert CANARY not in out + err
    (event,) = [json.loads(line) for line in out.splitlines() if '"committed"' in line]
    said = {"asked": {"k": 2}, "columns": 3, "boxes": "< 10", "average_class_size": 2.0, "discernibility": 0.5}
    assert (event["version"], event["rows"], event["execution"]) == (0, 4, execution)
    assert event["mondrian"] == said
    assert (event["risk"]["k"], event["risk"]["asked_by"]) == (2, {"k": "its entry (mondrian)"})
    counted = {each["column"]: each["treated"] for each in event["columns"]}
    assert counted == {"person": 4, "note": 4, **dict.fromkeys(("age", "`zip.code`", "town", "illness"))}
    (commit,) = [json.loads(each["commitInfo"]["userMetadata"]) for each in logged(lake) if "commitInfo" in each]
    hidden_too = "how many values a column of boxes had been null in is told nobody"
    assert (commit["mondrian"], {*commit["counts"]} - {"illness"}) == (said, {"note", "person"}), hidden_too
    assert record(spark, lake)["mondrian"] == {"k": 2, "ladders": {"`zip.code`": "prefix:2,1"}}


def some(count: int) -> list[Row]:
    """Rows of as many people, of whom some lack something."""
    towns = ("Delft", "Leiden", "Ghent", None)
    return [
        (
            f"p{at}",
            None if at % 17 == 5 else 20 + at * 7 % 60,
            f"{10_000 + at * 7919 % 977}",
            towns[at % 4],
            ("flu", "cold", "gout")[at * at % 3],
            f"n{at}",
        )
        for at in range(count)
    ]


@pytest.mark.sweep
def test_however_many_tasks_there_are_the_rows_are_the_same(spark: SparkSession, lake: Path) -> None:
    """On both paths: of one, two and four files, which are as many tasks."""
    found = set()
    for parts in (1, 2, 4):
        made = spark.createDataFrame(some(120), SCHEMA).repartition(parts)
        made.write.format("delta").mode("overwrite").save(str(lake / "raw" / "t"))
        for execution in PATHS:
            done = run(spark, configured(lake, {"k": 5, "ladders": BY_PREFIX}), execution)
            rows = sorted(map(str, treated(spark, lake).drop("person").collect()))
            found.add((str(rows), str(done.mondrian)))
    assert len(found) == 1
    assert min(boxes(spark, lake).values()) >= 5


TYPES: Mapping[str, str] = {
    "a_byte": "cast(id % 5 - 2 AS tinyint)",
    "a_short": "cast(id % 7 AS smallint)",
    "an_int": "if(id % 9 = 0, NULL, cast(id % 11 AS int))",
    "a_long": "id * 7919 % 13",
    "a_float": "if(id % 10 = 0, float('NaN'), cast(id % 3 - 1 AS float))",
    "a_double": "if(id % 8 = 0, double('-0.0'), cast(id % 5 AS double))",
    "a_decimal": "cast(id % 6 AS decimal(38, 10))",
    "a_date": "date_add(date'1969-12-20', cast(id AS int))",
    "a_time": "timestamp_seconds(id * 86399)",
    "a_local_time": "cast(timestamp_seconds(id * 86399) AS timestamp_ntz)",
    "a_text": "concat('x', id % 4)",
    "a_flag": "if(id % 7 = 0, NULL, id % 2 = 0)",
}


@pytest.mark.parametrize("execution", but_for(["spark"], PATHS))
def test_types_stay(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Of all that can be cut; and where a box is in another folder than its rows were."""
    spark.range(0, 60, 1, 3).selectExpr(*(f"{made} AS {name}" for name, made in TYPES.items()), "id").write.format(
        "delta"
    ).save(str(lake / "raw" / "t"))
    columns = {**dict.fromkeys(TYPES, "keep"), "id": column("keep", "non_personal")}
    target = {"path": str(lake / "treated" / "t"), "partition_by": ["a_text"]}
    done = run(spark, configured(lake, {"k": 4}, columns=columns, target=target), execution)
    made, given = treated(spark, lake), spark.read.format("delta").load(str(lake / "raw" / "t"))
    assert {field.name: field.dataType for field in made.schema} == {f.name: f.dataType for f in given.schema}
    rows = made.toArrow().to_pylist()
    sizes = Counter(str([row[name] for name in TYPES]) for row in rows)
    assert len(rows) == done.rows == 60
    assert min(sizes.values()) >= 4
    assert len(sizes) > 4
    assert {row["id"] for row in rows} == {*range(60)}
    folders = {path.name for path in (lake / "treated" / "t").glob("a_text=*")}
    assert folders == {f"a_text={row['a_text'] or '__HIVE_DEFAULT_PARTITION__'}" for row in rows}, "no others are left"


# -- people, and small classes kept out -------------------------------------------------------------------------------


def pairs(*people: tuple[str, int, int]) -> list[Row]:
    """Two rows of each, by their ages."""
    return [(name, age, "10115", "Berlin", "flu", name) for name, *ages in people for age in ages]


def test_people_count_and_not_rows(spark: SparkSession, lake: Path) -> None:
    """Somebody's two rows are one: by rows they would be a box of their own."""
    raw(spark, lake, pairs(("p1", 20, 20), ("p2", 21, 21), ("p3", 40, 40), ("p4", 41, 41)))
    run(spark, configured(lake, {"k": 2}))
    assert sorted(age for age, *_ in boxes(spark, lake)) == [20, 21, 40, 41]
    done = run(spark, configured(lake, {"k": 2}, subject="person"))
    assert boxes(spark, lake) == {(20, "10115", "Berlin"): 4, (40, "10115", "Berlin"): 4}
    assert done.risk is not None
    assert (done.risk["k"], done.risk["counted"]) == (2, "people")


def test_people_are_counted_by_all_of_their_rows(spark: SparkSession, lake: Path) -> None:
    """Each box has two people. But only one of them is in the first and in the second: a class of one, by the gate."""
    raw(spark, lake, pairs(("p1", 20, 60), ("p2", 20, 20), ("p3", 60, 60)))
    with pytest.raises(Refused) as refused:
        run(spark, configured(lake, {"k": 2}, subject="person"))
    assert "risk: k is 1, and 2 is asked by its entry (mondrian)" in str(refused.value)
    assert not files(lake)
    run(spark, configured(lake, {"k": 2}))
    assert boxes(spark, lake) == {(20, "10115", "Berlin"): 3, (60, "10115", "Berlin"): 3}


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_boxes_come_before_small_classes_are_kept_out(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """Who is alone by single ages is not alone in a box and stays; who is alone by all rows goes, from both boxes."""
    rows = pairs(("p1", 20, 60), ("p2", 20, 21), ("p3", 22, 21), ("p4", 60, 61), ("p5", 62, 63))
    raw(spark, lake, rows[:5], rows[5:])
    suppress = {"k": 2, "at_most": 0.2}
    done = run(spark, configured(lake, {"k": 2}, suppress=suppress, subject="person"), execution)
    assert boxes(spark, lake) == {(20, "10115", "Berlin"): 4, (60, "10115", "Berlin"): 4}
    assert {row.note for row in treated(spark, lake).collect()} == {"p2", "p3", "p4", "p5"}
    assert (done.rows, done.suppressed, done.counts) == (8, "< 10", {})
    assert done.mondrian is not None
    assert {*record(spark, lake)} >= {"mondrian", "suppress"}
    with pytest.raises(Refused, match="suppress: classes of fewer than 2 people hold < 10 of 10 rows"):
        run(spark, configured(lake, {"k": 2}, suppress={"k": 2, "at_most": 0.1}, subject="person"), execution)


# -- what is not reached ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("execution", but_for(["columnar"], PATHS))
def test_what_no_box_reaches_leaves_the_target_as_it_was(
    spark: SparkSession, lake: Path, execution: Execution, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake, FOUR)
    run(spark, configured(lake, {"k": 2}), execution)
    before = files(lake), texts(lake)
    for asked in ({"k": 5}, {"k": 2, "l": 3}):
        with pytest.raises(Refused) as refused:
            run(spark, configured(lake, asked), execution)
        assert str(refused.value) == (
            "t: mondrian: not even the whole table as one class reaches what is asked; nothing was committed"
        )
        assert (files(lake), texts(lake)) == before
    few = class_table.count
    monkeypatch.setattr(class_table, "count", lambda *given: few(*given[:5], 3))
    with pytest.raises(
        Refused, match=r"t: mondrian: more than 3 combinations of values: name fewer .* nothing was com"
    ):
        run(spark, configured(lake, {"k": 2}), execution)
    assert (files(lake), texts(lake)) == before


def test_what_risk_asks_is_cut_for_too(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, FOUR)
    done = run(spark, configured(lake, {"k": 2}, risk={"k": 4, "l": 2}))
    assert boxes(spark, lake) == {(20, None, None): 4}
    assert done.risk is not None
    assert done.risk["asked_by"] == {"k": "its entry (risk)", "l": "its entry (risk)"}
    assert done.mondrian is not None
    assert done.mondrian["asked"] == {"k": 4, "l": 2}


def test_sensitive_values_are_spread_in_each_box(spark: SparkSession, lake: Path) -> None:
    """Without l and t a half would have flu alone, and the other colds."""
    raw(spark, lake, [(f"p{at}", 20 + at, "1", "Berlin", "flu" if at < 4 else "cold", "n") for at in range(8)])
    run(spark, configured(lake, {"k": 2}))
    assert {row.age for row in treated(spark, lake).collect()} == {20, 22, 24, 26}
    for asked in ({"l": 2}, {"t": 0.4}):
        run(spark, configured(lake, {"k": 2, **asked}))
        assert {row.age for row in treated(spark, lake).collect()} == {20}


def test_where_no_value_changes_no_file_is_written_anew(
    spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw(spark, lake, [("p", 20, "1", "Berlin", "flu", "a")] * 3 + [("q", 30, "1", "Berlin", "flu", "a")] * 3)
    monkeypatch.setattr(left_out, "_written_anew", None)
    done = run(spark, configured(lake, {"k": 3}))
    assert boxes(spark, lake) == {(20, "1", "Berlin"): 3, (30, "1", "Berlin"): 3}
    assert done.mondrian is not None
    assert done.counts["`zip.code`"] == (6, 0, 0), "then counts are of what is there"


def test_a_table_without_a_row_has_no_boxes(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, [])
    assert run(spark, configured(lake, {"k": 3})).mondrian is None
    assert treated(spark, lake).count() == 0


def test_first_files_that_stay_are_a_fault(spark: SparkSession, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    raw(spark, lake, FOUR)

    def refuse(begun: Any, old: Any) -> None:
        raise UnexpectedFailure("cannot be deleted")

    monkeypatch.setattr(before_commit, "delete", refuse)
    with pytest.raises(UnexpectedFailure, match="cannot be deleted"):
        run(spark, configured(lake, {"k": 2}))
    assert not files(lake)


# -- what is said -----------------------------------------------------------------------------------------------------


def test_other_boxes_are_another_record(spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """So rows are not put beside boxes by other rules; and a plan says what it means, and what older versions show."""
    raw(spark, lake, FOUR)
    done = run(spark, configured(lake, {"k": 2, "l": 2}))
    assert "3 columns in < 10 boxes of 2.0 rows on average, discernibility 0.5" in events._summary(summary(done))
    asked = ["--conf", str(lake / "conf"), "--table", "t", "--diff", "record", "--fail-on-weaker"]
    for stated, said, code in (
        ({"k": 4, "l": 2}, "boxes that quasi-identifiers are cut into: k 2, l 2 -> k 4, l 2 (stronger)", 0),
        ({"k": 2}, "k 2, l 2 -> k 2 (weaker)", 1),
        ({"k": 3}, "k 2, l 2 -> k 3 (cannot be compared)", 1),
        ({"k": 2, "l": 2, "ladders": BY_PREFIX}, "-> k 2, l 2 (`zip.code` by prefix:2,1) (cannot be compared)", 1),
        (None, "k 2, l 2 -> none (weaker)", 1),
    ):
        configured(lake, stated)
        assert plan.main(asked) == code
        assert said in capfd.readouterr().out
    target = {"path": str(lake / "treated" / "t"), "mode": "incremental"}
    raw(spark, lake, FOUR[:1])
    with pytest.raises(Refused, match=r"quasi-identifiers were cut into boxes, or into others \('mondrian'\)"):
        run(spark, configured(lake, target=target))
    configured(lake, {"k": 3, "t": 0.5, "ladders": BY_PREFIX})
    assert plan.main(asked[:4]) == 0
    out, err = capfd.readouterr()
    of = "cut into boxes of 3 rows or more, t 0.5 (mondrian, `zip.code` by prefix:2,1): age, `zip.code`, town"
    assert of in out
    assert f"mondrian: 1 version of delta.`{lake}/treated/t` (0) have no boxes, or smaller ones: time travel" in err
    assert plan.main([*asked[:4], "--json"]) == 0
    shown = json.loads(capfd.readouterr().out.splitlines()[0])
    assert shown["mondrian"] == {"k": 3, "t": 0.5, "ladders": {"`zip.code`": "prefix:2,1"}}


def test_it_is_of_all_rows(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake, FOUR)
    conf = configured(lake, {"k": 2})
    for mode in ("incremental", "changes", "stream"):
        with pytest.raises(BadUsage, match=f"mondrian: boxes are cut in the whole table.*the mode is {mode}: use"):
            run(spark, conf, mode=mode)
    with pytest.raises(BadUsage, match="what stands in quarantine with all other rows"):
        run(spark, conf, requeue=True)


@pytest.mark.parametrize(
    ("mondrian", "more", "said"),
    [
        ({"k": 1}, {}, "mondrian.k: expected"),
        ({}, {}, "mondrian.k: required, and missing"),
        ({"k": 2, "t": 2}, {}, "mondrian.t: expected"),
        ({"k": 2, "kk": 2}, {}, "unknown key"),
        ({"k": 2}, {"mode": "stream"}, "the target's mode is stream: take one of the two out"),
        ({"k": 2, "ladders": {"age": "width:0"}}, {}, "mondrian.ladders.age: width: "),
        ({"k": 2, "ladders": {"age": "prefix:x"}}, {}, "a ladder: expected a CSV"),
        ({"k": 2, "ladders": {"town": "towns.csv"}}, {}, "mondrian.ladders.town: expected a CSV in the folder"),
        ({"k": 2, "ladders": {"note": "prefix:1"}}, {}, "is no quasi_identifier that stays in the target"),
        ({"k": 2, "ladders": {"": "prefix:1"}}, {}, "not a column path"),
    ],
)
def test_what_are_no_boxes(lake: Path, mondrian: dict[str, Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configured(lake, mondrian, target={"path": str(lake / "treated" / "t"), **more})


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"a": column("keep", "sensitive")}, "expected a column of class quasi_identifier that stays in the target"),
        ({"a": column("drop"), "b": column("redact")}, "there is nothing to cut"),
        ({"a": column("keep"), "b": column("drop", "sensitive")}, "mondrian.l: asks something of sensitive columns"),
    ],
)
def test_there_is_something_to_cut(lake: Path, columns: Mapping[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        configured(lake, {"k": 2, "l": 2}, columns=columns)


def test_ladders_of_files_are_kept_with_the_configuration(lake: Path, tmp_path: Path) -> None:
    """So that a configuration from the archive cuts the same boxes, and another file is another configuration."""
    towns = "Delft;South\nLeiden;South\nGhent;Flanders\n"
    lakes.write_conf(lake)
    (lake / "conf" / "towns.csv").write_text(towns, encoding="utf-8")
    conf = configured(lake, {"k": 2, "ladders": {"town": "towns.csv", **BY_PREFIX}})
    assert box_cut.ladders_of(conf.tables["t"])["town"].rungs[1].treatment["levels"][0] == ("Delft", "South")
    kept = {config.sha256(rows): rows for rows in config.hierarchy_rows(conf, "t")}
    names = restore.restore(config.snapshot(conf, "t"), kept.__getitem__, tmp_path / "again")
    assert "towns.csv" in names
    assert (tmp_path / "again" / "towns.csv").read_text(encoding="utf-8") == towns
    (lake / "conf" / "towns.csv").write_text(towns.replace("Flanders", "North"), encoding="utf-8")
    other = configured(lake, {"k": 2, "ladders": {"town": "towns.csv", **BY_PREFIX}})
    assert config.snapshot_sha256(other, "t") != config.snapshot_sha256(conf, "t")


def test_what_is_suggested_is_what_a_run_does(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The printed lines, moved into the entry, give the boxes that they promise; and no value is in them."""
    raw(spark, lake, some(120))
    configured(lake)
    asked = ["--conf", str(lake / "conf"), "--table", "t", "--suggest", "--mondrian", "--k", "5", "--t", "0.6"]
    assert risk.main(asked) == 0
    out = capfd.readouterr().out
    lines = out[out.index("# Boxes (Mondrian)") :]
    entry = yaml.safe_load(lines)
    assert entry == {"mondrian": {"k": 5, "t": 0.6, "ladders": {"`zip.code`": "prefix:4,3,2"}}}
    lost = {line.strip("# ").split("  ")[0]: line.split()[-2:] for line in lines.splitlines() if line[:4] == "#   "}
    assert [*lost][2:] == ["discernibility", "certainty penalty", "average class size", "nonuniform entropy"]
    done = run(spark, configured(lake, entry["mondrian"]))
    assert done.mondrian is not None
    sizes = boxes(spark, lake)
    many = int(lines.split(" boxes of ")[0].split()[-1])
    average = float(lines.split(" boxes of ")[1].split()[0])
    assert (done.mondrian["boxes"], done.mondrian["average_class_size"]) == (many, average), (
        "rounded: some size is rare"
    )
    assert many % 10 == 0
    assert 120 / (many + 10) < average <= 120 / many
    assert many + 9 >= len(sizes), "two boxes without a town may show the same, and are one class then"
    most = sum(n**2 for n in sizes.values()) / 120**2
    assert float(lost["discernibility"][0]) <= float(f"{most:.1g}")
    assert all(float(lost[name][0]) < float(lost[name][1]) for name in ("discernibility", "average class size"))
    assert "Delft" not in out


@pytest.mark.sweep
def test_verify_holds_boxes_to_what_they_are_for(spark: SparkSession, lake: Path) -> None:
    """Their values are none that the source gives row by row. One row that is put elsewhere is a class of its own."""
    raw(spark, lake, some(60))
    conf = configured(lake, {"k": 5, "l": 2, "ladders": BY_PREFIX}, subject="person")
    run(spark, conf)
    found = {check.name: check for check in verify.run(spark, conf, "t").checks}
    assert {check.outcome for check in found.values()} == {"holds"}, found
    assert found["boxes"].said == "3 columns, k by people"
    assert found["rows anew"].said == (
        "60 rows of the source, 3 columns; `zip.code`, age, town: not, for their values are of boxes (mondrian)"
    )
    spark.sql(f"UPDATE delta.`{lake}/treated/t` SET age = 7 WHERE note = 'n3'")
    found = {check.name: check for check in verify.run(spark, conf, "t").checks}
    assert found["boxes"].faults == ("a class has fewer than 5 people", "illness: a class has fewer than 2 values")
    alone = verify.run(spark, None, path=str(lake / "treated" / "t")).checks
    assert next(each for each in alone if each.name == "boxes").faults == ("a class has fewer than 5 rows",)


@pytest.mark.sweep
def test_verify_holds_boxes_to_a_stricter_policy(spark: SparkSession, lake: Path) -> None:
    """Three people in a class are enough for the entry's ``mondrian``, and not for the policy's risk."""
    raw(spark, lake, some(60))
    configured(lake, {"k": 2, "ladders": BY_PREFIX}, subject="person")
    policy = lake / "conf" / "policy.yaml"
    policy.write_text(yaml.safe_dump({**yaml.safe_load(policy.read_text()), "risk": {"k": 5}}))
    conf = config.load(lake / "conf")
    run(spark, conf)
    assert next(each for each in verify.run(spark, conf, "t").checks if each.name == "boxes").outcome == "holds"
    three = "note IN ('n3', 'n4', 'n5')"
    spark.sql(f"UPDATE delta.`{lake}/treated/t` SET age = 7, `zip.code` = '7', town = 'Delft' WHERE {three}")
    found = next(each for each in verify.run(spark, conf, "t").checks if each.name == "boxes")
    assert found.faults == ("a class has fewer than 5 people",)


KILLED = [("jobs.risk_search.mondrian", "cut"), ("jobs.lake.delta_commit.before_commit", "look")]


@pytest.mark.sweep
@pytest.mark.parametrize(("module", "name"), KILLED)
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_run_that_is_killed_while_it_cuts_leaves_the_table_as_it_was(
    spark: SparkSession, lake: Path, module: str, name: str, when: str
) -> None:
    raw(spark, lake, some(60))
    conf = configured(lake, {"k": 5, "ladders": BY_PREFIX})
    run(spark, conf)
    log = lake / "treated" / "t" / "_delta_log"
    before = {path.name for path in log.glob("*.json")}, boxes(spark, lake)
    raw(spark, lake, some(30))
    kills.killed(lake, module, name, when)
    assert ({path.name for path in log.glob("*.json")}, boxes(spark, lake)) == before
    run(spark, conf)
    assert sum(boxes(spark, lake).values()) == 90
    assert min(boxes(spark, lake).values()) >= 5


def test_lineage_names_the_step(spark: SparkSession, lake: Path) -> None:
    """Of each column of boxes that it depends on all that decides about them."""
    raw(spark, lake, FOUR)
    heard: list[events.Event] = []
    pseudonymize.run(spark, configured(lake, {"k": 2, "l": 2, "ladders": BY_PREFIX}), "t", report=heard.append)
    (begun,) = [event for event in heard if isinstance(event, events.Begun)]
    assert begun.steps is not None
    told = begun.steps()
    step = told.steps[-2]
    assert (step.function, step.parameters["k"], step.parameters["l"]) == ("mondrian", 2, 2)
    assert step.parameters["ladders"] == {"`zip.code`": "prefix:2,1"}
    assert step.outputs == ("age", "`zip.code`", "town")
    assert step.inputs == (*step.outputs, "illness")
    of_town = {(edge.input, edge.subtype) for edge in told.edges if edge.output == "town"}
    decide = {(name, "CONDITIONAL") for name in ("age", "`zip.code`", "illness")}
    assert of_town == {("town", "TRANSFORMATION"), *decide}
