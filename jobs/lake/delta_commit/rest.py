"""What stays of the rows that a run has written, where some of them are left out of the table."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager

from pyspark.sql import DataFrame


@dataclasses.dataclass(frozen=True)
class Rest:
    """places: of the files that hold a row which is left out, as `jobs.lake.file_places.FILE` has them, and how many
    of each one's rows are not. out: how many are, of all. of: rows of these files -> those that are not."""

    places: Mapping[str, int]
    out: int
    of: Callable[[DataFrame], DataFrame]


LeavesOut = Callable[[DataFrame, int], AbstractContextManager[Rest | None]]
"""The rows that are written, and how many they should be -> what stays of them, for as long as it is asked for; None
where all do. Raises what stops the commit."""
