"""``azure-kv:``: keysets encrypted by a key of Azure Key Vault or Managed HSM, which never leaves it.

``azure-kv://VAULT.vault.azure.net/keys/NAME`` uses the newest version, ``.../keys/NAME/VERSION`` that one and no other.
These keys wrap other keys, and encrypt nothing as long as a keyset: `privacy_udfs.key_providers.envelope`. The default
is an RSA key with RSA-OAEP-256; ``?alg=A256KW`` is for a symmetric key of a Managed HSM. ``?aad=TEXT`` adds associated
data. Credentials are found as azure-identity finds them (``DefaultAzureCredential``); only hosts of Key Vault are sent
any, and loopback addresses.

Does not protect: with an RSA key, against who can write the encrypted keyset. Its public half is no secret, so they can
encrypt one of their own (what it would treat otherwise is told by the check values of records). ``A256KW`` does: what
another algorithm wrapped is refused.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import azure_credentials, envelope
from privacy_udfs.key_providers.envelope import Wrapped
from privacy_udfs.key_providers.http_session import LOOPBACK, RETRIES, Answer, Service, call
from privacy_udfs.key_providers.kek_options import AAD, associated, options
from privacy_udfs.keysets import strict_json

SERVICE = Service("Key Vault", "azure")
API = "7.4"
ALG, ALGORITHMS = "alg", ("RSA-OAEP-256", "A256KW")
SUFFIXES = (
    *("vault.azure.net", "vault.azure.cn", "vault.usgovcloudapi.net"),
    *("managedhsm.azure.net", "managedhsm.azure.cn", "managedhsm.usgovcloudapi.net"),
)
_HOST = re.compile(rf"[a-z0-9-]{{1,63}}\.(?P<suffix>{'|'.join(map(re.escape, SUFFIXES))})", re.IGNORECASE)
_HERE = re.compile(rf"(?:{'|'.join(re.escape(host) for host in LOOPBACK if ':' not in host)}):[0-9]{{1,5}}")
_VERSION = re.compile(r"[0-9a-f]{32}")
_ADDRESS = re.compile(r"(?P<host>[^/]+)/keys/(?P<name>[0-9A-Za-z-]{1,127})(?:/(?P<version>[0-9a-f]{32}))?")

PERMISSION = "these credentials may not use the key: they need unwrapKey on it, and wrapKey to write"
REASONS = {
    "KeyDisabled": "the key's version is disabled in Key Vault",
    "KeyExpired": "the key's version is past its date in Key Vault",
    "KeyNotYetValid": "the key's version is before its date in Key Vault",
    "KeyNotYetValidOrExpired": "the key's version is before or past its dates in Key Vault",
    "AccessDenied": PERMISSION,
    "ForbiddenByPolicy": PERMISSION,
    "ForbiddenByRbac": PERMISSION,
    "ForbiddenByFirewall": "Key Vault's firewall does not let this machine in",
    "ForbiddenByConnection": "Key Vault lets nobody in on this way: it may want its private end point",
}
STATUSES = {
    400: "Key Vault refuses the request: this key did not encrypt the keyset, or the algorithm is not the key's (alg)",
    401: azure_credentials.CREDENTIALS,
    403: f"{PERMISSION}; or its version is disabled or past its date",
    404: "there is no such key or version in the vault; a deleted one can be recovered for a while",
    409: "the key is being deleted or recovered",
    429: f"Key Vault refuses for too many requests, after {RETRIES + 1} attempts",
}


@dataclasses.dataclass(frozen=True)
class AzureKeyVault:
    """uri: as given, for messages. host, name, version: of the key; an empty version is the newest. alg: how it wraps.
    aad: the associated data that the URI states."""

    uri: str
    host: str
    name: str
    version: str = ""
    alg: str = ALGORITHMS[0]
    aad: str = ""

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """An envelope, whose data key Key Vault has wrapped. Raises `KeyProblem`."""
        data, data_key = associated(self.uri, self.aad, associated_data), envelope.new_data_key()
        version, value = self._ask("wrapkey", self.alg, self.version, data_key)
        return envelope.sealed(plaintext, data, data_key, Wrapped(self.alg, version, value))

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """What an envelope holds. Where Key Vault is and which key it is stand in the URI; the envelope says which
        version of it. Raises `KeyProblem`."""
        data = associated(self.uri, self.aad, associated_data)
        wrapped, rest = envelope.parts(self.uri, ciphertext)
        if wrapped.alg not in ALGORITHMS or not _VERSION.fullmatch(wrapped.version):
            raise KeyProblem(
                f"{self.uri}: an algorithm or version of a key that Key Vault does not have: it is damaged"
            )
        if wrapped.alg != self.alg:
            raise KeyProblem(f"{self.uri}: the keyset was encrypted by {wrapped.alg}, and {ALG} says {self.alg}")
        if self.version not in ("", wrapped.version):
            raise KeyProblem(f"{self.uri}: another version of the key encrypted the keyset, {wrapped.version}")
        _, data_key = self._ask("unwrapkey", self.alg, wrapped.version, wrapped.value)
        return envelope.opened(self.uri, rest, data, data_key)

    def _ask(self, verb: str, alg: str, version: str, value: bytes) -> tuple[str, bytes]:
        """The version of this key that did it, and what it made of the value."""
        path = "/".join(part for part in (self.name, version, verb) if part)
        url = f"https://{self.host}/keys/{path}?api-version={API}"
        headers = azure_credentials.headers(self.uri, _scope(self.host))
        answer = call(self.uri, SERVICE, ("POST", url), headers, {"alg": alg, "value": envelope.to_base64url(value)})
        if answer.status != 200:
            raise KeyProblem(f"{self.uri}: {_refusal(answer)}")
        found, used = _result(answer.content), self._version(answer.content)
        if found is None or used is None or version not in ("", used):
            raise KeyProblem(f"{self.uri}: Key Vault's answer is not of this key")
        return used, found

    def _version(self, content: dict[str, Any]) -> str | None:
        """The version that an answer names, if it is one of this key."""
        before, _, version = str(content.get("kid", "")).rpartition("/")
        own = f"https://{self.host}/keys/{self.name}"
        return version if before.lower() == own.lower() and _VERSION.fullmatch(version) else None


def kek(uri: str) -> AzureKeyVault:
    """The key that an ``azure-kv:`` URI names. Raises `KeyProblem` for a malformed one; asks nobody yet."""
    found = _ADDRESS.fullmatch(uri.removeprefix("azure-kv:").removeprefix("//").partition("?")[0])
    if found is None:
        raise KeyProblem(f"{uri}: needs the address of a key, such as azure-kv://VAULT.vault.azure.net/keys/NAME")
    if not _HOST.fullmatch(found["host"]) and not _HERE.fullmatch(found["host"]):
        raise KeyProblem(f"{uri}: not a host of Key Vault, which ends in one of {', '.join(SUFFIXES)}")
    given = options(uri, ALG, AAD)
    alg = given.get(ALG, ALGORITHMS[0])
    if alg not in ALGORITHMS:
        raise KeyProblem(f"{uri}: {ALG} is one of {', '.join(ALGORITHMS)}")
    return AzureKeyVault(uri, found["host"].lower(), found["name"], found["version"] or "", alg, given.get(AAD, ""))


def _result(content: dict[str, Any]) -> bytes | None:
    value = content.get("value")
    found, _ = strict_json.read(envelope.from_base64url, value if isinstance(value, str) else "")
    return found or None


def _scope(host: str) -> str:
    """What a token is asked for: the cloud and the kind of vault, and no vault of another."""
    found = _HOST.fullmatch(host)
    return f"https://{found['suffix'].lower() if found else SUFFIXES[0]}/.default"


def _refusal(answer: Answer) -> str:
    """Why Key Vault refuses, in own words: its messages name people and addresses."""
    error: Any = answer.content.get("error")
    codes: list[str] = []
    while isinstance(error, dict) and len(codes) < 4:
        codes.append(str(error.get("code", "")))
        error = error.get("innererror") or error.get("innerError")
    known = next((REASONS[code] for code in reversed(codes) if code in REASONS), None)
    down = f"Key Vault is down, after {RETRIES + 1} attempts" if answer.status >= 500 else None
    return known or down or STATUSES.get(answer.status, f"Key Vault answered {answer.status}")
