"""Whether a treatment takes a column of the type that the inventory saw: known long before a run would say so."""

from __future__ import annotations

import re

import pyarrow as pa
from pyspark.sql.pandas.types import from_arrow_type

from jobs.configuration.models import TableConfig
from jobs.treatment import cures
from privacy_udfs.errors import LakenymError
from privacy_udfs.technique import plain_type

_SIMPLE = {
    "string": pa.string(), "binary": pa.binary(), "boolean": pa.bool_(), "tinyint": pa.int8(), "smallint": pa.int16(),
    "int": pa.int32(), "bigint": pa.int64(), "float": pa.float32(), "double": pa.float64(), "date": pa.date32(),
    "timestamp": pa.timestamp("us", "UTC"), "timestamp_ntz": pa.timestamp("us"),
}  # fmt: skip
_DECIMAL = re.compile(r"decimal\(([0-9]{1,2}),([0-9]{1,2})\)")


def _arrow(given: str) -> pa.DataType | None:
    """None for types that only a run looks at."""
    found = _DECIMAL.fullmatch(given)
    return _SIMPLE.get(given) if found is None else pa.decimal128(int(found[1]), int(found[2]))


def problem(table: TableConfig, path: str, given: str | None) -> str | None:
    """Why the treatment of a column does not go with its type; None where it does, or nobody knows."""
    kind = None if given is None else _arrow(given)
    decided = table.columns.get(path)
    if kind is None or decided is None:
        return None
    technique = decided.treatment.technique
    if technique.keeps_type or technique.drops_column:
        return None
    try:
        technique.output_type(plain_type(kind))
    except (LakenymError, TypeError, ValueError) as error:
        return f"the column is of type {given}: {cures.told(table, technique, from_arrow_type(kind), str(error))}"
    return None
