"""The leaf columns of a table that can be counted, and their values in a batch of it, however deep they lie."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue, Step

NUMBERS = (T.NumericType, T.DateType, T.TimestampType, T.TimestampNTZType)
"""What has an order that bins can follow."""
KINDS = (*NUMBERS, T.StringType, T.BinaryType, T.BooleanType)


@dataclasses.dataclass(frozen=True)
class Leaf:
    """path: as people read it. names: the fields of structs down to it, or to the array or map that it lies in. within:
    the steps from there. is_number: whether its values can stand in bins."""

    path: str
    names: tuple[str, ...]
    within: tuple[Step, ...]
    is_number: bool

    @property
    def is_plain(self) -> bool:
        """Whether it has one value in a row."""
        return not self.within


def of(schema: T.StructType) -> tuple[list[Leaf], list[str]]:
    """Those that can be counted, and the paths of what cannot: of other types, or beside such within one column."""
    able, unable = list[Leaf](), list[str]()
    for names, given in _fields(schema, ()):
        found = list(_within(given, ()))
        if all(isinstance(leaf, KINDS) for _, leaf in found):
            able += [Leaf(_path(names, steps), names, steps, isinstance(leaf, NUMBERS)) for steps, leaf in found]
        else:
            unable += [_path(names, steps) for steps, _ in found]
    return able, unable


def _path(names: tuple[str, ...], steps: tuple[Step, ...]) -> str:
    return str(ColumnPath((*map(Field, names), *steps)))


def _fields(schema: T.StructType, above: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], T.DataType]]:
    for field in schema.fields:
        names = (*above, field.name)
        if isinstance(field.dataType, T.StructType):
            yield from _fields(field.dataType, names)
        else:
            yield names, field.dataType


def _within(given: T.DataType, steps: tuple[Step, ...]) -> Iterator[tuple[tuple[Step, ...], T.DataType]]:
    parts: list[tuple[Step, T.DataType]] = []
    if isinstance(given, T.StructType):
        parts = [(Field(field.name), field.dataType) for field in given.fields]
    elif isinstance(given, T.ArrayType):
        parts = [(Element(), given.elementType)]
    elif isinstance(given, T.MapType):
        parts = [(MapKey(), given.keyType), (MapValue(), given.valueType)]
    else:
        yield steps, given
    for step, part in parts:
        yield from _within(part, (*steps, step))


def values(column: pa.Array, leaf: Leaf) -> pa.Array:
    """The values of a leaf in a column of a batch; of what lies in arrays and maps all that are there."""
    for step in leaf.within:
        if isinstance(step, Field):
            column = pc.struct_field(column, [column.type.get_field_index(step.name)])
        elif isinstance(step, Element):
            column = column.flatten()
        else:
            column = pc.struct_field(_entries(column), [0 if isinstance(step, MapKey) else 1])
    return column


def _entries(maps: pa.MapArray) -> pa.StructArray:
    """All keys with their values. A map is a list of them in other words."""
    pair = pa.struct([("key", maps.type.key_type), ("value", maps.type.item_type)])
    return maps.cast(pa.list_(pair)).flatten()
