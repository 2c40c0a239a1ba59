"""Rows in small classes kept out of the table: too few people, or rows, are alike in them by all quasi-identifiers.

Classes are those that the risk gate counts (`jobs.table_run.risk_gate`), of the rows as they were treated and written.
Where people count, all rows of somebody are in one class, and stay or go together. The gate is asked of what stays.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from jobs.configuration import shares
from jobs.configuration.models import TableConfig
from jobs.configuration.risk_bounds import Suppress
from jobs.configuration.suppress_checks import WHOLE
from jobs.console.exit_codes import BadUsage, Refused
from jobs.gates.known import Allowed, Prepared
from jobs.lake.columns import column
from jobs.lake.delta_commit import Rest
from jobs.lake.file_places import FILE
from jobs.lake.replace import USER_METADATA
from jobs.risk_measures import frames, measure
from jobs.risk_measures.frames import ID, SUBJECT
from jobs.risk_measures.report import count as few
from jobs.run_events.risk_words import shown
from jobs.table_run.aside import Aside
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import RiskColumns
from privacy_udfs.errors import UnexpectedFailure

ROW, PLACE, SIZE = "row", "place", "size"
GOES = "goes"
"""Of a row that is kept out: true; else null."""


def check_asked(entry: TableConfig, allowed: Allowed) -> None:
    """Raise `BadUsage` where not all rows of a table are treated, so that nobody knows their classes."""
    if entry.suppress is None:
        return
    if entry.mode != "full":
        raise BadUsage(f"{entry.name}: suppress: {WHOLE}: the mode is {entry.mode}: use --mode full")
    if allowed.requeue:
        raise BadUsage(
            f"{entry.name}: suppress: {WHOLE}: mend the rules, and treat what stands in quarantine with all other rows "
            "by --mode full, without --requeue"
        )


@dataclasses.dataclass
class SmallClasses:
    """aside: of the run, which is told how many rows the target will lack; None where there is no run. rows: how many
    these are; None as long as nobody asked. people: whose they are; None where rows count."""

    table: str
    stated: Suppress
    columns: RiskColumns
    aside: Aside | None
    rows: int | None = None
    people: int | None = None

    @property
    def said(self) -> int | str | None:
        """How many rows, as it may be shown: of few people not even whether their rows are many."""
        return None if self.rows is None else self._shown(self.rows)

    def _shown(self, rows: int) -> int | str:
        fewest = few(rows if self.people is None else min(rows, self.people))
        return fewest if isinstance(fewest, str) else rows

    @property
    def hides_counts(self) -> bool:
        """Whether counts by column, which are of all rows that were treated, would tell what the missing ones hold: how
        many nulls, say, which may be one."""
        return bool(self.rows)

    @contextlib.contextmanager
    def leave_out(self, rows: DataFrame, written: int) -> Iterator[Rest | None]:
        """What stays of the rows; None where all do. Says it in the commit to come. Raises `Refused` where more are to
        be kept out than the entry lets be."""
        with measure.kept(self._small(rows)) as small:
            found = _joined(self._keyed(rows, F.col(FILE).alias(PLACE)), small, "left").groupBy(PLACE)
            told = found.agg(F.count("*").alias(SIZE), F.count(GOES).alias(GOES)).collect()
            self.people = None if self.columns.subject is None else small.count()
            self._check(told, written)
            self._say(rows)
            places = {row[PLACE]: row[SIZE] - row[GOES] for row in told if row[GOES]}
            yield Rest(places, self.rows or 0, lambda some: self._rest(some, small)) if places else None

    @contextlib.contextmanager
    def stay(self, rows: DataFrame) -> Iterator[DataFrame]:
        """The rows that stay, of a table that is not written. Raises `Refused` as `leave_out`."""
        with measure.kept(self._small(rows)) as small:
            rest = self._rest(rows, small)
            both, left = rows.count(), rest.count()
            self._check([Row(**{SIZE: both, GOES: both - left})], both)
            yield rest

    def _keyed(self, rows: DataFrame, *more: Any) -> DataFrame:
        """Of each row what its class is known by, or whose it is, and more columns."""
        keys = [each.alias(f"k{at}") for at, each in enumerate(risk_columns.keys(self.columns).values())]
        of = self.columns.subject
        subject = [] if of is None else [risk_columns.shown(of).alias(SUBJECT)]
        return frames.identified(rows.select(*keys, *subject, *more))

    @property
    def _by(self) -> tuple[str, ...]:
        """What tells which rows are kept out."""
        return ID if self.columns.subject is None else (SUBJECT,)

    def _small(self, rows: DataFrame) -> DataFrame:
        """The small classes, or the people in them, by columns with other names than rows have."""
        keyed = self._keyed(rows)
        units = keyed if self.columns.subject is None else frames.people(keyed)
        small = units.groupBy(*ID).agg(F.count("*").alias(SIZE)).where(F.col(SIZE) < self.stated.k).select(*ID)
        found = small if self.columns.subject is None else units.join(small, list(ID), "left_semi")
        return found.select(*(F.col(name).alias(_other(name)) for name in self._by), F.lit(True).alias(GOES))

    def _rest(self, some: DataFrame, small: DataFrame) -> DataFrame:
        whole = F.struct(*(column(name) for name in some.columns)).alias(ROW)
        return _joined(self._keyed(some, whole), small, "left_anti").select(f"{ROW}.*")

    def _check(self, told: list[Row], written: int) -> None:
        rows, out = (sum(row[name] for row in told) for name in (SIZE, GOES))
        if rows != written:
            raise UnexpectedFailure(f"{written} rows were written, and {rows} are read")
        if out > shares.of(self.stated.at_most, rows):
            counted = "rows" if self.columns.subject is None else "people"
            numbers = f"{shown(self._shown(out))} of {shown(few(rows))} rows"
            held = f"classes of fewer than {self.stated.k} {counted} hold {numbers}"
            most = f"a share of at most {self.stated.at_most} may be kept out"
            raise Refused(f"{self.table}: suppress: {held}, and {most} (at_most); nothing was committed")
        self.rows = out
        if self.aside is not None:
            self.aside.suppressed = out

    def _say(self, rows: DataFrame) -> None:
        conf = rows.sparkSession.conf
        said: Mapping[str, Any] = json.loads(str(conf.get(USER_METADATA)))
        left = {name: each for name, each in said.items() if name != "counts" or not self.hides_counts}
        conf.set(USER_METADATA, json.dumps({**left, "suppressed": self.said}, ensure_ascii=False))


def _other(name: str) -> str:
    return f"of {name}"


def _joined(keyed: DataFrame, small: DataFrame, how: str) -> DataFrame:
    by = [name for name in (*ID, SUBJECT) if _other(name) in small.columns]
    return keyed.join(small, frames.same(by, [_other(name) for name in by]), how)


def attached(prepared: Prepared, aside: Aside) -> tuple[Prepared, SmallClasses | None]:
    """The run with its rows looked at before its commit, and what looks; None where the entry asks for nothing."""
    stated = prepared.entry.suppress
    if stated is None:
        return prepared, None
    begun = prepared.target.transaction
    assert begun is not None, "refused when it was prepared: without a transaction nobody looks before the commit"
    columns = risk_columns.of(prepared.plan, with_sensitive=False)
    found = SmallClasses(prepared.table, stated, columns, aside)
    target = dataclasses.replace(prepared.target, transaction=dataclasses.replace(begun, leaves_out=found.leave_out))
    return dataclasses.replace(prepared, target=target), found
