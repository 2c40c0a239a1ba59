"""Payment card numbers: ISO/IEC 7812 length, an issuer's range, and the Luhn checksum that one number in ten passes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy_udfs.entities import digits
from privacy_udfs.entities.spans import Span, stands_alone

MAYBE = r"[0-9](?:[ \-\x{a0}\x{202f}]?[0-9]){11}"
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
SHORTEST, LONGEST = 12, 19
_ISSUED = re.compile(ISSUERS, re.ASCII)
_WRITTEN = re.compile(r"\d(?:[ \-\u00a0\u202f]?\d)*", re.ASCII)


def find(text: str) -> Iterator[Span]:
    """``payment_card``: all three hold, and single spaces (no-break ones too) or hyphens at most stand within."""
    for groups in digits.runs(text):
        for start, end in digits.stretches(groups, SHORTEST, LONGEST):
            if _WRITTEN.fullmatch(text, start, end) and stands_alone(text, start, end) and _checks(text[start:end]):
                yield Span(start, end, "payment_card")


def _checks(written: str) -> bool:
    number = re.sub(r"[ \-\u00a0\u202f]", "", written)
    return _ISSUED.match(number) is not None and luhn(number)


def luhn(number: str) -> bool:
    """Whether ASCII digits carry a valid Luhn check digit (ISO/IEC 7812-1)."""
    doubled = (2 * int(each) for each in number[-2::-2])
    return (sum(map(int, number[::-2])) + sum(each - 9 * (each > 9) for each in doubled)) % 10 == 0
