"""Telephone numbers in a text, by the plans of the world's countries (libphonenumber).

With a country code (``+47``, ``0047``) they are found wherever they are from. Without one only numbers of the countries
that are named are: eight in ten random ten-digit numbers are valid somewhere in Germany.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Any

from privacy_udfs.entities import digits, packages
from privacy_udfs.entities.digits import Group
from privacy_udfs.entities.spans import Span, is_whole, stands_alone

MAYBE = r"\p{Nd}(?:[\s().\-/\x{a0}\x{202f}\x{2010}-\x{2015}]{0,3}\p{Nd}){6}"
FEWEST, MOST = 7, 16
REGIONS = (
    "US", "GB", "DE", "FR", "ES", "IT", "NL", "BE", "AT", "CH", "PL", "CZ", "SE", "NO", "DK", "FI", "PT", "BR", "MX",
    "RU", "UA", "GR", "TR", "IL", "CN", "JP", "KR", "IN", "TH", "IR", "SA", "AU", "HU", "RO", "BG", "HR", "SI", "ID",
)  # fmt: skip
OTHER = (
    r"^\s*\d{4}-\d\d-\d\d|^\s*\d{1,2}[./\-]\d{1,2}[./\-]\d{4}|^\s*\d+\.\d+\s*$|^\s*\d{1,3}(?:\.\d{1,3}){3}\s*$"
    r"|^\s*(?:19|20)\d\d[\-/]\d{4,7}\s*$|^\s*\d{4}(?:[ \-]\d{4}){3}\s*$|^\s*\d{3}-\d\d-\d{4}\s*$"
)
"""Dates, decimals, IP addresses, cards, American social security numbers."""
_OTHER = re.compile(OTHER, re.ASCII)
_COUNTRY = re.compile(r"(?:\+|00)[\s(]{0,2}[1-9]", re.ASCII)
REMEMBERED = 1 << 14
"""Numbers whose validity a process keeps in mind: the same ones come again."""


def find(text: str, regions: tuple[str, ...] = ()) -> Iterator[Span]:
    """``phone``: from each place at which one may begin, the longest that is valid. One may begin within another, which
    took the next one's first digits for its own last."""
    for groups in digits.runs(text):
        for start, ends in _candidates(text, groups):
            if (end := _end(text, start, ends, regions)) is not None:
                yield Span(start, end, "phone")


def _candidates(text: str, groups: list[Group]) -> Iterator[tuple[int, list[int]]]:
    """Where a number may begin, and where it may end, the longest first."""
    found: dict[int, list[int]] = {}
    for start, end in digits.stretches(groups, FEWEST, MOST):
        found.setdefault(start, []).append(end)
    for start, ends in found.items():
        yield _opened(text, start, ends[0]), ends


def _opened(text: str, start: int, end: int) -> int:
    """The same place, or that of the plus or the bracket before it."""
    for mark in "+(+":
        if text[start - 1 : start] == mark and (mark == "+" or ")" in text[start:end]):
            start -= 1
    return start


def _end(text: str, start: int, ends: list[int], regions: tuple[str, ...]) -> int | None:
    free = [end for end in ends if stands_alone(text, start, end)]
    if _COUNTRY.match(_in_ascii(text[start : start + 6])):
        valid = next((end for end in free if _is_valid(text[start:end])), None)
        return valid or next((end for end in free if has_country(text[start:end])), None)
    local = [end for end in free if is_whole(text, start, end) and not _OTHER.match(text[start:end])]
    return next((end for end in local for region in regions if _is_one_of(text[start:end], region)), None)


def _in_ascii(text: str) -> str:
    return "".join(str(int(each)) if each.isdecimal() else each for each in text)


def has_country(text: str) -> bool:
    """Whether a text is a number with a country code, by its length at least."""
    number = _with_country(text)
    library = packages.load("phonenumbers")
    return number is not None and bool(library.is_possible_number(number) or library.is_valid_number(number))


@functools.lru_cache(REMEMBERED)
def _is_valid(text: str) -> bool:
    number = _with_country(text)
    return number is not None and bool(packages.load("phonenumbers").is_valid_number(number))


def _with_country(text: str) -> Any:
    """The number that a text with a country code stands for, or None."""
    library = packages.load("phonenumbers")
    try:
        return library.parse(text.replace("(0)", "").strip().removeprefix("tel:"), None)
    except library.NumberParseException:
        text = text.strip()
        return _with_country("+" + text[2:]) if text.startswith("00") else None


def is_valid_in(text: str, region: str) -> bool:
    """Whether a text is a valid number in the region (ISO 3166)."""
    library = packages.load("phonenumbers")
    try:
        return bool(library.is_valid_number(library.parse(text, region)))
    except library.NumberParseException:
        return False


_is_one_of = functools.lru_cache(REMEMBERED)(is_valid_in)
