"""Where events of lineage go: ``lineage.yaml``, which may be left out."""

from __future__ import annotations

import ipaddress
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator, model_validator

from jobs.configuration.entry import Entry, NotBlank

VARIABLE_PATTERN = r"^[A-Za-z_][A-Za-z0-9_]*$"
END_POINT = "/api/v1/lineage"


class Lineage(Entry):
    """Where OpenLineage events go. to: ``file:`` and a path, to which lines are added, or the URI of a receiver.
    namespace: of the jobs. token: the name of the environment variable that holds what the receiver asks for.
    timeout_seconds: after so long an event is given up. required: a run writes nothing before its first event was
    taken."""

    to: Annotated[str, Field(description="file:PATH, or http(s)://HOST, with or without a path.")]
    namespace: NotBlank = "lakenym"
    token: Annotated[str, Field(pattern=VARIABLE_PATTERN)] | None = None
    timeout_seconds: Annotated[float, Field(ge=0.1, le=60, strict=False)] = 5.0
    required: bool = False

    @field_validator("to")
    @classmethod
    def _is_a_place(cls, to: str, given: ValidationInfo) -> str:
        fault = _fault(to)
        if fault is not None:
            raise ValueError(fault)
        parts = urlsplit(to)
        return to if parts.scheme == "file" or parts.path.strip("/") else f"{to.rstrip('/')}{END_POINT}"

    @model_validator(mode="after")
    def _keeps_its_token(self) -> Lineage:
        parts = urlsplit(self.to)
        if self.token is not None and parts.scheme == "file":
            raise ValueError("expected 'token' with a receiver, and not with a file")
        if self.token is not None and parts.scheme == "http" and not is_this_machine(str(parts.hostname)):
            raise ValueError("expected https with 'token', which would go over the network in the clear")
        return self

    @property
    def place(self) -> str:
        """Where events go, for messages."""
        return self.to


def _fault(to: str) -> str | None:
    try:
        parts = urlsplit(to)
        port_is_one = parts.port is None or parts.port > 0
    except ValueError:
        return "expected a URI, with a port that is a number"
    if parts.scheme == "file":
        named = parts.path and not parts.netloc and not parts.path.endswith("/")
        return None if named else "expected file: and the path of a file on this machine"
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_one:
        return "expected 'file:PATH', 'http://HOST' or 'https://HOST'"
    if any(ord(sign) <= 32 or ord(sign) > 126 for sign in to):
        return "expected a URI without blanks, and with other signs than those of ASCII escaped"
    if "@" in parts.netloc or parts.query or parts.fragment:
        return "expected a URI without a user, a query or a fragment: a secret is named by 'token'"
    return None


def is_this_machine(host: str) -> bool:
    """Whether a host, by its name or address, is the one that this runs on."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
