"""Places on earth: single degrees with the decimals of a GPS receiver, pairs of them, WKT points, degree signs."""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

_LATITUDE = r"[+\-]?(?:90(?:\.0+)?|[0-8]?\d(?:\.\d+)?)"
_LONGITUDE = r"[+\-]?(?:180(?:\.0+)?|(?:1[0-7]\d|\d{1,2})(?:\.\d+)?)"
PAIR = rf"^\s*[(\[]?\s*{_LATITUDE}\s*[,; ]\s*{_LONGITUDE}\s*[)\]]?\s*$"
POINT = r"(?i)^\s*(?:SRID=\d+;)?POINT\s*Z?\s*\(|^\s*geo:[\-\d.]+,"
DECIMALS = r"\.\d{3,}.*\.\d{3,}"
SEXAGESIMAL = r"(?i)\d{1,3}\s*[°º]\s*\d{1,2}"
DEGREE = rf"^\s*{_LONGITUDE}\s*$"
FINE = r"\.\d{4,8}$"
WITHIN_ONE = r"^\s*[+\-]?0?\.\d+\s*$|^\s*[+\-]?[01](?:\.0*)?\s*$"


def recognize(values: pa.StringArray) -> Findings:
    """``coordinates``: a pair or point. ``coordinates:degree``: one number within 180 with 4 to 8 decimals, not
    within 1 (a share, a probability)."""
    pair = matches(values, PAIR) & matches(values, DECIMALS)
    single = matches(values, DEGREE) & matches(values, FINE) & ~matches(values, WITHIN_ONE)
    return {
        "coordinates": pair | matches(values, POINT) | matches(values, SEXAGESIMAL),
        "coordinates:degree": single,
    }
