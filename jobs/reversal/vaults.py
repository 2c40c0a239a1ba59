"""What stands elsewhere of values that are to be turned back: vaults of tokens, and tables of keys of subjects."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import subject_key_table, vault_table
from jobs.lake.columns import column
from jobs.lake.subject_key_table import KeyTable
from jobs.lake.vault_table import Vault
from jobs.reversal.treated import Column
from jobs.subject_keys import exchange as subject_keys
from jobs.token_vault import exchange
from privacy_udfs.keys import AnyReference
from privacy_udfs.reversal import DESTROYED, MISSING

Held = Vault | KeyTable
"""Where the rest of a column's values stands."""


def of(spark: SparkSession, conf: Config, columns: Mapping[str, Column]) -> dict[str, Held]:
    """By path the vault, or the table of keys, of each column that has one, as it is now. Raises `Refused`,
    `SourceProblem`."""
    found: dict[str, Held] = {}
    for path, each in columns.items():
        if each.technique.by_vault:
            found[path] = _vault(spark, conf, each)
        elif each.technique.by_subject_keys():
            found[path] = _keys(spark, conf, each)
    return found


def _keys(spark: SparkSession, conf: Config, each: Column) -> KeyTable:
    key = conf.keys.get(str(each.record.key))
    entry = None if key is None else key.subject_keys
    if entry is None:
        raise Refused(f"{each.path}: keys.yaml does not say where key {each.record.key} keeps keys of subjects")
    if entry.id != each.record.facts.subject_keys_in(each.record.parameters):
        raise Refused(f"{each.path}: it is under keys of another table than keys.yaml names for {each.record.key}")
    return subject_key_table.looked(spark, entry)


def _vault(spark: SparkSession, conf: Config, each: Column) -> Vault:
    domain = conf.domains.get(str(each.record.domain))
    entry = None if domain is None else domain.treatment.vault
    if entry is None:
        raise Refused(f"{each.path}: domains.yaml does not say where the vault of domain {each.record.domain} is")
    if entry.id != each.record.parameters.get("vault"):
        raise Refused(f"{each.path}: its tokens are of another vault than domains.yaml names for {each.record.domain}")
    return vault_table.looked(spark, entry)


def joined(
    rows: DataFrame, columns: Mapping[str, Column], keys: Mapping[str, AnyReference], vaults: Mapping[str, Held]
) -> tuple[DataFrame, dict[str, str]]:
    """The rows with what the vaults hold for their tokens, and by path of which name that is."""
    for at, (path, vault) in enumerate(vaults.items()):
        token = column(*ColumnPath.parse(path).names)
        technique = columns[path].technique
        if isinstance(vault, KeyTable):
            rows = subject_keys.by_token(rows, token, technique, keys[path], vault, at)  # type: ignore[arg-type]
        else:
            rows = exchange.by_token(rows, token, technique, keys[path], vault, at)  # type: ignore[arg-type]
    return rows, {path: _name(at, vault) for at, (path, vault) in enumerate(vaults.items())}


def _name(at: int, vault: Held) -> str:
    return subject_keys.held(at) if isinstance(vault, KeyTable) else exchange.found(at)


def check_all_there(
    table: str,
    rows: DataFrame,
    columns: Mapping[str, Column],
    keys: Mapping[str, AnyReference],
    vaults: Mapping[str, Held],
) -> None:
    """Raise `Refused` where a vault lacks a token, so that no approval is used up in vain."""
    found, sealed = joined(rows, columns, keys, vaults)
    for path, name in sealed.items():
        token, held = column(*ColumnPath.parse(path).names), column(name)
        if not found.where(token.isNotNull() & held.isNull()).isEmpty():
            raise Refused(f"{table}: {path}: {DESTROYED if isinstance(vaults[path], KeyTable) else MISSING}")
