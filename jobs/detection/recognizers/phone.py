"""Telephone numbers: by the plans of the world's countries (libphonenumber), and by how people write them.

Bare digits prove little: eight in ten random ten-digit numbers are valid somewhere in Germany. They count apart.
"""

# ruff: noqa: RUF001 - letters and marks of other scripts are meant
from __future__ import annotations

import functools
from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from jobs.detection.recognizers.text import Findings, Mask, digit_counts, matches, where
from privacy_udfs.entities.phone import OTHER, REGIONS, has_country, is_valid_in

WRITTEN = (
    r"(?i)^\s*(?:tel\.?:?\s*)?[+(]?[\d٠-٩۰-۹０-９][\d٠-٩۰-۹０-９\s().\-/\x{2010}-\x{2015}]{5,22}"
    r"(?:\s*(?:x|ext\.?|#)\s*\d{1,6})?\s*$"
)
INTERNATIONAL = r"^\s*(?:\+|00)\s*\(?[1-9]"
AREA_CODE = (
    r"^\s*(?:\+?\d{1,3}[ .\-]?)?\(0?\d{1,5}\)\s?[ .\-]?\d|(?i)\d{4}\s*(?:x|ext\.?)\s*\d{1,6}\s*$|"
    r"^\s*\+?\d{1,3}\s?\(0\)\s?\d"
)
TRUNK = r"^\s*\(?0[1-9][\d]*[\s)/.\-]"
AMERICAN = r"^\s*(?:\+?1[ .\-])?[2-9]\d\d[.\- ]\d{3}[.\- ]\d{4}\s*$"
BARE = r"^\s*\d{7,16}\s*$"
BARE_TRUNK = r"^\s*0[1-9]\d{7,10}\s*$"
FIRST_LOOK = 60
WITHOUT_TRUNK = ("US", "MX", "ES", "PL", "DK", "NO", "CZ", "PT", "IT", "GR")
"""Regions whose numbers are written without a 0 before them, and have one length."""


def recognize(values: pa.StringArray, regions: Iterable[str] = REGIONS) -> Findings:
    """``phone``: written as only telephone numbers are, or valid in the region that fits most of the values.
    ``phone:bare``: valid there, but nothing else than digits."""
    digits = digit_counts(values)
    candidates = matches(values, WRITTEN) & (digits >= 7) & (digits <= 16) & ~matches(values, OTHER)
    international = where(values, candidates & matches(values, INTERNATIONAL), has_country)
    written = candidates & (matches(values, AREA_CODE) | matches(values, TRUNK) | matches(values, AMERICAN))
    bare = candidates & matches(values, BARE)
    trunk = matches(values, TRUNK) | matches(values, BARE_TRUNK)
    grouped = _best(values, candidates & ~international & ~bare & ~trunk, WITHOUT_TRUNK)
    local = _best(values, candidates & ~international & (bare | trunk), regions)
    phone = international | written | grouped | (local & trunk)
    return {"phone": phone, "phone:bare": local & bare & ~phone}


def _best(values: pa.StringArray, candidates: Mask, regions: Iterable[str]) -> Mask:
    """The candidates that are valid in the region in which most of the first ones are."""
    first = np.flatnonzero(candidates)[:FIRST_LOOK]
    few = values.take(pa.array(first))
    every = np.ones(len(few), np.bool_)
    counts = {region: int(where(few, every, functools.partial(is_valid_in, region=region)).sum()) for region in regions}
    region = max(counts, key=lambda name: counts[name], default="")
    if not region or counts[region] * 2 < len(few):
        return np.zeros(len(values), np.bool_)
    return where(values, candidates, functools.partial(is_valid_in, region=region))
