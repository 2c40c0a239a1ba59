"""What a run would say of a suggestion (`jobs.risk_search`): the source's rows treated as it says, and measured as the
gate measures what a run has written.

A search counts over combinations of values, and people in each class by itself. The gate counts people by their whole
trails, and sensitive values both ways; so what a search found may be refused.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame

from jobs.configuration.asked_risk import AskedRisk, Bound, is_stricter
from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.models import TableConfig
from jobs.configuration.risk_bounds import ALWAYS, Suppress
from jobs.console.exit_codes import Refused
from jobs.lake.columns import column
from jobs.risk_search import of_table
from jobs.risk_search.search import Found
from jobs.run_events import risk_words
from jobs.table_run.risk_gate import RiskGate
from jobs.table_run.small_classes import SmallClasses
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import RiskColumns
from privacy_udfs import udf

SEARCH = "the search"


@dataclasses.dataclass(frozen=True)
class Foreseen:
    """risk: what a run would measure, as it may be shown; None where it would stop before. missed: why it would be
    refused; nothing where it would not."""

    risk: Mapping[str, Any] | None
    missed: tuple[str, ...]

    @property
    def is_accepted(self) -> bool:
        return not self.missed

    def lines(self) -> Iterator[str]:
        """For whoever reads the suggestion."""
        if self.is_accepted and self.risk is not None:
            yield "a run that treats these columns so would pass the gate:"
            yield risk_words.in_words(self.risk)
            return
        yield "a run that treats these columns so WOULD BE REFUSED by the gate:"
        yield from self.missed

    def as_data(self) -> dict[str, Any]:
        return {"accepted": self.is_accepted, "missed": list(self.missed), "measured": self.risk and dict(self.risk)}


def of(rows: DataFrame, entry: TableConfig, found: Found, asked: AskedRisk) -> Foreseen:
    """rows: as `of_table.rows_of`. asked: of the table, by its entry and its policy; what was searched for is too."""
    quasi, sensitive = [*found.levels], [each.name for each in found.space.table.sensitive]
    subject = of_table.subject_of(entry, [*quasi, *sensitive])
    columns = RiskColumns(
        tuple(map(_path, quasi)), tuple(map(_path, sensitive)), None if subject is None else _path(subject)
    )
    levels = {name: risk_columns.above(entry.decisions[str(_path(name))]) for name in sensitive}
    gate = RiskGate(
        entry.name, _bounds(found, asked), columns, {str(_path(name)): tree for name, tree in levels.items() if tree}
    )
    treated = _treated(rows, found)
    if not found.best.suppressed:
        return _judged(gate, treated)
    stated = Suppress(k=max(found.wish.k, 2), at_most=found.wish.suppressed)
    try:
        with SmallClasses(entry.name, stated, columns, None).stay(treated) as rest:
            return _judged(gate, rest)
    except Refused as refused:
        return Foreseen(None, (str(refused).removeprefix(f"{entry.name}: "),))


def _judged(gate: RiskGate, rows: DataFrame) -> Foreseen:
    judged = gate.judged(rows)
    return Foreseen(judged.said, judged.missed)


def _treated(rows: DataFrame, found: Found) -> DataFrame:
    made = {
        name: udf.arrow(rung.treatment, None, rows.schema[name].dataType)(column(name))
        for name, rung in found.rungs.items()
    }
    return rows.select(*(made.get(name, column(name)).alias(name) for name in rows.columns))


def _bounds(found: Found, asked: AskedRisk) -> AskedRisk:
    """The stricter of what was searched for and of what is asked of the table."""
    wish = found.wish
    searched = {"k": float(wish.k), "l": max(wish.l.values(), default=1), "t": min(wish.t.values(), default=1.0)}
    bounds = dict(asked.bounds)
    for name, value in searched.items():
        if value != ALWAYS[name] and (name not in bounds or is_stricter(name, value, bounds[name].value)):
            bounds[name] = Bound(int(value) if name != "t" else value, SEARCH)
    return AskedRisk({name: bounds[name] for name in ALWAYS if name in bounds})


def _path(name: str) -> ColumnPath:
    return ColumnPath((Field(name),))
