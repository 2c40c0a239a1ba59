"""IP addresses as whole arrays: text to numbers, and their prefixes.

IPv6 is read as RFC 4291, section 2.2, has it, without zones; IPv4 as four decimal numbers without leading zeros, which
some read as octal (RFC 6943, section 3.1.1). Writing is `privacy_udfs.kernels.ip.ip_text`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.arrays import Array, utf8
from privacy_udfs.kernels.ip.ip_text import MAPPED, NONE, V4, V6, Addresses, hex_cells

DIGIT = np.full(256, 255, np.uint8)
DIGIT[np.frombuffer(b"0123456789abcdef", np.uint8)] = DIGIT[np.frombuffer(b"0123456789ABCDEF", np.uint8)] = range(16)


class Parts(NamedTuple):
    """Pieces of text between separators: of value i those from ``first[i]`` to before ``first[i + 1]``."""

    data: Array
    starts: Array
    ends: Array
    first: Array


def parse(values: pa.StringArray) -> Addresses:
    """The addresses in a batch of well-formed text; `NONE` for nulls and for what is no address."""
    groups, family = np.zeros((len(values), 8), np.int32), np.zeros(len(values), np.uint8)
    groups[:, 6:], four = parse_v4(values)
    family[four] = V4
    rest = np.flatnonzero(~four & values.is_valid().to_numpy(zero_copy_only=False))
    if len(rest):
        eight, valid = parse_v6(values if len(rest) == len(values) else values.take(pa.array(rest)))
        groups[rest] = eight
        family[rest] = np.where(valid, np.where(_is_mapped(eight), MAPPED, V6), NONE)
    return Addresses(groups, family)


EMBEDDING = ((16, (0x2002,)), (96, (0x64, 0xFF9B, 0, 0, 0, 0)), (96, (0, 0, 0, 0, 0, 0)))
"""IPv6 prefixes behind which an IPv4 address stands, as bits and as groups: 6to4, NAT64, IPv4-compatible."""


def cut_embedded(addresses: Addresses, cut: Addresses, ipv4: int) -> Addresses:
    """``cut``, of ``addresses``, with at most ``ipv4`` bits left of an IPv4 address behind a prefix that embeds."""
    groups = cut.groups.copy()
    for bits, prefix in EMBEDDING:
        found = (addresses.family == V6) & (addresses.groups[:, : len(prefix)] == prefix).all(axis=1)
        groups[found] &= _masks(bits + ipv4)
    return Addresses(groups, cut.family)


def _masks(bits: int) -> Array:
    left = np.clip(bits - 16 * np.arange(8), 0, 16)
    masks: Array = (0xFFFF << (16 - left) & 0xFFFF).astype(np.int32)
    return masks


def keep_prefix(addresses: Addresses, ipv4: int, ipv6: int) -> Addresses:
    """The addresses with only their first bits left, by their family, and the others zero."""
    masks = np.stack([_masks(96 + ipv4), _masks(ipv6)])
    of_family = (addresses.family == V6).astype(np.intp)
    return Addresses(addresses.groups & masks[of_family], addresses.family)


def parse_v4(values: pa.StringArray) -> tuple[Array, Array]:
    """The last two groups of each IPv4 address (zero where there is none), and which values are one."""
    data, starts, ends, first = _split(values, ".")
    found = np.diff(first) == 4
    if not found.all():
        mine = np.repeat(found, np.diff(first))
        starts, ends = starts[mine], ends[mine]
    octets, valid = _numbers(data, starts, ends, base=10, most=3)
    size = ends - starts
    valid &= (octets <= 255) & ((size < 2) | (octets >= 10)) & ((size < 3) | (octets >= 100))
    found[found] = well = valid.reshape(-1, 4).all(axis=1)
    octets = octets.reshape(-1, 4)[well]
    groups = np.zeros((len(values), 2), np.int32)
    groups[found] = octets[:, 0::2] << 8 | octets[:, 1::2]
    return groups, found


def parse_v6(values: pa.StringArray) -> tuple[Array, Array]:
    """The eight groups of each IPv6 address (zero where there is none), and which values are one. No nulls."""
    parts = _split(_without_dots(values), ":")
    data, starts, ends, first = parts
    empty = ends == starts
    number, valid = _numbers(data, starts, ends, base=16, most=4)
    emptied, spoilt = (utf8.running_total(marks.view(np.uint8)) for marks in (empty, ~(valid | empty)))
    of_value = np.diff(first)
    missing = 8 - of_value + np.diff(emptied[first])  # groups that a `::` stands for
    gap, fits = _gap(empty, first, np.diff(emptied[first]))
    well = fits & np.where(gap, missing >= 1, missing == 0) & (np.diff(spoilt[first]) == 0)
    chosen = np.repeat(well, of_value) & ~empty
    behind = emptied[:-1] - np.repeat(emptied[first[:-1]], of_value)  # empty parts before this one
    place = np.arange(len(starts)) - np.repeat(first[:-1], of_value) - behind
    place += np.where(behind > 0, np.repeat(missing, of_value), 0)
    groups = np.zeros((len(values), 8), np.int32)
    groups[np.repeat(np.arange(len(values)), of_value)[chosen], place[chosen]] = number[chosen]
    return groups, well


def _is_mapped(groups: Array) -> Array:
    """Which addresses are IPv4 in IPv6 (RFC 4291, section 2.5.5.2)."""
    mapped: Array = groups[:, 5] == 0xFFFF
    if mapped.any():
        mapped &= ~groups[:, :5].any(axis=1)
    return mapped


def _split(values: pa.StringArray, separator: str) -> Parts:
    """Every value cut at ``separator``; a value without one is one part."""
    data, offsets = utf8.to_bytes(values)
    at = np.flatnonzero(data == ord(separator)).astype(np.int32)
    first = np.searchsorted(at, offsets) + np.arange(len(offsets))
    starts = np.zeros(len(at) + len(values), np.int32)
    ends = starts.copy()
    inner = np.ones(len(starts), np.bool_)
    inner[first[:-1]] = False
    starts[first[:-1]], starts[inner] = offsets[:-1], at + 1
    ends[first[1:] - 1], ends[:-1][inner[1:]] = offsets[1:], at
    return Parts(data, starts, ends, first)


def _numbers(data: Array, starts: Array, ends: Array, base: int, most: int) -> tuple[Array, Array]:
    """The number each part holds in ``base``, and whether it is one of 1 to ``most`` digits."""
    size = ends - starts
    valid = (size >= 1) & (size <= most)
    number = np.zeros(len(size), np.int32)
    for place in range(most if len(data) else 0):
        there = size > place
        digit = DIGIT[np.take(data, ends - (1 + place), mode="clip")] * there  # 0 where there is none
        valid &= digit < base
        number += digit.astype(np.int32) * base**place
    return number, valid


def _gap(empty: Array, first: Array, empties: Array) -> tuple[Array, Array]:
    """Which values have one ``::``, and whether all their empty parts (``empties`` in number) are those of it.

    A ``::`` leaves an empty part inside, and at an edge one more beside it.
    """
    start, end, most = first[:-1], first[1:] - 1, max(len(empty) - 1, 0)
    at_start, at_end = empty[start], empty[end]
    gap = empties - at_start - at_end == 1
    beside = (~at_start | empty[np.minimum(start + 1, most)]) & (~at_end | empty[np.maximum(end - 1, 0)])
    return gap, (empties == 0) | (gap & beside)


def _without_dots(values: pa.StringArray) -> pa.StringArray:
    """IPv6 text with a dotted IPv4 tail rewritten in hexadecimal; text with another tail becomes no address."""
    if not (utf8.to_bytes(values).units == ord(".")).any():
        return values
    dotted = pc.match_substring(values, ".")
    text = pc.extract_regex(values.filter(dotted), r"(?s)^(?P<head>.*:)(?P<tail>[^:]*)$")
    head, tail = (pc.fill_null(part, "") for part in text.flatten())
    groups, valid = parse_v4(tail)
    cells = hex_cells(groups)
    used = np.ones(cells.shape, np.bool_)
    used[:, 0] = False
    rewritten = pc.binary_join_element_wise(head, utf8.from_cells(cells, used), "")
    return pc.replace_with_mask(values, dotted, pc.if_else(pa.array(valid), rewritten, ""))
