"""Runs of numerals as numbers and back, for whole matrices, several numerals in one machine word at a time.

A row holds numerals of one radix, the most significant first: uint8 where the radix is at most 256, uint16 above.
Eight (or four) neighbours lie in one little-endian 64-bit word; a step multiplies every other one by the radix and
adds its neighbour, in all lanes of the word at once, so three steps read eight numerals.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Numerals = npt.NDArray[Any]  # of uint8 or uint16: see `numeral_type`
Words = npt.NDArray[np.uint64]
_LOW_HALF = {8: 0x00FF00FF00FF00FF, 16: 0x0000FFFF0000FFFF, 32: 0x00000000FFFFFFFF}


def numeral_type(radix: int) -> type[np.uint8] | type[np.uint16]:
    """The narrowest type that holds every numeral."""
    return np.uint8 if radix <= 256 else np.uint16


def padded(numerals: Numerals, multiple: int) -> Numerals:
    """The rows with zeros before them up to a multiple of ``multiple`` numerals: the same numbers.

    Each row must lie in one piece; rows of the right width come back as they are, a view."""
    rows, length = numerals.shape
    width = -(-length // multiple) * multiple
    if width == length:
        return numerals
    wide = np.zeros((rows, width), numerals.dtype)
    wide[:, width - length :] = numerals
    return wide


def fold(numerals: Numerals, radix: int, levels: int) -> npt.NDArray[Any]:
    """Each run of ``2**levels`` numerals as one number; rows must fill 64-bit words (see `padded`).

    The result has ``2**levels`` times fewer columns, of as many times wider unsigned integers.
    """
    words = numerals.view(np.uint64)
    bits = 8 * numerals.itemsize
    for level in range(levels):
        low = np.uint64(_LOW_HALF[bits])
        words = (words & low) * np.uint64(radix ** (1 << level)) + ((words >> np.uint64(bits)) & low)
        bits *= 2
    return words.view(f"u{bits // 8}")


def unfold(numbers: npt.NDArray[Any], radix: int, levels: int) -> Numerals:
    """The inverse of `fold`: C-contiguous unsigned integers, each into its ``2**levels`` numerals."""
    lanes = numbers
    for level in reversed(range(levels)):
        half = lanes.dtype.type(radix ** (1 << level))
        high = lanes // half
        lanes -= high * half
        lanes <<= lanes.dtype.type(4 * lanes.itemsize)
        lanes |= high
        lanes = lanes.view(f"u{lanes.itemsize // 2}")
    return lanes


def to_words(numerals: Numerals, radix: int) -> Words:
    """Each row as one number. Only for rows whose numbers stay below 2**64."""
    per_word = 8 // numerals.itemsize
    parts = fold(padded(numerals, per_word), radix, per_word.bit_length() - 1)
    number: Words = parts[:, 0]
    for part in range(1, parts.shape[1]):
        number = number * np.uint64(radix**per_word) + parts[:, part]
    return number


def from_words(numbers: Words, radix: int, length: int) -> Numerals:
    """The inverse of `to_words`: a matrix of ``length`` numerals a row."""
    dtype = numeral_type(radix)
    per_word = 8 // np.dtype(dtype).itemsize
    count = -(-length // per_word)
    parts = np.empty((len(numbers), count), np.uint64)
    for part in reversed(range(1, count)):
        rest = numbers // np.uint64(radix**per_word)
        parts[:, part] = numbers - rest * np.uint64(radix**per_word)
        numbers = rest
    parts[:, 0] = numbers
    return unfold(parts, radix, per_word.bit_length() - 1)[:, count * per_word - length :]
