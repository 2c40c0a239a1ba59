"""`mask`: most characters of a text become a sign, its length stays."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BaseModel, ConfigDict, Field, model_validator

from privacy_udfs import result_shapes
from privacy_udfs.kernels.arrays import Array, Units, utf8
from privacy_udfs.parameters import Later
from privacy_udfs.strength import (
    LESS_IS_STRONGER,
    MORE_IS_STRONGER,
    NO_DIFFERENCE,
    NOT_COMPARABLE,
    SET_IS_STRONGER,
    SMALLER_SET_IS_STRONGER,
    UNSET_IS_STRONGER,
    Shows,
    Sign,
    Strength,
    larger_set,
    unset,
)
from privacy_udfs.technique import Key, TextTechnique, Treated

ClassName = Literal["upper", "lower", "digit", "letter"]
CLASSES: tuple[ClassName, ...] = ("upper", "lower", "digit", "letter")
MOST_SIGNS = 1000
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


def _masked_classes(before: Any, after: Any) -> Sign:
    """Classes of characters that are masked: unset, all of them."""
    return larger_set(before, after) if before is not None and after is not None else unset(before, after)


class Mask(TextTechnique):
    """Replace characters by ``char``, so that the shape of a text stays and its content goes. Text to text.

    A character is a Unicode code point; the result has as many as the value (a combining mark is masked by itself).

    keep_start, keep_end: how many characters stay at the start and at the end, not counting preserved ones:
    ``12-34-56`` with ``keep_end: 3`` gives ``**-*4-56``. A value with no more characters than both together is too
    short, and is masked whole.
    char: what a masked character becomes. preserve: characters that stay wherever they stand.
    classes: ``{upper: X, lower: x, digit: "9"}`` masks by class of character: ``Ab-12`` gives ``Xx-99``. See `Classes`.
    only: classes of characters that are masked, all others stay: ``only: [digit]`` gives ``Flat **`` of ``Flat 12``.
    ``letter`` are those without case; all letters are ``[upper, lower, letter]``. ``keep_start`` and ``keep_end`` then
    count characters of these classes.
    mask_start, mask_end: turned round: only so many of the first and of the last characters are masked, whatever the
    length, and the rest stays. Not with ``keep_start`` and ``keep_end``.
    length: how many characters every result has, whatever the value had: those that are kept, and ``char`` between
    them. Nothing is preserved. A value too short, an empty one too, becomes ``char`` alone. With the shape ``email`` it
    counts before the ``@``. Not with ``classes``, ``only``, ``mask_start``, ``mask_end`` and a ``preserve``.
    shape: ``email`` keeps the domain and masks what stands before the last ``@``, where ``keep_start`` and ``keep_end``
    count: the last one parts the local part from the domain, and ones before it belong to the local part, where they
    may stand in quotes (RFC 5321, 4.1.2): of ``"a@b"@c.example`` only ``@c.example`` stays, and ``@`` as preserved
    ones do. ``card`` takes 12 to 19 digits, with spaces or hyphens between, and keeps the last four (``keep_end``, 4
    unless told less) and, only if asked, up to the first six (``keep_start``): no more than PCI DSS 4.0, 3.4.1, lets be
    shown. A value of another shape is masked whole.

    Null in, null out; empty text stays empty (but see ``length`` and `TextTechnique`). Malformed UTF-8 is refused.
    Masking again changes nothing, unless ``preserve`` holds ``char``, ``classes`` put in characters of another class,
    or the shape is ``card`` (a masked card is none, and is masked whole). Without ``length`` it does not hide the
    length, nor the preserved characters (a value of these alone stays as it is) or a domain that names its one user,
    and it does not join.
    """

    technique: Literal["mask"] = "mask"
    keep_start: Annotated[int, Field(ge=0), LESS_IS_STRONGER] = 0
    keep_end: Annotated[int, Field(ge=0), LESS_IS_STRONGER] = 0
    char: Annotated[OneCharacter, NO_DIFFERENCE] = "*"
    preserve: Annotated[str, SMALLER_SET_IS_STRONGER] = "-@. "
    classes: Annotated[Annotated[Classes, Field(strict=False)] | None, UNSET_IS_STRONGER] = None
    shape: Annotated[Literal["email", "card"] | None, NOT_COMPARABLE] = None
    only: Annotated[
        tuple[ClassName, ...] | None, Field(strict=False, min_length=1), Later(), Strength(_masked_classes)
    ] = None
    mask_start: Annotated[int | None, Field(ge=0), Later(), MORE_IS_STRONGER] = None
    mask_end: Annotated[int | None, Field(ge=0), Later(), MORE_IS_STRONGER] = None
    length: Annotated[int | None, Field(ge=1, le=MOST_SIGNS), Later(), SET_IS_STRONGER] = None

    comes_out = (
        "characters covered; length kept, or one length for all; a class of characters, both ends, shapes for e-mail "
        "and cards"
    )
    shows = Shows.A_PART

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("shape") == "card":
            given = {"keep_end": CARD_END, **given}
        if isinstance(given, dict) and given.get("length") is not None:
            given = {"preserve": "", **given}
        return given

    @model_validator(mode="after")
    def _goes_together(self) -> Mask:
        turned = (self.mask_start, self.mask_end) != (None, None)
        kept = self.keep_start + self.keep_end
        faults = {
            "mask_start and mask_end go without keep_start and keep_end, and without shape": (
                turned and (kept > 0 or self.shape is not None)
            ),
            "length goes without preserve, classes, only, mask_start and mask_end": self.length is not None
            and (bool(self.preserve) or turned or (self.classes, self.only) != (None, None)),
            "length must be more than keep_start and keep_end together": self.length is not None
            and self.length <= kept,
        }
        if any(faults.values()):
            raise ValueError("; ".join(fault for fault, wrong in faults.items() if wrong))
        return self

    @model_validator(mode="after")
    def _card_shows_no_more(self) -> Mask:
        if self.shape == "card" and (self.keep_start > CARD_START or self.keep_end > CARD_END):
            raise ValueError(f"shape card: expected keep_start to {CARD_START} and keep_end to {CARD_END} at most")
        return self

    def kept_characters(self) -> tuple[int, int] | None:
        """None too where more may stay: characters of other classes, a domain, what lies between two ends."""
        open_ended = self.only is not None or (self.mask_start, self.mask_end) != (None, None) or self.shape == "email"
        if open_ended or any(character.isalnum() for character in self.preserve):
            return None
        return self.keep_start, self.keep_end

    def may_stay_whole(self) -> bool:
        """Where no number bounds what stays. With ``keep_start`` and ``keep_end`` alone a value too short for them is
        masked whole."""
        return self.kept_characters() is None

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        """Masked again they stay as they are, where that holds of every mask; else by their characters, as far as these
        alone can tell."""
        counted = self.keep_start + self.keep_end > 0 or (self.mask_start, self.mask_end) != (None, None)
        others = self.classes is not None or self.char in self.preserve or (self.only is not None and counted)
        if self.shape != "card" and not others:
            return result_shapes.same_again(self, result_shapes.text(results))
        if self.shape != "card" and (counted or self.only is not None or self.shape == "email"):
            return None
        signs, preserved = (
            f"[{re.escape(each)}]*" if each else "" for each in (self._signs() + self.preserve, self.preserve)
        )
        whole = f"^{signs}$"
        if self.shape != "card":
            return result_shapes.matching(results, whole)
        start, end = (f"({preserved}[0-9]){{{kept}}}" for kept in (self.keep_start, self.keep_end))
        return result_shapes.matching(results, f"{whole}|^{start}{signs}{end}{preserved}$")

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if pa.types.is_string(values) or pa.types.is_large_string(values):
            return pa.string()
        return self.refuse_type(values, "text")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        values, malformed = utf8.well_formed(values)
        fits = None if self.shape is None else _marks(pc.match_substring_regex(values, SHAPES[self.shape]))
        if self.length is not None:
            return Treated(self._of_one_length(values, fits), malformed)
        return Treated(self._in_place(values, fits), malformed)

    def _in_place(self, values: pa.StringArray, fits: Array | None) -> pa.StringArray:
        text = utf8.to_code_points(values, wide=not self._signs().isascii())
        maskable = self._maskable(text, fits)
        masked = np.where(maskable, self._replacement(text.units), text.units)
        if (self.mask_start, self.mask_end) != (None, None):
            shown = ~_ends(maskable, text.offsets, self.mask_start or 0, self.mask_end or 0)
            masked = np.where(shown, text.units, masked)
        for kept in _kept(maskable, text.offsets, fits, self.keep_start, self.keep_end):
            masked[kept] = text.units[kept]
        return utf8.from_code_points(Units(masked, text.offsets), values)

    def _of_one_length(self, values: pa.StringArray, fits: Array | None) -> pa.StringArray:
        """What is kept at both ends with signs between, and behind an e-mail address its domain."""
        assert self.length is not None
        local, domain = (values, "") if self.shape != "email" or fits is None else _parts_of_email(values, fits)
        enough = pc.greater(pc.utf8_length(local), self.keep_start + self.keep_end)
        if fits is not None:
            enough = pc.and_(enough, pa.array(fits))
        start = pc.utf8_slice_codeunits(local, 0, self.keep_start)
        end = pc.utf8_slice_codeunits(local, -self.keep_end) if self.keep_end else ""
        signs = self.char * (self.length - self.keep_start - self.keep_end)
        shown = pc.binary_join_element_wise(start, signs, end, "")
        return pc.binary_join_element_wise(pc.if_else(enough, shown, self.char * self.length), domain, "")

    def _signs(self) -> str:
        """All characters that masking can put in."""
        return self.char + "".join(filter(None, self.classes.model_dump().values() if self.classes else ()))

    def _maskable(self, text: Units, fits: Array | None) -> Array:
        """Which characters masking may replace: not the preserved ones, nor the domain of an e-mail address."""
        maskable = np.ones(len(text.units), np.bool_)
        if self.only is not None:
            maskable = np.isin(_class_of()[text.units], [1 + CLASSES.index(name) for name in self.only])
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
        signs = [ord(getattr(self.classes, name) or self.char) for name in CLASSES]
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


def _parts_of_email(values: pa.StringArray, fits: Array) -> tuple[pa.StringArray, pa.StringArray]:
    """What stands before the last ``@`` of each value that fits, and the rest; other values whole, and nothing."""
    fitting = pa.array(fits)
    parts = pc.extract_regex(values.filter(fitting), r"(?s)^(?P<local>.*)(?P<domain>@[^@]*)$")
    none = pa.repeat(pa.scalar(""), len(values))
    local, domain = parts.flatten()
    return pc.replace_with_mask(values, fitting, local), pc.replace_with_mask(none, fitting, domain)


def _ends(maskable: Array, offsets: Array, start: int, end: int) -> Array:
    """Marks of the first ``start`` and the last ``end`` maskable characters of every value."""
    before = utf8.running_total(maskable.view(np.uint8))
    of_value = np.diff(offsets)
    place = before[:-1] - np.repeat(before[offsets[:-1]], of_value)
    left = np.repeat(before[offsets[1:]], of_value) - before[:-1]
    marks: Array = maskable & ((place < start) | (left <= end))
    return marks


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
