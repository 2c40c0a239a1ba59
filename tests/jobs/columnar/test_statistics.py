"""Statistics out of footers: bounds hold for every value, and say what Delta's own say."""

from __future__ import annotations

import dataclasses
import datetime
import io
import json
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.columnar.statistics import Measured, measured, of
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.writer_options import WriterOptions, without_vain, writer_options

LONG, STRING = T.LongType(), T.StringType()


def footer(rows: pa.Table, group: int = 1_000_000, **others: Any) -> pq.FileMetaData:
    options = dataclasses.asdict(writer_options(rows.schema, ()))
    with pq.ParquetWriter(io.BytesIO(), rows.schema, **{**options, **others}) as writer:
        writer.write_table(rows, row_group_size=group)
    return writer.writer.metadata


def statistics(rows: pa.Table, group: int = 1_000_000, **others: Any) -> Any:
    """Of all columns. Numbers with a point come back as Decimal, so that no digit is lost in reading."""
    columns = measured(from_arrow_schema(rows.schema), {"delta.dataSkippingNumIndexedCols": "-1"}, ())
    return json.loads(of(footer(rows, group, **others), columns), parse_float=Decimal)


def one(values: Any, kind: pa.DataType | None = None, group: int = 1_000_000, **others: Any) -> tuple[Any, Any, Any]:
    """The bounds and the count of nulls of a column."""
    found = statistics(pa.table({"c": pa.array(values, kind)}), group, **others)
    return tuple(found[kind].get("c") for kind in ("minValues", "maxValues", "nullCount"))  # type: ignore[return-value]


CHARACTERS = st.one_of(
    st.sampled_from(["\0", "a", "~", "\x7f", "\x80", "é", "\ud7ff", "\ue000", "\uffff", "\U00010000", "\U0010ffff"]),
    st.characters(exclude_categories=["Cs"]),
)
TEXTS = st.one_of(
    st.text(CHARACTERS, max_size=80),
    st.tuples(st.sampled_from(["a", "\U0010ffff", "😀"]), st.integers(0, 90), st.text(CHARACTERS, max_size=3)).map(
        lambda parts: parts[0] * parts[1] + parts[2]  # what is cut is alike for a long way
    ),
)


@given(st.lists(TEXTS, min_size=1), st.integers(1, 3))
def test_no_string_is_beyond_its_bounds(values: list[str], group: int) -> None:
    low, high, nulls = one(values, pa.string(), group)
    assert nulls == 0
    assert len(low) <= 32
    assert all(low.encode() <= value.encode() for value in values)
    assert high is None or all(value.encode() <= high.encode() for value in values)
    assert high is None or len(high) <= 66


@given(st.lists(st.none() | st.integers(-(2**63), 2**63 - 1), min_size=1), st.integers(1, 3))
def test_whole_numbers_are_exact_over_all_row_groups(values: list[int | None], group: int) -> None:
    held = [value for value in values if value is not None]
    assert one(values, pa.int64(), group) == (min(held, default=None), max(held, default=None), values.count(None))


@given(
    st.integers(1, 38).flatmap(lambda p: st.tuples(st.just(p), st.integers(0, p))),
    st.lists(st.integers(-(10**38) + 1, 10**38 - 1), min_size=1),
    st.booleans(),
)
def test_decimals_are_exact_however_they_are_stored(
    size: tuple[int, int], unscaled: list[int], as_integer: bool
) -> None:
    precision, scale = size
    values = [Decimal(f"{int(str(each)[: precision + (each < 0)])}e-{scale}") for each in unscaled]
    low, high, _ = one(values, pa.decimal128(precision, scale), store_decimal_as_integer=as_integer)
    assert (Decimal(low), Decimal(high)) == (min(values), max(values))


@given(st.lists(st.datetimes(), min_size=1), st.sampled_from([None, "UTC"]))
def test_times_lie_from_the_least_up_to_a_millisecond_past_the_greatest(
    values: list[datetime.datetime], zone: str | None
) -> None:
    low, high, _ = one(values, pa.timestamp("us", zone))
    assert low.endswith("Z") == high.endswith("Z") == (zone is not None)
    least, greatest = (datetime.datetime.fromisoformat(each.removesuffix("Z")) for each in (low, high))
    assert all(least <= value for value in values)
    assert all(value - greatest < datetime.timedelta(milliseconds=1) for value in values)


