"""Whether results look as a treatment makes them: what techniques share for saying so (`Technique.shaped`)."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import LakenymError, TypeRefused
from privacy_udfs.technique import Technique

NO_SHAPE = "no result has this type"


def text(results: pa.Array) -> pa.StringArray:
    """Results that have to be text. Raises `TypeRefused` where they are none."""
    if not pa.types.is_string(results.type):
        raise TypeRefused(NO_SHAPE)
    return results


def matching(results: pa.Array, pattern: str) -> pa.BooleanArray:
    """Which of the texts match an RE2 pattern."""
    return pc.match_substring_regex(text(results), pattern)


def one_of(results: pa.Array, entries: Collection[str]) -> pa.BooleanArray:
    """Which of the texts are among some."""
    return pc.is_in(text(results), pa.array(sorted(entries), pa.string()))


def same_again(technique: Technique, results: pa.Array) -> pa.BooleanArray:
    """Which of them stay as they are when they are treated once more, under a technique without a key."""
    again = technique.treat(results, None, None).values
    if again.type != results.type:
        try:
            again = again.cast(results.type)
        except pa.ArrowInvalid:  # a number that the results' type cannot hold
            return _one_by_one(again, results)
    return pc.fill_null(pc.equal(again, results), False)


def _one_by_one(again: pa.Array, results: pa.Array) -> pa.BooleanArray:
    return pa.array([one == other for one, other in zip(again.to_pylist(), results.to_pylist(), strict=True)])


def misshapen(technique: Technique, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
    """Which results, nulls aside, no treatment of this technique can have made, by their shape. None where results have
    no shape of their own.

    results: a plain array with 32-bit offsets, as `technique.plain` and `technique.narrow` make it. key_id: the version
    of the key that made them, where one did and it is known.
    """
    if technique.gives_null():
        return results.is_valid()
    try:
        shaped = technique.shaped(results, key_id)
    except (LakenymError, pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return results.is_valid()  # not of a type that it gives
    if shaped is None:
        return None
    return pc.and_(results.is_valid(), pc.invert(pc.fill_null(shaped, False)))
