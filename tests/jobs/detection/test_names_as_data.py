"""Names of columns that are values: refused and never said; ordinary ones, odd as they may be, are names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs import inventory
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import Source
from jobs.detection import names_as_data
from jobs.detection.names_as_data import NamesAreData

CSV = Source(path="/lake/t", format="csv")
JSON = Source(path="/lake/t", format="json")
MEND = "the names of its columns look like data: state 'schema:' (or the option header: 'false') in its source"


def schema(*names: str, kind: T.DataType = T.StringType()) -> T.StructType:  # noqa: B008 - types are immutable
    return T.StructType([T.StructField(name, kind) for name in names])


@pytest.mark.parametrize(
    "header",
    [
        "name,age,2021,Paris",
        "Region,2021,2022,2023,2024",
        "region,2024-01-01,2024-02-01,2024-03-01",
        "0,1,2,3",
        "id,Name,Vorname,Ort,Straße,PLZ",
        "First Name,Last Name,Address Line 1,Email Address,Phone",
        "January,February,March,April,May,June,July",
        "Martin,Frank,Total,Mark,Will",
        "Sum (2021-2022),% of total,Is Active?",
        "Max Price,Unit Price,Page,Young,Will Call",
        "South Carolina,West Virginia,Ohio,Texas",
        "10-20,20-30,30-40,age",
        "_c0,_c1,12",
        "Paris,London,Berlin",
        "Anna",
        "What is your age?,How do you feel about your current job?",
        ",".join(f"pixel{at}" for at in range(784)),
    ],
)
def test_ordinary_names_are_names(header: str) -> None:
    names_as_data.check(CSV, schema(*header.split(",")))
    names_as_data.check(JSON, schema("id", "more", kind=schema(*header.split(","))))


@pytest.mark.parametrize(
    ("header", "places"),
    [
        ("ann@example.org,x,y", "1"),
        ("x,Anna Schmidt,y", "2"),
        ("K-1,Anna,2024-01-05", "2, 3"),
        ("Ann,Smith,42", "1, 2, 3"),
        ("1,M,3.5", "1, 3"),
        ("+49 1512 3456789,a,b", "1"),
        ("a,4111111111111111", "2"),
        ("198.51.100.7,a", "1"),
        ("1,2.5,1999-01-02,5,7,9,11", "1, 2, 3, 4, 5, ..."),
    ],
)
def test_names_that_are_values_are_refused_by_their_places_only(header: str, places: str) -> None:
    with pytest.raises(NamesAreData) as refused:
        names_as_data.check(CSV, schema(*header.split(",")))
    assert str(refused.value) == f"{MEND} (columns at {places})"


def test_keys_of_a_map_are_no_fields() -> None:
    keys = schema(*(f"K-{at * 37 % 1009}" for at in range(60)))
    for many in (keys, schema(*(f"k{at}x" for at in range(1001)))):
        with pytest.raises(NamesAreData, match=r"in columns at 2\): many fields of one object"):
            names_as_data.check(JSON, T.StructType([T.StructField("id", T.LongType()), T.StructField("m", many)]))
        with pytest.raises(NamesAreData, match="at its top"):
            names_as_data.check(JSON, many)


def test_names_that_are_declared_or_decided_are_names() -> None:
    told = schema("ann@example.org", "Anna Schmidt")
    names_as_data.check(Source(path="/lake/t", format="parquet"), told)
    names_as_data.check(Source(path="/lake/t", format="csv", schema="a string"), told)
    names_as_data.check(CSV, told, [ColumnPath.parse(path) for path in ("`ann@example.org`", "`Anna Schmidt`")])


def test_a_table_too_wide_for_a_draft_is_refused() -> None:
    with pytest.raises(NamesAreData, match=r"it has 5,001 columns, and 5,000 at most"):
        names_as_data.check(Source(path="/lake/t", format="parquet"), schema(*(f"c{at}" for at in range(5001))))


CANARY = "canary-7f3a@example.org"


def test_no_name_that_is_a_value_is_printed_and_other_tables_are_drafted(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    raw = lake / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    (raw / "bare.csv").write_text(f"Anna Quixotebird,{CANARY},1980-03-04\nBen Miller,b@example.org,1979-01-02\n")
    (raw / "keyed.json").write_text(json.dumps({"by": {CANARY: {"n": 1}, "Anna Quixotebird": {"n": 2}}}) + "\n")
    (raw / "right.csv").write_text("name,2021\nAnna,5\n")
    assert inventory.main(["--path", str(raw)]) == 3
    output = "".join(capfd.readouterr())
    assert f"bare: {MEND} (columns at 2)" in output
    assert f"keyed: {MEND} (columns at 1)" in output
    assert "table: right" in output
    for leaked in (CANARY, "Quixotebird", "1980-03-04"):
        assert leaked not in output
