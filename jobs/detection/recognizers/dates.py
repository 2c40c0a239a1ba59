"""Dates in the ways that people and systems write them, and how their years spread: births spread over decades."""

from __future__ import annotations

import datetime

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.detection.recognizers.text import Findings, Mask, matches

_YEAR, _MONTH, _DAY = r"(?P<y>(?:1[89]|20)\d\d)", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_WORD = r"\p{L}{3,12}\.?"
FORMS = (
    rf"^\s*{_YEAR}[\-/.]{_MONTH}[\-/.]{_DAY}(?:[T ]00:00:00(?:\.0+)?(?:Z|[+\-]00:?00)?)?\s*$",
    rf"^\s*{_DAY}[\-/.]{_DAY}[\-/.]{_YEAR}(?:[T ]00:00(?::00(?:\.0+)?)?)?\s*$",
    rf"^\s*{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\s*$",
    rf"^\s*{_DAY}\.?(?: de)? {_WORD}(?: de)?,? {_YEAR}\s*$",
    rf"^\s*{_WORD} {_DAY}(?:st|nd|rd|th)?,? {_YEAR}\s*$",
    rf"^\s*{_YEAR}\s*[年년]\s*{_MONTH}\s*[月월]\s*{_DAY}\s*[日일]\s*$",
)
WITH_TIME = r"\d{1,2}:\d{2}"
DAY_FIRST = rf"^\s*(?:\d{{4}}-\d\d-\d\d|{_DAY}[\-/.]{_DAY}[\-/.](?:1[89]|20)\d\d[T ,])"
MIDNIGHT = r"[T ]00:00:00|^[^T ]+\d{4}[T ]00:00\s*$"
ADULT, OLDEST = 14, 115


def recognize(values: pa.StringArray) -> Findings:
    """``date``: a day without a time. ``date:aged``: one that a person of 14 to 115 years may be born on.
    ``date:1950s`` and so on: how many decades there are."""
    years = _years(values)
    age = datetime.date.today().year - years
    found: Findings = {"date": years > 0, "date:aged": (age >= ADULT) & (age <= OLDEST)}
    for decade in range(1900, 2030, 10):
        of_decade: Mask = (years >= decade) & (years < decade + 10)
        found[f"date:{decade}s"] = of_decade
    found["timestamp"] = matches(values, WITH_TIME) & matches(values, DAY_FIRST) & ~matches(values, MIDNIGHT)
    return found


def _years(values: pa.StringArray) -> npt.NDArray[np.int64]:
    """The year of each date, 0 where the value is none."""
    years = np.zeros(len(values), np.int64)
    for form in FORMS:
        found = pc.struct_field(pc.extract_regex(values, form), "y")
        some = pc.fill_null(pc.cast(found, pa.int64()), 0).to_numpy(zero_copy_only=False)
        years = np.where(years > 0, years, some)
    return years
