"""American social security numbers without hyphens. They have no checksum: what tells them is what they never hold.

No area 000, 666 or from 900 on, no group 00, no serial 0000 (`stdnum.us.ssn`): nine in ten random numbers pass that, so
one value says nothing. A whole column in which every number passes, from areas all over, is no chance: of 60 random
numbers all pass once in a thousand columns.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.detection.recognizers.text import Findings, Mask, matches, where
from privacy_udfs.entities import packages

NINE = r"^\d{7,9}$"
"""Numbers that were stored as such have lost the zeros before them."""
AREAS = range(9)


def recognize(values: pa.StringArray) -> Findings:
    """``nine_digits``: could be one by its length. ``nine_digits:ssn``: none of what such a number never holds.
    ``nine_digits:ssn0`` and so on: of them, those of areas that begin with that digit. ``nine_digits:bank``: carries
    the checksum of an American bank's routing number."""
    nine = matches(values, NINE)
    padded = pc.utf8_lpad(values, 9, "0")
    check = packages.load("stdnum.us.ssn").is_valid
    valid = where(padded, nine, lambda text: bool(check(text)))
    of_areas = {f"nine_digits:ssn{digit}": valid & matches(padded, f"^{digit}") for digit in AREAS}
    return {"nine_digits": nine, "nine_digits:ssn": valid, "nine_digits:bank": _routing(padded, nine), **of_areas}


def _routing(numbers: pa.StringArray, candidates: Mask) -> Mask:
    def valid(text: str) -> bool:
        return sum(weight * int(digit) for weight, digit in zip((3, 7, 1) * 3, text, strict=True)) % 10 == 0

    return where(numbers, candidates, valid) if candidates.any() else np.zeros(len(numbers), np.bool_)
