"""The columns of a table as OpenLineage's schema facet has them: those that the plan decides, and no others.

Names below a column that is dropped or nulled as a whole are not told: nobody decided whether they may be.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Document, Element, Field, MapKey, Step

ELEMENT, KEY, VALUE = "_element", "key", "value"
"""As OpenLineage's client for Spark calls what is in arrays and maps."""
_NESTED = (T.StructType, T.ArrayType, T.MapType)


@dataclasses.dataclass
class _Node:
    type_: str
    below: dict[str, _Node] = dataclasses.field(default_factory=dict)

    def as_json(self, name: str) -> dict[str, Any]:
        more = {"fields": [node.as_json(each) for each, node in self.below.items()]} if self.below else {}
        return {"name": name, "type": self.type_, **more}


def of_leaves(leaves: Iterable[tuple[ColumnPath, T.DataType]]) -> tuple[Mapping[str, Any], ...]:
    """The columns that have these leaves, in their order."""
    top = _Node("struct")
    for path, given in leaves:
        _put(top, path, given)
    return tuple(node.as_json(name) for name, node in top.below.items())


def _put(node: _Node, path: ColumnPath, given: T.DataType) -> None:
    steps = path.steps[: path.steps.index(Document())] if Document() in path.steps else path.steps
    for at, step in enumerate(steps):
        rest = steps[at + 1 :]
        node = node.below.setdefault(_name(step), _Node(_above(rest[0]) if rest else _told(given)))


def _name(step: Step) -> str:
    if isinstance(step, Field):
        return step.name
    return ELEMENT if isinstance(step, Element) else KEY if isinstance(step, MapKey) else VALUE


def _above(step: Step) -> str:
    return "struct" if isinstance(step, Field) else "array" if isinstance(step, Element) else "map"


def _told(given: T.DataType) -> str:
    return given.typeName() if isinstance(given, _NESTED) else given.simpleString()
