"""Files below a table's folder that are no part of what it holds, and still hold those who are asked for: of older
versions, of its change feed, of runs that were killed; and files of which a deletion vector hides their rows."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterator, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.erasure import outcome
from jobs.erasure import sought as who
from jobs.erasure.sought import Sought
from jobs.lake import delta_commit, file_places, log_left, parquet_footers, table_files
from jobs.lake.address import Address
from jobs.lake.column_mapping import name_in_files
from jobs.lake.delta_commit import Kept, Transaction
from jobs.lake.table_files import DAY, VECTORS, File, Known, Stale

AT_WORK = DAY
"""Milliseconds after which nobody is at work any more who wrote a file that no commit names."""
DATA = ".parquet"


@dataclasses.dataclass(frozen=True)
class Found:
    """files: to be deleted. hiding: files of the version that hide rows of theirs. unknown: files of which nobody
    knows what they are. ids: numbers of those who were found in files that were looked into; None where nobody can
    say. there: all files that are below the folder, or of the version, by place. folders: when the last file was taken
    out that stood in a folder of a partition that the table has no more, in milliseconds; 0 for none. As long as the
    table keeps in mind that it was, its checkpoints say the folder's name."""

    files: tuple[Stale, ...]
    hiding: frozenset[str]
    unknown: tuple[File, ...]
    ids: frozenset[int] | None = frozenset()
    there: frozenset[str] = frozenset()
    folders: int = 0


@dataclasses.dataclass(frozen=True)
class Unread:
    """Which files may call them otherwise than is looked for, and count without a look: those that were written until
    ``written``, in milliseconds; and those until each of the times, but for files of the version beside it."""

    written: int = 0
    until: tuple[tuple[int, frozenset[str]], ...] = ()

    def has(self, file: File) -> bool:
        return file.time <= self.written or any(
            file.time <= time and file.place not in files for time, files in self.until
        )


def found(begun: Transaction, sought: Sequence[Sought], kept: Kept, otherwise: Unread = Unread()) -> Found:
    known, files = table_files.known(begun), table_files.listed(begun.spark, begun.location)
    others = {each.place for each in table_files.of_others(files, known)}
    data = [each for each in files if each.name.endswith(DATA) and each.place not in others]
    stale = [each for each in data if each.place not in known.current]
    passed = {each.place for each in stale if otherwise.has(each)}
    looked = [each for each in stale if each.place not in passed]
    hiding = [each for each in data if each.place in known.hiding]
    holding, closed, ids = _holding(begun, [each.place for each in (*looked, *hiding)], sought)
    nobody = [each for each in looked if each.place not in holding | closed]
    closed |= set(_of_other_columns(begun, nobody, known, sought))
    told = tuple(
        _stale(each, known, kept, is_read=each.place in holding)
        for each in stale
        if each.place in holding | closed | passed
    )
    hidden = {each.place for each in hiding if each.place in holding or each.place in closed}
    unknown = tuple(each for each in files if each.place in others or not each.name.endswith((DATA, VECTORS)))
    there = known.current | {each.place for each in files}
    return Found(told, frozenset(hidden), unknown, ids, there, _other_folders(begun, known))


def _other_folders(begun: Transaction, known: Known) -> int:
    own, root = log_left.partitions(begun), file_places.of_log(begun.location, "")

    def is_other(place: str) -> bool:
        folders = place.removeprefix(root).split("/")[:-1]
        return any("=" in each and each.partition("=")[0] not in own for each in folders)

    return max((time for place, time in known.removed.items() if is_other(place)), default=0)


def _stale(file: File, known: Known, kept: Kept, is_read: bool) -> Stale:
    is_named = file.place in known.named
    free = 0 if is_named else file.time + AT_WORK
    return dataclasses.replace(table_files.stale(file, known, kept), free=free, is_read=is_read, is_named=is_named)


def may_go(file: Stale, forced: bool) -> bool:
    now = table_files.now()
    return now >= (file.free if forced else file.due)


# -- looking into files -----------------------------------------------------------------------------------------------


def _holding(
    begun: Transaction, places: Sequence[str], sought: Sequence[Sought]
) -> tuple[set[str], set[str], frozenset[int] | None]:
    """Of files those that hold one of them, and those that could not be looked into; and who was found."""
    if not places:
        return set(), set(), frozenset()
    schema = T.StructType.fromJson(dict(delta_commit.schema(begun)))
    stored, paths = who.in_files(sought, schema, name_in_files)

    ids: list[frozenset[int] | None] = []

    def look(some: Sequence[str]) -> set[str]:
        told = who.counted(table_files.rows_in(begun.spark, some, stored), paths).collect()
        ids.append(who.numbers_of(paths, told))
        return {file_places.of_row(row[who.PLACE]) for row in told}

    held, closed = _halved(list(places), look)
    found: frozenset[int] | None = frozenset()
    for each in ids:
        found = outcome.both(found, each)
    return held, closed, found


def _halved(places: list[str], look: Callable[[Sequence[str]], Collection[str]]) -> tuple[set[str], set[str]]:
    """One file that cannot be read, or is of other types, must not keep the rest from being looked into."""
    try:
        return set(look(places)), set()
    except (PySparkException, Py4JError):
        if len(places) == 1:
            return set(), set(places)
    middle = len(places) // 2
    (held, unread), (more, others) = _halved(places[:middle], look), _halved(places[middle:], look)
    return held | more, unread | others


def _of_other_columns(
    begun: Transaction, files: Sequence[File], known: Known, sought: Sequence[Sought]
) -> Iterator[str]:
    """Of files in which nobody was found those that lack a column: it reads as null, and theirs may be called
    otherwise. Files that a commit names have the columns of the table, or are older than a change of these."""
    if all(each.place in known.removed for each in files):
        return
    schema = T.StructType.fromJson(dict(delta_commit.schema(begun)))
    roots = {each.path.root for each in who.in_files(sought, schema, name_in_files)[1]}
    for each in files:
        if each.place not in known.named and not roots <= parquet_footers.roots(begun.spark, each.place):
            yield each.place


def unread(spark: SparkSession, location: str, changed: int, erased: int) -> Unread:
    """By the times of commits: until the table had its columns, or its record; and until the log begins, unless that is
    with the first version. The files of the version by which it begins are of the record and columns of that. changed:
    the version that changed the record; -1 for none. erased: as of `files_at`, of which files were looked into."""
    times = dict(log_left.commits(table_files.listed(spark, location, log=True)))
    if not times:
        return Unread(table_files.now())
    oldest, now = min(times), table_files.now()
    since = max(changed, log_left.of_columns(spark, location, oldest))
    begins = [each for each in (oldest if oldest > 0 else -1, erased) if each >= 0]
    until = tuple((times.get(each, now), files_at(spark, location, each)) for each in begins)
    return Unread(0 if since < 0 else times.get(since, now), until)


def files_at(spark: SparkSession, location: str, version: int) -> frozenset[str]:
    """The files of a version, by place; none where it cannot be read any more."""
    try:
        rows = Address(path=location).read(spark, {"versionAsOf": str(version)})
        return frozenset(file_places.of_row(each) for each in rows.inputFiles())
    except (PySparkException, Py4JError):
        return frozenset()


def purged(spark: SparkSession, found: Found, forced: bool) -> Found:
    """Delete what may go; what is there yet."""
    gone = [each.place for each in found.files if may_go(each, forced)]
    stays = set(table_files.deleted(spark, gone))
    files = tuple(each for each in found.files if each.place in stays or each.place not in gone)
    return dataclasses.replace(found, files=files)
