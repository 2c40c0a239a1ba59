"""From columns that are to be turned back to Spark: one select over the treated rows, in Arrow UDFs."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping

from pyspark.sql import Column as SparkColumn
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue
from jobs.console.exit_codes import Refused
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.reversal.treated import Column
from privacy_udfs import wording
from privacy_udfs.errors import TypeRefused
from privacy_udfs.keys import AnyReference
from privacy_udfs.nested import ByRow, Kept, Leaf, ListNode, MapNode, Node, StructNode, beside
from privacy_udfs.reversal import Reversal, ReversalByVault, StillThere
from privacy_udfs.technique import plain_type
from privacy_udfs.udf import tree_udf

Turned = tuple[Node, T.DataType]
"""What is done to a column or a part of one, and the type it then has."""


@dataclasses.dataclass(frozen=True)
class Selection:
    """table: its name, for messages. columns: those to turn back. beside: those that are given as they are. keys: what
    stands for the key of each that is turned back; empty to see what comes of it. masked: whether values are masked."""

    table: str
    columns: Mapping[str, Column]
    beside: frozenset[str]
    keys: Mapping[str, AnyReference]
    masked: bool = False
    sealed: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Of columns whose values stand in a vault, the column of the rows that holds what the vault has."""
    only_asks: bool = False
    """Whether nothing is turned back: only whether the keys of all values' subjects are there is asked."""

    def rows(self, treated: DataFrame) -> DataFrame:
        """The rows, of which nothing is left but what was named."""
        found = [self._column(field) for field in treated.schema.fields]
        self._check_all_there(treated.schema)
        return treated.select(*[each for each in found if each is not None])

    def trees(self, schema: T.StructType) -> list[tuple[T.StructField, Node, T.DataType]]:
        """What `rows` is made of: each column of the treated table of which something was named, what is done to it,
        and its type then."""
        self._check_all_there(schema)
        walked = ((field, self._walk(ColumnPath((Field(field.name),)), field.dataType)) for field in schema.fields)
        return [(field, turned[0], bare(turned[1])) for field, turned in walked if turned is not None]

    def output(self, schema: T.StructType) -> T.StructType:
        """The schema that `rows` gives; what is shown as it is says of itself what it said in the treated table."""
        trees = self.trees(schema)
        return T.StructType([f if isinstance(node, Kept) else T.StructField(f.name, kind) for f, node, kind in trees])

    def check(self, schema: T.StructType) -> None:
        """Raise `Refused` for what cannot be selected; nothing is planned."""
        for field in schema.fields:
            self._walk(ColumnPath((Field(field.name),)), field.dataType)
        self._check_all_there(schema)

    def _column(self, field: T.StructField) -> SparkColumn | None:
        turned = self._walk(ColumnPath((Field(field.name),)), field.dataType)
        if turned is None:
            return None
        node, output = turned
        if isinstance(node, Kept):
            return column(field.name)
        others, value = beside(node), column(field.name)
        if others:
            node = ByRow(node, (), others)
            found = [column(*ColumnPath.parse(path).names).alias(f"beside_{at}") for at, path in enumerate(others)]
            value = F.struct(value.alias("column"), *found)
        return tree_udf(node, bare(output), mark=wording.mark())(value).alias(field.name, metadata={})

    def _walk(self, path: ColumnPath, given: T.DataType) -> Turned | None:
        """None where nothing of ``path`` was named."""
        name = str(path)
        if name in self.columns:
            return self._leaf(self.columns[name])
        if name in self.beside:
            return Kept(), given
        if isinstance(given, T.StructType):
            return self._walk_struct(path, given)
        if isinstance(given, T.ArrayType):
            element = self._walk(path.child(Element()), given.elementType)
            return None if element is None else (ListNode(element[0]), T.ArrayType(element[1]))
        return self._walk_map(path, given) if isinstance(given, T.MapType) else None

    def _walk_struct(self, path: ColumnPath, given: T.StructType) -> Turned | None:
        walked = {field.name: self._walk(path.child(Field(field.name)), field.dataType) for field in given.fields}
        found = {name: turned for name, turned in walked.items() if turned is not None}
        if not found:
            return None
        fields = [T.StructField(name, turned[1]) for name, turned in found.items()]
        return StructNode({name: turned[0] for name, turned in found.items()}), T.StructType(fields)

    def _walk_map(self, path: ColumnPath, given: T.MapType) -> Turned | None:
        key = self._walk(path.child(MapKey()), given.keyType)
        value = self._walk(path.child(MapValue()), given.valueType)
        if key is None and value is None:
            return None
        if key is None or value is None:
            raise Refused(f"{path}: a map has keys and values: name both, those to be shown as they are beside")
        return MapNode(key[0], value[0]), T.MapType(key[1], value[1])

    def _leaf(self, each: Column) -> Turned:
        if self.only_asks:
            asks = StillThere(of=each.technique)
            return Leaf(f"{self.table}: {each.path}", asks, self.keys.get(each.path)), each.kind
        kind = plain_type(to_arrow_type(each.kind, timezone="UTC"))
        told = {"of": each.technique, "restores": kind, "masked": self.masked}
        held = self.sealed.get(each.path, "")
        turn = Reversal(**told)
        if each.technique.by_vault:
            turn = ReversalByVault(**told, held=held)
        try:
            turn.output_type(kind)
        except TypeRefused as error:
            raise Refused(f"{each.path}: {error}") from None
        return Leaf(f"{self.table}: {each.path}", turn, self.keys.get(each.path)), each.kind

    def _check_all_there(self, schema: T.StructType) -> None:
        there = set(_paths(ColumnPath(()), schema))
        missing = [name for name in (*self.columns, *self.beside) if name not in there]
        if missing:
            raise Refused(f"{self.table}: the treated table has no {', '.join(missing)}")
        for name in self.columns:
            path = ColumnPath.parse(name)
            above = [str(ColumnPath(path.steps[:depth])) for depth in range(1, len(path.steps) + 1)]
            if self.beside & set(above):
                raise Refused(f"{self.table}: {name} is turned back, and cannot be shown beside as it is too")


def _paths(path: ColumnPath, given: T.DataType) -> list[str]:
    """All paths below one."""
    found = [str(path)] if path.steps else []
    parts: list[tuple[ColumnPath, T.DataType]] = []
    if isinstance(given, T.StructType):
        parts = [(path.child(Field(field.name)), field.dataType) for field in given.fields]
    elif isinstance(given, T.ArrayType):
        parts = [(path.child(Element()), given.elementType)]
    elif isinstance(given, T.MapType):
        parts = [(path.child(MapKey()), given.keyType), (path.child(MapValue()), given.valueType)]
    for part, kind in parts:
        found += _paths(part, kind)
    return found
