"""Text as numerals of an alphabet and back, for whole arrays.

A value is spelt in letters of the alphabet, each a numeral, and in preserved characters, which stay where they are.
Where alphabet and preserved characters are ASCII the symbols are bytes (every other byte is foreign, whatever it
belongs to); else they are code points.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.arrays import (
    Units,
    from_bytes,
    from_code_points,
    running_total,
    to_bytes,
    to_code_points,
)
from privacy_udfs.kernels.ff1.radix import Numerals, numeral_type

Bools = npt.NDArray[np.bool_]


class Spelling(NamedTuple):
    """The symbols of a batch end to end, with a class for each: its numeral, preserved, or foreign."""

    symbols: Units
    classes: npt.NDArray[Any]


class Alphabet:
    """``letters``: each numeral's character, in order, 2 to 65536 of them. ``preserve``: characters that stay."""

    def __init__(self, letters: str, preserve: str = "") -> None:
        self.radix = len(letters)
        self.code_points = not (letters + preserve).isascii()
        self._preserved, self._foreign = (254, 255) if not self.code_points else (self.radix, self.radix + 1)
        self._keeps_all = not preserve
        self._letters = np.array([ord(letter) for letter in letters], np.uint32)
        size = max(map(ord, letters + preserve)) + 2 if self.code_points else 256
        self._classes = np.full(size, self._foreign, np.int32)
        self._classes[[ord(char) for char in preserve]] = self._preserved
        self._classes[self._letters] = np.arange(self.radix)

    def spell(self, values: pa.StringArray) -> Spelling:
        """The symbols of (well-formed) text, null read as empty."""
        if self.code_points:
            symbols = to_code_points(values, wide=True)
            return Spelling(symbols, self._classes[np.minimum(symbols.units, len(self._classes) - 1)])
        symbols = to_bytes(values)
        return Spelling(symbols, _translated(symbols.units, self._classes))

    def lengths(self, spelling: Spelling) -> npt.NDArray[Any]:
        """How many numerals each value has."""
        if self._keeps_all:
            return np.diff(spelling.symbols.offsets)
        return self._count(spelling, spelling.classes < self.radix)

    def foreign(self, spelling: Spelling) -> Bools:
        """Which values have a character that is neither in the alphabet nor preserved."""
        marks = spelling.classes == self._foreign
        if not marks.any():
            return np.zeros(len(spelling.symbols.offsets) - 1, np.bool_)
        return self._count(spelling, marks) > 0

    @staticmethod
    def _count(spelling: Spelling, marks: Bools) -> npt.NDArray[Any]:
        return np.diff(running_total(marks)[spelling.symbols.offsets])

    def numerals(self, spelling: Spelling) -> Numerals:
        """All numerals of a batch without foreign characters, end to end."""
        classes = spelling.classes if self._keeps_all else spelling.classes[spelling.classes < self.radix]
        return classes.astype(numeral_type(self.radix), copy=False)

    def respell(self, spelling: Spelling, numerals: Numerals) -> pa.StringArray:
        """The text with other numerals in the places of its own. No nulls."""
        units = self._letters[numerals] if self.code_points else _translated(numerals, self._letters)
        if not self._keeps_all:
            units, letters = spelling.symbols.units.copy(), units
            units[spelling.classes < self.radix] = letters
        text = Units(units, spelling.symbols.offsets)
        return from_code_points(text, None) if self.code_points else from_bytes(text)


def _translated(values: npt.NDArray[Any], table: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """``table[values]`` for bytes, faster than indexing."""
    full = table.astype(np.uint8).tobytes().ljust(256, b"\0")
    return np.frombuffer(values.tobytes().translate(full), np.uint8)
