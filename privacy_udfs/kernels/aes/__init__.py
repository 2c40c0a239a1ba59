"""AES over whole arrays: CMAC, SIV and GCM.

**Why by hand.** The cipher itself is OpenSSL's, through ``cryptography``: no byte is substituted here, but
for what is compiled (below). What is here is
how blocks go together, since ``cryptography`` and Tink take one message a call, at two to three microseconds a call, of
which AES is a small part. One call for a block of every message makes CMAC some thirty times as fast as a loop, and SIV
some five times (docs/benchmarks.md). Chaining is xor on whole arrays, with no table that depends on a secret.

**A key for each row** (`by_key`), and the tree whose leaves such keys come from (`key_tree`), call AES too often with
too little for numpy. There llvmlite (the extra ``fast``) compiles code with the AES instructions of x86 processors,
four rows a register where these have VAES and AVX-512, two with VAES alone. With an e-mail address of some 25 bytes
the walk down the tree then takes 0.04 microseconds of one core, and to derive its key, expand it and seal 0.03 (0.08
and 0.11 with one row a register; the walk by OpenSSL 0.25).

**What is not, and why.** GCM is a loop over ``cryptography``. Its GHASH multiplies by a secret, for which numpy has
only tables looked up by bytes that depend on secrets, and the caches of a shared processor can tell which bytes those
were; OpenSSL multiplies without tables where the processor can. Such tables stood here, and batches of 100,000 values
(processor time, medians of five turns) took 0.54 of this loop's time for e-mail addresses, 0.61 for 60 bytes, and 1.7
times it for 200. That was not worth it: this loop already takes only 0.5 to 0.7 of the time of a naive per-value loop,
which draws each nonce and writes each token in base64 by itself, and no target asks for more.

**Source.** FIPS 197 (AES), SP 800-38B and RFC 4493 (CMAC), RFC 5297 (SIV), SP 800-38D (GCM), SP 800-108r1 (keys
of a secret), Goldreich, Goldwasser and Micali 1986 (the tree). The tests hold all of it against ``cryptography`` and
Tink.

**What it does not protect against.** Times tell how many blocks messages have. Subkeys are doubled with Python's
integers, once a batch, in a time that is not constant. Keys and clear values are not wiped from memory.
"""

from privacy_udfs.kernels.aes import key_tree
from privacy_udfs.kernels.aes.block_cipher import BLOCK, BlockCipher, room_for, xor
from privacy_udfs.kernels.aes.by_key import (
    GCM_KEY,
    SIV_KEY,
    Index,
    Schedules,
    derived,
    gcm_opened,
    gcm_sealed,
    of_secrets,
    schedules,
)
from privacy_udfs.kernels.aes.cmac import aes_cmac
from privacy_udfs.kernels.aes.gcm import GCM
from privacy_udfs.kernels.aes.siv import BATCH_UP_TO, SIV

__all__ = [
    "BATCH_UP_TO",
    "BLOCK",
    "GCM",
    "GCM_KEY",
    "SIV",
    "SIV_KEY",
    "BlockCipher",
    "Index",
    "Schedules",
    "aes_cmac",
    "derived",
    "gcm_opened",
    "gcm_sealed",
    "key_tree",
    "of_secrets",
    "room_for",
    "schedules",
    "xor",
]
