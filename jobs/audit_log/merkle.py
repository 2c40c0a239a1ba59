"""Merkle trees as RFC 9162 has them (section 2.1): roots, proofs that a leaf is in a tree, and that a tree grew.

The hash of a leaf is SHA-256 of the byte 0 and its content, that of a node SHA-256 of the byte 1 and both hashes below.
What is here knows hashes of leaves only. A *frontier* are the roots of the full subtrees that a tree of some size is
made of, the largest first, one for each bit of the size: all that one has to know to go on from it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

Hash = bytes
Frontier = tuple[Hash, ...]
EMPTY = hashlib.sha256(b"").digest()
"""The root of a tree without a leaf."""


class NotProven(ValueError):
    """A proof does not show what it is said to show."""


def leaf_hash(content: bytes) -> Hash:
    return hashlib.sha256(b"\x00" + content).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    return hashlib.sha256(b"\x01" + left + right).digest()


# -- frontiers --------------------------------------------------------------------------------------------------------


def grown(frontier: Frontier, size: int, leaf: Hash) -> Frontier:
    """The frontier of a tree of ``size`` leaves once it has one more. Raises `NotProven` for one of another size."""
    if len(frontier) != size.bit_count():
        raise NotProven(f"a tree of {size} leaves has {size.bit_count()} full parts, not {len(frontier)}")
    parts, last = list(frontier), leaf
    while size & 1:
        last, size = node_hash(parts.pop(), last), size >> 1
    return (*parts, last)


def root(frontier: Frontier) -> Hash:
    """Of a tree by its frontier."""
    if not frontier:
        return EMPTY
    *rest, found = frontier
    for part in reversed(rest):
        found = node_hash(part, found)
    return found


def frontier_of(leaves: Iterable[Hash]) -> Frontier:
    found: Frontier = ()
    for size, leaf in enumerate(leaves):
        found = grown(found, size, leaf)
    return found


def root_of(leaves: Iterable[Hash]) -> Hash:
    """MTH, of hashes of leaves."""
    return root(frontier_of(leaves))


# -- proofs -----------------------------------------------------------------------------------------------------------


def _split(size: int) -> int:
    """The largest power of two below a size of two or more."""
    return 1 << (size - 1).bit_length() - 1


def inclusion(leaves: Sequence[Hash], index: int) -> list[Hash]:
    """PATH (2.1.3.1): the proof that a tree has the leaf at ``index``."""
    if not 0 <= index < len(leaves):
        raise NotProven(f"a tree of {len(leaves)} leaves has none at {index}")
    if len(leaves) == 1:
        return []
    middle = _split(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    if index < middle:
        return [*inclusion(left, index), root_of(right)]
    return [*inclusion(right, index - middle), root_of(left)]


def consistency(leaves: Sequence[Hash], earlier: int) -> list[Hash]:
    """PROOF (2.1.4.1): the proof that a tree begins with the tree of its first ``earlier`` leaves."""
    if not 0 < earlier <= len(leaves):
        raise NotProven(f"a tree of {len(leaves)} leaves does not begin with one of {earlier}")
    return _subproof(leaves, earlier, is_whole=True)


def _subproof(leaves: Sequence[Hash], earlier: int, is_whole: bool) -> list[Hash]:
    if earlier == len(leaves):
        return [] if is_whole else [root_of(leaves)]
    middle = _split(len(leaves))
    left, right = leaves[:middle], leaves[middle:]
    if earlier <= middle:
        return [*_subproof(left, earlier, is_whole), root_of(right)]
    return [*_subproof(right, earlier - middle, is_whole=False), root_of(left)]


def check_inclusion(leaf: Hash, index: int, size: int, proof: Sequence[Hash], wanted: Hash) -> None:
    """2.1.3.2. Raises `NotProven`."""
    if not 0 <= index < size:
        raise NotProven(f"a tree of {size} leaves has none at {index}")
    at, last, found = index, size - 1, leaf
    for other in proof:
        if last == 0:
            raise NotProven("the proof is too long")
        if at & 1 or at == last:
            found = node_hash(other, found)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            found = node_hash(found, other)
        at, last = at >> 1, last >> 1
    if last:
        raise NotProven("the proof is too short")
    if found != wanted:
        raise NotProven("the leaf is not in the tree with this root")


def check_consistency(earlier: int, size: int, proof: Sequence[Hash], earlier_root: Hash, wanted: Hash) -> None:
    """2.1.4.2. Raises `NotProven`."""
    if not 0 < earlier <= size:
        raise NotProven(f"a tree of {size} leaves does not begin with one of {earlier}")
    if earlier == size:
        if proof or earlier_root != wanted:
            raise NotProven("two trees of one size have different roots")
        return
    path = list(proof) if earlier & earlier - 1 else [earlier_root, *proof]
    if not path:
        raise NotProven("the proof is too short")
    at, last = earlier - 1, size - 1
    while at & 1:
        at, last = at >> 1, last >> 1
    first = second = path[0]
    for other in path[1:]:
        if last == 0:
            raise NotProven("the proof is too long")
        if at & 1 or at == last:
            first, second = node_hash(other, first), node_hash(other, second)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            second = node_hash(second, other)
        at, last = at >> 1, last >> 1
    if last:
        raise NotProven("the proof is too short")
    if first != earlier_root or second != wanted:
        raise NotProven("the tree does not begin with the tree of the earlier root")
