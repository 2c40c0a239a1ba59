"""Whether what is asked about the risk of a table can be measured at all; how it comes out, the run itself asks of its
rows, once they are treated (`jobs.table_run.risk_gate`)."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.gates.known import Planned
from jobs.treatment import risk_columns

MOST_NAMED = 3
LAXER = (
    "have the policy name the table under risk.laxer_for, and state in its entry what is not asked (k: 1, l: 1, t: 1, "
    "at_risk: 1)"
)


def measurable(known: Planned) -> Iterator[Finding]:
    """Columns that rows cannot be compared by."""
    asked, suppress, boxes = known.risk.asked(), known.entry.suppress, known.entry.mondrian
    if not asked and suppress is None:
        return
    columns, subject = risk_columns.of(known.plan, bool(asked.keys() & {"l", "t"})), known.entry.subject
    what = "mondrian" if boxes is not None else "risk" if asked else "suppress"
    treatments = {"suppress": suppress, "mondrian": boxes}
    taken_out = [f"take '{name}' out of its entry" for name, stated in treatments.items() if stated is not None]
    instead = " and ".join([LAXER] * bool(asked) + taken_out)
    if subject is not None and columns.subject is None:
        yield Finding(
            "refuse",
            None,
            f"{what}: rows would count, and not people: the target does not tell these apart by {subject}, its "
            f"subject. Treat that by a technique that gives equal values equal pseudonyms, or {instead}",
        )
    found = [str(path) for path in columns.unmeasured]
    if found:
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        yield Finding(
            "refuse",
            None,
            f"{what}: {', '.join(found[:MOST_NAMED])}{more}: quasi-identifiers and sensitive columns are measured "
            f"where they are one value of a row, and not within arrays, maps or JSON text: drop it, or {instead}",
        )
