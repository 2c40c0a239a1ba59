"""Which files of a folder a run reads, where later runs are to read only those that are new."""

from __future__ import annotations

import datetime
import hashlib
import time
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.configuration.documents import canonical_json
from jobs.configuration.models import Source
from jobs.configuration.reader_options import LISTING
from jobs.lake import position
from jobs.lake.position import FolderPosition
from jobs.lake.problems import HEALS, CannotGrow, SourceProblem

SETTLED = 2000
"""Milliseconds: stores count time in whole seconds, so a file may come later and have the time of one that is there."""
SKEW = 5000
"""Milliseconds by which the clock of a store may be ahead."""
BEFORE, AFTER = "modifiedBefore", "modifiedAfter"


def settled(spark: SparkSession, source: Source, end: FolderPosition | None = None) -> tuple[Source, FolderPosition]:
    """The source, held to the files that are there now; and the position behind them. Waits for a moment where the
    newest file is younger than that. Raises `SourceProblem`. end: behind which no file is taken, None for none."""
    stated = [name for name in (BEFORE, AFTER) if name in source.options]
    if stated:
        raise SourceProblem(f"options.{stated[0]} leaves files out by their time, and so does mode: incremental")
    if end is not None:
        return until(source, end), position.of_files(*_listed(spark, source), end.before)
    newest = int(_listed(spark, source)[1].max(initial=0))
    wait = newest + SETTLED - int(time.time() * 1000)
    if wait > SETTLED + SKEW:
        raise SourceProblem("files have a time in the future: mode: incremental needs clocks that agree")
    time.sleep(max(wait, 0) / 1000)
    stopped = position.of_files(*_listed(spark, source), newest + 1)
    return until(source, stopped), stopped


def fingerprint(spark: SparkSession, source: Source) -> str | None:
    """SHA-256 over path, size and time of each file that is there now, hex; None where a file is so new, by the clock
    here or there, that it may change once more and keep its time."""
    found = _files(spark, source).select(
        F.col("_metadata.file_path").alias("path"),
        F.col("_metadata.file_size").alias("size"),
        F.col("_metadata.file_modification_time").alias("time"),
    )
    table = found.toArrow()
    times = _milliseconds(table.column("time"))
    if int(times.max(initial=0)) > time.time() * 1000 - SETTLED - SKEW:
        return None
    rows = zip(table.column("path").to_pylist(), table.column("size").to_pylist(), times.tolist(), strict=True)
    return hashlib.sha256(canonical_json(sorted(map(list, rows))).encode()).hexdigest()


def until(source: Source, stopped: FolderPosition) -> Source:
    """The source, held to the files that a position is behind of."""
    return _with_options(source, {BEFORE: _as_text(stopped.before)})


def next_files(spark: SparkSession, source: Source, stopped: FolderPosition, most_files: int) -> FolderPosition | None:
    """The position behind the next files after those that were read, no more than so many, but all that have one time;
    None where that is all. source: held to the files that count."""
    sizes, times = _listed(spark, source)
    new = np.sort(times[times >= stopped.before])
    beyond = new[most_files:][new[most_files:] > new[0]] if len(new) else new
    return position.of_files(sizes, times, int(beyond[0])) if len(beyond) else None


def since(spark: SparkSession, source: Source, stopped: FolderPosition) -> Source:
    """The source, held to files that are new since a run stopped. Raises `CannotGrow` where the others changed."""
    found = position.of_files(*_listed(spark, source), stopped.before)
    if found.files != stopped.files:
        raise CannotGrow(
            f"of the {stopped.files} files that were read before, or with times as old as theirs, there are now "
            f"{found.files}: {HEALS}"
        )
    if found.listed != stopped.listed:
        raise CannotGrow(f"files that were read before have changed since: {HEALS}")
    return _with_options(source, {AFTER: _as_text(stopped.before - 1)})


def _listed(spark: SparkSession, source: Source) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sizes and times of all files."""
    columns = F.col("_metadata.file_size").alias("size"), F.col("_metadata.file_modification_time").alias("time")
    table = (
        _files(spark, source).select(*columns).toArrow()
    )  # not by the columns' own names, which folders may have too
    return table.column("size").to_numpy(), _milliseconds(table.column("time"))


def _files(spark: SparkSession, source: Source) -> DataFrame:
    options = {name: value for name, value in source.options.items() if name in LISTING}
    return spark.read.format("binaryFile").options(**options).load(str(source.path))


def _milliseconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    found: NDArray[np.int64] = times.cast(pa.timestamp("ms", "UTC"), safe=False).cast("int64").to_numpy()
    return found


def _with_options(source: Source, options: Mapping[str, str]) -> Source:
    return source.model_copy(update={"options": {**source.options, **options}})


def _as_text(milliseconds: int) -> str:
    given = datetime.datetime.fromtimestamp(milliseconds // 1000, datetime.timezone.utc)
    return given.strftime("%Y-%m-%dT%H:%M:%S.") + f"{milliseconds % 1000:03d}Z"
