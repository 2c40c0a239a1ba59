"""Whether what is asked about the risk of a table can be measured at all, and whether the rows that it has are known to
keep it; how it comes out, the run itself asks of its rows, once they are treated (`jobs.table_run.risk_gate`)."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration import shares
from jobs.configuration.finding import Finding
from jobs.configuration.shares import NEARLY
from jobs.gates.known import Inspected, Planned
from jobs.record import measured_risk
from jobs.record.measured_risk import MeasuredRisk
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import RiskColumns

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


def kept_by_what_is_there(known: Inspected) -> Iterator[Finding]:
    """Of a run that goes on from its target's rows: with nothing new it writes nothing, whatever is asked by now."""
    if not known.risk.asked() or not known.adds or known.target.transaction is None:
        return
    why = not_known_to_keep(known)
    if why is not None:
        told = "a run that finds nothing new measures the rows as they stand, and stops where they miss it"
        yield Finding("warn", None, f"risk: {why}: {told}. --mode full treats and measures all anew")


def not_known_to_keep(known: Inspected) -> str | None:
    """Why nobody knows that the target's rows keep what is asked; None where it is known."""
    asked, found = known.risk.asked(), measured_risk.of(known.target.properties, known.target.history)
    columns = risk_columns.of(known.plan, bool(asked.keys() & {"l", "t"}))
    listed = ", ".join(f"{name} {bound}" for name, bound in asked.items())
    if found is None:
        return f"{listed} is asked, and nothing was measured of the rows of {known.target.name}"
    at = f"version {found.version} of {known.target.name}"
    if found.is_changed:
        return f"{listed} is asked, and others changed rows since {at} was measured"
    if not found.is_known:
        return f"{listed} is asked, and the log of {known.target.name} no longer tells what changed since {at}"
    if not _is_of(found, columns):
        return f"{listed} is asked, and {at} was measured by other columns, or for less"
    missed = [name for name in asked if not _is_kept(name, asked[name], found)]
    told = [f"{name} {_measured(name, found)}, and {asked[name]} is asked by {known.risk.by(name)}" for name in missed]
    return f"{at} was measured at {'; '.join(told)}" if told else None


def _measured(name: str, found: MeasuredRisk) -> str:
    risk = found.risk
    if name == "k":
        return str(risk["k"])
    if name == "at_risk":
        return f"{risk['at_risk']} of {risk[risk['counted']]}"
    worst = [each[name] for each in risk["sensitive"].values() if each[name] is not None]
    return str((min if name == "l" else max)(worst, default=None))


def _is_of(found: MeasuredRisk, columns: RiskColumns) -> bool:
    counted = "rows" if columns.subject is None else "people"
    is_same = (found.risk["counted"], found.risk["quasi_identifiers"]) == (counted, len(columns.quasi_identifiers))
    return is_same and set(map(str, columns.sensitive)) <= found.risk.get("sensitive", {}).keys()


def _is_kept(name: str, bound: float, found: MeasuredRisk) -> bool:
    """A count that is hidden is taken for the most that it may be, and its whole for the least."""
    risk, many = found.risk, found.risk[found.risk["counted"]]
    if many == 0:
        return True
    if name == "k":
        return bool(risk["k"] >= bound)
    if name == "at_risk":
        at_risk = measured_risk.most(risk["at_risk"])
        return at_risk is not None and at_risk <= shares.of(bound, 1 if isinstance(many, str) else many)
    worst = [each[name] for each in risk.get("sensitive", {}).values()]
    if name == "l":
        return all(each is not None and each >= bound for each in worst)
    return all(each is not None and each <= bound + NEARLY for each in worst)
