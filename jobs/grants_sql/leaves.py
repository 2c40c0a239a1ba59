"""The columns of a table's source, or of its target, as its entry decides them: no schema is read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping

from jobs.configuration.column_path import ColumnPath, Element, Step
from jobs.configuration.grants_entry import Reads
from jobs.configuration.models import ColumnDecision, TableConfig


@dataclasses.dataclass(frozen=True)
class Leaf:
    """A leaf column; one of JSON text counts as a whole. classes: of all that stands in it, in order. kept: whether
    its values are the source's in every row. raw: the classes of which
    something in it is, or may be, the source's in some rows."""

    path: ColumnPath
    classes: tuple[str, ...]
    kept: bool
    raw: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Node:
    """A column, or what stands in one: a leaf, or more of them by the steps to them."""

    leaf: Leaf | None
    parts: Mapping[Step, Node]

    @property
    def leaves(self) -> tuple[Leaf, ...]:
        """Itself, or all in it."""
        return (self.leaf,) if self.leaf is not None else tuple(each for n in self.parts.values() for each in n.leaves)

    @property
    def is_plain(self) -> bool:
        """Whether it is one value, or an array of such: nothing with names or keys in it."""
        return self.leaf is not None or (set(self.parts) == {Element()} and self.parts[Element()].is_plain)


def of(table: TableConfig, reads: Reads) -> list[Leaf]:
    """In the order of the entry. A column that is dropped is in the source only."""
    found: dict[ColumnPath, list[ColumnDecision]] = {}
    for decision in table.decisions.values():
        if reads == "source" or decision.path.is_in_json or not _is_dropped(decision):
            found.setdefault(decision.path.column, []).append(decision)
    return [_leaf(path, decisions, reads) for path, decisions in found.items()]


def _leaf(path: ColumnPath, decisions: Iterable[ColumnDecision], reads: Reads) -> Leaf:
    rules = [rule for decision in decisions for rule in decision.cases]
    kept = reads == "source" or all(rule.treatment.technique.keeps_values for rule in rules)
    facts = [(rule.class_, rule.treatment.technique) for rule in rules]
    raw = {class_ for class_, each in facts if reads == "source" or each.keeps_values or each.shows is None}
    return Leaf(path, tuple(sorted({class_ for class_, _ in facts})), kept, tuple(sorted(raw)))


def _is_dropped(decision: ColumnDecision) -> bool:
    return any(rule.treatment.technique.drops_column for rule in decision.cases)


def tree(found: Iterable[Leaf]) -> dict[str, Node]:
    """The columns by their names, each with what stands in it."""
    return {str(step.name): node for step, node in _parts({leaf.path.steps: leaf for leaf in found}).items()}  # type: ignore[union-attr]


def _parts(below: Mapping[tuple[Step, ...], Leaf]) -> dict[Step, Node]:
    """By the first step, what is behind it."""
    found: dict[Step, dict[tuple[Step, ...], Leaf]] = {}
    for steps, leaf in below.items():
        found.setdefault(steps[0], {})[steps[1:]] = leaf
    return {step: _node(rest) for step, rest in found.items()}


def _node(below: Mapping[tuple[Step, ...], Leaf]) -> Node:
    return Node(below[()], {}) if () in below else Node(None, _parts(below))
