"""Whether each token of a table that was moved stands in its vault under the version in force; no token is opened."""

from __future__ import annotations

from collections.abc import Iterator

from pyspark.sql import functions as F

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.configuration.vault_entry import VaultEntry
from jobs.lake import vault_table
from jobs.lake.columns import column
from jobs.lake.vault_table import KEY_ID, ROW_KEY
from jobs.record.column_record import ColumnRecord
from jobs.reversal import reversal_keys
from jobs.rotation.coverage import Looked
from jobs.rotation.scope import Scope
from jobs.spark_app import failures
from jobs.token_vault import exchange
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing
from privacy_udfs.errors import LakenymError
from privacy_udfs.keys import KeyReference, key_check_value
from privacy_udfs.techniques import parse

NAME = "vault"


def check(conf: Config, scope: Scope, stands: Standing) -> Iterator[Looked]:
    """Nothing of a table without tokens."""
    for path, entry in stands.columns.items():
        if entry.key == scope.key and entry.facts.by_vault:
            yield _looked(conf, scope, stands, path, entry)


def of_domain(conf: Config, domain: str | None) -> VaultEntry | None:
    known = conf.domains.get(str(domain))
    return None if known is None else known.treatment.vault


def _looked(conf: Config, scope: Scope, stands: Standing, path: str, entry: ColumnRecord) -> Looked:
    vault, at = of_domain(conf, entry.domain), ColumnPath.parse(path)
    if vault is None or vault.id != entry.parameters.get("vault"):
        return Looked(Check(NAME, "not checked", f"{path}: domains.yaml does not name the vault of its tokens"))
    if not all(isinstance(step, Field) for step in at.steps):
        return Looked(Check(NAME, "not checked", f"{path} is no whole column, nor a field"))
    try:
        lacking = failures.translated(stands.name, lambda: _lacking(conf, scope, stands, at, entry, vault))
    except LakenymError as error:
        return Looked(Check(NAME, "not checked", f"{path}: {str(error).partition(chr(10))[0]}"))
    faults = [f"{path}: the vault has {lacking} of its tokens not under version {scope.to}"] if lacking else []
    return Looked(judged(NAME, faults, f"{path}: the vault has each token under version {scope.to}"), frozenset({path}))


def _lacking(
    conf: Config, scope: Scope, stands: Standing, path: ColumnPath, entry: ColumnRecord, vault: VaultEntry
) -> int:
    """How many tokens have no row of that version."""
    technique = parse({**entry.parameters, "technique": entry.technique})
    name, domain, place = str(entry.key), str(entry.domain), conf.keys[scope.key]
    key = scope.keyset.subkey(technique, domain, scope.to)
    told = KeyReference(name, place.keyset, place.kek, key.id, technique, domain, key_check_value(key))
    held = vault_table.looked(stands.spark, vault).all_rows().where(F.col(KEY_ID) == scope.to).select(ROW_KEY)
    with reversal_keys.delivered(stands.spark, conf, {str(path): told}) as found:
        tokens = stands.rows.select(column(*path.names).alias("token")).where("token IS NOT NULL").distinct()
        row_keys = exchange.row_keys(technique, found[str(path)])  # type: ignore[arg-type]
        keyed = tokens.select(row_keys(F.col("token")).alias(ROW_KEY))
        return keyed.join(held, ROW_KEY, "left_anti").count()
