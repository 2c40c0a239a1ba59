"""JSON lines and JSON files: one object, one row, every key once; else refused. Real files, real Spark."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake import read
from jobs.lake.pinned_settings import PINNED
from jobs.lake.problems import SourceProblem
from jobs.lake.text_sources import json_documents, text_source
from jobs.pseudonymize import run
from jobs.spark_app.failures import RunFailed, translated
from jobs.spark_app.session import for_run
from jobs.treatment.treatment_plan import PlanError
from privacy_udfs.errors import SourceRefused
from tests.helpers.lakes import configured, table
from tests.helpers.sweeps import but_for


def rows(
    spark: SparkSession, folder: Path, text: bytes | dict[str, bytes], schema: str | None = None, **options: str
) -> Any:
    for name, content in (text if isinstance(text, dict) else {"a.json": text}).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    source = {"format": "json", "path": str(folder), "options": options}
    entry = Source.model_validate({**source, **({"schema": schema} if schema else {})})

    def found() -> list[tuple[Any, ...]]:
        return sorted((tuple(row) for row in read.rows_of(for_run(spark), entry).rows.collect()), key=repr)

    return translated("t", found)


LINES = [
    b'{"a": 1, "s": "Ann", "s": "Bo"}',
    b'{"a": 1, "s": "Ann", "\\u0073": "Bo"}',
    b'{"a": 1, "x": [{"y": "Ann", "y": 2}]}',
    b'{"a": 1, "s": "Ann"} {"a": 2}',
    b'{"a": 1, "s": "Ann"},{"a": 2}',
    b'{"a": 1, "s": "Ann"}],[{"a": 2}',
    b'{"a": 1, "s": "Ann"} x',
    b'{"a": 1, "s": "Ann"',
    b'{"a": 1, "s": "Ann\xe9"}',
    b'{"a": 1, "s": "Ann\\ud83d"}',
    b'{"a": 99999999999, "s": "Ann"}',
    b'{"a": 1.5, "s": "Ann"}',
    b'{"a": "Ann", "s": "Ann"}',
    b'"Ann"',
    b'{"A": 1, "s": "Ann"}',
    b'{"a": 1, "d": 1.239, "s": "Ann"}',
    b'{"a": 1, "d": "1,5", "s": "Ann"}',
    b'{"a": 1, "s": "Ann", "day": "2020-01-01 Ann"}',
    b'{"a": 1, "s": "Ann", "at": "10:00"}',
]


@pytest.mark.parametrize("line", but_for([LINES[at] for at in (0, 2, 3, 8, 9, 10, 15)], LINES))
def test_a_line_that_is_not_one_object_is_refused(spark: SparkSession, lake: Path, line: bytes) -> None:
    text = b'{"a": 0, "s": "Bo"}\n' + line + b"\n"
    with pytest.raises(RunFailed, match=r"^t: the JSON file .*a.json holds ") as refused:
        rows(spark, lake / "t", text, "a int, s string, d decimal(10, 2), day date, at timestamp")
    assert "Ann" not in str(refused.value)


def test_right_lines_are_read(spark: SparkSession, lake: Path) -> None:
    text = (
        b'\xef\xbb\xbf{"a": 1.230, "_corrupt_record": "x"}\r\n\n'
        b'{"_corrupt_record": "\\ud83d\\ude00", "a": "\\\\ud83d"}\n'
    )
    assert rows(spark, lake / "t", text) == [("x", "1.230"), ("\U0001f600", "\\ud83d")]
    assert rows(spark, lake / "n", b'{"a": {"b": [1, 2]}, "c": null}\n', "a struct<b: array<int>>, c string") == [
        (((  [1, 2]),), None)
    ]  # fmt: skip
    folders = {"c=007/a.json": b'{"a": 1}\n', "c=7/a.json": b'{"a": 2}\n'}
    assert rows(spark, lake / "f", folders) == [(1, "007"), (2, "7")]
    assert rows(spark, lake / "f", folders, "a int, c int") == [(1, 7), (2, 7)]
    assert str(rows(spark, lake / "d", b'{"a": 1.230, "B": 7}\n', "a decimal(10, 2)")[0][0]) == "1.23"


def test_counts_and_limits(spark: SparkSession, lake: Path) -> None:
    assert rows(spark, lake / "t", b'{"a": 1}\n{"a": 2}\n{"a": 3}\n') == [(1,), (2,), (3,)]
    found = read.rows_of(for_run(spark), Source.model_validate({"format": "json", "path": str(lake / "t")})).rows
    assert (found.count(), found.limit(2).count(), found.where("a > 1").count()) == (3, 2, 2)
    (lake / "t" / "b.json").write_bytes(b'{"a": 4, "a": 5}\n')
    source = Source.model_validate({"format": "json", "path": str(lake / "t")})
    with pytest.raises(SourceProblem, match="one key twice"):
        read.rows_of(for_run(spark), source)
    found = read.rows_of(for_run(spark), source.model_copy(update={"schema_": "a int"})).rows
    for query in (found.where("a > 100"), found.groupBy().count()):
        with pytest.raises(RunFailed, match=r"b.json holds"):
            translated("t", query.collect)


def test_files_are_read_with_the_settings_of_the_run(spark: SparkSession) -> None:
    own = text_source.session(for_run(spark))
    for name in ("spark.sql.session.timeZone", "spark.sql.json.enableExactStringParsing", "spark.sql.caseSensitive"):
        assert own.conf.get(name) == PINNED[name]


def test_whole_files(spark: SparkSession, lake: Path) -> None:
    files = {"a.json": b'[\n{"a": 1},\n {"a": 2}]\n', "b.json": b'\xef\xbb\xbf{"a":\n3}', "c.json": b"[]"}
    assert rows(spark, lake / "t", files, multiLine="true") == [(1,), (2,), (3,)]
    for at, text in enumerate(
        (b'{"a": 1}\n{"a": "Ann"}', b'[{"a": 1}] [{"a": "Ann"}]', b'[{"a": 1}, {"a": 2, "a": "Ann"}]')
    ):
        with pytest.raises(RunFailed, match=r"JSON file .*a.json") as refused:
            rows(spark, lake / str(at), text, "a string", multiLine="true")
        assert "Ann" not in str(refused.value)


def test_names_that_are_values_are_not_told(spark: SparkSession, lake: Path) -> None:
    rows(spark, lake / "t", b'{"id": 1, "x": {"Ann Smith": 2}, "Bo Li": 3}\n')
    source = {"format": "json", "path": str(lake / "t")}
    with pytest.raises(PlanError, match=r"(?s)column 1: no decision.*a field of column 3: no decision") as refused:
        run(spark, configured(lake, table("t", lake, {"id": "keep"}, source=source)), "t")
    assert "Ann" not in str(refused.value)
    assert "Bo Li" not in str(refused.value)


@pytest.mark.parametrize("options", [{"Mode": "FAILFAST"}, {"allowSingleQuotes": "true"}, {"encoding": "ISO-8859-1"}])
def test_options_that_would_change_what_is_read(spark: SparkSession, lake: Path, options: dict[str, str]) -> None:
    with pytest.raises(SourceProblem, match=r"options\.\w+: "):
        rows(spark, lake / "t", b'{"a": 1}\n', **options)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.dictionaries(st.text(max_size=3), values, max_size=3), max_size=5), st.sampled_from([None, 1]))
def test_the_elements_of_a_file_are_its_objects(objects: list[Any], indent: int | None) -> None:
    text = json.dumps(objects, indent=indent)
    assert [json.loads(found) for found in json_documents.elements(text, "f")] == objects
    for broken in (text + "[]", text[:-1], text + " ]"):
        with pytest.raises(SourceRefused, match=r"^JSON file f is not one JSON value"):
            list(json_documents.elements(broken, "f"))


def test_times_without_a_zone_are_utc_whatever_zone_the_cluster_is_in(spark, tmp_path):
    (tmp_path / "t.json").write_text('{"at": "2026-07-01 10:00:00"}\n')
    cluster, name = spark.sparkContext._jsc.sc().conf(), "spark.sql.session.timeZone"
    before = cluster.get(name)
    cluster.set(name, "America/New_York")
    try:
        source = Source.model_validate({"format": "json", "path": str(tmp_path), "schema": "at timestamp"})
        found = read.rows_of(for_run(spark), source).rows.selectExpr("cast(at AS string)").collect()
    finally:
        cluster.set(name, before)
    assert [row[0] for row in found] == ["2026-07-01 10:00:00"]
