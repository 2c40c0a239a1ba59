"""A type that a technique does not take is told with what to do, which depends on where the type comes from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_type

from jobs.lake.text_sources.csv_files import _unlike
from jobs.treatment import cures
from privacy_udfs.errors import LakenymError
from privacy_udfs.techniques import parse
from tests.helpers.lakes import configured, table

YEAR = {"technique": "generalize_date", "unit": "year"}
STATE = "state input_format in the treatment, such as input_format=%d.%m.%Y for 31.01.2024"
MASK = {"technique": "mask"}
REFUSED = "mask does not take int64; it takes text"


@pytest.mark.parametrize(
    ("source", "technique", "given", "said"),
    [
        (
            {"format": "csv"},
            YEAR,
            T.StringType(),
            ": state the column's type in source.schema (all columns of a CSV source are text unless it names them), "
            "or state input_format in the treatment, such as input_format=%d.%m.%Y for 31.01.2024",
        ),
        (
            {"format": "csv", "schema": "born string"},
            YEAR,
            T.StringType(),
            ": give the column another type in source.schema, or state input_format in the treatment, such as "
            "input_format=%d.%m.%Y for 31.01.2024",
        ),
        (
            {"format": "parquet"},
            YEAR,
            T.StringType(),
            f": {STATE}",
        ),
        (
            {"format": "parquet"},
            MASK,
            T.LongType(),
            ": choose another technique, or have the source hold the column in such a type",
        ),
        ({"format": "json"}, MASK, T.ArrayType(T.StringType()), ""),
    ],
)
def test_the_cure_of_a_type(tmp_path: Path, source: Any, technique: Any, given: T.DataType, said: str) -> None:
    source = {**source, "path": str(tmp_path / "raw")}
    conf = configured(tmp_path, table("t", tmp_path, {"born": "keep"}, source=source))
    assert cures.of(conf.tables["t"], parse(technique), given, REFUSED) == said
    assert cures.of(conf.tables["t"], parse(technique), given, "the column has no type (void)") == ""


@pytest.mark.parametrize("given", [pa.string(), pa.bool_(), pa.int64()])
def test_types_are_called_as_the_catalog_calls_them(tmp_path: Path, given: pa.DataType) -> None:
    """Each technique, each refusal: no name of Arrow's that Spark does not know."""
    conf = configured(
        tmp_path, table("t", tmp_path, {"born": "keep"}, source={"format": "csv", "path": str(tmp_path / "raw")})
    )
    refused = 0
    for words in (
        YEAR,
        MASK,
        {"technique": "generalize_number", "width": 10},
        {"technique": "date_shift", "max_days": 9},
    ):
        technique = parse(words)
        try:
            technique.output_type(given)
        except LakenymError as error:
            refused += 1
            said = cures.told(conf.tables["t"], technique, from_arrow_type(given), str(error))
            assert f"{technique.technique} does not take {from_arrow_type(given).simpleString()}; " in said
            assert not re.search(r"int(?:8|16|32|64)|date32|\[us|float\d|decimal128|\bbool\b", said), said
            assert "; it takes " not in said.rpartition(": ")[2], "the cure stands at the end"
    assert refused


@pytest.mark.parametrize(
    ("header", "names", "said"),
    [
        (["id", "born"], ["id", "born"], ""),
        (["Ann"], ["id", "born"], "of 1 column, and source.schema names 2 (id, born): state all of them there, in the"),
        (
            ["id", "born", "new"],
            ["id", "born"],
            "of 3 columns, and source.schema names 2 (id, born): state all of them there, in the order of the file "
            "(one that came later too, with its type, before jobs/inventory.py",
        ),
        (["id", "Ann"], ["id", "born"], "with another name in column 2 than source.schema, which calls it born: mend"),
    ],
)
def test_a_header_that_is_not_the_schemas(header: list[str], names: list[str], said: str) -> None:
    """A header may be a row: no word of it is told."""
    told = _unlike(header, names)
    assert told.startswith(said)
    assert bool(told) == bool(said)
    assert "Ann" not in told
