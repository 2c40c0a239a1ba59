"""Columns that cannot be turned back, moved to the version in force by the sealed bridge of their domain: opened and
treated again in one step, array by array; a value is in no column, plan, log or file, and no source is read."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
from collections.abc import Callable, Iterator, Mapping

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.configuration.rotation_entry import Bridge
from jobs.console.exit_codes import Refused
from jobs.lake import vault_table
from jobs.lake.columns import column
from jobs.lake.vault_table import Vault
from jobs.named_keys import named_key
from jobs.record.column_record import ColumnRecord
from jobs.reversal import reversal_keys
from jobs.rotation import recorded
from jobs.rotation.in_place import Change, Changes
from jobs.token_vault import exchange
from privacy_udfs import scope_labels, wording
from privacy_udfs.bridging import MISSING, SEAL, Bridged, BridgeKey, BridgeRows
from privacy_udfs.kernels.arrays import spread
from privacy_udfs.keys import AnyReference, KeyReference, KeyReferences, Keyset, key_check_value
from privacy_udfs.reencryption import AFTER, BEFORE
from privacy_udfs.technique import Technique, narrow, plain


@dataclasses.dataclass(frozen=True)
class Turn:
    """One column. at: its number among those of the table. seal: the bridge's own key."""

    at: int
    bridge: Bridge
    technique: Technique
    before: KeyReference
    after: KeyReference
    seal: KeyReference
    record: ColumnRecord

    @property
    def technique_of_rows(self) -> Bridged:
        return Bridged(of=self.technique, bridge=self.bridge.id, sealed=exchange.found(self.at))

    @property
    def keys(self) -> dict[str, KeyReference]:
        return {BEFORE: self.before, AFTER: self.after, SEAL: self.seal}


def of_domain(conf: Config, domain: str | None) -> Bridge | None:
    rotation = conf.policy.rotation
    return None if rotation is None else rotation.bridge_of(str(domain))


def why_not(conf: Config, path: ColumnPath, entry: ColumnRecord) -> str | None:
    """Why a column cannot be moved by a bridge; None where it can."""
    if not all(isinstance(step, Field) for step in path.steps):
        return "it is no whole column, nor a field of a struct, which alone a bridge is joined with"
    if of_domain(conf, entry.domain) is None:
        return f"policy.yaml states no bridge of domain {entry.domain} (rotation: bridge)"
    if scope_labels.is_scoped(str(entry.domain)) or entry.parameters.get("period") is not None:
        return "its domain has scopes, and a bridge is of scope person"
    if not entry.facts.of_canonical or entry.layers:
        return f"a bridge is no way for {entry.technique}" + (" in layers" if entry.layers else "")
    return recorded.unkeyed(entry)


def turn(conf: Config, path: ColumnPath, entry: ColumnRecord, keyset: Keyset, at: int) -> Turn:
    """From the version that the record names to the primary. Raises `KeyProblem` where a keyset is not the one that
    treated the column, or a version cannot be had any more."""
    bridge, technique = of_domain(conf, entry.domain), recorded.technique(entry)
    assert bridge is not None
    before = recorded.reference(conf, entry, technique, keyset, entry.key_id)
    recorded.under_its_key(path, entry, before)
    after = recorded.reference(conf, entry, technique, keyset, keyset.primary.id)
    record = dataclasses.replace(entry, key_id=after.key_id, key_check=after.check)
    return Turn(at, bridge, technique, before, after, seal(conf, bridge), record)


def seal(conf: Config, bridge: Bridge) -> KeyReference:
    """The bridge's own key, in the version in force. Raises `KeyProblem`."""
    place, technique = conf.keys[bridge.key], BridgeKey()
    key = named_key.find(conf, bridge.key).read().subkey(technique, bridge.domain)
    return KeyReference(bridge.key, place.keyset, place.kek, key.id, technique, bridge.domain, key_check_value(key))


@contextlib.contextmanager
def delivered(spark: SparkSession, conf: Config, turns: Mapping[ColumnPath, Turn]) -> Iterator[Changes]:
    """What becomes of each column, with what stands for its keys, for as long as the run lasts. Raises `Refused` where
    the driver would send keys in the clear, `SourceProblem` where a bridge is not there."""
    vaults = {each.bridge.id: vault_table.looked(spark, each.bridge.table) for each in turns.values()}
    named = {f"{which} {path}": key for path, each in turns.items() for which, key in each.keys.items()}
    with reversal_keys.delivered(spark, conf, named) as found:
        yield {
            path: Change(
                each.technique_of_rows,
                KeyReferences({which: found[f"{which} {path}"] for which in each.keys}),  # type: ignore[misc]
                each.record,
                functools.partial(_joined, path, each, found[f"{SEAL} {path}"], vaults[each.bridge.id]),
            )
            for path, each in turns.items()
        }


def _joined(path: ColumnPath, turn: Turn, key: AnyReference, vault: Vault, rows: DataFrame) -> DataFrame:
    pseudonym = column(*path.names)
    return exchange.by_row_key(rows, _row_keys(key, turn.bridge.id)(pseudonym), vault, turn.at)


def _row_keys(key: AnyReference, bridge: str) -> Callable[[Column], Column]:
    """An Arrow UDF from pseudonyms to the keys of their rows."""
    mark = wording.mark()

    def key_rows(pseudonyms: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            values = narrow(plain(pseudonyms))
            if values.null_count == len(values):
                return pa.nulls(len(values), pa.binary())
            found = BridgeRows(key.resolve().material, bridge).row_keys(values.drop_null())
            return spread(found, values)

    return arrow_udf(key_rows, returnType=T.BinaryType())  # type: ignore[call-overload,no-any-return]


def check_all_there(
    spark: SparkSession, conf: Config, table: str, rows: DataFrame, turns: Mapping[ColumnPath, Turn]
) -> None:
    """Raise `Refused` where a bridge lacks a pseudonym of the rows: then nothing of any table is moved."""
    with delivered(spark, conf, turns) as changes:
        for path, change in changes.items():
            assert change.join is not None
            pseudonym = column(*path.names)
            held = change.join(rows.select(column(path.root)))
            sealed = column(exchange.found(turns[path].at))
            if not held.where(pseudonym.isNotNull() & sealed.isNull()).isEmpty():
                raise Refused(f"{table}: {path}: {MISSING}")
