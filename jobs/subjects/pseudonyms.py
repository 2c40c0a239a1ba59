"""What is looked for in a column: what the ids became there, exactly as its record says it was treated.

All is compared as bytes, the canonical ones of what stands in the column (`comparable`); of a column whose equal values
have unequal results, a MAC of the value under a key that is derived from the column's own and a salt of the search. So
values are turned back there within the search alone, and neither they nor the MACs are shown or kept: that asks for no
permission of the way back.
"""

from __future__ import annotations

from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from jobs.configuration.config import Config
from jobs.lake import vault_table
from jobs.lake.vault_table import LOOKUP, ROW_KEY, SEALED_TOKEN, SEALED_VALUE
from jobs.reversal.treated import Treated
from jobs.subjects import periods
from jobs.subjects.asked import Asked, CannotSearch
from jobs.subjects.held import Place, SourcePlace
from jobs.subjects.keys import Keys
from privacy_udfs.errors import TokenRefused, TypeRefused, ValueRefused
from privacy_udfs.kernels.arrays import binary, rows_of, spread
from privacy_udfs.kernels.hmac import hmac_sha256
from privacy_udfs.kernels.text import canonical
from privacy_udfs.keys import Key
from privacy_udfs.periods import PeriodTechnique
from privacy_udfs.technique import narrow, plain
from privacy_udfs.techniques._sealed import text_or_binary
from privacy_udfs.techniques.tokenize import Tokenize
from privacy_udfs.vault_rows import LOOKUP as LOOKUP_BYTES

INFO = b"lakenym/1/subject search/"


def of(
    spark: SparkSession, conf: Config, place: Place, treated: Treated, ids: pa.Array, keys: Keys, salt: bytes
) -> pa.Array:
    """The bytes to look for, null of an id that the column cannot hold: those of each id in order, and so again for
    each period; of tokens of a vault in no order. Raises `CannotSearch`."""
    key = keys.of(place.record, place.technique)
    try:
        return _found(spark, conf, place, treated, ids, key, salt)
    except (TypeRefused, ValueRefused) as error:
        raise CannotSearch(f"the ids are none that {place.record.technique} takes ({error})") from None


def _found(
    spark: SparkSession, conf: Config, place: Place, treated: Treated, ids: pa.Array, key: Key | None, salt: bytes
) -> pa.Array:
    technique = place.technique
    if place.way == "kept":
        return canonical(ids)
    if place.way == "opened":
        assert key is not None
        return _macs(canonical(technique.prepared(ids)), key, salt)
    if place.way == "vault":
        assert key is not None
        return canonical(tokens(spark, conf, place, ids, key))
    if not isinstance(technique, PeriodTechnique) or technique.period is None:
        return canonical(plain(technique.apply(ids, key).values))
    each = [
        technique.apply(ids, key, pa.repeat(when, len(ids))).values for when in periods.of(treated, technique, len(ids))
    ]
    return canonical(plain(pa.concat_arrays(each))) if each else pa.array([], pa.binary())


def tokens(spark: SparkSession, conf: Config, place: Place, ids: pa.Array, key: Key) -> pa.Array:
    """Every token that the vault has for the ids, expired ones too. Raises `CannotSearch`."""
    technique, vault = place.technique, _vault(spark, conf, place)
    assert isinstance(technique, Tokenize), "no other technique has a vault"
    tickets = technique.apply(ids, key).values.drop_null().unique()
    asked = spark.createDataFrame(pa.table({LOOKUP: pc.binary_slice(tickets, 0, LOOKUP_BYTES), "ticket": tickets}))
    there = vault.select(LOOKUP, SEALED_TOKEN).join(asked, LOOKUP).select("ticket", SEALED_TOKEN).toArrow()
    found = technique.redeemed(plain(there["ticket"]), plain(there[SEALED_TOKEN]), key)
    if found is None:
        raise CannotSearch("the vault holds what is no token of its value: see jobs/tokens.py")
    return found


