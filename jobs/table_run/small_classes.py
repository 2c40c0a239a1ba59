"""Rows in small classes kept out of the table: too few people, or rows, are alike in them by all quasi-identifiers.

Classes are those that the risk gate counts (`jobs.table_run.risk_gate`), of the rows as they were treated, written and,
where that is asked, put into boxes. Where people count, all rows of somebody are in one class, and stay or go together.
The gate is asked of what stays.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.configuration import shares
from jobs.configuration.risk_bounds import Suppress
from jobs.console.exit_codes import Refused
from jobs.lake.columns import column
from jobs.risk_measures import frames, measure
from jobs.risk_measures.frames import ID, SUBJECT
from jobs.risk_measures.report import apart
from jobs.risk_measures.report import count as few
from jobs.run_events.risk_words import shown
from jobs.table_run.aside import Aside
from jobs.treatment import risk_columns
from jobs.treatment.risk_columns import RiskColumns

ROW, SIZE = "row", "size"
GOES = "goes"
"""Of a row that is kept out: true; else null."""


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
    def found(self, rows: DataFrame) -> Iterator[DataFrame]:
        """The small classes, or the people in them, for as long as they are asked for."""
        with measure.kept(self._small(rows)) as small:
            self.people = None if self.columns.subject is None else small.count()
            yield small

    def marked(self, rows: DataFrame, place: str, small: DataFrame, more: Mapping[str, Column]) -> DataFrame:
        """Of each row the column ``place``, and `GOES`. more: of each row, by name."""
        told = [each.alias(name) for name, each in more.items()]
        return _joined(self._keyed(rows, column(place), *told), small, "left").select(
            column(place), GOES, *map(column, more)
        )

    def rest(self, rows: DataFrame, small: DataFrame) -> DataFrame:
        """The rows that stay."""
        whole = F.struct(*(column(name) for name in rows.columns)).alias(ROW)
        return _joined(self._keyed(rows, whole), small, "left_anti").select(f"{ROW}.*")

    def check(self, rows: int, out: int) -> None:
        """Take down how many are kept out. Raises `Refused` where these are more than the entry lets be."""
        if out > shares.of(self.stated.at_most, rows):
            counted = "rows" if self.columns.subject is None else "people"
            stays = apart(out, {0, rows})
            numbers = f"{shown(self._shown(out) if isinstance(stays, int) else stays)} of {shown(few(rows))} rows"
            held = f"classes of fewer than {self.stated.k} {counted} hold {numbers}"
            most = f"a share of at most {self.stated.at_most} may be kept out"
            raise Refused(f"{self.table}: suppress: {held}, and {most} (at_most); nothing was committed")
        self.rows = out
        if self.aside is not None:
            self.aside.suppressed, self.aside.stay = out, rows - out

    def keep(self, values: Mapping[str, int]) -> None:
        """Take down how many values stay, by column."""
        if self.aside is not None:
            self.aside.values = values

    @contextlib.contextmanager
    def stay(self, rows: DataFrame) -> Iterator[DataFrame]:
        """The rows that stay, of a table that is not written. Raises `Refused` as `check`."""
        with self.found(rows) as small:
            rest = self.rest(rows, small)
            both, left = rows.count(), rest.count()
            self.check(both, both - left)
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
        """By columns with other names than rows have."""
        keyed = self._keyed(rows)
        units = keyed if self.columns.subject is None else frames.people(keyed)
        small = units.groupBy(*ID).agg(F.count("*").alias(SIZE)).where(F.col(SIZE) < self.stated.k).select(*ID)
        found = small if self.columns.subject is None else units.join(small, list(ID), "left_semi")
        return found.select(*(F.col(name).alias(_other(name)) for name in self._by), F.lit(True).alias(GOES))


def _other(name: str) -> str:
    return f"of {name}"


def _joined(keyed: DataFrame, small: DataFrame, how: str) -> DataFrame:
    by = [name for name in (*ID, SUBJECT) if _other(name) in small.columns]
    return keyed.join(small, frames.same(by, [_other(name) for name in by]), how)
