"""Passports and identity cards: machine readable zones with their check digits (ICAO 9303), and the forms of numbers.

Most countries' numbers are letters and digits that anything may be: those count only with the column's name. Germany's
leave out vowels and what looks like a digit, which chance does not.
"""

from __future__ import annotations

import re

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, between, matches, where

ZONE = r"^[A-Z0-9<\s]+$"
NAMES_LINE = re.compile(r"[PIACV][A-Z<][A-Z<]{3}[A-Z]+(?:<[A-Z]+)*<<[A-Z<]+")
GERMAN = r"^[CFGHJKLMNPRTVWXYZ][CFGHJKLMNPRTVWXYZ0-9]{8}\d?D?$"
FORMS = (
    r"^(?:[A-Z]\d{8}|\d{9}"  # United States, United Kingdom, and others
    r"|\d{2}[A-Z]{2}\d{5}"  # France
    r"|[A-Z]{2}\d{6,7}|[A-Z]{3}\d{6}[A-Z]?"  # Italy, Canada, Poland, Greece, Spain
    r"|[A-NP-Z]{2}[A-NP-Z0-9]{6}\d"  # Netherlands
    r"|[A-Z]\d{7}[A-Z]?|E[A-Z]\d{7}"  # India, Australia, Austria, Japan, China
    r"|\d{2} ?\d{7})$"  # Russia
)


def recognize(values: pa.StringArray) -> Findings:
    """``passport``: a zone, or a line of one. ``passport:de``: a German number, with its check digit where it has
    ten characters. ``passport:form``: letters and digits as some country's numbers have them."""
    zones = matches(values, ZONE) & between(values, 30, 96)
    german = matches(values, GERMAN) & matches(values, r"\d")
    return {
        "passport": where(values, zones, _is_zone),
        "passport:de": where(values, german, _german_checks),
        "passport:form": matches(values, FORMS),
    }


def _is_zone(text: str) -> bool:
    zone = re.sub(r"\s", "", text)
    if len(zone) in (44, 36) and NAMES_LINE.fullmatch(zone):
        return True
    if len(zone) in (44, 36, 88, 72):
        line = zone[-44:] if len(zone) in (44, 88) else zone[-36:]
        return _checks(line, 0, 9) and _checks(line, 13, 19) and _checks(line, 21, 27)
    return len(zone) == 90 and _checks(zone, 5, 14) and _checks(zone, 30, 36) and _checks(zone, 38, 44)


def _german_checks(text: str) -> bool:
    number = text.removesuffix("D") if len(text) > 10 else text
    return len(number) == 9 or (len(number) == 10 and _checks(number, 0, 9))


def _checks(text: str, first: int, last: int) -> bool:
    """Whether the digit behind the part is that of ICAO 9303, part 3: weights 7, 3, 1; A is 10, < is 0."""
    worth = sum((7, 3, 1)[at % 3] * _worth(each) for at, each in enumerate(text[first:last]))
    return text[last] == str(worth % 10)


def _worth(character: str) -> int:
    return 0 if character == "<" else int(character, 36)
