"""AES-SIV of many tokens of one length, which are opened as the rows of a matrix: beside the `cryptography` package."""

from __future__ import annotations

import base64

import pyarrow as pa
import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from privacy_udfs.errors import TokenRefused
from privacy_udfs.technique import Key
from privacy_udfs.techniques import parse

MATERIAL = bytes(range(64))
MANY = 70  # more than go on a matrix of their own
CODES = {
    "base64": lambda raw: base64.b64encode(raw).decode(),
    "base64url": lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode(),
    "hex": bytes.hex,
    "binary": bytes,
}


def plain() -> list[str]:
    """So many of each length around the blocks' ends, in turn; few long ones; an empty one among them."""
    lengths = [0, 1, 15, 16, 17, 31, 32, 33, 48]
    return [f"{at}".zfill(length)[:length] for at in range(MANY) for length in lengths] + ["x" * 600, "y" * 2000]


@pytest.mark.parametrize("encoding", CODES)
@pytest.mark.parametrize("prefix", ["tink", "raw"])
def test_what_another_implementation_sealed(encoding: str, prefix: str) -> None:
    technique = parse(
        {"technique": "deterministic_encryption", "encoding": encoding, "output_prefix": prefix, "associated_data": "a"}
    )
    key, begins = Key(MATERIAL, 7), b"\x01\0\0\0\x07" if prefix == "tink" else b""
    other = AESSIV(MATERIAL)
    # the package seals nothing that is empty
    tokens = [CODES[encoding](begins + other.encrypt(value.encode(), [b"a"])) if value else None for value in plain()]
    array = pa.array(tokens, pa.binary() if encoding == "binary" else pa.string())
    found = technique.untreat(array, key)
    assert found.to_pylist() == [value or None for value in plain()]
    whole = technique.apply(pa.array(plain()), key).values
    assert technique.untreat(whole, key).to_pylist() == plain()
    for at in (5, len(array) // 2):
        spoiled = list(tokens)
        token = bytearray(spoiled[at] if encoding == "binary" else str(spoiled[at]).encode())
        token[len(token) // 2] ^= 1
        spoiled[at] = bytes(token) if encoding == "binary" else token.decode()
        with pytest.raises(TokenRefused):
            technique.untreat(pa.array(spoiled, array.type), key)
    if prefix == "tink":
        with pytest.raises(TokenRefused):
            technique.untreat(array, Key(MATERIAL, 8))
