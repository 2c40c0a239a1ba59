"""Which types of files are, to the value, the types that Spark's schema says; and arrays brought into those types.

Whatever is not in `_FITS` is none of our business: the run takes Spark's path. So nothing here guesses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import types as T
from pyspark.sql.pandas.types import to_arrow_type

from jobs.columnar.unfit import NotColumnar

KNOWN = (T.StringType, T.BinaryType, T.BooleanType, T.ByteType, T.ShortType, T.IntegerType, T.LongType, T.FloatType,
         T.DoubleType, T.DecimalType, T.DateType, T.TimestampType, T.TimestampNTZType)  # fmt: skip
UTC = pa.timestamp("us", "UTC")
LARGEST = (1 << 31) - 1
"""Offsets of an array of Spark's types are 32 bits."""


def of_spark(given: T.DataType, name: str) -> pa.DataType:
    """Spark's type as its Arrow functions see it. Raises `NotColumnar` for one that is not among `KNOWN`."""
    if isinstance(given, T.StructType):
        if not given.fields:
            raise NotColumnar(f"column {name} is a struct without fields")
        return pa.struct([pa.field(field.name, of_spark(field.dataType, name)) for field in given.fields])
    if isinstance(given, T.ArrayType):
        return pa.list_(pa.field("element", of_spark(given.elementType, name)))
    if isinstance(given, T.MapType):
        return pa.map_(of_spark(given.keyType, name), of_spark(given.valueType, name))
    if not isinstance(given, KNOWN) or (isinstance(given, T.StringType) and given != T.StringType()):
        raise NotColumnar(f"column {name} is of type {given.simpleString()}, which only Spark reads and writes here")
    return to_arrow_type(given, timezone="UTC")


def check(name: str, found: pa.DataType, wanted: pa.DataType) -> None:
    """Raise `NotColumnar` unless each value of the type found in a file is one of the type wanted, and the same one."""
    if pa.types.is_dictionary(found):
        found = found.value_type
    if pa.types.is_struct(wanted) and pa.types.is_struct(found):
        _check_struct(name, found, wanted)
    elif pa.types.is_map(wanted) and pa.types.is_map(found):
        check(name, found.key_type, wanted.key_type)
        check(name, found.item_type, wanted.item_type)
    elif pa.types.is_list(wanted) and (pa.types.is_list(found) or pa.types.is_large_list(found)):
        check(name, found.value_type, wanted.value_type)
    elif pa.types.is_nested(wanted) or not any(fits(found, wanted) for fits in _FITS):
        raise other(name, found)


def other(name: str, found: pa.DataType) -> NotColumnar:
    """That a column of a file is of a type that need not be what Spark reads of it."""
    return NotColumnar(f"a file has column {name} as {_told(found)}, which is not just what Spark would read of it")


def _told(given: pa.DataType) -> str:
    """A type without the names in it."""
    return str(given).partition("<")[0].partition("[")[0]


def _check_struct(name: str, found: pa.DataType, wanted: pa.DataType) -> None:
    known = names(name, [field.name for field in found], [field.name for field in wanted])
    if not known:
        raise NotColumnar(f"a file has column {name} with none of the fields that are read")
    for field in wanted:
        if field.name in known:
            check(name, found.field(field.name).type, field.type)


def names(where: str, found: Sequence[str], wanted: Iterable[str]) -> set[str]:
    """Which of the names wanted a file has; where names differ in case only, or are there twice, Spark has rules of its
    own."""
    lower = [name.lower() for name in found]
    if len(set(lower)) < len(lower):
        raise NotColumnar(f"a file has names in {where} that are equal but for their case")
    known = set(found)
    missing = [name for name in wanted if name not in known]
    if any(name.lower() in lower for name in missing):
        raise NotColumnar(f"a file has a name in {where} in another case")
    return {name for name in wanted if name in known}


def _same(found: pa.DataType, wanted: pa.DataType) -> bool:
    return bool(found == wanted)


def _text_or_bytes(found: pa.DataType, wanted: pa.DataType) -> bool:
    text = pa.types.is_large_string(found) and pa.types.is_string(wanted)
    return bool(text or (pa.types.is_large_binary(found) and pa.types.is_binary(wanted)))


