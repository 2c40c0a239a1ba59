"""`format_preserving_encryption`: a number of the same length, a code of the same shape, with FF1."""

from __future__ import annotations

import functools
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import field_validator, model_validator

from privacy_udfs.errors import TokenRefused
from privacy_udfs.kernels.ff1 import FF1, Alphabet, crypt_text
from privacy_udfs.periods import PeriodTechnique
from privacy_udfs.strength import NO_DIFFERENCE, SMALLER_SET_IS_STRONGER, Shows, Sign, Strength, larger_set
from privacy_udfs.technique import Key, Treated

ALPHABETS = {"digits": "0123456789", "alphanumeric_lower": "0123456789abcdefghijklmnopqrstuvwxyz"}
_alphabet = functools.lru_cache(maxsize=16)(Alphabet)


def _alphabets(before: Any, after: Any) -> Sign:
    """In a larger alphabet a pseudonym tells less of the value's own characters."""
    return larger_set(ALPHABETS.get(before, before), ALPHABETS.get(after, after))


class FormatPreservingEncryption(PeriodTechnique):
    """Encrypt text into text of the same length over the same alphabet: FF1 of NIST SP 800-38G with AES.

    alphabet: ``digits``, ``alphanumeric_lower`` (0-9, a-z), or 2 to 65,536 different characters (code points), each
    one's numeral its place. tweak: hex, any length; other tweaks give other pseudonyms. preserve: characters that stay
    in their places (``"- "``), not part of what is encrypted.
    Takes text and gives text. Numbers are refused: they would lose the leading zeros of their pseudonyms; cast them to
    text of a fixed width first. A value with a character in neither set, or with so few letters that its domain
    ``len(alphabet) ** letters`` is under a million (SP 800-38G Rev. 1, second draft), is refused; 6 digits do.
    Null in, null out. empty: an empty text, which is refused, can be made null, see `TextTechnique`. Key: 32 bytes, or
    24 or 16. period, period_of, period_zone: see `PeriodTechnique`.

    What it does not protect against: equal values stay equal and lengths stay, so frequencies show; and a small domain
    can be walked through by whoever may encrypt. Nothing authenticates a pseudonym: `revert` under another key or of a
    changed pseudonym gives another value of the same shape, with no error; where that matters use
    `deterministic_encryption`.
    FF3 and FF3-1 are not offered: Durak and Vaudenay broke FF3 (2017), Beyne's linear cryptanalysis weakened both
    (2021), and NIST withdrew FF3-1 in the second draft of SP 800-38G Rev. 1 (2025).
    """

    technique: Literal["format_preserving_encryption"] = "format_preserving_encryption"
    alphabet: Annotated[str, Strength(_alphabets)] = "digits"
    tweak: Annotated[str, NO_DIFFERENCE] = ""
    preserve: Annotated[str, SMALLER_SET_IS_STRONGER] = ""

    comes_out = "digits stay digits, any alphabet; reversible"
    standard = "FF1, NIST SP 800-38G"
    reversible = True
    injective = True
    shows = Shows.FORM
    covers = True
    scatters = True
    costly = True
    algorithms = ("FF1",)

    @field_validator("alphabet")
    @classmethod
    def _alphabet_can_be(cls, value: str) -> str:
        if value in ALPHABETS:
            return value
        if not 2 <= len(value) <= 1 << 16:
            raise ValueError(f"expected {', '.join(ALPHABETS)} or 2 to 65536 characters, got {len(value)}")
        if len(set(value)) < len(value):
            raise ValueError("a character stands twice in the alphabet")
        return _encodable(value)

    @field_validator("tweak")
    @classmethod
    def _tweak_is_hex(cls, value: str) -> str:
        if len(value) % 2 or not set(value.lower()) <= set("0123456789abcdef"):
            raise ValueError("expected hexadecimal digits, two for each byte")
        return value.lower()

    @field_validator("preserve")
    @classmethod
    def _preserve_can_be(cls, value: str) -> str:
        return _encodable(value)

    @model_validator(mode="after")
    def _preserve_is_apart(self) -> FormatPreservingEncryption:
        if set(self.preserve) & set(self.letters):
            raise ValueError("preserve: a character is in the alphabet too")
        return self

    @property
    def letters(self) -> str:
        """The characters of the alphabet, in order."""
        return ALPHABETS.get(self.alphabet, self.alphabet)

    def keeps_characters(self) -> bool:
        return any(character.isalnum() for character in self.preserve)

    def key_size(self) -> int:
        return 32

    def accepts_key(self, size: int) -> bool:
        return size in (16, 24, 32)

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        self.output_type(results.type)
        return crypt_text(results, _alphabet(self.letters, self.preserve), lambda numerals: numerals).is_valid()

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if not (pa.types.is_string(values) or pa.types.is_large_string(values) or values == pa.string_view()):
            self.refuse_type(values, "text; cast numbers to text of a fixed width first")
        return pa.string()

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        text = crypt_text(values, _alphabet(self.letters, self.preserve), self._cipher(key).encrypt)
        if text.null_count == values.null_count:
            return Treated(text)
        return Treated(text, pc.and_(values.is_valid(), text.is_null()))

    def untreat(self, values: pa.Array, key: Key | None) -> pa.Array:
        self.check_way_back()
        self.output_type(values.type)
        text = crypt_text(values, _alphabet(self.letters, self.preserve), self._cipher(key).decrypt)
        if text.null_count > values.null_count:
            raise TokenRefused
        return text

    def _cipher(self, key: Key | None) -> FF1:
        assert key is not None
        return FF1(key.material, len(self.letters), bytes.fromhex(self.tweak))


def _encodable(value: str) -> str:
    if any(0xD800 <= ord(char) < 0xE000 for char in value):
        raise ValueError("a lone surrogate is no character")
    return value
