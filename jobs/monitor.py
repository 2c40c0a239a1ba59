"""Watch treated tables and the house: ``python jobs/monitor.py --conf conf --all --profile FILE [--baseline FILE]``.

Each table is profiled in one pass over it, with no value and no small count in the profile; against a baseline it is
told how values are spread, which categories are new, and how nulls, different values, rows and joins moved. With
--house no table is read: reviews, policy, ages of keys, and what the logs of targets and the audit log say
(docs/monitoring.md). Bounds stand in policy.yaml, under ``monitoring``, and in a table's entry.

Exit codes: 0 nothing is over a bound; 1 something is; 2 bad configuration or usage; 3 failed.
"""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Mapping, Sequence
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
from jobs.monitoring import (
    drift,
    erasures,
    house,
    joinability,
    leaves,
    limits_watch,
    log_watch,
    metrics,
    one_pass,
    profile,
    profile_file,
    report,
    reversals,
    secret,
)
from jobs.monitoring.counting import Wanted
from jobs.monitoring.drift import Drift
from jobs.monitoring.finding import Finding
from jobs.monitoring.profile import ColumnProfile, TableProfile
from jobs.monitoring.profile_file import Profiles
from jobs.monitoring.report import Report
from jobs.monitoring.secret import Secret
from jobs.named_keys import key_exposure
from jobs.policy import policy_approval
from jobs.risk_measures import treated
from jobs.run_events import events
from jobs.spark_app import failures, session
from privacy_udfs.errors import LakenymError


def run(
    spark: SparkSession,
    conf: Config,
    tables: Sequence[str],
    *,
    baseline: Profiles | None = None,
    house_only: bool = False,
    now: datetime.datetime | None = None,
) -> Report:
    """What is to be told of these tables of the catalog. baseline: profiles of before. house_only: no table is read.
    now: the time in UTC; None: that of the clock. Raises `BadUsage` where the policy names no key for profiles."""
    own, now = session.for_run(spark), now or datetime.datetime.now(datetime.timezone.utc)
    key = None if house_only else _key(own, conf)
    looked, found = house.of_tables(own, conf, tables, now)
    lately = [
        *log_watch.findings(own, conf, tables, now),
        *reversals.findings(own, conf, now),
        *erasures.findings(own, conf, now),
    ]
    lately += limits_watch.findings(own, conf)
    found = [*house.of_conf(conf, tables, now.date()), *found, *lately]
    if key is None:
        return Report(now, found, looked)
    there = [name for name, each in looked.items() if each.state.version >= 0]
    before = {name: table for name, table in (baseline or {}).items() if name in there}
    profiles, drifts = dict[str, TableProfile](), dict[str, dict[str, Drift]]()
    for name in there:
        try:
            profiles[name], drifts[name] = _profiled(own, name, conf.tables[name], key, before.get(name))
        except LakenymError as error:  # the others are watched all the same
            found.append(Finding("alert", name, "target", f"cannot be read: {error}", "mend that first"))
    bounds = {name: each.bounds for name, each in looked.items()}
    if baseline is not None:
        found += [drift.no_baseline(name) for name in profiles if name not in before]
    for name in sorted(drifts.keys() & before.keys()):
        found += drift.findings(name, bounds[name], profiles[name], before[name], drifts[name], looked[name].own_bounds)
    found += _joins(own, profiles, before, bounds)
    return Report(now, found, looked, profiles, drifts)


def _joins(
    spark: SparkSession, now: Profiles, before: Profiles, bounds: Mapping[str, Mapping[str, float]]
) -> list[Finding]:
    try:
        return failures.translated("profiles", lambda: list(joinability.findings(spark, now, before, bounds)))
    except LakenymError as error:
        return [Finding("alert", "", "joinable", f"tables cannot be compared: {error}", "mend that first")]


