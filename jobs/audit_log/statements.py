"""A run as a signed statement: in-toto Statement v1 in a DSSE envelope, which tools of software supply chains read."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from typing import Any

from jobs.audit_log.leaves import Leaf
from jobs.signatures import envelopes
from jobs.signatures.keys import SigningKey

PREDICATE = "urn:lakenym:run:v1"
RECORD = "privacy.record"


def of_run(leaf: Leaf, index: int, key: SigningKey, record: str | None) -> str:
    """The envelope as JSON. record: the treatment record as the table has it; left out where it is none of the leaf's.

    The subjects are the version of the target, by the hash of its list of files, and its treatment record.
    """
    body, name = leaf.body, leaf.table
    subject: dict[str, Mapping[str, str]] = {}
    if "files" in body:
        subject[f"{name}@{body['version']}"] = {"sha256": body["files"]["sha256"]}
    if "record_sha256" in body:
        subject[f"{name}@{body['version']} {RECORD}"] = {"sha256": body["record_sha256"]}
    if not subject:
        text = leaf.text().encode()
        subject[f"{key.name} leaf {index}"] = {"sha256": hashlib.sha256(text).hexdigest()}
    predicate: dict[str, Any] = {"log": key.name, "index": index, **dataclasses.asdict(leaf)}
    if record is not None and sha256(record) == body.get("record_sha256"):
        predicate["record"] = json.loads(record)
    return json.dumps(envelopes.sign(envelopes.statement(subject, PREDICATE, predicate), key), indent=1) + "\n"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def name_of(index: int) -> str:
    """The file of a statement, beside the checkpoints."""
    return f"run-{index:020}.intoto.json"
