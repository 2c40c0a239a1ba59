"""What pseudonyms look like: the shape that a treatment gives, for seeing in a treated table that it still does."""

from __future__ import annotations

import re

from privacy_udfs.technique import Technique
from privacy_udfs.techniques.deterministic_encryption import DeterministicEncryption
from privacy_udfs.techniques.keyed_hash import KeyedHash
from privacy_udfs.techniques.randomized_encryption import RandomizedEncryption

_UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_ALPHABETS = {"base64": r"[A-Za-z0-9+/]", "base64url": r"[A-Za-z0-9_\-]", "hex": r"[0-9a-f]"}
HIDING = frozenset({"keyed_hash", "deterministic_encryption", "randomized_encryption", "tokenize", "redact"})
"""Techniques after which nothing can be recognized any more."""


def shape(technique: Technique) -> str | None:
    """An RE2 pattern that every pseudonym of a technique matches; None where it has no shape of its own."""
    if isinstance(technique, KeyedHash):
        return _of_hash(technique)
    if isinstance(technique, DeterministicEncryption | RandomizedEncryption) and technique.encoding != "binary":
        least = 16 + (5 if technique.output_prefix == "tink" else 0)
        characters = 2 * least if technique.encoding == "hex" else -(-least * 4 // 3)
        padding = "={0,2}" if technique.encoding == "base64" else ""
        return f"^{_ALPHABETS[technique.encoding]}{{{characters},}}{padding}$"
    return None


def _of_hash(technique: KeyedHash) -> str | None:
    prefix = re.escape(technique.prefix)
    if technique.encoding == "bigint":
        return None
    if technique.encoding == "uuid":
        return f"^{prefix}{_UUID}$"
    size = technique.bits // 4 if technique.encoding == "hex" else -(-technique.bits // 6)
    return f"^{prefix}{_ALPHABETS[technique.encoding]}{{{size}}}$"
