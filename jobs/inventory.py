"""Scan tables and draft their catalog entries: ``python jobs/inventory.py --path /lake/raw --output conf/catalog``.

Tables are those below ``--path``, in ``--database``, and those that ``--table`` names: the catalog's, or else Spark's.
Drafts are for a person to accept; nothing that is there is overwritten, and they are printed where no folder is named.
The configuration is the folder above ``--output`` if ``--conf`` names no other. ``--conf conf --compare`` looks instead
for what has changed since entries were accepted. Exit codes: 0 done, no drift; 1 drift; 2 bad configuration or usage; 3
failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import secrets
import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from pyspark.sql import DataFrame, SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration import config
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.models import Source
from jobs.console import next_step, process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.shown import say
from jobs.detection import header_row, names_as_data, packages, scan, shared_keys
from jobs.detection.discovery import FoundTable
from jobs.detection.look import look, to_draft
from jobs.detection.names_as_data import NamesAreData
from jobs.detection.samples import DEFAULT_SAMPLE
from jobs.detection.shared_keys import Looked
from jobs.drafting import accepted, drafted, drift, joined, lake_tables, report
from jobs.drafting.accepted import Entry
from jobs.drafting.drift import Drift
from jobs.drafting.proposals import Proposal, Surroundings
from jobs.drafting.report import Drafted
from jobs.lake import read, state
from jobs.lake.problems import SourceProblem
from jobs.lake.text_sources import csv_dialect
from jobs.run_events import events
from jobs.spark_app import failures, session
from privacy_udfs.entities.phone import REGIONS

T = TypeVar("T")
NOTHING_KNOWN = Surroundings()
SHARED = "the keys that tables share"
NOT_COMPARED = "its keys are not looked for in other tables, for these are too many at once: scan fewer"
NO_ENTRY = "the catalog has no entry that reads this table"


@dataclasses.dataclass(frozen=True)
class Options:
    """What both ways to run share. sample: rows of a table. regions: of telephone numbers. variables: names of the
    environment that drafts write instead of the paths they stand for."""

    sample: int = DEFAULT_SAMPLE
    regions: tuple[str, ...] = REGIONS
    variables: tuple[str, ...] = ("LAKE",)


def run(
    spark: SparkSession,
    table: FoundTable,
    entry: Entry | None = None,
    around: Surroundings = NOTHING_KNOWN,
    options: Options = Options(),
) -> Drafted:
    """Scan one table and draft what its entry lacks, or a whole entry. around: what the configuration has besides."""
    salt = secrets.token_bytes(16)
    looked = look_at(spark, table, entry, options, salt)
    made = _proposed([looked], around, salt)
    return drafted.of(looked.table, source_of(table, entry), made[looked.table], entry, options.variables)


def look_at(spark: SparkSession, table: FoundTable, entry: Entry | None, options: Options, salt: bytes) -> Looked:
    """Scan one table, to be compared with others that are looked at under the same secret (`joined.propose`). Raises
    `RunFailed` where it cannot be read, or has no columns."""
    own, source = session.for_run(spark), source_of(table, entry)
    decided = () if entry is None else entry.columns
    name = table.name if entry is None else entry.table
    looked = _looked(own, table.name, source, options, decided, salt)
    return dataclasses.replace(_failing_as_failed(lambda: to_draft(looked)), table=name)


def _proposed(tables: Sequence[Looked], around: Surroundings, salt: bytes) -> dict[str, tuple[Proposal, ...]]:
    return joined.propose(tables, around, shared_keys.links(tables, salt))[0]


def source_of(table: FoundTable, entry: Entry | None) -> Source:
    """What is read. Raises `RunFailed` where it cannot be."""
    source = table.source if entry is None or entry.source is None else entry.source
    if source is None:
        raise failures.RunFailed(f"{table.name}: {table.problem}")
    return source


def compare(spark: SparkSession, conf: Config, folder: Path, name: str, options: Options = Options()) -> list[Drift]:
    """What has changed in one table of the catalog, and in its treated one, since its entry was accepted."""
    entry = conf.tables[name]
    found = _looked(spark, name, entry.source, options, entry.columns).columns
    changes = list(drift.of_columns(entry, found, accepted.evidence(folder, entry)))

    def treated() -> list[scan.Found]:
        found = state.inspect(spark, entry.target)
        if found.version < 0 or not drift.hides(entry):
            return []
        return scan.scan(found.address.read(spark), options.sample, options.regions, drift.shapes(entry))

    return changes + list(drift.of_pseudonyms(entry, failures.translated(name, treated)))


def _looked(
    spark: SparkSession, name: str, source: Source, options: Options, decided: Iterable[str], salt: bytes | None = None
) -> Looked:
    """decided: the columns that an entry names."""

    def rows() -> DataFrame:
        found = read.rows_of(spark, source).rows
        known = [ColumnPath.parse(path) for path in decided]
        names_as_data.check(source, found.schema, known)
        if source.format == "csv":
            header_row.check_rows(source, found, csv_dialect.partition_columns(spark, source), known)
        return found

    try:
        return failures.translated(name, lambda: look(name, rows, options.sample, options.regions, salt))
    except NamesAreData as error:
        raise failures.RunFailed(f"{name}: {error}") from None


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("inventory", __doc__)
    options.add_argument("--path", help="a path in a lake (scan every table below it)")
    flags.DATABASE.on(options)
    flags.TABLE.on(options, default=[])
    flags.CONF.on(options)
    flags.OUTPUT.on(options, metavar="FOLDER", former=("--write",))
    options.add_argument("--compare", action="store_true", help="report what has changed since entries were accepted")
    options.add_argument("--sample", type=int, default=DEFAULT_SAMPLE, help="rows to look at (in each table)")
    options.add_argument(
        "--locale", action="append", default=[], help="a country of the data, as DE or de_DE, for telephone numbers"
    )
    options.add_argument(
        "--variable", action="append", default=[], help="write ${NAME} in drafts for what it stands for"
    )
    flags.JSON.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _compare_all(asked) if asked.compare else _draft_all(asked))


def _options(asked: argparse.Namespace) -> Options:
    packages.check()
    if asked.sample < 1:
        raise BadUsage("--sample: expected 1 row or more")
    wanted = [locale.replace("-", "_").rpartition("_")[2].upper() for locale in asked.locale]
    unknown = sorted(set(wanted) - packages.countries())
    if unknown:
        raise BadUsage(f"--locale: {', '.join(unknown)} is no country; write it as DE or de_DE")
    return Options(asked.sample, tuple(wanted) or REGIONS, tuple(asked.variable) or Options.variables)


def _failing_as_failed(step: Callable[[], T]) -> T:
    """A source that cannot be read is a failure here: exit code 1 means drift and nothing else."""
    try:
        return step()
    except SourceProblem as error:
        raise failures.RunFailed(str(error)) from None


def _draft_all(asked: argparse.Namespace) -> int:
    options, conf = _options(asked), asked.conf or (asked.output.parent if asked.output else None)
    if not (asked.path or asked.database or asked.table):
        raise BadUsage("name what to scan: --path, --database or --table")
    if asked.output and not asked.output.is_dir():
        raise BadUsage(f"--output: there is no folder {asked.output}: make it first; drafts go to conf/catalog")
    known, around = ({}, NOTHING_KNOWN) if conf is None else (accepted.entries(conf), accepted.surroundings(conf))
    spark = _session()
    found = lake_tables.chosen(spark, asked.table, asked.path, asked.database, known)
    if not found:
        raise BadUsage("no table was found there that holds raw data")

    salt, looked, made = secrets.token_bytes(16), dict[str, Looked](), dict[str, tuple[Proposal, ...]]()
    waiting: list[str] = []

    def scan_it(table: FoundTable) -> int:
        entry = lake_tables.entry_of(table, known)
        found = _failing_as_failed(lambda: look_at(spark, table, entry, options, salt))
        if sum(map(shared_keys.held, looked.values())) + shared_keys.held(found) > shared_keys.MOST_HELD:
            say(f"{table.name}: {NOT_COMPARED}", sys.stderr)
            found = shared_keys.without(found)
        looked[table.name] = found
        if entry is None and table.note:
            say(f"{table.name}: {table.note}", sys.stderr)
        return DONE

    def join_all() -> int:
        made.update(failures.translated(SHARED, lambda: _proposed(list(looked.values()), around, salt)))
        return DONE

    def draft_it(table: FoundTable) -> int:
        entry, name = lake_tables.entry_of(table, known), looked[table.name].table
        draft = drafted.of(name, source_of(table, entry), made[name], entry, options.variables)
        written = report.write(draft, asked.output) if asked.output else None
        say((report.draft_as_json if asked.json else report.draft_as_text)(draft, written))
        waiting.extend([name] if written is not None else [])
        return DONE

    def each(step: Callable[[FoundTable], int]) -> int:
        return _each([(table.name, functools.partial(step, table)) for table in found])

    code = max(each(scan_it), _each([(SHARED, join_all)]))
    found = [table for table in found if table.name in looked and made]
    code = max(code, each(draft_it))
    if waiting:
        next_step.tell("accept", "--conf", conf, "--table", waiting[0])
    return code


def _compare_all(asked: argparse.Namespace) -> int:
    options, folder = _options(asked), asked.conf
    if folder is None:
        raise BadUsage("--compare needs --conf, the folder of the accepted configuration")
    if asked.output:
        raise BadUsage("--compare writes nothing: leave --output out")
    conf = arguments.loaded(folder)
    names = config.chosen(conf, asked.table or None)
    spark = _session()

    def one(name: str) -> int:
        return tell(name, _failing_as_failed(lambda: compare(spark, conf, folder, name, options)))

    def without_entry() -> int:
        known = accepted.entries(folder)
        found = lake_tables.chosen(spark, (), asked.path, asked.database, known)
        fresh = [table.name for table in found if lake_tables.entry_of(table, known) is None]
        return max((tell(name, [Drift(name, "no_entry", "", NO_ENTRY)]) for name in fresh), default=0)

    def tell(name: str, changes: Sequence[Drift]) -> int:
        say((report.drift_as_json if asked.json else report.drift_as_text)(name, changes))
        return REFUSED if changes else DONE

    steps = [(name, functools.partial(one, name)) for name in names]
    return _each([*steps, ("", without_entry)] if asked.path or asked.database else steps)


def _session() -> SparkSession:
    return session.for_run(session.start("lakenym inventory"))


def _each(steps: Sequence[tuple[str, Callable[[], int]]]) -> int:
    """Every step is taken, whatever becomes of the others; the worst exit code counts."""
    return max((failures.exit_code(events.terminal, step, name) for name, step in steps), default=DONE)


if __name__ == "__main__":
    sys.exit(process.ended(main))