@given(st.lists(st.dates(), min_size=1))
def test_dates_are_exact(values: list[datetime.date]) -> None:
    assert one(values, pa.date32())[:2] == (min(values).isoformat(), max(values).isoformat())


A = "a" * 31
CUTS = [
    (A, A, A),
    (A + "bc", A + "b", A + "b\x7f"),
    (A + "b\x7e", A + "b", A + "b\x7f"),
    (A + "b\x7f", A + "b", A + "b\U0010ffff"),  # DEL is not above itself
    (A + "bé", A + "b", A + "b\U0010ffff"),
    (A + "b\uffff", A + "b", A + "b\U0010ffff"),
    (A + "😀b", A + "😀", A + "😀\x7f"),  # a pair is not cut in two
    (A + "b\U0010ffff\U0010ffff", A + "b", A + "b\U0010ffff\U0010ffff"),  # there is nothing above it
    (A + "b\U0010ffffb", A + "b", A + "b\U0010ffff\x7f"),
    ("😀" * 20, "😀" * 20, "😀" * 16 + "\U0010ffff"),  # greatest counts units of UTF-16, least characters
    ("\U0010ffff" * 40, "\U0010ffff" * 32, None),
    ("\U0010ffff" * 32, "\U0010ffff" * 32, "\U0010ffff" * 32),
]


@pytest.mark.parametrize(("value", "low", "high"), CUTS, ids=range(len(CUTS)))
def test_long_strings_are_cut(value: str, low: str, high: str | None) -> None:
    assert one([value]) == (low, high, 0)


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([1.5, float("nan")], pa.float64()),
        ([1.5], pa.float32()),
        ([[1]], pa.list_(pa.int64())),
        ([[("a", 1)]], pa.map_(pa.string(), pa.int64())),
    ],
)
def test_of_some_types_nothing_is_said(values: list[Any], kind: pa.DataType) -> None:
    assert one(values, kind) == (None, None, None)


@pytest.mark.parametrize(("values", "kind"), [([True, None], pa.bool_()), ([b"a", None], pa.binary())])
def test_of_some_types_nulls_are_counted_only(values: list[Any], kind: pa.DataType) -> None:
    assert one(values, kind) == (None, None, 1)


@pytest.mark.parametrize("days", [-719_163, 2_932_897])
def test_years_outside_1_to_9999_have_no_bound(days: int) -> None:
    """Each bound by itself: the other one holds."""
    found = one(pa.array([0, days], pa.int32()).cast(pa.date32()))
    assert sorted(map(str, found)) == ["0", "1970-01-01", "None"]
    for zone in (None, "UTC"):
        found = one(pa.array([0, days * 86_400_000_000], pa.int64()).cast(pa.timestamp("us", zone)))
        assert None in found[:2]
        assert found.count(None) == 1


def text(values: Sequence[bytes]) -> pa.Array:
    """Strings as they come out of files, unlooked at."""
    return pa.Array.from_buffers(pa.string(), len(values), pa.array(values, pa.binary()).buffers())


@pytest.mark.parametrize("bad", [b"\xff", b"\xed\xa0\x80", b"a" * 40 + b"\x80", b"z\xc3"])
def test_bytes_that_are_no_utf8_give_no_bound(bad: bytes) -> None:
    low, high, nulls = one(text([b"b", bad]))
    assert None in (low, high)
    assert "b" in (low, high)
    assert nulls == 0


@pytest.mark.parametrize("values", [["a", "b" * 5000], ["b" * 5000, "c"], ["a", None, "b" * 5000]])
def test_what_parquet_leaves_out_in_one_row_group_has_no_bound_at_all(values: list[str]) -> None:
    assert one(values, group=1) == (None, None, values.count(None))  # type: ignore[arg-type]


def test_row_groups_of_nulls_are_passed_over() -> None:
    assert one([None, 1, None, 7, None], pa.int64(), group=1) == (1, 7, 3)
    assert one([None, None], pa.string(), group=1) == (None, None, 2)


