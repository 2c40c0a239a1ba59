"""How Vault and OpenBao are reached.

The environment says it, as for Vault's own tools: ``VAULT_ADDR`` (https, or a loopback address),
``VAULT_NAMESPACE``, ``VAULT_CACERT``, and ``VAULT_TOKEN`` or an AppRole in ``VAULT_ROLE_ID`` and ``VAULT_SECRET_ID``.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import client_library, http_session
from privacy_udfs.key_providers.http_session import CONNECT_SECONDS, LOOPBACK, READ_SECONDS, RETRIES

REFUSED = "InvalidRequest"
REASONS = {
    "Unauthorized": "the token or AppRole is missing, wrong or expired",
    "Forbidden": "the token is wrong or expired, or its policy does not allow this",
    "InvalidPath": "there is nothing at this path, or no such engine",
    REFUSED: "Vault refuses the request: another key, a deleted key, or a value that was changed",
    "RateLimitExceeded": f"Vault refuses for too many requests, after {RETRIES + 1} attempts",
    "VaultDown": "Vault is sealed or down",
    "VaultNotInitialized": "Vault is not initialized",
    "BadGateway": "Vault is sealed or down",
    "ConnectTimeout": "Vault cannot be reached in time",
    "ReadTimeout": "Vault does not answer in time",
    "SSLError": "Vault's certificate is not trusted: set VAULT_CACERT",
    "ConnectionError": "Vault cannot be reached",
    "RetryError": "Vault cannot be reached",
    "OSError": "a file of certificates is not there, or cannot be read: set VAULT_CACERT",
}


class VaultProblem(KeyProblem):
    """Vault did not do what was asked. kind: a key of `REASONS`, or the name of another error."""

    def __init__(self, uri: str, kind: str) -> None:
        self.uri = uri
        self.kind = kind
        super().__init__(f"{uri}: {REASONS.get(kind, f'the Vault client failed ({kind})')}")

    def __reduce__(self) -> tuple[type[VaultProblem], tuple[str, str]]:
        return type(self), (self.uri, self.kind)


def ask(uri: str, question: Callable[[Any], Any]) -> dict[str, Any]:
    """What Vault answers; empty where there is nothing. uri: for messages. Raises `VaultProblem`."""
    exceptions = client_library.load("hvac.exceptions", "vault")
    requests = client_library.load("requests.exceptions", "vault")
    try:
        answer = question(_client(uri))
        if answer is None or isinstance(answer, dict):
            return answer or {}
        kind = "an answer that is not Vault's"
    except (exceptions.VaultError, requests.RequestException, OSError) as error:
        kind = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in REASONS), type(error).__name__)
    raise VaultProblem(uri, kind)  # out here, since the client's errors hold requests and answers


def _client(uri: str) -> Any:
    address = os.environ.get("VAULT_ADDR", "")
    parts = urlsplit(address)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise KeyProblem(f"{uri}: set VAULT_ADDR to Vault's address, with https unless it is a loopback address")
    client = client_library.load("hvac", "vault").Client(
        url=address,
        token=os.environ.get("VAULT_TOKEN"),
        namespace=os.environ.get("VAULT_NAMESPACE"),
        timeout=(CONNECT_SECONDS, READ_SECONDS),
        session=_session(),
    )
    role, secret = os.environ.get("VAULT_ROLE_ID"), os.environ.get("VAULT_SECRET_ID")
    if role and not os.environ.get("VAULT_TOKEN"):
        client.auth.approle.login(role_id=role, secret_id=secret)
    return client


def _session() -> Any:
    """A session that retries lost connections, throttling and a Vault in standby. Every call here can be repeated:
    writes are check-and-set."""
    session = http_session.patient("vault", RETRIES, (429, 502, 503, 504))
    session.verify = os.environ.get("VAULT_CACERT") or True
    return session
