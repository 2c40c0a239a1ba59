"""`generalize_number`: a number becomes the bin it lies in."""

from __future__ import annotations

from decimal import Decimal
from itertools import pairwise
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from privacy_udfs import result_shapes
from privacy_udfs.kernels.numbers import Binned, Grid, Mark, bin_exact, bin_floats, exact, written_numbers
from privacy_udfs.kernels.text import canonical
from privacy_udfs.parameters import Later, Number, Utf8, places, plain_text, scaled, unscaled
from privacy_udfs.strength import (
    CEILING,
    FLOOR,
    MORE_IS_STRONGER,
    NO_DIFFERENCE,
    SET_IS_STRONGER,
    SMALLER_SET_IS_STRONGER,
    Shows,
    Sign,
    Strength,
)
from privacy_udfs.technique import Key, TextTechnique, Treated

HIPAA_TOP_AGE = 90
RANGE = r"^\[-?[0-9]{1,19}(\.[0-9]{1,18})?, -?[0-9]{1,38}(\.[0-9]{1,38})?\)$"


def _labels(before: Any, after: Any) -> Sign:
    """Labels of bins. Two bins of one label are one bin; what a label says makes no difference."""
    given = [labels for labels in (before, after) if labels is not None]
    if not all(isinstance(labels, list | tuple) for labels in given):
        return None  # many labels, of which a record keeps the hash
    one, other = (_first_of_each(labels, given[0]) for labels in (before, after))
    apart = list(range(len(one)))
    if one == other or len(one) != len(other):
        return 0 if one == other else None
    return 1 if one == apart else -1 if other == apart else None


def _first_of_each(labels: Any, like: Any) -> list[int]:
    return list(range(len(like))) if labels is None else [labels.index(label) for label in labels]


