"""The leaf columns of an Arrow schema, numbered and named as a Parquet file has them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

import pyarrow as pa

LIST, ENTRIES = "list", "key_value"


@dataclasses.dataclass(frozen=True)
class Leaf:
    """One column of values. path: from the root, with the steps that Parquet puts between (``list``, ``key_value``).
    repeated: it lies in an array or a map, so that a row may have many values of it. type: never a dictionary."""

    path: tuple[str, ...]
    type: pa.DataType
    repeated: bool

    @property
    def dotted(self) -> str:
        """The name by which a Parquet writer is told what to do with the column. Not unique: ``a.b`` may also be a
        column of this very name."""
        return ".".join(self.path)


def leaves(schema: pa.Schema) -> Iterator[Leaf]:
    """In the order of the file, so that the n-th is the n-th column of every row group."""
    return _below((), schema, False)


def _below(path: tuple[str, ...], fields: Iterable[pa.Field], repeated: bool) -> Iterator[Leaf]:
    for field in fields:
        yield from _of((*path, field.name), field.type, repeated)


def _of(path: tuple[str, ...], given: pa.DataType, repeated: bool) -> Iterator[Leaf]:
    if pa.types.is_struct(given):
        yield from _below(path, given, repeated)
    elif pa.types.is_map(given):
        yield from _of((*path, ENTRIES, "key"), given.key_type, True)
        yield from _of((*path, ENTRIES, "value"), given.item_type, True)
    elif pa.types.is_list(given) or pa.types.is_large_list(given) or pa.types.is_fixed_size_list(given):
        yield from _of((*path, LIST, "element"), given.value_type, True)
    else:
        yield Leaf(path, given.value_type if pa.types.is_dictionary(given) else given, repeated)
