"""Types of parameters that several techniques share: strictly read, written as JSON data that reads back equal."""

from __future__ import annotations

import dataclasses
import datetime
import re
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from privacy_udfs.kernels.numbers import Form

MAX_PLACES = 38  # decimal128 holds no more


def _number(value: Any) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueError("expected a number")
    try:
        number = Decimal(str(value))  # of a float: its shortest decimal notation, so 0.1 is a tenth
    except InvalidOperation:
        raise ValueError("expected a number in decimal notation") from None
    if not number.is_finite() or number.adjusted() >= MAX_PLACES:
        raise ValueError(f"expected a finite number of at most {MAX_PLACES} digits before the point")
    tiny = number != 0 and number.adjusted() < -MAX_PLACES  # written out, 1e-999999999999 would fill the memory
    number = number if tiny else Decimal(plain_text(number))
    if tiny or places(number) > MAX_PLACES:
        raise ValueError(f"expected at most {MAX_PLACES} digits after the point")
    return number


def plain_text(number: Decimal) -> str:
    """Plain notation: no exponent, no zeros at the end of a fraction, no negative zero. Exact at any length."""
    if number == 0:
        return "0"
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def places(number: Decimal) -> int:
    """Digits after the point of a `Number` (whose exponent is never positive)."""
    return -int(number.as_tuple().exponent)


def scaled(number: Decimal, scale: int) -> int:
    """``number * 10**scale``, exact; ``scale`` is at least `places`. (Decimal's own operators round to 28 digits.)"""
    return int(f"{number:f}".replace(".", "")) * _power(scale - places(number))


def floor_scaled(number: Decimal, scale: int) -> int:
    """The largest integer that is at most ``number * 10**scale``."""
    deep = max(scale, places(number))
    return scaled(number, deep) // _power(deep - scale)


def ceil_scaled(number: Decimal, scale: int) -> int:
    """The smallest integer that is at least ``number * 10**scale``."""
    deep = max(scale, places(number))
    return -(-scaled(number, deep) // _power(deep - scale))


def unscaled(number: int, scale: int) -> Decimal:
    """``number / 10**scale``, exact."""
    return Decimal(f"{number}E-{scale}")


def _power(exponent: int) -> int:
    return int(10**exponent)  # a type checker cannot know that the exponent is not negative


def _json_number(number: Decimal) -> int | str:
    text = plain_text(number)
    return text if "." in text else int(text)


def _date(value: Any) -> Any:
    if not isinstance(value, str):
        return value  # strict mode takes a date and nothing else
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
        raise ValueError("expected a date as YYYY-MM-DD")
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        raise ValueError("expected a date of the calendar as YYYY-MM-DD") from None


def _zone(name: str) -> str:
    try:
        if name == "localtime":  # whatever zone the machine is in: not a name of IANA's
            raise ValueError
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError("expected a time zone of the IANA database, such as Europe/Berlin") from None
    return name


def _form(text: str) -> str:
    fault = Form(text).faults()
    if fault is not None:
        raise ValueError(fault)
    return text


InputFormat = Annotated[str, AfterValidator(_form)]
"""How dates or times are written in a column of text; see `privacy_udfs.kernels.numbers.written_times`."""

Number = Annotated[Decimal, BeforeValidator(_number), PlainSerializer(_json_number, when_used="json")]
"""An exact decimal number: int, text or float in, kept without zeros at its end; in a record an int, or else text."""

IsoDate = Annotated[datetime.date, BeforeValidator(_date)]
"""A day of the proleptic Gregorian calendar, as a date or ISO 8601 text."""

ZoneName = Annotated[str, AfterValidator(_zone)]
"""A name of the IANA time zone database."""


@dataclasses.dataclass(frozen=True)
class Later:
    """Marks a parameter that a technique did not have when it was first released: `Technique.record` leaves it out
    while it has its default."""


def _as_utf8(value: str) -> str:
    if any(0xD800 <= ord(char) < 0xE000 for char in value):
        raise ValueError("a lone surrogate has no UTF-8")
    return value


Utf8 = Annotated[str, AfterValidator(_as_utf8)]
"""Text that can be written."""
