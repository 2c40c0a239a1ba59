"""What recognizers share: the shape of their answer, and whole-array tests of texts."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Mask = npt.NDArray[np.bool_]
Findings = dict[str, Mask]
"""What a recognizer says: finding -> which of the values show it. A finding is a kind, or ``kind:variant``."""


def matches(values: pa.StringArray, pattern: str) -> Mask:
    """Which values hold a match of an RE2 pattern; anchor it to test whole values."""
    return as_mask(pc.match_substring_regex(values, pattern))


def as_mask(found: pa.BooleanArray) -> Mask:
    """Arrow booleans as numpy ones; null counts as no."""
    mask: Mask = np.asarray(pc.fill_null(found, False).to_numpy(zero_copy_only=False), dtype=np.bool_)
    return mask


def where(values: pa.StringArray, candidates: Mask, test: Callable[[str], bool]) -> Mask:
    """Which of the candidates pass ``test``, for tests that no whole-array code has. Others fail unseen."""
    found = np.zeros(len(values), np.bool_)
    places = np.flatnonzero(candidates)
    for place, text in zip(places.tolist(), values.take(pa.array(places)).to_pylist(), strict=True):
        found[place] = test(text)
    return found


def only_digits(values: pa.StringArray) -> pa.StringArray:
    """The values without spaces, dots, hyphens and slashes."""
    return pc.replace_substring_regex(values, r"[\s.\-/\x{00a0}\x{2010}-\x{2015}]", "")


def digit_counts(values: pa.StringArray) -> npt.NDArray[np.int64]:
    """How many digits each value holds, of any script."""
    counts: npt.NDArray[np.int64] = pc.count_substring_regex(values, r"\p{Nd}").to_numpy().astype(np.int64)
    return counts


def between(values: pa.StringArray, least: int, most: int) -> Mask:
    """Which values have so many characters. In a pattern, a counted class of letters takes RE2 80 ms to compile."""
    lengths = pc.utf8_length(values).to_numpy(zero_copy_only=False)
    found: Mask = (lengths >= least) & (lengths <= most)
    return found
