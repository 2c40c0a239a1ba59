"""What is known of a batch of a stream before it is prepared."""

from __future__ import annotations

import dataclasses

from jobs.lake.position import Position
from jobs.lake.state import TargetState


@dataclasses.dataclass(frozen=True)
class Batch:
    """files: of those that are new so many are read: as many commits of a Delta table, or times of a folder, as have no
    more, and at least one; None: all. end: where the source stood as the stream began, behind which nothing is read.
    looked: at the target, for the batch before; it saves reading again what its log said then.
    """

    files: int | None = None
    end: Position | None = None
    looked: TargetState | None = None


WHOLE = Batch()
"""A run that is no batch of a stream's."""
