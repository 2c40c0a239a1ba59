"""CSV is read as RFC 4180 has it, or refused: never guessed. Real files, real Spark."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from jobs.configuration.models import Source
from jobs.lake import read
from jobs.lake.problems import SourceProblem
from jobs.lake.text_sources import csv_records
from jobs.lake.text_sources.csv_records import Dialect
from jobs.pseudonymize import run
from jobs.spark_app.failures import RunFailed, translated
from jobs.spark_app.session import for_run
from jobs.treatment.treatment_plan import PlanError
from privacy_udfs.errors import SourceRefused
from tests.helpers.lakes import configured, table

Files = Mapping[str, bytes]
PLAIN = Dialect()


def written(folder: Path, files: Files) -> Path:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def rows(spark: SparkSession, folder: Path, files: Files, schema: str | None = None, **options: str) -> Any:
    """The source's rows, sorted; an error as a job tells it."""
    source = {"format": "csv", "path": str(written(folder, files)), "options": options}
    entry = Source.model_validate({**source, **({"schema": schema} if schema else {})})

    def found() -> list[tuple[Any, ...]]:
        return sorted((tuple(row) for row in read.rows_of(for_run(spark), entry).rows.collect()), key=repr)

    return translated("t", found)


def records(
    text: bytes, names: list[str], dialect: Dialect = PLAIN, step: int = 2, line: str | None = None
) -> list[tuple[Any, ...]]:
    """What the parser makes of a file's bytes, in batches of ``step`` lines; no Spark."""
    lines = [line + b"\n" for line in text.split(b"\n")]
    lines = lines[:-1] if lines[-1] == b"\n" else lines
    batches = []
    for at in range(0, len(lines), step):
        part = lines[at : at + step]
        columns = [pa.array(part, pa.binary()), pa.array(["f.csv"] * len(part)), pa.array([0] * len(part), pa.int64())]
        batches.append(pa.record_batch(columns, ["line", "file", "start"]))
    read_ = csv_records.read(iter(batches), dialect, names, "file", line)
    wanted = [*names, *([line] if line else [])]
    return [tuple(row[name] for name in wanted) for batch in read_ for row in batch.to_pylist()]


def test_a_line_break_in_quotes_belongs_to_the_value(spark: SparkSession, lake: Path) -> None:
    text = b'ticket,note\nT-1,"please call\nAnn Smith"\r\nT-2,"Al ""Ace"" B"\nT-3,C:\\dir\\n\nT-4,"a\r\nb"\n'
    expect = [
        ("T-1", "please call\nAnn Smith"),
        ("T-2", 'Al "Ace" B'),
        ("T-3", "C:\\dir\\n"),
        ("T-4", "a\r\nb"),
    ]
    assert rows(spark, lake / "a", {"a.csv": text}) == expect
    source = {"format": "csv", "path": str(lake / "a")}
    entry = table("t", lake, {"ticket": "keep", "note": "redact"}, source=source)
    assert run(spark, configured(lake, entry), "t").rows == 4
    treated = spark.read.format("delta").load(str(lake / "treated" / "t"))
    assert {row["ticket"] for row in treated.collect()} == {"T-1", "T-2", "T-3", "T-4"}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (b'a,b\n1,x "Ann" y\n', "line 2, has a quote sign within a value"),
        (b'a,b\n1,"Ann" y\n', "line 2, has a quote sign within a value"),
        (b'a,b\n1, "Ann"\n', "line 2, has a quote sign within a value"),
        (b'a,b\n1,"say \\"Ann\\""\n', "line 2, has a quote sign within a value"),
        (b'a,b\n1,2\n3,"Ann\n4,5\n', "line 3, ends within a quoted value"),
        (b"a,b\n1,2,Ann\n", "line 2, has a record of 3 columns, and 2 are expected"),
        (b"a,b\n\n1,2\nAnn\n", "line 4, has a record of 1 column, and 2 are expected"),
        (b"a,b\n1,Ann\r2,x\n", "line 2, holds a carriage return"),
        (b"a,b\n1,Ann\xe9\n", "holds bytes that are not utf-8: say by the option 'encoding'"),
        (b"b,a\nAnn,2\n", "has a header with another name in column 1"),
        (b"\n\nb,a\nAnn,2\n", "has a header with another name in column 1"),
        (b"a\nAnn\n", "has a header of 1 column, and 2 are expected"),
    ],
)
@pytest.mark.parametrize("step", [1, 100])
def test_what_is_no_csv_is_refused_without_a_word_of_it(text: bytes, why: str, step: int) -> None:
    with pytest.raises(SourceRefused, match=why) as refused:
        records(text, ["a", "b"], step=step)
    assert "Ann" not in str(refused.value)
    assert "f.csv" in str(refused.value)


