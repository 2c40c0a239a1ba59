"""Pseudonymization techniques on Arrow arrays; no Spark here but in `privacy_udfs.udf`.

>>> import pyarrow as pa, privacy_udfs
>>> privacy_udfs.apply({"technique": "truncate", "keep": 2}, pa.array(["0250", None])).to_pylist()
['02', None]
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from privacy_udfs.errors import LakenymError
from privacy_udfs.technique import Key, Technique
from privacy_udfs.techniques import TECHNIQUES, parse

__all__ = ["TECHNIQUES", "Key", "LakenymError", "Technique", "apply", "parse", "revert"]


def apply(
    treatment: Technique | Mapping[str, Any],
    values: pa.Array,
    key: Key | bytes | None = None,
    subject: pa.Array | None = None,
) -> pa.Array:
    """Treat ``values``.

    treatment: a technique or its mapping, such as ``{"technique": "keyed_hash", "algorithm": "AES-CMAC"}``.
    values: any Arrow array the technique takes. key: the algorithm's own raw key bytes, for keyed techniques; a `Key`
    where the key id matters. subject: an Arrow array as long as ``values``, for techniques that depend on whose row it
    is; for those that look at other columns of the row a struct array of these.

    Returns an Arrow array of the same length, null where ``values`` is null (or refused, under ``on_refused: null``).
    Raises `ParameterError`, `TypeRefused`, `KeyProblem`, or `ValueRefused`; none of them holds a value.
    """
    return parse(treatment).apply(values, key, subject).values


def revert(treatment: Technique | Mapping[str, Any], values: pa.Array, key: Key | bytes | None = None) -> pa.Array:
    """The original values of a reversible technique, under the key they were treated with. Nulls stay null.

    Raises `TypeRefused` for a technique that cannot be reverted, `KeyProblem`, and `TokenRefused` (one message,
    whatever the reason) when any value is not a result of this treatment and key.
    """
    return parse(treatment).revert(values, key)
