"""HMAC over whole arrays, and draws per subject that are made of it.

**Why by hand.** The plain way is a loop over ``cryptography``'s HMAC whose keyed state is copied for each message:
three times as fast as ``hmac.new``, and about all that a call for each value can give. The fast ways come with the
extra ``fast``. SHA-256 by the SHA instructions of x86 processors, two messages at a time, from Arrow's buffers to
digests, is some thirty times as fast as ``hmac.new``. Where there are none, and for SHA-512, it is 8 or 4 messages side
by side in the processor's vectors: thirteen times (docs/benchmarks.md). We know of no library that does either for
Python. llvmlite compiles a way when it is first needed, not at import, and it is held against Python's ``hmac`` before
it is used; where it cannot be had, or differs, the next one gives the same bytes.

**Source.** RFC 2104 and FIPS 198-1 (HMAC), FIPS 180-4 (SHA-2). The tests hold all ways against Python's ``hmac``.

**What it does not protect against.** The fast ways add, rotate and combine words: no branch and no table depends on a
key or on a message's bytes. Times do tell how many blocks messages have. Keys are not wiped from memory.
"""

from privacy_udfs.kernels.hmac.hmac import hmac_sha256, hmac_sha512
from privacy_udfs.kernels.hmac.subjects import draw_per_subject

__all__ = ["draw_per_subject", "hmac_sha256", "hmac_sha512"]
