"""Uniform and Laplace numbers out of random bits, equal to the last bit on every machine.

Only ``+``, ``-``, ``*``, ``/`` and the splitting of a float into fraction and exponent are used: IEEE 754 fixes their
results. The logarithm of numpy or of a C library differs in the last bit between processors.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
_LN2_HIGH = float.fromhex("0x1.62e42fee00000p-1")  # 33 bits: exact times any exponent here
_LN2_LOW = float.fromhex("0x1.a39ef35793c76p-33")
_TERMS = 12  # of the series: |s| < 0.172, so that the next one is below 2^-60


def symmetric_unit(words: npt.NDArray[np.uint64]) -> Floats:
    """``(2 m + 1 - 2**53) / 2**53`` for ``m`` = the leftmost 53 bits: in (-1, 1), exact, symmetric, never 0."""
    odd = 2 * (words >> np.uint64(11)).astype(np.int64) + 1 - (1 << 53)
    return np.asarray(odd / 2.0**53, np.float64)


def laplace(unit: Floats) -> Floats:
    """The standard Laplace variate (mean 0, scale 1) of a `symmetric_unit`: ``-sign(u) ln(1 - |u|)``."""
    return np.copysign(-natural_log(1.0 - np.abs(unit)), unit)


def natural_log(numbers: Floats) -> Floats:
    """ln of positive normal numbers, within 2 units in the last place: ``e ln 2 + 2 artanh((f - 1) / (f + 1))``."""
    fraction, exponent = np.frexp(numbers)
    small = fraction < 0.7071067811865476
    fraction = np.where(small, fraction * 2, fraction)
    exponent = (exponent - small).astype(np.float64)
    s = (fraction - 1) / (fraction + 1)
    square = s * s
    series = np.zeros_like(s)
    for n in range(2 * _TERMS - 1, 1, -2):
        series = square * (series + 1.0 / n)
    result: Floats = exponent * _LN2_HIGH + (2 * s + (2 * s * series + exponent * _LN2_LOW))
    return result
