"""Same table from any source: of each it is said whether the columnar path reads it, and why not."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.lake.problems import SourceProblem
from privacy_udfs.errors import LakenymError
from tests.helpers import two_paths

pytestmark = pytest.mark.sweep

NAMED = "CREATE TABLE {} (id INT, `the name` STRING, s STRUCT<a: INT, b: STRING>, l ARRAY<STRUCT<c: INT>>, gone INT) " \
    "USING delta TBLPROPERTIES ('delta.columnMapping.mode' = '%s')"  # fmt: skip
ROW = "INSERT INTO {} SELECT 1, 'x', struct(1 AS a, 'b' AS b), array(struct(2 AS c), NULL), 3"
DELTA: dict[str, tuple[Sequence[str], str | None]] = {
    "many small files": (
        ["CREATE TABLE {} (id INT, d DOUBLE) USING delta", *["INSERT INTO {} VALUES (1, -0.0D), (2, NULL)"] * 4,
         "DELETE FROM {} WHERE id = 2"],
        None,
    ),
    "partitioned": (
        ["CREATE TABLE {} (id INT, p STRING, q INT, r DATE) USING delta PARTITIONED BY (p, q, r)",
         "INSERT INTO {} VALUES (1, 'a b/c=%25:é?', 1, DATE'1582-10-10'), (2, NULL, NULL, NULL), "
         "(3, '', 2, DATE'0001-01-01')"],
        None,
    ),
    "partitioned by times and numbers": (
        ["CREATE TABLE {} (id INT, p TIMESTAMP, q DECIMAL(9, 2), r BOOLEAN, t TIMESTAMP_NTZ, u DOUBLE) USING delta "
         "PARTITIONED BY (p, q, r, t, u)",
         "INSERT INTO {} VALUES (1, TIMESTAMP'2024-03-31 01:02:03.000004', 1.50, true, "
         "TIMESTAMP_NTZ'2024-03-31 01:02:03.000004', double('NaN')), (2, NULL, NULL, NULL, NULL, -0.0D)"],
        None,
    ),
    "columns renamed, added, dropped": (
        [NAMED % "name", ROW, "ALTER TABLE {} RENAME COLUMN `the name` TO id2", "ALTER TABLE {} RENAME COLUMN s.a TO z",
         "ALTER TABLE {} DROP COLUMN gone", "ALTER TABLE {} ADD COLUMN (gone STRING, s.n INT, l.element.m INT)",
         "INSERT INTO {} SELECT 2, 'y', struct(1, 'b', 2), array(struct(3, 4)), 'new'"],
        None,
    ),
    "partitioned by a renamed column": (
        ["CREATE TABLE {} (id INT, p STRING) USING delta PARTITIONED BY (p) "
         "TBLPROPERTIES ('delta.columnMapping.mode' = 'name')",
         "INSERT INTO {} VALUES (1, 'x'), (2, NULL)", "ALTER TABLE {} RENAME COLUMN p TO `p q`"],
        None,
    ),
    "all fields of a struct are new": (
        [NAMED % "name", ROW, "ALTER TABLE {} ADD COLUMN (s.n INT)", "ALTER TABLE {} DROP COLUMN s.a",
         "ALTER TABLE {} DROP COLUMN s.b"],
        "none of the fields",
    ),
    "column mapping by id": ([NAMED % "id", ROW], "column mapping by id"),
    "a wider type": (
        ["CREATE TABLE {} (id INT, m SHORT, f FLOAT, s STRUCT<a: BYTE>, c DECIMAL(5, 2)) USING delta "
         "TBLPROPERTIES ('delta.enableTypeWidening' = 'true')", "INSERT INTO {} SELECT 1, 2, 0.1, struct(3), 4.55",
         "ALTER TABLE {} ALTER COLUMN id TYPE BIGINT", "ALTER TABLE {} ALTER COLUMN m TYPE INT",
         "ALTER TABLE {} ALTER COLUMN f TYPE DOUBLE", "ALTER TABLE {} ALTER COLUMN s.a TYPE INT",
         "ALTER TABLE {} ALTER COLUMN c TYPE DECIMAL(9, 2)",
         "INSERT INTO {} SELECT 5000000000, 70000, 0.1D, struct(300), 12345.67"],
        None,
    ),
    "a wider scale": (
        ["CREATE TABLE {} (id INT, c DECIMAL(5, 2)) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true')",
         "INSERT INTO {} VALUES (1, 4.55)", "ALTER TABLE {} ALTER COLUMN c TYPE DECIMAL(12, 4)"],
        "not just what Spark would read",
    ),
    "an integer as double and as decimal": (
        ["CREATE TABLE {} (id INT, m INT) USING delta TBLPROPERTIES ('delta.enableTypeWidening' = 'true')",
         "INSERT INTO {} VALUES (1, 2)", "ALTER TABLE {} ALTER COLUMN m TYPE DOUBLE"],
        "not just what Spark would read",
    ),
    "a date as time": (
        ["CREATE TABLE {} (id INT, m DATE) USING delta TBLPROPERTIES ("
         "'delta.feature.timestampNtz' = 'supported', 'delta.enableTypeWidening' = 'true')",
         "INSERT INTO {} VALUES (1, DATE'2024-01-01')", "ALTER TABLE {} ALTER COLUMN m TYPE TIMESTAMP_NTZ"],
        "not just what Spark would read",
    ),
    "deletion vectors": (
        ["CREATE TABLE {} (id INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
         "INSERT INTO {} SELECT id FROM range(0, 9, 1, 1)", "DELETE FROM {} WHERE id = 2"],
        "deletion vectors",
    ),
    "deletion vectors purged": (
        ["CREATE TABLE {} (id INT) USING delta TBLPROPERTIES ('delta.enableDeletionVectors' = 'true')",
         "INSERT INTO {} SELECT id FROM range(0, 9, 1, 1)", "DELETE FROM {} WHERE id = 2",
         "REORG TABLE {} APPLY (PURGE)"],
        None,
    ),
    "padded text": (
        ["CREATE TABLE {} (id INT, c CHAR(5), v VARCHAR(5)) USING delta", "INSERT INTO {} VALUES (1, 'a', 'b')"],
        "CHAR",
    ),
    "padded text in folders": (
        ["CREATE TABLE {} (id INT, c CHAR(5)) USING delta PARTITIONED BY (c)",
         "INSERT INTO {} VALUES (1, 'a'), (2, 'b')"],
        "partitioned by c: CHAR",
    ),
    "no rows": (["CREATE TABLE {} (id INT, s STRING) USING delta"], "no file"),
    "no row but a file": (
        ["CREATE TABLE {} (id INT, s STRING) USING delta", "INSERT INTO {} SELECT 1, 'a' WHERE false"], "no file",
    ),
    "clustered": (
        ["CREATE TABLE {} (id INT, s STRING) USING delta CLUSTER BY (s)", "INSERT INTO {} VALUES (1, 'a'), (2, NULL)",
         "OPTIMIZE {}"],
        None,
    ),
    "a default": (
        ["CREATE TABLE {} (id INT) USING delta TBLPROPERTIES ('delta.feature.allowColumnDefaults' = 'supported')",
         "INSERT INTO {} VALUES (1)", "ALTER TABLE {} ADD COLUMN (c INT)",
         "ALTER TABLE {} ALTER COLUMN c SET DEFAULT 7", "INSERT INTO {} VALUES (2, DEFAULT)"],
        None,
    ),
    "columns not null, generated, of an interval": (
        ["CREATE TABLE {} (id INT NOT NULL, g INT GENERATED ALWAYS AS (id + 1), "
         "s STRUCT<a: INT NOT NULL> COMMENT 'sss') USING delta", "INSERT INTO {} (id, s) SELECT 1, struct(2)"],
        None,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DELTA)
def test_delta(spark: SparkSession, lake: Path, name: str) -> None:
    statements, why = DELTA[name]
    path = str(lake / "raw" / "t")
    for statement in statements:
        spark.sql(statement.replace("{}", f"delta.`{path}`"))
    expect(why, spark, lake, {"path": path, "format": "delta"}, {"target": {"properties": MAPPED}})


MAPPED = {"delta.columnMapping.mode": "name"}


def expect(why: str | None, spark: SparkSession, lake: Path, source: dict[str, Any], more: dict[str, Any]) -> None:
    given = spark.read.option("mergeSchema", True).format(source["format"]).load(source["path"]).schema
    source = {**source, "personal_paths": "accepted"}
    treated = {"id": {"technique": "keyed_hash", "bits": 128, "key": "crm"}}
    if why is None:
        two_paths.columnar(spark, lake, two_paths.kept(given, **treated), source, **more)
    else:
        two_paths.not_columnar(why, spark, lake, two_paths.kept(given, **treated), source, **more)


def test_an_old_version_of_a_table(spark: SparkSession, lake: Path) -> None:
    path = str(lake / "raw" / "t")
    for statement in ("CREATE TABLE {} (id INT) USING delta", "INSERT INTO {} VALUES (1), (2)", "DELETE FROM {}"):
        spark.sql(statement.replace("{}", f"delta.`{path}`"))
    source = {"path": path, "format": "delta", "options": {"versionAsOf": "1"}}
    result = two_paths.same(spark, lake, {"id": "keep"}, source)
    assert (result.execution, result.rows) == ("columnar", 2)


@pytest.mark.parametrize("shape", ["{} WHERE id > 1", "{} ORDER BY id LIMIT 1", "(SELECT id * 2 AS id FROM {})", "{}"])
def test_a_view(spark: SparkSession, lake: Path, shape: str) -> None:
    """What stands between the files and the rows is Spark's to do."""
    spark.sql("CREATE TABLE viewed USING delta AS SELECT id FROM range(0, 5, 1, 1)")
    spark.sql(f"CREATE VIEW view_of_it AS SELECT id FROM {shape.replace('{}', 'viewed')}")
    try:
        why = "neither a Delta table nor a folder"
        two_paths.not_columnar(why, spark, lake, {"id": "keep"}, {"table": "view_of_it"})
    finally:
        spark.sql("DROP VIEW view_of_it")
        spark.sql("DROP TABLE viewed")


