"""Texts in the dictionaries of a Parquet file that no row of it has: a writer may put there what it was given once."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from jobs.configuration.column_path import ColumnPath
from jobs.detection import leaves


def unused(file: pa.NativeFile, metadata: pq.FileMetaData, rows: int) -> Iterator[tuple[ColumnPath, pa.Array]]:
    """By column. rows: to be read at a time."""
    names = sorted({name for group in range(metadata.num_row_groups) for name in _with_dictionary(metadata, group)})
    if not names:
        return
    read = pq.ParquetFile(file, metadata=metadata, read_dictionary=names)
    for group in range(metadata.num_row_groups):
        for name in _with_dictionary(metadata, group):
            yield from _of_column(read.iter_batches(rows, row_groups=[group], columns=[name], use_threads=False))


def _of_column(batches: Iterator[pa.RecordBatch]) -> Iterator[tuple[ColumnPath, pa.Array]]:
    """The first batch has all of the dictionary's page; what later ones have too stands in rows. Read is only until all
    was met, which is soon where a writer put there what it came upon."""
    left: dict[ColumnPath, pa.Array] = {}
    for at, batch in enumerate(batches):
        for path, values in leaves.of_batch(batch, batch.schema.names):
            if pa.types.is_dictionary(values.type):
                unmet = left.get(path, values.dictionary[:0]) if at else values.dictionary
                met = values.dictionary.take(pc.unique(values.indices.drop_null()))
                left[path] = unmet.filter(pc.invert(pc.is_in(unmet, met)))
        if not any(map(len, left.values())):
            return
    yield from left.items()


def _with_dictionary(metadata: pq.FileMetaData, group: int) -> Iterator[str]:
    columns = (metadata.row_group(group).column(at) for at in range(metadata.num_columns))
    return (each.path_in_schema for each in columns if each.physical_type == "BYTE_ARRAY" and each.has_dictionary_page)
