"""Which rows a treatment refuses, and by which rule, found by halving; and the rows that go on without them.

Whether a value is refused depends on the value, the key and the subject alone, never on chance or on the rest of the
batch: a row that is refused among others is refused by itself.
"""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa

from privacy_udfs import nested
from privacy_udfs.errors import ValueRefused
from privacy_udfs.nested import Node


class Refusal(NamedTuple):
    """A row that is refused. label: of the leaf column, as `nested.Leaf` has it. rule: the technique; ``when`` where
    the row falls under no case, or under several; ``json`` where a text is none that its paths decide."""

    row: int
    label: str
    rule: str


def refusals(node: Node, values: pa.Array, subject: pa.Array | None, most: int) -> list[Refusal]:
    """The rows of a column that `nested.treat` refuses, in their order, each with the first leaf that does.

    most: how many there may be. Raises `ValueRefused` where there are more: then the rule is wrong, not the rows.
    """
    found: list[Refusal] = []
    parts = [(0, len(values))]
    while parts:
        at, size = parts.pop()
        refused = _refused(node, values.slice(at, size), None if subject is None else subject.slice(at, size))
        if refused is None:
            continue
        if size > 1:
            half = size // 2
            parts += [(at + half, size - half), (at, half)]
            continue
        label, rule = _rule(node, refused)
        if len(found) >= most:
            raise ValueRefused(f"{label}: {rule} refuses more than {most} rows, which are too many to set aside")
        found.append(Refusal(at, label, rule))
    return found


def _refused(node: Node, values: pa.Array, subject: pa.Array | None) -> str | None:
    """What is said of values that are refused; None where they are not."""
    if not len(values):
        return None
    try:
        nested.treat(node, values, subject, {})
    except ValueRefused as error:
        return str(error)
    return None


def _rule(node: Node, message: str) -> tuple[str, str]:
    """The leaf that a message of `nested.treat` is about, and its rule. It begins with the label, and no other label
    that it begins with is longer."""
    known = {leaf.label: leaf.technique.technique for leaf in nested.leaves(node)}
    known |= {choice.label: "when" for choice in nested.choices(node)}
    known |= {column.label: "json" for column in nested.json_columns(node)}
    label = max((each for each in known if message.startswith(f"{each}: ")), key=len, default="")
    return label, known.get(label, "")


def may_refuse(node: Node) -> bool:
    """Whether a tree has anything that could refuse a value."""
    return any(any(parts(node)) for parts in (nested.leaves, nested.choices, nested.json_columns))
