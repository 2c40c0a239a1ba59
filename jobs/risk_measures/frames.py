"""Rows on their way to classes: a fingerprint in the place of quasi-identifiers, people in the place of rows, places in
order in the place of values.

A fingerprint is two 64-bit hashes (xxHash) under seeds of this process, over the columns and which of them are null:
16 bytes are moved and compared instead of the columns. That any two classes of 10^11 are taken for one has a chance of
about 10^-17. It is no cryptographic hash: long values that somebody chose for it could be made to fall together, which
makes classes look larger. Floats: NaN equals NaN, and -0.0 equals 0.0.
"""

from __future__ import annotations

import functools
import operator
import secrets
from collections.abc import Sequence

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, ColumnPathError, Field
from jobs.configuration.documents import did_you_mean
from jobs.console.exit_codes import BadUsage
from jobs.lake.columns import column

ID = ("id1", "id2")
VALUE, SUBJECT, WEIGHT = "value", "subject", "weight"
CODE, COUNT, UNITS = "code", "count", "units"
NO_CODE = -1
"""The place of no value: a person's row that tells of another column."""
PERSON = ("person1", "person2")
"""Whose row it is, as a fingerprint; null is one person."""
PARTS = ((0, 22), (22, 21), (43, 21))
"""Of 64 bits: the first bit and how many. Sums of so few bits stay below 2^63, however many rows a person has."""
SEEDS = (secrets.randbits(62), secrets.randbits(62))
FIRST = 100_000
ORDERED = (T.NumericType, T.DateType, T.TimestampType, T.TimestampNTZType)
"""Types whose values have an order that distances follow. Of booleans, which are two values, it makes no difference."""


def found(rows: DataFrame, name: str) -> Column:
    """A column by its name, or a field in structs by its path. Raises `BadUsage` where there is none to compare by."""
    names = [name] if name in rows.columns else _fields(rows, name)
    kind = rows.select(column(*names)).schema.fields[0].dataType
    if not isinstance(kind, T.AtomicType) or isinstance(kind, T.VariantType):
        raise BadUsage(f"{name}: expected one value in a row, got {kind.typeName()}: name a field of it instead")
    return column(*names)


def _fields(rows: DataFrame, name: str) -> list[str]:
    """The names down to a field, each of them in the schema."""
    try:
        steps = ColumnPath.parse(name).steps
    except ColumnPathError:
        steps = ()
    names = [step.name for step in steps if isinstance(step, Field)]
    if not names or len(names) < len(steps):
        raise BadUsage(f"expected a column or a field of structs, got {name!r}: elements are no one value of a row")
    within: T.DataType = rows.schema
    for each in names:
        known = within.fieldNames() if isinstance(within, T.StructType) else []
        if each not in known:
            raise BadUsage(f"there is no column {name}{did_you_mean(each, known)}")
        assert isinstance(within, T.StructType), "what has fields is a struct"
        within = within[each].dataType
    return names


def keyed(rows: DataFrame, columns: Sequence[str], **more: str | None) -> DataFrame:
    """The columns as ``k0``, ``k1`` and so on, and those of ``more`` by its names, where one is given."""
    keys = [found(rows, name).alias(f"k{at}") for at, name in enumerate(columns)]
    return rows.select(*keys, *(found(rows, name).alias(alias) for alias, name in more.items() if name is not None))


def keys_of(rows: DataFrame) -> list[str]:
    return [name for name in rows.columns if name[0] == "k" and name[1:].isdigit()]


def mask(keys: Sequence[str]) -> Column:
    """A bit for each key that is null."""
    bits = [F.when(F.col(key).isNull(), 1 << at).otherwise(0) for at, key in enumerate(keys)]
    return functools.reduce(operator.add, bits)


def masks(keys: Sequence[str]) -> list[Column]:
    """As `mask`, of any number of keys: a number for each sixty."""
    return [mask(keys[at : at + 60]) for at in range(0, len(keys), 60)]


def fingerprint(*columns: Column) -> list[Column]:
    """The columns as two numbers, `ID`. A hash passes nulls over: which are null has to be among the columns."""
    return [F.xxhash64(F.lit(seed), *columns).alias(name) for seed, name in zip(SEEDS, ID, strict=True)]


