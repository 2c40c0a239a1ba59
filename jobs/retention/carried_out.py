"""The rule of each table carried out: rows past their time in one commit, then what older versions leave behind.

Each step finds out for itself what there is to do, so whatever ended half-way is run again: a commit that was made is
there, and what VACUUM or the log's clean-up left is theirs the next time. There is no file of progress.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
import uuid
from collections.abc import Sequence

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import delta_commit, log_left, old_versions, quarantined, row_deletion, table_files
from jobs.lake.commits_of_runs import OfCommit, OfRun
from jobs.lake.delta_commit import Kept, Transaction
from jobs.lake.log_commits import RETENTION
from jobs.lake.problems import SourceProblem
from jobs.lake.remains import OF_LOG, Remains, day_after
from jobs.lake.table_files import DAY
from jobs.retention import aged, aside, needed
from jobs.retention.aged import Aged, Counted
from jobs.retention.trail import Before, Trail
from jobs.run_events.events import Report, Warned
from jobs.spark_app import failures, session
from jobs.table_run import file_settings

FILES_KEPT, LOG_KEPT = "delta.deletedFileRetentionDuration", "delta.logRetentionDuration"
CLEANUP = "delta.enableExpiredLogCleanup"
STUCK = (
    "this run was to clean the log, and no checkpoint of the newest version could be made, by which the table is read "
    "without it: see to it that Delta can write one"
)
AGAIN = 3
"""So often rows are taken away that others add meanwhile."""


@dataclasses.dataclass(frozen=True)
class Retained:
    """What was done to a table, or is to be done. version: by which rows were taken away; None where none were. rows:
    that went, or will. due: rows past their time that are there yet."""

    table: str
    is_there: bool
    before: str | None
    counted: Counted
    version: int | None = None
    rows: int = 0
    due: int = 0
    versions: int = 0
    remains: Sequence[Remains] = ()
    files_until: datetime.date | None = None
    """The first day on which a run takes the files away that hold what goes today; None: never, as long as files of
    another table lie among them."""
    log_until: datetime.date | None = None
    """The same of the log; None: never, by the table's own word."""
    place: str = ""
    looked_at: int = -1
    """Where the table is, and its version when it was looked at."""
    run_id: str = ""
    own: OfRun | None = None
    """What this run committed; None where it took nothing away."""
    before_it: Before = dataclasses.field(default_factory=Before)
    """What runs took away that were killed, or failed, before they left their receipt."""
    aside: Sequence[Remains] = ()
    """What older versions of its quarantine hold."""

    @property
    def is_done(self) -> bool:
        return not self.due and all(each.until is not None for each in (*self.remains, *self.aside))


def planned(
    spark: SparkSession, conf: Config, names: Sequence[str], day: datetime.date, report: Report
) -> list[Retained]:
    """What a run would do on a day. Nothing is written. Raises as `aged.found`."""
    own = session.for_run(spark)
    tables = aged.found(own, conf, names, day)
    return [failures.translated(one.name, functools.partial(_planned, own, one, report)) for one in tables]


def _planned(spark: SparkSession, one: Aged, report: Report) -> Retained:
    counted = aged.counted(spark, one)
    told = Retained(one.name, one.is_there, _before(one), counted, rows=counted.past, due=counted.past)
    return _with_remains(spark, one, told, report) if one.is_there else told


def carried_out(
    spark: SparkSession,
    conf: Config,
    names: Sequence[str],
    day: datetime.date,
    told: Trail,
    report: Report,
    all_rows: bool = False,
) -> list[Retained]:
    """Raises `Refused` with all reasons before anything is written; what a table raises, once others may be done.
    all_rows: whether a table may lose every row that it has."""
    own, done = session.for_run(spark), list[Retained]()
    tables = aged.found(own, conf, names, day)
    counts = {one.name: failures.translated(one.name, functools.partial(aged.counted, own, one)) for one in tables}
    _check_some_stay(tables, counts, all_rows)
    for at, one in enumerate(tables):
        try:
            step = functools.partial(_carried_out, own, one, counts[one.name], told, report)
            done.append(failures.translated(one.name, step))
        except BaseException:
            left = ", ".join(each.name for each in tables[at + 1 :])
            said = "its retention stopped here; run it again" + (f"; not looked at yet: {left}" if left else "")
            report(Warned(one.name, said))
            raise
    return done


