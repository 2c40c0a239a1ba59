"""IP addresses: `ip` reads them and cuts them to their networks, `ip_text` writes them.

**Why by hand.** Python's ``ipaddress`` makes objects of each value: a loop over it takes nearly twenty times as long
(docs/benchmarks.md). Arrow knows no addresses.

**Source.** RFC 4291, section 2.2, for reading IPv6; RFC 6943, section 3.1.1, for refusing leading zeros in IPv4; RFC
5952 for writing. The tests hold it against ``ipaddress``.

**What it does not protect against.** No key takes part. Digits are looked up in tables, so that times may depend on
addresses.
"""

from privacy_udfs.kernels.ip import ip, ip_text

__all__ = ["ip", "ip_text"]
