"""The rows of some partitions of the target, chosen out of a source by a predicate over its partition columns."""

from __future__ import annotations

import dataclasses

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from jobs.lake.columns import column
from jobs.lake.sql import quoted

WHOLE = "lakenym row"
KEPT_AS_NULL = ("", "__HIVE_DEFAULT_PARTITION__")
"""Texts that Delta keeps as null in partition columns: the name of the folder for null is read back as one."""


@dataclasses.dataclass(frozen=True)
class Chosen:
    """where: the predicate. columns: those that it names. texts: those of them that are text. out_of: the rows that
    are chosen from."""

    where: str = dataclasses.field(repr=False)
    columns: tuple[str, ...]
    texts: tuple[str, ...]
    out_of: DataFrame

    def among(self, rows: DataFrame) -> DataFrame:
        """Of rows that have the columns those that the predicate is true for. `KEPT_AS_NULL` count as null."""
        if not self.texts:
            return rows.where(self.where)
        as_kept = [_as_kept(column(name)) if name in self.texts else column(name) for name in self.columns]
        named = [each.alias(name) for each, name in zip(as_kept, self.columns, strict=True)]
        return rows.select(F.struct("*").alias(WHOLE), *named).where(self.where).select(f"{quoted(WHOLE)}.*")


def _as_kept(text: Column) -> Column:
    return F.when(~text.isin(*KEPT_AS_NULL), text)
