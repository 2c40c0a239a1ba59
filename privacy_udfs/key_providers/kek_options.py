"""What may follow a key-encryption key's address as a query: ``?aad=TEXT``, and what else its provider knows."""

from __future__ import annotations

from urllib.parse import parse_qsl

from privacy_udfs.errors import KeyProblem

AAD = "aad"


def options(uri: str, *known: str) -> dict[str, str]:
    """The options of a URI by name, each stated once and not empty. Raises `KeyProblem`."""
    query = uri.partition("?")[2]
    found = parse_qsl(query, keep_blank_values=True)
    given = dict(found)
    if len(given) != len(found) or not all(given.values()) or not given.keys() <= set(known):
        raise KeyProblem(f"{uri}: the only options are {', '.join(f'{name}=...' for name in known)}, each once")
    return given


def associated(uri: str, stated: str, given: bytes) -> bytes:
    """The associated data of a call: what the URI states, or what the caller has. Raises `KeyProblem` for both."""
    if stated and given:
        raise KeyProblem(f"{uri}: it states associated data, and the caller has its own")
    return given or stated.encode()
