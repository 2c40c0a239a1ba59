"""Laws of `truncate_ip`, against Python's `ipaddress`."""

from __future__ import annotations

import ipaddress
from typing import Any

from hypothesis import strategies as st

from privacy_udfs.techniques.truncate_ip import TruncateIp
from tests.helpers.technique_laws import TEXT, given, run

GROUP = st.sampled_from([0, 0, 0, 1, 0xFFFF]) | st.integers(0, 0xFFFF)
V6 = st.lists(GROUP, min_size=8, max_size=8).map(
    lambda groups: ipaddress.IPv6Address(b"".join(g.to_bytes(2, "big") for g in groups))
)
V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
MAPPED = V4.map(lambda address: ipaddress.IPv6Address(0xFFFF << 32 | int(address)))
SPELLING = st.sampled_from([str, str.upper, lambda text: ipaddress.ip_address(text).exploded])
NEARLY = st.lists(
    st.sampled_from(["0", "::", ":", "1", "00", "aB", "255", "256", "1.2.3.4", ".", "12345", "g"]), max_size=11
)


def network(text: str, ipv4: int, ipv6: int) -> str | None:
    """The canonical text of the network, by Python's `ipaddress`; None for what is no address."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(ipaddress.IPv4Network((int(address), ipv4), strict=False).network_address)
    if address.ipv4_mapped is not None:
        return f"::ffff:{network(str(address.ipv4_mapped), ipv4, ipv6)}"
    return str(ipaddress.IPv6Network((int(address), ipv6), strict=False).network_address)


@given(st.lists(st.tuples(V4 | V6 | MAPPED, SPELLING), max_size=8), st.integers(0, 32), st.integers(0, 128))
def test_ip_truncation_keeps_exactly_the_bits(addresses: list[tuple[Any, Any]], ipv4: int, ipv6: int) -> None:
    values = [spell(str(address)) for address, spell in addresses]
    technique = TruncateIp(ipv4=ipv4, ipv6=ipv6)
    got = run(technique, values)
    assert got == [network(value, ipv4, ipv6) for value in values]
    assert run(technique, got) == got


EMBEDDED = st.builds(
    lambda four, prefix, rest: (
        ipaddress.IPv6Address(prefix << 112 | int(four) << 80 | rest)
        if prefix == 0x2002
        else ipaddress.IPv6Address(prefix | int(four))
    ),
    V4,
    st.sampled_from([0x2002, 0x64FF9B << 96, 0]),
    st.integers(0, 2**80 - 1),
)


@given(st.lists(EMBEDDED | V6 | MAPPED | V4, max_size=8), st.integers(0, 32), st.integers(0, 128))
def test_an_embedded_ipv4_address_is_cut_no_later_than_one_by_itself(
    addresses: list[Any], ipv4: int, ipv6: int
) -> None:
    expected = []
    for address in map(str, addresses):
        number = ipaddress.ip_address(address)
        behind = next(
            (
                size
                for prefix, size in (("2002::/16", 16), ("64:ff9b::/96", 96), ("::/96", 96))
                if number.version == 6 and number in ipaddress.ip_network(prefix)
            ),
            128,
        )
        expected.append(network(address, ipv4, min(ipv6, behind + ipv4)))
    technique = TruncateIp(ipv4=ipv4, ipv6=ipv6, embedded_ipv4="ipv4")
    assert run(technique, [str(address) for address in addresses]) == expected


@given(st.lists(st.none() | NEARLY.map("".join) | V6.map(lambda a: str(a).replace(":0:", "::", 1)) | TEXT, max_size=8))
def test_ip_truncation_takes_just_what_is_an_address(values: list[str | None]) -> None:
    values = [v for v in values if v is None or "%" not in v]  # zones: `ipaddress` takes them, we refuse
    technique = TruncateIp(ipv4=32, ipv6=128, on_refused="null")
    assert run(technique, values) == [None if v is None else network(v, 32, 128) for v in values]
