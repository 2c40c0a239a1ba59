"""HTTP to key services: given up in time, tried again where that can help, and silent about what it carries.

Services that have a small REST interface are asked through this; their whole clients bring gRPC, which does not live
through the forks of Spark's Python workers.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import client_library
from privacy_udfs.keysets import strict_json

RETRIES = 4
CONNECT_SECONDS, READ_SECONDS = 3, 10
LOOPBACK = ("localhost", "127.0.0.1", "::1")
OVERLOADED = (429, 500, 502, 503, 504)


class Service(NamedTuple):
    """name: in messages. extra: of this package, that brings what it takes to ask it."""

    name: str
    extra: str


class Answer(NamedTuple):
    """The status of an answer, and its JSON object; empty where it is none."""

    status: int
    content: dict[str, Any]


def patient(extra: str, retries: int, statuses: Collection[int]) -> Any:
    """A session that retries lost connections and these statuses, with back-off and jitter; the last answer counts.

    For calls that can be repeated, whatever their method.
    """
    session = client_library.load("requests", extra).Session()
    policy = client_library.load("urllib3.util", extra).Retry(
        total=retries,
        backoff_factor=0.2,
        backoff_jitter=0.2,
        backoff_max=5,
        status_forcelist=statuses,
        allowed_methods=None,
        raise_on_status=False,
        respect_retry_after_header=False,  # it may ask for more time than a job should hang
    )
    adapter = client_library.load("requests.adapters", extra).HTTPAdapter(max_retries=policy)
    session.mount("https://", adapter)
    session.mount("http://", adapter)
    return session


def call(uri: str, service: Service, request: tuple[str, str], headers: Mapping[str, str], body: Any = None) -> Answer:
    """What the service answers. uri: for messages. request: method and URL. Raises `KeyProblem` where nothing comes."""
    errors = client_library.load("requests.exceptions", service.extra)
    session = patient(service.extra, RETRIES, OVERLOADED)

    def signed(prepared: Any) -> Any:  # as `auth`: so that no password of a .netrc stands in its place
        prepared.headers.update(headers)
        return prepared

    try:
        with session:
            answer = session.request(
                *request, json=body, auth=signed, timeout=(CONNECT_SECONDS, READ_SECONDS), allow_redirects=False
            )
        return Answer(answer.status_code, _object(answer.content))
    except (errors.RequestException, OSError) as error:  # the latter where a file of certificates is not there
        problem = _problem(error, errors)
    raise KeyProblem(f"{uri}: {service.name} {problem}")  # out here, since the error holds the request


def _problem(error: Any, errors: Any) -> str:
    cause = type(getattr(error.args[0] if error.args else None, "reason", None)).__name__
    if isinstance(error, errors.SSLError):
        return "has a certificate that is not trusted: set REQUESTS_CA_BUNDLE"
    if isinstance(error, errors.ConnectTimeout):
        return "cannot be reached in time"
    if isinstance(error, errors.ReadTimeout) or cause == "ReadTimeoutError":
        return "does not answer in time"
    if isinstance(error, errors.ConnectionError):
        return "cannot be reached"
    if not isinstance(error, errors.RequestException):
        return "cannot be trusted: a file of certificates is not there, or cannot be read: set REQUESTS_CA_BUNDLE"
    return f"cannot be asked ({type(error).__name__})"


def _object(content: bytes) -> dict[str, Any]:
    found, _ = strict_json.read(strict_json.parse_json, content)
    return found if isinstance(found, dict) else {}
