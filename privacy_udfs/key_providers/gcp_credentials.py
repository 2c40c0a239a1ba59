"""Who we are to Google Cloud: application default credentials, as Google's own library finds them.

A service account's or a workload identity's file in ``GOOGLE_APPLICATION_CREDENTIALS``, a person signed in by
``gcloud auth application-default login``, or the account of the machine.
"""

from __future__ import annotations

import functools

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import client_library, http_session

EXTRA = "gcp"
SCOPES = ("https://www.googleapis.com/auth/cloudkms",)
CREDENTIALS = "the credentials are missing, wrong or expired: sign in again"
FAILURES = {
    "TransportError": "Google's sign-in cannot be reached",
    "TimeoutError": "Google's sign-in does not answer in time",
}


def headers(uri: str, url: str) -> dict[str, str]:
    """What goes with a request to ``url``. uri: for messages. Raises `KeyProblem`."""
    auth = client_library.load("google.auth", EXTRA)
    errors = client_library.load("google.auth.exceptions", EXTRA)
    request = client_library.load("google.auth.transport.requests", EXTRA).Request()
    made: dict[str, str] = {}
    try:
        credentials, _ = auth.default(scopes=SCOPES)
        seconds = http_session.READ_SECONDS
        credentials.before_request(functools.partial(request, timeout=seconds), "POST", url, made)
        return made
    except errors.GoogleAuthError as error:
        kind = next((kind.__name__ for kind in type(error).__mro__ if kind.__name__ in FAILURES), "")
    except (ValueError, OSError):  # of a file of credentials that is none
        kind = ""
    raise KeyProblem(f"{uri}: {FAILURES.get(kind, CREDENTIALS)}")  # out here, since the error holds credentials
