"""The columns of a draft: what is proposed, what the inventory says of it above, and whether it is accepted."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from jobs.configuration import unaccepted
from jobs.configuration.documents import Document
from jobs.configuration.entry import UNDECIDED
from jobs.configuration.kinds import KINDS
from jobs.drafting import draft
from privacy_udfs.techniques import BY_NAME, facts_of

COLUMNS = "columns"
BY_CONTENT = "of the values"
"""What a reason says that was found in values; others are of names, or that nothing was found."""


@dataclasses.dataclass(frozen=True)
class Column:
    """class_, treatment: as written; `UNDECIDED` where nothing is proposed. notes: what the inventory says of it: kind,
    shares and warnings, no value. type: of the column as it was looked at, in SQL; None where nobody did. by_cases:
    each row by its case; such a column is changed in the file."""

    path: str
    class_: str
    treatment: Any
    kind: str
    why: str
    notes: tuple[str, ...]
    type: str | None
    accepted: bool
    by_cases: bool

    @property
    def is_open(self) -> bool:
        """Whether class or treatment are for a person to find."""
        return UNDECIDED in (self.class_, self.treatment)

    def as_data(self) -> dict[str, Any]:
        """For JSON."""
        told = {"column": self.path, "class": self.class_, "treatment": self.treatment, "kind": self.kind}
        return {**told, "type": self.type, "accepted": self.accepted, "why": self.why, "notes": list(self.notes)}


def of(document: Document, text: str) -> Iterator[Column]:
    """In the order of the file. text: the file's."""
    lines, columns = text.splitlines(), document.written.get(COLUMNS)
    for path, entry in columns.items() if isinstance(columns, dict) else ():
        yield _column(path, entry, _above(lines, document.line((COLUMNS, path))))


def _column(path: str, entry: Any, comments: Sequence[str]) -> Column:
    given = entry if isinstance(entry, dict) else {}
    notes = tuple(line for line in comments if not f"# {line}".startswith(draft.EVIDENCE))
    texts = {name: str(given.get(name) or "") for name in ("class", "kind", "why")}
    kind = texts["kind"] or (notes[0].partition(":")[0] if notes else "")
    by_cases = "when" in given
    treatment = "by cases" if by_cases else given.get("treatment", UNDECIDED)
    accepted = unaccepted.is_accepted(entry)
    return Column(
        path, texts["class"] or UNDECIDED, treatment, kind, texts["why"], notes, _type(comments), accepted, by_cases
    )


def _above(lines: Sequence[str], line: int) -> list[str]:
    """The comments right above a line."""
    found: list[str] = []
    at = line - 2
    while 0 <= at < len(lines) and lines[at].lstrip().startswith("#"):
        found.insert(0, lines[at].strip().removeprefix("#").strip())
        at -= 1
    return found


def _type(comments: Iterable[str]) -> str | None:
    for line in comments:
        if f"# {line}".startswith(draft.EVIDENCE):
            try:
                found = json.loads(f"# {line}".removeprefix(draft.EVIDENCE))
            except ValueError:
                return None
            return str(found["type"]) if isinstance(found, dict) and "type" in found else None
    return None


def evident(columns: Iterable[Column], class_: str) -> list[Column]:
    """Those not accepted yet that are proposed as of this class because of what their values are, and are hidden."""

    def is_evident(column: Column) -> bool:
        known = column.kind in KINDS and any(BY_CONTENT in note for note in column.notes)
        return known and not (column.accepted or column.is_open or column.by_cases or _is_kept(column.treatment))

    return [column for column in columns if column.class_ == class_ and is_evident(column)]


def _is_kept(treatment: Any) -> bool:
    name = treatment.get("technique") if isinstance(treatment, dict) else treatment
    return isinstance(name, str) and name in BY_NAME and facts_of(name).keeps_values
