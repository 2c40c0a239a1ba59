"""Differences of treatments on their way to a person and to a program."""

from __future__ import annotations

import dataclasses
from typing import Any

from jobs.console.numbers import many
from jobs.console.text_table import table_lines
from jobs.policy.treatment_diff import ColumnDiff

LOUD = {"weaker": "WEAKER", "not comparable": "NOT COMPARABLE"}


@dataclasses.dataclass(frozen=True)
class TableDiff:
    """What a change of configuration means for one table. against: what it is compared with, for a person. rows: what
    changes in which rows are read, if something does; suppress: in which of them are kept out of the target; mondrian:
    in the boxes that their quasi-identifiers are cut into."""

    table: str
    against: str
    columns: tuple[ColumnDiff, ...]
    rows: ColumnDiff | None = None
    suppress: ColumnDiff | None = None
    mondrian: ColumnDiff | None = None

    @property
    def is_weaker(self) -> bool:
        return any(part.is_weaker for part in self._parts)

    @property
    def _parts(self) -> tuple[ColumnDiff, ...]:
        return (*self._of_rows.values(), *self.columns)

    @property
    def _of_rows(self) -> dict[str, ColumnDiff]:
        """What changes for whole rows."""
        given = {"rows": self.rows, "suppress": self.suppress, "mondrian": self.mondrian}
        return {name: part for name, part in given.items() if part is not None}

    def as_data(self) -> dict[str, Any]:
        """For JSON; all columns, unchanged ones too."""
        columns = [column.as_data() for column in self.columns]
        rows = {name: part.as_data() for name, part in self._of_rows.items()}
        return {"table": self.table, "against": self.against, "weaker": self.is_weaker, **rows, "columns": columns}

    def as_text(self) -> str:
        """For a person: what changed, one line for each consequence."""
        changed = [column for column in self.columns if column.change != "unchanged"]
        same = len(self.columns) - len(changed)
        change = "changes" if len(changed) == 1 else "change"
        title = f"{self.table} against {self.against}: {many(len(changed), 'column')} {change}, {same} stay"
        rows = [
            [column.column if first else "", LOUD.get(column.change, column.change) if first else "", effect]
            for column in [*self._of_rows.values(), *changed]
            for first, effect in _told(column)
        ]
        lines = table_lines(("column", "change", "what it means"), rows, indent=2) if rows else []
        return "\n".join([title, *(f"  {line}" for line in lines)])


def _told(column: ColumnDiff) -> list[tuple[bool, str]]:
    return [(at == 0, effect.text) for at, effect in enumerate(column.effects)]
