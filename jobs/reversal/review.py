"""Looks at what was turned back without an approval: due within a time, and signed by an approver when it was done."""

from __future__ import annotations

import dataclasses
import datetime
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.audit_log.leaves import Leaf, MalformedLeaf, now
from jobs.audit_log.log import Log
from jobs.configuration import persons
from jobs.configuration.models import Policy
from jobs.configuration.reversal_entry import Approver
from jobs.console.exit_codes import Refused
from jobs.reversal import judged, trail
from jobs.reversal.approval import TIME
from jobs.reversal.trail import Trail
from jobs.signatures import envelopes
from jobs.signatures.keys import PublicKey, SigningKey
from jobs.signatures.problem import NotSigned

PREDICATE = "urn:lakenym:reversal-review:v1"


@dataclasses.dataclass(frozen=True)
class Due:
    """A run that somebody has to look at. runner: the user who ran it. by: until when."""

    run_id: str
    table: str
    actor: str
    runner: str
    by: datetime.datetime


def due(log: Log, policy: Policy) -> list[Due]:
    """The runs without an approval that nobody has signed that they looked at."""
    told = trail.leaves(log, (trail.STARTED, trail.REVIEWED), (trail.BREAK_GLASS,))
    seen = {leaf.run_id for leaf in told if leaf.outcome == trail.REVIEWED and _is_signed(leaf, told, policy)}
    return [_due(leaf) for leaf in told if leaf.outcome == trail.STARTED and leaf.run_id not in seen]


def check_none_due(told: Trail, policy: Policy) -> None:
    """Raise `Refused` where the actor, or the user who runs the job, broke the glass before and nobody has looked: else
    the most rows could be had again and again."""
    mine = [each for each in due(told.log, policy) if _is_of(each, told.asked.actor, told.log.actor)]
    if mine:
        raise Refused(f"the glass stays whole: nobody has looked at run {mine[0].run_id} yet, which broke it before")


def _is_of(each: Due, actor: str, runner: str) -> bool:
    return persons.is_same(each.actor, actor) or persons.is_same(each.runner, runner)


def sign(log: Log, policy: Policy, run_id: str, key: SigningKey) -> str:
    """Tell the log that an approver looked at a run; returns the table. Raises `Refused`."""
    told = trail.leaves(log, (trail.STARTED,), (trail.BREAK_GLASS,))
    found = [leaf for leaf in told if leaf.run_id == run_id]
    if not found:
        raise Refused(f"the audit log tells of no run {run_id} that broke the glass")
    why = _against(found[0], _approver(policy, key))
    if why is not None:
        raise Refused(why)
    statement = envelopes.statement({run_id: {"sha256": found[0].text_sha256}}, PREDICATE, {"run": run_id})
    body = {"reviewer": key.name, "envelope": json.dumps(envelopes.sign(statement, key))}
    about = {"table": found[0].table, "run_id": run_id, "outcome": trail.REVIEWED}
    leaf = log.leaf(trail.BREAK_GLASS, now(), body=body, **about)
    log.append(lambda state: [leaf])
    return found[0].table


def _approver(policy: Policy, key: SigningKey) -> Approver:
    for each in judged.rules(policy).approvers:
        if each.public_key == str(key.public):
            return each
    raise Refused(f"policy.yaml names no approver {key.name} with this key")


def _against(started: Leaf, reviewer: Approver) -> str | None:
    """Why an approver's look at a run does not count: it was for them, it was run by them, or not theirs to approve."""
    if persons.is_same(reviewer.name, str(started.body.get("actor", ""))):
        return "who broke the glass does not review it: another approver has to"
    if persons.may_run_as(reviewer.name, started.actor):
        return "who ran the job that broke the glass does not review it: another approver has to"
    if not judged.may_review(reviewer, started.table, started.body.get("grounds")):
        return f"policy.yaml does not let {reviewer.name} approve these columns of {started.table}, nor review this"
    return None


def _is_signed(leaf: Leaf, told: Sequence[Leaf], policy: Policy) -> bool:
    """Whether an approver signed that they looked at this very run, and is not the one who saw its values."""
    started = next((each for each in told if each.run_id == leaf.run_id and each.outcome == trail.STARTED), None)
    if started is None or policy.reversal is None:
        return False
    for approver in policy.reversal.approvers:
        payload = _payload(leaf, approver.public_key)
        if payload is not None and payload.get("predicateType") == PREDICATE:
            same = payload.get("subject") == [{"name": leaf.run_id, "digest": {"sha256": started.text_sha256}}]
            return same and _against(started, approver) is None
    return False


def _payload(leaf: Leaf, public_key: str) -> Mapping[str, Any] | None:
    try:
        envelope = json.loads(str(leaf.body.get("envelope", "")))
        payload = envelopes.opened(envelope, [PublicKey.parse(public_key)])
    except (NotSigned, ValueError, RecursionError):
        return None
    return payload if isinstance(payload, dict) else None


def _due(started: Leaf) -> Due:
    try:
        by = datetime.datetime.strptime(str(started.body.get("expires")), TIME).replace(tzinfo=datetime.timezone.utc)
    except ValueError:
        raise MalformedLeaf("no breaking of glass: its time is none") from None
    return Due(started.run_id, started.table, str(started.body.get("actor", "")), started.actor, by)
