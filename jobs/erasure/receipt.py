"""The receipt of an erasure: a signed statement of what was taken out of which tables, what remains, and until when.

An in-toto Statement v1 in a DSSE envelope, signed by the key of the audit log, as the statement of a run is; and beside
it, unsigned but bound by the root that is signed, the leaves by which someone who has the key of erasures tells whether
an id was among the subjects (`jobs.erasure.commitment`). One text says it: a file that differs in one byte is refused.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import datetime
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.configuration.uris import without_user
from jobs.erasure import commitment
from jobs.erasure.commitment import Commitment
from jobs.erasure.outcome import Earlier, Erased, TableErased, Unsearched
from jobs.lake.log_commits import ERASURE, RETENTION
from jobs.lake.remains import Remains
from jobs.record.treatment_record import software
from jobs.signatures import envelopes
from jobs.signatures.envelopes import IN_TOTO
from jobs.signatures.keys import PublicKey, SigningKey
from jobs.signatures.problem import NotSigned

PREDICATE, OF_RETENTION = "urn:lakenym:erasure:v1", "urn:lakenym:retention:v1"
TIME = "%Y-%m-%dT%H:%M:%SZ"
LONGEST = 1 << 30
LEAF = re.compile("[0-9a-f]{32}")
NOT_ONE = "it is no receipt: expected a file that jobs/erase.py or jobs/retain.py wrote"
CHANGED = "the receipt is not as it was signed: something of the file was changed"


@dataclasses.dataclass(frozen=True)
class Receipt:
    """What was signed. outcome: as the erasure told it. list_id, list_version: of the list of the erased, once they
    were on it; None where there was none. signed_by: the key, as text. mode: of the commits that it is about; one of
    retention is of no subjects."""

    outcome: Erased
    commitment: Commitment
    list_id: str | None
    list_version: int | None
    software: str
    signed_by: str
    mode: str = ERASURE


def written(outcome: Erased, who: Commitment, listed: tuple[str, int] | None, key: SigningKey) -> str:
    """The text of the file. listed: id and version of the list of the erased. Signs."""
    payload = _statement(outcome, who, listed, software())
    return _text(payload.encode(), key.sign(envelopes.encoded(IN_TOTO, payload.encode())), key.public, who.leaves)


def of_retention(outcome: Erased, key: SigningKey) -> str:
    """The same of what retention took away: of no subjects, and of no domain. Signs."""
    tables = [_table(each) for each in outcome.tables]
    digest = hashlib.sha256(json.dumps(tables, sort_keys=True).encode()).hexdigest()
    said = {"run_id": outcome.run_id, "moment": _moment(outcome), "tables": tables, "software": software()}
    payload = envelopes.statement({f"lakenym retention {outcome.run_id}": {"sha256": digest}}, OF_RETENTION, said)
    return _text(payload.encode(), key.sign(envelopes.encoded(IN_TOTO, payload.encode())), key.public, ())


def opened(text: str, trusted: Sequence[PublicKey]) -> Receipt:
    """What a receipt says. Raises `NotSigned` where it is none, where no trusted key signed it, or where any of its
    bytes is another than was written."""
    if len(text) > LONGEST:
        raise NotSigned(NOT_ONE)
    try:
        told = json.loads(text)
        envelope, leaves = told["receipt"], tuple(map(str, told["leaves"]))
        payload = base64.b64decode(envelope["payload"], validate=True)
        signature = base64.b64decode(envelope["signatures"][0]["sig"], validate=True)
        named = str(envelope["signatures"][0]["keyid"])
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError, binascii.Error):
        raise NotSigned(NOT_ONE) from None
    signer = next((key for key in trusted if str(key) == named), None)
    if signer is None:
        raise NotSigned("no key that is trusted signed the receipt: it names another one")
    if not signer.has_signed(envelopes.encoded(IN_TOTO, payload), signature):
        raise NotSigned(CHANGED)
    if _text(payload, signature, signer, leaves) != text:
        raise NotSigned(CHANGED)
    found = _receipt(payload, leaves, named)
    if found.mode == ERASURE:
        _check_leaves(found, leaves, payload)
    elif leaves:
        raise NotSigned(CHANGED)
    return found


def _text(payload: bytes, signature: bytes, key: PublicKey, leaves: Sequence[str]) -> str:
    """The one spelling of a receipt."""
    envelope = {
        "payloadType": IN_TOTO,
        "payload": base64.b64encode(payload).decode(),
        "signatures": [{"keyid": str(key), "sig": base64.b64encode(signature).decode()}],
    }
    return json.dumps({"receipt": envelope, "leaves": list(leaves)}, indent=1, ensure_ascii=False) + "\n"


def _check_leaves(found: Receipt, leaves: Sequence[str], payload: bytes) -> None:
    """They are those whose root was signed: in order, each once, as many as there were subjects."""
    root = json.loads(payload)["predicate"]["subjects"]["root"]
    in_order = list(leaves) == sorted(set(leaves)) and all(LEAF.fullmatch(each) for each in leaves)
    if not in_order or len(leaves) != found.outcome.subjects or commitment.root_of(leaves) != root:
        raise NotSigned(CHANGED)


# -- the statement ----------------------------------------------------------------------------------------------------


def _statement(outcome: Erased, who: Commitment, listed: tuple[str, int] | None, made_by: str) -> str:
    subject = {f"lakenym erasure {outcome.run_id}": {"sha256": who.root}}
    return envelopes.statement(subject, PREDICATE, as_data(outcome, who, listed, made_by))


def as_data(outcome: Erased, who: Commitment, listed: tuple[str, int] | None, made_by: str) -> dict[str, Any]:
    """The predicate. No subject, no value, no path with what a URI holds before its host."""
    return {
        "run_id": outcome.run_id,
        "moment": _moment(outcome),
        "domain": outcome.domain,
        "subjects": _subjects(who),
        "forced": outcome.forced,
        "tables": [_table(each) for each in outcome.tables],
        "remains": [each.as_data() for each in outcome.remains],
        "unsearched": [
            {"table": each.table, "place": without_user(each.place), "why": each.why} for each in outcome.unsearched
        ],
        "tokens": outcome.tokens,
        "subject_keys": outcome.subject_keys,
        **({"earlier": [_earlier(each) for each in outcome.earlier]} if outcome.earlier else {}),
        "list": None if listed is None else {"id": listed[0], "version": listed[1]},
        "software": made_by,
    }


def _moment(outcome: Erased) -> str:
    return outcome.moment.astimezone(datetime.timezone.utc).strftime(TIME)


def _subjects(who: Commitment) -> dict[str, Any]:
    told = {"key_id": who.key_id, "same": who.same, "told_by": who.told_by}
    return {"count": len(who.leaves), "root": who.root, **told}


def _table(table: TableErased) -> dict[str, Any]:
    told = {name: value for name, value in dataclasses.asdict(table).items() if name != "ids"}
    return {**told, "place": without_user(table.place), "remains": [_remains(each) for each in table.remains]}


def _earlier(each: Earlier) -> dict[str, Any]:
    return {**dataclasses.asdict(each), "place": without_user(each.place)}


def _remains(each: Remains) -> dict[str, Any]:
    return {**each.as_data(), **({"digests": list(each.digests)} if each.digests else {})}


def _receipt(payload: bytes, leaves: tuple[str, ...], signed_by: str) -> Receipt:
    """Raises `NotSigned` where what was signed is no receipt."""
    try:
        told = json.loads(payload)
        if told["predicateType"] == OF_RETENTION:
            return _of_retention(told["predicate"], signed_by)
        if told["predicateType"] != PREDICATE:
            raise NotSigned(NOT_ONE)
        said = told["predicate"]
        whom = said["subjects"]
        who = Commitment(int(whom["key_id"]), leaves, str(whom["same"]), str(whom["told_by"]))
        outcome = Erased(
            str(said["run_id"]),
            _moment_of(said),
            str(said["domain"]),
            int(whom["count"]),
            bool(said["forced"]),
            tuple(_table_of(each) for each in said["tables"]),
            tuple(_remains_of(each) for each in said["remains"]),
            tuple(Unsearched(**each) for each in said["unsearched"]),
            int(said["tokens"]),
            int(said["subject_keys"]),
            tuple(Earlier(**each) for each in said.get("earlier", ())),
        )
        listed = said["list"] or {}
        return Receipt(outcome, who, listed.get("id"), listed.get("version"), str(said["software"]), signed_by)
    except (ValueError, KeyError, TypeError, AttributeError):
        raise NotSigned(NOT_ONE) from None


def _of_retention(said: Mapping[str, Any], signed_by: str) -> Receipt:
    tables = tuple(_table_of(each) for each in said["tables"])
    outcome = Erased(str(said["run_id"]), _moment_of(said), "", 0, False, tables, ())
    nobody = Commitment(0, (), "", "")
    return Receipt(outcome, nobody, None, None, str(said["software"]), signed_by, RETENTION)


def _moment_of(said: Mapping[str, Any]) -> datetime.datetime:
    return datetime.datetime.strptime(said["moment"], TIME).replace(tzinfo=datetime.timezone.utc)


def _table_of(told: Mapping[str, Any]) -> TableErased:
    return TableErased(**{**told, "remains": tuple(_remains_of(each) for each in told["remains"])})


def _remains_of(told: Mapping[str, Any]) -> Remains:
    until = None if told["until"] is None else datetime.date.fromisoformat(told["until"])
    return Remains(told["kind"], int(told["count"]), until, str(told["why"]), tuple(told.get("digests", ())))
