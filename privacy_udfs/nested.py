"""Treat the leaves of one column, however deep they lie in structs, arrays and maps.

A column's treatments form a tree that mirrors its type. The walk takes Arrow arrays apart into their children, treats
the leaves as whole arrays, and puts them together again: an array column of a million items is one call of a technique.
Where the row decides which treatment a leaf gets, the walk parts a batch by case and puts it back in order.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs import map_keys
from privacy_udfs.errors import LakenymError, UnexpectedFailure, ValueRefused
from privacy_udfs.json_text.branches import DROP, KEEP, JsonPath, tree
from privacy_udfs.json_text.documents import Documents
from privacy_udfs.keys import AnyReference
from privacy_udfs.technique import Key, Outcome, Technique, plain


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One leaf column: ``label`` names it in errors and counts (``crm.customers: address.street``)."""

    label: str
    technique: Technique
    key: AnyReference | Key | None = None


@dataclasses.dataclass(frozen=True)
class Kept:
    """A leaf or a whole subtree that stays as it is."""


@dataclasses.dataclass(frozen=True)
class StructNode:
    """The fields that remain, in order; a field that is not named is dropped."""

    fields: Mapping[str, Node]


@dataclasses.dataclass(frozen=True)
class ListNode:
    element: Node


@dataclasses.dataclass(frozen=True)
class MapNode:
    key: Node
    value: Node


@dataclasses.dataclass(frozen=True)
class Choice:
    """A leaf that is treated by cases. cases: predicate about the row -> treatment; each row falls under exactly one.
    label: names the leaf in errors. output: the type that all cases give, but for those that give nulls."""

    label: str
    cases: Mapping[str, Node]
    output: pa.DataType


@dataclasses.dataclass(frozen=True)
class ByRow:
    """The root of a tree that depends on more of the row. Its array is a struct: the column, then for each predicate
    whether it holds for the row (null counts as not true), then the other columns that techniques look at, by their
    paths (`Facts.beside`)."""

    column: Node
    predicates: tuple[str, ...]
    beside: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Dropped:
    """A part of a JSON text that is cut out."""


@dataclasses.dataclass(frozen=True)
class JsonNode:
    """A column of JSON text, by the paths into it; a text that holds what none leads to is refused. label: names the
    column in errors. See `privacy_udfs.json_text`."""

    label: str
    paths: Mapping[JsonPath, Leaf | Kept | Dropped]


Node: TypeAlias = Leaf | Kept | StructNode | ListNode | MapNode | Choice | ByRow | JsonNode | Dropped
Counts = dict[str, tuple[int, int, int]]
"""label -> (treated, null, refused); and, under the label with `WITHIN`, how many values were treated within texts."""
WITHIN = "\nwithin"


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves of a tree, in order."""
    return (each for each in _nodes(node) if isinstance(each, Leaf))


def choices(node: Node) -> Iterator[Choice]:
    """All choices of a tree, in order."""
    return (each for each in _nodes(node) if isinstance(each, Choice))


def json_columns(node: Node) -> Iterator[JsonNode]:
    """All columns of JSON text of a tree, in order."""
    return (each for each in _nodes(node) if isinstance(each, JsonNode))


def beside(node: Node) -> tuple[str, ...]:
    """The paths of the other columns that a tree's techniques look at, each once."""
    return tuple(dict.fromkeys(path for leaf in leaves(node) for path in leaf.technique.beside()))


def _nodes(node: Node) -> Iterator[Node]:
    yield node
    for child in _children(node):
        yield from _nodes(child)


def _children(node: Node) -> Collection[Node]:
    if isinstance(node, StructNode):
        return node.fields.values()
    if isinstance(node, Choice):
        return node.cases.values()
    if isinstance(node, JsonNode):
        return node.paths.values()
    if isinstance(node, ListNode):
        return (node.element,)
    if isinstance(node, MapNode):
        return (node.key, node.value)
    return (node.column,) if isinstance(node, ByRow) else ()


