"""What may be done to a column, finest first: treatments by which it gets coarser step by step, up to one value.

A rung is a treatment that the catalog knows, and its groups are found by treating the column's distinct values with it:
so what the search counts is what a run will give. Which treatments make a ladder is a choice: here they are meant by
name.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.configuration.hierarchy_file import LEVELS_FILE, Rows
from jobs.risk_classes.grouping import Ints
from privacy_udfs.errors import REFUSED, LakenymError
from privacy_udfs.techniques import parse

UNITS = ("hour", "day", "month", "quarter", "year", "decade")
"""Of dates, each made of whole ones before it; weeks are not, as they lie across months."""
MOST_BINS = 100
LONGEST_PREFIX = 10


@dataclasses.dataclass(frozen=True)
class Rung:
    """treatment: as the technique takes it, a mapping. shown: as a catalog entry states it, where that differs."""

    treatment: dict[str, Any]
    shown: Any = None

    @property
    def as_entry(self) -> Any:
        return self.treatment if self.shown is None else self.shown

    def apply(self, values: pa.Array) -> pa.Array:
        """The values as they come out. Raises the technique's errors, which count values and name none."""
        return parse(self.treatment).apply(values).values


class LadderRefused(LakenymError):
    """A ladder does not go with a column: its values cannot be treated so, or a step parts what was joined before."""

    exit_code: ClassVar[int] = REFUSED


KEPT = Rung({"technique": "keep"}, "keep")
GONE = Rung({"technique": "redact"}, "redact")


@dataclasses.dataclass(frozen=True)
class Ladder:
    """between: the rungs between ``keep``, which is below them, and ``redact``, which is above: then all rows are alike
    in this column."""

    between: tuple[Rung, ...] = ()

    @property
    def rungs(self) -> tuple[Rung, ...]:
        return (KEPT, *self.between, GONE)


def groups(name: str, values: pa.Array, rung: Rung) -> Ints:
    """The group that each of a column's distinct values is in. Raises `LadderRefused`."""
    try:
        treated = rung.apply(values)
    except LakenymError as error:
        raise LadderRefused(f"column {name}: {error}") from None
    coded = treated.dictionary_encode(null_encoding="encode")
    return np.asarray(coded.indices.to_numpy().astype(np.int64))


def joins(finer: Ints, coarser: Ints) -> bool:
    """Whether values that are in one group of the first are in one of the second."""
    lies_in = np.empty(int(finer.max(initial=-1)) + 1, np.int64)
    lies_in[finer] = coarser
    return bool((lies_in[finer] == coarser).all())


def hierarchy(rows: Rows, levels_file: str) -> Ladder:
    """The levels of a CSV, as it is read by `jobs.configuration.hierarchy_file`. levels_file: its name in an entry."""
    technique = {"technique": "generalize_hierarchy"}
    levels = [level for level in range(1, len(rows[0])) if len({row[level] for row in rows}) > 1]
    return Ladder(
        tuple(
            Rung({**technique, "levels": rows, "level": level}, {**technique, LEVELS_FILE: levels_file, "level": level})
            for level in levels
        )
    )


def tree(rows: Rows) -> Ladder:
    """All levels of a hierarchy, but for a last one where all are one: as distances in it are measured."""
    is_rooted = len({row[-1] for row in rows}) == 1
    technique = {"technique": "generalize_hierarchy", "levels": rows}
    return Ladder(tuple(Rung({**technique, "level": level}) for level in range(1, len(rows[0]) - is_rooted)))


def intervals(widths: Sequence[int | float | Decimal], **parameters: Any) -> Ladder:
    """Bins of numbers. widths: each a multiple of the one before. parameters: more of ``generalize_number``."""
    return _ladder("generalize_number", "width", widths, parameters)


def edges(steps: Sequence[Sequence[int | float | Decimal]], **parameters: Any) -> Ladder:
    """Bins between edges; of each step the edges are among those of the step before."""
    return _ladder("generalize_number", "edges", [tuple(step) for step in steps], parameters)


def prefixes(keeps: Sequence[int]) -> Ladder:
    """The first characters of texts, such as the digits of a ZIP code. keeps: how many, falling."""
    return _ladder("truncate", "keep", keeps, {})


def date_units(units: Sequence[str], **parameters: Any) -> Ladder:
    """Units of dates and times. parameters: more of ``generalize_date``."""
    return _ladder("generalize_date", "unit", units, parameters)


def _ladder(technique: str, parameter: str, steps: Sequence[Any], parameters: dict[str, Any]) -> Ladder:
    rungs = [Rung({"technique": technique, parameter: step, **parameters}) for step in steps]
    for rung in rungs:
        parse(rung.treatment)  # what it cannot be is told before anything is counted
    return Ladder(tuple(rungs))


def by_type(values: pa.Array) -> Ladder:
    """A ladder for a column of which nothing is stated, by its type.

    Dates: units. Numbers: bins of 5, 50, 500, ..., whichever makes at most a hundred of them, and then of twice the
    width each. Short texts of one length, such as ZIP codes: their prefixes. Everything else: kept or redacted.
    values: the column's distinct values; what is chosen tells of them the order of their range, or their length.
    """
    for takes, builds in BUILT:
        if takes(values.type):
            return builds(values.drop_null())
    return Ladder()


def _dates(values: pa.Array) -> Ladder:
    return date_units(UNITS[2:] if pa.types.is_date(values.type) else UNITS[1:])


def _bins(values: pa.Array) -> Ladder:
    if not len(values):
        return Ladder()
    least, most = (Decimal(str(end)) for end in pc.min_max(values).as_py().values())
    if not (least.is_finite() and most.is_finite() and least < most):
        return Ladder()
    span = most - least
    first = Decimal(5).scaleb((span / (5 * MOST_BINS)).adjusted() + 1)
    if pa.types.is_integer(values.type):
        first = max(first, Decimal(5))
    count = next(n for n in range(64) if first * 2**n > span)
    return intervals([_plain(first * 2**n) for n in range(count)])


def _plain(width: Decimal) -> int | float:
    return int(width) if width == width.to_integral_value() else float(width)


def _prefixes(values: pa.Array) -> Ladder:
    lengths = pc.unique(pc.utf8_length(values)).to_pylist()
    if len(lengths) != 1 or not 1 < lengths[0] <= LONGEST_PREFIX:
        return Ladder()
    return prefixes(range(lengths[0] - 1, 0, -1))


BUILT: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], Ladder]], ...] = (
    (lambda kind: pa.types.is_date(kind) or pa.types.is_timestamp(kind), _dates),
    (lambda kind: pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind), _bins),
    (lambda kind: pa.types.is_string(kind) or pa.types.is_large_string(kind), _prefixes),
)
