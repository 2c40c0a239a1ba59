"""Rows that stand in quarantine, opened: as they were read from the source once.

Which of them a run takes out is for it to say, and its commit does: a run that ends before they are taken out leaves
rows that count no more, and the next run sees by the target's history which these are, and takes them out first.
"""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence

import pyarrow as pa
from pyspark.sql import DataFrame, Row
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_type, to_arrow_type

from jobs.columnar import arrow_types
from jobs.columnar.unfit import NotColumnar
from jobs.console.exit_codes import Refused
from jobs.gates.known import Prepared
from jobs.lake import quarantine_table
from jobs.lake.bare_types import bare
from jobs.lake.columns import column
from jobs.lake.quarantine_table import Ranges
from jobs.table_run.aside import Aside
from jobs.table_run.selection import Selection
from privacy_udfs import sealed_rows, wording
from privacy_udfs.errors import LakenymError, SourceRefused, TokenRefused, UnexpectedFailure
from privacy_udfs.keys import KeyReference

RUN, NUMBER = "lakenym run", "lakenym number"
OTHERWISE = "a row in quarantine is not of the columns that are treated now: treat all rows anew, with --mode full"

Numbered = tuple[str, int]
"""What tells a row from all others in quarantine: its run, and its number among those of the run."""


@dataclasses.dataclass(frozen=True)
class Opening:
    """What opens the rows of a table. keys: by the id of their version. needed: columns without which a row cannot be
    treated. mark: of the run (`privacy_udfs.wording`)."""

    table: str
    keys: Mapping[int, KeyReference]
    schema: T.StructType
    needed: frozenset[str]
    mark: str


def opened(prepared: Prepared, selection: Selection, aside: Aside) -> DataFrame:
    """The rows of earlier runs that count, with the columns of the source, and of each its `RUN` and `NUMBER`. Raises
    `Refused` where they cannot be opened."""
    stand = _sealed(prepared, aside)
    keys = {int(row[1]): _reference(prepared, row) for row in stand.select("key", "key_id").distinct().collect()}
    schema = bare(selection.plan.schema)
    assert isinstance(schema, T.StructType), "the schema of a table is a struct"
    opening = Opening(prepared.table, keys, schema, frozenset(selection.read()), wording.mark())
    more = [T.StructField(RUN, T.StringType()), T.StructField(NUMBER, T.LongType())]
    sealed = stand.select("run_id", "key_id", "number", "sealed")
    return sealed.mapInArrow(functools.partial(_open, opening=opening), T.StructType([*schema.fields, *more]))


def numbered(rows: DataFrame) -> list[Numbered]:
    """Of rows that were opened each row's run and number."""
    return [(row[0], row[1]) for row in rows.select(column(RUN), column(NUMBER)).collect()]


def replace(prepared: Prepared, selection: Selection, aside: Aside) -> None:
    """Have a run of some partitions take out the rows of these. Raises as `opened` and `take_out`."""
    chosen = prepared.source.chosen
    if chosen is not None and aside.before.runs:
        rows = opened(prepared, selection, aside)
        take_out(aside, numbered(rows), numbered(chosen.among(rows)))


def take_out(aside: Aside, there: Sequence[Numbered], taken: Collection[Numbered]) -> None:
    """Have a run's commit say that it takes rows out of quarantine. there: all that were opened. Raises `Refused` where
    these are more than were left there: then nobody knows which of them count."""
    _check_known(aside.table, collections.Counter(run_id for run_id, _ in there), aside.before.runs)
    gone = frozenset(taken)
    aside.taken_out = _stretches(there, gone)
    aside.left = collections.Counter(row[0] for row in there if row not in gone)


def _check_known(table: str, there: Mapping[str, int], known: Mapping[str, int]) -> None:
    """Fewer rows than were left there, someone deleted; more would be put to the target a second time."""
    if any(rows > known[run_id] for run_id, rows in there.items()):
        raise Refused(
            f"{table}: more rows stand in quarantine than runs left there, so it was restored or written by others: "
            "treat all rows anew, with --mode full"
        )


