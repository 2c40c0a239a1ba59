"""Values found in texts by their digests: whole, and at any place within, in time that hardly depends on how many."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np
import pyarrow as pa

from jobs.verification import spellings
from jobs.verification.needles import LONGEST, SHORTEST, Heads, Needles
from jobs.verification.octets import Bools, Octets, Places, layout
from jobs.verification.rolling import MOST_BYTES, Rolling, Words

ANYWHERE = 8
"""Bytes from which on a value counts wherever it stands; shorter ones, and numbers, only by themselves."""
SHORTEST_NUMBER = 6
_ALNUM = np.zeros(256, np.bool_)
_ALNUM[[*b"0123456789abcdefghijklmnopqrstuvwxyz", *range(128, 256)]] = True
PIECE = MOST_BYTES // 2


@dataclasses.dataclass(frozen=True)
class Hits:
    """Values found. text, value: number of the text and of the value. whole: whether it is all of the text. exact:
    whether it stands there as it is in the source; else in other case, or another form of Unicode."""

    text: Places
    value: Places
    whole: Bools
    exact: Bools

    def where(self, chosen: Bools) -> Hits:
        return Hits(self.text[chosen], self.value[chosen], self.whole[chosen], self.exact[chosen])


def hits(texts: pa.StringArray, needles: Needles, hashing: Rolling, within: bool = True) -> Hits:
    """All values in texts without nulls, each at most once at a place. within: whether they are looked for within."""
    forms = spellings.one_form(texts).cast(pa.binary())
    found = [each for part in _parts(forms) for each in _of_part(*part, texts, needles, hashing, within)]
    return Hits(
        *(np.concatenate([getattr(each, name) for each in found]) for name in ("text", "value", "whole", "exact"))
    )


def _parts(forms: pa.BinaryArray) -> Iterator[tuple[Octets, Places, Places, bool]]:
    """Bytes of as many texts as are hashed at a time, where each begins and ends, and its number; long ones cut."""
    data, offsets = layout(forms) if len(forms) else (np.zeros(0, np.uint8), np.zeros(1, np.int64))
    first = 0
    while first < len(forms):
        last = max(int(np.searchsorted(offsets, offsets[first] + PIECE, "right")) - 1, first + 1)
        begin, end = offsets[first], offsets[last]
        if end - begin <= MOST_BYTES:
            yield data[begin:end], offsets[first : last + 1] - begin, np.arange(first, last), True
        else:
            for at in range(int(begin), int(end), PIECE):
                piece = data[at : min(at + PIECE + LONGEST, int(end))]
                yield piece, np.array([0, len(piece)]), np.array([first]), False
        first = last
    if not len(forms):
        yield data[:0], np.zeros(1, np.int64), np.zeros(0, np.int64), True


def _of_part(
    octets: Octets,
    offsets: Places,
    numbers: Places,
    are_whole: bool,
    texts: pa.StringArray,
    needles: Needles,
    hashing: Rolling,
    within: bool,
) -> Iterator[Hits]:
    sums = hashing.sums(octets)
    starts, lengths = offsets[:-1], np.diff(offsets)
    value = needles.at(hashing.windows(sums, starts, lengths))
    there = np.flatnonzero((value >= 0) & (needles.length[value] == lengths) & are_whole)
    places = [(there, starts[there], value[there])]
    for heads in needles.heads if within else ():
        places.append(_within(octets, offsets, sums, heads, needles, hashing))
    text, at, value = (np.concatenate(each) for each in zip(*places, strict=True))
    size = needles.length[value]
    confirmed = np.array(
        [hashing.strong(octets[start : start + length].tobytes()) for start, length in zip(at, size, strict=True)],
        np.uint64,
    )
    kept = confirmed == needles.strong[value] if len(value) else np.zeros(0, np.bool_)
    text, at, value, size = text[kept], at[kept], value[kept], size[kept]
    exact = _exact(numbers[text], at - starts[text], value, size, texts, needles, hashing)
    yield Hits(numbers[text], value, (at == starts[text]) & (size == lengths[text]) & are_whole, exact)


def _within(
    octets: Octets, offsets: Places, sums: Words, heads: Heads, needles: Needles, hashing: Rolling
) -> tuple[Places, Places, Places]:
    """Text, start and value of what stands within texts and is not all of one, but for numbers, and short values, in
    the middle of a word."""
    hashes = hashing.every(sums, heads.size) if len(octets) >= heads.size else np.zeros(0, np.uint64)
    at = np.flatnonzero(heads.noticed[hashes >> heads.shift])
    head = np.minimum(np.searchsorted(heads.starts, hashes[at]), len(heads.starts) - 1)
    same = heads.starts[head] == hashes[at]
    at, head = at[same], head[same]
    many = heads.first[head + 1] - heads.first[head]
    nth = np.arange(many.sum()) - np.repeat(np.cumsum(many) - many, many)
    at, size = np.repeat(at, many), heads.lengths[np.repeat(heads.first[head], many) + nth]
    text = np.searchsorted(offsets, at, "right") - 1
    fits = at + size <= offsets[text + 1]
    at, size, text = at[fits], size[fits], text[fits]
    value = needles.at(hashing.windows(sums, at, size))
    alone = _alone(octets, offsets, text, at, at + size)
    numeric = needles.numeric[value]
    counts = np.where(numeric, alone & (size >= SHORTEST_NUMBER), (size >= ANYWHERE) | (alone & (size >= SHORTEST)))
    whole = (at == offsets[text]) & (at + size == offsets[text + 1])
    kept = (value >= 0) & (needles.length[value] == size) & counts & ~whole
    return text[kept], at[kept], value[kept]


def _alone(octets: Octets, offsets: Places, text: Places, start: Places, end: Places) -> Bools:
    """Whether no letter and no digit stands beside it."""
    if not len(octets):
        return np.zeros(len(start), np.bool_)
    before = (start > offsets[text]) & _ALNUM[octets[np.maximum(start - 1, 0)]]
    after = (end < offsets[text + 1]) & _ALNUM[octets[np.minimum(end, len(octets) - 1)]]
    return ~(before | after)


def _exact(
    number: Places, at: Places, value: Places, size: Places, texts: pa.StringArray, needles: Needles, hashing: Rolling
) -> Bools:
    """Whether a text has the very bytes at the same place; not told of one whose form has another length."""
    found = np.zeros(len(number), np.bool_)
    if len(number):
        data, offsets = layout(texts.cast(pa.binary()))
        starts = offsets[number] + at
        for n, (start, length, one) in enumerate(zip(starts, size, value, strict=True)):
            found[n] = hashing.strong(data[start : start + length].tobytes()) == needles.exact[one]
    return found
