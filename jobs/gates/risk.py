"""Whether what is asked about the risk of a table can be measured at all; how it comes out, the run itself asks of its
rows, once they are treated (`jobs.table_run.risk_gate`)."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.gates.known import Planned
from jobs.treatment import risk_columns

MOST_NAMED = 3


def measurable(known: Planned) -> Iterator[Finding]:
    """Columns that rows cannot be compared by."""
    asked = known.risk.asked()
    if not asked:
        return
    columns, subject = risk_columns.of(known.plan, bool(asked.keys() & {"l", "t"})), known.entry.subject
    if subject is not None and columns.subject is None:
        yield Finding(
            "refuse",
            None,
            f"risk: rows would count, and not people: the target does not tell these apart by {subject}, its subject. "
            "Treat that by a technique that gives equal values equal pseudonyms, or have the policy name the table "
            "under risk.laxer_for, and state in its entry what is not asked (k: 1, l: 1, t: 1, at_risk: 1)",
        )
    found = [str(path) for path in columns.unmeasured]
    if found:
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        yield Finding(
            "refuse",
            None,
            f"risk: {', '.join(found[:MOST_NAMED])}{more}: quasi-identifiers and sensitive columns are measured where "
            "they are one value of a row, and not within arrays, maps or JSON text: drop it, or have the policy name "
            "the table under risk.laxer_for, and state in its entry what is not asked (k: 1, l: 1, t: 1, at_risk: 1)",
        )
