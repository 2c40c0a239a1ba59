"""Pseudonyms that join within one period only: a key for each, and a batch parted by them.

The key of a period is derived from the sub-key of technique and domain (docs/scopes.md):

    HKDF-SHA-256(ikm = the sub-key, salt = empty, info = "lakenym/1/period/" + period, length = that of the sub-key)

by RFC 5869, ``info`` as UTF-8. A period is called ``2026-11-28``, ``2026-11``, ``2026-Q4`` or ``2026``.
"""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import Field

from privacy_udfs.errors import TypeRefused
from privacy_udfs.kernels.numbers import DAY, calendar
from privacy_udfs.parameters import Later, ZoneName
from privacy_udfs.strength import NO_DIFFERENCE, Sign, Strength, sign
from privacy_udfs.technique import Key, TextTechnique, Treated, narrow, plain

Period = Literal["day", "month", "quarter", "year"]
UNITS: tuple[Period, ...] = ("year", "quarter", "month", "day")
"""The longest first: the shorter, the fewer rows join."""
INFO = "lakenym/1/period/{period}"
_EPOCH = datetime.date(1970, 1, 1)


def _shorter(before: Any, after: Any) -> Sign:
    """No period is one without an end."""
    places = [UNITS.index(unit) if unit in UNITS else -1 for unit in (before, after)]
    return sign(*places)


def _another(before: Any, after: Any) -> Sign:
    """Another date parts rows in another way; that there is one at all is told by the period."""
    return 0 if before is None or after is None else None


