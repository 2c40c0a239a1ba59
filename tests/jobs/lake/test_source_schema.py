"""What is known of a source before its rows are read: types, partition folders, earlier treatment, and mistakes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs import plan, pseudonymize
from jobs.configuration.models import Source
from jobs.console.exit_codes import Refused
from jobs.lake import read
from jobs.lake.problems import SourceProblem
from jobs.pseudonymize import run
from jobs.spark_app import session
from tests.helpers.lakes import column, configured, table, write_conf
from tests.helpers.sweeps import but_for

CUSTOMER = {"technique": "keyed_hash", "key": "crm", "domain": "names"}
"""It trims nothing: padding would show."""


@pytest.fixture
def own(spark: SparkSession) -> SparkSession:
    return session.for_run(spark)


@pytest.fixture
def names(spark: SparkSession) -> Iterator[SparkSession]:
    spark.sql("CREATE DATABASE IF NOT EXISTS kinds")
    yield spark
    spark.sql("DROP DATABASE kinds CASCADE")


def write(folder: Path, values: dict[str, Any] | None = None, name: str = "a") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(values or {"x": [1]}), folder / f"{name}.parquet")
    return folder


def parquet(path: Path, **more: Any) -> Source:
    return Source(path=str(path), format="parquet", **more)


# -- CHAR -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["delta", "parquet"])
def test_char_of_any_length_and_text_have_one_pseudonym(names: SparkSession, lake: Path, form: str) -> None:
    names.sql(f"CREATE TABLE kinds.t (a CHAR(6), b CHAR(10), c STRING, d VARCHAR(9), kept CHAR(5)) USING {form}")
    names.sql("INSERT INTO kinds.t VALUES ('Ann', 'Ann', 'Ann', 'Ann', 'Bo'), ('', '', '', '', NULL)")
    columns = {**dict.fromkeys("abcd", CUSTOMER), "kept": "keep"}
    run(names, configured(lake, table("t", lake, columns, source={"table": "kinds.t"})), "t")
    treated = names.read.format("delta").load(str(lake / "treated" / "t"))
    rows = treated.collect()
    assert all(row["a"] == row["b"] == row["c"] == row["d"] for row in rows)
    assert {row["kept"] for row in rows} == {"Bo", None}
    assert [name for name, type_ in treated.dtypes if type_ != "string"] == []
    assert not any("CHAR" in key for field in treated.schema.fields for key in field.metadata)


def test_char_inside_structs_arrays_and_maps(names: SparkSession, own: SparkSession) -> None:
    names.sql(
        "CREATE TABLE kinds.t (s STRUCT<c: CHAR(4), v: VARCHAR(4)>, a ARRAY<STRUCT<c: CHAR(3)>>, "
        "m MAP<CHAR(2), CHAR(3)>, n STRUCT<c: CHAR(4)>) USING delta"
    )
    names.sql(
        "INSERT INTO kinds.t VALUES (named_struct('c', 'x', 'v', 'y '), array(named_struct('c', 'y')), "
        "map('k', 'v', 'l', NULL), NULL)"
    )
    row = read.rows_of(own, Source(table="kinds.t")).rows.collect()[0]
    assert row["s"].asDict() == {"c": "x", "v": "y "}
    assert [element["c"] for element in row["a"]] == ["y"]
    assert row["m"] == {"k": "v", "l": None}
    assert row["n"] is None


def test_metadata_of_a_source_is_not_carried_on(spark: SparkSession, lake: Path) -> None:
    path = str(lake / "raw" / "t")
    spark.sql(f"CREATE TABLE delta.`{path}` (s STRUCT<c: INT COMMENT 'canary'> COMMENT 'canary') USING delta")
    source = {"format": "delta", "path": path}
    run(spark, configured(lake, table("t", lake, {"s": "redact"}, source=source)), "t")
    assert "canary" not in spark.read.format("delta").load(str(lake / "treated" / "t")).schema.json()


# -- partition folders ------------------------------------------------------------------------------------------------

FOLDERS = ("cust=007", "cust=7", "cust=1e3", "cust=a%2Fb %3D", "cust=__HIVE_DEFAULT_PARTITION__")


def test_partition_values_are_text(own: SparkSession, lake: Path) -> None:
    for folder in FOLDERS:
        write(lake / "t" / folder)
    found = read.rows_of(own, parquet(lake / "t"))
    assert found.partitions == ("cust",)
    assert {row["cust"] for row in found.rows.collect()} == {"007", "7", "1e3", "a/b =", None}


def test_files_that_are_left_out_may_lie_beside_partition_folders(own: SparkSession, lake: Path) -> None:
    write(lake / "a b" / "cust=7")
    write(lake / "a b", name="notes")
    (lake / "a b" / "_SUCCESS").touch()
    with pytest.raises(SourceProblem, match="files lie beside its partition folders"):
        read.rows_of(own, parquet(lake / "a b"))
    found = read.rows_of(own, parquet(lake / "a b", options={"pathglobfilter": "a*.parquet"}))
    assert [row["cust"] for row in found.rows.collect()] == ["7"]


@pytest.mark.parametrize("form", but_for(["csv"], ["orc", "csv", "json"]))
def test_partition_values_are_text_in_every_format(own: SparkSession, lake: Path, form: str) -> None:
    rows = own.createDataFrame([("007", "x"), ("7", "y")], "cust string, note string")
    rows.write.partitionBy("cust").option("header", "true").format(form).save(str(lake / "t"))
    found = read.rows_of(own, Source.model_validate({"path": str(lake / "t"), "format": form}))
    assert {row["cust"] for row in found.rows.collect()} == {"007", "7"}


def test_a_stated_type_is_taken(own: SparkSession, lake: Path) -> None:
    for folder in ("cust=007/day=2026-11-30", "cust=__HIVE_DEFAULT_PARTITION__/day=2026-12-01"):
        write(lake / "t" / folder)
    rows = read.rows_of(own, parquet(lake / "t", partitions={"cust": "int", "day": "date"})).rows
    assert dict(rows.dtypes) == {"x": "bigint", "cust": "int", "day": "date"}
    assert {row["cust"] for row in rows.collect()} == {7, None}
    with pytest.raises(SourceProblem, match=r"partitions: no folder is called dai=\.\.\.; did you mean 'day'\?"):
        read.rows_of(own, parquet(lake / "t", partitions={"dai": "date"}))


@pytest.mark.parametrize("value", but_for(["1e3", "7%0A"], ["1e3", "canary", "7.9", "7%0A"]))
def test_a_folder_that_is_not_of_the_stated_type_stops_the_run(spark: SparkSession, lake: Path, value: str) -> None:
    write(lake / "t" / f"cust={value}")
    source = {"format": "parquet", "path": str(lake / "t"), "partitions": {"cust": "int"}}
    conf = configured(lake, table("t", lake, {"x": "keep", "cust": column("keep", "non_personal")}, source=source))
    with pytest.raises(Exception, match=r"t: a partition folder cust=\.\.\. holds a value that is no int") as caught:
        run(spark, conf, "t")
    assert value not in str(caught.value)
    assert not list((lake / "treated").glob("t/_delta_log/*.json"))


# -- a source that is treated -----------------------------------------------------------------------------------------


def test_a_treated_source_is_treated_again_on_purpose_only(names: SparkSession, lake: Path) -> None:
    write(lake / "raw" / "first", {"id": ["1"], "note": ["x"]})
    run(names, configured(lake, table("first", lake, {"id": CUSTOMER, "note": "keep"})), "first")
    path = str(lake / "treated" / "first")
    treated = names.read.format("delta").load(path)
    treated.write.parquet(str(lake / "copy"))
    names.sql(f"CREATE VIEW kinds.v AS SELECT concat(note, '!') AS other FROM delta.`{path}`")
    sources: dict[str, dict[str, Any]] = {
        "delta": {"format": "delta", "path": path},
        "copied": {"format": "parquet", "path": str(lake / "copy")},
        "viewed": {"table": "kinds.v"},
    }
    for name, source in sources.items():
        columns = dict.fromkeys(["other"] if name == "viewed" else ["id", "note"], CUSTOMER)
        conf = configured(lake, table(name, lake, columns, source=source))
        with pytest.raises(Refused, match="is itself a treated table"):
            run(names, conf, name)
        assert plan.main(["--conf", str(lake / "conf"), "--table", name]) == 1
    again = {**sources["delta"], "treated_again": "accepted"}
    assert run(names, configured(lake, table("again", lake, {"id": CUSTOMER, "note": "keep"}, source=again)), "again")


def test_foreign_metadata_is_no_treatment(own: SparkSession, lake: Path) -> None:
    rows = own.range(1)
    rows.select(rows.id.alias("id", metadata={"privacy": "low"})).write.parquet(str(lake / "t"))
    assert not read.rows_of(own, parquet(lake / "t")).is_treated


# -- paths that are personal data -------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["parquet", "delta"])
def test_personal_values_in_paths_need_consent(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str], form: str
) -> None:
    rows = spark.createDataFrame([("canary", "DE", 1)], "name string, country string, visits int")
    rows.write.partitionBy("name", "country").format(form).save(str(lake / "t"))
    source = {"format": form, "path": str(lake / "t")}
    columns = {
        "name": column(CUSTOMER, "direct_identifier"),
        "country": column("keep", "non_personal"),
        "visits": "keep",
    }
    conf = configured(lake, table("t", lake, columns, source=source))
    with pytest.raises(Refused, match="is partitioned by name, which is direct_identifier") as caught:
        run(spark, conf, "t")
    assert "country" not in str(caught.value)
    assert plan.main(["--conf", str(lake / "conf"), "--table", "t"]) == 1
    assert "canary" not in str(caught.value) + "".join(capsys.readouterr())
    accepted = {**source, "personal_paths": "accepted"}
    assert run(spark, configured(lake, table("t", lake, columns, source=accepted)), "t").rows == 1


# -- mistakes that are known before rows are read ---------------------------------------------------------------------

Make = Callable[[Path, SparkSession], dict[str, Any]]


def files(form: str = "parquet", **more: Any) -> Callable[[Path], dict[str, Any]]:
    return lambda path: {"format": form, "path": str(path), **more}


def of_type(type_: pa.DataType, value: Any = None) -> Callable[[Path], None]:
    return lambda path: _write_new(path, pa.array([value], type_))


def _write_new(path: Path, values: pa.Array, name: str = "a") -> None:
    path.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"x": values}), path / f"{name}.parquet", version="2.6")


def two_types(path: Path) -> None:
    _write_new(path, pa.array([1], pa.int32()))
    _write_new(path, pa.array([2], pa.int64()), "b")


def two_nested_types(path: Path) -> None:
    write(path, {"s": [{"y": 1}]})
    write(path, {"s": [{"y": "canary"}]}, "b")


def folders(*names: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        for name in names:
            write(path / name)

    return make


def text(name: str) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        path.mkdir()
        (path / name).write_text("canary,1\n" * 9)

    return make


def twice(path: Path) -> None:
    path.mkdir()
    pq.write_table(pa.table({"x": ["1"], "X": ["canary"]}), path / "a.parquet")


def nothing(path: Path) -> None:
    pass


MISTAKES: dict[str, tuple[Callable[[Path], None], Callable[[Path], dict[str, Any]], str]] = {
    "missing": (nothing, files(), "nothing is there: mend 'path'"),
    "missing_orc": (nothing, files("orc"), "nothing is there: mend 'path'"),
    "missing_delta": (nothing, files("delta"), "no Delta table is there: mend 'path' or 'format'"),
    "glob": (nothing, lambda p: files()(p / "*" / "[ab]"), "or its wildcards, which match nothing"),
    "glob_unclosed": (folders("a"), lambda p: files()(p / "[a"), "a bracket or brace in it is not closed"),
    "empty": (Path.mkdir, files(), "no file of format parquet is there"),
    "empty_orc": (Path.mkdir, files("orc"), "no file of format orc is there"),
    "empty_delta": (Path.mkdir, files("delta"), "no Delta table is there"),
    "scheme": (nothing, lambda _: {"format": "parquet", "path": "xyz://lake/t"}, "Spark has no file system for xyz://"),
    "no_table": (nothing, lambda _: {"table": "kinds.nope"}, "no table or view is called so"),
    "no_database": (nothing, lambda _: {"table": "nope.nope"}, "no table or view is called so"),
    "travel": (folders("."), lambda _: {"table": "kinds.p", "options": {"versionAsOf": "1"}}, "has no versions"),
    "nanoseconds": (
        of_type(pa.timestamp("ns"), 1),
        files(),
        "x (in a.parquet) is of the Parquet type INT64 (TIMESTAMP",
    ),
    "time": (of_type(pa.time64("us"), 1), files(), "x (in a.parquet) is a time of day"),
    "half": (of_type(pa.float16()), files(), "x (in a.parquet) is of the Parquet type"),
    "wide": (of_type(pa.decimal256(60, 2), Decimal(1)), files(), "x (in a.parquet) is a decimal of 60 digits"),
    "two_types": (two_types, files(), "its files hold x (int and bigint) in two types"),
    "nested": (two_nested_types, files(), "its files hold s.y (bigint and string) in two types"),
    "twice": (twice, files(), "two columns are called x"),
    "not_parquet": (text("a.parquet"), files(), "a.parquet cannot be read as parquet"),
    "not_orc": (text("a.orc"), files("orc"), "a.orc cannot be read as orc"),
    "depth": (folders("cust=canary", "cust=canary/y=1"), files(), "name different columns, or are of different depth"),
    "beside": (folders("cust=canary", "."), files(), "files lie beside its partition folders"),
    "other": (folders("cust=canary", "other"), files(), "some files lie in partition folders"),
    "no_value": (folders("cust="), files(), "names a column and no value"),
    "in_both": (folders("X=canary"), files(), "X is a column of the files and of their folders"),
    "no_schema": (
        text("a.csv"),
        files("csv", schema="x strng"),
        "'schema' of the source is no list of columns with types",
    ),
    "a_type": (text("a.csv"), files("csv", schema="bigint"), "'schema' of the source is no list of columns with types"),
    "no_schema_json": (
        text("a.json"),
        files("json", schema="x, y"),
        "'schema' of the source is no list of columns with",
    ),
    "partitions": (folders("cust=1"), files(partitions={"kust": "int"}), "no folder is called kust"),
}


def test_mistakes_are_told_with_table_column_or_file_and_no_value(
    names: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names.sql("CREATE TABLE kinds.p (x INT) USING parquet")
    entries = []
    for name, (make, source, _) in MISTAKES.items():
        make(lake / name)
        entries.append(table(name, lake, {"x": "keep"}, source=source(lake / name)))
    capsys.readouterr()
    assert pseudonymize.main(["--conf", str(write_conf(lake, *entries)), "--all"]) == 1
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    told = {event["table"]: event for event in said if event["event"] == "failed"}
    wrong = {name: told.get(name) for name, (_, _, message) in MISTAKES.items() if message not in str(told.get(name))}
    assert wrong == {}
    assert {event["exit_code"] for event in told.values()} == {1}
    assert "canary" not in str(told)


def test_types_that_delta_cannot_store_are_named(spark: SparkSession, lake: Path) -> None:
    spark.sql("SELECT INTERVAL '1' DAY AS span, named_struct('v', NULL) AS s").write.parquet(str(lake / "raw" / "t"))
    conf = configured(lake, table("t", lake, {"span": "keep", "s": "redact"}))
    with pytest.raises(Exception, match="span: Delta cannot store interval day: drop it") as caught:
        run(spark, conf, "t")
    assert "s: Delta cannot store void" in str(caught.value)
    dropped = {"span": "drop", "s": "drop", "id": "keep"}
    spark.range(1).selectExpr("id", "INTERVAL '1' DAY AS span", "named_struct('v', NULL) AS s").write.mode(
        "overwrite"
    ).parquet(str(lake / "raw" / "t"))
    assert run(spark, configured(lake, table("t", lake, dropped)), "t").rows == 1


def test_names_that_differ_in_case_between_files_are_one_column(own: SparkSession, lake: Path) -> None:
    write(lake / "t", {"id": ["1"]})
    write(lake / "t", {"ID": ["2"]}, "b")
    rows = read.rows_of(own, parquet(lake / "t")).rows
    assert {row[0] for row in rows.collect()} == {"1", "2"}


def test_settings_of_the_caller_do_not_change_what_is_read(spark: SparkSession, lake: Path) -> None:
    write(lake / "t" / "cust=007", {"x": ["1"]})
    (lake / "t" / "cust=007" / "b.parquet").write_text("canary")
    caller = spark.newSession()
    for name, value in {
        "spark.sql.files.ignoreCorruptFiles": "true",
        "spark.sql.sources.partitionColumnTypeInference.enabled": "true",
        "spark.sql.caseSensitive": "true",
    }.items():
        caller.conf.set(name, value)
    with pytest.raises(SourceProblem, match=r"b\.parquet cannot be read as parquet"):
        read.rows_of(session.for_run(caller), parquet(lake / "t"))
    (lake / "t" / "cust=007" / "b.parquet").unlink()
    assert read.rows_of(session.for_run(caller), parquet(lake / "t")).rows.collect()[0]["cust"] == "007"
