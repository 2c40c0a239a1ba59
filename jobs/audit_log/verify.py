"""Whether a log is what it was: its rows, its table, its checkpoints, and the tables that it tells of."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.audit_log import merkle
from jobs.audit_log.findings import Finding, note, unchecked, wrong
from jobs.audit_log.leaves import Leaf, text_of
from jobs.audit_log.rows import Walked, walked
from jobs.console.shown import shown
from jobs.lake import audit_table, target_files
from jobs.lake.address import Address
from jobs.lake.problems import SourceProblem
from jobs.lake.target_files import File, Unreadable
from jobs.signatures import checkpoints
from jobs.signatures.checkpoints import Checkpoint
from jobs.signatures.keys import PublicKey
from jobs.signatures.problem import NotSigned

AHEAD = datetime.timedelta(days=1)
"""A row may be dated ahead by so much, as clocks differ."""
MOST_FILES = 10
"""Of which it is told that they were changed."""
UNKNOWN = (
    "has an unknown outcome: if it committed, its commit is no longer in the history of its target; that is no failure"
)
UNSIGNED = (
    ": nothing was held against a signature. Whether rows were cut off the end, or the whole log was made anew, cannot "
    "be known without one that was kept elsewhere (--checkpoint)"
)


@dataclasses.dataclass(frozen=True)
class Verified:
    """size: rows that are whole from the first on. root: of their tree. checkpoints: that are held against them."""

    size: int
    root: bytes
    checkpoints: int
    findings: tuple[Finding, ...]

    @property
    def is_whole(self) -> bool:
        return not any(finding.level == "wrong" for finding in self.findings)

    @property
    def unchecked(self) -> tuple[Finding, ...]:
        """What could not be held against the log."""
        return tuple(finding for finding in self.findings if finding.level == "unchecked")


def verified(
    spark: SparkSession,
    address: Address,
    notes: Callable[[], Mapping[str, str]],
    origin: str,
    trusted: Sequence[PublicKey],
    left: bool = True,
) -> Verified:
    """notes: reads the checkpoints, by what each is to be called. trusted: whose signatures count. left: whether runs
    leave checkpoints where ``notes`` looks."""
    before = notes()
    found = _walked(spark, address)
    findings = [*found.findings]
    opened = []
    for name, text in {**notes(), **before}.items():
        try:
            each = checkpoints.opened(text, origin, trusted)
            if name in before or each.size <= found.state.size:  # a run may have ended since the rows were read
                opened.append((name, each))
        except NotSigned as error:
            findings.append(wrong(name, str(error)))
    findings += _held_against(opened, found)
    findings += _due(found, max((each.size for _, each in opened), default=0), left or bool(before))
    if not any(each.level == "wrong" for each in found.findings):
        for location, leaf in found.newest.items():
            findings += _target(spark, location, leaf)
    elif found.newest:
        told = f"{len(found.newest)} of them were not held against a log that is not whole itself"
        findings.append(unchecked("tables", told))
    for run_id, table in found.unknown.items():
        findings.append(note(f"run {run_id}", f"of {table} {UNKNOWN}"))
    for run_id, run in found.state.open.items():
        findings.append(note(f"run {run_id}", f"of {run['table']} was started and has not told how it ended"))
    return Verified(found.state.size, found.state.root, len(opened), tuple(findings))


def _walked(spark: SparkSession, address: Address) -> Walked:
    try:
        audit_table.forget(spark, address)
        if not address.exists(spark):
            return Walked(findings=[wrong("table", f"there is no audit log at {address.sql}")])
        odd = audit_table.odd_columns(spark, address)
        if odd:
            told = f"its columns are not those of a log: {', '.join(map(shown, odd))}"
            return Walked(findings=[wrong("table", told)])
        latest = datetime.datetime.now(datetime.timezone.utc) + AHEAD
        found = walked(audit_table.ordered(spark, address), text_of(latest))
        found.findings += _table(spark, address)
        return found
    except (PySparkException, Py4JError) as error:
        told = f"cannot be read ({audit_table.broken(error)}): a file of its data or of its log is gone or changed"
        return Walked(findings=[wrong("table", told)])


def _table(spark: SparkSession, address: Address) -> Iterator[Finding]:
    """What the table's own log tells."""
    properties = audit_table.properties(spark, address)
    for name in (audit_table.MARK, audit_table.APPEND_ONLY):
        if properties.get(name) != audit_table.PROPERTIES[name]:
            yield wrong("table", f"its property {name} is not {audit_table.PROPERTIES[name]}")
    for version, operation in audit_table.odd_operations(spark, address):
        yield wrong("table", f"version {version} was made by {operation}, and rows are only ever added")
    for version in audit_table.gaps(spark, address):
        yield wrong("table", f"the file of version {version} is gone from its log")


