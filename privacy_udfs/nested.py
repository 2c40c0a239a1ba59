"""Treat the leaves of one column, however deep they lie in structs, arrays and maps.

A column's treatments form a tree that mirrors its type. The walk takes Arrow arrays apart into their children, treats
the leaves as whole arrays, and puts them together again: an array column of a million items is one call of a technique.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import LakenymError, UnexpectedFailure
from privacy_udfs.keys import KeyReference
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.technique import Key, Outcome, Technique, plain


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One leaf column: ``label`` names it in errors and counts (``crm.customers: address.street``)."""

    label: str
    technique: Technique
    key: KeyReference | DeliveredKey | Key | None = None


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


Node: TypeAlias = Leaf | Kept | StructNode | ListNode | MapNode
Counts = dict[str, tuple[int, int, int]]
"""label -> (treated, null, refused)"""


def leaves(node: Node) -> Iterator[Leaf]:
    """All leaves of a tree, in order."""
    if isinstance(node, Leaf):
        yield node
    elif isinstance(node, StructNode):
        for child in node.fields.values():
            yield from leaves(child)
    elif isinstance(node, ListNode):
        yield from leaves(node.element)
    elif isinstance(node, MapNode):
        yield from leaves(node.key)
        yield from leaves(node.value)


def treat(node: Node, values: pa.Array, subject: pa.Array | None, counts: Counts) -> pa.Array:
    """Treat ``values`` as ``node`` says; adds to ``counts``. ``subject`` has one value for each of ``values``.

    Errors carry the leaf's label, the rule and counts; an error that no technique foresaw is replaced by one that
    names its kind only, since the messages of libraries quote values.
    """
    if isinstance(node, Kept):
        return values
    if isinstance(node, Leaf):
        return _treat_leaf(node, values, subject, counts)
    if isinstance(node, StructNode):
        return _treat_struct(node, values, subject, counts)
    if isinstance(node, ListNode):
        return _treat_list(node, values, subject, counts)
    return _treat_map(node, values, subject, counts)


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


def _treat_struct(node: StructNode, values: pa.StructArray, subject: pa.Array | None, counts: Counts) -> pa.Array:
    # flatten() makes children null under a null struct, so that what lies hidden there is neither treated nor kept
    children = dict(zip((field.name for field in values.type), values.flatten(), strict=True))
    treated = [treat(child, children[name], subject, counts) for name, child in node.fields.items()]
    fields = [pa.field(name, array.type) for name, array in zip(node.fields, treated, strict=True)]
    return pa.StructArray.from_arrays(treated, fields=fields, mask=pc.is_null(values))


def _treat_list(node: ListNode, values: pa.ListArray, subject: pa.Array | None, counts: Counts) -> pa.Array:
    elements = treat(node.element, values.flatten(), _of_elements(values, subject), counts)
    return pa.ListArray.from_arrays(_offsets(values), elements, mask=pc.is_null(values))


def _treat_map(node: MapNode, values: pa.MapArray, subject: pa.Array | None, counts: Counts) -> pa.Array:
    entries = _map_as_list(values)
    pairs = entries.flatten()
    subjects = _of_elements(entries, subject)
    keys = treat(node.key, pairs.field(0), subjects, counts)
    items = treat(node.value, pairs.field(1), subjects, counts)
    return pa.MapArray.from_arrays(_offsets(entries), keys, items, mask=pc.is_null(entries))


def _map_as_list(values: pa.MapArray) -> pa.ListArray:
    """The same buffers seen as a list of (key, value) structs, which pyarrow can flatten whatever the slice."""
    entry = pa.struct([pa.field("key", values.type.key_type), pa.field("value", values.type.item_type)])
    whole = pa.StructArray.from_arrays([values.keys, values.items], fields=list(entry))
    starts = values.offsets
    first = starts[0].as_py() if len(starts) else 0
    offsets = pc.subtract(starts, first)
    return pa.ListArray.from_arrays(offsets, whole.slice(first), mask=pc.is_null(values))


def _of_elements(values: pa.ListArray, subject: pa.Array | None) -> pa.Array | None:
    return None if subject is None else plain(subject).take(pc.list_parent_indices(values))


def _offsets(values: pa.ListArray) -> pa.Array:
    lengths = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
