"""The columnar path: files read, treated and written in whole Arrow arrays by tasks, then committed as Spark's are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException

from jobs.columnar import fitting, writing
from jobs.gates.known import Prepared
from jobs.lake import replace
from jobs.lake.delta_commit import AddedFile, Place
from jobs.lake.problems import CommitConflict
from jobs.table_run import comments, whereabouts
from jobs.table_run.result import by_column
from jobs.table_run.selection import Selection
from jobs.table_run.written import Written, properties, run_metadata
from jobs.treatment import file_statistics
from privacy_udfs.nested import Counts


def written(prepared: Prepared, selection: Selection, record: Mapping[str, str], run_id: str) -> Written:
    """Treat and commit all rows. record: the table properties that hold it.

    Raises `NotColumnar` where the table does not fit; then nothing is left of what was written, and the target's
    transaction is of no more use (`jobs.lake.replace.renewed`).
    """
    spark, plan, target = prepared.spark, prepared.plan, prepared.target
    fits = fitting.fitted(spark, plan, prepared.source, selection.trees(), target.transaction)
    treated = comments.of_columns(prepared.source.rows.select(*selection.columns()), target.before)
    comment, stated = comments.of_table(treated, target.before, record), properties(prepared, record)
    found: Counts = {}
    places: list[Place] = []

    def files(place: Place) -> Sequence[AddedFile]:
        places.append(place)
        added, counts = writing.files(spark, fits, place, file_statistics.unmeasured(plan), run_id)
        found.update(counts)
        spark.conf.set(replace.USER_METADATA, run_metadata(prepared, run_id, counts, "columnar"))
        return added

    try:
        commit = replace.replace(spark, treated, prepared.entry.target, target, stated, comment, run_id, files)
    except CommitConflict:
        # a store may report a conflict with the very commit that it took: then these are the table's files
        if places and replace.lacks(spark, target, run_id):
            writing.sweep(fits, places[0], run_id, ())
        raise
    except (PySparkException, Py4JError) as error:
        raise whereabouts.located(error, prepared.source, selection) or error from None
    return Written(commit, by_column(plan, found), "columnar")
