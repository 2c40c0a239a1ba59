"""Whether the quasi-identifiers of a table can be cut into boxes (``mondrian``): each is one value at the top of a row,
of a type that has an order or a ladder."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.finding import Finding
from jobs.gates.known import Planned
from jobs.treatment import risk_columns

TEXT = T.StringType
CUT = (TEXT, T.BooleanType, T.NumericType, T.DateType, T.TimestampType, T.TimestampNTZType)
"""What is cut: by order, or by ladders."""


def can_be_cut(known: Planned) -> Iterator[Finding]:
    """Columns that no box is made of. Those within arrays, maps and JSON text the gate of risk refuses."""
    stated = known.entry.mondrian
    if stated is None:
        return
    columns = risk_columns.of(known.plan, with_sensitive=bool(known.risk.asked().keys() & {"l", "t"}))
    types = {path: leaf.output for path, leaf in known.plan.by_path.items()}
    if not columns.quasi_identifiers and not columns.unmeasured:
        yield _refused("no column of class quasi_identifier stays in the target: there is nothing to cut")
    for path in columns.quasi_identifiers:
        if len(path.steps) > 1:
            yield _refused(f"{path} lies in a struct, and only columns at the top of the table are cut: drop it")
        elif path == columns.subject:
            yield _refused(f"{path} is the subject, by which people are counted, and cannot be cut beside it")
    subject = () if columns.subject is None else (columns.subject,)
    for path in (*columns.quasi_identifiers, *columns.sensitive, *subject):
        kind = types[path]
        if kind is not None and not isinstance(kind, CUT):
            yield _refused(f"{path} is {kind.simpleString()}; boxes take numbers, text, dates, times and booleans")
    for name in stated.ladders:
        kind = types.get(ColumnPath.parse(name))
        if kind is not None and not isinstance(kind, TEXT):
            yield _refused(f"ladders: {name} is {kind.simpleString()}, and boxes of it take no ladder: only text does")


def _refused(what: str) -> Finding:
    return Finding("refuse", None, f"mondrian: {what}")
