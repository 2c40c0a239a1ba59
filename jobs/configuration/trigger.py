"""When a stream takes its next batch."""

from __future__ import annotations

import dataclasses
import re
from typing import ClassVar

from privacy_udfs.errors import BAD_USAGE, LakenymError

AVAILABLE_NOW = "available-now"
SECONDS = {"second": 1, "minute": 60, "hour": 3600}
INTERVAL = re.compile(r"([1-9][0-9]{0,5}) (second|minute|hour)s?")
WORDS = f"{AVAILABLE_NOW}, or an interval such as '30 seconds', '5 minutes' or '1 hour'"


class NoTrigger(LakenymError):
    """The text says no trigger."""

    exit_code: ClassVar[int] = BAD_USAGE


@dataclasses.dataclass(frozen=True)
class Trigger:
    """seconds: between the beginnings of two batches; None: batch after batch, until the source is read to where it
    stood when the stream began."""

    seconds: int | None = None

    @classmethod
    def parse(cls, text: str) -> Trigger:
        """What a person wrote. Raises `NoTrigger`."""
        if text == AVAILABLE_NOW:
            return NOW
        interval = INTERVAL.fullmatch(text)
        if interval is None:
            raise NoTrigger(f"expected {WORDS}, got {text!r}")
        return cls(int(interval[1]) * SECONDS[interval[2]])


NOW = Trigger()
