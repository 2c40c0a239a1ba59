"""Whether the boxes that a table's quasi-identifiers were cut into reach what the record says (``mondrian``).

Which values a box has follows from all rows together, so that no value of it can be made again from one row alone:
these columns are left out where the source is treated anew, and held to what they are for instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from jobs.configuration import asked_risk
from jobs.configuration.asked_risk import is_stricter
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.shares import NEARLY
from jobs.console.numbers import many
from jobs.console.shown import shown
from jobs.record import record_reader
from jobs.risk_measures import measure, treated
from jobs.risk_measures.measure import Asked, Measures
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing

REACHED = ("k", "l", "t")
"""The measures that boxes are cut for."""


def cut(table: Standing) -> tuple[str, ...]:
    """The columns of a table that are cut into boxes, by their paths; none where the record knows of no boxes."""
    if record_reader.mondrian_of(table.properties) is None:
        return ()
    leaves = {
        str(ColumnPath.parse(path).leaf): None
        for path, column in table.columns.items()
        if column.class_ == "quasi_identifier" and not column.facts.drops_column and not column.gives_null
    }
    return tuple(leaves)


def by_ladder(table: Standing) -> frozenset[str]:
    """Those of them whose values are told by a ladder, so that they may have another shape than the treatment gives."""
    stated = record_reader.mondrian_of(table.properties) or {}
    return frozenset(str(ColumnPath.parse(name)) for name in stated.get("ladders", {}))


def check(table: Standing) -> Iterator[Check]:
    """Classes are counted as the gate of a run counts them. Without a configuration nobody knows whose rows they are,
    and what is above sensitive values: then rows are counted, for ``k`` alone."""
    stated, columns = _stated(table), cut(table)
    if stated is None:
        return
    chosen = None if table.entry is None else treated.chosen(table.rows.schema, table.entry)
    learnt = () if chosen is None or not stated.keys() & {"l", "t"} else chosen.sensitive
    subject = None if chosen is None else chosen.subject
    trees = {} if chosen is None else {name: rows for name, rows in chosen.hierarchies.items() if name in learnt}
    asked = Asked(columns, learnt, subject, hierarchies=trees)
    found = measure.measure(table.rows, asked)
    held = {} if not found.rows else measure.held(table.rows, asked, found)
    counted = "rows" if subject is None else "people"
    unasked = "" if chosen is not None or not stated.keys() & {"l", "t"} else f"; l and t are not: {table.unknown}"
    said = f"{many(len(columns), 'column')}, k by {counted}{unasked}"
    yield judged("boxes", list(_missed(stated, found, held, counted)), said)


def _stated(table: Standing) -> Mapping[str, Any] | None:
    """What boxes are to reach by the record, and by what the policy and the entry ask of the risk where stricter,
    as when they were cut; None where the record knows of no boxes."""
    recorded = record_reader.mondrian_of(table.properties)
    if recorded is None or table.conf is None or table.entry is None:
        return recorded
    asked = asked_risk.of(table.conf.policy, table.entry).asked()
    reached = {name: bound for name, bound in asked.items() if name in REACHED}
    more = {name: bound for name, bound in reached.items() if is_stricter(name, bound, recorded.get(name, bound))}
    return {**reached, **recorded, **more}


def _missed(
    stated: Mapping[str, Any], found: Measures, held: Mapping[str, tuple[int, float]], counted: str
) -> Iterator[str]:
    if found.rows and found.sizes.k < stated["k"]:
        yield f"a class has fewer than {stated['k']} {counted}"
    for name, (l, t) in held.items():  # noqa: E741 - l-diversity is called so
        if l < stated.get("l", 0):
            yield f"{shown(name)}: a class has fewer than {stated['l']} values"
        if t > stated.get("t", 1) + NEARLY:
            yield f"{shown(name)}: a class is farther than {stated['t']} from the whole table"
