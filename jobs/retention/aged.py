"""The tables whose retention is carried out, each as it stands: by which day rows are past their time, and how many."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Sequence

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.configuration.retention_entry import RetentionRule
from jobs.console.exit_codes import BadUsage, Refused
from jobs.lake import file_places, state
from jobs.lake.columns import column
from jobs.lake.state import TargetState
from jobs.record.column_record import ColumnRecord
from jobs.record.record_reader import RecordProblem, columns_of
from jobs.spark_app import failures
from jobs.treatment import kept_rows
from jobs.treatment.kept_rows import Boundary
from privacy_udfs.errors import LakenymError

OVERDUE = (7, 30, 90, 365)
"""Days, up to which it is told how long the oldest row is overdue: its very date is a value of the table."""


@dataclasses.dataclass(frozen=True)
class Aged:
    """One table. boundary: None where only old versions go. stands: where nothing is yet, of version -1."""

    name: str
    entry: TableConfig
    stands: TargetState
    boundary: Boundary | None

    @property
    def rule(self) -> RetentionRule:
        assert self.entry.kept is not None, "others are not carried out"
        return self.entry.kept

    @property
    def is_there(self) -> bool:
        return self.stands.version >= 0

    @property
    def location(self) -> str:
        return str(self.stands.location)


@dataclasses.dataclass(frozen=True)
class Counted:
    """Rows of a table: all, those past their time, those without a date, those with one to come. files: that hold rows
    past their time. overdue: up to how many days the oldest is; None: more than the most of `OVERDUE`, or no row."""

    rows: int = 0
    past: int = 0
    undated: int = 0
    to_come: int = 0
    files: int = 0
    overdue: int | None = None


def found(spark: SparkSession, conf: Config, names: Sequence[str], day: datetime.date) -> list[Aged]:
    """Each table that is asked for and whose retention is carried out. Raises `Refused` with every reason against any
    of them, and `BadUsage` where none is carried out. No row is read."""
    wanted = [name for name in names if conf.tables[name].kept is not None]
    if not wanted:
        raise BadUsage(
            "no table that is asked for states a retention that is carried out: state 'days' and 'by', or "
            "'versions_days', under 'retention' of its entry (docs/retention.md)"
        )
    tables, faults = list[Aged](), list[str]()
    for name in wanted:
        try:
            one = failures.translated(name, lambda name=name: _aged(spark, conf, name, day))  # type: ignore[misc]
            faults += [f"{name}: {fault}" for fault in _faults(one)]
            tables.append(one)
        except LakenymError as error:
            faults.append(str(error) if str(error).startswith(f"{name}:") else f"{name}: {error}")
    if faults:
        raise Refused("\n".join(faults))
    return tables


def _aged(spark: SparkSession, conf: Config, name: str, day: datetime.date) -> Aged:
    entry = conf.tables[name]
    stands = state.inspect(spark, entry.target)
    there = stands.version >= 0
    boundary = kept_rows.boundary(stands.address.read(spark), entry, day) if there else None
    return Aged(name, entry, stands, boundary)


def _faults(one: Aged) -> Iterator[str]:
    """What keeps the rule from being carried out on a table as it stands."""
    if not one.is_there:
        return
    if one.stands.transaction is None:
        yield "its target is out of reach of Delta's own log here (another version of Delta, or another catalog)"
    try:
        columns = columns_of(one.stands.properties)
    except RecordProblem as error:
        yield str(error)
        return
    if not columns:
        yield f"{one.stands.name} has no treatment record: no run of this job made it, and its rows are none of ours"
    elif one.rule.by is not None:
        yield from _treated_otherwise(one, columns.get(str(one.rule.path)))


def _treated_otherwise(one: Aged, recorded: ColumnRecord | None) -> Iterator[str]:
    (rule,) = one.entry.decisions[str(one.rule.path)].cases
    stated = ColumnRecord.of_rule(rule, None)
    if recorded is None or (recorded.technique, recorded.parameters) != (stated.technique, stated.parameters):
        yield (
            f"its record says that {one.rule.path} was treated otherwise than its entry does by now, so nobody knows "
            "what its dates mean: run pseudonymize.py in full first"
        )


def counted(spark: SparkSession, one: Aged) -> Counted:
    """By one look at the table's column, as it stands now."""
    if not one.is_there:
        return Counted()
    rows = one.stands.address.read(spark)
    if one.boundary is None:
        return Counted(rows.count())
    date, past = column(*one.boundary.by.names), one.boundary.past()
    days = F.date_diff(F.to_date(F.lit(one.boundary.text[:10])), F.min(F.when(past, date)).cast("date"))
    place = F.when(past, F.col(file_places.FILE))
    wanted = [F.count("*"), F.count_if(past), F.count_if(date.isNull()), F.count_if(date > F.current_timestamp())]
    found = rows.agg(*wanted, F.count_distinct(place), days).collect()[0]
    overdue = None if found[5] is None else next((most for most in OVERDUE if int(found[5]) <= most), None)
    return Counted(int(found[0]), int(found[1]), int(found[2]), int(found[3]), int(found[4]), overdue)
