"""Statements about things (in-toto Statement v1) in signed envelopes (DSSE v1), as tools of software supply use them.

What is signed is not JSON, whose texts for one thing are many, but
``DSSEv1 SP len(type) SP type SP len(payload) SP payload``, with lengths in bytes as decimal text.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.signatures.keys import PublicKey, SigningKey
from jobs.signatures.problem import NotSigned

IN_TOTO = "application/vnd.in-toto+json"
STATEMENT = "https://in-toto.io/Statement/v1"
NO_ENVELOPE = "no envelope: expected JSON with payloadType, payload and signatures"


def statement(subject: Mapping[str, Mapping[str, str]], predicate_type: str, predicate: Mapping[str, Any]) -> str:
    """The JSON of a statement. subject: name -> digests, by the names of their algorithms."""
    named = [{"name": name, "digest": dict(digests)} for name, digests in subject.items()]
    told = {"_type": STATEMENT, "subject": named, "predicateType": predicate_type, "predicate": dict(predicate)}
    return json.dumps(told, ensure_ascii=False, sort_keys=True)


def sign(payload: str, key: SigningKey, payload_type: str = IN_TOTO) -> dict[str, Any]:
    """The envelope of a payload, as plain data."""
    signature = key.sign(encoded(payload_type, payload.encode()))
    return {
        "payloadType": payload_type,
        "payload": base64.b64encode(payload.encode()).decode(),
        "signatures": [{"keyid": str(key.public), "sig": base64.b64encode(signature).decode()}],
    }


def opened(envelope: Any, trusted: Sequence[PublicKey], payload_type: str = IN_TOTO) -> Any:
    """The payload of an envelope as plain data. Raises `NotSigned` where no trusted key signed it."""
    try:
        told, payload = str(envelope["payloadType"]), base64.b64decode(envelope["payload"], validate=True)
        signatures = [base64.b64decode(each["sig"], validate=True) for each in envelope["signatures"]]
    except (KeyError, TypeError, ValueError, binascii.Error):
        raise NotSigned(NO_ENVELOPE) from None
    content = encoded(told, payload)
    if told != payload_type or not any(key.has_signed(content, each) for key in trusted for each in signatures):
        raise NotSigned(f"no key that is trusted signed it as {payload_type}")
    return json.loads(payload)


def encoded(payload_type: str, payload: bytes) -> bytes:
    """What is signed: DSSE's pre-authentication encoding."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)
