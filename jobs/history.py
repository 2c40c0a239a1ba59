"""The configurations that decided about tables: ``python jobs/history.py VERB --conf conf``.

They are read from where policy.yaml says under ``snapshots``; what runs measured of the risk of tables (``risk``), from
the tables themselves, and so is what was taken out of them (``erasures``). Exit codes as `jobs.pseudonymize`.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.archive import restore, snapshots
from jobs.command_line import arguments, flags, given_files
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.policy_entries import Snapshots
from jobs.console import process
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.shown import as_json, say
from jobs.console.text_table import table_lines
from jobs.lake import state
from jobs.lake.state import TargetState
from jobs.record import measured_risk, taken_out
from jobs.record.taken_out import TakenOut
from jobs.run_events import events, risk_words
from jobs.spark_app import failures, session

VERBS: Mapping[str, str] = {
    "list": "every configuration that a run stored: its hash, table, policy version and first run",
    "show": "one of them as JSON, by its hash or the first digits of it (as in a table's privacy.config.sha256)",
    "restore": "write its files into a new folder, so that the run can be repeated; proven by its hash",
    "risk": "what runs measured of the risk of tables, as far as their logs have it; of the last run in any case",
    "erasures": "what erasures and retention took out of tables, by versions and counts, as far as their logs have it",
    "policy": "write the policy file of a version to a new file, so that a policy can be rolled back by name",
}
OF_TABLES = ("risk", "erasures")
"""Verbs that ask the tables, and no snapshot."""
WIDTH = 12
HEADER = ("sha256", "table", "policy_version", "stored_at", "run_id")


def place_of(conf: Config) -> Snapshots:
    """Where the configuration keeps its snapshots. Raises `BadUsage` where it names no place."""
    if conf.policy.snapshots is None:
        raise BadUsage('policy.yaml names no place for snapshots: add snapshots: {path: "${LAKE}/_privacy/snapshots"}')
    return conf.policy.snapshots


def listed(spark: SparkSession, conf: Config, tables: Collection[str] = ()) -> list[dict[str, Any]]:
    """Stored configurations as plain data, the oldest first; of some tables, or of all where none is named."""
    return [dataclasses.asdict(snapshot) for snapshot in snapshots.listed(spark, place_of(conf), tables)]


def measured(spark: SparkSession, conf: Config, tables: Collection[str] = ()) -> list[dict[str, Any]]:
    """What runs measured of the risk of treated tables (docs/risk.md), as plain data, the oldest first; of some tables,
    or of all where none is named."""
    found = []
    for name, stands in _stands(spark, conf, tables):
        told = measured_risk.all_of(stands.properties, stands.history)
        found += [{"table": name, **each.as_data()} for each in told]
    return found


def erasures(spark: SparkSession, conf: Config, tables: Collection[str] = ()) -> list[dict[str, Any]]:
    """What was taken out of treated tables (docs/erasure.md, docs/retention.md), as plain data, the oldest first; of
    some tables, or of all where none is named. Who it was, and when, is told by none of it."""
    return [
        {"table": name, **each.as_data()}
        for name, stands in _stands(spark, conf, tables)
        for each in taken_out.of(stands.history)
    ]


def _stands(spark: SparkSession, conf: Config, tables: Collection[str]) -> Iterator[tuple[str, TargetState]]:
    for name in dict.fromkeys(tables or conf.tables):
        if name not in conf.tables:
            raise BadUsage(f"the catalog has no table {name}{did_you_mean(name, conf.tables)}")
        yield name, state.inspect(spark, conf.tables[name].target)


def restored(spark: SparkSession, conf: Config, sha256: str, folder: Path) -> list[str]:
    """Write the files of one stored configuration into a new folder; returns their names."""
    load = functools.partial(snapshots.load, spark, place_of(conf))
    return restore.restore(load(sha256), load, folder)


def policy(spark: SparkSession, conf: Config, version: str) -> str:
    """The text of the policy file of a version. Raises `Refused` where there is none, or several that differ."""
    place = place_of(conf)
    known = snapshots.listed(spark, place)
    wanted = [snapshot.sha256 for snapshot in known if snapshot.policy_version == version]
    texts = restore.policies({sha256: snapshots.load(spark, place, sha256) for sha256 in wanted}, version)
    if not texts:
        raise Refused(f"no run had policy {version}{did_you_mean(version, {s.policy_version for s in known})}")
    if len(texts) > 1:
        firsts = ", ".join(hashes[0][:WIDTH] for hashes in texts.values())
        raise Refused(f"{len(texts)} policies are called {version}: restore one of {firsts} and take its policy.yaml")
    return next(iter(texts))


def run(
    spark: SparkSession,
    conf: Config,
    verb: str = "list",
    wanted: str = "",
    output: Path | None = None,
    tables: Collection[str] = (),
) -> Any:
    """What a verb gives: ``list`` as `listed` does, ``risk`` as `measured`, ``erasures`` as `erasures`, of all tables
    or of some; ``show`` a configuration as plain data; ``restore`` the files that it wrote below ``output``; ``policy``
    the text of the policy, which it writes to ``output`` where one is given. wanted: a hash or the first digits of it;
    of ``policy`` a version."""
    arguments.check_verb(verb, VERBS)
    own = session.for_run(spark)
    if verb in OF_TABLES:
        of_tables = measured if verb == "risk" else erasures
        return failures.translated("", lambda: of_tables(own, conf, tables))
    place = place_of(conf)

    def looked_up() -> Any:
        if verb == "list":
            return listed(own, conf, tables)
        if verb == "show":
            return json.loads(snapshots.load(own, place, wanted))
        if verb == "restore":
            return restored(own, conf, wanted, _given(output))
        return policy(own, conf, wanted)

    found = failures.translated("", looked_up)
    if verb == "policy" and output is not None:
        given_files.create(output, found)
    return found


def _given(output: Path | None) -> Path:
    if output is None:
        raise BadUsage("--output: expected a new folder")
    return output


def _told(verb: str, found: Any, options: argparse.Namespace) -> str:
    """What `run` gave, for a person or as JSON."""
    if verb == "risk":
        return as_json(found) if options.json else "\n".join(map(_measured, found))
    if verb == "erasures":
        return as_json(found) if options.json else "\n".join(map(_taken_out, found))
    if verb == "show" or (verb == "list" and options.json):
        return as_json(found, indent=2 if verb == "show" else None)
    if verb == "list":
        rows = [[row["sha256"][:WIDTH], *(row[name] for name in HEADER[1:])] for row in found]
        return "\n".join(table_lines(HEADER, rows)) if rows else ""
    return "\n".join(str(options.output / name) for name in found) if verb == "restore" else str(options.output)


def _measured(told: Mapping[str, Any]) -> str:
    at = f" ({told['at']})" if "at" in told else ""
    since = "; others have changed rows since" if told.get("rows_changed_since") else ""
    since += "; the log no longer tells what changed since" if told.get("rows_may_have_changed_since") else ""
    return f"{told['table']}: version {told['version']}{at}: {risk_words.in_words(told)}{since}"


def _taken_out(told: Mapping[str, Any]) -> str:
    return f"{told['table']}: {TakenOut(**{name: each for name, each in told.items() if name != 'table'}).in_words()}"


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("history", __doc__)
    made = arguments.verbs(options, VERBS)
    for verb in made.values():
        flags.CONF.on(verb, required=True)
    for name in ("list", *OF_TABLES):
        flags.TABLE.on(made[name])
        flags.JSON.on(made[name])
    for name in ("show", "restore"):
        made[name].add_argument("wanted", metavar="HASH", help="the hash of a configuration, or its first digits")
    flags.OUTPUT.on(made["restore"], required=True, metavar="FOLDER", former=("--to",))
    made["policy"].add_argument("wanted", metavar="VERSION", help="the version of a policy")
    flags.OUTPUT.on(made["policy"], required=True, metavar="FILE", former=("--to",))
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    conf = arguments.loaded(options.conf)
    if options.verb not in OF_TABLES:
        place_of(conf)
    spark, asked = session.start("lakenym history"), vars(options)
    given = (asked.get("wanted", ""), asked.get("output"), asked.get("table") or ())
    told = _told(options.verb, run(spark, conf, options.verb, *given), options)
    if told:
        say(told)
    return DONE


if __name__ == "__main__":
    sys.exit(process.ended(main))
