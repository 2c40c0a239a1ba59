"""National numbers of persons, of some sixty countries by python-stdnum, checksum and all.

A tenth of random numbers pass a checksum by chance, and with many countries nearly every number is one of somebody's:
so only numbers of the countries that are named are found.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator

from privacy_udfs.entities import packages
from privacy_udfs.entities.spans import Span, stands_alone

MAYBE = r"[0-9](?:[A-Za-z.\-/+ ]{0,22}[0-9]){3}"
CHECKED = (
    "al.nipt", "at.vnr", "au.tfn", "be.nn", "bg.egn", "br.cpf", "ca.sin", "ch.ssn", "cl.rut", "cn.ric", "cu.ni",
    "cz.rc", "de.idnr", "dk.cpr", "do.cedula", "ec.ci", "ee.ik", "es.dni", "es.nie", "es.nif", "fi.hetu", "fr.nif",
    "fr.nir", "gb.nhs", "gb.utr", "gr.amka", "gr.vat", "hr.oib", "id.nik", "ie.pps", "il.idnr", "in_.aadhaar",
    "in_.pan", "is_.kennitala", "it.codicefiscale", "kr.rrn", "lt.asmens", "lv.pvn", "md.idno", "mu.nid", "mx.curp",
    "mx.rfc", "my.nric", "nl.bsn", "no.fodselsnummer", "pl.pesel", "pt.cc", "pt.nif", "ro.cnp", "ru.inn",
    "se.personnummer", "si.emso", "sk.rc", "th.pin", "tr.tckimlik", "ua.rntrc", "us.itin", "za.idnr", "ve.rif",
)  # fmt: skip
"""Modules of stdnum whose numbers carry a checksum, or a date and a notation that chance seldom makes."""
NOTATIONS = {
    "us.ssn": r"^\s*\d{3}-\d\d-\d{4}\s*$",
    "gb.nino": r"(?i)^\s*[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d\d ?\d\d ?\d\d ?[A-D]\s*$"
    r"|^\s*ZZ ?\d\d ?\d\d ?\d\d ?[A-Z]?\s*$",
    "pk.cnic": r"^\s*\d{5}-\d{7}-\d\s*$",
    "ru.snils": r"^\s*\d{3}-\d{3}-\d{3}[ \-]\d\d\s*$",
    "fr.nir": r"^\s*[12] \d\d (?:0[1-9]|1[0-2]|[2-9]\d) (?:\d\d|2[AB]) \d{3} \d{3}(?: \d\d)?\s*$",
    "kr.rrn": r"^\s*\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])-[0-8]\d{6}\s*$",
    "se.personnummer": r"^\s*(?:19|20)?\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])[\-+]\d{4}\s*$",
    "dk.cpr": r"^\s*(?:0[1-9]|[12]\d|3[01])(?:0[1-9]|1[0-2])\d\d-\d{4}\s*$",
    "br.cpf": r"^\s*\d{3}\.\d{3}\.\d{3}-\d\d\s*$",
    "it.codicefiscale": r"(?i)^\s*[A-Z]{6}\d\d[A-EHLMPRST]\d\d[A-Z]\d{3}[A-Z]\s*$",
    "mx.curp": r"(?i)^\s*[A-Z]{4}\d{6}[HMX][A-Z]{5}[A-Z\d]\d\s*$",
}
"""Ways of writing that are a number's own."""
LONGEST, MOST_PARTS, FEWEST, FEWEST_DIGITS = 26, 8, 6, 4
_NEAR = re.compile(r"[0-9](?:[A-Za-z.\-/+ ]{0,22}[0-9]){3,}")
_WORD = r"(?![A-Za-z]{4}|[a-z]{3})[A-Za-z0-9]+|[A-Za-z]*[0-9][A-Za-z0-9]*"
_PARTS = re.compile(rf"(?<![A-Za-z0-9])(?:{_WORD})(?:[.\-/+ ](?:{_WORD}))*")
_PART = re.compile(r"[A-Za-z0-9]+")
REMEMBERED = 1 << 14
"""Texts of which a process keeps in mind whether they are numbers: the same ones come again."""
Check = Callable[[str], bool]


def country_of(name: str) -> str:
    """The ISO 3166 code of the country whose number ``name`` is: ``IN`` for ``in_.pan``."""
    return name.partition(".")[0].rstrip("_").upper()


COUNTRIES = tuple(sorted({country_of(name) for name in (*CHECKED, *NOTATIONS)}))


@functools.cache
def check(name: str) -> Check:
    """What tells whether a text is a number of that name; never raises for one."""
    module = packages.load(f"stdnum.{name}")
    longest = 14 if name == "pt.cc" else 32

    def valid(text: str) -> bool:
        try:
            return len(text) <= longest and bool(module.is_valid(text))
        except Exception:  # some checks stumble over texts that are far from their number
            return False

    return valid


@functools.cache
def _checks(countries: tuple[str, ...]) -> tuple[Check, ...]:
    written = [
        re.compile(pattern, re.ASCII).match for name, pattern in NOTATIONS.items() if country_of(name) in countries
    ]
    checked = [check(name) for name in CHECKED if country_of(name) in countries]
    return (*(lambda text, match=match: match(text) is not None for match in written), *checked)


def find(text: str, countries: tuple[str, ...] = ()) -> Iterator[Span]:
    """``national_id``: whatever a number of one of the countries may be, with the checksum it has."""
    for start, end in _candidates(text) if countries else ():
        if stands_alone(text, start, end) and _is_one(text[start:end], countries):
            yield Span(start, end, "national_id")


@functools.lru_cache(REMEMBERED)
def _is_one(text: str, countries: tuple[str, ...]) -> bool:
    return any(valid(text) for valid in _checks(countries))


def _candidates(text: str) -> Iterator[tuple[int, int]]:
    """Up to eight parts of letters and digits with one mark between them, short and with digits enough. A part of
    letters alone is a short one. They are looked for around digits only, once for each place or twice."""
    for near in _NEAR.finditer(text):
        for line in _PARTS.finditer(text, max(0, near.start() - LONGEST), near.end() + LONGEST):
            yield from _stretches(text, [part.span() for part in _PART.finditer(text, *line.span())])


def _stretches(text: str, parts: list[tuple[int, int]]) -> Iterator[tuple[int, int]]:
    digits = [sum(map(str.isdigit, text[start:end])) for start, end in parts]
    for first, (start, _) in enumerate(parts):
        count = 0
        for at in range(first, min(first + MOST_PARTS, len(parts))):
            count += digits[at]
            if parts[at][1] - start > LONGEST:
                break
            if parts[at][1] - start >= FEWEST and count >= FEWEST_DIGITS:
                yield start, parts[at][1]
