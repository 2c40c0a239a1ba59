"""Values of other tables, where they stand in a text: known by keyed digests, so that no list of values is held.

A `Listed` has of each value a digest of 16 bytes, AES-CMAC under a key that is derived for this alone, and of the words
that values begin with 8 bytes and how many words follow. What may be a value in a text, one word or several, is looked
up by its own digest: the work goes by the words of the text and not by the number of values. Of 10^6 values and 10^12
such look-ups one is wrong with a chance of 10^-20.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from privacy_udfs.entities.words import LONGEST, WORD, pieces, together
from privacy_udfs.kernels.aes import aes_cmac
from privacy_udfs.kernels.arrays import prefixed
from privacy_udfs.kernels.text import normalized

INFO = "lakenym/1/known-elsewhere/{domain}"
MOST_VALUES = 1_000_000
"""Of one list; a worker holds some 30 MB of so many."""
MOST_WORDS = 63
"""Of a value."""
TOGETHER, KEPT, AT_ONCE = 1 << 20, 1 << 18, 1 << 16
"""Characters of texts that are looked at together; words that are remembered; look-ups at a time."""
SCHEMA = pa.schema([("digest", pa.binary()), ("first", pa.int64()), ("words", pa.int32()), ("own", pa.string())])
"""What is told of a value: its digest, that of its first word, how many words it has (none: it is not looked for), and
its pseudonym where that is another than the one of the text that stands for it."""

Words64 = npt.NDArray[np.uint64]


def digest_key(material: bytes, domain: str) -> bytes:
    """The key of the digests, from the key that the domain's technique uses."""
    return HKDF(hashes.SHA256(), 32, b"", INFO.format(domain=domain).encode()).derive(material)


class Digests(NamedTuple):
    """key: as `digest_key` gives it. steps: the domain's ``normalize``."""

    key: bytes
    steps: tuple[str, ...]

    def of(self, texts: pa.StringArray, what: bytes) -> npt.NDArray[np.uint8]:
        """A row of 16 bytes of each text. what: tells digests of one use from those of another."""
        spelled = pc.fill_null(normalized(texts, self.steps), "")
        return aes_cmac(self.key, prefixed(what, spelled.cast(pa.binary())))

    def of_values(self, texts: pa.StringArray) -> npt.NDArray[np.uint8]:
        return self.of(texts, b"\1")

    def of_first_words(self, texts: pa.StringArray) -> Words64:
        return _numbers(self.of(texts, b"\2"))[:, 0]

    def of_others(self, texts: pa.StringArray) -> npt.NDArray[np.uint8]:
        """Of values that are not looked for, and only counted."""
        return self.of(texts, b"\0")


def _numbers(digests: npt.NDArray[np.uint8]) -> Words64:
    """Rows of two numbers, which are ordered as the bytes are."""
    return np.ascontiguousarray(digests).view(">u8").reshape(-1, 2).astype(np.uint64)


