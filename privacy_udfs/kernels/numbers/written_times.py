"""Dates and times in text of one fixed form, over whole arrays: ``%d.%m.%Y`` to days and back.

A form is text in which ``%Y %m %d %H %M %S %f`` stand for year, month, day, hour, minute, second and microseconds, in
four, two and six digits, as in POSIX and in Python; every other character stands for itself. Since each of them has its
width, all texts of a form have one length, and a batch is a matrix of bytes. No locale and no C library takes part.
"""

from __future__ import annotations

import dataclasses
import re
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.arrays import utf8
from privacy_udfs.kernels.text import BLANKS

WIDTHS = {"Y": 4, "m": 2, "d": 2, "H": 2, "M": 2, "S": 2, "f": 6}
_MOST = {"Y": 9999, "m": 12, "d": 31, "H": 23, "M": 59, "S": 59, "f": 999_999}
_LEAST = {"Y": 1, "m": 1, "d": 1}
_MICROSECONDS = {"H": 3_600_000_000, "M": 60_000_000, "S": 1_000_000, "f": 1}
_PIECE = re.compile(r"%([YmdHMSf])|([^%])")
_DAY = 86_400_000_000
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclasses.dataclass(frozen=True)
class Form:
    """How dates or times are written. `faults` tells whether ``text`` can be one; nothing else works if not."""

    text: str

    def faults(self) -> str | None:
        """What is wrong with the form, or None."""
        if "".join(piece.group() for piece in _PIECE.finditer(self.text)) != self.text or not self.text.isascii():
            return f"expected ASCII text with {', '.join('%' + name for name in WIDTHS)}, and no other %"
        names = [name for name in (piece[1] for piece in _PIECE.finditer(self.text)) if name]
        if len(set(names)) < len(names) or not {"Y", "m", "d"} <= set(names):
            return "expected %Y, %m and %d, each part once, such as %d.%m.%Y for 31.01.2024"
        clock = [name in names for name in "HMSf"]
        if clock != sorted(clock, reverse=True):
            return "expected no part of the time without those before it: %H, %M, %S, %f"
        return None

    @property
    def has_time(self) -> bool:
        return "%H" in self.text

    @property
    def kind(self) -> pa.DataType:
        """What its texts stand for: days, or times without a zone."""
        return pa.timestamp("us") if self.has_time else pa.date32()

    @cached_property
    def _template(self) -> bytes:
        return _PIECE.sub(lambda piece: "0" * WIDTHS[piece[1]] if piece[1] else piece[2], self.text).encode()

    @cached_property
    def _places(self) -> dict[str, slice]:
        """Each part and its columns."""
        found, at = {}, 0
        for piece in _PIECE.finditer(self.text):
            width = WIDTHS[piece[1]] if piece[1] else 1
            if piece[1]:
                found[piece[1]] = slice(at, at + width)
            at += width
        return found

    def read(self, values: pa.StringArray) -> pa.Array:
        """`kind` of each value, blanks around it left out; null for null, and for text that is not of this form."""
        text = pc.utf8_trim(utf8.well_formed(values)[0], characters=BLANKS)
        fits = pc.fill_null(pc.equal(pc.binary_length(text), len(self._template)), False)
        rows = np.flatnonzero(fits.to_numpy(zero_copy_only=False))
        cells = utf8.to_bytes(text.filter(fits)).units.reshape(len(rows), len(self._template))
        ticks, good = self._ticks(cells)
        result = np.zeros(len(values), np.int64)
        blank = np.ones(len(values), np.bool_)
        result[rows], blank[rows] = ticks, ~good
        storage = pa.int64() if self.has_time else pa.int32()
        return pa.array(result, mask=blank).cast(storage).view(self.kind)

    def _ticks(self, cells: npt.NDArray[np.uint8]) -> tuple[Int64s, Bools]:
        template = np.frombuffer(self._template, np.uint8)
        digit = np.zeros(len(template), np.bool_)
        for place in self._places.values():
            digit[place] = True
        good = (cells[:, ~digit] == template[~digit]).all(axis=1)
        digits = cells - np.uint8(ord("0"))  # wraps round to above 9 for what comes before "0"
        good &= (digits[:, digit] <= 9).all(axis=1)
        numbers = {name: _number(digits[:, place]) for name, place in self._places.items()}
        for name, number in numbers.items():
            good &= (number <= _MOST[name]) & (number >= _LEAST.get(name, 0))
        days, there = _days(*(np.where(good, numbers[name], 1) for name in "Ymd"))
        clock = sum((numbers[name] * size for name, size in _MICROSECONDS.items() if name in numbers), np.int64(0))
        return (days * _DAY + clock if self.has_time else days), good & there

    def write(self, values: pa.Array) -> pa.StringArray:
        """Text of this form for each of an array of `kind` in the years 0001 to 9999; null for null."""
        ticks = pc.fill_null(values.view(pa.int64() if self.has_time else pa.int32()), 0).to_numpy().astype(np.int64)
        days, clock = np.divmod(ticks, _DAY) if self.has_time else (ticks, ticks)
        cells = np.tile(np.frombuffer(self._template, np.uint8), (len(values), 1))
        for name, number in _parts(days, clock).items():
            place = self._places.get(name)
            for column in range(place.stop - 1, place.start - 1, -1) if place else ():
                cells[:, column] += (number % 10).astype(np.uint8)
                number = number // 10
        offsets = np.arange(len(values) + 1, dtype=np.int64) * len(self._template)
        return utf8.from_bytes(utf8.Units(cells.reshape(-1), offsets), values)


def _number(digits: npt.NDArray[np.uint8]) -> Int64s:
    number = np.zeros(len(digits), np.int64)
    for column in digits.T:
        number = number * 10 + column
    return number


def _days(year: Int64s, month: Int64s, day: Int64s) -> tuple[Int64s, Bools]:
    """Days since 1970-01-01, and which days are in the calendar: there is no 30 February."""
    months = ((year - 1970) * 12 + month - 1).astype("M8[M]")
    days = months.astype("M8[D]") + (day - 1)
    return days.astype(np.int64), days.astype("M8[M]") == months


def _parts(days: Int64s, clock: Int64s) -> dict[str, Any]:
    dates = days.astype("M8[D]")
    months, years = dates.astype("M8[M]"), dates.astype("M8[Y]")
    return {
        "Y": years.astype(np.int64) + 1970,
        "m": months.astype(np.int64) - years.astype("M8[M]").astype(np.int64) + 1,
        "d": (dates - months.astype("M8[D]")).astype(np.int64) + 1,
        "H": clock // 3_600_000_000,
        "M": clock // 60_000_000 % 60,
        "S": clock // 1_000_000 % 60,
        "f": clock % 1_000_000,
    }
