"""What `jobs/init.py` made and found, told to a person or as plain data; no value is in it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from jobs.configuration.entry import UNDECIDED
from jobs.console.text_table import table_lines
from jobs.drafting.proposals import Proposal
from jobs.starting.conf_files import Begun


@dataclasses.dataclass(frozen=True)
class Drafted:
    """A table with what is proposed for its columns. made: whether its draft was written; it stood already if not."""

    table: str
    file: str
    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...]
    made: bool

    def classes(self) -> dict[str, int]:
        """How many columns are proposed as of each class."""
        found: dict[str, int] = {}
        for each in self.proposals:
            found[each.kind.class_] = found.get(each.kind.class_, 0) + 1
        return found

    def undecided(self) -> int:
        return sum(UNDECIDED in (each.kind.class_, each.treatment) for each in self.proposals)


@dataclasses.dataclass(frozen=True)
class Outcome:
    """begun: which files were made, and which stood. problems: of tables that could not be read. waiting: tables whose
    drafts stood, and wait for a person still."""

    begun: Begun
    tables: tuple[Drafted, ...]
    problems: tuple[str, ...]
    told: tuple[str, ...]
    waiting: tuple[str, ...] = ()


def as_text(found: Outcome) -> str:
    """What was made and found, for a person."""
    begun = found.begun
    lines = [f"made in {begun.folder}: {', '.join(begun.made)}"] if begun.made else []
    lines += [f"stood already, left as it is: {', '.join(begun.stood)}"] if begun.stood else []
    lines += [*found.told, *(f"{each.table}: {note}" for each in found.tables for note in each.notes)]
    if found.tables:
        classes = list(dict.fromkeys(name for each in found.tables for name in each.classes()))
        rows = [
            [each.table, str(len(each.proposals)), *(str(each.classes().get(name, 0)) for name in classes)]
            for each in found.tables
        ]
        lines += ["", *table_lines(["table", "columns", *(name.replace("_", " ") for name in classes)], rows)]
    return "\n".join(lines)


def as_data(found: Outcome) -> dict[str, Any]:
    """The same as plain data; no value is in it."""

    def of(each: Drafted) -> Mapping[str, Any]:
        told = {"table": each.table, "file": each.file, "made": each.made, "columns": len(each.proposals)}
        return {**told, "classes": each.classes(), "undecided": each.undecided(), "notes": list(each.notes)}

    begun = found.begun
    return {
        "conf": str(begun.folder), "made": begun.made, "stood": begun.stood, "told": list(found.told),
        "waiting": list(found.waiting),
        "tables": [of(each) for each in found.tables], "problems": list(found.problems),
    }  # fmt: skip
