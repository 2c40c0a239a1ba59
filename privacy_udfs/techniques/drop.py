"""`drop`: the column is not in the target."""

from __future__ import annotations

from typing import Literal

import pyarrow as pa

from privacy_udfs.strength import Shows
from privacy_udfs.technique import Key, Technique, Treated


class Drop(Technique):
    """Leave the column out of the target table. Takes any type.

    A declaration: the plan reads it and does not select the column, so no value of it is ever evaluated. As an
    operation on an array it gives the type `null`, which no column of a target can have, and nothing else.
    It does not protect against what other columns still tell of the dropped one.
    """

    technique: Literal["drop"] = "drop"

    comes_out = "the column is left out"
    word = "no column"
    one_result = True
    drops_column = True
    whole_subtree = True
    shows = Shows.NOTHING
    covers = True

    def output_type(self, values: pa.DataType) -> pa.DataType:
        """Always `null`: the mark of a column that does not exist in the target."""
        return pa.null()

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        return Treated(pa.nulls(len(values)))