def _stretches(there: Sequence[Numbered], taken: Collection[Numbered]) -> Ranges:
    """Of each run the stretches of its rows that are taken: between two of one stretch there is no row that is not."""
    found: dict[str, list[tuple[int, int]]] = {}
    ordered = sorted((*row, row in taken) for row in there)
    for (run_id, is_taken), rows in itertools.groupby(ordered, key=lambda row: (row[0], row[2])):
        if is_taken:
            numbers = [number for _, number, _ in rows]
            found.setdefault(run_id, []).append((numbers[0], numbers[-1]))
    return found


# -- what opens them --------------------------------------------------------------------------------------------------


def _sealed(prepared: Prepared, aside: Aside) -> DataFrame:
    """The rows as they stand there, at one version of the quarantine."""
    assert aside.place is not None, "what waits stands somewhere"
    address = aside.place.address
    pinned = {"versionAsOf": str(address.version(aside.own))}
    return quarantine_table.rows(prepared.spark, address, prepared.table, aside.before.runs, pinned)


def _reference(prepared: Prepared, row: Row) -> KeyReference:
    stated = prepared.entry.quarantine
    assert stated is not None, "what waits stands somewhere"
    if row["key"] != stated.key:
        raise Refused(
            f"{prepared.table}: rows in quarantine are encrypted under key {row['key']}, and the entry names "
            f"{stated.key}: name that one, or treat all rows anew with --mode full"
        )
    technique = sealed_rows.technique(prepared.table, "")
    return prepared.keys.reference_of(stated.key, technique, sealed_rows.DOMAIN, int(row["key_id"]))


def _open(batches: Iterator[pa.RecordBatch], opening: Opening) -> Iterator[pa.RecordBatch]:
    """Of each batch of sealed rows the rows, as Spark has them in the source. Runs on executors."""
    with wording.marked_errors(opening.mark):
        for batch in batches:
            for run_id, key_id in dict.fromkeys(zip(*(batch.column(at).to_pylist() for at in (0, 1)), strict=True)):
                yield _told_by_kind(opening, batch, run_id, key_id)


def _told_by_kind(opening: Opening, batch: pa.RecordBatch, run_id: str, key_id: int) -> pa.RecordBatch:
    """As `_opened_of`; errors that nobody foresaw are told by their kind, since those of libraries quote values."""
    try:
        return _opened_of(opening, batch, run_id, key_id)
    except LakenymError:
        raise
    except Exception as error:
        raise UnexpectedFailure(f"opening rows in quarantine failed with {type(error).__name__}") from None


def _opened_of(opening: Opening, batch: pa.RecordBatch, run_id: str, key_id: int) -> pa.RecordBatch:
    """Of the rows in a batch those of one run under one version of the key."""
    named = zip(*(batch.column(at).to_pylist() for at in (0, 1)), strict=True)
    some = batch.filter(pa.array([each == (run_id, key_id) for each in named]))
    key = opening.keys[key_id].resolve()
    try:
        rows = sealed_rows.opened(some.column(3), opening.table, run_id, key)
    except TokenRefused:
        raise SourceRefused("a row in quarantine is not as it was put there, or was put there for others") from None
    columns = [_column(opening, rows, field) for field in opening.schema.fields]
    schema = pa.schema([pa.field(field.name, _arrow(field)) for field in opening.schema.fields])
    made = pa.RecordBatch.from_arrays(columns, schema=schema)
    return made.append_column(RUN, some.column(0)).append_column(NUMBER, some.column(2))


def _column(opening: Opening, rows: Sequence[pa.RecordBatch], field: T.StructField) -> pa.Array:
    wanted = _arrow(field)
    return pa.concat_arrays([_value(opening, row, field, wanted) for row in rows])


def _value(opening: Opening, row: pa.RecordBatch, field: T.StructField, wanted: pa.DataType) -> pa.Array:
    if field.name not in row.schema.names:
        if field.name in opening.needed:
            raise SourceRefused(OTHERWISE)
        return pa.nulls(1, wanted)
    value = row.column(row.schema.names.index(field.name))
    if from_arrow_type(value.type).simpleString() != from_arrow_type(wanted).simpleString():
        raise SourceRefused(OTHERWISE)
    try:
        return arrow_types.placed(value, wanted)
    except NotColumnar:
        raise SourceRefused(OTHERWISE) from None


def _arrow(field: T.StructField) -> pa.DataType:
    return to_arrow_type(field.dataType, timezone="UTC")
