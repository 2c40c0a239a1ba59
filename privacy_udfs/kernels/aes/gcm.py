"""AES-GCM of NIST SP 800-38D over whole arrays of messages, each with a nonce of its own.

GHASH multiplies by one constant H, so a product is the xor of sixteen table rows, one for each byte of the factor; all
messages go through it abreast, a block at a time.
"""

from __future__ import annotations

import os

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy_udfs.kernels.aes.block_cipher import BLOCK, BlockCipher
from privacy_udfs.kernels.aes.blocks import (
    Blocks,
    Pairs,
    blocks_of,
    chain,
    encrypt_all,
    keystream_xor,
    messages_of,
    pair,
)
from privacy_udfs.kernels.arrays import Bytes, binary, by_size, cut, joined, rows_of, shorter_than, to_bytes

NONCE = 12
TAG = 16
BATCH_UP_TO = 128  # bytes of a message; longer ones go one by one, where a call costs less than blocks (measured)
_ROWS = 1 << 13  # multiplied at a time: what stays in the processor's cache
_COUNTER = np.dtype([("nonce", f"V{NONCE}"), ("number", ">u4")])
_POLYNOMIAL = 0xE1 << 120


class GCM:
    """AES-GCM for one key (16 or 32 bytes) and associated data, with 96-bit nonces and 128-bit tags."""

    def __init__(self, key: bytes, associated_data: bytes) -> None:
        self._cipher, self._each, self._associated_data = BlockCipher(key), AESGCM(key), associated_data
        self._tables = _tables(int.from_bytes(self._cipher.block(bytes(BLOCK)), "big"))
        self._start = self._absorbed(associated_data)

    def seal(self, plain: pa.BinaryArray) -> pa.BinaryArray:
        """Each message as nonce, ciphertext and tag, under a nonce that the operating system draws. No nulls."""
        return by_size(plain, BATCH_UP_TO, self._seal_many, self._seal_one)

    def open(self, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        """The inverse of `seal`; None where any message is not authentic. No nulls."""
        if shorter_than(sealed, NONCE + TAG):
            return None
        return by_size(sealed, BATCH_UP_TO, self._open_many, self._open_one)

    def _seal_many(self, plain: pa.BinaryArray) -> pa.BinaryArray:
        nonces = np.frombuffer(os.urandom(NONCE * len(plain)), np.uint8).reshape(-1, NONCE)
        blocks = blocks_of(to_bytes(plain))
        data = np.where(blocks.inside, self._ctr_xor(nonces, blocks).view(np.uint8), np.uint8(0)).view(np.uint64)
        tags = self._tags(nonces, blocks._replace(data=data))
        return joined(rows_of(nonces), messages_of(data, blocks), rows_of(tags))

    def _open_many(self, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        nonces = cut(sealed, 0, NONCE)
        blocks = blocks_of(to_bytes(pc.binary_slice(sealed, NONCE, -TAG)))
        # all differences are gathered before the one decision: no early exit to time
        if np.bitwise_or.reduce(self._tags(nonces, blocks) ^ cut(sealed, -TAG, TAG).view(np.uint64), axis=None):
            return None
        return binary(messages_of(self._ctr_xor(nonces, blocks), blocks))

    def _seal_one(self, plain: bytes) -> bytes:
        nonce = os.urandom(NONCE)
        return nonce + self._each.encrypt(nonce, plain, self._associated_data)

    def _open_one(self, sealed: bytes) -> bytes | None:
        try:
            return self._each.decrypt(sealed[:NONCE], sealed[NONCE:], self._associated_data)
        except InvalidTag:
            return None

    def _ctr_xor(self, nonces: Bytes, blocks: Blocks) -> Pairs:
        return keystream_xor(self._cipher, _counters(nonces, 0), 2, blocks)

    def _tags(self, nonces: Bytes, sealed: Blocks) -> Pairs:
        state = chain(sealed, sealed.data, self._start, self._times_h)
        sizes = np.empty((len(nonces), 2), ">u8")
        sizes[:, 0] = 8 * len(self._associated_data)
        sizes[:, 1] = 8 * sealed.lengths
        return self._times_h(state ^ sizes.view(np.uint64)) ^ encrypt_all(self._cipher, _counters(nonces, 1))

    def _absorbed(self, associated_data: bytes) -> Pairs:
        state = np.zeros((1, 2), np.uint64)
        padded = associated_data + bytes(-len(associated_data) % BLOCK)
        for at in range(0, len(padded), BLOCK):
            state = self._times_h(state ^ pair(padded[at : at + BLOCK]))
        return state

    def _times_h(self, factors: Pairs) -> Pairs:
        products = np.empty_like(factors)
        for at in range(0, len(factors), _ROWS):
            indices = factors[at : at + _ROWS].view(np.uint8).T.astype(np.intp)
            product = products[at : at + _ROWS]
            self._tables[0].take(indices[0], axis=0, out=product, mode="clip")
            for position in range(1, BLOCK):
                product ^= self._tables[position].take(indices[position], axis=0)
        return products


def _counters(nonces: Bytes, number: int) -> Pairs:
    counters = np.empty(len(nonces), _COUNTER)
    counters["nonce"] = nonces.view(_COUNTER["nonce"])[:, 0]
    counters["number"] = number
    return counters.view(np.uint64).reshape(-1, 2)


def _tables(h: int) -> Pairs:
    """``tables[i, b]``: H times the block with byte b at place i, in GF(2^128) with GCM's order of bits."""
    bits = []
    for _ in range(8 * BLOCK):
        bits.append(pair(h.to_bytes(BLOCK, "big")))
        h = (h >> 1) ^ (_POLYNOMIAL if h & 1 else 0)
    powers = np.stack(bits).reshape(BLOCK, 8, 1, 2)
    tables = np.zeros((BLOCK, 1, 2), np.uint64)
    for bit in reversed(range(8)):  # a byte's lowest bit is the highest power
        tables = np.concatenate([tables, tables ^ powers[:, bit]], axis=1)
    return tables
