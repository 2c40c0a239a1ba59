"""E-mail addresses, international ones included, bare or as ``Name <address>``. Nobody is asked whether they exist."""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

ADDRESS = r"[^\s@,;:<>()\[\]\"']{1,64}@(?:[\p{L}\p{N}](?:[\p{L}\p{N}\-]*[\p{L}\p{N}])?\.)+\p{L}{2,}"
WHOLE = rf"^\s*(?:mailto:)?(?:[^@<>]*<)?(?:{ADDRESS})>?\s*$"


def recognize(values: pa.StringArray) -> Findings:
    return {"email": matches(values, WHOLE)}
