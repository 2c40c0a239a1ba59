"""Look for any of many thousand texts in gigabytes: in files as they are, and in what Parquet files hold."""

from __future__ import annotations

import base64
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

WINDOW = 8
BITS = 22
SPREAD = np.uint64(0x9E3779B97F4A7C15)
PIECE = 1 << 26
Octets = npt.NDArray[np.uint8]


def forms(text: bytes) -> set[bytes]:
    """A text as it is, in UTF-16, in base64 and in hex."""
    moved = (base64.b64encode(b"\0" * at + text)[(0, 2, 3)[at] :].rstrip(b"=")[:-1] for at in range(3))
    return {text, text.decode().encode("utf-16-le"), text.hex().encode(), text.hex().upper().encode(), *moved}


class Many:
    """Texts of `WINDOW` bytes and more, told by their last `WINDOW` bytes: these differ where texts begin alike."""

    def __init__(self, needles: Iterable[bytes]) -> None:
        self._by_tail: dict[int, list[bytes]] = {}
        for needle in set(needles):
            assert len(needle) >= WINDOW, "a shorter one would be found in anything"
            self._by_tail.setdefault(int.from_bytes(needle[-WINDOW:], "little"), []).append(needle)
        self._longest = max((len(each) for some in self._by_tail.values() for each in some), default=WINDOW)
        self._tails = np.array(sorted(self._by_tail), np.uint64)
        self._table = np.zeros(1 << BITS, bool)
        self._table[self._places(self._tails)] = True

    def found(self, data: bytes | Octets) -> set[bytes]:
        """Those that occur in it."""
        octets = np.frombuffer(data, np.uint8) if isinstance(data, bytes) else data
        found: set[bytes] = set()
        for start in range(0, max(len(octets), 1), PIECE):
            found |= self._in_piece(octets[max(start - self._longest, 0) : start + PIECE])
        return found

    def _in_piece(self, octets: Octets) -> set[bytes]:
        found: set[bytes] = set()
        for at in range(WINDOW):
            count = (len(octets) - at) // WINDOW
            words = octets[at : at + max(count, 0) * WINDOW].view("<u8")
            near = np.flatnonzero(self._table[self._places(words)])
            for hit in near[np.isin(words[near], self._tails)]:
                end = at + (int(hit) + 1) * WINDOW
                for needle in self._by_tail[int(words[hit])]:
                    if octets[max(end - len(needle), 0) : end].tobytes() == needle:
                        found.add(needle)
        return found

    @staticmethod
    def _places(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        return np.asarray((words * SPREAD) >> np.uint64(64 - BITS))


def contents(folder: Path) -> Iterator[tuple[Path, Octets]]:
    """Every file below a folder as it is; and what each Parquet file holds, without compression and encoding: its
    values one behind the other, and the least and greatest ones of its footer."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield path, np.frombuffer(path.read_bytes(), np.uint8)
        if path.suffix == ".parquet":
            file = pq.ParquetFile(path)
            for group in range(file.num_row_groups):
                for column in file.read_row_group(group).columns:
                    for chunk in column.chunks:
                        yield from ((path, each) for each in _values(chunk))


def _values(values: pa.Array) -> Iterator[Octets]:
    """Each buffer of values, however deep within others; of a dictionary its own."""
    if isinstance(values, pa.DictionaryArray):
        values = values.dictionary
    if isinstance(values, pa.MapArray):
        yield from (*_values(values.keys), *_values(values.items))
    elif isinstance(values, pa.StructArray):
        for child in values.flatten():
            yield from _values(child)
    elif isinstance(values, pa.ListArray | pa.LargeListArray):
        yield from _values(values.values)
    else:
        held = values.buffers()[-1]
        if held is not None:
            yield np.frombuffer(held, np.uint8)


def traces(folder: Path, many: Many) -> dict[str, int]:
    """The files below a folder that hold one of them, and how many of them."""
    found: dict[str, set[bytes]] = {}
    for path, octets in contents(folder):
        held = many.found(octets)
        if held:
            found.setdefault(str(path.relative_to(folder)), set()).update(held)
    return {name: len(held) for name, held in found.items()}
