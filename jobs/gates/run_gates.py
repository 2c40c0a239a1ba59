"""The one list of gates: a plan, a dry run and a run ask all of it, in this order.

One gate is asked before the others, while no key is open (`BEFORE_KEYS`), and one after them (`WITH_WORK`). A place
that cannot be read or written stops whoever plans (`jobs.table_run.planned`).
"""

from __future__ import annotations

from collections.abc import Iterable

from jobs.configuration.finding import Finding, refused
from jobs.console.exit_codes import Refused
from jobs.gates import (
    boxes,
    configuration_gates,
    growth,
    kept_out,
    keys,
    known_elsewhere,
    made_for,
    mapped_feed,
    quarantine,
    risk,
    source,
    subject_keys,
    suppressed,
    target,
    used_up,
    vault,
)
from jobs.gates.gate import Gate, Gates, findings
from jobs.gates.known import Configured, Inspected, Planned, Readable
from jobs.run_events.events import Report, Warned

BEFORE_KEYS: Gates = (Gate(Readable, keys.exposed),)
"""Asked while no key is open yet, so that none is opened where one would be read by others."""

GATES: Gates = (
    Gate(Inspected, target.unguarded),
    Gate(Inspected, target.raw_history),
    Gate(Inspected, suppressed.still_there),
    Gate(Inspected, suppressed.finer_before),
    Gate(Inspected, made_for.somebody_else),
    Gate(Inspected, target.plain),
    Gate(Inspected, target.measured_still),
    Gate(Planned, target.folders),
    Gate(Inspected, mapped_feed.writable),
    Gate(Inspected, keys.other_than_recorded),
    Gate(Inspected, growth.same_record),
    Gate(Inspected, growth.rest_there),
    Gate(Inspected, growth.what_was_deleted),
    Gate(Planned, growth.keyed),
    Gate(Inspected, quarantine.same_place),
    Gate(Inspected, quarantine.same_name),
    Gate(Planned, risk.measurable),
    Gate(Inspected, risk.kept_by_what_is_there),
    Gate(Planned, boxes.can_be_cut),
    Gate(Readable, source.consented),
    Gate(Planned, known_elsewhere.readable),
    Gate(Planned, keys.delivery),
    Gate(Planned, keys.age),
    Gate(Planned, keys.layers),
    Gate(Planned, keys.linking),
    Gate(Planned, keys.apart),
    Gate(Inspected, vault.fits),
    Gate(Inspected, subject_keys.fit),
    Gate(Inspected, kept_out.can_be),
    *configuration_gates.GATES,
)

WITH_WORK: Gates = (Gate(Planned, used_up.left),)
"""Asked where all of these let the run pass and there is something to treat; by `plan`, as if there were."""


def pass_all(known: Configured, report: Report, gates: Gates = GATES) -> None:
    """Ask every gate, report the warnings, and raise `Refused` with all reasons at once, if there are any."""
    found = findings(gates, known)
    for each in found:
        if each.level == "warn":
            report(Warned(known.table, str(each)))
    _refuse(known.table, refused(found))


def _refuse(table: str, found: Iterable[Finding]) -> None:
    reasons = [f"{table}: {each}" for each in found]
    if reasons:
        raise Refused("\n".join(reasons))
