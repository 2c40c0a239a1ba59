"""Canonical bytes: one spelling of a value, whatever type a column stores it in, so that keyed techniques join.

====================  ==========================================================================================
text                  UTF-8, after the domain's ``normalize`` steps; see `privacy_udfs.kernels.text.normalize`
integers              decimal text: ``42``, ``-7``
decimals              plain notation, no zeros at the end of the fraction: ``100``, ``1.5``, ``-0.5``, ``0``
booleans              ``true``, ``false``
dates                 ISO 8601 ``2024-02-29``; outside the years 0000 to 9999 expanded: ``+12024-02-29``
timestamps, zoned     the instant in UTC: ``2024-02-29T12:00:00Z``, ``...00.25Z``; the same in every session zone
timestamps, no zone   the same without ``Z``
times of day          ``12:00:00``, ``12:00:00.25``
binary                as it is
====================  ==========================================================================================

Fractions of a second have no zeros at their end, so that all units agree. All calendars are proleptic Gregorian. Floats
are refused: they have no one spelling. So are intervals and nested types.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import TypeRefused
from privacy_udfs.kernels.arrays import well_formed
from privacy_udfs.kernels.text.normalize import normalized

Spell = Callable[[pa.Array], pa.Array]
TAKES = "text, integers, decimals, booleans, dates, timestamps, times of day and binary"

_TICKS = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}
_SMALL_SCALE = 6  # up to here Arrow writes decimals in plain notation


def accepts(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type have canonical bytes."""
    return _spelling(kind) is not None


def canonical(values: pa.Array, normalize: tuple[str, ...] = ()) -> pa.BinaryArray:
    """The canonical bytes of each value; nulls stay null. Null too is text of which ``strip_prefix`` leaves nothing.

    ``normalize``: steps of `privacy_udfs.kernels.text.normalize`, applied to text in the order given, to nothing else.
    Raises `TypeRefused`, and `ValueRefused` where a step meets text that is not UTF-8; without steps bytes pass as they
    are.
    """
    spell = _spelling(values.type)
    if spell is None:
        raise TypeRefused(f"{values.type} has no canonical bytes; what has: {TAKES}")
    spelled = spell(values)
    if _is_text(values.type):
        spelled = normalized(spelled, normalize)
    return spelled.cast(pa.binary())


def spelled(values: pa.Array, normalize: tuple[str, ...]) -> tuple[pa.BinaryArray, pa.BooleanArray | None]:
    """The canonical bytes of a plain array, null of what is to be refused too; and what that is (None: nothing):
    malformed text, and a prefix with nothing after it."""
    sound = well_formed(values)[0] if pa.types.is_string(values.type) else values
    found = canonical(sound, normalize)
    return found, left_out(values, found)


def left_out(values: pa.Array, found: pa.Array) -> pa.BooleanArray | None:
    """Which values there are no canonical bytes of, if any."""
    return pc.and_(values.is_valid(), found.is_null()) if found.null_count > values.null_count else None


def _is_text(kind: pa.DataType) -> bool:
    return kind in (pa.string(), pa.large_string(), pa.string_view())


def _is_bytes(kind: pa.DataType) -> bool:
    return kind in (pa.binary(), pa.large_binary(), pa.binary_view()) or bool(pa.types.is_fixed_size_binary(kind))


def _spelling(kind: pa.DataType) -> Spell | None:
    """How to write values of a type, or None."""
    t = pa.types
    if _is_text(kind) or t.is_integer(kind) or t.is_boolean(kind):
        return lambda values: values.cast(pa.string())
    if _is_bytes(kind):
        return lambda values: values.cast(pa.binary())
    pairs = ((t.is_decimal, _decimals), (t.is_date, _dates), (t.is_timestamp, _timestamps), (t.is_time, _times))
    return next((spell for test, spell in pairs if test(kind)), None)


def _decimals(values: pa.Array) -> pa.Array:
    scale = values.type.scale
    if 0 < scale <= _SMALL_SCALE:
        return pc.ascii_rtrim(pc.ascii_rtrim(values.cast(pa.string()), "0"), ".")
    kind = pa.decimal256(76, 0) if pa.types.is_decimal256(values.type) else pa.decimal128(38, 0)
    if values.type.bit_width < 128:
        values = values.cast(pa.decimal128(38, scale))
    digits = values.view(kind).cast(pa.string())
    return digits if scale == 0 else _with_point(digits, scale)


def _with_point(digits: pa.Array, scale: int) -> pa.Array:
    """Integers as text, divided by 10**scale."""
    if scale < 0:
        return pc.if_else(pc.equal(digits, "0"), "0", pc.binary_join_element_wise(digits, "0" * -scale, ""))
    sign = pc.if_else(pc.starts_with(digits, "-"), "-", "")
    padded = pc.ascii_lpad(pc.ascii_ltrim(digits, "-"), scale + 1, "0")
    whole, fraction = pc.utf8_slice_codeunits(padded, 0, -scale), pc.utf8_slice_codeunits(padded, -scale)
    return pc.ascii_rtrim(pc.binary_join_element_wise(sign, whole, ".", pc.ascii_rtrim(fraction, "0"), ""), ".")


def _dates(values: pa.Array) -> pa.Array:
    if pa.types.is_date64(values.type):
        return _days(pc.fill_null(values.view(pa.int64()), 0).to_numpy() // 86_400_000, values)
    return _days(pc.fill_null(values.view(pa.int32()), 0).to_numpy(), values)


def _days(days: npt.NDArray[Any], like: pa.Array) -> pa.Array:
    """ISO 8601 dates of days since 1970-01-01; null where ``like`` is."""
    far = (days < -719_528) | (days > 2_932_896)
    null = like.is_null().to_numpy(zero_copy_only=False)
    near = pa.array(np.where(far, 0, days).astype(np.int32), mask=null).view(pa.date32()).cast(pa.string())
    if not far.any():
        return near
    return pc.replace_with_mask(near, pa.array(far), pa.array([_expanded(day) for day in days[far]], pa.string()))


def _expanded(day: np.int64) -> str:
    date = np.datetime64(int(day), "D")
    year = int(date.astype("M8[Y]").astype(int)) + 1970
    return f"{year:+05d}{str(date)[-6:]}"


def _timestamps(values: pa.Array) -> pa.Array:
    ticks = pc.fill_null(values.view(pa.int64()), 0).to_numpy()
    days, rest = np.divmod(ticks, 86_400 * _TICKS[values.type.unit])
    zulu = "Z" if values.type.tz else ""
    return pc.binary_join_element_wise(_days(days, values), "T", _clock(rest, values.type.unit), zulu, "")


def _times(values: pa.Array) -> pa.Array:
    ticks = values.view(pa.int32() if values.type.bit_width == 32 else pa.int64())
    text = _clock(pc.fill_null(ticks, 0).to_numpy(), values.type.unit)
    return pc.if_else(values.is_valid(), text, pa.scalar(None, pa.string()))


def _clock(ticks: npt.NDArray[Any], unit: str) -> pa.Array:
    """``HH:MM:SS`` and what there is of a fraction, of ticks since midnight."""
    per_second = _TICKS[unit]
    if not (ticks % per_second).any():
        return pa.array((ticks // per_second).astype(np.int32)).view(pa.time32("s")).cast(pa.string())
    kind = pa.time32(unit) if unit == "ms" else pa.time64(unit)
    width = pa.int32() if unit == "ms" else pa.int64()
    text = pa.array(ticks).cast(width).view(kind).cast(pa.string())
    return pc.ascii_rtrim(pc.ascii_rtrim(text, "0"), ".")
