"""`keyed_hash`: a pseudonym that only the holder of the key can make, the same for equal values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from privacy_udfs.facts import Overruled
from privacy_udfs.kernels.aes import aes_cmac
from privacy_udfs.kernels.arrays import Bytes
from privacy_udfs.kernels.hmac import hmac_sha256, hmac_sha512
from privacy_udfs.kernels.text import TAKES, accepts, canonical, encode, spelled
from privacy_udfs.normalization import Normalize
from privacy_udfs.parameters import Later
from privacy_udfs.periods import PeriodTechnique
from privacy_udfs.result_patterns import CHARACTER, UUID
from privacy_udfs.strength import MORE_IS_STRONGER, NO_DIFFERENCE, Shows
from privacy_udfs.technique import Key, LayeredKey, Treated

BIGINT_BITS = 64
MOST_LAYERS = 8
MAX_ID = 2**32 - 1
_KEY_ID = r"^[1-9][0-9]{0,9}$"


class _Mac(NamedTuple):
    """digest: the function over a batch. bits: of its result. key_size: bytes of key to derive."""

    digest: Callable[[bytes, pa.BinaryArray], Any]
    bits: int
    key_size: int


_MACS = {
    "HMAC-SHA-256": _Mac(hmac_sha256, 256, 32),
    "HMAC-SHA-512": _Mac(hmac_sha512, 512, 64),
    "AES-CMAC": _Mac(aes_cmac, 128, 32),
}
_TINK_HASHES = {"SHA256": "HMAC-SHA-256", "SHA512": "HMAC-SHA-512"}


class KeyedHash(PeriodTechnique):
    """Replace each value by a message authentication code of it, cut to its leftmost bits, as text or number.

    algorithm: ``HMAC-SHA-256``, ``HMAC-SHA-512`` (RFC 2104, FIPS 198-1; a raw key of any length, 32 and 64 bytes when
    derived); ``AES-CMAC`` (NIST SP 800-38B, RFC 4493; a raw key of 16, 24 or 32 bytes, 32 when derived).
    bits: how many of the leftmost are kept: a multiple of 8, from 64 up to all (256, 512 and 128).
    encoding: ``base64url`` (no padding), ``hex``, ``uuid`` (takes 128 bits), ``bigint`` (the leftmost 64 bits as a
    signed number, whatever ``bits`` says); see `privacy_udfs.kernels.text.encoding`.
    prefix: text before each pseudonym; numbers have none. normalize: steps on text, see
    `privacy_udfs.kernels.text.normalize`. empty: see `TextTechnique`.
    layers: the ids of two or more versions of the key, oldest first. The code under the first one is written as
    ``encoding`` says, without the prefix; of the canonical bytes of that the code under the next one is made, and so
    on, each cut to ``bits``; the prefix comes last. So a table treated under the first version can be moved to the next
    without its source (docs/layers.md). The key is a `LayeredKey`. None: treated once, under the version in force.
    period, period_of, period_zone: see `PeriodTechnique`.

    What goes into the code are the canonical bytes of a value, see `privacy_udfs.kernels.text.canonical`: 42 as a
    number, a decimal and a text has one pseudonym.

    Takes text, integers, decimals, booleans, dates, timestamps, times of day and binary; not floats, which have no one
    spelling. Gives text, or int64 for ``bigint``. Nulls stay null. Refused values: text that is not well-formed UTF-8,
    and text of which ``strip_prefix`` leaves nothing.

    Collisions: that any two of n distinct values share a pseudonym has a chance of about ``n**2 / 2**(bits + 1)``:

    ====  ===========  ============  ============
    bits  10^6 values  10^9 values   10^11 values
    ====  ===========  ============  ============
    64    3e-8         3 %           certain
    96    6e-18        6e-12         6e-8
    128   1e-27        1e-21         1e-17
    ====  ===========  ============  ============

    In L layers it is at most L times as much.

    Does not protect: equal values stay recognizable as equal, and with them frequencies and links between rows. Whoever
    has the key, or can have values treated, can test guesses; of few possible values (telephone numbers, dates) that
    means all of them. There is no way back to the value but such guessing.
    """

    technique: Literal["keyed_hash"] = "keyed_hash"
    algorithm: Annotated[Literal["HMAC-SHA-256", "HMAC-SHA-512", "AES-CMAC"], NO_DIFFERENCE] = "HMAC-SHA-256"
    bits: Annotated[int, Field(ge=64, le=512, multiple_of=8), MORE_IS_STRONGER] = 128
    encoding: Annotated[Literal["base64url", "hex", "uuid", "bigint"], NO_DIFFERENCE] = "base64url"
    prefix: Annotated[str, NO_DIFFERENCE] = ""
    normalize: Normalize = ()
    layers: Annotated[
        tuple[Annotated[str, Field(pattern=_KEY_ID)], ...],
        Field(strict=False, max_length=MOST_LAYERS),
        Later(),
        NO_DIFFERENCE,
    ] = ()

    comes_out = "HMAC-SHA-256, HMAC-SHA-512 or AES-CMAC; base64url, hex, uuid or bigint"
    standard = "RFC 2104, NIST SP 800-38B"
    injective = True
    shows = Shows.EQUALITY
    covers = True
    unrecognizable = True
    of_canonical = True
    scatters = True
    costly = True
    algorithms = tuple(_MACS)
    key_types = ("AesCmacPrfKey", "HmacKey")

    @model_validator(mode="after")
    def _parameters_fit(self) -> KeyedHash:
        most = _MACS[self.algorithm].bits
        faults = [
            (self.bits > most, f"bits: {self.algorithm} gives {most}"),
            (self.encoding == "uuid" and self.bits != 128, "bits: a uuid takes 128"),
            (self.encoding == "bigint" and self.prefix != "", "prefix: a number has none"),
            (len(self.layers) == 1, "layers: two or more; with one version in force leave them out"),
            (len(set(self.layers)) != len(self.layers), "layers: a version stands there twice"),
            (any(int(each) > MAX_ID for each in self.layers), "layers: one is no id of a key's version"),
            (bool(self.layers) and self.period is not None, "layers: pseudonyms by periods take none: treat them anew"),
        ]
        if any(wrong for wrong, _ in faults):
            raise ValueError("; ".join(fault for wrong, fault in faults if wrong))
        return self

    def key_size(self) -> int | None:
        return _MACS[self.algorithm].key_size

    def accepts_key(self, size: int) -> bool:
        return size in (16, 24, 32) if self.algorithm == "AES-CMAC" else size > 0

    def algorithm_in_use(self) -> str:
        return self.algorithm

    def key_misfit(self, key_type: str, hash_name: str | None, prefix: str) -> str | None:
        """A keyed hash carries no prefix: it is the leftmost bits of what Tink computes after its prefix, if any."""
        algorithm = "AES-CMAC" if key_type == "AesCmacPrfKey" else _TINK_HASHES.get(hash_name or "")
        if algorithm != self.algorithm:
            return f"{self.technique} with {self.algorithm} does not take a {key_type}" + (
                f" of {hash_name}" if hash_name else ""
            )
        if prefix == "LEGACY":
            return f"Tink's LEGACY prefix changes what is hashed; {self.technique} does not do that"
        return None

    def layer_ids(self) -> tuple[int, ...]:
        return tuple(map(int, self.layers))

    @classmethod
    def layers_in(cls, parameters: Mapping[str, Any]) -> tuple[int, ...]:
        return tuple(map(int, parameters.get("layers", ())))

    @classmethod
    def overruled(cls, parameters: Mapping[str, Any]) -> Mapping[str, Overruled]:
        if parameters.get("encoding") == "bigint" and "bits" in parameters:
            return {"bits": Overruled(BIGINT_BITS, "a bigint holds no more")}
        return {}

    def hash_bits(self) -> int:
        return BIGINT_BITS if self.encoding == "bigint" else self.bits

    def result_pattern(self) -> str | None:
        prefix = re.escape(self.prefix)
        if self.encoding == "bigint":
            return None
        if self.encoding == "uuid":
            return f"^{prefix}{UUID}$"
        size = self.bits // 4 if self.encoding == "hex" else -(-self.bits // 6)
        return f"^{prefix}{CHARACTER[self.encoding]}{{{size}}}$"

    def empty_after(self) -> tuple[str, ...]:
        return self.normalize

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        if self.encoding == "bigint":
            return pa.array(np.full(len(results), pa.types.is_int64(results.type)))
        return super().shaped(results, key_id)

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if not accepts(values):
            self.refuse_type(values, TAKES)
        return pa.int64() if self.encoding == "bigint" else pa.string()

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        assert key is not None
        found, refused = spelled(values, self.normalize)
        first, *further = key.layers if isinstance(key, LayeredKey) else (key,)
        return Treated(self._under(further, self._code(first, found), found), refused)

    def further(self, results: pa.Array, key: LayeredKey, done: int) -> Treated:
        refused = pc.invert(self.shaped(results))
        pseudonyms = pc.if_else(refused, pa.scalar(None, results.type), results)
        bare = pc.utf8_slice_codeunits(pseudonyms, len(self.prefix)) if self.prefix else pseudonyms
        first, *rest = key.layers[done:]
        return Treated(self._under(rest, self._code(first, canonical(bare)), pseudonyms), pc.fill_null(refused, False))

    def _code(self, key: Key, content: pa.BinaryArray) -> Bytes:
        return _MACS[self.algorithm].digest(key.material, content)[:, : self.bits // 8]  # type: ignore[no-any-return]

    def _under(self, keys: Sequence[Key], code: Bytes, like: pa.Array) -> pa.Array:
        """The code, written, and the code of that under each of the keys."""
        for key in keys:
            code = self._code(key, canonical(encode(code, like, self.encoding)))
        return encode(code, like, self.encoding, self.prefix)
