"""IP addresses as whole arrays: numbers to canonical text, RFC 5952 for IPv6."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.arrays import Array, utf8

NONE, V4, V6, MAPPED = 0, 4, 6, 46  # MAPPED: IPv4 in IPv6, ::ffff:a.b.c.d
HEX = np.frombuffer(b"0123456789abcdef", np.uint8)
OCTETS = b"".join(b"%-3d." % octet for octet in range(256))
OCTET_CELLS = np.frombuffer(OCTETS, np.uint32)  # the text of an octet and a dot, four bytes looked up at once
OCTET_USED = np.not_equal(np.frombuffer(OCTETS, np.uint8), ord(" ")).view(np.uint32)


class Addresses(NamedTuple):
    """Every address is eight groups of 16 bits; an IPv4 address has its own in the last two.

    groups: int32, one row of eight per address. family: uint8, `V4`, `V6`, `MAPPED`, or `NONE` for no address.
    """

    groups: Array
    family: Array


def write(addresses: Addresses) -> pa.StringArray:
    """Canonical text of every address, null for `NONE`."""
    groups, family = addresses
    rows = [np.flatnonzero(family == kind) for kind in (V4, V6, MAPPED, NONE)]
    four, mapped = write_v4(groups[rows[0], 6:]), write_v4(groups[rows[2], 6:])
    texts = [four, write_v6(groups[rows[1]]), pc.binary_join_element_wise("::ffff:", mapped, "")]
    if len(rows[0]) == len(family):
        return four
    order = np.empty(len(family), np.int64)
    order[np.concatenate(rows)] = np.arange(len(family))
    return pa.concat_arrays([*texts, pa.nulls(len(rows[3]), pa.string())]).take(pa.array(order))


def write_v4(groups: Array) -> pa.StringArray:
    """Dotted text of the last two groups of addresses."""
    octets = groups.astype(">u2").view(np.uint8)
    used = OCTET_USED[octets].view(np.bool_)
    used[:, -1] = False  # no dot at the end
    return utf8.from_cells(OCTET_CELLS[octets].view(np.uint8), used)


def write_v6(groups: Array) -> pa.StringArray:
    """Text of IPv6 addresses: lower case, no leading zeros, the first of the longest runs of zero groups as ``::``."""
    start, end = _longest_zeros(groups)
    place = np.arange(8)
    hidden = (place >= start[:, None]) & (place < end[:, None])
    cells = np.full((len(groups), 41), ord(":"), np.uint8)
    cells[:, :40] = hex_cells(groups)
    used = np.zeros((len(groups), 41), np.bool_)
    view = used[:, :40].reshape(len(groups), 8, 5)
    view[:, :, 0] = (~hidden & (place > 0)) | (hidden & (place == start[:, None]))
    for digit in range(1, 5):
        view[:, :, digit] = ~hidden & ((digit == 4) | (groups >> 4 * (4 - digit) > 0))
    used[:, 40] = hidden[:, 7]
    return utf8.from_cells(cells, used)


def _longest_zeros(groups: Array) -> tuple[Array, Array]:
    """Start and end (exclusive) of the first longest run of at least two zero groups; 8 and 8 where there is none."""
    run, best = np.zeros(len(groups), np.int32), np.ones(len(groups), np.int32)
    start, end = np.full(len(groups), 8), np.full(len(groups), 8)
    for place in range(8):
        run = np.where(groups[:, place] == 0, run + 1, 0)
        longer = run > best
        best = np.where(longer, run, best)
        end = np.where(longer, place + 1, end)
        start = np.where(longer, place + 1 - run, start)
    return start, end


def hex_cells(groups: Array) -> Array:
    """``:`` and four hexadecimal digits for each group, in one row for each address."""
    cells = np.full((*groups.shape, 5), ord(":"), np.uint8)
    for digit in range(4):
        cells[:, :, 1 + digit] = HEX[groups >> 4 * (3 - digit) & 15]
    return cells.reshape(len(groups), 5 * groups.shape[1])
