"""The text of a catalog file. Its columns are read one by one, so that a fault in one hides none."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from jobs.configuration.entry import TABLE_PATTERN, DecidedClass, Entry, NotBlank, Predicate, Retention
from jobs.configuration.kinds import KindName
from jobs.configuration.made_for import MadeFor
from jobs.configuration.models.source import Source
from jobs.configuration.models.target import Quarantine, Target
from jobs.configuration.monitoring_bounds import TableMonitoring
from jobs.configuration.processing_entry import Processing
from jobs.configuration.retention_entry import StatedRetention
from jobs.configuration.risk_bounds import Mondrian, RiskBounds, Suppress
from privacy_udfs.parameters import IsoDate

MOST_CASES = 100
Execution = Literal["auto", "columnar", "spark"]
"""How a table is treated: file by file in whole Arrow arrays, by Spark's rows, or the first wherever it fits."""
OnRefused = Literal["stop", "quarantine"]
"""What becomes of a row with a value that its technique cannot treat: the run stops, or the row is set aside."""


class CaseEntry(Entry):
    """One case of a column's ``when``, as written: which rows, and what is done to the column in them."""

    rows: Predicate
    """Which rows: a Spark SQL condition over the source's columns. Exactly one case must be true for each row."""
    treatment: Any
    """What is done to the column in these rows."""


# that there are at least two is told by `Resolver`: pydantic would count those without a fault only
Cases = Annotated[tuple[CaseEntry, ...], Field(strict=False, max_length=MOST_CASES, json_schema_extra={"minItems": 2})]


class ColumnEntry(Entry):
    """The decision about one column, as written: one treatment, or cases of which each row falls under exactly one."""

    class_: Annotated[DecidedClass, Field(alias="class")]
    """What the column is; policy.yaml says which techniques that allows."""
    treatment: Any = None
    """What is done to it: one of the [treatments](#treatments)."""
    when: Cases | None = None
    """In place of ``treatment``: two or more cases, by row: docs/governance.md."""
    why: NotBlank
    """Why so, in a sentence for whoever asks later. It stands in the record."""
    kind: KindName | None = None
    """What the column holds, for the profiles of the policy: docs/profiles.md."""
    evidence_overruled: NotBlank | None = None
    """Why the inventory is wrong about the column, where it saw more in it than the class says."""
    review_by: IsoDate | None = None
    """When the decision is to be looked at again, ``YYYY-MM-DD``."""
    retention: Retention | None = None
    """How long values are kept, in words: ``90 days``, ``7 years``. Nothing is done by it."""
    statistics: bool | None = None
    """Whether its least and greatest values are kept beside the rows, for readers to skip files by: docs/statistics.md.
    Left out: as its class has it."""


class TableEntry(Entry):
    """A catalog file, as written; its columns are each read as a `ColumnEntry`, so that a fault in one hides none."""

    table: Annotated[str, Field(pattern=TABLE_PATTERN)]
    """The name of the treated table, by which jobs and people call it. The file has the same name."""
    draft: bool = False
    """Not accepted yet: no job treats the table before this line is gone; ``jobs/accept.py`` takes it out."""
    owner: NotBlank
    """Who answers for it: a person, a team, an address."""
    source: Source
    """Where rows come from."""
    target: Target
    """Where treated rows go."""
    subject: str | None = None
    """The column that tells whose row it is: techniques that go by person, risk, erasure and subject access need it."""
    rows: Predicate | None = None
    """Which rows of the source are treated at all: docs/governance.md. Left out: all."""
    review_by: IsoDate | None = None
    """When all of it is to be looked at again, ``YYYY-MM-DD``."""
    retention: StatedRetention | None = None
    """How long rows, and old versions, are kept: docs/retention.md."""
    execution: Execution = "auto"
    """How: file by file in whole Arrow arrays, by Spark's rows, or (``auto``) the first wherever it fits."""
    on_refused: OnRefused = "stop"
    """What becomes of a row with a value that its technique cannot treat: the run stops, or the row is set aside."""
    quarantine: Quarantine | None = None
    """Where such rows are set aside, encrypted: docs/refused_values.md."""
    risk: RiskBounds = RiskBounds()
    """What the rows are held to before they are committed: docs/risk.md. Left out: as the policy has it."""
    suppress: Suppress | None = None
    """Keeps rows in small classes out of the table."""
    mondrian: Mondrian | None = None
    """Gives all rows the values of boxes that enough people share."""
    processing: Processing = Processing()
    """For the record of processing: docs/records.md."""
    made_for: MadeFor | None = None
    """One recipient or purpose that all of the table is made for: docs/scopes.md."""
    monitoring: TableMonitoring = TableMonitoring()
    """From where on a change is told of: docs/monitoring.md."""
    columns: Annotated[dict[str, Any], Field(min_length=1)]
    """The decision for every leaf column, by its path: ``a``, ``a.b``, ``a[]``, ``a{key}``, ``a{value}``."""

    @model_validator(mode="after")
    def _has_a_quarantine(self) -> TableEntry:
        if self.on_refused == "quarantine" and self.quarantine is None:
            raise ValueError("expected 'quarantine', a place and a key for the rows that 'on_refused' sets aside")
        return self
