"""What still holds values of the old versions once all tables are moved, and from which day on that can be gone."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import delta_commit
from jobs.lake.changed import ENABLED
from jobs.named_keys import kek_use, key_use, named_key
from jobs.record.record_reader import all_of, columns_of
from jobs.rotation import vault_proof
from jobs.rotation.scope import Scope, Table

RETENTION = "delta.deletedFileRetentionDuration"


def named_by(conf: Config, scope: Scope) -> dict[int, list[str]]:
    """Old version -> the tables of the catalog that still name it, in their record or of rows in quarantine; and, in
    words, what else ``keys.py disable`` would refuse it for."""
    needing = key_use.lookup(conf)
    ids = {*scope.old, *(each.id for each in scope.keyset.entries if each.id != scope.to and each.status == "ENABLED")}
    return {key_id: [*needing(key_id), *_besides(conf, scope, key_id)] for key_id in sorted(ids)}


def _besides(conf: Config, scope: Scope, key_id: int) -> Iterator[str]:
    yield from (f"the layers of domain {name}" for name in key_use.in_layers(conf, key_id))
    if all(each.id != key_id or each.status != "ENABLED" for each in scope.keyset.entries):
        return
    try:
        kek_use.before_retiring(conf, named_key.find(conf, scope.key), key_id)
    except Refused as error:
        yield str(error)


def held_by(spark: SparkSession, conf: Config, scope: Scope, moved_at: Mapping[str, int]) -> Iterator[str]:
    """In words, each thing that no record of a table tells. moved_at: table -> the version by which a run moved it."""
    for table in scope.tables:
        version = moved_at.get(table.name) or _moved_at(scope, table)
        if version is not None and version > 0:
            yield f"{table.name}: versions before {version}, by time travel: {_until(spark, table, version)}"
            if str(table.stands.properties.get(ENABLED, "")).lower() == "true":
                yield f"{table.name}: its change data feed of these versions, until the same VACUUM"
        if table.entry.quarantine is not None and table.entry.quarantine.key == scope.key:
            yield f"{table.name}: rows in quarantine that were sealed before"
    yield from _vaults(conf, scope)
    for bridge in () if conf.policy.rotation is None else conf.policy.rotation.bridge:
        if any(bridge.domain in table.domains for table in scope.tables):
            yield f"domain {bridge.domain}: the bridge {bridge.table.place} keeps its rows of older pseudonyms too"
    if conf.keys[scope.key].reversal is not None:
        yield "the copy of the keyset for the way back: run keys.py reversal, now and after each change of a version"
    yield "whatever was copied out of the tables before: extracts, clones, backups, tables outside of the catalog"


def _vaults(conf: Config, scope: Scope) -> Iterator[str]:
    known = [
        (each.domain, vault_proof.of_domain(conf, each.domain))
        for table in scope.tables
        for each in all_of(columns_of(table.stands.properties))
        if each.key == scope.key and each.facts.by_vault
    ]
    for domain, vault in dict(known).items():
        place = "its vault" if vault is None else f"the vault {vault.place}"
        yield f"domain {domain}: {place} keeps its rows of older versions, by which older tokens are turned back"


def _moved_at(scope: Scope, table: Table) -> int | None:
    """The version by which the record names the version in force alone; None where the log does not tell."""
    found = None
    for commit in reversed(table.stands.history.commits):
        if commit.record is not None:
            ids = {each.key_id for each in all_of(columns_of(commit.record)) if each.key == scope.key}
            if ids != {scope.to}:
                return found
            found = commit.version
    return found


def _until(spark: SparkSession, table: Table, version: int) -> str:
    stands = table.stands
    try:
        begun = delta_commit.begin(spark, table.entry.target.path, stands.address.sql)
        kept = None if begun is None else delta_commit.retention(begun)
        at = stands.address.history(spark).where(F.col("version") == version)
        found = at.select(F.unix_seconds("timestamp")).collect()
    except Py4JError:
        kept, found = None, []
    if kept is None or not found:
        return f"VACUUM takes them away once {RETENTION} is over"
    day = datetime.datetime.fromtimestamp(int(found[0][0]), datetime.timezone.utc) + kept
    return f"a VACUUM from {day.date().isoformat()} on takes them away"
