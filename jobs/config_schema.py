"""JSON Schemas of the configuration's files, for editors: ``python jobs/config_schema.py --output conf/schema``.

``--check conf/schema`` exits 1 when they are not what this version would write; ``--page`` writes docs/table.md from
them. A file names its schema in its first
line: ``# yaml-language-server: $schema=../schema/table.json``. A schema knows one file;
`jobs.configuration.config.load` knows them all, and is stricter.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic.json_schema import models_json_schema

from jobs.command_line import arguments, flags, given_files
from jobs.configuration import key_reference, scope_entry, subject_keys_entry
from jobs.configuration.audit_entry import Audit
from jobs.configuration.documents import NAME_PATTERN
from jobs.configuration.entity_domains import ALL, ELSEWHERE, NAMING
from jobs.configuration.entry import NOT_BLANK, Entry
from jobs.configuration.grants_entry import Grants
from jobs.configuration.hierarchy_file import LEVELS_FILE
from jobs.configuration.lineage_entry import Lineage
from jobs.configuration.models import ColumnEntry, KeyEntry, Policy, TableEntry
from jobs.configuration.processing_entry import Controller
from jobs.configuration.treatments import words
from jobs.configuration.vault_entry import EXPORTABLE, VaultEntry
from jobs.configuration.vault_entry import KEY as VAULT
from jobs.console import next_step, process
from jobs.console.exit_codes import DONE, REFUSED
from jobs.console.shown import say
from privacy_udfs.entities import KINDS
from privacy_udfs.scope_labels import SCOPES
from privacy_udfs.technique import Technique
from privacy_udfs.techniques import BY_NAME
from privacy_udfs.techniques._replacements import REDACT, Elsewhere, Pseudonym
from privacy_udfs.techniques.treat_entities import TreatEntities

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
NAME: Schema = {"type": "string", "pattern": NAME_PATTERN}
KEY: Schema = {**NAME, "description": "A name of keys.yaml."}
DOMAIN: Schema = {**NAME, "description": "Whose pseudonyms the column shares; the column's own if left out."}
ENTITY: Schema = {**NAME, "description": f"A name of domains.yaml; or '{REDACT}': the kind in brackets."}
COLUMNS: Schema = {
    "description": f"Columns of the catalog whose values are looked for; or '{ALL}': all of the domain.",
    "anyOf": [{"const": ALL}, {"type": "array", "minItems": 1, "items": {"type": "string"}}],
}
DATE: Schema = {"type": "string", "description": "Of a domain of scope period: the date that says in which a row is."}
SCOPE: Schema = {
    "scope": {"enum": list(SCOPES), "description": "How far its pseudonyms join: person if left out."},
    "why": {"type": "string", "pattern": NOT_BLANK, "description": "Why no narrower scope does."},
}
LEVELS: Schema = {"type": "string", "description": "A CSV beside the configuration: value;level 1;level 2;..."}


def schemas() -> dict[str, Schema]:
    """File name -> the JSON Schema of that kind of file."""
    return {
        "table.json": _table(),
        "domains.json": _domains(),
        "keys.json": _keys(),
        "policy.json": _alone("The policy", Policy),
        "lineage.json": _alone("Where lineage goes", Lineage),
        "controller.json": _alone("Who answers for the processing", Controller),
        "audit.json": _alone("The log of runs", Audit),
        "grants.json": _alone("Who sees what", Grants),
    }


def _definitions(*models: type[Entry] | type[Technique]) -> dict[str, Schema]:
    _, schema = models_json_schema([(model, "validation") for model in models])
    definitions: dict[str, Schema] = schema["$defs"]
    return definitions


def _file(title: str, definitions: dict[str, Schema], body: Schema) -> Schema:
    return {"$schema": DIALECT, "title": title, **body, "$defs": definitions}


def _named(items: Schema) -> Schema:
    return {"type": "object", "propertyNames": NAME, "additionalProperties": items}


def _table() -> Schema:
    techniques = _techniques({"key": KEY, "domain": DOMAIN})
    _without_periods(techniques, *scope_entry.OF_PERIODS, scope_entry.PERIOD_OF)
    definitions = {**_definitions(TableEntry, ColumnEntry), **techniques}
    for name in _with_vault():  # only a domain has such
        definitions.pop(name)
    known = words()
    said = f"{'; '.join(known.values())}."
    word: Schema = {"enum": list(known), "description": said[0].upper() + said[1:]}
    domain: Schema = {
        "type": "object",
        "properties": {"domain": DOMAIN, scope_entry.PERIOD_OF: DATE},
        "required": ["domain"],
    }
    domain["additionalProperties"] = False
    definitions["Treatment"] = {"oneOf": [word, domain, *_known(definitions)]}
    column = definitions["ColumnEntry"]
    column["properties"]["treatment"] |= {"$ref": "#/$defs/Treatment"}
    when = column["properties"]["when"]
    column["properties"]["when"] = {**when["anyOf"][0], "description": when["description"]}
    column["oneOf"] = [{"required": ["treatment"]}, {"required": ["when"]}]
    definitions["CaseEntry"]["properties"]["treatment"] |= {"$ref": "#/$defs/Treatment"}
    table = definitions.pop("TableEntry")
    table["properties"]["columns"]["additionalProperties"] = {"$ref": "#/$defs/ColumnEntry"}
    return _file("A table of the catalog", definitions, table)


def _domains() -> Schema:
    definitions = _techniques({"key": KEY})
    _without_periods(definitions, scope_entry.PERIOD_OF)
    for cls in BY_NAME.values():
        definitions[cls.__name__]["properties"] |= SCOPE
    definitions.pop(TreatEntities.__name__)  # it gives pseudonyms of domains, and so is none of a domain
    vault = _definitions(VaultEntry).pop(VaultEntry.__name__)
    for name in _with_vault():
        definitions[name]["properties"][VAULT] = vault
        definitions[name]["properties"].pop(EXPORTABLE)
    return _file("Domains", definitions, _named({"oneOf": _known(definitions)}))


def _without_periods(techniques: dict[str, Schema], *names: str) -> None:
    """Leave out what only a domain says of periods, or only a column."""
    for schema in techniques.values():
        for name in names:
            schema.get("properties", {}).pop(name, None)


def _keys() -> Schema:
    return _file("Keys", _definitions(KeyEntry), _named({"$ref": "#/$defs/KeyEntry"}))


def _alone(title: str, model: type[Entry]) -> Schema:
    definitions = _definitions(model)
    return _file(title, definitions, definitions.pop(model.__name__))


def _known(definitions: dict[str, Schema]) -> list[Schema]:
    """References to the techniques that are defined."""
    return [{"$ref": f"#/$defs/{cls.__name__}"} for cls in BY_NAME.values() if cls.__name__ in definitions]


def _with_vault() -> list[str]:
    return [cls.__name__ for cls in BY_NAME.values() if cls.by_vault]


def _techniques(more: Schema) -> dict[str, Schema]:
    """The definitions of all techniques as they are written. more: what keyed ones are given beside parameters."""
    definitions = _definitions(*BY_NAME.values())
    for cls in BY_NAME.values():
        schema = definitions[cls.__name__]
        properties, required = schema["properties"], set(schema.get("required", ()))
        for name in {"on_refused", "empty", "empty_subject"} & properties.keys():
            properties[name]["enum"].append(None)  # in YAML an unquoted null is not text
            properties[name].pop("type", None)
        if cls.takes_key():
            properties |= more
            required.add("key")
        elif "domain" in more:
            properties["domain"] = more["domain"]
        for name in subject_keys_entry.FILLED if subject_keys_entry.KEY_PER in properties else ():
            properties.pop(name)
        if NAMING[0] in properties:
            properties[NAMING[0]] |= {"propertyNames": {"enum": list(KINDS)}, "additionalProperties": ENTITY}
            properties |= {name: {**properties[name], "additionalProperties": ENTITY} for name in NAMING[1:]}
            properties[ELSEWHERE] |= {"propertyNames": NAME, "additionalProperties": COLUMNS}
        if "levels" in properties:
            properties[LEVELS_FILE] = LEVELS
            required.discard("levels")
            schema["oneOf"] = [{"required": ["levels"]}, {"required": [LEVELS_FILE]}]
        schema["required"] = sorted(required | {"technique"})
    definitions.pop(Elsewhere.__name__)
    definitions.pop(Pseudonym.__name__)  # which an entity is in a record; a configuration names its domain
    return definitions


def run(folder: Path, check: bool = False) -> list[str]:
    """Write all schemas into ``folder``, or only look at them; returns the names of those that were stale. Raises
    `BadUsage` where they cannot be written."""
    made = {name: as_text(schema) for name, schema in schemas().items()}
    stale = [name for name, text in made.items() if not _has(folder / name, text)]
    if not check:
        given_files.folder(folder)
        for name, text in made.items():
            given_files.replace(folder / name, text)
    return stale


def as_text(schema: Schema) -> str:
    """As it stands in a file."""
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def _has(path: Path, text: str) -> bool:
    return path.is_file() and path.read_bytes() == text.encode()


def parser() -> argparse.ArgumentParser:
    options = arguments.parser("config_schema", __doc__)
    what = options.add_mutually_exclusive_group(required=True)
    flags.OUTPUT.on(what, metavar="FOLDER", former=("--write",))
    flags.CHECK.on(what)
    what.add_argument("--page", type=Path, metavar="FILE", help="write the page that explains every key of a table")
    return options


def main(argv: Sequence[str] | None = None) -> int:
    options = parser().parse_args(argv)
    return process.exit_code(lambda: _run(options))


def _run(options: argparse.Namespace) -> int:
    if options.output is not None:
        run(options.output)
        return DONE
    if options.page is not None:
        given_files.replace(options.page, key_reference.page(schemas()["table.json"]))
        return DONE
    names = run(options.check, check=True)
    for name in names:
        say(f"{options.check / name} is stale: {next_step.command('config_schema', '--output', options.check)}")
    return REFUSED if names else DONE


if __name__ == "__main__":
    sys.exit(process.ended(main))
