"""A process that treats one file by a task of the columnar path, without Spark, and says what memory it took.

``python -m tests.helpers.peak_memory FILE TARGET`` prints what the task says, with ``peak``, in bytes, as JSON.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import types as T

import privacy_udfs
from jobs.columnar import task
from jobs.columnar.csv_reader import CsvReader
from jobs.columnar.file_systems import Access
from jobs.columnar.parquet_reader import ParquetReader
from jobs.columnar.parquet_writer import Layout
from jobs.columnar.parts import Stretch
from jobs.columnar.reading import Reader
from jobs.columnar.work import Fitting, Tree, Work
from jobs.columnar.writer_options import writer_options
from jobs.lake.source_files import File
from jobs.lake.text_sources.csv_records import Dialect
from privacy_udfs.nested import Kept, Leaf
from privacy_udfs.technique import Key
from tests.helpers.processes import most_memory


def main(file: str, target: str) -> None:
    work = work_of(Path(file), target)
    told = next(task.run(iter([pa.RecordBatch.from_pydict({"id": [0]})]), work))
    print(json.dumps({**json.loads(told.column(0)[0].as_py()), "peak": most_memory()}))


def work_of(path: Path, target: str) -> Work:
    """Column ``id`` is hashed, all others stay; the target is partitioned by ``p``, if there is one."""
    reader, schema = csv() if path.suffix == ".csv" else parquet(path)
    hashed = privacy_udfs.parse({"technique": "keyed_hash", "algorithm": "HMAC-SHA-256"})
    trees = tuple(Tree(field.name, Kept(), field.type) for field in schema if field.name != "id")
    trees = (Tree("id", Leaf("t: id", hashed, Key(bytes(32))), pa.string()), *trees)
    written = pa.schema([pa.field(tree.name, tree.output) for tree in trees])
    by = tuple(name for name in written.names if name == "p")
    in_files = pa.schema([field for field in written if field.name not in by])
    options = writer_options(in_files, [("id",)])
    layout = Layout(f"file:{target}", written, by, (), options, "snappy", 1 << 27, "4.2.0", "run", is_shuffled=True)
    size = path.stat().st_size
    part = (Stretch(File(f"file:{path}", size, {}), 0, size),)
    return Work(Fitting([part], reader, Access(), schema, trees, (), "snappy"), layout, "mark")


def csv() -> tuple[Reader, pa.Schema]:
    names = ["id", "v"]
    return CsvReader(Dialect(), {name: T.StringType() for name in names}), pa.schema([(n, pa.string()) for n in names])


def parquet(path: Path) -> tuple[Reader, pa.Schema]:
    schema = pq.read_schema(path).remove_metadata()
    return ParquetReader(schema), schema


if __name__ == "__main__":
    main(*sys.argv[1:])
