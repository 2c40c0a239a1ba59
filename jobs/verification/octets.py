"""Texts as one array of bytes, and what stands in it without a gap: letters of base64, hex digits, UTF-8."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Octets = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
MOST_BYTES, OVERLAP = 1 << 22, 1 << 12
BREAK = "\0"
"""Stands between texts: no letter of any encoding."""


class Joined(NamedTuple):
    """Texts one behind the other, with `BREAK` between. starts: where each begins."""

    octets: Octets
    starts: Places

    def pieces(self) -> Iterator[Joined]:
        """As many bytes as are looked at a time; they overlap by more than a value takes, however it is encoded."""
        for at in range(0, max(len(self.octets), 1), MOST_BYTES):
            yield Joined(self.octets[at : at + MOST_BYTES + OVERLAP], self.starts - at)

    def rows(self, places: Places) -> Places:
        """Which text stands at a place."""
        found: Places = np.searchsorted(self.starts, places, "right") - 1
        return found


def layout(values: pa.BinaryArray) -> tuple[Octets, Places]:
    """All bytes, and where each value begins and the last one ends."""
    offsets = np.frombuffer(values.buffers()[1], np.int32)[values.offset : values.offset + len(values) + 1]
    buffer = values.buffers()[2]
    data = np.frombuffer(buffer, np.uint8) if buffer is not None and buffer.size else np.zeros(0, np.uint8)
    return data, offsets.astype(np.int64)


def joined(texts: pa.StringArray) -> Joined:
    """Texts without nulls as one."""
    if not len(texts):
        return Joined(np.zeros(0, np.uint8), np.zeros(0, np.int64))
    broken = pc.binary_join_element_wise(texts, pa.scalar(""), BREAK)
    octets, offsets = layout(broken.cast(pa.binary()))
    return Joined(octets[offsets[0] : offsets[-1]], offsets[:-1] - offsets[0])


def stretches(member: Bools) -> tuple[Places, Places]:
    """Where what stands without a gap begins and ends."""
    edges = np.diff(member.astype(np.int8), prepend=np.int8(0), append=np.int8(0))
    return np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)


def long_enough(member: Bools, shortest: int) -> tuple[Places, Places, Bools]:
    """The stretches of at least some bytes, and where they are."""
    starts, ends = stretches(member)
    long = ends - starts >= shortest
    starts, ends = starts[long], ends[long]
    edges = np.zeros(len(member) + 1, np.int8)
    edges[starts], edges[ends] = 1, -1
    return starts, ends, np.cumsum(edges[:-1], dtype=np.int8).astype(np.bool_)


def text(octets: Octets, there: Bools) -> Bools:
    """Which bytes are of characters in UTF-8 that are whole; of all that it may be none is left out. there: the others
    stand for nothing."""
    size = len(octets)
    follows = np.zeros(size + 3, np.bool_)
    follows[:size] = there & (octets & 0xC0 == 0x80)
    second = follows[1 : size + 1]
    third, fourth = follows[2 : size + 2], follows[3 : size + 3]
    leads = [
        there & (octets >= 0xC2) & (octets < 0xE0) & second,
        there & (octets >= 0xE0) & (octets < 0xF0) & second & third,
        there & (octets >= 0xF0) & (octets < 0xF5) & second & third & fourth,
    ]
    found = np.zeros(size + 3, np.bool_)
    found[:size] = there & (octets < 0x80)
    for more, lead in enumerate(leads, start=1):
        if lead.any():
            for at in range(more + 1):
                found[at : at + size] |= lead
    return found[:size]
