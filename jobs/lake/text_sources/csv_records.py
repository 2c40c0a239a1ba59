"""CSV as RFC 4180 has it: bytes of whole lines become columns of text, or the file is refused. No Spark, no guess.

A quote sign stands around a whole value and doubles itself inside one; a line break inside quotes belongs to the value;
a backslash is a plain character; every record has the same number of columns. What is not so is refused: a parser that
guesses puts parts of one value into another column, where the catalog decides something else. Whole-array code.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from jobs.console.numbers import many
from privacy_udfs import wording
from privacy_udfs.errors import SourceRefused

LONGEST_RECORD = 1 << 28
"""Bytes of one record. More than that is a quote left open, or nothing that fits into an Arrow array."""
BREAK, RETURN, BOM = 10, 13, 0xEF
Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How the files are written."""

    separator: str = ","
    quote: str = '"'
    """One ASCII character; empty: none, so every quote sign is a plain character."""
    header: bool = True
    encoding: str = "utf-8"
    """Python's name of a superset of ASCII in which the byte of a line break is nothing else."""
    null: str = ""
    """A value of this text is null, in quotes or not. Nothing between two separators is null as well."""
    line_breaks: bool = True
    """Values may hold them, so that no file is read in parts."""


def safe_names(header: Sequence[str]) -> list[str]:
    """Names of columns as Spark makes them of a header: a missing one is ``_c0``, of equal ones each gets its place."""
    lower = [name.lower() for name in header]
    return [
        f"_c{at}" if not name else f"{name}{at}" if lower.count(lower[at]) > 1 else name
        for at, name in enumerate(header)
    ]


