"""Vault over HTTP, played by OpenBao, its open successor, and every way in which it fails."""

from __future__ import annotations

import concurrent.futures
import os
import time
from collections.abc import Iterator

import pytest

from privacy_udfs import key_providers
from privacy_udfs.key_providers import vault, vault_client
from privacy_udfs.keys import Keyset, load_keyset
from tests.helpers.key_servers import (
    ROOT_TOKEN,
    SECRET,
    Relay,
    free_port,
    problem,
    sealed_by,
    vault_call,
    vault_server,
    without_pauses,
)


@pytest.fixture(scope="module")
def vault_port() -> Iterator[int]:
    with vault_server() as port:
        assert vault_call(port, "POST", "/v1/sys/mounts/transit", {"type": "transit"})[0] == 204
        assert vault_call(port, "POST", "/v1/transit/keys/lake", {})[0] == 200
        yield port


@pytest.fixture
def bao(vault_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    for name in ("VAULT_ROLE_ID", "VAULT_SECRET_ID", "VAULT_NAMESPACE", "VAULT_CACERT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VAULT_TOKEN", ROOT_TOKEN)
    with Relay(vault_port) as relay:
        monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{relay.port}")
        yield relay


@pytest.fixture
def stored(bao: Relay) -> str:
    """The address of a keyset that nobody else has."""
    return f"vault:secret/data/lakenym/{os.urandom(4).hex()}"


def test_a_keyset_in_kv(stored: str) -> None:
    keyset = Keyset.generate()
    assert "there is no field keyset here" in problem(lambda: load_keyset(stored))
    key_providers.create(stored, keyset.to_json().encode())
    assert load_keyset(stored) == load_keyset(stored.replace("vault:", "vault://")) == keyset
    assert "exists already" in problem(lambda: key_providers.create(stored, b"other"))
    key_providers.replace(stored, Keyset.generate().to_json().encode(), keyset.to_json().encode())
    assert load_keyset(stored) != keyset


def test_of_two_writers_to_kv_one_wins(stored: str) -> None:
    key_providers.create(stored, b"one")
    key_providers.replace(stored, b"two", b"one")
    assert "another writer changed it" in problem(lambda: key_providers.replace(stored, b"three", b"one"))
    assert "another writer changed it" in problem(lambda: vault._write(stored, b"three", 1))
    assert key_providers.fetch(stored) == b"two"


def test_a_deleted_keyset(stored: str, vault_port: int) -> None:
    key_providers.create(stored, b"one")
    vault_call(vault_port, "DELETE", f"/v1/{stored.removeprefix('vault:')}")
    assert "there is no field keyset here" in problem(lambda: key_providers.fetch(stored))


def test_transit_encrypts_keysets(bao: Relay, vault_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    keyset = sealed_by(monkeypatch, "vault:transit/keys/lake")
    before = os.environ["CRM_KEYSET"]
    assert load_keyset("env:CRM_KEYSET", "vault:transit/keys/lake") == keyset
    assert vault_call(vault_port, "POST", "/v1/transit/keys/lake/rotate", {})[0] in (200, 204)
    newer = sealed_by(monkeypatch, "vault://transit/keys/lake")
    assert load_keyset("env:CRM_KEYSET", "vault:transit/keys/lake") == newer
    monkeypatch.setenv("CRM_KEYSET", before)
    assert load_keyset("env:CRM_KEYSET", "vault:transit/keys/lake") == keyset


def test_a_key_deleted_from_transit(bao: Relay, vault_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    vault_call(vault_port, "POST", "/v1/transit/keys/gone", {})
    sealed_by(monkeypatch, "vault:transit/keys/gone")
    message = problem(lambda: load_keyset("env:CRM_KEYSET", "vault:transit/keys/lake"))
    assert "Vault refuses the request: another key" in message
    vault_call(vault_port, "POST", "/v1/transit/keys/gone/config", {"deletion_allowed": True})
    assert vault_call(vault_port, "DELETE", "/v1/transit/keys/gone")[0] == 204
    message = problem(lambda: load_keyset("env:CRM_KEYSET", "vault:transit/keys/gone"))
    assert "Vault refuses the request: another key, a deleted key" in message


def test_approle_and_policies(stored: str, vault_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """An executor's role may decrypt and read, and nothing else."""
    policy = 'path "transit/decrypt/lake" {capabilities=["update"]} path "secret/data/*" {capabilities=["read"]}'
    vault_call(vault_port, "PUT", "/v1/sys/policies/acl/executor", {"policy": policy})
    vault_call(vault_port, "POST", "/v1/sys/auth/approle", {"type": "approle"})
    vault_call(vault_port, "POST", "/v1/auth/approle/role/executor", {"token_policies": ["executor"]})
    role = vault_call(vault_port, "GET", "/v1/auth/approle/role/executor/role-id")[1]["data"]["role_id"]
    made = vault_call(vault_port, "POST", "/v1/auth/approle/role/executor/secret-id", {})[1]["data"]
    keyset = sealed_by(monkeypatch, "vault:transit/keys/lake")
    key_providers.create(stored, b"one")
    monkeypatch.delenv("VAULT_TOKEN")
    monkeypatch.setenv("VAULT_ROLE_ID", role)
    monkeypatch.setenv("VAULT_SECRET_ID", made["secret_id"])
    assert load_keyset("env:CRM_KEYSET", "vault:transit/keys/lake") == keyset
    assert key_providers.fetch(stored) == b"one"
    assert "its policy does not allow this" in problem(lambda: sealed_by(monkeypatch, "vault:transit/keys/lake"))
    assert "its policy does not allow this" in problem(lambda: key_providers.replace(stored, b"two", b"one"))
    accessor = {"secret_id_accessor": made["secret_id_accessor"]}
    vault_call(vault_port, "POST", "/v1/auth/approle/role/executor/secret-id-accessor/destroy", accessor)
    assert "Vault refuses the request" in problem(lambda: key_providers.fetch(stored))


def test_a_token_that_expired(stored: str, vault_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    made = vault_call(vault_port, "POST", "/v1/auth/token/create", {"ttl": "1s"})[1]["auth"]["client_token"]
    key_providers.create(stored, b"one")
    monkeypatch.setenv("VAULT_TOKEN", made)
    assert key_providers.fetch(stored) == b"one"
    time.sleep(1.5)
    assert "the token is wrong or expired" in problem(lambda: key_providers.fetch(stored))


def test_vaults_own_throttling_is_retried(stored: str, vault_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rate limit of the real server: the calls that exceed it succeed by waiting."""
    key_providers.create(stored, b"one")
    quota = {"path": "secret", "rate": 4, "interval": "1s"}
    assert vault_call(vault_port, "POST", "/v1/sys/quotas/rate-limit/slow", quota)[0] == 204
    try:
        with concurrent.futures.ThreadPoolExecutor(6) as pool:
            assert set(pool.map(lambda _: key_providers.fetch(stored), range(6))) == {b"one"}
    finally:
        vault_call(vault_port, "DELETE", "/v1/sys/quotas/rate-limit/slow")


@pytest.mark.parametrize(
    ("status", "reason"),
    [(429, "too many requests"), (503, "sealed or down"), (502, "sealed or down"), (501, "not initialized")],
)
def test_what_vault_refuses_is_said(
    bao: Relay, stored: str, status: int, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    without_pauses(monkeypatch)
    bao.faults = [(status, {"errors": [SECRET]})] * (vault_client.RETRIES + 1)
    assert reason in problem(lambda: key_providers.fetch(stored))


def test_vault_out_of_reach(bao: Relay, stored: str, monkeypatch: pytest.MonkeyPatch) -> None:
    without_pauses(monkeypatch)
    monkeypatch.setattr(vault_client, "READ_SECONDS", 0.2)
    bao.faults = ["hang"] * (vault_client.RETRIES + 1)
    message = problem(lambda: key_providers.fetch(stored))
    assert "cannot be reached" in message or "not answer in time" in message
    for address in ("", "http://vault.example.org:8200", "ftp://127.0.0.1"):
        monkeypatch.setenv("VAULT_ADDR", address)
        assert "set VAULT_ADDR" in problem(lambda: key_providers.fetch(stored))
    monkeypatch.setenv("VAULT_ADDR", f"http://127.0.0.1:{free_port()}")
    assert "Vault cannot be reached" in problem(lambda: key_providers.fetch(stored))
    monkeypatch.setenv("VAULT_ADDR", f"https://127.0.0.1:{free_port()}")
    monkeypatch.setenv("VAULT_CACERT", "/nope")
    assert "a file of certificates is not there" in problem(lambda: key_providers.fetch(stored))


@pytest.mark.parametrize("uri", ["vault:secret/crm", "vault:", "vault:/data/x", "vault:transit/keys/"])
def test_malformed_vault_addresses(uri: str) -> None:
    assert uri in problem(lambda: key_providers.fetch(uri))
    assert uri in problem(lambda: key_providers.kek(uri))
