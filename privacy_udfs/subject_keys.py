"""Keys of subjects: leaves of a tree whose nodes stand in a table, and values under them (docs/crypto_shredding.md).

All keys but the subjects' own come from one, which is of one version of a named key and of one table:
``HKDF-Expand-SHA-256(key, "lakenym/subject_keys/2/" + role)``, RFC 5869. Of a subject s (its canonical bytes)::

    index  = HMAC-SHA-256(k.index, s)        its first 10 bytes: which leaf
    secret = that leaf of the tree under k.tree (`privacy_udfs.kernels.aes.key_tree`), 32 bytes

At first the tree is its root, 16 random bytes. To destroy a leaf is to put in the place of the node above it the
siblings on its way: all other leaves stay what they were, and of this one nothing is left to compute it from. Nodes
stand in the table in parts, each wrapped: ``AES-SIV(k.wrap, [table's id, depths, prefixes], seeds)``.

A value of the subject is sealed under a key that comes from the secret alone (`privacy_udfs.kernels.aes.by_key`), with
32 bytes bound to it: the first 22 of ``SHA-256(label)``, and the index.

An index would tell of all tokens of a subject that they are of one, in all columns and tables. So it stands in a token
as ``index xor AES-256(k.handle, the 16 bytes that follow it)``: the synthetic IV, or nonce and what comes after it.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from privacy_udfs.kernels.aes import GCM_KEY, BlockCipher, Index, Schedules, derived, key_tree, of_secrets
from privacy_udfs.kernels.arrays import Bytes, Places, each_length
from privacy_udfs.kernels.hmac import hmac_sha256
from privacy_udfs.technique import Key

INDEX, SECRET, SEED = 10, 32, 16
TABLE_KEY = 32
"""Bytes of the key of a table."""
KEY_LABEL = "subject_keys"
"""In the place of a technique's name where the key of a table is derived; its domain is the table's id."""
INFO = "lakenym/subject_keys/2/{role}"
AT_ONCE = 1 << 14
"""Rows that are sealed at a time, whose key schedules may be kept, some half kilobyte each: fewer cost more calls, and
what comes of more does not stay in the caches (measured)."""
OF_A_PART = 1 << 14
"""Nodes that are wrapped together."""


class Part(NamedTuple):
    """Nodes of a tree as they stand in its table, and travel: in order, their depths (a byte each), prefixes (10 bytes
    each), and seeds, wrapped."""

    depths: bytes
    prefixes: bytes
    wrapped: bytes

    def __repr__(self) -> str:
        return f"Part({len(self.depths)} nodes)"


class Keyed(NamedTuple):
    """Keys of subjects, a row each: the secret, and the index that a token of theirs names."""

    indexes: Bytes
    secrets: Bytes

    def bound(self, label: bytes) -> Bytes:
        """What is bound to a value of each. label: of `label`."""
        named = np.broadcast_to(np.frombuffer(label, np.uint8), (len(self.indexes), len(label)))
        return np.hstack([named, self.indexes])


@dataclasses.dataclass(frozen=True)
class TreeKey(Key):
    """The key of a table with the tree as far as it is there: what values of subjects are sealed and opened with.
    domain: of the treatment, or the column's own."""

    tree: str = ""
    domain: str = ""
    nodes: key_tree.Nodes | None = dataclasses.field(default=None, repr=False)

    @property
    def keys(self) -> SubjectKeys:
        return SubjectKeys(self.material, self.tree)

    def secrets(self, indexes: Bytes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
        """Of each index its leaf, and whether it is there; zeros where it was destroyed."""
        assert self.nodes is not None, "such a key is made with its nodes"
        return self.keys.secrets(self.nodes, indexes)


def label(technique: str, domain: str, associated_data: str) -> bytes:
    """What tells the values of a technique in a domain from others under the same key of a subject."""
    told = json.dumps(["lakenym/2/subject", technique, domain, associated_data], separators=(",", ":"))
    return hashlib.sha256(told.encode()).digest()[: 32 - INDEX]


class SubjectKeys:
    """One table under one version of its key. Arrays hold no nulls. tree: the table's id."""

    def __init__(self, key: bytes, tree: str) -> None:
        self._key, self._tree = key, tree

    def _of(self, role: str, size: int) -> bytes:
        return HKDFExpand(hashes.SHA256(), size, INFO.format(role=role).encode()).derive(self._key)

    def indexes(self, subjects: pa.BinaryArray) -> Bytes:
        """Which leaves are those of subjects, by their canonical bytes."""
        return np.ascontiguousarray(hmac_sha256(self._of("index", 32), subjects)[:, :INDEX])

    def root(self, random: Callable[[int], bytes] = os.urandom) -> key_tree.Nodes:
        """A new tree, in which every leaf is there."""
        return key_tree.root(random(SEED))

    def wrapped(self, nodes: key_tree.Nodes) -> list[Part]:
        """As they may stand in a table."""
        wrap, starts = AESSIV(self._of("wrap", 64)), range(0, len(nodes.depths), OF_A_PART)
        bare = [tuple(each[at : at + OF_A_PART].tobytes() for each in (nodes.depths, nodes.prefixes, nodes.seeds))
                for at in starts]  # fmt: skip
        return [Part(depths, prefixes, wrap.encrypt(seeds, self._bound(at, len(bare), depths, prefixes)))
                for at, (depths, prefixes, seeds) in enumerate(bare)]  # fmt: skip

    def unwrapped(self, parts: Sequence[Part]) -> key_tree.Nodes | None:
        """The inverse, in memory alone; None where any is none of this table under this key, or some are missing."""
        wrap, seeds = AESSIV(self._of("wrap", 64)), list[bytes]()
        try:
            for at, part in enumerate(parts):
                bound = self._bound(at, len(parts), part.depths, part.prefixes)
                seeds.append(wrap.decrypt(part.wrapped, bound))
            return key_tree.Nodes(depths_of(parts), prefixes_of(parts), _matrix(b"".join(seeds), SEED))
        except (InvalidTag, ValueError):
            return None

    def _bound(self, at: int, of: int, depths: bytes, prefixes: bytes) -> list[bytes]:
        return [self._tree.encode(), at.to_bytes(4, "big") + of.to_bytes(4, "big"), depths, prefixes]

    def secrets(self, nodes: key_tree.Nodes, indexes: Bytes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
        """As of `TreeKey`."""
        return key_tree.secrets(self._of("tree", 32), nodes, indexes)

    def punctured(self, nodes: key_tree.Nodes, indexes: Bytes) -> tuple[key_tree.Nodes, int]:
        """The nodes without these leaves, and how many of them were there."""
        return key_tree.punctured(self._of("tree", 32), nodes, indexes)

    def pads(self, blocks: Bytes) -> Bytes:
        """What hides the index of each token, by the 16 bytes that follow it there."""
        return self._handle.encrypt(np.ascontiguousarray(blocks))[:, :INDEX]

    @functools.cached_property
    def _handle(self) -> BlockCipher:
        return BlockCipher(self._of("handle", 32))


# -- nodes without their seeds ----------------------------------------------------------------------------------------


def depths_of(parts: Sequence[Part]) -> npt.NDArray[np.uint8]:
    return np.frombuffer(b"".join(part.depths for part in parts), np.uint8)


def prefixes_of(parts: Sequence[Part]) -> Bytes:
    """A row each."""
    return _matrix(b"".join(part.prefixes for part in parts), INDEX)


def _matrix(rows: bytes, size: int) -> Bytes:
    return np.frombuffer(rows, np.uint8).reshape(-1, size)


def lost(parts: Sequence[Part]) -> int:
    """How many leaves are not there any more."""
    sizes = np.bincount(depths_of(parts), minlength=key_tree.LEVELS + 1).tolist()
    there = sum(many * key_tree.ARITY ** (key_tree.LEVELS - depth) for depth, many in enumerate(sizes))
    return int(key_tree.ARITY**key_tree.LEVELS - there)


def covered(parts: Sequence[Part], by: Sequence[Part]) -> bool:
    """Whether nothing can be computed of some nodes that others do not give too: each lies below one of these, or is
    one. Nobody needs a key to see that."""
    first, last = spans(depths_of(by), prefixes_of(by))
    start, end = spans(depths_of(parts), prefixes_of(parts))
    order = np.argsort(first, kind="stable")
    at = np.searchsorted(first[order], start, side="right") - 1
    return bool(len(first) > 0 and (at >= 0).all() and (end <= last[order][at]).all())


def spans(depths: npt.NDArray[np.uint8], prefixes: Bytes) -> tuple[npt.NDArray[np.bytes_], npt.NDArray[np.bytes_]]:
    """The first and the last leaf below each node, as byte strings that are ordered as numbers are."""
    kept = 2 * depths.astype(np.int64)[:, None] - 8 * np.arange(INDEX)
    mask = (0xFF00 >> np.clip(kept, 0, 8) & 0xFF).astype(np.uint8)  # ones where the depth says the bits
    return named(prefixes & mask), named(prefixes | ~mask)


def named(prefixes: Bytes) -> npt.NDArray[np.bytes_]:
    """Rows of bytes as byte strings of one length."""
    return np.ascontiguousarray(prefixes).view(f"S{INDEX}").reshape(-1)


# -- values -----------------------------------------------------------------------------------------------------------


def slices(count: int) -> Iterator[slice]:
    """`AT_ONCE` rows each."""
    return (slice(at, min(at + AT_ONCE, count)) for at in range(0, count, AT_ONCE))


def siv(known: Keyed, under: bytes) -> Schedules:
    """What seals values of these subjects by AES-SIV. under: their label."""
    return of_secrets(known.secrets, b"siv", known.bound(under))


def gcm(known: Keyed) -> Bytes:
    """The keys under which values of these subjects are sealed by AES-GCM."""
    return derived(known.secrets, b"gcm", GCM_KEY)


def sealed(
    made: Schedules, index: Index, values: pa.BinaryArray, finished: Callable[[Index, Bytes], Bytes]
) -> pa.BinaryArray:
    """Each value under the key that ``index`` names. finished: what is made of sealed rows of one length, by their
    keys."""

    def rows(places: Places, plain: Bytes) -> Bytes:
        keys = index[places]
        return finished(keys, made.seal(keys, plain))

    done = each_length(values, rows)
    assert done is not None, "of rows that are sealed something always comes"
    return done


def opened(made: Schedules, index: Index, values: pa.BinaryArray) -> pa.BinaryArray | None:
    """The inverse of `sealed`; None where any is not authentic."""
    return each_length(values, lambda places, given: made.open(index[places], given))