class PeriodTechnique(TextTechnique):
    """What techniques have in common whose pseudonyms may join within a period only.

    period: ``day``, ``month``, ``quarter`` or ``year``: rows of one period join, in all tables, and no two periods do.
    Unset (the default): all join. period_of: the column of the same row that says when it is: a date or a timestamp. A
    value whose date is null, or outside the years 0001 to 9999, is refused. period_zone: IANA name; by whose clocks a
    timestamp *with* zone lies in a period (the default: UTC's). A domain of ``scope: period`` states the first and the
    last of them, a column of it the second; they stand nowhere else (docs/scopes.md).

    Nothing turns such a pseudonym back here: whoever has the key would have to know the row's date too.
    """

    period: Annotated[Period | None, Later(), Strength(_shorter)] = None
    period_of: Annotated[Annotated[str, Field(min_length=1)] | None, Later(), Strength(_another)] = None
    period_zone: Annotated[ZoneName, Later(), NO_DIFFERENCE] = "UTC"

    def beside(self) -> tuple[str, ...]:
        return () if self.period_of is None else (self.period_of,)

    def check_way_back(self) -> None:
        """Raise `TypeRefused` where there is none: a value would be turned back under another key than its own."""
        if self.period is not None:
            raise TypeRefused(
                f"{self.technique} by periods is not turned back: each {self.period} has a key of its own"
            )

    def _checked_subject(self, subject: pa.Array | pa.ChunkedArray | None, length: int) -> pa.Array | None:
        """With a period: the first instant, or day, of the one that each row is in; null where there is none."""
        if self.period is None:
            return super()._checked_subject(subject, length)
        if subject is None:
            raise TypeRefused(f"{self.technique} by periods needs the array that says when each row is")
        subject = plain(subject)
        if pa.types.is_struct(subject.type):
            if self.period_of is None or subject.type.get_field_index(self.period_of) < 0:
                raise TypeRefused(f"{self.technique} by periods was not given the column that says when each row is")
            subject = pc.struct_field(subject, subject.type.get_field_index(self.period_of))
        dates = narrow(plain(subject))
        if len(dates) != length:
            raise TypeRefused(f"{self.technique}: {length} values but {len(dates)} dates")
        return self._starts(dates)

    def _starts(self, dates: pa.Array) -> pa.Array:
        fault = misfit(dates.type)
        if fault is not None:
            raise TypeRefused(f"{self.technique} by periods: {fault}")
        assert self.period is not None
        is_day = pa.types.is_date32(dates.type)
        ticks = pc.fill_null(dates.view(pa.int32() if is_day else pa.int64()), 0).to_numpy().astype(np.int64)
        days = ticks if is_day else ticks // DAY
        blank = dates.is_null().to_numpy(zero_copy_only=False) | ~calendar.in_calendar(days)
        if not is_day and dates.type.tz is not None:
            instants = calendar.unit_first_instants(np.where(blank, 0, ticks), self.period, self.period_zone)
            return pa.array(instants, pa.timestamp("us", "UTC"), mask=blank)
        return pa.array(calendar.unit_starts(np.where(blank, 0, days), self.period), pa.int64(), mask=blank)

    def _treat_distinct(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if self.period is None:
            return super()._treat_distinct(values, key, subject)
        assert key is not None
        assert subject is not None
        encoded = subject.dictionary_encode()
        of_period = pc.fill_null(encoded.indices, -1).to_numpy()
        order = np.argsort(of_period, kind="stable")
        sizes = np.bincount(of_period + 1, minlength=len(encoded.dictionary) + 1)
        ends = np.cumsum(sizes)
        starts = encoded.dictionary.view(pa.int64()).to_pylist()
        names = [None, *(self._name(start, subject.type) for start in starts)]
        sorted_, parts = values.take(pa.array(order)), []
        for name, end, size in zip(names, ends, sizes, strict=True):
            if size:
                parts.append(self._of_period(sorted_.slice(end - size, size), key, name))
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        return _together(parts, pa.array(back))

    def _of_period(self, values: pa.Array, key: Key, name: str | None) -> Treated:
        if name is None or values.null_count == len(values):
            refused = values.is_valid() if values.null_count < len(values) else None
            return Treated(pa.nulls(len(values), self.output_type(values.type)), refused)
        return super()._treat_distinct(values, period_key(key, name), None)

    def _name(self, start: int, kind: pa.DataType) -> str:
        assert self.period is not None
        if pa.types.is_timestamp(kind):
            near = range(start // DAY + 1, start // DAY - 2, -1)  # of a day that a zone left out the next one
            start = next(day for day in near if _is_start(day, start, self.period_zone))
        return name_of(_EPOCH + datetime.timedelta(days=start), self.period)


def _is_start(day: int, instant: int, zone: str) -> bool:
    return bool(calendar.in_calendar(np.array([day]))[0]) and calendar.first_instant(zone, day) == instant


def misfit(dates: pa.DataType) -> str | None:
    """Why a column of this type does not say in which period a row is; None where it does."""
    if pa.types.is_date32(dates) or (pa.types.is_timestamp(dates) and dates.unit == "us"):
        return None
    return f"a date or a timestamp says in which period a row is, and not {dates}"


def name_of(day: datetime.date, unit: Period) -> str:
    """What the period is called that a day is in."""
    if unit == "day":
        return day.isoformat()
    if unit == "month":
        return day.isoformat()[:7]
    return f"{day.year:04}-Q{(day.month + 2) // 3}" if unit == "quarter" else f"{day.year:04}"


def period_key(key: Key, period: str) -> Key:
    """The key of a period, of the same size and id."""
    info = INFO.format(period=period).encode()
    derived = HKDF(hashes.SHA256(), len(key.material), b"", info).derive(key.material)
    return Key(derived, key.id, key.prefix)


def _together(parts: list[Treated], back: pa.Array) -> Treated:
    values = pa.concat_arrays([part.values for part in parts]).take(back)
    if all(part.refused is None for part in parts):
        return Treated(values)
    marks = [pa.array(np.zeros(len(part.values), bool)) if part.refused is None else part.refused for part in parts]
    return Treated(values, pa.concat_arrays([pc.fill_null(each, False) for each in marks]).take(back))
