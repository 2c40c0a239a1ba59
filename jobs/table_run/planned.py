"""The one way from a configuration to a run: source, keys and plan, then the target. Nothing is written.

What cannot go on stops here by itself, whoever asks: a source that cannot be read, a predicate that cannot be used, a
key that settings give away or that does not open, a column nobody decided about, a target that is no place to write to.
What it comes to is for the gates to judge (`jobs.gates.run_gates`).
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping

from pyspark.sql import SparkSession

from jobs.configuration import known_elsewhere
from jobs.configuration.config import Config
from jobs.configuration.models import ADDING
from jobs.console.exit_codes import BadUsage
from jobs.gates import growth, kept_out, run_gates
from jobs.gates.known import NOTHING, Allowed, Inspected, Planned, Prepared, Readable, today
from jobs.lake import places, position, quarantine_table, quarantined, read, state
from jobs.lake.address import Address
from jobs.lake.batch import WHOLE, Batch
from jobs.lake.position import DeltaPosition
from jobs.lake.problems import CannotGrow, SourceProblem
from jobs.lake.quarantine_table import Place
from jobs.lake.read import SourceRows
from jobs.lake.state import TargetState
from jobs.named_keys import key_ring
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.table_run import rewriting, unchanged
from jobs.table_run.unchanged import Files
from jobs.treatment import chosen_partitions, predicates, treatment_plan

REQUEUES = ("full", "incremental")
"""Modes of an entry by which what stands in quarantine is treated again."""


def planned(spark: SparkSession, conf: Config, table: str, allowed: Allowed = NOTHING, batch: Batch = WHOLE) -> Planned:
    """Plan one table against its source, under the keys in force. Reads schemas and keysets, no rows."""
    entry = conf.tables[table]
    day = today()
    source = predicates.minimized(read.rows_of(spark, entry.source, entry.grows, batch.end), entry, day)
    known = Readable(conf, table, day, spark, source)
    run_gates.pass_all(known, events.silent, run_gates.BEFORE_KEYS)
    keys = key_ring.open_for(conf, entry)
    plan = treatment_plan.build(entry, source.rows.schema, keys.ids, source.names_from_data)
    return Planned(**vars(known), keys=keys, plan=plan, allowed=allowed, others=_others(spark, conf, table))


def _others(spark: SparkSession, conf: Config, table: str) -> Mapping[str, SourceRows]:
    """The sources whose values are looked for in the table's texts, whole, whatever ``rows`` of their entries says."""
    elsewhere = [known_elsewhere.of(rule.treatment.technique) for rule in conf.tables[table].columns.values()]
    columns = [text for each in elsewhere for sought in each.values() for text in sought.columns]
    names = sorted({place.table for place in known_elsewhere.places(columns, conf.tables)})
    try:
        return {name: read.rows_of(spark, conf.tables[name].source, grows=True) for name in names}
    except SourceProblem as error:
        raise SourceProblem(f"known_elsewhere: {error}") from None


def inspected(known: Planned, looked: TargetState | None = None) -> Inspected:
    """Look at the target too, which must be apart from the source. looked: at it before, as `jobs.lake.batch` says."""
    target = state.inspect(known.spark, known.entry.target, looked)
    if target.location is not None:
        places.check_apart(known.spark, known.source.rows, target.location, target.name)
    return Inspected(**vars(known), target=target, quarantine=_quarantine(known, target))


def _quarantine(known: Planned, target: TargetState) -> Place | None:
    """Where refused rows are set aside, which must be apart from the source and the target."""
    stated = known.entry.quarantine
    if stated is None:
        return None
    if target.transaction is None:
        raise SourceProblem("rows are set aside beside Delta's own transaction, which is out of reach here")
    place = quarantine_table.inspected(known.spark, Address.of(stated))
    places.check_apart(known.spark, known.source.rows, place.location, place.address.sql, "quarantine")
    if target.location is not None and not places.are_apart(known.spark, target.location, place.location):
        raise SourceProblem(
            f"the quarantine {place.address.sql} is the target, or one lies in the other: keep it apart"
        )
    return place


def prepared(
    spark: SparkSession,
    conf: Config,
    table: str,
    allowed: Allowed = NOTHING,
    report: Report = events.silent,
    batch: Batch = WHOLE,
) -> Prepared:
    """Plan a table against its source, open its keys, look at its target, ask every gate. Raises where one refuses.

    batch: of a stream, where the run is one.
    """
    found = _prepared(spark, conf, table, allowed, report, batch)
    if not found.unchanged:
        run_gates.pass_all(found, report, run_gates.WITH_WORK)
    return found


