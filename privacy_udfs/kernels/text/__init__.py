"""How values are spelt: normalized text, canonical bytes, and digests and tokens written as text.

**Why by hand.** Canonical bytes are this project's own (`canonical` is their specification); Arrow's casts do most of
the work. In ``normalize``, Unicode's part is Python's ``unicodedata`` and ``str``, asked once for a batch instead of
once for a value; Arrow's functions do what is ASCII, for beyond it they lower-case otherwise than Unicode says. Base64
and hex are the C library's behind ``binascii``, once for a batch too; digests, which all have one size, are written
with tables, or in base64url, with the extra ``fast`` and once it pays, by compiled code: four times as fast.

**Source.** RFC 4648; UAX #15 and UAX #44; ISO 8601. The tests hold all of it against Python, one value at a time.

**What it does not protect against.** Times depend on the text, above all on whether it is ASCII. The tables are looked
up by bytes of digests and tokens, which are published anyway, never by keys or clear values.
"""

from privacy_udfs.kernels.text import prefixes, rfc4648
from privacy_udfs.kernels.text.canonical import TAKES, accepts, canonical, left_out, spelled
from privacy_udfs.kernels.text.empties import without_bare, without_empty
from privacy_udfs.kernels.text.encoding import encode
from privacy_udfs.kernels.text.normalize import BLANKS, ZERO_WIDTH, normalized
from privacy_udfs.kernels.text.restored import restored

__all__ = [
    "BLANKS",
    "TAKES",
    "ZERO_WIDTH",
    "accepts",
    "canonical",
    "encode",
    "left_out",
    "normalized",
    "prefixes",
    "restored",
    "rfc4648",
    "spelled",
    "without_bare",
    "without_empty",
]
