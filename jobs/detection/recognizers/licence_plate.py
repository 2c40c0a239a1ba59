"""Licence plates of vehicles, which lead to their keepers. Each country counts for itself.

What tells them from articles' numbers of the same shape are the letters that a country leaves out: of random codes a
third to two thirds would pass, of plates all do. A code of one plain shape (``ABC-1234``) proves nothing.
"""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

_NL = {"A": "[BDFGHJKLMNPRSTVWXZ]", "9": r"\d"}
_NL_SERIES = (
    "AA-99-99", "99-99-AA", "99-AA-99", "AA-99-AA", "AA-AA-99", "99-AA-AA", "99-AAA-9", "9-AAA-99", "AA-999-A",
    "A-999-AA", "AAA-99-A", "A-99-AAA", "9-AA-999", "999-AA-9",
)  # fmt: skip
_CANTONS = "AG|AI|AR|BE|BL|BS|FR|GE|GL|GR|JU|LU|NE|NW|OW|SG|SH|SO|SZ|TG|TI|UR|VD|VS|ZG|ZH"
COUNTRIES = {
    "de": r"^[A-ZÄÖÜ]{1,3}(?:-[A-Z]{1,2} ?| [A-Z]{1,2} )[1-9]\d{0,3}[HE]?$",
    "fr": r"^[A-HJ-NP-TV-Z]{2}[ -]?\d{3}[ -]?[A-HJ-NP-TV-Z]{2}$",
    "it": r"^[A-HJ-NPR-TV-Z]{2} ?\d{3} ?[A-HJ-NPR-TV-Z]{2}$",
    "gb": r"^[A-HJ-PR-Y]{2}(?:0[1-9]|[12]\d|5[1-9]|[67]\d) ?[A-HJ-PR-Z]{3}$",
    "es": r"^\d{4}[ -]?[BCDFGHJKLMNPRSTVWXYZ]{3}$",
    "nl": "^(?:" + "|".join("".join(_NL.get(each, each) for each in series) for series in _NL_SERIES) + ")$",
    "be": r"^[1-9]-[A-Z]{3}-\d{3}$",
    "ch": rf"^(?:{_CANTONS})[ -]?[1-9]\d{{2,5}}$",
}
US_SERIES = (
    r"^[A-Z]{3}[ -]?\d{3}$", r"^\d{3}[ -]?[A-Z]{3}$", r"^[A-Z]{3}[ -]?\d{4}$", r"^\d{4}[ -]?[A-Z]{3}$",
    r"^\d[A-Z]{3}\d{3}$", r"^\d[A-Z]{2}[ -]?\d{3,4}$", r"^[A-Z]{2}[ -]?\d{4,5}$", r"^[A-Z]\d{2}[ -]?\d[A-Z]{2}$",
    r"^\d{3}[ -]?\d?[A-Z]{2}\d?$", r"^\d[A-Z][ -]?\d{4,5}$", r"^[A-Z]\d{2}[ -]?[A-Z]{3}$", r"^\d{2}[A-Z]{2}\d{3}$",
)  # fmt: skip
"""Some of the states' series: where several are mixed, it is plates and no code that somebody thought of."""
US = r"^[A-Z0-9]{1,4}(?:[ \-•]?[A-Z0-9]{1,5}){1,2}$"
US_SIGNS = r"^[^A-Z0-9]*(?:[A-Z0-9][^A-Z0-9]*){5,8}$"


def recognize(values: pa.StringArray) -> Findings:
    """``licence_plate:<country>``; for the United States ``us_plate``, five to eight letters and digits in one
    or two groups, and ``us_plate:0`` and so on for single states' series."""
    found = {f"licence_plate:{country}": matches(values, pattern) for country, pattern in COUNTRIES.items()}
    series = {f"us_plate:{at}": matches(values, shape) for at, shape in enumerate(US_SERIES)}
    mixed = matches(values, US) & matches(values, US_SIGNS) & matches(values, r"[A-Z]") & matches(values, r"\d")
    return {**found, **series, "us_plate": mixed}
