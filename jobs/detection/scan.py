"""One Spark pass over a sample of a table, all columns at once. What comes back are counts; values stay where they are.

The sample takes the first rows of each part of the table, so that it costs the reading of few rows of each file and
no pass over the whole. It is no random sample: it is for knowing columns, not for estimating their means.
"""

from __future__ import annotations

import dataclasses
import functools
import secrets
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration.column_path import ColumnPath
from jobs.detection import distinct, evidence, leaves, sampled
from jobs.detection.evidence import Evidence, Measured, Settings
from jobs.detection.sampled import Batches
from jobs.detection.samples import DEFAULT_SAMPLE
from jobs.detection.sketch import Sketch
from jobs.lake import bare_types
from privacy_udfs.entities.phone import REGIONS
from privacy_udfs.errors import LakenymError, UnexpectedFailure

MOST_TASKS = 8
RESULT = (
    "column string, rows bigint, nulls bigint, examined bigint, counts map<string, bigint>, bits binary, drawn binary, "
    "after binary"
)


@dataclasses.dataclass(frozen=True)
class Found:
    """A leaf column and what the sample says of it."""

    path: ColumnPath
    type: T.DataType
    evidence: Evidence


def scan(
    rows: DataFrame,
    sample: int = DEFAULT_SAMPLE,
    regions: tuple[str, ...] = REGIONS,
    shapes: Mapping[str, str] | None = None,
    salt: bytes | None = None,
) -> list[Found]:
    """The leaf columns of ``rows``, in order. shapes: see `Settings`. salt: the run's secret, where the columns of
    several tables are to be compared."""
    settings = Settings(distinct.size_for(sample), salt or secrets.token_bytes(16), regions, shapes or {})
    seen = {f"c{at}": field.name for at, field in enumerate(rows.schema.fields) if _has_arrow_type(field.dataType)}
    parts: dict[str, Measured] = {}
    if seen:
        chosen = _sampled(_numbered(rows).select(*seen), sample)
        measured = functools.partial(_measure_all, settings=settings, names=tuple(seen.values()))
        for row in chosen.mapInArrow(measured, RESULT).collect():
            bits = np.frombuffer(row["bits"], np.uint8)
            drawn = Sketch(np.frombuffer(row["drawn"], np.uint64), np.frombuffer(row["after"], np.uint64))
            part = Measured(row["rows"], row["nulls"], row["examined"], Counter(row["counts"]), bits, drawn)
            known = parts.get(row["column"])
            parts[row["column"]] = part if known is None else known + part
    found = bare_types.leaves(rows.schema)
    return [Found(path, kind, _evidence(parts.get(str(path)), kind)) for path, kind in found]


def _numbered(rows: DataFrame) -> DataFrame:
    """The columns by number, ``c0`` and so on: `mapInArrow` looks columns up by names that it does not quote, so that
    one called ``a.b`` or ``*`` would not be found."""
    return rows.toDF(*(f"c{at}" for at in range(len(rows.columns))))


def _evidence(part: Measured | None, kind: T.DataType) -> Evidence:
    return Evidence(kind.simpleString()) if part is None else part.evidence(kind.simpleString())


def _has_arrow_type(kind: T.DataType) -> bool:
    try:
        to_arrow_type(kind, timezone="UTC")
    except (PySparkException, TypeError):
        return False
    return True


def _sampled(rows: DataFrame, sample: int) -> DataFrame:
    parts = max(1, rows.rdd.getNumPartitions())
    chosen = sampled.first(rows, sample)
    return chosen.repartition(min(MOST_TASKS, parts)) if parts > 1 else chosen


def _measure_all(batches: Batches, settings: Settings, names: tuple[str, ...]) -> Batches:
    """One row a leaf. All batches of a task are looked at together, so that each recognizer runs once a column.
    names: of the columns, in their order; those of the batches are numbers."""
    held = list(batches)
    if not held:
        return
    by_path: dict[ColumnPath, list[pa.Array]] = {}
    for batch in held:
        for path, values in leaves.of_batch(batch, names):
            by_path.setdefault(path, []).append(values)
    yield pa.RecordBatch.from_pylist(
        [_as_row(path, pa.concat_arrays(arrays), settings) for path, arrays in by_path.items()], _RESULT_SCHEMA
    )


def _as_row(path: ColumnPath, values: pa.Array, settings: Settings) -> dict[str, Any]:
    try:
        part = evidence.measure(values, settings, settings.shapes.get(str(path)))
    except LakenymError:
        raise
    except Exception as error:  # Arrow's messages quote values
        raise UnexpectedFailure(f"{path}: its values could not be looked at: {type(error).__name__}") from None
    return {
        "column": str(path),
        "rows": part.rows,
        "nulls": part.nulls,
        "examined": part.examined,
        "counts": list(part.counts.items()),
        "bits": part.bits.tobytes(),
        "drawn": part.sketch.values.tobytes(),
        "after": part.sketch.after.tobytes(),
    }


_RESULT_SCHEMA = pa.schema(
    {
        "column": pa.string(),
        "rows": pa.int64(),
        "nulls": pa.int64(),
        "examined": pa.int64(),
        "counts": pa.map_(pa.string(), pa.int64()),
        "bits": pa.binary(),
        "drawn": pa.binary(),
        "after": pa.binary(),
    }
)
