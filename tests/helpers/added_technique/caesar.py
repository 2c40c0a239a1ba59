"""`caesar`: letters move along the alphabet, as Caesar's did in what he wrote to Cicero."""

from __future__ import annotations

from typing import Annotated, Literal

import pyarrow as pa
from pydantic import Field

from privacy_udfs.kernels.arrays import utf8
from privacy_udfs.strength import MORE_IS_STRONGER, Shows
from privacy_udfs.technique import Key, TextTechnique, Treated

LETTERS = "abcdefghijklmnopqrstuvwxyz"


class Caesar(TextTechnique):
    """Move each letter from a to z by as many places as the key's first byte says, ``rounds`` times. Text to text.

    Null in, null out; malformed UTF-8 is refused. Key: 16 bytes. It protects from nobody who tries 25 keys.
    """

    technique: Literal["caesar"] = "caesar"
    rounds: Annotated[int, Field(ge=1, le=25), MORE_IS_STRONGER] = 1

    comes_out = "other letters; reversible"
    standard = "Suetonius, Divus Iulius, 56"
    reversible = True
    injective = True
    shows = Shows.FORM
    algorithms = ("CAESAR",)

    def key_size(self) -> int:
        return 16

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return pa.string() if pa.types.is_string(values) else self.refuse_type(values, "text")

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        values, malformed = utf8.well_formed(values)
        return Treated(self._moved(values, key, 1), malformed)

    def untreat(self, values: pa.Array, key: Key | None) -> pa.Array:
        return self._moved(values, key, -1)

    def _moved(self, values: pa.Array, key: Key | None, sign: int) -> pa.Array:
        assert key is not None
        by = sign * key.material[0] * self.rounds % len(LETTERS)
        table = str.maketrans(LETTERS, LETTERS[by:] + LETTERS[:by])
        return pa.array([None if text is None else text.translate(table) for text in values.to_pylist()], pa.string())