def _check_some_stay(tables: Sequence[Aged], counts: dict[str, Counted], all_rows: bool) -> None:
    empty = [one.name for one in tables if 0 < counts[one.name].past == counts[one.name].rows]
    if empty and not all_rows:
        raise Refused(
            "\n".join(
                f"{name}: every row of it is past its time, and it would be empty: look at 'days', at this machine's "
                "clock, and at whether the table is still fed; --accept-empty takes them all the same"
                for name in empty
            )
        )


def _carried_out(spark: SparkSession, one: Aged, counted: Counted, told: Trail, report: Report) -> Retained:
    if not one.is_there:
        return Retained(one.name, False, None, counted)
    run_id = str(uuid.uuid4())
    own, left = _rows_taken(spark, one, counted, told, run_id)
    _purged(spark, one)
    _versions_taken(spark, one)
    failed = aside.vacuumed(spark, one)
    version, rows = (None, 0) if own is None else (own.version, own.rows or 0)
    found = Retained(one.name, True, _before(one), counted, version, rows, left)
    found = dataclasses.replace(found, place=one.location, looked_at=one.stands.version, run_id=run_id, own=own)
    found = _with_remains(spark, one, found, report)
    found = dataclasses.replace(found, remains=_stuck(found.remains))
    _warned(one, found, report)
    found = dataclasses.replace(found, before_it=told.done_before(spark, one, run_id, report))
    told.done(one, run_id, own, found.remains, found.aside)
    if failed is not None:  # once it is told what went from the table
        raise failed
    return found


def _rows_taken(spark: SparkSession, one: Aged, counted: Counted, told: Trail, run_id: str) -> tuple[OfRun | None, int]:
    """The commits by which rows went, and how many are there yet; more than one commit only where others add such rows
    meanwhile."""
    commits, past = list[OfCommit](), counted.past
    for attempt in range(AGAIN):
        if one.boundary is None or not past:
            break
        rule = {"by": str(one.boundary.by), "before": one.boundary.text, "days": one.rule.days}
        said = {"run_id": f"{run_id}/{attempt}" if attempt else run_id, "mode": RETENTION, "retention": rule}
        if not attempt:
            told.begun(one, run_id, past)
        settings = file_settings.by_record(one.stands.before.schema, one.stands.properties)
        made = row_deletion.delete(spark, one.stands.address, one.boundary.past(), said, settings)
        if made is not None:
            commits.append(OfCommit(made.version, past if made.rows is None else made.rows, files=made.files or 0))
        past = aged.counted(spark, one).past
    return (OfRun(run_id, tuple(commits)) if commits else None), past


def _purged(spark: SparkSession, one: Aged) -> None:
    begun = _begun(spark, one)
    if row_deletion.has_vectors(begun):
        settings = file_settings.by_record(one.stands.before.schema, delta_commit.comment_and_properties(begun)[1])
        row_deletion.purge(spark, one.stands.address, settings)


def _versions_taken(spark: SparkSession, one: Aged) -> None:
    """VACUUM, and a checkpoint by which the log is cleaned, where anything is due: by the table's properties, which are
    stated first, as the rule has them."""
    if one.rule.versions_days is not None:
        row_deletion.tried(one.stands.address, lambda: _state(spark, one))
    begun = _begun(spark, one)
    looked = old_versions.looked(begun, delta_commit.kept(begun))
    if looked.has_files_due() and not looked.strangers:
        old_versions.vacuumed(spark, one.stands.address)
    log_left.cleaned(_begun(spark, one), _needed(one))


