"""Empty text found, and made null."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.arrays import well_formed
from privacy_udfs.kernels.text import prefixes
from privacy_udfs.kernels.text.normalize import BLANK, ZERO_WIDTH, normalized

_NOTHING_SHOWN = f"^[{BLANK}{ZERO_WIDTH}]*$"


def without_empty(values: pa.Array, steps: tuple[str, ...]) -> pa.Array:
    """``values`` with null for every text that is empty after ``steps``. Arrays of other types stay as they are.

    Whatever else it holds, malformed text is not empty.
    """
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    if not steps:
        return _nulled(values, pc.equal(pc.binary_length(values), 0))
    if any(map(prefixes.is_step, steps)):
        candidate = well_formed(values.cast(pa.string()))[0].is_valid()
    else:
        candidate = pc.fill_null(pc.match_substring_regex(values, _NOTHING_SHOWN), False)
    if not pc.any(candidate).as_py():
        return values
    left = pc.fill_null(pc.binary_length(normalized(values.filter(candidate).cast(pa.string()), steps)), 0)
    lengths = pc.replace_with_mask(pa.repeat(pa.scalar(1, pa.int32()), len(values)), candidate, left)
    return _nulled(values, pc.equal(lengths, 0))


def without_bare(values: pa.Array, steps: tuple[str, ...]) -> pa.Array:
    """``values`` with null for every text of which a step takes the prefix off and nothing is left. Malformed text, and
    arrays of other types, stay as they are."""
    if not any(map(prefixes.is_step, steps)) or not pa.types.is_string(values.type):
        return values
    sound = well_formed(values)[0]
    return _nulled(values, pc.and_(sound.is_valid(), normalized(sound, steps).is_null()))


def _nulled(values: pa.Array, where: pa.BooleanArray) -> pa.Array:
    where = pc.fill_null(where, False)
    return pc.replace_with_mask(values, where, pa.scalar(None, values.type)) if pc.any(where).as_py() else values
