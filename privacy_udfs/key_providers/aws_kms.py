"""``aws-kms:``: keysets encrypted by a key of AWS KMS, which never leaves it.

``aws-kms://arn:aws:kms:eu-west-1:123456789012:key/...``, ``aws-kms://alias/lake``, ``aws-kms:KEY-ID``. An encryption
context, which KMS authenticates and writes to its audit trail, follows as a query:
``aws-kms://alias/lake?context.purpose=pseudonyms``. Region, credentials and end point are found as boto3 finds them; an
ARN brings its region. Compatible with Tink's AWS KMS integration: associated data, if there is any, becomes the context
entry ``associatedData`` in hex. KMS takes at most 4,096 bytes: about 30 versions of a key.
"""

from __future__ import annotations

import dataclasses
import os
from typing import Any
from urllib.parse import parse_qsl

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import client_library
from privacy_udfs.key_providers.http_session import CONNECT_SECONDS, READ_SECONDS

MAX_PLAINTEXT = 4096
ATTEMPTS = 5

CREDENTIALS = "the credentials are missing, wrong or expired: sign in again"
REASONS = {
    "ExpiredTokenException": CREDENTIALS,
    "ExpiredToken": CREDENTIALS,
    "InvalidClientTokenId": CREDENTIALS,
    "UnrecognizedClientException": CREDENTIALS,
    "InvalidSignatureException": CREDENTIALS,
    "AccessDeniedException": "these credentials may not use the key: they need kms:Encrypt and kms:Decrypt on it",
    "NotFoundException": "there is no such key in this account and region",
    "DisabledException": "the key is disabled in KMS",
    "KMSInvalidStateException": "the key cannot be used in its state; it may be waiting for deletion",
    "KeyUnavailableException": "KMS cannot reach the key now",
    "InvalidCiphertextException": "this key, or another encryption context, did not encrypt the keyset",
    "IncorrectKeyException": "another key encrypted the keyset",
    "ThrottlingException": f"KMS refuses for too many requests, after {ATTEMPTS} attempts",
    "LimitExceededException": f"KMS refuses for too many requests, after {ATTEMPTS} attempts",
}
FAILURES = {
    "NoCredentialsError": CREDENTIALS,
    "PartialCredentialsError": CREDENTIALS,
    "CredentialRetrievalError": CREDENTIALS,
    "TokenRetrievalError": CREDENTIALS,
    "SSOTokenLoadError": CREDENTIALS,
    "UnauthorizedSSOTokenError": CREDENTIALS,
    "NoRegionError": "no region: set AWS_REGION, or name the key by its ARN",
    "EndpointConnectionError": "KMS cannot be reached",
    "ConnectTimeoutError": "KMS cannot be reached in time",
    "ReadTimeoutError": "KMS does not answer in time",
}


@dataclasses.dataclass(frozen=True)
class AwsKms:
    """uri: as given, for messages. key: an ARN, alias or id. context: the encryption context."""

    uri: str
    key: str
    context: dict[str, str]

    def encrypt(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """KMS ``Encrypt``. Raises `KeyProblem`."""
        if len(plaintext) > MAX_PLAINTEXT:
            raise KeyProblem(f"{self.uri}: the keyset is larger than KMS takes: destroy versions no table needs")
        return bytes(self._call("encrypt", associated_data, Plaintext=plaintext)["CiphertextBlob"])

    def decrypt(self, ciphertext: bytes, associated_data: bytes) -> bytes:
        """KMS ``Decrypt``, by this key and no other. Raises `KeyProblem`."""
        return bytes(self._call("decrypt", associated_data, CiphertextBlob=ciphertext)["Plaintext"])

    def _call(self, operation: str, associated_data: bytes, **given: bytes) -> dict[str, Any]:
        context = dict(self.context)
        if associated_data:
            context["associatedData"] = associated_data.hex()
        botocore = client_library.load("botocore.exceptions", "aws")
        try:
            answer = getattr(self._client(), operation)(KeyId=self.key, EncryptionContext=context, **given)
            return dict(answer)
        except botocore.ClientError as error:
            code = str(error.response.get("Error", {}).get("Code", ""))
            reason = REASONS.get(code, f"KMS answered {code or 'an error'}")
        except botocore.BotoCoreError as error:
            kind = type(error).__name__
            reason = FAILURES.get(kind, f"the AWS client failed ({kind})")
        raise KeyProblem(f"{self.uri}: {reason}")

    def _client(self) -> Any:
        """A client that gives up in time and retries throttling and lost connections with back-off and jitter."""
        config = client_library.load("botocore.config", "aws").Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        )
        session = client_library.load("boto3", "aws").session.Session()
        named = self.key.split(":")[3] if self.key.startswith("arn:") else None
        region = named or session.region_name or os.environ.get("AWS_REGION")
        return session.client("kms", region_name=region, config=config)


def kek(uri: str) -> AwsKms:
    """The key that an ``aws-kms:`` URI names. Raises `KeyProblem` for a malformed one; asks nobody yet."""
    address, _, query = uri.removeprefix("aws-kms:").removeprefix("//").partition("?")
    if not address or (address.startswith("arn:") and len(address.split(":")) < 6):
        raise KeyProblem(f"{uri}: needs the ARN, alias or id of a key, such as aws-kms://alias/lake")
    context = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if not name.startswith("context."):
            raise KeyProblem(f"{uri}: the only option is context.NAME=VALUE")
        context[name.removeprefix("context.")] = value
    return AwsKms(uri, address, context)
