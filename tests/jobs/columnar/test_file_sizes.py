"""How large files become and how they are compressed, as the target's properties say, or else the session."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import SparkSession

from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_writer import Files, Layout
from jobs.columnar.writer_options import writer_options
from jobs.configuration import file_properties
from jobs.configuration.models import Execution
from jobs.console.exit_codes import Refused
from jobs.table_run.result import Result
from privacy_udfs.errors import LakenymError
from tests.helpers import lakes, set_runs

MB = 1 << 20
SCHEMA = pa.schema([("p", pa.string()), ("t", pa.string())])


def texts(number: int) -> list[str]:
    """That do not compress: some 100 bytes each."""
    return [secrets.token_hex(50) for _ in range(number)]


def written(folder: Path, by: tuple[str, ...], largest: int, most_rows: int | None = None) -> list[tuple[int, int]]:
    """Bytes and rows of the files of 100,000 rows that were written in a few pieces; those of one partition."""
    options = writer_options(pa.schema([field for field in SCHEMA if field.name not in by]), [])
    layout = Layout(f"file:{folder}", SCHEMA, by, (), options, "snappy", largest, "4.2.1", "run", most_rows=most_rows)
    files = Files(layout, Access(), 0)
    for _ in range(4):
        files.write(pa.table({"p": ["a"] * 25_000, "t": texts(25_000)}, schema=SCHEMA))
    added = files.finish()
    assert sum(pq.read_metadata(folder / file.path).num_rows for file in added) == 100_000
    return [(file.size, file.rows) for file in added]


@pytest.mark.parametrize("by", [(), ("p",)])
def test_files_end_near_the_size_that_is_asked_for(tmp_path: Path, by: tuple[str, ...]) -> None:
    *whole, (_, last) = written(tmp_path, by, MB)
    assert len(whole) >= 5
    assert all(MB <= size < 1.5 * MB for size, _ in whole), whole
    assert last <= max(rows for _, rows in whole)
    (tmp_path / "one").mkdir()
    assert len(written(tmp_path / "one", by, 128 * MB)) == 1


@pytest.mark.parametrize("by", [(), ("p",)])
def test_files_have_no_more_rows_than_are_asked_for(tmp_path: Path, by: tuple[str, ...]) -> None:
    assert [rows for _, rows in written(tmp_path, by, 128 * MB, 30_000)] == [30_000, 30_000, 30_000, 10_000]


SIZES = {
    "134217728": 128 * MB,
    "128mb": 128 * MB,
    "128 MB": None,
    "1GiB": 1 << 30,
    "2g": 2 << 30,
    "5k": 5120,
    "x": None,
}


@pytest.mark.parametrize("text", SIZES)
def test_sizes(text: str) -> None:
    found = SIZES[text]
    assert file_properties.size(text) == found
    assert file_properties.target_size({"delta.TargetFileSize": text}) == (found and max(found, MB))


# -- by a run ---------------------------------------------------------------------------------------------------------

FILES: dict[str, str] = {"delta.targetFileSize": "1mb", "delta.parquet.compression.codec": "zstd"}
LARGER = {"spark.sql.files.maxPartitionBytes": "64m"}
"""So that all rows are one task."""


def configured(lake: Path, properties: Mapping[str, str], **target: Any) -> Any:
    entry = lakes.table("t", lake, {"t": "keep"})
    entry["target"] |= {"properties": dict(properties), **target}
    return lakes.configured(lake, entry)


def run(spark: SparkSession, conf: Any, execution: Execution, settings: Mapping[str, str] = {}) -> Result:
    result = set_runs.run(spark, conf, "t", execution, {**LARGER, **settings})
    if execution != "auto":
        assert result.execution == execution
    return result


def source(lake: Path, number: int = 60_000) -> None:
    (lake / "raw" / "t").mkdir(parents=True, exist_ok=True)
    rows = pa.table({"t": texts(number)})
    pq.write_table(rows, lake / "raw" / "t" / f"{secrets.token_hex(4)}.parquet", row_group_size=10_000_000)


def files(spark: SparkSession, lake: Path) -> tuple[set[str], list[int]]:
    """The compressions of the table's files, and their sizes, the greatest first."""
    paths = [Path(uri.removeprefix("file:")) for uri in lakes.treated(spark, lake).inputFiles()]
    codecs = {pq.read_metadata(path).row_group(0).column(0).compression for path in paths}
    return codecs, sorted((path.stat().st_size for path in paths), reverse=True)


@pytest.mark.parametrize("execution", ["columnar", "spark"])
def test_what_the_target_says_of_its_files(spark: SparkSession, lake: Path, execution: Execution) -> None:
    """The compression by both paths, the size by the columnar one. Rows that are added are written as the table says,
    also when its entry no longer says it."""
    source(lake)
    run(spark, configured(lake, FILES, mode="incremental"), execution)
    codecs, sizes = files(spark, lake)
    assert codecs == {"ZSTD"}
    if execution == "columnar":
        assert len(sizes) >= 3
        assert all(MB <= size < 1.5 * MB for size in sizes[:-1]), sizes
    found = lakes.properties(spark, lake)
    assert {name: found[name] for name in FILES} == FILES
    source(lake, 100)
    added = run(spark, configured(lake, {}, mode="incremental"), execution)
    assert (added.mode, added.rows) == ("incremental", 100)
    assert files(spark, lake)[0] == {"ZSTD"}


def test_what_the_session_says_of_files(spark: SparkSession, lake: Path) -> None:
    """Where the table says nothing. Of two that say it the table is right, and goes on to say it."""
    source(lake)
    said = {"spark.databricks.delta.optimize.maxFileSize": "1048576", "spark.sql.parquet.compression.codec": "gzip"}
    run(spark, configured(lake, {}), "columnar", said)
    codecs, sizes = files(spark, lake)
    assert (codecs, len(sizes) >= 3) == ({"GZIP"}, True)
    stated = {"delta.targetFileSize": "64mb", "delta.parquet.compression.codec": "uncompressed"}
    run(spark, configured(lake, stated), "columnar", said)
    assert (files(spark, lake)[0], len(files(spark, lake)[1])) == ({"UNCOMPRESSED"}, 1)
    run(spark, configured(lake, {}), "columnar", {**said, "spark.sql.files.maxRecordsPerFile": "25000"})
    assert (files(spark, lake)[0], len(files(spark, lake)[1])) == ({"UNCOMPRESSED"}, 3)


def test_what_arrow_does_not_write_is_not_columnar(spark: SparkSession, lake: Path) -> None:
    source(lake, 10)
    asked = {"delta.parquet.compression.codec": "lz4"}
    result = run(spark, configured(lake, asked), "auto")
    assert result.not_columnar == "the target's files are to be compressed by lz4, which Arrow does not write"
    assert files(spark, lake)[0] == {"UNKNOWN"}, "Arrow's word for Hadoop's framing"
    with pytest.raises(Refused, match="compressed by lz4"):
        run(spark, configured(lake, asked), "columnar")
    asked = {"delta.parquet.compression.codec": "snappy", "delta.parquet.format.version": "2.12.0"}
    result = run(spark, configured(lake, asked), "auto")
    assert "files of another version are written by Spark" in str(result.not_columnar)


def test_other_names_of_deltas_are_refused_as_before(spark: SparkSession, lake: Path) -> None:
    source(lake, 10)
    with pytest.raises(LakenymError, match="names a setting that Delta does not know"):
        run(spark, configured(lake, {**FILES, "delta.targetFileSizes": "1mb"}), "columnar")
