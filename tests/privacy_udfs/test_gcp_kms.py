"""Google Cloud KMS over HTTP, played as its reference has it; Google's own client and Tink speak to it too.

Sign-in is real: google-auth with a service account's key. Untried against the real service: nobody here has an account.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import tink
from google.auth.credentials import AnonymousCredentials
from google.cloud import kms_v1
from google.cloud.kms_v1.services.key_management_service.transports import KeyManagementServiceRestTransport
from tink.integration.gcpkms import _gcp_kms_client

from privacy_udfs import key_providers
from privacy_udfs.key_providers import gcp_credentials, gcp_kms, http_session
from privacy_udfs.keys import Keyset, load_keyset
from privacy_udfs.keysets import encrypted_keysets
from tests.helpers.key_servers import SECRET, free_port, problem, sealed_by
from tests.helpers.played_clouds import Played, SignIn
from tests.helpers.played_gcp import CloudKms, google_cloud, google_error, with_checksum

AS_STATED = "projects/the-project/locations/europe-west1/keyRings/lake/cryptoKeys/"


@pytest.fixture
def clouds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[CloudKms, SignIn]]:
    with google_cloud(tmp_path, monkeypatch) as clouds:
        yield clouds


@pytest.fixture
def kms(clouds: tuple[CloudKms, SignIn]) -> CloudKms:
    return clouds[0]


@pytest.fixture
def sign_in(clouds: tuple[CloudKms, SignIn]) -> SignIn:
    return clouds[1]


@pytest.fixture
def kek(kms: CloudKms) -> str:
    return f"gcp-kms://{kms.made('main')}"


def test_a_keyset_comes_back_by_either_form_of_address(kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for uri in (kek, kek.replace("gcp-kms://", "gcp-kms:"), f"{kek}?aad=pseudonyms%20of%20the%20lake"):
        keyset = sealed_by(monkeypatch, uri)
        assert load_keyset("env:CRM_KEYSET", uri) == keyset


def test_a_version_that_is_no_longer_primary_decrypts(kms: CloudKms, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keyset = sealed_by(monkeypatch, kek)
    kms.rotate(f"{AS_STATED}main")
    assert load_keyset("env:CRM_KEYSET", kek) == keyset
    newer = sealed_by(monkeypatch, kek)
    kms.states[f"{AS_STATED}main"][0] = "DESTROYED"
    assert load_keyset("env:CRM_KEYSET", kek) == newer


def test_associated_data_is_authenticated(kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, f"{kek}?aad=pseudonyms")
    for other in (kek, f"{kek}?aad=Pseudonyms", f"{kek}?aad=pseudonyms%20"):
        assert "or other associated data" in problem(lambda other=other: load_keyset("env:CRM_KEYSET", other))
    keyset = Keyset.generate()
    sealed = encrypted_keysets.seal(keyset, key_providers.kek(kek), b"lake")
    assert encrypted_keysets.unseal(sealed, key_providers.kek(f"{kek}?aad=lake")) == keyset
    with_both = key_providers.kek(f"{kek}?aad=lake")
    assert "the caller has its own" in problem(lambda: encrypted_keysets.unseal(sealed, with_both, b"lake"))


def test_another_key_does_not_decrypt(kms: CloudKms, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, kek)
    other = f"gcp-kms://{kms.made('other')}"
    assert f"{other}: Cloud KMS refuses the request: this key" in problem(lambda: load_keyset("env:CRM_KEYSET", other))
    assert "there is no such key" in problem(lambda: load_keyset("env:CRM_KEYSET", f"{other}s"))


@pytest.mark.parametrize(
    "uri",
    [
        "gcp-kms:",
        "gcp-kms://main",
        f"gcp-kms://{AS_STATED}",
        f"gcp-kms://{AS_STATED}main/cryptoKeyVersions/1",
        f"gcp-kms://{AS_STATED}main:decrypt",
        f"gcp-kms://{AS_STATED}../main",
        f"gcp-kms://{AS_STATED}main#x",
        f"gcp-kms:///{AS_STATED}main",
        f"gcp-kms://{AS_STATED}main?color=red",
        f"gcp-kms://{AS_STATED}main?aad=",
        f"gcp-kms://{AS_STATED}main?aad=a&aad=b",
        f"gcp-kms://{AS_STATED}main\n",
    ],
)
def test_malformed_addresses(uri: str) -> None:
    assert uri in problem(lambda: key_providers.kek(uri))


def google_client(kms: CloudKms) -> kms_v1.KeyManagementServiceClient:
    """Google's own client, of the whole service."""
    there = {"host": f"127.0.0.1:{kms.port}", "url_scheme": "http", "credentials": LetIn()}
    return kms_v1.KeyManagementServiceClient(transport=KeyManagementServiceRestTransport(**there))


