"""FF1 over the numerals of whole string arrays: grouped by length, encrypted, put back in their places."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from privacy_udfs.kernels.arrays import in_slices, well_formed
from privacy_udfs.kernels.ff1.alphabet import Alphabet, Bools, Spelling
from privacy_udfs.kernels.ff1.ff1 import min_length
from privacy_udfs.kernels.ff1.radix import Numerals

Crypt = Callable[[Numerals], Numerals]


def crypt_text(values: pa.StringArray, alphabet: Alphabet, crypt: Crypt) -> pa.StringArray:
    """``values`` with their numerals through ``crypt``, which gets a matrix of numerals, a value a row.

    Null in the result are those that cannot be: null ones, malformed UTF-8, those with foreign characters, and those
    with so few numerals that the domain has fewer than a million values.
    """
    return in_slices(values, lambda part: _crypt_slice(part, alphabet, crypt))


def _crypt_slice(values: pa.StringArray, alphabet: Alphabet, crypt: Crypt) -> pa.StringArray:
    if alphabet.code_points:
        values, _ = well_formed(values)
    spelling = alphabet.spell(values)
    lengths = alphabet.lengths(spelling)
    fits = (lengths >= min_length(alphabet.radix)) & ~alphabet.foreign(spelling)
    fits &= values.is_valid().to_numpy(zero_copy_only=False)
    if not fits.any():
        return pa.nulls(len(values), pa.string())
    if fits.all() and lengths.min() == lengths.max():
        return _crypt_sorted(spelling, lengths, alphabet, crypt)
    rows = _by_length(fits, lengths)
    spelling = alphabet.spell(values.take(pa.array(rows)))
    text = _crypt_sorted(spelling, lengths[rows], alphabet, crypt)
    places = np.zeros(len(values), np.int64)
    places[rows] = np.arange(len(rows))
    return text.take(pa.array(places, mask=~fits))


def _by_length(fits: Bools, lengths: npt.NDArray[Any]) -> npt.NDArray[np.intp]:
    rows = np.flatnonzero(fits)
    keys = lengths[rows]
    # 16-bit keys are sorted by radix, several times faster
    return rows[np.argsort(keys.astype(np.uint16) if keys.max() < 1 << 16 else keys, kind="stable")]


def _crypt_sorted(spelling: Spelling, lengths: npt.NDArray[Any], alphabet: Alphabet, crypt: Crypt) -> pa.StringArray:
    """All values fit and stand in order of their lengths, so each length is one matrix, a view of the batch."""
    numerals = alphabet.numerals(spelling)
    done = np.empty_like(numerals)
    at = 0
    for length, rows in zip(*np.unique(lengths, return_counts=True), strict=True):
        part = slice(at, at + int(length) * int(rows))
        done[part] = crypt(numerals[part].reshape(int(rows), int(length))).reshape(-1)
        at = part.stop
    return alphabet.respell(spelling, done)