@pytest.mark.parametrize("using", ["delta", "parquet"])
def test_tables_by_name(spark: SparkSession, lake: Path, using: str) -> None:
    spark.sql(f"CREATE TABLE named USING {using} PARTITIONED BY (p) AS SELECT id, id % 2 AS p FROM range(0, 5, 1, 1)")
    try:
        result = two_paths.same(
            spark, lake, {"id": "keep", "p": "keep"}, {"table": "named", "personal_paths": "accepted"}
        )
    finally:
        spark.sql("DROP TABLE named")
    assert result.execution == ("columnar" if using == "delta" else "spark")


@pytest.mark.parametrize(
    ("options", "number"), [({"pathGlobFilter": "*.parquet"}, 3), ({"recursiveFileLookup": "true"}, 6)]
)
def test_options_of_a_listing(spark: SparkSession, lake: Path, options: dict[str, str], number: int) -> None:
    source = folder(lake, {"a.parquet": table(), "b.other": table(), "below/c.parquet": table()})
    below = number > 3
    if not below:
        (lake / "raw" / "t" / "below" / "c.parquet").unlink()
    else:
        (lake / "raw" / "t" / "b.other").unlink()
    result = two_paths.same(spark, lake, {"id": "keep"}, {**source, "options": options})
    assert (result.execution, result.rows) == ("columnar", number)


