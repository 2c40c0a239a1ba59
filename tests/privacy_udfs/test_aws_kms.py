"""AWS KMS over HTTP, played by moto, and every way in which it fails."""

from __future__ import annotations

import concurrent.futures
import os
from collections.abc import Iterator

import boto3
import pytest

from privacy_udfs import key_providers, keys, parse
from privacy_udfs.key_providers import aws_kms
from privacy_udfs.keys import KeyReference, Keyset, key_check_value, load_keyset
from privacy_udfs.keysets import encrypted_keysets
from tests.helpers.key_servers import SECRET, Relay, free_port, kms_server, problem, sealed_by, without_pauses


@pytest.fixture(scope="module")
def kms_port() -> Iterator[int]:
    with kms_server() as port:
        yield port


@pytest.fixture
def kms(kms_port: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    for name, value in {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": SECRET, "REGION": "eu-west-1"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    without_pauses(monkeypatch)
    with Relay(kms_port) as relay:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{relay.port}")
        yield relay


@pytest.fixture
def arn(kms: Relay) -> str:
    client = boto3.client("kms", region_name="eu-west-1")
    found = client.create_key()["KeyMetadata"]["Arn"]
    if not client.list_aliases()["Aliases"] or not _has_alias(client):
        client.create_alias(AliasName="alias/lake", TargetKeyId=found)
    kms.requests = 0
    return str(found)


def _has_alias(client: object) -> bool:
    return any(alias["AliasName"] == "alias/lake" for alias in client.list_aliases()["Aliases"])  # type: ignore[attr-defined]


def test_kms_by_every_form_of_address(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for kek in (
        f"aws-kms://{arn}",
        f"aws-kms:{arn}",
        f"aws-kms:{arn.rpartition('/')[2]}",
        "aws-kms://alias/lake",
        "aws-kms://alias/lake?context.purpose=pseudonyms&context.team=crm",
    ):
        keyset = sealed_by(monkeypatch, kek)
        assert load_keyset("env:CRM_KEYSET", kek) == keyset


def test_the_region_is_the_arns(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, f"aws-kms://{arn}")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    load_keyset("env:CRM_KEYSET", f"aws-kms://{arn}")
    assert "there is no such key" in problem(lambda: load_keyset("env:CRM_KEYSET", "aws-kms://alias/lake"))
    monkeypatch.delenv("AWS_REGION")
    assert "no region" in problem(lambda: load_keyset("env:CRM_KEYSET", "aws-kms://alias/lake"))


def test_the_encryption_context_is_authenticated(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, f"aws-kms://{arn}?context.purpose=pseudonyms")
    for other in ("", "?context.purpose=other", "?context.purpose=pseudonyms&context.more=1"):
        message = problem(lambda other=other: load_keyset("env:CRM_KEYSET", f"aws-kms://{arn}{other}"))
        assert "or another encryption context, did not encrypt the keyset" in message


def test_associated_data_is_tinks_context_entry(arn: str) -> None:
    kek = key_providers.kek(f"aws-kms://{arn}")
    keyset = Keyset.generate()
    sealed = encrypted_keysets.seal(keyset, kek, b"lake")
    assert encrypted_keysets.unseal(sealed, kek, b"lake") == keyset
    named = key_providers.kek(f"aws-kms://{arn}?context.associatedData={b'lake'.hex()}")
    assert encrypted_keysets.unseal(sealed, named) == keyset


def test_another_key_does_not_decrypt(arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, f"aws-kms://{arn}")
    other = boto3.client("kms", region_name="eu-west-1").create_key()["KeyMetadata"]["Arn"]
    message = problem(lambda: load_keyset("env:CRM_KEYSET", f"aws-kms://{other}"))
    assert f"aws-kms://{other}: " in message  # KMS says IncorrectKeyException here, moto AccessDeniedException


@pytest.mark.parametrize("uri", ["aws-kms:", "aws-kms://", "aws-kms:arn:aws:kms", "aws-kms://alias/x?color=red"])
def test_malformed_kms_addresses(uri: str) -> None:
    assert uri in problem(lambda: key_providers.kek(uri))


def test_what_kms_refuses_is_said(kms: Relay, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """KMS's own error codes (API reference of ``Decrypt``), in the bodies that it sends."""
    sealed_by(monkeypatch, f"aws-kms://{arn}")
    monkeypatch.setattr(aws_kms, "ATTEMPTS", 2)
    for code, reason in {**aws_kms.REASONS, "Strange": "KMS answered Strange"}.items():
        kms.faults = [(400, {"__type": code, "message": SECRET})] * 2
        assert problem(lambda: load_keyset("env:CRM_KEYSET", f"aws-kms://{arn}")).endswith(reason)
        kms.faults = []


def test_throttling_and_lost_connections_are_retried(kms: Relay, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keyset = sealed_by(monkeypatch, f"aws-kms://{arn}")
    kms.requests = 0
    throttled = (400, {"__type": "ThrottlingException", "message": "Rate exceeded"})
    kms.faults = [throttled, "drop", (500, {"__type": "KMSInternalException"}), throttled]
    assert load_keyset("env:CRM_KEYSET", f"aws-kms://{arn}") == keyset
    assert kms.requests == 5


def test_refusals_are_not_retried(kms: Relay, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, f"aws-kms://{arn}")
    kms.requests = 0
    kms.faults = [(400, {"__type": "ExpiredTokenException"})] * 9
    problem(lambda: load_keyset("env:CRM_KEYSET", f"aws-kms://{arn}"))
    assert kms.requests == 1


def test_no_network_no_answer_no_credentials(kms: Relay, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kek = f"aws-kms://{arn}"
    sealed_by(monkeypatch, kek)
    monkeypatch.setattr(aws_kms, "READ_SECONDS", 0.2)
    kms.faults = ["hang"] * aws_kms.ATTEMPTS
    assert "KMS does not answer in time" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
    assert "KMS cannot be reached" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)
    assert "the credentials are missing" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))


def test_a_keyset_too_large_for_kms(arn: str) -> None:
    kek = key_providers.kek(f"aws-kms://{arn}")
    assert len(kek.decrypt(kek.encrypt(b"x" * 4096, b""), b"")) == 4096
    assert "larger than KMS takes" in problem(lambda: kek.encrypt(b"x" * 4097, b""))


def test_kms_is_asked_once_a_process_and_keyset(kms: Relay, arn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many threads, columns and batches resolve references."""
    keyset = sealed_by(monkeypatch, f"aws-kms://{arn}")
    keys.clear_cache()
    kms.requests = 0
    technique = parse({"technique": "keyed_hash"})
    subkeys = {f"domain{n}": keyset.subkey(technique, f"domain{n}") for n in range(8)}
    checks = {domain: key_check_value(key) for domain, key in subkeys.items()}
    refs = [
        KeyReference("crm", "env:CRM_KEYSET", f"aws-kms://{arn}", keyset.primary_id, technique, domain, check)
        for domain, check in checks.items()
        for _ in range(50)
    ]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        found = set(pool.map(lambda ref: ref.resolve().material, refs))
    assert len(found) == 8
    assert kms.requests == 1
