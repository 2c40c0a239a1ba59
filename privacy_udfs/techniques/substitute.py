"""`substitute`: a value becomes one of a list, picked by a keyed hash, so that it looks real."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field, field_validator, model_validator

from privacy_udfs import result_shapes
from privacy_udfs.kernels.arrays import Array
from privacy_udfs.kernels.hmac import hmac_sha256
from privacy_udfs.kernels.text import TAKES, accepts, canonical, left_out
from privacy_udfs.normalization import Normalize
from privacy_udfs.periods import PeriodTechnique
from privacy_udfs.strength import NO_DIFFERENCE, Shows
from privacy_udfs.technique import Key, Treated
from privacy_udfs.word_lists import WORD_LISTS


class Substitute(PeriodTechnique):
    """Replace each value by an entry of a list: test data and demonstrations that look real. Text out.

    values: the entries, at least two, each once. list: instead of them a list that comes with this package,
    ``first_names``, ``last_names`` or ``cities`` (200 to 300 entries each).
    normalize: steps on text before hashing, as for `keyed_hash`. empty: see `TextTechnique`.
    period, period_of, period_zone: see `PeriodTechnique`.

    The pick is entry number ``n mod len(list)``, counted from 0, where ``n`` is the first 16 bytes, big-endian, of
    HMAC-SHA-256 (RFC 2104) of the value's canonical bytes; no entry is likelier than another by over 2**-128. Takes
    whatever has canonical bytes. Key: 32 bytes. Null in, null out.

    Equal values give equal entries under one key and list, and **so do many different values**: a join on the result
    multiplies rows, and counts of distinct values are wrong. Use `keyed_hash` to join. With few distinct values their
    frequencies show through, and a result that looks real can by chance be the name of someone in the table.
    """

    technique: Literal["substitute"] = "substitute"
    values: Annotated[Annotated[tuple[str, ...], Field(strict=False, min_length=2)] | None, NO_DIFFERENCE] = None
    list: Annotated[Literal["first_names", "last_names", "cities"] | None, NO_DIFFERENCE] = None
    normalize: Normalize = ()

    comes_out = "a name or city that looks real"
    standard = "HMAC-SHA-256"
    shows = Shows.A_PART
    covers = True
    costly = True
    algorithms = ("HMAC-SHA-256",)

    @field_validator("values")
    @classmethod
    def _each_once(cls, values: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if values is not None and len(set(values)) < len(values):
            raise ValueError(f"expected each entry once, got {len(values) - len(set(values))} repeated")
        return values

    @model_validator(mode="after")
    def _one_list(self) -> Substitute:
        if (self.values is None) == (self.list is None):
            raise ValueError("expected values (at least two) or list (the name of one), and not both")
        return self

    def empty_after(self) -> tuple[str, ...]:
        return self.normalize

    def key_size(self) -> int | None:
        return 32

    def own_words(self) -> tuple[str, ...]:
        return WORD_LISTS[self.list] if self.list else self.values or ()

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        return result_shapes.one_of(results, self.own_words())

    def output_type(self, values: pa.DataType) -> pa.DataType:
        return pa.string() if accepts(values) else self.refuse_type(values, TAKES)

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        assert key is not None
        entries = self.own_words()
        found = canonical(values, self.normalize)
        null = found.is_null().to_numpy(zero_copy_only=False)
        places = pa.array(_remainders(hmac_sha256(key.material, found), len(entries)), mask=null)
        return Treated(pa.array(entries, pa.string()).take(places), left_out(values, found))


def _remainders(digests: Array, divisor: int) -> Array:
    """The first 16 bytes of each row as a big-endian number, modulo ``divisor`` (under 2**31)."""
    remainder = np.zeros(len(digests), np.int64)
    for word in np.ascontiguousarray(digests[:, :16]).view(">u4").T:
        remainder = ((remainder << 32) + word) % divisor
    return remainder