class LetIn(AnonymousCredentials):  # type: ignore[misc]
    """Carries the token that the service lets in."""

    def apply(self, headers: dict[str, str], token: object = None) -> None:
        headers["authorization"] = f"Bearer {Played.TOKEN}"

    def before_request(self, request: object, method: str, url: str, headers: dict[str, str]) -> None:
        self.apply(headers)


def test_googles_own_client_and_tink_open_it_and_are_opened(kms: CloudKms, kek: str) -> None:
    ours, key = key_providers.kek(kek), kek.removeprefix("gcp-kms://")
    client = google_client(kms)
    ciphertext = ours.encrypt(b"keyset", b"lake")
    asked = {"name": key, "ciphertext": ciphertext, "additional_authenticated_data": b"lake"}
    assert client.decrypt(request=asked).plaintext == b"keyset"
    answer = client.encrypt(request={"name": key, "plaintext": b"theirs"})
    assert ours.decrypt(answer.ciphertext, b"") == b"theirs"
    aead = _gcp_kms_client._GcpKmsAead(client, key)
    assert aead.decrypt(ciphertext, b"lake") == b"keyset"
    assert ours.decrypt(aead.encrypt(b"tink's", b"lake"), b"lake") == b"tink's"
    with pytest.raises(tink.TinkError):
        aead.decrypt(ciphertext, b"other")


