"""Sources out of which nothing is taken: files, views, other formats. Whether they hold those who are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.config import Config
from jobs.erasure import sought
from jobs.erasure.places import OfSource
from jobs.lake import read, within_rows
from jobs.lake.remains import Remains
from privacy_udfs.errors import LakenymError

IN_FILES = "rows of theirs are in this source, out of which this job takes nothing: write it anew without them"


def told(spark: SparkSession, conf: Config, sources: Iterable[OfSource]) -> Iterator[Remains]:
    for source in sources:
        held = _holds(spark, conf, source)
        if held is None:
            why = "it cannot be read, or holds texts that cannot, so nobody knows whether it holds rows of theirs"
            yield Remains("source", 1, None, f"{source.label}: {why}")
        elif held:
            yield Remains("source", 1, None, f"{source.label}: {IN_FILES}")


def _holds(spark: SparkSession, conf: Config, source: OfSource) -> bool | None:
    """Whether a source holds one of them; None where that cannot be told."""
    try:
        rows = read.rows_of(spark, conf.tables[source.tables[0]].source).rows
        there = [each for each in source.sought if within_rows.kind_of(rows.schema, each.path) is not None]
        if len(there) < len(source.sought):
            return None
        found = sought.marked(rows, there)
        holds = not found.where(sought.any_of()).isEmpty()
        return None if not holds and not found.where(F.col(sought.CLOSED) > 0).isEmpty() else holds
    except (LakenymError, PySparkException, Py4JError):
        return None
