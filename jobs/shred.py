"""Look after keys of subjects: ``python jobs/shred.py VERB`` (docs/crypto_shredding.md).

``create --path PATH`` makes an empty table of keys and says what keys.yaml is to have; the others take ``--conf conf
--key NAME``. ``destroy --subjects FILE --forever`` makes all values of these subjects unreadable, in every copy.

Exit codes: 0 done; 1 refused, or some of the subjects had no key (those of the others are destroyed); 2 wrong usage or
configuration; 3 failed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags, given_files
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.console.exit_codes import DONE, REFUSED, BadUsage, Refused
from jobs.console.shown import as_json, say, shown
from jobs.gates.known import today
from jobs.lake import java, subject_key_table
from jobs.lake.subject_key_table import KEY_ID
from jobs.named_keys import key_exposure
from jobs.policy import policy_approval
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.subject_keys import whom
from jobs.token_vault.looked_at import rough

VERBS: Mapping[str, str] = {
    "create": "an empty table of keys in a new folder that its owner alone can enter",
    "show": "about how many subjects have a key, and what lies beside the table",
    "destroy": "the keys of the subjects of a file, one raw id a line: their values are unreadable then, for good",
}


def create(spark: SparkSession, path: str) -> str:
    """Make a table of keys; returns its id. Raises `Refused` where anything stands there."""
    own = session.for_run(spark)
    return failures.translated("", lambda: subject_key_table.create(own, path))


def run(spark: SparkSession, conf: Config, key: str) -> Mapping[str, Any]:
    """What may be known of a key's table: the verb ``show``."""
    own, entry = session.for_run(spark), whom.entry_of(conf, key)
    return failures.translated(key, lambda: _told(own, conf, key, entry.id))


def _told(spark: SparkSession, conf: Config, key: str, id_: str) -> Mapping[str, Any]:
    entry = whom.entry_of(conf, key)
    table = subject_key_table.looked(spark, entry)
    versions = table.rows().groupBy(KEY_ID).count().orderBy(KEY_ID).collect()
    return {
        "key": key,
        "table of keys": id_,
        "version": table.version,
        "keys": rough(sum(int(row["count"]) for row in versions)),
        "by version of the key": {str(row[KEY_ID]): rough(row["count"]) for row in versions},
        "files of no version": subject_key_table.left(spark, entry),
    }


def destroy(spark: SparkSession, conf: Config, key: str, subjects: Sequence[str]) -> int:
    """Destroy the keys of subjects, by their raw ids as text; how many there were. Again it is 0."""
    own, entry = session.for_run(spark), whom.entry_of(conf, key)
    exposed = key_exposure.refusals(java.application(own).items(), conf.keys)
    found = refused(policy_approval.of_key(conf, key, today()))
    if exposed or found:
        raise Refused("\n".join([*exposed, *map(str, found)]))

    def done() -> int:
        return subject_key_table.destroy(own, entry, whom.lookups(own, conf, key, subjects))

    return failures.translated(key, done)


def with_a_key(spark: SparkSession, conf: Config, key: str, subjects: Sequence[str]) -> int:
    """Of how many of these subjects there is a key."""
    own = session.for_run(spark)
    return failures.translated(key, lambda: whom.with_a_key(own, conf, key, subjects))


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("shred", __doc__)
    verbs = arguments.verbs(options, VERBS)
    verbs["create"].add_argument("--path", required=True, help="a path in a lake (a new folder, for the keys alone)")
    for verb in ("show", "destroy"):
        flags.CONF.on(verbs[verb], required=True)
        verbs[verb].add_argument(
            "--key", required=True, metavar="NAME", help="a key of keys.yaml (one with subject_keys)"
        )
    flags.JSON.on(verbs["show"])
    verbs["destroy"].add_argument("--subjects", type=Path, required=True, metavar="FILE", help="raw ids, one a line")
    verbs["destroy"].add_argument(
        "--forever", action="store_true", help="nobody can bring the values back: you know it"
    )
    verbs["destroy"].add_argument(
        "--missing-ok", action="store_true", help="also where some of them have no key, as when it is said again"
    )
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.verb == "create":
        made = create(session.start("lakenym shred"), options.path)
        told = f'{{path: {shown(as_json(options.path))}, id: "{made}"}}'
        say(f"the table of keys is made; in keys.yaml:\n  subject_keys: {told}")
        return DONE
    conf = arguments.loaded(options.conf)
    whom.entry_of(conf, options.key)
    if options.verb == "show":
        known = run(session.start("lakenym shred"), conf, options.key)
        say(as_json(known) if options.json else "\n".join(f"{name}: {value}" for name, value in known.items()))
        return DONE
    if not options.forever:
        raise BadUsage("all values of these subjects become unreadable, in every copy: say --forever if that is meant")
    subjects = list(dict.fromkeys(line for line in given_files.text(options.subjects).splitlines() if line))
    if not subjects:
        raise BadUsage(f"{options.subjects} holds no subjects: one a line")
    spark = session.start("lakenym shred")
    missing = len(subjects) - with_a_key(spark, conf, options.key, subjects)
    done = destroy(spark, conf, options.key, subjects)
    say(f"{options.key}: {rough(done)} keys of {rough(len(subjects))} subjects are destroyed")
    left = subject_key_table.left(session.for_run(spark), whom.entry_of(conf, options.key))
    if left:
        say(f"{options.key}: {left} files beside the table are of runs at work or killed: run this again in a day")
    if missing and not options.missing_ok:
        say(
            f"{options.key}: {rough(missing)} of these subjects had no key here: each line is an id as the source has "
            "it, blanks too. See whether they are spelled as there; say --missing-ok where they may have none"
        )
        return REFUSED
    return DONE


if __name__ == "__main__":
    sys.exit(main())
