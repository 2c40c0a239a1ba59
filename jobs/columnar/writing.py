"""The files of a target, written by tasks that treat part after part; afterwards all of them count, or none is left."""

from __future__ import annotations

import contextlib
import functools
import json
import random
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
from pyspark.sql import SparkSession

from jobs.columnar import late_tasks, statistics, stored_schema, task
from jobs.columnar.parquet_writer import CODECS, Layout
from jobs.columnar.unfit import NotColumnar
from jobs.columnar.work import Fitting, Work
from jobs.columnar.writer_options import writer_options
from jobs.configuration import file_properties
from jobs.configuration.column_path import ColumnPath
from jobs.lake import java
from jobs.lake.column_mapping import name_in_files
from jobs.lake.delta_commit import AddedFile, Place
from privacy_udfs import wording
from privacy_udfs.errors import UnexpectedFailure
from privacy_udfs.nested import Counts
from privacy_udfs.sealed_rows import Seal
from privacy_udfs.udf import CountsParam

FILE_SIZE = 1 << 27
"""Bytes of a file, where neither the table nor the session says how large files are to be."""
OPTIMIZED, MOST_ROWS = "spark.databricks.delta.optimize.maxFileSize", "spark.sql.files.maxRecordsPerFile"
FORMAT_VERSION, FIRST = "delta.parquet.format.version", "1.0.0"
FEATURES = frozenset(
    {
        "allowColumnDefaults",
        "appendOnly",
        "changeDataFeed",
        "checkConstraints",
        "checkpointProtection",
        "clustering",
        "columnMapping",
        "deletionVectors",
        "domainMetadata",
        "generatedColumns",
        "identityColumns",
        "inCommitTimestamp",
        "invariants",
        "rowTracking",
        "timestampNtz",
        "typeWidening",
        "typeWidening-preview",
        "v2Checkpoint",
        "vacuumProtocolCheck",
    }
)
"""Of Delta's writers: those that ask for nothing of files that this path does not do, or that the run looks after."""


class Told(NamedTuple):
    """What the tasks say. rows: how many were read. refused: the rows that were set aside, sealed, as JSON data.
    kept_out: how many of the rows that were read are of the erased; kept_out_values: how many
    values in rows of others name one."""

    files: list[AddedFile]
    counts: Counts
    rows: int
    refused: list[Mapping[str, Any]]
    kept_out: int = 0
    kept_out_values: int = 0


def files(
    spark: SparkSession,
    fits: Fitting,
    place: Place,
    scattered: Sequence[ColumnPath],
    run_id: str,
    seal: Seal | None = None,
    unmeasured: Sequence[ColumnPath] = (),
) -> Told:
    """Write the files; what each is and what was counted. Raises `NotColumnar`, after which none is left.

    scattered: columns of the target of which neither statistics nor dictionaries are made. seal: of the rows that are
    set aside; None where a refused value stops the run. unmeasured: columns of which no statistics are made.
    """
    for feature in sorted(place.features - FEATURES):
        raise NotColumnar(f"the target has the feature {feature} of Delta, which may ask more of its files")
    if place.configuration.get(FORMAT_VERSION, FIRST) != FIRST:
        raise NotColumnar(f"the target states {FORMAT_VERSION}, and files of another version are written by Spark")
    layout = _layout(spark, fits, place, (scattered, unmeasured), run_id)
    threads = int(java.application(spark).get("spark.task.cpus") or 1)
    work = Work(fits, layout, wording.mark(), threads, seal)
    try:
        with late_tasks.known_by(spark, run_id):
            told = _run(spark, work)
        unfit = [each["unfit"] for each in told if "unfit" in each]
        if unfit:
            raise NotColumnar(unfit[0])
        added = [AddedFile(**file) for each in told for file in each["files"]]
        if fits.is_shuffled:
            random.SystemRandom().shuffle(added)  # Delta's log lists them in this order
        _reconcile(told, added, len(fits.parts))
        if any(each["attempt"] for each in told) or _speculates(spark):
            late_tasks.ended(spark, run_id)
            sweep(fits, place, run_id, added)
    except BaseException:
        late_tasks.ended(spark, run_id)
        sweep(fits, place, run_id, ())
        raise
    counts: Counts = functools.reduce(CountsParam().addInPlace, (_counts(each) for each in told), {})
    rows, refused = sum(each["rows"] for each in told), [row for each in told for row in each["refused"]]
    out, values = (sum(each[name] for each in told) for name in ("kept_out", "kept_out_values"))
    return Told(added, counts, rows, refused, out, values)


