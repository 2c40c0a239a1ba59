"""One run of the way back: judged, counted, told of, and only then turned back, all of it or nothing."""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from jobs.columnar import late_tasks
from jobs.configuration.config import Config
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import restricted
from jobs.lake.state import TargetState
from jobs.lake.vault_table import Vault
from jobs.reversal import (
    apart,
    by_subject,
    chosen_rows,
    judged,
    remains,
    reversal_keys,
    review,
    trail,
    treated,
    turning,
    vaults,
)
from jobs.reversal import approval as approvals
from jobs.reversal.approval import TIME, Signed
from jobs.reversal.asked import Asked
from jobs.reversal.by_subject import Kept
from jobs.reversal.formats import FORMATS, Format
from jobs.reversal.selection import Selection
from jobs.reversal.trail import Trail
from jobs.reversal.treated import Column, Treated
from jobs.reversal.turning import Counted, Shown, Wanted, Way
from jobs.run_events.events import Report, Warned
from jobs.spark_app import failures
from privacy_udfs.keys import AnyReference, KeyReference


@dataclasses.dataclass(frozen=True)
class Output:
    """Where rows are to be. path: a new place; None to have them given. form: of what is written there."""

    path: str | None = None
    form: Format = "delta"

    def __post_init__(self) -> None:
        if self.form not in FORMATS:
            raise BadUsage(f"--format: expected one of {', '.join(FORMATS)}")
        if self.path is None and self.form != "delta":
            raise BadUsage("--format is of what --output writes")


@dataclasses.dataclass(frozen=True)
class TurnedBack:
    """What a run did. place: the new table, as a URI; None where it was shown. shown: the rows, where they were asked
    for by themselves. expires: when the table is to be removed. unproven: columns whose technique authenticates
    nothing. execution: the path that was taken; not_columnar: why it was Spark's."""

    run_id: str
    rows: int
    expires: datetime.datetime
    place: str | None = None
    approval: str | None = None
    shown: pa.Table | None = dataclasses.field(default=None, repr=False)
    unproven: tuple[str, ...] = ()
    execution: Way = "spark"
    not_columnar: str | None = None


@dataclasses.dataclass(frozen=True)
class _Allowed:
    """What may be done. at_most: rows. expires: of what is written. signed: None where the glass is broken."""

    treated: Treated
    columns: Mapping[str, Column]
    keys: Mapping[str, KeyReference]
    rows: DataFrame
    at_most: int
    expires: datetime.datetime
    signed: Signed | None
    vaults: Mapping[str, Vault]
    trees: Mapping[str, Kept]


def turned_back(
    spark: SparkSession,
    conf: Config,
    asked: Asked,
    approval: str | None,
    to: Output,
    report: Report,
    now: datetime.datetime,
) -> TurnedBack:
    """spark: a session of its own. approval: text of the file."""
    told = trail.opened(spark, conf, asked, str(uuid.uuid4()), report)
    if asked.break_glass:
        report(Warned(asked.table, f"BREAK GLASS: {asked.actor} has values turned back without an approval"))
    with _refusals(told):
        allowed, known = failures.translated(asked.table, lambda: _ready(spark, conf, told, approval, to, now))
        place, count = known.wanted.place, known.count
        told.started(_started(conf, allowed, place, count), lambda: review.check_none_due(told, conf.policy))
    with _failures(spark, told, place):
        shown = failures.translated(asked.table, lambda: _revealed(spark, conf, told, allowed, known))
    told.done({"rows": count, "execution": shown.execution})
    signed = None if allowed.signed is None else allowed.signed.approval.id
    unproven = treated.unproven(allowed.columns)
    made = TurnedBack(told.run_id, count, allowed.expires, _uri(place), signed, shown.rows, unproven)
    return dataclasses.replace(made, execution=shown.execution, not_columnar=shown.not_columnar)


@contextmanager
def _refusals(told: Trail) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        told.refused(error)
        raise


@contextmanager
def _failures(spark: SparkSession, told: Trail, place: TargetState | None) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        told.failed(error, left=place is not None and _may_be_left(spark, told.run_id, str(place.location)))
        raise


def _may_be_left(spark: SparkSession, run_id: str, place: str) -> bool:
    """Whether something of a run is at its place, or may yet come to be: a task that is still at work makes its folder
    anew."""
    return not late_tasks.ended(spark, run_id) or not restricted.is_gone(spark, place)


def _ready(
    spark: SparkSession, conf: Config, told: Trail, approval: str | None, to: Output, now: datetime.datetime
) -> tuple[_Allowed, Counted]:
    """What may be done, and with which rows. Nothing is turned back yet."""
    asked, allowed = told.asked, _allowed(spark, conf, told, approval, now)
    place = None if to.path is None else restricted.looked(spark, to.path, allowed.treated.place)
    if place is not None:
        apart.check(spark, conf, str(place.location), str(to.path))
    found = turning.counted(
        Wanted(spark, asked, allowed.treated, allowed.columns, allowed.rows, place, to.form, allowed.vaults),
    )
    if found.count > allowed.at_most:
        raise Refused(f"{asked.table}: more rows than the {allowed.at_most} that are allowed")
    if allowed.vaults or allowed.trees:
        told.check_open(lambda: review.check_none_due(told, conf.policy))
        with _delivered(spark, conf, allowed) as keys:
            vaults.check_all_there(asked.table, allowed.rows, allowed.columns, keys, allowed.vaults)
            asks = dataclasses.replace(found.wanted.selection(keys), only_asks=True)
            by_subject.check_none_destroyed(allowed.rows, asks, allowed.trees)
    return allowed, found