@pytest.mark.parametrize("step", [1, 100])
def test_right_files_are_read(step: int) -> None:
    both = ["a", "b"]
    assert records(b'a,b\r\n"1","2"\r\n\r\n,""', both, step=step) == [("1", "2"), (None, None)]
    assert records(b"a,b\n\x00,\\\n", both, step=step) == [("\x00", "\\")]
    assert records(b"", both, step=step) == records(b"\n\n", both, step=step) == []
    assert records(b"\xef\xbb\xbfx,2\n\xef\xbb\xbfy,3\n", both, Dialect(header=False), step) == [
        ("\ufeffx", "2"),
        ("\ufeffy", "3"),
    ]
    single = Dialect(quote="'")
    assert records(b"a,b\n'it''s','\"x'\n", both, single, step) == [("it's", '"x')]
    assert records(b'a,b\n5" pipe,"\n', both, Dialect(quote=""), step) == [('5" pipe', '"')]
    assert records(b'a||b\n1|2||"x||y"\n', both, Dialect(separator="||"), step) == [("1|2", "x||y")]
    assert records(b"a,b\n#1,x\n", both, step=step) == [("#1", "x")]
    assert records(b"a,b\n1,\x80\xe9\n", both, Dialect(encoding="cp1252"), step) == [("1", "€é")]
    assert records(b'a,b\n,""\nN,"N"\n', both, Dialect(null="N"), step) == [(None, ""), (None, None)]


@pytest.mark.parametrize("step", [1, 2, 100])
def test_records_are_told_by_the_line_on_which_they_begin(step: int) -> None:
    text = b'a,b\n1,"x\ny"\n\n2,z\n3,"\n\n"\n4,z'
    found = [(row[0], row[2]) for row in records(text, ["a", "b"], step=step, line="at")]
    assert found == [("1", "2"), ("2", "5"), ("3", "6"), ("4", "9")]


def test_a_blank_line_in_a_file_of_one_column_is_refused() -> None:
    assert records(b'a\n1\n""\n', ["a"]) == [("1",), (None,)]
    with pytest.raises(SourceRefused, match="line 3, is blank"):
        records(b"a\n1\n\n2\n", ["a"])


def test_bytes_that_the_encoding_does_not_have_are_refused() -> None:
    with pytest.raises(SourceRefused, match="holds bytes that are not cp1252"):
        records(b"a,b\n1,\x81\n", ["a", "b"], Dialect(encoding="cp1252"))


cells = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8) | st.sampled_from(['"', "\n", "\r\n", ",", '""'])


@settings(max_examples=150, deadline=None)
@given(
    st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(cells, min_size=n, max_size=n), min_size=1, max_size=8)),
    st.sampled_from([",", ";", "\t", "|", "||"]),
    st.sampled_from(["\n", "\r\n"]),
    st.integers(1, 5),
)
def test_what_python_writes_is_read_as_it_was(table_: list[list[str]], sep: str, end: str, step: int) -> None:
    """Quoted all, since Python leaves a value with a lone carriage return bare in some versions."""
    names = [f"c{at}" for at in range(len(table_[0]))]
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=sep[0], lineterminator=end, quoting=csv.QUOTE_ALL)
    writer.writerows([names, *table_])
    text = out.getvalue()
    if sep == "||":
        text = end.join(sep.join('"' + c.replace('"', '""') + '"' for c in row) for row in [names, *table_]) + end
    dialect = Dialect(separator=sep)
    assert records(text.encode(), names, dialect, step) == [tuple(row) for row in table_]


def test_each_file_is_held_against_the_schema_when_it_is_read(spark: SparkSession, lake: Path) -> None:
    files = {"a.csv": b"id,note\n1,x\n2,z\n", "sub/b.csv": b"\n\nnote,id\nAnn,2\n"}
    with pytest.raises(RunFailed, match=r"sub/b.csv has a header with another name in column 1") as refused:
        rows(spark, lake / "t", files, recursiveFileLookup="true")
    assert "Ann" not in str(refused.value)


