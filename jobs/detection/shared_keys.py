"""Which columns hold the keys of other columns, of the same table or another: by their values, not their names.

A column is one's foreign key if nearly all of its values are among those of a column that tells rows apart. It is
looked for by hashes (`jobs.detection.sketch`): some of each column, and all of a key that the sample holds. Where a
table is larger than its sample, its keys are read again for these hashes alone (`beyond_the_sample`). A key that
counts up holds every small number: there the name of the column has to agree as well, be it in another language. Where
it does not, and the column may still be such a key, that is a question for a person and no link.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
from pyspark.sql import DataFrame

from jobs.configuration.column_path import ColumnPath
from jobs.detection import distinct, evidence, hints, kinds, leaves, sampled, sketch, things
from jobs.detection.scan import Found
from jobs.detection.sketch import Hashes, Sketch

LEAST_DIFFERENT, LEAST_SHARE = 10, 0.95
MOST_COLUMNS = 4_000
"""Columns whose hashes go to executors; more are not looked for."""
MOST_ROWS = 5_000_000
"""Of a table's keys that are read beyond its sample."""
DENSE = 0.5
HALF = 0.5
"""Of the values of a key that counts up, which a column has that is none by accident, or may be."""
NO_KEYS = frozenset(
    {"moment", "birth_date", "age", "coordinates", "latitude", "longitude", "postal_code", "city", "street",
     "person_name", "gender", "quasi", "sensitive", "constant", "free_text_person"}
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Looked:
    """A table that was looked at. rows: all of it, to be read again; None where the sample holds all, or nobody may."""

    table: str
    columns: Sequence[Found]
    rows: Callable[[], DataFrame] | None = None


MOST_HELD = 1 << 28
"""Bytes of hashes on the driver: of some hundred tables."""


def held(table: Looked) -> int:
    """Bytes of its hashes."""
    return sum(each.evidence.sketch.values.nbytes + each.evidence.sketch.after.nbytes for each in table.columns)


def without(table: Looked) -> Looked:
    """The table, its columns not to be compared with any other."""
    bare = [
        dataclasses.replace(each, evidence=dataclasses.replace(each.evidence, sketch=Sketch()))
        for each in table.columns
    ]
    return Looked(table.table, bare)


@dataclasses.dataclass(frozen=True, order=True)
class Column:
    """A leaf column of a table."""

    table: str
    path: str

    def __str__(self) -> str:
        return f"{self.table}.{self.path}"


@dataclasses.dataclass(frozen=True)
class Link:
    """The values of a column are keys of another. share: of them. back: the share of the keys that the column has.
    is_sure: not a question: no key that counts up holds them by accident."""

    column: Column
    key: Column
    share: float
    back: float = 0.0
    is_sure: bool = True


def links(tables: Sequence[Looked], salt: bytes) -> list[Link]:
    """All of them, and those that are questions. salt: the secret under which the tables were looked at."""
    places = [(Column(each.table, str(found.path)), found) for each in tables for found in each.columns]
    asked = [(column, found) for column, found in places if found.evidence.distinct >= LEAST_DIFFERENT][:MOST_COLUMNS]
    asked = [(column, found) for column, found in asked if len(found.evidence.sketch.values)]
    found_links: list[Link] = []
    for table in tables:
        keys = [found for found in table.columns if _is_key(found, table.table)]
        others = [(column, found) for column, found in asked if any(_differ(column, table, key) for key in keys)]
        if keys and others:
            known = _known(table, keys, others, salt)
            for key in keys:
                found_links += _of_key(Column(table.table, str(key.path)), key, others, known[str(key.path)])
    return found_links


def _differ(column: Column, table: Looked, key: Found) -> bool:
    return column != Column(table.table, str(key.path))


def _is_key(found: Found, table: str) -> bool:
    seen = found.evidence
    if seen.values < LEAST_DIFFERENT or seen.distinct_share < sketch.OFTEN or not len(seen.sketch.values):
        return False
    return kinds.decide(seen, hints.of(found.path, table)).name not in NO_KEYS


def _known(
    table: Looked, keys: Sequence[Found], others: Sequence[tuple[Column, Found]], salt: bytes
) -> dict[str, Hashes]:
    """By key the hashes that it has."""
    known = {str(key.path): key.evidence.sketch.values for key in keys}
    if table.rows is None:
        return known
    looked_for = np.unique(np.concatenate([half for _, found in others for half in _some(found)]))
    for path, found in beyond_the_sample(table.rows(), list(known), looked_for, salt).items():
        known[path] = np.union1d(known[path], found)
    return known


def _some(found: Found) -> tuple[Hashes, Hashes]:
    drawn = found.evidence.sketch
    return drawn.values[: sketch.FEW], drawn.after[: sketch.FEW]


def _of_key(key: Column, seen: Found, others: Sequence[tuple[Column, Found]], known: Hashes) -> Iterator[Link]:
    highest = known[-1] if len(known) == sketch.MOST else np.uint64(2**64 - 1)  # of more keys the least are known
    for column, found in others:
        values, after = (half[half <= highest] for half in _some(found))
        share = float(np.isin(values, known).mean()) if len(values) >= LEAST_DIFFERENT else 0.0
        if column == key or share < LEAST_SHARE:
            continue
        counts_up = len(after) > 0 and float(np.isin(after, known).mean()) >= DENSE
        back = _back(seen.evidence.sketch.values, found.evidence.sketch.values)
        if not counts_up or _is_called_after(column, key):
            yield Link(column, key, share, back)
        elif _may_be(column, found, key, back):
            yield Link(column, key, share, back, is_sure=False)


def _back(keys: Hashes, values: Hashes) -> float:
    """The share of a key's values that a column has: of the least hashes, where no more of the column's are known."""
    if len(values) >= sketch.FEW:
        keys = keys[keys <= values[-1]]
    return float(np.isin(keys, values).mean()) if len(keys) else 0.0


def _is_called_after(column: Column, key: Column) -> bool:
    """Whether a name speaks of the other: ``customer`` and ``customers.id``, ``customer_no`` and ``customer_id``,
    ``Kunden-Nr`` and ``customers.id``."""
    said = things.words_of(column.path) - things.GENERAL
    of_key = (things.singulars(hints.own_name(key.table)) | things.words_of(key.path)) - things.GENERAL
    return bool(said & of_key or things.concepts(said) & things.concepts(of_key))


def _may_be(column: Column, found: Found, key: Column, back: float) -> bool:
    """Whether a column could be a key that counts up, although no name says so: it has most of its values, or is called
    a key of who knows what. Not what numbers its own table's rows, nor what is called after another thing."""
    hinted = hints.of(found.path, column.table)
    own = things.words_of(column.path) - things.GENERAL
    if kinds.decide(found.evidence, hinted).name in NO_KEYS:
        return False
    if found.evidence.distinct_share >= sketch.OFTEN and (not own or back < HALF):
        return False
    spoken, keyed = things.concepts(own), things.concepts(things.of_key(key.path, key.table))
    if spoken and keyed:  # as they are not the same
        return False
    return back >= HALF or not own or "person_key" in hinted or "person_word" in hinted


def beyond_the_sample(rows: DataFrame, keys: Sequence[str], looked_for: Hashes, salt: bytes) -> dict[str, Hashes]:
    """By key which of the hashes are among its values, in up to `MOST_ROWS` rows."""
    tops = {ColumnPath.parse(key).steps[0].name for key in keys}  # type: ignore[union-attr]
    names = [field.name for field in rows.schema.fields if field.name in tops]
    numbered = rows.toDF(*(f"c{at}" for at in range(len(rows.columns))))
    chosen = numbered.select(*(f"c{at}" for at, field in enumerate(rows.schema.fields) if field.name in tops))
    look = functools.partial(_look, names=tuple(names), keys=frozenset(keys), looked_for=looked_for, salt=salt)
    found: dict[str, Hashes] = {}
    for row in sampled.first(chosen, MOST_ROWS).mapInArrow(look, "key string, found binary").collect():
        there = np.unpackbits(np.frombuffer(row["found"], np.uint8))[: len(looked_for)].astype(np.bool_)
        found[row["key"]] = np.union1d(found.get(row["key"], sketch.NONE), looked_for[there])
    return found


def _look(
    batches: Iterator[pa.RecordBatch], names: tuple[str, ...], keys: frozenset[str], looked_for: Hashes, salt: bytes
) -> Iterator[pa.RecordBatch]:
    there = {key: np.zeros(len(looked_for), np.bool_) for key in keys}
    for batch in batches:
        for path, values in leaves.of_batch(batch, names):
            texts = evidence.texts_of(values) if str(path) in keys else None
            if texts is not None and len(texts):
                hashes = distinct.hashes(sketch.joined_by(texts), salt)
                there[str(path)] |= np.isin(looked_for, hashes)
    packed = [np.packbits(mask).tobytes() for mask in there.values()]
    yield pa.record_batch({"key": pa.array(list(there), pa.string()), "found": pa.array(packed, pa.binary())})
