"""Of a row what is about the person that was asked for, and nothing that is about others.

Each row, each element of an array, each entry of a map and each object in JSON text is a *level*. Of a level that is
the person's all stays, but for what says who else stands there: other values of the domain become null, and of arrays
and maps that hold such only the elements of the person stay. A level is the person's where a value of the domain in it
(not deeper, within an array or a map of it) is theirs, or where it names nobody and is part of one that is; a row of a
table with a ``subject`` only where that one is. Of a level that is somebody else's nothing stays but what is the
person's deeper down; of a row that names nobody also its columns of class ``non_personal``. Arrays, maps and JSON
arrays that hold identifiers of other kinds alone, of which nobody knows whose they are, do not stay.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from jobs.configuration.column_path import (
    ColumnPath,
    Document,
    Element,
    Field,
    Items,
    MapKey,
    MapValue,
    Member,
    Step,
)

Json = Any
DEEPER = (Element, Items, MapKey, MapValue)
"""Steps that begin another level."""


@dataclasses.dataclass
class Node:
    """What is known at a path. theirs: the values there that are the person's; None where it is no place of the domain.
    owns: whether it may say whose the level is."""

    below: dict[Step, Node] = dataclasses.field(default_factory=dict)
    theirs: Collection[Any] | None = dataclasses.field(default=None, repr=False)
    owns: bool = True

    def direct(self) -> Iterator[Node]:
        """The places of the domain in the same level."""
        if self.theirs is not None:
            yield self
        for step, node in self.below.items():
            if not isinstance(step, DEEPER):
                yield from node.direct()


@dataclasses.dataclass(frozen=True)
class Rows:
    """How rows of one table are cut. harmless: paths of columns of class ``non_personal``. identifiers: leaf columns
    that tell who somebody is, or hold pseudonyms."""

    root: Node
    harmless: Collection[str]
    identifiers: Collection[ColumnPath]

    def may_name_others(self, path: ColumnPath) -> bool:
        """Whether levels below hold identifiers."""
        depth = len(path.steps)
        return any(
            each.steps[:depth] == path.steps and any(isinstance(step, DEEPER) for step in each.steps[depth:])
            for each in self.identifiers
        )

    def of(self, row: Mapping[str, Json]) -> tuple[Json, set[str]]:
        """What stays of a row, and the paths that were kept back, if only in part; no path where it is whole."""
        back: set[str] = set()
        kept, _ = _level(row, self.root, ColumnPath(()), self, back, False)
        return ({} if kept is NOTHING else kept), back


NOTHING = object()


def rows(
    theirs: Iterable[tuple[ColumnPath, Collection[Any]]],
    subject: ColumnPath | None,
    harmless: Collection[str],
    identifiers: Collection[ColumnPath] = (),
) -> Rows:
    """theirs: each place of the domain with the values there that are the person's. subject: of the table, which alone
    says whose its rows are."""
    root = Node()
    for path, values in theirs:
        node = root
        for step in path.steps:
            node = node.below.setdefault(step, Node())
        node.theirs = {*(node.theirs or ()), *values}
        is_of_row = not any(isinstance(step, DEEPER) for step in path.steps)
        node.owns = subject is None or path == subject or not is_of_row
    return Rows(root, harmless, identifiers)


def _level(value: Json, node: Node, path: ColumnPath, rows_: Rows, back: set[str], above: bool) -> tuple[Json, bool]:
    """What stays of a level, and whether anything of the person is in it. above: whether it is part of one that is the
    person's."""
    if value is None:
        return NOTHING, False
    named = any(True for _ in node.direct())
    own = any(each.owns and _is_theirs(found, each) for each, found in _found(value, node)) if named else above
    kept, found = _part(value, node, path, rows_, back, own, named)
    return kept, found or (above and not named)


def _found(value: Json, node: Node) -> Iterator[tuple[Node, Json]]:
    """The places of the domain in a level, with what stands there."""
    if node.theirs is not None:
        yield node, value
    for step, child in node.below.items():
        if not isinstance(step, DEEPER):
            inner = _child(value, step)
            if inner is not None:
                yield from _found(inner, child)


