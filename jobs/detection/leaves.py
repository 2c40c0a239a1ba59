"""The leaf columns of a record batch, nested ones too, each by its path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pyarrow as pa
import pyarrow.types as pt

from jobs.configuration.column_path import ColumnPath, Element, Field, MapKey, MapValue


def of_batch(batch: pa.RecordBatch, names: Sequence[str]) -> Iterator[tuple[ColumnPath, pa.Array]]:
    """Path and values of each leaf. A leaf under a null struct is null; null arrays and maps have no elements.
    names: of the columns, in their order."""
    for name, array in zip(names, batch.columns, strict=True):
        yield from _of_array(array, ColumnPath((Field(name),)))


def _of_array(values: pa.Array, path: ColumnPath) -> Iterator[tuple[ColumnPath, pa.Array]]:
    kind = values.type
    if pt.is_struct(kind):
        for field, child in zip(kind, values.flatten(), strict=True):
            yield from _of_array(child, path.child(Field(field.name)))
    elif pt.is_map(kind):
        keys, items = _entries(values)
        yield from _of_array(keys, path.child(MapKey()))
        yield from _of_array(items, path.child(MapValue()))
    elif pt.is_list(kind) or pt.is_large_list(kind):
        yield from _of_array(values.flatten(), path.child(Element()))
    else:
        yield path, values


def _entries(values: pa.MapArray) -> tuple[pa.Array, pa.Array]:
    """Keys and values of the maps of a possibly sliced array."""
    if not len(values):
        return values.keys.slice(0, 0), values.items.slice(0, 0)
    first, last = values.offsets[0].as_py(), values.offsets[len(values)].as_py()
    return values.keys.slice(first, last - first), values.items.slice(first, last - first)
