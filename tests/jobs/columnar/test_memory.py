"""A worker stays under 1 GB whatever the file holds: in a process of its own, by the peak that the system counted."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.helpers.places import ROOT
from tests.helpers.sweeps import but_for

MB, GB = 1 << 20, 1 << 30
WRITES = "import sys; from pathlib import Path; from tests.jobs.columnar import test_memory as t; "


def texts(rows: int, seed: int) -> pa.Array:
    """That differ and do not compress."""
    return pa.array(np.random.default_rng(seed).integers(0, 1 << 60, rows)).cast(pa.string())


def a_dictionary_of_long_texts(path: Path) -> None:
    """The footer counts 4 MB, and the rows hold 1.6 GB."""
    values = pa.array([chr(65 + at % 26) * 40_000 + str(at) for at in range(100)])
    rows = pa.DictionaryArray.from_arrays(pa.array(np.arange(40_000) % 100, pa.int32()), values)
    table = pa.table({"id": np.arange(40_000), "v": rows})
    pq.write_table(table, path, dictionary_pagesize_limit=GB, store_schema=False, compression="none")


def long_texts_side_by_side(path: Path) -> None:
    short = ["s" * 100] * 300_000
    short[150_000:150_400] = ["L" * MB] * 400
    pq.write_table(pa.table({"id": np.arange(300_000), "v": short}), path, use_dictionary=False, write_statistics=False)


def one_value(path: Path) -> None:
    pq.write_table(
        pa.table({"id": [1, 2], "v": ["a", "x" * (300 * MB)]}), path, use_dictionary=False, write_statistics=False
    )


def many_columns(path: Path) -> None:
    columns = {f"c{at}": [f"{row * at % 997:030d}" for row in range(2_000)] for at in range(40)}
    pq.write_table(
        pa.table({"id": np.arange(2_000), **{f"{n}_{k}": columns[n] for n in columns for k in range(25)}}), path
    )


def many_rows(path: Path) -> None:
    rows = 2_000_000
    columns = {f"c{at}": texts(rows, at) if at % 2 else pa.array(np.arange(rows)) for at in range(8)}
    pq.write_table(
        pa.table({"id": pa.array(["x"]).take(pa.array(np.zeros(rows, int))), **columns}), path, row_group_size=rows
    )


def many_partitions(path: Path) -> None:
    rows = 400_000
    columns = {f"c{at}": texts(rows, at) for at in range(8)}
    pq.write_table(pa.table({"id": np.arange(rows), "p": [str(at % 200) for at in range(rows)], **columns}), path)


def a_long_cell(path: Path) -> None:
    path.write_text('id,v\n1,a\n2,"' + "x" * (100 * MB) + '"\n')


def a_cell_of_many_lines(path: Path) -> None:
    path.write_text('id,v\n1,a\n2,"' + '""\n' * (20 * MB) + '"\n')


def many_short_cells(path: Path) -> None:
    path.write_text("id,v\n" + '"",\n' * (10 * MB // 4))


TREATED: dict[Callable[[Path], None], int] = {
    a_dictionary_of_long_texts: 40_000,
    many_columns: 2_000,
    many_rows: 2_000_000,
    many_partitions: 400_000,
    many_short_cells: 10 * MB // 4,
}
LEFT_TO_SPARK = (long_texts_side_by_side, one_value, a_long_cell, a_cell_of_many_lines)
COMMON = (a_dictionary_of_long_texts, many_columns, many_rows, many_partitions, long_texts_side_by_side, a_long_cell)


def told(write: Callable[[Path], None], folder: Path) -> dict[str, Any]:
    """What a task says of a file, which another process writes, since this one is not to grow."""
    name = write.__name__
    path = folder / (name + (".csv" if "cell" in name else ".parquet"))
    subprocess.run([sys.executable, "-c", f"{WRITES}t.{name}(Path(sys.argv[1]))", str(path)], cwd=ROOT, check=True)
    command = [sys.executable, "-m", "tests.helpers.peak_memory", str(path), str(folder / "target")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("write", but_for(COMMON, TREATED), ids=lambda write: write.__name__)
def test_treated_in_less_than_a_gigabyte(write: Callable[[Path], None], tmp_path: Path) -> None:
    found = told(write, tmp_path)
    assert found["rows"] == TREATED[write]
    assert found["peak"] < GB
    if write is many_partitions:
        assert len(found["files"]) == 200, "as many as Spark would write, though few are open at once"


@pytest.mark.parametrize("write", but_for(COMMON, LEFT_TO_SPARK), ids=lambda write: write.__name__)
def test_left_to_spark_in_less_than_a_gigabyte(write: Callable[[Path], None], tmp_path: Path) -> None:
    found = told(write, tmp_path)
    assert "than" in found["unfit"]
    assert found["peak"] < GB
    assert not [path for path in (tmp_path / "target").rglob("*") if path.is_file()]
