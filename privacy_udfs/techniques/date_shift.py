"""`date_shift`: all dates of a subject move by the same secret number of days."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from privacy_udfs.kernels.calendar import DAY, FIRST_DAY, LAST_DAY, in_calendar
from privacy_udfs.kernels.subjects import draw_per_subject
from privacy_udfs.parameters import Normalize
from privacy_udfs.technique import Key, Technique, Treated

CALENDAR_DAYS = LAST_DAY - FIRST_DAY


class DateShift(Technique):
    """Move each date by a number of days fixed by key and subject, so that intervals within a subject stay exact.

    max_days: the farthest move, in days, either way. exclude_zero: nobody's dates stay where they are.
    normalize: steps (``nfc``, ``trim``, ``lower``) before a subject of text becomes canonical bytes.

    The rule, which anyone with the 32-byte key can repeat: ``d`` = HMAC-SHA-256(key, canonical bytes of the subject),
    RFC 2104; ``x`` = the leftmost 16 bytes of ``d`` as an unsigned big-endian integer.
    Days = ``x mod (2 max_days + 1) - max_days``. With ``exclude_zero``: ``r = x mod (2 max_days)``, and days =
    ``r - max_days`` if ``r < max_days``, else ``r - max_days + 1``. All moves are equally likely, to within 2^-100.
    Columns that share a domain, ``max_days`` and ``exclude_zero`` move together.

    Takes and gives ``date32``, ``timestamp[us]`` and ``timestamp[us, tz]``. A day is 86,400 seconds: without a zone the
    time of day stays; with one, elapsed time stays exact, so that the time which clocks show may move by an hour
    across daylight saving. Nulls stay null. Refused values: a value whose subject is null; dates outside the years
    0001 to 9999, before or after the move.

    Does not protect: one known date of a subject reveals that subject's move and so all its dates; intervals, order,
    times of day and, if ``max_days`` is small, seasons stay; a date near the end of a known period tells its direction;
    patterns of weekdays may show the move modulo 7. Under HIPAA's Safe Harbor a shifted date is still a date.
    """

    technique: Literal["date_shift"] = "date_shift"
    max_days: Annotated[int, Field(ge=1, le=CALENDAR_DAYS)]
    exclude_zero: bool = False
    normalize: Normalize = ()

    needs_subject = True

    def key_size(self) -> int | None:
        return 32

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if not (pa.types.is_date32(values) or (pa.types.is_timestamp(values) and values.unit == "us")):
            self.refuse_type(values, "date32, timestamp[us] and timestamp[us, tz]")
        return values

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        assert key is not None
        assert subject is not None
        storage, day = (pa.int32(), 1) if pa.types.is_date32(values.type) else (pa.int64(), DAY)
        ticks = pc.fill_null(values.view(storage), 0).to_numpy().astype(np.int64)
        days = draw_per_subject(self._days, key.material, subject, self.normalize)
        shifted = ticks + days * day  # a sum that wraps round came from, and ends, far outside the calendar
        null = values.is_null().to_numpy(zero_copy_only=False)
        refused = ~(in_calendar(ticks // day) & in_calendar(shifted // day)) & ~null
        refused |= subject.is_null().to_numpy(zero_copy_only=False) & ~null
        result = pa.array(np.where(refused, 0, shifted), mask=null | refused).cast(storage).view(values.type)
        return Treated(result, pa.array(refused) if refused.any() else None)

    def _days(self, digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        choices = 2 * self.max_days + (not self.exclude_zero)
        drawn = _modulo(digests[:, 0], digests[:, 1], choices) - self.max_days
        return drawn + (drawn >= 0) if self.exclude_zero else drawn


def _modulo(high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64], n: int) -> npt.NDArray[np.int64]:
    """``(high * 2**64 + low) mod n`` for ``n`` below 2**31, so that no product leaves 64 bits."""
    modulus = np.uint64(n)
    rest = (high % modulus) * np.uint64((1 << 64) % n) + low % modulus
    return np.asarray(rest % modulus, np.int64)
