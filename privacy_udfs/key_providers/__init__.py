"""Where key material comes from. One scheme, one file; the lists below are all there are.

A *store* keeps a keyset, encrypted or clear; a *KEK* encrypts it. No message of a provider ever holds what it read, and
clients of services are imported when first used.
"""

from __future__ import annotations

import difflib
import functools
from collections.abc import Callable, Mapping
from typing import TypeVar

from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers import aws_kms, azure_key_vault, env, file, gcp_kms, vault
from privacy_udfs.key_providers.kek import Kek, local

Fetch = Callable[[str], bytes]
Create = Callable[[str, bytes], None]
Replace = Callable[[str, bytes, bytes], None]

STORES: Mapping[str, Fetch] = {"file": file.fetch, "env": env.fetch, "vault": vault.fetch}
CREATE: Mapping[str, Create] = {"file": file.create, "vault": vault.create}
REPLACE: Mapping[str, Replace] = {"file": file.replace, "vault": vault.replace}
KEKS: Mapping[str, Callable[[str], Kek]] = {
    "aws-kms": aws_kms.kek,
    "gcp-kms": gcp_kms.kek,
    "azure-kv": azure_key_vault.kek,
    "vault": vault.kek,
    "file": functools.partial(local, file.fetch),
    "env": functools.partial(local, env.fetch),
}
CLEAR_AT_REST = frozenset({"file", "env"})
"""Stores that do not themselves encrypt what they keep: a clear keyset there is for development."""

Provided = TypeVar("Provided")


def fetch(uri: str) -> bytes:
    """What the store holds under ``uri``. This and all below raise `KeyProblem`, which never holds any of it."""
    return _of_scheme(STORES, uri, "no keyset can be read from")(uri)


def create(uri: str, content: bytes) -> None:
    """Keep ``content`` under ``uri``, where there must be nothing yet."""
    _of_scheme(CREATE, uri, "no keyset can be written to")(uri, content)


def replace(uri: str, content: bytes, expected: bytes) -> None:
    """Keep ``content`` under ``uri`` in the place of ``expected``; if that is no longer there, write nothing."""
    _of_scheme(REPLACE, uri, "no keyset can be written to")(uri, content, expected)


def kek(uri: str) -> Kek:
    """The key-encryption key at ``uri``."""
    return _of_scheme(KEKS, uri, "no key-encryption key can be had from")(uri)


def scheme_of(uri: str) -> str:
    """The part before the colon; empty where there is none."""
    return uri.partition(":")[0] if ":" in uri else ""


def _of_scheme(providers: Mapping[str, Provided], uri: str, problem: str) -> Provided:
    scheme = scheme_of(uri)
    if scheme in providers:
        return providers[scheme]
    near = difflib.get_close_matches(scheme, providers, n=1)
    meant = f"; did you mean {near[0]}:?" if near else ""
    known = ", ".join(f"{name}:" for name in providers)
    shown = f"{scheme}:" if scheme else "an address without a scheme"
    raise KeyProblem(f"{problem} {shown}; expected one of {known}{meant}")