class FileReader:
    """Reads one file, or one part of it, batch by batch of lines. names: None to look at its first record only."""

    def __init__(
        self, dialect: Dialect, names: Sequence[str] | None, file: str, start: int, line: str | None = None
    ) -> None:
        self.dialect = dialect
        self.names = names
        self.line = line
        """A further column: the line on which each record begins, counted from 1. None: not wanted."""
        self.file = file
        self.start = start
        self.first: list[str] | None = None
        """The cells of the file's first record, an empty text for a missing one."""
        self._lines = 0
        self._rest = b""
        self._wants_first = start == 0 and (dialect.header or names is None)
        if start and dialect.line_breaks:
            raise self.refused("was changed while the run looked at it: run again when nothing writes to it")

    @property
    def waiting(self) -> int:
        """Bytes of the record that has not ended yet."""
        return len(self._rest)

    def take(self, lines: pa.Array) -> pa.Table | None:
        """The records that end within these lines, each of which ends with a line break."""
        return self.take_bytes(_bytes_of(lines))

    def take_bytes(self, lines: bytes | memoryview) -> pa.Table | None:
        """The same of whole lines as they stand in the file, one behind the other."""
        text = self._rest + self._decoded(lines)
        if len(self._rest) > LONGEST_RECORD:
            raise self.refused(f"has a record of more than {LONGEST_RECORD >> 20} MiB: is a quote open?", 0)
        separator, sign = self._separator(text)
        data = np.frombuffer(text if separator == sign else text.replace(separator, sign), np.uint8)
        ends = self._record_ends(data, sign)
        size = int(ends[-1]) + 1 if len(ends) else 0
        table = self._records(data[:size], ends, sign)
        self._lines += int(np.count_nonzero(data[:size] == BREAK))
        self._rest = data[size:].tobytes().replace(sign, separator)
        return table

    def finish(self) -> None:
        """Raise if the file ends where it must not."""
        if self._rest:
            raise self.refused("ends within a quoted value: a quote is open", 0)
        if self._wants_first and not self.dialect.line_breaks:
            raise self.refused("has no header in its first part: leave 'multiLine: false' out")

    def refused(self, why: str, line: int | None = None) -> SourceRefused:
        """Names the file, the line (counted from the first that is not read yet) and the rule; no word of the data."""
        after = f" after byte {self.start}" if self.start else ""
        place = f", line {self._lines + line + 1}{after}," if line is not None else ""
        return SourceRefused(f"CSV file {wording.file_shown(self.file)}{place} {why}")

    def _decoded(self, lines: bytes | memoryview) -> bytes | memoryview:
        encoding = self.dialect.encoding
        try:
            if encoding == "utf-8":
                _as_one(lines).cast(pa.string())
                return lines
            return bytes(lines).decode(encoding, "strict").encode()
        except (pa.ArrowInvalid, UnicodeError):
            why = f"holds bytes that are not {encoding}: say by the option 'encoding' what it is written in"
        raise self.refused(why)

    def _separator(self, text: bytes) -> tuple[bytes, bytes]:
        """The separator, and the one byte that stands for it: itself, or one that the text does not hold."""
        separator = self.dialect.separator.encode()
        if len(separator) == 1:
            return separator, separator
        for byte in range(1, 32):
            if byte not in (9, BREAK, RETURN) and bytes([byte]) not in text:
                return separator, bytes([byte])
        raise self.refused("holds every control character: it needs a separator of one ASCII character")

    def _record_ends(self, data: Bytes, separator: bytes) -> Places:
        """Where the line breaks are that end a record."""
        breaks = np.flatnonzero(data == BREAK)
        returns = np.flatnonzero(data == RETURN)
        returns = returns[data[returns + 1] != BREAK] if len(returns) else returns
        quotes = np.flatnonzero(data == ord(self.dialect.quote)) if self.dialect.quote else breaks[:0]
        if len(quotes):
            self._check_quotes(data, quotes, separator[0], breaks)
            returns = returns[np.searchsorted(quotes, returns) % 2 == 0]
        if len(returns):
            why = "holds a carriage return that is neither in quotes nor part of a line break"
            raise self.refused(why, int(np.searchsorted(breaks, returns[0])))
        if not len(quotes):
            return breaks
        inside = np.searchsorted(quotes, breaks) % 2 == 1
        if not self.dialect.line_breaks and inside.any():
            raise self.refused("holds a line break inside quotes: leave 'multiLine: false' out", int(inside.argmax()))
        return np.asarray(breaks[~inside])

    def _check_quotes(self, data: Bytes, quotes: Places, separator: int, breaks: Places) -> None:
        """Each quote sign opens a value, closes one, or is one of two that stand for one: nothing else is CSV."""
        opening, closing = quotes[::2], quotes[1::2]
        before, after = data[opening - 1], data[closing + 1]
        opens = (before == separator) | (before == BREAK) | (opening == 0)
        ends = (after == separator) | (after == BREAK)
        ends |= (after == RETURN) & (data[np.minimum(closing + 2, len(data) - 1)] == BREAK)
        doubled = opening[1:] == closing[: len(opening) - 1] + 1
        opens[1:] |= doubled
        ends[: len(doubled)] |= doubled
        wrong = np.concatenate([opening[~opens], closing[~ends]])
        if len(wrong):
            why = "has a quote sign within a value: quote the whole value and double the sign, or state 'quote: \"\"'"
            raise self.refused(why, int(np.searchsorted(breaks, wrong.min())))

    def _records(self, data: Bytes, ends: Places, separator: bytes) -> pa.Table | None:
        starts = np.append(0, ends[:-1] + 1)[: len(ends)]
        blank = (ends == starts) | ((ends == starts + 1) & (data[starts] == RETURN))
        if len(self.names or ()) == 1 and blank.any():
            line = int(np.count_nonzero(data[: starts[blank.argmax()]] == BREAK))
            raise self.refused('is blank, which in a file of one column may be a value: write "" or no line', line)
        starts, ends = starts[~blank], ends[~blank]
        if self._wants_first and len(starts):
            self._take_first(data[starts[0] : ends[0] + 1], separator)
            starts = starts[1:]
        if self.names is None or not len(starts):
            return None
        table = self._finished(self._parsed(data, starts, self.names, separator), separator)
        return table if self.line is None else table.append_column(self.line, self._line_numbers(data, starts))

    def _line_numbers(self, data: Bytes, starts: Places) -> pa.Array:
        breaks = np.flatnonzero(data == BREAK)
        return pa.array(self._lines + 1 + np.searchsorted(breaks, starts), pa.int64()).cast(pa.string())

    def _take_first(self, record: Bytes, separator: bytes) -> None:
        """The first record of the file, which is its header if it has one."""
        rows = _read(record, None, separator, self.dialect)
        self.first = [column[0].as_py() or "" for column in rows.columns]
        self._wants_first = False
        if self.names is None or not self.dialect.header:
            return
        found = safe_names(self.first)
        if len(found) != len(self.names):
            raise self.refused(f"has a header of {many(len(found), 'column')}, and {len(self.names)} are expected")
        wrong = [at for at, (is_, should) in enumerate(zip(found, self.names, strict=True)) if is_ != should]
        if wrong:
            why = f"has a header with another name in column {wrong[0] + 1} than the source's schema has there"
            raise self.refused(f"{why}: all files need the same columns in the same order")

    def _parsed(self, data: Bytes, starts: Places, names: Sequence[str], separator: bytes) -> pa.Table:
        faults: list[Any] = []

        def note(row: Any) -> str:
            faults.append((row.number, row.actual_columns))
            return "error"

        try:
            return _read(data[starts[0] :], names, separator, self.dialect, note)
        except pa.ArrowInvalid:  # its text quotes the record
            why, line = "cannot be parsed as CSV", 0
        if faults:
            number, found = faults[0]
            line = int(np.count_nonzero(data[: starts[number - 1]] == BREAK))
            why = f"has a record of {many(found, 'column')}, and {len(names)} are expected"
        raise self.refused(why, line)

    def _finished(self, table: pa.Table, separator: bytes) -> pa.Table:
        """The separator of several characters in its place again, and the values that stand for null."""
        columns = [column.combine_chunks() for column in table.columns]
        written = self.dialect.separator
        if separator != written.encode():
            columns = [pc.replace_substring(column, separator.decode(), written) for column in columns]
        if self.dialect.null:
            none = pa.scalar(None, pa.string())
            columns = [pc.if_else(pc.equal(column, self.dialect.null), none, column) for column in columns]
        return pa.table(columns, table.column_names)


