"""Queries that leave files, row groups and pages out find in a table of the columnar path all that is in it.

The truth is worked out over the same rows in memory, where nothing can be left out.
"""

from __future__ import annotations

import datetime
import functools
import json
import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import from_arrow_schema

from jobs.configuration.models import Execution
from jobs.table_run.result import Result
from tests.helpers import set_runs
from tests.helpers.lakes import column, configured, table, treated

pytestmark = pytest.mark.sweep

FILES, ROWS = 8, 6
"""Of the source, and of each of its files; the last file has nulls only."""
UTC = datetime.timezone.utc
TOGETHER = 25
"""Predicates that one query asks for."""
INTERPRETED = {
    "spark.sql.files.openCostInBytes": "0",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": "false",
}
"""What saves compiling a query that runs once."""
Predicate = tuple[str, Column]


def decimals(precision: int, scale: int) -> list[Decimal]:
    most = 10**precision - 1
    return [Decimal(f"{unscaled}e-{scale}") for unscaled in (-most, 1 - most, -1, 0, 1, most)]


def whole(bits: int) -> list[int]:
    return [-(2 ** (bits - 1)), -(2 ** (bits - 1)) + 1, -1, 0, 1, 100, 2 ** (bits - 1) - 2, 2 ** (bits - 1) - 1]


def times(zone: datetime.timezone | None) -> list[datetime.datetime]:
    texts = [
        "0001-01-01T00:00:00", "0001-01-01T00:00:00.000001", "1582-10-04T23:59:59.999999", "1582-10-15T00:00:00",
        "1969-12-31T23:59:59.999999", "1970-01-01T00:00:00", "2026-11-27T10:00:00.123456", "2026-11-27T10:00:00.123999",
        "2026-11-27T10:00:00.124000", "9999-12-31T23:59:59.999999",
    ]  # fmt: skip
    return [datetime.datetime.fromisoformat(each).replace(tzinfo=zone) for each in texts]


FLOATS = [float("-inf"), -1.5, -0.0, 0.0, 5e-324, 1.5, 100.5, float("inf"), float("nan")]
DATES = ["0001-01-01", "1582-10-04", "1582-10-15", "1969-12-31", "1970-01-01", "2026-11-27", "9999-12-31"]
TEXTS = [
    "", "\0", "\0a", "a", "a" * 31 + "b", "a" * 32, "a" * 32 + "\x7e", "a" * 32 + "\x7f", "a" * 32 + "é", "ab",
    "b" * 5000, "b" * 5000 + "c", "c\u0301", "é", "\ud7ff", "\ue000", "\uffff", "\uffff" * 33, "\U00010000", "😀" * 40,
    "\U0010ffff" * 40,
]  # fmt: skip
BYTES = [b"", b"\0", b"a", b"a" * 40, b"\x7f", b"\x80", b"\xff", b"\xff" * 40]

COLUMNS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "byte": (pa.int8(), whole(8)),
    "short": (pa.int16(), whole(16)),
    "int": (pa.int32(), whole(32)),
    "long": (pa.int64(), whole(64)),
    "decimal_9": (pa.decimal128(9, 2), decimals(9, 2)),
    "decimal_18": (pa.decimal128(18, 18), decimals(18, 18)),
    "decimal_38": (pa.decimal128(38, 0), decimals(38, 0)),
    "decimal_38_10": (pa.decimal128(38, 10), decimals(38, 10)),
    "float": (pa.float32(), [each if each != 5e-324 else 1e-45 for each in FLOATS]),
    "double": (pa.float64(), FLOATS),
    "date": (pa.date32(), [datetime.date.fromisoformat(each) for each in DATES]),
    "time": (pa.timestamp("us", "UTC"), times(UTC)),
    "ntz": (pa.timestamp("us"), times(None)),
    "text": (pa.string(), TEXTS),
    "binary": (pa.binary(), BYTES),
    "boolean": (pa.bool_(), [False, True]),
    "x.y": (pa.int32(), [7, 8, 9]),  # not as a field of a struct is spelled: Spark loses rows of its own files then
}
FIELDS: dict[str, tuple[pa.DataType, list[Any]]] = {
    "n": (pa.int32(), whole(32)),
    "t": (pa.string(), TEXTS),
    "d": (pa.float64(), FLOATS),
    "p": (pa.decimal128(38, 10), decimals(38, 10)),
}
PATHS = {**{f"`{name}`": kind for name, kind in COLUMNS.items()}, **{f"`s`.`{n}`": kind for n, kind in FIELDS.items()}}
KEPT = [*(name if "." not in name else f"`{name}`" for name in COLUMNS), *(f"s.{name}" for name in FIELDS), "row"]
"""As the catalog spells them."""


