"""Reports about treated tables: ``python jobs/report.py --conf conf --all --html FOLDER --records FOLDER``.

``--html`` writes a page of each table, ``<table>.html``, and one of the lake, ``index.html`` (docs/report.md): what was
done and why, what a reader may and may not do, risk before and after, lineage, keys, runs. Source and table are read
once each to measure that, or not at all with ``--without-risk``.

``--records`` writes the record of processing (GDPR, Art. 30(1)) of the tables as ``processing_records.json`` and
``processing_records.csv``, from the configuration alone: no Spark, no table, no key. ``--contracts`` writes a data
contract (Open Data Contract Standard v3) for each table, ``<table>.odcs.yaml``, from what the treated table says of
itself; that reads no rows. Exit codes: 0 done; 1 a table is not there or was not treated (its page is written all the
same, and says so); 2 bad configuration or usage; 3 failed at run time.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import functools
import json
import os
import sys
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs import linkage, risk
from jobs.command_line import arguments
from jobs.configuration import yaml_writer
from jobs.configuration.config import Config
from jobs.console import process, whole_files
from jobs.console.exit_codes import DONE, REFUSED, BadUsage, Refused
from jobs.console.shown import lines, say, shown
from jobs.lake.address import Address
from jobs.processing_records import article_30, contract
from jobs.report_pages.drawing import lake_page, table_page
from jobs.report_pages.facts import gather, told_files
from jobs.report_pages.facts.lake_facts import LakeFacts
from jobs.report_pages.facts.plain import Missing
from jobs.run_events import events
from jobs.spark_app import failures, session
from privacy_udfs.errors import LakenymError

RECORDS, INDEX = "processing_records", "index"
EPOCH = "SOURCE_DATE_EPOCH"


@dataclasses.dataclass(frozen=True)
class Pages:
    """What pages are made of besides. without_risk: nothing is measured. verified, monitored: what `jobs/verify.py` and
    `jobs/monitor.py` printed as JSON. now: by which ages and reviews are told; None: `EPOCH` of the environment, or the
    clock's."""

    without_risk: bool = False
    verified: Path | None = None
    monitored: Path | None = None
    now: datetime.datetime | None = None


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


def facts(spark: SparkSession, conf: Config, tables: Sequence[str], asked: Pages = Pages()) -> LakeFacts:
    """All that pages say, as plain data. What cannot be had is said to be missing."""
    known = gather.Asked(
        asked.now or _now(os.environ),
        None if asked.without_risk else functools.partial(risk.run, spark, conf),
        verified={} if asked.verified is None else told_files.verified(asked.verified),
        monitored={} if asked.monitored is None else told_files.monitored(asked.monitored),
    )
    own = session.for_run(spark)
    found = dataclasses.replace(known, **_links(spark, conf))
    return failures.translated("the lake", lambda: gather.of_lake(own, conf, tables, found))


def _links(spark: SparkSession, conf: Config) -> dict[str, Any]:
    """How all tables of the catalog join; who cannot be asked keeps no page from being made."""
    try:
        links = linkage.run(spark, {name: entry.target for name, entry in conf.tables.items()})
    except LakenymError as error:
        return {"left_out": {"all tables": f"they could not be asked how they join ({type(error).__name__})"}}
    return {"linkage": links.found, "left_out": links.left_out}


def _now(environ: Mapping[str, str]) -> datetime.datetime:
    stated = environ.get(EPOCH)
    if stated is None:
        return datetime.datetime.now(datetime.timezone.utc)
    try:
        return datetime.datetime.fromtimestamp(int(stated), datetime.timezone.utc)
    except (ValueError, OverflowError, OSError):
        raise BadUsage(f"{EPOCH}: expected seconds since 1970") from None


def pages(found: LakeFacts) -> dict[str, str]:
    """The text of each page by the name of its file."""
    names = [each.name for each in found.tables]
    files = {name: f"{_stem(name, names)}.html" for name in names}
    links = {name: urllib.parse.quote(file) for name, file in files.items()}
    own = {files[each.name]: table_page.text(each, f"{INDEX}.html") for each in found.tables}
    return {f"{INDEX}.html": lake_page.text(found, links), **own}


