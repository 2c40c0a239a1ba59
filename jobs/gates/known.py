"""What is known of a run when it is judged: each class knows what the one before it does, and more.

What only Spark gives is named for the type checker alone, so that `jobs/check.py` starts without it.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from jobs.configuration import asked_risk
from jobs.configuration.asked_risk import AskedRisk
from jobs.configuration.config import Config
from jobs.configuration.models import Mode, TableConfig

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from jobs.lake import quarantine_table
    from jobs.lake.read import SourceRows
    from jobs.lake.state import TargetState
    from jobs.named_keys.key_ring import KeyRing
    from jobs.treatment.treatment_plan import Plan


@dataclasses.dataclass(frozen=True)
class Allowed:
    """What someone took the responsibility for. raw_history: older versions of the target hold untreated rows.
    other_key_version: pseudonyms will not join with other tables' for now. together: tables treated in the same run.
    retreat: all rows are treated anew where the target's record is another one than this run's, or its source was read
    otherwise. requeue: no source is treated, but what stands in quarantine. deleted_rows: rows that others deleted in
    the target come back, as far as the source still has them. even_unchanged: whether a run of all rows is carried out
    although its target has what it would write; None: it is, and nobody looks."""

    raw_history: bool = False
    other_key_version: bool = False
    retreat: bool = False
    together: tuple[str, ...] = ()
    requeue: bool = False
    deleted_rows: bool = False
    even_unchanged: bool | None = None


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

    @property
    def risk(self) -> AskedRisk:
        """What is asked of the risk of its rows, by the policy and by its entry."""
        return asked_risk.of(self.conf.policy, self.entry)


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
    others: Mapping[str, SourceRows]
    """By table of the catalog the sources whose values are looked for in texts, each at one version."""


@dataclasses.dataclass(frozen=True)
class Inspected(Planned):
    """What stands at the target too; no gate was asked about it."""

    target: TargetState
    quarantine: quarantine_table.Place | None = None
    """Where refused rows are set aside; None where the entry names no such place."""

    @property
    def adds(self) -> bool:
        """Whether the run is to go on from the rows that the target has: to put others beside them, or change some."""
        return (self.entry.mode != "full" or self.allowed.requeue) and self.target.version >= 0


@dataclasses.dataclass(frozen=True)
class Prepared(Inspected):
    """A run up to its first write, which every gate has let pass: `jobs.table_run.planned.prepared` alone makes it.

    unchanged: the source is as the last run left it, so that there is nothing to write. Otherwise ``source`` holds the
    rows to write: all of them, or, where it says so, those that were gained, chosen or changed. looked_for: once it is
    carried out, what of other tables is looked for in its texts, as its commit says it. vaults: likewise, by domain
    the vault that its tokens stand in, and its version."""

    unchanged: bool = False
    made_from: str | None = None
    """What its rows are made from, as a hash (`jobs.table_run.unchanged`); None where nobody can tell, or asked."""
    looked_for: tuple[Mapping[str, Any], ...] = ()
    vaults: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    kept_out: Any = None
    """Whose rows are left out (`jobs.table_run.kept_out.KeptOut`), once it is carried out; None where nobody asks."""

    @property
    def mode(self) -> Mode | Literal["requeue"]:
        """What the run does; ``full`` too where nothing can be kept, or all is to be treated anew."""
        if self.allowed.requeue:
            return "requeue"
        if self.source.chosen is not None:
            return "partitions"
        if self.unchanged:
            return self.entry.mode
        if self.source.feed is not None:
            return "changes"
        return "incremental" if self.source.gained else "full"


def today() -> datetime.date:
    """The day in UTC."""
    return datetime.datetime.now(datetime.timezone.utc).date()
