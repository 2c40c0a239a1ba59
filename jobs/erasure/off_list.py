"""Taken off the list of the erased again: who comes back as a customer. A second person approves it, and the log says
so; runs bring from then on what sources have of them.

An approval (`jobs.erasure.off_list_approval`) counts once, for these ids, this reason and this list; and for erasures
from before it was signed alone: whoever approved did not know of later ones.
"""

from __future__ import annotations

import dataclasses
import datetime
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import erasure_rows
from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Leaf, now, plain, text_of
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.configuration import persons
from jobs.configuration.config import Config
from jobs.configuration.erasure_entry import ErasedListEntry
from jobs.configuration.reversal_entry import Approver, is_person
from jobs.console.exit_codes import BadUsage, Refused
from jobs.erasure import commitment, off_list_approval
from jobs.erasure.off_list_approval import Approval
from jobs.lake import erased_list
from jobs.named_keys import erasure_key
from jobs.named_keys.erasure_key import ErasureKey
from jobs.reversal import judged
from jobs.reversal.approval import new_id
from jobs.signatures.keys import SigningKey
from jobs.spark_app import session
from jobs.subjects.asked import Asked

MOST_HOURS = 24 * 31
TOLD_BY = "off-list"


@dataclasses.dataclass(frozen=True)
class Request:
    """Whom to take off, who does it, and why. asked: by ids as sources have them."""

    asked: Asked
    actor: str
    because: str

    def __post_init__(self) -> None:
        if self.asked.held_in is not None:
            raise BadUsage("whom the list keeps out is told by ids as the sources have them: give the ids")
        if not is_person(self.actor):
            raise BadUsage("--actor: expected a name without spaces and '+', of which every character can be seen")
        if not self.because.strip():
            raise BadUsage("say why they are taken off, with --because")


@dataclasses.dataclass(frozen=True)
class Off:
    """domain, subjects: how many ids were given. found: how many of their codes stood on the list. version: of the
    list by then. not_purged: the last day, in ISO 8601, that erasures of exactly these waited for, on which nobody
    purges by their ids any more what these left; None where none waited."""

    domain: str
    subjects: int
    found: int
    version: int
    not_purged: str | None = None


def to_sign(
    conf: Config, request: Request, key: SigningKey, hours: int, at: datetime.datetime | None = None
) -> tuple[Approval, str]:
    """The approval to sign, and who signs it. Raises `Refused` where the policy does not let them."""
    by = next((each for each in _approvers(conf) if each.public_key == str(key.public)), None)
    if by is None:
        raise Refused(f"policy.yaml names no approver {key.name} of 'erasure' with this key")
    own, entry = _own(conf)
    begins = (at or datetime.datetime.now(datetime.timezone.utc)).replace(microsecond=0)
    made = Approval(
        id=new_id(),
        list=entry.id,
        domain=request.asked.domain,
        subjects=len(request.asked.ids),
        same=commitment.same_under(own, request.asked.domain, request.asked.ids, TOLD_BY, own.id),
        key_id=own.id,
        actor=request.actor,
        because=request.because,
        not_before=begins,
        expires=begins + datetime.timedelta(hours=hours),
    )
    judged.refuse("nothing was signed", [*_bounds(made), *_persons(made, by)])
    return made, by.name


def taken_off(
    spark: SparkSession, conf: Config, request: Request, approval: str | None, at: datetime.datetime | None = None
) -> Off:
    """Take them off the list. approval: the text of its file. Nothing else is written: whom a run left out it brings
    with the next run in full. Raises `Refused`; run again after it was killed, it goes on."""
    log = audit_log.opened(spark, conf)
    if log is None:
        raise Refused("there is no audit.yaml: nobody is taken off that no log tells of")
    if approval is None:
        raise Refused("there is no approval: have a second person make one with jobs/approve.py --off-list")
    own, entry = _own(conf)
    made, by = off_list_approval.opened(approval, _approvers(conf))
    moment = at or datetime.datetime.now(datetime.timezone.utc)
    found = [*_bounds(made), *_persons(made, by), *_other(made, request, own, entry), *judged.when(made, moment)]
    judged.refuse("the approval does not allow this", found)
    judged.check_runner(by, log.actor)
    run_id, told = str(uuid.uuid4()), _body(made, by)
    pinned = session.pinned(spark)
    listed = erased_list.looked(pinned, entry)
    codes = {
        (made.domain, key_id, code, steps)
        for key_id, steps in {(key_id, steps) for _, key_id, _, steps in listed.spelled({made.domain})}
        if key_id in own.ids
        for code in own.listed_as(made.domain, request.asked.ids, steps, key_id)
    }
    put_by = listed.put_by(codes)
    # what begins from here on is not known to the list as it was looked at: it is not taken off
    known = _Known(made, put_by, listed.runs({made.domain}))
    _tell(log, run_id, erasure_rows.OFF_BEGAN, told, known)
    after, number = erased_list.take_off(pinned, entry, codes, run_id, put_by)
    # by which an erasure of theirs that waits for a day is known to be none any more
    told |= {"list_version": after.version, "sames": commitment.sames(own, made.domain, request.asked.ids)}
    _tell(log, run_id, erasure_rows.OFF_LIST, told, known)
    left = [each.until for run, each in erasure_rows.let_go(erasure_rows.leaves(log)) if run == run_id]
    until = max((each.isoformat() for each in left if each is not None), default=None)
    return Off(made.domain, made.subjects, number, after.version, until)


