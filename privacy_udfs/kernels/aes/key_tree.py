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

import numpy as np
import numpy.typing as npt

from privacy_udfs.kernels.aes.block_cipher import BlockCipher
from privacy_udfs.kernels.aes.key_tree_nodes import (
    ARITY,
    INDEX,
    KEY,
    LEVELS,
    MASKS,
    NODE,
    SECRET,
    Nodes,
    children,
    rows_of_text,
    searched,
    text,
    together,
)
from privacy_udfs.kernels.aes.key_tree_walk import ready_for, walked
from privacy_udfs.kernels.arrays import Bytes

__all__ = ["ARITY", "INDEX", "KEY", "LEVELS", "NODE", "SECRET", "Nodes", "punctured", "root", "secrets"]


def root(seed: bytes) -> Nodes:
    """The whole tree. seed: 16 random bytes."""
    return Nodes(np.zeros(1, np.uint8), np.zeros((1, INDEX), np.uint8), np.frombuffer(seed, np.uint8).reshape(1, NODE))


def secrets(key: bytes, nodes: Nodes, indexes: Bytes) -> tuple[Bytes, npt.NDArray[np.bool_]]:
    """The secret of each index, a row of 32 bytes each, and whether it is alive: not where no node is left above it,
    since it was destroyed. Its row is zeros then."""
    cipher, indexes = _cipher(key), _checked(indexes)
    ready = ready_for(key, cipher, nodes)
    numbers = ready.above(indexes)
    alive = numbers >= 0
    if not alive.any():
        return np.zeros((len(indexes), SECRET), np.uint8), alive
    found = walked(key, cipher, ready.nodes, np.where(alive, numbers, 0), indexes)
    found[~alive] = 0
    return found, alive


def punctured(key: bytes, nodes: Nodes, indexes: Bytes) -> tuple[Nodes, int]:
    """The nodes without these leaves, and how many of the (distinct) indexes were alive before.

    The node above each goes, and the siblings on its path come in its place. What is left depends on the leaves that
    were ever taken out alone, not on the order.
    """
    cipher = _cipher(key)
    leaves = rows_of_text(np.unique(text(_checked(indexes))))
    above = searched(nodes, leaves)
    leaves, above = leaves[above >= 0], np.unique(above[above >= 0])
    if not len(leaves):
        return nodes, 0
    going, staying = nodes.loose(above), [nodes.loose(np.setdiff1d(np.arange(len(nodes)), above))]
    path = nodes.loose(above[:0])
    for level in range(LEVELS):
        path = together([path, going.where(going.depths == level)])
        below = children(cipher, path, level)
        on_path = np.isin(text(below.prefixes), text(leaves & MASKS[level + 1]))
        staying.append(below.where(~on_path))
        path = below.where(on_path)
    return together(staying).in_order(), len(leaves)


def _cipher(key: bytes) -> BlockCipher:
    if len(key) != KEY:
        raise ValueError(f"the key of a tree has {KEY} bytes")
    return BlockCipher(key)


def _checked(indexes: Bytes) -> Bytes:
    if indexes.dtype != np.uint8 or indexes.ndim != 2 or indexes.shape[1] != INDEX:
        raise ValueError(f"indexes are rows of {INDEX} bytes")
    return np.ascontiguousarray(indexes)
