"""Every doubt about a file is a refusal to be columnar, without Spark: what stands in the file, byte by byte.

What the refusal is worth, the same table by Spark's path, is tested in `test_same_sources`. Files that Arrow does not
write are made out of some that it does, by another text in the footer, which is Thrift's compact protocol.
"""

from __future__ import annotations

import base64
import io
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pyarrow.parquet.encryption as pe
import pytest
from pyspark.sql import types as T

from jobs.columnar import arrow_types, fitting, stored_schema
from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_reader import ParquetReader
from jobs.columnar.parts import Stretch
from jobs.columnar.unfit import NotColumnar
from jobs.lake.column_mapping import MODE
from jobs.lake.source_files import File, SourceFiles
from jobs.lake.source_schema import CHAR_TYPE, DEFAULT
from privacy_udfs.errors import SourceRefused

PLAIN: dict[str, Any] = {
    "store_schema": False, "compression": "none", "use_dictionary": False, "write_statistics": False,
}  # fmt: skip
NUMBERS = pa.table({"x": pa.array([1, 2, None], pa.int32())})
TEXTS = pa.table({"x": pa.array(range(3000), pa.int32()), "s": [f"t{at}" for at in range(3000)]})
LISTS = pa.list_(pa.field("element", pa.int32()))
UTC, LOCAL = pa.timestamp("us", "UTC"), pa.timestamp("us")