def test_a_file_without_rows_has_their_number_only() -> None:
    assert statistics(pa.table({"c": pa.array([], pa.int64())})) == {
        "numRecords": 0,
        "minValues": {},
        "maxValues": {},
        "nullCount": {},
    }


def test_a_column_of_nanoseconds_has_no_bounds() -> None:
    """Such a file is not written by us; the footer's numbers would then not be microseconds."""
    rows = pa.table({"c": pa.array([1], pa.timestamp("ns"))})
    told = json.loads(of(footer(rows), [Measured(("c",), T.TimestampNTZType())]))
    assert (told["minValues"], told["nullCount"]) == ({}, {"c": 0})


def test_a_column_that_was_written_without_statistics_is_left_out() -> None:
    rows = pa.table({"c": [1], "d": [2]})
    assert statistics(rows, write_statistics=["d"]) == {
        "numRecords": 1,
        "minValues": {"d": 2},
        "maxValues": {"d": 2},
        "nullCount": {"d": 0},
    }


def test_fields_of_structs_stand_in_objects_and_share_no_name_with_dotted_columns() -> None:
    nested = pa.array([{"b": 1, "l": [9]}, None])
    rows = pa.table({"a.b": [5, 6], "a": nested, "s": pa.array([{"t": {'"\\': "x"}}, {"t": None}])})
    assert statistics(rows) == {
        "numRecords": 2,
        "minValues": {"a.b": 5, "a": {"b": 1}, "s": {"t": {'"\\': "x"}}},
        "maxValues": {"a.b": 6, "a": {"b": 1}, "s": {"t": {'"\\': "x"}}},
        "nullCount": {"a.b": 0, "a": {"b": 1}, "s": {"t": {'"\\': 1}}},
    }


def test_collated_strings_have_no_bounds() -> None:
    rows = pa.table({"c": ["a"]})
    told = json.loads(of(footer(rows), [Measured(("c",), T.StringType("UTF8_LCASE"))]))
    assert (told["minValues"], told["maxValues"]) == ({}, {})


# How columns are written


def test_floats_pseudonyms_and_repeated_values() -> None:
    point = pa.struct({"x": pa.float64(), "n": pa.int32()})
    schema = pa.schema(
        {
            "name": pa.string(),
            "card": pa.string(),
            "half": pa.float16(),
            "point": point,
            "points": pa.list_(point),
            "map": pa.map_(pa.string(), pa.float32()),
        }
    )
    options = writer_options(schema, {("card",), ("points", "list", "element", "n")})
    assert options.write_statistics == ["name", "point.n"]
    assert options.use_dictionary == ["map.key_value.key", "name", "point.n"]


def test_of_two_columns_that_are_spelled_alike_the_one_does_not_speak_for_the_other() -> None:
    struct = pa.struct({"b": pa.float64()})
    schema = pa.schema({"a.b": pa.string(), "a": struct, "c.d": pa.string(), "c": pa.struct({"d": pa.int32()})})
    assert writer_options(schema, ()).write_statistics == ["c.d"]
    assert writer_options(schema, {("c.d",)}).use_dictionary == []


def test_the_file_has_what_the_options_say() -> None:
    rows = pa.table({"n": [0.0, -0.0], "s": ["x", "x"], "p": ["y", "y"], "l": [[1], [1]]})
    file = io.BytesIO()
    with pq.ParquetWriter(file, rows.schema, **dataclasses.asdict(writer_options(rows.schema, {("p",)}))) as writer:
        writer.write_table(rows)
    columns = [pq.read_metadata(file).row_group(0).column(at) for at in range(4)]
    assert [column.is_stats_set for column in columns] == [False, True, False, False]
    assert [column.has_dictionary_page for column in columns] == [False, True, False, True]


