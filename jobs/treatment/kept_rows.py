"""Which rows are within the time that their table's ``retention`` gives them, by one date that source and target share.

A row goes on the day on which its date lies more than ``days`` days back, in UTC; one without a date stays. Where the
column is coarsened, the date is that of the whole unit: a row goes once the last day of its unit does, in the source
too, so that what is left out of a run tells no more of a date than the target shows.
"""

from __future__ import annotations

import dataclasses
import datetime
import functools
from collections.abc import Iterable

import pyarrow as pa
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.models import TableConfig
from jobs.lake.columns import column
from jobs.lake.log_commits import Commit
from jobs.lake.read import SourceRows
from jobs.treatment.treatment_plan import PlanError
from privacy_udfs.technique import Technique

DATES = (T.DateType, T.TimestampType, T.TimestampNTZType)
FEW = 10
"""So many rows may be told of; of fewer it is told that there are some."""


class RetentionProblem(PlanError):
    """A table's retention does not fit its source or its target. Nothing was read or written."""

    def __init__(self, table: TableConfig, fault: str) -> None:
        super().__init__(table.name, [fault])
        self.args = (f"{table.name}: retention ({table.file}:{table.line}): {fault}",)


@dataclasses.dataclass(frozen=True)
class Boundary:
    """Rows whose column is before a date, or a time, are past their time. first: the earliest that is within it; of
    columns without a zone as if it were in UTC."""

    by: ColumnPath
    kind: T.DataType
    first: datetime.date | datetime.datetime

    @property
    def text(self) -> str:
        """As it stands in commits and in the audit log, in one spelling, which sorts as days and times do."""
        if isinstance(self.first, datetime.datetime):
            return self.first.replace(tzinfo=None).isoformat(timespec="microseconds")
        return self.first.isoformat()

    def past(self) -> Column:
        """Of each row whether it is past its time; false of one without a date."""
        return F.coalesce(self._is_before(), F.lit(False))

    def is_within(self) -> Column:
        """Of each row whether it is within its time; true of one without a date."""
        return F.coalesce(~self._is_before(), F.lit(True))

    def _is_before(self) -> Column:
        zone = " UTC" if isinstance(self.kind, T.TimestampType) else ""
        return column(*self.by.names) < F.lit(f"{self.text}{zone}").cast(self.kind)


@dataclasses.dataclass(frozen=True)
class PastTime:
    """The rows of a source that are past their time. rows: of the source, with them. is_told: whether their number may
    stand in the commit."""

    boundary: Boundary
    rows: DataFrame = dataclasses.field(repr=False)
    is_told: bool = True

    @functools.cached_property
    def count(self) -> int:
        return self.rows.where(self.boundary.past()).count()

    @functools.cached_property
    def said(self) -> dict[str, str | int]:
        """What the commit of a run says of it."""
        told: dict[str, str | int] = {"by": str(self.boundary.by), "before": self.boundary.text}
        return {**told, "left_out": f"< {FEW}" if 0 < self.count < FEW else self.count} if self.is_told else told

    @property
    def way(self) -> tuple[str, ...]:
        return self.boundary.by.names

    @property
    def first(self) -> datetime.date | datetime.datetime:
        return self.boundary.first

    def is_within(self) -> Column:
        return self.boundary.is_within()

    def covers(self, commit: Commit) -> bool:
        said = commit.run.get("retention")
        return (
            commit.is_retention
            and isinstance(said, dict)
            and said.get("by") == str(self.boundary.by)
            and str(commit.before) <= self.boundary.text
        )


def left_out(source: SourceRows, table: TableConfig, day: datetime.date) -> SourceRows:
    """The rows that are within their time on a day. Raises `RetentionProblem`."""
    found = boundary(source.rows, table, day)
    if found is None:
        return source
    # beside the table's number it would say how many were kept out; and the rows of some partitions are not known here
    is_told = table.suppress is None and table.mode != "partitions"
    past = PastTime(found, source.rows, is_told)
    return dataclasses.replace(source, rows=source.rows.where(found.is_within()), count=None, past=past)


def today() -> datetime.date:
    """The day in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date()


def boundary(rows: DataFrame, table: TableConfig, day: datetime.date) -> Boundary | None:
    """By which rows of a source, or of a target, are left out on a day; None where the table's rows do not age. Raises
    `RetentionProblem` where they have no such date."""
    if table.kept is None or table.kept.days is None:
        return None
    path = table.kept.path
    kind = _kind(rows, table, path)
    return Boundary(path, kind, _first(table, kind, day))


def boundaries(rows: DataFrame, table: TableConfig, commits: Iterable[Commit], day: datetime.date) -> list[Boundary]:
    """By which rows of a table may lack rows of its source: of each column the latest, by its entry on a day and by
    commits that took rows away. Raises `RetentionProblem`."""
    stated = boundary(rows, table, day)
    found = {} if stated is None else {stated.by: stated}
    for commit in commits:
        try:
            path = ColumnPath.parse(str(commit.run["retention"].get("by")))
            first = datetime.datetime.fromisoformat(commit.before)
        except ValueError:  # anybody who writes to the table can say such a thing
            raise RetentionProblem(table, f"version {commit.version} does not say which rows it took away") from None
        kind = _kind(rows, table, path)
        zone = datetime.timezone.utc if isinstance(kind, T.TimestampType) else None
        told = Boundary(path, kind, first.date() if isinstance(kind, T.DateType) else first.replace(tzinfo=zone))
        found[path] = max(found.get(path, told), told, key=lambda each: each.text)
    return [*found.values()]


def _kind(rows: DataFrame, table: TableConfig, path: ColumnPath) -> T.DataType:
    try:
        kind = rows.select(column(*path.names)).schema.fields[0].dataType
    except PySparkException:
        raise RetentionProblem(table, f"there is no column {path}") from None
    if not isinstance(kind, DATES):
        given = kind.simpleString().partition("<")[0]
        raise RetentionProblem(table, f"{path} is {given}: expected a date or a timestamp, by which rows age")
    return kind


def _first(table: TableConfig, kind: T.DataType, day: datetime.date) -> datetime.date | datetime.datetime:
    """The first date within the time, as the treatment leaves it: it keeps the order of dates, and what begins a unit
    as it is."""
    assert table.kept is not None
    assert table.kept.days is not None
    oldest = datetime.date.fromordinal(max(day.toordinal() - table.kept.days, 1))
    given = pa.array([oldest], pa.date32())
    if not isinstance(kind, T.DateType):
        given = given.cast(pa.timestamp("us", "UTC" if isinstance(kind, T.TimestampType) else None))
    technique = _technique(table)
    found = (given if technique.keeps_values else technique.apply(given).values)[0].as_py()
    assert isinstance(found, datetime.date)
    return found


def _technique(table: TableConfig) -> Technique:
    assert table.kept is not None
    (rule,) = table.decisions[str(table.kept.path)].cases
    return rule.treatment.technique
