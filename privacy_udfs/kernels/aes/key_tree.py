"""Secrets that are leaves of a tree under one root, of which any can be destroyed without a trace: a puncturable PRF.

The tree of Goldreich, Goldwasser and Micali (1986), four children a node, 40 levels: an index of 80 bits names a leaf.
From a node all below it can be made, and nothing above or beside it. To destroy a leaf is to replace the node above it
by the siblings of all nodes on its path: all other leaves stay as they are, and this one cannot be made again, as in
the puncturable and constrained pseudorandom functions of Boneh and Waters (2013), Kiayias et al. (2013) and Boyle,
Goldwasser and Ivan (2014). Of a node of 16 bytes, at its level (0 at the root), under the tree's key K of 32 bytes::

    child(node, level, digit) = AES-256(K, x) xor x    x = node xor (level || digit || 14 zeros), a byte each
    secret                    = child(leaf, 40, 0) || child(leaf, 40, 1)

AES xor its own input is one-way also for one who holds K: the form of Matyas, Meyer and Oseas (ISO/IEC 10118-2) under a
key that is the same everywhere, as is usual in such trees (Guo et al. 2020, "Efficient and Secure Multiparty
Computation from Fixed-Key Block Ciphers"). So what is destroyed is safe from the holder of K, as far as AES under a
known key is like a random permutation, and from everybody else by the secrecy of K besides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from privacy_udfs.kernels.aes.block_cipher import BlockCipher
from privacy_udfs.kernels.aes.blocks import encrypt_all
from privacy_udfs.kernels.arrays import Bytes

INDEX, ARITY, LEVELS, NODE, SECRET, KEY = 10, 4, 40, 16, 32, 32
"""Bytes of an index; children of a node; levels below the root; bytes of a node, of a leaf's secret, of the tree's key.
Of 10^9 subjects with random indexes two share a leaf with chance 4e-7."""
AT_ONCE = 1 << 13  # rows that go from level to level together: what lies in the caches (measured)
_EXPANDED = 6  # the level down to which nodes are made once for all rows
_DEEPEST_TABLE = 10
Numbers = npt.NDArray[np.int64]
Pairs = npt.NDArray[np.uint64]


def _masks() -> Bytes:
    """Row d: the bits of an index that lead to a node at level d."""
    return np.packbits(np.arange(8 * INDEX) < 2 * np.arange(LEVELS + 1)[:, None], axis=1)


def _tweaks() -> Pairs:
    """By level and digit."""
    found = np.zeros((LEVELS + 1, ARITY, NODE), np.uint8)
    found[:, :, 0], found[:, :, 1] = np.arange(LEVELS + 1)[:, None], np.arange(ARITY)
    return found.view(np.uint64)


_MASKS, _TWEAKS = _masks(), _tweaks()


@dataclass(frozen=True, eq=False, repr=False)
class Nodes:
    """Nodes from which all leaves that are left can be made, sorted, none above another. Keys: kept like them.

    depths: the level of each, uint8. prefixes: the index bits that lead to it, zeros after them, rows of 10 bytes.
    seeds: rows of 16 bytes. Raises `ValueError` where these are no such nodes.
    """

    depths: Bytes
    prefixes: Bytes
    seeds: Bytes
    _ready: dict[bytes, _Ready] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        many = len(self.depths)
        shapes = [(self.depths, (many,)), (self.prefixes, (many, INDEX)), (self.seeds, (many, NODE))]
        if any(each.dtype != np.uint8 or each.shape != shape for each, shape in shapes) or not self._in_order():
            raise ValueError("these are not the nodes of a key tree")

    def __len__(self) -> int:
        return len(self.depths)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Nodes):
            return NotImplemented
        mine, others = ((each.depths, each.prefixes, each.seeds) for each in (self, other))
        return all(np.array_equal(*pair) for pair in zip(mine, others, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Nodes({len(self)})"

    def __reduce__(self) -> tuple[type[Nodes], tuple[Bytes, Bytes, Bytes]]:
        return Nodes, (self.depths, self.prefixes, self.seeds)

    def _in_order(self) -> bool:
        if not len(self) or self.depths.max() > LEVELS:
            return not len(self)
        if (self.prefixes & ~_MASKS[self.depths]).any():
            return False
        # none is above another exactly where each begins behind the last leaf below the one before it
        ends = self.prefixes | ~_MASKS[self.depths]
        return bool((_text(ends)[:-1] < _text(self.prefixes)[1:]).all())


class _Ready(NamedTuple):
    """Nodes made down to `_EXPANDED`, and which of them stands above all leaves that begin with the bits of a cell; -1:
    none or several."""

    nodes: Nodes
    cells: npt.NDArray[np.int32]
    level: int


def root(seed: bytes) -> Nodes:
    """The whole tree. seed: 16 random bytes."""
    return Nodes(np.zeros(1, np.uint8), np.zeros((1, INDEX), np.uint8), np.frombuffer(seed, np.uint8).reshape(1, NODE))


def secrets(key: bytes, nodes: Nodes, indexes: Bytes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
    """The secret of each index, a row of 32 bytes each, and whether it is alive: not where no node is left above it,
    since it was destroyed. Its row is zeros then."""
    cipher, indexes = _cipher(key), _checked(indexes)
    ready = _ready(key, cipher, nodes)
    numbers = _above(ready, indexes)
    alive = numbers >= 0
    found = np.zeros((len(indexes), SECRET), np.uint8)
    for at in range(0, len(indexes), AT_ONCE):
        rows = slice(at, at + AT_ONCE)
        some = numbers[rows]
        if len(ready.nodes):
            found[rows] = _walked(cipher, ready.nodes, some, indexes[rows])
    found[~alive] = 0
    return found, alive


def punctured(key: bytes, nodes: Nodes, indexes: Bytes) -> tuple[Nodes, int]:
    """The nodes without these leaves, and how many of the (distinct) indexes were alive before.

    The node above each goes, and the siblings on its path come in its place. What is left depends on the leaves that
    were ever taken out alone, not on the order.
    """
    cipher = _cipher(key)
    leaves = _rows(np.unique(_text(_checked(indexes))))
    above = _searched(nodes, leaves)
    leaves, above = leaves[above >= 0], np.unique(above[above >= 0])
    if not len(leaves):
        return nodes, 0
    going, staying = _of(nodes, above), [_of(nodes, np.setdiff1d(np.arange(len(nodes)), above))]
    path = _of(nodes, above[:0])
    for level in range(LEVELS):
        path = _together([path, going.where(going.depths == level)])
        children = _children(cipher, path, level)
        on_path = np.isin(_text(children.prefixes), _text(leaves & _MASKS[level + 1]))
        staying.append(children.where(~on_path))
        path = children.where(on_path)
    left = _together(staying)
    return Nodes(*left.where(np.argsort(_text(left.prefixes), kind="stable"))), len(leaves)


class _Some(NamedTuple):
    """Nodes in any order."""

    depths: Bytes
    prefixes: Bytes
    seeds: Bytes

    def where(self, rows: npt.NDArray[np.bool_] | Numbers) -> _Some:
        return _Some(*(each[rows] for each in self))


def _of(nodes: Nodes, numbers: Numbers) -> _Some:
    return _Some(nodes.depths, nodes.prefixes, nodes.seeds).where(numbers)


def _together(parts: list[_Some]) -> _Some:
    return _Some(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def _children(cipher: BlockCipher, of: _Some, level: int) -> _Some:
    """All children of nodes of one level."""
    parts = []
    for digit in range(ARITY):
        prefixes = of.prefixes.copy()
        prefixes[:, level // 4] |= np.uint8(digit << 6 - 2 * (level % 4))
        blocks = of.seeds.view(np.uint64) ^ _TWEAKS[level, digit]
        seeds = (encrypt_all(cipher, blocks) ^ blocks).view(np.uint8)
        parts.append(_Some(of.depths + np.uint8(1), prefixes, seeds))
    return _together(parts)


def _ready(key: bytes, cipher: BlockCipher, nodes: Nodes) -> _Ready:
    """Made once, and kept with the nodes; two threads at most make the same twice."""
    kept = nodes._ready.get(key)
    if kept is None:
        kept = nodes._ready[key] = _made_ready(cipher, nodes)
    return kept


def _made_ready(cipher: BlockCipher, nodes: Nodes) -> _Ready:
    parts = [_of(nodes, np.arange(len(nodes)))]
    for level in range(_EXPANDED):
        first = parts.pop(0)
        high = first.depths == level
        parts.append(_together([first.where(~high), _children(cipher, first.where(high), level)]))
    made = parts[0].where(np.argsort(_text(parts[0].prefixes), kind="stable"))
    level = min(_DEEPEST_TABLE, _EXPANDED + max(0, len(made.depths) - ARITY**_EXPANDED).bit_length() // 3)
    cells = np.full(ARITY**level, -1, np.int32)
    high = np.flatnonzero(made.depths <= level)
    first = (made.prefixes[high, :4].copy().view(">u4").reshape(-1) >> np.uint32(32 - 2 * level)).astype(np.int64)
    wide = ARITY ** (level - made.depths[high].astype(np.int64))
    ends = np.cumsum(wide)
    cells[np.repeat(first - (ends - wide), wide) + np.arange(wide.sum())] = np.repeat(high, wide)
    return _Ready(Nodes(*made), cells, level)


def _above(ready: _Ready, indexes: Bytes) -> Numbers:
    """As `_searched`, by the table."""
    first = indexes[:, :4].copy().view(">u4").reshape(-1) >> np.uint32(32 - 2 * ready.level)
    found = ready.cells[first].astype(np.int64)
    left = np.flatnonzero(found < 0)
    if len(left):
        found[left] = _searched(ready.nodes, indexes[left])
    return found


def _walked(cipher: BlockCipher, nodes: Nodes, numbers: Numbers, indexes: Bytes) -> Bytes:
    """From a node each down to the leaf, and on to its secret."""
    depths = nodes.depths[numbers]
    order = np.argsort(depths, kind="stable")
    depths, indexes = depths[order], indexes[order]
    now = nodes.seeds[numbers[order]].view(np.uint64)
    going = np.searchsorted(depths, np.arange(LEVELS), "right")
    for level in range(int(depths[0]), LEVELS):
        many = int(going[level])
        digits = indexes[:many, level // 4] >> np.uint8(6 - 2 * (level % 4)) & np.uint8(3)
        blocks = now[:many] ^ _TWEAKS[level].take(digits, axis=0)
        now[:many] = encrypt_all(cipher, blocks) ^ blocks
    secret = now[:, None] ^ _TWEAKS[LEVELS, :2]
    secret ^= encrypt_all(cipher, secret)
    found = np.empty((len(numbers), SECRET), np.uint8)
    found[order] = secret.view(np.uint8).reshape(-1, SECRET)
    return found


def _cipher(key: bytes) -> BlockCipher:
    if len(key) != KEY:
        raise ValueError(f"the key of a tree has {KEY} bytes")
    return BlockCipher(key)


def _checked(indexes: Bytes) -> Bytes:
    if indexes.dtype != np.uint8 or indexes.ndim != 2 or indexes.shape[1] != INDEX:
        raise ValueError(f"indexes are rows of {INDEX} bytes")
    return np.ascontiguousarray(indexes)


def _text(rows: Bytes) -> npt.NDArray[np.bytes_]:
    """Rows as items that sort by their bytes."""
    return np.ascontiguousarray(rows).view(f"S{INDEX}").reshape(-1)


def _rows(text: npt.NDArray[np.bytes_]) -> Bytes:
    return text.view(np.uint8).reshape(-1, INDEX)


def _searched(nodes: Nodes, indexes: Bytes) -> Numbers:
    """Which node stands above each index; -1: none."""
    if not len(nodes):
        return np.full(len(indexes), -1, np.int64)
    found = np.searchsorted(_text(nodes.prefixes), _text(indexes), "right") - 1
    below = (indexes & _MASKS[nodes.depths[found]] == nodes.prefixes[found]).all(axis=1)
    return np.where(below, found, -1)
