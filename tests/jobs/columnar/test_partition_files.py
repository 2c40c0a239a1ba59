"""Files of a partitioned target: rows wait for others of their partition, as long as there is room."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from jobs.columnar import parquet_writer
from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_writer import Files, Layout
from jobs.columnar.writer_options import writer_options
from jobs.lake.delta_commit import AddedFile

SCHEMA = pa.schema([("p", pa.string()), ("n", pa.int64()), ("t", pa.string())])
PARTITIONS, BLOCKS, ROWS = 80, 6, 4_000
ENOUGH = parquet_writer.HELD


def written(folder: Path, *, is_shuffled: bool = True) -> list[AddedFile]:
    """Blocks of rows of all partitions, of which every fourth has most rows."""
    by, in_files = ("p",), pa.schema([field for field in SCHEMA if field.name != "p"])
    options = writer_options(in_files, [])
    layout = Layout(f"file:{folder}", SCHEMA, by, (), options, "snappy", 1 << 27, "4.2.1", "run", is_shuffled)
    files = Files(layout, Access(), 0)
    for block in range(BLOCKS):
        numbers = range(block * ROWS, (block + 1) * ROWS)
        names = [f"p{at % PARTITIONS if at % 3 else at % PARTITIONS // 4 * 4:02d}" for at in numbers]
        texts = [f"{at:040d}" for at in numbers]
        files.write(pa.table({"p": names, "n": pa.array(numbers), "t": texts}, schema=SCHEMA))
    return files.finish()


@pytest.mark.parametrize("held", [1, 1 << 18, ENOUGH])
def test_each_row_is_written_once_however_much_may_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, held: int
) -> None:
    """With room for all there is a file for each partition; with less more of them, in each of which few are open."""
    monkeypatch.setattr(parquet_writer, "HELD", held)
    added = written(tmp_path)
    found = [pq.read_table(tmp_path / file.path, partitioning=None) for file in added]
    assert [table.num_rows for table in found] == [file.rows for file in added]
    assert [(tmp_path / file.path).stat().st_size for file in added] == [file.size for file in added]
    assert sorted(number for table in found for number in table["n"].to_pylist()) == [*range(BLOCKS * ROWS)]
    for file, table in zip(added, found, strict=True):
        folder = dict(file.partition_values)["p"]
        assert file.path.startswith(f"p={folder}/")
        for number, text in zip(table["n"].to_pylist(), table["t"].to_pylist(), strict=True):
            assert text == f"{number:040d}"
            assert folder == f"p{number % PARTITIONS if number % 3 else number % PARTITIONS // 4 * 4:02d}"
    partitions = {dict(file.partition_values)["p"] for file in added}
    assert len(partitions) == PARTITIONS
    assert (len(added) == PARTITIONS) == (held == ENOUGH)
