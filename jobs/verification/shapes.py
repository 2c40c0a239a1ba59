"""Whether every value of a table has the shape that its treatment gives. Distributed; only counts come back."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, When
from jobs.console.numbers import many
from jobs.console.shown import shown
from jobs.detection import leaves
from jobs.verification import boxes
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing
from privacy_udfs import result_shapes
from privacy_udfs.errors import LakenymError
from privacy_udfs.technique import Technique, narrow, plain
from privacy_udfs.techniques import parse

Treatments = Mapping[str, Sequence[tuple[Technique, int | None]]]
"""Leaf column -> the treatments of its cases, each with the version of its key."""
DDL = "path string, looked bigint, wrong bigint"


def check(table: Standing) -> Check:
    """Of a column that is treated by cases every value has to have the shape of one of them."""
    treatments, unknown = _treatments(table)
    rows = table.rows.where("false") if not treatments else table.rows
    found = _counted(rows, treatments)
    faults = [
        f"{shown(path)}: {wrong} of {looked} values have not the shape that {_named(treatments[path])} gives"
        for path, (looked, wrong) in sorted(found.items())
        if wrong
    ]
    untold = sorted({*treatments} - {*found}) + unknown
    said = many(len(found), "column") + (f" by shape; of {len(untold)} none can be told" if untold else "")
    return judged("shapes", faults, said)


def _named(treatments: Sequence[tuple[Technique, int | None]]) -> str:
    return " or ".join(dict.fromkeys(technique.technique for technique, _ in treatments))


def _treatments(table: Standing) -> tuple[dict[str, list[tuple[Technique, int | None]]], list[str]]:
    """And the columns of which that is not known: parts of JSON text, lists that the record has by their hash, and what
    boxes are told by ladders."""
    found: dict[str, list[tuple[Technique, int | None]]] = {}
    unknown: list[str] = []
    rules = {} if table.entry is None else table.entry.columns
    by_ladder = boxes.by_ladder(table)
    for name, recorded in table.columns.items():
        path = ColumnPath.parse(name)
        leaf = str(ColumnPath(tuple(step for step in path.steps if not isinstance(step, When))))
        try:
            stated = {**recorded.parameters, "technique": recorded.technique}
            technique = rules[name].treatment.technique if name in rules else parse(stated)
        except LakenymError:
            unknown.append(leaf)
            continue
        if path.is_in_json or leaf in by_ladder:
            unknown.append(leaf)
        elif not technique.drops_column:
            found.setdefault(leaf, []).append((technique, recorded.key_id))
    return {leaf: each for leaf, each in found.items() if leaf not in unknown}, sorted(set(unknown))


def _counted(rows: DataFrame, treatments: Treatments) -> dict[str, tuple[int, int]]:
    """Leaf column -> how many values were looked at, and how many of them are of another shape."""
    schema = rows.schema
    names = tuple(name for name in schema.names if not _is_opaque(schema[name].dataType))
    numbered = rows.toDF(*(f"c{at}" for at in range(len(rows.columns))))
    chosen = numbered.select(*(f"c{at}" for at, name in enumerate(rows.columns) if name in names))
    look = functools.partial(_look, names=names, treatments=treatments)
    total: Counter[tuple[str, str]] = Counter()
    for row in chosen.mapInArrow(look, DDL).collect() if names else ():
        total[row["path"], "looked"] += row["looked"]
        total[row["path"], "wrong"] += row["wrong"]
    paths = {path for path, _ in total}
    return {path: (total[path, "looked"], total[path, "wrong"]) for path in paths}


def _is_opaque(kind: T.DataType) -> bool:
    return isinstance(kind, T.VariantType)


def _look(
    batches: Iterator[pa.RecordBatch], names: tuple[str, ...], treatments: Treatments
) -> Iterator[pa.RecordBatch]:
    found: dict[str, list[int]] = {}
    for batch in batches:
        for path, values in leaves_of(batch, names, treatments):
            wrong = _wrong(narrow(plain(values)), treatments[path])
            if wrong is not None:
                counts = found.setdefault(path, [0, 0])
                counts[0] += len(values) - values.null_count
                counts[1] += wrong
    columns = [list(found), *([counts[at] for counts in found.values()] for at in (0, 1))]
    types = (pa.string(), pa.int64(), pa.int64())
    arrays = [pa.array(each, kind) for each, kind in zip(columns, types, strict=True)]
    yield pa.RecordBatch.from_arrays(arrays, ["path", "looked", "wrong"])


def leaves_of(batch: pa.RecordBatch, names: Sequence[str], treatments: Treatments) -> Iterator[tuple[str, pa.Array]]:
    """The leaves of a batch that are treated; of a column that is treated as one whole, the column."""
    parsed = {path: ColumnPath.parse(path) for path in treatments}
    wholes = {each.root: path for path, each in parsed.items() if len(each.steps) == 1}
    for name, array in zip(names, batch.columns, strict=True):
        if name in wholes:
            yield wholes[name], array
            continue
        one = pa.RecordBatch.from_arrays([array], ["c"])
        yield from ((str(path), values) for path, values in leaves.of_batch(one, [name]) if str(path) in treatments)


def _wrong(values: pa.Array, treatments: Sequence[tuple[Technique, int | None]]) -> int | None:
    """How many values have the shape of none; None where one of them can have any."""
    wrong: pa.BooleanArray | None = None
    for technique, key_id in treatments:
        found = result_shapes.misshapen(technique, values, key_id)
        if found is None:
            return None
        wrong = found if wrong is None else pc.and_(wrong, found)
    return None if wrong is None else int(pc.sum(wrong).as_py() or 0)
