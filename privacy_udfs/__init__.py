"""Pseudonymization techniques on Arrow arrays; no Spark here but in `privacy_udfs.udf`.

>>> import pyarrow as pa, privacy_udfs
>>> privacy_udfs.apply({"technique": "truncate", "keep": 2}, pa.array(["0250", None])).to_pylist()
['02', None]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar, cast

import pyarrow as pa

from privacy_udfs import series
from privacy_udfs.errors import LakenymError, TypeRefused
from privacy_udfs.technique import Key, Technique
from privacy_udfs.techniques import TECHNIQUES, parse

__all__ = ["TECHNIQUES", "Key", "LakenymError", "Technique", "apply", "parse", "revert"]

Values = TypeVar("Values")
"""An Arrow array, or a pandas Series."""


def apply(
    treatment: Technique | Mapping[str, Any],
    values: Values,
    key: Key | bytes | None = None,
    subject: Any = None,
) -> Values:
    """Treat ``values``.

    treatment: a technique or its mapping, such as ``{"technique": "keyed_hash", "algorithm": "AES-CMAC"}``.
    values: any Arrow array the technique takes, or a pandas Series (`privacy_udfs.series`). key: the algorithm's own
    raw key bytes, for keyed techniques; a `Key` where the key id matters. subject: an Arrow array as long as
    ``values``, for techniques that depend on whose row it is, or a Series of the same index; for those that look at
    other columns of the row a struct array of these.

    Returns an Arrow array of the same length, null where ``values`` is null (or refused, under ``on_refused: null``);
    of a Series a Series, with its index and its name.
    Raises `ParameterError`, `TypeRefused`, `KeyProblem`, or `ValueRefused`; none of them holds a value.
    """
    series.check_aligned(values, subject)
    technique, given = parse(treatment), series.to_arrow(values)
    try:
        result = technique.apply(given, key, series.to_arrow(subject)).values
    except TypeRefused as error:
        if not series.is_one(values) or not pa.types.is_floating(given.type):
            raise
        raise TypeRefused(f"{error}; {series.GAPS}") from None
    return cast(Values, series.like(result, values) if series.is_one(values) else result)


def revert(treatment: Technique | Mapping[str, Any], values: Values, key: Key | bytes | None = None) -> Values:
    """The original values of a reversible technique, under the key they were treated with. Nulls stay null. Of a Series
    a Series, as `apply` gives it.

    Raises `TypeRefused` for a technique that cannot be reverted, `KeyProblem`, and `TokenRefused` (one message,
    whatever the reason) when any value is not a result of this treatment and key.
    """
    result = parse(treatment).revert(series.to_arrow(values), key)
    return cast(Values, series.like(result, values) if series.is_one(values) else result)
