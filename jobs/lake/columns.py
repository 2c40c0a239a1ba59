"""Columns by name, where rows are selected: a name stays a name, whatever characters it has."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from jobs.lake.sql import quoted


def dotted(*names: str) -> str:
    """A column's name, or the names of fields down to one in structs, as Spark's parser takes them."""
    return ".".join(map(quoted, names))


def column(*names: str) -> Column:
    """The column of a name; with more names the field of a field of it."""
    return F.col(dotted(*names))
