"""CSV files read in tasks: the same rows and refusals as by Spark's path, or the run takes that path."""

from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pafs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_schema

from jobs.columnar.csv_reader import CsvReader, check_compression, reader
from jobs.columnar.file_systems import Access
from jobs.columnar.parts import Stretch
from jobs.columnar.unfit import NotColumnar
from jobs.configuration.models import Source
from jobs.lake import read
from jobs.lake.source_files import File
from jobs.lake.text_sources import csv_records
from jobs.lake.text_sources.csv_records import Dialect
from jobs.spark_app.failures import RunFailed, translated
from jobs.spark_app.session import for_run
from privacy_udfs.errors import SourceRefused

PLAIN = Dialect()
MARK = b"\xef\xbb\xbf"
FILE = "file:/f.csv"


class InMemory(Access):
    """One file, `FILE`, of the bytes given."""

    def __init__(self, content: bytes) -> None:
        object.__setattr__(self, "content", content)

    def open(self, uri: str) -> tuple[pafs.FileSystem, str]:
        files = pafs._MockFileSystem()
        with files.open_output_stream("f.csv") as out:
            out.write(self.content)  # type: ignore[attr-defined]
        return files, "f.csv"


def source(**options: str) -> Source:
    return Source.model_validate({"format": "csv", "path": "/f", "options": options})


def texts(*names: str) -> T.StructType:
    return T.StructType([T.StructField(name, T.StringType()) for name in names])


def wanted(schema: T.StructType) -> pa.Schema:
    return to_arrow_schema(schema, timezone="UTC")


def ours(content: bytes, names: list[str], dialect: Dialect = PLAIN, block: int = 7) -> list[tuple[object, ...]]:
    schema = texts(*names)
    own = CsvReader(dialect, {name: T.StringType() for name in names}, block)
    batches = own.batches(Stretch(File(FILE, len(content)), 0, len(content)), InMemory(content), wanted(schema))
    return [tuple(row.values()) for batch in batches for row in batch.to_pylist()]


def sparks(content: bytes, names: list[str], dialect: Dialect = PLAIN) -> list[tuple[object, ...]]:
    """By the way of Spark's path, with lines as Spark's text source has them (held by a test with Spark below)."""
    content = content.removeprefix(MARK)
    lines = [line + b"\n" for line in content.split(b"\n")]
    lines = lines[:-1] if lines[-1] == b"\n" else lines
    batches = _batches(lines)
    return [
        tuple(row.values()) for batch in csv_records.read(batches, dialect, names, None) for row in batch.to_pylist()
    ]


def _batches(lines: list[bytes], step: int = 2) -> Iterator[pa.RecordBatch]:
    for at in range(0, len(lines), step):
        part = lines[at : at + step]
        columns = [pa.array(part, pa.binary()), pa.array([FILE] * len(part)), pa.array([0] * len(part), pa.int64())]
        yield pa.record_batch(columns, ["line", "file", "start"])


Outcome = tuple[str, object]


def outcome(rows: object, *given_: object) -> Outcome:
    try:
        return "read", rows(*given_)  # type: ignore[operator]
    except SourceRefused as error:
        return "refused", str(error)


FILES = [
    b"",
    b"\n",
    b"\n\n\n",
    MARK,
    MARK + b"\n",
    MARK + b"a,b\n1,2",
    MARK + MARK + b"a,b\n1,2\n",
    MARK + b'"a","b"\n1,2\n',
    b"a,b\n" + MARK + b"1,2\n",
    b"a,b",
    b"a,b\r\n1,2\r\n",
    b"a,b\n1,2\r",
    b"a,b\n1,2\rx\n",
    b"a,b\n1,\x00\n\x00,\n",
    b'a,b\n1,"x\ny"\n"",""""\n',
    b'a,b\n1,"x\r\ny"',
    b'a,b\n1,"x\n\n\n',
    b"a,b\n\n1,2\n\n\n3,4",
    b"a,b\n1,2,3\n",
    b"a,b\n1\n",
    b"b,a\n1,2\n",
    b"a,b\n1,\xe9\n",
    b"a,b\n1,\xc3",
    b'a,b\n1,x "y" z\n',
    "a,b\nJosé,\U0001f600\n".encode(),
    b"a,b\n" + b"x" * 5000 + b",y\n",
    "a,b\n,\x85\u2028\n".encode(),
]


