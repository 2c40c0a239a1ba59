"""Quasi-identifiers cut into boxes (`jobs.risk_search.mondrian`): all rows of a box get the same values.

Cut are the rows as they were treated and written. Each box reaches what the entry's ``mondrian`` states and, where more
is asked of the table's risk, that too, so that the gate behind it (`jobs.table_run.risk_gate`) finds what it asks for.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame

from jobs.configuration import ladder_steps
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import TableConfig
from jobs.console.exit_codes import Refused
from jobs.gates.known import Prepared
from jobs.risk_measures import report
from jobs.risk_measures.sizes import Sizes
from jobs.risk_search import class_table, ladders, mondrian
from jobs.risk_search.class_table import ClassTable, NotForSearch, Quasi, TooManyCombinations
from jobs.risk_search.ladders import Ladder, LadderRefused, Rung
from jobs.risk_search.mondrian import Boxes
from jobs.risk_search.wish import NotReached, Wish
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import RiskColumns
from privacy_udfs.errors import UnexpectedFailure

SUBJECT = "(subject)"
"""No column's path is spelt so."""
Cut = Callable[[DataFrame], DataFrame]


@dataclasses.dataclass
class BoxCut:
    """asked: what each box reaches, by measure. hierarchies: of sensitive columns, by their paths, what is above the
    values that they show. said: what was cut, for the commit; None as long as nothing was."""

    table: str
    asked: Mapping[str, float]
    ladders: Mapping[str, Ladder]
    columns: RiskColumns
    hierarchies: Mapping[str, Sequence[Sequence[str]]]
    said: Mapping[str, Any] | None = None
    changes: bool = False

    def of(self, rows: DataFrame, written: int) -> Cut | None:
        """What puts rows into their boxes; None where no row changes. Raises `Refused` where there are none that reach
        what is asked, or too many combinations to cut."""
        if not written:
            return None
        try:
            counted = self._counted(rows)
            boxes = mondrian.cut(counted, self.ladders, self._wish())
        except (TooManyCombinations, NotForSearch, NotReached, LadderRefused) as error:
            raise Refused(f"{self.table}: mondrian: {error}; nothing was committed") from None
        if counted.rows != written:
            raise UnexpectedFailure(f"{written} rows were written, and {counted.rows} are read")
        self.said, self.changes = self._as_data(boxes), boxes.changes
        named = dataclasses.replace(boxes, table=self._by_name(counted))
        return (lambda some: mondrian.apply(some, named)) if self.changes else None

    def _counted(self, rows: DataFrame) -> ClassTable:
        """By the paths of columns, which messages name."""
        known, learnt = self.columns.quasi_identifiers, self.columns.sensitive
        of = self.columns.subject
        chosen = [risk_columns.shown(path).alias(str(path)) for path in (*known, *learnt)]
        subject = [] if of is None else [risk_columns.shown(of).alias(SUBJECT)]
        trees = {path: ladders.hierarchy(tuple(map(tuple, levels)), path) for path, levels in self.hierarchies.items()}
        names = [*map(str, known)], [*map(str, learnt)]
        return class_table.count(
            rows.select(*chosen, *subject), names[0], names[1], SUBJECT if subject else None, trees
        )

    def _by_name(self, counted: ClassTable) -> ClassTable:
        """By the names that columns have at the top of the rows."""
        pairs = zip(self.columns.quasi_identifiers, counted.quasi, strict=True)
        named = tuple(Quasi(risk_columns.names(path)[0], quasi.values) for path, quasi in pairs)
        return dataclasses.replace(counted, quasi=named)

    def _wish(self) -> Wish:
        each = {
            name: dict.fromkeys(map(str, self.columns.sensitive), self.asked[name])
            for name in ("l", "t")
            if name in self.asked
        }
        return Wish(k=int(self.asked["k"]), **each)  # type: ignore[arg-type]

    def _as_data(self, boxes: Boxes) -> dict[str, Any]:
        """Sizes are in rows. Where few rows are in boxes of some size the numbers are rounded, as reports have them."""
        sizes = Sizes.of((size, many, size * many) for size, many in Counter(boxes.rows.tolist()).items())
        return {
            "asked": dict(self.asked),
            "columns": len(self.columns.quasi_identifiers),
            "boxes": report.classes(sizes),
            "average_class_size": report.blurred(sizes, round(boxes.average_class_size, 2)),
            "discernibility": report.blurred(sizes, float(f"{boxes.discernibility:.4g}")),
        }


def of(prepared: Prepared) -> BoxCut | None:
    """What cuts the rows of a run; None where its entry does not ask for it."""
    entry = prepared.entry
    if entry.mondrian is None:
        return None
    asked = {name: bound for name, bound in prepared.risk.asked().items() if name in ("k", "l", "t")}
    columns = risk_columns.of(prepared.plan, with_sensitive=bool(asked.keys() & {"l", "t"}))
    levels = {str(path): risk_columns.above(entry.decisions[str(path)]) for path in columns.sensitive}
    trees = {path: rows for path, rows in levels.items() if rows}
    return BoxCut(prepared.table, asked, ladders_of(entry), columns, trees)


def ladders_of(entry: TableConfig) -> dict[str, Ladder]:
    """Those that an entry states, by the column's path."""
    found = {}
    for name, text in ({} if entry.mondrian is None else entry.mondrian.ladders).items():
        path, steps = str(ColumnPath.parse(name)), ladder_steps.treatments(text)
        found[path] = ladders.hierarchy(entry.ladders[path], text) if steps is None else Ladder(tuple(map(Rung, steps)))
    return found
