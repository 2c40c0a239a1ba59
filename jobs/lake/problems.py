"""Why a table cannot be read or written."""

from __future__ import annotations

import secrets

from pyspark.sql import Column
from pyspark.sql import functions as F

from privacy_udfs.errors import LakenymError

MARK = f"lakenym-{secrets.token_hex(16)}:"
"""Around our own words in what Spark says was raised. New in each process, so that no value can imitate it."""


class SourceProblem(LakenymError):
    """The source cannot be read as the catalog says."""


class CommitConflict(LakenymError):
    """Another run changed the target since this one looked at it; this run wrote nothing."""


def stopped(why: Column) -> Column:
    """True where ``why`` is null; elsewhere it stops the run with that text, which must hold no value of a table.

    Spark cannot know that the second part is true of every row, and moves no part of this filter before what it is on:
    else parsers would be run once for the filter and once for the rows, and predicates about rows before the filter.
    """
    raised = F.raise_error(F.concat(F.lit(MARK), why, F.lit(MARK)))
    fine = F.when(why.isNotNull(), raised.cast("boolean")).otherwise(F.lit(True))
    return fine & counted(0)


def counted(least: int) -> Column:
    """Whether a number that each row gets, from 0 upwards, is at least so much; Spark cannot tell it before it runs."""
    return F.monotonically_increasing_id() >= least
