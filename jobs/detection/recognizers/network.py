"""Addresses of machines: IP version 4 and 6 (RFC 4291), MAC (EUI-48, EUI-64). Four-part version numbers are not IPs."""

from __future__ import annotations

import ipaddress

import pyarrow as pa

from jobs.detection.recognizers.text import Findings, matches, where

_OCTET = r"(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
IPV4 = rf"^\s*(?:::ffff:)?{_OCTET}(?:\.{_OCTET}){{3}}(?::\d{{1,5}}|/\d{{1,2}})?\s*$"
SMALL_PARTS = r"^\s*[0-3]?\d(?:\.[0-3]?\d){3}\s*$"
IPV6_SHAPE = r"^\s*\[?[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*(?:%\w+)?\]?(?:/\d{1,3})?\s*$"
MAC = (
    r"^\s*(?:[0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){5,7}|[0-9A-Fa-f]{2}(?:-[0-9A-Fa-f]{2}){5,7}"
    r"|[0-9A-Fa-f]{4}(?:\.[0-9A-Fa-f]{4}){2})\s*$"
)


def recognize(values: pa.StringArray) -> Findings:
    """``ip``, ``mac``, and ``ip:small`` where all parts are below 40, as those of version numbers are."""
    mac = matches(values, MAC)
    ipv4 = matches(values, IPV4)
    ipv6 = where(values, matches(values, IPV6_SHAPE) & ~mac, _is_ipv6)
    return {"ip": ipv4 | ipv6, "ip:small": ipv4 & matches(values, SMALL_PARTS), "mac": mac}


def _is_ipv6(text: str) -> bool:
    try:
        return ipaddress.ip_address(text.strip().split("/")[0].split("%")[0].strip("[]")).version == 6
    except ValueError:
        return False
