"""The steps before text becomes canonical bytes, over whole arrays: ``nfc``, ``trim``, ``lower``.

They give what Python's ``unicodedata.normalize``, ``str.strip`` and ``str.lower`` give: Unicode Normalization Form C;
the characters `BLANKS` off both ends; Unicode's full lower-casing (final sigma included) of no language in particular.
(Arrow lower-cases character by character, which is something else.) What Unicode says of a character stays once it is
assigned; of those assigned later than the Unicode version that a Python has (13 in 3.10, 14 in 3.11, 15 in 3.12, 15.1
in 3.13) a newer Python may say something else in ``nfc`` and ``lower``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import ValueRefused
from privacy_udfs.kernels.utf8 import Units, from_bytes, to_bytes

_ASCII_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f "
BLANKS = _ASCII_BLANKS + "\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space, and the four information separators U+001C to U+001F: what `str.strip` takes away."""

Step = Callable[[pa.StringArray], pa.StringArray]


def normalized(values: pa.StringArray, steps: tuple[str, ...]) -> pa.StringArray:
    """``values`` after ``steps``, in their order. Nulls stay null. Raises `ValueRefused` where text is malformed."""
    try:
        for step in steps:
            values = _STEPS[step](values)
    except (UnicodeDecodeError, pa.ArrowInvalid):  # their messages may quote the text
        raise ValueRefused("normalize: text that is not well-formed UTF-8") from None
    return values


def _exactly(values: pa.StringArray, plain: Step, exact: Step) -> pa.StringArray:
    """``plain`` of the values that are ASCII, ``exact`` of the others: of all where those are many."""
    other = pc.invert(pc.fill_null(pc.string_is_ascii(values), True))
    many = pc.sum(other).as_py() or 0
    if not many:
        return plain(values)
    if many * 2 > len(values):
        return exact(values)
    return pc.replace_with_mask(plain(values), other, exact(values.filter(other)))


def _as_one_text(values: pa.StringArray, step: Callable[[str], str]) -> pa.StringArray:
    """``step`` of each value: of all as one text, each ended by a control character, past which no step looks."""
    data = to_bytes(values).units
    free = next((code for code in range(32) if chr(code) not in BLANKS and not (data == code).any()), None)
    if free is None:
        return pa.array([text if text is None else step(text) for text in values.to_pylist()], pa.string())
    stepped = np.frombuffer(
        step(_text(pc.binary_join_element_wise(pc.fill_null(values, ""), chr(free), ""))).encode(), np.uint8
    )
    end = stepped == free
    offsets = np.zeros(len(values) + 1, np.int64)
    offsets[1:] = np.flatnonzero(end) - np.arange(len(values))
    return from_bytes(Units(stepped[~end], offsets), values)


def _text(values: pa.StringArray) -> str:
    return to_bytes(values).units.tobytes().decode()


def _nfc(values: pa.StringArray) -> pa.StringArray:
    return _exactly(values, lambda text: text, _composed)


def _composed(values: pa.StringArray) -> pa.StringArray:
    if unicodedata.is_normalized("NFC", _text(values)):  # what is a part of normalized text is so too
        return values
    return _as_one_text(values, partial(unicodedata.normalize, "NFC"))


def _trim(values: pa.StringArray) -> pa.StringArray:
    plain, exact = partial(pc.ascii_trim, characters=_ASCII_BLANKS), partial(pc.utf8_trim, characters=BLANKS)
    return _exactly(values, plain, exact)


def _lower(values: pa.StringArray) -> pa.StringArray:
    return _exactly(values, pc.ascii_lower, lambda text: _as_one_text(text, str.lower))


_STEPS: dict[str, Step] = {"nfc": _nfc, "trim": _trim, "lower": _lower}
