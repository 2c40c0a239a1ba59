"""A Delta table written without Spark, so that no logger has seen it: one file, with statistics as Delta keeps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq

TYPES = {pa.int64(): "long", pa.string(): "string"}


def write_delta(folder: Path, rows: pa.Table, partition: str | None = None) -> None:
    """A table of longs and strings, of version 0. partition: a column, of which all rows have one value."""
    (folder / "_delta_log").mkdir(parents=True)
    value = {} if partition is None else {partition: rows.column(partition)[0].as_py()}
    stored = rows if partition is None else rows.drop_columns([partition])
    name = "".join(f"{column}={each}/" for column, each in value.items()) + "part-00000.parquet"
    (folder / name).parent.mkdir(exist_ok=True)
    pq.write_table(stored, folder / name, compression="none", use_dictionary=False)
    names = rows.column_names
    types = [TYPES[rows.schema.field(name).type] for name in names]
    fields = [{"name": n, "type": t, "nullable": True, "metadata": {}} for n, t in zip(names, types, strict=True)]
    columns = [name for name in (partition,) if name is not None]
    added = {"path": quote(name, safe="/="), "partitionValues": value, "dataChange": True}
    added |= {"size": (folder / name).stat().st_size, "modificationTime": 0, "stats": json.dumps(_statistics(stored))}
    metadata = {"id": "22222222-2222-4222-8222-222222222222", "format": {"provider": "parquet", "options": {}}}
    metadata |= {"schemaString": json.dumps({"type": "struct", "fields": fields}), "partitionColumns": columns}
    metadata |= {"configuration": {}, "createdTime": 0}
    actions = [{"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}, {"metaData": metadata}, {"add": added}]
    (folder / "_delta_log" / f"{0:020}.json").write_text("\n".join(map(json.dumps, actions)))


def _statistics(rows: pa.Table) -> dict[str, Any]:
    held = {name: rows.column(name).drop_null().to_pylist() for name in rows.column_names}
    least = {name: min(values) for name, values in held.items()}
    greatest = {name: max(values) for name, values in held.items()}
    nulls = {name: rows.column(name).null_count for name in rows.column_names}
    return {"numRecords": rows.num_rows, "minValues": least, "maxValues": greatest, "nullCount": nulls}