def written(rows: pa.Table, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(rows, sink, **options)
    return sink.getvalue()


def changed(data: bytes, old: bytes, new: bytes, times: int = 1) -> bytes:
    """A file with another text in its footer."""
    length = struct.unpack("<I", data[-8:-4])[0]
    body, footer = data[: -8 - length], data[-8 - length : -8]
    assert footer.count(old) == times, footer
    footer = footer.replace(old, new)
    return body + footer + struct.pack("<I", len(footer)) + data[-4:]


def read(folder: Path, data: bytes, wanted: pa.Schema) -> pa.Table:
    (folder / "a.parquet").write_bytes(data)
    stretch = Stretch(File(f"file:{folder}/a.parquet", len(data)), 0, len(data))
    return pa.Table.from_batches(ParquetReader(wanted).batches(stretch, Access(), wanted), schema=wanted)


def refused(why: str, folder: Path, data: bytes, wanted: pa.Schema) -> None:
    with pytest.raises(NotColumnar, match=why):
        read(folder, data, wanted)


# -- bytes that cannot be trusted -------------------------------------------------------------------------------------


class Wrapped(pe.KmsClient):
    """A key service that hides nothing: who has the file has the key. The values are encrypted all the same."""

    def __init__(self, _: pe.KmsConnectionConfig) -> None:
        pe.KmsClient.__init__(self)

    def wrap_key(self, key_bytes: bytes, _: str) -> str:
        return base64.b64encode(key_bytes).decode()

    def unwrap_key(self, wrapped_key: str, _: str) -> bytes:
        return base64.b64decode(wrapped_key)


def encrypted(plain_footer: bool) -> bytes:
    factory, sink = pe.CryptoFactory(Wrapped), io.BytesIO()
    settings = pe.EncryptionConfiguration(footer_key="f", column_keys={"c": ["s"]}, plaintext_footer=plain_footer)
    properties = factory.file_encryption_properties(pe.KmsConnectionConfig(), settings)
    with pq.ParquetWriter(sink, TEXTS.schema, encryption_properties=properties) as writer:
        writer.write_table(TEXTS)
    return sink.getvalue()


@pytest.mark.parametrize(
    ("plain_footer", "why"), [(False, r"cannot be opened as Parquet \(OSError\)"), (True, "encrypted columns")]
)
@pytest.mark.parametrize("names", [["x"], ["x", "s"]])
def test_encrypted(tmp_path: Path, plain_footer: bool, why: str, names: list[str]) -> None:
    """Also where the footer can be read, and where no column is asked for that is encrypted: Arrow ends the process
    that looks at one, so it must not be looked at."""
    data = encrypted(plain_footer)
    assert data.endswith(b"PAR1" if plain_footer else b"PARE")
    refused(why, tmp_path, data, pa.schema([TEXTS.schema.field(name) for name in names]))


def damaged() -> dict[str, tuple[bytes, str]]:
    data = written(TEXTS)
    length = struct.unpack("<I", data[-8:-4])[0]
    no_footer = data[: -8 - length] + b"\xff" * length + data[-8:]
    longer = data[:-8] + b"\0" * 28 + struct.pack("<I", length + 28) + b"PAR1"
    return {
        "nothing": (b"", "cannot be opened"),
        "no Parquet": (b"PAR1PAR1", "cannot be opened"),
        "cut in its pages": (data[:2000], "cannot be opened"),
        "cut in its footer": (data[:-10], "cannot be opened"),
        "a footer of nothing": (no_footer, "cannot be opened"),
        "more behind the footer": (longer, "behind its footer"),
        "pages of nothing": (data[:4] + b"\xff" * 400 + data[404:], r"cannot be read by Arrow \(OSError\)"),
    }


@pytest.mark.parametrize("name", damaged())
def test_damaged(tmp_path: Path, name: str) -> None:
    data, why = damaged()[name]
    refused(why, tmp_path, data, TEXTS.schema)


@pytest.mark.parametrize("number", [2, 4, 6, 9])
def test_unknown_codecs(tmp_path: Path, number: int) -> None:
    """GZIP, BROTLI and ZSTD, which the pages are not; and one that no version of Parquet has."""
    path = b"\x19\x18\x01x"
    data = changed(written(NUMBERS, **PLAIN), path + b"\x15\0", path + b"\x15" + bytes([2 * number]))
    refused(r"cannot be read by Arrow \(OSError\)", tmp_path, data, NUMBERS.schema)


@pytest.mark.parametrize(("rows", "why"), [(2, "another number of values"), (4, "another number of values")])
def test_a_row_group_that_says_another_number_of_rows(tmp_path: Path, rows: int, why: str) -> None:
    """Were it believed, the third row would be gone."""
    data = written(NUMBERS, **PLAIN)
    of_group, of_file = b"\x16B\x16%c&\x08\x16B", b"\0\x16%c\x19\x1c\x19\x1c"
    data = changed(data, of_group % 6, of_group % (2 * rows))
    refused("than its row groups", tmp_path, data, NUMBERS.schema)
    refused(why, tmp_path, changed(data, of_file % 6, of_file % (2 * rows)), NUMBERS.schema)


def test_lists_of_another_number_of_rows_are_damaged(tmp_path: Path) -> None:
    """Of lists only reading tells how many rows they make up."""
    rows = pa.table({"x": pa.array([[1, 2], [], None], LISTS)})
    data = written(rows, **PLAIN)
    said = b"\0\x16%c\x19\x1c\x19\x1c"
    data = changed(data, said % 6, said % 8)
    start = data.rindex(b"\x16\x06&\x08")
    data = data[:start] + b"\x16\x08" + data[start + 2 :]
    with pytest.raises(SourceRefused, match=r"a\.parquet has another number of rows than it says"):
        read(tmp_path, data, rows.schema)


def test_a_file_of_another_length_was_changed(tmp_path: Path) -> None:
    data = written(NUMBERS)
    (tmp_path / "a.parquet").write_bytes(data)
    stretch = Stretch(File(f"file:{tmp_path}/a.parquet", len(data) - 1), 0, len(data))
    with pytest.raises(SourceRefused, match="was changed while the run looked at it"):
        list(ParquetReader(NUMBERS.schema).batches(stretch, Access(), NUMBERS.schema))


# -- what wrote it ----------------------------------------------------------------------------------------------------

WRITER = "org.apache.spark.version"
OLD = [
    {WRITER: "2.4.8"}, {WRITER: "1.6.0"}, {WRITER: "3"}, {WRITER: "none"}, {"org.apache.spark.legacyDateTime": ""},
    {WRITER: "3.5.1", "org.apache.spark.legacyDateTime": ""}, {WRITER: "4.2.0", "org.apache.spark.legacyINT96": ""},
]  # fmt: skip


@pytest.mark.parametrize("told", OLD, ids=str)
def test_dates_that_may_be_of_the_old_calendar(tmp_path: Path, told: dict[str, str]) -> None:
    refused("old calendar", tmp_path, written(NUMBERS.replace_schema_metadata(told)), NUMBERS.schema)


@pytest.mark.parametrize("told", [{}, {WRITER: "3.0.0"}, {WRITER: "10.1"}], ids=str)
def test_writers_of_the_calendar_of_today(tmp_path: Path, told: dict[str, str]) -> None:
    assert read(tmp_path, written(NUMBERS.replace_schema_metadata(told)), NUMBERS.schema) == NUMBERS


def layouts() -> dict[str, tuple[bytes, pa.DataType]]:
    """https://github.com/apache/parquet-format/blob/master/LogicalTypes.md, rules for what old writers made."""
    integer, of_struct = b"\x15\x02%\x02\x18", pa.struct([("array", pa.int32())])
    number, struct_ = written(NUMBERS, **PLAIN), written(pa.table({"x": pa.array([{"array": 1}], of_struct)}), **PLAIN)
    list_ = written(pa.table({"x": pa.array([[1]], LISTS)}), **PLAIN)
    map_ = written(pa.table({"x": pa.array([[(1, 1)]], pa.map_(pa.int32(), pa.int32()))}), **PLAIN)
    group, leaf = b"5\x02\x18\x01x\x15\x02", b"\0\x15\x02%%%c\x18\x05array"
    return {
        "repeated, without a list": (changed(number, integer + b"\x01x", b"\x15\x02%\x04\x18\x01x"), LISTS),
        "two levels": (changed(struct_, group + leaf % 2, group + b"\x15\x06" + leaf % 4), LISTS),
        "a bag": (changed(list_, b"\x04list", b"\x03bag", 2), LISTS),
        "an array": (changed(list_, b"\x04list", b"\x05array", 2), LISTS),
        "a map": (changed(map_, b"\x09key_value", b"\x03map", 3), pa.map_(pa.int32(), pa.int32())),
    }


@pytest.mark.parametrize("name", layouts())
def test_older_layouts(tmp_path: Path, name: str) -> None:
    data, wanted = layouts()[name]
    refused("older layout", tmp_path, data, pa.schema([("x", wanted)]))


# -- columns ----------------------------------------------------------------------------------------------------------


def in_struct(*names: str) -> pa.Table:
    kind = pa.struct([pa.field(name, pa.int32()) for name in names])
    return pa.table({"s": pa.array([None], kind)})


ONE = pa.schema([("x", pa.int64())])
NAMES: dict[str, tuple[pa.Table, pa.Schema, str]] = {
    "in one file": (pa.table({"x": [1], "X": [2]}), ONE, "names in the table that are equal"),
    "of columns that nobody asks for": (
        pa.table({"x": [1], "y": [1], "Y": [2]}), ONE, "names in the table that are equal",
    ),
    "than that of the table": (pa.table({"X": [1]}), ONE, "a name in the table in another"),
    "within a struct": (in_struct("a", "A"), in_struct("a").schema, "names in s that are equal but for their case"),
    "of a field": (in_struct("A", "b"), in_struct("a", "b").schema, "a name in s in another case"),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_names_that_differ_in_case(tmp_path: Path, name: str) -> None:
    rows, wanted, why = NAMES[name]
    refused(why, tmp_path, written(rows), wanted)


NANOSECONDS = pa.timestamp("ns")
OTHER_TYPES: dict[str, tuple[pa.DataType, pa.DataType]] = {
    "uint64": (pa.uint64(), pa.int64()),
    "uint32": (pa.uint32(), pa.int32()),
    "int64": (pa.int64(), pa.int32()),
    "int32": (pa.int32(), pa.float64()),
    "double": (pa.float64(), pa.float32()),
    "halffloat": (pa.float16(), pa.float32()),
    r"decimal128\(9, 3\)": (pa.decimal128(9, 3), pa.decimal128(9, 2)),
    "date32": (pa.date32(), LOCAL),
    "string": (pa.string(), pa.binary()),
    "binary": (pa.binary(), pa.string()),
    "fixed_size_binary": (pa.binary(2), pa.binary()),
    "time64": (pa.time64("us"), pa.int64()),
    "null": (pa.null(), pa.int32()),
    "struct": (pa.struct([("b", pa.int32())]), pa.list_(pa.int32())),
}


@pytest.mark.parametrize("name", OTHER_TYPES)
def test_types_that_need_not_be_what_spark_reads(tmp_path: Path, name: str) -> None:
    found, wanted = OTHER_TYPES[name]
    rows = pa.table({"x": pa.nulls(3, found)})
    refused(f"column x as {name}, which is not just", tmp_path, written(rows), pa.schema([("x", wanted)]))


@pytest.mark.parametrize(
    ("found", "wanted"),
    [(NANOSECONDS, UTC), (NANOSECONDS, LOCAL), (pa.timestamp("ns", "UTC"), UTC), (LOCAL, UTC), (UTC, LOCAL)],
    ids=str,
)
def test_times_that_need_not_be_what_spark_reads(tmp_path: Path, found: pa.DataType, wanted: pa.DataType) -> None:
    """Nanoseconds, and points in time for times on a wall."""
    data = written(pa.table({"x": pa.array([1, None], found)}), version="2.6")
    refused("column x as timestamp, which is not just", tmp_path, data, pa.schema([("x", wanted)]))


def test_a_struct_with_none_of_its_fields(tmp_path: Path) -> None:
    wanted = pa.schema([("s", pa.struct([("b", pa.int32())]))])
    refused("column s with none of the fields", tmp_path, written(in_struct("a")), wanted)


READ: dict[str, Callable[[], tuple[bytes, pa.Array]]] = {
    "INT96": lambda: (
        written(pa.table({"x": pa.array([1, None], LOCAL)}), use_deprecated_int96_timestamps=True),
        pa.array([1, None], UTC),
    ),
    "large": lambda: (written(pa.table({"x": pa.array(["a", None], pa.large_string())})), pa.array(["a", None])),
    "large lists": lambda: (
        written(pa.table({"x": pa.array([[1], None], pa.large_list(pa.int32()))})), pa.array([[1], None], LISTS),
    ),
    "dictionaries": lambda: (
        written(pa.table({"x": pa.array(["a", None, "a"]).dictionary_encode()})), pa.array(["a", None, "a"]),
    ),
    "unsigned of 32 bits": lambda: (
        written(pa.table({"x": pa.array([2**32 - 1, None], pa.uint32())})), pa.array([2**32 - 1, None], pa.int64()),
    ),
}  # fmt: skip
"""What other readers refuse, and is read here, to the value."""


@pytest.mark.parametrize("name", READ)
def test_what_is_read(tmp_path: Path, name: str) -> None:
    data, expected = READ[name]()
    assert read(tmp_path, data, pa.schema([("x", expected.type)]))["x"].combine_chunks() == expected


# -- what the schema of the table says --------------------------------------------------------------------------------

TEXT = T.StringType()


@pytest.mark.parametrize(
    "given",
    [
        T.VariantType(),
        T.DayTimeIntervalType(),
        T.YearMonthIntervalType(),
        T.CharType(3),
        T.VarcharType(3),
        T.StringType("UNICODE"),
        T.NullType(),
        T.StructType([T.StructField("inner", T.ArrayType(T.VariantType()))]),
        T.MapType(TEXT, T.VariantType()),
    ],
    ids=lambda given: str(given.simpleString()),
)
def test_types_that_only_spark_reads(given: T.DataType) -> None:
    with pytest.raises(NotColumnar, match=r"column (v|inner) is of type .*, which only Spark reads and writes here"):
        stored_schema.of([T.StructField("v", given)])
    with pytest.raises(NotColumnar, match="column v is of type"):
        arrow_types.of_spark(given, "v")


def test_a_struct_of_nothing() -> None:
    with pytest.raises(NotColumnar, match="column v is a struct without fields"):
        arrow_types.of_spark(T.StructType([]), "v")


def field(**metadata: Any) -> T.StructField:
    return T.StructField("c", TEXT, True, metadata)


def below(given: T.StructField) -> T.StructField:
    return T.StructField("c", T.ArrayType(T.MapType(TEXT, T.StructType([given]))))


TOLD: dict[str, tuple[SourceFiles, str]] = {
    "a default": (SourceFiles("", T.StructType([field(**{DEFAULT: "7"})]), ()), "c has a default for files without it"),
    "a default below": (SourceFiles("", T.StructType([below(field(**{DEFAULT: "7"}))]), ()), "has a default"),
    "padded": (SourceFiles("", T.StructType([field(**{CHAR_TYPE: "char(5)"})]), ()), "c is, or holds, CHAR"),
    "padded below": (SourceFiles("", T.StructType([below(field(**{CHAR_TYPE: "char(5)"}))]), ()), "or holds, CHAR"),
    "padded folders": (
        SourceFiles("", T.StructType([]), (), folder_fields=(field(**{CHAR_TYPE: "char(5)"}),)), "by c: CHAR",
    ),
    "deleted rows": (SourceFiles("", T.StructType([]), (), deleted=True), "deletion vectors"),
    "columns by number": (SourceFiles("", T.StructType([]), (), configuration={MODE: "id"}), "column mapping by id"),
    "no name in files": (
        SourceFiles("", T.StructType([field()]), (), configuration={MODE: "name"}), "what column c is called",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", TOLD)
def test_what_a_table_says_of_its_files(name: str) -> None:
    files, why = TOLD[name]
    with pytest.raises(NotColumnar, match=why):
        fitting.check_parquet(files)


def test_a_plain_table_fits() -> None:
    fitting.check_parquet(SourceFiles("", T.StructType([field(), below(field())]), ()))
