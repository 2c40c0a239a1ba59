"""Whom or what a table is made for, as its entry says."""

from __future__ import annotations

from pydantic import model_validator

from jobs.configuration.entry import Entry, Name


class MadeFor(Entry):
    """For whom, or for what, all of a table is made: one recipient or one purpose."""

    recipient: Name | None = None
    """The one who gets it."""
    purpose: Name | None = None
    """What it is for."""

    @model_validator(mode="after")
    def _is_one(self) -> MadeFor:
        if (self.recipient is None) == (self.purpose is None):
            raise ValueError("expected one of 'recipient' and 'purpose'")
        return self

    @property
    def kind(self) -> str:
        return "purpose" if self.recipient is None else "recipient"

    @property
    def name(self) -> str:
        return str(self.purpose if self.recipient is None else self.recipient)

    def as_record(self) -> dict[str, str]:
        return {self.kind: self.name}

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
