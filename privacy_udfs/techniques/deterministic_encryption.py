"""`deterministic_encryption`: pseudonyms that join, and that the holder of the key can turn back."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from privacy_udfs.kernels.canonical import canonical
from privacy_udfs.kernels.siv import SIV
from privacy_udfs.parameters import Normalize
from privacy_udfs.techniques._sealed import Cipher, SealedTechnique


class DeterministicEncryption(SealedTechnique):
    """Encrypt with AES-SIV (RFC 5297): equal values get equal tokens, and a changed token is never accepted.

    Encrypted are the canonical bytes of a value (see `privacy_udfs.kernels.canonical`), of text after the steps of
    ``normalize`` (see `privacy_udfs.kernels.normalize`). empty: see `TextTechnique`. associated_data: text, bound to
    each token as its UTF-8, in one component of S2V, also when it is empty, as Tink's AesSiv does. encoding: ``base64``
    with padding, ``base64url`` without, lower-case ``hex``, or ``binary``. output_prefix: ``tink``: ``0x01 || key id (4
    bytes, big-endian) || SIV (16) || ciphertext``, which any Tink opens; ``raw``: SIV and ciphertext alone. Gives text,
    or binary. Null in, null out; no value is refused.
    Key: 64 bytes (AES-256), or 48 or 32; the half for S2V comes first.

    `revert` gives text where every value of the array is valid UTF-8, else binary; binary columns cast it to binary.
    Spaces, case and types that canonical bytes do not hold are not brought back. With a key id, other ids are refused;
    with id 0 (plain key bytes) any is taken. A wrong key, a changed, cut or misspelt token: always the same
    `TokenRefused`.

    What it does not protect against: equal values show, and so do frequencies and, to the byte, lengths. Under one key
    there should be at most 2**48 values (RFC 5297, section 7).
    """

    technique: Literal["deterministic_encryption"] = "deterministic_encryption"
    normalize: Normalize = ()

    costly = True
    scatters = True

    def empty_after(self) -> tuple[str, ...]:
        return self.normalize

    def key_size(self) -> int:
        return 64

    def accepts_key(self, size: int) -> bool:
        return size in (32, 48, 64)

    def cipher(self, key: bytes) -> Cipher:
        return SIV(key, [self.associated_data.encode()])

    def canonical(self, values: pa.Array) -> pa.BinaryArray:
        return canonical(values, self.normalize)
