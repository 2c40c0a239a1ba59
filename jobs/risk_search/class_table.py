"""The table that a search works on: each combination of values with how many rows have it, counted once by Spark.

Values of quasi-identifiers are kept on the driver, to try treatments on; of sensitive columns and of subjects only
their ranks are. Nulls are a value of their own, equal to each other, after all others.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping, Sequence
from itertools import pairwise
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.lake.columns import column
from jobs.risk_classes.grouping import Ints, summed
from jobs.risk_classes.whole import Whole
from jobs.risk_search import ladders
from jobs.risk_search.classes import Classes, Pairs
from jobs.risk_search.ladders import Ladder, LadderRefused
from privacy_udfs.errors import BAD_USAGE, REFUSED, LakenymError

NONE: Mapping[str, Ladder] = MappingProxyType({})
MOST_COMBINATIONS = 5_000_000
"""More are refused: the driver would hold them. Each takes it some 8 bytes a column, and 24 for each sensitive one."""


class TooManyCombinations(LakenymError):
    """The quasi-identifiers have more combinations than the driver is to hold."""

    exit_code: ClassVar[int] = REFUSED


class NotForSearch(LakenymError):
    """What is asked cannot be searched: a column of a type that has no ladder, none at all, or the same one twice."""

    exit_code: ClassVar[int] = BAD_USAGE


@dataclasses.dataclass(frozen=True)
class Quasi:
    """A quasi-identifier. values: its distinct ones in order, null last. A class's code in it is the place there."""

    name: str
    values: pa.Array = dataclasses.field(repr=False)


@dataclasses.dataclass(frozen=True)
class Sensitive:
    """A sensitive column. ordered: its values are numbers or dates. rows: how many have each of them, in order.
    levels: where it has a ladder, of each value its group at each level, but for the last one, where all are one."""

    name: str
    ordered: bool
    rows: Ints = dataclasses.field(repr=False)
    levels: tuple[Ints, ...] = dataclasses.field(default=(), repr=False)

    @functools.cached_property
    def whole(self) -> Whole:
        above = (*self.levels[1:], np.zeros(len(self.rows), np.int64)) if self.levels else ()
        return Whole(self.rows, self.ordered, above)


@dataclasses.dataclass(frozen=True)
class ClassTable:
    """base: the classes of the table as it is; its pairs are for the sensitive columns, and last for the subject, if
    there is one. Where there is one, what is counted for k is people, each by the value of that column."""

    quasi: tuple[Quasi, ...]
    sensitive: tuple[Sensitive, ...]
    base: Classes
    has_subject: bool = False

    @property
    def rows(self) -> int:
        return int(self.base.rows.sum())


def count(
    rows: DataFrame,
    quasi_identifiers: Sequence[str],
    sensitive: Sequence[str] = (),
    subject: str | None = None,
    ladders_of_sensitive: Mapping[str, Ladder] = NONE,
    most: int = MOST_COMBINATIONS,
) -> ClassTable:
    """Count the combinations of a table's values: one aggregation by Spark, the only time that rows are read.

    Columns by their names at the top of ``rows``. ladders_of_sensitive: by column, where values have a hierarchy by
    which they are near each other or far. A subject of null is one person. Raises `NotForSearch`, and
    `TooManyCombinations` where there are more than ``most`` (of values of all named columns, the subject too).
    """
    names = [*quasi_identifiers, *sensitive, *([subject] if subject is not None else ())]
    if not quasi_identifiers or len(set(names)) < len(names):
        raise NotForSearch("expected at least one quasi-identifier, and each column once")
    if not set(ladders_of_sensitive) <= set(sensitive):
        raise NotForSearch("ladders of columns that are not among the sensitive ones")
    columns = [column(name).alias(f"c{at}") for at, name in enumerate(names)]
    counted = rows.select(*columns).groupBy(*[f"c{at}" for at in range(len(names))]).agg(F.count("*").alias("rows"))
    table = counted.limit(most + 1).toArrow()
    if len(table) > most:
        raise TooManyCombinations(
            f"more than {most:,} combinations of values: name fewer columns, or make the finest ones coarser first"
        )
    counts = table.rename_columns([*names, "rows"])
    return from_arrow(counts, len(quasi_identifiers), subject is not None, ladders_of_sensitive)


