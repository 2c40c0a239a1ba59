"""AES on many blocks in one call, the one primitive that the batch modes here are composed of.

ECB is used as the bare block function only: CMAC, counter mode and FF1 feed it blocks of their own making. The class
keeps one key schedule for a batch; it is not shared between threads.
"""

from __future__ import annotations

import numpy as np
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from privacy_udfs.kernels.arrays import Bytes

BLOCK = 16


class BlockCipher:
    """AES-128, AES-192 or AES-256 over matrices of blocks. ``key``: 16, 24 or 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._aes = algorithms.AES(key)
        # The mode is the bare permutation: no data is ever encrypted in ECB mode.
        self._encryptor = Cipher(self._aes, modes.ECB()).encryptor()  # noqa: S305

    def encrypt(self, blocks: Bytes) -> Bytes:
        """Each 16-byte block of a C-contiguous uint8 array, encrypted; the result has the same shape."""
        out = room_for(blocks.size // BLOCK)
        self.encrypt_into(blocks, out)
        return out[: blocks.size].reshape(blocks.shape)

    def encrypt_into(self, blocks: Bytes, out: Bytes) -> None:
        """As `encrypt`, into the start of an array made by `room_for`: a warm buffer saves the page faults."""
        self._encryptor.update_into(blocks.data, out.data)

    def block(self, block: bytes) -> bytes:
        """One block."""
        return self._encryptor.update(block)

    def cbc_mac(self, state: bytes, message: bytes) -> bytes:
        """The last block of ``message`` (whole blocks, at least one) in CBC mode from ``state`` on."""
        return Cipher(self._aes, modes.CBC(state)).encryptor().update(message)[-BLOCK:]


def room_for(blocks: int) -> Bytes:
    """Room for ``blocks`` results; `cryptography` wants up to a block more than it writes."""
    return np.empty(blocks * BLOCK + BLOCK - 1, np.uint8)


def xor(one: bytes, other: bytes) -> bytes:
    """Two byte strings of one size."""
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(len(one), "big")


def double(block: bytes) -> bytes:
    """The block times x in GF(2^128) with the polynomial of CMAC and S2V (RFC 5297, section 2.3)."""
    shifted = int.from_bytes(block, "big") << 1
    return ((shifted & ((1 << 128) - 1)) ^ (0x87 * (shifted >> 128))).to_bytes(BLOCK, "big")