def _key(spark: SparkSession, conf: Config) -> Secret:
    """The key of the profiles. Raises `Refused` where it would be read by others, or the policy has something against
    it."""
    exposed = key_exposure.refusals(java.application(spark).items(), conf.keys)
    if exposed:
        raise Refused("\n".join(exposed))
    _check_policy(conf)
    return secret.of(conf)


def _check_policy(conf: Config) -> None:
    name = conf.policy.monitoring.key
    found = refused(policy_approval.of_key(conf, name, today())) if name is not None and name in conf.keys else []
    if found:
        raise Refused("\n".join(map(str, found)))


def _profiled(
    spark: SparkSession, name: str, entry: TableConfig, key: Secret, before: TableProfile | None
) -> tuple[TableProfile, dict[str, Drift]]:
    """The profile of a table as it stands, and how its columns moved."""
    known: Mapping[str, ColumnProfile] = before.columns if before is not None else {}

    def step() -> tuple[TableProfile, dict[str, Drift]]:
        rows = Address.of(entry.target).read(spark)
        able, left_out = leaves.of(rows.schema)
        joining = treated.chosen(rows.schema, entry).pseudonyms
        wanted = [
            Wanted(leaf, leaf.path in joining, known[leaf.path].bounds if leaf.path in known else None) for leaf in able
        ]
        many, tallies = one_pass.tallied(rows, wanted, key.hashes)
        columns, drifts = dict[str, ColumnProfile](), dict[str, Drift]()
        for each, tally in zip(wanted, tallies, strict=True):
            path, was = each.leaf.path, known.get(each.leaf.path)
            tally.categories = key.own_codes(name, path, tally.categories)
            columns[path] = profile.of_column(tally, each.leaf.is_number, each.is_pseudonym, was)
            if was is not None:
                drifts[path] = drift.of_column(columns[path], was)
        return TableProfile(profile.told(many), columns, tuple(left_out)), drifts

    return failures.translated(name, step)


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("monitor", __doc__)
    arguments.tables(options)
    flags.JSON.on(options)
    options.add_argument("--house", action="store_true", help="read no table: configuration, keys and logs only")
    options.add_argument("--profile", type=Path, metavar="FILE", help="where to keep what the tables are like")
    options.add_argument(
        "--baseline", type=Path, metavar="FILE", help="what was before: exit with 1 for changes (an older profile)"
    )
    options.add_argument("--metrics", type=Path, metavar="FILE", help="where to write Prometheus' text format")
    options.add_argument("--fail-on-warnings", action="store_true", help="exit with 1 for warnings too")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(asked))


def _run(asked: argparse.Namespace) -> int:
    if asked.house and (asked.profile is not None or asked.baseline is not None):
        raise BadUsage("--house reads no table: leave out --profile and --baseline")
    conf, names = arguments.chosen(asked)
    _check_policy(conf)
    key = None if asked.house else secret.of(conf)  # before Spark starts
    baseline = None if asked.baseline is None or key is None else profile_file.read(asked.baseline, key)
    found = run(session.start("lakenym monitor"), conf, names, baseline=baseline, house_only=asked.house)
    if asked.profile is not None and key is not None:
        missing = [name for name in names if name not in found.profiles]
        kept = profile_file.kept(asked.profile, key, missing, baseline) if missing else {}
        _write("--profile", asked.profile, profile_file.text({**found.profiles, **kept}, key, missing))
    if asked.metrics is not None:
        _write("--metrics", asked.metrics, metrics.text(found))
    say(as_json(report.as_data(found)) if asked.json else "\n".join(map(shown, report.lines(found))))
    told: Sequence[Finding] = found.findings if asked.fail_on_warnings else found.alerts
    return REFUSED if told else DONE


def _write(flag: str, path: Path, text: str) -> None:
    """Whole, by a rename: who reads the file meanwhile reads the one before."""
    try:
        whole_files.replace(path, text)
    except OSError as error:
        raise BadUsage(f"{flag} {path}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(process.ended(main))
