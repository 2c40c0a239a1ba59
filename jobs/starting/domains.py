"""Domains proposed by what was found: for what tables are joined by."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from jobs.configuration.documents import NAME_PATTERN
from jobs.detection import hints, kinds, things
from jobs.drafting import joined, proposals
from jobs.drafting.joined import Shared
from jobs.drafting.proposals import JOINS
from jobs.starting.found_tables import Scanned

DIRECT = "direct_identifier"
LOWER = ("email",)
"""Kinds whose letters are one, large or small."""


def proposed(tables: Iterable[Scanned], groups: Sequence[Shared], key: str) -> dict[str, dict[str, Any]]:
    """Name -> the domain. One for each group of columns that hold the same keys, for each thing whose id was found
    (``customer`` of ``customer_id``; once, in whatever language), and for each kind of direct identifier that stands in
    two tables or more. key: under which their values are hashed."""
    found: dict[str, set[str]] = {}
    called: dict[str, list[str]] = {}
    grouped = {(each.table, each.path) for group in groups for each in group.columns}
    for table in tables:
        for column in table.looked.columns:
            kind = kinds.decide(column.evidence, hints.of(column.path, table.table.name))
            if proposals.is_of_persons(column, kind, table.table.name):
                thing = proposals.whose(column, table.table.name)
                if thing is not None and (table.table.name, str(column.path)) not in grouped and _is_name(thing):
                    called.setdefault(thing, []).extend(joined.prefixes_of(column))
            elif kind.name in JOINS and kind.class_ == DIRECT:
                found.setdefault(kind.name, set()).add(table.table.name)
    shared = [name for name, names in found.items() if len(names) > 1]
    of_groups = {group.name: _treatment(group.name, key, group.prefix_steps) for group in groups}
    names = _each_once(of_groups, sorted(called))
    steps = {name: joined.prefix_steps(tuple(dict.fromkeys(called.get(name, ())))) for name in names}
    made = {name: _treatment(name, key, steps.get(name, ())) for name in dict.fromkeys([*names, *shared])}
    return made | of_groups


def _each_once(standing: Iterable[str], names: Iterable[str]) -> list[str]:
    """Names of things, none that means the same as another: two tongues make no two domains."""
    kept: list[str] = []
    for name in names:
        if not any(things.mean_the_same(name, other) for other in (*standing, *kept)):
            kept.append(name)
    return kept


def _is_name(thing: str) -> bool:
    return re.fullmatch(NAME_PATTERN, thing) is not None


def _treatment(name: str, key: str, more: Sequence[Any] = ()) -> dict[str, Any]:
    """more: steps after those of its kind."""
    normalize = ["nfc", "trim", *(["lower"] if name in LOWER else []), *more]
    return {"technique": "keyed_hash", "algorithm": "HMAC-SHA-256", "bits": 128, "key": key, "normalize": normalize}
