"""Scan tables and draft their catalog entries: ``python jobs/inventory.py --path s3a://lake/raw --write conf/catalog``.

Drafts are for a person to accept; nothing that is there is overwritten. ``--conf conf --compare`` looks instead for
what has changed since entries were accepted. Exit codes: 0 done, no drift; 1 drift; 2 bad configuration or usage; 3
failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pyspark.sql import SparkSession

from jobs.shared import events, failures, session, tables
from jobs.shared.cli import BadUsage
from jobs.shared.configuration import config, locations
from jobs.shared.configuration.config import Config
from jobs.shared.configuration.models import Source
from jobs.shared.events import Report
from jobs.shared.inventory import accepted, discovery, draft, drift, proposals, scan
from jobs.shared.inventory.accepted import Entry
from jobs.shared.inventory.discovery import FoundTable
from jobs.shared.inventory.drift import Drift
from jobs.shared.inventory.proposals import Proposal, Surroundings
from jobs.shared.inventory.recognizers.phone import REGIONS
from jobs.shared.record import RECORD, canonical_json
from jobs.shared.selection import quoted
from jobs.shared.tables import SourceProblem

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Options:
    """What both ways to run share. sample: rows of a table. regions: of telephone numbers. variables: names of the
    environment that drafts write instead of the paths they stand for."""

    sample: int = scan.DEFAULT_SAMPLE
    regions: tuple[str, ...] = REGIONS
    variables: tuple[str, ...] = ("LAKE",)


@dataclasses.dataclass(frozen=True)
class Drafted:
    """A draft: of a whole file, or of the columns that an entry lacks. text: empty where nothing is undecided."""

    table: str
    file: str
    proposals: tuple[Proposal, ...]
    text: str
    whole: bool


def draft_table(
    spark: SparkSession, table: FoundTable, entry: Entry | None, around: Surroundings, options: Options
) -> Drafted:
    """Scan one table and draft what its entry lacks, or a whole entry."""
    source = table.source if entry is None or entry.source is None else entry.source
    assert source is not None
    found = _scanned(spark, table.name, source, options)
    if entry is None:
        made = tuple(proposals.propose(each, around) for each in found)
        environ = {name: os.environ[name] for name in options.variables if name in os.environ}
        return Drafted(table.name, f"{table.name}.yaml", made, draft.table(table.name, source, made, environ), True)
    made = tuple(proposals.propose(each, around) for each in found if not entry.decides(each.path))
    text = draft.additions(entry.table, entry.file, made) if made else ""
    return Drafted(entry.table, f"{Path(entry.file).name}.draft", made, text, False)


def _scanned(spark: SparkSession, name: str, source: Source, options: Options) -> list[scan.Found]:
    def step() -> list[scan.Found]:
        return scan.scan(tables.read(spark, source).rows, options.sample, options.regions)

    return failures.translated(name, step)


def compare(spark: SparkSession, conf: Config, folder: Path, name: str, options: Options = Options()) -> list[Drift]:
    """What has changed in one table of the catalog, and in its treated one, since its entry was accepted."""
    entry = conf.tables[name]
    found = _scanned(spark, name, entry.source, options)
    changes = list(drift.of_columns(entry, found, accepted.evidence(folder, entry)))

    def treated() -> list[scan.Found]:
        state = tables.inspect(spark, entry.target)
        if state.version < 0 or not drift.shapes(entry):
            return []
        return scan.scan(spark.read.table(state.name), options.sample, options.regions, drift.shapes(entry))

    return changes + list(drift.of_pseudonyms(entry, failures.translated(name, treated)))


def without_treated(
    spark: SparkSession, found: Sequence[FoundTable], known: Mapping[str, Entry]
) -> Iterator[FoundTable]:
    """The tables that hold raw data: none with a treatment record, none that is an entry's target."""
    targets = [entry.target for entry in known.values() if entry.target is not None]
    places = {locations.of(Source(table=t) if "/" not in t else Source(path=t, format="delta")) for t in targets}
    for table in found:
        place = None if table.source is None else locations.of(table.source)
        if place not in places and not _has_record(spark, table):
            yield table


