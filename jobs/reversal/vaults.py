"""What stands elsewhere of values that are to be turned back: vaults of tokens."""

from __future__ import annotations

from collections.abc import Mapping

from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import vault_table
from jobs.lake.columns import column
from jobs.lake.vault_table import Vault
from jobs.reversal.treated import Column
from jobs.token_vault import exchange
from privacy_udfs.keys import AnyReference
from privacy_udfs.reversal import ReversalByVault


def of(spark: SparkSession, conf: Config, columns: Mapping[str, Column]) -> dict[str, Vault]:
    """By path the vault of each column that has one, as it is now. Raises `Refused`, `SourceProblem`."""
    return {path: _vault(spark, conf, each) for path, each in columns.items() if each.technique.by_vault}


def _vault(spark: SparkSession, conf: Config, each: Column) -> Vault:
    domain = conf.domains.get(str(each.record.domain))
    entry = None if domain is None else domain.treatment.vault
    if entry is None:
        raise Refused(f"{each.path}: domains.yaml does not say where the vault of domain {each.record.domain} is")
    if entry.id != each.record.parameters.get("vault"):
        raise Refused(f"{each.path}: its tokens are of another vault than domains.yaml names for {each.record.domain}")
    return vault_table.looked(spark, entry)


def joined(
    rows: DataFrame, columns: Mapping[str, Column], keys: Mapping[str, AnyReference], vaults: Mapping[str, Vault]
) -> tuple[DataFrame, dict[str, str]]:
    """The rows with what the vaults hold for their tokens, and by path of which name that is."""
    for at, (path, vault) in enumerate(vaults.items()):
        token = column(*ColumnPath.parse(path).names)
        technique = columns[path].technique
        rows = exchange.by_token(rows, token, technique, keys[path], vault, at)  # type: ignore[arg-type]
    return rows, {path: exchange.found(at) for at, path in enumerate(vaults)}


def check_all_there(
    table: str,
    rows: DataFrame,
    columns: Mapping[str, Column],
    keys: Mapping[str, AnyReference],
    vaults: Mapping[str, Vault],
) -> None:
    """Raise `Refused` where a vault lacks a token, so that no approval is used up in vain."""
    found, sealed = joined(rows, columns, keys, vaults)
    for path, name in sealed.items():
        token, held = column(*ColumnPath.parse(path).names), column(name)
        if not found.where(token.isNotNull() & held.isNull()).isEmpty():
            raise Refused(f"{table}: {path}: {ReversalByVault.missing}")
