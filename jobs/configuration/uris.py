"""Paths and URIs of tables, and what may stand in them before a host: a user, and a password, which is for nobody."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

from jobs.configuration.entry import NotBlank

_URI = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*:)?//(?P<host>[^/]*)(?P<path>.*)", re.DOTALL)
_PORT = re.compile(r"[0-9]*|[^\[\]]*\]")
"""What may follow a host's last colon: a port, or the rest of an address of IPv6."""
REFUSED = (
    "holds a password: whoever reads the configuration would read it too; take it out, and what the store asks for "
    "stands in Spark's own settings (spark.hadoop.fs...)"
)


def user_and_rest(uri: str) -> tuple[str, str] | None:
    """What stands before the host of a URI, without its last ``@``, and the URI without both; None where there is
    none. A secret with a slash in it, which no URI may have, ends at the next ``@`` all the same."""
    found = _URI.fullmatch(uri)
    if found is None:
        return None
    scheme, host, path = found["scheme"] or "", found["host"], found["path"]
    if "@" in host:
        user, _, host = host.rpartition("@")
    elif "@" in path and ":" in host and not _PORT.fullmatch(host.rpartition(":")[2]):
        begin, _, rest = path.partition("@")
        user, (host, slash, path) = host + begin, rest.partition("/")
        path = slash + path
    else:
        return None
    return user, f"{scheme}//{host}{path}"


def without_user(uri: str) -> str:
    """A URI without what may stand before its host; everything else as it is."""
    found = user_and_rest(uri)
    return uri if found is None else found[1]


def _without_password(path: str) -> str:
    found = user_and_rest(path)
    if found is not None and ":" in found[0]:
        raise ValueError(REFUSED)
    return path


TablePath = Annotated[NotBlank, AfterValidator(_without_password)]