def _allowed(spark: SparkSession, conf: Config, told: Trail, approval: str | None, now: datetime.datetime) -> _Allowed:
    """Raises `Refused` with what is against it."""
    asked, policy = told.asked, conf.policy
    judged.check_purpose(policy, asked.purpose)
    signed = _signed(conf, told, approval)
    looked = treated.look(spark, conf, asked.table)
    columns = treated.chosen(conf, looked, asked.columns)
    judged.check_keys(policy, columns)
    at_most, rules = 0, judged.rules(policy)
    if signed is None:
        glass = judged.check_break_glass(conf, asked, columns)
        at_most, expires = glass.at_most_rows, now + datetime.timedelta(hours=glass.review_within_hours)
    else:
        judged.check_may_approve(signed.by, conf, asked.table, columns)
        judged.check_approved(signed, asked, policy, looked.place, looked.record_sha256, now)
        judged.check_runner(signed.by, told.log.actor)
        at_most, expires = signed.approval.at_most, signed.approval.expires
    Selection(asked.table, columns, frozenset(asked.beside), {}, asked.form == "masked").check(looked.schema)
    rows = chosen_rows.of(looked, asked.rows, asked.columns[0])
    keys = reversal_keys.references(spark, conf, columns, now.date())
    kept = vaults.of(spark, conf, columns), by_subject.of(spark, conf, columns)
    return _Allowed(looked, columns, keys, rows, min(at_most, rules.at_most_rows), expires, signed, *kept)


@contextmanager
def _delivered(spark: SparkSession, conf: Config, allowed: _Allowed) -> Iterator[Mapping[str, AnyReference]]:
    with (
        reversal_keys.delivered(spark, conf, allowed.keys) as keys,
        by_subject.delivered(spark, keys, allowed.trees) as found,
    ):
        yield found


def _signed(conf: Config, told: Trail, approval: str | None) -> Signed | None:
    """What was approved, of which the trail then knows; None where the glass is broken."""
    if told.asked.break_glass:
        if approval is not None:
            raise BadUsage("either an approval, or --break-glass")
        return None
    if approval is None:
        raise Refused("there is no approval: have a second person make one with jobs/approve.py")
    signed = approvals.opened(approval, conf.policy)
    told.approval = signed.approval
    return signed


def _started(conf: Config, allowed: _Allowed, place: TargetState | None, count: int) -> dict[str, object]:
    """What the log is told besides what was asked."""
    keys = sorted({(each.name, each.key_id) for each in allowed.keys.values()})
    return {
        "version": allowed.treated.version,
        "location": allowed.treated.place,
        "record_sha256": allowed.treated.record_sha256,
        "rows": count,
        "at_most": allowed.at_most,
        "keys": [{"key": name, "key_id": key_id} for name, key_id in keys],
        "output": _uri(place) or remains.CONSOLE,
        "expires": allowed.expires.strftime(TIME),
        **(
            {"grounds": judged.grounds(conf, allowed.treated.name, allowed.columns)}
            if allowed.signed is None
            else {"approver": allowed.signed.by.name}
        ),
    }


def _uri(place: TargetState | None) -> str | None:
    return None if place is None else place.location


def _revealed(spark: SparkSession, conf: Config, told: Trail, allowed: _Allowed, known: Counted) -> Shown:
    """Turn the values back: into what is written, or into what is given."""
    with _delivered(spark, conf, allowed) as keys, late_tasks.known_by(spark, told.run_id):
        return turning.turned(known, keys, _properties(told, allowed), told.run_id)


def _properties(told: Trail, allowed: _Allowed) -> dict[str, str]:
    asked = told.asked
    return {
        "table": asked.table,
        "approval": "break glass" if allowed.signed is None else allowed.signed.approval.id,
        "actor": asked.actor,
        "purpose": asked.purpose,
        "form": asked.form,
        "expires": allowed.expires.strftime(TIME),
    }


# -- what was written, taken away -------------------------------------------------------------------------------------


def expired(spark: SparkSession, conf: Config, path: str, now: datetime.datetime) -> str:
    """Remove what a run wrote to a place, once its time is over. Returns the run. Raises `Refused` before then, or
    where the audit log knows of no such place."""
    log = trail.log_of(spark, conf)
    place = restricted.location(spark, path)
    told = trail.leaves(log, remains.OUTCOMES)
    found = remains.chosen(told, place, restricted.run_of(spark, place))
    if now.strftime(TIME) < str(found.body["expires"]):
        raise Refused(f"{path} may be there until {found.body['expires']}: nothing was removed")
    restricted.remove(spark, place, found.run_id)
    trail.tell_removed(log, remains.unremoved(told, place))
    return found.run_id