def test_a_file_swapped_between_the_look_and_the_run(spark: SparkSession, lake: Path) -> None:
    folder = written(lake / "t", {"a.csv": b"id,note\n1,x\n"})
    own = for_run(spark)
    found = read.rows_of(own, Source.model_validate({"format": "csv", "path": str(folder)})).rows
    written(folder, {"a.csv": b"note,id\nx,1\n"})
    with pytest.raises(RunFailed, match="has a header with another name"):
        translated("t", found.collect)


def test_encodings_compression_and_folders(spark: SparkSession, lake: Path) -> None:
    files = {"c=007/a.csv": b"\xef\xbb\xbfa,b\n1,2\n", "c=7/b.csv.gz": gzip.compress(b'a,b\n3,"x\ny"\n')}
    assert rows(spark, lake / "f", files) == [("1", "2", "007"), ("3", "x\ny", "7")]
    latin = {"a.csv": "a,b\nJosé,2\nJosè,1\n".encode("latin-1")}
    assert rows(spark, lake / "l", latin, Encoding="ISO-8859-1") == [("Josè", "1"), ("José", "2")]
    with pytest.raises(RunFailed, match=r"a.csv holds bytes that are not utf-8: say by the option 'encoding'"):
        rows(spark, lake / "l", latin)
    with pytest.raises(SourceProblem, match="encoding: expected a name such as 'UTF-8'"):
        rows(spark, lake / "l", latin, encoding="UTF-16")


def test_files_are_read_in_parts_where_no_value_holds_a_line_break(spark: SparkSession, lake: Path) -> None:
    own = for_run(spark)
    own.conf.set("spark.sql.files.maxPartitionBytes", "1000")
    text = b"id,note\n" + b"".join(b'%d,"Ann, x"\n' % at for at in range(500))
    folder = written(lake / "t", {"a.csv": text})

    def found(path: Path, **options: str) -> Any:
        entry = Source.model_validate({"format": "csv", "path": str(path), "options": options})
        return read.rows_of(own, entry).rows

    assert found(folder).rdd.getNumPartitions() == 1
    parts = found(folder, multiLine="false")
    assert parts.rdd.getNumPartitions() > 5
    assert sorted(int(row["id"]) for row in parts.collect()) == list(range(500))
    assert parts.count() == found(folder).count() == 500
    with pytest.raises(RunFailed, match="line break inside quotes: leave 'multiLine: false' out") as refused:
        translated("t", found(written(lake / "u", {"a.csv": text + b'1,"Ann\nx"\n'}), multiLine="false").collect)
    assert "Ann" not in str(refused.value)
    with pytest.raises(SourceProblem, match="no CSV file holds a first record within its first 200 lines"):
        found(written(lake / "v", {"a.csv": b"\n" * 3000 + text}), multiLine="false")


def test_small_files_share_a_task(spark: SparkSession, lake: Path) -> None:
    folder = written(lake / "t", {f"{at}.csv": b"a,b\n%d,x\n" % at for at in range(40)})
    found = read.rows_of(for_run(spark), Source.model_validate({"format": "csv", "path": str(folder)})).rows
    assert found.rdd.getNumPartitions() < 10
    assert sorted(int(row["a"]) for row in found.collect()) == list(range(40))


TYPED = "id int, born date, sum decimal(6,2), note string, at timestamp"


def test_typed_columns_are_as_spark_reads_them(spark: SparkSession, lake: Path) -> None:
    text = b'id,born,sum,note,at\n1,2020-01-02,1.50,"x\n1",2020-01-01T10:00:00\n,,"1,234.5",,\n'
    got = rows(spark, lake / "t", {"a.csv": text}, TYPED)
    assert [tuple(map(str, row)) for row in got] == [
        ("1", "2020-01-02", "1.50", "x\n1", "2020-01-01 10:00:00"),
        ("None", "None", "1234.50", "None", "None"),
    ]
    day = {"a.csv": b"born,x\n31.12.2020,1\n"}
    assert str(rows(spark, lake / "d", day, "born date, x int", dateFormat="dd.MM.yyyy")[0][0]) == "2020-12-31"


@pytest.mark.parametrize(
    ("cell", "type_"),
    [
        ("Ann", "int"),
        ("1.5", "int"),
        ("99999999999", "int"),
        ('"1\n2"', "int"),
        ('"1\x012"', "int"),
        ("1.239", "decimal(6,2)"),
        ("12.5E-2", "decimal(6,2)"),
        ('"1,5"', "decimal(6,2)"),
        ("2020-13-01", "date"),
    ],
)
def test_a_cell_that_is_not_of_its_type_is_refused(spark: SparkSession, lake: Path, cell: str, type_: str) -> None:
    with pytest.raises(RunFailed, match=r"a.csv holds a value in column a that is no " + type_.partition("(")[0]) as no:
        rows(spark, lake / "t", {"a.csv": f"a,b\n{cell},x\n".encode()}, f"a {type_}, b string")
    assert "Ann" not in str(no.value)


