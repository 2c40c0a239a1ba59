"""Which tables hold a key, under which versions, and what of each can be moved from the table itself."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from typing import Literal

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.configuration.models import TableConfig
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import java, state
from jobs.lake.state import TargetState
from jobs.named_keys import key_exposure, key_use, named_key
from jobs.record import rotation_mark
from jobs.record.record_reader import Columns, columns_of
from jobs.record.rotation_mark import Mark
from jobs.rotation import bridged, layered, reencrypted
from jobs.rotation.ways import WAYS, Way
from jobs.spark_app import failures, session
from privacy_udfs.keys import Keyset
from privacy_udfs.scope_labels import domain_of


@dataclasses.dataclass(frozen=True)
class Asked:
    """key, domain: one of the two. way: from where a table is to be moved; auto: from itself where all its columns of
    the key can be, else from the source; layer: from itself, and nothing is turned back on the way; bridge: from
    itself, and what cannot be turned back by the sealed bridge of its domain. raw_history,
    deleted_rows: as `jobs.gates.known.Allowed` has them. shorter_source: a table may lose rows that its source has no
    more."""

    key: str | None = None
    domain: str | None = None
    way: Way = "auto"
    raw_history: bool = False
    deleted_rows: bool = False
    shorter_source: bool = False

    def __post_init__(self) -> None:
        if (self.key is None) == (self.domain is None):
            raise BadUsage("say what is to be moved: --key, or --domain")
        if self.way not in WAYS:
            raise BadUsage(f"--mode: expected one of {', '.join(WAYS)}")


@dataclasses.dataclass(frozen=True)
class Held:
    """What one column holds of the key. domain, key_id: of the record; of texts one for each domain within. why_not:
    why it cannot be re-encrypted from the table; None where it can. authenticates: whether the way back refuses what is
    none of the key's."""

    path: str
    domain: str
    technique: str
    key_id: int
    why_not: str | None
    authenticates: bool
    layers: tuple[int, ...] = ()
    """Of one that cannot be turned back: the layers of the key that its domain states, under which it is put."""
    by_bridge: bool = False
    """Of one that cannot be turned back: whether its domain's sealed bridge is asked for."""


@dataclasses.dataclass(frozen=True)
class Table:
    """One that holds the key. way: how it is moved; ``moved`` where nothing of it is of another version, nor under
    other layers of the key than domains.yaml states."""

    name: str
    entry: TableConfig
    stands: TargetState
    columns: tuple[Held, ...]
    way: Literal["table", "source", "moved"]

    @property
    def mark(self) -> Mark | None:
        return rotation_mark.of(self.stands.properties)

    @property
    def domains(self) -> frozenset[str]:
        return frozenset(each.domain for each in self.columns)

    @property
    def location(self) -> str:
        return str(self.stands.location)


@dataclasses.dataclass(frozen=True)
class Scope:
    """key: the name. keyset: as it stands, whose primary is the version to move to. tables: that hold it."""

    key: str
    keyset: Keyset
    tables: tuple[Table, ...]

    @property
    def to(self) -> int:
        return self.keyset.primary.id

    @property
    def old(self) -> tuple[int, ...]:
        """Versions that tables hold, or wait to be moved from, and that are not in force."""
        ids = {each.key_id for table in self.tables for each in table.columns}
        marked = {each for table in self.tables if table.mark is not None for each in table.mark.before}
        return tuple(sorted((ids | marked) - {self.to}))

    @property
    def due(self) -> tuple[Table, ...]:
        """Those that are to be moved."""
        return tuple(table for table in self.tables if table.way != "moved")

    def sharing(self, table: Table) -> list[str]:
        """The other tables that share a domain of the key with it."""
        return [other.name for other in self.tables if other.name != table.name and other.domains & table.domains]


