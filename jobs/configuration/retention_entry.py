"""What an entry of the catalog says of how long rows, and old versions, are kept; and whether that can be carried out.

A span in words (``7 years``) is for the record of processing, and nothing is done by it. ``days`` and ``by`` let
`jobs/retain.py` take rows away, and runs leave them out; ``versions_days`` lets it take old versions away.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, model_validator

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.entry import Entry, NotBlank, Retention
from privacy_udfs.technique import Technique

STAYS = "a date that stays in the target: a column that is kept, or that generalize_date coarsens"
FEWEST_VERSION_DAYS = 7
"""As Delta's own default: VACUUM of younger files may take those that a run at work has written."""


class RetentionRule(Entry):
    """How long rows, and old versions, are kept. A span as text (``7 years``) is short for ``period``."""

    period: Retention | None = None
    """A span in words, for the record of processing. Nothing is done by it."""
    days: Annotated[int, Field(ge=1, le=36500)] | None = None
    """A row goes once its date in column ``by`` lies more days back."""
    by: NotBlank | None = None
    """The column of the target with that date."""
    versions_days: Annotated[int, Field(ge=FEWEST_VERSION_DAYS, le=36500)] | None = None
    """Old versions of the target go after so many days."""

    @model_validator(mode="after")
    def _one_way(self) -> RetentionRule:
        if (self.days is None) != (self.by is None):
            raise ValueError("expected 'days' and 'by' together: after how many days, by which column")
        if self.days is not None and self.period is not None:
            raise ValueError("expected 'days' or 'period', not both: 'days' is the span that is carried out")
        if self.days is None and self.period is None and self.versions_days is None:
            raise ValueError("expected 'days' and 'by', 'versions_days', or a span such as '7 years'")
        return self

    @property
    def span(self) -> str | None:
        """How long rows are kept, in words; None where that is not stated."""
        return self.period if self.days is None else f"{self.days} day{'s' if self.days != 1 else ''}"

    @property
    def is_enforced(self) -> bool:
        """Whether `jobs/retain.py` has anything to do by it."""
        return self.days is not None or self.versions_days is not None

    @property
    def path(self) -> ColumnPath:
        """Of column ``by``; only where there is one."""
        assert self.by is not None, "only rules with a column are asked for it"
        return ColumnPath.parse(self.by)


def from_text(written: Any) -> Any:
    """A span in words is a rule that nothing is done by."""
    return {"period": written} if isinstance(written, str) else written


StatedRetention = Annotated[RetentionRule, BeforeValidator(from_text, json_schema_input_type=Retention | RetentionRule)]


def refusal(technique: Technique) -> str | None:
    """Why no row's age can be told by what a technique leaves of a date; None where it can."""
    if technique.needs_subject:
        return (
            f"is treated by {technique.technique}: its dates are moved by days that nobody is to know, and rows that "
            "go on the very day would tell them"
        )
    if technique.oldest_date() is not None:
        return "has a 'bottom', whose unit all earlier dates share, so that these never go, or all at once"
    if technique.keeps_values or technique.date_unit() is not None:
        return None
    return f"is treated by {technique.technique}, which leaves no date"
