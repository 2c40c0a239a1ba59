"""The columnar path: files read, treated and written in whole Arrow arrays by tasks, then committed as Spark's are."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.columnar import fitting, writing
from jobs.columnar.unfit import NotColumnar
from jobs.gates.known import Prepared
from jobs.lake import replace, shapes
from jobs.lake.delta_commit import AddedFile, Place
from jobs.lake.problems import CommitConflict
from jobs.lake.session_settings import held
from jobs.table_run import commits, file_settings, whereabouts
from jobs.table_run.aside import Aside
from jobs.table_run.result import by_column
from jobs.table_run.selection import Selection
from jobs.table_run.written import Written, run_metadata
from jobs.treatment import file_statistics
from jobs.treatment.kept_out import Out
from privacy_udfs.errors import UnexpectedFailure
from privacy_udfs.nested import Counts


def written(prepared: Prepared, selection: Selection, record: Mapping[str, str], aside: Aside) -> Written:
    """Treat and commit all rows. record: the table properties that hold it. aside: where rows are set aside that
    cannot be treated.

    Raises `NotColumnar` where the table does not fit; then nothing is left of what was written, and the target's
    transaction is of no more use (`jobs.lake.replace.renewed`).
    """
    spark, plan, target, run_id = prepared.spark, prepared.plan, prepared.target, aside.run_id
    noted = prepared.kept_out
    if noted is not None and noted.has_lists:
        raise NotColumnar("who is on the list of the erased is taken out of arrays, maps and JSON text by Spark")
    erased = ((), ()) if noted is None else (noted.ways, noted.ways_of_others)
    fits = fitting.fitted(spark, plan, prepared.source, selection.trees(), target.transaction, *erased)
    treated = shapes.without_rows(spark, selection.schema())
    found: Counts = {}
    places: list[Place] = []

    def files(place: Place) -> Sequence[AddedFile]:
        places.append(place)
        scattered, unmeasured = file_statistics.scattered(plan), file_statistics.unmeasured(plan)
        told = writing.files(spark, fits, place, scattered, run_id, aside.seal, unmeasured)
        found.update(told.counts)
        try:
            aside.leave_out(Out(told.kept_out, told.kept_out_values))
            aside.put([{**row, "sealed": base64.b64decode(row["sealed"])} for row in told.refused], told.rows)
        except BaseException:
            writing.sweep(fits, place, run_id, ())
            raise
        spark.conf.set(replace.USER_METADATA, run_metadata(prepared, aside, told.counts, "columnar"))
        return told.files

    # Spark writes those files anew that hold a row in a small class, or one that changes in its box
    is_last = prepared.entry.suppress is None and prepared.entry.mondrian is None
    settings = {} if is_last else file_settings.of(prepared)
    try:
        with held(spark, settings):
            commit = commits.committed(prepared, treated, record, aside, files)
    except (CommitConflict, UnexpectedFailure):
        # a store may report a conflict with the very commit that it took: then these are the table's files
        if places and replace.lacks(spark, target, run_id):
            writing.sweep(fits, places[0], run_id, ())
        raise
    except (PySparkException, Py4JError) as error:
        raise whereabouts.located(error, prepared.source, selection) or error from None
    return Written(commit, by_column(plan, found), "columnar")