IDS = pa.array([1, 2, None], pa.int32())
DAYS = [datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None]
TIMES = [datetime.datetime(1970, 1, 1, 0, 0, 0, 1000), datetime.datetime(1969, 12, 31, 23, 59, 59, 999000), None]
ITEMS = pa.array([[1, None], [], None], pa.list_(pa.field("item", pa.int64())))
ARROW: dict[str, tuple[pa.Table, str | None]] = {
    "small types": (
        pa.table({
            "id": IDS,
            "u8": pa.array([0, 255, None], pa.uint8()), "u16": pa.array([0, 65535, None], pa.uint16()),
            "u32": pa.array([0, 2**32 - 1, None], pa.uint32()), "i8": pa.array([-128, 127, None], pa.int8()),
            "large": pa.array(["", "é\U0001f600", None], pa.large_string()),
            "bytes": pa.array([b"", b"\xff", None], pa.large_binary()),
            "encoded": pa.array(["a", "b", None]).dictionary_encode(),
            "d64": pa.array(DAYS, pa.date64()), "ms": pa.array(TIMES, pa.timestamp("ms")),
            "zoned": pa.array(TIMES, pa.timestamp("us", "Europe/Berlin")),
            "msz": pa.array(TIMES, pa.timestamp("ms", "UTC")),
            "items": ITEMS, "largelist": pa.array([[1.5, -0.0], [], None], pa.large_list(pa.float64())),
            "a.b": pa.array([1, 2, None]), "a.b.c": pa.array(["x", "", None]),
            "map": pa.array([[("k", 1), ("l", None)], [], None], pa.map_(pa.string(), pa.int32())),
            "nested": pa.array([[{"x": [1], "y": "a"}, None], [], None],
                               pa.list_(pa.struct({"x": pa.list_(pa.int8()), "y": pa.large_string()}))),
            "half": pa.array([Decimal("1.10"), Decimal("-9.99"), None], pa.decimal128(3, 2)),
            "always": pa.array(["a", "b", "c"]),
        }),
        None,
    ),
    "bytes that are no text": (
        pa.table({"id": IDS, "s": pa.array([b"\xff", b"a\x80", None]).view(pa.string())}), None,
    ),
    "unsigned of 64 bits": (pa.table({"id": IDS, "u": pa.array([1, 2**63 - 1, None], pa.uint64())}), "uint64"),
    "lists of a fixed length": (
        pa.table({"id": IDS, "l": pa.array([[1, 2], [3, 4], None], pa.list_(pa.int32(), 2))}), "fixed_size_list",
    ),
    "bytes of a fixed length": (
        pa.table({"id": IDS, "x": pa.array([b"ab", b"cd", None], pa.binary(2))}), "fixed_size_binary",
    ),
    "no type": (pa.table({"id": IDS, "none": pa.nulls(3)}), "null"),
    "no rows in the file": (pa.table({"id": IDS}).slice(0, 0), None),
}  # fmt: skip


