"""Which properties a target may state, and why others not. What is not listed here is Delta's or the reader's own."""

from __future__ import annotations

import re

from jobs.configuration import file_properties

RESERVED = ("location", "provider", "owner", "external", "comment", "path", "is_managed_location")
REFUSED = (
    (r"privacy\.", "properties that begin with 'privacy.' are the treatment record's"),
    (r"delta\.constraints\.", "a CHECK constraint that a row violates is printed with the row's values"),
    (r"delta\.universalformat\.", "the second copy of the table would hold what the Delta log is spared of"),
    (
        r"delta\.(coordinatedcommits\.|feature\.(catalogowned|catalogmanaged|coordinatedcommits))",
        "who commits would be another than the job, which checks its own commits",
    ),
    (
        r"delta\.(columnmapping\.(maxcolumnid|physicalname)|rowtracking\.|generationexpression|identity\.)",
        "Delta keeps this itself",
    ),
    (rf"({'|'.join(RESERVED)})$", "it is stated elsewhere: 'path' or 'table', and the comment on the table itself"),
    (r"option\.", "it would become an option of the writer; options of the target are none"),
)
"""Pattern of lower-case names -> the reason."""
APPEND_ONLY = "delta.appendonly"


def refusal(name: str, value: str) -> str | None:
    """Why a property is refused; None where it is not."""
    lower = name.lower()
    for pattern, reason in REFUSED:
        if re.match(pattern, lower):
            return reason
    if lower == APPEND_ONLY and value.strip().lower() == "true":
        return "each run replaces the rows of its target, which an append-only table refuses"
    return file_properties.refusal(name, value)
