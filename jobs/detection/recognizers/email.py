"""E-mail addresses, international ones included, bare or as ``Name <address>``. Nobody is asked whether they exist."""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches
from privacy_udfs.entities.email import ADDRESS

WHOLE = rf"^\s*(?:mailto:)?(?:[^@<>]*<)?(?:{ADDRESS})>?\s*$"


def recognize(values: pa.StringArray) -> Findings:
    return {"email": matches(values, WHOLE)}
