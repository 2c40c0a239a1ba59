"""The steps before text becomes canonical bytes, over whole arrays.

``strip_zero_width``  takes out the characters that Unicode has shown as nothing, wherever they stand: `ZERO_WIDTH`
``nfc``, ``nfkc``     Unicode Normalization Form C, or KC: then full-width letters, ligatures, no-break spaces and
                      superscripts are plain ones too, so that ``2⁵`` is ``25``
``trim``              takes the characters `BLANKS` off both ends
``lower``             Unicode's full lower-casing (final sigma included) of no language in particular
``strip_prefix``      takes a prefix off texts that begin with it: see `privacy_udfs.kernels.text.prefixes`

They give what Python's ``unicodedata.normalize``, ``str.strip``, ``str.lower`` and ``str.removeprefix`` give. (Arrow
lower-cases character by character, which is something else.)

Order: they are applied as given. ``strip_zero_width`` must be the first, since a character between two others keeps
them from composing; ``nfkc`` must stand before ``trim`` and ``lower``, as it gives blanks and capitals. Then a second
pass changes nothing, but for a capital whose accent composes with the small letter only (``J̌``, U+01F0): where that
matters write ``[strip_zero_width, nfkc, trim, lower, nfkc]``. (And but for a prefix that stands there twice.)

What Unicode says of a character stays once it is
assigned; of those assigned later than the Unicode version that a Python has (13 in 3.10, 14 in 3.11, 15 in 3.12, 15.1
in 3.13) a newer Python may say something else in ``nfc`` and ``lower``.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import ValueRefused
from privacy_udfs.kernels.arrays import Units, from_bytes, to_bytes
from privacy_udfs.kernels.text import prefixes

_ASCII_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f "
BLANKS = _ASCII_BLANKS + "\x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"
"""Unicode's White_Space, and the four information separators U+001C to U+001F: what `str.strip` takes away."""

BLANK = r"\t\n\v\f\r\x1c-\x20\x{85}\x{A0}\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000}"
"""The same, as the inside of a character class of RE2."""

ZERO_WIDTH = (
    r"\x{AD}\x{34F}\x{61C}\x{115F}\x{1160}\x{17B4}\x{17B5}\x{180B}-\x{180F}\x{200B}-\x{200F}\x{202A}-\x{202E}"
    r"\x{2060}-\x{206F}\x{3164}\x{FE00}-\x{FE0F}\x{FEFF}\x{FFA0}\x{FFF0}-\x{FFF8}\x{1BCA0}-\x{1BCA3}"
    r"\x{1D173}-\x{1D17A}\x{E0000}-\x{E0FFF}"
)
"""Default_Ignorable_Code_Point of Unicode 16 (UAX #44, DerivedCoreProperties.txt), as the inside of a character class
of RE2: soft hyphen, zero-width space, joiners and non-joiners, word joiner, byte order mark, marks of direction,
variation selectors, fillers of Hangul, and what is reserved for such. It is the set that NFKC_Casefold takes out. Fixed
here for good, whatever a later Unicode adds. Joiners tell some words of Persian and of Indic scripts apart."""

Step = Callable[[pa.StringArray], pa.StringArray]
Form = Literal["NFC", "NFKC"]


def normalized(values: pa.StringArray, steps: tuple[str, ...]) -> pa.StringArray:
    """``values`` after ``steps``, in their order. Nulls stay null; null becomes a text of which nothing is left once a
    prefix is taken off. Raises `ValueRefused` where text is malformed."""
    bare = None
    try:
        for step in steps:
            if step in _STEPS:
                values = _STEPS[step](values)
            else:
                values, bare = prefixes.stripped(values, prefixes.of(step))
    except (UnicodeDecodeError, pa.ArrowInvalid):  # their messages may quote the text
        raise ValueRefused("normalize: text that is not well-formed UTF-8") from None
    return values if bare is None else prefixes.without_bare(values, bare)


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


def _composed(values: pa.StringArray, form: Form) -> pa.StringArray:
    return _exactly(values, lambda text: text, partial(_composed_exactly, form=form))


def _composed_exactly(values: pa.StringArray, form: Form) -> pa.StringArray:
    if unicodedata.is_normalized(form, _text(values)):  # what is a part of normalized text is so too
        return values
    return _as_one_text(values, partial(unicodedata.normalize, form))


def _strip_zero_width(values: pa.StringArray) -> pa.StringArray:
    return _exactly(values, lambda text: text, _without_zero_width)


def _without_zero_width(values: pa.StringArray) -> pa.StringArray:
    values.validate(full=True)  # RE2 skips what is malformed
    return pc.replace_substring_regex(values, f"[{ZERO_WIDTH}]+", "")


def _trim(values: pa.StringArray) -> pa.StringArray:
    plain, exact = partial(pc.ascii_trim, characters=_ASCII_BLANKS), partial(pc.utf8_trim, characters=BLANKS)
    return _exactly(values, plain, exact)


def _lower(values: pa.StringArray) -> pa.StringArray:
    return _exactly(values, pc.ascii_lower, lambda text: _as_one_text(text, str.lower))


_STEPS: dict[str, Step] = {
    "strip_zero_width": _strip_zero_width,
    "nfc": partial(_composed, form="NFC"),
    "nfkc": partial(_composed, form="NFKC"),
    "trim": _trim,
    "lower": _lower,
}
