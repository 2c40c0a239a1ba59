"""Mobile equipment identities, IMEI (3GPP TS 23.003): 15 digits, the prefix of a body that hands them out, Luhn.

No card has such a prefix at that length, but for the 50 of a few Maestro cards; nor has American Express (34, 37).
"""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.payment_card import luhn
from jobs.detection.recognizers.text import Findings, matches, only_digits

WRITTEN = r"^\s*\d{2}[ \-/]?\d{6}[ \-/]?\d{6}[ \-/]?\d\s*$"
BODIES = r"^(?:0[01]|10|3[0135]|4[459]|5[0-4]|86|9[189])"
"""Reporting bodies, the first two digits of a Type Allocation Code."""


def recognize(values: pa.StringArray) -> Findings:
    """``imei``: all three hold. Of random numbers of that length one in fifty does."""
    digits = only_digits(values)
    return {"imei": luhn(digits, matches(values, WRITTEN) & matches(digits, BODIES))}
