"""Reading ``conf/`` into frozen models: read -> validate -> resolve -> cross-check, and every fault in one report.

`load` needs no Spark. What it gives is sound in itself; whether it fits the tables is for
`jobs.treatment.treatment_plan`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import gc
import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from jobs.configuration import known_elsewhere
from jobs.configuration.config_files import CATALOG, DOMAINS, KEYS, POLICY
from jobs.configuration.documents import Document, Fault, canonical_json, did_you_mean
from jobs.configuration.loading import Loader
from jobs.configuration.models import Execution, Mode
from jobs.configuration.sound_config import Config, ConfigError
from privacy_udfs.scope_labels import domain_of

__all__ = [
    "Config",
    "ConfigError",
    "chosen",
    "executed_by",
    "hierarchies",
    "hierarchy_rows",
    "in_mode",
    "in_partitions",
    "load",
    "no_table",
    "no_tables",
    "sha256",
    "snapshot",
    "snapshot_sha256",
]


def executed_by(config: Config, execution: Execution | None) -> Config:
    """The same, with all tables treated in one way; None: each as its entry says."""
    if execution is None:
        return config
    tables = {name: dataclasses.replace(table, execution=execution) for name, table in config.tables.items()}
    return dataclasses.replace(config, tables=tables)


def in_mode(config: Config, mode: Mode | None) -> Config:
    """The same, with all tables written in one mode; None: each as its target says."""
    if mode is None:
        return config
    tables = {name: dataclasses.replace(table, asked=mode) for name, table in config.tables.items()}
    return dataclasses.replace(config, tables=tables)


def in_partitions(config: Config, where: str | None) -> Config:
    """The same, with a predicate over partition columns that chooses which are written; None: nobody chose."""
    tables = {name: dataclasses.replace(table, where=where) for name, table in config.tables.items()}
    return dataclasses.replace(config, tables=tables)


def load(
    conf_dir: Path, environ: Mapping[str, str] = os.environ, instead: Mapping[str, Document] = MappingProxyType({})
) -> Config:
    """The configuration in ``conf_dir``. Raises `ConfigError`; no message of it shows what comes from ``environ``.
    instead: file -> what it is to hold, as if it were accepted: for drafts that somebody is at."""
    with _collection_paused():
        return Loader(Path(conf_dir), environ, instead).load()


@contextlib.contextmanager
def _collection_paused() -> Iterator[None]:
    """Nearly all that loading makes is kept: looking for garbage meanwhile took a quarter of its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def chosen(config: Config, names: Sequence[str] | None) -> list[str]:
    """The tables that were asked for, each once; None asks for all. Raises `ConfigError` if one is unknown."""
    unknown = [name for name in names or () if name not in config.tables]
    faults = [Fault(CATALOG, 0, name, no_table(config, name)) for name in unknown]
    if not config.tables and not faults:
        faults = [Fault(CATALOG, 0, "", no_tables(config))]
    if faults:
        raise ConfigError(faults)
    return list(dict.fromkeys(config.tables if names is None else names))


def no_table(config: Config, name: str) -> str:
    """What to say of a name that is no table's; of a draft's, what it is."""
    draft = next((draft for draft in config.drafts if draft.table == name), None)
    return f"no such table{did_you_mean(name, config.tables)}" if draft is None else draft.in_words()


def no_tables(config: Config) -> str:
    """What to say where there are none."""
    return "holds no tables" if not config.drafts else f"holds no accepted table, and {_drafts(len(config.drafts))}"


def _drafts(count: int) -> str:
    return "one draft" if count == 1 else f"{count:,} drafts"


def snapshot(config: Config, table: str) -> str:
    """Everything that decides about a table, as canonical JSON: equal text for equal decisions.

    Variables stay unexpanded, so that nothing of the environment enters. Rows of hierarchies enter by hash. Tables
    whose values are looked for in its texts enter too, and keys and domains that the policy names: without them nobody
    could read it again.
    """
    others = known_elsewhere.tables_behind(config.tables, table)
    entries = [config.tables[name] for name in (table, *others)]
    treatments = [each for entry in entries for rule in entry.columns.values() for each in rule.treatment.each]
    named = _texts(config.written[POLICY])
    domains = ({domain_of(treatment.domain) for treatment in treatments} | named) & config.domains.keys()
    treatments += [config.domains[name].treatment for name in domains]
    quarantines = {entry.quarantine.key for entry in entries if entry.quarantine is not None}
    keys = ({treatment.key for treatment in treatments} | quarantines | named) & config.keys.keys()
    elsewhere = {name: _written(config, name) for name in others}
    return canonical_json(
        {
            **_written(config, table),
            "domains": {name: config.written[DOMAINS][name] for name in domains},
            "keys": {name: config.written[KEYS][name] for name in keys},
            "policy": config.written[POLICY],
            **({"elsewhere": elsewhere} if elsewhere else {}),
        }
    )


def _texts(data: Any) -> set[str]:
    """All texts in what a file says, names of fields among them."""
    if isinstance(data, dict):
        return {*map(str, data)}.union(*map(_texts, data.values()))
    if isinstance(data, list):
        return set[str]().union(*map(_texts, data))
    return {data} if isinstance(data, str) else set()


def _written(config: Config, table: str) -> dict[str, Any]:
    ladders = _ladders(config, table)
    return {
        "table": config.written[config.tables[table].file],
        "hierarchies": {path: sha256(rows) for path, rows in hierarchies(config, table).items()},
        **({"ladders": {path: sha256(rows) for path, rows in ladders.items()}} if ladders else {}),
    }


def _ladders(config: Config, table: str) -> dict[str, str]:
    """Column -> the rows of its ladder in ``mondrian`` as canonical JSON, where that is a file."""
    return {path: canonical_json(rows) for path, rows in config.tables[table].ladders.items()}


def snapshot_sha256(config: Config, table: str) -> str:
    """The SHA-256 of `snapshot`, in hex."""
    return sha256(snapshot(config, table))


def hierarchies(config: Config, table: str) -> dict[str, str]:
    """Column -> the rows of its hierarchy as canonical JSON."""
    techniques = {path: rule.treatment.technique for path, rule in config.tables[table].columns.items()}
    levels = {path: getattr(technique, "levels", None) for path, technique in techniques.items()}
    return {path: canonical_json(rows) for path, rows in levels.items() if rows is not None}


def hierarchy_rows(config: Config, table: str) -> list[str]:
    """The rows of each hierarchy, and of each ladder, whose hash `snapshot` holds, as canonical JSON."""
    names = (table, *known_elsewhere.tables_behind(config.tables, table))
    return [rows for name in names for kind in (hierarchies, _ladders) for rows in kind(config, name).values()]


def sha256(text: str) -> str:
    """Of the text's UTF-8, in hex."""
    return hashlib.sha256(text.encode()).hexdigest()