def test_columns_that_hardly_repeat_have_no_dictionary() -> None:
    numbers = np.arange(200_000)
    columns = {
        "number": numbers,
        "eights": numbers // 8,
        "constant": numbers * 0,
        "text": [f"{number:9}" for number in numbers],
        "long": [f"{number % 60_000:60}" for number in numbers],
        "short": [str(number % 1000) for number in numbers],
        "null": pa.nulls(len(numbers), pa.string()),
        "struct": [{"number": int(number)} for number in numbers],
    }
    whole = pa.table(columns)
    rows = pa.concat_tables([whole.slice(0, 70_000), whole.slice(70_000)])
    every = WriterOptions(["number"], [*columns, "struct.number"])
    told = without_vain(every, rows)
    assert told.use_dictionary == ["eights", "constant", "short", "null", "struct", "struct.number"]
    assert told.write_statistics == every.write_statistics
    assert without_vain(every, rows.slice(0, 1000)) == every  # so few are not looked at
    assert without_vain(every, rows.slice(0, 0)) == every


# Which columns are measured


def field(name: str, given: T.DataType = LONG, physical: str | None = None) -> T.StructField:
    return T.StructField(name, given, metadata=physical and {"delta.columnMapping.physicalName": physical})


DEEP = T.StructType(
    [
        field("p"),
        field("a", physical="col-1"),
        field("S", T.StructType([field("x"), field("Y", STRING, "col-2")]), "col-3"),
        field("list", T.ArrayType(LONG)),
        field("odd`na.me", STRING),
        field("last", T.BooleanType()),
    ]
)
ALL = [("col-1",), ("col-3", "x"), ("col-3", "col-2"), ("odd`na.me",), ("last",)]


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({}, ALL),
        ({"delta.dataSkippingNumIndexedCols": "-1"}, ALL),
        ({"DELTA.dataskippingNUMindexedcols": "2"}, ALL[:2]),
        ({"delta.dataSkippingNumIndexedCols": "4"}, ALL[:3]),  # the array counts
        ({"delta.dataSkippingNumIndexedCols": "0"}, []),
        ({"delta.dataSkippingStatsColumns": "s, A", "delta.dataSkippingNumIndexedCols": "0"}, ALL[:3]),
        ({"delta.dataSkippingStatsColumns": "`S`.y"}, ALL[2:3]),
        ({"delta.dataSkippingStatsColumns": "S,S.x"}, ALL[1:2]),
        ({"delta.dataskippingstatscolumns": " `odd``na.me` , nowhere, a.b"}, ALL[3:4]),
        ({"delta.dataSkippingStatsColumns": " "}, []),
    ],
)
def test_the_columns_that_delta_measures(properties: dict[str, str], expected: list[tuple[str, ...]]) -> None:
    assert [each.path for each in measured(DEEP, properties, ["p"])] == expected


def test_by_default_32_columns_are_measured() -> None:
    assert len(measured(T.StructType([field(f"c{n}") for n in range(40)]), {}, ())) == 32


@pytest.mark.parametrize(
    "properties",
    [{"delta.dataSkippingStatsColumns": "a-b"}, {"delta.dataSkippingNumIndexedCols": "many"}],
)
def test_a_property_out_of_shape_is_not_guessed_at(properties: dict[str, str]) -> None:
    with pytest.raises(NotColumnar):
        measured(DEEP, properties, ())


def test_strings_stand_in_the_log_no_longer_than_the_property_says() -> None:
    (column,) = measured(T.StructType([field("c", STRING)]), {"delta.dataSkippingStringPrefixLength": "3"}, ())
    told = json.loads(of(footer(pa.table({"c": ["secret"]})), [column]))
    assert (told["minValues"], told["maxValues"]) == ({"c": "sec"}, {"c": "sec\x7f"})
    nothing = dataclasses.replace(column, longest=0)
    told = json.loads(of(footer(pa.table({"c": ["", "secret"]})), [nothing]))
    assert (told["minValues"], told["maxValues"]) == ({}, {})


# Against Delta's own

UTC = datetime.timezone.utc


def decimals(precision: int, scale: int) -> pa.Array:
    greatest = f"{'9' * precision}e-{scale}"
    return pa.array([Decimal(f"-{greatest}"), Decimal(greatest), None], pa.decimal128(precision, scale))


def times(zone: datetime.timezone | None, *texts: str) -> pa.Array:
    values = [datetime.datetime.fromisoformat(each).replace(tzinfo=zone) for each in texts]
    return pa.array([*values, None], pa.timestamp("us", zone and "UTC"))


