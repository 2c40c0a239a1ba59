"""pandas Series in and out, exactly: what `privacy_udfs.apply` takes beside Arrow arrays.

pandas is loaded by whoever has a Series already, never by this module. A Series becomes an Arrow array with all its
digits: ``Int64``, Arrow-backed and object columns keep integers beside missing ones; in ``float64``, which pandas makes
of integers with a gap, they are gone already, and techniques that must be exact refuse it.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pyarrow as pa

from privacy_udfs.errors import TypeRefused

_NO_TYPE = "a Series of dtype {} holds values of several types, or of one that Arrow does not have: give them one type"
GAPS = "pandas makes floats of integers with a gap: read the column as Int64, or Arrow-backed"


def is_one(values: object) -> bool:
    """Whether it is a pandas Series; False where nobody has loaded pandas."""
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(values, pandas.Series)


def to_arrow(values: Any) -> pa.Array | pa.ChunkedArray:
    """A Series as Arrow, its missing values as nulls; anything else as it is. Raises `TypeRefused`, without a value."""
    if not is_one(values):
        return values
    try:
        found = pa.array(values, from_pandas=True)
        if pa.types.is_timestamp(found.type) and found.type.unit == "ns":  # what pandas has of any time
            found = found.cast(pa.timestamp("us", found.type.tz))
        return found
    except (pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError, OverflowError):  # they quote the value
        pass
    raise TypeRefused(_NO_TYPE.format(values.dtype))


def check_aligned(values: Any, subject: Any) -> None:
    """Raise `TypeRefused` where rows of the one are not those of the other: nothing is put in order here."""
    if is_one(values) and is_one(subject) and not values.index.equals(subject.index):
        raise TypeRefused("the subject has another index than the values: take both from one frame")


def like(result: pa.Array, given: Any) -> Any:
    """The result as a Series with the index and name of ``given``: Arrow-backed if that is, else of pandas' own types,
    integers with nulls as ``Int64``."""
    return sys.modules["pandas"].Series(_held(result, given.dtype), index=given.index, name=given.name)


def _held(result: pa.Array, dtype: Any) -> Any:
    """What a Series holds. (pandas casts its own Arrow integers with nulls by way of floats.)"""
    pandas, kind = sys.modules["pandas"], result.type
    if isinstance(dtype, pandas.ArrowDtype):
        return pandas.arrays.ArrowExtensionArray(pa.chunked_array([result]))
    if pa.types.is_integer(kind) and result.null_count:
        null = result.is_null().to_numpy(zero_copy_only=False)
        return pandas.arrays.IntegerArray(np.array(result.fill_null(0).to_numpy()), null)
    found = result.to_pandas(date_as_object=True)
    is_object = pa.types.is_string(kind) or pa.types.is_binary(kind) or pa.types.is_date(kind)
    return found.to_numpy(dtype=object) if is_object else found.array