def _stem(name: str, names: Sequence[str]) -> str:
    """A table's name, but for one that would take the place of the page of the lake."""
    stem = name
    while stem.lower() == INDEX or (stem != name and stem in names):
        stem += "_"
    return stem


def html(
    spark: SparkSession, conf: Config, tables: Sequence[str], folder: Path, asked: Pages = Pages()
) -> tuple[LakeFacts, list[Path]]:
    """Write the pages; returns what they say, and the files."""
    found = facts(spark, conf, tables, asked)
    files = {folder / name: text for name, text in pages(found).items()}
    _write(files)
    return found, list(files)


def run(
    conf: Config,
    tables: Sequence[str],
    records_in: Path | None = None,
    contracts_in: Path | None = None,
    spark: SparkSession | None = None,
) -> list[Path]:
    """Write records and contracts, as far as they are asked for, each file whole or not at all; returns the files.
    Nothing is written where one of the contracts is refused. spark: None: one is started if it is needed."""
    files: dict[Path, str] = {}
    if records_in is not None:
        found = records(conf, tables)
        files[records_in / f"{RECORDS}.json"] = lines(f"{json.dumps(found, ensure_ascii=False, indent=2)}\n")
        files[records_in / f"{RECORDS}.csv"] = article_30.as_csv(found["records"])
    if contracts_in is not None:
        started = session.start("lakenym report") if spark is None else spark
        for each in contracts(started, conf, tables):
            files[contracts_in / f"{each['id']}.odcs.yaml"] = yaml_writer.dump(each)
    _write(files)
    return list(files)


def _write(files: Mapping[Path, str]) -> None:
    for path, text in files.items():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            whole_files.replace(path, text)
        except OSError as error:
            raise BadUsage(f"{shown(str(path))} cannot be written: {error.strerror}") from None


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("report", __doc__)
    arguments.tables(options)
    options.add_argument(
        "--html", type=Path, metavar="FOLDER", help="write a page of each table, and of the lake, there"
    )
    options.add_argument("--records", type=Path, metavar="FOLDER", help="write the record of processing there")
    options.add_argument("--contracts", type=Path, metavar="FOLDER", help="write a data contract of each table there")
    of_pages = options.add_argument_group("with --html")
    of_pages.add_argument("--without-risk", action="store_true", help="read no rows: measure no risk")
    of_pages.add_argument("--verified", type=Path, metavar="FILE", help="what jobs/verify.py --json printed")
    of_pages.add_argument(
        "--monitored", type=Path, metavar="FILE", help="what jobs/monitor.py --json printed (with --baseline: drift)"
    )
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.for_stream(), lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.html is None and (options.without_risk or options.verified or options.monitored):
        raise BadUsage("--without-risk, --verified and --monitored go with --html")
    if options.records is None and options.contracts is None and options.html is None:
        raise BadUsage("nothing is asked for: state --html FOLDER, --records FOLDER, --contracts FOLDER or several")
    conf, names = arguments.chosen(options)
    for path in run(conf, names, options.records, options.contracts):
        say(f"{path} is written")
    if options.records is not None:
        for record in records(conf, names)["records"]:
            missing = article_30.not_stated(record)
            if missing:
                say(f"{record['table']}: not stated: {', '.join(missing)}")
    return DONE if options.html is None else _pages(conf, names, options)


def _pages(conf: Config, names: Sequence[str], options: argparse.Namespace) -> int:
    asked = Pages(options.without_risk, options.verified, options.monitored)
    found, files = html(session.start("lakenym report"), conf, names, options.html, asked)
    for path in files:
        say(f"{path} is written")
    missing = {each.name: each.head.why for each in found.tables if isinstance(each.head, Missing)}
    for name, why in missing.items():
        say(f"{name}: {why}")
    return REFUSED if missing else DONE


if __name__ == "__main__":
    sys.exit(process.ended(main))
