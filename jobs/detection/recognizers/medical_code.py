"""Codes of medicine: LOINC, SNOMED CT, ICD-10, ATC. They number no person, and say what ails one or what was measured.

LOINC ends in a check digit by Luhn, SNOMED CT in one by Verhoeff behind two digits that say what is numbered. RxNorm's
and UCUM's codes have no notation of their own and are not known here.
"""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches, where
from privacy_udfs.entities import packages

LOINC = r"^(?:L[APL])?\d{1,7}-\d$"
SNOMED = r"^[1-9]\d{3,14}(?:0|1)[0-2]\d$"
ICD_10 = r"^[A-TV-Z]\d[0-9AB]\.(?:[0-9A-Z]{1,4}|-)[+*!]?$"
CATEGORY = r"^[A-TV-Z]\d[0-9AB]$"
ATC = r"^[ABCDGHJLMNPRSV](?:0[1-9]|[12]\d)[A-Z]{2}\d\d$"
NAMES = {"loinc": "LOINC", "snomed": "SNOMED CT", "icd10": "ICD-10", "atc": "ATC"}


def recognize(values: pa.StringArray) -> Findings:
    """``code:loinc``, ``code:snomed`` (with their check digits), ``code:icd10`` (with its point), ``code:atc``.
    ``category:icd10``: three signs, which much else is too: they tell only where all rows have the same."""
    luhn, verhoeff = packages.load("stdnum.luhn"), packages.load("stdnum.verhoeff")
    return {
        "code:loinc": where(values, matches(values, LOINC), lambda text: bool(luhn.is_valid(_digits(text)))),
        "code:snomed": where(values, matches(values, SNOMED), lambda text: bool(verhoeff.is_valid(text))),
        "code:icd10": matches(values, ICD_10),
        "category:icd10": matches(values, CATEGORY),
        "code:atc": matches(values, ATC),
    }


def _digits(text: str) -> str:
    return text.lstrip("LAP").replace("-", "")
