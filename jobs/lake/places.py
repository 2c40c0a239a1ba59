"""Where tables really are: links followed, names of the catalog looked up. Nothing of others is overwritten."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration import locations
from jobs.lake.java import hadoop_path
from jobs.lake.problems import SourceProblem
from jobs.lake.sql import quoted_table

LOG = "_delta_log"


def check_apart(spark: SparkSession, rows: DataFrame, target: str, shown: str, what: str = "target") -> None:
    """Raise `SourceProblem` where the target is a place that ``rows`` are read from, or one lies in the other.
    what: the place is to be called."""
    place = _resolved(spark, target)
    for source in _roots(rows):
        if _overlap(_resolved(spark, source), place):
            raise SourceProblem(
                f"the {what} {shown} is the place that the source is read from, or one lies in the other, once links "
                "and names of the catalog are followed: write elsewhere"
            )


def are_apart(spark: SparkSession, one: str, other: str) -> bool:
    """Whether two places are neither one nor one in the other, once links are followed."""
    return not _overlap(_resolved(spark, one), _resolved(spark, other))


def may_overlap(spark: SparkSession, stated: str, place: str) -> bool:
    """Whether a path as a configuration states it, which may be a pattern of Hadoop's, and a place are one, or one lies
    in the other, once links are followed. Of a file system that is out of reach by how it is written."""
    try:
        one, other = _resolved(spark, stated), _resolved(spark, place)
    except (PySparkException, Py4JError):
        one, other = locations.of_path(stated), locations.of_path(place)
    return locations.overlap(one, other) or _overlap(one, other)


def location_of(spark: SparkSession, table: str) -> str | None:
    """Where the files of a table of the catalog are, of whatever format, by the catalog's word; None where it has no
    such table, or does not say."""
    try:
        told = spark.sql(f"DESCRIBE TABLE EXTENDED {quoted_table(table)}").where("col_name = 'Location'").collect()
    except PySparkException:
        return None
    return str(told[-1]["data_type"]) if told else None  # behind the columns, of which one may be called so


def _overlap(one: locations.Location, other: locations.Location) -> bool:
    if all(left == right for left, right in zip(one, other, strict=False)):
        return True
    local = one[0] == other[0] == "file"
    return local and (_holds(one, other) or _holds(other, one))


def _holds(outer: locations.Location, inner: locations.Location) -> bool:
    """Whether a local folder is one of those that another lies in, by the system itself: names may differ in case."""
    place = _local(outer)
    above = (_local(each) for each in locations.ancestors(inner))
    return os.path.exists(place) and any(os.path.exists(each) and os.path.samefile(place, each) for each in above)


def _local(place: locations.Location) -> str:
    return "/" + "/".join(place[1:])


def check_free(spark: SparkSession, target: str, shown: str, what: str = "target") -> None:
    """Raise `SourceProblem` where a new table would be mixed with something that is there already.

    A folder with a Delta log is a Delta table, or one that a run began and did not commit.
    """
    path, files = _of_hadoop(spark, target)
    if files.exists(path):
        if not files.getFileStatus(path).isDirectory():
            raise SourceProblem(f"the {what} {shown} is a file: name a new folder")
        if not files.exists(_child(spark, path, LOG)) and _holds_files(files, path):
            raise SourceProblem(
                f"the folder of the {what} {shown} holds files and is no Delta table: name a new folder, or empty this "
                "one; nothing is written among the files of others"
            )
    _check_not_inside(spark, path, files, f"{what} {shown}")


def _holds_files(files: Any, path: Any) -> bool:
    """Whether there is more than what keeps an empty folder (`.keep`), which no reader of tables sees."""
    return any(not status.getPath().getName().startswith(".") for status in files.listStatus(path))


def _check_not_inside(spark: SparkSession, path: Any, files: Any, shown: str) -> None:
    outer = path.getParent()
    while outer is not None:
        if _is_seen(files, _child(spark, outer, LOG)):
            raise SourceProblem(
                f"the {shown} lies in the folder of another Delta table, whose VACUUM would delete it: write elsewhere"
            )
        outer = outer.getParent()


def _is_seen(files: Any, path: Any) -> bool:
    """Whether a path is there; one that the job may not see counts as not."""
    try:
        return bool(files.exists(path))
    except (PySparkException, Py4JError):
        return False


def _roots(rows: DataFrame) -> Iterator[str]:
    """The folders and files that a data frame reads, through views too."""
    leaves = rows._jdf.queryExecution().analyzed().collectLeaves()
    for at in range(leaves.size()):
        leaf = leaves.apply(at)
        kind = leaf.getClass().getSimpleName()
        if kind == "HiveTableRelation":
            yield leaf.tableMeta().location().toString()
        elif kind == "LogicalRelation":
            yield from _root_paths(leaf.relation())


def _root_paths(relation: Any) -> list[str]:
    """Of a relation of files, Delta's own kinds too; of another none."""
    try:
        roots = relation.location().rootPaths()
    except (PySparkException, Py4JError):
        return []
    return [str(roots.apply(at).toString()) for at in range(roots.size())]


def _resolved(spark: SparkSession, place: str) -> locations.Location:
    """The normal form of a place; in the local file system with links followed, as far as it exists."""
    path, files = _of_hadoop(spark, place)
    uri = files.makeQualified(path).toUri()
    if uri.getScheme() == "file":
        return ("file", *filter(None, os.path.realpath(uri.getPath()).split("/")))
    return locations.of_path(_through_mounts(path, files))


def _through_mounts(path: Any, files: Any) -> str:
    """A view of several file systems names what it shows."""
    if files.getScheme() == "viewfs" and files.exists(path):
        path = files.resolvePath(path)
    return str(files.makeQualified(path).toString())


def _of_hadoop(spark: SparkSession, place: str) -> tuple[Any, Any]:
    path = hadoop_path(spark, place)
    return path, path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())


def _child(spark: SparkSession, path: Any, name: str) -> Any:
    return hadoop_path(spark, path, name)