def _state(spark: SparkSession, one: Aged) -> None:
    begun = _begun(spark, one)
    stated = {
        FILES_KEPT: f"interval {one.rule.versions_days} days",
        LOG_KEPT: f"interval {_log_days(begun, one)} days",
    }
    there = delta_commit.comment_and_properties(begun)[1]
    if there.get(CLEANUP, "true").lower() != "true":
        stated[CLEANUP] = "true"
    if any(there.get(name) != value for name, value in stated.items()):
        delta_commit.state_properties(begun, stated)


def _log_days(begun: Transaction, one: Aged) -> int:
    """As the rule has it, or for as long as the next run needs it."""
    assert one.rule.versions_days is not None
    by_now = delta_commit.kept(begun).log
    stated = 0 if by_now is None else by_now // DAY
    return needed.days(one.rule.versions_days, needed.age(begun, _needed(one)), stated)


def _needed(one: Aged) -> int | None:
    return needed.version(one.stands.history, one.entry.mode)


def _with_remains(spark: SparkSession, one: Aged, found: Retained, report: Report) -> Retained:
    """Warns where VACUUM would take files of another table, so that no run takes what older versions hold."""
    taken = [each.version for each in one.stands.history.commits if each.is_retention]
    last = max([*taken, -1 if found.version is None else found.version], default=-1)
    begun, days = _begun(spark, one), one.rule.versions_days
    kept = delta_commit.kept(begun)
    if days is not None:  # which a run states first
        kept = Kept(days * DAY, _log_days(begun, one) * DAY)
    old, now = old_versions.looked(begun, kept, last), table_files.now()
    if old.strangers:
        report(Warned(one.name, f"{old.strangers} {old_versions.STRANGERS}"))
    return dataclasses.replace(
        found,
        versions=old.versions,
        remains=needed.told(old.remains, _needed(one)),
        aside=aside.remains(spark, one, report),
        files_until=None if old.strangers else day_after(now + kept.files),
        log_until=None if kept.log is None else day_after(now + DAY + kept.log),  # of the next version, that is
    )


def _stuck(remains: Sequence[Remains]) -> tuple[Remains, ...]:
    """What remains after a run: of a log whose day has come no later run takes it away either."""
    today = day_after(table_files.now() - DAY)
    is_stuck = (each.kind in OF_LOG and each.until is not None and each.until <= today for each in remains)
    return tuple(
        dataclasses.replace(each, until=None, why=STUCK) if stuck else each
        for each, stuck in zip(remains, is_stuck, strict=True)
    )


def _begun(spark: SparkSession, one: Aged) -> Transaction:
    """At the newest version."""
    begun = delta_commit.begin(spark, one.entry.target.path, one.stands.address.sql)
    if begun is None or begun.version < 0:
        raise SourceProblem(f"{one.name}: its target is gone, or out of reach of Delta's own log")
    return begun


def _warned(one: Aged, found: Retained, report: Report) -> None:
    if found.due:
        report(Warned(one.name, "rows past their time are there again: another program adds them; run it again"))
    if found.counted.undated:
        report(Warned(one.name, f"rows without a date in {one.rule.by} stay for good"))
    if found.counted.to_come:
        report(Warned(one.name, f"rows with a date to come in {one.rule.by} stay that much longer"))
    if one.boundary is not None and sum(quarantined.of(one.stands.history).runs.values()) > 0:
        report(Warned(one.name, "rows stand in quarantine, sealed: they are not looked at, and stay there"))
    if found.rows and (one.entry.suppress is not None or one.entry.risk.stated() or one.entry.mondrian is not None):
        said = "rows went, so classes of those that stay may be smaller than was measured: run jobs/risk.py"
        report(Warned(one.name, said))


def _before(one: Aged) -> str | None:
    return None if one.boundary is None else one.boundary.text
