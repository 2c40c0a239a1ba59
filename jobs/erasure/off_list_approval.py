"""An approval by which somebody is taken off the list of the erased: a statement that one person signs for another
(in-toto Statement v1, in DSSE). It names nobody: the ids stand in it by a digest under the key of erasures."""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from jobs.configuration.reversal_entry import Approver, is_person
from jobs.console.shown import shown
from jobs.reversal.approval import ID, TIME, parsed, signed_by
from jobs.signatures import envelopes
from jobs.signatures.keys import SigningKey

PREDICATE = "urn:lakenym:off-list-approval:v1"
NOT_ONE = "it is no approval by which somebody is taken off the list of the erased"
SAME = re.compile("[0-9a-f]{32}")


@dataclasses.dataclass(frozen=True)
class Approval:
    """list: its id. subjects: how many ids; same: their digest, under version ``key_id`` of the key of erasures.
    not_before, expires: UTC, whole seconds."""

    id: str
    list: str
    domain: str
    subjects: int
    same: str
    key_id: int
    actor: str
    because: str
    not_before: datetime.datetime
    expires: datetime.datetime

    def statement(self) -> str:
        told = dataclasses.asdict(self)
        told |= {name: getattr(self, name).strftime(TIME) for name in ("not_before", "expires")}
        return envelopes.statement({f"lakenym list of the erased {self.list}": {"set": self.same}}, PREDICATE, told)

    def lines(self, by: str) -> Iterator[str]:
        """In plain words."""
        told = (
            f"{by} allows that {self.actor} takes {self.subjects} ids of domain {self.domain} off the list of the",
            "  erased: runs bring from then on what sources have of them, as of anybody",
            f"because: {self.because}",
            f"from {self.not_before.strftime(TIME)} until {self.expires.strftime(TIME)}, once; approval {self.id}",
        )
        return map(shown, told)


def opened(text: str, approvers: Sequence[Approver]) -> tuple[Approval, Approver]:
    statement, by = signed_by(text, approvers, NOT_ONE, "approver of 'erasure' in policy.yaml")
    return parsed(statement, PREDICATE, NOT_ONE, _made), by


def _made(given: dict[str, Any]) -> Approval | None:
    found = Approval(**given)
    return found if _is_sound(found) else None


def _is_sound(found: Approval) -> bool:
    texts = all(isinstance(each, str) and each for each in (found.domain, found.because, found.list))
    numbers = type(found.subjects) is int and type(found.key_id) is int
    digests = re.fullmatch(ID, found.id) is not None and SAME.fullmatch(found.same) is not None
    return texts and numbers and digests and is_person(found.actor)


def signed(approval: Approval, key: SigningKey) -> str:
    """For a file."""
    return json.dumps(envelopes.sign(approval.statement(), key), indent=1) + "\n"
