"""What policy.yaml says of how much may be treated under a key: rows and runs, in an hour and in a day."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from jobs.configuration.entry import Entry, Name

Counted = Literal["rows", "runs"]
Span = Literal["hour", "day"]
HOURS: dict[Span, int] = {"hour": 1, "day": 24}
MOST = 1 << 53

Bound = Annotated[int, Field(ge=1, le=MOST)]


class Limit(Entry):
    """How much may be treated under a key within the last hour, and within the last 24 hours, whenever one looks. rows:
    of all runs together. runs: that began, however they ended."""

    rows_per_hour: Bound | None = None
    runs_per_hour: Bound | None = None
    rows_per_day: Bound | None = None
    runs_per_day: Bound | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Limit:
        if not self.bounds:
            raise ValueError("expected rows_per_hour, runs_per_hour, rows_per_day or runs_per_day")
        return self

    @property
    def bounds(self) -> dict[tuple[Counted, Span], int]:
        """What is stated."""
        found = {(what, span): getattr(self, f"{what}_per_{span}") for what in get_args(Counted) for span in HOURS}
        return {name: bound for name, bound in found.items() if bound is not None}

    @property
    def counts_rows(self) -> bool:
        return any(what == "rows" for what, _ in self.bounds)


class Limits(Entry):
    """keys: of keys.yaml. default: of every other key that values are treated under; without it these have no limit."""

    keys: dict[Name, Limit] = Field(default={})
    default: Limit | None = None

    @model_validator(mode="after")
    def _limits_something(self) -> Limits:
        if not self.keys and self.default is None:
            raise ValueError("expected 'keys', 'default', or both")
        return self

    def of(self, key: str) -> Limit | None:
        return self.keys.get(key, self.default)