def _has_record(spark: SparkSession, table: FoundTable) -> bool:
    source = table.source
    if source is None or source.format not in ("delta", None):
        return False
    name = tables.quoted_table(str(source.table)) if source.table else f"delta.{quoted(str(source.path))}"

    def step() -> bool:
        return bool(spark.sql(f"SHOW TBLPROPERTIES {name}").where(f"key = '{RECORD}'").count())

    return failures.translated(table.name, step)


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser("inventory", description=(__doc__ or "").partition("\n\n")[0], allow_abbrev=False)
    options.add_argument("--path", help="scan every table below this path of a lake")
    options.add_argument("--database", help="scan every table of this database of Spark's catalog")
    options.add_argument("--table", action="append", default=[], help="scan a table of the catalog's, or of Spark's")
    options.add_argument("--conf", type=Path, help="folder of the configuration; the folder above --write if left out")
    options.add_argument(
        "--write", type=Path, help="folder that drafts are written to, conf/catalog; else they are printed"
    )
    options.add_argument("--compare", action="store_true", help="report what has changed since entries were accepted")
    options.add_argument("--sample", type=int, default=scan.DEFAULT_SAMPLE, help="rows to look at in each table")
    options.add_argument(
        "--locale", action="append", default=[], help="a country of the data, as DE or de_DE, for telephone numbers"
    )
    options.add_argument(
        "--variable", action="append", default=[], help="write ${NAME} in drafts for what it stands for"
    )
    options.add_argument("--json", action="store_true", help="one JSON object per table instead of text")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _compare_all(asked) if asked.compare else _draft_all(asked))


def _options(asked: argparse.Namespace) -> Options:
    if asked.sample < 1:
        raise BadUsage("--sample: expected 1 row or more")
    wanted = [locale.replace("-", "_").rpartition("_")[2].upper() for locale in asked.locale]
    unknown = [name for name in wanted if len(name) != 2 or not name.isalpha()]
    if unknown:
        raise BadUsage("--locale: expected a country, such as DE or de_DE")
    return Options(asked.sample, tuple(wanted) or REGIONS, tuple(asked.variable) or Options.variables)


def _failing_as(step: Callable[[], T]) -> T:
    """A source that cannot be read is a failure here: exit code 1 means drift and nothing else."""
    try:
        return step()
    except SourceProblem as error:
        raise failures.RunFailed(str(error)) from None


def _draft_all(asked: argparse.Namespace) -> int:
    options, conf = _options(asked), asked.conf or (asked.write.parent if asked.write else None)
    if not (asked.path or asked.database or asked.table):
        raise BadUsage("name what to scan: --path, --database or --table")
    if asked.write and not asked.write.is_dir():
        raise BadUsage("--write: expected a folder that exists, conf/catalog")
    known = accepted.entries(conf) if conf is not None else {}
    around = accepted.surroundings(conf) if conf is not None else Surroundings()
    spark = session.for_run(session.start("lakenym inventory"))
    found = _failing_as(lambda: _tables(spark, asked, known))
    if not found:
        raise BadUsage("no table was found there")

    def one(table: FoundTable) -> int:
        if table.source is None:
            raise failures.RunFailed(f"{table.name}: {table.problem}")
        entry = _entry_of(table, known)
        _deliver(_failing_as(lambda: draft_table(spark, table, entry, around, options)), asked)
        return 0

    return max(failures.exit_code(events.terminal, functools.partial(one, table), table.name) for table in found)