def _run(spark: SparkSession, work: Work) -> list[dict[str, Any]]:
    """One task for each part. What the tasks need travels with the function that they run."""
    number = len(work.fits.parts)
    if not number:
        return []
    rows = spark.range(0, number, 1, number).mapInArrow(functools.partial(task.run, work=work), f"{task.RESULT} string")
    return [json.loads(row[task.RESULT]) for row in rows.collect()]


def _speculates(spark: SparkSession) -> bool:
    """Whether a second attempt may be begun while the first goes on."""
    return str(java.application(spark).get("spark.speculation", "false")).lower() == "true"


def _counts(told: Mapping[str, Any]) -> Counts:
    return {label: (int(numbers[0]), int(numbers[1]), int(numbers[2])) for label, numbers in told["counts"].items()}


def _reconcile(told: Sequence[Mapping[str, Any]], added: Sequence[AddedFile], number: int) -> None:
    """Every part is there once, and as many rows as were read were written, set aside or left out."""
    parts = {each["part"] for each in told}
    read, written = sum(each["rows"] for each in told), sum(file.rows for file in added)
    aside = sum(len(each["refused"]) + each["kept_out"] for each in told)
    if len(told) != number or parts != set(range(number)) or read != written + aside:
        raise UnexpectedFailure(
            f"of {number} parts {len(parts)} were treated, and of {read} rows {written} written and {aside} set aside "
            "or left out"
        )


def sweep(fits: Fitting, place: Place, run_id: str, added: Sequence[AddedFile]) -> None:
    """Take away what a run, or attempts of it that failed, left in the target's folder: its files but for ``added``."""
    kept = {f"{place.root}/{file.path}" for file in added}
    with contextlib.suppress(Exception):  # what is left is no part of the table, and VACUUM takes it away
        for uri in fits.access.below(place.root):
            if run_id in uri.rpartition("/")[2] and uri not in kept:
                fits.access.delete(uri)


def _layout(
    spark: SparkSession, fits: Fitting, place: Place, hidden: Sequence[Sequence[ColumnPath]], run_id: str
) -> Layout:
    schema = stored_schema.of(place.schema.fields)
    scattered, unmeasured = ([stored_schema.leaf_path(place.schema, path) for path in each] for each in hidden)
    partition_by = tuple(name_in_files(place.schema[name]) for name in place.partition_by)
    in_files = pa.schema([field for field in schema if field.name not in partition_by])
    return Layout(
        root=place.root,
        schema=schema,
        partition_by=partition_by,
        measured=statistics.measured(place.schema, {**_default(spark), **place.configuration}, place.partition_by),
        options=writer_options(in_files, scattered, unmeasured),
        codec=_codec(fits, place),
        largest=file_properties.target_size(place.configuration) or _size_of_session(spark) or FILE_SIZE,
        spark_version=spark.version,
        run_id=run_id,
        is_shuffled=fits.is_shuffled,
        most_rows=max(int(str(spark.conf.get(MOST_ROWS, "0"))), 0) or None,
    )


def _codec(fits: Fitting, place: Place) -> str:
    codec = file_properties.codec(place.configuration) or fits.codec
    if codec not in CODECS:
        raise NotColumnar(f"the target's files are to be compressed by {codec}, which Arrow does not write")
    return codec


def _size_of_session(spark: SparkSession) -> int | None:
    """What OPTIMIZE would make of the table's files, where the session says it."""
    stated = spark.conf.get(OPTIMIZED, None)
    return None if stated is None else file_properties.target_size({file_properties.TARGET_SIZE: stated})


def _default(spark: SparkSession) -> dict[str, str]:
    """What the session has for a property of data skipping that a table has not."""
    longest = spark.conf.get("spark.databricks.io.skipping.stringPrefixLength", None)
    return {} if longest is None else {"delta.dataSkippingStringPrefixLength": longest}
