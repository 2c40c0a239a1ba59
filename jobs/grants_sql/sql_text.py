"""SQL of views: every name and every text stays one, whatever it is. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.configuration.grants_entry import RowsOf
from jobs.grants_sql.leaves import Leaf, Node
from jobs.lake.sql import literal, quoted, quoted_table

__all__ = ["literal", "quoted", "quoted_table"]
ROW = quoted("t")
"""What a view calls the rows it is made of. Columns are named behind it: ``a.b`` could be column b of a table a."""


def column(path: ColumnPath, row: str | None = ROW) -> str:
    """A column, or a field of structs, of a row. row: what the rows are called; None: nothing."""
    return ".".join([*([] if row is None else [row]), *map(quoted, path.names)])


def condition(rows: RowsOf, row: str | None = ROW) -> str:
    """Which rows are seen."""
    return among(f"CAST({column(ColumnPath.parse(rows.column), row)} AS STRING)", rows)


def among(text: str, rows: RowsOf) -> str:
    """Whether a text is one of those of ``rows``; null is none."""
    return f"{text} IN ({', '.join(map(literal, sorted(set(rows.among))))})"


class Projection:
    """What a view shows of the columns of a table: every field that is seen by its name, so that one that nobody
    decided about is not among them. lambdas: whether the platform has functions over the elements of arrays.
    with_nulls: whether what is not seen is null there, and not left out. closed: whether arrays and maps are known to
    have no field that nobody decided about."""

    def __init__(self, sees: Callable[[Leaf], bool], lambdas: bool, with_nulls: bool, closed: bool = True) -> None:
        self._sees, self._lambdas, self._with_nulls, self._closed = sees, lambdas, with_nulls, closed

    def of(self, columns: Mapping[str, Node]) -> list[str]:
        """What stands behind SELECT, one each."""
        found = {name: self._shown(node, f"{ROW}.{quoted(name)}", 1) for name, node in columns.items()}
        return [f"{shown} AS {quoted(name)}" for name, shown in found.items() if shown is not None]

    def _shown(self, node: Node, value: str, depth: int) -> str | None:
        """None where nothing is left."""
        made = self._part(node, value, depth)
        if made is None and self._with_nulls:
            whole = Projection(lambda leaf: True, self._lambdas, False)._part(node, value, depth)
            return f"CASE WHEN FALSE THEN {whole or value} END"  # null, of the type of what is decided
        return made

    def _part(self, node: Node, value: str, depth: int) -> str | None:
        if not any(map(self._sees, node.leaves)):
            return None
        if node.leaf is not None:
            return value
        if all(isinstance(step, Field) for step in node.parts):
            fields = list(self._fields(node, value, depth))
            return f"CASE WHEN {value} IS NOT NULL THEN named_struct({', '.join(fields)}) END" if fields else None
        if not self._lambdas:
            return value if self._sees_all(node) and (self._closed or not _has_fields(node)) else None
        return self._elements(node, value, depth)

    def _sees_all(self, node: Node) -> bool:
        return all(map(self._sees, node.leaves))

    def _fields(self, node: Node, value: str, depth: int) -> Iterator[str]:
        for step, part in node.parts.items():
            assert isinstance(step, Field)
            shown = self._shown(part, f"{value}.{quoted(step.name)}", depth)
            if shown is not None:
                yield f"{literal(step.name)}, {shown}"

    def _elements(self, node: Node, value: str, depth: int) -> str | None:
        each, key = quoted(f"e{depth}"), quoted(f"k{depth}")
        if Element() in node.parts:
            shown, of_all = self._part(node.parts[Element()], each, depth + 1), f"transform({value}, {each} -> "
        elif MapValue() in node.parts and self._sees_all(node.parts[MapKey()]):  # of keys there is no part
            shown = self._part(node.parts[MapValue()], each, depth + 1)
            of_all = f"transform_values({value}, ({key}, {each}) -> "
        else:
            return None
        return value if shown == each else None if shown is None else f"{of_all}{shown})"


def _has_fields(node: Node) -> bool:
    return any(isinstance(step, Field) or _has_fields(part) for step, part in node.parts.items())
