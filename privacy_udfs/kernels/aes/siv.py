"""AES-SIV of RFC 5297 over whole arrays of messages.

S2V ends in a CMAC over the message with a constant xored into its last 16 bytes (or into the padded message, where it
is shorter). Constant, CMAC padding and CMAC subkey all meet the last two blocks by xor, so for each length modulo 16
they are one row of a table.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from privacy_udfs.kernels.aes.block_cipher import BLOCK, BlockCipher, double, xor
from privacy_udfs.kernels.aes.blocks import (
    Blocks,
    Pairs,
    blocks_of,
    chain,
    encrypt_all,
    keystream_xor,
    messages_of,
    pair,
    put,
)
from privacy_udfs.kernels.arrays import Bytes, binary, by_size, cut, joined, rows_of, shorter_than, to_bytes, without

BATCH_UP_TO = 512  # bytes of a message; longer ones go one by one, where a call costs less than blocks (measured)
_CLEAR = xor(b"\xff" * BLOCK, bytes(8) + b"\x80\0\0\0" + b"\x80\0\0\0")  # bits that counter blocks have zero


class SIV:
    """AES-SIV for one key (32, 48 or 64 bytes, the MAC's half first) and associated data, a component each."""

    def __init__(self, key: bytes, associated_data: Sequence[bytes]) -> None:
        self._each, self._associated_data = AESSIV(key), list(associated_data)
        half = len(key) // 2
        self._mac, self._ctr = BlockCipher(key[:half]), BlockCipher(key[half:])
        self._subkey = double(self._mac.block(bytes(BLOCK)))
        self._tables(self._s2v_start(associated_data))

    def seal(self, plain: pa.BinaryArray) -> pa.BinaryArray:
        """Each message as its synthetic IV (16 bytes) and ciphertext. No nulls."""
        return by_size(plain, BATCH_UP_TO, self._seal_many, self._seal_one)

    def seal_rows(self, plain: Bytes, sealed: Bytes) -> None:
        """As `seal`, of messages of one length, a row each, into the first columns of ``sealed``."""
        count, length = plain.shape
        blocks = max(1, -(-length // BLOCK))
        data = np.zeros((blocks, count, BLOCK), np.uint8)
        for at in range(blocks):  # block by block, so that each step of CBC-MAC takes what lies together
            part = plain[:, at * BLOCK : (at + 1) * BLOCK]
            data[at, :, : part.shape[1]] = part
        siv = self._s2v_rows(data.view(np.uint64), length)
        sealed[:, :BLOCK] = siv.view(np.uint8)
        stream = self._stream(siv, blocks)
        stream ^= data.view(np.uint64)
        for at, block in enumerate(stream.view(np.uint8)):
            used = min(BLOCK, length - at * BLOCK)
            sealed[:, (at + 1) * BLOCK : (at + 1) * BLOCK + used] = block[:, :used]

    def open(self, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        """The inverse of `seal`; None where any message is not authentic. No nulls."""
        return by_size(sealed, BATCH_UP_TO, self._open_many, self._open_one)

    def open_rows(self, sealed: Bytes) -> Bytes | None:
        """The inverse of `seal_rows`; None where any message is not authentic, or shorter than its synthetic IV."""
        count, length = len(sealed), sealed.shape[1] - BLOCK
        if length < 0:
            return None
        blocks = max(1, -(-length // BLOCK))
        siv = np.ascontiguousarray(sealed[:, :BLOCK]).view(np.uint64)
        data = self._stream(siv, blocks).view(np.uint8)
        plain = np.empty((count, length), np.uint8)
        for at, block in enumerate(data):
            start, used = at * BLOCK, min(BLOCK, length - at * BLOCK)
            block[:, :used] ^= sealed[:, BLOCK + start : BLOCK + start + used]
            block[:, used:] = 0
            plain[:, start : start + used] = block[:, :used]
        # all differences are gathered before the one decision: no early exit to time
        if np.bitwise_or.reduce(self._s2v_rows(data.view(np.uint64), length) ^ siv, axis=None):
            return None
        return plain

    def _seal_many(self, plain: pa.BinaryArray) -> pa.BinaryArray:
        blocks = blocks_of(to_bytes(plain), least=1)
        siv = self._s2v(blocks)
        return joined(rows_of(siv), messages_of(self._ctr_xor(siv, blocks), blocks))

    def _open_many(self, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        if shorter_than(sealed, BLOCK):
            return None
        siv = cut(sealed, 0, BLOCK).view(np.uint64)
        blocks = blocks_of(to_bytes(without(sealed, BLOCK)), least=1)
        data = np.where(blocks.inside, self._ctr_xor(siv, blocks).view(np.uint8), np.uint8(0)).view(np.uint64)
        blocks = blocks._replace(data=data)
        # all differences are gathered before the one decision: no early exit to time
        if np.bitwise_or.reduce(self._s2v(blocks) ^ siv, axis=None):
            return None
        return binary(messages_of(data, blocks))

    def _seal_one(self, plain: bytes) -> bytes:
        return self._each.encrypt(plain, self._associated_data)

    def _open_one(self, sealed: bytes) -> bytes | None:
        try:
            return self._each.decrypt(sealed, self._associated_data)
        except InvalidTag:
            return None

    def _ctr_xor(self, siv: Pairs, blocks: Blocks) -> Pairs:
        # with bit 31 cleared, adding less than 2**31 blocks never carries beyond the last 32 bits
        return keystream_xor(self._ctr, siv & pair(_CLEAR), 0, blocks)

    def _s2v_rows(self, data: Pairs, length: int) -> Pairs:
        """As `_s2v`; data: block by block, the blocks of all messages."""
        over, last = length % BLOCK, len(data) - 1
        state = np.zeros((data.shape[1], 2), np.uint64)
        for at, blocks in enumerate(data):
            state ^= blocks
            if at == last:
                state ^= self._last[over + BLOCK * (length >= BLOCK)]
            elif at == last - 1 and over:
                state ^= self._before[over]
            state = encrypt_all(self._mac, state)
        return state

    def _stream(self, siv: Pairs, blocks: int) -> Pairs:
        """The key stream of `_ctr_xor`, block by block."""
        counters = np.empty((blocks, *siv.shape), np.uint64)
        counters[:] = siv & pair(_CLEAR)
        counters.view(">u4")[:, :, 3] += np.arange(blocks, dtype=np.uint32)[:, None]
        return encrypt_all(self._ctr, counters)

    def _s2v(self, blocks: Blocks) -> Pairs:
        last = blocks.starts + blocks.counts - 1
        over = blocks.lengths % BLOCK
        data = blocks.data.copy()
        table = self._last.take(over + BLOCK * (blocks.lengths >= BLOCK), axis=0)
        put(data, last, data.take(last, axis=0) ^ table)
        two = np.flatnonzero((blocks.counts > 1) & (over > 0))
        before = last[two] - 1
        put(data, before, data.take(before, axis=0) ^ self._before.take(over[two], axis=0))
        return chain(blocks, data, np.zeros(2, np.uint64), lambda state: encrypt_all(self._mac, state))

    def _s2v_start(self, components: Sequence[bytes]) -> bytes:
        d = self._cmac(bytes(BLOCK))
        for component in components:
            d = xor(double(d), self._cmac(component))
        return d

    def _cmac(self, message: bytes) -> bytes:
        whole = max(0, len(message) - 1) // BLOCK * BLOCK
        end = message[whole:]
        if len(end) < BLOCK:
            end = xor((end + b"\x80").ljust(BLOCK, b"\0"), double(self._subkey))
        else:
            end = xor(end, self._subkey)
        return self._mac.cbc_mac(bytes(BLOCK), message[:whole] + end)

    def _tables(self, d: bytes) -> None:
        """What is xored into the last block: row i for i bytes in all, row 16 + i for i bytes over; and before it."""
        marks = [bytes(over) + b"\x80" + bytes(BLOCK - 1 - over) for over in range(BLOCK)]
        short = [xor(xor(double(d), mark), self._subkey) for mark in marks]
        padded = [xor(mark, double(self._subkey)) for mark in marks]
        tails = [xor(d[BLOCK - over :].ljust(BLOCK, b"\0"), padded[over]) for over in range(BLOCK)]
        tails[0] = xor(d, self._subkey)
        before = [bytes(over) + d[: BLOCK - over] for over in range(BLOCK)]
        self._last = np.stack([pair(row) for row in short + tails])
        self._before = np.stack([pair(row) for row in before])