def _read(
    data: Bytes,
    names: Sequence[str] | None,
    separator: bytes,
    dialect: Dialect,
    note: Callable[[Any], str] | None = None,
) -> pa.Table:
    """Whole records, whose quotes were checked, as columns of text."""
    generated = [f"f{at}" for at in range(data.tobytes().count(separator) + 1)] if names is None else []
    read = pa.csv.ReadOptions(
        use_threads=False,
        block_size=len(data) + 2,
        column_names=names,
        autogenerate_column_names=names is None,
    )
    parse = pa.csv.ParseOptions(
        delimiter=separator.decode(),
        quote_char=dialect.quote or False,
        double_quote=bool(dialect.quote),
        newlines_in_values=True,
        invalid_row_handler=note,
    )
    convert = pa.csv.ConvertOptions(
        column_types=dict.fromkeys(names or generated, pa.string()),
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=not dialect.null,
        check_utf8=False,  # it was looked at when the bytes came
    )
    whole = pa.py_buffer(data)
    if data[0] == BOM:  # which Arrow would take from the first value, that of any batch: a blank line guards it
        whole = pa.py_buffer(b"\n" + data.tobytes())
    return pa.csv.read_csv(pa.BufferReader(whole), read, parse, convert)


def _bytes_of(lines: pa.Array) -> memoryview:
    """The lines, one behind the other."""
    if not len(lines):
        return memoryview(b"")
    offsets = np.frombuffer(lines.buffers()[1], np.int32)[lines.offset : lines.offset + len(lines) + 1]
    return memoryview(lines.buffers()[2] or b"")[offsets[0] : offsets[-1]]


def _as_one(lines: bytes | memoryview) -> pa.Array:
    """The lines as one value of an array, without a copy. UTF-8 is checked so at once: no character spans two lines."""
    offsets = pa.py_buffer(np.array([0, len(lines)], np.int32))
    return pa.Array.from_buffers(pa.binary(), 1, [None, offsets, pa.py_buffer(lines)])


def read(
    batches: Iterator[pa.RecordBatch],
    dialect: Dialect,
    names: Sequence[str],
    file: str | None,
    line: str | None = None,
    mark: str | None = None,
) -> Iterator[pa.RecordBatch]:
    """What a task runs: batches of lines become batches of records. mark: the run's (`privacy_udfs.wording`).

    The first three columns of a batch are the line with its line break, its file, and the byte at which the part of the
    file begins that the task reads; columns of partition folders follow. Behind the values come, where they are wanted,
    the line (``line``) and the file (``file``), and the folders.
    """
    with wording.marked_errors(mark):
        yield from _read_all(batches, dialect, names, file, line)


def _read_all(
    batches: Iterator[pa.RecordBatch], dialect: Dialect, names: Sequence[str], file: str | None, line: str | None
) -> Iterator[pa.RecordBatch]:
    reader: FileReader | None = None
    for batch in batches:
        for part in _by_file(batch):
            place = part.column(1)[0].as_py(), part.column(2)[0].as_py()
            if reader is None or (reader.file, reader.start) != place:
                if reader is not None:
                    reader.finish()
                reader = FileReader(dialect, names, *place, line)
            table = reader.take(part.column(0))
            if table is not None:
                yield from _with_folders(table, part, file)
    if reader is not None:
        reader.finish()


def _by_file(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """The stretches of a batch whose lines are of one file, and of one part of it."""
    changes = np.zeros(max(batch.num_rows - 1, 0), bool)
    for column in batch.columns[1:3]:
        changes |= pc.not_equal(column[1:], column[:-1]).to_numpy(zero_copy_only=False)
    edges = [0, *(np.flatnonzero(changes) + 1).tolist(), batch.num_rows]
    for start, end in itertools.pairwise(edges):
        if end > start:
            yield batch.slice(start, end - start)


def _with_folders(table: pa.Table, part: pa.RecordBatch, file: str | None) -> Iterator[pa.RecordBatch]:
    """The records with what all of them share: the file that they are of, and what the names of its folders say."""
    columns, names = list(table.columns), list(table.column_names)
    shared = [(part.column(at)[0], part.schema.field(at).name) for at in range(3, part.num_columns)]
    for value, name in [*([(part.column(1)[0], file)] if file else []), *shared]:
        columns.append(pa.repeat(value, table.num_rows))
        names.append(name)
    yield from pa.table(columns, names).to_batches()
