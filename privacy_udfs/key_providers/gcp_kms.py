"""``gcp-kms:``: keysets encrypted by a key of Google Cloud KMS, which never leaves it.

``gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K``, the name that Google gives the key. ``?aad=TEXT`` adds
associated data, which KMS authenticates: without the same text nothing is decrypted. Credentials are found as Google's
own libraries find them (application default credentials), and another end point as gcloud does
(``CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS``). What goes either way is checked by CRC32C, as Google asks. Ciphertexts
and associated data are those of Tink's Cloud KMS integration. KMS takes at most 64 KiB, a key in an HSM 8 KiB: about
60 versions of a key.
"""

from __future__ import annotations

import base64
import binascii
import dataclasses
import json
import os
import re
from typing import Any
from urllib.parse import urlsplit

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import client_library, gcp_credentials
from privacy_udfs.key_providers.http_session import LOOPBACK, RETRIES, Answer, Service, call
from privacy_udfs.key_providers.kek_options import AAD, associated, options

SERVICE = Service("Cloud KMS", "gcp")
MAX_PLAINTEXT = 1 << 16
READINGS = 3
"""How often an answer that was damaged on its way is asked for."""
ENDPOINT, OVERRIDE = "https://cloudkms.googleapis.com/", "CLOUDSDK_API_ENDPOINT_OVERRIDES_CLOUDKMS"
_KEY = re.compile(r"projects/[\w.:-]+/(?P<key>locations/[\w-]+/keyRings/[\w-]+/cryptoKeys/[\w-]+)", re.ASCII)

REASONS = {
    "UNAUTHENTICATED": gcp_credentials.CREDENTIALS,
    "PERMISSION_DENIED": "these credentials may not use the key: they need cloudkms.cryptoKeyVersions.useToDecrypt, "
    "and useToEncrypt to write; or the Cloud KMS API is off in the project",
    "NOT_FOUND": "there is no such key in this project and location",
    "INVALID_ARGUMENT": "Cloud KMS refuses the request: this key, or other associated data, did not encrypt the "
    "keyset; or it is no key for symmetric encryption, or the keyset larger than it takes",
    "FAILED_PRECONDITION": "the key cannot be used in its state",
    "RESOURCE_EXHAUSTED": f"Cloud KMS refuses for too many requests, after {RETRIES + 1} attempts",
    "INTERNAL": f"Cloud KMS is down, after {RETRIES + 1} attempts",
    "UNAVAILABLE": f"Cloud KMS is down, after {RETRIES + 1} attempts",
    "DEADLINE_EXCEEDED": "Cloud KMS does not answer in time",
}
STATES = {
    "DESTROY_SCHEDULED": "its version is waiting for its destruction: restore it before that",
    "DESTROYED": "its version is destroyed",
    "DISABLED": "its version is disabled in Cloud KMS",
}
_STATE = re.compile(rf"(?:state is: |KEY_)({'|'.join(STATES)})\b")
"""In a message, and in the kind of a violation."""
STATUSES = {401: "UNAUTHENTICATED", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED"}


@dataclasses.dataclass(frozen=True)
class GcpKms:
    """uri: as given, for messages. key: the resource's name. aad: the associated data that the URI states."""

    uri: str
    key: str
    aad: str = ""

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """KMS ``encrypt``, by the key's primary version. Raises `KeyProblem`."""
        if len(plaintext) > MAX_PLAINTEXT:
            raise KeyProblem(f"{self.uri}: the keyset is larger than Cloud KMS takes: destroy versions no table needs")
        data = associated(self.uri, self.aad, associated_data)
        return self._call("encrypt", "ciphertext", plaintext=plaintext, additionalAuthenticatedData=data)

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """KMS ``decrypt``. Raises `KeyProblem`."""
        data = associated(self.uri, self.aad, associated_data)
        return self._call("decrypt", "plaintext", ciphertext=ciphertext, additionalAuthenticatedData=data)

    def _call(self, verb: str, wanted: str, **given: bytes) -> bytes:
        """What KMS gives back for these fields, each of which goes with its checksum, an empty one too."""
        body: dict[str, str] = {}
        for name, value in given.items():
            body |= {name: base64.b64encode(value).decode(), f"{name}Crc32c": str(_crc32c(value))}
        url = f"{_endpoint(self.uri)}v1/{self.key}:{verb}"
        for _ in range(READINGS):
            answer = call(self.uri, SERVICE, ("POST", url), gcp_credentials.headers(self.uri, url), body)
            if answer.status != 200:
                raise KeyProblem(f"{self.uri}: {_refusal(answer)}")
            found = _whole(answer.content, wanted)
            if found is not None and (verb == "decrypt" or self._is_of_this_key(answer.content)):
                return found
        raise KeyProblem(f"{self.uri}: what was sent or answered is damaged on its way, by its CRC32C")

    def _is_of_this_key(self, content: dict[str, Any]) -> bool:
        """Whether KMS had both fields whole, and encrypted them under this key; a project has an id and a number."""
        own = _KEY.fullmatch(self.key)
        name = str(content.get("name", "")).partition("/cryptoKeyVersions/")[0]
        return bool(
            content.get("verifiedPlaintextCrc32c") is True
            and content.get("verifiedAdditionalAuthenticatedDataCrc32c") is True
            and own
            and name.endswith(f"/{own['key']}")
        )


def kek(uri: str) -> GcpKms:
    """The key that a ``gcp-kms:`` URI names. Raises `KeyProblem` for a malformed one; asks nobody yet."""
    address = uri.removeprefix("gcp-kms:").removeprefix("//").partition("?")[0]
    if not _KEY.fullmatch(address):
        raise KeyProblem(
            f"{uri}: needs the name of a key, such as gcp-kms://projects/P/locations/europe-west1/keyRings/R/"
            "cryptoKeys/K; versions are KMS's to choose"
        )
    return GcpKms(uri, address, options(uri, AAD).get(AAD, ""))


def _endpoint(uri: str) -> str:
    found = os.environ.get(OVERRIDE) or ENDPOINT
    parts = urlsplit(found)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise KeyProblem(f"{uri}: {OVERRIDE} must be an address with https, unless it is a loopback address")
    return found.rstrip("/") + "/"


def _whole(content: dict[str, Any], name: str) -> bytes | None:
    """A field of an answer; None where it is not what its checksum says."""
    try:
        value = base64.b64decode(content.get(name, ""), validate=True)
        return value if int(content[f"{name}Crc32c"]) == _crc32c(value) else None
    except (binascii.Error, KeyError, TypeError, ValueError):
        return None


def _crc32c(value: bytes) -> int:
    return int(client_library.load("google_crc32c", SERVICE.extra).value(value))


def _refusal(answer: Answer) -> str:
    """Why KMS refuses, in own words: its messages name people and projects."""
    error = answer.content.get("error")
    error = error if isinstance(error, dict) else {}
    status = str(error.get("status", STATUSES.get(answer.status, "")))
    state = _STATE.search(json.dumps(error))
    if status == "FAILED_PRECONDITION" and state:
        return STATES[state[1]]
    return REASONS.get(status, f"Cloud KMS answered {answer.status}")
