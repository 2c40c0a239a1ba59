"""Two tables compared as multisets of rows, and column by column, by keyed digests: order and place do not count."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.lake.bare_types import innermost
from jobs.lake.columns import column

WHOLE = -1


@dataclasses.dataclass(frozen=True)
class Seeds:
    """Random numbers of the run, by which digests of two runs have nothing to do with each other."""

    one: int = dataclasses.field(default_factory=lambda: secrets.randbits(62))
    other: int = dataclasses.field(default_factory=lambda: secrets.randbits(62))


@dataclasses.dataclass(frozen=True)
class Apart:
    """Rows, or values of a column, that only the first or only the second table has. rows: in the first."""

    first: int = 0
    second: int = 0

    def __bool__(self) -> bool:
        return bool(self.first or self.second)


@dataclasses.dataclass(frozen=True)
class Compared:
    """whole: rows. columns: by name. rows: compared, of the first table."""

    whole: Apart
    columns: dict[str, Apart]
    rows: int


def compared(first: DataFrame, second: DataFrame, names: Sequence[str]) -> Compared:
    """Two tables that have these columns, by 128 bits of each row and of each column of it."""
    seeds = Seeds()
    both = _signed(first, names, 1, seeds).unionAll(_signed(second, names, -1, seeds))
    by_digest = both.groupBy("n", "a", "b").agg(
        F.sum("sign").alias("more"), F.count_if(F.col("sign") == 1).alias("rows")
    )
    found = by_digest.groupBy("n").agg(
        F.sum(F.greatest("more", F.lit(0))).alias("first"),
        F.sum(-F.least("more", F.lit(0))).alias("second"),
        F.sum("rows").alias("rows"),
    )
    told = {row["n"]: row for row in found.collect()}
    apart = {n: Apart(int(row["first"]), int(row["second"])) for n, row in told.items()}
    columns = {name: apart.get(at, Apart()) for at, name in enumerate(names)}
    return Compared(apart.get(WHOLE, Apart()), columns, int(told[WHOLE]["rows"]) if WHOLE in told else 0)


def _signed(rows: DataFrame, names: Sequence[str], sign: int, seeds: Seeds) -> DataFrame:
    hashed = [(at, [_of(rows, name)]) for at, name in enumerate(names)]
    every = [(WHOLE, [_of(rows, name) for name in names]), *hashed]
    digests = [
        F.struct(
            F.lit(at).alias("n"),
            F.xxhash64(F.lit(seeds.one), *parts).alias("a"),
            F.xxhash64(F.lit(seeds.other), *parts).alias("b"),
        )
        for at, parts in every
    ]
    exploded = rows.select(F.explode(F.array(*digests)).alias("digest"))
    return exploded.select("digest.*", F.lit(sign).alias("sign"))


def _of(rows: DataFrame, name: str) -> Column:
    """A column in a form that says all of it: which parts are null, and where one ends."""
    return _said(column(name), rows.schema[name].dataType)


def _said(value: Column, kind: T.DataType) -> Column:
    """Each part with its length before it, so that no two values read alike: as text `[a, b]` may be one element or
    two, and bytes that are no UTF-8 look alike. Maps say the same in any order."""
    if isinstance(kind, T.StructType):
        fields = [_said(value[F.lit(field.name)], field.dataType) for field in kind.fields]
        said = F.concat(F.lit("{"), *fields, F.lit("}"))
    elif isinstance(kind, T.ArrayType):
        said = _all(F.transform(value, lambda each: _said(each, kind.elementType)))
    elif isinstance(kind, T.MapType):
        key, of_key = kind.keyType, kind.valueType
        pairs = F.transform(
            F.map_entries(value), lambda each: F.concat(_said(each["key"], key), _said(each["value"], of_key))
        )
        said = _all(F.array_sort(pairs))
    else:
        text = F.hex(value) if isinstance(kind, T.BinaryType) else value.cast("string")
        said = F.concat(F.length(text).cast("string"), F.lit(":"), text)
    return F.coalesce(said, F.lit("-"))


def _all(parts: Column) -> Column:
    return F.concat(F.size(parts).cast("string"), F.lit("["), F.array_join(parts, ""), F.lit("]"))


def can_be_compared(kind: T.DataType) -> bool:
    """Whether a column's text says all of it."""
    return not any(isinstance(each, T.VariantType) for each in innermost(kind))


def in_sample(value: Column, share: float, seeds: Seeds) -> Column:
    """Whether a row is of the sample, by a value of it: of either table the same rows."""
    return F.pmod(F.xxhash64(F.lit(seeds.one), value), F.lit(1 << 20)) < int(share * (1 << 20))
