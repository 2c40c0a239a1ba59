"""The keys of treated maps: each once in a map, and none null. Readers of a map with one key twice see wrong values."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import ValueRefused

Codes = npt.NDArray[np.int64]


def check(label: str, maps: pa.ListArray, keys: pa.Array) -> None:
    """Raise `ValueRefused` with counts where keys of one map are equal, or null, once treated. ``keys``: of all maps,
    end to end; ``maps``: says where each begins. label: names the column."""
    null = keys.null_count
    codes = _codes(keys)
    twice = 0
    if len(codes) and int(codes.max()) + 1 < len(codes):  # else no key stands anywhere twice
        whose = pc.list_parent_indices(maps).to_numpy().astype(np.int64)
        twice = _in_one(whose, codes)
    if null or twice:
        maps = "1 map has" if twice == 1 else f"{twice} maps have"
        nulls = "1 key is" if null == 1 else f"{null} keys are"
        raise ValueRefused(
            f"{label}: in this batch {maps} equal keys once treated, and {nulls} null, so that entries would be lost. "
            "Take a treatment that keeps them apart: without 'normalize', or with more bits"
        )


def _in_one(whose: Codes, codes: Codes) -> int:
    """How many maps hold a code more than once."""
    order = np.lexsort((codes, whose))
    whose, codes = whose[order], codes[order]
    again = (whose[1:] == whose[:-1]) & (codes[1:] == codes[:-1])
    return len(np.unique(whose[1:][again]))


def _codes(keys: pa.Array) -> Codes:
    """A number for each key, below the number of distinct ones; equal for equal keys."""
    if pa.types.is_struct(keys.type):
        parts = [_codes(part) for part in keys.flatten()]
        return _numbered(np.stack(parts, axis=1)) if parts else np.zeros(len(keys), np.int64)
    if pa.types.is_nested(keys.type):  # rare, and nothing in Arrow compares lists
        return _numbered(np.array([repr(key) for key in keys.to_pylist()], dtype=object))
    encoded = pc.dictionary_encode(keys, null_encoding="encode")
    codes: Codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _numbered(values: Any) -> Codes:
    codes: Codes = np.unique(values, axis=0 if values.ndim > 1 else None, return_inverse=True)[1].reshape(-1)
    return codes.astype(np.int64)
