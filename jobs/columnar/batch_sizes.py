"""How many rows of a row group are read at once, so that memory is bounded whatever the file holds, or a refusal.

The footer says how many bytes the columns of a row group have, but not how they are spread over its rows, and a text in
a dictionary counts once. So what a batch holds on average is one thing, and what it may hold at most another.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from jobs.columnar.page_headers import DICTIONARY, Page, longest_of, pages
from jobs.columnar.unfit import NotColumnar

MIB = 1 << 20
MOST_ROWS, MOST_VALUES, MOST_BYTES = 1 << 16, 1 << 22, 16 * MIB
"""Of a batch on average: whole-array code pays off on long arrays, up to some length."""
MOST_OF_LONGEST = 64 * MIB
"""Of a batch at most, were all its texts the longest of their dictionaries."""
MOST_OPEN = 192 * MIB
"""Of the pages that are open at once, one of each column."""
MOST_HELD, FEWEST_ROWS = 320 * MIB, 16
"""Of a batch at most; and the rows that it may come down to for that."""
WIDTHS = {"BOOLEAN": 1, "INT32": 4, "FLOAT": 4, "INT64": 8, "DOUBLE": 8, "INT96": 8, "FIXED_LEN_BYTE_ARRAY": 16}
"""Bytes of a value as Arrow has it; of fixed length only decimals are read. No text is among them."""
OFFSET = 4


@dataclasses.dataclass(frozen=True)
class Chunk:
    """A column of a row group. width: bytes of a value; None for text and bytes. repeated: it lies in a list or a map,
    so that any row may have most of its values. longest: bytes of the longest text in its dictionary, or 0."""

    told: pq.ColumnChunkMetaData
    width: int | None
    repeated: bool
    usual: int
    longest: int

    @property
    def size(self) -> int:
        return int(self.told.total_uncompressed_size)

    @property
    def decoded(self) -> int:
        """Bytes of all its values in an Arrow array, about."""
        return max(self.size, self._of_values(self.usual))

    @property
    def decoded_at_most(self) -> int:
        return max(self.size, self._of_values(self.longest))

    def _of_values(self, text: int) -> int:
        values = int(self.told.num_values)
        return values * self.width if self.width else max(self.size + OFFSET * values, values * (OFFSET + text))


def batch_rows(source: pa.NativeFile, file: pq.ParquetFile, group: int, wanted: Collection[str]) -> int:
    """The rows of a batch of these columns. Raises `NotColumnar` where even few rows may be too many."""
    rows = int(file.metadata.row_group(group).num_rows)
    chunks = list(_chunks(source, file, group, wanted))
    average = sum(chunk.decoded for chunk in chunks)
    values = sum(int(chunk.told.num_values) for chunk in chunks)
    longest = sum(chunk.longest for chunk in chunks if not chunk.repeated)
    size = min(MOST_ROWS, MOST_BYTES * rows // max(average, 1), MOST_VALUES * rows // max(values, 1))
    size = max(1, min(size, MOST_OF_LONGEST // max(longest, 1)))
    left = MOST_HELD - sum(chunk.decoded_at_most for chunk in chunks if chunk.repeated)
    if left < 0:
        raise NotColumnar("a row group has more in lists and maps than is safe to hold in memory at once")
    texts = sum(chunk.size for chunk in chunks if not chunk.width and not chunk.repeated)
    if texts <= left and sum(chunk.size for chunk in chunks) <= MOST_OPEN:
        return size  # though all lay in one page, and all texts in one batch
    return _bounded_by_pages(source, chunks, rows, size, left)


def _chunks(source: pa.NativeFile, file: pq.ParquetFile, group: int, wanted: Collection[str]) -> Iterator[Chunk]:
    told = file.metadata.row_group(group)
    starts = tuple(f"{name}." for name in wanted)
    for at in range(told.num_columns):
        chunk, column = told.column(at), file.schema.column(at)
        if f"{chunk.path_in_schema}.".startswith(starts):
            repeated = column.max_repetition_level > 0
            if not repeated and chunk.num_values != told.num_rows:
                raise NotColumnar("a file has columns of another number of values than it says it has rows")
            width = WIDTHS.get(chunk.physical_type)
            usual, longest = (0, 0) if width else _of_dictionary(source, chunk)
            yield Chunk(chunk, width, repeated, usual, longest)


def _of_dictionary(source: pa.NativeFile, told: pq.ColumnChunkMetaData) -> tuple[int, int]:
    """How long the texts are that come again and again without being stored again: usually, and at most."""
    size, rows = int(told.total_uncompressed_size), min(MOST_ROWS, int(told.num_values))
    by_difference = "DELTA_BYTE_ARRAY" in told.encodings
    if not by_difference and not told.has_dictionary_page:
        return 0, 0
    if size * rows <= MIB:
        return size, size  # whatever they are, it does not matter
    if by_difference:
        raise NotColumnar("a column is stored by differences between its texts, which do not tell how long they are")
    first = next(pages(source, told))
    if first.kind != DICTIONARY:
        return 0, 0
    return first.size // max(first.values, 1), longest_of(source, first, told.compression)


def _bounded_by_pages(source: pa.NativeFile, chunks: Sequence[Chunk], rows: int, size: int, left: int) -> int:
    """What the footer leaves open, pages tell. left: bytes that a batch may have of texts."""
    small = sum(chunk.size for chunk in chunks if chunk.size <= MIB)  # not worth a look
    large = [chunk for chunk in chunks if chunk.size > MIB]
    found = [list(pages(source, chunk.told)) for chunk in large]
    if small + sum(max(page.size for page in of_column) for of_column in found) > MOST_OPEN:
        raise NotColumnar("a row group has larger pages, or more columns, than is safe to hold in memory at once")
    texts = [
        [page for page in of_column if page.kind != DICTIONARY]
        for chunk, of_column in zip(large, found, strict=True)
        if not chunk.width and not chunk.repeated
    ]
    while small + _most_texts(texts, rows, size) > left:
        size //= 2
        if size < FEWEST_ROWS:
            raise NotColumnar("a row group has more text in a few rows than is safe to hold in memory at once")
    return size


def _most_texts(columns: Sequence[Sequence[Page]], rows: int, size: int) -> int:
    """Bytes of the pages that the batch with the most of them touches."""
    starts = np.arange(0, rows, size)
    lasts = np.minimum(starts + size, rows) - 1
    held = np.zeros(len(starts), np.int64)
    for of_column in columns:
        ends = np.cumsum([page.values for page in of_column])
        if not len(ends) or ends[-1] != rows:
            raise NotColumnar("a file has pages of another number of rows than it says")
        sizes = np.concatenate([[0], np.cumsum([page.size for page in of_column])])
        held += sizes[np.searchsorted(ends, lasts, "right") + 1] - sizes[np.searchsorted(ends, starts, "right")]
    return int(held.max(initial=0))
