"""Azure Key Vault over TLS, played as its reference has it; Azure's own client and Tink open what is written, too.

Sign-in is real: azure-identity with a managed identity. Untried against the real service: nobody here has an account.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from azure.core.credentials import AccessToken
from azure.keyvault.keys.crypto import CryptographyClient, KeyWrapAlgorithm
from tink import aead

from privacy_udfs import key_providers
from privacy_udfs.key_providers import azure_credentials, azure_key_vault, envelope, http_session
from privacy_udfs.keys import Keyset, load_keyset
from privacy_udfs.keysets import encrypted_keysets
from tests.helpers.key_servers import SECRET, free_port, problem, sealed_by
from tests.helpers.played_azure import KeyVault, azure_cloud, azure_error
from tests.helpers.played_clouds import Played, SignIn

REAL = "azure-kv://lake.vault.azure.net/keys/main"
VERSION = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[KeyVault, SignIn]]:
    with azure_cloud(tmp_path, monkeypatch) as clouds:
        yield clouds


@pytest.fixture
def vault(clouds: tuple[KeyVault, SignIn]) -> KeyVault:
    return clouds[0]


@pytest.fixture
def sign_in(clouds: tuple[KeyVault, SignIn]) -> SignIn:
    return clouds[1]


@pytest.fixture
def kek(vault: KeyVault) -> str:
    vault.made("main")
    return f"azure-kv://{vault.host}/keys/main"


def test_a_keyset_comes_back(vault: KeyVault, kek: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    pinned = f"{kek}/{vault.versions[0].id}"
    for uri in (kek, kek.replace("azure-kv://", "azure-kv:"), pinned, f"{kek}?aad=lake&alg=RSA-OAEP-256"):
        keyset = sealed_by(monkeypatch, uri)
        assert load_keyset("env:CRM_KEYSET", uri) == keyset
    assert {parse_qs(urlsplit(path).query)["resource"][0] for path in sign_in.asked} == {"https://vault.azure.net"}
    assert set(vault.asked) == {
        "/keys/main/wrapkey?api-version=7.4",
        f"/keys/main/{vault.versions[0].id}/wrapkey?api-version=7.4",
        f"/keys/main/{vault.versions[0].id}/unwrapkey?api-version=7.4",
    }


def test_a_symmetric_key_of_a_managed_hsm(vault: KeyVault, monkeypatch: pytest.MonkeyPatch) -> None:
    vault.made("hsm", symmetric=True)
    kek = f"azure-kv://{vault.host}/keys/hsm?alg=A256KW"
    keyset = sealed_by(monkeypatch, kek)
    assert load_keyset("env:CRM_KEYSET", kek) == keyset
    head = f'{{"alg":"RSA-OAEP-256","version":"{vault.versions[0].id}","value":"AAEC"}}'.encode()
    vault.asked.clear()
    told = problem(lambda: key_providers.kek(kek).decrypt(len(head).to_bytes(4, "big") + head + b"\0" * 64, b""))
    assert "the keyset was encrypted by RSA-OAEP-256, and alg says A256KW" in told
    assert vault.asked == []
    refused = f"azure-kv://{vault.host}/keys/hsm"
    assert "the algorithm is not the key's (alg)" in problem(lambda: key_providers.kek(refused).encrypt(b"x", b""))


def test_versions(vault: KeyVault, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an older version wrapped opens with it; the newest wraps; a version that is stated is the only one."""
    keyset = sealed_by(monkeypatch, kek)
    old = vault.versions[0].id
    new = vault.made("main").id
    assert load_keyset("env:CRM_KEYSET", kek) == load_keyset("env:CRM_KEYSET", f"{kek}/{old}") == keyset
    told = problem(lambda: load_keyset("env:CRM_KEYSET", f"{kek}/{new}"))
    assert f"another version of the key encrypted the keyset, {old}" in told
    assert envelope.parts("", key_providers.kek(kek).encrypt(b"x", b""))[0].version == new
    assert envelope.parts("", key_providers.kek(f"{kek}/{old}").encrypt(b"x", b""))[0].version == old


