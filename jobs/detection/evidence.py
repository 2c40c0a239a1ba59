"""What is known of a leaf column: counts and shares, and no value.

`measure` looks at one array; `Evidence` objects of the parts of a sample add up.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as pt

from jobs.detection import distinct, json_values, recognizers, sketch
from jobs.detection.recognizers import dates, placeholders
from jobs.detection.recognizers.text import Findings, matches
from jobs.detection.sketch import Sketch
from privacy_udfs.entities.phone import REGIONS

MOST_VALUES = 2000
"""How many distinct values of an array recognizers look at: spread evenly over those there are."""
LONGEST_TEXT = 2000
"""Longer values are looked at up to here."""
SHOWN_FROM = 0.005


@dataclasses.dataclass(frozen=True)
class Evidence:
    """rows: places for a value. nulls: of them without one. examined: values that recognizers saw. distinct: an
    estimate of how many different ones there are in the sample. counts: finding -> how many of the examined show it.
    sketch: of its values, to look for them in other columns while the run lasts."""

    type: str
    rows: int = 0
    nulls: int = 0
    examined: int = 0
    distinct: int = 0
    counts: Mapping[str, int] = dataclasses.field(default_factory=dict)
    sketch: Sketch = dataclasses.field(default_factory=Sketch, repr=False, compare=False)

    @property
    def values(self) -> int:
        return self.rows - self.nulls

    @property
    def distinct_share(self) -> float:
        return min(1.0, self.distinct / self.values) if self.values else 0.0

    @property
    def null_share(self) -> float:
        return self.nulls / self.rows if self.rows else 0.0

    def share(self, finding: str) -> float:
        """The share of the examined values that show a finding. Placeholders are looked for in all values."""
        of = self.values if finding.startswith(placeholders.NAME) else self.examined
        return self.counts.get(finding, 0) / of if of else 0.0

    @property
    def placeholders(self) -> dict[str, float]:
        """Dates that stand for none, each with its share, where they are too many to be days that something was."""
        found = {name: count for name, count in self.counts.items() if name.startswith(placeholders.NAME)}
        often = [name for name, count in found.items() if count > 1 and self.share(name) >= SHOWN_FROM]
        return {name.removeprefix(placeholders.NAME): self.share(name) for name in sorted(often)}

    def best(self, kind: str) -> tuple[str, float]:
        """The variant of a kind that most values show, such as a country's number, and its share."""
        variants = {name: self.share(name) for name in self.counts if name.startswith(f"{kind}:")}
        name = max(variants, key=lambda each: variants[each], default="")
        return name.partition(":")[2], variants.get(name, 0.0)

    def as_data(self) -> dict[str, Any]:
        """The machine form that stands in a draft: shares, never a value."""
        shares = {name: round(self.share(name), 3) for name in sorted(self.counts)}
        return {
            "type": self.type,
            "values": self.values,
            "null": round(self.null_share, 3),
            "distinct": round(self.distinct_share, 3),
            "match": {name: share for name, share in shares.items() if share >= SHOWN_FROM},
        }


@dataclasses.dataclass(frozen=True)
class Measured:
    """One array's part of the evidence; parts add up."""

    rows: int
    nulls: int
    examined: int
    counts: Counter[str]
    bits: distinct.Bits
    sketch: Sketch = dataclasses.field(default_factory=Sketch, repr=False)

    def __add__(self, other: Measured) -> Measured:
        return Measured(
            self.rows + other.rows,
            self.nulls + other.nulls,
            self.examined + other.examined,
            self.counts + other.counts,
            self.bits | other.bits,
            self.sketch + other.sketch,
        )

    def evidence(self, type_: str) -> Evidence:
        estimate = min(distinct.estimate(self.bits), self.rows - self.nulls)
        return Evidence(type_, self.rows, self.nulls, self.examined, estimate, dict(self.counts), self.sketch)


@dataclasses.dataclass(frozen=True)
class Settings:
    """bits, salt: see `jobs.detection.distinct`. regions: of telephone numbers. shapes: column path -> pattern
    of the pseudonyms that are expected there."""

    bits: int = 1024
    salt: bytes = dataclasses.field(default=b"", repr=False)
    regions: tuple[str, ...] = REGIONS
    shapes: Mapping[str, str] = dataclasses.field(default_factory=dict)


HOLDING_KEYS = (recognizers.OF_TEXTS, recognizers.OF_NUMBERS)
"""What texts and whole numbers are looked at by: columns of other types are no keys."""
PSEUDONYM = "pseudonym"
"""The finding that a value has the shape that its column's treatment gives."""


