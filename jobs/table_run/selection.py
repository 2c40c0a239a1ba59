"""From a plan to Spark: the one ``select`` that treats all columns, and the schema it gives."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping

from pyspark.accumulators import Accumulator
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, json_path
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.record import field_metadata
from jobs.record.column_record import ColumnRecord
from jobs.table_run import row_order
from jobs.treatment.treatment_plan import Case, Decision, Plan
from privacy_udfs import wording
from privacy_udfs.keys import AnyReference
from privacy_udfs.nested import (
    ByRow,
    Choice,
    Counts,
    Dropped,
    JsonNode,
    Kept,
    Leaf,
    ListNode,
    MapNode,
    Node,
    StructNode,
    beside,
    choices,
    leaves,
)
from privacy_udfs.refusals import may_refuse
from privacy_udfs.udf import refusal_udf, refusing_udf, tree_udf

Treated = tuple[Node, T.DataType]
"""What is done to a column or a part of one, and the type it then has."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """The columns of the target, made from a plan, the record's entries and the references to keys.

    counts: the accumulator that gets every batch's counts; None where nobody asks (a look at some rows). answers: of
    predicates the columns of the rows that say whether they are true; all others are asked.
    """

    plan: Plan
    entries: Mapping[ColumnPath, ColumnRecord]
    keys: Mapping[ColumnPath, AnyReference]
    counts: Accumulator[Counts] | None = None
    answers: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def columns(self) -> list[Column]:
        """The select list: each remaining column, treated, with its record entries as field metadata."""
        return [
            self._column(field, *treated)
            for field in self.plan.schema.fields
            if (treated := self._walk(ColumnPath((Field(field.name),)), field.dataType)) is not None
        ]

    def rows(self, source: DataFrame) -> DataFrame:
        """Rows of the source, treated, in the order that the target's rows are to have."""
        columns = self.columns()
        return row_order.shuffled(source, columns) if self.plan.config.is_shuffled else source.select(*columns)

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
        node, source = _with_row(node, column(field.name), self.answers)
        return node, [source, self._subject()] if needs_subject else [source]

    def refusing(self, name: str, most: int) -> Column:
        """Whether a row is one of the first few of a batch that hold what the treatment of a column refuses."""
        field = self.plan.schema[name]
        treated = self._walk(ColumnPath((Field(name),)), field.dataType)
        assert treated is not None, "a column that is dropped refuses nothing"
        node, arguments = self._arguments(treated[0], field)
        return refusing_udf(node, most, with_subject=len(arguments) > 1)(*arguments)

    def refusal(
        self, most: int, counts: Accumulator[Counts] | None = None, but_for: Collection[str] = ()
    ) -> Column | None:
        """Of a row that is refused the first leaf that refuses it and its rule, null of others; None where no column
        can refuse a row. most: rows of a batch. counts: gets the number of rows that are looked at. but_for: columns
        that are not asked."""
        found: list[Column] = []
        for field, node, _ in self.trees():
            if node is not None and field.name not in but_for and may_refuse(node):
                node, arguments = self._arguments(node, field)
                first = counts if not found else None
                find = refusal_udf(node, most, first, with_subject=len(arguments) > 1, mark=wording.mark())
                found.append(find(*arguments))
        return F.coalesce(*found) if found else None

    def read(self) -> list[str]:
        """The columns of the source that decide what comes out; all of them where predicates are about rows."""
        if any(case.rule.rows is not None for case in self.plan.cases):
            return self.plan.schema.names
        subject = self.plan.config.subject
        asked = any(case.treatment.technique.needs_subject for case in self.plan.cases)
        trees = [(field.name, node) for field, node, _ in self.trees() if node is not None]
        names = {name for name, _ in trees}
        names |= {ColumnPath.parse(path).root for _, node in trees for path in beside(node)}
        if asked and subject is not None:
            names.add(str(getattr(subject.steps[0], "name", "")))
        return [name for name in self.plan.schema.names if name in names]

    def _subject(self) -> Column:
        path = self.plan.config.subject
        assert path is not None, "a configuration that needs a subject and names none is refused when read"
        return column(*path.names)

    def _walk(self, path: ColumnPath, given: T.DataType) -> Treated | None:
        """None where the whole of ``path`` is dropped."""
        leaf = self.plan.by_path.get(path)
        if leaf is not None:
            return None if leaf.output is None else (self._decided(leaf, leaf.output), leaf.output)
        if isinstance(given, T.StructType):
            return self._walk_struct(path, given)
        if isinstance(given, T.StringType):
            return self._json(path), given
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

    def _json(self, path: ColumnPath) -> Node:
        """A column that is decided by paths into its text."""
        inner = [leaf for leaf in self.plan.leaves if leaf.path.is_in_json and leaf.path.column == path]
        parts = {json_path(leaf.path): self._part(case) for leaf in inner for case in leaf.cases}
        return JsonNode(f"{self.plan.table}: {path}", parts)

    def _part(self, case: Case) -> Leaf | Kept | Dropped:
        return Dropped() if case.treatment.technique.drops_column else self._leaf(case)

    def _decided(self, leaf: Decision, output: T.DataType) -> Node:
        chosen = {case.rule.rows: self._leaf(case) for case in leaf.cases}
        whole = chosen.get(None)
        if whole is not None:
            return whole
        cases = {rows: node for rows, node in chosen.items() if rows is not None}
        return Choice(f"{self.plan.table}: {leaf.path}", cases, to_arrow_type(output, timezone="UTC"))

    def _leaf(self, case: Case) -> Leaf | Kept:
        technique = case.treatment.technique
        if technique.keeps_values:
            return Kept()
        return Leaf(f"{self.plan.table}: {case.path}", technique, self.keys.get(case.path))


def _with_row(node: Node, source: Column, answers: Mapping[str, str]) -> tuple[Node, Column]:
    """A tree that depends on more of the row gets its column together with that: whether each predicate holds for the
    row, and the other columns that its techniques look at."""
    predicates = tuple(dict.fromkeys(rows for choice in choices(node) for rows in choice.cases))
    paths = beside(node)
    if not predicates and not paths:
        return node, source
    asked = [column(answers[rows]) if rows in answers else F.expr(rows) for rows in predicates]
    holds = [each.alias(f"holds_{at}") for at, each in enumerate(asked)]
    others = [column(*ColumnPath.parse(path).names).alias(f"beside_{at}") for at, path in enumerate(paths)]
    return ByRow(node, predicates, paths), F.struct(source.alias("column"), *holds, *others)


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
