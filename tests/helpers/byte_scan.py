"""Look for any of many texts in many bytes, all at once with numpy."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

WINDOW = 6
"""Shorter needles are not searched for: they would be found in anything."""

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
        found |= {int(value).to_bytes(8, "little", signed=True) for value in known.to_pylist()}
    return found
