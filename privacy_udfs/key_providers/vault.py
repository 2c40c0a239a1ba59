"""``vault:``: HashiCorp Vault or OpenBao, as a store of keysets (KV version 2) and as what encrypts them (transit).

A store: ``vault:secret/data/lakenym/crm``, mount ``secret``, path ``lakenym/crm``, field ``keyset``. A key:
``vault:transit/keys/lake``, mount ``transit``, key ``lake``; ciphertexts are Vault's own (``vault:v1:...``), as in
Tink's Vault integration. The paths are those of Vault's HTTP interface. Address and credentials come from the
environment: `privacy_udfs.key_providers.vault_client`.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import re

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers.vault_client import REFUSED, VaultProblem, ask

FIELD = "keyset"
_KV = re.compile(r"vault:/{0,2}(?P<mount>\S+?)/data/(?P<path>.+)", re.DOTALL)
_TRANSIT = re.compile(r"vault:/{0,2}(?P<mount>.+?)/keys/(?P<name>[^/]+)")


def fetch(uri: str) -> bytes:
    """The keyset in KV version 2. Raises `KeyProblem`."""
    return _read(uri)[0]


def create(uri: str, content: bytes) -> None:
    """Write a keyset where there is none. Raises `KeyProblem` where there is one."""
    _write(uri, content, 0)


def replace(uri: str, content: bytes, expected: bytes) -> None:
    """Write a new version of the keyset, if it is still ``expected``. Raises `KeyProblem`."""
    found, version = _read(uri)
    if found != expected:
        raise KeyProblem(f"{uri}: another writer changed it meanwhile; nothing was written: try again")
    _write(uri, content, version)


@dataclasses.dataclass(frozen=True)
class Transit:
    """A key of the transit engine. uri: as given, for messages."""

    uri: str
    mount: str
    name: str

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Transit ``encrypt``. Raises `KeyProblem`."""
        given = {"plaintext": base64.b64encode(plaintext).decode(), **_context(associated_data)}
        answer = ask(self.uri, lambda vault: vault.write_data(f"{self.mount}/encrypt/{self.name}", data=given))
        return str(answer["data"]["ciphertext"]).encode()

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """Transit ``decrypt``. Raises `KeyProblem`."""
        given = {"ciphertext": ciphertext.decode("ascii", "replace"), **_context(associated_data)}
        answer = ask(self.uri, lambda vault: vault.write_data(f"{self.mount}/decrypt/{self.name}", data=given))
        try:
            return base64.b64decode(answer["data"]["plaintext"], validate=True)
        except binascii.Error:
            pass
        raise KeyProblem(f"{self.uri}: Vault's answer is not what transit gives")


def kek(uri: str) -> Transit:
    """The transit key that the URI names. Raises `KeyProblem` for a malformed one; asks nobody yet."""
    found = _TRANSIT.fullmatch(uri)
    if found is None:
        raise KeyProblem(f"{uri}: needs the mount and name of a transit key, such as vault:transit/keys/lake")
    return Transit(uri, found["mount"], found["name"])


def _context(associated_data: bytes) -> dict[str, str]:
    return {"context": base64.b64encode(associated_data).decode()} if associated_data else {}


def _kv(uri: str) -> tuple[str, str]:
    found = _KV.fullmatch(uri)
    if found is None:
        raise KeyProblem(f"{uri}: needs a path of KV version 2, such as vault:secret/data/lakenym/crm")
    return found["mount"], found["path"]


def _read(uri: str) -> tuple[bytes, int]:
    mount, path = _kv(uri)
    answer = ask(uri, lambda vault: vault.read(f"{mount}/data/{path}"))
    content = (answer.get("data") or {}).get("data") or {}
    if not isinstance(content.get(FIELD), str):
        raise KeyProblem(f"{uri}: there is no field {FIELD} here")
    return content[FIELD].encode(), int(answer["data"]["metadata"]["version"])


def _write(uri: str, content: bytes, version: int) -> None:
    """Vault's check-and-set: the write fails unless the current version is ``version``; 0 means there is none."""
    mount, path = _kv(uri)
    given = {"data": {FIELD: content.decode()}, "options": {"cas": version}}
    try:
        ask(uri, lambda vault: vault.write_data(f"{mount}/data/{path}", data=given))
    except VaultProblem as error:
        if error.kind != REFUSED:
            raise
    else:
        return
    reason = "another writer changed it meanwhile; nothing was written: try again"
    raise KeyProblem(f"{uri}: {reason if version else 'exists already, and a key is never overwritten'}")