def _own(conf: Config) -> tuple[ErasureKey, ErasedListEntry]:
    own = erasure_key.of(conf)
    if own is None or own.entry.list is None:
        raise Refused("policy.yaml names no list of the erased: nobody stands on it")
    return own, own.entry.list


def _approvers(conf: Config) -> Sequence[Approver]:
    stated = conf.policy.erasure
    if stated is None or stated.approvers is None:
        raise Refused("policy.yaml names no approvers of 'erasure': nobody is taken off the list")
    return stated.approvers


@dataclasses.dataclass(frozen=True)
class _Known:
    """What an approval is asked by. put_by: the erasures by which these stand on the list, and since when. runs: all
    that put anybody of the domain there."""

    made: Approval
    put_by: Mapping[str, datetime.datetime]
    runs: Collection[str]


def _tell(log: Log, run_id: str, outcome: str, body: dict[str, Any], known: _Known) -> None:
    leaf = log.leaf(erasure_rows.KIND, now(), table="", run_id=run_id, outcome=outcome, body=plain(body))

    def once(state: State) -> Sequence[Leaf]:
        if outcome == erasure_rows.OFF_BEGAN:
            judged.refuse("the approval does not count", _uses(erasure_rows.leaves(log), known))
        return [leaf]

    log.add_or_refuse(once, "the audit log cannot be written, and without it nobody is taken off the list")


def _uses(rows: Sequence[Leaf], known: _Known) -> Iterator[str]:
    """Why it counts no more. Where it was killed it goes on, unless somebody of the domain was erased since: these may
    be the very same, and whoever approved did not know of it. Of an erasure that has put nobody on the list yet nobody
    can tell of whom it is."""
    made = known.made
    own = [at for at, row in enumerate(rows) if row.body.get("approval") == made.id]
    if any(rows[at].outcome == erasure_rows.OFF_LIST for at in own):
        yield "it counts once, and was used"
        return
    if any(since >= made.not_before for since in known.put_by.values()):
        yield "somebody of these was erased again since it was signed: have another one made"
    begun = [(at, row) for at, row in enumerate(rows) if row.outcome == erasure_rows.BEGAN]
    begun = [(at, row) for at, row in begun if row.body.get("domain") == made.domain]
    if any(own and at > own[0] for at, _ in begun):
        yield "it was begun, and somebody of the domain was erased since: have another one made"
    if any(row.time >= text_of(made.not_before) and row.run_id not in known.runs for _, row in begun):
        yield (
            "an erasure of the domain was begun since it was signed, and has put nobody on the list yet: it may be of "
            "these; have another one made once it has ended"
        )


def _body(made: Approval, by: Approver) -> dict[str, Any]:
    said = {name: getattr(made, name) for name in ("domain", "subjects", "actor", "because", "list")}
    return {**said, "approval": made.id, "approver": by.name}


# -- what an approval allows ------------------------------------------------------------------------------------------


def _bounds(made: Approval) -> Iterator[str]:
    if not datetime.timedelta() < made.expires - made.not_before <= datetime.timedelta(hours=MOST_HOURS):
        yield f"it counts for more than {MOST_HOURS} hours, or for none"


def _persons(made: Approval, by: Approver) -> Iterator[str]:
    if persons.is_same(made.actor, by.name):
        yield f"{by.name} would sign it for themselves: a second person has to approve"
    if not by.may_approve("", made.domain, ""):
        yield f"policy.yaml does not let {by.name} approve domain {made.domain} (state 'domains' alone)"


def _other(made: Approval, request: Request, own: ErasureKey, entry: ErasedListEntry) -> Iterator[str]:
    if made.list != entry.id:
        yield "it is of another list"
    if (made.actor, made.because) != (request.actor, request.because):
        yield "it is for another actor, or another reason"
    if made.domain != request.asked.domain:
        yield "it is of another domain"
    elif made.key_id not in own.ids:
        yield "the key of erasures is another one by now"
    elif made.same != commitment.same_under(own, made.domain, request.asked.ids, TOLD_BY, made.key_id):
        yield "it is of other ids"
