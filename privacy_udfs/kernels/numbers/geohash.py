"""Geohash of whole arrays of coordinates: G. Niemeyer's public algorithm, exact at the borders of its cells."""

from __future__ import annotations

import numpy as np

from privacy_udfs.kernels.arrays import Array

ALPHABET = np.frombuffer(b"0123456789bcdefghjkmnpqrstuvwxyz", np.uint8)
LATITUDE, LONGITUDE = 90.0, 180.0  # coordinates reach from minus this to this

_SPREAD = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def geohash(latitude: Array, longitude: Array, precision: int) -> Array:
    """Geohashes of ``precision`` (1 to 12) characters, as the rows of a matrix of bytes. Coordinates must be in range.

    The bits of a geohash alternate, longitude first, so an odd number of them has one of longitude more.
    """
    bits = 5 * precision
    east = _spread(_cell(longitude, LONGITUDE, (bits + 1) // 2))
    north = _spread(_cell(latitude, LATITUDE, bits // 2))
    code = east | north << np.uint64(1) if bits % 2 else east << np.uint64(1) | north
    shifts = np.arange(bits - 5, -1, -5, dtype=np.uint64)
    characters: Array = ALPHABET[(code[:, None] >> shifts & np.uint64(31)).astype(np.intp)]
    return characters


def _cell(coordinate: Array, reach: float, bits: int) -> Array:
    """Which of the ``2**bits`` equal cells from ``-reach`` to ``reach`` holds a coordinate (its lower border included).

    The algorithm bisects: it compares with borders, which doubles hold exactly. The quotient is rounded, so
    they correct it.
    """
    size = 2 * reach / 2**bits
    cell = np.floor((coordinate + reach) / size)
    cell -= coordinate < cell * size - reach
    cell += coordinate >= (cell + 1) * size - reach
    numbered: Array = np.minimum(cell, 2**bits - 1).astype(np.uint64)  # the upper edge belongs to the last
    return numbered


def _spread(number: Array) -> Array:
    """The 32 low bits of each number with a zero before every one."""
    for shift, mask in _SPREAD:
        number = (number | number << np.uint64(shift)) & np.uint64(mask)
    return number
