"""National numbers of persons: of some sixty countries by python-stdnum, checksum and all.

A tenth of random numbers pass a checksum by chance, so each country counts for itself and never adds to another's.
Numbers without a checksum count only in a notation that nothing else has.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa

from jobs.detection.recognizers.text import Findings, Mask, digit_counts, matches, where
from privacy_udfs.entities.national_id import CHECKED, NOTATIONS, check

SHAPE = r"^\s*[A-Za-z0-9+](?:[A-Za-z0-9.\-/+ ]{4,24})[A-Za-z0-9]\s*$"
FIRST_LOOK, WORTH_A_LOOK = 80, 0.3
FEWEST_DIGITS = {"il.idnr": 8}
"""Its check fills shorter ones with zeros, so that every number with a digit by Luhn would be one."""


def recognize(values: pa.StringArray) -> Findings:
    """``national_id:<country>.<number>`` for every number that a third or more of the first values could be."""
    candidates = matches(values, SHAPE) & (digit_counts(values) >= 4)
    found = {f"national_id:{name}": matches(values, notation) for name, notation in NOTATIONS.items()}
    digits = digit_counts(values)
    for name in CHECKED if candidates.any() else ():
        valid = _valid(values, candidates & (digits >= FEWEST_DIGITS.get(name, 0)), check(name))
        key = f"national_id:{name}"
        found[key] = valid if key not in found else valid | found[key]
    return {name: mask for name, mask in found.items() if mask.any()}


def _valid(values: pa.StringArray, candidates: Mask, check: Callable[[str], bool]) -> Mask:
    first = np.zeros(len(values), np.bool_)
    first[np.flatnonzero(candidates)[:FIRST_LOOK]] = True
    looked = where(values, first, check)
    return where(values, candidates, check) if looked.sum() >= WORTH_A_LOOK * first.sum() else looked & False
