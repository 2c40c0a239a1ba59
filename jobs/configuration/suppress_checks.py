"""What must hold of a table whose small classes are kept out: rows can be alike, and a run sees all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Fault

AT = ("suppress",)
WHOLE = "a class is of the whole table, and suppress is for runs of all rows, in mode full"
"""Why no other mode goes with it."""


def check(drafts: Sequence[Draft]) -> Iterator[Fault]:
    """Every fault."""
    for draft in drafts:
        if draft.entry is None or draft.entry.suppress is None:
            continue
        mode = draft.entry.target.mode
        if mode != "full":
            yield draft.document.fault(AT, f"{WHOLE}: the target's mode is {mode}: take one of the two out")
        if not any(_tells_apart(draft)):
            yield draft.document.fault(
                AT, "expected a column of class quasi_identifier that stays in the target: without one all are alike"
            )


def _tells_apart(draft: Draft) -> Iterator[bool]:
    """Of each quasi-identifier whether anything of it stays. One at fault counts, since it is told by itself."""
    for column in draft.columns.values():
        if column.rule is None:
            yield True
        elif column.rule.class_ == "quasi_identifier":
            technique = column.rule.treatment.technique
            yield not (technique.drops_column or technique.gives_null())