@pytest.mark.parametrize("name", ARROW)
def test_files_by_arrow(spark: SparkSession, lake: Path, name: str) -> None:
    table, why = ARROW[name]
    source = folder(lake, {"part-0.parquet": table})
    expect(why, spark, lake, source, {"target": {"properties": MAPPED}})


def folder(lake: Path, files: dict[str, pa.Table], **options: Any) -> dict[str, Any]:
    root = lake / "raw" / "t"
    for name, table in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table, root / name, **options)
    return {"path": str(root), "format": "parquet"}


def table(**columns: Any) -> pa.Table:
    return pa.table({"id": pa.array([1, 2, None], pa.int32()), **columns})


FOLDERS: dict[str, tuple[dict[str, pa.Table], dict[str, Any], str | None]] = {
    "several row groups and pages": (
        {"a.parquet": pa.table({"id": pa.array(range(5000), pa.int32()), "s": [str(n % 7) for n in range(5000)]})},
        {"row_group_size": 100, "data_page_size": 64, "data_page_version": "2.0", "compression": "zstd"},
        None,
    ),
    "int96": (
        {"a.parquet": table(at=pa.array(TIMES, pa.timestamp("us")))},
        {"use_deprecated_int96_timestamps": True},
        None,
    ),
    "folders": (
        {
            "p=a%20b/q=07/a.parquet": table(),
            "p=__HIVE_DEFAULT_PARTITION__/q=7/b.parquet": table(),
            "p=é/q=x/c.parquet": table(),
        },
        {},
        None,
    ),
    "a column in some files": (
        {"a.parquet": table(x=pa.array([{"y": 1, "z": "k"}, {"y": 1, "z": None}, None])), "b.parquet": table()},
        {},
        None,
    ),
    "names in another case": (
        {"a.parquet": table(Name=["x", "y", None]), "b.parquet": table(name=["x", "y", None])},
        {},
        "case",
    ),
    "an empty file among others": (
        {"a.parquet": table(s=["x", "y", None]), "b.parquet": table(s=["x", "", None]).slice(0, 0)},
        {},
        None,
    ),
    "a hidden file": ({"a.parquet": table(), "_b.parquet": table(), ".c.parquet": table()}, {}, None),
}


