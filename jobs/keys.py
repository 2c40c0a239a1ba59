"""Look after keys: ``python jobs/keys.py VERB --conf conf --name crm``. No verb prints key material.

create    a new keyset, where keys.yaml says it is to be
list      all keys: where they are, how many versions, which is in use
show      the versions of one key, and when each was made; --tables: which tables of the catalog carry each
add       a new version, enabled but not yet in use; promote it when every reader can have seen it
promote   new data uses this version; tables keep theirs until they are treated anew
disable   a version neither treats nor reverts, until it is enabled again
destroy   a version is gone for ever; refused while a table's record names it
rewrap    encrypt the keyset under another key-encryption key, or under the newest version of the same
export    the clear keyset for tinkey, to a new file that its owner alone can read

Exit codes: 0 done, 1 refused, 2 wrong usage or configuration, 3 failed at run time.
"""

from __future__ import annotations

import argparse
import datetime
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs.configuration import config
from jobs.configuration.config import Config
from jobs.console import shown
from jobs.console.exit_codes import Refused
from jobs.console.shown import say
from jobs.named_keys import key_age, key_use, named_key
from jobs.named_keys.named_key import NamedKey
from jobs.run_events import events
from jobs.spark_app import failures
from privacy_udfs import key_providers
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset
from privacy_udfs.keysets import keyset_versions
from privacy_udfs.keysets.key_types import KEY_TYPES

TablesNeeding = Callable[[int], Sequence[str]]
"""Key id -> the tables whose record names it."""


def versions(
    keyset: Keyset, created: Mapping[str, datetime.date] = {}, tables_needing: TablesNeeding | None = None
) -> list[dict[str, Any]]:
    """What may be known of a keyset's versions, as plain data. created: days by key id, as keys.yaml has them."""
    rows = []
    for entry in keyset.entries:
        row: dict[str, Any] = {"id": entry.id, "status": entry.status, "type": entry.type or "-"}
        row |= {"prefix": entry.output_prefix, "primary": "yes" if entry.id == keyset.primary_id else ""}
        row["created"] = str(created.get(str(entry.id), "-"))
        if tables_needing is not None:
            row["tables"] = " ".join(tables_needing(entry.id))
        rows.append(row)
    return rows


def summaries(conf: Config) -> list[dict[str, Any]]:
    """One line for each key of the configuration; a keyset that cannot be read says why instead."""
    return [_summary(named_key.find(conf, name)) for name in conf.keys]


def _summary(key: NamedKey) -> dict[str, Any]:
    row: dict[str, Any] = {"name": key.name, "keyset": key.keyset, "kek": key.kek or "(clear)"}
    try:
        keyset = key.read()
    except KeyProblem as error:
        return {**row, "versions": 0, "primary": "-", "type": "-", "problem": str(error)}
    primary = keyset.primary
    return {**row, "versions": len(keyset.entries), "primary": primary.id, "type": primary.type, "problem": ""}


def add(key: NamedKey, type: str | None = None) -> int:
    """Add a version; returns its id."""
    made = []

    def step(keyset: Keyset) -> Keyset:
        keyset, key_id = keyset_versions.added(keyset, type)
        made.append(key_id)
        return keyset

    key.change(step)
    return made[0]


def destroy(
    key: NamedKey, key_id: int, tables_needing: TablesNeeding, agreed: Callable[[], None] = lambda: None
) -> None:
    """Destroy a version that no table needs. agreed: raises where someone says no; asked last, before anything is done.

    Raises `Refused` naming the tables that need it.
    """
    keyset_versions.destroyed(key.read(), key_id)  # says at once what cannot be
    tables = tables_needing(key_id)
    if tables:
        raise Refused(
            f"key {key.name}: version {key_id} is in the record of {', '.join(tables)}: treat them anew first"
        )
    agreed()
    key.change(lambda keyset: keyset_versions.destroyed(keyset, key_id))


def export(key: NamedKey, output: Path) -> None:
    """Write the clear keyset to a new file of mode 0600."""
    key_providers.create(f"file:{output}", key.read().to_json().encode())


