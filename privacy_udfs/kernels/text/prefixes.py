"""``strip_prefix``: a prefix that only some columns have, taken off, so that ``Patient/f001`` is ``f001``.

The text as it is after the steps before this one is compared character by character, capitals and all. It loses the
longest of the prefixes that it begins with, and that one once: ``Patient/Patient/1`` becomes ``Patient/1``. What begins
with none of them stays as it is. A text of which nothing is left after all steps names nobody: it is null in the
canonical bytes, and techniques refuse it.

Within the library a step is a word, as the others are: ``strip_prefix=Patient/|urn:uuid:``, the prefixes in order and
each with the characters escaped (RFC 3986) that a list of such words could need.
"""

from __future__ import annotations

from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.arrays import without

NAME = "strip_prefix"
_BEGINS = f"{NAME}="
_BETWEEN = "|"
_PLAIN = "/:.-_@#~"
"""What beside letters and digits is not escaped."""


def step(prefixes: tuple[str, ...]) -> str:
    """The step that takes these off."""
    return _BEGINS + _BETWEEN.join(quote(each, safe=_PLAIN) for each in sorted(set(prefixes)))


def is_step(word: str) -> bool:
    return word.startswith(_BEGINS)


def of(word: str) -> tuple[str, ...]:
    """The prefixes of a step."""
    return tuple(unquote(each, errors="strict") for each in word.removeprefix(_BEGINS).split(_BETWEEN))


def stripped(values: pa.StringArray, prefixes: tuple[str, ...]) -> tuple[pa.StringArray, pa.BooleanArray]:
    """``values`` without the prefix that each begins with, and which began with one."""
    rest, taken = values, pa.repeat(pa.scalar(False), len(values))
    for prefix in sorted((each.encode() for each in prefixes), key=len, reverse=True):
        begins = pc.and_not(pc.fill_null(pc.starts_with(values, prefix), False), taken)
        if begins.true_count == len(values):
            return _after(values, prefix), begins
        if begins.true_count:
            taken = pc.or_(taken, begins)
            rest = pc.replace_with_mask(rest, begins, _after(values.filter(begins), prefix))
    return rest, taken


def _after(values: pa.StringArray, prefix: bytes) -> pa.StringArray:
    return without(values.cast(pa.binary()), len(prefix)).view(pa.string())


def without_bare(values: pa.StringArray, stripped: pa.BooleanArray) -> pa.StringArray:
    """``values`` with null for what began with a prefix, and has nothing left."""
    bare = pc.and_(stripped, pc.fill_null(pc.equal(pc.binary_length(values), 0), False))
    return pc.replace_with_mask(values, bare, pa.scalar(None, pa.string())) if pc.any(bare).as_py() else values
