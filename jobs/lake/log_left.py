"""What a table's log still says of rows that are gone: statistics of their files, in commits, checksums, checkpoints.

After a commit that took rows out (of the mode `ERASURE`) no file of that version, or of a later one, holds them; so
their values can stand in what the log has of versions before it alone. A checkpoint of that very version makes the log
readable without them. By that the log is cleaned too of what is past a table's retention (`cleaned`): Delta's own
clean-up comes with checkpoints of later versions, deletes by whole days, and leaves what killed writers left.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import re
from collections.abc import Collection, Iterator, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake import delta_commit, file_places, log_values, table_files
from jobs.lake.column_mapping import name_in_files
from jobs.lake.delta_commit import Kept, Transaction, take_out
from jobs.lake.java import hadoop_path, java_class
from jobs.lake.log_commits import ERASURE, LITERALLY
from jobs.lake.table_files import LOG, OF_HADOOP, File

COMMIT = re.compile(r"\d{20}\.json")
VERSION = re.compile(r"\.?(\d{20})\.(.*)")
SIDECARS = "_sidecars/"
LAST = "_last_checkpoint"
STAGED = re.compile(r"(_staged_commits|_commits)/")
"""Where a catalog's commits stand, by version too."""
HARMLESS = re.compile(rf"\.?({LAST}|_last_vacuum_info)(\.crc|\.tmp)?")
NAMED = "struct<path: string, stats: string, partitionValues: map<string, string>>"


@dataclasses.dataclass(frozen=True)
class LogFile:
    """kind: of the outcome's kinds. version: None of a sidecar."""

    file: File
    kind: str
    version: int | None


@dataclasses.dataclass(frozen=True)
class Left:
    """What a log has from before the newest commit that took rows out. erased: that version; None where there is none.
    since: when it was committed, in milliseconds. made: all such commits, and when. files: from before, that hold
    statistics or may. unknown: files of which nobody knows what they are."""

    erased: int | None
    since: int
    made: tuple[tuple[int, int], ...]
    files: tuple[LogFile, ...]
    unknown: tuple[File, ...]


def erasures(spark: SparkSession, location: str) -> list[int]:
    """The versions of commits that took rows out, as far as the log has them."""
    lines = spark.read.options(**LITERALLY).text(f"{location.rstrip('/')}/{LOG}")
    version = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint").alias("version")
    said = F.get_json_object("value", "$.commitInfo.userMetadata")
    found = lines.where(F.get_json_object(said, "$.mode") == ERASURE).select(version).distinct().collect()
    return sorted(int(row["version"]) for row in found)


def of_columns(spark: SparkSession, location: str, oldest: int) -> int:
    """The newest version that has other columns than the one before, or may have; -1 for none. Also where it is
    partitioned otherwise: files lack the columns that they were partitioned by. oldest: whose commit the log has."""
    told = "metaData struct<schemaString: string, partitionColumns: array<string>>"
    lines = spark.read.options(**LITERALLY).schema(told)
    version = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint").alias("version")
    stated = lines.json(f"{location.rstrip('/')}/{LOG}").where("metaData is not null").select(version, "metaData.*")
    rows = stated.where("version is not null").collect()
    schemas = {int(row["version"]): (row["schemaString"], row["partitionColumns"] or []) for row in rows}
    newest, schema = -1, schemas.get(oldest)
    for at in sorted(schemas):
        newest, schema = (newest if schemas[at] == schema else at), schemas[at]
    return newest


def left(spark: SparkSession, location: str, before: int | None = None) -> Left:
    """before: the version that a commit to come would have, of a plan; None: by the log itself."""
    files, now = table_files.listed(spark, location, log=True), table_files.now()
    times = {each.name: each.time for each in files}
    versions = erasures(spark, location) if before is None else [before]
    made = tuple((version, times.get(f"{version:020}.json", now)) for version in versions)
    unknown = tuple(each for each in files if not _is_of_log(each))
    if not made:
        return Left(None, 0, (), (), unknown)
    erased, since = made[-1]
    return Left(erased, since, made, tuple(_telling(spark, location, older(files, erased, since))), unknown)


def commits(files: Sequence[File]) -> Iterator[tuple[int, int]]:
    """Of the files of a log the versions, in order, and when they were committed."""
    found = sorted((each.name, each.time) for each in files if COMMIT.fullmatch(each.name))
    return ((int(name[:20]), time) for name, time in found)


