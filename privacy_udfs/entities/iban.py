"""International bank account numbers by ISO 13616: country, length and mod 97-10 checksum; single spaces, no-break
ones too, or hyphens within are allowed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from privacy_udfs.entities.spans import Span, stands_alone

MAYBE = r"[A-Za-z]{2}[0-9]{2}[ \-\x{a0}\x{202f}]?[A-Za-z0-9]"
SHORTEST, LONGEST = 14, 34
_BEGINS = re.compile(r"(?<!\w)[A-Za-z]{2}[0-9]{2}(?=[ \-\u00a0\u202f]?[A-Za-z0-9])", re.ASCII)
_WRITTEN = re.compile(rf"(?:[ \-\u00a0\u202f]?[A-Za-z0-9]){{{SHORTEST - 4},{LONGEST - 4}}}")
LENGTHS = {
    length: countries.split()
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FK FO GL NL SD", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL",
        24: "AD CZ ES MD PK RO SA SE SK TN VG", 25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM",
        28: "AL AZ BY CY DO GT HN HU LB NI PL SV", 29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC",
        33: "RU",
    }.items()
}  # fmt: skip
"""Of the SWIFT registry: how long an account number of a country is, its code and check digits included."""
_LENGTH_OF = {country: length for length, countries in LENGTHS.items() for country in countries}


def checks(number: str) -> bool:
    """Whether letters and digits without separators carry a valid checksum (ISO 7064, mod 97-10). The rules of single
    countries are not asked: banks break them."""
    if not (SHORTEST <= len(number) <= LONGEST and number.isascii() and number.isalnum()):
        return False
    return int("".join(str(int(each, 36)) for each in number[4:] + number[:4])) % 97 == 1


def find(text: str) -> Iterator[Span]:
    """``iban``: of the length that its country has; of a country that is not known the longest that checks."""
    for begins in _BEGINS.finditer(text):
        rest = _WRITTEN.match(text, begins.end())
        if rest is not None:
            end = _end(text, begins.start(), rest.end())
            if end is not None:
                yield Span(begins.start(), end, "iban")


def _end(text: str, start: int, limit: int) -> int | None:
    """Where the number that begins at ``start`` ends, at ``limit`` at the latest."""
    ends = [place + 1 for place in range(start, limit) if text[place] not in " -\u00a0\u202f"]
    own = _LENGTH_OF.get(text[start : start + 2].upper())
    for length in range(len(ends), SHORTEST - 1, -1) if own is None else [own]:
        if length <= len(ends) and _is_one(text, start, ends[length - 1]):
            return ends[length - 1]
    return None


def _is_one(text: str, start: int, end: int) -> bool:
    return stands_alone(text, start, end) and checks(re.sub(r"[ \-\u00a0\u202f]", "", text[start:end]).upper())
