"""From a plan to Spark: the one ``select`` that treats all columns, and the schema it gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.accumulators import Accumulator
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.record import field_metadata
from jobs.record.column_record import ColumnRecord
from jobs.treatment.treatment_plan import Case, Decision, Plan
from privacy_udfs import wording
from privacy_udfs.keys import KeyReference
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.nested import ByRow, Choice, Counts, Kept, Leaf, ListNode, MapNode, Node, StructNode, choices, leaves
from privacy_udfs.udf import refusing_udf, tree_udf

Treated = tuple[Node, T.DataType]
"""What is done to a column or a part of one, and the type it then has."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """The columns of the target, made from a plan, the record's entries and the references to keys.

    counts: the accumulator that gets every batch's counts; None where nobody asks (a look at some rows).
    """

    plan: Plan
    entries: Mapping[ColumnPath, ColumnRecord]
    keys: Mapping[ColumnPath, KeyReference | DeliveredKey]
    counts: Accumulator[Counts] | None = None

    def columns(self) -> list[Column]:
        """The select list: each remaining column, treated, with its record entries as field metadata."""
        return [
            self._column(field, *treated)
            for field in self.plan.schema.fields
            if (treated := self._walk(ColumnPath((Field(field.name),)), field.dataType)) is not None
        ]

    def schema(self) -> T.StructType:
        """The schema that `columns` gives, metadata included."""
        treated = self._walk(ColumnPath(()), self.plan.schema)
        return T.StructType([]) if treated is None else treated[1]  # type: ignore[return-value]

    def trees(self) -> list[tuple[T.StructField, Node | None, T.DataType]]:
        """What `columns` is made of: each remaining column of the source, what is done to it, and its type then. None
        where all its values become null."""
        walked = ((field, self._walk(ColumnPath((Field(field.name),)), field.dataType)) for field in self.plan.schema)
        return [
            (field, None if _is_nulled(treated[0]) else treated[0], bare(treated[1]))
            for field, treated in walked
            if treated is not None
        ]

    def _column(self, field: T.StructField, node: Node, output: T.DataType) -> Column:
        node, arguments = self._arguments(node, field)
        if isinstance(node, Kept):
            treated = arguments[0]
        elif _is_nulled(node):
            treated = F.lit(None).cast(output)  # so that the source's column is not even read
        else:
            treat = tree_udf(node, bare(output), self.counts, with_subject=len(arguments) > 1, mark=wording.mark())
            treated = treat(*arguments)
        if bare(output) != output:
            treated = treated.cast(output)  # sets the nested fields' metadata, which a UDF's type must not carry
        path = ColumnPath((Field(field.name),))
        return treated.alias(field.name, metadata=field_metadata.of_field(path, self.entries))

    def _arguments(self, node: Node, field: T.StructField) -> tuple[Node, list[Column]]:
        """The tree of a column, and what a UDF that walks it takes."""
        needs_subject = any(leaf.technique.needs_subject for leaf in leaves(node))
        node, source = _with_predicates(node, column(field.name))
        return node, [source, self._subject()] if needs_subject else [source]

    def refusing(self, name: str, most: int) -> Column:
        """Whether a row is one of the first few of a batch that hold what the treatment of a column refuses."""
        field = self.plan.schema[name]
        treated = self._walk(ColumnPath((Field(name),)), field.dataType)
        assert treated is not None, "a column that is dropped refuses nothing"
        node, arguments = self._arguments(treated[0], field)
        return refusing_udf(node, most, with_subject=len(arguments) > 1)(*arguments)

    def _subject(self) -> Column:
        path = self.plan.config.subject
        assert path is not None, "a configuration that needs a subject and names none is refused when read"
        return column(*(step.name for step in path.steps if isinstance(step, Field)))

    def _walk(self, path: ColumnPath, given: T.DataType) -> Treated | None:
        """None where the whole of ``path`` is dropped."""
        leaf = self.plan.by_path.get(path)
        if leaf is not None:
            return None if leaf.output is None else (self._decided(leaf, leaf.output), leaf.output)
        if isinstance(given, T.StructType):
            return self._walk_struct(path, given)
        if isinstance(given, T.ArrayType):
            element = self._walk(path.child(Element()), given.elementType)
            return None if element is None else _or_kept(ListNode(element[0]), T.ArrayType(element[1]))
        assert isinstance(given, T.MapType)
        key, value = (
            self._walk(path.child(MapKey()), given.keyType),
            self._walk(path.child(MapValue()), given.valueType),
        )
        if key is None or value is None:
            return None
        return _or_kept(MapNode(key[0], value[0]), T.MapType(key[1], value[1]))

    def _walk_struct(self, path: ColumnPath, given: T.StructType) -> Treated | None:
        nodes, fields = {}, []
        for field in given.fields:
            below = path.child(Field(field.name))
            treated = self._walk(below, field.dataType)
            if treated is not None:
                nodes[field.name] = treated[0]
                fields.append(T.StructField(field.name, treated[1], True, field_metadata.of_field(below, self.entries)))
        if not fields:
            return None
        return _or_kept(StructNode(nodes), T.StructType(fields), whole=len(fields) == len(given.fields))

    def _decided(self, leaf: Decision, output: T.DataType) -> Node:
        chosen = {case.rule.rows: self._leaf(case) for case in leaf.cases}
        whole = chosen.get(None)
        if whole is not None:
            return whole
        cases = {rows: node for rows, node in chosen.items() if rows is not None}
        return Choice(f"{self.plan.table}: {leaf.path}", cases, to_arrow_type(output, timezone="UTC"))

    def _leaf(self, case: Case) -> Node:
        technique = case.treatment.technique
        if technique.keeps_values:
            return Kept()
        return Leaf(f"{self.plan.table}: {case.path}", technique, self.keys.get(case.path))


def _with_predicates(node: Node, source: Column) -> tuple[Node, Column]:
    """A tree with choices gets its column together with what decides: whether each predicate holds for the row."""
    predicates = tuple(dict.fromkeys(rows for choice in choices(node) for rows in choice.cases))
    if not predicates:
        return node, source
    holds = [F.expr(rows).alias(f"holds_{at}") for at, rows in enumerate(predicates)]
    return ByRow(node, predicates), F.struct(source.alias("column"), *holds)


def _or_kept(node: Node, output: T.DataType, whole: bool = True) -> Treated:
    """A part of which nothing is treated and nothing dropped need not go through Python."""
    if isinstance(node, StructNode):
        children: tuple[Node, ...] = tuple(node.fields.values())
    elif isinstance(node, ListNode):
        children = (node.element,)
    else:
        assert isinstance(node, MapNode)
        children = (node.key, node.value)
    return (Kept() if whole and all(isinstance(child, Kept) for child in children) else node), output


def _is_nulled(node: Node) -> bool:
    return isinstance(node, Leaf) and node.technique.gives_null()
