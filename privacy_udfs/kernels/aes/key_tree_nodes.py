"""Nodes of a key tree: which there are, which stands above an index, and their children (`key_tree`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from privacy_udfs.kernels.aes.block_cipher import BlockCipher
from privacy_udfs.kernels.aes.blocks import encrypt_all
from privacy_udfs.kernels.arrays import Bytes

INDEX, ARITY, LEVELS, NODE, SECRET, KEY = 10, 4, 40, 16, 32, 32
"""Bytes of an index; children of a node; levels below the root; bytes of a node, of a leaf's secret, of the tree's key.
Of 10^9 subjects with random indexes two share a leaf with chance 4e-7."""
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


MASKS, TWEAKS = _masks(), _tweaks()


class Loose(NamedTuple):
    """Nodes in any order."""

    depths: Bytes
    prefixes: Bytes
    seeds: Bytes

    def where(self, rows: npt.NDArray[np.bool_] | Numbers) -> Loose:
        return Loose(*(each[rows] for each in self))

    def in_order(self) -> Nodes:
        return Nodes(*self.where(np.argsort(text(self.prefixes), kind="stable")))


@dataclass(frozen=True, eq=False, repr=False)
class Nodes:
    """Nodes from which all leaves that are left can be made, sorted, none above another. Keys: kept like them.

    depths: the level of each, uint8. prefixes: the index bits that lead to it, zeros after them, rows of 10 bytes.
    seeds: rows of 16 bytes. ready: what was made of them, by key. Raises `ValueError` where these are no such nodes.
    """

    depths: Bytes
    prefixes: Bytes
    seeds: Bytes
    ready: dict[bytes, Any] = field(default_factory=dict, init=False, compare=False)

    def __post_init__(self) -> None:
        many = len(self.depths)
        shapes = [(self.depths, (many,)), (self.prefixes, (many, INDEX)), (self.seeds, (many, NODE))]
        if any(each.dtype != np.uint8 or each.shape != shape for each, shape in shapes) or not self._in_order():
            raise ValueError("these are not the nodes of a key tree")
        for name in ("depths", "prefixes", "seeds"):
            own = np.array(getattr(self, name), order="C")
            own.setflags(write=False)
            object.__setattr__(self, name, own)

    def loose(self, numbers: Numbers | slice = slice(None)) -> Loose:
        return Loose(*(each[numbers] for each in (self.depths, self.prefixes, self.seeds)))

    def __len__(self) -> int:
        return len(self.depths)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Nodes):
            return NotImplemented
        return all(np.array_equal(*pair) for pair in zip(self.loose(), other.loose(), strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Nodes({len(self)})"

    def __reduce__(self) -> tuple[type[Nodes], tuple[Bytes, Bytes, Bytes]]:
        return Nodes, tuple(self.loose())  # type: ignore[return-value]

    def _in_order(self) -> bool:
        if not len(self) or self.depths.max() > LEVELS:
            return not len(self)
        if (self.prefixes & ~MASKS[self.depths]).any():
            return False
        # none is above another exactly where each begins behind the last leaf below the one before it
        ends = self.prefixes | ~MASKS[self.depths]
        return bool((text(ends)[:-1] < text(self.prefixes)[1:]).all())


def together(parts: list[Loose]) -> Loose:
    return Loose(*(np.concatenate(each) for each in zip(*parts, strict=True)))


def children(cipher: BlockCipher, of: Loose, level: int) -> Loose:
    """All children of nodes of one level."""
    parts = []
    for digit in range(ARITY):
        prefixes = of.prefixes.copy()
        prefixes[:, level // 4] |= np.uint8(digit << 6 - 2 * (level % 4))
        blocks = of.seeds.view(np.uint64) ^ TWEAKS[level, digit]
        seeds = (encrypt_all(cipher, blocks) ^ blocks).view(np.uint8)
        parts.append(Loose(of.depths + np.uint8(1), prefixes, seeds))
    return together(parts)


def text(rows: Bytes) -> npt.NDArray[np.bytes_]:
    """Rows as items that sort by their bytes."""
    return np.ascontiguousarray(rows).view(f"S{INDEX}").reshape(-1)


def rows_of_text(text: npt.NDArray[np.bytes_]) -> Bytes:
    return text.view(np.uint8).reshape(-1, INDEX)


def searched(nodes: Nodes, indexes: Bytes) -> Numbers:
    """Which node stands above each index; -1: none."""
    if not len(nodes):
        return np.full(len(indexes), -1, np.int64)
    found = np.searchsorted(text(nodes.prefixes), text(indexes), "right") - 1
    below = (indexes & MASKS[nodes.depths[found]] == nodes.prefixes[found]).all(axis=1)
    return np.where(below, found, -1)
