"""Addresses of machines in a text: IP version 4 and 6 (RFC 4291), MAC (EUI-48, EUI-64). Numbers of versions in four
parts look like the first and are found with them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from privacy_udfs.entities.spans import Span

MAYBE_IP = r"[0-9]\.[0-9]+\.[0-9]+\.[0-9]|[0-9A-Fa-f]*:[0-9A-Fa-f.]*:"
MAYBE_MAC = r"[0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]{2}[:\-][0-9A-Fa-f]|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]"
_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_IPV4 = re.compile(rf"(?<![\w.]){_OCTET}(?:\.{_OCTET}){{3}}(?!\.?\w)", re.ASCII)
_COLONS = re.compile(r"(?:(?<![\w:.])|(?<=[G-Zg-z_]:))[0-9A-Fa-f:]+(?:\.\d{1,3}){0,3}(?!\w)", re.ASCII)
"""What names them may stand right before: ``IP:2001:db8::1``, ``MAC:00:1A:...``."""
_LONGEST = 45
_PAIR = r"[0-9A-Fa-f]{2}"
_MAC = re.compile(
    rf"(?:(?<![\w:\-])|(?<=[A-Za-z]{{3}}[:\-]))(?:{_PAIR}(?::{_PAIR}){{7}}|{_PAIR}(?::{_PAIR}){{5}}|{_PAIR}(?:-{_PAIR}){{7}}|{_PAIR}(?:-{_PAIR}){{5}}"
    r"|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2})(?![\w:\-])",
    re.ASCII,
)


def find_ip(text: str) -> Iterator[Span]:
    """``ip``, without its port, prefix length or zone."""
    for found in _IPV4.finditer(text):
        yield Span(*found.span(), "ip")
    for found in _COLONS.finditer(text):
        start, end = found.span()
        while end > start and text[end - 1] == ":" and text[end - 2 : end] != "::":
            end -= 1
        if end - start <= _LONGEST and text.count(":", start, end) > 1 and _is_ipv6(text[start:end]):
            yield Span(start, end, "ip")


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).version == 6 and any(each in text for each in "0123456789abcdefABCDEF")
    except ValueError:
        return False


def find_mac(text: str) -> Iterator[Span]:
    """``mac``."""
    return (Span(*found.span(), "mac") for found in _MAC.finditer(text))
