"""The rows of one person in one table: counted, then read, cut to what is about the person, and spelled as lines of
JSON."""

from __future__ import annotations

import base64
import dataclasses
import datetime
import json
import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake.bare_types import leaves
from jobs.subject_access import own
from jobs.subjects import leaf_values
from jobs.subjects.held import Held, HeldTable, Place
from jobs.subjects.search import Search
from privacy_udfs.errors import UnexpectedFailure

PACKED = "packed"


@dataclasses.dataclass
class Exported:
    """number: of rows. pseudonyms: by path, as they were found. withheld: paths that are not shown, or not in all rows,
    since they are about others. Both are known once all `lines` were asked for."""

    conf: Config
    search: Search
    table: HeldTable
    number: int
    pseudonyms: dict[str, set[str]] = dataclasses.field(default_factory=dict, repr=False)
    withheld: set[str] = dataclasses.field(default_factory=set)

    def lines(self) -> Iterator[str]:
        """A row each. They are read again, a batch at a time: the driver holds no more of them."""
        read = 0
        for batch in _batches(self.search.rows(self.table)):
            read += batch.num_rows
            yield from self._of(pa.Table.from_batches([batch]))
        if read != self.number:
            raise UnexpectedFailure(f"{self.table.treated.name}: it was read twice, with other numbers of rows")

    def _of(self, found: pa.Table) -> Iterator[str]:
        table, conf = self.table, self.conf
        hits = {place: _hits(self.search, place, table.treated.schema, found) for place in table.places}
        theirs = [(place.path.leaf, values) for place, values in hits.items()]
        subject, gaps = conf.tables[table.treated.name].subject, unsearched(self.search.held, table)
        cut = own.rows(theirs, subject, _harmless(table), _identifiers(table), gaps)
        for row in found.to_pylist():
            kept, back = cut.of(row)
            self.withheld |= back
            yield json.dumps(_plain(kept), ensure_ascii=False, allow_nan=False)
        for path, values in theirs:
            self.pseudonyms.setdefault(str(path), set()).update(str(_plain(value)) for value in values)


def of(conf: Config, search: Search, table: HeldTable, left: int, most: int) -> Exported:
    """left: of the ``most`` rows that may be given out, those that no other table had. Raises `Refused` where there are
    more; how many is not told."""
    _check_types(table)
    number = search.rows(table).limit(left + 1).count()
    if number > left:
        raise too_many(most)
    return Exported(conf, search, table, number)


def _batches(rows: DataFrame) -> Iterator[pa.RecordBatch]:
    """Rows as Arrow has them, a task's at a time."""
    names = rows.columns
    plain = rows.toDF(*(f"c{at}" for at in range(len(names))))  # Spark parses names that it hands to functions
    for row in plain.mapInArrow(_packed, f"{PACKED} binary").toLocalIterator():
        with pa.ipc.open_stream(bytes(row[PACKED])) as told:
            yield from (batch.rename_columns(names) for batch in told)


def _packed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        sink = pa.BufferOutputStream()
        with pa.ipc.new_stream(sink, batch.schema) as writer:
            writer.write_batch(batch)
        yield pa.RecordBatch.from_pydict({PACKED: pa.array([sink.getvalue().to_pybytes()], pa.binary())})


def _check_types(table: HeldTable) -> None:
    odd = [str(path) for path, kind in leaves(table.treated.schema) if isinstance(kind, T.VariantType)]
    if odd:
        raise Refused(f"{table.treated.name}: {', '.join(odd)}: columns of type variant cannot be given out yet")


def too_many(most: int) -> Refused:
    return Refused(f"there are more rows than the {most} that are allowed: nothing was given out")


def unsearched(held: Held, table: HeldTable) -> list[ColumnPath]:
    """The columns of a table in which values of the domain stand, or may, and nobody knows whose: also those that its
    record does not have, which somebody added and no approver could judge."""
    gaps = [ColumnPath.parse(gap.path).leaf for gap in held.gaps if gap.table == table.treated.name and gap.path]
    recorded = {ColumnPath.parse(path).leaf.column for path in table.treated.records}
    return [*gaps, *(path for path, _ in leaves(table.treated.schema) if path not in recorded)]


def _harmless(table: HeldTable) -> set[str]:
    return {path for path, each in table.treated.records.items() if each.class_ == "non_personal"}


def _identifiers(table: HeldTable) -> list[ColumnPath]:
    return [
        ColumnPath.parse(path).leaf
        for path, each in table.treated.records.items()
        if each.class_ == "direct_identifier" or any(part.key is not None for part in each.each)
    ]


def _hits(search: Search, place: Place, schema: T.StructType, found: pa.Table) -> set[Any]:
    """The values at a place that are the person's, as they stand there."""
    values = {value for row in leaf_values.each_of(place, found) for value in row}
    if not values:
        return set()
    kinds = {type(value) for value in values}
    stored = list(values)
    assert len(kinds) == 1, "the values of a column have one type"
    compared = search.comparable(place)(pa.array(stored))
    return {value for value, is_theirs in zip(stored, search.lookups[place].holds(compared), strict=True) if is_theirs}


def _plain(value: Any) -> Any:
    """As JSON has it: times in ISO 8601, decimals as text with all their digits, bytes as base64, no NaN."""
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    if isinstance(value, tuple):  # nothing but an entry of a map
        return {name: _plain(each) for name, each in zip(("key", "value"), value, strict=True)}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, (bytes, bytearray)):
        return base64.b64encode(value).decode()
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    if isinstance(value, Decimal):
        return str(value)
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
