"""Whether the limits of the policy have room for a whole rotation: for all runs from sources, and for their proofs.

Each run asks for itself too; but one that is refused once others have committed leaves a domain that does not join.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pyspark.sql import SparkSession

from jobs.audit_log import limits, log
from jobs.audit_log.limits import Room
from jobs.configuration.config import Config
from jobs.gates import used_up
from jobs.gates.known import Prepared

TIMES = 2
"""A source is treated by the run, and once more by its proof."""


@dataclasses.dataclass(frozen=True)
class Needed:
    """Of one bound of a key. more: at least, where nobody knows all rows beforehand."""

    room: Room
    more: int

    @property
    def refusal(self) -> str:
        """Why there is no room; empty where there is."""
        told = self.room.refusal(self.more or None)
        return f"all tables from their sources, and their proofs: {told}" if told else ""

    def as_data(self) -> Mapping[str, Any]:
        return {**self.room.as_data(), "needed": self.more}

    def in_words(self) -> str:
        return f"key {self.room.key}: at least {self.more} will count; {self.room.in_words()}"


def of(spark: SparkSession, conf: Config, runs: Sequence[Prepared]) -> list[Needed]:
    """runs: from sources; what is moved from itself counts nothing. Raises `jobs.audit_log.log.LogProblem`."""
    stated, keys = conf.policy.limits, {key: id_ for run in runs for key, id_ in used_up.keys_of(run).items()}
    opened = log.opened(spark, conf) if keys else None
    if opened is None or stated is None:
        return []
    return [Needed(room, TIMES * sum(_each(room, runs))) for room in limits.rooms(opened, stated, keys)]


def _each(room: Room, runs: Sequence[Prepared]) -> Iterator[int]:
    for run in runs:
        if room.key in used_up.keys_of(run):
            yield 1 if room.what == "runs" else used_up.announced(run) or 0
