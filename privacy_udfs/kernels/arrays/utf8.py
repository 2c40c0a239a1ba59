"""Text as whole arrays: bytes of a batch, code points of a batch, and back to Arrow.

Malformed UTF-8 (Spark's `cast(binary as string)` lets it in) is found first, by `well_formed`; everything else here
takes well-formed text. Null slots read as empty text.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import ValueRefused

Array = npt.NDArray[Any]
Bytes = npt.NDArray[np.uint8]

MAX_TEXT_BYTES = (1 << 31) - 1  # what the 32-bit offsets of an Arrow string array can address


class Units(NamedTuple):
    """The texts of a batch end to end. ``units[offsets[i]:offsets[i + 1]]`` is value i; ``offsets[0]`` is 0.

    units: bytes (uint8) or code points (uint32). offsets: integers, one more than there are values.
    """

    units: Array
    offsets: Array


def well_formed(values: pa.StringArray) -> tuple[pa.StringArray, pa.BooleanArray | None]:
    """``values`` with malformed UTF-8 made null, and which those were (None: none, the usual case)."""
    if _is_ascii(values):
        return values, None
    try:
        values.validate(full=True)
        return values, None
    except pa.ArrowInvalid:
        malformed = pa.array([_is_malformed(value) for value in values.cast(pa.binary())], pa.bool_())
        return nulled(values, malformed), malformed


def _is_ascii(values: pa.StringArray) -> bool:
    """Whether all bytes are ASCII, those below nulls too, and no offset falls. It is told for a third of what Arrow's
    check of each text costs, to which all else is left."""
    if not len(values):
        return False
    _, offset_buffer, data_buffer = values.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(values) + 1, 4 * values.offset)
    data = np.frombuffer(data_buffer or b"", np.uint8)
    first, last = int(offsets[0]), int(offsets[-1])
    if not 0 <= first <= last <= len(data) or (offsets[1:] < offsets[:-1]).any():
        return False
    return bool(data[first:last].max(initial=0) < 0x80)


def nulled(values: pa.StringArray, where: pa.BooleanArray) -> pa.StringArray:
    """``values`` with null where ``where`` is true. (pyarrow 18's `if_else` gives garbage for slices of text.)"""
    return pc.replace_with_mask(values, where, pa.scalar(None, pa.string()))


def _is_malformed(value: pa.BinaryScalar) -> bool:
    try:
        (value.as_py() or b"").decode()
    except UnicodeDecodeError:
        return True
    return False


def to_bytes(values: pa.StringArray | pa.BinaryArray) -> Units:
    """The UTF-8 bytes of a batch: a view of the Arrow buffers, copied only where there are nulls."""
    if values.null_count:  # the bytes below a null are arbitrary
        values = pc.fill_null(values, b"" if pa.types.is_binary(values.type) else "")
    if not len(values):
        return Units(np.zeros(0, np.uint8), np.zeros(1, np.int32))
    _, offset_buffer, data_buffer = values.buffers()
    offsets = np.frombuffer(offset_buffer, np.int32, len(values) + 1, 4 * values.offset)
    data = np.frombuffer(data_buffer or b"", np.uint8)[offsets[0] : offsets[-1]]
    return Units(data, offsets - offsets[0])


def to_code_points(values: pa.StringArray, *, wide: bool = False) -> Units:
    """The code points of a batch: uint8 where all is ASCII (unless ``wide``), else uint32."""
    data, offsets = to_bytes(values)
    if not wide and (not len(data) or data.max() < 0x80):
        return Units(data, offsets)
    points = np.frombuffer(data.tobytes().decode().encode("utf-32-le"), np.uint32)
    continuations = running_total(((data & 0xC0) == 0x80).view(np.uint8))[offsets]
    return Units(points, offsets - continuations)


def from_code_points(text: Units, like: pa.Array) -> pa.StringArray:
    """A string array of the code points (uint8: ASCII, or uint32), null where ``like`` is."""
    points, offsets = text
    if points.dtype == np.uint8:
        return from_bytes(text, like)
    extra = sum(((points > limit).view(np.uint8) for limit in (0x7F, 0x7FF, 0xFFFF)), np.zeros(len(points), np.uint8))
    _check_size(len(points) + int(extra.sum(dtype=np.int64)))
    data = np.frombuffer(points.tobytes().decode("utf-32-le").encode(), np.uint8)
    return from_bytes(Units(data, offsets + running_total(extra)[offsets]), like)


def from_bytes(text: Units, like: pa.Array | None = None) -> pa.StringArray:
    """A string array of the (well-formed) UTF-8 bytes, null where ``like`` is."""
    data, offsets = text
    _check_size(len(data))
    buffers = [pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(np.ascontiguousarray(data))]
    return pa.Array.from_buffers(pa.string(), len(offsets) - 1, [None if like is None else validity(like), *buffers])


def _check_size(size: int) -> None:
    if size > MAX_TEXT_BYTES:
        raise ValueRefused("the text of this batch is over 2 GiB once treated; use smaller batches")


def from_cells(cells: Array, used: Array) -> pa.StringArray:
    """One text per row of the matrix ``cells`` (uint8): the bytes marked in ``used``, in order. No nulls."""
    offsets = np.zeros(len(cells) + 1, np.int64)
    np.cumsum(np.count_nonzero(used, axis=1), out=offsets[1:])
    return from_bytes(Units(cells[used], offsets))


def validity(values: pa.Array) -> pa.Buffer | None:
    """The validity bitmap of ``values`` from bit 0 on; None where there are no nulls."""
    if not values.null_count:
        return None
    return pa.py_buffer(np.packbits(values.is_valid().to_numpy(zero_copy_only=False), bitorder="little"))


def running_total(marks: Array) -> Array:
    """``total[i]`` is the sum of ``marks[:i]`` (uint8); one longer than ``marks``. Sums in a batch stay under 2**31."""
    total = np.zeros(len(marks) + 1, np.int32)
    np.cumsum(marks, dtype=np.int32, out=total[1:])
    return total
