"""What is encoded in hex and base64 within texts, and what may be hashes, in whole arrays.

Where something that was encoded begins nobody knows. So all is decoded as often as there are places at which a letter
may stand in a group: base64 four times, hex twice. What comes out is text, without a gap, only where it was encoded
from one, or by rare chance; so nearly nothing is left to look through.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from jobs.verification import octets as bytewise
from jobs.verification.octets import Bools, Joined, Octets, Places

HEX, BASE64 = "hex", "base64"
HASH = 16
"""Bytes that what is taken for a hash has at least, so that it is found cut to that length too."""
COMPARED = 8
"""Bytes of a hash that are compared: as many as a 64-bit number holds."""
SHORT, LONG = 3, 9
"""Bytes from which on what was decoded is looked at, if it is text throughout, and if it is not."""
_ENCODED = "^[A-Za-z0-9+/_-]{7,}={0,2}$"
_SHORTEST = {BASE64: 7, HEX: 10}
"""Letters that there have to be."""
_NONE = 255


def _places(letters: str, others: str = "") -> Octets:
    table = np.full(256, _NONE, np.uint8)
    for spelt in (letters, others):
        table[[*spelt.encode()]] = np.arange(len(letters) - len(spelt), len(letters))
    return table


_SIX = _places("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", "-_")
_FOUR = _places("0123456789abcdef")
_FOUR[[*b"ABCDEF"]] = np.arange(10, 16)
_DASHES, _UUID = (8, 13, 18, 23), 36
_SEPARATED = np.array([at for at in range(2 * COMPARED + 2) if at not in _DASHES])


class Decoded(NamedTuple):
    """Texts that were encoded within others. rows: of which text each is. sure: whether it is text throughout; what is
    not was perhaps never encoded, and holds by chance whatever is short."""

    encoding: str
    rows: Places
    texts: list[str]
    sure: Bools


class Hashes(NamedTuple):
    """What may be hashes within texts: the first `COMPARED` bytes of each. rows: of which text each is."""

    rows: Places
    starts: Octets


def decoded(texts: pa.StringArray, whole: bool = False) -> Iterator[Decoded]:
    """What is encoded within texts. whole: only whole texts are taken for encoded, as where all of them are tokens."""
    rows = np.arange(len(texts))
    if whole:
        chosen = pc.match_substring_regex(texts, _ENCODED)
        texts, rows = texts.filter(chosen), rows[chosen.to_numpy(zero_copy_only=False)]
    for piece in bytewise.joined(texts).pieces():
        yield from _of_piece(piece, rows, whole)


def _of_piece(joined: Joined, rows: Places, whole: bool) -> Iterator[Decoded]:
    for encoding, letters, table in ((HEX, 2, _FOUR), (BASE64, 4, _SIX)):
        values = table[joined.octets]
        starts, _, there = bytewise.long_enough(values != _NONE, _SHORTEST[encoding])
        begins = starts if whole else None
        groups = range(letters) if len(starts) else ()
        found = [each for first in groups for each in _read(values, there, first, letters, joined, begins)]
        if found:
            at, kept, sure = zip(*found, strict=True)
            yield Decoded(encoding, rows[list(at)], list(kept), np.array(sure, np.bool_))


def _read(
    values: Octets, there: Bools, first: int, letters: int, joined: Joined, begins: Places | None
) -> Iterator[tuple[int, str, bool]]:
    """What is text in what groups of letters give, the first of which begins at ``first``: row, text, whether all of it
    is. begins: where alone what is encoded may begin."""
    octets, decodes = (_from_base64 if letters == 4 else _from_hex)(values[first:], there[first:])
    starts, ends, _ = bytewise.long_enough(bytewise.text(octets, decodes), SHORT)
    all_of_it = ~_at(decodes, starts - 1) & ~_at(decodes, ends)
    kept = np.flatnonzero(all_of_it | (ends - starts >= LONG))
    group = first + starts[kept] // (letters - 1) * letters  # of four letters three bytes, of two one
    if begins is not None:
        on_time = (group - begins[np.searchsorted(begins, group, "right") - 1]) % letters == 0
        kept, group = kept[on_time], group[on_time]
    for row, start, end, alone in zip(joined.rows(group), starts[kept], ends[kept], all_of_it[kept], strict=True):
        text = octets[start:end].tobytes().decode("utf-8", "ignore")
        sure = bool(alone) and all(each.isprintable() or each.isspace() for each in text)
        if sure or end - start >= LONG:
            yield int(row), text, sure


def _at(mask: Bools, places: Places) -> Bools:
    """What a mask says of places; of those that are outside it that it does not hold."""
    inside = (places >= 0) & (places < len(mask))
    found: Bools = inside & mask[np.where(inside, places, 0)]
    return found


def _groups(values: npt.NDArray[Any], letters: int) -> npt.NDArray[Any]:
    whole = -(-len(values) // letters) * letters
    return np.pad(values, (0, whole - len(values))).reshape(-1, letters)


def _from_hex(values: Octets, there: Bools) -> tuple[Octets, Bools]:
    """The byte of each group, and whether it is one."""
    digits, known = _groups(values, 2), _groups(there, 2)
    octets: Octets = np.left_shift(digits[:, 0], 4, dtype=np.uint8) | digits[:, 1] & np.uint8(15)
    return octets, known[:, 0] & known[:, 1]


def _from_base64(values: Octets, there: Bools) -> tuple[Octets, Bools]:
    """The three bytes of each group, and which of them are such."""
    six, known = _groups(values, 4), _groups(there, 4)
    octets, decodes = np.empty((len(six), 3), np.uint8), np.empty((len(six), 3), np.bool_)
    before = known[:, 0]
    for at in range(3):
        octets[:, at] = six[:, at] << (2 + 2 * at) | (six[:, at + 1] & 63) >> (4 - 2 * at)
        decodes[:, at] = before = before & known[:, at + 1]
    return octets.reshape(-1), decodes.reshape(-1)


# -- hashes -----------------------------------------------------------------------------------------------------------


def hashes(texts: pa.StringArray) -> Hashes:
    """What may be hashes in hex, as a UUID and in base64."""
    each = [_hashes_of(piece) for piece in bytewise.joined(texts).pieces()]
    return Hashes(np.concatenate([one.rows for one in each]), np.concatenate([one.starts for one in each]))


def _hashes_of(joined: Joined) -> Hashes:
    digits, six = _FOUR[joined.octets], _SIX[joined.octets]
    in_hex, _, _ = bytewise.long_enough(digits != _NONE, 2 * HASH)
    as_uuid = _uuids(joined.octets, digits != _NONE)
    in_base64, _, _ = bytewise.long_enough(six != _NONE, -(-HASH * 4 // 3))
    places = (in_hex[:, None] + np.arange(2 * COMPARED), as_uuid[:, None] + _SEPARATED)
    nibbles = np.concatenate([digits[each] for each in places])
    octets = six[in_base64[:, None] + np.arange(12)].reshape(-1)
    read = _from_base64(octets, octets != _NONE)[0].reshape(-1, 9)[:, :COMPARED]
    starts = np.concatenate([nibbles[:, ::2] << 4 | nibbles[:, 1::2], read])
    return Hashes(joined.rows(np.concatenate([in_hex, as_uuid, in_base64])), starts)


def _uuids(octets: Octets, is_digit: Bools) -> Places:
    """Where 32 digits begin that dashes part as they do in a UUID."""
    found = np.flatnonzero(octets == ord("-")) - _DASHES[0]
    found = found[(found >= 0) & (found + _UUID <= len(octets))]
    for dash in _DASHES[1:]:
        found = found[octets[found + dash] == ord("-")]
    digits = np.count_nonzero(is_digit[found[:, None] + np.arange(_UUID)], axis=1)
    parted: Places = found[digits == 2 * HASH]
    return parted
