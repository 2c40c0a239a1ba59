"""`truncate_ip`: an IP address becomes its network."""

from __future__ import annotations

from typing import Annotated, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from privacy_udfs import result_shapes
from privacy_udfs.kernels.arrays import utf8
from privacy_udfs.kernels.ip import ip, ip_text
from privacy_udfs.parameters import Later
from privacy_udfs.strength import LESS_IS_STRONGER, SET_IS_STRONGER, Shows
from privacy_udfs.technique import Key, TextTechnique, Treated


class TruncateIp(TextTechnique):
    """Keep the first bits of an IP address and set the others to zero. Text to text.

    ipv4, ipv6: how many bits stay, of 32 and of 128. ``192.0.2.77`` gives ``192.0.2.0``, ``2001:db8:1:2::3`` gives
    ``2001:db8:1::``. An IPv4-mapped address, ``::ffff:192.0.2.77`` (RFC 4291, 2.5.5.2; in hexadecimal just as
    well), is cut as the IPv4 address it is: ``::ffff:192.0.2.0``.

    embedded_ipv4: what of the IPv4 address that stands in an IPv6 address for which IPv6 is only the way: 6to4
    (``2002::/16``, RFC 3056, bits 16 to 48), NAT64 (``64:ff9b::/96``, RFC 6052) and IPv4-compatible addresses
    (``::/96``, RFC 4291, 2.5.5.1). ``ipv6`` (the default): they are cut as all of IPv6, so that with 48 bits a 6to4
    address keeps its IPv4 address whole, and a NAT64 address nothing of it. ``ipv4``: no more than ``ipv4`` bits of it
    stay, and nothing behind them. Teredo (``2001::/32``, RFC 4380) hides the address of a client in its last 32 bits,
    which no ``ipv6`` up to 96 keeps; prefixes of NAT64 that an operator chose are not known here.

    The result is canonical text: RFC 5952 for IPv6, so all ways to write one network give one text. Null in, null out.
    Refused: whatever is no single address (a prefix length, a port, a zone as in ``fe80::1%eth0``, space around it),
    an empty text unless ``empty: null`` makes it null (see `TextTechnique`), and IPv4 with leading zeros (``010.0.0.1``
    is 8.0.0.1 to some, RFC 6943, section 3.1.1).

    A network can be one household, and an IPv6 /48 is often one customer.
    """

    technique: Literal["truncate_ip"] = "truncate_ip"
    ipv4: Annotated[int, Field(ge=0, le=32), LESS_IS_STRONGER] = 24
    ipv6: Annotated[int, Field(ge=0, le=128), LESS_IS_STRONGER] = 48
    embedded_ipv4: Annotated[Literal["ipv6", "ipv4"], Later(), SET_IS_STRONGER] = "ipv6"

    comes_out = "network part only, IPv4 and IPv6"
    standard = "RFC 5952"
    shows = Shows.A_PART
    costly = True

    def may_stay_whole(self) -> bool:
        return self.ipv4 == 32 or self.ipv6 == 128

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        return result_shapes.same_again(self, result_shapes.text(results))

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if pa.types.is_string(values) or pa.types.is_large_string(values):
            return pa.string()
        return self.refuse_type(values, "text")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        addresses = ip.parse(utf8.well_formed(values)[0])
        cut = ip.keep_prefix(addresses, self.ipv4, self.ipv6)
        if self.embedded_ipv4 == "ipv4":
            cut = ip.cut_embedded(addresses, cut, self.ipv4)
        networks = ip_text.write(cut)
        return Treated(networks, pc.and_(values.is_valid(), networks.is_null()))
