"""What is looked for: of each value of a direct identifier its digests under the run's key, and never itself."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from jobs.configuration.column_path import ColumnPath
from jobs.detection import leaves
from jobs.verification import encoded, json_values, rolling, spellings
from jobs.verification.json_values import Decided
from jobs.verification.octets import Bools, Places
from jobs.verification.rolling import Rolling, Words

LONGEST = 1024
"""Bytes of a value by which it is looked for; of longer ones the first."""
SHORTEST = 5
"""Bytes from which on a value is looked for within texts."""
SIZES = (16, 8, SHORTEST)
"""Bytes of a value's start by which it is noticed, the largest that fits."""
OF_VALUE = len(spellings.ALGORITHMS) * 2
DDL = (
    "column int, length int, letters int, numeric boolean, head bigint, full bigint, strong bigint, exact bigint, "
    "hashes array<bigint>"
)
_NO_LETTER = "^[^a-z\\x{80}-\\x{10FFFF}]*$"
AT_ONCE = 1 << 14
MOST_SEEN, MOST_SEEN_BYTES = 1 << 18, 1 << 24
"""Values of a column, and their bytes, that a task remembers so as not to digest them again."""


def number_of(path: ColumnPath, wanted: Mapping[str, int]) -> int | None:
    """The number of a leaf column, or of the whole that it is a part of; None where it is not looked for."""
    parts = (str(ColumnPath(path.steps[:depth])) for depth in range(len(path.steps), 0, -1))
    return next((wanted[part] for part in parts if part in wanted), None)


def has_digests(kind: pa.DataType) -> bool:
    """Whether values of a type are looked for: texts and exact numbers."""
    return bool(pa.types.is_string(kind) or pa.types.is_integer(kind) or pa.types.is_decimal(kind))


def digests(
    batches: Iterator[pa.RecordBatch],
    key: bytes,
    names: Sequence[str],
    wanted: Mapping[str, int],
    in_json: Mapping[str, Decided] = {},
) -> Iterator[pa.RecordBatch]:
    """In a task: of each batch of the source the digests of its different values. names: of the columns. wanted: leaf
    column -> its number. in_json: leaf column of JSON text -> the places in it."""
    seen: dict[int, pa.StringArray] = {}
    for batch in batches:
        for path, values in leaves.of_batch(batch, names):
            for number, each in _values(path, values, wanted, in_json):
                texts = _new(each, seen, number)
                for start in range(0, len(texts), AT_ONCE):
                    yield _digested(texts.slice(start, AT_ONCE), number, rolling.of(key))


def _values(
    path: ColumnPath, values: pa.Array, wanted: Mapping[str, int], in_json: Mapping[str, Decided]
) -> Iterator[tuple[int, pa.StringArray]]:
    """The different values of a leaf column by what they are looked for as."""
    if not has_digests(values.type):
        return
    texts, number = pc.unique(spelt(values).drop_null()), number_of(path, wanted)
    if str(path) in in_json:
        yield from json_values.of_texts(texts, in_json[str(path)])
    elif number is not None:
        yield number, texts


def _new(texts: pa.StringArray, seen: dict[int, pa.StringArray], number: int) -> pa.StringArray:
    """The texts that a task has not seen, as far as it remembers them: digests cost more than a look."""
    before = seen.get(number)
    if before is None or len(before) > MOST_SEEN or before.nbytes > MOST_SEEN_BYTES:
        seen[number] = texts
        return texts
    new = texts.filter(pc.invert(pc.is_in(texts, before)))
    seen[number] = pa.concat_arrays([before, new])
    return new


def spelt(values: pa.Array) -> pa.StringArray:
    """Texts as they are; numbers in plain notation, without zeros after the last digit behind the point."""
    if pa.types.is_string(values.type):
        return values
    texts = values.cast(pa.string())
    return pc.replace_substring_regex(texts, r"\.0+$|(\.[0-9]*[1-9])0+$", r"\1") if _has_point(values.type) else texts


def _has_point(kind: pa.DataType) -> bool:
    return bool(pa.types.is_decimal(kind) and kind.scale > 0)


def _digested(texts: pa.StringArray, number: int, hashing: Rolling) -> pa.RecordBatch:
    trimmed = pc.utf8_trim_whitespace(texts)
    forms = [each.encode()[:LONGEST] for each in spellings.one_form(trimmed).to_pylist()]
    whole, raw = pa.array(forms, pa.binary()), trimmed.to_pylist()
    lengths = np.array([len(each) for each in forms], np.int64)
    hashes = [start for text in texts.to_pylist() for start in spellings.hashes_of(text)]
    form = pa.array([each.decode("utf-8", "ignore") for each in forms])
    strong, octets = [hashing.strong(each) for each in forms], [each.encode()[:LONGEST] for each in raw]
    exact = [
        same if each == one else hashing.strong(each) for each, one, same in zip(octets, forms, strong, strict=True)
    ]
    columns = {
        "column": pa.array(np.full(len(texts), number, np.int32)),
        "length": pa.array(lengths, pa.int32()),
        "letters": pc.count_substring_regex(form, "[a-z0-9]").cast(pa.int32()),
        "numeric": pc.match_substring_regex(form, _NO_LETTER),
        "head": _longs(_starts(forms, lengths, hashing)),
        "full": _longs(_of_all(whole, lengths, hashing)),
        "strong": _longs(np.array(strong, np.uint64)),
        "exact": _longs(np.array(exact, np.uint64)),
        "hashes": _lists(hashes, hashing),
    }
    return pa.RecordBatch.from_pydict(columns).filter(pc.greater(columns["length"], 0))


def _longs(words: Words) -> pa.Array:
    return pa.array(words.view(np.int64))


