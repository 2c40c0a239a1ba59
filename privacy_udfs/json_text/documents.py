"""A whole array of JSON texts: scanned, the values of each path treated as arrays, and put back where they stood.

It goes by portions of a bounded size, so that memory does; within one a path is a few calls of its technique.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from privacy_udfs.errors import ValueRefused
from privacy_udfs.json_text import literals, scanner
from privacy_udfs.json_text.branches import Branch
from privacy_udfs.json_text.literals import TYPES, Kind
from privacy_udfs.json_text.scanner import MOST_BYTES, MOST_STRETCHES, NOT_JSON, TOO_LONG, Found, Refused
from privacy_udfs.technique import Outcome, Technique, narrow, plain

PORTION = 1 << 25
"""Characters of texts that are on their way at once, but for the last."""
AT_ONCE = 16
"""Texts that become Python's at once."""

Apply = Callable[[int, pa.Array, pa.Array], pa.Array]
"""The values of a treatment by its number, and the number of each one's row -> what becomes of them."""
Place = tuple[int, int, str, str]
"""Of a value: its row, its piece, the character it begins with, and the value (`scanner.Found`)."""
Count = Callable[[int, Outcome], None]
"""Told of what was counted beside `Apply`, by the number of a treatment."""


class Treatment(Protocol):
    """What is done with the values of a path. label: names the path in errors."""

    @property
    def label(self) -> str: ...

    @property
    def technique(self) -> Technique: ...


@dataclasses.dataclass(frozen=True)
class Documents:
    """What is done with the texts of a column. label: names it in errors."""

    label: str
    root: Branch
    treatments: Sequence[Treatment]

    def treat(self, values: pa.Array, apply: Apply, count: Count) -> pa.StringArray:
        """Raises `ValueRefused`, with the rule and counts, where a text is not what it should be, and where a
        technique refuses a value."""
        values, refused = narrow(plain(values)), Counter[str]()
        self._check(Counter({TOO_LONG: _too_long(values)}), len(values))
        parts, portion = list[pa.StringArray](), _Portion()
        for row, text in enumerate(_texts(values, refused)):
            try:
                portion.add(row, text, [] if text is None else scanner.scan(text, self.root))
            except Refused as reason:
                refused[str(reason)] += 1
            if portion.is_full:
                parts += [] if refused else [self._treated(portion, apply, count)]
                portion = _Portion()
        self._check(refused, len(values))
        return pa.concat_arrays([*parts, self._treated(portion, apply, count)])

    def _treated(self, portion: _Portion, apply: Apply, count: Count) -> pa.StringArray:
        for number, treatment in enumerate(self.treatments):
            _Values(number, treatment, portion).treat(apply, count)
        return portion.joined()

    def _check(self, refused: Mapping[str, int], length: int) -> None:
        told = [f"{count}: {reason}" for reason, count in refused.items() if count]
        if told:
            total = sum(refused.values())
            raise ValueRefused(
                f"{self.label}: {total} of {length} JSON texts in this batch cannot be treated ({'; '.join(told)})"
            )


def _too_long(values: pa.Array) -> int:
    return pc.sum(pc.greater(pc.binary_length(values), MOST_BYTES)).as_py() or 0


def _texts(values: pa.Array, refused: Counter[str]) -> Iterator[str | None]:
    """The texts, a few at a time. For those that are not well-formed UTF-8 null, and they are counted."""
    for at in range(0, len(values), AT_ONCE):
        few = values.slice(at, AT_ONCE)
        try:
            yield from few.to_pylist()
        except UnicodeDecodeError:
            yield from (_decoded(raw, refused) for raw in few.cast(pa.binary()).to_pylist())


def _decoded(raw: bytes | None, refused: Counter[str]) -> str | None:
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError:
        refused[NOT_JSON] += 1
        return None


