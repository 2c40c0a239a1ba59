"""One export: judged, read, told of, and only then written, all of it or nothing."""

from __future__ import annotations

import dataclasses
import datetime
import json
import uuid
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager

from pyspark.sql import SparkSession

from jobs.audit_log import log as audit_log
from jobs.audit_log.log import Log
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.console.numbers import many
from jobs.lake import restricted, restricted_texts
from jobs.lake.state import TargetState
from jobs.reversal import apart
from jobs.reversal.approval import TIME, new_id
from jobs.run_events.events import Report, Warned
from jobs.signatures.keys import SigningKey
from jobs.spark_app import failures
from jobs.subject_access import approval as approvals
from jobs.subject_access import exported, index, judged
from jobs.subject_access.approval import Approval, Signed
from jobs.subject_access.exported import Exported
from jobs.subject_access.request import Request, digest, rules
from jobs.subject_access.trail import Trail
from jobs.subjects.held import Gap, Held, HeldTable
from jobs.subjects.search import Search, searching

UNREAD = (
    "{} in which nobody can tell who is named (no JSON, or an object, an array or half a surrogate where an id is "
    "asked for): nobody is found there"
)
UTC = datetime.timezone.utc
NOWHERE = (
    "no row was found in any table that was searched: before the person is told so, see that the ids are spelled as "
    "the sources have them, numbers in canonical form (1001, not 1001.00), and what was not searched"
)


@dataclasses.dataclass(frozen=True)
class Given:
    """place: the folder, as a URI. expires: when it is to be removed. held: what was searched, and what was not."""

    run_id: str
    place: str
    expires: datetime.datetime
    held: Held


def planned(spark: SparkSession, conf: Config, request: Request) -> Held:
    """What would be searched, and what not. No row of anybody is read, so it tells of nobody whether they are there."""
    rules(conf.policy)
    with searching(spark, conf, request.asked) as search:
        return search.held


def approved(
    spark: SparkSession,
    conf: Config,
    request: Request,
    key: SigningKey,
    at_most: int,
    hours: int,
    now: datetime.datetime,
) -> tuple[Approval, str]:
    """The approval to sign, and who signs it. Raises `Refused` where the policy does not let them."""
    by = judged.approver(conf.policy, key)
    judged.check_purpose(conf.policy, request.purpose)
    held, person = planned(spark, conf, request), digest(conf, request.asked)
    if not held.tables:
        raise Refused(f"no table can be searched for domain {held.domain}: see --plan")
    judged.check_may_approve(by, conf, held)
    begins = now.astimezone(UTC).replace(microsecond=0)
    made = Approval(
        id=new_id(),
        domain=request.asked.domain,
        ids=person.ids,
        ids_key_id=person.key_id,
        held_in=request.held_in,
        tables={table.treated.name: table.treated.record_sha256 for table in held.tables},
        actor=request.actor,
        purpose=request.purpose,
        at_most=at_most,
        not_before=begins,
        expires=begins + datetime.timedelta(hours=hours),
    )
    judged.check_to_sign(made, by, conf.policy)
    return made, by.name


def given(
    spark: SparkSession,
    conf: Config,
    request: Request,
    approval: str | None,
    output: str,
    report: Report,
    now: datetime.datetime,
) -> Given:
    """spark: a session of its own. approval: text of the file."""
    told = Trail(_log(spark, conf), request, str(uuid.uuid4()), report)
    with ExitStack() as stack:  # the search lasts until all is written
        with _refusals(told):
            ready = _ready(spark, conf, told, approval, output, now)
            signed, place, held, tables = failures.translated("", lambda: stack.enter_context(ready))
            where = str(place.location)
            told.started(_started(signed, where, held))
        with _failures(spark, told, where):
            failures.translated("", lambda: _written(spark, conf, signed, where, held, tables, told.run_id))
    told.done()
    if not any(each.number for each in tables):
        report(Warned("", NOWHERE))
    return Given(told.run_id, where, signed.approval.expires, held)


def _log(spark: SparkSession, conf: Config) -> Log:
    log = audit_log.opened(spark, conf)
    if log is None:
        raise Refused("there is no audit.yaml: nothing is given out that no log tells of")
    return log


@contextmanager
def _refusals(told: Trail) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        told.refused(error)
        raise


@contextmanager
def _failures(spark: SparkSession, told: Trail, place: str) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        told.failed(error, left=not restricted.is_gone(spark, place))
        raise


@contextmanager
def _ready(
    spark: SparkSession, conf: Config, told: Trail, approval: str | None, output: str, now: datetime.datetime
) -> Iterator[tuple[Signed, TargetState, Held, list[Exported]]]:
    """What may be given out. Its rows are counted, and read again once the log is told."""
    request = told.request
    judged.check_purpose(conf.policy, request.purpose)
    if approval is None:
        raise Refused("there is no approval: have a second person make one with jobs/approve.py --domain")
    signed = approvals.opened(approval, conf.policy)
    told.approval = signed.approval
    person = digest(conf, request.asked, signed.approval.ids_key_id)
    told.person = person.ids
    with searching(spark, conf, request.asked) as search:
        judged.check_approved(signed, request, person, search.held, conf.policy, told.log.actor, now)
        judged.check_may_approve(signed.by, conf, search.held)
        place = restricted.looked(spark, output, search.held.tables[0].treated.place)
        apart.check(spark, conf, str(place.location), output)
        unread = [gap for table in search.held.tables for gap in _unread(search, table)]
        left = most = min(signed.approval.at_most, rules(conf.policy).at_most_rows)
        tables = []
        for table in search.held.tables:
            tables.append(exported.of(conf, search, table, left, most))
            left -= tables[-1].number
        yield signed, place, dataclasses.replace(search.held, gaps=(*search.held.gaps, *unread)), tables


def _unread(search: Search, table: HeldTable) -> Iterator[Gap]:
    """Told, and passed over: one text that others wrote stops nobody's request."""
    for path, number in search.unread(table).items():
        yield Gap(table.treated.name, str(path), UNREAD.format(many(number, "JSON text")))


def _started(signed: Signed, place: str, held: Held) -> dict[str, object]:
    """What the log is told besides what was asked: nothing that is of the person."""
    keys = {(each.key, each.key_id) for table in held.tables for place in table.places for each in place.record.each}
    return {
        "tables": [
            {
                "table": table.treated.name,
                "version": table.treated.version,
                "record_sha256": table.treated.record_sha256,
            }
            for table in held.tables
        ],
        "keys": [{"key": name, "key_id": key_id} for name, key_id in sorted(keys, key=str) if name is not None],
        "not_searched": [{"table": gap.table, "column": gap.path} for gap in held.gaps],
        "at_most": signed.approval.at_most,
        "output": place,
        "expires": signed.approval.expires.strftime(TIME),
        "approver": signed.by.name,
    }


def _written(
    spark: SparkSession, conf: Config, signed: Signed, place: str, held: Held, tables: list[Exported], run_id: str
) -> None:
    files: dict[str, Iterable[str]] = {
        index.file_of(each.table.treated.name): each.lines() for each in tables if each.number
    }

    def last() -> Iterator[str]:
        """Asked for when all others are written: then it is known what stands there."""
        told = {"run": run_id, **index.of(conf, held, tables, signed.approval)}
        yield json.dumps(told, ensure_ascii=False, indent=1)

    files[index.NAME] = last()
    restricted_texts.create(spark, place, files, run_id)
