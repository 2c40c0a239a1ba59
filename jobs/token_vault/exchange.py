"""Tickets exchanged for tokens, and tokens for what opens them: by joins with the vault, never one by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.lake.columns import column
from jobs.lake.vault_table import CREATED, EXPIRES, LOOKUP, ROW_KEY, SEALED_TOKEN, SEALED_VALUE, Vault
from jobs.token_vault.filling import AnyKey
from privacy_udfs import wording
from privacy_udfs.errors import ValueRefused
from privacy_udfs.technique import Technique, narrow, plain
from privacy_udfs.techniques.tokenize import Tokenize
from privacy_udfs.vault_rows import LOOKUP as LOOKUP_BYTES

OWN = f"lakenym_{uuid.uuid4().hex}"
FOUND, KEY, MANY = f"{OWN}_found_{{}}", f"{OWN}_key_{{}}", f"{OWN}_many"
"""No column of a table has such a name."""
NEVER = "timestamp'9999-12-31 00:00:00'"
UNKNOWN = (
    "{}: the vault has no token, or more than one, for a value of a row: the source changed while it was read, or "
    "others took rows out of the vault or put some there; nothing was committed, run it again"
)


def by_ticket(rows: DataFrame, ticket: Column, vault: Vault, at: int) -> DataFrame:
    """The rows, each with what the vault holds for its ticket, as column `FOUND` of that number."""
    return _joined(rows, F.substring(ticket, 1, LOOKUP_BYTES), vault.rows(), (LOOKUP, SEALED_TOKEN), at)


def by_token(rows: DataFrame, token: Column, technique: Technique, key: AnyKey, vault: Vault, at: int) -> DataFrame:
    """The rows, each with what the vault holds for its token, likewise."""
    return _joined(rows, row_keys(technique, key)(token), vault.rows(), (ROW_KEY, SEALED_VALUE), at)


def by_row_key(rows: DataFrame, row_key: Column, vault: Vault, at: int) -> DataFrame:
    """The rows, each with the sealed value that a table has under its row key, likewise."""
    return _joined(rows, row_key, vault.rows(), (ROW_KEY, SEALED_VALUE), at)


def found(at: int) -> str:
    return FOUND.format(at)


def _joined(rows: DataFrame, key: Column, vault: DataFrame, names: tuple[str, str], at: int) -> DataFrame:
    """Each row once, whatever the vault holds; null where it has none, or more than one. Not one of them is what had
    expired by the clock of the driver that made the newest: by the clock of this one it may not have."""
    by, sealed = names
    own, other, kept = KEY.format(at), KEY.format(f"{at}_of_the_vault"), FOUND.format(at)
    ends, newest = F.collect_list(F.coalesce(EXPIRES, F.expr(NEVER))), F.max(CREATED)
    many = F.size(F.filter(ends, lambda end: end > newest))
    held = vault.groupBy(by).agg(F.max_by(sealed, CREATED).alias(kept), many.alias(MANY))
    held = held.select(column(by).alias(other), F.when(column(MANY) == 1, column(kept)).alias(kept))
    joined = rows.withColumn(own, key).join(held, column(own) == column(other), "left")
    return joined.drop(own, other)


def redeemed(label: str, technique: Technique, key: AnyKey) -> Callable[[Column, Column], Column]:
    """An Arrow UDF from tickets, and what the vault holds for each, to tokens. label: the column, for errors."""
    assert isinstance(technique, Tokenize), "no other technique has a vault"
    mark = wording.mark()

    def redeem(tickets: pa.Array, sealed: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            found = technique.redeemed(_plain(tickets), _plain(sealed), key.resolve())
            if found is None:
                raise ValueRefused(UNKNOWN.format(label))
            return found

    return arrow_udf(redeem, returnType=T.StringType())  # type: ignore[call-overload,no-any-return]


def row_keys(technique: Technique, key: AnyKey) -> Callable[[Column], Column]:
    """An Arrow UDF from tokens to the keys of their rows; null of what is no token."""
    assert isinstance(technique, Tokenize), "no other technique has a vault"
    mark = wording.mark()

    def key_rows(tokens: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            return technique.row_keys(_plain(tokens), key.resolve())

    return arrow_udf(key_rows, returnType=T.BinaryType())  # type: ignore[call-overload,no-any-return]


def _plain(values: Any) -> pa.Array:
    return narrow(plain(values))