@dataclasses.dataclass
class _Portion:
    """Texts in pieces. ends: of each row, behind its last piece; None for null. places: of each treatment. size: of
    the texts, and of what is done in them."""

    pieces: list[str] = dataclasses.field(default_factory=list)
    ends: list[int | None] = dataclasses.field(default_factory=list)
    places: defaultdict[int, list[Place]] = dataclasses.field(default_factory=lambda: defaultdict(list))
    size: int = 0
    stretches: int = 0

    @property
    def is_full(self) -> bool:
        return self.size >= PORTION or self.stretches >= MOST_STRETCHES

    def add(self, row: int, text: str | None, found: Sequence[Found]) -> None:
        if text is None:
            self.ends.append(None)
            return
        pieces, at = self.pieces, 0
        for start, end, treatment, first, value in found:
            pieces.append(text[at:start])
            if treatment >= 0:
                self.places[treatment].append((row, len(pieces), first, value))
                pieces.append("")
            at = end
        pieces.append(text[at:])
        self.ends.append(len(pieces))
        self.size, self.stretches = self.size + len(text), self.stretches + len(found)

    def joined(self) -> pa.StringArray:
        pieces, at, found = self.pieces, 0, list[str | None]()
        for end in self.ends:
            found.append(None if end is None else "".join(pieces[at:end]))
            at = at if end is None else end
        return pa.array(found, pa.string())


@dataclasses.dataclass(frozen=True)
class _Values:
    """The values of one treatment in a portion."""

    number: int
    treatment: Treatment
    portion: _Portion

    def treat(self, apply: Apply, count: Count) -> None:
        places = self.portion.places[self.number]
        if self.treatment.technique.whole_subtree:
            self._constant(places, count)
        else:
            self._by_technique(places, apply, count)

    def _by_technique(self, places: Sequence[Place], apply: Apply, count: Count) -> None:
        kinds, nulls, unlike = self._by_kind(places)
        self._refuse(unlike, len(places), count)
        count(self.number, Outcome(None, 0, nulls, 0))
        for kind, found in kinds.items():
            rows, pieces, values = zip(*found, strict=True)
            result = apply(self.number, pa.array(values, TYPES[kind]), pa.array(rows, pa.int64()))
            for piece, literal in zip(pieces, literals.written(result), strict=True):
                self.portion.pieces[piece] = literal

    def _by_kind(self, places: Sequence[Place]) -> tuple[dict[Kind, list[tuple[int, int, Any]]], int, Counter[str]]:
        """Row, piece and value of each place by kind; how many are null; how many of no kind that is taken, by what
        they are. Null stands for the last two already."""
        taken, unlike, nulls = literals.kinds_of(self.treatment.technique), Counter[str](), 0
        kinds: dict[Kind, list[tuple[int, int, Any]]] = {}
        for row, piece, first, value in places:
            if first == "n":
                nulls += 1
            else:
                read = literals.read(first, value)
                if not isinstance(read, str) and read[0] in taken:
                    kinds.setdefault(read[0], []).append((row, piece, read[1]))
                    continue
                unlike[read if isinstance(read, str) else f"{read[0]}s"] += 1
            self.portion.pieces[piece] = "null"
        return kinds, nulls, unlike

    def _refuse(self, unlike: Counter[str], length: int, count: Count) -> None:
        technique, number = self.treatment.technique, unlike.total()
        if number and technique.on_refused == "stop":
            listed = ", ".join(f"{each} {kind}" for kind, each in unlike.items())
            raise ValueRefused(
                f"{self.treatment.label}: {technique.technique} cannot treat {number} of {length} values in this "
                f"batch, which are of kinds that it does not take in JSON: {listed}"
            )
        count(self.number, Outcome(None, 0, 0, number))

    def _constant(self, places: Sequence[Place], count: Count) -> None:
        """Whatever stands there is replaced by one constant, but for null."""
        constant = literals.constant(self.treatment.technique)
        nulls = 0
        for _, piece, first, _ in places:
            nulls += first == "n"
            self.portion.pieces[piece] = "null" if first == "n" else constant
        count(self.number, Outcome(None, len(places) - nulls, nulls, 0))