@pytest.mark.parametrize("content", FILES)
@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@pytest.mark.parametrize("dialect", [PLAIN, Dialect(line_breaks=False)])
def test_a_file_is_read_or_refused_as_on_sparks_path(content: bytes, block: int, dialect: Dialect) -> None:
    names = ["a", "b"]
    assert outcome(ours, content, names, dialect, block) == outcome(sparks, content, names, dialect)


pieces = st.sampled_from(
    [b"a", b"b", b",", b",", b'"', b'"', b"\n", b"\n", b"\r\n", b"\r", b"\x00", b";", b"x" * 20, MARK]
)
contents = st.lists(pieces | st.text(max_size=3).map(lambda text: text.encode("utf-8", "surrogatepass"))).map(b"".join)
dialects = st.builds(
    Dialect,
    separator=st.sampled_from([",", ";", "||", "§"]),
    quote=st.sampled_from(['"', "'", ""]),
    header=st.booleans(),
    encoding=st.sampled_from(["utf-8", "iso8859_1", "shift_jis"]),
    null=st.sampled_from(["", "a"]),
    line_breaks=st.booleans(),
)


@given(contents, st.integers(1, 40), dialects, st.sampled_from([["a"], ["a", "b"]]))
def test_any_bytes_in_any_blocks(content: bytes, block: int, dialect: Dialect, names: list[str]) -> None:
    content = (dialect.separator.join(names) + "\n").encode() + content if dialect.header else content
    found, expect = outcome(ours, content, names, dialect, block), outcome(sparks, content, names, dialect)
    assert found[0] == expect[0]  # of several faults, another one may be met first
    assert found[0] == "refused" or found == expect


quoted = st.text(max_size=6) | st.sampled_from(['"', "\n", "\r", ",", "\x00", "\r\n"])


@given(st.lists(st.tuples(quoted, quoted)), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.integers(1, 40))
def test_what_is_written_right_is_read(rows: list[tuple[str, str]], end: str, last: bool, block: int) -> None:
    lines = ["a,b", *(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows)]
    content = (end.join(lines) + (end if last else "")).encode("utf-8", "replace")
    expect = [tuple(cell.encode("utf-8", "replace").decode() or None for cell in row) for row in rows]
    assert ours(content, ["a", "b"], block=block) == expect


def test_lines_are_as_sparks_text_source_has_them(spark: SparkSession, lake: Path) -> None:
    """What ends a line, the last line, and the mark at the start of a file, through the whole of Spark's path."""
    for at, content in enumerate(FILES):
        path = lake / f"{at}.csv"
        path.write_bytes(content)
        stated = Source.model_validate({"format": "csv", "path": str(path), "schema": "a string, b string"})
        wrong = False
        try:
            rows = translated("t", read.rows_of(for_run(spark), stated).rows.collect)
            assert ours(content, ["a", "b"]) == [tuple(row) for row in rows], at
        except (RunFailed, SourceRefused, read.SourceProblem):
            wrong = True
        assert wrong == (outcome(ours, content, ["a", "b"])[0] == "refused"), at