def _child(value: Json, step: Step) -> Json:
    if isinstance(step, Document):
        return json.loads(value) if isinstance(value, str) else None
    if isinstance(step, (Field, Member)) and isinstance(value, Mapping):
        return value.get(step.name)
    return None


def _is_theirs(value: Json, node: Node) -> bool:
    if node.theirs is None or isinstance(value, (list, dict)):
        return False
    return value in node.theirs or (isinstance(value, int) and json.dumps(value) in node.theirs)  # of JSON: as written


def _part(
    value: Json, node: Node | None, path: ColumnPath, rows_: Rows, back: set[str], own: bool, named: bool
) -> tuple[Json, bool]:
    """What stays of a part of a level. own: whether the level is the person's. named: whether it names somebody."""
    if node is None:
        stays = (own or (not named and str(path) in rows_.harmless)) and not rows_.may_name_others(path)
        if not stays:
            back.add(str(path))
        return (value if stays else NOTHING), False
    if value is None:
        return (None if own else NOTHING), False
    if node.theirs is not None:
        found = _is_theirs(value, node)
        if not found:
            back.add(str(path))
        return (value if found else None if own else NOTHING), found
    step = next(iter(node.below))
    if isinstance(step, Document):
        kept, found = _part(json.loads(value), node.below[step], path.child(step), rows_, back, own, named)
        return (NOTHING if kept is NOTHING else json.dumps(kept, ensure_ascii=False)), found
    if isinstance(step, (Element, Items)):
        return _elements(value, node.below[step], path.child(step), rows_, back, own)
    if isinstance(step, (MapKey, MapValue)):
        return _entries(value, node, path, rows_, back, own)
    return _fields(value, node, path, rows_, back, own, named)


def _fields(
    value: Json, node: Node, path: ColumnPath, rows_: Rows, back: set[str], own: bool, named: bool
) -> tuple[Json, bool]:
    kept, any_ = {}, False
    kind = Field if not any(isinstance(step, Document) for step in path.steps) else Member
    for name, inner in value.items():
        step = kind(name)
        stays, found = _part(inner, node.below.get(step), path.child(step), rows_, back, own, named)
        any_ = any_ or found
        if stays is not NOTHING:
            kept[name] = stays
    return (kept if own or any_ else NOTHING), any_


def _elements(value: Json, node: Node, path: ColumnPath, rows_: Rows, back: set[str], own: bool) -> tuple[Json, bool]:
    kept = []
    for element in value:
        inner = set[str]()
        stays, found = _level(element, node, path, rows_, inner, own)
        if found and stays is not NOTHING:
            kept.append(stays)
            back |= inner
    if len(kept) < len(value):
        back.add(str(path))
    return (kept if own or kept else NOTHING), bool(kept)


def _entries(value: Json, node: Node, path: ColumnPath, rows_: Rows, back: set[str], own: bool) -> tuple[Json, bool]:
    """Entries as objects of ``key`` and ``value``. One is a level that both belong to."""
    key, item = (node.below.get(step) for step in (MapKey(), MapValue()))
    kept = []
    for one, other in value:
        mine = any(
            each.owns and _is_theirs(found, each)
            for part, held in ((one, key), (other, item))
            if held is not None and part is not None
            for each, found in _found(part, held)
        )
        named = any(held is not None and any(held.direct()) for held in (key, item))
        inner = set[str]()
        of_key = _part(one, key, path.child(MapKey()), rows_, inner, mine, named)
        of_value = _part(other, item, path.child(MapValue()), rows_, inner, mine, named)
        if of_key[1] or of_value[1]:
            parts = {"key": of_key[0], "value": of_value[0]}
            kept.append({name: part for name, part in parts.items() if part is not NOTHING})
            back |= inner
    if len(kept) < len(value):
        back.add(str(path))
    return (kept if own or kept else NOTHING), bool(kept)
