"""Why a table cannot be read or written."""

from __future__ import annotations

from typing import ClassVar

from pyspark.sql import Column
from pyspark.sql import functions as F

from privacy_udfs import wording
from privacy_udfs.errors import REFUSED, LakenymError


class SourceProblem(LakenymError):
    """The source cannot be read as the catalog says."""

    exit_code: ClassVar[int] = REFUSED


HEALS = "run it once with --mode full"
"""What a run that cannot go on from where the last one stopped tells to do."""


class CannotGrow(SourceProblem):
    """What the source gained since the last run cannot be told, or not be put to the target; all of it anew can be."""


class CommitConflict(LakenymError):
    """Another run or program changed the target since this one looked at it; this run committed nothing."""

    exit_code: ClassVar[int] = REFUSED


class PassedOver(LakenymError):
    """Delta took the commit of this run for one that was made already, and left it out; this run committed nothing."""

    exit_code: ClassVar[int] = REFUSED


class AnswerLost(LakenymError):
    """The store was asked for the commit of this run and gave an error: nobody knows whether the commit was made."""


class Overwritten(LakenymError):
    """This run committed, and replaced what others had committed since it looked; seen only afterwards."""


def stopped(why: Column) -> Column:
    """True where ``why`` is null; elsewhere it stops the run with that text, which must hold no value of a table.

    Spark cannot know that the second part is true of every row, and moves no part of this filter before what it is on:
    else parsers would be run once for the filter and once for the rows, and predicates about rows before the filter.
    """
    fine = F.when(why.isNotNull(), raised(why).cast("boolean")).otherwise(F.lit(True))
    return fine & counted(0)


def file_shown(path: Column) -> Column:
    """As `wording.file_shown`."""
    return F.regexp_replace(path, wording.FOLDER, "=.../")


def raised(why: Column) -> Column:
    """Stops the run where it is evaluated, with our own words (`privacy_udfs.wording`), which hold no value."""
    before, after = wording.marked(wording.mark(), SourceProblem.__name__, "\0").split("\0")
    return F.raise_error(F.concat(F.lit(before), why, F.lit(after)))


def counted(least: int) -> Column:
    """Whether a number that each row gets, from 0 upwards, is at least so much; Spark cannot tell it before it runs."""
    return F.monotonically_increasing_id() >= least
