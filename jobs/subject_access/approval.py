"""An approval of subject access: a statement that one person signs for another (in-toto Statement v1, in DSSE).

It names the person by a keyed digest of the ids, so that neither the file nor who reads it tells who that is; and each
table with the hash of its treatment record, so that it counts only for tables that are treated as they were then.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from jobs.configuration.models import Policy
from jobs.configuration.reversal_entry import Approver, is_person
from jobs.console.shown import shown
from jobs.reversal.approval import ID, SHA256, TIME, parsed, signed_by
from jobs.signatures import envelopes
from jobs.signatures.keys import SigningKey

PREDICATE = "urn:lakenym:subject-access-approval:v1"
NOT_ONE = "it is no approval of subject access"


@dataclasses.dataclass(frozen=True)
class Approval:
    """ids: their digest, under version ``ids_key_id`` of the policy's key. tables: each with the hash of its record.
    at_most: rows of the export. not_before, expires: UTC, whole seconds. It counts once."""

    id: str
    domain: str
    ids: str
    ids_key_id: int
    held_in: str
    tables: Mapping[str, str]
    actor: str
    purpose: str
    at_most: int
    not_before: datetime.datetime
    expires: datetime.datetime

    def statement(self) -> str:
        told = {**dataclasses.asdict(self), "tables": dict(self.tables)}
        told |= {name: getattr(self, name).strftime(TIME) for name in ("not_before", "expires")}
        subject = {f"{name} privacy.record": {"sha256": record} for name, record in self.tables.items()}
        return envelopes.statement(subject, PREDICATE, told)

    def state(self, now: datetime.datetime) -> str:
        """Whether it counts now, as far as its times say."""
        if now < self.not_before:
            return "it does not count yet"
        return "it has EXPIRED" if now >= self.expires else "it counts now, if it was not used up"

    def lines(self, by: str) -> Iterator[str]:
        """In plain words. by: who signs it, or signed it. No text of the approval can pass for a line of ours."""
        return map(shown, self._lines(by))

    def _lines(self, by: str) -> Iterator[str]:
        given = f"pseudonyms of {self.held_in}" if self.held_in else f"ids of domain {self.domain}"
        yield f"{by} allows that {self.actor} is given all that is held of one person, known by {given}:"
        yield from (
            f"  {name}, treated as its record of today says ({record[:16]})" for name, record in self.tables.items()
        )
        yield f"at most: {self.at_most:,} rows, once; as the treated tables hold them, nothing is turned back"
        yield f"purpose: {self.purpose}"
        times = f"from {self.not_before.strftime(TIME)} until {self.expires.strftime(TIME)}"
        yield f"{times}; what was written is to be removed by then"
        yield f"person {self.ids[:16]}, approval {self.id}"


@dataclasses.dataclass(frozen=True)
class Signed:
    approval: Approval
    by: Approver


def sign(approval: Approval, key: SigningKey) -> str:
    """The envelope as JSON, for a file."""
    return json.dumps(envelopes.sign(approval.statement(), key), indent=1) + "\n"


def opened(text: str, policy: Policy) -> Signed:
    """What an approval says, and which approver of the policy signed it. Raises `Refused`."""
    approvers = () if policy.subject_access is None else policy.subject_access.approvers
    payload, by = signed_by(text, approvers, NOT_ONE, "approver of 'subject_access' in policy.yaml")
    return Signed(parsed(payload, PREDICATE, NOT_ONE, _made), by)


def _made(given: dict[str, Any]) -> Approval | None:
    found = Approval(**given)
    return found if _is_sound(found) else None


def _is_sound(found: Approval) -> bool:
    texts = [found.id, found.domain, found.ids, found.actor, found.purpose, *found.tables]
    return (
        all(isinstance(each, str) and each for each in texts)
        and isinstance(found.held_in, str)
        and is_person(found.actor)
        and all(re.fullmatch(SHA256, str(each)) for each in (found.ids, *found.tables.values()))
        and bool(re.fullmatch(ID, found.id))
        and type(found.ids_key_id) is int
        and type(found.at_most) is int
        and found.at_most >= 1
        and found.not_before < found.expires
    )
