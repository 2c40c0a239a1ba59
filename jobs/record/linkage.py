"""Which treated tables join, and what is shown of a person once they are joined. From schemas alone, without rows.

Whether two columns join is for `joins` to say. Here the columns of a domain that join make links,
tables that hang together by links make groups, and of each group the columns that could single people out are named.
How many people they do single out depends on the rows and is not told here.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from pyspark.sql import types as T

from jobs.record.column_privacy import ColumnPrivacy
from jobs.record.joins import SUBJECT, why_no_join, within
from jobs.record.treated_table import privacy_of
from privacy_udfs.scope_labels import PERSON, SCOPES, scope_of
from privacy_udfs.techniques import facts_of

Schemas = Mapping[str, T.StructType]
Told = Mapping[str, Mapping[str, ColumnPrivacy]]
"""Table -> path -> what the table says of the column."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A leaf column of a table. technique: None where nobody decided; of several cases all, with 'or' between."""

    table: str
    column: str
    technique: str | None


@dataclasses.dataclass(frozen=True)
class Link:
    """Columns of one domain whose pseudonyms join. key, key_id: None for a technique without a key. scope: how far they
    join: of ``period`` rows of one ``period`` only, which the domain's label names too. within: that period, or
    ``subject`` where each has a key of their own: rows of one of these join, and no others."""

    domain: str
    technique: str
    key: str | None
    key_id: int | None
    columns: tuple[Place, ...]
    layers: tuple[int, ...] = ()
    """Of pseudonyms in layers all versions of the key, oldest first; `key_id` is the last."""
    scope: str = PERSON
    period: str | None = None
    within: str | None = None

    @property
    def tables(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(place.table for place in self.columns))


@dataclasses.dataclass(frozen=True)
class Apart:
    """Two columns of one domain that do not join, although they look as if they should, and why."""

    domain: str
    one: Place
    other: Place
    reason: str


@dataclasses.dataclass(frozen=True)
class Group:
    """Tables that join, directly or through others. quasi_identifiers: of all of them, those that still show something.
    sensitive: what is learnt of whomever these single out."""

    tables: tuple[str, ...]
    domains: tuple[str, ...]
    quasi_identifiers: tuple[Place, ...]
    sensitive: tuple[Place, ...]

    @property
    def is_combined(self) -> bool:
        """Whether the tables together show a combination of quasi-identifiers that none of them shows alone."""
        return len({place.table for place in self.quasi_identifiers}) > 1


@dataclasses.dataclass(frozen=True)
class Linkage:
    """within: by domain the columns of texts in which its pseudonyms stand, by which rows can be linked too.
    raw: direct identifiers that are kept, if only in some rows: they join with whatever holds the same, elsewhere too.
    undecided: columns of which their table says nothing, and which may be anything."""

    tables: tuple[str, ...]
    links: tuple[Link, ...]
    apart: tuple[Apart, ...]
    groups: tuple[Group, ...]
    within: Mapping[str, tuple[Place, ...]]
    raw: tuple[Place, ...]
    undecided: tuple[Place, ...]

    @property
    def widest_scope(self) -> str | None:
        """The widest of the scopes in which two of the tables join; None where no two do. What stands within texts, and
        direct identifiers with values of the source, may join all."""
        found = [link.scope for link in self.links if len(link.tables) > 1]
        found += [scope_of(domain) for domain in self.within if len(self._tables_of(domain)) > 1]
        found += [PERSON] if len({place.table for place in self.raw}) > 1 else []
        return max(found, key=SCOPES.index, default=None)

    def _tables_of(self, domain: str) -> set[str]:
        """Where its pseudonyms stand within texts, and, if these are several, in columns."""
        linked = (table for link in self.links if link.domain == domain for table in link.tables)
        return {*(place.table for place in self.within[domain]), *linked}


