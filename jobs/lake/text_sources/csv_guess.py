"""A type for each column of CSV files that somebody just brought along, by all of their rows.

Guesses are for a draft that a person reads, never for a run. Types are those that change no value: numbers with leading
zeros stay text, and what looks like a code does. What comes back are counts and lengths; values stay where they are.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.models import Source
from jobs.lake.sql import quoted
from jobs.lake.text_sources import text_source
from jobs.lake.text_sources.csv_dialect import Guess
from privacy_udfs.errors import UnexpectedFailure

_YEAR, _MONTH, _DAY = "(?P<y>[0-9]{4})", "(?P<m>[0-9]{2})", "(?P<d>[0-9]{2})"
DATES: dict[str, str] = {
    "yyyy-MM-dd": f"^{_YEAR}-{_MONTH}-{_DAY}$",
    "dd.MM.yyyy": rf"^{_DAY}\.{_MONTH}\.{_YEAR}$",
    "d.M.yyyy": rf"^(?P<d>[0-9]{{1,2}})\.(?P<m>[0-9]{{1,2}})\.{_YEAR}$",
    "dd/MM/yyyy": f"^{_DAY}/{_MONTH}/{_YEAR}$",
    "MM/dd/yyyy": f"^{_MONTH}/{_DAY}/{_YEAR}$",
    "d/M/yyyy": rf"^(?P<d>[0-9]{{1,2}})/(?P<m>[0-9]{{1,2}})/{_YEAR}$",
    "M/d/yyyy": rf"^(?P<m>[0-9]{{1,2}})/(?P<d>[0-9]{{1,2}})/{_YEAR}$",
    "yyyy/MM/dd": f"^{_YEAR}/{_MONTH}/{_DAY}$",
}
ISO = "yyyy-MM-dd"
LOOK_ALIKE = {"dd/MM/yyyy": "MM/dd/yyyy", "MM/dd/yyyy": "dd/MM/yyyy", "d/M/yyyy": "M/d/yyyy", "M/d/yyyy": "d/M/yyyy"}
WHOLE, FRACTION = r"^(0|-?[1-9][0-9]{0,17})$", r"^-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,12})?$"
NO_NUMBER = r"^-0(\.0+)?$"
"""A zero with a sign, which numbers do not keep."""
MOMENT = rf"^{_YEAR}-{_MONTH}-{_DAY}[T ](?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,6}})?$"
_ONE_DIGIT = re.compile("(?<!d)d(?!d)|(?<!M)M(?!M)")
"""In forms by which treatments of text read no dates."""
CODE_LENGTH = 5
"""Whole numbers that all have so many digits or more, one as many as the other, are codes: postal codes, accounts."""
MONEY, DOUBLE_DIGITS = 4, 15
"""Digits after the point up to which numbers are decimals; digits that a double holds exactly."""


@dataclasses.dataclass(frozen=True)
class _Seen:
    """Counts of the values of one column that are not null."""

    values: int
    whole: int
    fraction: int
    truth: int
    moment: int
    dates: dict[str, int]
    shortest: int
    longest: int
    scale: int
    digits: int

    def of_dates(self) -> list[str]:
        """The formats that all values have, none that leaves open which part is the month."""
        fitting = [form for form, count in self.dates.items() if count == self.values]
        return [form for form in fitting if LOOK_ALIKE.get(form) not in fitting]

    def is_open(self) -> bool:
        """Whether they are days, and nobody can say which number is the month."""
        return not self.of_dates() and any(count == self.values for count in self.dates.values())

    def type(self, form: str) -> str:
        """form: the one format of dates that the file is read by."""
        if not self.values:
            return "string"
        if self.dates.get(form) == self.values and form in self.of_dates():
            return "date"
        if self.moment == self.values:
            return "timestamp"
        if self.truth == self.values:
            return "boolean"
        if self.whole == self.values:
            return "string" if self.shortest == self.longest >= CODE_LENGTH else "bigint"
        if self.fraction == self.values:
            return self._fractional()
        return "string"

    def _fractional(self) -> str:
        if self.scale <= MONEY:
            return f"decimal({min(38, self.digits + self.scale)},{self.scale})"
        return "double" if self.digits + self.scale <= DOUBLE_DIGITS else "string"


def schema(source: Source, rows: DataFrame, partitions: Sequence[str] = ()) -> Guess:
    """The source with types for its columns, by all of its rows. rows: read as text. partitions: columns that are
    folders, whose types are stated elsewhere."""
    names = [field.name for field in rows.schema.fields if field.name not in partitions]
    return of_columns(source, dict(zip(names, _look(rows, names), strict=True)))


def of_columns(source: Source, columns: Mapping[str, _Seen]) -> Guess:
    """The same of what is known of each column."""
    forms = [form for each in columns.values() if each.values for form in each.of_dates()]
    form = max(forms, key=lambda each: (forms.count(each), each == ISO)) if forms else ISO
    types = {name: each.type(form) for name, each in columns.items()}
    declared = text_source.stated(types)
    options = {**source.options, **({"dateFormat": form} if form != ISO and "date" in types.values() else {})}
    notes = (note for name, each in columns.items() if each.values for note in _of_days(name, each, types[name], form))
    return Guess(source.model_copy(update={"options": options, "schema_": declared}), tuple(notes))


def _of_days(name: str, column: _Seen, kind: str, form: str) -> Iterator[str]:
    """Why days stay text. form: the one that the file is read by."""
    if column.is_open():
        yield f"{name}: its days can be read with the month first or second, so it stays text"
    elif column.of_dates() and kind == "string":
        other = column.of_dates()[0]
        cure = "" if _ONE_DIGIT.search(other) else f": treatments of dates read it by input_format={_in_python(other)}"
        yield f"{name}: its days are written {other}, those of other columns {form}, so it stays text{cure}"


def _in_python(form: str) -> str:
    return form.replace("yyyy", "%Y").replace("MM", "%m").replace("dd", "%d")


def _look(rows: DataFrame, names: Sequence[str]) -> list[_Seen]:
    texts = [F.col(quoted(name)).cast(T.StringType()).alias(f"c{at}") for at, name in enumerate(names)]
    found: list[dict[str, int]] = [{} for _ in names]
    for row in rows.select(*texts).mapInArrow(_counts_of, "at int, what string, count bigint").collect():
        counts = found[row["at"]]
        merge = MERGED.get(row["what"], sum)
        counts[row["what"]] = merge([counts[row["what"]], row["count"]]) if row["what"] in counts else row["count"]
    return [seen(counts) for counts in found]


def _counts_of(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        told = [(at, what, count) for at, each in enumerate(batch.columns) for what, count in _told(each).items()]
        rows = [{"at": at, "what": what, "count": count} for at, what, count in told]
        yield pa.RecordBatch.from_pylist(rows, _COUNTS)


_COUNTS = pa.schema({"at": pa.int32(), "what": pa.string(), "count": pa.int64()})


def _told(values: pa.Array) -> dict[str, int]:
    try:
        return counts(values)
    except Exception as error:  # Arrow's messages quote values
        raise UnexpectedFailure(f"a column could not be looked at: {type(error).__name__}") from None


MERGED: Mapping[str, Callable[[Iterable[int]], int]] = {"shortest": min, "longest": max, "scale": max, "digits": max}
"""How counts of batches become one; what is not named is summed."""


def seen(counts: Mapping[str, int]) -> _Seen:
    """What counts of a column say of it; none where there was no value."""
    dates = {form: counts.get(f"date {form}", 0) for form in DATES}
    rest = {each.name: counts.get(each.name, 0) for each in dataclasses.fields(_Seen) if each.name != "dates"}
    return _Seen(dates=dates, **rest)


def counts(values: pa.Array) -> dict[str, int]:
    """Of the texts that are not null: how many have which shape, how long they are."""
    texts = values.drop_null()
    if not len(texts):
        return {}
    lengths = pc.utf8_length(texts)
    numbers = texts.filter(pc.match_substring_regex(texts, FRACTION))
    scale = pc.utf8_length(pc.replace_substring_regex(numbers, r"^-?[0-9]+\.?", ""))
    digits = pc.utf8_length(pc.replace_substring_regex(numbers, r"^-|\..*$", ""))
    signed = _matching(texts, NO_NUMBER)
    return {
        "values": len(texts),
        "whole": _matching(texts, WHOLE),
        "fraction": len(numbers) - signed,
        "truth": _matching(texts, "^(true|false)$"),
        "moment": _days(texts, MOMENT),
        "shortest": pc.min(lengths).as_py(),
        "longest": pc.max(lengths).as_py(),
        "scale": pc.max(scale).as_py() or 0,
        "digits": pc.max(digits).as_py() or 0,
        **{f"date {form}": _days(texts, shape) for form, shape in DATES.items()},
    }


def _matching(texts: pa.Array, shape: str) -> int:
    return pc.sum(pc.match_substring_regex(texts, shape)).as_py() or 0


def _days(texts: pa.Array, shape: str) -> int:
    """How many have the shape, and are days that there are."""
    parts = pc.extract_regex(texts.filter(pc.match_substring_regex(texts, shape)), shape)
    if not len(parts):
        return 0
    year, month, day = (np.asarray(pc.struct_field(parts, name).cast(pa.int32())) for name in "ymd")
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    is_month = (month >= 1) & (month <= 12)
    last = _LAST_DAYS[np.where(is_month, month, 0)] + (leap & (month == 2))
    return int(np.count_nonzero(is_month & (year >= 1) & (day >= 1) & (day <= last)))


_LAST_DAYS = np.array([0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
