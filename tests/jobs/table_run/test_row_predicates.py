"""``rows`` and ``when``: which rows are read, and which of a column's treatments each row gets. Spark and Delta."""

from __future__ import annotations

import datetime
import io
import json
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import jsonschema
import pyarrow as pa
import pytest
import yaml
from delta.tables import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row, SparkSession
from pyspark.sql.pandas.functions import pandas_udf

import privacy_udfs
from jobs import check, config_schema, plan, pseudonymize
from jobs.archive import restore
from jobs.configuration import config
from jobs.configuration.config import Config, ConfigError
from jobs.console.exit_codes import Refused
from jobs.named_keys import key_use
from jobs.policy.treatment_diff import ColumnDiff, diff, diff_rows, entries_of
from jobs.pseudonymize import Result, run
from jobs.record import treatment_record
from jobs.record.treated_table import UnsafeUse, check_join, check_publishable, privacy_of
from jobs.spark_app import failures, session
from jobs.spark_app.failures import RunFailed
from jobs.table_run.planned import inspected, planned
from jobs.table_run.result import summary
from jobs.table_run.selection import Selection
from jobs.treatment import predicates, treatment_plan
from jobs.treatment.predicates import PredicateError
from jobs.treatment.treatment_plan import PlanError
from privacy_udfs import nested
from privacy_udfs.errors import ValueRefused
from privacy_udfs.keys import create_file, load_keyset
from privacy_udfs.nested import ByRow, Choice, Kept, Leaf, ListNode, StructNode
from tests.helpers import lakes
from tests.helpers.lakes import POLICY, configured, table, write_conf
from tests.helpers.sweeps import but_for

CUSTOMER = {"domain": "customer"}
HASH = {"technique": "keyed_hash", "key": "crm"}
CUT = {"technique": "truncate", "keep": 2}
HOME, ABROAD = "country = 'DE'", "country IS DISTINCT FROM 'DE'"
ROWS = [
    (1, "DE", "10115", "Ann", ("High St", "x1"), [("s1", "for Ann"), ("s2", None)], {"a": "va"}),
    (2, "FR", "75001", "Bo", None, [], {}),
    (3, "DE", None, "Cy", ("Low St", None), None, None),
    (4, None, "99999", None, ("Mid St", "x4"), [("s4", "for nobody")], {"a": "vd", "b": None}),
    (5, "FR", "69001", "Ed", ("Top St", "x5"), [("s5", "for Ed")], {"c": "ve"}),
]
SCHEMA = (
    "id bigint, country string, zip string, name string, address struct<street: string, door: string>, "
    "items array<struct<sku: string, note: string>>, tags map<string, string>"
)
KEEP: dict[str, Any] = dict.fromkeys(
    ["id", "country", "zip", "name", "address.street", "address.door", "items[].sku", "items[].note"], "keep"
) | {"tags{key}": "keep", "tags{value}": "keep"}


def cases(*pairs: tuple[str, Any], class_: str = "quasi_identifier") -> dict[str, Any]:
    """A column with ``when``."""
    return {"class": class_, "when": [{"rows": rows, "treatment": treatment} for rows, treatment in pairs], "why": "x"}


def raw(spark: SparkSession, lake: Path, name: str = "t") -> DataFrame:
    frame = spark.createDataFrame(ROWS, SCHEMA)
    frame.coalesce(1).write.mode("overwrite").parquet(str(lake / "raw" / name))
    return frame


def conf_of(lake: Path, columns: dict[str, Any], **more: Any) -> Config:
    return configured(lake, table("t", lake, {**KEEP, **columns}, **more))


def treated(spark: SparkSession, lake: Path) -> dict[int, Row]:
    return {row["id"]: row for row in lakes.treated(spark, lake).collect()}


def record_of(spark: SparkSession, lake: Path) -> dict[str, Any]:
    return lakes.record(spark, lake)


# -- rows -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", but_for(["delta", "csv"], ["delta", "parquet", "json", "csv", "orc"]))
def test_rows_says_which_rows_leave_the_source(spark: SparkSession, lake: Path, form: str) -> None:
    frame = spark.createDataFrame([(1, "DE"), (2, "FR"), (3, None)], "id bigint, country string")
    frame.write.format(form).option("header", "true").save(f"{lake}/raw/t")
    source = {"format": form, "path": f"{lake}/raw/t"} | ({"schema": frame.schema.toDDL()} if form == "csv" else {})
    entry = table("t", lake, {"id": HASH, "country": "drop"}, source=source, rows=HOME)
    result = run(spark, configured(lake, entry), "t")
    assert result.rows == 1, "neither where it is false nor where it is null"
    assert result.counts["id"] == (1, 0, 0)
    record = record_of(spark, lake)
    assert record["rows"] == HOME
    assert spark.read.format("delta").load(f"{lake}/treated/t").columns == ["id"], "by a column that is dropped"


