"""`keep`: the column stays as it is, because someone decided so."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from privacy_udfs.technique import Key, Technique, Treated


class Keep(Technique):
    """Leave every value as it is. Takes any type; nulls stay null.

    It protects nothing: the entry's ``why`` must justify it.
    """

    technique: Literal["keep"] = "keep"

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return values

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        return Treated(values)