def from_arrow(
    table: pa.Table, quasi: int, has_subject: bool = False, ladders_of_sensitive: Mapping[str, Ladder] = NONE
) -> ClassTable:
    """As `count` of a table of the combinations: first the quasi-identifiers, so many, then the sensitive columns, then
    the subject, if there is one, last how many rows there are of each. A combination may come several times."""
    if not len(table):
        raise NotForSearch("the table has no rows")
    found = [_encoded(name, table.column(name)) for name in table.column_names[:-1]]
    found[quasi:] = [_null_first(*each) for each in found[quasi:]]
    rows = table.column(-1).to_numpy().astype(np.int64)
    keys = [codes for _, codes in found[:quasi]]
    sizes = [len(values) for values, _ in found[:quasi]]
    whole = Classes(
        (0,) * quasi,
        tuple(keys),
        rows,
        tuple(Pairs(np.arange(len(rows)), codes, rows, len(values)) for values, codes in found[quasi:]),
    )
    names = table.column_names
    marked = found[quasi : len(found) - has_subject]
    return ClassTable(
        tuple(Quasi(name, values) for name, (values, _) in zip(names, found[:quasi], strict=False)),
        tuple(
            Sensitive(
                name,
                _ordered(values.type),
                summed(codes, rows, len(values)),
                _levels(name, values, ladders_of_sensitive.get(name)),
            )
            for name, (values, codes) in zip(names[quasi:], marked, strict=False)
        ),
        whole.merged(whole.levels, keys, sizes),
        has_subject,
    )


def _levels(name: str, values: pa.Array, ladder: Ladder | None) -> tuple[Ints, ...]:
    if ladder is None:
        return ()
    found = tuple(ladders.groups(name, values, rung) for rung in ladder.rungs[:-1])
    if not all(ladders.joins(finer, coarser) for finer, coarser in pairwise(found)):
        raise LadderRefused(f"column {name}: a step of its ladder parts values that the step before it joins")
    return found


def _encoded(name: str, values: pa.ChunkedArray) -> tuple[pa.Array, Ints]:
    """The distinct values in order, null last if there is one, and where each value of the column stands among them."""
    kind = values.type
    if not (_ordered(kind) or pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_boolean(kind)):
        raise NotForSearch(f"column {name}: expected text, numbers, dates, times or booleans, got {kind}")
    coded = values.dictionary_encode().combine_chunks()
    order = pc.sort_indices(coded.dictionary)
    place = np.empty(len(order), np.int64)
    place[order.to_numpy()] = np.arange(len(order))
    nulls = coded.indices.is_null().to_numpy(zero_copy_only=False)
    distinct = coded.dictionary.take(order)
    if nulls.any():
        distinct = pa.concat_arrays([distinct, pa.nulls(1, kind)])
    codes = np.append(place, len(order))[np.where(nulls, len(order), coded.indices.fill_null(0).to_numpy())]
    return distinct, codes.astype(np.int64)


def _null_first(values: pa.Array, codes: Ints) -> tuple[pa.Array, Ints]:
    """In the order in which distances over ranks are measured of a treated table: null is below all numbers."""
    if not values.null_count:
        return values, codes
    last = len(values) - 1
    return pa.concat_arrays([values.slice(last), values.slice(0, last)]), (codes + 1) % len(values)


def _ordered(kind: pa.DataType) -> bool:
    types = pa.types
    numbers = types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind)
    return bool(numbers or types.is_date(kind) or types.is_timestamp(kind))