def older(files: Sequence[File], version: int, since: int) -> list[LogFile]:
    """Of the files of a log those from before a version. since: when it was committed."""
    told = [LogFile(each, *_kind(each)) for each in files if _is_of_log(each)]
    return [each for each in told if each.kind and _is_before(each, version, since)]


def is_own(each: LogFile) -> bool:
    """Whether a file is Delta's; not Hadoop's of one."""
    return not OF_HADOOP.fullmatch(each.file.name.rpartition("/")[2])


def _is_of_log(file: File) -> bool:
    is_one = VERSION.fullmatch(STAGED.sub("", file.name)) or file.name.removeprefix(".").startswith(SIDECARS)
    return bool(is_one or HARMLESS.fullmatch(file.name))


def _kind(file: File) -> tuple[str, int | None]:
    found = VERSION.fullmatch(STAGED.sub("", file.name))
    if found is None:
        return ("checkpoint" if file.name.startswith(SIDECARS) else ""), None
    rest = found[2]
    if rest.startswith("crc"):
        return "checksum", int(found[1])
    return "checkpoint" if rest.startswith("checkpoint") else "log", int(found[1])


def _is_before(each: LogFile, version: int, since: int) -> bool:
    """Of what a writer left who was killed at its commit, by its time: it may have been on the way to any version."""
    if each.version is None or each.file.name.endswith(".tmp"):
        return each.file.time < since
    return each.version < version


def _telling(spark: SparkSession, location: str, files: Sequence[LogFile]) -> list[LogFile]:
    """Those that say the least and greatest values of a column, values of partitions, or what nobody can judge
    (`log_values.judged`), or that cannot be read."""
    root = hadoop_path(spark, f"{location.rstrip('/')}/{LOG}")
    own = list(filter(is_own, files))
    tables = [each for each in own if each.file.name.endswith(".parquet")]
    texts = [each for each in own if not each.file.name.endswith(".parquet")]
    told: set[str] = set()
    for some, column in ((texts, "value"), (tables, "add.stats")):
        names = [str(hadoop_path(spark, root, each.file.name).toString()) for each in some]
        told |= _saying(spark, names, column) if names else set()
    return [each for each in own if each.file.name.rpartition("/")[2] in told]


def _saying(spark: SparkSession, names: list[str], column: str) -> set[str]:
    """Of files, by their bare names, those that say any of it; all of them where one cannot be read so."""
    try:
        reader = spark.read.option("__globPaths__", "false").option("mergeSchema", "true")
        rows = reader.text(names) if column == "value" else reader.parquet(*names)
        says = log_values.of_text(F.col("value")) if column == "value" else log_values.bounds(rows)
        saying = rows.where(says).select(F.col("_metadata.file_name").alias("name"))
        return {row["name"] for row in saying.distinct().collect()}
    except (PySparkException, Py4JError):
        return {name.rpartition("/")[2] for name in names}


def says_more(spark: SparkSession, location: str, after: int, there: Collection[str]) -> bool:
    """Whether commits after a version say what nobody can judge (`log_values.judged`), or values of files that are
    gone, so that nobody can look into them. there: files, by place, that are not gone."""
    commit = F.regexp_extract("_metadata.file_name", r"^(\d{20})\.json$", 1).cast("bigint")
    lines = spark.read.options(**LITERALLY).schema(f"add {NAMED}, remove {NAMED}, {log_values.INFO}")
    rows = lines.json(f"{location.rstrip('/')}/{LOG}").where(commit > after)
    values = [
        F.coalesce(F.col(f"{each}.stats").rlike(log_values.BOUNDS), F.lit(False))
        | F.coalesce(F.size(f"{each}.partitionValues") > 0, F.lit(False))
        for each in ("add", "remove")
    ]
    judged = F.coalesce(log_values.judged(F.col("commitInfo")), F.lit(False)).alias("judged")
    path = F.when(values[0] | values[1], F.coalesce("add.path", "remove.path")).alias("path")
    told = rows.select(path, judged).where("judged or path is not null").distinct().collect()
    if any(row["judged"] for row in told):
        return True
    named = {row["path"] for row in told} | _in_the_first(spark, location, after)
    return any(file_places.of_log(location, each) not in there for each in named)