def _wider_integer(found: pa.DataType, wanted: pa.DataType) -> bool:
    if not (pa.types.is_integer(found) and pa.types.is_signed_integer(wanted)):
        return False
    return bool(found.bit_width + pa.types.is_unsigned_integer(found) <= wanted.bit_width)


def _wider_float(found: pa.DataType, wanted: pa.DataType) -> bool:
    return bool(pa.types.is_float32(found) and pa.types.is_float64(wanted))


def _wider_decimal(found: pa.DataType, wanted: pa.DataType) -> bool:
    if not (pa.types.is_decimal(found) and pa.types.is_decimal128(wanted)):
        return False
    return bool(found.scale == wanted.scale and found.precision <= wanted.precision)


def _date(found: pa.DataType, wanted: pa.DataType) -> bool:
    return bool(pa.types.is_date(found) and pa.types.is_date32(wanted))


def _timestamp(found: pa.DataType, wanted: pa.DataType) -> bool:
    if not (pa.types.is_timestamp(found) and pa.types.is_timestamp(wanted)):
        return False
    return found.unit in ("s", "ms", "us") and (found.tz is None) == (wanted.tz is None)


_FITS: tuple[Callable[[pa.DataType, pa.DataType], bool], ...] = (
    _same,
    _text_or_bytes,
    _wider_integer,
    _wider_float,
    _wider_decimal,
    _date,
    _timestamp,
)


def conformed(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """An array of a type that `check` took, as the type wanted: fields of structs by name, missing ones null."""
    if array.type == wanted:
        return array
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if pa.types.is_struct(wanted):
        found = dict(zip((field.name for field in array.type), array.flatten(), strict=True))
        children = [
            conformed(found[field.name], field.type) if field.name in found else pa.nulls(len(array), field.type)
            for field in wanted
        ]
        return pa.StructArray.from_arrays(children, fields=list(wanted), mask=_mask(array))
    return _shaped(array, wanted, conformed)


def placed(array: pa.Array, wanted: pa.DataType) -> pa.Array:
    """An array as the type wanted: fields of structs by their place, whatever they are called."""
    if array.type == wanted:
        return array
    if pa.types.is_struct(wanted):
        children = [placed(child, field.type) for child, field in zip(array.flatten(), wanted, strict=True)]
        return pa.StructArray.from_arrays(children, fields=list(wanted), mask=_mask(array))
    return _shaped(array, wanted, placed)


def _shaped(array: pa.Array, wanted: pa.DataType, of_child: Callable[[pa.Array, pa.DataType], pa.Array]) -> pa.Array:
    if pa.types.is_map(wanted):
        entries = array.cast(pa.list_(pa.struct([array.type.key_field, array.type.item_field])))
        keys, items = entries.flatten().flatten()
        offsets, mask = _offsets(entries), _mask(array)
        keys, items = of_child(keys, wanted.key_type), of_child(items, wanted.item_type)
        return pa.MapArray.from_arrays(offsets, keys, items, type=wanted, mask=mask)
    if pa.types.is_list(wanted):
        elements = of_child(array.flatten(), wanted.value_type)
        return pa.ListArray.from_arrays(_offsets(array), elements, type=wanted, mask=_mask(array))
    if (pa.types.is_string(wanted) or pa.types.is_binary(wanted)) and array.nbytes > LARGEST:
        raise NotColumnar("a column has more than 2 GiB of text in a few rows")
    if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):  # bytes that are no UTF-8 stay
        return array.cast(pa.large_binary()).cast(pa.binary()).view(wanted)
    try:
        if pa.types.is_timestamp(wanted) and array.type.tz is None and wanted.tz is not None:
            return array.cast(pa.timestamp(wanted.unit)).view(wanted)  # INT96, which Arrow reads without a zone
        return array.cast(wanted)
    except pa.ArrowInvalid:  # its text quotes the value
        raise NotColumnar("a value does not fit into the type that Spark reads it as") from None


def _mask(array: pa.Array) -> pa.Array | None:
    return pc.is_null(array) if array.null_count else None


def _offsets(lists: pa.Array) -> pa.Array:
    """From 0, of what `flatten` gives, which leaves out whatever lies under nulls."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    return pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
