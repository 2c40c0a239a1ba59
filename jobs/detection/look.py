"""A table looked at so that it can be compared with others: its columns, and how to read its keys again."""

from __future__ import annotations

from collections.abc import Callable

from pyspark.sql import DataFrame

from jobs.configuration.column_path import Field
from jobs.detection import sampled, scan
from jobs.detection.shared_keys import Looked
from jobs.lake.problems import SourceProblem


def look(name: str, rows: Callable[[], DataFrame], sample: int, regions: tuple[str, ...], salt: bytes | None) -> Looked:
    """Scan a sample of the rows. salt: the secret that all tables share which are compared (`shared_keys.links`)."""
    read = rows()
    found = scan.scan(read, sample, regions, salt=salt)
    in_each_row = [each for each in found if all(isinstance(step, Field) for step in each.path.steps)]
    seen = max((each.evidence.rows for each in in_each_row), default=sample)
    return Looked(name, found, None if sampled.is_whole(read, sample, seen) else rows)


def to_draft(looked: Looked) -> Looked:
    """The same, of a table that an entry is to be drafted for. Raises `SourceProblem` where it has no column, as an
    entry of none could never be accepted."""
    if not looked.columns:
        raise SourceProblem("it has no columns: there is nothing to decide")
    return looked