@dataclasses.dataclass(frozen=True)
class _Rows:
    """What is known of the row of each value. holds: predicate -> whether it is true, without nulls. beside: a struct
    of the other columns that techniques look at; None where they come in place of a subject, or where none does."""

    subject: pa.Array | None = None
    holds: Mapping[str, pa.Array] = dataclasses.field(default_factory=dict)
    beside: pa.StructArray | None = None

    def take(self, at: pa.Array) -> _Rows:
        subject = None if self.subject is None else plain(self.subject).take(at)
        beside = None if self.beside is None else self.beside.take(at)
        return _Rows(subject, {rows: holds.take(at) for rows, holds in self.holds.items()}, beside)

    def of_elements(self, values: pa.ListArray) -> _Rows:
        """The same for each element."""
        empty = not self.holds and self.subject is None and self.beside is None
        return self if empty else self.take(pc.list_parent_indices(values))

    def without_predicates(self) -> _Rows:
        """For what lies below a choice, or in a JSON text: there are none."""
        return dataclasses.replace(self, holds={})

    def of(self, technique: Technique) -> pa.Array | None:
        """What a technique takes as its subject."""
        return self.beside if technique.beside() and self.beside is not None else self.subject


def treat(node: Node, values: pa.Array, subject: pa.Array | None, counts: Counts) -> pa.Array:
    """Treat ``values`` as ``node`` says; adds to ``counts``. ``subject`` has one value for each of ``values``.

    Raises `ValueRefused` where a row falls under no case of a choice, or under more than one; then nothing is treated.
    Errors carry the leaf's label, the rule and counts; an error that no technique foresaw is replaced by one that
    names its kind only, since the messages of libraries quote values.
    """
    return _treat(node, values, _Rows(subject), counts)


def first_refused(node: Node, values: pa.Array, subject: pa.Array | None, most: int) -> pa.BooleanArray:
    """Whether each row is one of the first ``most`` that `treat` refuses, found by halving."""
    found = np.zeros(len(values), bool)
    parts = [(0, len(values))]
    while parts and np.count_nonzero(found) < most:
        at, size = parts.pop()
        if _is_treated(node, values.slice(at, size), None if subject is None else subject.slice(at, size)):
            continue
        if size == 1:
            found[at] = True
        else:
            half = size // 2
            parts += [(at + half, size - half), (at, half)]
    return pa.array(found)


def _is_treated(node: Node, values: pa.Array, subject: pa.Array | None) -> bool:
    try:
        treat(node, values, subject, {})
    except ValueRefused:
        return False
    return True


def _treat(node: Node, values: pa.Array, rows: _Rows, counts: Counts) -> pa.Array:
    if isinstance(node, Kept):
        return values
    if isinstance(node, Leaf):
        return _treat_leaf(node, values, rows.of(node.technique), counts)
    if isinstance(node, StructNode):
        return _treat_struct(node, values, rows, counts)
    if isinstance(node, ListNode):
        return _treat_list(node, values, rows, counts)
    if isinstance(node, MapNode):
        return _treat_map(node, values, rows, counts)
    if isinstance(node, Choice):
        return _treat_choice(node, values, rows, counts)
    if isinstance(node, JsonNode):
        return _treat_json(node, values, rows, counts)
    assert isinstance(node, ByRow), "only parts of JSON texts are dropped here"
    return _treat_by_row(node, values, rows, counts)


def _treat_leaf(leaf: Leaf, values: pa.Array, subject: pa.Array | None, counts: Counts) -> pa.Array:
    try:
        key = leaf.key if leaf.key is None or isinstance(leaf.key, Key) else leaf.key.resolve()
        outcome = leaf.technique.apply(values, key, subject)
    except LakenymError as error:
        error.args = (f"{leaf.label}: {error}",)
        raise error from None
    except Exception as error:
        name = leaf.technique.technique
        raise UnexpectedFailure(f"{leaf.label}: {name} failed with {type(error).__name__}") from None
    _add(counts, leaf.label, outcome)
    return outcome.values


def _add(counts: Counts, label: str, outcome: Outcome) -> None:
    treated, null, refused = counts.get(label, (0, 0, 0))
    counts[label] = (treated + outcome.treated, null + outcome.null, refused + outcome.refused)
    if outcome.within:
        label += WITHIN
        counts[label] = (counts.get(label, (0, 0, 0))[0] + outcome.within, 0, 0)


def _treat_by_row(node: ByRow, values: pa.StructArray, rows: _Rows, counts: Counts) -> pa.Array:
    column, *others = values.flatten()
    holds, beside = others[: len(node.predicates)], others[len(node.predicates) :]
    known = {name: pc.fill_null(each, False) for name, each in zip(node.predicates, holds, strict=True)}
    for choice in choices(node):
        _check_cases(choice, known, len(values))
    row = pa.StructArray.from_arrays(beside, list(node.beside)) if beside else None
    return _treat(node.column, column, _Rows(rows.subject, known, row), counts)


