"""Cells of CSV files as values: what is taken is, to the value, what Spark's path makes of it."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.columnar import csv_cells
from jobs.columnar.unfit import NotColumnar
from jobs.configuration.models import Source
from jobs.lake import read
from jobs.spark_app.session import for_run

TYPES: dict[str, T.DataType] = {
    "tinyint": T.ByteType(),
    "smallint": T.ShortType(),
    "int": T.IntegerType(),
    "bigint": T.LongType(),
    "boolean": T.BooleanType(),
    "float": T.FloatType(),
    "double": T.DoubleType(),
    "decimal(4,0)": T.DecimalType(4, 0),
    "decimal(2,2)": T.DecimalType(2, 2),
    "decimal(12,2)": T.DecimalType(12, 2),
    "decimal(38,18)": T.DecimalType(38, 18),
    "decimal(38,0)": T.DecimalType(38, 0),
    "date": T.DateType(),
    "timestamp": T.TimestampType(),
    "timestamp_ntz": T.TimestampNTZType(),
    "binary": T.BinaryType(),
    "string": T.StringType(),
}


def listed(cells: str) -> list[str]:
    return cells.split()


NUMBERS = listed("""
0 1 -1 +1 -0 00 007 -007 127 128 -128 -129 32767 32768 2147483647 2147483648 -2147483648 -2147483649
999999999999999999 -999999999999999999 9223372036854775807 9223372036854775808 -9223372036854775808
0000000000000000001 000000000000000012 0x1F 0X1f 1e3 1E3 1e-3 1.0 1. .5 -.5 +.5 1.5 -1.5 1.50 1.500 1,000 1,5 1_000
0.1 0.01 0.001 0.99 00.99 -0.99 -0.0 0.0 -0 -0.00 9999 99999 1234567890.12 12345678901.12 0.000000000000000001
12345678901234567890.123456789012345678 123456789012345678901234567890 12345678901234567890123456789012345678
123456789012345.123456789012345 0.1234567 16777217 16777216.5 9007199254740993 3.4028235 1.17549435 NaN nan
Infinity -Infinity inf -inf 1d 1f 1D 1L 0b1 1e400 1e-400 1e 1e+ -- - + . 1- 1..2 1.2.3 $1 1%
""")
TRUTHS = listed("true false TRUE FALSE True False tRUE t f yes no y n on off")
FOREIGN = ["\uff11", "\u0663", "\u22121", "\u00bd", "fal\u017fe", "true\u00a0", "\uff12\uff10\uff12\uff10-01-02"]
"""Digits and letters that some parsers take for those of ASCII."""
DATES = listed("""
2020-01-02 2020-02-29 2021-02-29 2020-02-30 2020-13-01 2020-00-01 2020-01-00 2020-01-32 0000-01-01 0001-01-01 1582-10-04
1582-10-10 1582-10-15 1900-02-29 2000-02-29 9999-12-31 10000-01-01 +2020-01-01 -2020-01-01 2020-1-2 2020-1-02 20200102
2020 2020-01 01-02-2020 2020/01/02 2020-01-02T 2020-01-02Z 2020-01-02T00:00:00 today now epoch yesterday
2020-01-02T03:04:05 2020-01-02T03:04:05.1 2020-01-02T03:04:05.123456 2020-01-02T03:04:05.1234567 2020-01-02T03:04:05Z
2020-01-02T03:04:05.000001Z 2020-01-02T03:04:05ZZ 2020-01-02T03:04:05+01:00 2020-01-02T03:04:05UTC 2020-01-02T24:00:00
2020-01-02T23:59:60 2020-01-02T23:59:59.999999 0000-01-01T00:00:00 0001-01-01T00:00:00 1582-10-10T12:00:00.5
1899-12-31T23:59:59.999999 1969-12-31T23:59:59.999999 9999-12-31T23:59:59.999999 2020-02-30T00:00:00 2020-01-02T3:4:5
2020-01-02T03:04 2020-01-02T03 2020-01-02T03:04:05. 2020-01-02t03:04:05 2020-01-02T03:04:05z 2020-01-02T03:04:05,5
""")
SPACED = [
    cell
    for plain in ("1", "1.5", "true", "2020-01-02", "2020-01-02T03:04:05")
    for cell in (f" {plain}", f"{plain} ", f"{plain}\n", f"\t{plain}", f"{plain}\x00", f"\x00{plain}", f"{plain}\x01x")
]
WITH_BLANKS = [cell.replace("T", " ") for cell in DATES if "T" in cell]
WORDS = ["x", " ", "null", "NULL", "None", "é", "\U0001f600", "\x00", '"', "\\N", "a\nb", "z" * 1200, "1" * 1200]
CELLS = list(dict.fromkeys([*NUMBERS, *TRUTHS, *FOREIGN, *DATES, *SPACED, *WITH_BLANKS, *WORDS]))
TAKEN = {
    "tinyint": ["0", "-0", "007", "127", "-128"],
    "bigint": ["-999999999999999999", "00"],
    "boolean": ["true", "FALSE"],
    "double": ["1.5", "-0.0", "0.1", "123456789012345.123456789012345"],
    "decimal(12,2)": ["1", "1.5", "-0.99", "1234567890.12"],
    "decimal(38,18)": ["12345678901234567890.123456789012345678"],
    "decimal(2,2)": ["0.99", "-0.0"],
    "date": ["2020-02-29", "0001-01-01", "1582-10-10", "9999-12-31"],
    "timestamp": ["2020-01-02 03:04:05", "2020-01-02T03:04:05.000001Z", "1969-12-31T23:59:59.999999"],
    "timestamp_ntz": ["2020-01-02 03:04:05", "9999-12-31T23:59:59.999999"],
    "string": CELLS,
    "binary": CELLS,
}
"""Of each type some cells that must be taken, or a test of nothing would pass."""


def ours(cells: list[str | None], ddl: str) -> pa.Array:
    return csv_cells.typed(pa.array(cells, pa.string()), "a", TYPES[ddl])


def takes(cell: str, ddl: str) -> bool:
    try:
        ours([cell], ddl)
    except NotColumnar:
        return False
    return True


def made_up() -> list[str]:
    """Numbers of up to fifteen digits before and behind the point."""
    drawn = random.Random(11)
    whole, part = ([str(drawn.randrange(10 ** drawn.randint(1, 15))) for _ in range(3000)] for _ in range(2))
    return [f"{a}.{b}" for a, b in zip(whole, part, strict=True)]


@pytest.mark.parametrize("ddl", TYPES)
def test_what_is_taken_is_what_spark_makes_of_it(spark: SparkSession, lake: Path, ddl: str) -> None:
    cells = [cell for cell in [*CELLS, *(made_up() if ddl in ("float", "double") else [])] if takes(cell, ddl)]
    assert set(TAKEN.get(ddl, ["1"])) <= set(cells)
    quoted = ['"' + cell.replace('"', '""') + '"' for cell in cells]
    lines = ["at,a", *(f"{at},{cell}" for at, cell in enumerate(quoted)), f"{len(cells)},"]
    (lake / "a.csv").write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
    source = Source.model_validate({"format": "csv", "path": str(lake), "schema": f"at int, a {ddl}"})
    expect = read.rows_of(for_run(spark), source).rows.toArrow().sort_by("at")["a"].combine_chunks()
    found = ours([*cells, None], ddl)
    assert found.type == expect.type
    assert found.cast(pa.string()).to_pylist() == expect.cast(pa.string()).to_pylist()  # which tells -0.0 from 0.0


@pytest.mark.parametrize("ddl", [ddl for ddl in TYPES if ddl not in ("string", "binary")])
def test_an_empty_text_is_no_value_of_a_type(ddl: str) -> None:
    """It comes where another text stands for null; Spark's path refuses it."""
    with pytest.raises(NotColumnar, match="CSV column a holds a "):
        ours(["", None], ddl)


@pytest.mark.parametrize("ddl", TYPES)
def test_no_cells_and_nulls_alone(ddl: str) -> None:
    type_ = to_arrow_type(TYPES[ddl], timezone="UTC")
    assert ours([], ddl) == pa.array([], type_)
    assert ours([None, None], ddl) == pa.nulls(2, type_)


def test_a_cell_is_not_told() -> None:
    for cell in ("Ann", "99999999999"):
        with pytest.raises(NotColumnar) as refused:
            ours(["1", cell], "int")
        assert cell not in str(refused.value)
        assert refused.value.__context__ is None
