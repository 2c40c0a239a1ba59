"""`mask`: most characters of a text become a sign, its length stays."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from privacy_udfs.kernels import utf8
from privacy_udfs.kernels.utf8 import Array, Units
from privacy_udfs.technique import Key, Technique, Treated

OneCharacter = Annotated[str, Field(min_length=1, max_length=1)]

LETTER = r"[A-Za-z\x{A1}-\x{10FFFF}]"  # of a domain name; `\pL` would be three times as slow and tell little more
LABEL = r"[0-9A-Za-z\x{A1}-\x{10FFFF}-]"
SHAPES = {
    "email": rf"(?s).@({LABEL}+\.)+{LETTER}{LABEL}*$",
    "card": r"^[0-9]([ -]?[0-9]){11,18}$",
}
CARD_START, CARD_END = 6, 4


class Classes(BaseModel):
    """What a masked character becomes, by its class. Classes that are left out become the mask's ``char``.

    upper, lower: letters that have case. digit: decimal digits of any script. letter: all other letters.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, hide_input_in_errors=True)

    upper: OneCharacter | None = None
    lower: OneCharacter | None = None
    digit: OneCharacter | None = None
    letter: OneCharacter | None = None


class Mask(Technique):
    """Replace characters by ``char``, so that the shape of a text stays and its content goes. Text to text.

    A character is a Unicode code point; the result has as many as the value (a combining mark is masked by itself).

    keep_start, keep_end: how many characters stay at the start and at the end, not counting preserved ones:
    ``12-34-56`` with ``keep_end: 3`` gives ``**-*4-56``. A value with no more characters than both together is too
    short, and is masked whole.
    char: what a masked character becomes. preserve: characters that stay wherever they stand.
    classes: ``{upper: X, lower: x, digit: "9"}`` masks by class of character: ``Ab-12`` gives ``Xx-99``. See `Classes`.
    shape: ``email`` keeps the domain and masks what stands before the last ``@``, where ``keep_start`` and ``keep_end``
    count. ``card`` takes 12 to 19 digits, with spaces or hyphens between, and keeps the last four (``keep_end``, 4
    unless told less) and, only if asked, up to the first six (``keep_start``): no more than PCI DSS 4.0, 3.4.1, lets be
    shown. A value of another shape is masked whole.

    Null in, null out; empty text stays empty. Malformed UTF-8 is refused. Masking again changes nothing, unless
    ``preserve`` holds ``char``, ``classes`` put in characters of another class, or the shape is ``card`` (a masked card
    is none, and is masked whole). It does not hide the length, the preserved characters (a value of these alone stays
    as it is) or a domain that names its one user, and it does not join.
    """

    technique: Literal["mask"] = "mask"
    keep_start: Annotated[int, Field(ge=0)] = 0
    keep_end: Annotated[int, Field(ge=0)] = 0
    char: OneCharacter = "*"
    preserve: str = "-@. "
    classes: Annotated[Classes, Field(strict=False)] | None = None
    shape: Literal["email", "card"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _card_keeps_four(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("shape") == "card":
            return {"keep_end": CARD_END, **given}
        return given

    @model_validator(mode="after")
    def _card_shows_no_more(self) -> Mask:
        if self.shape == "card" and (self.keep_start > CARD_START or self.keep_end > CARD_END):
            raise ValueError(f"shape card: expected keep_start to {CARD_START} and keep_end to {CARD_END} at most")
        return self

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if pa.types.is_string(values) or pa.types.is_large_string(values):
            return pa.string()
        return self.refuse_type(values, "text")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        values, malformed = utf8.well_formed(values)
        text = utf8.to_code_points(values, wide=not self._signs().isascii())
        fits = None if self.shape is None else _marks(pc.match_substring_regex(values, SHAPES[self.shape]))
        maskable = self._maskable(text, fits)
        masked = np.where(maskable, self._replacement(text.units), text.units)
        for kept in _kept(maskable, text.offsets, fits, self.keep_start, self.keep_end):
            masked[kept] = text.units[kept]
        return Treated(utf8.from_code_points(Units(masked, text.offsets), values), malformed)

    def _signs(self) -> str:
        """All characters that masking can put in."""
        return self.char + "".join(filter(None, self.classes.model_dump().values() if self.classes else ()))

    def _maskable(self, text: Units, fits: Array | None) -> Array:
        """Which characters masking may replace: not the preserved ones, nor the domain of an e-mail address."""
        maskable = np.ones(len(text.units), np.bool_)
        for character in {ord(character) for character in self.preserve}:
            if character <= np.iinfo(text.units.dtype).max:
                maskable &= text.units != character
        if self.shape == "email" and fits is not None:
            maskable &= ~_domains(text, fits)
        return maskable

    def _replacement(self, characters: Array) -> Array:
        """What each character becomes if it is masked: one for all, or one each."""
        if self.classes is None:
            return np.array(ord(self.char), characters.dtype)
        signs = [ord(getattr(self.classes, name) or self.char) for name in ("upper", "lower", "digit", "letter")]
        return np.array([ord(self.char), *signs], characters.dtype)[_class_of()[characters]]


def _marks(booleans: pa.BooleanArray) -> Array:
    marks: Array = pc.fill_null(booleans, False).to_numpy(zero_copy_only=False)
    return marks


def _domains(text: Units, fits: Array) -> Array:
    """Marks from the last ``@`` to the end of every value that fits."""
    ends = text.offsets[1:][fits]
    at = np.flatnonzero(text.units == ord("@"))
    steps = np.zeros(len(text.units) + 1, np.int8)
    steps[ends] -= 1
    steps[at[np.searchsorted(at, ends) - 1]] += 1
    return np.cumsum(steps[:-1], dtype=np.int8).view(np.bool_)


def _kept(maskable: Array, offsets: Array, fits: Array | None, start: int, end: int) -> Iterator[Array]:
    """Positions of the first ``start`` and last ``end`` maskable characters of the values that are long enough."""
    if not start + end:
        return
    every = bool(maskable.all())  # the usual case, and twice as fast: the n-th maskable character is the n-th
    ordinal = offsets if every else utf8.running_total(maskable.view(np.uint8))[offsets]
    enough = np.diff(ordinal) > start + end
    enough = enough if fits is None else enough & fits
    if enough.any():
        first, last = ordinal[:-1][enough], ordinal[1:][enough]
        position = None if every else np.flatnonzero(maskable)
        for chosen in (*(first + place for place in range(start)), *(last - place for place in range(1, end + 1))):
            yield chosen if position is None else position[chosen]


@functools.cache
def _class_of() -> Array:
    """The class of every code point: 0 none, 1 upper, 2 lower, 3 digit, 4 letter. 1.1 MB, made once, in 0.1 s."""
    points = np.arange(0x110000, dtype=np.uint32).view("U1")
    choices = [np.char.isupper(points), np.char.islower(points), np.char.isdecimal(points), np.char.isalpha(points)]
    return np.select(choices, [np.uint8(number) for number in (1, 2, 3, 4)], np.uint8(0))
