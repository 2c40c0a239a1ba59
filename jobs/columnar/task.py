"""One task: read a part, treat it, write it, and say what was written. Runs on executors; no row goes through Spark.

What it says is one JSON text for each part, with counts and statistics, so that whatever a failed attempt counted is
gone with it. A part that is not fit for this path is said as such, and no error, since Spark would try it again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import random
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext

from jobs.columnar import arrow_types
from jobs.columnar.parquet_writer import Files
from jobs.columnar.parts import Part, Stretch
from jobs.columnar.set_aside import SetAside
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import Tree, Work, followed, without
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
    out = LeftOut()
    try:
        rows = _treat(work, work.fits.parts[number], files, counts, aside, out)
        with _told_by_kind("writing the target's files"):
            added = [dataclasses.asdict(file) for file in files.finish()]
    except NotColumnar as error:
        files.abandon()
        return {"unfit": str(error)}
    refused = [] if aside is None else aside.told
    return {"rows": rows, "counts": counts, "files": added, "refused": refused, **out.told}


@dataclasses.dataclass
class LeftOut:
    """What one attempt of a task left out. past: rows past their time, which count as not read. rows: those of the
    erased, of the others. values: of these that named one, in rows that stay."""

    past: int = 0
    rows: int = 0
    values: int = 0

    @property
    def told(self) -> dict[str, int]:
        return {"kept_out": self.rows, "kept_out_values": self.values}

    @property
    def any(self) -> bool:
        return bool(self.past or self.rows)

    def rest(self, work: Work, columns: dict[str, pa.Array], rows: int) -> tuple[dict[str, pa.Array], int]:
        """Of the columns of some rows those that are treated, and how many these are."""
        if work.fits.ages is not None:
            columns, all_rows = work.fits.ages.within(columns), rows
            rows = len(next(iter(columns.values())))
            self.past += all_rows - rows
        columns, rows = self._not_of_erased(work, columns, rows)
        for way, told in work.fits.emptied:
            gone = functools.reduce(pc.or_, [each.among(followed(columns, way)) for each in told])
            if number := pc.sum(gone).as_py():
                self.values += number
                columns = {**columns, way[0]: without(columns[way[0]], way[1:], gone)}
        return columns, rows

    def _not_of_erased(self, work: Work, columns: dict[str, pa.Array], rows: int) -> tuple[dict[str, pa.Array], int]:
        erased = [each.among(followed(columns, way)) for way, told in work.fits.erased for each in told]
        if not erased or not any(pc.any(each).as_py() for each in erased):
            return columns, rows
        stay = pc.invert(functools.reduce(pc.or_, erased))
        left = {name: values.filter(stay) for name, values in columns.items()}
        self.rows += rows - pc.sum(stay).as_py()
        return left, pc.sum(stay).as_py()


def _treat(work: Work, part: Part, files: Files, counts: Counts, aside: SetAside | None, out: LeftOut) -> int:
    """Read, treat and write all rows of a part; how many were read that are within their time."""
    rows, gathered, size = 0, list[pa.RecordBatch](), 0
    for stretch in random.SystemRandom().sample(part, len(part)) if work.layout.is_shuffled else part:
        before = rows
        for batch in _batches(work, stretch):
            with _told_by_kind("treating the rows"):
                treated = _treated(work, batch, stretch, counts, aside, out, rows - before)
            rows, size = rows + batch.num_rows, size + treated.get_total_buffer_size()
            if treated.num_rows or (aside is None and not out.any):  # all of a batch may be gone
                gathered.append(treated)
            if size >= GATHERED:
                _write(files, gathered)
                gathered, size = [], 0
    if gathered:
        _write(files, gathered)
    return rows - out.past


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
    work: Work,
    batch: pa.RecordBatch,
    stretch: Stretch,
    counts: Counts,
    aside: SetAside | None,
    out: LeftOut,
    at: int,
) -> pa.RecordBatch:
    """The rows of a batch, treated; without those of the erased, and those that are set aside. at: how many of its
    stretch came before it."""
    columns = dict(zip(batch.schema.names, batch.columns, strict=True))
    columns |= {name: pa.repeat(value, batch.num_rows) for name, value in stretch.file.folders.items()}
    columns, number = out.rest(work, columns, batch.num_rows)
    subject = followed(columns, work.fits.subject) if work.fits.subject else None
    if aside is None:
        return _all_treated(work, columns, subject, number, counts)
    found = Counts()
    try:
        treated = _all_treated(work, columns, subject, number, found)
    except ValueRefused:
        rows, first = pa.RecordBatch.from_pydict(columns), None if stretch.start or number < batch.num_rows else at
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
