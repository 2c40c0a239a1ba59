"""The Parquet files of a target, as Spark reads them best: written in large row groups, closed at the target's size."""

from __future__ import annotations

import contextlib
import dataclasses
import uuid
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from jobs.columnar import partition_values, row_order, statistics
from jobs.columnar.file_systems import Access
from jobs.columnar.partition_values import Values
from jobs.columnar.statistics import Measured
from jobs.columnar.writer_options import WriterOptions, without_vain
from jobs.lake.delta_commit import AddedFile

CODECS = {"snappy": "snappy", "zstd": "zstd", "gzip": "gzip", "lz4_raw": "lz4", "none": "none", "uncompressed": "none"}
"""Spark's name of a compression -> Arrow's."""
MOST_OPEN = 32
"""Files of partitions that are open at once; with more, some are closed before their time."""
HELD = 192 << 20
"""Bytes of rows that wait until their partition has enough of them for a file: Spark sorts for it, here they are few
per batch when partitions are many."""
OF_COLUMN = 512
"""Bytes that a column of a piece of rows takes besides them, about."""
ROW_GROUP = 32 << 20
"""Bytes of rows in one row group, about."""


@dataclasses.dataclass(frozen=True)
class Layout:
    """How the files of a target are written.

    root: its folder. schema: of the files, with the names and field ids that Delta gave. partition_by: names of columns
    of ``schema`` that stand in folders and not in files. largest: bytes of a file, about. most_rows: of a file; None
    for any number. run_id: part of each name.
    is_shuffled: whether neither rows nor names of files tell their order in the source.
    """

    root: str
    schema: pa.Schema
    partition_by: tuple[str, ...]
    measured: tuple[Measured, ...]
    options: WriterOptions
    codec: str
    largest: int
    spark_version: str
    run_id: str
    is_shuffled: bool = False
    most_rows: int | None = None

    @property
    def row_group(self) -> int:
        """Bytes of rows that are written at once: of a small file only a part, so that it ends near its size."""
        return min(ROW_GROUP, self.largest // 4)

    @property
    def in_files(self) -> pa.Schema:
        return pa.schema([field for field in self.schema if field.name not in self.partition_by])


class Files:
    """The files that one attempt of a task writes. Closed by `finish`, or taken away by `abandon`."""

    def __init__(self, layout: Layout, access: Access, task: int) -> None:
        self.layout, self.access, self.task = layout, access, task
        self._open: dict[Values, _File] = {}
        self._held: dict[Values, list[pa.Table]] = {}
        self._sizes: dict[Values, int] = {}
        self._uris: list[str] = []
        self.added: list[AddedFile] = []

    def write(self, rows: pa.Table) -> None:
        """Row groups; of a partitioned table the rows wait for others of their partitions."""
        if not self.layout.partition_by:
            self._put_all((), rows, rows.nbytes // ROW_GROUP)
            return
        for values, of_partition in partition_values.split(rows, self.layout.partition_by):
            self._held.setdefault(values, []).append(of_partition.select(self.layout.in_files.names))
            size = of_partition.nbytes + OF_COLUMN * of_partition.num_columns
            self._sizes[values] = self._sizes.get(values, 0) + size
        if sum(self._sizes.values()) > HELD:
            self._release(HELD // 2)

    def _release(self, most: int) -> None:
        """Write partitions that have many rows, until the others hold no more than ``most`` bytes."""
        size = sum(self._sizes.values())
        for values in sorted(self._held, key=lambda values: self._sizes[values], reverse=True):
            if size <= most:
                return
            rows, held = pa.concat_tables(self._held.pop(values)), self._sizes.pop(values)
            size -= held
            self._put_all(values, rows, -(-held // ROW_GROUP))

    def _put_all(self, values: Values, rows: pa.Table, number: int) -> None:
        """In so many stretches, or one, each in an order of its own however small the files are to be."""
        if not rows.num_rows:
            self._put(values, rows)
        for stretch in _cut(rows, number):
            ordered = row_order.shuffled(stretch) if self.layout.is_shuffled else stretch
            is_whole = self.layout.row_group == ROW_GROUP
            for group in _cut(ordered, 1 if is_whole else ordered.nbytes // self.layout.row_group):
                self._put_group(values, group)

    def _put_group(self, values: Values, rows: pa.Table) -> None:
        """One row group; more where a file ends in between."""
        while rows.num_rows:
            open_, most = self._open.get(values), self.layout.most_rows
            room = rows.num_rows if most is None else most - (open_.rows if open_ else 0)
            self._put(values, rows.slice(0, room))
            rows = rows.slice(room)

    def _put(self, values: Values, rows: pa.Table) -> None:
        """One row group."""
        if values not in self._open:
            self._make_room()
            self._open[values] = self._new(values, rows)
        file = self._open[values]
        file.write(rows)
        if file.size >= self.layout.largest or file.rows == self.layout.most_rows:
            self._close(values)

    def finish(self) -> list[AddedFile]:
        """Close all files; what Delta is to know of them."""
        self._release(0)
        for values in list(self._open):
            self._close(values)
        return self.added

    def abandon(self) -> None:
        """Take away what was written, as far as that can be done."""
        for file in self._open.values():
            file.abandon()
        for waiting in (self._open, self._held, self._sizes):
            waiting.clear()
        for uri in self._uris:
            self.access.delete(uri)

    def _make_room(self) -> None:
        if len(self._open) >= MOST_OPEN:
            self._close(max(self._open, key=lambda values: self._open[values].size))

    def _new(self, values: Values, first: pa.Table) -> _File:
        folder = partition_values.folder(values)
        task = 0 if self.layout.is_shuffled else self.task  # tasks are numbered by what they read
        name = f"part-{task:05d}-{self.layout.run_id}-{uuid.uuid4().hex}.{self.layout.codec}.parquet"
        path = f"{folder}{name}"
        uri = f"{self.layout.root}/{path}"
        self._uris.append(uri)
        return _File(self.layout, self.access, uri, path, values, first)

    def _close(self, values: Values) -> None:
        self.added.append(self._open.pop(values).close())


def _cut(rows: pa.Table, number: int) -> Iterator[pa.Table]:
    """So many parts of about as many rows, or one."""
    step = max(-(-rows.num_rows // max(number, 1)), 1)
    for start in range(0, rows.num_rows, step):
        yield rows.slice(start, step)


class _Abandoned(Exception):
    """By which a file that is open is taken away."""


class _File:
    def __init__(self, layout: Layout, access: Access, uri: str, path: str, values: Values, first: pa.Table) -> None:
        self.layout, self.path, self.values, self.rows = layout, path, values, 0
        options = without_vain(layout.options, first)
        self.opened = access.open_output(uri)
        self.sink = self.opened.__enter__()
        self.writer = pq.ParquetWriter(
            self.sink,
            layout.in_files,
            compression=CODECS[layout.codec],
            use_dictionary=options.use_dictionary or False,
            write_statistics=layout.options.write_statistics or False,
            write_page_index=True,
            store_schema=False,
            store_decimal_as_integer=True,
        )
        # without it Spark takes dates before 1582 for those of the old calendar, and refuses them
        self.writer.add_key_value_metadata({"org.apache.spark.version": layout.spark_version})

    @property
    def size(self) -> int:
        return int(self.sink.tell())

    def write(self, rows: pa.Table) -> None:
        self.writer.write_table(rows, row_group_size=max(rows.num_rows, 1))
        self.rows += rows.num_rows

    def close(self) -> AddedFile:
        self.writer.close()
        size = self.size
        self.opened.__exit__(None, None, None)
        told = statistics.of(self.writer.writer.metadata, self.layout.measured)
        return AddedFile(self.path, size, dict(self.values), told, self.rows)

    def abandon(self) -> None:
        with contextlib.suppress(Exception):  # what went wrong first is what counts
            self.writer.close()
        with contextlib.suppress(Exception):
            self.opened.__exit__(_Abandoned, _Abandoned(), None)
