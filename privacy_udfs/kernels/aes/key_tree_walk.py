"""From nodes of a key tree down to leaves, for many indexes at once (`key_tree`).

With AES instructions and llvmlite (the extra ``fast``) the walk is compiled code (`key_tree_ir`); elsewhere, and for
few indexes, rows go from level to level together through OpenSSL's AES. Both give the same bytes.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from privacy_udfs.kernels.aes.block_cipher import BlockCipher
from privacy_udfs.kernels.aes.blocks import encrypt_all
from privacy_udfs.kernels.aes.compiled import first_that_agrees, starts
from privacy_udfs.kernels.aes.key_tree_nodes import (
    ARITY,
    INDEX,
    KEY,
    LEVELS,
    SECRET,
    TWEAKS,
    Nodes,
    Numbers,
    children,
    searched,
    together,
)
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.kernels.native import COUNT, POINTER, MachineCode

EXPANDED = 6
"""The level down to which nodes are made once for all rows."""
ENOUGH = 500  # indexes from which on compiling pays
AT_ONCE = 1 << 13  # rows that go from level to level together: what lies in the caches (measured)
_DEEPEST_CELLS = 10
_NODES_OF_A_LEAF = 100  # that its destruction leaves in its cell, about


class Ready(NamedTuple):
    """Nodes made down to `EXPANDED`, and which of them stands above all leaves that begin with the bits of a cell; -1:
    none or several. level: how far down the cells are."""

    nodes: Nodes
    cells: npt.NDArray[np.int32]
    level: int

    def above(self, indexes: Bytes) -> Numbers:
        """Which node stands above each index; -1: none."""
        found = self.cells[_cell(indexes, self.level)].astype(np.int64)
        left = np.flatnonzero(found < 0)
        if len(left):
            found[left] = searched(self.nodes, indexes[left])
        return found


def ready_for(key: bytes, cipher: BlockCipher, nodes: Nodes) -> Ready:
    """Made once, and kept with the nodes; threads at most make the same twice."""
    kept: Ready | None = nodes.ready.get(key)
    if kept is None:
        kept = nodes.ready[key] = _made_ready(cipher, nodes)
    return kept


def _made_ready(cipher: BlockCipher, nodes: Nodes) -> Ready:
    found = nodes.loose()
    for level in range(EXPANDED):
        high = found.depths == level
        found = together([found.where(~high), children(cipher, found.where(high), level)])
    made = found.in_order()
    level = _level_of_cells(len(made))
    high = np.flatnonzero(made.depths <= level)
    wide = ARITY ** (level - made.depths[high].astype(np.int64))
    within = np.arange(int(wide.sum())) - np.repeat(np.cumsum(wide) - wide, wide)
    cells = np.full(ARITY**level, -1, np.int32)
    cells[np.repeat(_cell(made.prefixes[high], level), wide) + within] = np.repeat(high, wide)
    return Ready(made, cells, level)


def _level_of_cells(nodes: int) -> int:
    """Such that few cells, one in 64, have a leaf that is gone: rows of those must be searched."""
    gone = max(1, nodes - ARITY**EXPANDED) / _NODES_OF_A_LEAF
    return min(_DEEPEST_CELLS, max(EXPANDED, math.ceil(math.log(64 * gone, ARITY))))


def _cell(indexes: Bytes, level: int) -> Numbers:
    """The bits of indexes that lead to a level, as a number."""
    first = np.ascontiguousarray(indexes[:, :4]).view(">u4").reshape(-1)
    cells: Numbers = (first >> np.uint32(32 - 2 * level)).astype(np.int64)
    return cells


def walked(key: bytes, cipher: BlockCipher, nodes: Nodes, numbers: Numbers, indexes: Bytes) -> Bytes:
    """The secret of each index, from the node on that ``numbers`` names, none of them above level `EXPANDED`."""
    native = compiled() if len(indexes) >= ENOUGH else None
    return plain(cipher, nodes, numbers, indexes) if native is None else native.walked(key, nodes, numbers, indexes)


def plain(cipher: BlockCipher, nodes: Nodes, numbers: Numbers, indexes: Bytes) -> Bytes:
    """As `walked`, by OpenSSL."""
    found = np.empty((len(numbers), SECRET), np.uint8)
    for at in range(0, len(numbers), AT_ONCE):
        rows = slice(at, at + AT_ONCE)
        found[rows] = _together_down(cipher, nodes, numbers[rows], indexes[rows])
    return found


def _together_down(cipher: BlockCipher, nodes: Nodes, numbers: Numbers, indexes: Bytes) -> Bytes:
    depths = nodes.depths[numbers]
    order = np.argsort(depths, kind="stable")
    depths, indexes = depths[order], indexes[order]
    now = nodes.seeds[numbers[order]].view(np.uint64)
    going = np.searchsorted(depths, np.arange(LEVELS), "right")
    for level in range(int(depths[0]), LEVELS):
        many = int(going[level])
        digits = indexes[:many, level // 4] >> np.uint8(6 - 2 * (level % 4)) & np.uint8(ARITY - 1)
        blocks = now[:many] ^ TWEAKS[level].take(digits, axis=0)
        now[:many] = encrypt_all(cipher, blocks) ^ blocks
    secret = now[:, None] ^ TWEAKS[LEVELS, :2]
    secret ^= encrypt_all(cipher, secret)
    found = np.empty((len(numbers), SECRET), np.uint8)
    found[order] = secret.view(np.uint8).reshape(-1, SECRET)
    return found


class Compiled:
    """The compiled walk. wide: blocks of a register."""

    def __init__(self, wide: int) -> None:
        from privacy_udfs.kernels.aes import key_tree_ir

        self._code = MachineCode(key_tree_ir.module(wide, EXPANDED))
        self._walk = self._code.function("walk", *[POINTER] * 5, COUNT, POINTER)

    def walked(self, key: bytes, nodes: Nodes, numbers: Numbers, indexes: Bytes) -> Bytes:
        """As `walked`. Compiled code follows a number anywhere, and takes buffers to be as long as they should."""
        many = len(numbers)
        found = np.empty((many, SECRET), np.uint8)
        if not many:
            return found
        if not 0 <= numbers.min() <= numbers.max() < len(nodes) or indexes.shape != (many, INDEX) or len(key) != KEY:
            raise IndexError("no such node")
        which, rows = numbers.astype(np.int32), np.ascontiguousarray(indexes, np.uint8)
        given = np.frombuffer(key, np.uint8), nodes.seeds, nodes.depths, which, rows
        self._walk(*starts(*given), many, *starts(found))
        return found


@lru_cache
def compiled() -> Compiled | None:
    """The compiled walk; None where it cannot be had, or does not give the bytes of OpenSSL."""
    return first_that_agrees("a key tree", Compiled, _agrees)


def _agrees(code: Compiled) -> bool:
    """Whether walks from all levels on come out as by OpenSSL."""
    key, levels = bytes(range(KEY)), np.arange(EXPANDED, LEVELS + 1)
    rng = np.random.default_rng(1)
    indexes, seeds = rng.integers(0, 256, (99, INDEX), np.uint8), rng.integers(0, 256, (len(levels), 16), np.uint8)
    prefixes = np.zeros((len(levels), INDEX), np.uint8)
    prefixes[:, 0] = levels << 2
    nodes = Nodes(levels.astype(np.uint8), prefixes, seeds)
    numbers = np.arange(99) % len(levels)
    return np.array_equal(code.walked(key, nodes, numbers, indexes), plain(BlockCipher(key), nodes, numbers, indexes))
