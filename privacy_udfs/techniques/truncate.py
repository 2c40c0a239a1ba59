"""`truncate`: the first characters only; with a preset for ZIP codes under HIPAA."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from privacy_udfs import result_shapes
from privacy_udfs.kernels.arrays import utf8
from privacy_udfs.strength import LESS_IS_STRONGER, NOT_COMPARABLE, Shows, Sign, Strength, larger_set
from privacy_udfs.technique import Key, TextTechnique, Treated

ZIP = r"^[0-9]{5}(-?[0-9]{4})?$"
# fmt: off
SMALL_AREAS = (
    "036", "059", "063", "102", "203", "556", "692", "790", "821",
    "823", "830", "831", "878", "879", "884", "890", "893",
)
# fmt: on
"""3-digit ZIP areas of 20,000 people or fewer in the Census of 2000: HHS, Guidance Regarding Methods for
De-identification of Protected Health Information (26 November 2012), "When can ZIP codes be included in de-identified
information?"."""

Zip3 = Annotated[str, Field(pattern=r"^[0-9]{3}$")]


def _areas(before: Any, after: Any) -> Sign:
    return larger_set(SMALL_AREAS if before is None else before, SMALL_AREAS if after is None else after)


class Truncate(TextTechnique):
    """Keep the first characters of a text: ``0250`` with ``keep: 2`` gives ``02``. Text to text.

    keep: how many characters (Unicode code points, so a combining mark counts by itself), at least 1. A value that is
    no longer than that **stays as it is**; an empty text stays empty, unless ``empty: null`` makes it null.
    preset: instead of ``keep``, ``hipaa_zip3``: the first three digits of a US ZIP code, or ``000`` where the ZIP codes
    that begin with them hold 20,000 people or fewer together, as 45 CFR 164.514(b)(2)(i)(B) asks. A value that is not
    five or nine digits (``12345``, ``12345-6789``, ``123456789``) is refused.
    small_areas: for the preset, the prefixes that become ``000``, in place of those HHS lists from the Census of 2000.
    The rule asks for the current census, so whoever has newer figures states them here.

    Null in, null out. Malformed UTF-8 is refused. Truncation groups values, it hides none that is alone in its group:
    check group sizes where that matters.
    """

    technique: Literal["truncate"] = "truncate"
    keep: Annotated[Annotated[int, Field(ge=1)] | None, LESS_IS_STRONGER] = None
    preset: Annotated[Literal["hipaa_zip3"] | None, NOT_COMPARABLE] = None
    small_areas: Annotated[Annotated[tuple[Zip3, ...], Field(strict=False)] | None, Strength(_areas)] = None

    comes_out = "the first characters; HIPAA's ZIP3"
    shows = Shows.A_PART

    @model_validator(mode="after")
    def _one_way(self) -> Truncate:
        if (self.keep is None) == (self.preset is None):
            raise ValueError("expected keep (a number of characters) or preset, and not both")
        if self.small_areas is not None and self.preset is None:
            raise ValueError("small_areas goes with the preset hipaa_zip3 only")
        return self

    def kept_characters(self) -> tuple[int, int]:
        return (3 if self.keep is None else self.keep, 0)

    def may_stay_whole(self) -> bool:
        """A value that is no longer than what is kept; a ZIP code is always longer."""
        return self.preset is None

    def zip3_areas(self) -> tuple[str, ...] | None:
        if self.preset is None:
            return None
        return SMALL_AREAS if self.small_areas is None else self.small_areas

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        if self.preset is None:
            return result_shapes.same_again(self, result_shapes.text(results))
        small = result_shapes.one_of(results, self.zip3_areas() or ())
        return pc.and_not(result_shapes.matching(results, "^[0-9]{3}$"), small)

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if pa.types.is_string(values) or pa.types.is_large_string(values):
            return pa.string()
        return self.refuse_type(values, "text")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if self.preset is not None:
            return self._zip3(values)
        values, malformed = utf8.well_formed(values)
        return Treated(pc.utf8_slice_codeunits(values, 0, min(self.keep or 0, utf8.MAX_TEXT_BYTES)), malformed)

    def _zip3(self, values: pa.StringArray) -> Treated:
        other = pc.fill_null(pc.invert(pc.match_substring_regex(values, ZIP)), False)
        prefix = pc.utf8_slice_codeunits(utf8.nulled(values, other), 0, 3)
        areas = SMALL_AREAS if self.small_areas is None else self.small_areas
        small = pc.is_in(prefix, pa.array(areas, pa.string()))
        return Treated(pc.if_else(small, "000", prefix), other)
