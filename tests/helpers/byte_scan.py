"""Look for any of many texts in many bytes, all at once with numpy."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

WINDOW = 6
"""Shorter needles are not searched for: they would be found in anything."""

PACKED = 8
"""Bytes of a number as it stands in a file."""

Words = npt.NDArray[np.uint64]


def found(needles: Iterable[bytes], haystack: bytes) -> set[bytes]:
    """The needles of at least `WINDOW` bytes that occur in the haystack."""
    by_head: dict[int, list[bytes]] = {}
    for needle in set(needles):
        if len(needle) >= WINDOW:
            by_head.setdefault(int(_windows(needle[:WINDOW])[0]), []).append(needle)
    windows = _windows(haystack)
    heads = np.array(sorted(by_head), np.uint64)
    hits = np.flatnonzero(np.isin(windows, heads))
    return {needle for at in hits for needle in by_head[int(windows[at])] if haystack.startswith(needle, int(at))}


def _windows(data: bytes) -> Words:
    """Every `WINDOW` bytes of the data as a number."""
    octets = np.frombuffer(data, np.uint8).astype(np.uint64)
    count = max(len(octets) - WINDOW + 1, 0)
    total = np.zeros(count, np.uint64)
    for at in range(WINDOW):
        total = (total << np.uint64(8)) | octets[at : at + count]
    return total


def contents(folder: Path) -> Iterable[tuple[str, bytes]]:
    """Every file below a folder as it is, and each Parquet file's pages once more without compression and encoding."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield path.name, path.read_bytes()
        if path.suffix == ".parquet":
            plain = io.BytesIO()
            rows = pq.read_table(path, partitioning=None)
            pq.write_table(rows, plain, compression="none", use_dictionary=False, write_statistics=False)
            yield f"{path.name} (pages)", plain.getvalue()


def is_said(needle: bytes, content: bytes) -> bool:
    """Whether a file in which a needle occurs says it. Of a packed number in a Parquet file that is to be seen: it is a
    value of eight bytes, or a bound of a column. Two numbers of four bytes, side by side, may look like one."""
    if len(needle) != PACKED or _is_text(needle) or not content.startswith(b"PAR1"):
        return True
    file = pq.ParquetFile(pa.BufferReader(content))
    number = int.from_bytes(needle, "little", signed=True)
    if any(pc.any(pc.equal(leaf, number)).as_py() for leaf in _numbers(file.read())):
        return True
    footer = file.metadata
    groups = (footer.row_group(at) for at in range(footer.num_row_groups))
    chunks = (group.column(at) for group in groups for at in range(group.num_columns))
    bounds = (bound for chunk in chunks if (told := chunk.statistics) for bound in (told.min_raw, told.max_raw))
    return any(bound in (number, needle) for bound in bounds)


def _is_text(needle: bytes) -> bool:
    try:
        return needle.decode().isprintable()
    except UnicodeDecodeError:
        return False


def _numbers(rows: pa.Table) -> Iterator[pa.Array]:
    """All that takes eight bytes a value, as whole numbers, however deep within others."""
    left = [column.combine_chunks() for column in rows.columns]
    while left:
        values = left.pop()
        if pa.types.is_struct(values.type):
            left += values.flatten()
        elif pa.types.is_map(values.type):
            left += [values.keys, values.items]
        elif pa.types.is_list(values.type):
            left.append(values.flatten())
        elif pa.types.is_primitive(values.type) and values.type.bit_width == 8 * PACKED:
            yield values.view(pa.int64())


def texts(values: pa.Array | pa.ChunkedArray) -> set[bytes]:
    """All strings and numbers in a column, nested ones too, as they would stand in a file: as text, and packed."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if pa.types.is_struct(values.type):
        return set().union(*(texts(child) for child in values.flatten()))
    if pa.types.is_list(values.type):
        return texts(values.flatten())
    known = values.drop_null().unique()
    found = {text.encode() for text in known.cast(pa.string()).to_pylist()}
    if pa.types.is_string(known.type):
        return found | {text.strip().lower() for text in found if b"@" in text}
    if pa.types.is_int64(known.type):
        found |= {int(value).to_bytes(PACKED, "little", signed=True) for value in known.to_pylist()}
    return found