def _starts(forms: list[bytes], lengths: Places, hashing: Rolling) -> Words:
    found = np.zeros(len(forms), np.uint64)
    for size in SIZES:
        rows = np.flatnonzero(size_of(lengths) == size)
        if len(rows):
            starts = np.frombuffer(b"".join(forms[row][:size] for row in rows), np.uint8)
            found[rows] = hashing.rows(starts.reshape(-1, size))
    return found


def size_of(lengths: Places) -> Places:
    """How many bytes of a value's start are noticed; 0 of one that is too short to be looked for within texts."""
    return np.select([lengths >= size for size in SIZES], SIZES, 0)


def _of_all(forms: pa.BinaryArray, lengths: Places, hashing: Rolling) -> Words:
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]]).astype(np.int64)
    found = np.zeros(len(forms), np.uint64)
    octets = np.frombuffer(b"".join(forms.to_pylist()), np.uint8)
    for first in range(0, len(forms), rolling.MOST_BYTES // LONGEST):
        part = slice(first, first + rolling.MOST_BYTES // LONGEST)
        begin, sizes = starts[part][0], lengths[part]
        sums = hashing.sums(octets[begin : begin + sizes.sum()])
        found[part] = hashing.windows(sums, starts[part] - begin, sizes)
    return found


def _lists(hashes: list[bytes], hashing: Rolling) -> pa.ListArray:
    """Of each value the digests of its hashes, of their first 8 bytes."""
    matrix = np.frombuffer(b"".join(each[: encoded.COMPARED] for each in hashes), np.uint8)
    flat = hashing.rows(matrix.reshape(-1, encoded.COMPARED))
    offsets = np.arange(0, len(flat) + 1, OF_VALUE, dtype=np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), _longs(flat))


# -- as they are looked up --------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Heads:
    """Values that begin alike. starts: different hashes of their first ``size`` bytes, sorted. lengths: those of each,
    from ``first`` to the next one's first."""

    size: int
    starts: Words
    first: Places
    lengths: Places
    noticed: Bools
    shift: np.uint64


class Needles:
    """The digests of many values, sorted to be looked up."""

    def __init__(self, table: pa.Table) -> None:
        order = pc.sort_indices(table, [("full", "ascending"), ("column", "ascending")])
        table = table.take(order).combine_chunks()
        self.column, self.length, self.letters, self.numeric = (
            table[name].to_numpy() for name in ("column", "length", "letters", "numeric")
        )
        head, self.full, self.strong, self.exact = (
            table[name].to_numpy().view(np.uint64) for name in ("head", "full", "strong", "exact")
        )
        by_word = np.argsort(self.full, kind="stable")  # as signed numbers they were sorted otherwise
        for name in ("column", "length", "letters", "numeric", "full", "strong", "exact"):
            setattr(self, name, getattr(self, name)[by_word])
        self.length = self.length.astype(np.int64)
        lists = pc.list_flatten(table["hashes"]).to_numpy().view(np.uint64).reshape(-1, OF_VALUE)[by_word]
        self.hashes = _Lookup(lists)
        self.heads = _heads(head[by_word], self.length)

    def __len__(self) -> int:
        return len(self.full)

    def at(self, full: Words) -> Places:
        """The value of each hash, -1 where there is none."""
        return _found(self.full, full)

    def of_column(self, value: Places, columns: Sequence[int]) -> Places:
        """The same values as those of one of these columns, of which that has them too: `at` tells the first."""
        many = np.searchsorted(self.full, self.full[value], "right") - value if len(value) else value
        found: Places = value.copy()
        for step in range(1, int(many.max(initial=1))):
            other = np.where(step < many, value + step, value)
            found = np.where(np.isin(self.column[other], columns) & ~np.isin(self.column[found], columns), other, found)
        return found


class _Lookup:
    def __init__(self, matrix: Words) -> None:
        flat = matrix.reshape(-1)
        order = np.argsort(flat, kind="stable")
        self.words, self.value = flat[order], (order // OF_VALUE).astype(np.int32)

    def at(self, words: Words) -> Places:
        """The value of each hash of a hash, -1 where there is none."""
        place = _found(self.words, words)
        return np.where(place < 0, -1, self.value[place]) if len(self.value) else place


def _found(known: Words, asked: Words) -> Places:
    if not len(known):
        return np.full(len(asked), -1, np.int64)
    place = np.minimum(np.searchsorted(known, asked), len(known) - 1)
    return np.where(known[place] == asked, place, -1).astype(np.int64)


def _heads(head: Words, length: Places) -> tuple[Heads, ...]:
    sizes = size_of(length)
    return tuple(_heads_of(size, head[sizes == size], length[sizes == size]) for size in SIZES if (sizes == size).any())


def _heads_of(size: int, head: Words, length: Places) -> Heads:
    pairs = np.unique(np.stack([head, length.astype(np.uint64)], axis=1), axis=0)
    starts, first = np.unique(pairs[:, 0], return_index=True)
    bits = int(np.clip(np.ceil(np.log2(len(starts) * 16)), 16, 27))
    shift = np.uint64(64 - bits)
    noticed = np.zeros(1 << bits, np.bool_)
    noticed[starts >> shift] = True
    return Heads(size, starts, np.append(first, len(pairs)), pairs[:, 1].astype(np.int64), noticed, shift)


@functools.lru_cache(maxsize=1)
def loaded(content: bytes) -> Needles:
    """The digests that a run sends to its tasks."""
    with pa.ipc.open_stream(content) as stream:
        return Needles(stream.read_all())


def packed(table: pa.Table) -> bytes:
    """As `loaded` takes them."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    content: Any = sink.getvalue().to_pybytes()
    return bytes(content)