def test_associated_data_is_authenticated(kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, f"{kek}?aad=pseudonyms")
    for other in (kek, f"{kek}?aad=Pseudonyms"):
        assert "or other associated data" in problem(lambda other=other: load_keyset("env:CRM_KEYSET", other))
    keyset = Keyset.generate()
    sealed = encrypted_keysets.seal(keyset, key_providers.kek(kek), b"lake")
    assert encrypted_keysets.unseal(sealed, key_providers.kek(f"{kek}?aad=lake")) == keyset


def test_another_key_does_not_decrypt(vault: KeyVault, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, kek)
    vault.made("other")
    told = problem(lambda: load_keyset("env:CRM_KEYSET", kek.replace("/main", "/other")))
    assert "there is no such key or version in the vault" in told  # the version is of the other key
    vault.made("twin").id = vault.versions[0].id
    told = problem(lambda: load_keyset("env:CRM_KEYSET", kek.replace("/main", "/twin")))
    assert "this key did not encrypt the keyset" in told


@pytest.mark.parametrize(
    "uri",
    [
        "azure-kv:",
        "azure-kv://lake",
        "azure-kv://lake.vault.azure.net/keys/",
        "azure-kv://lake.vault.azure.net/secrets/main",
        f"{REAL}/1",
        f"{REAL}/{VERSION}/x",
        f"{REAL}/../other",
        "azure-kv://lake.vault.azure.net.example/keys/main",
        "azure-kv://example/lake.vault.azure.net/keys/main",
        "azure-kv://lake.vault.azure.net@example.org/keys/main",
        "azure-kv://example.org#.vault.azure.net/keys/main",
        "azure-kv://vault.azure.net/keys/main",
        "azure-kv://127.0.0.1.example:80/keys/main",
        "azure-kv://localhost/keys/main",
        f"{REAL}?alg=RSA1_5",
        f"{REAL}?alg=A256KW&alg=A256KW",
        f"{REAL}?color=red",
    ],
)
def test_malformed_addresses(uri: str) -> None:
    """Among them hosts that are not Key Vault's and only look so: a token would go there."""
    assert uri in problem(lambda: key_providers.kek(uri))


@pytest.mark.parametrize(
    ("host", "scope"),
    [
        ("lake.vault.azure.net", "https://vault.azure.net/.default"),
        ("LAKE.Vault.Azure.CN", "https://vault.azure.cn/.default"),
        ("hsm.managedhsm.azure.net", "https://managedhsm.azure.net/.default"),
    ],
)
def test_a_token_is_for_the_cloud_of_the_host(host: str, scope: str) -> None:
    found = azure_key_vault.kek(f"azure-kv://{host}/keys/main/{VERSION}")
    assert azure_key_vault._scope(found.host) == scope
    assert (found.host, found.name, found.version) == (host.lower(), "main", VERSION)


# -- other implementations --------------------------------------------------------------------------------------------


class AzureByTink(aead.Aead):  # type: ignore[misc]
    """What docs/keys.md says of the wrapped key, for Tink, by Azure's own client: it unwraps, in the service."""

    def __init__(self, vault: KeyVault) -> None:
        self.vault = vault

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        told = json.loads(ciphertext)
        key = f"https://{self.vault.host}/keys/main/{told['version']}"
        client = CryptographyClient(
            key, LetIn(), verify_challenge_resource=False, connection_verify=str(self.vault.certificate)
        )
        value = envelope.from_base64url(told["value"])
        data_key = client.unwrap_key(KeyWrapAlgorithm(told["alg"]), value).key
        return b"\x1a\x20" + data_key  # Tink's AesGcmKey: field 3, of 32 bytes

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        raise AssertionError("Tink only opens here")


class LetIn:
    """A credential of Azure's libraries that has a token."""

    def get_token(self, *scopes: str, **_: object) -> AccessToken:
        return AccessToken(Played.TOKEN, 1 << 40)