def identified(rows: DataFrame) -> DataFrame:
    """Rows of `keyed` with `ID` in the place of the keys."""
    keys = keys_of(rows)
    rest = [name for name in rows.columns if name not in keys]
    return rows.select(*fingerprint(*masks(keys), *map(F.col, keys)), *rest)


def same(names: Sequence[str], others: Sequence[str]) -> Column:
    """Whether columns are equal to others, null to null."""
    pairs = [F.col(one).eqNullSafe(F.col(other)) for one, other in zip(names, others, strict=True)]
    return functools.reduce(operator.and_, pairs)


# -- people -----------------------------------------------------------------------------------------------------------


def people(rows: DataFrame) -> DataFrame:
    """One row a person: `ID` is of the multiset of all their rows, which quasi-identifiers they have and how often: of
    the sums of the rows' fingerprints, in parts (see `jobs.risk_measures.people_stream`). With weights, the least of
    theirs. rows: as `identified`, with ``subject``. Rows without one are one person's: none of them may stand in for a
    second."""
    weight = [F.min(WEIGHT).alias(WEIGHT)] if WEIGHT in rows.columns else []
    parts = [F.shiftrightunsigned(name, first).bitwiseAND((1 << many) - 1) for name in ID for first, many in PARTS]
    sums = [F.sum(part).alias(f"sum{at}") for at, part in enumerate(parts)]
    one = rows.groupBy(SUBJECT).agg(*sums, *weight)
    names = [F.col(f"sum{at}") for at in range(len(sums))]
    return one.select(SUBJECT, *fingerprint(*names), *([WEIGHT] if weight else []))


def with_person(rows: DataFrame) -> DataFrame:
    """Rows with `PERSON` in the place of ``subject``."""
    rest = [name for name in rows.columns if name != SUBJECT]
    whose = fingerprint(F.col(SUBJECT).isNull(), F.col(SUBJECT))
    return rows.select(*(each.alias(name) for each, name in zip(whose, PERSON, strict=True)), *rest)


# -- values -----------------------------------------------------------------------------------------------------------


def places(values: DataFrame) -> DataFrame:
    """Each distinct value, null among them and first, how often it is there, and its place in order as ``code``."""
    counted = values.groupBy(VALUE).agg(F.count(F.lit(1)).alias("rows"))
    at = F.row_number().over(Window.orderBy(F.col(VALUE).asc_nulls_first())) - 1
    return counted.select(F.col(VALUE).alias("of"), "rows", at.alias(CODE))


def coded(pairs: DataFrame, places: DataFrame, by: Sequence[str]) -> DataFrame:
    """How often each value is there under each key, ``code`` in the place of the value."""
    found = pairs.join(places, same([VALUE], ["of"])).select(*by, CODE, COUNT, UNITS)
    return found.groupBy(*by, CODE).agg(*(F.sum(name).alias(name) for name in (COUNT, UNITS)))


def with_places(rows: DataFrame, value: str, places: DataFrame, code: str) -> DataFrame:
    """Rows with the place of a value, as the column ``code``, in its stead."""
    named = places.select(F.col("of").alias(f"of {value}"), F.col(CODE).alias(code))
    rest = [name for name in rows.columns if name != value]
    return rows.join(named, same([value], [f"of {value}"])).select(*rest, code)


def counted(rows: DataFrame, by: Sequence[str], many: int) -> DataFrame:
    """How often each combination is there; in parts, where counting before rows are moved would leave about as many.
    many: how many rows there are."""
    if _are_mostly_alone(rows, by, many):
        return rows.select(*by, F.lit(1).alias(COUNT))
    return rows.groupBy(*by).agg(F.count(F.lit(1)).alias(COUNT))


def _are_mostly_alone(rows: DataFrame, by: Sequence[str], many: int) -> bool:
    """Whether combinations are half as many as rows, or more: by how few of the first rows share theirs, as few people
    share a birthday where the year has many days. It decides only how soon the end is reached."""
    if many <= FIRST:
        return True
    first = rows.limit(FIRST).select(F.xxhash64(*by).alias("all"))
    found = first.agg(F.count("all").alias("rows"), F.count_distinct("all").alias("different")).collect()[0]
    seen, different = int(found["rows"]), int(found["different"])
    return seen * seen > (seen - different) * many


def is_ordered(kind: T.DataType) -> bool:
    return isinstance(kind, ORDERED)
