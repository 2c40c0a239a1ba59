"""`truncate_ip`: an IP address becomes its network."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from privacy_udfs.kernels import ip, ip_text, utf8
from privacy_udfs.technique import Key, Technique, Treated


class TruncateIp(Technique):
    """Keep the first bits of an IP address and set the others to zero. Text to text.

    ipv4, ipv6: how many bits stay, of 32 and of 128. ``192.0.2.77`` gives ``192.0.2.0``, ``2001:db8:1:2::3`` gives
    ``2001:db8:1::``. An IPv4 address in IPv6, ``::ffff:192.0.2.77``, is treated as the IPv4 address it is.

    The result is canonical text: RFC 5952 for IPv6, so all ways to write one network give one text. Null in, null out.
    Refused: whatever is no single address (a prefix length, a port, a zone as in ``fe80::1%eth0``, space around it),
    and IPv4 with leading zeros (``010.0.0.1`` is 8.0.0.1 to some, RFC 6943, section 3.1.1).

    A network can be one household, and an IPv6 /48 is often one customer. In 6to4 addresses (``2002::/16``) the bits
    from 16 to 48 are an IPv4 address, which the default of 48 keeps.
    """

    technique: Literal["truncate_ip"] = "truncate_ip"
    ipv4: Annotated[int, Field(ge=0, le=32)] = 24
    ipv6: Annotated[int, Field(ge=0, le=128)] = 48

    costly: ClassVar[bool] = True

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if pa.types.is_string(values) or pa.types.is_large_string(values):
            return pa.string()
        return self.refuse_type(values, "text")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        addresses = ip.parse(utf8.well_formed(values)[0])
        networks = ip_text.write(ip.keep_prefix(addresses, self.ipv4, self.ipv6))
        return Treated(networks, pc.and_(values.is_valid(), networks.is_null()))
