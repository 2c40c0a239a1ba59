"""Of a row what is about the person that was asked for, and nothing that is about others.

Each row, each element of an array, each entry of a map, each JSON text and each object in it is a *level*. Of a level
that is the person's all stays, but for what says who else stands there: other values of the domain become null, and of
arrays and maps that hold such only the elements of the person stay. A level is the person's where all values of the
domain in it (not deeper, within a level of it) are theirs, or where it names nobody and is part of one that is; a row
of a table with a ``subject`` where that one is. A struct that names others, or nobody although it could, is none of
theirs, whosever the row is. Of a level that is somebody else's, or of several persons, nothing stays but what is the
person's deeper down; of a row that names nobody also its columns of class ``non_personal``, unless the table has a
subject of another domain. Arrays, maps and JSON arrays that hold identifiers of other kinds alone, of which nobody
knows whose they are, do not stay, nor do values of the domain that cannot be searched.
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
from jobs.subject_access import as_written
from privacy_udfs.json_text import taken_out

Json = Any
MANY = (Element, Items, MapKey, MapValue)
"""Steps behind which there may be several."""
DEEPER = (*MANY, Document)
"""Steps that begin another level; so does a `Member` that leads to an object."""


@dataclasses.dataclass
class Node:
    """What is known at a path. theirs: the values there that are the person's; None where it is no place of the domain.
    owns: whether it may say whose the level is. searched: whether ``theirs`` is known at all."""

    below: dict[Step, Node] = dataclasses.field(default_factory=dict)
    theirs: Collection[Any] | None = dataclasses.field(default=None, repr=False)
    owns: bool = True
    searched: bool = True

    def direct(self) -> Iterator[Node]:
        """The places of the domain in the same level."""
        if self.theirs is not None:
            yield self
        for step, node in self.below.items():
            if not _is_level(step, node):
                yield from node.direct()


def _is_level(step: Step, node: Node) -> bool:
    """Whether a step begins another level. node: what it leads to."""
    to_object = isinstance(step, Member) and any(isinstance(each, Member) for each in node.below)
    return to_object or isinstance(step, DEEPER)


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
            each.steps[:depth] == path.steps and any(isinstance(step, MANY) for step in each.steps[depth:])
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
    unsearched: Iterable[ColumnPath] = (),
) -> Rows:
    """theirs: each place of the domain with the values there that are the person's. subject: of the table, which alone
    says whose its rows are. unsearched: places of the domain of which nobody knows whose values they hold."""
    root, places = Node(), set[ColumnPath]()
    for path, values in theirs:
        node = _at(root, path)
        node.theirs = {*(node.theirs or ()), *values}
        is_of_row = not any(isinstance(step, DEEPER) for step in path.steps)
        node.owns = subject is None or path == subject or not is_of_row
        places.add(path)
    for path in unsearched:
        if path not in places:
            node = _at(root, path)
            node.theirs, node.owns, node.searched = (), False, False
    is_of_others = subject is not None and subject not in places
    return Rows(root, () if is_of_others else harmless, identifiers)


def _at(root: Node, path: ColumnPath) -> Node:
    node = root
    for step in path.steps:
        node = node.below.setdefault(step, Node())
    return node


def _level(value: Json, node: Node, path: ColumnPath, rows_: Rows, back: set[str], above: bool) -> tuple[Json, bool]:
    """What stays of a level, and whether anything of the person is in it. above: whether it is part of one that is the
    person's."""
    if value is None:
        return (None if above else NOTHING), False
    named = any(node.direct())
    own = _all_theirs(_found(value, node)) if named else above
    kept, found = _part(value, node, path, rows_, back, own, named)
    return kept, found or (above and not named)


def _found(value: Json, node: Node) -> Iterator[tuple[Node, Json]]:
    """The places of the domain in a level, with what stands there."""
    if node.theirs is not None:
        yield node, value
    for step, child in node.below.items():
        if not _is_level(step, child) and isinstance(step, (Field, Member)) and isinstance(value, Mapping):
            inner = value.get(step.name)
            if inner is not None:
                yield from _found(inner, child)


def _all_theirs(found: Iterable[tuple[Node, Json]]) -> bool:
    """Whether somebody is named who may own it, and all who are named are the person."""
    known = [_is_theirs(value, node) for node, value in found if node.owns]
    return bool(known) and all(known)


def _owns_struct(value: Json, node: Node, own: bool) -> bool:
    """Whether a struct is the person's. own: whether the level that it is in is."""
    if value is None or not any(isinstance(step, Field) and any(each.direct()) for step, each in node.below.items()):
        return own
    found = [(_is_theirs(inner, each), each.owns) for each, inner in _found(value, node) if each.searched]
    if own and (True, True) in found:
        return True  # what makes the level theirs is in it
    return bool(found) and all(theirs and (own or owns) for theirs, owns in found)


def _is_theirs(value: Json, node: Node) -> bool:
    if node.theirs is None or isinstance(value, (list, dict)):
        return False
    if isinstance(value, as_written.Number):
        return taken_out.as_text(value[0], value) in node.theirs
    return value in node.theirs or (isinstance(value, bool) and json.dumps(value) in node.theirs)  # of JSON: as written


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
    if Document() in node.below:
        inner = path.child(Document())
        try:
            document = as_written.loaded(value)
        except (ValueError, RecursionError):
            back.add(str(path))  # no JSON: whose it is, nobody knows
            return NOTHING, False
        kept, found = _level(document, node.below[Document()], inner, rows_, back, own)
        return (NOTHING if kept is NOTHING else as_written.written(kept)), found
    if any(isinstance(step, (MapKey, MapValue)) for step in node.below):
        return _entries(value, node, path, rows_, back, own)
    for step in (Element(), Items()):
        if step in node.below and isinstance(value, list):
            return _elements(value, node.below[step], path.child(step), rows_, back, own)
    if isinstance(value, Mapping) and any(isinstance(step, (Field, Member)) for step in node.below):
        return _fields(value, node, path, rows_, back, own, named)
    back.add(str(path))  # JSON text of another form than the paths: whose it is, nobody knows
    return NOTHING, False


def _fields(
    value: Json, node: Node, path: ColumnPath, rows_: Rows, back: set[str], own: bool, named: bool
) -> tuple[Json, bool]:
    kept, any_ = {}, False
    kind = Field if not any(isinstance(step, Document) for step in path.steps) else Member
    for name, inner in value.items():
        step = kind(name)
        child = node.below.get(step)
        if child is not None and _is_level(step, child):
            stays, found = _level(inner, child, path.child(step), rows_, back, own)
        else:
            is_own = own if child is None else _owns_struct(inner, child, own)
            stays, found = _part(inner, child, path.child(step), rows_, back, is_own, named)
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
        held = [(part, node_) for part, node_ in ((one, key), (other, item)) if node_ is not None]
        named = any(True for _, node_ in held for _ in node_.direct())
        of_both = (each for part, node_ in held if part is not None for each in _found(part, node_))
        mine = _all_theirs(of_both) if named else own
        inner = set[str]()
        of_key = _part(one, key, path.child(MapKey()), rows_, inner, mine, named)
        of_value = _part(other, item, path.child(MapValue()), rows_, inner, mine, named)
        parts = {"key": of_key[0], "value": of_value[0]}
        stay = {name: part for name, part in parts.items() if part is not NOTHING}
        if stay and (of_key[1] or of_value[1] or mine):
            kept.append(stay)
            back |= inner
    if len(kept) < len(value):
        back.add(str(path))
    return (kept if own or kept else NOTHING), bool(kept)
