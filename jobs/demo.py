"""The whole of it on made-up data: build a raw lake, treat it, show what came out. ``make demo``.

Everything stays under one folder (``.demo``): ``lake/raw``, ``lake/treated`` and ``keys``. Run again, it makes new
versions of the treated tables with the same keys.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs import demo_lake, pseudonymize
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.lake import read
from jobs.named_keys import key_ring
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.treatment import treatment_plan
from privacy_udfs import keys, udf

CUSTOMERS, ORDERS = "crm.customers", "crm.orders"
SMALL = {"spark.databricks.delta.snapshotPartitions": "2", "spark.sql.shuffle.partitions": "2"}
"""A lake of some megabytes needs no more; on a real one leave these alone."""

NEXT = """
Three things to try next
  1. Change a line of conf/catalog/crm.customers.yaml (delete a column's entry, say) and see the job refuse:
       . .demo/env && spark-submit jobs/pseudonymize.py --conf conf --table crm.customers
  2. See what would be done, and why, without doing it:
       . .demo/env && python jobs/plan.py --conf conf --table crm.orders
  3. Treat a column of your own interactively: make notebook, then notebooks/explore_a_treatment.ipynb
"""


def show(spark: SparkSession, conf: Config) -> None:
    """What a person wants to see: before and after, the record, and a join that still works."""
    _title("Before and after: three customers")
    print("\n".join(f"  {line}" for line in before_and_after(spark, conf)))
    _title("The record, read from the table alone: SHOW TBLPROPERTIES")
    for row in spark.sql(f"SHOW TBLPROPERTIES {_target(conf, CUSTOMERS)}").where("key LIKE 'privacy.%'").collect():
        print(f"  {row['key']:24} {_cut(row['value'], 100)}")
    _title("The join still works: customers and orders on their pseudonyms")
    for name, count in joins(spark, conf).items():
        print(f"  {name:8} {CUSTOMERS} JOIN {ORDERS} USING (customer_id): {count:,} rows")


def joins(spark: SparkSession, conf: Config) -> dict[str, int]:
    """Rows of the same join on raw and on treated tables."""
    raw = [read.rows_of(spark, conf.tables[name].source).rows for name in (CUSTOMERS, ORDERS)]
    treated = [spark.table(_target(conf, name)) for name in (CUSTOMERS, ORDERS)]
    pairs = {"raw": raw, "treated": treated}
    return {name: left.join(right, "customer_id").count() for name, (left, right) in pairs.items()}


def before_and_after(spark: SparkSession, conf: Config) -> list[str]:
    """The same customers in the raw and in the treated table, found by computing their pseudonyms with the key."""
    raw = read.rows_of(spark, conf.tables[CUSTOMERS].source).rows.limit(3)
    plan = treatment_plan.build(conf.tables[CUSTOMERS], raw.schema, key_ring.open_for(conf, conf.tables[CUSTOMERS]).ids)
    reference = key_ring.open_for(conf, plan.config).references(plan)[ColumnPath.parse("customer_id")]
    pseudonym = udf.on("customer_id", reference.technique, reference, input_type="bigint")
    before = [row.asDict(recursive=True) for row in raw.withColumn("pseudonym", pseudonym).collect()]
    after = spark.table(_target(conf, CUSTOMERS)).where(F.col("customer_id").isin([row["pseudonym"] for row in before]))
    by_pseudonym = {row["customer_id"]: row.asDict(recursive=True) for row in after.collect()}
    header = ("column", "technique", *(f"{word} {at}" for at in (1, 2, 3) for word in ("before", "after")))
    lines = [
        [str(column.path), column.name, *_cells(column.path, before, by_pseudonym)]
        for column in plan.columns
        if not column.path.steps[1:] or column.output is not None
    ]
    return events.table_lines(header, lines)


def _cells(path: ColumnPath, before: list[dict[str, Any]], after: dict[str, dict[str, Any]]) -> list[str]:
    pairs = ((row, after[row["pseudonym"]]) for row in before)
    return [_cut(_value(row, path), 18) for pair in pairs for row in pair]


def _value(row: dict[str, Any], path: ColumnPath) -> str:
    value: Any = row
    for step in str(path).split("."):
        if step not in value:
            return "(dropped)"
        value = value[step]
    return "(null)" if value is None else str(value)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _target(conf: Config, table: str) -> str:
    return f"delta.`{conf.tables[table].target.path}`"


def _title(text: str) -> None:
    print(f"\n{text}\n{'-' * len(text)}")


def prepare(root: Path, conf_dir: Path) -> Config:
    """The raw lake and the keys, made where they are not there yet, and the configuration that refers to them."""
    if not (root / "lake" / "raw").exists():
        print("building the raw lake ...", flush=True)
        demo_lake.build(root / "lake")
    (root / "keys").mkdir(parents=True, exist_ok=True)
    environ = {"LAKE": str(root / "lake"), "KEYS": str(root / "keys")}
    (root / "env").write_text("".join(f"export {name}='{value}'\n" for name, value in environ.items()))
    conf = config.load(conf_dir, {**os.environ, **environ})
    for entry in conf.keys.values():
        path = Path(entry.keyset.removeprefix("file:"))
        if not path.exists():
            keys.create_file(path)
    return conf


def main(argv: Sequence[str] | None = None) -> int:
    options = argparse.ArgumentParser("demo", description=__doc__.split("\n\n")[0])
    options.add_argument("--root", type=Path, default=Path(".demo"), help="where everything is put (default .demo)")
    options.add_argument("--conf", type=Path, default=Path("conf"), help="folder of the configuration (default conf)")
    chosen = options.parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _demo(chosen.root.resolve(), chosen.conf))


def _demo(root: Path, conf_dir: Path) -> int:
    conf = prepare(root, conf_dir)
    spark = session.start("lakenym demo", {**SMALL, "spark.log.level": "ERROR"})
    for table in conf.tables:
        pseudonymize.run(spark, conf, table, report=events.terminal)
    show(session.for_run(spark), conf)
    print(NEXT)
    return 0


if __name__ == "__main__":
    sys.exit(main())
