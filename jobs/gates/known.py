"""What is known of a run when it is judged: each class knows what the one before it does, and more.

What only Spark gives is named for the type checker alone, so that `jobs/check.py` starts without it.
"""

from __future__ import annotations

import dataclasses
import datetime
from typing import TYPE_CHECKING

from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.lake.read import SourceRows
    from jobs.lake.state import TargetState
    from jobs.named_keys.key_ring import KeyRing
    from jobs.treatment.treatment_plan import Plan


@dataclasses.dataclass(frozen=True)
class Allowed:
    """What someone took the responsibility for. raw_history: older versions of the target hold untreated rows.
    other_key_version: pseudonyms will not join with other tables' for now. together: tables treated in the same run."""

    raw_history: bool = False
    other_key_version: bool = False
    together: tuple[str, ...] = ()


NOTHING = Allowed()


@dataclasses.dataclass(frozen=True)
class Configured:
    """One table of a configuration, on a day in UTC."""

    conf: Config
    table: str
    today: datetime.date

    @property
    def entry(self) -> TableConfig:
        return self.conf.tables[self.table]


@dataclasses.dataclass(frozen=True)
class Readable(Configured):
    """Its source too; no key is open."""

    spark: SparkSession
    source: SourceRows


@dataclasses.dataclass(frozen=True)
class Planned(Readable):
    """Its keys and what happens to every column; the target was not looked at."""

    keys: KeyRing
    plan: Plan
    allowed: Allowed


@dataclasses.dataclass(frozen=True)
class Inspected(Planned):
    """What stands at the target too; no gate was asked about it."""

    target: TargetState


@dataclasses.dataclass(frozen=True)
class Prepared(Inspected):
    """A run up to its first write, which every gate has let pass: `jobs.table_run.planned.prepared` alone makes it."""


def today() -> datetime.date:
    """The day in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date()
