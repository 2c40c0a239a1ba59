"""Which columns of treated tables can be joined, by common values, and what changed since.

``python jobs/joinable.py --conf conf --key NAME --all [--profile FILE] [--baseline FILE]``. Of each column a sketch of
keyed hashes is made in one pass over its table; pairs of columns are compared by their sketches (docs/joinable.md). The
key is one of keys.yaml that treats no column; without one nothing is made. --profile keeps the sketches in a file, in
which no value is; --baseline holds them against an older one. ``jobs/linkage.py`` says what is meant to join.

Exit codes: 0 done, whatever joins; 1 something changed since the baseline, or a table is not there; 2 bad configuration
or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.configuration.models import TableConfig
from jobs.console import process, whole_files
from jobs.console.exit_codes import DONE, REFUSED, BadUsage, Refused
from jobs.console.shown import as_json, say, shown
from jobs.gates.known import today
from jobs.lake import java
from jobs.lake.address import Address
from jobs.named_keys import key_exposure
from jobs.policy import policy_approval
from jobs.risk_measures import containment, joinable_report, profile, profile_file, treated
from jobs.risk_measures import estimate as estimating
from jobs.risk_measures.joinable_report import Report
from jobs.risk_measures.profile import TableProfile
from jobs.risk_measures.profile_file import Compared, Profiles
from jobs.risk_measures.report import SMALL
from jobs.run_events import events
from jobs.spark_app import failures, session
from privacy_udfs.keys import KeyReference

LEAST, BOUND = 0.5, 0.1


def run(
    spark: SparkSession,
    conf: Config,
    tables: Sequence[str],
    key: str,
    *,
    beside: Sequence[str] = (),
    least: float = LEAST,
    baseline: Profiles | None = None,
    bound: float = BOUND,
) -> Report:
    """Which columns of these tables of the catalog, as they were treated, join. key: a name of keys.yaml that treats
    nothing. beside: other tables, by path or name. least: the share of a column's values that another has too.
    baseline: profiles of before; bound: the change since then that is told. Raises `BadUsage` where the key cannot be
    used, `Refused` where a table is not there."""
    own = session.for_run(spark)
    _check_exposed(own, conf)
    reference = _ready(conf, key, beside)
    return _found(own, conf, tables, reference, beside=beside, least=least, baseline=baseline, bound=bound)


def _ready(conf: Config, key: str, beside: Sequence[str]) -> KeyReference:
    """The key, opened once, where all that needs no Spark lets it be used."""
    _check_names(conf, beside)
    _check_policy(conf, key)
    return profile.reference(conf, key)


def _found(
    own: SparkSession,
    conf: Config,
    tables: Sequence[str],
    reference: KeyReference,
    *,
    beside: Sequence[str],
    least: float,
    baseline: Profiles | None,
    bound: float,
) -> Report:
    if baseline is not None and baseline.check != reference.check:
        raise BadUsage("the baseline's values were hashed with another key, or version of it: make it anew")
    places = {name: Address.of(conf.tables[name].target) for name in tables}
    places |= {name: Address.named(name) for name in beside}
    for name, place in places.items():
        _check_there(own, name, place)
    found = {
        name: _profiled(own, name, place, conf.tables.get(name) if name in tables else None, reference)
        for name, place in places.items()
    }
    new = _compared(own, Profiles(reference.check, found))
    changed: Iterator[str] = iter(())
    if baseline is not None:
        changed = profile_file.changes(new, _compared(own, baseline), least, bound)
    ordered = sorted(new.told.items(), key=lambda one: (-one[1].share, str(one[0])))
    joinable = {pair: each for pair, each in ordered if each.share >= least}
    return Report(new.kept, joinable, len(new.unsaid), tuple(changed))


def _check_exposed(spark: SparkSession, conf: Config) -> None:
    reasons = key_exposure.refusals(java.application(spark).items(), conf.keys)
    if reasons:
        raise Refused("\n".join(reasons))


def _check_names(conf: Config, beside: Sequence[str]) -> None:
    for name in beside:  # under the name of an entry its treated table stands in the profile
        if name in conf.tables:
            raise BadUsage(f"--beside {name}: the catalog has an entry of that name: give the other table's path")


def _check_policy(conf: Config, key: str) -> None:
    found = refused(policy_approval.of_key(conf, key, today())) if key in conf.keys else []
    if found:
        raise Refused("\n".join(map(str, found)))


def _check_there(spark: SparkSession, name: str, place: Address) -> None:
    if not failures.translated(name, lambda: place.exists(spark)):
        raise Refused(f"{name}: is not there")


def _profiled(
    spark: SparkSession, name: str, place: Address, entry: TableConfig | None, key: KeyReference
) -> TableProfile:
    def step() -> TableProfile:
        rows = place.read(spark)
        found = profile.profiled(rows, key)
        chosen = None if entry is None else treated.chosen(rows.schema, entry)
        if chosen is None or not chosen.quasi_identifiers:
            return found
        about = estimating.estimate(rows, chosen.quasi_identifiers, chosen.subject)
        few, of = about.small(2), about.sampled or 1
        error = about.error_of_classes()
        if 0 < few < SMALL:
            return dataclasses.replace(found, unique_below=min(SMALL / of, 1.0), unique_error=error)
        return dataclasses.replace(found, unique_classes=few / of, unique_error=error)

    return failures.translated(name, step)


def _compared(spark: SparkSession, kept: Profiles) -> Compared:
    told, unsaid = failures.translated("the profiles", lambda: containment.pairs(spark, kept.tables))
    return Compared(kept, told, frozenset(unsaid))


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("joinable", __doc__)
    arguments.tables(options)
    flags.JSON.on(options)
    options.add_argument("--key", required=True, metavar="NAME", help="a key of keys.yaml (one that treats no column)")
    options.add_argument(
        "--beside", action="append", default=[], metavar="TABLE", help="another table, by name or path; several times"
    )
    options.add_argument("--least", type=flags.share, default=LEAST, help=f"the share that is told (default: {LEAST})")
    options.add_argument("--profile", type=Path, metavar="FILE", help="where to keep what the tables are like")
    options.add_argument(
        "--baseline", type=Path, metavar="FILE", help="what was before: exit with 1 for changes (an older profile)"
    )
    options.add_argument("--change", type=flags.share, default=BOUND, help=f"that is told of (default: {BOUND})")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(asked))


def _run(asked: argparse.Namespace) -> int:
    conf, names = arguments.chosen(asked)
    reference = _ready(conf, asked.key, asked.beside)  # before Spark starts
    baseline = None if asked.baseline is None else profile_file.read(asked.baseline)
    own = session.for_run(session.start("lakenym joinable"))
    _check_exposed(own, conf)
    report = _found(
        own,
        conf,
        names,
        reference,
        beside=asked.beside,
        least=asked.least,
        baseline=baseline,
        bound=asked.change,
    )
    if asked.profile is not None:
        _keep(asked.profile, report.profiles)
    told = as_json(joinable_report.as_data(report)) if asked.json else None
    say(told or "\n".join(map(shown, joinable_report.lines(report))))
    return REFUSED if report.changes else DONE


def _keep(path: Path, profiles: Profiles) -> None:
    try:
        whole_files.replace(path, profile_file.text(profiles))
    except OSError as error:
        raise BadUsage(f"--profile {path}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(process.ended(main))
