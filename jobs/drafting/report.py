"""What the inventory tells and writes: drafts and drift, as text for a person or as one JSON object for each table."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jobs.configuration import evidence_file, plain_path
from jobs.configuration.documents import canonical_json
from jobs.configuration.entry import UNDECIDED
from jobs.configuration.evidence_file import Seen
from jobs.console import whole_files
from jobs.console.exit_codes import BadUsage
from jobs.console.numbers import many
from jobs.console.shown import say, shown
from jobs.drafting.draft import key
from jobs.drafting.drift import Drift
from jobs.drafting.proposals import Proposal


@dataclasses.dataclass(frozen=True)
class Drafted:
    """A draft: of a whole file, or of the columns that an entry lacks. text: empty where nothing is undecided. seen:
    what was seen in all columns, decided ones too, to be held against what is decided. source: where, as drafts write
    it."""

    table: str
    file: str
    proposals: tuple[Proposal, ...]
    text: str
    seen: evidence_file.OfTable = dataclasses.field(default_factory=dict)
    source: str | None = None


def write(made: Drafted, folder: Path) -> Path | None:
    """The file that now holds the draft; None where there is nothing to decide. Raises `BadUsage` rather than write
    over a file that a person may have worked on."""
    if not made.text:
        write_evidence(made, folder)
        return None
    file = folder / made.file
    if not plain_path.is_name(made.file):
        raise BadUsage(f"{made.file!r} is no name for a file in {folder}: name the table in an entry first")
    if file.exists():
        raise BadUsage(f"{file} is there already and is never overwritten: accept or remove it first")
    write_evidence(made, folder)  # before the draft: none is ever without it
    whole_files.create(file, made.text)
    return file


def write_evidence(made: Drafted, folder: Path) -> None:
    """Write the file beside ``folder``, the catalog's, that holds what was seen, where anything was. Of a column that
    had no values this time, or in which less is seen now (a smaller sample may miss it), what was seen before in the
    same source stays; the latter is told on stderr."""
    if not made.seen or not plain_path.is_name(made.table):
        return
    conf = folder.absolute().parent
    before = evidence_file.of_table(conf, made.table, made.source)
    seen = {**before, **{name: each for name, each in made.seen.items() if _says_more(each, before.get(name))}}
    file = evidence_file.path(conf, made.table)
    file.parent.mkdir(exist_ok=True)
    whole_files.replace(file, evidence_file.as_text(made.table, seen, made.source))
    for name, each in made.seen.items():
        if _values(each) and seen[name] is not each:
            told = (
                f"{each.kind} ({each.class_}) is seen now; {seen[name].kind} ({seen[name].class_}) is kept as evidence"
            )
            remove = f"if that was wrong, remove its line from {file} and look again"
            say(f"{made.table}: {key(name)}: {told}, as seen on {seen[name].seen}: {remove}", sys.stderr)


def _says_more(now: Seen, before: Seen | None) -> bool:
    if before is None or not before.is_known:
        return True
    ranks = evidence_file.RANK[now.class_], evidence_file.RANK[before.class_]
    if ranks[0] != ranks[1]:
        return ranks[0] > ranks[1]
    return _values(now) > 0 and (now.class_ == before.class_ or _values(now) >= _values(before))


def _values(seen: Seen) -> int:
    """How many values were looked at."""
    count = seen.evidence.get("values")
    return count if isinstance(count, int) else 0


def draft_as_text(made: Drafted, written: Path | None) -> str:
    if written is not None:
        left = sum(each.treatment == UNDECIDED for each in made.proposals)
        and_open = f"{left} of them left undecided, " if left else ""
        columns = many(len(made.proposals), "column")
        told = f"{made.table}: {columns} proposed, {and_open}for a person to accept, in {written}"
        return "\n".join([told, *_warnings(made)])
    return made.text or f"{made.table}: every column is decided"


def _warnings(made: Drafted) -> list[str]:
    return [f"  {key(str(each.found.path))}: {warning}" for each in made.proposals for warning in each.warnings]


def draft_as_json(made: Drafted, written: Path | None) -> str:
    columns = [_column(proposal) for proposal in made.proposals]
    file = None if written is None else str(written)
    return shown(canonical_json({"table": made.table, "file": file, "columns": columns}))


def _column(proposal: Proposal) -> dict[str, Any]:
    """A proposed column with its evidence and no value."""
    return {
        "column": str(proposal.found.path),
        "kind": proposal.kind.name,
        "class": proposal.kind.class_,
        "treatment": proposal.treatment,
        "reasons": list(proposal.kind.reasons),
        "warnings": list(proposal.warnings),
        "evidence": proposal.found.evidence.as_data(),
    }


def drift_as_text(table: str, changes: Sequence[Drift]) -> str:
    if not changes:
        return f"{table}: no drift"
    lines = (f"  {each.what}: {shown(': '.join(filter(None, (each.column, each.detail))))}" for each in changes)
    return "\n".join([table, *lines])


def drift_as_json(table: str, changes: Sequence[Drift]) -> str:
    found = [{"what": each.what, "column": each.column, "detail": each.detail} for each in changes]
    return shown(canonical_json({"table": table, "drift": found}))
