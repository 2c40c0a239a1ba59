"""One task: read a part, treat it, write it, and say what was written. Runs on executors; no row goes through Spark.

What it says is one JSON text for each part, with counts and statistics, so that whatever a failed attempt counted is
gone with it. A part that is not fit for this path is said as such, and no error, since Spark would try it again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import random
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from pyspark import TaskContext

from jobs.columnar import arrow_types
from jobs.columnar.parquet_writer import Files
from jobs.columnar.parts import Part, Stretch
from jobs.columnar.set_aside import SetAside
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import Tree, Work, followed
from privacy_udfs import nested, wording
from privacy_udfs.errors import LakenymError, UnexpectedFailure, ValueRefused
from privacy_udfs.nested import Counts
from privacy_udfs.udf import CountsParam

GATHERED = 1 << 25
"""Bytes of treated rows that become one row group: few enough for any executor, enough for Spark to read fast."""
RESULT = "result"


def run(batches: Iterator[pa.RecordBatch], work: Work) -> Iterator[pa.RecordBatch]:
    """Each number of a part becomes what is said of it, in a column `RESULT`."""
    pa.set_cpu_count(work.threads)
    for batch in batches:
        said = [json.dumps(_told(work, number)) for number in batch.column(0).to_pylist()]
        yield pa.RecordBatch.from_pydict({RESULT: pa.array(said, pa.string())})


def _told(work: Work, number: int) -> dict[str, Any]:
    context = TaskContext.get()
    attempt = 0 if context is None else context.attemptNumber()
    files = Files(work.layout, work.fits.access, number)
    try:
        with wording.marked_errors(work.mark):
            told = _tried(work, number, files)
    except BaseException:
        files.abandon()
        raise
    return {"part": number, "attempt": attempt, **told}


def _tried(work: Work, number: int, files: Files) -> dict[str, Any]:
    counts = Counts()
    aside = None if work.seal is None else SetAside(work.seal)
    try:
        rows = _treat(work, work.fits.parts[number], files, counts, aside)
        with _told_by_kind("writing the target's files"):
            added = [dataclasses.asdict(file) for file in files.finish()]
    except NotColumnar as error:
        files.abandon()
        return {"unfit": str(error)}
    return {"rows": rows, "counts": counts, "files": added, "refused": [] if aside is None else aside.told}


def _treat(work: Work, part: Part, files: Files, counts: Counts, aside: SetAside | None) -> int:
    """Read, treat and write all rows of a part, but for those past their time; how many were read of the others."""
    rows, gathered, size = 0, list[pa.RecordBatch](), 0
    for stretch in random.SystemRandom().sample(part, len(part)) if work.layout.is_shuffled else part:
        before = rows
        for batch in _batches(work, stretch):
            with _told_by_kind("treating the rows"):
                treated = _treated(work, batch, stretch, counts, aside, rows - before)
            # where rows may be set aside none is past its time
            rows += batch.num_rows if work.fits.ages is None else treated.num_rows
            size += treated.get_total_buffer_size()
            if treated.num_rows or (aside is None and work.fits.ages is None):  # else all of a batch may be gone
                gathered.append(treated)
            if size >= GATHERED:
                _write(files, gathered)
                gathered, size = [], 0
    if gathered:
        _write(files, gathered)
    return rows


def _batches(work: Work, stretch: Stretch) -> Iterator[pa.RecordBatch]:
    found = work.fits.reader.batches(stretch, work.fits.access, work.fits.wanted)
    while True:
        with _told_by_kind(f"reading {wording.file_shown(stretch.file.uri)}"):
            batch = next(found, None)
        if batch is None:
            return
        yield batch


def _write(files: Files, gathered: list[pa.RecordBatch]) -> None:
    with _told_by_kind("writing the target's files"):
        files.write(pa.Table.from_batches(gathered))


@contextlib.contextmanager
def _told_by_kind(deed: str) -> Iterator[None]:
    """Errors that nobody foresaw are told by their kind, since those of libraries quote paths and values."""
    try:
        yield
    except LakenymError:
        raise
    except Exception as error:
        raise UnexpectedFailure(f"{deed} failed with {type(error).__name__}") from None


def _treated(
    work: Work, batch: pa.RecordBatch, stretch: Stretch, counts: Counts, aside: SetAside | None, at: int
) -> pa.RecordBatch:
    """The rows of a batch, treated; without those that are set aside. at: how many of its stretch came before it."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns |= {name: pa.repeat(value, batch.num_rows) for name, value in stretch.file.folders.items()}
    number = batch.num_rows
    if work.fits.ages is not None:
        columns = work.fits.ages.within(columns)
        number = len(next(iter(columns.values())))
    subject = followed(columns, work.fits.subject) if work.fits.subject else None
    if aside is None:
        return _all_treated(work, columns, subject, number, counts)
    found = Counts()
    try:
        treated = _all_treated(work, columns, subject, batch.num_rows, found)
    except ValueRefused:
        rows, first = pa.RecordBatch.from_pydict(columns), None if stretch.start else at
        rest = aside.rest(work.fits.trees, rows, subject, stretch.file.uri, first)
        columns, found = dict(zip(rest.schema.names, rest.columns, strict=True)), Counts()
        subject = followed(columns, work.fits.subject) if work.fits.subject else None
        treated = _all_treated(work, columns, subject, rest.num_rows, found)
    CountsParam().addInPlace(counts, found)
    return treated


def _all_treated(
    work: Work, columns: dict[str, pa.Array], subject: pa.Array | None, rows: int, counts: Counts
) -> pa.RecordBatch:
    arrays = [
        _column(tree, columns, subject, rows, field.type, counts)
        for tree, field in zip(work.fits.trees, work.layout.schema, strict=True)
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=work.layout.schema)


def _column(
    tree: Tree, columns: dict[str, pa.Array], subject: pa.Array | None, rows: int, stored: pa.DataType, counts: Counts
) -> pa.Array:
    if tree.node is None:
        return pa.nulls(rows, stored)
    result = nested.treat(tree.node, tree.of(columns), subject, counts)
    return arrow_types.placed(arrow_types.placed(result, tree.output), stored)
