"""What other implementations made: ``tests/vectors/audit_log.json``, by the Go program beside it."""

from __future__ import annotations

import base64
import json
from typing import Any

from jobs.audit_log import merkle
from jobs.signatures.keys import SigningKey
from tests.helpers.vectors import VECTORS

GO: dict[str, Any] = json.loads((VECTORS / "audit_log.json").read_text(encoding="utf-8"))
ORIGIN = "lakenym.example.org/log"
KEY = SigningKey(ORIGIN, bytes.fromhex(GO["seed"]))
OTHER = SigningKey(ORIGIN, bytes(32))
LEAVES = [merkle.leaf_hash(f"leaf {at}".encode()) for at in range(1000)]


def root(size: int) -> bytes:
    return base64.b64decode(GO["roots"][str(size)])


def path(proof: dict[str, Any]) -> list[bytes]:
    return [base64.b64decode(each) for each in proof["Hashes"]]
