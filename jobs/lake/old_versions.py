"""What old versions of a table leave behind, data files, change files, its log; until when; and VACUUM, which takes the
files. Which rows they hold is not asked; `jobs.erasure.stale` looks into them, and `jobs.lake.log_left` into the log.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from jobs.lake import log_left, remains, row_deletion, table_files
from jobs.lake.active_session import active
from jobs.lake.address import Address
from jobs.lake.delta_commit import Kept, Transaction
from jobs.lake.delta_commit.scala import java, java_class, scala_object
from jobs.lake.log_left import LogFile
from jobs.lake.remains import Remains
from jobs.lake.session_settings import held
from jobs.lake.table_files import CHANGES, DAY, VECTORS, File, Stale

LISTING = "spark.sql.sources.parallelPartitionDiscovery.parallelism"
STRANGERS = "files of another table lie in its folder, and VACUUM would take them: old versions stay until it is moved"
FEW_TASKS = 32
"""VACUUM lists in as many tasks as `LISTING` says, which are 10,000 where nobody says otherwise."""


@dataclasses.dataclass(frozen=True)
class OldVersions:
    """versions: that can be read besides the newest, as far as the log says. files: data files of older versions or of
    no version, and change files. log: its files that say anything of them. since: when there was a version without
    these, in milliseconds; a day from now where it comes with the next commit. strangers: files of other tables
    below the folder, which VACUUM would take."""

    versions: int
    files: tuple[Stale, ...]
    log: tuple[LogFile, ...]
    since: int
    kept: Kept
    strangers: int = 0

    @property
    def remains(self) -> tuple[Remains, ...]:
        return (*self.of_files, *remains.of_log(self.log, self.since, self.kept))

    @property
    def of_files(self) -> tuple[Remains, ...]:
        """Files alone; no run takes them as long as VACUUM is left out."""
        found = tuple(remains.of_files(self.files))
        if not self.strangers:
            return found
        return tuple(dataclasses.replace(each, until=None, why=STRANGERS) for each in found)

    def has_files_due(self) -> bool:
        """Whether VACUUM would take any."""
        return any(each.due <= table_files.now() for each in self.files)


def looked(begun: Transaction, kept: Kept, taken_at: int = -1) -> OldVersions:
    """By one listing of the table's folder, and of its log. begun: looks at the newest version. taken_at: the version
    that took rows away last, whose commit may name what it took; -1 for none."""
    known, there = table_files.known(begun), table_files.listed(begun.spark, begun.location)
    others = {each.place for each in table_files.of_others(there, known)}
    old = [each for each in there if each.place not in known.current and is_vacuumed(each)]
    strangers = sum(each.place in others for each in old)
    old = [each for each in old if each.place not in others]
    files = tuple(table_files.stale(each, known, kept) for each in old)
    log = table_files.listed(begun.spark, begun.location, log=True)
    commits = dict(log_left.commits(log))
    is_to_come = taken_at >= begun.version
    since = table_files.now() + DAY if is_to_come else commits.get(begun.version, table_files.now())
    older = log_left.older(log, begun.version + is_to_come, since)
    versions = begun.version - min(commits, default=begun.version)
    return OldVersions(versions, files, tuple(filter(log_left.is_own, older)), since, kept, strangers)


def is_vacuumed(file: File) -> bool:
    """Whether VACUUM takes a file that no version has, and that may hold rows: none whose name, or that of a folder
    above, begins as hidden ones do (``_SUCCESS``, manifests), but for change files and folders of partitions."""
    hidden = (name.startswith((".", "_")) and "=" not in name for name in file.name.split("/"))
    is_hidden = any(hidden) and not file.name.startswith(f"{CHANGES}/")
    return not is_hidden and not file.name.endswith(VECTORS)


def vacuumed(spark: SparkSession, address: Address) -> None:
    """Take away what VACUUM may, as the table's own retention allows."""
    with held(spark, {LISTING: str(FEW_TASKS)}), active(spark), _console_silent(spark):
        row_deletion.table(spark, address).vacuum()


@contextlib.contextmanager
def _console_silent(spark: SparkSession) -> Iterator[None]:
    """What VACUUM prints goes to standard error: on the other, somebody may wait for JSON."""
    jvm = java(spark)
    console, before = scala_object(jvm, "scala.Console"), None
    with contextlib.suppress(Py4JError, AttributeError, TypeError):
        before = console.out()
        console.setOutDirect(java_class(jvm, "java.lang.System").err)
    try:
        yield
    finally:
        if before is not None:
            with contextlib.suppress(Py4JError, AttributeError, TypeError):
                console.setOutDirect(before)
