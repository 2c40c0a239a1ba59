"""An approval: a statement that one person signs for another (in-toto Statement v1 in a DSSE envelope).

It names all that it allows: who, which columns of which rows of which table, for what, how many, until when. Nothing of
it is a pattern and nothing is left open. What signs is an approver's own key of Ed25519.
"""

from __future__ import annotations

import dataclasses
import datetime
import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from jobs.configuration.models import Policy
from jobs.configuration.reversal_entry import Approver, is_person
from jobs.console.exit_codes import BadUsage, Refused
from jobs.reversal.asked import FORMS, Rows
from jobs.signatures import envelopes
from jobs.signatures.keys import PublicKey, SigningKey
from jobs.signatures.problem import NotSigned

PREDICATE = "urn:lakenym:reversal-approval:v1"
TIME = "%Y-%m-%dT%H:%M:%SZ"
ID = re.compile("[0-9a-f]{32}")
SHA256 = re.compile("[0-9a-f]{64}")
LONGEST = 1 << 20
UTC = datetime.timezone.utc
NOT_ONE = "it is no approval of a reversal"


class Stating(Protocol):
    """An approval of any kind: what is signed of it, as JSON."""

    def statement(self) -> str: ...


Made = TypeVar("Made", bound=Stating)


@dataclasses.dataclass(frozen=True)
class Approval:
    """place: where the table is, as a URI. record_sha256: of its treatment record. at_most: rows of a run. not_before,
    expires: UTC, whole seconds. once: whether one run uses it up."""

    id: str
    table: str
    place: str
    record_sha256: str
    columns: tuple[str, ...]
    beside: tuple[str, ...]
    rows: Rows
    actor: str
    purpose: str
    form: str
    at_most: int
    not_before: datetime.datetime
    expires: datetime.datetime
    once: bool

    def statement(self) -> str:
        told = dataclasses.asdict(self)
        rows = told.pop("rows")
        told["rows"] = {name: rows[name] for name in ("where", "tokens_sha256") if rows[name] is not None}
        told |= {name: getattr(self, name).strftime(TIME) for name in ("not_before", "expires")}
        subject = {f"{self.table} privacy.record": {"sha256": self.record_sha256}}
        return envelopes.statement(subject, PREDICATE, told)


@dataclasses.dataclass(frozen=True)
class Signed:
    """An approval and who signed it."""

    approval: Approval
    by: Approver


def new_id() -> str:
    return secrets.token_hex(16)


def sign(approval: Approval, key: SigningKey) -> str:
    """The envelope as JSON, for a file."""
    return json.dumps(envelopes.sign(approval.statement(), key), indent=1) + "\n"


def opened(text: str, policy: Policy) -> Signed:
    """What an approval says, and which approver of the policy signed it. Raises `Refused`."""
    approvers = () if policy.reversal is None else policy.reversal.approvers
    payload, by = signed_by(text, approvers, NOT_ONE, "approver of policy.yaml")
    return Signed(parsed(payload, PREDICATE, NOT_ONE, _made), by)


def signed_by(text: str, approvers: Sequence[Approver], otherwise: str, who: str) -> tuple[Any, Approver]:
    """What the file of an approval holds, of any kind, and which approver alone signed it. otherwise: in words, what a
    file that cannot be read is not. who: in words, who may sign. Raises `Refused`."""
    try:
        envelope = json.loads(text) if len(text) <= LONGEST else None
    except (ValueError, RecursionError):
        envelope = None
    if not isinstance(envelope, dict):
        raise Refused(f"the approval cannot be read: {otherwise}")
    for approver in approvers:
        payload = _payload(envelope, approver)
        if payload is not None:
            return payload, approver
    raise Refused(f"the approval is signed by no {who}, or was changed since")


def _payload(envelope: Mapping[str, Any], approver: Approver) -> Any:
    """What one approver alone signed; None where it is not theirs."""
    try:
        key = PublicKey.parse(approver.public_key)
        payload = envelopes.opened(envelope, [key])
        named = [each["keyid"] for each in envelope["signatures"]]
    except (NotSigned, ValueError, KeyError, TypeError, RecursionError):
        return None
    return payload if named == [str(key)] and envelope.keys() == {"payloadType", "payload", "signatures"} else None


def parsed(statement: Any, predicate: str, otherwise: str, make: Callable[[dict[str, Any]], Made | None]) -> Made:
    """The approval that a statement holds, of any kind. predicate, otherwise: of the kind, and as of `signed_by`. make:
    of what is stated, with its times; None where it is not sound. Raises `Refused` where it is another statement,
    whoever signed it, or one that the approval itself would not make."""
    if not isinstance(statement, dict) or statement.get("predicateType") != predicate:
        raise Refused(f"what was signed is another statement: {otherwise}")
    try:
        given: dict[str, Any] = dict(statement["predicate"])
        found = make(given | {name: time_of(given[name]) for name in ("not_before", "expires")})
        sound = found is not None and json.loads(found.statement()) == statement
    except (KeyError, TypeError, ValueError, AttributeError, BadUsage):
        found, sound = None, False
    if found is None or not sound:
        raise Refused(f"what was signed is not in the form of version 1: {otherwise}")
    return found


def _made(given: dict[str, Any]) -> Approval | None:
    rows = given["rows"]
    lists = {name: tuple(given[name]) for name in ("columns", "beside")}
    found = Approval(**{**given, **lists, "rows": Rows(**rows)})
    return found if _is_sound(found, rows) else None


def _is_sound(found: Approval, rows: Mapping[str, Any]) -> bool:
    texts = [found.id, found.table, found.place, found.record_sha256, found.actor, found.purpose, found.form]
    texts += [*found.columns, *found.beside, *rows.values()]
    return (
        all(isinstance(each, str) and each for each in texts)
        and is_person(found.actor)
        and bool(found.columns and ID.fullmatch(found.id) and SHA256.fullmatch(found.record_sha256))
        and (found.rows.tokens_sha256 is None or SHA256.fullmatch(found.rows.tokens_sha256) is not None)
        and found.form in FORMS
        and type(found.at_most) is int
        and found.at_most >= 1
        and type(found.once) is bool
        and found.not_before < found.expires
    )


def time_of(text: Any) -> datetime.datetime:
    return datetime.datetime.strptime(text, TIME).replace(tzinfo=UTC)
