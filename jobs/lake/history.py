"""Which versions of a table hold rows that no run of ours wrote, and where the last run stopped, by the table's own
log."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from pyspark.sql import SparkSession

from jobs.lake import log_commits
from jobs.lake.address import Address
from jobs.lake.log_commits import Commit
from jobs.lake.record_names import PRIVACY, RECORD

UNKNOWN: Mapping[str, str] = {RECORD: "not known"}
"""The record of a table whose oldest commit left does not state it."""
APPENDS = "WRITE"
"""The operation of a run that adds rows, or replaces some; it states in its user metadata that it does."""
REQUEUE = "requeue"
"""The mode of a run that adds rows out of quarantine; it may restate the record, by rules that refuse less."""
ROTATION = "rotation"
"""The mode of a commit that writes all rows anew, each as it was but for columns that another key gives now: rows and
place in the source stay, the record tells of the other key."""
KEEPS = ("incremental", "partitions", "changes", REQUEUE, ROTATION)
"""The modes of runs whose table has rows by it that were there before; its record stays, but for those two."""
RESTATES = (REQUEUE, ROTATION)
REWRITES = ("DELETE",)
"""Operations whose new files hold rows that were there before, and no others."""


@dataclasses.dataclass(frozen=True)
class History:
    """What a table's log says of its versions, the oldest commit first. treated: version -> whether all its rows are.
    ours: the versions that runs of ours committed. starts_treated: whether the rows before the first commit are."""

    version: int = -1
    commits: tuple[Commit, ...] = ()
    treated: Mapping[int, bool] = dataclasses.field(default_factory=dict)
    ours: frozenset[int] = frozenset()
    starts_treated: bool = False

    @property
    def raw_versions(self) -> tuple[int, ...]:
        """Versions that hold rows without a treatment record, or others than a run of ours wrote."""
        oldest = self.commits[0].version if self.commits else 0
        return tuple(each for each in range(oldest, self.version + 1) if not self.treated.get(each, False))

    @property
    def may_lack_rows(self) -> bool:
        """Whether others may have deleted rows since the last run that wrote all. What is past its time is none of what
        a later run misses: it leaves such rows out itself."""
        return self.may_lack_rows_but_for(())

    def may_lack_rows_but_for(self, versions: Collection[int]) -> bool:
        """The same, beside what some versions took away."""
        for commit in reversed(self.commits):
            if commit.version in self.ours and commit.operation != APPENDS:
                return False
            is_known = commit.version in self.ours or commit.version in versions or commit.is_retention
            if commit.removed and not is_known:
                return True
        return True

    @property
    def deletes(self) -> tuple[Commit, ...]:
        """The commits by which others took rows away since the last run that wrote all, as far as the log still has
        them; but for those that a RESTORE of a version put back, and those before a run of ours wrote anything."""
        standing: tuple[Commit, ...] = ()
        is_ours = self.starts_treated
        until: dict[str, tuple[Commit, ...]] = {}
        for commit in self.commits:
            if commit.operation == "RESTORE":
                standing = until.get(commit.parameters.get("version") or "", standing)
            elif commit.version in self.ours:
                is_ours, standing = True, standing if commit.operation == APPENDS else ()
            elif commit.takes_away and is_ours:
                standing = (*standing, commit)
            until[str(commit.version)] = standing
        return standing

    @property
    def since_last_run(self) -> tuple[Commit | None, tuple[Commit, ...]]:
        """The newest commit of ours, None where the log has none; and those after it, the newest first."""
        after: list[Commit] = []
        for commit in reversed(self.commits):
            if commit.version in self.ours:
                return commit, tuple(after)
            after.append(commit)
        return None, tuple(after)


def of(
    spark: SparkSession,
    address: Address,
    location: str,
    version: int,
    is_small: bool = False,
    known: History | None = None,
) -> History:
    """The history of a table up to ``version``.

    A run of ours that replaces all rows commits treated ones whatever was there before, and one that adds or replaces
    some, or gives all another key, leaves it at that (out of quarantine, and for another key, it may restate the
    record); what anyone else adds is raw, and so is all that follows until the next run that replaces all. Left out of
    that: commits that change no row (OPTIMIZE, VACUUM, comments, properties other than the record's), that only delete
    rows, and RESTORE of a treated version.

    A commit counts as a run of ours if all of this holds: it replaced the table, or says that it added to it or
    replaced partitions of it; its user metadata names a run that no earlier commit names; its ``txn`` action states the
    version that the run set out to make, later than any before (of a run that replaced partitions, than any of runs
    that did not); the record is in force; it added as many files and rows as the user metadata says, where it says. So
    neither copied user metadata nor copied properties make a commit ours. It does not protect from someone who may
    write to the table and forges all of this on purpose: nothing that stands in the table could.

    Versions whose commit is in no file of its own (not yet published by a catalog that commits) count as raw. What was
    before the oldest commit left is told by the schema alone.

    is_small: whether one task reads the whole log soon enough, so that nothing is shuffled. known: the history up to an
    earlier version of the very same table, so that only later commits are read.
    """
    goes_on = known is not None and known.commits and known.commits[-1].version == known.version
    later = log_commits.after(spark, location, known.version, version) if known is not None and goes_on else None
    if known is not None and later is not None:
        commits = log_commits.with_one_record([*map(log_commits.without_counts, known.commits), *later])
        treated = known.starts_treated
    else:
        commits = log_commits.up_to(spark, location, version, is_small)
        oldest = commits[0].version if commits else 0
        treated = oldest > 0 and _starts_treated(spark, address, oldest)
    states, ours = _judged(commits, treated)
    return History(version, tuple(commits), states, frozenset(ours), treated)


def _judged(commits: list[Commit], treated: bool) -> tuple[dict[int, bool], set[int]]:
    """Version -> whether all its rows are treated; and the runs of ours. treated: whether the rows before the first
    commit are."""
    record = UNKNOWN if treated else None
    runs: set[str] = set()
    states: dict[int, bool] = {}
    ours: set[int] = set()
    marks = {False: -1, True: -1}  # the latest of runs that nothing else may be committed beside, and of all others
    for commit in commits:
        before, record = record, record if commit.record is None else commit.record
        if record is not None and RECORD in record and _is_run(commit, runs, _latest(commit, marks), before):
            treated = treated or commit.operation != APPENDS
            ours.add(commit.version)
        elif commit.operation == "RESTORE":
            treated = record is not None and RECORD in record and _restored(commit, states)
        elif _adds_rows(commit) or not _leaves_alone(before, commit.record):
            treated = False
        runs.add(str(commit.run.get("run_id")))
        marks[commit.beside] = max(marks[commit.beside], _mark(commit))
        states[commit.version] = treated
    return states, ours


def _mark(commit: Commit) -> int:
    """Of a commit; -1 for none, and for one past its version, which no run of ours set out to make: a log that begins
    anew (a clone, a lost one) may hold such a mark, and later runs would count as none for ever."""
    return -1 if commit.mark is None or commit.mark > commit.version else commit.mark


def _latest(commit: Commit, marks: Mapping[bool, int]) -> int:
    """The mark that a run's must be later than. Runs that replace partitions do not see each other."""
    return marks[False] if commit.beside else max(marks.values())


def _is_run(commit: Commit, runs: set[str], mark: int, before: Mapping[str, str] | None) -> bool:
    """Whether a commit is a run of ours. runs, mark: what earlier commits named, and the latest of their marks. before:
    the record until then, which stays where a run that adds rows states what it measured of them (`RISK`)."""
    replaces = commit.operation.startswith("CREATE OR REPLACE TABLE")
    mode = commit.run.get("mode")
    appends = (
        commit.operation == APPENDS and mode in KEEPS and (_leaves_alone(before, commit.record) or mode in RESTATES)
    )
    if not (replaces or appends) or not isinstance(commit.run.get("run_id"), str):
        return False
    if commit.run["run_id"] in runs or commit.mark is None or not mark < commit.mark <= commit.version:
        return False
    said = (commit.run.get("files", commit.added), commit.run.get("rows", commit.rows))
    return said == (commit.added, said[1] if commit.rows is None else commit.rows)


def _adds_rows(commit: Commit) -> bool:
    """Whether a commit of others holds rows that were not there before."""
    return commit.added > 0 and commit.operation not in REWRITES


def _leaves_alone(before: Mapping[str, str] | None, after: Mapping[str, str] | None) -> bool:
    """Whether a commit of others left the record as it was. after: None where it has no metadata."""
    return after is None or (RECORD in after and (before is UNKNOWN or before == after))


def _restored(commit: Commit, states: Mapping[int, bool]) -> bool:
    """Whether the version that was restored was treated; of one that is not known whether all were."""
    version = commit.parameters.get("version") or ""
    return states[int(version)] if version.isdigit() and int(version) in states else all(states.values())


def _starts_treated(spark: SparkSession, address: Address, version: int) -> bool:
    """Whether the oldest version left was treated; its metadata is in a checkpoint, so its schema is asked."""
    schema = address.read(spark, {"versionAsOf": str(version)}).schema
    return any(PRIVACY in field.metadata for field in schema.fields)
