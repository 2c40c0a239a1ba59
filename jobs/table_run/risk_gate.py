"""The gate that a run's rows pass once they are treated, and before anyone sees them: how far they single people out.

Asked is the table as it will be: rows that stay count with those that come. What was measured stands in the commit,
and counts small enough to point at a person as ``< 10``; no class is told by its values.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame

from jobs.configuration import shares
from jobs.configuration.asked_risk import AskedRisk
from jobs.console.exit_codes import Refused
from jobs.gates.known import Prepared
from jobs.lake.replace import USER_METADATA
from jobs.risk_measures import measure, treated
from jobs.risk_measures.measure import NEARLY, Asked, Measures
from jobs.risk_measures.report import classes
from jobs.risk_measures.report import count as few
from jobs.risk_measures.sizes import THRESHOLD, Sizes
from jobs.run_events.risk_words import shown
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import RiskColumns

SUBJECT = "subject"
Held = Mapping[str, tuple[int, float]]
DIGITS = 6


@dataclasses.dataclass
class RiskGate:
    """hierarchies: of sensitive columns, by their paths, what is above the values that they show. said: what was
    measured, for the commit; None as long as nothing was asked."""

    table: str
    bounds: AskedRisk
    columns: RiskColumns
    hierarchies: Mapping[str, Sequence[Sequence[str]]]
    said: Mapping[str, Any] | None = None

    def ask(self, rows: DataFrame) -> None:
        """Measure the rows, say it in the commit to come, and raise `Refused` where they miss what is asked."""
        chosen, asked = self._chosen(rows)
        found = measure.measure(chosen, asked)
        held = {} if not found.rows else measure.held(chosen, asked, found)
        self.said = self._as_data(found, held)
        missed = list(self._missed(found, held))
        if missed:
            raise Refused("\n".join(f"{self.table}: risk: {each}; nothing was committed" for each in missed))
        conf = rows.sparkSession.conf
        conf.set(USER_METADATA, json.dumps({**json.loads(str(conf.get(USER_METADATA))), "risk": self.said}))

    def _chosen(self, rows: DataFrame) -> tuple[DataFrame, Asked]:
        """The columns that are measured."""
        keys = risk_columns.keys(self.columns)
        learnt = {f"s{at}": path for at, path in enumerate(self.columns.sensitive)}
        subject = {} if self.columns.subject is None else {SUBJECT: self.columns.subject}
        more = {name: risk_columns.shown(path) for name, path in {**learnt, **subject}.items()}
        chosen = rows.select(*(each.alias(name) for name, each in {**keys, **more}.items()))
        above = {name: self.hierarchies[str(path)] for name, path in learnt.items() if str(path) in self.hierarchies}
        return chosen, Asked([*keys], [*learnt], SUBJECT if subject else None, hierarchies=above)

    @property
    def _counted(self) -> str:
        return "rows" if self.columns.subject is None else "people"

    def _as_data(self, found: Measures, held: Held) -> dict[str, Any]:
        sizes = found.sizes
        learnt = {str(path): held.get(f"s{at}", (None, None)) for at, path in enumerate(self.columns.sensitive)}
        told = {path: {"l": least, "t": _short(most)} for path, (least, most) in learnt.items()}
        return {
            "asked": self.bounds.asked(),
            "asked_by": self.bounds.asked_by(),
            "quasi_identifiers": len(self.columns.quasi_identifiers),
            "counted": self._counted,
            "rows": few(found.rows),
            **({"people": few(sizes.rows)} if self.columns.subject is not None else {}),
            "classes": classes(sizes),
            "k": sizes.k,
            "uniques": few(sizes.uniques),
            "at_risk": few(sizes.at_risk()),
            **({"sensitive": told} if told else {}),
        }

    def _missed(self, found: Measures, held: Held) -> Iterator[str]:
        """What the rows miss, by numbers alone. A table without a row singles nobody out."""
        sizes, asked, by = found.sizes, self.bounds.asked(), self.bounds.by
        if not sizes.rows:
            return
        if sizes.k < asked.get("k", 0):
            small = _small(sizes, int(asked["k"]), self._counted)
            yield f"k is {sizes.k}, and {asked['k']} is asked by {by('k')}: {small}"
        at_risk = sizes.at_risk()
        if at_risk > shares.of(asked.get("at_risk", 1), sizes.rows):
            many = f"{shown(few(at_risk))} of {shown(few(sizes.rows))} {self._counted}"
            most = f"a share of at most {asked['at_risk']} is let pass by {by('at_risk')}"
            yield f"{many} have a risk above {THRESHOLD}, and {most}"
        for at, path in enumerate(self.columns.sensitive):
            l, t = held[f"s{at}"]  # noqa: E741 - l-diversity is called so
            if l < asked.get("l", 0):
                yield f"{path}: l is {l}, and {asked['l']} is asked by {by('l')}"
            if t > asked.get("t", 1) + NEARLY:
                yield f"{path}: t is {_short(t)}, and at most {asked['t']} is let pass by {by('t')}"


def _small(sizes: Sizes, k: int, counted: str) -> str:
    """How many are in classes below k. Not how many classes these are: by that one could count down to a person."""
    members = sum(many for size, many in sizes.members.items() if size < k)
    return f"classes of fewer than {k} hold {shown(few(members))} of {shown(few(sizes.rows))} {counted}"


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS) + 0.0  # which makes -0.0 a zero


def attached(prepared: Prepared) -> tuple[Prepared, RiskGate | None]:
    """The run with the gate in the way of its commit, and the gate; None where nothing is asked of the table."""
    asked = prepared.risk.asked()
    if not asked:
        return prepared, None
    begun = prepared.target.transaction
    assert begun is not None, "refused when it was prepared: without a transaction nobody is asked before the commit"
    columns = risk_columns.of(prepared.plan, bool(asked.keys() & {"l", "t"}))
    levels = {str(path): treated.above(prepared.entry.decisions[str(path)]) for path in columns.sensitive}
    gate = RiskGate(prepared.table, prepared.risk, columns, {path: rows for path, rows in levels.items() if rows})
    target = dataclasses.replace(prepared.target, transaction=dataclasses.replace(begun, asks=gate.ask))
    return dataclasses.replace(prepared, target=target), gate
