"""`generalize_date`: a date becomes the first day of its year, month, ..., a time the first of its hour, ..."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs import result_shapes
from privacy_udfs.kernels.numbers import Unit, calendar
from privacy_udfs.parameters import IsoDate, ZoneName
from privacy_udfs.strength import FLOOR, NO_DIFFERENCE, Shows, Sign, Strength, sign
from privacy_udfs.technique import Key, Treated
from privacy_udfs.techniques._dates import DateTechnique, from_ticks, ticks_of

FINEST_FIRST: tuple[Unit, ...] = (
    *("second", "minute", "hour", "day", "week", "month", "quarter", "year"),
    *("decade", "century", "millennium"),
)


def _units(before: Any, after: Any) -> Sign:
    known = {before, after} <= set(FINEST_FIRST)
    return sign(FINEST_FIRST.index(before), FINEST_FIRST.index(after)) if known else None


class GeneralizeDate(DateTechnique):
    """Replace each date by the first day of its unit, each timestamp by the first instant of its unit.

    unit: ``year``, ``quarter``, ``month``, ``week`` (ISO 8601: from Monday), ``decade`` (2020 to 2029; the first is
    0001 to 0009), ``century`` and ``millennium`` (2001 to 2100 and to 3000, as PostgreSQL's ``date_trunc``); ``day``;
    for timestamps also ``hour``, ``minute`` and ``second``.
    timezone: IANA name; by whose clocks the units of timestamps *with* zone begin. The zone in the Arrow type is only
    how a session shows instants, and never changes the result. A midnight that comes twice counts from the first;
    for one that is skipped, the unit begins when the clocks go forward. Dates and timestamps without zone ignore it.
    A unit of days or more lasts until the next begins: where clocks went back across midnight (St. John's until 2011),
    minutes that came again belong to the new unit. An hour that comes twice is two hours, each beginning with itself,
    as in PostgreSQL and Spark; an hour in which clocks are changed begins anew with the change (Lord Howe's change by
    half an hour). The machine's tz database decides, by `zoneinfo`: keep workers on one version.
    bottom: earlier dates are treated as this date, so that all of them share one unit.
    input_format: for columns of text, see `DateTechnique`. empty: see `TextTechnique`.

    Takes and gives ``date32``, ``timestamp[us]`` and ``timestamp[us, tz]``, and with an ``input_format`` text; other
    text is refused. Nulls stay null. Refused values: outside the years 0001 to 9999 (for timestamps with zone: in
    UTC), and text that is not of the form.

    HIPAA Safe Harbor, 45 CFR 164.514(b)(2)(i)(B) and (C): of dates about a person only the year may stay, and no
    element that shows an age over 89. Use ``unit: year`` and ``bottom`` = the day of treatment minus 90 years for dates
    of birth: whoever is 90 or older then shares that year with the oldest of the others. Ages grow: move ``bottom``
    with every release. A date of birth beside a date of an event tells the age at the event: there ``bottom`` belongs
    to the latest event.

    Does not protect: a unit with few people in it still singles them out (measure k-anonymity), and differences
    between generalized dates stay visible at the unit's grain. An hour or a minute hides next to nothing.
    """

    technique: Literal["generalize_date"] = "generalize_date"
    unit: Annotated[Unit, Strength(_units)] = "year"
    timezone: Annotated[ZoneName, NO_DIFFERENCE] = "UTC"
    bottom: Annotated[IsoDate | None, FLOOR] = None

    comes_out = (
        "to second, minute, hour, day, week, month, quarter, year, decade, century or millennium, by the clocks of a "
        "zone"
    )
    standard = "ISO 8601"
    shows = Shows.A_PART

    def may_stay_whole(self) -> bool:
        """A date by the day; and an hour or less hides next to nothing of a time."""
        return FINEST_FIRST.index(self.unit) <= FINEST_FIRST.index("day")

    def date_unit(self) -> str:
        return self.unit

    def oldest_date(self) -> datetime.date | None:
        return self.bottom

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        fine = super().shaped(results, key_id)
        starts = result_shapes.same_again(self, results)
        return starts if fine is None else pc.and_(fine, starts)

    def check_dates(self, values: pa.DataType) -> None:
        if pa.types.is_date32(values) and self.unit in calendar.TICKS:
            self.refuse_type(values, f"timestamps for unit {self.unit}: a date has none")

    def treat_dates(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        ticks, days = ticks_of(values)
        outside = ~calendar.in_calendar(days)
        starts = self._starts(np.where(outside, 0, ticks), values.type)
        blank = outside | values.is_null().to_numpy(zero_copy_only=False)
        return Treated(from_ticks(starts, blank, values.type), pa.array(outside) if outside.any() else None)

    def _starts(self, ticks: npt.NDArray[np.int64], kind: pa.DataType) -> npt.NDArray[np.int64]:
        if pa.types.is_date32(kind):
            return np.maximum(calendar.unit_starts(ticks, self.unit), self._bottom_day())
        if self.unit in calendar.TICKS:
            return self._clock_starts(ticks, kind)
        if kind.tz is None:
            days = calendar.unit_starts(ticks // calendar.DAY, self.unit)
            return np.maximum(days, self._bottom_day()) * calendar.DAY
        bottom = calendar.first_instant(self.timezone, self._bottom_day())
        return np.maximum(calendar.unit_first_instants(ticks, self.unit, self.timezone), bottom)

    def _clock_starts(self, ticks: npt.NDArray[np.int64], kind: pa.DataType) -> npt.NDArray[np.int64]:
        if kind.tz is None:
            size = calendar.TICKS[self.unit]
            return np.maximum(ticks // size * size, self._bottom_day() * calendar.DAY)
        bottom = calendar.first_instant(self.timezone, self._bottom_day())
        return np.maximum(calendar.clock_starts(ticks, self.unit, self.timezone), bottom)

    def _bottom_day(self) -> int:
        """The first day of the unit of ``bottom``: nothing earlier comes out, as beginning a unit keeps the order."""
        if self.bottom is None:
            return calendar.FIRST_DAY
        return int(calendar.unit_starts(np.array([calendar.day_number(self.bottom)]), self.unit)[0])
