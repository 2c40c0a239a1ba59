"""Dates that stand for none: the first and last days of systems, which people and programs write for 'not known'.

These few days are known to all, so naming one gives nothing away. A shift of dates does: who has 9999-12-31 before it
shows, by what it is after, how far the other dates of the same subject were moved.
"""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from jobs.detection.recognizers.text import Findings, matches

PLACEHOLDERS = (
    "0001-01-01", "1111-11-11", "1582-10-15", "1753-01-01", "1800-01-01", "1899-12-30", "1899-12-31", "1900-01-01",
    "1901-01-01", "1970-01-01", "2099-12-31", "2100-12-31", "2199-12-31", "2222-12-31", "2500-12-31", "2999-12-31",
    "3000-12-31", "3999-12-31", "4712-12-31", "9999-01-01", "9999-12-30", "9999-12-31",
)  # fmt: skip
NAME = "placeholder:"
DATE = r"^\s*(?:\d{4}[\-/.]?\d\d[\-/.]?\d\d|\d\d[./\-]\d\d[./\-]\d{4})(?:[T ]\d\d:\d\d.*)?\s*$"


def recognize(values: pa.StringArray) -> Findings:
    """``placeholder:<date>`` for each that is there, in ISO 8601, with or without hyphens, or with the day first."""
    dated = matches(values, DATE)
    if not dated.any():
        return {}
    days = pc.utf8_slice_codeunits(pc.replace_substring_regex(values, r"[\s\-/.]", ""), 0, 8)
    found = {f"{NAME}{day}": dated & _is(days, day) for day in PLACEHOLDERS}
    return {name: mask for name, mask in found.items() if mask.any()}


def _is(days: pa.StringArray, day: str) -> pa.BooleanArray:
    year, month, of_month = day.split("-")
    forms = {f"{year}{month}{of_month}", f"{of_month}{month}{year}", f"{month}{of_month}{year}"}
    return pc.is_in(days, pa.array(sorted(forms))).to_numpy(zero_copy_only=False)
