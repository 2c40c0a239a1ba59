"""International bank account numbers by ISO 13616: country, length and mod 97-10 checksum; spaces are allowed."""

from __future__ import annotations

import re

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches, where
from privacy_udfs.entities import iban

SHAPE = r"^\s*[A-Za-z]{2}\d{2}(?:[ \-]?[A-Za-z0-9]){10,32}\s*$"


def recognize(values: pa.StringArray) -> Findings:
    """``iban``: shape and checksum. The rules of single countries are not asked: banks break them."""
    return {"iban": where(values, matches(values, SHAPE), _checks)}


def _checks(text: str) -> bool:
    return iban.checks(re.sub(r"[\s\-]", "", text).upper())