def test_tink_opens_it_with_azures_own_client(vault: KeyVault, kek: str) -> None:
    aead.register()
    theirs = aead.KmsEnvelopeAead(aead.aead_key_templates.AES256_GCM, AzureByTink(vault))
    sealed = key_providers.kek(kek).encrypt(b"keyset", b"lake")
    vault.asked.clear()
    assert theirs.decrypt(sealed, b"lake") == b"keyset"
    assert any("/unwrapkey?" in path for path in vault.asked)


def test_an_envelope_to_the_byte() -> None:
    """NIST's AES-256-GCM vector (case 16 of the GCM specification), in an envelope laid out by hand."""
    key = bytes.fromhex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308")
    nonce = bytes.fromhex("cafebabefacedbaddecaf888")
    aad = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    plaintext = bytes.fromhex(
        "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a721c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
    )
    sealed = bytes.fromhex(
        "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        "76fc6ece0f4e1768cddf8853bb2d551b"
    )
    head = f'{{"alg":"A256KW","version":"{VERSION}","value":"AAEC"}}'.encode()
    whole = len(head).to_bytes(4, "big") + head + nonce + sealed
    wrapped, rest = envelope.parts("", whole)
    assert wrapped == envelope.Wrapped("A256KW", VERSION, b"\x00\x01\x02")
    assert envelope.opened("", rest, aad, key) == plaintext
    made = envelope.sealed(plaintext, aad, key, wrapped)
    assert made[: len(head) + 4] == whole[: len(head) + 4]
    assert len(made) == len(whole)
    assert envelope.opened("", envelope.parts("", made)[1], aad, key) == plaintext


# -- damage -----------------------------------------------------------------------------------------------------------


def test_damage_anywhere_is_refused(vault: KeyVault, kek: str) -> None:
    ours = key_providers.kek(kek)
    sealed = ours.encrypt(b"keyset", b"")
    head = 4 + int.from_bytes(sealed[:4], "big")
    for at in {*range(0, len(sealed), 11), 3, head - 1, head, len(sealed) - 1}:
        damaged = sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]
        assert kek in problem(lambda damaged=damaged: ours.decrypt(damaged, b""))
    for cut in (0, 3, 4, 40, head, head + 12, len(sealed) - 1):
        assert kek in problem(lambda cut=cut: ours.decrypt(sealed[:cut], b""))


@pytest.mark.parametrize(
    "told",
    [
        {"version": f"../../other/{VERSION}"},
        {"version": ""},
        {"version": VERSION.upper()},
        {"alg": "RSA1_5"},
        {"alg": "none"},
        {"value": "*"},
        {"value": 1},
        {"host": "example.org"},
    ],
)
def test_an_envelope_does_not_say_what_is_asked_for(vault: KeyVault, kek: str, told: dict[str, object]) -> None:
    """Nobody is asked where an envelope says what no service wrote."""
    ours = key_providers.kek(kek)
    sealed = ours.encrypt(b"keyset", b"")
    size = int.from_bytes(sealed[:4], "big")
    head = json.dumps(json.loads(sealed[4 : 4 + size]) | told).encode()
    vault.asked.clear()
    assert kek in problem(lambda: ours.decrypt(len(head).to_bytes(4, "big") + head + sealed[4 + size :], b""))
    assert vault.asked == []


@pytest.mark.parametrize(
    "change",
    [
        {"kid": f"https://other.vault.azure.net/keys/main/{VERSION}"},
        {"kid": VERSION},
        {"kid": None},
        {"value": ""},
        {"value": "*"},
        {"value": None},
    ],
)
def test_an_answer_of_another_key_is_refused(vault: KeyVault, kek: str, change: dict[str, object]) -> None:
    whole = {"kid": f"https://{vault.host}/keys/main/{VERSION}", "value": "AAEC"}
    vault.faults = [(200, whole)]
    key_providers.kek(kek).encrypt(b"x", b"")
    vault.faults = [(200, whole | change)]
    assert "answer is not of this key" in problem(lambda: key_providers.kek(kek).encrypt(b"x", b""))
    vault.faults = [(200, {**whole, "kid": f"https://{vault.host}/keys/main/{'0' * 32}"})]
    pinned = key_providers.kek(f"{kek}/{VERSION}")
    assert "answer is not of this key" in problem(lambda: pinned.encrypt(b"x", b""))


