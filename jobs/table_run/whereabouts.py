"""Where the values stand that a run could not treat: files and rows, never values. Looked up after it has failed."""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import uuid
from collections.abc import Iterator
from urllib.parse import unquote

from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import Row
from pyspark.sql import functions as F

from jobs.configuration.models import Source
from jobs.console.shown import shown
from jobs.lake.columns import column
from jobs.lake.read import PLACES, SourceRows
from jobs.spark_app.failures import RunFailed
from jobs.table_run.selection import Selection
from privacy_udfs.errors import ValueRefused
from privacy_udfs.wording import Told, told

MOST = 3
LONGEST = 60.0
"""Seconds for which is looked: the only such value of a huge source may be its last one."""
AS_CSV = ("file_path", "line")
FILE, ROW = "_metadata.file_path", "_metadata.row_index"


class RefusedAt(RunFailed):
    """Values that a technique cannot treat, and where the first of them stand."""


def located(error: Exception, source: SourceRows, selection: Selection) -> RefusedAt | None:
    """A run's failure with the places of what was refused; None for any other failure, or where none can be told."""
    ours = told(str(error))
    if ours is None or ours.kind != ValueRefused.__name__:
        return None
    try:
        with _bounded(source.rows.sparkSession.sparkContext):
            places = list(_places(ours, source, dataclasses.replace(selection, counts=None)))
    except Exception:  # whatever it is, and out of time too: the first error is what counts
        return None
    if not places:
        return None
    first = f"it stands first in {'; '.join(places)}"
    return RefusedAt(f"{ours.message} ({ours.kind}); nothing was committed; {first}")


@contextlib.contextmanager
def _bounded(context: SparkContext) -> Iterator[None]:
    """Jobs of this thread are cancelled once they have had `LONGEST`."""
    tag, over = f"lakenym-{uuid.uuid4()}", threading.Event()

    def cancel() -> None:
        while not over.wait(LONGEST):  # again and again: it may come between two jobs
            context.cancelJobsWithTag(tag)

    watch = threading.Thread(target=cancel, daemon=True)
    context.addJobTag(tag)
    watch.start()
    try:
        yield
    finally:
        over.set()
        watch.join()
        context.removeJobTag(tag)


def _places(ours: Told, source: SourceRows, selection: Selection) -> Iterator[str]:
    plan = selection.plan
    paths = [
        path for leaf in plan.leaves for path in (leaf.path.column, leaf.path, *(case.path for case in leaf.cases))
    ]
    labels = [(f"{plan.table}: {path}: ", path.root) for path in paths]
    for name in sorted({root for label, root in labels if ours.message.startswith(label)}):
        for row in _looked_up(source, selection, name):
            yield _place(row, plan.config.source)


def _looked_up(source: SourceRows, selection: Selection, name: str) -> list[Row]:
    """Formats differ in what they tell of a row: CSV the line, Parquet the row's number (as Delta does
    for tables with deletion vectors), others the file."""
    if source.places is not None:
        rows, wanted = source.places(), selection.plan.config.rows
        rows = rows if wanted is None else rows.where(wanted)
        rows = rows if source.past is None else rows.where(source.past.is_within())
        named = [column(place).alias(as_) for place, as_ in zip(PLACES, AS_CSV, strict=True)]
        return rows.where(selection.refusing(name, MOST)).select(*named).limit(MOST).collect()
    for columns in ((FILE, ROW), (FILE,)):
        try:
            found = source.rows.where(selection.refusing(name, MOST)).select(*map(F.col, columns))
        except PySparkException:  # there is no such column
            continue
        return found.limit(MOST).collect()
    return []


def _place(row: Row, source: Source) -> str:
    number = f", row {row['row_index']} counted from 0" if "row_index" in row else ""
    line = f", line {row['line']}" if "line" in row else ""
    return f"{named(row['file_path'], source)}{number}{line}"


def named(path: str, source: Source) -> str:
    """A file below the source's path; by its name alone where folders are named after values, or not known."""
    path = unquote(path)
    root = None if source.path is None else source.path.rstrip("/").partition(":")[2] or source.path.rstrip("/")
    below = path.partition(f"{root}/")[2] if root else ""
    return shown(below if below and "=" not in below else path.rpartition("/")[2])
