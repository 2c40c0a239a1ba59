"""What the two authenticated encryptions share: parameters, Tink's wire format, encodings, refusal."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from typing import Annotated, Literal, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import TokenRefused
from privacy_udfs.kernels.aes import Index
from privacy_udfs.kernels.arrays import cut, in_slices, prefixed, shorter_than, spread, without
from privacy_udfs.kernels.text import TAKES, accepts, canonical, rfc4648
from privacy_udfs.parameters import Utf8
from privacy_udfs.result_patterns import CHARACTER
from privacy_udfs.strength import NO_DIFFERENCE
from privacy_udfs.subject_keys import Keyed, SubjectKeys
from privacy_udfs.technique import Key, Treated
from privacy_udfs.techniques._by_subject import HEAD, MASTER, VERSION, BySubject, headed

_VERSION = b"\x01"  # the first byte of Tink's output prefix, unless the key says otherwise
PREFIX = 5
TAG = 16
_TEXT_CODES: dict[str, tuple[rfc4648.Encoder, rfc4648.Decoder]] = {
    "base64": (rfc4648.encode_base64, rfc4648.decode_base64),
    "base64url": (rfc4648.encode_base64url, rfc4648.decode_base64url),
    "hex": (rfc4648.encode_hex, rfc4648.decode_hex),
}


class Cipher(Protocol):
    """A kernel: whole arrays without nulls sealed and opened."""

    def seal(self, plain: pa.BinaryArray) -> pa.BinaryArray:
        """Each message encrypted, with whatever opening needs besides the key."""

    def open(self, sealed: pa.BinaryArray) -> pa.BinaryArray | None:
        """The messages; None where any is not authentic."""


class SealedTechnique(BySubject):
    """An authenticated encryption of the canonical bytes of each value; subclasses say by which cipher."""

    associated_data: Annotated[Utf8, NO_DIFFERENCE] = ""
    encoding: Annotated[Literal["base64", "base64url", "hex", "binary"], NO_DIFFERENCE] = "base64"
    output_prefix: Annotated[Literal["tink", "raw"], NO_DIFFERENCE] = "tink"

    reversible = True
    authenticates = True
    covers = True
    unrecognizable = True
    scatters = True

    @classmethod
    def least_size(cls) -> int:
        """Bytes of the token of an empty value, without a prefix."""
        return TAG

    @abstractmethod
    def cipher(self, key: bytes) -> Cipher:
        """The kernel under a key of an accepted size."""

    def canonical(self, values: pa.Array) -> pa.BinaryArray:
        """The bytes to encrypt; nulls stay null."""
        return canonical(values)

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if not accepts(values):
            self.refuse_type(values, TAKES)
        return pa.binary() if self.encoding == "binary" else pa.string()

    def key_misfit(self, key_type: str, hash_name: str | None, prefix: str) -> str | None:
        """What is written must open with the keyset as it stands, so a prefix is written just where the key has one."""
        if self.by_subject_keys():
            return MASTER
        wanted = "raw" if prefix == "RAW" else "tink"
        if self.output_prefix == wanted:
            return None
        return (
            f"a key with the prefix {prefix} needs output_prefix: {wanted}, but {self.technique} has "
            f"{self.output_prefix}"
        )

    def result_pattern(self) -> str | None:
        if self.encoding == "binary":
            return None
        least = TAG + self._head_size()
        characters = 2 * least if self.encoding == "hex" else -(-least * 4 // 3)
        padding = "={0,2}" if self.encoding == "base64" else ""
        return f"^{CHARACTER[self.encoding]}{{{characters},}}{padding}$"

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        """By length, alphabet and padding, and with a prefix of Tink's by the id of the key."""
        if results.type != (pa.binary() if self.encoding == "binary" else pa.string()):
            self.refuse_type(results.type, "what its tokens are")
        tokens = results if self.encoding == "binary" else _decoded_each(results, self.encoding)
        long = pc.greater_equal(pc.binary_length(tokens), self.least_size() + self._head_size())
        if self.by_subject_keys():
            return pc.and_(long, pc.equal(pc.binary_slice(tokens, 0, 1), pa.scalar(VERSION, pa.binary())))
        if self.output_prefix == "raw" or key_id is None:
            return long
        start = pc.binary_slice(tokens, 1, PREFIX)
        return pc.and_(long, pc.equal(start, pa.scalar(key_id.to_bytes(4, "big"), pa.binary())))

    def _head_size(self) -> int:
        """Bytes before what the cipher gives."""
        if self.by_subject_keys():
            return HEAD
        return PREFIX if self.output_prefix == "tink" else 0

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if self.by_subject_keys():
            return self.treat_by_subject(values, key, subject)
        assert key is not None
        cipher, prefix = self.cipher(key.material), _prefix_of(key)
        prefix = prefix if self.output_prefix == "tink" else b""
        return Treated(spread(in_slices(self.canonical(values).drop_null(), self._tokens(cipher, prefix)), values))

    def _tokens(self, cipher: Cipher, prefix: bytes) -> Callable[[pa.BinaryArray], pa.Array]:
        def tokens(plain: pa.BinaryArray) -> pa.Array:
            sealed = prefixed(prefix, cipher.seal(plain)) if prefix else cipher.seal(plain)
            return sealed if self.encoding == "binary" else _TEXT_CODES[self.encoding][0](sealed)

        return tokens

    def untreat(self, values: pa.Array, key: Key | None) -> pa.Array:
        if values.null_count == len(values):
            return pa.nulls(len(values), pa.string())
        if self.by_subject_keys():
            return text_or_binary(self.untreat_by_subject(values, key))
        assert key is not None
        cipher, prefix = self.cipher(key.material), _VERSION if _takes_any_id(key) else _prefix_of(key)
        plain = in_slices(values.drop_null(), self._messages(cipher, prefix))
        if plain is None:
            raise TokenRefused
        return spread(text_or_binary(plain), values)

    def _messages(self, cipher: Cipher, prefix: bytes) -> Callable[[pa.Array], pa.BinaryArray | None]:
        """From tokens to messages. prefix: what tokens begin with, as far as that is known."""

        def messages(part: pa.Array) -> pa.BinaryArray | None:
            tokens = self._decoded(part)
            sealed = None if tokens is None else self._without_prefix(tokens, prefix)
            return None if sealed is None else cipher.open(sealed)

        return messages

    def written(self, keys: SubjectKeys, known: Keyed, under: bytes, index: Index, values: pa.BinaryArray) -> pa.Array:
        tokens = headed(keys, known, index, self._sealed_by_subject(known, under, index, values))
        return tokens if self.encoding == "binary" else _TEXT_CODES[self.encoding][0](tokens)

    @abstractmethod
    def _sealed_by_subject(self, known: Keyed, under: bytes, index: Index, values: pa.BinaryArray) -> pa.BinaryArray:
        """As `written`, without heads, as bytes."""

    def token_bytes(self, tokens: pa.Array) -> pa.BinaryArray:
        self._check_type(tokens)
        return tokens if self.encoding == "binary" else _decoded_each(tokens, self.encoding)

    def rekeyed(self, results: pa.Array, before: Key | None, after: Key | None) -> pa.Array:
        """The very bytes that were encrypted are encrypted again: as bytes they are spelt no other way."""
        return self.treat(self.untreat(results, before).cast(pa.binary()), after, None).values

    def _check_type(self, values: pa.Array) -> None:
        takes = pa.binary() if self.encoding == "binary" else pa.string()
        if values.type != takes:
            self.refuse_type(values.type, f"{takes}, as its tokens are")

    def _decoded(self, values: pa.Array) -> pa.BinaryArray | None:
        self._check_type(values)
        return values if self.encoding == "binary" else _TEXT_CODES[self.encoding][1](values)

    def _without_prefix(self, tokens: pa.BinaryArray, prefix: bytes) -> pa.BinaryArray | None:
        """The tokens after Tink's prefix; None where one does not begin with ``prefix``."""
        if self.output_prefix == "raw":
            return tokens
        if shorter_than(tokens, PREFIX):
            return None
        if (cut(tokens, 0, len(prefix)) != np.frombuffer(prefix, np.uint8)).any():
            return None
        return without(tokens, PREFIX)


def _prefix_of(key: Key) -> bytes:
    return _VERSION + key.id.to_bytes(4, "big") if key.prefix is None else key.prefix


def _takes_any_id(key: Key) -> bool:
    return key.prefix is None and key.id == 0


def text_or_binary(plain: pa.BinaryArray) -> pa.Array:
    """As text where every value is valid UTF-8, as all canonical bytes but those of binary columns are; else binary.

    A cast of the result to binary is exact in either case."""
    try:
        return plain.cast(pa.string())
    except pa.ArrowInvalid:
        return plain


def _decoded_each(tokens: pa.StringArray, encoding: str) -> pa.BinaryArray:
    """The bytes of each token; null of what is none."""
    decode = _TEXT_CODES[encoding][1]
    whole = decode(tokens.drop_null())
    if whole is not None:
        return spread(whole, tokens)
    each = [None if text is None else decode(pa.array([text])) for text in tokens.to_pylist()]
    return pa.array([None if one is None else one[0].as_py() for one in each], pa.binary())