def _behind_tokens(spark: SparkSession, conf: Config, place: Place, ids: pa.StringArray, key: Key) -> pa.Array:
    """The values of tokens. Raises `CannotSearch` where the vault lacks one."""
    technique, vault = place.technique, _vault(spark, conf, place)
    assert isinstance(technique, Tokenize), "no other technique has a vault"
    asked = spark.createDataFrame(pa.table({ROW_KEY: technique.row_keys(ids, key), "token": ids}))
    there = vault.select(ROW_KEY, SEALED_VALUE).join(asked, ROW_KEY).select("token", SEALED_VALUE).toArrow()
    token, sealed = plain(there["token"]), plain(there[SEALED_VALUE])
    found = technique.values(token, sealed, key) if len(token.unique()) == len(ids) else None
    if found is None:
        raise CannotSearch(f"not all that was given are tokens of {place.label} that its vault still has")
    return text_or_binary(found.unique())


def _vault(spark: SparkSession, conf: Config, place: Place) -> DataFrame:
    """The rows of the vault of a column's tokens. Raises `CannotSearch`, `SourceProblem`."""
    domain = conf.domains.get(str(place.record.domain))
    entry = None if domain is None else domain.treatment.vault
    if entry is None or entry.id != place.record.parameters.get("vault"):
        raise CannotSearch("domains.yaml does not name the vault of its tokens")
    return vault_table.looked(spark, entry).all_rows()


def comparable(place: Place, salt: bytes) -> Callable[[pa.Array, Key | None], pa.Array]:
    """From values of a column to the bytes that they are compared by; nulls stay null."""

    def compared(values: pa.Array, key: Key | None) -> pa.Array:
        values = narrow(plain(values))
        if place.way != "opened":
            return canonical(values)
        assert key is not None
        if place.path.is_case:  # values of other cases stand there too
            values = pc.if_else(place.technique.shaped(values, key.id), values, None)
        return _macs(canonical(plain(place.technique.revert(values, key))), key, salt)

    return compared


def _macs(values: pa.BinaryArray, key: Key, salt: bytes) -> pa.Array:
    there = values.drop_null()
    if not len(there):
        return pa.nulls(len(values), pa.binary())
    own = hmac_sha256(key.material, pa.array([INFO + salt], pa.binary()))[0].tobytes()
    return spread(binary(rows_of(hmac_sha256(own, there))), values)


def in_source(place: SourcePlace) -> Callable[[pa.Array, Key | None], pa.Array]:
    """The same of a source: what the steps of the domain make equal is equal."""
    steps = getattr(place.technique, "normalize", ())
    return lambda values, key: canonical(narrow(plain(values)), steps)


# -- from the pseudonyms of one table to what is looked for in others ------------------------------------------------


def raw(spark: SparkSession, conf: Config, asked: Asked, of_place: Place, keys: Keys) -> pa.Array:
    """The values that pseudonyms stand for, where they can be turned back: they stay in the driver's memory. Raises
    `CannotSearch`."""
    technique, name = of_place.technique, of_place.record.technique
    if of_place.way == "kept":
        return asked.ids
    if of_place.way == "vault":
        key = keys.of(of_place.record, technique)
        assert key is not None
        return _behind_tokens(spark, conf, of_place, asked.ids.cast(pa.string()), key)
    if not technique.reversible or getattr(technique, "period", None) is not None:
        raise CannotSearch(f"pseudonyms of {of_place.label} ({name}) cannot be turned back: give the ids as sources do")
    key = keys.of(of_place.record, technique)
    stored = technique.output_type(pa.string())
    try:
        return plain(technique.revert(asked.ids.cast(stored), key)).unique()
    except (pa.ArrowInvalid, TokenRefused, ValueRefused, TypeRefused):
        raise CannotSearch(f"not all that was given are pseudonyms of {of_place.label}") from None
