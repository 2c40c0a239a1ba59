"""Whose rows are left out of a run: those of the erased, told by codes of their ids under a key that does nothing else.

Of a value v (its canonical bytes, after the domain's ``normalize``)::

    code = the leftmost 16 bytes of HMAC-SHA-256(k, v)
    k    = HKDF-SHA-256 of the key's version, info = "lakenym/1/keyed_hash/erased/" + domain

No domain's name holds a ``/``, so k is the sub-key of no column, and a code joins with no treated table. Whoever has
the key and the codes can test guesses of ids; who has the codes alone learns how many there are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import TypeRefused
from privacy_udfs.kernels.arrays import Bytes, distinct_if_few, well_formed
from privacy_udfs.kernels.hmac import hmac_sha256
from privacy_udfs.kernels.text import TAKES, accepts, canonical, prefixes
from privacy_udfs.keys import KeyReference
from privacy_udfs.normalization import Normalize
from privacy_udfs.technique import Key, Technique, narrow, plain, plain_type
from privacy_udfs.techniques.keyed_hash import KeyedHash

SIZE = 16
LABEL = "erased/{domain}"
"""By which the sub-key of a domain is derived."""


class Parcel(Protocol):
    """What the driver sent to the tasks."""

    @property
    def value(self) -> Codes: ...


def technique(normalize: Normalize) -> KeyedHash:
    """By which the sub-key is derived, and how ids are spelled."""
    return KeyedHash(algorithm="HMAC-SHA-256", bits=8 * SIZE, normalize=normalize)


def spelling_of(treated: Technique) -> Normalize:
    """The steps by which a technique spells values before it treats them."""
    steps: Normalize = getattr(treated, "normalize", ())
    return steps


def label(domain: str) -> str:
    return LABEL.format(domain=domain)


def takes(kind: pa.DataType) -> bool:
    """Whether values of a type have canonical bytes."""
    return accepts(plain_type(kind))


def spelled(values: pa.Array, normalize: Sequence[str]) -> pa.BinaryArray:
    """The bytes of which codes are made; null of nulls, and of what names nobody. values: plain."""
    return canonical(narrow(values), tuple(normalize))


def spellings(values: pa.Array, then: Sequence[str], now: Sequence[str]) -> Iterator[pa.BinaryArray]:
    """The bytes that one person's id may have had when a code was made by other steps (`then`) than the domain has by
    now: of the value as it is, of what it is by now, and of that behind each prefix that is taken off by now. What
    steps since then made alike in another way (capitals, say) is not to be guessed. values: as `spelled` has them."""
    yield spelled(values, then)
    if tuple(then) == tuple(now) or not (pa.types.is_string(values.type) or pa.types.is_integer(values.type)):
        return
    text = spelled(values, now).cast(pa.string())
    yield spelled(text, then)
    for step in filter(prefixes.is_step, now):
        for prefix in prefixes.of(step):
            yield spelled(pc.binary_join_element_wise(prefix, text, ""), then)


def codes(found: pa.BinaryArray, key: Key) -> Bytes:
    """The code of each of `spelled`, a row of bytes each. found: without nulls."""
    return hmac_sha256(key.material, found)[:, :SIZE]


class Codes:
    """A set of codes, in order, so that a batch is looked up at once. Its `repr` shows how many there are."""

    def __init__(self, told: Sequence[bytes]) -> None:
        ordered = sorted(set(told))
        self.all = frozenset(ordered)
        self._heads = np.frombuffer(b"".join(each[:8] for each in ordered), ">u8").astype(np.uint64)

    def __repr__(self) -> str:
        return f"Codes({len(self)})"

    def __len__(self) -> int:
        return len(self.all)

    def has(self, asked: Bytes) -> npt.NDArray[np.bool_]:
        """Which of some codes are in the set: by their first 8 bytes at first, which few others share."""
        found = np.zeros(len(asked), bool)
        if len(self) and len(asked):
            heads = np.ascontiguousarray(asked[:, :8]).view(">u8").reshape(-1).astype(np.uint64)
            at = np.minimum(np.searchsorted(self._heads, heads), len(self) - 1)
            for row in np.flatnonzero(self._heads[at] == heads):
                found[row] = asked[row].tobytes() in self.all
        return found


@dataclasses.dataclass(frozen=True)
class Erased:
    """Those of one domain. by_key: for each version of the key, what it is, the steps by which ids were spelled when
    codes were made, which may be others than the domain's are by now, and these codes. now: the domain's by now."""

    domain: str
    by_key: tuple[tuple[KeyReference, tuple[str, ...], Parcel], ...]
    now: tuple[str, ...]

    def among(self, values: pa.Array | pa.ChunkedArray) -> pa.BooleanArray:
        """Whether each value is one of theirs; of nulls, and of text that is none, it is not."""
        values = narrow(plain(values))
        if not accepts(values.type):
            raise TypeRefused(f"the list of the erased does not take {values.type}; it takes {TAKES}")
        if pa.types.is_string(values.type):
            values = well_formed(values)[0]
        few = distinct_if_few(values)
        return (
            self._among(values) if few is None else pc.fill_null(self._among(few.dictionary).take(few.indices), False)
        )

    def _among(self, values: pa.Array) -> pa.BooleanArray:
        found = np.zeros(len(values), bool)
        for reference, normalize, parcel in self.by_key:
            if not len(parcel.value) or values.null_count == len(values):
                continue
            for named in spellings(values, normalize, self.now):
                there = np.flatnonzero(named.is_valid().to_numpy(zero_copy_only=False))
                if len(there):
                    found[there] |= parcel.value.has(codes(named.drop_null(), reference.resolve()))
        return pa.array(found)
