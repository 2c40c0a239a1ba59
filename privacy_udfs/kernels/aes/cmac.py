"""AES-CMAC (NIST SP 800-38B, RFC 4493) of many messages under one key.

CBC-MAC runs across the batch: at each step the next block of every message goes through one AES call.
"""

from __future__ import annotations

import itertools

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.cmac import CMAC

from privacy_udfs.kernels.aes.block_cipher import BLOCK, BlockCipher, double, room_for
from privacy_udfs.kernels.arrays import ROWS, Chunk, as_cells, chunks, end_marks, left_masks, steps, windows

LIMIT = 4096  # blocks from which on a message is treated alone: the call for it no longer matters
_MASKS = left_masks(BLOCK)
_MARKS = end_marks(BLOCK)


def aes_cmac(key: bytes, messages: pa.BinaryArray) -> npt.NDArray[np.uint8]:
    """AES-CMAC of each message under a key of 16, 24 or 32 bytes: one row of 16 bytes each; arbitrary rows at nulls."""
    cipher = BlockCipher(key)
    endings = _endings(cipher)
    tags = np.empty((len(messages), BLOCK), np.uint8)
    state = room_for(min(ROWS, len(messages)))
    for chunk in chunks(messages, BLOCK):
        _tag(cipher, endings, key, chunk, state, tags[chunk.rows])
    return tags


def _endings(cipher: BlockCipher) -> npt.NDArray[np.uint64]:
    """Row r: what is added to a last block of r bytes: its padding and the subkey, K1 where it is full, else K2."""
    k1 = double(cipher.block(bytes(BLOCK)))
    subkeys = np.frombuffer(double(k1) * BLOCK + k1, np.uint64).reshape(-1, 2)
    return _MARKS ^ subkeys


def _tag(
    cipher: BlockCipher,
    endings: npt.NDArray[np.uint64],
    key: bytes,
    chunk: Chunk,
    state: npt.NDArray[np.uint8],
    tags: npt.NDArray[np.uint8],
) -> None:
    counts = np.maximum((chunk.lengths + BLOCK - 1) // BLOCK, 1)
    order, active, alone = steps(counts, LIMIT)
    starts, lengths = chunk.starts[order], chunk.lengths[order]
    every = windows(chunk.data, BLOCK)
    words = state[: len(starts) * BLOCK].view(np.uint64).reshape(-1, 2)
    for i, (now, after) in enumerate(itertools.pairwise(active[:-1])):
        blocks = every[starts[:now] + i * BLOCK].view(np.uint64).reshape(-1, 2)
        left = lengths[after:now] - i * BLOCK
        blocks[after:] = blocks[after:] & _MASKS.take(left, 0) ^ endings.take(left, 0)
        if i:
            blocks ^= words[:now]
        cipher.encrypt_into(blocks.view(np.uint8), state)
    as_cells(tags)[order] = as_cells(words)
    for row in alone:
        tags[row] = _plain(key, chunk.message(row))


def _plain(key: bytes, message: bytes) -> npt.NDArray[np.uint8]:
    mac = CMAC(AES(key))
    mac.update(message)
    return np.frombuffer(mac.finalize(), np.uint8)
