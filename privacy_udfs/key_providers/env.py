"""``env:NAME``: a keyset in an environment variable, for development and for schedulers that inject secrets so.

An environment is inherited by every child process and can be read by the account's other processes: encrypt the keyset.
"""

from __future__ import annotations

import os

from privacy_udfs.errors import KeyProblem


def fetch(uri: str) -> bytes:
    """The content of the variable. Raises `KeyProblem` where it is not set or empty."""
    name = uri.removeprefix("env:")
    if not name.isidentifier():
        raise KeyProblem(f"{uri}: env: needs the name of a variable, such as env:CRM_KEYSET")
    content = os.environb.get(name.encode(), b"")
    if not content:
        raise KeyProblem(f"{uri}: this variable is not set, or empty")
    return content
