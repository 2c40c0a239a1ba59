"""Values that have no token yet get one: once each, in one commit of the vault, however many runs meet them at once.

Tasks that read a source turn values into tickets and sealed copies at once (`Tokenize.carried`), so none is in clear
between tasks; what the vault does not hold is opened, given a token, and sealed with it, within one function.
"""

from __future__ import annotations

import datetime
import functools
import uuid
from collections.abc import Iterable, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.vault_entry import VaultEntry
from jobs.lake import closed_table, vault_table
from jobs.lake.closed_table import Still, as_ever
from jobs.lake.problems import SourceProblem
from jobs.lake.session_settings import held
from jobs.lake.vault_table import CREATED, EXPIRES, EXPORTED, KEY_ID, LOOKUP, SCHEMA, Vault
from privacy_udfs import wording
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keys import KeyReference
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.technique import Technique, narrow, plain
from privacy_udfs.techniques.tokenize import Tokenize
from privacy_udfs.vault_rows import LOOKUP as LOOKUP_BYTES
from privacy_udfs.vault_rows import VaultRows

AnyKey = KeyReference | DeliveredKey
CARRIED = "carried"
TOLD = f"{LOOKUP} binary, {CARRIED} binary"


def filled(
    spark: SparkSession,
    entry: VaultEntry,
    technique: Technique,
    key: AnyKey,
    values: Sequence[DataFrame],
    still: Still = as_ever,
) -> Vault:
    """The vault in which every value has a token. values: frames of one column each. still: as of
    `closed_table.added`. Raises `CommitConflict`, `SourceProblem`."""
    assert isinstance(technique, Tokenize), "no other technique has a vault"
    check_fits(vault_table.looked(spark, entry), technique)
    salt = uuid.uuid4().hex
    work = functools.partial(_carried, wording.mark(), technique, key, salt)
    told = functools.reduce(DataFrame.unionAll, [frame.mapInArrow(work, TOLD) for frame in values])
    once = told.dropDuplicates([LOOKUP])

    def missing(vault: Vault) -> DataFrame:
        lacking = once.join(vault.rows().select(LOOKUP), LOOKUP, "left_anti")
        days = entry.ttl_days
        until = None if days is None else vault.moment + datetime.timedelta(days=days)
        make = functools.partial(_made, wording.mark(), technique, key, salt, entry.exportable, vault.moment, until)
        return lacking.mapInArrow(make, SCHEMA)

    with held(spark, closed_table.UNSHUFFLED):
        return vault_table.add(spark, entry, missing, still)


def check_fits(vault: Vault, technique: Technique) -> None:
    """Raise `SourceProblem` where the vault is made for tokens of another size."""
    assert isinstance(technique, Tokenize), "no other technique has a vault"
    if vault.bits != technique.bits:
        raise SourceProblem(
            f"the vault at {vault.entry.place} was made for tokens of {vault.bits} bits, and domains.yaml says "
            f"{technique.bits}: state bits: {vault.bits}, or make another vault and treat all tables of the domain anew"
        )


def _carried(
    mark: str, technique: Tokenize, key: AnyKey, salt: str, batches: Iterable[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        own = key.resolve()
        for batch in batches:
            values = narrow(plain(batch.column(0)))
            tickets, carried = technique.carried(values.unique(), own, salt)
            lookups = pc.binary_slice(tickets, 0, LOOKUP_BYTES)
            yield pa.record_batch([lookups, carried], [LOOKUP, CARRIED])


def _made(
    mark: str,
    technique: Tokenize,
    key: AnyKey,
    salt: str,
    exportable: bool,
    created: datetime.datetime,
    expires: datetime.datetime | None,
    batches: Iterable[pa.RecordBatch],
) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        own = key.resolve()
        rows = VaultRows(own.material, technique.vault)
        for batch in batches:
            values = rows.uncarried(batch.column(CARRIED), salt)
            if values is None:
                raise KeyProblem("values on their way into the vault do not open with the key that sealed them")
            made, _ = rows.made(values, technique.bits // 8)
            many = len(values)
            columns = {name: getattr(made, name) for name in made._fields}
            columns[EXPORTED] = rows.exported(values) if exportable else pa.nulls(many, pa.binary())
            times = {CREATED: created, EXPIRES: expires}
            columns |= {name: pa.array([time] * many, _TIME) for name, time in times.items()}
            columns[KEY_ID] = pa.array([own.id] * many, pa.int64())
            yield pa.record_batch([columns[name] for name in SCHEMA.names], SCHEMA.names)


_TIME = pa.timestamp("us", "UTC")
