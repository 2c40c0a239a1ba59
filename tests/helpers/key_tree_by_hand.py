"""A key tree and values under its leaves, one at a time, with `cryptography` alone: nothing of this project.

``python -m tests.helpers.key_tree_by_hand`` writes the held vectors, which never change.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.kdf.kbkdf import KBKDFCMAC, CounterLocation, Mode

FILE = Path(__file__).parents[1] / "vectors" / "key_tree.json"
LEVELS = 40
Node = tuple[int, ...]
"""The digits that lead to a node."""


class Tree:
    """nodes: seeds by the digits that lead to them."""

    def __init__(self, key: bytes, seed: bytes) -> None:
        self._aes = Cipher(algorithms.AES256(key), modes.ECB())
        self.nodes: dict[Node, bytes] = {(): seed}

    def child(self, seed: bytes, level: int, digit: int) -> bytes:
        block = bytes(one ^ other for one, other in zip(seed, bytes([level, digit, *[0] * 14]), strict=True))
        made = self._aes.encryptor().update(block)
        return bytes(one ^ other for one, other in zip(made, block, strict=True))

    def secret(self, index: bytes) -> bytes | None:
        path = digits(index)
        above = [node for node in (path[:level] for level in range(LEVELS + 1)) if node in self.nodes]
        if not above:
            return None
        seed = self.nodes[above[0]]
        for level in range(len(above[0]), LEVELS):
            seed = self.child(seed, level, path[level])
        return self.child(seed, LEVELS, 0) + self.child(seed, LEVELS, 1)

    def puncture(self, index: bytes) -> bool:
        path = digits(index)
        for start in range(LEVELS + 1):
            seed = self.nodes.pop(path[:start], None)
            if seed is None:
                continue
            for level in range(start, LEVELS):
                for digit in set(range(4)) - {path[level]}:
                    self.nodes[(*path[:level], digit)] = self.child(seed, level, digit)
                seed = self.child(seed, level, path[level])
            return True
        return False

    def rows(self) -> list[tuple[int, bytes, bytes]]:
        """Depth, prefix and seed of each node, in the order of their first leaves."""
        return [(len(node), prefix(node), seed) for node, seed in sorted(self.nodes.items())]


def digits(index: bytes) -> Node:
    return tuple(byte >> shift & 3 for byte in index for shift in (6, 4, 2, 0))


def prefix(node: Node) -> bytes:
    whole = (*node, *[0] * (LEVELS - len(node)))
    return bytes(
        sum(digit << shift for digit, shift in zip(whole[at : at + 4], (6, 4, 2, 0), strict=True))
        for at in range(0, LEVELS, 4)
    )


def siv_key(secret: bytes, label: bytes) -> bytes:
    made = KBKDFCMAC(algorithms.AES, Mode.CounterMode, 64, 4, 4, CounterLocation.BeforeFixed, label, b"", None)
    return made.derive(secret)


def sealed(secret: bytes, label: bytes, bound: bytes, message: bytes) -> bytes:
    return AESSIV(siv_key(secret, label)).encrypt(message, [bound])


def indexes(count: int) -> list[bytes]:
    return [hashlib.sha256(b"index %d" % at).digest()[:10] for at in range(count)]


def held() -> dict[str, Any]:
    key, seed = bytes(range(32)), bytes(range(100, 116))
    tree, some, bound = Tree(key, seed), [bytes(10), b"\xff" * 10, *indexes(10)], bytes(range(200, 232))
    secrets = {index.hex(): str_(tree.secret(index)) for index in some}
    first = tree.secret(some[0]) or b""
    lengths = (0, 1, 15, 16, 17, 31, 32, 33, 100)
    tokens = {str(size): sealed(first, b"siv", bound, bytes(range(size))).hex() for size in lengths}
    for index in some[:3]:
        tree.puncture(index)
    nodes = [[depth, place.hex(), made.hex()] for depth, place, made in tree.rows()]
    return {
        "source": "cryptography, one at a time, by docs/crypto_shredding.md (tests/helpers/key_tree_by_hand.py)",
        "key": key.hex(),
        "root": seed.hex(),
        "secrets": secrets,
        "sealed": {"secret": first.hex(), "label": "siv", "bound": bound.hex(), "by length of 00 01 02 ...": tokens},
        "punctured": {"indexes": [index.hex() for index in some[:3]], "nodes": nodes},
    }


def str_(secret: bytes | None) -> str:
    return (secret or b"").hex()


if __name__ == "__main__":
    FILE.write_text(json.dumps(held(), indent=1) + "\n", encoding="utf-8")
