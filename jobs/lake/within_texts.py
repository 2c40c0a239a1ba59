"""Values at places within JSON texts: whether one is among those that are looked for, and texts without such values.

They are found by the scanner by which a run treats them. Where one stands in an element of an array of the text, the
innermost element goes; where it stands in none, what goes is as with any column: the element of the column that holds
the text, the row, or, where the row is somebody else's, the value, which becomes ``null``.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql import types as T
from pyspark.sql.pandas.functions import arrow_udf

from jobs.configuration.column_path import ColumnPath, Element, Field, MapValue, Step
from jobs.lake import within_rows
from jobs.lake.columns import dotted
from jobs.lake.within_rows import Hit
from privacy_udfs import wording
from privacy_udfs.json_text import scanner, taken_out
from privacy_udfs.json_text.branches import OTHER, JsonPath
from privacy_udfs.json_text.scanner import Refused
from privacy_udfs.technique import narrow, plain

WAS, NOW, PARTS, OWN, UNREAD, STUCK = "was", "now", "parts", "own", "unread", "stuck"
FOUND = T.StructType(
    [
        T.StructField(WAS, T.StringType()),
        T.StructField(NOW, T.StringType()),
        T.StructField(PARTS, T.IntegerType()),
        T.StructField(OWN, T.BooleanType()),
        T.StructField(UNREAD, T.IntegerType()),
        T.StructField(STUCK, T.BooleanType()),
    ]
)
"""A text that has one: what it is and will be, null where the element of the column goes that holds it; how many parts
of it go; whether the row is theirs; 1 where nobody can tell, or take out, all that is in it, as of one who stands in a
value of another shape than paths ask for; and whether it names one at a path who cannot be taken out."""
KINDS = (pa.string(), pa.string(), pa.int32(), pa.bool_(), pa.int32(), pa.bool_())


@dataclasses.dataclass(frozen=True, eq=False)
class Inner:
    """A place in the texts of a column. is_of_others: another column says whose a row is."""

    path: JsonPath
    hit: Hit = dataclasses.field(repr=False)
    is_of_others: bool


def found(column: ColumnPath, inner: Sequence[Inner]) -> Callable[[Column], Column]:
    """A function of arrays of texts (`within_rows.values_at`): a `FOUND` of each text that has one."""
    look, label, mark = _Look(inner, within_rows.has_list(column)), str(column), wording.mark()

    def those_of_the_asked(lists: pa.Array) -> pa.Array:
        lists = within_rows.whole(lists)
        flat, parents = pc.list_flatten(lists), np.asarray(pc.list_parent_indices(lists))
        with within_rows.told_of(label, mark):
            at, rows = look(spelled(flat))
        numbers = np.bincount(parents[np.array(at, np.int64)], minlength=len(lists))
        offsets = np.concatenate([[0], np.cumsum(numbers)]).astype(np.int32)
        arrays = [pa.array([row[at] for row in rows], kind) for at, kind in enumerate(KINDS)]
        return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), pa.StructArray.from_arrays(arrays, FOUND.names))

    return arrow_udf(those_of_the_asked, returnType=T.ArrayType(FOUND))  # type: ignore[call-overload, no-any-return]


def spelled(values: pa.Array) -> list[str | None]:
    """The texts; what is not UTF-8 as something that is no JSON either."""
    values = narrow(plain(values))
    try:
        return values.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        return [_decoded(raw) for raw in values.cast(pa.binary()).to_pylist()]


def _decoded(raw: bytes | None) -> str | None:
    try:
        return None if raw is None else raw.decode()
    except UnicodeDecodeError:
        return "\0"


BLANK = " \t\n\r"
Row = tuple[str, str | None, int, bool, int, bool]


@dataclasses.dataclass(frozen=True, eq=False)
class _Values:
    """At one path. spots: of each value its text, and where it starts in that; -1 where no run would treat the text."""

    spots: list[tuple[int, int]] = dataclasses.field(default_factory=list)
    values: list[str] = dataclasses.field(default_factory=list)

    def add(self, text: int, start: int, value: str | None) -> bool:
        """Whether nobody can tell whom a value names."""
        if value is None:
            return True
        self.spots.append((text, start))
        self.values.append(value)
        return False

    def add_all(self, text: int, values: Sequence[str]) -> None:
        """Of which nothing is cut out."""
        self.spots.extend([(text, -1)] * len(values))
        self.values.extend(values)

    def those(self, hits: Iterable[Hit]) -> list[tuple[int, int]]:
        values = pa.array(self.values, pa.string())
        masks = [np.asarray(hit(values), bool) for hit in hits] if len(values) else []
        return [self.spots[at] for at in np.flatnonzero(np.logical_or.reduce(masks))] if masks else []


@dataclasses.dataclass(frozen=True, eq=False)
class _Look:
    """inner: of one column. in_list: whether it lies in an array or a map."""

    inner: Sequence[Inner]
    in_list: bool

    def __call__(self, texts: Sequence[str | None]) -> tuple[list[int], list[Row]]:
        paths = list(dict.fromkeys(each.path for each in self.inner))
        unread, there, beside = Counter[int](), [_Values() for _ in paths], _Values()
        root = taken_out.looking_tree(paths)
        for at, text in enumerate(texts):
            if text is None or not text.strip(BLANK):
                continue
            try:
                for start, _, number, first, value in scanner.scan(text, root):
                    if number == OTHER:
                        beside.add_all(at, taken_out.all_of(first, value))
                    elif first != "n":
                        unread[at] += there[number].add(at, start, taken_out.as_text(first, value))
            except Refused:
                unread[at] += self._otherwise(at, text, paths, there, beside)
        for at, _ in beside.those(each.hit for each in self.inner):
            unread[at] += 1  # who stands in a value of another shape is cut out by nobody
        gone: dict[int, list[tuple[JsonPath, int]]] = {at: [] for at in unread if unread[at]}
        for path, values in zip(paths, there, strict=True):
            for at, start in values.those(each.hit for each in self.inner if each.path == path):
                gone.setdefault(at, []).append((path, start))
        return sorted(gone), [self._row(str(texts[at]), gone[at], bool(unread[at])) for at in sorted(gone)]

    def _otherwise(
        self, at: int, text: str, paths: Sequence[JsonPath], there: Sequence[_Values], beside: _Values
    ) -> bool:
        """Whether nobody can tell what is in a text that no run would treat; what is there, if one can. beside: what
        stands in values of another shape."""
        try:
            beside.add_all(at, taken_out.elsewhere(text, taken_out.looking_tree(paths)))
            each = [[values.add(at, -1, value) for value in taken_out.values_of(text, path)]
                    for path, values in zip(paths, there, strict=True)]  # fmt: skip
        except Refused:
            return True
        return any(map(any, each))

    def _row(self, text: str, gone: Sequence[tuple[JsonPath, int]], is_unread: bool) -> Row:
        others = {each.path for each in self.inner if each.is_of_others}
        whole = {path for path, _ in gone if None not in path and (self.in_list or path not in others)}
        if whole and not self.in_list:
            return text, text, 0, True, 0, False
        if whole:
            return text, None, len(gone), False, 0, False
        if any(start < 0 for _, start in gone):
            return text, text, 0, False, 1, True
        try:
            return text, taken_out.without(text, gone), len(gone), False, int(is_unread), False
        except Refused:
            return text, text, 0, False, 1, True


# -- on arrays --------------------------------------------------------------------------------------------------------


def values(texts: pa.Array, path: JsonPath) -> pa.StringArray:
    """All values at a path of texts; of those that are no JSON none."""
    return pa.array([value for text in spelled(texts) for value in of_text(text, path)], pa.string())


def elsewhere(texts: pa.Array, path: JsonPath) -> pa.StringArray:
    """All that stands in values of another shape than a path asks for; of texts that are no JSON nothing."""
    found, root = list[str](), taken_out.looking_tree([path])
    for text in spelled(texts):
        with contextlib.suppress(Refused):
            found += [] if text is None else taken_out.elsewhere(text, root)
    return pa.array(found, pa.string())


def has_unread(texts: pa.Array, paths: Iterable[JsonPath]) -> bool:
    paths = list(paths)
    return any(is_unread(text, paths) for text in spelled(texts))


def of_text(text: str | None, path: JsonPath) -> list[str]:
    """The values at a path of one text, as they are compared (`taken_out.as_text`); none of one that is no JSON."""
    with contextlib.suppress(Refused):
        return [] if text is None else [each for each in taken_out.values_of(text, path) if each is not None]
    return []


def is_unread(text: str | None, paths: Iterable[JsonPath]) -> bool:
    """Whether it is no JSON, and not blank either, or nobody can tell whom a value at a path names."""
    if text is None or not text.strip(BLANK):
        return False
    try:
        return any(None in taken_out.values_of(text, path) for path in paths)
    except Refused:
        return True


# -- in rows ----------------------------------------------------------------------------------------------------------


def cleaned(at: Column, steps: Sequence[Step], gone: Column) -> Column:
    """A column without what its texts hold of them. steps: from it down to the texts. gone: of `found`."""
    if within_rows.has_list(ColumnPath(tuple(steps))):
        whole = F.transform(F.filter(gone, lambda each: each[NOW].isNull()), lambda each: each[WAS])
        at = within_rows.cleaned(at, steps, whole)
    changed = F.filter(gone, lambda each: each[PARTS] > 0)
    was, now = F.transform(changed, lambda each: each[WAS]), F.transform(changed, lambda each: each[NOW])
    return F.when(F.size(changed) > 0, _replaced(at, steps, was, now)).otherwise(at)


def _replaced(at: Column, steps: Sequence[Step], was: Column, now: Column) -> Column:
    """Each text by what stands in its place. Looked up without a lambda within the one around it: Spark 4.2 leaves a
    Python UDF of a column unevaluated (INTERNAL_ERROR) where an inner lambda names the part of the outer one."""
    if not steps:
        return F.coalesce(F.get(now, (F.array_position(was, at) - 1).cast("int")), at)
    step, rest = steps[0], steps[1:]
    if isinstance(step, Field):
        inner = _replaced(at.getField(step.name), rest, was, now)
        return F.when(at.isNotNull(), at.withField(dotted(step.name), inner))
    if isinstance(step, Element):
        return F.transform(at, lambda part: _replaced(part, rest, was, now))
    assert isinstance(step, MapValue), "a catalog entry has no path into JSON text of keys"
    return F.transform_values(at, lambda key, value: _replaced(value, rest, was, now))


def may_be_own(column: ColumnPath, inner: Sequence[Inner]) -> bool:
    """Whether rows can be theirs by such a text."""
    whole = any(None not in each.path and not each.is_of_others for each in inner)
    return whole and not within_rows.has_list(column)


def is_own(gone: Column) -> Column:
    """Whether the row is theirs by one of its texts."""
    return F.exists(gone, lambda each: each[OWN])


def is_stuck(gone: Column) -> Column:
    """Whether one of its texts names somebody who cannot be taken out of it."""
    return F.exists(gone, lambda each: each[STUCK])


def total(gone: Column, what: str) -> Column:
    """Of all texts of a row. what: `PARTS` or `UNREAD`."""
    return F.aggregate(gone, F.lit(0), lambda before, each: before + each[what])