def says_folders(begun: Transaction, version: int) -> bool:
    """Whether checkpoints of a version, or of later ones, say folders of partitions that the table has no more, of
    files that were taken out."""
    files = table_files.listed(begun.spark, begun.location, log=True)
    later = [LogFile(each, *_kind(each)) for each in files if _is_of_log(each) and each.name.endswith(".parquet")]
    names = [each.file.place for each in filter(is_own, later) if each.version is not None and each.version >= version]
    if not names:
        return False
    rows = begun.spark.read.option("__globPaths__", "false").option("mergeSchema", "true").parquet(*names)
    if "remove" not in rows.columns:
        return False
    own = list(partitions(begun))
    says = F.exists(
        F.split("remove.path", "/"), lambda name: name.contains("=") & ~F.substring_index(name, "=", 1).isin(own)
    )
    return bool(rows.where(says).limit(1).count())


def partitions(begun: Transaction) -> frozenset[str]:
    """How folders of partitions of a table may be called, before the ``=``."""
    fields = T.StructType.fromJson(dict(delta_commit.schema(begun))).fields
    names = set(delta_commit.partition_columns(begun))
    return frozenset(names | {name_in_files(field) for field in fields if field.name in names})


def _in_the_first(spark: SparkSession, location: str, after: int) -> set[str]:
    """The files of which the checkpoint says values with which the log begins, unless that was looked at."""
    files = table_files.listed(spark, location, log=True)
    begins = min((version for version, _ in commits(files)), default=0)
    if begins <= max(after, 0):
        return set()
    own = [each for each in older(files, begins + 1, 0) if is_own(each) and each.version == begins]
    names = [each.file.place for each in own if each.kind == "checkpoint" and each.file.name.endswith(".parquet")]
    if not names:
        return set()
    rows = spark.read.option("__globPaths__", "false").option("mergeSchema", "true").parquet(*names)
    found = rows.where(log_values.bounds(rows)).select("add.path").where("path is not null").collect()
    return {row["path"] for row in found}


def purged(spark: SparkSession, location: str, found: Left, kept: Kept, forced: bool) -> bool:
    """Take what the log has from before such a commit away, as far as it may go; whether anything went."""
    due = [each for each in found.made if forced or is_due(each[1], kept)]
    return bool(due and found.files) and cleared(spark, location, *due[-1])


def cleaned(begun: Transaction, needed: int | None = None) -> None:
    """Take away what is past the log's retention: before the newest version up to which all commits are. Whoever reads
    what the table was since then has it yet. needed: a version whose commit stays, with all later ones."""
    kept, files = delta_commit.kept(begun), table_files.listed(begun.spark, begun.location, log=True)
    due = list(itertools.takewhile(lambda each: is_due(each[1], kept), commits(files)))
    due = [each for each in due if needed is None or each[0] <= needed]
    if due:
        cleared(begun.spark, begun.location, *due[-1])


def cleared(spark: SparkSession, location: str, version: int, since: int) -> bool:
    """Take away what the log has from before a version, of which a checkpoint is made; whether anything went. All of it
    does, statistics or not: a log has no holes. since: when it was committed."""
    gone = older(table_files.listed(spark, location, log=True), version, since)
    if not gone or not take_out.checkpointed(spark, location, version):
        return False
    _without_hint(spark, location, version)
    table_files.deleted(spark, [each.file.place for each in sorted(gone, key=lambda each: each.file.name)])
    take_out.forget(spark)
    return True


def is_due(since: int, kept: Kept) -> bool:
    return kept.log is not None and table_files.now() >= since + kept.log


def _without_hint(spark: SparkSession, location: str, version: int) -> None:
    """Delta reads the log without the file that names a checkpoint, too; not so well with one that names what is
    gone."""
    path = hadoop_path(spark, f"{location.rstrip('/')}/{LOG}/{LAST}")
    files = path.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf())
    if not files.exists(path):
        return
    stream = files.open(path)
    try:
        told = bytes(java_class(spark._jvm, "org.apache.commons.io.IOUtils").toByteArray(stream))
    finally:
        stream.close()
    try:
        named = int(json.loads(told)["version"])
    except (ValueError, KeyError, TypeError):
        named = -1
    if named < version:
        table_files.deleted(spark, [f"{location.rstrip('/')}/{LOG}/{LAST}"])
