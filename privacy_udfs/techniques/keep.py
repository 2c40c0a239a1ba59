"""`keep`: the column stays as it is, because someone decided so."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from privacy_udfs.strength import Shows
from privacy_udfs.technique import Key, Technique, Treated


class Keep(Technique):
    """Leave every value as it is. Takes any type; nulls stay null.

    It protects nothing: the entry's ``why`` must justify it.
    """

    technique: Literal["keep"] = "keep"

    comes_out = "as it is, because someone decided so"
    word = "the column as it is"
    injective = True
    keeps_values = True
    keeps_type = True
    shows = Shows.THE_VALUE

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return values

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        return Treated(values)
