"""`redact`: every value becomes null, or one constant."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.strength import Shows, Sign, Strength
from privacy_udfs.technique import Key, Technique, Treated


def _constants(before: Any, after: Any) -> Sign:
    """A constant shows which values were missing, null does not; which constant makes no difference."""
    return 1 if after is None else -1 if before is None else 0


class Redact(Technique):
    """Replace every value by null (the default) or by one constant. Keeps the column's type.

    value: null or a constant that fits the column's type exactly: text for text, and in ISO 8601 for dates and
    timestamps; true/false for booleans; integers for every kind of number they fit in; floats for floats and decimals.
    Any column type is taken with ``value: null``; with a constant, one that does not fit raises `TypeRefused`.

    Null in, null out: a constant shows which values were missing; ``value: null`` does not.
    """

    technique: Literal["redact"] = "redact"
    value: Annotated[bool | int | float | str | None, Strength(_constants)] = None

    comes_out = "null, or one constant"
    word = "a column of nulls"
    one_result = True
    keeps_type = True
    whole_subtree = True
    shows = Shows.MISSING
    covers = True
    unrecognizable = True

    def gives_null(self) -> bool:
        return self.value is None

    def own_words(self) -> tuple[str, ...]:
        return () if self.value is None else (str(self.value),)

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        return pc.equal(results, self._constant(results.type))

    def output_type(self, values: pa.DataType) -> pa.DataType:
        self._constant(values)
        return values

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if self.value is None:
            return Treated(pa.nulls(len(values), values.type))
        constant = self._constant(values.type)
        if not values.null_count:
            return Treated(pa.repeat(constant, len(values)))
        return Treated(pc.if_else(values.is_valid(), constant, pa.scalar(None, values.type)))

    def _constant(self, column: pa.DataType) -> pa.Scalar:
        """The constant as a scalar of the column's type; raises `TypeRefused` where it does not fit."""
        if self.value is None:
            return pa.scalar(None, column)
        constant = _scalar(self.value, column) if _goes_with(self.value, column) else None
        return self.refuse_type(column, "a column that its constant fits") if constant is None else constant


def _goes_with(value: bool | int | float | str, column: pa.DataType) -> bool:
    """Whether the kind of the constant goes with the column's type (a bool is no number, a number no text)."""
    types = pa.types
    if isinstance(value, bool):
        return bool(types.is_boolean(column))
    if isinstance(value, str):
        text = types.is_string(column) or types.is_large_string(column)
        return bool(text or types.is_date(column) or types.is_timestamp(column))
    fractions = types.is_floating(column) or types.is_decimal(column)
    return bool(fractions or (isinstance(value, int) and types.is_integer(column)))


def _scalar(value: bool | int | float | str, column: pa.DataType) -> pa.Scalar | None:
    try:
        if pa.types.is_decimal(column):
            return pa.scalar(Decimal(repr(value)), column)
        if isinstance(value, str):
            return pa.scalar(value).cast(column)
        return pa.scalar(value, column)
    except (pa.ArrowInvalid, OverflowError):  # out of the type's range, or no date; its text quotes the constant
        return None
