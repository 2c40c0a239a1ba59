"""What must hold of a table whose quasi-identifiers are cut into boxes: a run sees all rows, and ladders are such."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jobs.configuration import ladder_steps
from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Fault
from jobs.configuration.hierarchy_file import Hierarchies, Rows
from jobs.configuration.ladder_steps import FORMS, NoLadder

AT = ("mondrian",)
WHOLE = "boxes are cut in the whole table, and mondrian is for runs of all rows, in mode full"
"""Why no other mode goes with it."""
QUASI, SENSITIVE = "quasi_identifier", "sensitive"


def check(drafts: Sequence[Draft]) -> Iterator[Fault]:
    """Every fault, but for those of files."""
    for draft in drafts:
        stated = None if draft.entry is None else draft.entry.mondrian
        if draft.entry is None or stated is None:
            continue
        mode = draft.entry.target.mode
        if mode != "full":
            yield draft.document.fault(AT, f"{WHOLE}: the target's mode is {mode}: take one of the two out")
        if not _stays(draft, QUASI):
            yield draft.document.fault(
                AT, "expected a column of class quasi_identifier that stays in the target: there is nothing to cut"
            )
        for name in ("l", "t"):
            if getattr(stated, name) is not None and not _stays(draft, SENSITIVE):
                yield draft.document.fault(
                    (*AT, name), "asks something of sensitive columns, and none of that class stays in the target"
                )
        yield from _ladders(draft, stated.ladders)


def _stays(draft: Draft, class_: str) -> set[ColumnPath]:
    """The columns of a class of which anything stays. One at fault counts, since it is told by itself."""
    found = set()
    for column in draft.columns.values():
        if column.rule is None:
            found.add(column.path.leaf)
        elif column.rule.class_ == class_:
            technique = column.rule.treatment.technique
            if not (technique.drops_column or technique.gives_null()):
                found.add(column.path.leaf)
    return found


def _ladders(draft: Draft, stated: Mapping[str, str]) -> Iterator[Fault]:
    known, seen = _stays(draft, QUASI), set[ColumnPath]()
    for name, text in stated.items():
        here = (*AT, "ladders", name)
        try:
            path = ColumnPath.parse(name)
            if path not in known:
                yield draft.document.fault(here, "is no quasi_identifier that stays in the target")
            if path in seen:
                yield draft.document.fault(here, "is a column that stands here in another notation")
            seen.add(path)
            ladder_steps.treatments(text)
        except ColumnPathError as error:
            yield draft.document.fault(here, f"not a column path: {error}")
        except NoLadder as error:
            yield draft.document.fault(here, str(error))


def files(draft: Draft, hierarchies: Hierarchies) -> dict[str, Rows]:
    """The rows of ladders that are files, by the column's path; what is wrong with one is among the faults then."""
    stated = None if draft.entry is None else draft.entry.mondrian
    found: dict[str, Rows] = {}
    for name, text in ({} if stated is None else stated.ladders).items():
        try:
            if ladder_steps.treatments(text) is not None:
                continue
            fault = draft.document.fault((*AT, "ladders", name), f"expected {FORMS}")
            rows = hierarchies.of_file(text, fault)
            if rows is not None:
                found[str(ColumnPath.parse(name))] = rows
        except (NoLadder, ColumnPathError):  # told by `check`
            continue
    return found