# -- refusals and faults ----------------------------------------------------------------------------------------------


def test_a_disabled_version_wraps_and_does_not_unwrap(
    vault: KeyVault, kek: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_by(monkeypatch, kek)
    vault.versions[0].enabled = False
    key_providers.kek(kek).encrypt(b"x", b"")
    assert "version is disabled in Key Vault" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))


@pytest.mark.parametrize(
    ("status", "code", "inner", "reason"),
    [
        (401, "Unauthorized", "", "sign in again"),
        (403, "Forbidden", "ForbiddenByRbac", "they need unwrapKey on it, and wrapKey to write"),
        (403, "Forbidden", "AccessDenied", "they need unwrapKey on it, and wrapKey to write"),
        (403, "Forbidden", "ForbiddenByFirewall", "firewall does not let this machine in"),
        (403, "Forbidden", "", "or its version is disabled or past its date"),
        (403, "Forbidden", "KeyExpired", "past its date"),
        (404, "KeyNotFound", "", "no such key or version"),
        (409, "Conflict", "", "is being deleted or recovered"),
        (418, "Teapot", "", "Key Vault answered 418"),
    ],
)
def test_refusals_are_said_and_not_repeated(
    vault: KeyVault, kek: str, status: int, code: str, inner: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_by(monkeypatch, kek)
    vault.requests = 0
    vault.faults = [azure_error(status, code, inner)] * 9
    assert reason in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    assert vault.requests == 1


def test_throttling_and_lost_connections_are_retried(
    vault: KeyVault, kek: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyset = sealed_by(monkeypatch, kek)
    vault.requests = 0
    throttled = azure_error(429, "Throttled")
    vault.faults = [throttled, "drop", azure_error(503, "ServiceUnavailable"), throttled]
    assert load_keyset("env:CRM_KEYSET", kek) == keyset
    assert vault.requests == 5
    monkeypatch.setattr(http_session, "RETRIES", 1)
    for status, reason in ((429, "for too many requests"), (500, "is down")):
        vault.faults = [azure_error(status, "Any")] * 2
        assert reason in problem(lambda: load_keyset("env:CRM_KEYSET", kek))


def test_no_network_no_answer_no_trust(vault: KeyVault, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, kek)
    monkeypatch.setattr(http_session, "READ_SECONDS", 0.3)
    monkeypatch.setattr(http_session, "RETRIES", 1)
    vault.faults = ["hang", "hang"]
    assert "Key Vault does not answer in time" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    nowhere = f"azure-kv://127.0.0.1:{free_port()}/keys/main"
    assert "Key Vault cannot be reached" in problem(lambda: load_keyset("env:CRM_KEYSET", nowhere))
    with monkeypatch.context() as patched:
        patched.setenv("REQUESTS_CA_BUNDLE", "/nope")
        assert "a file of certificates is not there" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    assert "certificate that is not trusted" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))


def test_credentials_that_do_not_do(
    vault: KeyVault, kek: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_by(monkeypatch, kek)
    vault.requests = 0

    def said() -> str:
        return problem(lambda: load_keyset("env:CRM_KEYSET", kek))

    sign_in.faults = [(400, {"error": "invalid_request", "error_description": SECRET})] * 9
    assert said().endswith(azure_credentials.CREDENTIALS)
    monkeypatch.setattr(http_session, "RETRIES", 0)
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"http://127.0.0.1:{free_port()}/token")
    assert said().endswith(azure_credentials.CREDENTIALS)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "no such kind")
    assert said().endswith(azure_credentials.CREDENTIALS)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "EnvironmentCredential")
    assert said().endswith(azure_credentials.CREDENTIALS)
    for name, value in (("CLIENT_ID", VERSION), ("TENANT_ID", VERSION), ("CLIENT_CERTIFICATE_PATH", f"/nope/{SECRET}")):
        monkeypatch.setenv(f"AZURE_{name}", value)
    assert said().endswith(azure_credentials.CREDENTIALS)
    assert vault.requests == 0