def _agreed(key_id: int, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("destroying a version cannot be undone: say --yes where no one can be asked")
    answer = input(f"What version {key_id} treated can then never be reverted or matched. Type its id to destroy it: ")
    if answer.strip() != str(key_id):
        raise Refused("nothing was destroyed")


def _run(options: argparse.Namespace) -> int:
    conf = config.load(options.conf)
    if options.verb == "list":
        _print(summaries(conf), options.json)
        return 0
    key = named_key.find(conf, options.name)
    if options.verb == "show":
        created, tables_needing = conf.keys[key.name].created, key_use.lookup(conf) if options.tables else None
        _print(versions(key.read(), created, tables_needing), options.json)
    else:
        say(f"key {key.name}: {_changed(conf, key, options)}")
    return 0


def _changed(conf: Config, key: NamedKey, options: argparse.Namespace) -> str:
    """Do what the verb says; returns what was done, for a person."""
    verb = options.verb
    if verb == "create":
        made = key.create(options.type).primary_id
        return f"created at {key.keyset}, version {made}{_to_note(conf, key, made)}"
    if verb == "add":
        made = add(key, options.type)
        return f"version {made} is added and enabled; promote it to use it for new data{_to_note(conf, key, made)}"
    if verb == "rewrap":
        key.rewrap(options.to_kek)
        return f"encrypted under {options.to_kek}; keys.yaml must name this kek now"
    if verb == "export":
        export(key, options.output)
        return f"written IN THE CLEAR to {options.output}"
    if verb == "destroy":
        destroy(key, options.id, key_use.lookup(conf), lambda: _agreed(options.id, options.yes))
    else:
        step = {"promote": keyset_versions.promoted, "enable": keyset_versions.enabled}.get(
            verb, keyset_versions.disabled
        )
        key.change(functools.partial(step, key_id=options.id))
    return f"{verb} version {options.id}: done"


def _to_note(conf: Config, key: NamedKey, key_id: int) -> str:
    """Keysets hold no dates, so keys.yaml keeps them; it is a person's file, and left for a person to edit."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return f"\nin keys.yaml, write under {key.name}: {key_age.dates(conf.keys[key.name], key_id, today)}"


def _print(rows: list[dict[str, Any]], as_json: bool) -> None:
    if as_json:
        print(shown.as_json(rows))
    elif rows:
        say("\n".join(events.table_lines(list(rows[0]), [[str(cell) for cell in row.values()] for row in rows])))


def parser() -> argparse.ArgumentParser:
    formatter = argparse.RawDescriptionHelpFormatter
    options = argparse.ArgumentParser("keys", description=__doc__, allow_abbrev=False, formatter_class=formatter)
    verbs = options.add_subparsers(dest="verb", required=True, metavar="VERB")
    made = {}
    for verb in ("create", "list", "show", "add", "promote", "enable", "disable", "destroy", "rewrap", "export"):
        made[verb] = verbs.add_parser(verb, allow_abbrev=False)
        made[verb].add_argument("--conf", type=Path, required=True, help="folder of the configuration")
        if verb != "list":
            made[verb].add_argument("--name", required=True, help="a key of keys.yaml")
    for verb in ("promote", "enable", "disable", "destroy"):
        made[verb].add_argument("--id", type=int, required=True, help="the version's key id")
    for verb in ("list", "show"):
        made[verb].add_argument("--json", action="store_true", help="JSON instead of text")
    made["show"].add_argument("--tables", action="store_true", help="look for each version in the tables' records")
    made["create"].add_argument("--type", choices=KEY_TYPES, default="HkdfPrfKey", help="the type of key")
    made["add"].add_argument("--type", choices=KEY_TYPES, help="the type of key; by default the primary's")
    made["destroy"].add_argument("--yes", action="store_true", help="do not ask")
    made["rewrap"].add_argument("--to-kek", required=True, help="URI of the key-encryption key to use")
    made["export"].add_argument(
        "--cleartext", action="store_true", required=True, help="I know that the key is the secret"
    )
    made["export"].add_argument("--output", type=Path, required=True, help="a file that does not exist yet")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


if __name__ == "__main__":
    sys.exit(main())