def _check_cases(choice: Choice, holds: Mapping[str, pa.Array], length: int) -> None:
    found = np.zeros(length, np.int64)
    for rows in choice.cases:
        found += holds[rows].to_numpy(zero_copy_only=False)
    none, several = np.count_nonzero(found == 0), np.count_nonzero(found > 1)
    if none or several:
        raise ValueRefused(
            f"{choice.label}: of {length} rows in this batch, {none} fall under no case of 'when' and {several} under "
            "more than one; mend the predicates, of which null counts as not true"
        )


def _treat_choice(node: Choice, values: pa.Array, rows: _Rows, counts: Counts) -> pa.Array:
    places, parts = [], []
    for predicate, case in node.cases.items():
        at = pc.indices_nonzero(rows.holds[predicate])
        part = _treat(case, values.take(at), rows.without_predicates().take(at), counts)
        places.append(at.to_numpy())
        parts.append(_of_type(part, node.output))
    order = np.empty(len(values), np.int64)
    order[np.concatenate(places)] = np.arange(len(values))
    return pa.concat_arrays(parts).take(pa.array(order))


def _of_type(values: pa.Array, output: pa.DataType) -> pa.Array:
    """Cases agree on the type, but for its layout in memory and for nulls, which may come of a column of another."""
    if values.type == output:
        return values
    return pa.nulls(len(values), output) if values.null_count == len(values) else values.cast(output)


def _treat_struct(node: StructNode, values: pa.StructArray, rows: _Rows, counts: Counts) -> pa.Array:
    # flatten() makes children null under a null struct, so that what lies hidden there is neither treated nor kept
    children = dict(zip((field.name for field in values.type), values.flatten(), strict=True))
    treated = [_treat(child, children[name], rows, counts) for name, child in node.fields.items()]
    fields = [pa.field(name, array.type) for name, array in zip(node.fields, treated, strict=True)]
    return pa.StructArray.from_arrays(treated, fields=fields, mask=pc.is_null(values))


def _treat_list(node: ListNode, values: pa.ListArray, rows: _Rows, counts: Counts) -> pa.Array:
    elements = _treat(node.element, values.flatten(), rows.of_elements(values), counts)
    return pa.ListArray.from_arrays(_offsets(values), elements, mask=pc.is_null(values))


def _treat_map(node: MapNode, values: pa.MapArray, rows: _Rows, counts: Counts) -> pa.Array:
    entries = _map_as_list(values)
    pairs = entries.flatten()
    inner = rows.of_elements(entries)
    keys = _treat(node.key, pairs.field(0), inner, counts)
    if not isinstance(node.key, Kept):
        map_keys.check(node.key.label if isinstance(node.key, Leaf | Choice) else _first_label(node.key), entries, keys)
    items = _treat(node.value, pairs.field(1), inner, counts)
    return pa.MapArray.from_arrays(_offsets(entries), keys, items, mask=pc.is_null(entries))


def _treat_json(node: JsonNode, values: pa.Array, rows: _Rows, counts: Counts) -> pa.Array:
    treated = [part for part in node.paths.values() if isinstance(part, Leaf)]
    numbers = iter(range(len(treated)))
    actions = {path: _action(part, numbers) for path, part in node.paths.items()}

    def apply(number: int, found: pa.Array, at: pa.Array) -> pa.Array:
        leaf = treated[number]
        return _treat_leaf(leaf, found, rows.without_predicates().take(at).of(leaf.technique), counts)

    def count(number: int, outcome: Outcome) -> None:
        _add(counts, treated[number].label, outcome)

    return Documents(node.label, tree(actions), treated).treat(values, apply, count)


def _action(part: Leaf | Kept | Dropped, numbers: Iterator[int]) -> int:
    if isinstance(part, Leaf):
        return next(numbers)
    return KEEP if isinstance(part, Kept) else DROP


def _first_label(node: Node) -> str:
    """A name for keys that are structs: that of the first leaf within them that is treated."""
    return next((leaf.label for leaf in leaves(node)), "keys of a map")


def _map_as_list(values: pa.MapArray) -> pa.ListArray:
    """The same buffers seen as a list of (key, value) structs, which pyarrow can flatten whatever the slice."""
    entry = pa.struct([pa.field("key", values.type.key_type), pa.field("value", values.type.item_type)])
    whole = pa.StructArray.from_arrays([values.keys, values.items], fields=list(entry))
    starts = values.offsets
    first = starts[0].as_py() if len(starts) else 0
    offsets = pc.subtract(starts, first)
    return pa.ListArray.from_arrays(offsets, whole.slice(first), mask=pc.is_null(values))


def _offsets(values: pa.ListArray) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
