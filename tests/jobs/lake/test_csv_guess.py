"""`jobs.lake.text_sources.csv_guess`: how a CSV is written, and types that change no value. Expected by hand."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake import read
from jobs.lake.text_sources import csv_dialect, csv_guess

COLUMNS: dict[str, tuple[str, list[str]]] = {
    "whole": ("bigint", ["1", "-20", "0", "999999999999999999"]),
    "too_long": ("string", ["1", "1234567890123456789", "2", "3"]),
    "zero_first": ("string", ["01067", "1", "2", "3"]),
    "minus_zero": ("string", ["-0", "1", "2", "3"]),
    "plus": ("string", ["+1", "2", "3", "4"]),
    "code": ("string", ["10115", "80331", "20095", "50667"]),
    "year": ("bigint", ["1999", "2001", "2003", "2004"]),
    "blank_beside": ("string", ["1", " 2", "3", "4"]),
    "money": ("decimal(4,2)", ["1.50", "2", "-13.25", "0.5"]),
    "degrees": ("double", ["52.520008", "13.404954", "-0.1", "7"]),
    "too_exact": ("string", ["123456789.123456789", "1", "2", "3"]),
    "comma": ("string", ["1,5", "2", "3", "4"]),
    "power": ("string", ["1e3", "2", "3", "4"]),
    "truth": ("boolean", ["true", "false", "true", ""]),
    "other_truth": ("string", ["True", "false", "true", "yes"]),
    "iso": ("date", ["2024-02-29", "1999-12-31", "", "2001-01-01"]),
    "no_day": ("string", ["2023-02-29", "1999-12-31", "2001-01-01", "2001-01-02"]),
    "german": ("string", ["31.12.1999", "01.02.2003", "05.06.2007", "05.06.2008"]),
    "moment": ("timestamp", ["2024-02-29 10:00:00", "2024-02-29T10:00:00.5", "", "1999-12-31 23:59:59"]),
    "zoned": ("string", ["2024-02-29T10:00:00Z", "2024-02-29T10:00:00Z", "", "2024-02-29T10:00:00Z"]),
    "empty": ("string", ["", "", "", ""]),
    "odd `name`": ("bigint", ["1", "2", "3", "4"]),
}


def guessed(columns: dict[str, list[str]]) -> csv_dialect.Guess:
    seen = {
        name: csv_guess.seen(csv_guess.counts(pa.array([value or None for value in values], pa.string())))
        for name, values in columns.items()
    }
    return csv_guess.of_columns(Source(path="/a.csv", format="csv"), seen)


def test_types_change_no_value() -> None:
    found = guessed({name: values for name, (_, values) in COLUMNS.items()})
    quoted = [(name.replace("`", "``"), kind) for name, (kind, _) in COLUMNS.items()]
    assert str(found.source.schema_).split(", ") == [f"`{name}` {kind}" for name, kind in quoted]
    assert found.source.options == {}
    assert [note.partition(":")[0] for note in found.notes] == ["german"]


def test_days_whose_month_nobody_can_tell_stay_text() -> None:
    open_, told = ["01/02/2003", "03/04/2005"], ["13/02/2003", "03/04/2005"]
    found = guessed({"open": open_, "told": told, "odd": ["1.2.2003", "13.12.2005"], "of": ["2003/02/13"]})
    assert found.source.schema_ == "`open` string, `told` date, `odd` string, `of` string"
    assert found.source.options == {"dateFormat": "dd/MM/yyyy"}
    stays = "those of other columns dd/MM/yyyy, so it stays text"
    assert found.notes == (
        "open: its days can be read with the month first or second, so it stays text",
        f"odd: its days are written d.M.yyyy, {stays}",
        f"of: its days are written yyyy/MM/dd, {stays}: treatments of dates read it by input_format=%Y/%m/%d",
    )


def test_the_format_that_reads_most_columns_is_the_files() -> None:
    """One without leading zeros reads those with them too."""
    found = guessed({"padded": ["05.06.2000", "13.12.2005"], "odd": ["9.9.2006", "13.12.2005"]})
    assert found.source.schema_ == "`padded` date, `odd` date"
    assert found.source.options == {"dateFormat": "d.M.yyyy"}
    american = guessed({"dob": ["1/31/1960", "12/5/1971"], "open": ["1/2/2003", "3/4/2005"]})
    assert american.source.schema_ == "`dob` date, `open` string", "each column has to tell by itself"
    assert american.source.options == {"dateFormat": "M/d/yyyy"}
    alone = guessed({"open": ["1/2/2003", "3/4/2005"], "id": ["x", "y"]})
    assert alone.source.schema_ == "`open` string, `id` string"
    assert len(alone.notes) == 1


def test_rows_of_many_files_are_one_column(spark: SparkSession, tmp_path: Path) -> None:
    """Values of which each file would tell another type."""
    (tmp_path / "t").mkdir()
    for at, row in enumerate(["1,7,2024-01-31,10115", "02,1.25,,1011", "3,-13.5,2023-02-28,"]):
        (tmp_path / "t" / f"{at}.csv").write_text(f"a,b,c,d\n{row}\n")
    source = Source(path=str(tmp_path / "t"), format="csv")
    found = csv_guess.schema(source, read.rows_of(spark, source).rows)
    assert found.source.schema_ == "`a` string, `b` decimal(4,2), `c` date, `d` bigint"
    rows = {(row["a"], str(row["b"])) for row in read.rows_of(spark, found.source).rows.collect()}
    assert rows == {("02", "1.25"), ("1", "7.00"), ("3", "-13.50")}


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"a,b\n1,2\n", {}),
        (b"a;b\n1,5;2\n", {"sep": ";"}),
        (b"a|b\n1;2|3\n", {"sep": "|"}),
        (b'a,b\n"x;y",2\n"z;w",3\n', {}),
        (b"one\nx;y\nz\n", {}),
        ("n,m\nZoë,1\n".encode("cp1252"), {"encoding": "windows-1252"}),
        ("\ufeffn;m\nZoë;1\n".encode(), {"sep": ";"}),
        (b"", {}),
    ],
)
def test_how_it_is_written(spark: SparkSession, tmp_path: Path, content: bytes, options: dict[str, str]) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    assert csv_dialect.dialect(spark, Source(path=str(tmp_path), format="csv")).source.options == options
    (tmp_path / "a.csv").unlink()
    for packed in (gzip.compress, bz2.compress):
        (tmp_path / "a.csv.z").write_bytes(packed(content))
        assert csv_dialect.dialect(spark, Source(path=str(tmp_path), format="csv")).source.options == options


def test_columns_that_are_folders(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "t" / "day=2026-11-30" / "k=1").mkdir(parents=True)
    (tmp_path / "t" / "day=2026-11-30" / "k=1" / "a.csv").write_text("a\n1\n")
    source = Source(path=str(tmp_path / "t"), format="csv")
    assert csv_dialect.partition_columns(spark, source) == ["day", "k"]
    file = Source(path=str(tmp_path / "t/day=2026-11-30/k=1/a.csv"), format="csv")
    assert csv_dialect.partition_columns(spark, file) == []
