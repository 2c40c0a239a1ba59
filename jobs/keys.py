"""Look after keys: ``python jobs/keys.py VERB --conf conf --name crm``. No verb prints key material.

Exit codes: 0 done, 1 refused, 2 wrong usage or configuration, 3 failed at run time.
"""

from __future__ import annotations

import argparse
import dataclasses
import datetime
import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from jobs.command_line import arguments, flags
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.console import asking, next_step, process, shown
from jobs.console.exit_codes import DONE, BadUsage, Refused
from jobs.console.shown import say
from jobs.console.text_table import table_lines
from jobs.named_keys import kek_use, key_age, key_use, named_key
from jobs.named_keys.named_key import NamedKey
from jobs.policy import policy_approval
from jobs.run_events import events
from jobs.spark_app import failures
from privacy_udfs import key_providers
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import Keyset
from privacy_udfs.keysets import keyset_versions
from privacy_udfs.keysets.key_types import KEY_TYPES

VERBS: Mapping[str, str] = {
    "create": "a new keyset, where keys.yaml says it is to be",
    "list": "all keys: where they are, how many versions, which is in use",
    "show": "the versions of one key, and when each was made; --tables: which tables of the catalog carry each",
    "add": "a new version, enabled but not yet in use; promote it when every reader can have seen it",
    "promote": "new data uses this version; tables keep theirs until they are treated anew",
    "enable": "a version that was disabled treats and reverts again",
    "disable": "a version neither treats nor reverts, until it is enabled again",
    "destroy": "a version is gone for ever; refused while a table's record names it",
    "rewrap": "encrypt the keyset under another key-encryption key, or under the newest version of the same",
    "reversal": "put the keyset where keys.yaml has the way back open it; again after each change of its versions",
    "export": "the clear keyset for tinkey, to a new file that its owner alone can read",
}

TablesNeeding = Callable[[int], Sequence[str]]
"""Key id -> the tables whose record names it."""
T = TypeVar("T")
DEFAULT_TYPE = "HkdfPrfKey"
STEPS: Mapping[str, Callable[..., Keyset]] = {
    "promote": keyset_versions.promoted,
    "enable": keyset_versions.enabled,
    "disable": keyset_versions.disabled,
}


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


def destroy(key: NamedKey, key_id: int, tables_needing: TablesNeeding, agreed: Callable[[], None]) -> None:
    """Destroy a version that no table needs. agreed: raises where someone says no; asked last, before anything is done.

    Raises `Refused` naming the tables that need it.
    """
    keyset_versions.destroyed(key.read(), key_id)  # says at once what cannot be
    tables = tables_needing(key_id)
    if tables:
        raise Refused(
            f"key {key.name}: version {key_id} is in the record of {', '.join(tables)}: treat them anew first, and "
            "what stands in quarantine"
        )
    agreed()
    key.change(lambda keyset: keyset_versions.destroyed(keyset, key_id))


def export(key: NamedKey, output: Path) -> None:
    """Write the clear keyset to a new file of mode 0600."""
    key_providers.create(f"file:{output}", key.read().to_json().encode())


def _nobody_agreed() -> None:
    raise Refused("a version that is destroyed is gone for ever: say in 'agreed' that this is meant")


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a verb is to be done with. id: of a version. type: of the key that is made. kek: a URI. output: of
    ``export``, a new file. cleartext: for ``export``, that the key is the secret and is written in the clear. tables:
    whether ``show`` looks into the tables' records. agreed: as `destroy` has it; by default nobody does."""

    id: int | None = None
    type: str | None = None
    kek: str | None = None
    output: Path | None = None
    cleartext: bool = False
    tables: bool = False
    agreed: Callable[[], None] = _nobody_agreed


def run(conf: Config, verb: str = "list", name: str = "", asked: Asked = Asked()) -> list[dict[str, Any]] | str:
    """What a verb gives: rows of plain data for ``list`` and ``show``; for others what was done to the key, in words.
    Raises `BadUsage` where something is not stated that the verb needs."""
    arguments.check_verb(verb, VERBS)
    if verb == "list":
        return summaries(conf)
    key = named_key.find(conf, name)
    if verb == "show":
        created, tables_needing = conf.keys[key.name].created, key_use.lookup(conf) if asked.tables else None
        return versions(key.read(), created, tables_needing)
    return f"key {key.name}: {_changed(conf, key, verb, asked)}"


