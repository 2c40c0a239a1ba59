"""What must hold of scopes between the columns of a table, and between whom it is made for and what else it states."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from jobs.configuration.column_path import Field
from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.scope_entry import PERIOD_OF

MADE_FOR = "made_for"


def check(drafts: Sequence[Draft]) -> Iterator[Fault]:
    """Every fault."""
    made_for = {str(draft.entry.made_for) for draft in drafts if draft.entry is not None}
    for draft in drafts:
        yield from _periods(draft)
        yield from _made_for(draft, made_for)


def _periods(draft: Draft) -> Iterator[Fault]:
    """The column that says in which period a row is has one value for each row."""
    leaves = draft.leaves()
    for column, rule in draft.rules():
        name = getattr(rule.treatment.technique, PERIOD_OF, None)
        if name is None:
            continue
        loc = (*column.loc, "treatment", PERIOD_OF)
        if name not in leaves:
            got, hint = draft.document.show(loc), did_you_mean(name, leaves)
            yield draft.document.fault(loc, f"expected one of the columns as it stands here, got {got}{hint}")
        elif not all(isinstance(step, Field) for step in leaves[name].path.leaf.steps):
            yield draft.document.fault(loc, "expected one value per row, got a path into an array, a map or JSON text")
        elif name == str(column.path.leaf):
            yield draft.document.fault(loc, "is the column itself: name the date of the row")


def _made_for(draft: Draft, partners: Collection[str]) -> Iterator[Fault]:
    """Whom a table is made for is among those that its processing names, where that names any; and no other is for whom
    tables are made. partners: all of these."""
    entry = draft.entry
    if entry is None or entry.made_for is None:
        return
    kind, name = entry.made_for.kind, entry.made_for.name
    stated = entry.processing.recipients if kind == "recipient" else entry.processing.purposes
    if stated is not None and name not in stated:
        message = f"processing.{kind}s does not name it{did_you_mean(name, stated)}: name it there too"
        yield draft.document.fault((MADE_FOR, kind), message)
    for at, other in enumerate(stated or ()):
        if other != name and f"{kind} {other}" in partners:
            message = f"a table made for one {kind} is not for another, for whom tables are made too: make it twice"
            yield draft.document.fault(("processing", f"{kind}s", at), message)
