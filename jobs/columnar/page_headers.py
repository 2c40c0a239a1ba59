"""The pages of a Parquet file by the headers that stand before them, which Arrow does not show.

https://github.com/apache/parquet-format/blob/apache-parquet-format-2.11.0/src/main/thrift/parquet.thrift has them as
``PageHeader``; they are written in Thrift's compact protocol.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.columnar.unfit import NotColumnar

LONGEST_HEADER = 1 << 16
"""Bytes; a header may quote a least and a greatest value of its page."""
NO_HEADER = "a file has a page whose header is not as Parquet has it"
DICTIONARY = 2
TRUE, FALSE, BYTE, I16, I32, I64, BINARY, STRUCT = 1, 2, 3, 4, 5, 6, 8, 12


@dataclasses.dataclass(frozen=True)
class Page:
    """start: of what follows the header, in the file. stored, size: its bytes in the file, and decompressed. values:
    with nulls, so in a column that is not repeated as many as rows."""

    kind: int
    start: int
    stored: int
    size: int
    values: int


def pages(source: pa.NativeFile, chunk: pq.ColumnChunkMetaData) -> Iterator[Page]:
    """The dictionary, if there is one, and the pages of data. Raises `NotColumnar` for what is no header."""
    at = min(filter(None, (chunk.dictionary_page_offset, chunk.data_page_offset)))
    end = at + chunk.total_compressed_size
    while at < end:
        page = _page(source, at)
        if page.stored < 0 or not 0 <= page.size <= chunk.total_uncompressed_size:
            raise NotColumnar(NO_HEADER)
        yield page
        at = page.start + page.stored


def longest_of(source: pa.NativeFile, page: Page, codec: str) -> int:
    """Bytes of the longest text in a dictionary; what it can be at most where Arrow does not decompress it."""
    at_most = page.size - 4 * (page.values - 1)
    try:
        source.seek(page.start)
        stored = source.read(page.stored)
        data = stored if codec == "UNCOMPRESSED" else pa.Codec(codec.lower()).decompress(stored, page.size)
    except (ValueError, OSError, pa.ArrowException):
        return at_most
    view, at, longest = memoryview(data), 0, 0
    for _ in range(page.values):
        size = int.from_bytes(view[at : at + 4], "little")
        at, longest = at + 4 + size, max(longest, size)
        if at > page.size:
            break
    return longest if at == page.size else at_most


def _page(source: pa.NativeFile, at: int) -> Page:
    try:
        source.seek(at)
        header = _Compact(source.read(LONGEST_HEADER))
        told = header.struct()
        of_kind = told.get(5) or told.get(7) or told[8]
        return Page(told[1], at + header.at, told[3], told[2], of_kind[1])
    except (LookupError, ValueError, TypeError, RecursionError, OSError, pa.ArrowException):
        raise NotColumnar(NO_HEADER) from None


class _Compact:
    """Reads Thrift's compact protocol, as far as headers of pages need it."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def struct(self) -> dict[int, Any]:
        """Values by the numbers of their fields."""
        found: dict[int, Any] = {}
        field = 0
        while head := self._byte():
            field = field + (head >> 4) if head >> 4 else self._signed()
            found[field] = self._value(head & 15)
        return found

    def _value(self, kind: int) -> Any:
        if kind in (TRUE, FALSE):
            return kind == TRUE
        if kind == BYTE:
            return self._byte()
        if kind in (I16, I32, I64):
            return self._signed()
        if kind == STRUCT:
            return self.struct()
        if kind != BINARY:
            raise ValueError(kind)
        size = self._unsigned()
        self.at += size
        return None

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _unsigned(self) -> int:
        found, shift = 0, 0
        while (byte := self._byte()) & 128:
            found, shift = found | (byte & 127) << shift, shift + 7
        return found | byte << shift

    def _signed(self) -> int:
        found = self._unsigned()
        return (found >> 1) ^ -(found & 1)