@dataclasses.dataclass(frozen=True)
class Listed:
    """Values that are looked for, by their digests, in order. own: the pseudonyms of those at ``own_at``."""

    digests: Words64 = dataclasses.field(repr=False)
    own_at: npt.NDArray[np.int64] = dataclasses.field(repr=False)
    own: pa.StringArray = dataclasses.field(repr=False)
    firsts: Words64 = dataclasses.field(repr=False)
    lengths: Words64 = dataclasses.field(repr=False)
    """By first word how many words a value may have: bit n for n of them."""

    @classmethod
    def of(cls, told: pa.Table) -> Listed:
        """told: of `SCHEMA`, in any order. Of values that are one by their digest, the pseudonym of the one that is
        written as it is found, else the least."""
        told = told.filter(pc.greater(told["words"], 0)).combine_chunks()
        order = told.append_column("rank", pc.fill_null(told["own"], ""))
        told = told.take(pc.sort_indices(order, sort_keys=[("digest", "ascending"), ("rank", "ascending")]))
        digests = _numbers(np.frombuffer(b"".join(told["digest"].to_pylist()), np.uint8).reshape(-1, 16))
        first_of = np.ones(len(digests), bool)
        first_of[1:] = (digests[1:] != digests[:-1]).any(1)
        own = told["own"].combine_chunks().filter(pa.array(first_of))
        own_at = np.flatnonzero(own.is_valid().to_numpy(zero_copy_only=False))
        firsts, place = np.unique(told["first"].to_numpy().astype(np.int64).view(np.uint64), return_inverse=True)
        lengths = np.zeros(len(firsts), np.uint64)
        np.bitwise_or.at(lengths, place, np.uint64(1) << told["words"].to_numpy().astype(np.uint64))
        return cls(digests[first_of], own_at.astype(np.int64), own.drop_null(), firsts, lengths)

    def __len__(self) -> int:
        return len(self.digests)

    def places(self, digests: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Where each digest stands in the list; -1 where it does not."""
        wanted = _numbers(digests)
        found = np.full(len(wanted), -1, np.int64)
        at = np.searchsorted(self.digests[:, 0], wanted[:, 0])
        open_ = np.flatnonzero(at < len(self))
        while len(open_):  # again only where two digests begin with the same 8 bytes
            open_ = open_[self.digests[at[open_], 0] == wanted[open_, 0]]
            same = self.digests[at[open_], 1] == wanted[open_, 1]
            found[open_[same]] = at[open_[same]]
            open_ = open_[~same]
            at[open_] += 1
            open_ = open_[at[open_] < len(self)]
        return found

    def lengths_after(self, firsts: Words64) -> Words64:
        """Of first words by their digests, how many words a value may have."""
        if not len(self.firsts):
            return np.zeros(len(firsts), np.uint64)
        at = np.minimum(np.searchsorted(self.firsts, firsts), len(self.firsts) - 1)
        return np.where(self.firsts[at] == firsts, self.lengths[at], np.uint64(0))

    def own_of(self, places: npt.NDArray[np.int64]) -> list[str | None]:
        """Their own pseudonyms, where they have such."""
        at = np.minimum(np.searchsorted(self.own_at, places), max(len(self.own_at) - 1, 0))
        has = np.zeros(len(places), bool) if not len(self.own_at) else self.own_at[at] == places
        found: list[int | None] = pa.array(at, mask=~has).to_pylist()
        return [None if each is None else self.own[each].as_py() for each in found]


class _Piece(NamedTuple):
    """A part of the text of a row. own: before this place its own words begin."""

    row: int
    at: int
    text: str
    own: int


class Search:
    """One batch of texts, looked through for the values of one list."""

    def __init__(self, listed: Listed, digests: Digests) -> None:
        self._listed, self._digests = listed, digests
        self._lengths: dict[str, int] = {}
        self._seen: set[str] = set()

    def rows(self, texts: Sequence[str | None]) -> dict[int, list[tuple[int, int]]]:
        """By row from where to where a value stands in its text; only rows with a find."""
        found: dict[int, list[tuple[int, int]]] = {}
        for chunk in _chunks(texts):
            words = [WORD.findall(piece.text) for piece in chunk]
            self._learn(set[str]().union(*words))
            hits = [each for each in zip(chunk, words, strict=True) if not self._lengths.keys().isdisjoint(each[1])]
            for row, start, end in self._found(hits):
                found.setdefault(row, []).append((start, end))
        return found

    def own(self, values: Sequence[str]) -> list[str | None]:
        """The pseudonyms of found values that are others than those of what stands there; None for all others."""
        return self._listed.own_of(self._listed.places(self._digests.of_values(pa.array(values, pa.string()))))

    def _learn(self, words: Iterable[str]) -> None:
        """Which of these begin a value."""
        if len(self._seen) > KEPT:
            self._seen, self._lengths = set(), {}
        new = [word for word in words if word not in self._seen]
        self._seen.update(new)
        firsts = self._digests.of_first_words(pa.array(new, pa.string()))
        lengths = self._listed.lengths_after(firsts)
        at = np.flatnonzero(lengths)
        self._lengths.update(zip([new[each] for each in at], lengths[at].tolist(), strict=True))

    def _found(self, hits: Iterable[tuple[_Piece, list[str]]]) -> Iterator[tuple[int, int, int]]:
        asked: list[tuple[int, int, int]] = []
        said: list[str] = []
        for piece, words in hits:
            for start, end in self._asked(piece, words):
                asked.append((piece.row, piece.at + start, piece.at + end))
                said.append(together(piece.text[start:end]))
                if len(said) == AT_ONCE:
                    yield from self._known(asked, said)
                    asked, said = [], []
        yield from self._known(asked, said)

    def _asked(self, piece: _Piece, words: list[str]) -> Iterator[tuple[int, int]]:
        """What may be a value, by what it begins with."""
        spans = [word.span() for word in WORD.finditer(piece.text)]
        for at, word in enumerate(words):
            lengths, start = self._lengths.get(word, 0), spans[at][0]
            if start >= piece.own:
                return
            while lengths:
                last = at + lengths.bit_length() - 2
                if last < len(spans) and spans[last][1] - start <= LONGEST:
                    yield start, spans[last][1]
                lengths ^= 1 << (lengths.bit_length() - 1)

    def _known(self, asked: list[tuple[int, int, int]], said: list[str]) -> Iterator[tuple[int, int, int]]:
        if said:
            encoded: Any = pa.array(said, pa.string()).dictionary_encode()
            there = self._listed.places(self._digests.of_values(encoded.dictionary)) >= 0
            for at in np.flatnonzero(there[encoded.indices.to_numpy()]).tolist():
                yield asked[at]


def _chunks(texts: Sequence[str | None]) -> Iterator[list[_Piece]]:
    chunk: list[_Piece] = []
    size = 0
    for row, text in enumerate(texts):
        for at, piece, own in pieces(text) if text else ():
            chunk.append(_Piece(row, at, piece, own))
            size += len(piece)
            if size >= TOGETHER:
                yield chunk
                chunk, size = [], 0
    if chunk:
        yield chunk


Lists = Mapping[str, Listed]
"""By domain."""
