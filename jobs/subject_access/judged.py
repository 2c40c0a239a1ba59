"""Whether an export was approved: every reason against it at once."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from jobs.configuration import persons
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.models import Policy
from jobs.configuration.reversal_entry import Approver
from jobs.console.exit_codes import Refused
from jobs.console.shown import shown
from jobs.record.column_record import ColumnRecord
from jobs.reversal import judged
from jobs.signatures.keys import SigningKey
from jobs.subject_access.approval import Approval, Signed
from jobs.subject_access.request import Digest, Request, rules
from jobs.subjects.held import Held, HeldTable


def check_purpose(policy: Policy, purpose: str) -> None:
    """Raise `Refused` for a purpose that the policy does not allow."""
    allowed = rules(policy).purposes
    if purpose not in allowed:
        raise Refused(f"the purpose is none of those that policy.yaml allows{did_you_mean(purpose, allowed)}")


def approver(policy: Policy, key: SigningKey) -> Approver:
    """Whom of the policy a key is of. Raises `Refused` where it is nobody's."""
    for each in rules(policy).approvers:
        if each.public_key == str(key.public):
            return each
    raise Refused(f"policy.yaml names no approver {key.name} of 'subject_access' with this key")


def check_may_approve(by: Approver, conf: Config, held: Held) -> None:
    """Raise `Refused` where the policy does not let the approver approve one of the columns that are searched, or given
    out beside these."""
    columns = [(table.treated.name, path, each) for table in held.tables for path, each in _given_out(table)]
    wrong = [
        f"{table}: {shown(path)}"
        for table, path, each in columns
        if not all(
            by.may_approve(table, domain, class_)
            for domain in _domains(table, each, held.domain)
            for class_ in _classes(conf, table, path, each)
        )
    ]
    if wrong:
        raise Refused(f"policy.yaml does not let {by.name} approve {'; '.join(wrong)}")


def _given_out(table: HeldTable) -> Iterator[tuple[str, ColumnRecord]]:
    """The columns that a row of the table has, those that are searched first."""
    searched = {str(place.path): place.record for place in table.places}
    others = {path: each for path, each in table.treated.records.items() if path not in searched}
    yield from searched.items()
    yield from ((path, each) for path, each in others.items() if not each.facts.drops_column)


def _domains(table: str, record: ColumnRecord, searched: str) -> set[str]:
    """Of which domains a column's values are. One of no domain, or with a label of its own, is about those that are
    searched for."""
    stated = {each.domain for each in record.each if each.domain is not None}
    return {domain for domain in stated if not domain.startswith(f"{table}/")} or {searched}


def _classes(conf: Config, table: str, path: str, record: ColumnRecord) -> set[str]:
    """By the record, and by the configuration of today: who can write the table can write its record."""
    rules_ = conf.tables[table].columns.items()
    return {record.class_, *(rule.class_ for name, rule in rules_ if _leaf(name) == _leaf(path))}


def _leaf(name: str) -> ColumnPath:
    return ColumnPath.parse(name).leaf


def check_to_sign(approval: Approval, by: Approver, policy: Policy) -> None:
    """Raise `Refused` for an approval that would be refused whenever it is used."""
    found = [*judged.bounds(approval, rules(policy))]
    if persons.is_same(approval.actor, by.name):
        found.append(f"{by.name} would sign it for themselves: a second person has to approve")
    judged.refuse("nothing was signed", found)


def check_approved(
    signed: Signed, request: Request, digest: Digest, held: Held, policy: Policy, runner: str, now: datetime.datetime
) -> None:
    """Raise `Refused` unless the approval allows exactly this, now. runner: the user of Spark's application."""
    approval = signed.approval
    found = [
        *judged.bounds(approval, rules(policy)),
        *_persons(signed, request, runner),
        *_other(approval, request, digest),
    ]
    found += _tables(approval, held)
    found += judged.when(approval, now)
    judged.refuse("the approval does not allow this", found)


def _persons(signed: Signed, request: Request, runner: str) -> Iterator[str]:
    by = signed.by.name
    if persons.is_same(request.actor, by) or persons.is_same(signed.approval.actor, by):
        yield f"{by} signed it for themselves: a second person has to approve"
    if persons.may_run_as(by, runner):
        yield f"{by} approved it, and runs it: a second person has to approve"
    if request.actor != signed.approval.actor:
        yield "it is for another actor"


def _other(approval: Approval, request: Request, digest: Digest) -> Iterator[str]:
    if request.purpose != approval.purpose:
        yield "it is for another purpose"
    asked = (request.asked.domain, request.held_in, digest.ids, digest.key_id)
    if asked != (approval.domain, approval.held_in, approval.ids, approval.ids_key_id):
        yield "it is of another person: domain or ids are others"


def _tables(approval: Approval, held: Held) -> Iterator[str]:
    now = {table.treated.name: table.treated.record_sha256 for table in held.tables}
    for name in sorted({*now, *approval.tables}):
        if name not in approval.tables:
            yield f"it does not name {name}, which holds values of the domain by now"
        elif name not in now:
            yield f"{name} holds no values of the domain any more that can be searched"
        elif now[name] != approval.tables[name]:
            yield f"{name} was treated otherwise when it was approved: its record is another one now"