def find(schemas: Schemas) -> Linkage:
    """How tables hang together. schemas: of treated tables, by what the result is to call them."""
    told = {table: privacy_of(schema) for table, schema in schemas.items()}
    links, apart = [], []
    for domain, columns in _by_domain(told).items():
        alike = _alike(told, columns)
        links += [_link(domain, places, told) for places in alike if len(places) > 1]
        apart += list(_apart(told, domain, [places[0] for places in alike]))
    groups = tuple(_group(tables, links, told) for tables in _hanging_together(links))
    raw = _where(
        told, schemas, lambda each: each.class_ == "direct_identifier" and each.is_decided and each.leaves_values
    )
    undecided = _where(told, schemas, lambda each: not each.is_decided)
    return Linkage(tuple(schemas), tuple(links), tuple(apart), groups, _within(told), raw, undecided)


def _by_domain(told: Told) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for table, columns in told.items():
        for column in columns.values():
            domains = dict.fromkeys(each.domain for each in column.records if each.domain is not None)
            for domain in domains:
                found.setdefault(domain, []).append(_place(table, column))
    return found


def _within(told: Told) -> dict[str, tuple[Place, ...]]:
    found: dict[str, dict[Place, None]] = {}
    for table, columns in told.items():
        for column in columns.values():
            for part in (part for record in column.records for part in record.parts):
                found.setdefault(str(part.domain), {})[_place(table, column)] = None
    return {domain: tuple(places) for domain, places in found.items()}


def _place(table: str, column: ColumnPrivacy) -> Place:
    techniques = dict.fromkeys(record.technique for record in column.records)
    return Place(table, column.path, " or ".join(techniques) or None)


def _alike(told: Told, columns: Iterable[Place]) -> list[list[Place]]:
    """The columns in sets whose members join with each other: joining is an equivalence, so one stands for all."""
    found: list[list[Place]] = []
    for column in columns:
        joins = next((places for places in found if _no_join(told, places[0], column) is None), None)
        if joins is None:
            found.append([column])
        else:
            joins.append(column)
    return found


def _no_join(told: Told, one: Place, other: Place) -> str | None:
    """Why two columns do not join, or None."""
    return why_no_join(told[one.table][one.column], told[other.table][other.column])


def _apart(told: Told, domain: str, columns: Sequence[Place]) -> Iterator[Apart]:
    for one, other in itertools.combinations(columns, 2):
        reason = _no_join(told, one, other)
        if reason is not None:
            yield Apart(domain, one, other, reason)


def _link(domain: str, places: Sequence[Place], told: Told) -> Link:
    records = told[places[0].table][places[0].column].records
    first = next(record for record in records if record.domain == domain)
    unit = within(first)
    period = None if unit == SUBJECT else unit
    return Link(
        domain, first.technique, first.key, first.key_id, tuple(places), first.layers, first.scope, period, unit
    )


def _hanging_together(links: Iterable[Link]) -> list[tuple[str, ...]]:
    """Tables that can be reached from each other by links; none that stands alone."""
    groups: list[dict[str, None]] = []
    for link in links:
        reached = dict.fromkeys(link.tables)
        touched = [group for group in groups if group.keys() & reached.keys()]
        groups = [group for group in groups if group not in touched]
        groups.append({table: None for group in (*touched, reached) for table in group})
    return [tuple(group) for group in groups if len(group) > 1]


def _group(tables: Sequence[str], links: Iterable[Link], told: Told) -> Group:
    domains = tuple(dict.fromkeys(link.domain for link in links if len(link.tables) > 1 and link.tables[0] in tables))
    quasi = _where(told, tables, lambda each: each.class_ == "quasi_identifier" and _shows(each))
    sensitive = _where(told, tables, lambda each: each.class_ == "sensitive" and _shows(each))
    return Group(tuple(tables), domains, quasi, sensitive)


def _where(told: Told, tables: Iterable[str], wanted: Callable[[ColumnPrivacy], bool]) -> tuple[Place, ...]:
    return tuple(_place(table, column) for table in tables for column in told[table].values() if wanted(column))


def _shows(column: ColumnPrivacy) -> bool:
    """Whether equal values, or likely ones, can be told from what stands in the column."""
    facts = (facts_of(record.technique) for record in column.records)
    return any(each.deterministic and not each.one_result for each in facts)
