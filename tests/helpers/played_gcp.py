"""Google Cloud KMS, played over HTTP (`tests.helpers.played_clouds`)."""

from __future__ import annotations

import base64
import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google_crc32c
import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from privacy_udfs.key_providers import gcp_kms
from tests.helpers.key_servers import SECRET, Relay, without_pauses
from tests.helpers.played_clouds import Played, Reply, SignIn

AAD, VERIFIED_AAD = "additionalAuthenticatedData", "verifiedAdditionalAuthenticatedDataCrc32c"


def google_error(code: int, status: str, message: str = SECRET, violation: str = "") -> Reply:
    """As Google's services say it (google.rpc.Status in JSON)."""
    error: dict[str, Any] = {"code": code, "status": status, "message": message}
    if violation:
        kind = "type.googleapis.com/google.rpc.PreconditionFailure"
        error["details"] = [{"@type": kind, "violations": [{"type": violation, "subject": SECRET}]}]
    return code, {"error": error}


@contextlib.contextmanager
def google_cloud(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[CloudKms, SignIn]]:
    """Cloud KMS and what signs in a service account, as the environment then has them."""
    without_pauses(monkeypatch)
    with SignIn() as sign_in, CloudKms() as kms:
        monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(service_account(sign_in, folder)))
        monkeypatch.setenv(gcp_kms.OVERRIDE, f"http://127.0.0.1:{kms.port}/")
        yield kms, sign_in


class CloudKms(Played):
    """``encrypt`` and ``decrypt`` of API version 1. states: of each version of a key, by the key's name."""

    def __init__(self) -> None:
        super().__init__()
        self.states: dict[str, list[str]] = {}
        self.material: dict[tuple[str, int], bytes] = {}

    def stranger(self) -> Reply:
        return google_error(401, "UNAUTHENTICATED")

    def made(self, name: str) -> str:
        """A key's name in a key ring; it has one version."""
        key = f"projects/the-project/locations/europe-west1/keyRings/lake/cryptoKeys/{name}"
        self.rotate(key)
        return key

    def rotate(self, key: str) -> None:
        versions = self.states.setdefault(key, [])
        versions.append("ENABLED")
        self.material[key, len(versions)] = os.urandom(32)

    def reply(self, method: str, path: str, body: dict[str, Any]) -> Reply:
        key, _, verb = path.removeprefix("/v1/").partition(":")
        if key not in self.states:
            return google_error(404, "NOT_FOUND", f"CryptoKey {key} not found.")
        given = {name: base64.b64decode(body.get(name, "")) for name in ("plaintext", "ciphertext", AAD)}
        for name, value in given.items():
            if f"{name}Crc32c" in body and int(body[f"{name}Crc32c"]) != google_crc32c.value(value):
                return google_error(400, "INVALID_ARGUMENT", f"The checksum in field {name}_crc32c did not match")
        if verb == "encrypt":
            return self._encrypted(key, given["plaintext"], given[AAD], body)
        return self._decrypted(key, given["ciphertext"], given[AAD])

    def _unusable(self, key: str, version: int) -> Reply | None:
        state = self.states[key][version - 1]
        if state == "ENABLED":
            return None
        told = f"{key}/cryptoKeyVersions/{version} is not enabled, current state is: {state}."
        return google_error(400, "FAILED_PRECONDITION", told, f"KEY_{state}")

    def _encrypted(self, key: str, plaintext: bytes, aad: bytes, body: dict[str, Any]) -> Reply:
        version, nonce = len(self.states[key]), os.urandom(12)
        sealed = AESGCM(self.material[key, version]).encrypt(nonce, plaintext, aad)
        ciphertext = version.to_bytes(1, "big") + nonce + sealed
        answer: dict[str, Any] = {"name": f"{key}/cryptoKeyVersions/{version}", "protectionLevel": "SOFTWARE"}
        for field, flag in (("plaintext", "verifiedPlaintextCrc32c"), (AAD, VERIFIED_AAD)):
            answer |= {flag: True} if f"{field}Crc32c" in body else {}
        return self._unusable(key, version) or (200, answer | with_checksum("ciphertext", ciphertext))

    def _decrypted(self, key: str, ciphertext: bytes, aad: bytes) -> Reply:
        version = ciphertext[0] if ciphertext else 0
        unusable = self._unusable(key, version) if 0 < version <= len(self.states[key]) else None
        try:
            found = AESGCM(self.material[key, version]).decrypt(ciphertext[1:13], ciphertext[13:], aad)
        except (InvalidTag, KeyError, ValueError):
            return google_error(400, "INVALID_ARGUMENT", "Decryption failed: verify that 'name' refers to the key.")
        return unusable or (200, {**with_checksum("plaintext", found), "usedPrimary": True})


def with_checksum(name: str, value: bytes) -> dict[str, Any]:
    """A field of bytes as Google's JSON has it, and its checksum: of 64 bits, so in text."""
    return {name: base64.b64encode(value).decode(), f"{name}Crc32c": str(google_crc32c.value(value))}


def service_account(sign_in: Relay, folder: Path) -> Path:
    """A file of a service account that signs in there."""
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    account = {
        "type": "service_account",
        "project_id": "the-project",
        "private_key_id": "1",
        "private_key": pem,
        "client_email": "nightly@the-project.example",
        "token_uri": f"http://127.0.0.1:{sign_in.port}/token",
    }
    path = folder / "account.json"
    path.write_text(json.dumps(account))
    return path