def found(spark: SparkSession, conf: Config, asked: Asked) -> Scope:
    """Raises `Refused` or `KeyProblem` where the key must not or cannot be opened. Reads no rows."""
    key = check(conf, asked)
    exposed = key_exposure.refusals(java.application(spark).items(), conf.keys)
    if exposed:
        raise Refused("\n".join(exposed))
    keyset = named_key.find(conf, key).read()
    records = key_use.recorded(spark, conf, conf.tables)
    names = _chosen(conf, asked, key, records)
    return Scope(key, keyset, tuple(_table(spark, conf, name, key, keyset, asked) for name in names))


def check(conf: Config, asked: Asked) -> str:
    """The name of the key that is meant. Raises `BadUsage` where there is none; it needs no Spark."""
    key = _key(conf, asked)
    named_key.find(conf, key)
    return key


def _key(conf: Config, asked: Asked) -> str:
    if asked.key is not None:
        return asked.key
    domain = str(asked.domain)
    if domain not in conf.domains:
        raise BadUsage(f"domains.yaml has no domain {domain}{did_you_mean(domain, conf.domains)}")
    key = conf.domains[domain].treatment.key
    if key is None:
        raise BadUsage(f"domain {domain} has no key: there is nothing to move")
    return key


def _chosen(conf: Config, asked: Asked, key: str, records: Mapping[str, Columns]) -> list[str]:
    """The tables that hold the key; of a domain those that hold it, and whatever hangs together with them, since a run
    treats all columns of a table under one version."""
    domains = {name: {domain_of(each.domain) for _, each in _of(key, columns)} for name, columns in records.items()}
    holding = [name for name in conf.tables if domains[name]]
    if asked.domain is None:
        return holding
    wanted = {asked.domain}
    while more := {d for name in holding if domains[name] & wanted for d in domains[name]} - wanted:
        wanted |= more
    return [name for name in holding if domains[name] & wanted]


def _of(key: str, columns: Columns) -> Iterator[tuple[str, Held]]:
    for path, entry in columns.items():
        for each in entry.each:
            if each.key == key:
                why = reencrypted.why_not(ColumnPath.parse(path), each) if each is entry else "it stands within texts"
                held = Held(
                    path, str(each.domain), each.technique, int(each.key_id or 0), why, each.facts.authenticates
                )
                yield path, held


def _table(spark: SparkSession, conf: Config, name: str, key: str, keyset: Keyset, asked: Asked) -> Table:
    own, entry = session.for_run(spark), conf.tables[name]
    stands = failures.translated(name, lambda: state.inspect(own, entry.target))
    columns = tuple(_layered(conf, name, held, stands) for _, held in _of(key, columns_of(stands.properties)))
    if asked.way == "bridge":
        columns = tuple(_bridged(conf, held, stands) for held in columns)
    has_layers = layered.are_as_stated(conf, name, key, columns_of(stands.properties))
    if has_layers and all(each.key_id == keyset.primary.id for each in columns):
        return Table(name, entry, stands, columns, "moved")
    by_itself = asked.way == "auto" and all(each.why_not is None for each in columns)
    own_way = asked.way in ("table", "layer", "bridge") or by_itself
    return Table(name, entry, stands, columns, "table" if own_way else "source")


def _bridged(conf: Config, held: Held, stands: TargetState) -> Held:
    """The same, where nothing else can move it from the table, by the bridge of its domain."""
    path, entry = ColumnPath.parse(held.path), columns_of(stands.properties)[held.path]
    if held.why_not is None or str(entry.domain) != held.domain:
        return held
    why = bridged.why_not(conf, path, entry)
    return dataclasses.replace(held, why_not=why, by_bridge=why is None)


def _layered(conf: Config, table: str, held: Held, stands: TargetState) -> Held:
    """The same, with the layers that its domain states; then they say whether the table can be moved from itself."""
    path, entry = ColumnPath.parse(held.path), columns_of(stands.properties)[held.path]
    layers = layered.stated(conf, table, held.path) if str(entry.domain) == held.domain else ()
    if not layers:
        return held
    why = None if layers == entry.layers else layered.why_not(conf, table, path, entry)
    return dataclasses.replace(held, why_not=why, layers=layers)