class GeneralizeNumber(TextTechnique):
    """Replace each number by its half-open bin, ``lower <= number < upper``.

    width, origin: bins of one width, one of which begins at ``origin`` (default 0). Or edges: the bins lie between
    these strictly increasing numbers. Exactly one of ``width`` and ``edges``. Parameters are exact: 0.1 is a tenth.
    bottom, top: all numbers below ``bottom`` share one open bin, and so do all from ``top`` on; bins end at them.
    With ``edges`` these are the first and the last edge unless they are given.
    label: what stands for a bin.
        ``range``: text, ``[20, 30)``, ``<18``, ``>=90``: the usual interval notation, with every number in plain
        decimal notation and without zeros at its end, whatever the column's type.
        ``lower``: its lower end as a number; ``bottom`` for the open bin below it. A type of integers stays if all
        parameters are integers, or else becomes decimal; floats stay; decimals get the digits that parameters need.
        ``midpoint``: the middle of its ends, ``bottom`` and ``top`` for the open bins. Decimals stay decimal, all
        others become float64.
    labels: with ``edges``, texts of your own in place of ranges, in order: one for each bin between two edges, or one
    more at each end, for numbers below the first edge and from the last one on. Several bins may share a text.
    other: a text for all numbers outside, below ``bottom`` or the first edge and from ``top`` or the last edge on,
    which then do not show on which side they lie. With labels only for bins between edges and no ``other`` such
    numbers are refused.
    input_format: for columns of text: ``decimal_point`` (``-1234.50``) or ``decimal_comma``; blanks around are left
    out. Numbers have up to 19 digits before the mark and 18 after it; with signs between thousands, an exponent or a
    unit they are refused, never guessed at. They are binned exactly, and results are text, numbers with the mark that
    is stated (a range has points). Unset (the default): no text is taken. Columns of numbers are taken as ever.
    empty: see `TextTechnique`; blanks alone are empty.
    preset: ``hipaa_age`` for ages in years: all from 90 on are one category and the others stay as they are
    (``top: 90, width: 1, label: lower``, or a coarser ``width`` or ``edges``), as 45 CFR 164.514(b)(2)(i)(C) asks.

    Takes integers, float32, float64 and decimal128, and with an ``input_format`` text. Integers and decimals are binned
    exactly, at any size; floats by the floats of their type that are nearest to the bins' ends. Nulls stay null.
    Refused values: NaN, infinities, floats so large that neighbours are more than an eighth of ``width`` apart, bins
    whose label the type cannot hold, text that is no number; and with ``labels`` what has none.

    Does not protect: a bin with few people in it still singles them out (measure k-anonymity); without ``bottom`` and
    ``top`` the extremes stay visible; with ``lower`` and ``midpoint`` a reader may take a bin for a measured number.
    """

    technique: Literal["generalize_number"] = "generalize_number"
    preset: Annotated[Literal["hipaa_age"] | None, NO_DIFFERENCE] = None
    width: Annotated[Number | None, MORE_IS_STRONGER] = None
    origin: Annotated[Number, NO_DIFFERENCE] = Decimal(0)
    edges: Annotated[
        Annotated[tuple[Number, ...], Field(strict=False, min_length=1)] | None, SMALLER_SET_IS_STRONGER
    ] = None
    bottom: Annotated[Number | None, FLOOR] = None
    top: Annotated[Number | None, CEILING] = None
    label: Annotated[Literal["range", "lower", "midpoint"], NO_DIFFERENCE] = "range"
    labels: Annotated[tuple[Utf8, ...] | None, Field(strict=False), Later(), Strength(_labels)] = None
    other: Annotated[Utf8 | None, Later(), SET_IS_STRONGER] = None
    input_format: Annotated[Mark | None, Later(), NO_DIFFERENCE] = None

    comes_out = "to bins, with bottom and top codes and labels of your own; HIPAA's age 90"
    shows = Shows.A_PART

    def bin_width(self) -> Decimal | None:
        if self.width is not None:
            return self.width
        return max((after - before for before, after in pairwise(self.edges or ())), default=None)

    def may_stay_whole(self) -> bool:
        """Where a bin holds one integer, as of ages by the year."""
        gaps = (after - before for before, after in pairwise(self.edges or ()))
        return min([self.width] if self.width is not None else gaps, default=Decimal(2)) <= 1

    @model_validator(mode="before")
    @classmethod
    def _fill_preset(cls, data: Any) -> Any:
        if not isinstance(data, dict) or data.get("preset") != "hipaa_age":
            return data
        filled = {"label": "lower", **data}
        if filled.get("top") is None:
            filled["top"] = HIPAA_TOP_AGE
        if filled.get("width") is None and filled.get("edges") is None:
            filled["width"] = 1
        return filled

    @model_validator(mode="after")
    def _agree(self) -> GeneralizeNumber:
        faults = [fault for fault, wrong in self._faults().items() if wrong]
        if faults:
            raise ValueError("; ".join(faults))
        return self

    def _faults(self) -> dict[str, bool]:
        edges = self.edges or ()
        lowest = edges[0] if edges and self.bottom is None else self.bottom
        highest = edges[-1] if edges and self.top is None else self.top
        return {
            "exactly one of width and edges is needed": (self.width is None) == (self.edges is None),
            "width must be above 0": self.width is not None and self.width <= 0,
            "origin goes with width, not with edges": self.edges is not None and self.origin != 0,
            "edges must increase strictly": any(a >= b for a, b in pairwise(edges)),
            "bottom must be below top": self.bottom is not None and self.bottom == self.top,
            "bottom, or the first edge, must be below top, or the last edge": (
                lowest is not None and highest is not None and lowest > highest
            ),
            "preset hipaa_age needs top: 90": self.preset is not None and self.top != HIPAA_TOP_AGE,
            **self._label_faults(),
        }

    def _label_faults(self) -> dict[str, bool]:
        edges, labels = len(self.edges or ()), self.labels
        ends = self.bottom is not None or self.top is not None
        return {
            "labels and other are texts: they go with label: range": (
                (labels, self.other) != (None, None) and self.label != "range"
            ),
            "labels go with edges, without bottom and top": labels is not None and (not edges or ends),
            f"labels: expected {max(edges - 1, 0)}, one for each bin between two edges, or {edges + 1}": (
                labels is not None and len(labels) not in (edges - 1, edges + 1)
            ),
            "other goes with labels for the bins between edges only": (
                labels is not None and self.other is not None and len(labels) == edges + 1
            ),
            "other needs edges, bottom or top: nothing lies outside": self.other is not None and not edges and not ends,
        }

    def empty_after(self) -> tuple[str, ...]:
        return ("trim",)

    def top_number(self) -> Decimal | None:
        if self.top is not None:
            return self.top
        return self.edges[-1] if self.edges else None

    def own_words(self) -> tuple[str, ...]:
        return (*(self.labels or ()), *(() if self.other is None else (self.other,)))

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        """A label of its own, or a number whose bin has that number for its label; open bins have an end for it."""
        if self.labels is not None:
            return result_shapes.one_of(results, self.own_words())
        if self.label == "range":
            return self._ranges(result_shapes.text(results))
        stays = result_shapes.same_again(self, results)
        return stays if self.label == "lower" else pc.or_(stays, self._is_end(results))

    def _ends(self) -> tuple[Decimal | None, Decimal | None]:
        """Where the open bins end, if there are such."""
        edges = self.edges or (None,)
        return edges[0] if self.bottom is None else self.bottom, edges[-1] if self.top is None else self.top

    def _is_end(self, results: pa.Array) -> pa.BooleanArray:
        ends = [end for end in self._ends() if end is not None]
        if pa.types.is_string(results.type):
            assert self.input_format is not None
            numbers = canonical(pa.array(ends, pa.decimal128(38, self._scale()))).cast(pa.string())
            return pc.is_in(results, written_numbers.write(numbers, self.input_format))
        if pa.types.is_floating(results.type):
            return pc.is_in(results, pa.array([float(end) for end in ends], pa.float64()).cast(results.type))
        return pc.is_in(results, pa.array(ends, results.type))

    def _ranges(self, results: pa.StringArray) -> pa.BooleanArray:
        """By each different text: there are as few as there are bins, but for what is no range."""
        written = pc.fill_null(pc.match_substring_regex(results, RANGE), False)
        texts = pc.unique(results.filter(written)).to_pylist()
        bottom, top = (None if end is None else plain_text(end) for end in self._ends())
        known = {self.other} if self.other is not None else {f"<{bottom}", f">={top}"}
        known |= {each for each in texts if each == self._label_at(each)}
        return pc.is_in(results, pa.array(sorted(filter(None, known)), pa.string()))

    def _label_at(self, written: str) -> str | None:
        """The label of the bin in which the lower end of a range lies."""
        number = Decimal(written[1:].partition(",")[0])
        found = self._treat_numbers(
            pa.array([number], pa.decimal128(exact.MAX_DIGITS, max(self._scale(), places(number))))
        )
        label: str | None = found.values[0].as_py()
        return label

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if self.input_format is not None and values == pa.string():
            self._number_type(written_numbers.KIND)
            return values
        return self._number_type(values)

    def _number_type(self, values: pa.DataType) -> pa.DataType:
        floats = pa.types.is_float32(values) or pa.types.is_float64(values)
        if not (floats or pa.types.is_integer(values) or pa.types.is_decimal128(values)):
            self.refuse_type(
                values, "integers, float32, float64 and decimal128, and text if input_format says its form"
            )
        if self.label == "range":
            return pa.string()
        if self.label == "midpoint":
            return self._decimal_type(values, self._scale() + 1) if pa.types.is_decimal(values) else pa.float64()
        if floats or (pa.types.is_integer(values) and self._scale() == 0):
            return values
        return self._decimal_type(values, self._scale())

    def _decimal_type(self, values: pa.DataType, scale: int) -> pa.DataType:
        if scale > exact.MAX_DIGITS:
            self.refuse_type(values, f"parameters with fewer digits after the point for label {self.label}")
        if pa.types.is_integer(values):
            return pa.decimal128(min(exact.MAX_DIGITS, 20 + scale), scale)  # 20 digits hold every 64-bit integer
        more = max(0, scale - values.scale)
        return pa.decimal128(min(exact.MAX_DIGITS, values.precision + more), values.scale + more)

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if self.input_format is None or not pa.types.is_string(values.type):
            return self._treat_numbers(values)
        numbers = written_numbers.read(values, self.input_format)
        labels = self._treat_numbers(numbers).values
        if self.label != "range":
            labels = written_numbers.write(canonical(labels).cast(pa.string()), self.input_format)
        return Treated(labels, pc.and_(values.is_valid(), labels.is_null()))

    def _treat_numbers(self, values: pa.Array) -> Treated:
        kind, binned = self._number_type(values.type), self._bin(values)
        labels = self._texts(binned) if self.label == "range" else self._numbers(binned, kind)
        blank = (binned.codes < 0) | values.is_null().to_numpy(zero_copy_only=False)
        result = labels.take(pa.array(binned.codes, mask=blank))
        if result.null_count == values.null_count:
            return Treated(result)
        return Treated(result, pc.and_(values.is_valid(), result.is_null()))

    def _bin(self, values: pa.Array) -> Binned:
        grid = self._grid()
        if pa.types.is_floating(values.type):
            return bin_floats(pc.fill_null(values, 0).to_numpy(), grid)
        return bin_exact(exact.from_arrow(values, grid.scale), grid)

    def _scale(self) -> int:
        numbers = (self.width, self.origin, self.bottom, self.top, *(self.edges or ()))
        return max(places(number) for number in numbers if number is not None)

    def _grid(self) -> Grid:
        scale = self._scale()
        bottom, top = (None if end is None else scaled(end, scale) for end in (self.bottom, self.top))
        if self.width is not None:
            return Grid(scale, scaled(self.width, scale), scaled(self.origin, scale), (), bottom, top)
        edges = [scaled(edge, scale) for edge in self.edges or ()]
        first, last = edges[0] if bottom is None else bottom, edges[-1] if top is None else top
        cuts = sorted({first, last, *(edge for edge in edges if first < edge < last)})
        return Grid(scale, 0, 0, tuple(cuts), first, last)

    def _texts(self, binned: Binned) -> pa.Array:
        if self.labels is not None:
            return pa.array([self._own_label(*ends) for ends in binned.ends], pa.string())
        scale = self._scale()
        text = str if scale == 0 else lambda end: plain_text(unscaled(end, scale))
        ends = [(None if a is None else text(a), None if b is None else text(b)) for a, b in binned.ends]
        return pa.array([self._range_text(lower, upper) for lower, upper in ends], pa.string())

    def _own_label(self, lower: int | None, upper: int | None) -> str | None:
        """The label of a bin; None where it has none."""
        assert self.labels is not None
        starts = self._grid().cuts
        outside = len(self.labels) > len(starts)
        if lower is None:
            return self.labels[0] if outside else self.other
        if upper is None:
            return self.labels[-1] if outside else self.other
        return self.labels[starts.index(lower) + outside]

    def _range_text(self, lower: str | None, upper: str | None) -> str | None:
        if lower is not None and upper is not None:
            return f"[{lower}, {upper})"
        if lower is None and upper is None:
            return None
        return self.other if self.other is not None else (f"<{upper}" if lower is None else f">={lower}")

    def _numbers(self, binned: Binned, kind: pa.DataType) -> pa.Array:
        """The label of each bin as a number of type ``kind``; null where that cannot hold it."""
        closed = [
            (upper if lower is None else lower, lower if upper is None else upper) for lower, upper in binned.ends
        ]
        twice = [(lower or 0) + ((upper if self.label == "midpoint" else lower) or 0) for lower, upper in closed]
        scale = self._scale()
        if pa.types.is_floating(kind):
            return _floats(twice, 2 * 10**scale, kind)
        digits = kind.scale if pa.types.is_decimal(kind) else 0
        exactly = np.array([n * 10 ** (digits - scale) // 2 for n in twice], object)
        return exact.to_arrow(exactly, kind, ~exact.fits(exactly, kind))


def _floats(numerators: list[int], denominator: int, kind: pa.DataType) -> pa.Array:
    with np.errstate(over="ignore"):
        nearest = np.array([n / denominator for n in numerators]).astype(kind.to_pandas_dtype())
    return pa.array(nearest, kind, mask=~np.isfinite(nearest))
