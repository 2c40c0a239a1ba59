"""Columns of the catalog whose values are looked for in texts: which ``crm.customers.name`` means, or ``all``.

A table's name has dots, and so has a path: meant is the table that has the column. What is named in a configuration, or
found for ``all``, stands in the treatment as text in one form, the table and the normal form of the path.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Document, Fault, Loc, did_you_mean
from jobs.configuration.entity_domains import ELSEWHERE
from jobs.configuration.models import ColumnDecision, ColumnRule, TableConfig
from privacy_udfs.technique import Technique
from privacy_udfs.techniques._replacements import Elsewhere
from privacy_udfs.techniques.treat_entities import TreatEntities


class Place(NamedTuple):
    """A column of a table of the catalog."""

    table: str
    path: ColumnPath

    def __str__(self) -> str:
        return f"{self.table}.{self.path}"


Rules = Mapping[Place, Sequence[ColumnRule]]
"""Each column of the catalog and its cases."""


def of(technique: Technique) -> Mapping[str, Elsewhere]:
    """By domain what a technique looks for that stands elsewhere."""
    return technique.known_elsewhere if isinstance(technique, TreatEntities) else {}


def meant(text: str, tables: Iterable[str]) -> list[Place]:
    """What a text may name, by the tables that there are."""
    found = []
    for table in tables:
        if text.startswith(f"{table}."):
            with contextlib.suppress(ColumnPathError):
                found.append(Place(table, ColumnPath.parse(text[len(table) + 1 :])))
    return found


def places(columns: Iterable[str], tables: Mapping[str, TableConfig]) -> list[Place]:
    """What the columns of a sound treatment are."""
    return [
        place for text in columns for place in meant(text, tables) if str(place.path) in tables[place.table].decisions
    ]


def _of_domain(rules: Rules, domain: str) -> list[Place]:
    """The columns that are of a domain, in all rows or some."""
    return [place for place, cases in rules.items() if any(rule.treatment.domain == domain for rule in cases)]


# -- checked -----------------------------------------------------------------------------------------------------------


def check(drafts: Sequence[Draft]) -> Iterator[Fault]:
    """Every fault of what treatments name of other tables."""
    asking = [draft for draft in drafts if any(of(rule.treatment.technique) for _, rule in draft.rules())]
    if not asking:
        return
    rules, names = _rules(drafts), _names(drafts)
    for draft in asking:
        for column, rule in draft.rules():
            own = [Place(name, column.path.leaf) for name in _names([draft])]
            for domain, sought in of(rule.treatment.technique).items():
                loc = (*column.loc, "treatment", ELSEWHERE, domain)
                if not sought.columns:
                    yield from _all_faults(draft.document, loc, domain, rules, own)
                for at, text in enumerate(sought.columns):
                    yield from _faults(draft.document, (*loc, at), text, domain, rules, names, own)


def _rules(drafts: Iterable[Draft]) -> dict[Place, list[ColumnRule]]:
    """Those at fault have no case."""
    found: dict[Place, list[ColumnRule]] = {}
    for draft in drafts:
        for name in _names([draft]):
            for column in draft.columns.values():
                cases = found.setdefault(Place(name, column.path.leaf), [])
                cases += [] if column.rule is None else [column.rule]
    return found


def _names(drafts: Iterable[Draft]) -> list[str]:
    stated = (draft.document.data.get("table") for draft in drafts)
    return [name for name in stated if isinstance(name, str)]


def _all_faults(document: Document, loc: Loc, domain: str, rules: Rules, own: Collection[Place]) -> Iterator[Fault]:
    found = [place for place in _of_domain(rules, domain) if place not in own]
    if not found:
        yield document.fault(loc, f"no column of the catalog is of the domain {domain}: name the columns")
    for place in found:
        if place.path.is_in_json:
            yield document.fault(
                loc, f"{place} stands in JSON text, which is not read for this: name the other columns"
            )


def _faults(
    document: Document, loc: Loc, text: str, domain: str, rules: Rules, names: Sequence[str], own: Collection[Place]
) -> Iterator[Fault]:
    there, got = meant(text, names), document.show(loc)
    found = [place for place in there if place in rules]
    if not there:
        example = "a table of the catalog and one of its columns, such as 'crm.customers.name'"
        yield document.fault(loc, f"expected {example}, got {got}{did_you_mean(text, map(str, rules))}")
    elif not found:
        known = map(str, (place for place in rules if place.table in {each.table for each in there}))
        yield document.fault(loc, f"{there[-1].table} has no such column, got {got}{did_you_mean(text, known)}")
    elif len(found) > 1:
        listed = " and ".join(f"{place.path} of {place.table}" for place in found)
        yield document.fault(loc, f"is {listed}: two tables have it; rename one in the catalog")
    elif found[0] in own:
        yield document.fault(loc, "is the text itself")
    elif found[0].path.is_in_json:
        yield document.fault(
            loc, "expected a column, a field or what an array or a map holds, got a path into JSON text"
        )
    else:
        others = {rule.treatment.domain for rule in rules[found[0]]} - {None}
        if others and domain not in others:
            listed = ", ".join(sorted(map(str, others)))
            yield document.fault(loc, f"the column itself is of the domain {listed}, and so its values are")


# -- resolved ----------------------------------------------------------------------------------------------------------


def filled(tables: Mapping[str, TableConfig]) -> dict[str, TableConfig]:
    """The same tables; their treatments name each column that is meant, once and in one form."""
    if not any(of(rule.treatment.technique) for table in tables.values() for rule in table.columns.values()):
        return dict(tables)
    every = {
        Place(name, decision.path): decision.cases
        for name, table in tables.items()
        for decision in table.decisions.values()
    }

    def named(domain: str, sought: Elsewhere, own: Place) -> Elsewhere:
        found = places(sought.columns, tables) if sought.columns else _of_domain(every, domain)
        columns = tuple(sorted({str(place) for place in found if place != own}))
        return sought.model_copy(update={"columns": columns})

    def told(rule: ColumnRule, own: Place) -> ColumnRule:
        technique = rule.treatment.technique
        if not of(technique):
            return rule
        update = {domain: named(domain, sought, own) for domain, sought in of(technique).items()}
        changed = technique.model_copy(update={ELSEWHERE: update})
        return dataclasses.replace(rule, treatment=dataclasses.replace(rule.treatment, technique=changed))

    def decided(table: TableConfig, decision: ColumnDecision) -> ColumnDecision:
        own = Place(table.name, decision.path)
        return dataclasses.replace(decision, cases=tuple(told(rule, own) for rule in decision.cases))

    return {
        name: dataclasses.replace(
            table, decisions={path: decided(table, decision) for path, decision in table.decisions.items()}
        )
        for name, table in tables.items()
    }


def tables_behind(tables: Mapping[str, TableConfig], name: str) -> list[str]:
    """The other tables that are named for the texts of one, and for those of these: all that its entry needs."""
    found, open_ = {name}, [name]
    while open_:
        for rule in tables[open_.pop()].columns.values():
            for sought in of(rule.treatment.technique).values():
                new = {place.table for place in places(sought.columns, tables)} - found
                found |= new
                open_ += sorted(new)
    return sorted(found - {name})
