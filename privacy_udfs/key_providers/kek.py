"""What a key-encryption key can do, and the one kind of it that needs no service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.keyset_aead import KeysetAead


class Kek(Protocol):
    """A key that encrypts keysets and never leaves its provider. Both methods raise `KeyProblem`."""

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes: ...

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes: ...


def local(fetch: Callable[[str], bytes], uri: str) -> Kek:
    """A keyset of AES-256-GCM keys kept in a store, itself in the clear: for one machine, tests and offline backups.

    It protects a keyset only as far as the two are kept apart.
    """
    try:
        return KeysetAead(Keyset.from_json(fetch(uri)))
    except KeyProblem as error:
        problem = str(error)
    raise KeyProblem(problem if problem.startswith(uri) else f"{uri}: {problem}")
