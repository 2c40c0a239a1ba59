"""Rows and keys of their subjects beside each other: by joins with the table, never one by one."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.lake.columns import column
from jobs.lake.subject_key_table import HANDLE, LOOKUP, WRAPPED, KeyTable
from jobs.subject_keys.filling import AnyKey
from privacy_udfs import wording
from privacy_udfs.errors import ValueRefused
from privacy_udfs.subject_keys import LOOKUP as LOOKUP_BYTES
from privacy_udfs.technique import Technique, narrow, plain
from privacy_udfs.techniques._by_subject import BySubject

OWN = f"lakenym_{uuid.uuid4().hex}"
KEY, OTHER, HELD = f"{OWN}_key_{{}}", f"{OWN}_other_{{}}", f"{OWN}_held_{{}}"
"""No column of a table has such a name."""
UNKNOWN = (
    "{}: the table of keys has none, or not one, for the subject of a row: the source changed while it was read, or "
    "keys were destroyed meanwhile; nothing was committed, run it again"
)


def held(at: object) -> str:
    return HELD.format(at)


def by_subject(rows: DataFrame, carried: Sequence[Column], table: KeyTable, at: object) -> DataFrame:
    """The rows, each with what the table holds for its subject, as column `HELD`. carried: columns that begin with the
    subject's lookup, all with the same, or are null."""
    own = F.coalesce(*(F.substring(each, 1, LOOKUP_BYTES) for each in carried))
    return _joined(rows, own, table, (LOOKUP, HANDLE), at)


def by_token(
    rows: DataFrame, token: Column, technique: Technique, key: AnyKey, table: KeyTable, at: object
) -> DataFrame:
    """The rows, each with what the table holds for the handle of its token, likewise."""
    return _joined(rows, _handles(technique, key)(token), table, (HANDLE, LOOKUP), at)


def _joined(rows: DataFrame, key: Column, table: KeyTable, names: tuple[str, str], at: object) -> DataFrame:
    """Each row once, whatever the table holds; null where it has none, or more than one."""
    by, beside = names
    own, other, kept = KEY.format(at), OTHER.format(at), held(at)
    there = table.rows().groupBy(by).agg(F.max(F.concat(beside, WRAPPED)).alias(kept), F.count(F.lit(1)).alias("many"))
    there = there.select(column(by).alias(other), F.when(F.col("many") == 1, column(kept)).alias(kept))
    return rows.withColumn(own, key).join(there, column(own) == column(other), "left").drop(own, other)


def redeemed(
    label: str, technique: Technique, key: AnyKey, domain: str, output: T.DataType
) -> Callable[[Column, Column], Column]:
    """An Arrow UDF from what is carried, and what the table holds for each, to tokens. label: of the column."""
    assert isinstance(technique, BySubject), "no other technique has keys of subjects"
    mark = wording.mark()

    def redeem(carried: pa.Array, sealed: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            found = technique.redeemed(_plain(carried), _plain(sealed), key.resolve(), domain)
            if found is None:
                raise ValueRefused(UNKNOWN.format(label))
            return found

    made = arrow_udf(redeem, returnType=output)  # type: ignore[call-overload]
    return made if technique.deterministic else made.asNondeterministic()  # type: ignore[no-any-return]


def _handles(technique: Technique, key: AnyKey) -> Callable[[Column], Column]:
    assert isinstance(technique, BySubject), "no other technique has keys of subjects"
    mark = wording.mark()

    def handles(tokens: pa.Array) -> pa.Array:
        with wording.marked_errors(mark):
            return technique.handles(_plain(tokens), key.resolve())

    return arrow_udf(handles, returnType=T.BinaryType())  # type: ignore[call-overload,no-any-return]


def _plain(values: Any) -> pa.Array:
    return narrow(plain(values))