@pytest.mark.parametrize("name", FOLDERS)
def test_folders(spark: SparkSession, lake: Path, name: str) -> None:
    files, options, why = FOLDERS[name]
    expect(why, spark, lake, folder(lake, files, **options), {})


SPARK_FILES = {
    "int96": ({"spark.sql.parquet.outputTimestampType": "INT96"}, None),
    "millis": ({"spark.sql.parquet.outputTimestampType": "TIMESTAMP_MILLIS"}, None),
    "old layouts": ({"spark.sql.parquet.writeLegacyFormat": "true"}, "older layout"),
    "old calendar": ({"spark.sql.parquet.datetimeRebaseModeInWrite": "LEGACY"}, "old calendar"),
    "old calendar of int96": (
        {"spark.sql.parquet.outputTimestampType": "INT96", "spark.sql.parquet.int96RebaseModeInWrite": "LEGACY"},
        "old calendar",
    ),
    "gzip": ({"spark.sql.parquet.compression.codec": "gzip"}, None),
    "version 2": ({"spark.hadoop.parquet.writer.version": "v2"}, None),
}


@pytest.mark.parametrize("name", SPARK_FILES)
def test_files_by_spark(spark: SparkSession, lake: Path, name: str) -> None:
    settings, why = SPARK_FILES[name]
    writer = spark.newSession()
    for key, value in settings.items():
        writer.conf.set(key, value)
    path = str(lake / "raw" / "t")
    writer.sql(
        "SELECT int(id) AS id, timestamp_micros(-62135596800000000 + id * 39999999999999) AS at, "
        "date_add(DATE'0001-01-01', int(id) * 1000) AS day, array(struct(id AS a, string(id) AS b), NULL) AS items, "
        "map(id, decimal(id)) AS known, decimal(id) / 3 AS part, array(array(id)) AS deep FROM range(0, 900, 1, 2)"
    ).write.parquet(path)
    expect(why, spark, lake, {"path": path, "format": "parquet"}, {})


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"rows": "id > 1"}, "'rows'"),
        ({"source": {"options": {"datetimeRebaseMode": "LEGACY"}}}, "old calendar"),
    ],
)
def test_what_spark_evaluates(spark: SparkSession, lake: Path, more: dict[str, Any], why: str) -> None:
    source = {**folder(lake, {"a.parquet": table(s=["x", "", None])}), **more.pop("source", {})}
    expect(why, spark, lake, source, dict(more))


def test_cases_by_row(spark: SparkSession, lake: Path) -> None:
    source = folder(lake, {"a.parquet": table(s=["x", "", None])})
    cases = [
        {"rows": "id = 1", "treatment": {"technique": "mask"}},
        {"rows": "id IS NULL OR id <> 1", "treatment": "redact"},
    ]
    decision = {"class": "sensitive", "when": cases, "why": "a test"}
    two_paths.not_columnar("'when'", spark, lake, {"id": "keep", "s": decision}, source)


REFUSED: dict[str, Callable[[], pa.Table]] = {
    "nanoseconds": lambda: table(at=pa.array([1, 2, None], pa.timestamp("ns"))),
    "float16": lambda: table(f=pa.array([1.0, 2.0, None], pa.float16())),
    "time of day": lambda: table(t=pa.array([1, 2, None], pa.time64("ns"))),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_spark_refuses_is_refused(spark: SparkSession, lake: Path, name: str) -> None:
    source = folder(lake, {"a.parquet": REFUSED[name]()}, version="2.6")
    names = REFUSED[name]().column_names
    said = {
        execution: refusal(spark, lake, dict.fromkeys(names, "keep"), source, execution)
        for execution in ("auto", "spark")
    }
    assert said["auto"] == said["spark"]


def refusal(spark: SparkSession, lake: Path, columns: dict[str, Any], source: dict[str, Any], execution: str) -> str:
    """What a run is refused with; nothing is committed."""
    with pytest.raises((LakenymError, SourceProblem)) as caught:
        two_paths.run(spark, lake, columns, source, execution)
    assert not list((lake / "treated").glob("*/_delta_log/*.json"))
    return f"{type(caught.value).__name__}: {caught.value}"
