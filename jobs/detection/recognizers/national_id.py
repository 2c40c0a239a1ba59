"""National numbers of persons: of some sixty countries by python-stdnum, checksum and all.

A tenth of random numbers pass a checksum by chance, so each country counts for itself and never adds to another's.
Numbers without a checksum count only in a notation that nothing else has.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from jobs.detection import packages
from jobs.detection.recognizers.text import Findings, Mask, digit_counts, matches, where

CHECKED_TEXT = """
al.nipt at.vnr au.tfn be.nn bg.egn br.cpf ca.sin ch.ssn cl.rut cn.ric cu.ni cz.rc de.idnr dk.cpr do.cedula ec.ci
ee.ik es.dni es.nie es.nif fi.hetu fr.nif fr.nir gb.nhs gb.utr gr.amka gr.vat hr.oib id.nik ie.pps il.idnr
in_.aadhaar in_.pan is_.kennitala it.codicefiscale kr.rrn lt.asmens lv.pvn md.idno mu.nid mx.curp mx.rfc my.nric
nl.bsn no.fodselsnummer pl.pesel pt.cc pt.nif ro.cnp ru.inn se.personnummer si.emso sk.rc th.pin tr.tckimlik
ua.rntrc us.itin za.idnr ve.rif
"""
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
"""Ways of writing that are a number's own; checks of dates and areas are made by stdnum where it knows them."""
SHAPE = r"^\s*[A-Za-z0-9+](?:[A-Za-z0-9.\-/+ ]{4,24})[A-Za-z0-9]\s*$"
FIRST_LOOK, WORTH_A_LOOK = 80, 0.3


def recognize(values: pa.StringArray) -> Findings:
    """``national_id:<country>.<number>`` for every number that a third or more of the first values could be."""
    candidates = matches(values, SHAPE) & (digit_counts(values) >= 4)
    found = {f"national_id:{name}": matches(values, notation) for name, notation in NOTATIONS.items()}
    for name in CHECKED_TEXT.split() if candidates.any() else ():
        valid = _valid(values, candidates, _check(name))
        key = f"national_id:{name}"
        found[key] = valid if key not in found else valid | found[key]
    return {name: mask for name, mask in found.items() if mask.any()}


def _valid(values: pa.StringArray, candidates: Mask, check: Callable[[str], bool]) -> Mask:
    first = np.zeros(len(values), np.bool_)
    first[np.flatnonzero(candidates)[:FIRST_LOOK]] = True
    looked = where(values, first, check)
    return where(values, candidates, check) if looked.sum() >= WORTH_A_LOOK * first.sum() else looked & False


@functools.cache
def _check(name: str) -> Callable[[str], bool]:
    module = packages.load(f"stdnum.{name}")
    longest = 14 if name == "pt.cc" else 32

    def valid(text: str) -> bool:
        try:
            return len(text) <= longest and bool(module.is_valid(text))
        except Exception:  # some checks stumble over texts that are far from their number
            return False

    return valid
