"""A type that a technique does not take is told with what to do, which depends on where the type comes from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import types as T

from jobs.lake.text_sources.csv_files import _unlike
from jobs.treatment import cures
from privacy_udfs.techniques import parse
from tests.helpers.lakes import configured, table

YEAR = {"technique": "generalize_date", "unit": "year"}
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
            "or state input_format in the treatment",
        ),
        (
            {"format": "csv", "schema": "born string"},
            YEAR,
            T.StringType(),
            ": give the column another type in source.schema, or state input_format in the treatment",
        ),
        ({"format": "parquet"}, YEAR, T.StringType(), ": state input_format in the treatment"),
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
