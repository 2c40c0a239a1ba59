"""Tell the platform's catalog how tables were treated, or draft ours from it: ``python jobs/catalog_tags.py VERB ...``.

``write --conf conf --table crm.customers --as treated.customers`` or, for several tables, ``--database treated``, which
keeps the last part of each name. ``read --table crm.customers --output conf/catalog`` names tables of the platform's
catalog, ``--database crm`` all that are in there; drafts are printed where no folder is named. Its configuration is the
folder above ``--output`` if ``--conf`` names no other.

``--platform unity`` speaks Unity Catalog's SQL; ``--print-sql`` prints the statements and runs none. Exit codes: 0
done, 1 refused, 2 bad configuration or usage, 3 failed.
"""

from __future__ import annotations

import argparse
import functools
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration import plain_path
from jobs.configuration.config import Config
from jobs.configuration.documents import canonical_json
from jobs.console import process, whole_files
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.numbers import many
from jobs.console.shown import say
from jobs.detection import discovery
from jobs.drafting import accepted, catalog_drafts
from jobs.drafting.catalog_drafts import Drafted
from jobs.drafting.proposals import Surroundings
from jobs.lake import described
from jobs.lake.address import Address
from jobs.metastore import writing
from jobs.metastore.catalogs import CATALOGS, checked_name
from jobs.metastore.labels import Means
from jobs.metastore.platforms import PLATFORMS
from jobs.record.column_record import CLASSES
from jobs.run_events import events
from jobs.spark_app import failures, session

VERBS = {
    "write": "give treated tables a name in the platform's catalog, and comments (in Unity Catalog tags too) that "
    "state class and treatment",
    "read": "draft entries of conf/catalog from the comments, tags and properties of tables that are there",
}


def run(spark: SparkSession, conf: Config, table: str, platform: str = "spark", name: str | None = None) -> list[str]:
    """Tell the platform's catalog of one treated table, by its `statements`; returns them. They change nothing where
    nothing has to be changed. To draft an entry from what the platform says: `read`."""
    own = session.for_run(spark)
    target = conf.tables[table].target
    made = statements(own, conf, table, platform, name)
    called = writing.called(table, target, name, platform)
    failures.translated(table, lambda: writing.check_free(own, table, target, called))
    writing.run(own, table, made)
    return made


def statements(
    spark: SparkSession, conf: Config, table: str, platform: str = "spark", name: str | None = None
) -> list[str]:
    """The SQL that makes the platform's catalog tell of one treated table. name: for a target at a path, what to call
    it there. Raises `Refused` where it was not treated yet, `BadUsage` where it has no name."""
    target = conf.tables[table].target
    called = writing.called(table, target, name, platform)
    return failures.translated(table, lambda: writing.statements(spark, table, target, called, platform))