def measure(values: pa.Array, settings: Settings, shape: str | None = None) -> Measured:
    """What there is to know of a flat array. shape: the pattern of a pseudonym, if it should hold some."""
    bits, salt = settings.bits, settings.salt
    texts, modules = _as_texts(values)
    if texts is None:
        return Measured(len(values), values.null_count, 0, Counter(), np.zeros(bits // 8, np.uint8))
    counted = pc.value_counts(texts.drop_null())
    different, counts = counted.field(0), counted.field(1).to_numpy(zero_copy_only=False)
    seen = distinct.bitmap(different, bits, salt)
    drawn = sketch.of(different, len(texts) - texts.null_count, salt) if modules in HOLDING_KEYS else Sketch()
    shown = _counted(placeholders.recognize(different), counts) if dates in modules else Counter()
    if len(different) > MOST_VALUES:
        at = np.linspace(0, len(different) - 1, MOST_VALUES).astype(np.int64)
        different, counts = different.take(pa.array(at)), counts[at]
    short = pc.utf8_slice_codeunits(different, 0, LONGEST_TEXT)
    found: Findings = recognizers.recognize(short, modules, settings.regions) if len(short) else {}
    if modules is recognizers.OF_TEXTS and len(different):
        found |= json_values.recognize(different, settings.regions)
    if shape is not None:
        found[PSEUDONYM] = matches(short, shape)
    shown += _counted(found, counts)
    return Measured(len(values), values.null_count, int(counts.sum()), shown, seen, drawn)


def texts_of(values: pa.Array) -> pa.StringArray | None:
    """The values of what may hold keys as text, without nulls; None for other types."""
    texts, modules = _as_texts(values)
    return None if texts is None or modules not in HOLDING_KEYS else texts.drop_null()


def _counted(found: Findings, counts: npt.NDArray[np.int64]) -> Counter[str]:
    return Counter({name: int(counts[mask].sum()) for name, mask in found.items() if mask.any()})


def _as_texts(values: pa.Array) -> tuple[pa.StringArray | None, Any]:
    """The values as text, empty ones as null, and the recognizers for their type. None where nothing is looked at."""
    kind = values.type
    if pt.is_dictionary(kind):
        return _as_texts(values.dictionary_decode())
    if pt.is_string(kind) or pt.is_large_string(kind) or pt.is_string_view(kind):
        texts = pc.utf8_trim_whitespace(values.cast(pa.string()))
        return pc.if_else(pc.equal(texts, ""), None, texts), recognizers.OF_TEXTS
    if pt.is_binary(kind) or pt.is_large_binary(kind) or pt.is_fixed_size_binary(kind):
        return _utf8(values), recognizers.OF_TEXTS
    if pt.is_integer(kind) or (pt.is_decimal(kind) and kind.scale == 0):
        return values.cast(pa.string()), recognizers.OF_NUMBERS
    if pt.is_floating(kind):
        return _of_floats(values)
    if pt.is_decimal(kind):
        return values.cast(pa.string()), recognizers.OF_FRACTIONS
    if pt.is_date(kind) or pt.is_timestamp(kind):
        return _of_dates(values), recognizers.OF_DATES
    return (values.cast(pa.string()), ()) if pt.is_boolean(kind) else (None, ())


def _utf8(values: pa.Array) -> pa.StringArray | None:
    try:
        return values.cast(pa.binary()).cast(pa.string())
    except pa.ArrowInvalid:  # its message quotes bytes
        return None


def _of_floats(values: pa.Array) -> tuple[pa.StringArray, Any]:
    """Whole numbers that someone stored as floats (a null in a pandas frame does that) count as whole numbers."""
    floats = values.cast(pa.float64())
    whole = pc.and_(pc.equal(pc.floor(floats), floats), pc.less(pc.abs(floats), 2.0**53))
    if len(floats) > floats.null_count and pc.all(whole).as_py():
        return floats.cast(pa.int64()).cast(pa.string()), recognizers.OF_NUMBERS
    return values.cast(pa.string()), recognizers.OF_FRACTIONS


def _of_dates(values: pa.Array) -> pa.StringArray:
    days = values if pt.is_date(values.type) else values.cast(pa.timestamp("us"), safe=False)
    return pc.strftime(days, "%Y-%m-%d" if pt.is_date(values.type) else "%Y-%m-%d %H:%M:%S").cast(pa.string())