def test_only_what_is_wanted_is_given_and_all_is_read(tmp_path: Path) -> None:
    content = b"a,b,c\n1,2,x\n3,y,z\n"
    types: dict[str, T.DataType] = {"a": T.LongType(), "b": T.StringType(), "c": T.StringType()}
    own, access = CsvReader(PLAIN, types), InMemory(content)
    stretch = Stretch(File(FILE, len(content)), 0, len(content))
    schema = pa.schema({"c": pa.string(), "a": pa.int64()})
    assert pa.Table.from_batches(own.batches(stretch, access, schema)).to_pylist() == [
        {"c": "x", "a": 1},
        {"c": "z", "a": 3},
    ]
    assert sum(batch.num_rows for batch in own.batches(stretch, access, pa.schema([]))) == 2
    with pytest.raises(NotColumnar, match="CSV column b holds a int that is not"):
        list(CsvReader(PLAIN, {**types, "b": T.IntegerType()}).batches(stretch, access, schema))


@pytest.mark.parametrize("length", [3, 9])
def test_a_file_that_was_changed_is_left_to_spark(length: int) -> None:
    with pytest.raises(NotColumnar, match="was changed"):
        list(
            CsvReader(PLAIN, {"a": T.StringType()}).batches(
                Stretch(File(FILE, length), 0, length), InMemory(b"a\n1\n2\n"), wanted(texts("a"))
            )
        )


def test_a_file_that_is_gone_is_left_to_spark_without_its_path(tmp_path: Path) -> None:
    stretch = Stretch(File(f"file:{tmp_path}/name=Ann/a.csv", 4), 0, 4)
    with pytest.raises(NotColumnar) as refused:
        list(CsvReader(PLAIN, {"a": T.StringType()}).batches(stretch, Access(), wanted(texts("a"))))
    assert "Ann" not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_name_says_nothing_of_compression_in_a_task(tmp_path: Path) -> None:
    """What is compressed was said on the driver, by Spark's list of endings (`check_compression`), not by Arrow's."""
    (tmp_path / "a.gz").write_bytes(b"a\n1\n")
    batches = CsvReader(PLAIN, {"a": T.StringType()}).batches(
        Stretch(File(f"file:{tmp_path}/a.gz", 4), 0, 4), Access(), wanted(texts("a"))
    )
    assert pa.Table.from_batches(batches).to_pylist() == [{"a": "1"}]


def test_the_reader_travels() -> None:
    own = reader(source(sep=";", nullValue="-"), texts("a", "B", "day"), ["DAY"])
    assert list(own.types) == ["a", "B"]
    assert own.dialect == Dialect(separator=";", null="-")
    assert pickle.loads(pickle.dumps(own)) == own


@pytest.mark.parametrize(
    ("ddl", "options"),
    [
        ("a interval day to second", {}),
        ("a string collate unicode", {}),
        ("a array<string>", {}),
        ("a date", {"dateFormat": "dd.MM.yyyy"}),
        ("a timestamp", {"timestampFormat": "yyyy"}),
        ("a timestamp_ntz", {"timestampNTZFormat": "yyyy"}),
        ("a decimal(3,1)", {"locale": "de"}),
        ("a double", {"locale": "de"}),
    ],
)
def test_types_that_only_spark_reads(spark: SparkSession, ddl: str, options: dict[str, str]) -> None:
    schema = T.DataType.fromDDL(ddl)
    assert isinstance(schema, T.StructType)
    with pytest.raises(NotColumnar, match="CSV column a is a"):
        reader(source(**options), schema, [])
    reader(source(**options), T.StructType([*schema, *texts("b")]), ["A"])  # in the names of folders they may stand


@pytest.mark.parametrize(
    ("name", "fits"), [("a.csv", True), ("gz", True), ("a.csv.gz", False), ("a.ZST", False), ("a.csv.bz2", False)]
)
def test_compressed_files_are_left_to_spark(spark: SparkSession, name: str, fits: bool) -> None:
    uris = ["file:/x/a.gz/plain.csv", f"file:/x/{name}"]
    if fits:
        check_compression(spark, uris)
        return
    with pytest.raises(NotColumnar, match="compressed"):
        check_compression(spark, uris)