def _changed(conf: Config, key: NamedKey, verb: str, asked: Asked) -> str:
    """Do what the verb says; returns what was done, for a person."""
    if verb == "create":
        made = key.create(asked.type or DEFAULT_TYPE).primary_id
        return f"created at {key.keyset}, version {made}{_to_note(conf, key, made)}"
    if verb == "add":
        made = add(key, asked.type)
        return f"version {made} is added and enabled; promote it to use it for new data{_to_note(conf, key, made)}"
    if verb == "rewrap":
        kek = _stated(asked.kek, "a key-encryption key")
        kek_use.before_rewrap(conf, key, kek)
        key.rewrap(kek)
        return f"encrypted under {kek}; keys.yaml must name this kek now"
    if verb == "reversal":
        return _for_reversal(conf, key)
    if verb == "export":
        output = _stated(asked.output, "a file to write")
        if not asked.cleartext:
            raise Refused("the keyset would be written in the clear: say in 'cleartext' that this is meant")
        export(key, output)
        return f"written IN THE CLEAR to {output}"
    key_id = _stated(asked.id, "a version's id")
    if verb in ("disable", "destroy"):
        _check_layers(conf, key, key_id)
        kek_use.before_retiring(conf, key, key_id)
    if verb == "destroy":
        destroy(key, key_id, key_use.lookup(conf), asked.agreed)
    else:
        key.change(functools.partial(STEPS[verb], key_id=key_id))
    return f"{verb} version {key_id}: done"


def _check_layers(conf: Config, key: NamedKey, key_id: int) -> None:
    domains = key_use.in_layers(conf, key_id)
    if domains:
        raise Refused(
            f"key {key.name}: new values of the domain{'s' * (len(domains) > 1)} {', '.join(domains)} pass through "
            f"version {key_id} as a layer (domains.yaml): it can go when the source is treated anew without it"
        )


def _for_reversal(conf: Config, key: NamedKey) -> str:
    place = conf.keys[key.name].reversal
    if place is None:
        raise BadUsage("keys.yaml has no 'reversal' under it: where the way back is to open it")
    if key.kek is not None and place.kek is None:
        raise Refused("keys.yaml has a 'kek' for the key and none for its 'reversal': the copy would lie in the clear")
    against = refused(policy_approval.of_key(conf, key.name, datetime.datetime.now(datetime.timezone.utc).date()))
    if against:
        raise Refused("\n".join(map(str, against)))
    key.copy(place.keyset, place.kek)
    return f"a copy of all its versions is at {place.keyset}, for the way back"


def _stated(given: T | None, what: str) -> T:
    if given is None:
        raise BadUsage(f"the verb needs {what}")
    return given


def _to_note(conf: Config, key: NamedKey, key_id: int) -> str:
    """Keysets hold no dates, so keys.yaml keeps them; it is a person's file, and left for a person to edit."""
    today = datetime.datetime.now(datetime.timezone.utc).date()
    return f"\nin keys.yaml, write under {key.name}: {key_age.dates(conf.keys[key.name], key_id, today)}"


# -- the command line -------------------------------------------------------------------------------------------------


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("keys", __doc__)
    made = arguments.verbs(options, VERBS)
    for verb, of_verb in made.items():
        flags.CONF.on(of_verb, required=True)
        if verb != "list":
            of_verb.add_argument("--name", required=True, help="a key of keys.yaml")
    for verb in ("promote", "enable", "disable", "destroy"):
        made[verb].add_argument("--id", type=int, required=True, help="the version's key id")
    for verb in ("list", "show"):
        flags.JSON.on(made[verb])
    for verb in ("create", "add"):
        help = f"the type of key; by default {DEFAULT_TYPE}, and of a version that is added the primary's"
        made[verb].add_argument("--type", choices=KEY_TYPES, help=help)
    made["show"].add_argument("--tables", action="store_true", help="look for each version in the tables' records")
    flags.YES.on(made["destroy"])
    made["rewrap"].add_argument("--to-kek", required=True, help="URI of the key-encryption key to use")
    made["export"].add_argument(
        "--cleartext", action="store_true", required=True, help="I know that the key is the secret"
    )
    flags.OUTPUT.on(made["export"], required=True, metavar="FILE")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return failures.exit_code(events.terminal, lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    found = run(arguments.loaded(options.conf), options.verb, vars(options).get("name", ""), _asked(vars(options)))
    if isinstance(found, str):
        say(found)
        if options.verb == "create":
            next_step.tell("check", "--conf", options.conf)
    elif options.json:
        print(shown.as_json(found))
    elif found:
        say("\n".join(table_lines(list(found[0]), [[str(cell) for cell in row.values()] for row in found])))
    return DONE


def _asked(options: Mapping[str, Any]) -> Asked:
    def agreed() -> None:
        _agree(options["id"], options["yes"])

    return Asked(
        id=options.get("id"),
        type=options.get("type"),
        kek=options.get("to_kek"),
        output=options.get("output"),
        cleartext=options.get("cleartext", False),
        tables=options.get("tables", False),
        agreed=agreed,
    )


def _agree(key_id: int, yes: bool) -> None:
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused("destroying a version cannot be undone: say --yes where no one can be asked")
    answer = asking.answer(
        f"What version {key_id} treated can then never be reverted or matched. Type its id to destroy it: "
    )
    if answer.strip() != str(key_id):
        raise Refused("nothing was destroyed")


if __name__ == "__main__":
    sys.exit(process.ended(main))
