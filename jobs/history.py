"""The configurations that decided about tables: ``python jobs/history.py VERB --conf conf``.

list     every configuration that a run stored: its hash, table, policy version, and the first run that it decided about
show     one of them as JSON, by its hash or the first digits of it (as in a table's ``privacy.config.sha256``)
restore  write its files into a new folder, so that the run can be repeated; proven by its hash
policy   write the policy file of a version to a new file, so that a policy can be rolled back by name

They are read from where policy.yaml says under ``snapshots``. Exit codes as `jobs.pseudonymize`.
"""

from __future__ import annotations

import argparse
import dataclasses
import functools
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.archive import restore, snapshots
from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.policy_entries import Snapshots
from jobs.console import whole_files
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.shown import as_json, say
from jobs.run_events import events
from jobs.spark_app import failures, session

WIDTH = 12
HEADER = ("sha256", "table", "policy_version", "stored_at", "run_id")


def place_of(conf: Config) -> Snapshots:
    """Where the configuration keeps its snapshots. Raises `BadUsage` where it names no place."""
    if conf.policy.snapshots is None:
        raise BadUsage('policy.yaml names no place for snapshots: add snapshots: {path: "${LAKE}/_privacy/snapshots"}')
    return conf.policy.snapshots


def listed(spark: SparkSession, conf: Config, table: str | None = None) -> list[dict[str, Any]]:
    """All stored configurations as plain data, the oldest first."""
    return [dataclasses.asdict(snapshot) for snapshot in snapshots.listed(spark, place_of(conf), table)]


def restored(spark: SparkSession, conf: Config, sha256: str, folder: Path) -> list[str]:
    """Write the files of one stored configuration into a new folder; returns their names."""
    load = functools.partial(snapshots.load, spark, place_of(conf))
    try:
        return restore.restore(load(sha256), load, folder)
    except (snapshots.SnapshotProblem, restore.NotRestored) as error:
        raise Refused(str(error)) from None


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


def _run(options: argparse.Namespace) -> int:
    conf = config.load(options.conf)
    place_of(conf)
    spark = session.for_run(session.start("lakenym history"))
    return failures.translated("", lambda: _VERBS[options.verb](spark, conf, options))


def _list(spark: SparkSession, conf: Config, options: argparse.Namespace) -> int:
    rows = listed(spark, conf, options.table)
    if options.json:
        print(as_json(rows))
    elif rows:
        shown = [[row["sha256"][:WIDTH], *(row[name] for name in HEADER[1:])] for row in rows]
        say("\n".join(events.table_lines(HEADER, shown)))
    return DONE


def _show(spark: SparkSession, conf: Config, options: argparse.Namespace) -> int:
    try:
        content = snapshots.load(spark, place_of(conf), options.sha256)
    except snapshots.SnapshotProblem as error:
        raise Refused(str(error)) from None
    print(as_json(json.loads(content), indent=2))
    return DONE


def _restore(spark: SparkSession, conf: Config, options: argparse.Namespace) -> int:
    for name in restored(spark, conf, options.sha256, options.to):
        say(str(options.to / name))
    return DONE


def _policy(spark: SparkSession, conf: Config, options: argparse.Namespace) -> int:
    text = policy(spark, conf, options.version)
    try:
        whole_files.create(options.to, text)
    except OSError as error:
        raise Refused(f"{options.to} cannot be written ({type(error).__name__}): name a new file") from None
    say(str(options.to))
    return DONE


_VERBS = {"list": _list, "show": _show, "restore": _restore, "policy": _policy}


def parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser("history", description=__doc__, allow_abbrev=False, formatter_class=formatter)
    verbs = options.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {verb: verbs.add_parser(verb, allow_abbrev=False) for verb in _VERBS}
    for verb in made.values():
        verb.add_argument("--conf", type=Path, required=True, help="folder of the configuration")
    made["list"].add_argument("--table", help="only the configurations of one table")
    made["list"].add_argument("--json", action="store_true", help="JSON instead of text")
    for name in ("show", "restore"):
        made[name].add_argument("sha256", metavar="HASH", help="the hash of a configuration, or its first digits")
    made["restore"].add_argument("--to", type=Path, required=True, metavar="FOLDER", help="a new folder")
    made["policy"].add_argument("version", metavar="VERSION", help="the version of a policy")
    made["policy"].add_argument("--to", type=Path, required=True, metavar="FILE", help="a new file")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
