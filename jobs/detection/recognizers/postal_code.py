"""Postal codes. Few countries have a notation that nothing else has; five digits alone say nothing without a name."""

from __future__ import annotations

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches

OWN = (
    r"(?i)^\s*(?:[A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}"  # United Kingdom
    r"|[A-CEGHJ-NPR-TVXY]\d[A-CEGHJ-NPR-TV-Z][ \-]\d[A-CEGHJ-NPR-TV-Z]\d"  # Canada
    r"|\d{4} [A-Z]{2}"  # Netherlands
    r"|\d\d-\d{3}|\d{5}-\d{3}|\d{5}-\d{4}|\d{4}-\d{3}|〒?\d{3}-\d{4}"  # Poland, Brazil, United States, Portugal, Japan
    r"|\d{3} \d\d"  # Sweden, Czechia, Slovakia, Greece
    r"|(?:D|A|CH|F|I|E|B|L|NL|S|FI|DK|LV|LT|MD|RO|SI|HR|AZ|UA|BG|TR|GR)-\d{4,6})\s*$"  # with the country before
)
DIGITS = r"^\s*(?:\d{4}|\d{5}|\d{6}|\d{7})\s*$"


def recognize(values: pa.StringArray) -> Findings:
    """``postal_code``: a country's own notation. ``postal_code:digits``: four to seven digits."""
    return {"postal_code": matches(values, OWN), "postal_code:digits": matches(values, DIGITS)}
