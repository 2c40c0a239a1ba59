"""Verify treated tables: ``python jobs/verify.py --conf conf --table T``, or ``--all``, or ``--path P``.

From the table and the configuration that its record names (docs/verify.md): the record is whole and what the
configuration decides; every value has the shape that its treatment gives; the source, treated once more, gives the same
bytes in a sample of rows; the numbers of rows add up; and no value of a direct identifier of the source is in any file
of the table, however it is spelt. ``--baseline`` compares with an earlier run. No value is in what it prints.

Exit codes: 0 all that was checked holds; 1 something does not, or the table is not there; 2 bad configuration or usage;
3 failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import sys
from collections.abc import Sequence

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig, Target
from jobs.console import process
from jobs.console.exit_codes import DONE, REFUSED, BadUsage
from jobs.console.numbers import many
from jobs.console.shown import as_json, say, shown
from jobs.lake import gained, source_errors
from jobs.lake.leaves import schema_of
from jobs.lake.record_names import CONFIG
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.table_run import planned
from jobs.verification import as_read, boxes, outcome, recorded, retreated, shapes, standing, survivors
from jobs.verification import baseline as comparing
from jobs.verification.as_read import AsRead
from jobs.verification.outcome import Check, Verified
from jobs.verification.samples import SAMPLE
from jobs.verification.standing import Standing
from jobs.verification.survivors import Scanned, Treated
from privacy_udfs.errors import LakenymError


def run(
    spark: SparkSession,
    conf: Config | None,
    table: str | None = None,
    *,
    path: str | None = None,
    baseline: str | None = None,
    sample: int = SAMPLE,
) -> Verified:
    """Verify a table of the catalog, or the treated one at a path; conf: None where none is at hand, so that the record
    alone says what was done. baseline: a version, or the path of another table. Raises `Refused` where no treated table
    is there, `RecordProblem` where its record cannot be understood."""
    own = session.for_run(spark)

    def step() -> Verified:
        target = Target(path=path) if path is not None else _entry(conf, table).target
        stands = standing.found(own, conf, target, table)
        checks, scanned = _checked(stands, sample, conf)
        checks = checks if conf is None else list(map(_made, checks))
        if baseline is not None:
            checks = [*checks, comparing.check(stands, baseline)]
        config_sha256 = stands.properties.get(CONFIG, "")
        stays = path is None and _stays(own, conf, str(table))
        return Verified(
            stands.name,
            stands.state.version,
            tuple(checks),
            scanned,
            stands.source_version,
            config_sha256,
            sample,
            stays,
        )

    return failures.translated(table or str(path), step)


def _stays(spark: SparkSession, conf: Config | None, table: str) -> bool:
    """Whether it is known that a run would write nothing. What keeps one from being planned is told by that run."""
    try:
        return conf is not None and planned.stays_at(spark, conf, table) is not None
    except (LakenymError, PySparkException, Py4JError):
        return False


def _made(check: Check) -> Check:
    """The check; as one that fails where it had to be made and could not be: nobody shall take that for a yes."""
    if check.outcome != "not checked" or check.name not in MUST or check.said.startswith(NOTHING):
        return check
    return dataclasses.replace(check, outcome="fails", faults=(f"it could not be checked: {check.said}",))


def _entry(conf: Config | None, table: str | None) -> TableConfig:
    if conf is None or table is None:
        raise BadUsage("expected a table of a configuration, or the path of a treated table")
    return conf.tables[table]


def _checked(table: Standing, sample: int, conf: Config | None) -> tuple[list[Check], Scanned | None]:
    checks = [*recorded.check(table), shapes.check(table), *boxes.check(table)]
    raw, why = _source(table)
    if raw is None:
        return [*checks, *(Check(name, "not checked", why) for name in OF_SOURCE)], None
    try:
        more, scanned = _of_source(table, raw, sample, conf)
    except (PySparkException, Py4JError) as error:
        if not source_errors.is_one_of(error, GONE) or table.source_version is None or raw.why:
            raise
        why = f"files of version {table.source_version} of the source are gone"
        more, scanned = _of_source(table, as_read.as_it_is_now(table, why), sample, conf)
    return [*checks, *more], scanned


def _of_source(table: Standing, raw: AsRead, sample: int, conf: Config | None) -> tuple[list[Check], Scanned]:
    assert conf is not None, "without it nothing says which source that is"
    checks = list(retreated.check(table, raw, conf, sample))
    if not raw.is_same and not raw.why and any(each.outcome == outcome.NOT_CHECKABLE for each in checks):
        raw = dataclasses.replace(raw, why=OTHER)
    check, scanned = _scanned(table, raw)
    return [*checks, check], scanned


GONE = ("FAILED_READ_FILE.FILE_NOT_EXIST", "FileNotFoundException", "PATH_NOT_FOUND")
"""What Spark calls it where files of a version are no longer there."""
OF_SOURCE = ("record anew", "rows anew", "counts", "survivors")
"""The checks that take the source too."""
NOTHING = "no value to look for"
OTHER = "the source is not as the run read it"
MUST = ("configuration", "survivors")
"""The checks that have to be made wherever there is a configuration."""


def _source(table: Standing) -> tuple[AsRead | None, str]:
    if table.entry is None:
        return None, f"it is not known where its source is: {table.unknown}"
    try:
        return as_read.source_of(table), ""
    except LakenymError as error:
        return None, str(error).partition("\n")[0]


def _scanned(table: Standing, raw: AsRead) -> tuple[Check, Scanned]:
    assert table.conf is not None
    assert table.entry is not None
    snapshot = gained.index_of(table.rows).getSnapshot()
    stored = schema_of(snapshot.metadata().schema())
    treated = Treated(str(table.state.location), table.rows.inputFiles(), stored, table.properties, table.columns)
    found = survivors.scan(table.spark, raw.rows.rows, table.conf, table.entry, treated)
    faults = [
        f"{each.place}{f' {shown(each.path)}' if each.path else ''}: {each.found} with values of {shown(each.column)}, "
        f"{each.spelling}, {each.extent}"
        for each in found.survivors
    ]
    said = f"{found.values} values of {many(len(found.looked_for), 'column')}, in {many(found.files, 'file')}"
    left = [f"{shown(path)} is not looked for: {why}" for path, why in found.left_out.items()]
    left += [
        f"{each.found} rows of {shown(each.path)} with values of {shown(each.column)} are put down to chance"
        for each in found.by_chance
    ]
    left += list(outcome.excused(found))
    if found.missing:
        faults.append(f"{many(found.missing, 'file')} of the table outside its folder could not be looked through")
    if raw.why and not faults:
        left = [raw.why, "the values of the source as it is now were not found", said, *left]
        return Check("survivors", outcome.NOT_CHECKABLE, "; ".join(left)), found
    if not found.looked_for and not faults:
        return Check("survivors", "not checked", "; ".join([NOTHING, *left])), found
    return outcome.judged("survivors", faults, "; ".join([said, *left])), found


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("verify", __doc__)
    flags.CONF.on(options, more="its snapshots say what decided; it may be left out with --path")
    which = options.add_mutually_exclusive_group(required=True)
    flags.TABLE.on(which)
    flags.ALL.on(which)
    which.add_argument(
        "--path", metavar="PATH", help="a path in a lake (of a treated table, whatever the catalog says)"
    )
    options.add_argument(
        "--baseline",
        metavar="VERSION|PATH",
        help="what was before: exit with 1 for changes (an earlier version, or another table)",
    )
    options.add_argument(
        "--sample",
        type=flags.at_least_one,
        default=SAMPLE,
        metavar="ROWS",
        help="rows to look at (about so many are treated anew)",
    )
    flags.STRICT.on(options, more="for checks that were not made")
    flags.JSON.on(options)
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    if asked.path is None and asked.conf is None:
        parser().error("--conf is needed, unless --path is given")
    return failures.exit_code(events.terminal, lambda: _of_all(asked))


def _of_all(asked: argparse.Namespace) -> int:
    conf, names = _asked(asked)
    if asked.baseline is not None and len(names) > 1:
        raise BadUsage("--baseline goes with one table")
    spark = session.start("lakenym verify")

    def one(name: str | None) -> int:
        found = run(spark, conf, name, path=asked.path, baseline=asked.baseline, sample=asked.sample)
        say(as_json(outcome.as_data(found)) if asked.json else "\n".join(map(shown, outcome.lines(found))))
        return REFUSED if found.fails or (asked.strict and found.unmade) else DONE

    codes = [failures.exit_code(events.terminal, functools.partial(one, name), name or asked.path) for name in names]
    if max(codes) == DONE and asked.path is None:
        arguments.next_step("report", asked, "--html", "report")
    return max(codes)


def _asked(asked: argparse.Namespace) -> tuple[Config | None, list[str | None]]:
    if asked.path is not None:
        return None if asked.conf is None else arguments.loaded(asked.conf), [None]
    conf, names = arguments.chosen(asked)
    return conf, list(names)


if __name__ == "__main__":
    sys.exit(process.ended(main))
