"""What the techniques on dates share: the types they take, and dates and times in text."""

from __future__ import annotations

from abc import abstractmethod
from typing import Annotated

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.kernels.numbers import DAY, Form, in_calendar
from privacy_udfs.parameters import InputFormat, Later
from privacy_udfs.strength import NO_DIFFERENCE
from privacy_udfs.technique import Key, TextTechnique, Treated


class DateTechnique(TextTechnique):
    """A technique on dates and timestamps, also those that a column holds as text.

    input_format: how text writes them: ``%Y-%m-%d``, ``%d.%m.%Y``, ``%Y-%m-%dT%H:%M:%SZ``. With ``%H`` they are
    timestamps without zone, whatever letter stands at the end, else dates. Results are text of the same form. A text of
    another form, blanks around it left out, is refused: it is never guessed at. Unset (the default): no text is taken.
    Columns of dates and of timestamps are taken as ever, so that all can share one domain. See
    `privacy_udfs.kernels.numbers.written_times`.
    """

    input_format: Annotated[InputFormat | None, Later(), NO_DIFFERENCE] = None

    def empty_after(self) -> tuple[str, ...]:
        return ("trim",)

    def check_dates(self, values: pa.DataType) -> None:
        """Raise `TypeRefused` for a type of dates or timestamps that these parameters do not go with."""

    @abstractmethod
    def treat_dates(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        """`treat` for arrays of dates or timestamps; results are of the same type."""

    def output_type(self, values: pa.DataType) -> pa.DataType:
        if self.input_format is not None and values == pa.string():
            self.check_dates(Form(self.input_format).kind)
            return values
        if not (pa.types.is_date32(values) or (pa.types.is_timestamp(values) and values.unit == "us")):
            self.refuse_type(
                values, "date32, timestamp[us] and timestamp[us, tz], and text if input_format says its form"
            )
        self.check_dates(values)
        return values

    def shaped(self, results: pa.Array, key_id: int | None = None) -> pa.BooleanArray | None:
        """Of the type of dates, in the calendar, and text of the form that is stated."""
        self.output_type(results.type)
        dates = results if self.input_format is None or not pa.types.is_string(results.type) else self._read(results)
        days = ticks_of(dates)[1]
        return pc.and_(dates.is_valid(), pa.array(in_calendar(days)))

    def _read(self, texts: pa.StringArray) -> pa.Array:
        """The dates of texts that are written just as the form writes them; null of others."""
        form = Form(str(self.input_format))
        dates = form.read(texts)
        as_written = pc.fill_null(pc.equal(form.write(dates), texts), False)
        return pc.if_else(as_written, dates, pa.scalar(None, dates.type))

    def treat(self, values: pa.Array, key: Key | None, subject: pa.Array | None) -> Treated:
        if not pa.types.is_string(values.type):
            return self.treat_dates(values, key, subject)
        assert self.input_format is not None
        form = Form(self.input_format)
        dates = form.read(values)
        treated = self.treat_dates(dates, key, subject)
        malformed = pc.and_(values.is_valid(), dates.is_null())
        refused = malformed if treated.refused is None else pc.or_(malformed, treated.refused)
        return Treated(form.write(treated.values), refused)


def ticks_of(values: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Days or microseconds since 1970, as the type counts, and days; 0 at nulls."""
    dates = pa.types.is_date32(values.type)
    ticks = pc.fill_null(values.view(pa.int32() if dates else pa.int64()), 0).to_numpy().astype(np.int64)
    return ticks, ticks if dates else ticks // DAY


def from_ticks(ticks: npt.NDArray[np.int64], blank: npt.NDArray[np.bool_], kind: pa.DataType) -> pa.Array:
    """The array of dates or timestamps that counts so; null where ``blank``."""
    storage = pa.int32() if pa.types.is_date32(kind) else pa.int64()
    return pa.array(np.where(blank, 0, ticks), pa.int64(), mask=blank).cast(storage).view(kind)