def read(
    spark: SparkSession,
    table: str,
    conf: Path | None = None,
    platform: str = "spark",
    means: Means | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Drafted:
    """Draft the entry of one table of the platform's catalog. conf: the configuration, for its domains and entries."""
    address, catalog = Address(table=table), CATALOGS[platform]
    own = session.for_run(spark)

    def step() -> Drafted:
        if not address.exists(own):
            raise BadUsage(f"the platform's catalog has no table {table}")
        found = described.of_any(own, address)
        if found.is_treated:
            raise Refused(f"{table}: is a treated table; entries are drafted for the tables that are to be treated")
        told = catalog.told(own, table, found, means or {})
        known = accepted.entries(conf, environ) if conf is not None else {}
        around = accepted.surroundings(conf, environ) if conf is not None else Surroundings()
        return catalog_drafts.drafted(table, found.schema, told, _entry(table, known), around, environ)

    return failures.translated(table, step)


def _entry(table: str, known: Mapping[str, accepted.Entry]) -> accepted.Entry | None:
    """The entry that reads this table by its name, else the one that is called like it."""
    reads = (entry for entry in known.values() if entry.source is not None and entry.source.table == table)
    return next(reads, known.get(table))


def as_data(made: Drafted, written: Path | None = None) -> dict[str, Any]:
    """A draft as plain data: names and reasons, no value."""
    columns = [
        {
            "column": str(proposal.found.path),
            "class": proposal.kind.class_,
            "treatment": proposal.treatment,
            "reasons": list(proposal.kind.reasons),
        }
        for proposal in made.proposals
    ]
    file = None if written is None else str(written)
    return {"table": made.table, "file": file, "columns": columns, "nothing_said": list(made.silent)}


def _write_all(asked: argparse.Namespace) -> int:
    conf, names = arguments.chosen(asked)
    called = _names(conf, names, asked)
    spark = session.start("lakenym catalog_tags")

    def one(table: str) -> int:
        if asked.print_sql:
            _print_sql(statements(session.for_run(spark), conf, table, asked.platform, called[table]))
        else:
            made = run(spark, conf, table, asked.platform, called[table])
            say(f"{table}: {many(len(made), 'statement')} run on {called[table] or conf.tables[table].target.table}")
        return DONE

    return max(failures.exit_code(events.terminal, functools.partial(one, table), table) for table in names)


def _names(conf: Config, tables: Sequence[str], asked: argparse.Namespace) -> dict[str, str | None]:
    """Table -> how the catalog is to call its target; None where it has a name."""
    if asked.called is not None and len(tables) != 1:
        raise BadUsage("--as names one table: give one --table with it, or --database for several")
    found = {table: None if conf.tables[table].target.table else _name(table, asked) for table in tables}
    if asked.called is not None:
        return dict.fromkeys(tables, asked.called)
    given = [name for name in found.values() if name is not None]
    twice = sorted({name for name in given if given.count(name) > 1})
    if twice:
        raise BadUsage(f"--database: several tables would be called {', '.join(twice)}: name each with --as")
    return found


def _name(table: str, asked: argparse.Namespace) -> str | None:
    return f"{asked.database}.{table.rpartition('.')[2]}" if asked.database else None


def _print_sql(made: Sequence[str]) -> None:
    for statement in made:
        print(f"{statement};", flush=True)


def _read_all(asked: argparse.Namespace) -> int:
    means = dict(map(_meaning, asked.means))
    if asked.output and not asked.output.is_dir():
        raise BadUsage("--output: expected a folder that exists, conf/catalog")
    if asked.print_sql:
        for table in asked.table:
            _print_sql(CATALOGS[asked.platform].queries(checked_name(table, asked.platform)))
        return DONE
    spark = session.start("lakenym catalog_tags")
    tables = [*asked.table, *_of_database(spark, asked.database)]
    if not tables:
        raise BadUsage("name what to read: --table or --database")
    conf = asked.conf or (asked.output.parent if asked.output else None)

    def one(table: str) -> int:
        _deliver(read(spark, checked_name(table, asked.platform), conf, asked.platform, means), asked)
        return DONE

    return max(failures.exit_code(events.terminal, functools.partial(one, table), table) for table in tables)


def _of_database(spark: SparkSession, database: str | None) -> list[str]:
    if database is None:
        return []
    return [found.name for found in failures.translated(database, lambda: discovery.of_database(spark, database))]


def _meaning(text: str) -> tuple[tuple[str, str | None], str]:
    """``pii=direct_identifier``, ``sensitivity:high=sensitive``."""
    label, _, class_ = text.rpartition("=")
    name, colon, value = label.partition(":")
    if not name or class_ not in CLASSES:
        raise BadUsage(f"--means: expected NAME=CLASS or NAME:VALUE=CLASS, with a class of {', '.join(CLASSES)}")
    return (name, value if colon else None), class_


def _deliver(made: Drafted, asked: argparse.Namespace) -> None:
    written = asked.output / made.file if asked.output and made.text else None
    if written is not None and not plain_path.is_name(made.file):
        raise BadUsage(f"{made.file!r} is no name for a file in {asked.output}: name the table in an entry first")
    if written is not None and made.whole and written.exists():
        raise BadUsage(f"{written} is there already and is never overwritten; remove it, or name its table in it")
    if written is not None:
        whole_files.replace(written, made.text)
    if asked.json:
        say(canonical_json(as_data(made, written)))
    elif not made.text:
        say(f"{made.table}: {_nothing(made)}")
    elif written is None:
        print(made.text, end="", flush=True)
    else:
        say(f"{made.table}: {many(len(made.proposals), 'column')} proposed, for a person to accept, in {written}")


def _nothing(made: Drafted) -> str:
    if not made.silent:
        return "every column is decided"
    return (
        f"the platform's catalog says nothing of {len(made.silent)} undecided columns: scan them with jobs/inventory.py"
    )


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("catalog_tags", __doc__)
    made = arguments.verbs(options, VERBS)
    for verb in made.values():
        verb.add_argument("--platform", choices=PLATFORMS, default="spark", help="the kind of catalog")
        verb.add_argument("--print-sql", action="store_true", help="print the statements, run none of them")
    arguments.tables(made["write"])
    naming = made["write"].add_mutually_exclusive_group()
    naming.add_argument("--as", dest="called", metavar="NAME", help="what to call a target that lies at a path")
    flags.DATABASE.on(naming, more="in which a target that lies at a path gets the name of its table")
    _add_reading(made["read"])
    return options


def _add_reading(options: argparse.ArgumentParser) -> None:
    flags.TABLE.on(options, default=[])
    flags.DATABASE.on(options)
    flags.CONF.on(options)
    flags.OUTPUT.on(options, metavar="FOLDER", former=("--write",))
    options.add_argument("--means", action="append", default=[], metavar="NAME[:VALUE]=CLASS", help="what a tag means")
    flags.JSON.on(options)


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _write_all(asked) if asked.verb == "write" else _read_all(asked))


if __name__ == "__main__":
    sys.exit(process.ended(main))