EDGES = pa.table(
    {
        "byte": pa.array([-128, 127, None], pa.int8()),
        "short": pa.array([-32768, 32767, None], pa.int16()),
        "int": pa.array([-(2**31), 2**31 - 1, None], pa.int32()),
        "long": pa.array([-(2**63), 2**63 - 1, None], pa.int64()),
        "decimal_9": decimals(9, 2),
        "decimal_18": decimals(18, 18),
        "decimal_38": decimals(38, 0),
        "decimal_38_10": decimals(38, 10),
        "date": pa.array([datetime.date(1, 1, 1), datetime.date(9999, 12, 31), None]),
        "old_date": pa.array([datetime.date(1582, 10, 4), datetime.date(1582, 10, 15), None]),
        "time": times(UTC, "0001-01-01T00:00:00.000001", "9999-12-31T23:59:59.999999"),
        "old_time": times(UTC, "1582-10-04T23:59:59.999999", "1969-12-31T23:59:59.999999"),
        "ntz": times(None, "0001-01-01T00:00:00.000001", "9999-12-31T23:59:59.999999"),
        "old_ntz": times(None, "1582-10-04T23:59:59.999999", "1969-12-31T23:59:59.000001"),
        **{
            f"text_{at}": pa.array([low, high, None], pa.string())
            for at, (low, high) in enumerate(
                [
                    ("", "x"),
                    ("a" * 31, "b" * 31),
                    ("a" * 32, "b" * 32),
                    ("a" * 33, "b" * 33),
                    *((value, value) for value, _, _ in CUTS),
                    ("\0", "\uffff"),
                    ("\x7f" * 33, "\uffff" * 33),
                    ("e\u0301" * 20, "\U00010000" * 33),
                    ('"\\\n\u2028', "\ue000" * 33),
                ]
            )
        },
        "nulls": pa.array([None, None, None], pa.string()),
        "struct": pa.array([{"n": 1, "s": "x", "deep": {"d": None}}, {"n": None, "s": "y", "deep": {"d": 2}}, None]),
        "boolean": pa.array([True, False, None]),
        "binary": pa.array([b"a", b"b", None], pa.binary()),
    }
)


def test_it_says_what_delta_says_itself(spark: SparkSession, lake: Path) -> None:
    path = lake / "edges"
    frame = spark.createDataFrame(EDGES, from_arrow_schema(EDGES.schema))  # else times without a zone would get one
    assert isinstance(frame.schema["ntz"].dataType, T.TimestampNTZType)
    writer = frame.coalesce(1).write.format("delta")
    writer.option("delta.dataSkippingNumIndexedCols", "-1").save(str(path))
    theirs = added_statistics(path)
    assert statistics(EDGES) == theirs
    assert theirs["nullCount"]["struct"] == {"n": 2, "s": 1, "deep": {"d": 2}}


def test_where_it_says_less_than_delta(spark: SparkSession, lake: Path) -> None:
    """Floats, for Arrow's footers leave NaN out; arrays, of which footers count other nulls; years of five digits and
    before the first, which need no bounds in practice; strings of which Parquet keeps no bounds."""
    rows = pa.table(
        {
            "double": [1.0],
            "list": [[1]],
            "date": pa.array([2_932_897], pa.int32()).cast(pa.date32()),
            "text": ["x" * 5000],
        }
    )
    path = lake / "edges"
    spark.createDataFrame(rows).coalesce(1).write.format("delta").save(str(path))
    theirs, ours = added_statistics(path), statistics(rows)
    assert set(theirs["maxValues"]) == {"double", "date", "text"}
    assert set(theirs["nullCount"]) == {"double", "list", "date", "text"}
    assert (ours["minValues"], ours["maxValues"], ours["nullCount"]) == ({}, {}, {"date": 0, "text": 0})


def added_statistics(path: Path) -> Any:
    actions = map(json.loads, (path / "_delta_log" / f"{0:020}.json").read_text().rstrip().split("\n"))
    (added,) = [action["add"]["stats"] for action in actions if "add" in action]
    return json.loads(added, parse_float=Decimal)
