"""What a table is like, without a value of it: of each column a theta sketch of keyed hashes, and how many values.

Two columns whose values overlap can be joined, whoever meant them to. A theta sketch (Dasgupta, Lang, Rhodes, Thaler: A
Framework for Estimating Stream Expression Cardinalities, ICDT 2016) keeps the `CELLS` least hashes of a column; of two
such the overlap is estimated, as KHyperLogLog does for joinability (Chia et al., IEEE S&P 2019).

A hash of a value, kept, is a pseudonym of it: whoever has a list of names would look them all up in the sketch. So what
Spark's sketch gets are HMAC-SHA-256 codes of the values, under a key that is used for nothing else; without the key the
sketch says how many values there are and nothing of which; how many two sketches share it still tells, exactly where
they are few. Of columns with fewer than ten values none is kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.configuration.config import Config
from jobs.configuration.documents import did_you_mean
from jobs.console.exit_codes import BadUsage
from jobs.lake.columns import column
from jobs.named_keys.key_ring import KeyRing
from jobs.risk_measures.report import SMALL
from privacy_udfs import udf
from privacy_udfs.keys import KeyReference, is_same, load_keyset
from privacy_udfs.techniques.keyed_hash import KeyedHash

LG_CELLS = 12
CELLS = 2**LG_CELLS
HASH = KeyedHash(encoding="bigint", on_refused="null")
DOMAIN = "joinable"
"""What the sub-key is derived for. No column is treated with this key: see `reference`."""
DERIVING = ("HkdfPrfKey", "HmacPrfKey")
"""Types that a sub-key is derived from. Another is used as it is: a copy of it would give the pseudonyms of columns."""
OWN_KEY = "key {name}: columns are treated with it: sketches need a key of their own in keys.yaml"
KINDS = (
    *(T.StringType, T.BinaryType, T.IntegralType, T.DecimalType),
    *(T.DateType, T.TimestampType, T.TimestampNTZType),
)
"""Types that a keyed hash takes. Of booleans there are two values, and nothing joins by them."""


@dataclasses.dataclass(frozen=True)
class ColumnProfile:
    """values: different ones, about. nulls: rows without one. sketch: None where there are fewer than ten values."""

    values: int
    nulls: int
    sketch: bytes | None = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class TableProfile:
    """unique_classes: the share of classes of quasi-identifiers that have one row, or person; None where it is unknown.
    unique_below: what that share is below, where so few of them were seen that it is not told. unique_error: of either.
    left_out: columns that no keyed hash is made of, or that have several values in a row."""

    rows: int
    columns: Mapping[str, ColumnProfile]
    left_out: tuple[str, ...] = ()
    unique_classes: float | None = None
    unique_below: float | None = None
    unique_error: float = 0.0


def reference(conf: Config, name: str) -> KeyReference:
    """What executors get of the key of the sketches. Raises `BadUsage` where it is not there, executors must not fetch
    it, or columns are treated with it, by whatever name and wherever a copy of it lies, whose pseudonyms could then be
    looked up; `KeyProblem` where it does not open."""
    if name not in conf.keys:
        raise BadUsage(f"keys.yaml has no key {name}{did_you_mean(name, conf.keys)}: sketches are made under a key")
    treatments = [domain.treatment for domain in conf.domains.values()]
    treatments += [rule.treatment for table in conf.tables.values() for rule in table.columns.values()]
    used = {each.key for treatment in treatments for each in treatment.each if each.key is not None}
    used |= {table.quarantine.key for table in conf.tables.values() if table.quarantine is not None}
    entry, places = conf.keys[name], {conf.keys[other].keyset for other in used}
    if entry.keyset in places:
        raise BadUsage(OWN_KEY.format(name=name))
    if entry.deliver == "driver":
        raise BadUsage(f"key {name}: expected a key that executors fetch themselves (deliver: executor)")
    keyset = load_keyset(entry.keyset, entry.kek, name)
    if keyset.primary.type not in DERIVING:
        raise BadUsage(
            f"key {name} is an {keyset.primary.type}, which is used as it is: sketches need an {DERIVING[0]}"
        )
    if any(is_same(keyset, place) for place in sorted(places)):
        raise BadUsage(OWN_KEY.format(name=name))
    ring = KeyRing(conf, {name: keyset})
    return ring.reference_of(name, HASH, DOMAIN)


def profiled(rows: DataFrame, key: KeyReference) -> TableProfile:
    """The profile of a data frame, in one pass over all of it."""
    found = dict(_leaves(rows.schema))
    able = {path: names for path, names in found.items() if names and _is_able(rows, names)}
    wanted = [F.count(F.lit(1)).alias("rows")]
    for at, names in enumerate(able.values()):
        given = rows.select(column(*names)).schema.fields[0].dataType
        wanted += [
            F.count(column(*names)).alias(f"n{at}"),
            F.theta_sketch_agg(_hashed(column(*names), key, given), LG_CELLS).alias(f"s{at}"),
        ]
    counted = rows.agg(*wanted)
    estimates = [F.theta_sketch_estimate(f"s{at}").alias(f"v{at}") for at in range(len(able))]
    row = counted.select("*", *estimates).collect()[0]
    columns = {
        path: _profile(row["rows"] - row[f"n{at}"], row[f"v{at}"], bytes(row[f"s{at}"])) for at, path in enumerate(able)
    }
    return TableProfile(row["rows"], columns, tuple(path for path in found if path not in able))


def _profile(nulls: int, values: int, sketch: bytes) -> ColumnProfile:
    return ColumnProfile(values, nulls, sketch if values >= SMALL else None)


def _hashed(values: Column, key: KeyReference, given: T.DataType) -> Column:
    return udf.arrow(HASH, key, given)(values)


def _is_able(rows: DataFrame, names: Sequence[str]) -> bool:
    return isinstance(rows.select(column(*names)).schema.fields[0].dataType, KINDS)


def _leaves(schema: T.StructType, above: tuple[str, ...] = ()) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Columns, and fields of structs, by their path as people read it."""
    for field in schema.fields:
        names = (*above, field.name)
        if isinstance(field.dataType, T.StructType):
            yield from _leaves(field.dataType, names)
        else:
            yield str(ColumnPath(tuple(map(Field, names)))), names
