"""Whether what is asked was approved, or may be done without: every reason against it at once."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

from jobs.configuration import persons
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.models import Policy
from jobs.configuration.reversal_entry import Approver, BreakGlass, Reversal
from jobs.console.exit_codes import Refused
from jobs.reversal.approval import TIME, Approval, Signed
from jobs.reversal.asked import Asked
from jobs.reversal.treated import Column
from privacy_udfs.scope_labels import domain_of


class Timed(Protocol):
    """An approval of any kind, as far as it counts for a time."""

    @property
    def not_before(self) -> datetime.datetime: ...

    @property
    def expires(self) -> datetime.datetime: ...


class Bounded(Timed, Protocol):
    """The same, of so many rows."""

    @property
    def at_most(self) -> int: ...


class Bounds(Protocol):
    """What the policy says of them."""

    @property
    def at_most_rows(self) -> int: ...

    @property
    def at_most_hours(self) -> int: ...


Columns = Mapping[str, Column]
"""By path, those that are to be turned back."""


def rules(policy: Policy) -> Reversal:
    """What the policy says of the way back. Raises `Refused` where it says nothing."""
    if policy.reversal is None:
        raise Refused("policy.yaml has no 'reversal': nothing is turned back")
    return policy.reversal


def check_purpose(policy: Policy, purpose: str) -> None:
    """Raise `Refused` for a purpose that the policy does not allow."""
    allowed = rules(policy).purposes
    if purpose not in allowed:
        raise Refused(f"the purpose is none of those that policy.yaml allows{did_you_mean(purpose, allowed)}")


def check_keys(policy: Policy, columns: Columns) -> None:
    """Raise `Refused` for columns whose key may not serve the way back."""
    named = rules(policy).keys
    wrong = [f"{path}: key {each.record.key}" for path, each in columns.items() if each.record.key not in named]
    if wrong:
        raise Refused(f"not among the keys of 'reversal' in policy.yaml: {'; '.join(wrong)}")


def check_approved(
    signed: Signed, asked: Asked, policy: Policy, place: str, record_sha256: str, now: datetime.datetime
) -> None:
    """Raise `Refused` unless the approval allows exactly this, now."""
    found = [
        *bounds(signed.approval, rules(policy)),
        *_persons(signed, asked),
        *_other(signed.approval, asked, place, record_sha256),
        *when(signed.approval, now),
    ]
    refuse("the approval does not allow this", found)


def check_to_sign(approval: Approval, by: Approver, policy: Policy) -> None:
    """Raise `Refused` for an approval that would be refused whenever it is used."""
    found = [*bounds(approval, rules(policy))]
    if persons.is_same(approval.actor, by.name):
        found.append(f"{by.name} would sign it for themselves: a second person has to approve")
    refuse("nothing was signed", found)


def check_runner(by: Approver, runner: str) -> None:
    """Raise `Refused` where the approver runs the job. runner: the user of Spark's application."""
    if persons.may_run_as(by.name, runner):
        raise Refused(f"{by.name} approved it, and runs it: a second person has to approve")


def check_may_approve(by: Approver, conf: Config, table: str, columns: Columns) -> None:
    """Raise `Refused` where the policy does not let the approver approve one of the columns."""
    wrong = [
        path
        for path, each in columns.items()
        if not all(by.may_approve(table, _domain(each), class_) for class_ in _classes(conf, table, each))
    ]
    if wrong:
        raise Refused(f"policy.yaml does not let {by.name} approve {', '.join(wrong)} of {table}")


def grounds(conf: Config, table: str, columns: Columns) -> list[dict[str, object]]:
    """What it hangs on who may approve each column, for the log: a reviewer is held to it."""
    return [
        {"column": path, "domain": _domain(each), "classes": sorted(_classes(conf, table, each))}
        for path, each in columns.items()
    ]


