"""Look after keys of subjects: ``python jobs/shred.py VERB`` (docs/crypto_shredding.md).

``create --path PATH`` makes an empty table of keys and says what keys.yaml is to have; the others take ``--conf conf
--key NAME``. ``destroy --subjects FILE --forever`` makes all values of these subjects unreadable, in every copy. Every
id has a key, also one that no table holds: of a misspelt id the key is destroyed that nobody uses.

Exit codes: 0 done; 1 refused, or files are left that hold destroyed keys; 2 wrong usage or configuration; 3 failed.
"""

from __future__ import annotations

import argparse
import functools
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pyspark.sql import SparkSession

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.console import process
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.numbers import many
from jobs.console.shown import as_json, say, shown
from jobs.erasure import shredded
from jobs.gates.known import today
from jobs.lake import java, subject_key_table
from jobs.named_keys import key_exposure
from jobs.policy import policy_approval
from jobs.run_events import events
from jobs.spark_app import failures, session
from jobs.subject_keys import as_recorded, given, whom
from jobs.token_vault.looked_at import rough
from privacy_udfs.subject_keys import depths_of, lost

VERBS: Mapping[str, str] = {
    "create": "an empty table of keys in a new folder that its owner alone can enter",
    "show": "about how many keys are destroyed, by how many nodes, and what lies beside the table",
    "destroy": "the keys of the subjects of a file, one id a line: their values are unreadable then, for good",
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
    table, trees = subject_key_table.held(spark, entry)
    return {
        "key": key,
        "table of keys": id_,
        "version": table.version,
        "destroyed": rough(sum(map(lost, trees.values()))),
        "destroyed by version of the key": {str(key_id): rough(lost(parts)) for key_id, parts in trees.items()},
        "nodes": sum(len(depths_of(parts)) for parts in trees.values()),
        "files of no version": subject_key_table.left(spark, entry),
    }


def destroy(spark: SparkSession, conf: Config, key: str, subjects: Sequence[str]) -> int:
    """Destroy the keys of subjects, by their raw ids as text (of a number or a time as canonical bytes have it), under
    each version of the named key; how many there were. Again it is 0."""
    own, entry = session.for_run(spark), whom.entry_of(conf, key)
    exposed = key_exposure.refusals(java.application(own).items(), conf.keys)
    found = refused(policy_approval.of_key(conf, key, today()))
    if exposed or found:
        raise Refused("\n".join([*exposed, *map(str, found)]))

    def done() -> int:
        as_recorded.check(own, conf, key)
        leaves = whom.leaves(conf, key, subjects)
        destroy = functools.partial(subject_key_table.destroy, own, entry, leaves.punctured)
        return shredded.destroyed(own, conf, key, entry, len(leaves), destroy)

    return failures.translated(key, done)


def alive(spark: SparkSession, conf: Config, key: str, subjects: Sequence[str]) -> tuple[int, int]:
    """Of how many of these subjects the key is there, and how many they are, each once."""
    own = session.for_run(spark)
    return failures.translated(key, lambda: whom.alive(own, conf, key, subjects))


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
    verbs["destroy"].add_argument("--subjects", type=Path, required=True, metavar="FILE", help="ids, one a line")
    verbs["destroy"].add_argument(
        "--forever", action="store_true", help="nobody can bring the values back: you know it"
    )
    verbs["destroy"].add_argument(
        "--as-text", action="store_true", help="ids are text in the source: take 1001.00 as it stands"
    )
    verbs["destroy"].add_argument("--missing-ok", action="store_true", help="of no use any more: every id has a key")
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
    whom.technique(conf, options.key)
    subjects = given.ids(options.subjects, options.as_text)
    spark = session.start("lakenym shred")
    there, asked = alive(spark, conf, options.key, subjects)
    done = destroy(spark, conf, options.key, subjects)
    before = f"; those of {rough(asked - there)} had been destroyed before" if asked - there else ""
    say(f"{options.key}: {rough(done)} keys of {rough(there)} subjects are destroyed{before}")
    left = subject_key_table.left(session.for_run(spark), whom.entry_of(conf, options.key))
    if left:
        files = f"{many(left, 'file')} beside the table {'is' if left == 1 else 'are'}"
        say(f"{options.key}: {files} of runs at work or killed: run this again in a day")
    return DONE


if __name__ == "__main__":
    sys.exit(process.ended(main))
