"""Who we are to Azure, as azure-identity finds it.

A service principal in ``AZURE_CLIENT_ID``, ``AZURE_TENANT_ID`` and its secret or certificate, a workload identity, the
managed identity of the machine, or a person signed in by ``az login``; ``AZURE_TOKEN_CREDENTIALS=prod`` leaves persons
out.
"""

from __future__ import annotations

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import client_library, http_session

EXTRA = "azure"
CREDENTIALS = "the credentials are missing, wrong or expired, or Azure's sign-in cannot be reached: sign in again"


def headers(uri: str, scope: str) -> dict[str, str]:
    """What goes with a request that a token of this scope is for. uri: for messages. Raises `KeyProblem`."""
    identity = client_library.load("azure.identity", EXTRA)
    errors = client_library.load("azure.core.exceptions", EXTRA)
    try:
        credential = identity.DefaultAzureCredential(
            connection_timeout=http_session.CONNECT_SECONDS,
            read_timeout=http_session.READ_SECONDS,
            retry_total=http_session.RETRIES,
            process_timeout=http_session.READ_SECONDS,
        )
        with credential:
            return {"Authorization": f"Bearer {credential.get_token(scope).token}"}
    except (errors.AzureError, ValueError, OSError):  # the latter two for settings that cannot be, and lacking files
        pass
    raise KeyProblem(f"{uri}: {CREDENTIALS}")  # out here, since the error holds what was answered