def _due(found: Walked, newest: int, left: bool) -> Iterator[Finding]:
    """Whether the newest checkpoint is there that the log says was signed. newest: the size of the newest good one."""
    if left and found.due > newest:
        told = "the newest that is good is older" if newest else "there is none that is good"
        if found.due_kind == "run_committed":
            told += ": it was taken away, or the run that committed is about to leave it, or ended before it could"
        yield wrong("checkpoints", f"one of {found.due} rows is to be there, and {told}")
    elif not newest:
        yield note("checkpoints", f"there is none{UNSIGNED}")


def _held_against(opened: Sequence[tuple[str, Checkpoint]], found: Walked) -> Iterator[Finding]:
    """Checkpoints that the leaves do not have."""
    wanted: dict[int, list[tuple[str, Checkpoint]]] = {}
    for name, each in opened:
        wanted.setdefault(each.size, []).append((name, each))
    frontier: merkle.Frontier = ()
    for size in range(len(found.hashes) + 1):
        if size:
            frontier = merkle.grown(frontier, size - 1, found.hashes[size - 1])
        for name, each in wanted.pop(size, ()):
            if each.root != merkle.root(frontier):
                yield wrong(name, f"the first {size} rows are not those that it was signed for")
    for size in sorted(wanted):
        for name, _ in wanted[size]:
            yield wrong(name, f"it was signed for {size} rows, of which {len(found.hashes)} are there and whole")


# -- treated tables ---------------------------------------------------------------------------------------------------


def _target(spark: SparkSession, location: str, leaf: Leaf) -> Iterator[Finding]:
    """Whether a treated table is as its last commit that is told left it."""
    where, version, sums = f"table {leaf.table}", int(leaf.body["version"]), leaf.body.get("files")
    address = Address(path=location)
    try:
        audit_table.forget(spark, address)
        current = address.version(spark) if address.exists(spark) else -1
        if current < version:
            yield wrong(where, f"version {version} was committed, and it is no longer there")
            return
        listed = target_files.of(spark, location, version)
        there = listed if current == version else target_files.of(spark, location, current)
    except (PySparkException, Py4JError, SourceProblem):
        yield unchecked(
            where, f"it is out of reach, or its log no longer tells the files of version {version} as it was committed"
        )
        return
    if sums is None:  # others told of the commit, when its target's log did not tell the list any more
        yield unchecked(where, f"the log tells no file list of version {version}")
    elif target_files.digest(listed) != sums["sha256"]:
        yield wrong(where, f"the files of version {version} are not those that were committed")
        return
    if current > version:
        yield note(where, f"others made version {current}; the log tells of version {version}")
    yield from _files(spark, location, where, sorted({*listed} & {*there}))
    yield from _contents(spark, location, leaf, where, there)


def _files(spark: SparkSession, location: str, where: str, files: Sequence[File]) -> Iterator[Finding]:
    changed = [file for file in files if target_files.size_now(spark, location, file) != file.size]
    for file in changed[:MOST_FILES]:
        yield wrong(where, f"the data file {_shown(file)} is gone, or of another size than when it was committed")


def _contents(spark: SparkSession, location: str, leaf: Leaf, where: str, there: Sequence[File]) -> Iterator[Finding]:
    """Of the commit's own files, if all of them still are part of the table, what they hold."""
    sums = leaf.body.get("added", {})
    if "contents_sha256" not in sums:
        return
    added = target_files.added(spark, location, int(leaf.body["version"]))
    if added is None or not {*added} <= {*there}:
        return
    try:
        if target_files.contents(spark, location, added) != sums["contents_sha256"]:
            yield wrong(where, "a data file does not hold what was committed: it was changed behind Delta's back")
    except Unreadable:
        yield wrong(where, "a data file that was committed cannot be read")


def _shown(file: File) -> str:
    """Folders of partitions are named after values."""
    return file.path.rpartition("/")[2]