def may_review(by: Approver, table: str, told: object) -> bool:
    """Whether the policy lets an approver approve every column of a run. told: its `grounds`, as the log has them."""
    if not isinstance(told, list) or not told:
        return False
    try:
        return all(by.may_approve(table, each["domain"], class_) for each in told for class_ in each["classes"])
    except (KeyError, TypeError):
        return False


def _domain(column: Column) -> str | None:
    """As domains.yaml has it, and the policy: whoever may approve a domain may for all that it is made for."""
    return None if column.record.domain is None else domain_of(column.record.domain)


def _classes(conf: Config, table: str, column: Column) -> set[str]:
    """By the record, and by the configuration of today, of all cases: who can write the table can write its record."""
    rules = conf.tables[table].columns.items()
    return {*column.classes, *(rule.class_ for name, rule in rules if str(ColumnPath.parse(name).leaf) == column.path)}


def bounds(approval: Bounded, policy: Bounds) -> Iterator[str]:
    """What of an approval is more than any may say."""
    hours = (approval.expires - approval.not_before).total_seconds() / 3600
    if approval.at_most > policy.at_most_rows:
        yield f"it is of up to {approval.at_most} rows, and policy.yaml allows {policy.at_most_rows}"
    if hours > policy.at_most_hours:
        yield f"it counts for more than the {policy.at_most_hours} hours that policy.yaml allows"


def _persons(signed: Signed, asked: Asked) -> Iterator[str]:
    if persons.is_same(asked.actor, signed.by.name) or persons.is_same(signed.approval.actor, signed.by.name):
        yield f"{signed.by.name} signed it for themselves: a second person has to approve"
    if asked.actor != signed.approval.actor:
        yield "it is for another actor"


def _other(approval: Approval, asked: Asked, place: str, record_sha256: str) -> Iterator[str]:
    if asked.purpose != approval.purpose:
        yield "it is for another purpose"
    if asked.table != approval.table or place != approval.place:
        yield "it is of another table, or of one at another place"
    elif record_sha256 != approval.record_sha256:
        yield "the table was treated otherwise when it was approved: its record is another one now"
    more = [each for each in asked.columns if each not in approval.columns]
    if more:
        yield f"it does not name {', '.join(more)}"
    beside = [each for each in asked.beside if each not in approval.beside]
    if beside:
        yield f"it does not name {', '.join(beside)} as a column to be shown beside"
    if asked.rows != approval.rows:
        yield "it is of other rows: the condition, or the file of tokens, is another one"
    if approval.rows.tokens_sha256 is not None and asked.columns[:1] != approval.columns[:1]:
        yield f"its tokens are of {approval.columns[0]}: name that column first"
    if asked.form != approval.form:
        yield f"it allows values {approval.form}, and they are asked for {asked.form}"


def when(approval: Timed, now: datetime.datetime) -> Iterator[str]:
    """Why an approval does not count at a time."""
    if now < approval.not_before:
        yield f"it counts from {approval.not_before.strftime(TIME)} on"
    if now >= approval.expires:
        yield f"it expired at {approval.expires.strftime(TIME)}"


def check_break_glass(conf: Config, asked: Asked, columns: Columns) -> BreakGlass:
    """What the policy says of runs without an approval. Raises `Refused` where this is none that it allows."""
    allowed = rules(conf.policy).break_glass
    if allowed is None:
        raise Refused("policy.yaml allows no break_glass: an approval is needed")
    found = []
    if asked.actor not in allowed.actors:
        found.append(f"policy.yaml does not let {asked.actor} break the glass")
    classes = set(allowed.classes)
    wrong = [path for path, each in columns.items() if not _classes(conf, asked.table, each) <= classes]
    if wrong:
        found.append(
            f"policy.yaml allows it for columns of {', '.join(allowed.classes)}, and not for {', '.join(wrong)}"
        )
    refuse("the glass stays whole", found)
    return allowed


def refuse(what: str, reasons: Iterable[str]) -> None:
    """Raise `Refused` with all reasons, if there are any."""
    found = list(reasons)
    if found:
        raise Refused(f"{what}: {'; '.join(found)}")
