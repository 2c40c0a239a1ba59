"""By how much a treated table may differ from what it was like before it is told of: what policy.yaml says of every
table, and an entry of its own; and what the watch over the house goes by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, model_validator

from jobs.configuration.entry import Entry, Name, NotBlank
from jobs.configuration.risk_bounds import Share

Change = Annotated[float, Field(gt=0, le=1_000_000, strict=False)]
Days = Annotated[int, Field(ge=1, le=36500)]
DEFAULTS: dict[str, float] = {
    "psi": 0.25,
    "psi_warn": 0.1,
    "new_categories": 0.01,
    "nulls": 0.1,
    "distinct": 0.25,
    "rows": 0.5,
    "refused": 0.01,
    "joinable": 0.1,
    "stale_days": 7,
}


class ColumnBounds(Entry):
    """What is told of a column where it is more than the bound; one that is left out is as its table has it."""

    psi: Change | None = None
    """The population stability index of a column's values."""
    psi_warn: Change | None = None
    """From where on that index is a warning."""
    new_categories: Share | None = None
    """The share of a column's values that are of categories which the baseline did not have."""
    nulls: Share | None = None
    """How far a share of nulls moved."""
    distinct: Change | None = None
    """How far a number of values moved, as a share of what it was."""
    refused: Share | None = None
    """The share of a column's values that the last run refused."""

    @model_validator(mode="after")
    def _warns_before(self) -> ColumnBounds:
        if self.psi is not None and self.psi_warn is not None and self.psi_warn > self.psi:
            raise ValueError("expected 'psi_warn' not above 'psi'")
        return self

    def over(self, bounds: Mapping[str, float]) -> dict[str, float]:
        """The bounds of the table, but for those that are stated here."""
        stated = {name: float(bound) for name, bound in self.model_dump().items() if bound is not None}
        found = {**bounds, **stated}
        return {**found, "psi_warn": min(found["psi_warn"], found["psi"])}


class MonitoringBounds(ColumnBounds):
    """What is told of where it is more than the bound; one that is left out is as the policy has it, or else as
    `DEFAULTS`. Those of `ColumnBounds` hold for every column."""

    rows: Change | None = None
    """How far the number of rows moved, as a share of what it was."""
    joinable: Share | None = None
    """How far the share moved of a column's values that another has too."""
    stale_days: Days | None = None
    """How many days ago the last run may be."""

    def before(self, others: MonitoringBounds) -> dict[str, float]:
        """Each bound: by these, else by others, else by `DEFAULTS`. Where only one of the two of an index is stated,
        the warning is at that bound at the latest."""
        found = {name: self._stated(name, others, default) for name, default in DEFAULTS.items()}
        return {**found, "psi_warn": min(found["psi_warn"], found["psi"])}

    def _stated(self, name: str, others: MonitoringBounds, default: float) -> float:
        stated = (getattr(self, name), getattr(others, name))
        return next((float(bound) for bound in stated if bound is not None), default)


class TableMonitoring(MonitoringBounds):
    """From where on a change of the treated table is told of; left out: as the policy has it."""

    columns: dict[NotBlank, ColumnBounds] = Field(default={})
    """Bounds of columns that have others than the table, by their paths."""


class PolicyMonitoring(MonitoringBounds):
    """What the policy says of every table."""

    key: Name | None = None
    """A name of keys.yaml, under which profiles hold what they hold of values, and which treats no column."""
    ahead_days: Days = 30
    """How many days ahead it is told that something will run out."""
