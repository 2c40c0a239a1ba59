"""Reports about treated tables: ``python jobs/report.py --conf conf --all --records FOLDER --contracts FOLDER``.

``--records`` writes the record of processing (GDPR, Art. 30(1)) of the tables as ``processing_records.json`` and
``processing_records.csv``, from the configuration alone: no Spark, no table, no key. ``--contracts`` writes a data
contract (Open Data Contract Standard v3) for each table, ``<table>.odcs.yaml``, from what the treated table says of
itself; that reads no rows. Exit codes: 0 done; 1 a table is not there or was not treated; 2 bad configuration or usage;
3 failed at run time.
"""

from __future__ import annotations

import argparse
import functools
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments
from jobs.configuration import yaml_writer
from jobs.configuration.config import Config
from jobs.console import whole_files
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.shown import lines, say, shown
from jobs.lake.address import Address
from jobs.processing_records import article_30, contract
from jobs.run_events import events
from jobs.spark_app import failures, session

RECORDS = "processing_records"


def records(conf: Config, tables: Iterable[str]) -> dict[str, Any]:
    """The record of processing of some tables, as plain data. Needs no Spark."""
    return article_30.of_tables(conf, tables)


def contracts(spark: SparkSession, conf: Config, tables: Iterable[str]) -> list[dict[str, Any]]:
    """The data contracts of some tables, as plain data; no row is read. Raises `Refused` where one is not there or was
    not treated."""
    own = session.for_run(spark)
    return [failures.translated(name, functools.partial(_contract, own, conf, name)) for name in tables]


def _contract(spark: SparkSession, conf: Config, table: str) -> dict[str, Any]:
    entry = conf.tables[table]
    target = Address.of(entry.target)
    if not target.exists(spark):
        raise Refused(f"{table}: there is no table at {article_30.place_of(entry)} yet: run jobs/pseudonymize.py")
    schema, properties = target.read(spark).schema, target.properties(spark)
    return contract.of_table(entry, contract.Treated(schema, properties, target.version(spark)))


def run(
    conf: Config,
    tables: Sequence[str],
    records_in: Path | None = None,
    contracts_in: Path | None = None,
    spark: SparkSession | None = None,
) -> list[Path]:
    """Write what is asked for, each file whole or not at all; returns the files. Nothing is written where one of the
    contracts is refused. spark: None: one is started if it is needed."""
    files: dict[Path, str] = {}
    if records_in is not None:
        found = records(conf, tables)
        files[records_in / f"{RECORDS}.json"] = lines(f"{json.dumps(found, ensure_ascii=False, indent=2)}\n")
        files[records_in / f"{RECORDS}.csv"] = article_30.as_csv(found["records"])
    if contracts_in is not None:
        started = session.start("lakenym report") if spark is None else spark
        for each in contracts(started, conf, tables):
            files[contracts_in / f"{each['id']}.odcs.yaml"] = yaml_writer.dump(each)
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole_files.replace(path, text)
        except OSError as error:
            raise BadUsage(f"{shown(str(path))} cannot be written: {error.strerror}") from None
    return list(files)


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("report", __doc__)
    arguments.tables(options)
    options.add_argument("--records", type=Path, metavar="FOLDER", help="write the record of processing there")
    options.add_argument("--contracts", type=Path, metavar="FOLDER", help="write a data contract of each table there")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.for_stream(), lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.records is None and options.contracts is None:
        raise BadUsage("nothing is asked for: state --records FOLDER, --contracts FOLDER or both")
    conf, names = arguments.chosen(options)
    for path in run(conf, names, options.records, options.contracts):
        say(f"{path} is written")
    if options.records is not None:
        for record in records(conf, names)["records"]:
            missing = article_30.not_stated(record)
            if missing:
                say(f"{record['table']}: not stated: {', '.join(missing)}")
    return DONE


if __name__ == "__main__":
    sys.exit(main())