def test_a_column_called_as_sparks_own(spark: SparkSession, lake: Path) -> None:
    files = {"a.csv": b"_corrupt_record,b\nx,2\n"}
    assert rows(spark, lake / "t", files) == [("x", "2")]
    assert rows(spark, lake / "t", files, "_corrupt_record string, b int") == [("x", 2)]


def test_a_line_of_many_separators_is_not_told(
    spark: SparkSession, lake: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    many = b"a,b\nAnn" + b"," * 30_000 + b"\n"
    with pytest.raises(RunFailed, match="has a record of 30,001 columns, and 2 are expected"):
        rows(spark, lake / "t", {"a.csv": many})
    assert "Ann" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("options", [{"Mode": "DROPMALFORMED"}, {"columnNameOfCorruptRecord": "x"}, {"escape": "\\"}])
def test_options_that_would_change_what_is_read(spark: SparkSession, lake: Path, options: dict[str, str]) -> None:
    with pytest.raises(SourceProblem, match=r"options\.\w+: "):
        rows(spark, lake / "t", {"a.csv": b"a,b\n1,2\n"}, **options)


def test_names_that_are_values_are_not_told(spark: SparkSession, lake: Path) -> None:
    """A CSV without a header: its first row would be the names of its columns."""
    folder = written(lake / "t", {"a.csv": b"T-1,Ann Smith,ann\nT-2,Bo,bo\n"})
    source = {"format": "csv", "path": str(folder)}
    entry = table("t", lake, {"ticket": "keep", "ann": "redact"}, source=source, rows="an = 'x'")
    with pytest.raises(PlanError) as refused:
        run(spark, configured(lake, entry), "t")
    assert "Ann Smith" not in str(refused.value)
    del entry["rows"]
    with pytest.raises(
        PlanError, match=r"(?s)column 1: no decision in .*column 2: no decision in .*'schema'"
    ) as refused:
        run(spark, configured(lake, entry), "t")
    assert "Ann Smith" not in str(refused.value)
    assert "T-1" not in str(refused.value)


def test_files_of_text_behind_a_name_are_not_read_by_a_guess(spark: SparkSession, lake: Path) -> None:
    written(lake / "t", {"a.csv": b'T-1,"please call\nAnn Smith"\n'})
    name = f"named_csv_{lake.parent.name}".replace("-", "_")
    spark.sql(f"CREATE TABLE {name} (ticket STRING, note STRING) USING csv LOCATION '{lake / 't'}'")
    spark.sql(f"CREATE VIEW {name}_v AS SELECT ticket FROM {name}")
    try:
        for one in (name, f"{name}_v"):
            with pytest.raises(SourceProblem, match=r"files of text.*state their 'path' and 'format'"):
                read.rows_of(for_run(spark), Source(table=one))
    finally:
        spark.sql(f"DROP VIEW {name}_v")
        spark.sql(f"DROP TABLE {name}")


def test_files_without_a_line_have_no_rows_where_a_schema_is_stated(spark: SparkSession, lake: Path) -> None:
    assert rows(spark, lake / "e", {"a.csv": b"", "_SUCCESS": b""}, "a int, b string") == []
    with pytest.raises(SourceProblem, match="state 'schema'"):
        rows(spark, lake / "e", {})


@pytest.mark.parametrize(
    ("cell", "type_"), [("10:00", "timestamp"), ("T10:00", "timestamp"), ("2020-01-01 Ann", "date")]
)
def test_a_time_of_no_day_and_a_date_with_more_are_refused(
    spark: SparkSession, lake: Path, cell: str, type_: str
) -> None:
    with pytest.raises(RunFailed, match=f"column a that is no {type_}"):
        rows(spark, lake / "t", {"a.csv": f"a\n{cell}\n".encode()}, f"a {type_}")


def test_a_date_with_a_time_is_a_date(spark: SparkSession, lake: Path) -> None:
    text = b"a\n2020-01-01 00:00:00\n2020-01-02T10:00:00Z\n"
    assert [str(row[0]) for row in rows(spark, lake / "t", {"a.csv": text}, "a date")] == ["2020-01-01", "2020-01-02"]
