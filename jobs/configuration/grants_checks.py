"""What must hold of ``grants.yaml`` beside the other files: tables and columns that it names are there, and its counts
do not give each other away."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Document, Fault, Loc, did_you_mean
from jobs.configuration.grants_entry import Grants, Reads
from jobs.configuration.models import Policy

COUNTED = ("people", "rows")
"""What a view of counts calls its numbers."""
_OTHERS = re.compile(r"[^A-Za-z0-9_]")


def plain(name: str) -> str:
    """A name as it may stand in a view's: catalogs take letters, digits and '_' there."""
    return _OTHERS.sub("_", name)


def output(path: ColumnPath) -> str:
    """What a view of counts calls a column: the names of fields with '_' between."""
    return "_".join(path.names)


def check(document: Document, grants: Grants, drafts: Sequence[Draft], policy: Policy | None) -> Iterator[Fault]:
    """Every fault."""
    tables = {draft.entry.table: draft for draft in drafts if draft.entry is not None}
    yield from _tables(document, grants, tables)
    yield from _made_for(document, grants, tables)
    for name, draft in tables.items():
        yield from _rows(document, grants, name, draft)
        yield from _aggregates(document, grants, name, draft)
    yield from _views(document, grants, tables)
    if policy is not None and policy.thresholds.k is None and any(role.counts for role in grants.roles.values()):
        message = "a role sees counts: state thresholds.k in policy.yaml, the least that is counted"
        yield document.fault(("roles",), message)


def _tables(document: Document, grants: Grants, tables: Collection[str]) -> Iterator[Fault]:
    named: list[Loc] = [("names", name) for name in grants.names]
    named += [("aggregates", name) for name in grants.aggregates]
    named += [("unity", "types", name) for name in (grants.unity.types if grants.unity is not None else ())]
    for at, name in enumerate(grants.row_per_person):
        if name not in tables:
            yield document.fault(("row_per_person", at), _no_table(name, tables))
    for role, entry in grants.roles.items():
        named += [("roles", role, "rows", name) for name in entry.rows]
        for at, name in enumerate(entry.tables or ()):
            if name not in tables:
                yield document.fault(("roles", role, "tables", at), _no_table(name, tables))
    for loc in named:
        if loc[-1] not in tables:
            yield document.fault(loc, _no_table(str(loc[-1]), tables))


def _no_table(name: str, tables: Collection[str]) -> str:
    return f"the catalog has no table {name!r}{did_you_mean(name, tables)}"


def _made_for(document: Document, grants: Grants, tables: Mapping[str, Draft]) -> Iterator[Fault]:
    for role, entry in grants.roles.items():
        for at, name in enumerate(entry.tables or ()):
            table = tables[name].entry if name in tables else None
            if table is not None and entry.reads == "target" and table.made_for != entry.made_for:
                whom, own = (str(each or "nobody in particular") for each in (table.made_for, entry.made_for))
                told = f"{name} is made for {whom}, and the role for {own}: a table goes to whom it is made for"
                yield document.fault(("roles", role, "tables", at), told)


def _rows(document: Document, grants: Grants, name: str, draft: Draft) -> Iterator[Fault]:
    for role, entry in grants.roles.items():
        if name in entry.rows:
            loc = ("roles", role, "rows", name, "column")
            reason = _no_column(draft, entry.rows[name].column, entry.reads, ("direct_identifier",), False)
            if reason is not None:
                yield document.fault(loc, reason)


def _no_column(draft: Draft, text: str, reads: Reads, classes: Collection[str], among: bool) -> str | None:
    """Why a column can be none that rows are chosen or counted by; None where it can. among: whether its class has to
    be one of ``classes``, or must not be."""
    leaves = draft.leaves()
    if text not in leaves:
        return f"expected one of the columns of {draft.document.file} as it stands there{did_you_mean(text, leaves)}"
    if not all(isinstance(step, Field) for step in leaves[text].path.leaf.steps):
        return "expected one value per row, got a path into an array, a map or JSON text"
    rules = [rule for column, rule in draft.rules() if str(column.path.leaf) == text]
    if any((rule.class_ in classes) != among for rule in rules):
        kind = "is no" if among else "is a"
        return (
            f"{kind} {' or '.join(classes)}, {'and counts are made of these' if among else 'whose values are not told'}"
        )
    if reads == "target" and any(rule.treatment.technique.drops_column for rule in rules):
        return "is dropped, so that the target does not have it"
    return None


def _aggregates(document: Document, grants: Grants, name: str, draft: Draft) -> Iterator[Fault]:
    taken: dict[str, int] = {}
    for at, grouping in enumerate(grants.aggregates.get(name, ())):
        loc: Loc = ("aggregates", name, at)
        outputs: dict[str, str] = {}
        for within, text in enumerate(grouping):
            reason = _no_column(draft, text, "target", ("quasi_identifier",), True)
            if reason is not None:
                yield document.fault((*loc, within), reason)
                continue
            if text in taken:
                where = "twice in it" if taken[text] == at else "in another view of counts too"
                message = f"{text} is {where}: one would give away what the other withholds; let each column be in one"
                yield document.fault((*loc, within), message)
            taken.setdefault(text, at)
            called = output(ColumnPath.parse(text)).lower()
            if called in outputs or called in COUNTED:
                yield document.fault((*loc, within), f"two columns of the view would be called {called!r}")
            outputs[called] = text


def _views(document: Document, grants: Grants, tables: Mapping[str, Draft]) -> Iterator[Fault]:
    """Two tables whose views and files would have one name."""
    seen: dict[str, str] = {}
    for name in tables:
        other = seen.setdefault(plain(name).lower(), name)
        if other != name:
            yield document.fault(("roles",), f"views of {other} and {name} would have one name: rename one of them")
