"""The inverse of canonical bytes: values of a type from their one spelling (`privacy_udfs.kernels.text.canonical`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.text.canonical import canonical

FAR = r"^[+-]"
"""Where a year begins that has not four digits."""


def restored(spelled: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The values of a type that have these canonical bytes; nulls stay null. None where any text is not the spelling of
    such a value: then it was none, or of another type. spelled: text, or binary."""
    if kind == pa.binary():
        return spelled.cast(pa.binary())
    if kind == pa.string():
        return spelled if spelled.type == pa.string() else spelled.view(pa.string())
    if spelled.type != pa.string():
        return spelled.cast(kind) if spelled.null_count == len(spelled) else None
    try:
        values = _parsed(spelled, kind)
        again = canonical(values)
    except (pa.ArrowException, ValueError, OverflowError):  # their texts quote the value
        return None
    return values if again.equals(spelled.cast(pa.binary())) else None


def _parsed(text: pa.StringArray, kind: pa.DataType) -> pa.Array:
    if pa.types.is_time(kind):  # as a time of the first day: Arrow takes no fraction in a time of day
        ticks = pc.binary_join_element_wise("1970-01-01T", text, "").cast(pa.timestamp(kind.unit))
        return ticks.view(pa.int64()).cast(_number(kind)).view(kind)
    if not (pa.types.is_date(kind) or pa.types.is_timestamp(kind)):
        return text.cast(kind)
    far = pc.fill_null(pc.match_substring_regex(text, FAR), False)
    if not pc.any(far).as_py():
        return text.cast(kind)
    near = pc.if_else(far, pa.scalar(None, pa.string()), text).cast(kind)
    few = pa.array([_far(each, kind) for each in text.filter(far).to_pylist()], _number(kind)).view(kind)
    return pc.replace_with_mask(near, far, few)


def _far(text: str, kind: pa.DataType) -> int:
    """The ticks of a date or time whose year has more than four digits, or is before 0000."""
    unit: Any = "D" if pa.types.is_date(kind) else kind.unit
    return int(np.datetime64(text.removesuffix("Z"), unit).astype(np.int64))


def _number(kind: pa.DataType) -> pa.DataType:
    return pa.int32() if pa.types.is_date32(kind) or pa.types.is_time32(kind) else pa.int64()
