"""Payment card numbers: ISO/IEC 7812 length, an issuer's range, and the Luhn checksum.

One number in ten passes Luhn by chance, so a column counts as cards by the share that passes, never by one value.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from jobs.detection.recognizers.text import Findings, Mask, matches, only_digits

ISSUERS = (
    r"^(?:4\d{12}(?:\d{3}){0,2}"  # Visa
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d{12}"  # Mastercard
    r"|3[47]\d{13}"  # American Express
    r"|(?:6011|64[4-9]\d|65\d\d|6221|6229|62[2-9]\d|62\d\d|81\d\d)\d{12,15}"  # Discover, UnionPay
    r"|3(?:0[0-5]|[689]\d)\d{11}"  # Diners Club
    r"|35(?:2[89]|[3-8]\d)\d{12}|(?:2131|1800)\d{11}"  # JCB
    r"|(?:5018|5020|5038|5[678]\d\d|6304|6759|676[1-3])\d{8,15}"  # Maestro
    r"|220[0-4]\d{12}"  # Mir
    r"|(?:60|65|81|82|508)\d{13,14})$"  # RuPay
)
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
