"""CSV files as Arrow batches, cut into records by the same code as on Spark's path (`csv_records`)."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import SparkSession
from pyspark.sql import types as T

from jobs.columnar import csv_cells
from jobs.columnar.file_systems import Access
from jobs.columnar.parts import Stretch
from jobs.columnar.unfit import NotColumnar
from jobs.configuration.models import Source
from jobs.lake.text_sources.csv_files import dialect_of
from jobs.lake.text_sources.csv_records import Dialect, FileReader

BLOCK = 8 << 20
"""Bytes that are looked at at once."""
MOST_OF_RECORD = 8 << 20
"""Bytes: a record that is longer is read by Spark, since here each byte of it takes up ten and more."""
TOO_LONG = f"a CSV file has a record of more than {MOST_OF_RECORD >> 20} MiB"
MARK = b"\xef\xbb\xbf"
"""In UTF-8 the byte order mark, which Spark takes off the first line of a file, whatever the encoding."""


@dataclasses.dataclass(frozen=True)
class CsvReader:
    """Reads whole files; see `jobs.columnar.reading.Reader`."""

    dialect: Dialect
    types: Mapping[str, T.DataType]
    """The columns of the files, in their order. All of them are read and held against their types, wanted or not."""
    block: int = BLOCK

    def batches(self, stretch: Stretch, access: Access, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Also raises `SourceRefused` for a file that is no CSV, as Spark's path does, with the file and the line."""
        if stretch.start:
            raise NotColumnar("a CSV file is to be read in parts")
        reader = FileReader(self.dialect, list(self.types), stretch.file.uri, 0)
        lines = None
        for lines in _whole_lines(_blocks(stretch, access, self.block)):
            table = reader.take_bytes(lines)
            if reader.waiting > MOST_OF_RECORD:
                raise NotColumnar(TOO_LONG)
            if table is not None:
                yield from self._typed(table, wanted)
        if lines is not None:  # a file without a line has no rows, and need not have a header
            reader.finish()

    def _typed(self, table: pa.Table, wanted: pa.Schema) -> Iterator[pa.RecordBatch]:
        columns = {
            name: csv_cells.typed(column.combine_chunks(), name, self.types[name])
            for name, column in zip(table.column_names, table.columns, strict=True)
        }
        chosen = pa.table(columns).select(wanted.names)
        if len(wanted):  # a cast to no columns loses the count of rows
            chosen = chosen.cast(wanted)
        yield from chosen.to_batches()


def reader(source: Source, schema: T.StructType, folder_names: Collection[str]) -> CsvReader:
    """The reader of a source. schema: of its rows as Spark's path has them; folder_names: which of them are folders.

    Raises `NotColumnar` if a column's type is one whose values only Spark reads out of text.
    """
    folders = {name.lower() for name in folder_names}
    types = {field.name: field.dataType for field in schema.fields if field.name.lower() not in folders}
    if not types:
        raise NotColumnar("the CSV files have no columns of their own")
    for name, type_ in types.items():
        if not csv_cells.reads(type_, source.options):
            raise NotColumnar(f"CSV column {name} is a {type_.simpleString()}, which Spark reads out of text")
    return CsvReader(dialect_of(source.options), types)


def check_compression(spark: SparkSession, uris: Iterable[str]) -> None:
    """Raise `NotColumnar` if Spark would decompress one of the files, which it knows by its name."""
    assert spark._jvm is not None
    found = spark._jvm.org.apache.hadoop.io.compress.CompressionCodecFactory
    settings = spark._jsparkSession.sessionState().newHadoopConf()
    names = [str(each.getName()) for each in found.getCodecClasses(settings)]
    codecs = found(settings)
    endings = tuple(str(codecs.getCodecByClassName(name).getDefaultExtension()).lower() for name in names)
    if any(uri.lower().endswith(endings) for uri in uris):
        raise NotColumnar("compressed text files are read by Spark only")


def _blocks(stretch: Stretch, access: Access, size: int) -> Iterator[bytes]:
    """The bytes of the file, which must be as many as it had when the files were listed."""
    files, path = access.open(stretch.file.uri)
    left = stretch.length
    try:
        with files.open_input_stream(path, compression=None) as stream:
            while block := stream.read(size):
                left -= len(block)
                yield block
    except OSError:  # its text shows the path, in which values of folders may stand
        raise NotColumnar("a CSV file cannot be read by Arrow") from None
    if left:
        raise NotColumnar("a CSV file was changed since the files were listed")


def _whole_lines(blocks: Iterable[bytes]) -> Iterator[bytes]:
    """The lines of a file as Spark has them, many at once: each ends with a line break, the last one too."""
    rest, mark = b"", MARK
    for block in blocks:
        cut = block.rfind(b"\n") + 1
        if cut:
            yield (rest + block[:cut]).removeprefix(mark)
            rest, mark = b"", b""
        rest += block[cut:]
        if len(rest) > MOST_OF_RECORD:
            raise NotColumnar(TOO_LONG)
    last = rest.removeprefix(mark)
    if last:
        yield last + b"\n"
