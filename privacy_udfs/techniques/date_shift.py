"""`date_shift`: all dates of a subject move by the same secret number of days."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import Field, model_validator

from privacy_udfs.kernels.hmac import draw_per_subject
from privacy_udfs.kernels.numbers import DAY, FIRST_DAY, LAST_DAY, calendar, in_calendar
from privacy_udfs.parameters import IsoDate, Later, ZoneName
from privacy_udfs.strength import (
    MORE_IS_STRONGER,
    NO_DIFFERENCE,
    NOT_COMPARABLE,
    Shows,
    Sign,
    Strength,
    larger_set,
)
from privacy_udfs.technique import Key, SubjectTechnique, Treated
from privacy_udfs.techniques._dates import DateTechnique, from_ticks, ticks_of

Dates = Annotated[tuple[IsoDate, ...], Field(strict=False)]

CALENDAR_DAYS = LAST_DAY - FIRST_DAY


def _nulled(before: Any, after: Any) -> Sign:
    return larger_set(before or (), after or ())


class DateShift(SubjectTechnique, DateTechnique):
    """Move each date by a number of days fixed by key and subject, so that intervals within a subject stay exact.

    max_days: the farthest move, in days, either way. exclude_zero: nobody's dates stay where they are.
    normalize: steps before a subject of text becomes canonical bytes, see `privacy_udfs.kernels.text.normalize`.
    empty_subject: see `SubjectTechnique`. In a table's configuration the treatment of the subject's own column decides
    both: where its domain trims, ``Ann`` and ``Ann`` with blanks have one pseudonym and one move.
    keep_dates, null_dates: placeholders, such as 1900-01-01 and 9999-12-31, which stand for no date at all. Moved, each
    would show the subject's move to whoever knows the placeholder. Dates of the first list stay, those of the second
    become null, whoever's they are, also without a subject; of timestamps all of these days, and those that stay keep
    their time of day. A placeholder that stays says nothing of the subject. A real date on such a day stays too; and a
    moved date may come to lie on one, where it is taken for a placeholder.
    timezone: IANA name; by whose clocks a timestamp *with* zone lies on such a day (the default: UTC's).
    input_format: for columns of text, see `DateTechnique`. empty: see `TextTechnique`.

    The rule, which anyone with the 32-byte key can repeat: ``d`` = HMAC-SHA-256(key, canonical bytes of the subject),
    RFC 2104; ``x`` = the leftmost 16 bytes of ``d`` as an unsigned big-endian integer.
    Days = ``x mod (2 max_days + 1) - max_days``. With ``exclude_zero``: ``r = x mod (2 max_days)``, and days =
    ``r - max_days`` if ``r < max_days``, else ``r - max_days + 1``. All moves are equally likely, to within 2^-100.
    Columns that share a domain, ``max_days`` and ``exclude_zero`` move together.

    Takes and gives ``date32``, ``timestamp[us]`` and ``timestamp[us, tz]``, and with an ``input_format`` text. A day is
    86,400 seconds: without a zone the time of day stays; with one, elapsed time stays exact, so that the time which
    clocks show may move by an hour across daylight saving. Nulls stay null. Refused values: a value whose subject is
    null; dates outside the years 0001 to 9999, before or after the move; text that is not of the form.

    Does not protect: one known date of a subject reveals that subject's move and so all its dates; intervals, order,
    times of day and, if ``max_days`` is small, seasons stay; a date near the end of a known period tells its direction;
    patterns of weekdays may show the move modulo 7. Under HIPAA's Safe Harbor a shifted date is still a date.
    """

    technique: Literal["date_shift"] = "date_shift"
    max_days: Annotated[int, Field(ge=1, le=CALENDAR_DAYS), MORE_IS_STRONGER]
    exclude_zero: Annotated[bool, NO_DIFFERENCE] = False
    keep_dates: Annotated[Dates, Later(), NOT_COMPARABLE] = ()
    null_dates: Annotated[Dates, Later(), Strength(_nulled)] = ()
    timezone: Annotated[ZoneName, Later(), NO_DIFFERENCE] = "UTC"

    comes_out = "all dates of a subject move together, intervals stay; placeholders stay or become null"
    standard = "HMAC-SHA-256"
    shows = Shows.NEARLY_THE_VALUE
    algorithms = ("HMAC-SHA-256",)

    @model_validator(mode="after")
    def _one_fate(self) -> DateShift:
        if set(self.keep_dates) & set(self.null_dates):
            raise ValueError("a date stands in keep_dates and in null_dates")
        return self

    def nulls_values(self) -> bool:
        return bool(self.null_dates) or super().nulls_values()

    def key_size(self) -> int | None:
        return 32

    def treat_dates(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        assert key is not None
        assert subject is not None
        ticks, days = ticks_of(values)
        size = 1 if pa.types.is_date32(values.type) else DAY
        moves = draw_per_subject(self._days, key.material, subject, self.normalize)
        shifted = ticks + moves * size  # a sum that wraps round came from, and ends, far outside the calendar
        null = values.is_null().to_numpy(zero_copy_only=False)
        refused = ~(in_calendar(days) & in_calendar(shifted // size))
        refused |= subject.is_null().to_numpy(zero_copy_only=False)
        kept, nulled = (self._placeholders(ticks, values.type, which) for which in (self.keep_dates, self.null_dates))
        refused &= ~(null | kept | nulled)
        result = from_ticks(np.where(kept, ticks, shifted), null | nulled | refused, values.type)
        return Treated(result, pa.array(refused) if refused.any() else None)

    def _placeholders(
        self, ticks: npt.NDArray[np.int64], kind: pa.DataType, dates: tuple[datetime.date, ...]
    ) -> npt.NDArray[np.bool_]:
        found = np.zeros(len(ticks), np.bool_)
        for day in map(calendar.day_number, dates):
            found |= (ticks >= self._start(kind, day)) & (ticks < self._start(kind, day + 1))
        return found

    def _start(self, kind: pa.DataType, day: int) -> int:
        """When a day begins, as the type counts; the one after the last of the calendar in UTC."""
        if pa.types.is_date32(kind):
            return day
        return day * DAY if kind.tz is None or day > LAST_DAY else calendar.first_instant(self.timezone, day)

    def _days(self, digests: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
        choices = 2 * self.max_days + (not self.exclude_zero)
        drawn = _modulo(digests[:, 0], digests[:, 1], choices) - self.max_days
        return drawn + (drawn >= 0) if self.exclude_zero else drawn


def _modulo(high: npt.NDArray[np.uint64], low: npt.NDArray[np.uint64], n: int) -> npt.NDArray[np.int64]:
    """``(high * 2**64 + low) mod n`` for ``n`` below 2**31, so that no product leaves 64 bits."""
    modulus = np.uint64(n)
    rest = (high % modulus) * np.uint64((1 << 64) % n) + low % modulus
    return np.asarray(rest % modulus, np.int64)