def _prepared(
    spark: SparkSession, conf: Config, table: str, allowed: Allowed, report: Report, batch: Batch
) -> Prepared:
    entry = conf.tables[table]
    if allowed.requeue and entry.mode not in REQUEUES:
        raise BadUsage(
            f"{table}: what stands in quarantine is treated again in mode full or incremental, and the mode is "
            f"{entry.mode}: state --mode incremental with --requeue"
        )
    rewriting.check_asked(entry, allowed)
    chosen_partitions.check_asked(table, entry.mode, entry.where)
    files = unchanged.looked_at(spark, entry, allowed)
    known = inspected(planned(spark, conf, table, allowed, batch), batch.looked)
    there, source = known.source.position, entry.source.describe()
    if entry.mode == "partitions":
        known = dataclasses.replace(known, source=chosen_partitions.chosen(known.source, known.plan))
    if entry.mode in ADDING and there is None:
        raise CannotGrow(f"{source} does not tell what is new in it: use mode: full")
    if entry.mode == "changes" and not isinstance(there, DeltaPosition):
        raise CannotGrow(f"{source} does not tell what changed in it, as a Delta table does: use mode: full")
    run_gates.pass_all(known, report)
    if known.source.chosen is not None:
        return Prepared(**vars(known))
    if allowed.requeue:
        return _requeueing(known)
    if known.adds and not growth.starts_anew(known):
        return _growing(known, batch)
    hashed = unchanged.made_from(known, files)
    is_there = not allowed.even_unchanged and unchanged.is_as_it_was(known, hashed)
    return Prepared(**vars(known), unchanged=is_there, made_from=hashed)


def _requeueing(known: Inspected) -> Prepared:
    """The run of what stands in quarantine; its rows are found when it is carried out. Raises `CannotGrow` where nobody
    can say what that is."""
    if known.allowed.retreat:
        raise BadUsage(
            f"{known.table}: either what stands in quarantine is treated again, or all rows anew (--retreat)"
        )
    if known.quarantine is None or known.target.version < 0:
        raise CannotGrow("nothing can be requeued: the entry names no quarantine, or there is no target")
    last = known.target.last_run()
    deletes = known.target.history.deletes
    others = {commit.version for commit in kept_out.not_kept_out(known, deletes)}
    kept = {commit.version for commit in deletes} - others  # of the erased, whom this run leaves out itself
    if known.target.history.may_lack_rows_but_for(kept):
        raise CannotGrow(
            f"rows were deleted in {known.target.name} since all were written, and nobody knows whether a row in "
            "quarantine is one of them (of an erasure that is known by a list of the erased, docs/receipts.md): --mode "
            "full treats all rows of the source, and forgets those in quarantine (it asks for --accept-deleted-rows)"
        )
    if not quarantined.of(known.target.history):
        return Prepared(**vars(known), unchanged=True)
    stopped, version = position.from_json(last.run.get("source_position")), last.run.get("source_version")
    source = dataclasses.replace(known.source, gained=True, position=stopped, version=version, count=None, past=None)
    return Prepared(**{**vars(known), "source": source})


def nothing_new(known: Inspected, files: Files) -> bool:
    """Whether a run would write nothing, since the source is as it was when the target was written: for those who only
    look. Reads no rows. files: of `unchanged.looked_at`, from before the source was read."""
    if known.entry.mode == "partitions" or known.allowed.requeue:
        return False
    if known.adds and not growth.starts_anew(known):
        with contextlib.suppress(CannotGrow):  # a gate tells it
            return known.target.stopped_at() == known.source.position
        return False
    return unchanged.is_as_it_was(known, unchanged.made_from(known, files))


LOOKING = Allowed(even_unchanged=False)
"""By whoever asks whether there would be anything to write."""


def stays_at(spark: SparkSession, conf: Config, table: str) -> int | None:
    """The version at which a run would leave a target, as it has nothing to write; None where it would write. Raises as
    a run does."""
    files = unchanged.looked_at(spark, conf.tables[table], LOOKING)
    known = inspected(planned(spark, conf, table, LOOKING))
    return known.target.version if nothing_new(known, files) else None


def _growing(known: Inspected, batch: Batch) -> Prepared:
    """The run of what is new or changed in the source. Raises `CannotGrow` where nobody can say what that is."""
    stopped = known.target.stopped_at()
    if stopped == known.source.position or position.is_past(stopped, batch.end):
        return Prepared(**vars(known), unchanged=True)
    if known.entry.mode == "changes":
        gained = read.changed_in(known.spark, known.entry.source, known.source, stopped)
    else:
        gained = read.gained_by(known.spark, known.entry.source, known.source, stopped, batch.files)
    if gained.count == 0:
        return Prepared(**vars(known), unchanged=True)
    source = predicates.minimized(gained, known.entry, known.today)
    return Prepared(**{**vars(known), "source": source})