def spread(values: Sequence[Any], file: int) -> list[Any]:
    """The values of one file: neighbours, so that each file has a range of its own; in every second a null too."""
    if file == FILES - 1:
        return [None] * ROWS
    start, end = (at * len(values) // (FILES - 1) for at in (file, file + 1))
    near = values[start:end] or [values[file % len(values)]]
    found = [value for value, _ in zip(cycle(near), range(ROWS), strict=False)]
    return [*found[:-1], None] if file % 2 else found


def source(file: int) -> pa.Table:
    """One file. Each row has a number, one to sixty, by which an answer names the rows that it found."""
    fields = {name: pa.array(spread(values, file), kind) for name, (kind, values) in FIELDS.items()}
    struct = pa.StructArray.from_arrays(
        [*fields.values()], [*fields], mask=pa.array([False] * (ROWS - 1) + [file == 2])
    )
    return pa.table(
        {
            "row": pa.array(range(file * ROWS, (file + 1) * ROWS), pa.int64()),
            "email": [f"{file}-{at}@example.org" for at in range(ROWS)],
            **{name: pa.array(spread(values, file), kind) for name, (kind, values) in COLUMNS.items()},
            "s": struct,
        }
    )


def literal(value: Any) -> Column:
    """Dates as text, since those of Java, by which pyspark hands them over, have the old calendar."""
    return F.lit(value.isoformat() if isinstance(value, datetime.date) else value)


def predicates() -> Iterator[Predicate]:
    comparisons: list[tuple[str, Callable[[Column, Column], Any]]] = [
        ("<", operator.lt), ("<=", operator.le), (">", operator.gt), (">=", operator.ge), ("<=>", Column.eqNullSafe),
        ("!=", operator.ne),
    ]  # fmt: skip
    turns = cycle(comparisons)
    for path, (kind, values) in PATHS.items():
        column, given = F.col(path), from_arrow_schema(pa.schema({"c": kind}))["c"].dataType
        literals = [literal(value).cast(given) for value in values]
        yield f"{path} IS NULL", column.isNull()
        yield f"{path} IS NOT NULL", column.isNotNull()
        yield f"{path} <=> NULL", column.eqNullSafe(F.lit(None).cast(given))
        yield f"{path} IN ends", column.isin([literals[0], literals[-1]])
        for at, (value, given_value) in enumerate(zip(values, literals, strict=True)):
            yield f"{path} = {value!r:.60} ({at})", column == given_value
            if at % 2:
                sign, compared = next(turns)
                yield f"{path} {sign} {value!r:.60} ({at})", compared(column, given_value)
    for path in ("`text`", "`s`.`t`"):
        for prefix in ("a", "a" * 32, "a" * 33, "b" * 40, "\0", "c", "é", "\uffff", "😀" * 33, "\U0010ffff", "z"):
            yield f"{path} LIKE {prefix!r}", F.col(path).like(f"{prefix}%")
            yield f"{path} starts with {prefix!r}", F.col(path).startswith(prefix)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("skipping")
    (lake / "raw" / "t").mkdir(parents=True)
    for file in range(FILES):
        pq.write_table(source(file), lake / "raw" / "t" / f"{file}.parquet")
    return lake


@pytest.fixture(scope="module")
def truth(spark: SparkSession) -> DataFrame:
    """The source's rows in memory."""
    spark = with_settings(spark, INTERPRETED)
    rows = pa.concat_tables(source(file) for file in range(FILES)).drop_columns(["email"])
    return spark.createDataFrame(rows, from_arrow_schema(rows.schema)).coalesce(1)


@pytest.fixture(scope="module", params=["none", "name"])
def mapped(request: pytest.FixtureRequest) -> str:
    """Delta's column mapping."""
    return str(request.param)


@pytest.fixture(scope="module")
def target(mapped: str, spark: SparkSession, lake: Path) -> DataFrame:
    """The source's rows by the columnar path, in as many files."""
    entry = table(mapped, lake, {"email": {"domain": "customer"}, **dict.fromkeys(KEPT, "keep")})
    entry["source"]["path"] = str(lake / "raw" / "t")
    properties = {"delta.columnMapping.mode": mapped, "delta.dataSkippingNumIndexedCols": "-1"}
    entry["target"]["properties"] = properties
    set_runs.run(spark, configured(lake, entry), mapped, "columnar", set_runs.FILE_BY_FILE)
    return treated(with_settings(spark, INTERPRETED), lake, mapped)


def with_settings(spark: SparkSession, settings: Mapping[str, str]) -> SparkSession:
    own = spark.newSession()
    for name, value in settings.items():
        own.conf.set(name, value)
    return own


Asked = Sequence[tuple[int, Predicate]]


def answered(frame: DataFrame, asked: Asked) -> set[tuple[int, int]]:
    """Numbers of predicates with those of the rows that each finds, for which each reads the table by itself."""
    found = [frame.where(predicate).select(F.lit(at), "row") for at, (_, predicate) in asked]
    return {(at, row) for at, row in functools.reduce(DataFrame.unionAll, found).collect()}


def expected(truth: DataFrame, asked: Asked) -> set[tuple[int, int]]:
    names = [str(at) for at, _ in asked]
    rows = truth.select("row", *(predicate.alias(str(at)) for at, (_, predicate) in asked)).collect()
    return {(int(name), row["row"]) for row in rows for name in names if row[name]}


def test_every_predicate_finds_all_its_rows(truth: DataFrame, target: DataFrame, mapped: str) -> None:
    """With mapped names every third, since it is columns that are found or not."""
    every = [*enumerate(predicates())][:: 3 if mapped == "name" else 1]
    assert len(every) > 120
    wrong = set[tuple[int, int]]()
    for start in range(0, len(every), TOGETHER):
        asked = every[start : start + TOGETHER]
        wrong |= answered(target, asked) ^ expected(truth, asked)
    names = dict(every)
    assert {names[at][0] for at, _ in wrong} == set()


def test_least_and_greatest_values_and_numbers(truth: DataFrame, target: DataFrame) -> None:
    """Which Delta answers out of the log alone, where it can."""
    for path in PATHS:
        asked = (F.min(path), F.max(path), F.count(path), F.count(F.lit(1)))
        found, true = (repr(frame.agg(*asked).toArrow().to_pylist()) for frame in (target, truth))  # NaN too is itself
        assert found == true, path


@pytest.mark.parametrize("path", ["`row`", "`date`", "`decimal_38_10`", "`text`", "`x.y`", "`s`.`n`"])
def test_files_are_left_out(target: DataFrame, path: str) -> None:
    """All but those that may hold the greatest value; with it, since files were left out, all rows were found above."""
    assert len(target.inputFiles()) == FILES
    greatest = target.agg(F.max(path)).head()[0]  # type: ignore[index]
    assert 0 < len(target.where(F.col(path) == F.lit(greatest)).inputFiles()) < FILES // 2
    assert len(target.where(F.col(path).isNull()).inputFiles()) <= FILES // 2 + 1


# Settings of the session


def run(
    spark: SparkSession, lake: Path, settings: Mapping[str, str], execution: Execution = "auto", **properties: str
) -> tuple[Result, Any]:
    """A run over one row, and the statistics of the one file that it made."""
    (lake / "raw" / "one").mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({"text": ["secret"], "email": ["a"]}), lake / "raw" / "one" / "a.parquet")
    entry = table("one", lake, {"text": column("keep", "non_personal"), "email": {"domain": "customer"}})
    entry["target"]["properties"] = properties
    result = set_runs.run(spark, configured(lake, entry), "one", execution, settings)
    log = (lake / "treated" / "one" / "_delta_log" / f"{result.version:020}.json").read_text()
    (add,) = [action["add"] for action in map(json.loads, log.splitlines()) if "add" in action]
    return result, json.loads(add["stats"]) if "stats" in add else None


@pytest.mark.parametrize("execution", ["columnar", "spark"])
@pytest.mark.parametrize(
    ("properties", "least"), [({}, "sec"), ({"delta.dataSkippingStringPrefixLength": "4"}, "secr")]
)
def test_how_much_of_a_string_may_stand_in_the_log(
    spark: SparkSession, lake: Path, execution: Execution, properties: dict[str, str], least: str
) -> None:
    settings = {"spark.databricks.io.skipping.stringPrefixLength": "3"}
    result, statistics = run(spark, lake, settings, execution, **properties)
    assert result.execution == execution
    assert (statistics["minValues"]["text"], statistics["maxValues"]["text"]) == (least, f"{least}\x7f")


def test_where_statistics_are_off_spark_writes_none(spark: SparkSession, lake: Path) -> None:
    result, statistics = run(spark, lake, {"spark.databricks.delta.stats.collect": "false"})
    assert (result.execution, statistics) == ("spark", None)
    assert "spark.databricks.delta.stats.collect is off" in str(result.not_columnar)
