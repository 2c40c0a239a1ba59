"""Azure Key Vault, played over HTTP (`tests.helpers.played_clouds`)."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import datetime
import ipaddress
import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import NameOID

from tests.helpers.key_servers import SECRET, without_pauses
from tests.helpers.played_clouds import Played, Reply, SignIn

OAEP = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)


def azure_error(status: int, code: str, inner: str = "") -> Reply:
    """As Key Vault says it."""
    error: dict[str, Any] = {"code": code, "message": SECRET}
    return status, {"error": error | ({"innererror": {"code": inner}} if inner else {})}


@contextlib.contextmanager
def azure_cloud(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KeyVault, SignIn]]:
    """A vault and what signs in a managed identity, as the environment then has them."""
    for name in [name for name in os.environ if name.startswith(("AZURE_", "MSI_", "CURL_CA"))]:
        monkeypatch.delenv(name)
    without_pauses(monkeypatch)
    with SignIn() as sign_in, KeyVault(folder) as vault:
        monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{sign_in.port}/token")
        monkeypatch.setenv("IDENTITY_HEADER", "header-of-the-test")
        monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(vault.certificate))
        yield vault, sign_in


@dataclasses.dataclass
class Version:
    """One version of a key in a vault: of RSA, or symmetric where ``secret`` is set."""

    name: str
    id: str = dataclasses.field(default_factory=lambda: os.urandom(16).hex())
    enabled: bool = True
    private: rsa.RSAPrivateKey = dataclasses.field(default_factory=lambda: rsa.generate_private_key(65537, 2048))
    secret: bytes | None = None

    def wrap(self, alg: str, value: bytes) -> bytes:
        if alg == "A256KW" and self.secret:
            return keywrap.aes_key_wrap(self.secret, value)
        if alg == "RSA-OAEP-256" and not self.secret:
            return self.private.public_key().encrypt(value, OAEP)
        raise ValueError("not an algorithm of this key")

    def unwrap(self, alg: str, value: bytes) -> bytes:
        if alg == "A256KW" and self.secret:
            return keywrap.aes_key_unwrap(self.secret, value)
        if alg == "RSA-OAEP-256" and not self.secret:
            return self.private.decrypt(value, OAEP)
        raise ValueError("not an algorithm of this key")


class KeyVault(Played):
    """``wrapkey``, ``unwrapkey`` and ``get`` of keys, over TLS with a certificate of its own (``certificate``)."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        self.versions: list[Version] = []
        challenge = 'Bearer authorization="https://login.example/tenant", resource="https://vault.azure.net"'
        self.headers = {401: {"WWW-Authenticate": challenge}}
        self.certificate = own_certificate(folder)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate)
        self.server.socket = context.wrap_socket(self.server.socket, server_side=True)

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def made(self, name: str, symmetric: bool = False) -> Version:
        """A new version of a key, which may be its first."""
        version = Version(name, secret=os.urandom(32) if symmetric else None)
        self.versions.append(version)
        return version

    def stranger(self) -> Reply:
        return azure_error(401, "Unauthorized")

    def reply(self, method: str, path: str, body: dict[str, Any]) -> Reply:
        _, kind, name, *rest = [*path.split("/")]
        verb = rest.pop() if method == "POST" else "get"
        version = rest[0] if rest else ""
        found = [each for each in self.versions if each.name == name and version in ("", each.id)]
        if kind != "keys" or not found:
            return azure_error(404, "KeyNotFound")
        return self._done(found[-1], verb, body)

    def _done(self, key: Version, verb: str, body: dict[str, Any]) -> Reply:
        kid = f"https://{self.host}/keys/{key.name}/{key.id}"
        if verb == "get":
            numbers = key.private.public_key().public_numbers()
            jwk = {"kid": kid, "kty": "RSA", "key_ops": ["wrapKey", "unwrapKey"]}
            jwk |= {"n": unpadded(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
            return 200, {"key": jwk, "attributes": {"enabled": key.enabled}}
        if verb == "unwrapkey" and not key.enabled:  # wrapping goes on, as in the service itself
            return azure_error(403, "Forbidden", "KeyDisabled")
        value = base64.urlsafe_b64decode(body["value"] + "==")
        try:
            done = key.wrap(body["alg"], value) if verb == "wrapkey" else key.unwrap(body["alg"], value)
        except (ValueError, keywrap.InvalidUnwrap):
            return azure_error(400, "BadParameter")
        return 200, {"kid": kid, "value": unpadded(done)}


def unpadded(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")


def own_certificate(folder: Path) -> Path:
    """A file of a key and a certificate of 127.0.0.1 that it has signed itself."""
    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    pem = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + made.public_bytes(serialization.Encoding.PEM)
    path = folder / "vault.pem"
    path.write_bytes(pem)
    return path
