"""What the log says of the table that a run wrote, by the table's own log: sums that tell any later change of it."""

from __future__ import annotations

import contextlib
from typing import Any

from pyspark.sql import SparkSession

from jobs.lake import target_files
from jobs.lake.target_files import Unreadable


def told(spark: SparkSession, location: str, version: int, contents_up_to: int) -> dict[str, Any]:
    """``files``: of all files of a version how many, their bytes, and the SHA-256 of their list. ``added``: the same of
    those that the commit added, and of what is in them, where they are no larger than ``contents_up_to`` bytes."""
    files = target_files.of(spark, location, version)
    added = target_files.added(spark, location, version)
    told: dict[str, Any] = {"files": _sums(files)}
    if added is not None:
        told["added"] = _sums(added)
        if 0 < told["added"]["bytes"] <= contents_up_to:
            with contextlib.suppress(Unreadable):  # it is an older version, of which files are gone
                told["added"]["contents_sha256"] = target_files.contents(spark, location, added)
    return told


def _sums(files: list[target_files.File]) -> dict[str, Any]:
    return {"count": len(files), "bytes": sum(file.size for file in files), "sha256": target_files.digest(files)}