def test_rows_is_pushed_down_to_the_files(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    held = pseudonymize.prepare(session.for_run(spark), conf_of(lake, {}, rows="id > 3"), "t")
    text = io.StringIO()
    with redirect_stdout(text):
        held.source.rows.explain("formatted")
    assert "GreaterThan(id,3)" in text.getvalue().partition("PushedFilters:")[2].partition("\n")[0]


def test_a_value_that_cannot_be_treated_is_no_matter_in_a_row_that_is_left_out(spark: SparkSession, lake: Path) -> None:
    frame = spark.createDataFrame([(1, "10.1.2.3"), (2, "canary")], "id bigint, ip string")
    frame.write.parquet(f"{lake}/raw/t")
    entry = table("t", lake, {"id": "keep", "ip": {"technique": "truncate_ip"}}, rows="id = 1")
    assert run(spark, configured(lake, entry), "t").counts["ip"] == (1, 0, 0)


@pytest.mark.parametrize("rows", ["id = 2", "email = 'y'", "email IS NOT NULL"])
def test_a_malformed_line_stops_the_job_whatever_rows_says(spark: SparkSession, lake: Path, rows: str) -> None:
    (lake / "raw" / "t").mkdir(parents=True)
    (lake / "raw" / "t" / "a.csv").write_text("id,email\n1,x\n2,y\n3\n4,z,canary-line\n")
    source = {"format": "csv", "path": f"{lake}/raw/t", "schema": "id bigint, email string"}
    conf = configured(lake, table("t", lake, {"id": "keep", "email": HASH}, source=source, rows=rows))
    with pytest.raises(RunFailed, match=r"a\.csv, line [45], has a record of (1 column|3 columns), and 2 are expected"):
        run(spark, conf, "t")


# -- when -------------------------------------------------------------------------------------------------------------

BY_CASES = {
    "id": cases((HOME, "keep"), (ABROAD, "keep")),
    "country": "drop",
    "zip": cases((HOME, "keep"), (ABROAD, CUT)),
    "name": cases(("id <= 2", HASH), ("id > 2", "redact"), class_="direct_identifier"),
    "address.street": cases((ABROAD, {"technique": "mask"}), (HOME, "keep")),
    "items[].note": cases((HOME, "redact"), (ABROAD, {"technique": "mask"})),
    "tags{value}": cases((HOME, "keep"), (ABROAD, {"technique": "redact", "value": "-"})),
}


@pytest.fixture
def done(spark: SparkSession, lake: Path) -> tuple[Config, Result]:
    raw(spark, lake)
    conf = conf_of(lake, BY_CASES)
    return conf, run(spark, conf, "t")


def test_each_row_gets_the_treatment_of_its_case(spark: SparkSession, lake: Path, done: tuple[Config, Result]) -> None:
    rows = treated(spark, lake)
    assert {n: row["zip"] for n, row in rows.items()} == {1: "10115", 2: "75", 3: None, 4: "99", 5: "69"}
    assert {n: row["address"] and tuple(row["address"]) for n, row in rows.items()} == {
        1: ("High St", "x1"),
        2: None,
        3: ("Low St", None),
        4: ("*** **", "x4"),
        5: ("*** **", "x5"),
    }
    notes = {n: row["items"] and [item["note"] for item in row["items"]] for n, row in rows.items()}
    assert notes == {1: [None, None], 2: [], 3: None, 4: ["*** ******"], 5: ["*** **"]}
    tags = {n: row["tags"] for n, row in rows.items()}
    assert tags == {1: {"a": "va"}, 2: {}, 3: None, 4: {"a": "-", "b": None}, 5: {"c": "-"}}
    assert [len(rows[n]["name"]) for n in (1, 2)] == [22, 22]
    assert [rows[n]["name"] for n in (3, 4, 5)] == [None] * 3
    assert "country" not in rows[1]


def test_counts_are_told_by_case(done: tuple[Config, Result]) -> None:
    counts = done[1].counts
    assert (counts["zip{when 2}"], counts["name{when 1}"], counts["name{when 2}"]) == ((3, 0, 0), (2, 0, 0), (2, 1, 0))
    assert (counts["items[].note{when 1}"], counts["items[].note{when 2}"]) == ((1, 1, 0), (2, 0, 0))
    assert "zip{when 1}" not in counts, "what is kept is not counted, here as elsewhere"
    assert [entry.column for entry in summary(done[1]).columns][:3] == [
        "id{when 1}",
        "id{when 2}",
        "country",
    ]


def test_the_record_holds_each_case_with_its_predicate(
    spark: SparkSession, lake: Path, done: tuple[Config, Result]
) -> None:
    columns = record_of(spark, lake)["columns"]
    assert [(columns[f"zip{{when {n}}}"]["rows"], columns[f"zip{{when {n}}}"]["technique"]) for n in (1, 2)] == [
        (HOME, "keep"),
        (ABROAD, "truncate"),
    ]
    assert "zip" not in columns
    assert "rows" not in columns["country"]
    assert "rows" not in record_of(spark, lake)
    schema = spark.read.format("delta").load(f"{lake}/treated/t").schema
    assert schema["zip"].metadata["privacy"] == {f"{{when {n}}}": columns[f"zip{{when {n}}}"] for n in (1, 2)}
    assert columns["name{when 1}"]["domain"] == "t/name", "its own pseudonyms, whichever the case"
    again = run(spark, done[0], "t")
    assert again.version == 1
    assert {part.change for part in plan.against_record(inspected(planned(spark, done[0], "t"))).columns} == {
        "unchanged"
    }


def test_what_a_reader_is_told(spark: SparkSession, lake: Path, done: tuple[Config, Result]) -> None:
    frame = spark.read.format("delta").load(f"{lake}/treated/t")
    told = privacy_of(frame)
    zip_ = told["zip"]
    assert (zip_.is_decided, zip_.is_raw, zip_.technique, zip_.class_) == (True, True, None, "quasi_identifier")
    assert [(case.path, case.technique, case.rows) for case in zip_.cases] == [
        ("zip{when 1}", "keep", HOME),
        ("zip{when 2}", "truncate", ABROAD),
    ]
    assert not told["name"].is_raw
    assert [case.technique for case in told["items[].note"].cases] == ["redact", "mask"]
    assert [case.technique for case in told["tags{value}"].cases] == ["keep", "redact"]
    check_publishable(frame)
    check_join(frame, frame, "name")


@pytest.mark.parametrize(
    ("first", "none", "several"),
    [("country = 'FR'", 3, 0), ("true", 0, 2), ("country <> 'DE'", 3, 0), ("id > 4", 3, 1)],
)
def test_a_row_under_no_case_or_several_stops_the_job(
    spark: SparkSession, lake: Path, first: str, none: int, several: int
) -> None:
    raw(spark, lake)
    second = "country = 'FR'" if several else "false"
    conf = conf_of(lake, {"items[].note": cases((first, "redact"), (second, "keep"))})
    with pytest.raises(RunFailed) as caught:
        run(spark, conf, "t")
    said = (
        f"t: items[].note: of 5 rows in this batch, {none} fall under no case of 'when' and {several} under more than"
    )
    assert said in str(caught.value)
    assert not DeltaTable.isDeltaTable(spark, f"{lake}/treated/t"), "nothing was written"


def test_cases_that_all_keep_are_checked_too(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    conf = conf_of(lake, {"zip": cases((HOME, "keep"), ("country = 'FR'", "keep"))})
    with pytest.raises(RunFailed, match=r"t: zip: of \d rows in this batch, 1 fall under no case"):
        run(spark, conf, "t")


def test_by_the_row_and_by_the_subject(spark: SparkSession, lake: Path) -> None:
    """A date that is shifted by subject in some rows, and coarse in others."""
    days = [(1, datetime.date(2020, 1, 9)), (1, datetime.date(2020, 1, 19)), (2, datetime.date(2020, 5, 17))]
    spark.createDataFrame(days, "id bigint, day date").coalesce(1).write.parquet(f"{lake}/raw/t")
    shift = {"technique": "date_shift", "max_days": 5, "key": "crm", "exclude_zero": True}
    year = {"technique": "generalize_date", "unit": "year"}
    entry = table("t", lake, {"id": "keep", "day": cases(("id = 1", shift), ("id = 2", year))}, subject="id")
    run(spark, configured(lake, entry), "t")
    rows = spark.read.format("delta").load(f"{lake}/treated/t").orderBy("day").collect()
    found = {n: [row["day"] for row in rows if row["id"] == n] for n in (1, 2)}
    assert found[2] == [datetime.date(2020, 1, 1)]
    assert (found[1][1] - found[1][0]).days == 10
    assert 1 <= abs((found[1][0] - days[0][1]).days) <= 5


def test_nulls_take_the_type_of_the_other_cases(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    run(spark, conf_of(lake, {"id": cases(("id < 3", HASH), ("id >= 3", "redact"))}), "t")
    found = spark.read.format("delta").load(f"{lake}/treated/t")
    assert found.schema["id"].dataType.simpleString() == "string"
    assert found.where("id IS NULL").count() == 3


def test_cases_must_give_one_type(spark: SparkSession, lake: Path) -> None:
    schema = spark.createDataFrame([], SCHEMA).schema
    conf = conf_of(lake, {"id": cases(("id < 3", HASH), ("id >= 3", "keep"))})
    with pytest.raises(PlanError, match=r"id: its cases give different types \(\{when 1\} string, \{when 2\} bigint\)"):
        treatment_plan.build(conf.tables["t"], schema, {"crm": 1})
    gone = conf_of(lake, {"nosuch": cases((HOME, "keep"), (ABROAD, CUT))})
    with pytest.raises(PlanError, match=r"nosuch\{when 1\}: .* decides a leaf column that the table does not have"):
        treatment_plan.build(gone.tables["t"], schema, {"crm": 1})


def test_no_map_loses_entries(lake: Path, spark: SparkSession) -> None:
    conf = conf_of(lake, {"tags{key}": cases((HOME, "keep"), (ABROAD, {"technique": "mask"}))})
    with pytest.raises(PlanError, match=r"tags\{key\}\{when 2\}: mask may make two keys of a map equal"):
        treatment_plan.build(conf.tables["t"], spark.createDataFrame([], SCHEMA).schema, {"crm": 1})


# -- the walk, without Spark ------------------------------------------------------------------------------------------

SHORT = Leaf("t: a{when 1}", privacy_udfs.parse({"technique": "truncate", "keep": 1}))


@pytest.mark.parametrize("start", range(4))
def test_slices_and_order(start: int) -> None:
    values = pa.array([["abc", None], None, ["def"], ["ghi", "jkl"]], pa.list_(pa.string()))
    holds = pa.array([True, None, False, True])
    batch = pa.StructArray.from_arrays([values, holds, pc_not(holds)], names=["column", "p", "q"]).slice(start)
    node = ByRow(ListNode(Choice("t: a", {"p": SHORT, "q": Kept()}, pa.string())), ("p", "q"))
    counts: nested.Counts = {}
    if start == 0:
        assert nested.treat(node, batch.slice(2), None, counts).to_pylist() == [["def"], ["g", "j"]]
        assert counts == {"t: a{when 1}": (2, 0, 0)}
    expected = [["a", None], None, ["def"], ["g", "j"]][start:]
    if start < 2:
        with pytest.raises(ValueRefused, match=f"t: a: of {4 - start} rows in this batch, 1 fall under no case"):
            nested.treat(node, batch, None, {})
    else:
        assert nested.treat(node, batch, None, {}).to_pylist() == expected


def pc_not(holds: pa.Array) -> pa.Array:
    return pa.array([None if each is None else not each for each in holds.to_pylist()])


def test_no_rows_and_one_case_for_all() -> None:
    node = ByRow(StructNode({"a": Choice("t: a", {"p": SHORT, "q": Kept()}, pa.string())}), ("p", "q"))
    inner = pa.StructArray.from_arrays([pa.array(["xy", "zz"])], names=["a"])
    batch = pa.StructArray.from_arrays([inner, pa.array([True, True]), pa.array([False, None])], names=["c", "p", "q"])
    assert nested.treat(node, batch, None, {}).to_pylist() == [{"a": "x"}, {"a": "z"}]
    assert nested.treat(node, batch.slice(0, 0), None, {}).to_pylist() == []


# -- predicates that are not taken ------------------------------------------------------------------------------------

REFUSED = {
    "nosuch = 1": r"no column 'nosuch'",
    "zipp = '1'": r"no column 'zipp'; did you mean 'zip'\?",
    "_metadata.file_name = 'x'": "no column",
    "id": "expected a condition",
    "zip, name": "expected one SQL condition",
    "id = 1; DROP TABLE t": "expected one SQL condition",
    "1 = 1 UNION SELECT 1": "expected one SQL condition",
    "rand() > 0.5": "rand is none",
    "uuid() = name": "uuid is none",
    "current_date() > date'2020-01-01'": "current_date is none",
    "current_timestamp > timestamp'2020-01-01'": "current_timestamp is none",
    "current_user() = name": "current_user is none",
    "monotonically_increasing_id() = 1": "monotonically_increasing_id is none",
    "input_file_name() LIKE '%a'": "input_file_name is none",
    "id IN (SELECT 1)": "is none",
    "EXISTS (SELECT 1)": "is none",
    "name IN (SELECT name FROM nosuch)": r"\[TABLE_OR_VIEW_NOT_FOUND\]",
    "count(id) > 1": r"\[INVALID_WHERE_CONDITION\]",
    "row_number() OVER (ORDER BY id) = 1": r"\[WINDOW_FUNCTION",
    "explode(items) IS NULL": r"\[UNSUPPORTED_GENERATOR",
    "reflect('java.lang.System', 'getProperty', 'user.home') = name": "is none",
    "our_sql(id)": "a function that is not Spark's own is none",
    "our_python(id)": "is none",
    "if(id = 1, raise_error(name), true)": "raise_error is none",
    "assert_true(name = 'x') IS NULL": "assert_true is none",
    ":p = 1": r"\[UNBOUND_SQL_PARAMETER\]",
    "cast(name AS int) > 3": r"cast of string to int may fail on a value: write try_cast",
    "name = 5": "cast of string to bigint may fail",
    "exists(items, i -> i.sku = 5)": "cast of string to bigint may fail",
    "cast(id AS int) = 1": "cast of bigint to int may fail",
    "cast(id AS smallint) + 1S > 3": "may fail",
    "to_date(name) > date'2020-01-01'": "to_date is none",
    "items[0].sku = 's1'": "is none",
    "element_at(tags, name) = 'x'": "element_at is none",
    "id > 'abc'": "a constant in it is no bigint",
    "name LIKE zip": "a pattern that is written out",
    "name LIKE '%' || zip": "a pattern that is written out",
}


@pytest.fixture
def rows(spark: SparkSession) -> DataFrame:
    own = session.for_run(spark)
    own.sql("CREATE OR REPLACE TEMPORARY FUNCTION our_sql(x BIGINT) RETURNS BOOLEAN RETURN (SELECT x > 1)")
    own.udf.register("our_python", pandas_udf(lambda ids: ids > 1, "boolean"))
    return own.createDataFrame(ROWS, SCHEMA)


@pytest.mark.parametrize("predicate", REFUSED)
def test_refused(rows: DataFrame, lake: Path, predicate: str) -> None:
    for more, columns, place in (
        ({"rows": predicate}, {}, r"rows \(catalog/t.yaml:1\)"),
        ({}, {"zip": cases((predicate, "keep"), ("id = 1", "keep"))}, r"zip\{when 1\} \(catalog/t.yaml:\d+\)"),
    ):
        conf = conf_of(lake, columns, **more)
        with pytest.raises(PredicateError, match=f"t: 1 predicate.* cannot be used\n  {place}: .*{REFUSED[predicate]}"):
            predicates.check(rows, conf.tables["t"])


TAKEN = {
    "name IS NULL OR NOT startswith(name, 'A')": [2, 3, 4, 5],
    "country <=> 'DE'": [1, 3],
    "coalesce(country, '') NOT IN ('DE', 'FR')": [4],
    "id BETWEEN 2 AND 3": [2, 3],
    "`ID` = 1": [1],
    "id + 1 > '5'": [5],
    "id % 2 = 0 AND id <> 4": [2],
    "try_cast(zip AS int) > 70000": [2, 4],
    "try_cast(name AS int) IS NULL": [1, 2, 3, 4, 5],
    "zip LIKE '1%' OR zip RLIKE '^69'": [1, 5],
    "left(zip, 2) = '75'": [2],
    "address.door IS NOT NULL": [1, 4, 5],
    "exists(items, i -> i.note LIKE 'for %')": [1, 4, 5],
    "size(items) > 0 AND array_contains(array('FR', 'IT'), country)": [5],
    "tags['a'] = 'va'": [1],
    "CASE WHEN country = 'DE' THEN zip IS NULL ELSE id = 2 END": [2, 3],
    "date_add(date'2020-01-01', cast(id AS int)) > date'2020-01-03' -- a remark": None,
    "lower(trim(name)) = 'ann'": [1],
    "date'2020-06-01' - interval 1 year < date'2019-07-01' AND id = 3": [3],
    "true": [1, 2, 3, 4, 5],
    "false": [],
}


@pytest.mark.parametrize("predicate", [text for text, found in TAKEN.items() if found is not None])
def test_taken(rows: DataFrame, lake: Path, predicate: str) -> None:
    entry = conf_of(lake, {}, rows=predicate).tables["t"]
    predicates.check(rows, entry)
    assert sorted(row["id"] for row in rows.where(predicate).collect()) == TAKEN[predicate]


def test_every_faulty_predicate_is_told_at_once(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    conf = conf_of(lake, {"zip": cases(("nosuch", "keep"), ("rand() > 1", "keep"))}, rows="name = 5")
    with pytest.raises(PredicateError) as caught:
        run(spark, conf, "t")
    assert str(caught.value).startswith("t: 3 predicates cannot be used\n  rows (")
    with pytest.raises(PredicateError):
        planned(spark, conf, "t")
    assert not DeltaTable.isDeltaTable(spark, f"{lake}/treated/t")


CANARY = "privacy_udfs.errors.ValueRefused: canary-3e11"


def test_no_value_comes_out_by_a_predicate(spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """What would quote a value is refused; and were it not, the message would not show it."""
    frame = spark.createDataFrame([(1, CANARY), (2, "canary-3e12")], "id bigint, name string")
    frame.write.parquet(f"{lake}/raw/t")
    for rows, error in (("cast(name AS int) = 1", PredicateError), ("name = 7", PredicateError)):
        with pytest.raises(error) as caught:
            run(spark, configured(lake, table("t", lake, {"id": "keep", "name": "drop"}, rows=rows)), "t")
        assert "canary" not in str(caught.value)
    entry = table("t", lake, {"id": "keep", "name": cases(("try_cast(name AS int) = 1", "keep"), ("id = 2", CUT))})
    with pytest.raises(RunFailed, match="1 fall under no case"):
        run(spark, configured(lake, entry), "t")
    out, err = capfd.readouterr()
    assert "canary" not in out + err
    for id_ in (1, 2):
        failing = frame.where(f"id = {id_} AND cast(name AS int) = 1")
        with pytest.raises(PySparkException, match="canary"):
            failing.collect()
        with pytest.raises(RunFailed) as failed:
            failures.translated("t", failing.collect)
        assert "canary" not in str(failed.value)


# -- configuration ----------------------------------------------------------------------------------------------------


def faults(lake: Path, columns: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        configured(lake, table("t", lake, columns, **more))
    return str(caught.value)


def test_a_subject_and_a_layout_may_be_treated_by_cases(lake: Path) -> None:
    entry = table("t", lake, {"id": cases(("id = 1", "keep"), ("id <> 1", "keep"))}, subject="id")
    entry["target"]["partition_by"] = ["id"]
    columns = configured(lake, entry).tables["t"].columns
    assert [(path, rule.rows) for path, rule in columns.items()] == [
        ("id{when 1}", "id = 1"),
        ("id{when 2}", "id <> 1"),
    ]


def test_the_schema_knows_cases(lake: Path) -> None:
    validator = jsonschema.Draft202012Validator(config_schema.schemas()["table.json"])
    one, two = {"rows": HOME, "treatment": "keep"}, {"rows": ABROAD, "treatment": CUT}
    about = {"class": "non_personal", "why": "x"}
    validator.validate(table("t", lake, {"a": {**about, "when": [one, two]}}, rows=HOME))
    for entry in (
        about,
        {**about, "treatment": "keep", "when": [one, two]},
        {**about, "when": [one]},
        {**about, "when": [one, {"treatment": "keep"}]},
        {**about, "when": [one, {"rows": ABROAD}]},
        {**about, "when": [one, {**two, "treatment": {"technique": "nosuch"}}]},
        {**about, "when": [one, {**two, "why": "x"}]},
    ):
        assert not validator.is_valid(table("t", lake, {"a": entry})), entry
    assert not validator.is_valid(table("t", lake, {"a": "keep"}, rows=" "))


def test_domains_agree_between_cases(lake: Path) -> None:
    short = {"technique": "keyed_hash", "key": "crm", "domain": "d", "bits": 64}
    said = faults(lake, {"id": cases(("id = 1", short), ("id <> 1", {**short, "bits": 128}))})
    assert "columns.id.when[1].treatment.domain: another keyed_hash than the one that catalog/t.yaml" in said


def test_policy_judges_every_case(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    policy: dict[str, Any] = {
        **POLICY,
        "require": ["review_by"],
        "classes": {
            "quasi_identifier": {
                "techniques": ["truncate", "keyed_hash"],
                "rules": [{"technique": "truncate", "parameter": "keep", "at_most": 2}],
            }
        },
        "deprecated": [{"key": "crm", "refuse_after": "2020-01-01", "why": "old"}],
    }
    longer = {"technique": "truncate", "keep": 4}
    folder = write_conf(lake, table("t", lake, {"zip": cases(("id = 1", CUT), ("id = 2", longer), ("id = 3", HASH))}))
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    assert check.main(["--conf", str(folder)]) == 1
    out = capsys.readouterr().out
    assert "refused: columns.`zip{when 2}`: policy.yaml asks of truncate" in out
    assert "columns.`zip{when 1}`" not in out
    assert "keys.yaml:1: refused: crm: key crm is refused" in out, "a key that one case uses is used"
    assert "give it for the table, or for zip\n" in out, "a column with cases is one column"
    write_conf(lake, table("t", lake, {"zip": cases(("id = 1", CUT), ("id = 2", "keep"))}))
    (folder / "policy.yaml").write_text(yaml.safe_dump(policy))
    assert check.main(["--conf", str(folder)]) == 2
    assert "columns.zip.when[1].treatment: policy.yaml does not allow keep" in capsys.readouterr().out


def test_raw_in_some_rows_is_not_publishable(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    run(spark, conf_of(lake, {"name": cases((HOME, "redact"), (ABROAD, "keep"), class_="direct_identifier")}), "t")
    with pytest.raises(
        UnsafeUse, match=r"name: a direct identifier that is kept as it is in some rows \(name\{when 2\}\)"
    ):
        check_publishable(spark.read.format("delta").load(f"{lake}/treated/t"))


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"id": cases((ABROAD, CUSTOMER), (HOME, "redact"))}, "by other cases on either side"),
        ({"id": CUSTOMER}, "by other cases on either side"),
        ({"id": cases((HOME, {"domain": "other"}), (ABROAD, "redact"))}, r"id\{when 1\}: domains customer and other"),
        ({"id": cases((HOME, CUSTOMER), (ABROAD, {"domain": "other"}))}, r"id\{when 2\}: redact leaves nothing"),
        ({"id": cases((HOME, CUSTOMER), (ABROAD, "redact"))}, None),
    ],
)
def test_joins_by_cases(spark: SparkSession, lake: Path, columns: dict[str, Any], said: str | None) -> None:
    def schema(columns: dict[str, Any]) -> Any:
        built = treatment_plan.build(
            conf_of(lake, columns).tables["t"], spark.createDataFrame([], SCHEMA).schema, {"crm": 7}
        )
        return Selection(built, treatment_record.entries(built, {each.path: "aa" for each in built.cases}), {}).schema()

    one, other = schema({"id": cases((HOME, CUSTOMER), (ABROAD, "redact"))}), schema(columns)
    if said is None:
        check_join(one, other, "id")
    else:
        with pytest.raises(UnsafeUse, match=said):
            check_join(one, other, "id")


# -- keys -------------------------------------------------------------------------------------------------------------


def test_keys_of_all_cases_are_opened_checked_and_named(spark: SparkSession, lake: Path) -> None:
    raw(spark, lake)
    of_cases = cases((HOME, HASH), (ABROAD, {**HASH, "key": "abroad"}))
    folder = write_conf(lake, table("t", lake, {**KEEP, "id": of_cases}))
    create_file(lake / "keys" / "abroad.json")
    entries = {name: {"keyset": f"file:{lake}/keys/{name}.json"} for name in ("crm", "abroad")}
    (folder / "keys.yaml").write_text(yaml.safe_dump(entries))
    conf = config.load(folder)
    run(spark, conf, "t")
    columns = record_of(spark, lake)["columns"]
    ids = {name: load_keyset(entries[name]["keyset"]).primary_id for name in entries}
    assert (columns["id{when 1}"]["key_id"], columns["id{when 2}"]["key_id"]) == (ids["crm"], ids["abroad"])
    assert columns["id{when 1}"]["key_check"] != columns["id{when 2}"]["key_check"]
    needing = key_use.lookup(conf)
    assert [needing(key_id) for key_id in ids.values()] == [["t"], ["t"]]
    (lake / "keys" / "abroad.json").unlink()
    create_file(lake / "keys" / "abroad.json")
    privacy_udfs.keys.clear_cache()
    with pytest.raises(Refused, match=r"id\{when 2\}: key 'abroad' .* is not the key"):
        run(spark, conf, "t")


# -- what a change means ----------------------------------------------------------------------------------------------


def changes(lake: Path, before: Any, after: Any) -> dict[str, ColumnDiff]:
    sides = [entries_of(configured(lake, table("t", lake, {"zip": rule})), "t") for rule in (before, after)]
    return {each.column: each for each in diff(*sides)}


SPLIT = cases((HOME, CUT), (ABROAD, "redact"))


MOVED = cases(("id = 1", CUT), (ABROAD, "redact"))
THREE = cases((HOME, CUT), (ABROAD, "redact"), ("id = 9", "keep"))


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (SPLIT, SPLIT, ["unchanged", "unchanged"]),
        (CUT, SPLIT, ["changed", "stronger"]),
        (SPLIT, CUT, ["changed", "weaker"]),
        (SPLIT, cases((HOME, "keep"), (ABROAD, "redact")), ["weaker", "unchanged"]),
        (SPLIT, MOVED, ["not comparable", "unchanged"]),
        (SPLIT, cases(("id = 1", "keep"), ("id = 2", "redact")), ["weaker", "not comparable"]),
        (SPLIT, THREE, ["unchanged", "unchanged", "not comparable"]),
        (THREE, SPLIT, ["unchanged", "unchanged", "removed"]),
        ("drop", SPLIT, ["weaker", "weaker"]),
    ],
)
def test_diff_by_case(lake: Path, before: Any, after: Any, expected: list[str]) -> None:
    found = changes(lake, before, after)
    assert {path: each.change for path, each in found.items()} == {
        f"zip{{when {n}}}": change for n, change in enumerate(expected, 1)
    }
    for each in found.values():
        assert (each.change == "unchanged") is not bool(each.effects)


def test_diff_of_rows() -> None:
    found = [diff_rows(*sides) for sides in ((None, "a"), ("a", None), ("a", "b"), ("a", "a"), (None, None))]
    assert [each and each.change for each in found] == ["stronger", "weaker", "not comparable", None, None]


def test_revisions_are_compared_by_rows_too(lake: Path) -> None:
    before, after = (configured(lake, table("t", lake, {"zip": SPLIT}, **more)) for more in ({"rows": HOME}, {}))
    found = plan.against_revision(after, before, "t", "main")
    assert found.is_weaker
    assert found.as_data()["rows"]["change"] == "weaker"
    assert "all rows, no longer only those for which this is true" in found.as_text()
    assert "rows" not in plan.against_revision(before, before, "t", "main").as_data()


def test_plan_shows_and_compares_predicates(
    spark: SparkSession, lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raw(spark, lake)
    folder = write_conf(lake, table("t", lake, {**KEEP, "zip": SPLIT}, rows="id < 4"))
    run(spark, config.load(folder), "t")
    ask = ["--conf", str(folder), "--table", "t"]
    assert plan.main(ask) == 0
    out = capsys.readouterr().out
    assert "only rows for which this is true: id < 4" in out
    assert f"zip{{when 2}}  {ABROAD}" in out
    assert plan.main([*ask, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["rows"] == "id < 4"
    assert [c.get("rows") for c in told["columns"] if c["column"].startswith(("zip", "name"))] == [HOME, ABROAD, None]
    assert plan.main([*ask, "--diff", "record", "--fail-on-weaker"]) == 0
    for rows, code, said in (("id < 3", 1, "(rows)  NOT COMPARABLE"), (None, 1, "(rows)  WEAKER")):
        capsys.readouterr()
        write_conf(lake, table("t", lake, {**KEEP, "zip": SPLIT}, **({} if rows is None else {"rows": rows})))
        assert plan.main([*ask, "--diff", "record", "--fail-on-weaker"]) == code
        assert said in capsys.readouterr().out
    assert plan.main([*ask, "--diff", "record", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["before"] == {"rows": "id < 4"}


def test_snapshots_hold_predicates_and_give_them_back(lake: Path, tmp_path: Path) -> None:
    (lake / "conf").mkdir()
    (lake / "conf" / "levels.csv").write_text("DE;Europe\nFR;Europe\n")
    levels = {"technique": "generalize_hierarchy", "levels_file": "levels.csv"}
    columns = {**BY_CASES, "country": cases((HOME, levels), (ABROAD, "redact"))}
    before = conf_of(lake, columns, rows="id\n  < 4")
    texts = {config.sha256(rows): rows for rows in config.hierarchies(before, "t").values()}
    snapshot = config.snapshot(before, "t")
    restore.restore(snapshot, texts.__getitem__, tmp_path / "back")
    after = config.load(tmp_path / "back")
    assert after.tables == before.tables
    assert (tmp_path / "back" / "levels.csv").read_text() == "DE;Europe\nFR;Europe\n"
    for more, changed in (({"rows": "id < 5"}, columns), ({"rows": "id\n  < 4"}, {**columns, "zip": SPLIT})):
        assert config.snapshot_sha256(conf_of(lake, changed, **more), "t") != config.sha256(snapshot)
