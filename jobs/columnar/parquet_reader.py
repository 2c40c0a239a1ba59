"""Row groups of Parquet files as batches of just the types that Spark would read, or a refusal to be columnar."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator, Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.columnar import arrow_types
from jobs.columnar.batch_sizes import MOST_ROWS, batch_rows
from jobs.columnar.file_systems import Access
from jobs.columnar.parts import Stretch
from jobs.columnar.unfit import NotColumnar
from privacy_udfs import wording
from privacy_udfs.errors import SourceRefused

READ_AHEAD, OF_ALL_COLUMNS = 1 << 20, 1 << 26
"""Bytes that are read at once of a column at most, and of all."""
MOST_OF_PIECE, MOST_OF_ROW = 1 << 25, 1 << 26
"""Bytes; a batch may have more, since it is only read: what is treated and written is there several times."""
OLD_CALENDAR = (b"org.apache.spark.legacyDateTime", b"org.apache.spark.legacyINT96")
WRITER = b"org.apache.spark.version"


@dataclasses.dataclass(frozen=True)
class ParquetReader:
    """stored: the columns as the files have them: of the same types as the columns wanted, in the same order, but by
    the names that Delta gave them in files."""

    stored: pa.Schema

    def batches(self, stretch: Stretch, access: Access, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
        """See `jobs.columnar.reading.Reader`."""
        shown = wording.file_shown(stretch.file.uri)
        ahead = min(READ_AHEAD, OF_ALL_COLUMNS // max(len(self.stored), 1))
        with _opened(access, stretch.file.uri, shown, ahead) as (file, source):
            if source.size() != stretch.file.size:
                raise SourceRefused(f"{shown} was changed while the run looked at it: run again when nothing does")
            _check_footer(source, file.metadata)  # before any column of it is looked at
            groups = [group for group in range(file.num_row_groups) if _begins(file.metadata, group, stretch)]
            present = self._checked(file)
            for group in groups:
                rows = batch_rows(source, file, group, present) if present else MOST_ROWS
                yield from self._of_group(file, group, rows, present, wanted, shown)

    def _checked(self, file: pq.ParquetFile) -> set[str]:
        """Which of the columns a file has. Raises `NotColumnar` where it is not certain what Spark would read."""
        _check_calendar(file.metadata.metadata or {})
        found = claimed(file)
        present = arrow_types.names("the table", found.names, self.stored.names)
        for field in self.stored:
            if field.name in present:
                arrow_types.check(field.name, found.field(field.name).type, field.type)
        return present

    def _of_group(
        self, file: pq.ParquetFile, group: int, size: int, present: set[str], wanted: pa.Schema, shown: str
    ) -> Iterator[pa.RecordBatch]:
        """size: rows of a batch."""
        rows = file.metadata.row_group(group).num_rows
        if not present:
            yield from _nulls(rows, size, wanted)
            return
        found = file.iter_batches(size, row_groups=[group], columns=sorted(present), use_threads=False)
        read = 0
        while (batch := _next(found, shown)) is not None:
            read += batch.num_rows
            for piece in _pieces(batch):
                yield self._conformed(piece, present, wanted)
        if read != rows:
            raise SourceRefused(f"{shown} has another number of rows than it says: it is damaged, write it again")

    def _conformed(self, batch: pa.RecordBatch, present: set[str], wanted: pa.Schema) -> pa.RecordBatch:
        arrays = []
        for field, as_ in zip(self.stored, wanted, strict=True):
            if field.name in present:
                array = batch.column(batch.schema.names.index(field.name))
                array = arrow_types.conformed(array, field.type)
                arrays.append(arrow_types.placed(array, as_.type))
            else:
                arrays.append(pa.nulls(batch.num_rows, as_.type))
        return pa.RecordBatch.from_arrays(arrays, schema=wanted)


@contextlib.contextmanager
def _opened(access: Access, uri: str, shown: str, ahead: int) -> Iterator[tuple[pq.ParquetFile, pa.NativeFile]]:
    """A file, and its bytes. ahead: how many are read at once of a column."""
    try:
        source = access.open_input(uri)
        file = pq.ParquetFile(source, coerce_int96_timestamp_unit="us", pre_buffer=False, buffer_size=ahead)
    except (pa.ArrowException, OSError) as error:  # encrypted, damaged, or not there: Spark shall say so
        raise NotColumnar(f"{shown} cannot be opened as Parquet ({type(error).__name__})") from None
    with source, file:
        yield file, source


def _next(batches: Iterator[pa.RecordBatch], shown: str) -> pa.RecordBatch | None:
    try:
        return next(batches, None)
    except (pa.ArrowException, OSError) as error:
        raise NotColumnar(f"{shown} cannot be read by Arrow ({type(error).__name__})") from None


def _begins(footer: pq.FileMetaData, group: int, stretch: Stretch) -> bool:
    """Whether the middle of a row group lies in a stretch: so each group is in exactly one stretch of its file."""
    columns = [footer.row_group(group).column(at) for at in range(footer.num_columns)]
    if not columns:
        return stretch.start == 0
    starts = [min(filter(None, (c.dictionary_page_offset, c.data_page_offset))) for c in columns[:1]]
    middle = starts[0] + sum(column.total_compressed_size for column in columns) // 2
    last = stretch.start + stretch.length >= stretch.file.size
    return stretch.start <= middle and (last or middle < stretch.start + stretch.length)


def _pieces(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    if batch.nbytes <= MOST_OF_PIECE or (batch.num_rows == 1 and batch.nbytes <= MOST_OF_ROW):
        yield batch
    elif batch.num_rows == 1:
        raise NotColumnar(f"a row has more than {MOST_OF_ROW >> 20} MiB")
    else:
        half = batch.num_rows // 2
        yield from _pieces(batch.slice(0, half))
        yield from _pieces(batch.slice(half))


def _nulls(rows: int, most: int, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
    for start in range(0, rows, most):
        size = min(most, rows - start)
        yield pa.RecordBatch.from_arrays([pa.nulls(size, field.type) for field in wanted], schema=wanted)


def _check_footer(source: pa.NativeFile, footer: pq.FileMetaData) -> None:
    """Behind the footer of a file whose columns are encrypted stands a signature; to ask Arrow for one of these columns
    without its key ends the process."""
    length = int.from_bytes(source.read_at(4, source.size() - 8), "little")
    if length != footer.serialized_size:
        raise NotColumnar("a file has encrypted columns, or more behind its footer than Arrow knows of")
    if footer.num_rows != sum(footer.row_group(group).num_rows for group in range(footer.num_row_groups)):
        raise NotColumnar("a file says another number of rows than its row groups")


def _check_calendar(told: Mapping[bytes, bytes]) -> None:
    writer = re.match(rb"(\d+)\.", told.get(WRITER, b""))
    if any(key in told for key in OLD_CALENDAR) or (WRITER in told and (writer is None or int(writer[1]) < 3)):
        raise NotColumnar("a file may hold dates of the old calendar, as an old version of Spark wrote them")


def claimed(file: pq.ParquetFile) -> pa.Schema:
    """The schema of a file with INT96 timestamps as points in time, which Arrow reads as times without a zone. Raises
    `NotColumnar` for older layouts of lists and maps."""
    leaves = [file.schema.column(at) for at in range(len(file.schema))]
    left = iter(leaves)
    fields = [pa.field(field.name, _claimed(field.type, field.name, left)) for field in file.schema_arrow]
    if next(left, None) is not None:
        raise NotColumnar("a file has columns that Arrow does not read")
    return pa.schema(fields)


def _claimed(given: pa.DataType, path: str, left: Iterator[pq.ColumnSchema]) -> pa.DataType:
    if pa.types.is_struct(given):
        return pa.struct([pa.field(f.name, _claimed(f.type, f"{path}.{f.name}", left)) for f in given])
    if pa.types.is_map(given):
        below = f"{path}.key_value"
        key, value = (_claimed(part.type, f"{below}.{part.name}", left) for part in (given.key_field, given.item_field))
        return pa.map_(key, value)
    if pa.types.is_list(given) or pa.types.is_large_list(given):
        return pa.list_(_claimed(given.value_type, f"{path}.list.{given.value_field.name}", left))
    if pa.types.is_nested(given):
        raise arrow_types.other(path, given)
    leaf = next(left, None)
    if leaf is None or leaf.path != path:
        raise NotColumnar("a file has lists or maps in an older layout")
    if leaf.physical_type == "INT96":
        return arrow_types.UTC
    return given