def test_the_bodies_are_those_of_googles_own_types(kms: CloudKms, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is sent is read by Google's own message types, which refuse a field that they do not know."""
    sent = []
    reply = kms.reply

    def noted(method: str, path: str, body: dict[str, str]) -> tuple[int, dict[str, object]]:
        sent.append((path, body))
        return reply(method, path, body)

    monkeypatch.setattr(kms, "reply", noted)
    ours = key_providers.kek(f"{kek}?aad=lake")
    assert ours.decrypt(ours.encrypt(b"123456789", b""), b"") == b"123456789"
    encrypt, decrypt = (json.dumps(body) for _, body in sent)
    asked = kms_v1.EncryptRequest.from_json(encrypt)
    assert (asked.plaintext, asked.additional_authenticated_data) == (b"123456789", b"lake")
    assert asked.plaintext_crc32c == 0xE3069283  # the check value of CRC-32C (RFC 3720, appendix B.4)
    assert asked.additional_authenticated_data_crc32c is not None
    back = kms_v1.DecryptRequest.from_json(decrypt)
    assert (back.additional_authenticated_data, back.ciphertext_crc32c > 0) == (b"lake", True)
    assert [path for path, _ in sent] == [f"/v1/{AS_STATED}main:encrypt", f"/v1/{AS_STATED}main:decrypt"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("DISABLED", "its version is disabled in Cloud KMS"),
        ("DESTROY_SCHEDULED", "waiting for its destruction: restore it before that"),
        ("DESTROYED", "its version is destroyed"),
        ("PENDING_GENERATION", "the key cannot be used in its state"),
    ],
)
def test_a_key_that_is_not_enabled(
    kms: CloudKms, kek: str, state: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_by(monkeypatch, kek)
    kms.states[f"{AS_STATED}main"] = [state]
    for step in (lambda: load_keyset("env:CRM_KEYSET", kek), lambda: key_providers.kek(kek).encrypt(b"x", b"")):
        assert problem(step).endswith(reason)


@pytest.mark.parametrize(
    ("code", "status", "reason"),
    [
        (401, "UNAUTHENTICATED", "sign in again"),
        (403, "PERMISSION_DENIED", "may not use the key: they need cloudkms.cryptoKeyVersions.useToDecrypt"),
        (400, "FAILED_PRECONDITION", "the key cannot be used in its state"),
        (418, "TEAPOT", "Cloud KMS answered 418"),
    ],
)
def test_refusals_are_said_and_not_repeated(
    kms: CloudKms, kek: str, code: int, status: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_by(monkeypatch, kek)
    kms.requests = 0
    kms.faults = [google_error(code, status)] * 9
    assert reason in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    assert kms.requests == 1
    kms.faults = [(code, {})] * 9
    assert kek in problem(lambda: load_keyset("env:CRM_KEYSET", kek))


def test_throttling_and_lost_connections_are_retried(kms: CloudKms, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    keyset = sealed_by(monkeypatch, kek)
    kms.requests = 0
    throttled = google_error(429, "RESOURCE_EXHAUSTED")
    kms.faults = [throttled, "drop", google_error(503, "UNAVAILABLE"), throttled]
    assert load_keyset("env:CRM_KEYSET", kek) == keyset
    assert kms.requests == 5
    monkeypatch.setattr(http_session, "RETRIES", 1)
    for code, status, reason in ((429, "RESOURCE_EXHAUSTED", "for too many requests"), (500, "INTERNAL", "is down")):
        kms.faults = [google_error(code, status)] * 2
        assert reason in problem(lambda: load_keyset("env:CRM_KEYSET", kek))


def test_no_network_no_answer(kms: CloudKms, kek: str, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, kek)
    monkeypatch.setattr(http_session, "READ_SECONDS", 0.2)
    monkeypatch.setattr(http_session, "RETRIES", 1)
    kms.faults = ["hang", "hang"]
    assert "Cloud KMS does not answer in time" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    monkeypatch.setenv(gcp_kms.OVERRIDE, f"http://localhost:{free_port()}")
    assert "Cloud KMS cannot be reached" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    monkeypatch.setenv(gcp_kms.OVERRIDE, "http://kms.example")
    assert "must be an address with https" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))


def test_credentials_that_do_not_do(
    kms: CloudKms, kek: str, sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed_by(monkeypatch, kek)
    kms.requests = 0

    def said() -> str:
        return problem(lambda: load_keyset("env:CRM_KEYSET", kek))

    sign_in.faults = [(400, {"error": "invalid_grant", "error_description": SECRET})] * 9
    assert said().endswith(gcp_credentials.CREDENTIALS)
    sign_in.faults = []
    account = Path(os.environ["GOOGLE_APPLICATION_CREDENTIALS"])
    whole = account.read_text()
    account.write_text(whole.replace(f":{sign_in.port}/", f":{free_port()}/"))
    assert "Google's sign-in cannot be reached" in said()
    for broken in (f'{{"type": "service_account", "private_key": "{SECRET}"}}', SECRET, "{}"):
        account.write_text(broken)
        assert said().endswith(gcp_credentials.CREDENTIALS)
    account.unlink()
    assert said().endswith(gcp_credentials.CREDENTIALS)
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS")
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    assert said().endswith(gcp_credentials.CREDENTIALS)
    assert kms.requests == 0


def test_what_is_damaged_on_its_way_is_asked_for_again_and_then_refused(
    kms: CloudKms, kek: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    keyset = sealed_by(monkeypatch, kek)
    damaged = with_checksum("plaintext", b"x") | {"plaintext": base64.b64encode(b"y").decode()}
    kms.faults = [(200, damaged), (200, {"plaintext": "eA=="})]
    assert load_keyset("env:CRM_KEYSET", kek) == keyset
    for answer in (damaged, {}, {"plaintext": "?", "plaintextCrc32c": "0"}, {"plaintext": 1, "plaintextCrc32c": "1"}):
        kms.faults = [(200, answer)] * gcp_kms.READINGS
        assert "damaged on its way" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
        assert not kms.faults


@pytest.mark.parametrize(
    "change",
    [
        {"verifiedPlaintextCrc32c": False},
        {"verifiedAdditionalAuthenticatedDataCrc32c": None},
        {"name": f"{AS_STATED}other/cryptoKeyVersions/1"},
        {"ciphertextCrc32c": "1"},
    ],
)
def test_an_encryption_that_is_not_what_was_asked_for_is_not_kept(
    kms: CloudKms, kek: str, change: dict[str, object]
) -> None:
    whole = {
        "name": f"projects/1234567890/{AS_STATED.partition('the-project/')[2]}main/cryptoKeyVersions/1",
        "verifiedPlaintextCrc32c": True,
        "verifiedAdditionalAuthenticatedDataCrc32c": True,
        **with_checksum("ciphertext", b"sealed"),
    }
    kms.faults = [(200, whole)]
    assert key_providers.kek(kek).encrypt(b"x", b"") == b"sealed"
    kms.faults = [(200, whole | change)] * gcp_kms.READINGS
    assert "damaged on its way" in problem(lambda: key_providers.kek(kek).encrypt(b"x", b""))


def test_a_keyset_too_large_for_kms(kek: str) -> None:
    ours = key_providers.kek(kek)
    assert len(ours.decrypt(ours.encrypt(b"x" * 65536, b""), b"")) == 65536
    assert "larger than Cloud KMS takes" in problem(lambda: ours.encrypt(b"x" * 65537, b""))


def test_a_password_of_a_netrc_does_not_stand_in_for_the_token(
    kek: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".netrc").write_text(f"machine 127.0.0.1 login me password {SECRET}\n")
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    keyset = sealed_by(monkeypatch, kek)
    assert load_keyset("env:CRM_KEYSET", kek) == keyset


def test_a_token_follows_no_redirect(kms: CloudKms, kek: str, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    sealed_by(monkeypatch, kek)
    kms.headers = {307: {"Location": f"http://127.0.0.1:{sign_in.port}/elsewhere"}}
    kms.faults = [(307, {})]
    assert "Cloud KMS answered 307" in problem(lambda: load_keyset("env:CRM_KEYSET", kek))
    assert "/elsewhere" not in sign_in.asked
