"""Ids of devices, cookies and sessions: UUIDs (advertising ids are some), Google's cookies, long random texts.

That a column holds random ids shows; whether they follow a person or a file does not. A reader has to decide.
"""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

UUID = r"(?i)^\s*(?:urn:uuid:)?\{?[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\}?\s*$"
COOKIE = r"^\s*(?:GA\d\.\d\.\d{5,12}\.\d{9,10}|fb\.\d\.\d{12,14}\.\d{5,20}|_ga[\w.=]+)\s*$"
HEX = r"^(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}|[0-9A-F]{32}|[0-9A-F]{40}|[0-9A-F]{64}|[0-9a-f]{16}|[0-9A-F]{16})$"
RANDOM = r"^[A-Za-z0-9_+/\-]{20,}={0,2}$"
_TWO_CASES = r"[a-z].*[A-Z].*[a-z]|[A-Z].*[a-z].*[A-Z]"


def recognize(values: pa.StringArray) -> Findings:
    """``device_id``: a UUID, an analytics cookie, a hash in hex, or 20 and more characters of both cases and digits."""
    hexadecimal = matches(values, HEX) & matches(values, "[A-Fa-f]")
    mixed = matches(values, RANDOM) & matches(values, _TWO_CASES) & matches(values, r"\d.*\d")
    return {"device_id": matches(values, UUID) | matches(values, COOKIE) | hexadecimal | mixed}
