"""Shares as they are written: 0.29 of 100 are 29, although the float that comes nearest to 0.29 is less than that."""

from __future__ import annotations

import math
from fractions import Fraction

NEARLY = 1e-9
"""Shares and distances are sums of fractions: so much beyond a threshold is none."""


def of(share: float, whole: int) -> int:
    """How many of so many a share lets be. share: as it was read; its shortest decimal is what was written."""
    return math.floor(Fraction(repr(float(share))) * whole)
