"""Payment card numbers: ISO/IEC 7812 length, an issuer's range, and the Luhn checksum.

One number in ten passes Luhn by chance, so a column counts as cards by the share that passes, never by one value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.detection.recognizers.text import Findings, Mask, matches, only_digits
from privacy_udfs.entities.payment_card import ISSUERS

WRITTEN = r"^\s*\d(?:[ \-]?\d){11,18}\s*$"


def recognize(values: pa.StringArray) -> Findings:
    """``payment_card``: all three hold. ``payment_card:luhn``: 12 to 19 digits with the checksum, whoever issued it."""
    written = matches(values, WRITTEN)
    digits = only_digits(values)
    valid = luhn(digits, written)
    return {"payment_card": valid & matches(digits, ISSUERS), "payment_card:luhn": valid}


def luhn(digits: pa.StringArray, candidates: Mask) -> Mask:
    """Which candidates (ASCII digits only) carry a valid Luhn check digit."""
    found = np.zeros(len(digits), np.bool_)
    places = np.flatnonzero(candidates)
    if len(places):
        found[places] = _valid(np.array(digits.take(pa.array(places)).to_pylist(), dtype=np.str_))
    return found


def _valid(numbers: npt.NDArray[np.str_]) -> Mask:
    padded = np.char.zfill(numbers, 20)  # zeros in front change no Luhn sum
    grid = padded.view(np.uint32).reshape(len(numbers), -1).astype(np.int64) - ord("0")
    doubled = grid[:, -2::-2] * 2
    valid: Mask = (grid[:, ::-2].sum(axis=1) + (doubled - 9 * (doubled > 9)).sum(axis=1)) % 10 == 0
    return valid
