"""`add_noise`: a number moves by keyed noise that is its subject's own."""

from __future__ import annotations

import functools
from decimal import Decimal
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from privacy_udfs.kernels.hmac import draw_per_subject
from privacy_udfs.kernels.numbers import exact, laplace, symmetric_unit
from privacy_udfs.parameters import Number, ceil_scaled, floor_scaled
from privacy_udfs.strength import CEILING, FLOOR, MORE_IS_STRONGER, NOT_COMPARABLE, Shows
from privacy_udfs.technique import Key, SubjectTechnique, Treated

Floats = npt.NDArray[np.float64]


class AddNoise(SubjectTechnique):
    """Add noise that is fixed by key and subject, so that running again gives the same numbers.

    distribution: ``uniform``, between -scale and +scale; or ``laplace``, with mean 0 and scale parameter ``scale``
    (standard deviation 1.41 scale; at most 36.8 scale, for it is drawn from 53 bits).
    scale: in the unit of the column, above 0.
    clip_min, clip_max: results beyond them are moved to them, so that an age does not become negative.
    normalize: steps before a subject of text becomes canonical bytes, see `privacy_udfs.kernels.text.normalize`.
    empty_subject: see `SubjectTechnique`. In a table's configuration the treatment of the subject's own column decides
    both.

    The rule, which anyone with the 32-byte key can repeat: ``d`` = HMAC-SHA-256(key, canonical bytes of the subject),
    RFC 2104; ``m`` = the leftmost 53 bits of ``d``; ``u = (2 m + 1 - 2^53) / 2^53``, in (-1, 1) and never 0.
    Uniform: ``scale * u``. Laplace, by its inverse distribution function: ``-scale * sign(u) * ln(1 - |u|)``, with only
    operations that IEEE 754 fixes to the last bit, so that every machine gives the same noise.

    Takes and gives integers, float32, float64 and decimal128. Noise is rounded half to even, to integers or at the
    decimal column's scale, and the sum is exact. Nulls stay null. Refused values: a value whose subject is null, NaN
    and infinities, results that the type cannot hold.

    Does not protect: it hides exact values from a reader of the table; it is *not* differential privacy, which is a
    property of answers to queries, with fresh noise and a budget.
    All values of one subject in a column get the same noise: differences between them are exact, and one that is known
    reveals the others. Use it for what a subject has once (a salary, a weight), in the column's own domain. (Noise
    keyed on the value would move all people of one salary alike; fresh noise could be averaged away over runs.)
    Averages over many subjects converge on the true ones, which is its use; so do averages over copies of one column
    under several keys or domains: publish one. Outliers stay outliers.
    With floats, the last bits of a sum can betray which values are possible (Mironov 2012, "On significance of the
    least significant bits for differential privacy"): prefer integers or decimals.
    """

    technique: Literal["add_noise"] = "add_noise"
    distribution: Annotated[Literal["uniform", "laplace"], NOT_COMPARABLE] = "uniform"
    scale: Annotated[float, Field(gt=0, le=1e38), MORE_IS_STRONGER]
    clip_min: Annotated[Number | None, FLOOR] = None
    clip_max: Annotated[Number | None, CEILING] = None

    comes_out = "bounded or Laplace, the same again for the same subject"
    shows = Shows.NEARLY_THE_VALUE
    algorithms = ("HMAC-SHA-256",)

    @model_validator(mode="after")
    def _ordered(self) -> AddNoise:
        if self.clip_min is not None and self.clip_max is not None and self.clip_min > self.clip_max:
            raise ValueError("clip_min must not be above clip_max")
        return self

    def key_size(self) -> int | None:
        return 32

    def output_type(self, values: pa.DataType) -> pa.DataType:
        floats = pa.types.is_float32(values) or pa.types.is_float64(values)
        if not (floats or pa.types.is_integer(values) or pa.types.is_decimal128(values)):
            self.refuse_type(values, "integers, float32, float64 and decimal128")
        return values

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        """Between the bounds, where there are any."""
        self.output_type(results.type)
        numbers = results if pa.types.is_floating(results.type) else results.cast(pa.decimal256(76, 18))
        bounds = [(pc.greater_equal, self.clip_min), (pc.less_equal, self.clip_max)]
        held = [within(numbers, _bound(end, numbers.type)) for within, end in bounds if end is not None]
        return functools.reduce(pc.and_, held) if held else None

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        assert key is not None
        assert subject is not None
        noise = draw_per_subject(self._noise, key.material, subject, self.normalize)
        blank = subject.is_null().to_numpy(zero_copy_only=False)
        null = values.is_null().to_numpy(zero_copy_only=False)
        noise[blank | null] = 0
        move = self._move_floats if pa.types.is_floating(values.type) else self._move_exact
        result = move(values, noise, blank | null)
        if result.null_count == values.null_count:
            return Treated(result)
        return Treated(result, pc.and_(values.is_valid(), result.is_null()))

    def _noise(self, digests: npt.NDArray[np.uint64]) -> Floats:
        unit = symmetric_unit(digests[:, 0])
        return self.scale * (unit if self.distribution == "uniform" else laplace(unit))

    def _move_floats(self, values: pa.Array, noise: Floats, blank: npt.NDArray[np.bool_]) -> pa.Array:
        numbers = pc.fill_null(values, 0).to_numpy()
        low, high = (None if end is None else float(end) for end in (self.clip_min, self.clip_max))
        finite = np.isfinite(numbers)
        with np.errstate(over="ignore", invalid="ignore"):
            moved = numbers.astype(np.float64) + noise
            moved = (moved if low is None and high is None else np.clip(moved, low, high)).astype(numbers.dtype)
        return pa.array(moved, values.type, mask=blank | ~finite | ~np.isfinite(moved))

    def _move_exact(self, values: pa.Array, noise: Floats, blank: npt.NDArray[np.bool_]) -> pa.Array:
        scale = values.type.scale if pa.types.is_decimal(values.type) else 0
        rounded = exact.from_floats(noise, scale)
        numbers = exact.from_arrow(values, scale)
        moved = exact.with_room(numbers, exact.magnitude(rounded)) + rounded
        if self.clip_min is not None:
            moved = exact.at_least(moved, ceil_scaled(self.clip_min, scale))
        if self.clip_max is not None:
            moved = exact.at_most(moved, floor_scaled(self.clip_max, scale))
        return exact.to_arrow(moved, values.type, blank | ~exact.fits(moved, values.type))


def _bound(end: Decimal, kind: pa.DataType) -> pa.Scalar:
    return pa.scalar(float(end)).cast(kind) if pa.types.is_floating(kind) else pa.scalar(end).cast(kind)