def _tables(spark: SparkSession, asked: argparse.Namespace, known: Mapping[str, Entry]) -> list[FoundTable]:
    found = [FoundTable(name, _named(name, known)) for name in asked.table]
    if asked.path:
        below = failures.translated(asked.path, lambda: discovery.below(spark, asked.path))
        found += without_treated(spark, below, known)
    if asked.database:
        listed = failures.translated(asked.database, lambda: discovery.of_database(spark, asked.database))
        found += without_treated(spark, listed, known)
    return list({table.name: table for table in found}.values())


def _named(name: str, known: Mapping[str, Entry]) -> Source:
    entry = known.get(name)
    return entry.source if entry is not None and entry.source is not None else Source(table=name)


def _entry_of(table: FoundTable, known: Mapping[str, Entry]) -> Entry | None:
    """The entry of a table, by where it is rather than by its name, which drafting made up."""
    if table.name in known:
        return known[table.name]
    assert table.source is not None
    place = locations.of(table.source)
    read = (entry for entry in known.values() if entry.source is not None)
    return next((entry for entry in read if entry.source is not None and locations.of(entry.source) == place), None)


def _deliver(made: Drafted, asked: argparse.Namespace) -> None:
    written = asked.write / made.file if asked.write and made.text else None
    if written is not None and made.whole and written.exists():
        raise BadUsage(f"{written} is there already and is never overwritten; remove it, or name its table in it")
    if written is not None:
        written.write_text(made.text, encoding="utf-8")
    if asked.json:
        print(canonical_json(as_data(made, written)), flush=True)
    elif written is None:
        print(made.text or f"{made.table}: every column is decided", flush=True)
    else:
        print(f"{made.table}: {len(made.proposals)} columns proposed, for a person to accept, in {written}", flush=True)


def as_data(made: Drafted, written: Path | None = None) -> dict[str, Any]:
    """A draft as plain data: one object per proposed column, with its evidence and no value."""
    columns = [
        {
            "column": str(proposal.found.path),
            "kind": proposal.kind.name,
            "class": proposal.kind.class_,
            "treatment": proposal.treatment,
            "reasons": list(proposal.kind.reasons),
            "evidence": proposal.found.evidence.as_data(),
        }
        for proposal in made.proposals
    ]
    return {"table": made.table, "file": None if written is None else str(written), "columns": columns}


def _compare_all(asked: argparse.Namespace) -> int:
    options, folder = _options(asked), asked.conf
    if folder is None:
        raise BadUsage("--compare needs --conf, the folder of the accepted configuration")
    conf = config.load(folder)
    names = config.chosen(conf, asked.table or (None if not (asked.path or asked.database) else []))
    spark = session.for_run(session.start("lakenym inventory"))

    def one(name: str) -> int:
        return _report(name, _failing_as(lambda: compare(spark, conf, folder, name, options)), asked.json)

    def unknown() -> int:
        known = accepted.entries(folder)
        found = _failing_as(lambda: _tables(spark, argparse.Namespace(**{**vars(asked), "table": []}), known))
        fresh = [table for table in found if table.source is not None and _entry_of(table, known) is None]
        return max((_report(t.name, [Drift(t.name, "no_entry", "", _NO_ENTRY)], asked.json) for t in fresh), default=0)

    steps: list[tuple[str, Callable[[], int]]] = [(name, functools.partial(one, name)) for name in names]
    if asked.path or asked.database:
        steps.append(("", unknown))
    report: Report = events.terminal
    return max(failures.exit_code(report, step, name) for name, step in steps)


_NO_ENTRY = "the catalog has no entry that reads this table"


def _report(table: str, changes: Sequence[Drift], as_json: bool) -> int:
    if as_json:
        found = [{"what": each.what, "column": each.column, "detail": each.detail} for each in changes]
        print(canonical_json({"table": table, "drift": found}), flush=True)
    elif changes:
        print("\n".join([table, *(f"  {e.what}: {': '.join(filter(None, (e.column, e.detail)))}" for e in changes)]))
    else:
        print(f"{table}: no drift", flush=True)
    return 1 if changes else 0


if __name__ == "__main__":
    sys.exit(main())
