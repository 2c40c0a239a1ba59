"""A prepared run carried out: all rows treated, and one Delta commit that holds them, the record and the counts."""

from __future__ import annotations

import dataclasses
import functools
import time
import uuid
from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.archive import snapshots
from jobs.columnar.unfit import NotColumnar
from jobs.configuration.column_path import ColumnPath
from jobs.console.exit_codes import BadUsage, Refused
from jobs.gates.known import Prepared
from jobs.lake import log_replay, replace
from jobs.lake.problems import AnswerLost
from jobs.lake.session_settings import held
from jobs.lineage import steps
from jobs.named_keys import key_delivery
from jobs.policy.profiles import judged
from jobs.record import treatment_record
from jobs.record.column_record import ColumnRecord
from jobs.risk_measures.report import count as few
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures
from jobs.table_run import (
    audited,
    by_subject,
    changes_path,
    columnar_path,
    kept_out,
    looked_for,
    requeue,
    rewriting,
    risk_gate,
    spark_path,
    waiting,
)
from jobs.table_run.aside import Aside, opened
from jobs.table_run.audited import Trail
from jobs.table_run.kept_out import KeptOut
from jobs.table_run.result import Result, summary
from jobs.table_run.selection import Selection
from jobs.table_run.written import Written
from privacy_udfs.errors import LakenymError


def execute(spark: SparkSession, prepared: Prepared, report: Report = events.silent) -> Result:
    """Write what was prepared, in one commit. spark: the session that it was prepared in. Raises `BadUsage` where it is
    another one, or where no gate was asked; `Refused` where the columnar path was asked for and does not fit."""
    if not isinstance(prepared, Prepared) or spark is not prepared.spark:
        raise BadUsage("a run is carried out as it was prepared: by pseudonymize.prepare, in the same session")
    run_id, plan = str(uuid.uuid4()), prepared.plan
    if prepared.unchanged:
        audited.refusals_told(spark, prepared.conf, prepared.table, report, lambda: _still_kept(prepared))
        if prepared.made_from is not None:
            audited.left_alone(prepared, run_id)
        report(events.Unchanged(prepared.table, prepared.target.version))
        return Result(prepared.table, run_id, prepared.target.version, 0, 0.0, {}, plan, "none", None, prepared.mode)
    trail = audited.started(prepared, run_id, report)
    try:
        carried_out = functools.partial(_carried_out, spark, prepared, run_id, report, trail)
        result, record, noted = failures.translated(prepared.table, carried_out)
    except BaseException as error:
        trail.ended_by(error)
        raise
    trail.committed(result, record)
    if noted is not None and result.execution != "none":
        failures.translated(prepared.table, lambda: noted.check_after(result.version))
    return result


def _still_kept(prepared: Prepared) -> None:
    failures.translated(prepared.table, lambda: risk_gate.still_kept(prepared))


def _carried_out(
    spark: SparkSession, prepared: Prepared, run_id: str, report: Report, trail: Trail
) -> tuple[Result, Mapping[str, str], KeptOut | None]:
    """What the run did, the table properties that hold its record, and the list of the erased as it had it."""
    start, plan, noted = time.monotonic(), prepared.plan, kept_out.noted(spark, prepared.conf, prepared.plan)
    prepared, gate = risk_gate.attached(prepared, run_id)
    entries = treatment_record.entries(plan, prepared.keys.checks(plan))
    snapshot = snapshots.store(spark, prepared.conf, prepared.table, run_id)
    policy = prepared.conf.policy
    profiles = judged.recorded(policy, prepared.table)
    record = treatment_record.properties(plan, entries, snapshot, policy.version, profiles)
    report(_begun(prepared, run_id, entries, record))
    aside = opened(prepared, run_id)
    prepared = aside.prepared = kept_out.attached(trail.attached(prepared, aside), noted)
    aside.settle()
    prepared, anew = rewriting.attached(prepared, aside)
    others = [size for source in prepared.others.values() for size in source.log_sizes]
    replay = log_replay.settings(spark, [*prepared.source.log_sizes, *others, prepared.target.log_size])
    with (
        key_delivery.delivered(spark, prepared.keys, plan) as delivered,
        held(spark, replay),
        looked_for.sent(prepared, delivered, report) as (told, with_lists),
        by_subject.sent(told, with_lists) as (rooted, keys),
        kept_out.sent(rooted) as left,
    ):
        prepared = aside.prepared = left
        selection = Selection(plan, entries, keys, answers=kept_out.answers(left))
        if prepared.allowed.requeue:
            prepared = requeue.passing(prepared, selection, aside)
            aside.prepared = prepared
            if not prepared.source.count:
                return _nothing(prepared, aside, report), record, noted
        try:
            waiting.replace(prepared, selection, aside)
            written = _written(prepared, selection, record, aside)
        except AnswerLost:  # what is set aside belongs to a commit that may be there
            raise
        except LakenymError:  # no error of Spark's: of those nobody knows whether the commit comes about all the same
            aside.undo(report)
            raise
    seconds, commit = time.monotonic() - start, written.commit
    result = Result(
        prepared.table,
        run_id,
        commit.version,
        commit.rows,
        seconds,
        anew.shown(written.counts),
        plan,
        written.execution,
        written.not_columnar,
        prepared.mode,
        written.changed,
        aside.rows,
        None if gate is None else gate.said,
        anew.suppressed,
        anew.boxes_said,
        None if noted is None else few(aside.kept_out.rows),
        few(aside.kept_out.parts) if aside.kept_out.parts else None,
    )
    report(summary(result))
    for warning in aside.told(commit.rows):
        report(events.Warned(prepared.table, warning))
    aside.clear(report)
    return result, record, noted


def _begun(
    prepared: Prepared, run_id: str, entries: Mapping[ColumnPath, ColumnRecord], record: Mapping[str, str]
) -> events.Begun:
    """That it begins; its steps are made if anyone asks for them."""
    one, described = prepared, prepared.entry.source.describe()
    known = one.spark, one.plan, one.source, one.target, one.mode, entries, record, one.conf.tables, one.others
    return events.Begun(one.table, run_id, len(one.plan.leaves), described, lambda: steps.of_run(*known))


def _nothing(prepared: Prepared, aside: Aside, report: Report) -> Result:
    """What there is to say of a run that has nothing to write. Raises `RiskMissed`."""
    risk_gate.still_kept(prepared)
    aside.take_out(report)
    report(events.Unchanged(prepared.table, prepared.target.version, aside.run_id))
    for warning in aside.told(0):
        report(events.Warned(prepared.table, warning))
    plan, version = prepared.plan, prepared.target.version
    out = None if prepared.kept_out is None else few(aside.kept_out.rows)
    return Result(prepared.table, aside.run_id, version, 0, 0.0, {}, plan, "none", None, prepared.mode, kept_out=out)


def _written(prepared: Prepared, selection: Selection, record: Mapping[str, str], aside: Aside) -> Written:
    """By the path that the table's entry asks for. record: the table properties that hold it."""
    execution = prepared.entry.execution
    if prepared.source.feed is not None:
        return changes_path.written(prepared, selection, aside)
    if execution == "spark" or prepared.mode == "requeue":
        return spark_path.written(prepared, selection, record, aside)
    try:
        return columnar_path.written(prepared, selection, record, aside)
    except NotColumnar as reason:
        if execution == "columnar":
            raise Refused(f"{prepared.table}: execution: columnar is asked for, and {reason}") from None
        why = str(reason)
    state = replace.renewed(prepared.spark, prepared.target, prepared.entry.target)
    again = dataclasses.replace(prepared, target=state)
    return spark_path.written(again, selection, record, aside, why)
