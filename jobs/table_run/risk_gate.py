"""The gate that a run's rows pass once they are treated, and before anyone sees them: how far they single people out.

Asked is the table as it will be: rows that stay count with those that come. What was measured stands in the commit, and
in the table's properties, and counts small enough to point at a person as ``< 10``; no class is told by its values.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame

from jobs.configuration import shares
from jobs.configuration.asked_risk import AskedRisk
from jobs.configuration.shares import NEARLY
from jobs.console.exit_codes import Refused
from jobs.gates import risk
from jobs.gates.known import Prepared
from jobs.lake import change
from jobs.lake.record_names import RISK
from jobs.lake.replace import USER_METADATA
from jobs.record import measured_risk
from jobs.risk_measures import measure
from jobs.risk_measures.measure import Asked, Measures
from jobs.risk_measures.report import apart, bands, classes, singled
from jobs.risk_measures.report import count as few
from jobs.risk_measures.sizes import THRESHOLD, Sizes
from jobs.run_events import risk_words
from jobs.run_events.risk_words import shown
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import RiskColumns

SUBJECT = "subject"
Held = Mapping[str, tuple[int, float]]
DIGITS = 6


class RiskMissed(Refused):
    """The rows miss a bound."""

    def __init__(self, message: str, risk: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.risk = risk


@dataclasses.dataclass(frozen=True)
class Judged:
    """said: what was measured, as it may be shown. missed: the bounds that rows miss, in words. small: where classes
    are why, how many rows, or people, are in those of which sizes."""

    said: Mapping[str, Any]
    missed: tuple[str, ...]
    small: Sequence[Mapping[str, Any]] = ()

    def check(self, table: str) -> None:
        """Raise `RiskMissed` where something is missed."""
        if self.missed:
            lines = "\n".join(f"{table}: risk: {each}; nothing was committed" for each in self.missed)
            raise RiskMissed(lines, {**self.said, **({"small_classes": list(self.small)} if self.small else {})})


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
        """Measure the rows, say it in the commit to come, and raise `RiskMissed` where they miss what is asked."""
        judged = self.judged(rows)
        self.said = judged.said
        judged.check(self.table)
        conf = rows.sparkSession.conf
        conf.set(USER_METADATA, json.dumps({**json.loads(str(conf.get(USER_METADATA))), "risk": self.said}))

    def judged(self, rows: DataFrame) -> Judged:
        """What is measured of rows, and what they miss."""
        chosen, asked = self._chosen(rows)
        found = measure.measure(chosen, asked)
        held = {} if not found.rows else measure.held(chosen, asked, found)
        return Judged(self._as_data(found, held), tuple(self._missed(found, held)), self._small(found.sizes))

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
        uniques, at_risk = self._singled(sizes)
        return {
            "asked": self.bounds.asked(),
            "asked_by": self.bounds.asked_by(),
            "quasi_identifiers": len(self.columns.quasi_identifiers),
            "counted": self._counted,
            "rows": few(found.rows),
            **({"people": few(sizes.rows)} if self.columns.subject is not None else {}),
            "classes": classes(sizes),
            "k": sizes.k,
            "uniques": uniques,
            "at_risk": at_risk,
            **({"sensitive": told} if told else {}),
        }

    def _missed(self, found: Measures, held: Held) -> Iterator[str]:
        """What the rows miss, by numbers alone. A table without a row singles nobody out."""
        sizes, asked, by = found.sizes, self.bounds.asked(), self.bounds.by
        if not sizes.rows:
            return
        if sizes.k < asked.get("k", 0):
            small = _held_by_small(sizes, int(asked["k"]), self._counted)
            yield f"k is {sizes.k}, and {asked['k']} is asked by {by('k')}: {small}"
        if sizes.at_risk() > shares.of(asked.get("at_risk", 1), sizes.rows):
            many = f"{shown(self._singled(sizes)[1])} of {shown(few(sizes.rows))} {self._counted}"
            most = f"a share of at most {asked['at_risk']} is let pass by {by('at_risk')}"
            yield f"{many} have a risk above {THRESHOLD}, and {most}"
        for at, path in enumerate(self.columns.sensitive):
            l, t = held[f"s{at}"]  # noqa: E741 - l-diversity is called so
            if l < asked.get("l", 0):
                yield f"{path}: l is {l}, and {asked['l']} is asked by {by('l')}"
            if t > asked.get("t", 1) + NEARLY:
                yield f"{path}: t is {_short(t)}, and at most {asked['t']} is let pass by {by('t')}"

    def _singled(self, sizes: Sizes) -> tuple[int | str, int | str]:
        """How many are like no other, and how many at risk, beside the bands of classes that are told."""
        return singled(sizes, beside=_below(sizes, self._least(sizes)))

    def _small(self, sizes: Sizes) -> Sequence[Mapping[str, Any]]:
        """Where k or the share at risk is missed: the classes that are why, by size."""
        small = _below(sizes, self._least(sizes))
        told = bands(small) if isinstance(apart(small.rows, {0, sizes.rows}), int) else ()
        return [{"from": each["from"], "to": each["to"], self._counted: each["rows"]} for each in told]

    def _least(self, sizes: Sizes) -> int:
        """What size classes are not to be below, where k or the share at risk is missed; else 0."""
        asked = self.bounds.asked()
        least = int(asked.get("k", 0)) if sizes.k < asked.get("k", 0) else 0
        if not least and sizes.at_risk() > shares.of(asked.get("at_risk", 1), sizes.rows):
            least = round(1 / THRESHOLD)
        return least


def _held_by_small(sizes: Sizes, k: int, counted: str) -> str:
    """How many are in classes below k, and of which sizes these are. Not how many classes: by that one could count
    down to a person."""
    small = _below(sizes, k)
    held = apart(small.rows, {0, sizes.rows})
    told = f"classes of fewer than {k} hold {shown(held)} of {shown(few(sizes.rows))} {counted}"
    return f"{told} ({risk_words.by_size(bands(small), 'rows')})" if isinstance(held, int) else told


def _below(sizes: Sizes, k: int) -> Sizes:
    return Sizes.of(each for each in sizes.each() if each[0] < k)


def _short(number: float | None) -> float | None:
    return None if number is None else round(number, DIGITS) + 0.0  # which makes -0.0 a zero


def still_kept(prepared: Prepared) -> None:
    """Of a run that finds nothing new: whether the rows that the target has keep what is asked now. They are measured
    where nobody knows, and raise `RiskMissed` where they do not."""
    if prepared.risk.asked() and prepared.target.version >= 0 and risk.not_known_to_keep(prepared) is not None:
        rows = change.rows_of(prepared.spark, prepared.target)
        _gate(prepared).judged(rows).check(prepared.table)


def attached(prepared: Prepared, run_id: str) -> tuple[Prepared, RiskGate | None]:
    """The run with the gate in the way of its commit, and the gate; None where nothing is asked of the table: then its
    properties are no longer to say what an earlier run measured."""
    begun, asked = prepared.target.transaction, prepared.risk.asked()
    gate = _gate(prepared) if asked else None
    if gate is None and (begun is None or RISK not in prepared.target.properties):
        return prepared, None
    assert begun is not None, "refused when it was prepared: without a transaction nobody is asked before the commit"

    def stated() -> Mapping[str, str | None]:
        return measured_risk.properties(None if gate is None else gate.said, run_id, begun.version + 1)

    asking = dataclasses.replace(begun, asks=None if gate is None else gate.ask, states=stated)
    return dataclasses.replace(prepared, target=dataclasses.replace(prepared.target, transaction=asking)), gate


def _gate(prepared: Prepared) -> RiskGate:
    columns = risk_columns.of(prepared.plan, bool(prepared.risk.asked().keys() & {"l", "t"}))
    levels = {str(path): risk_columns.above(prepared.entry.decisions[str(path)]) for path in columns.sensitive}
    return RiskGate(prepared.table, prepared.risk, columns, {path: rows for path, rows in levels.items() if rows})
