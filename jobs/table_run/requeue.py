"""Rows that were set aside, treated again: those that pass now are put to the target, and taken out of quarantine."""

from __future__ import annotations

import dataclasses

from pyspark.sql import functions as F

from jobs.columnar.set_aside import MOST_ROWS
from jobs.gates.known import Prepared
from jobs.lake.columns import column
from jobs.table_run import waiting
from jobs.table_run.aside import Aside
from jobs.table_run.selection import Selection
from jobs.table_run.waiting import NUMBER, RUN

REFUSED, ERASED = "lakenym refused", "lakenym erased"


def passing(prepared: Prepared, selection: Selection, aside: Aside) -> Prepared:
    """The run with the rows that no technique refuses any more, of all that stand in quarantine; ``aside`` says then
    which these are, and those of the erased. Raises `Refused` where they cannot be opened."""
    rows = waiting.opened(prepared, selection, aside)
    refusal = selection.refusal(MOST_ROWS)
    refused = F.lit(False) if refusal is None else refusal.isNotNull()
    erased = F.lit(False) if prepared.kept_out is None else prepared.kept_out.is_of_erased()
    told = rows.select(column(RUN), column(NUMBER), refused.alias(REFUSED), erased.alias(ERASED)).collect()
    pass_now = [(row[0], row[1]) for row in told if not row[2] or row[3]]
    waiting.take_out(aside, [(row[0], row[1]) for row in told], pass_now)
    source = dataclasses.replace(prepared.source, rows=rows.where(~refused), count=sum(not row[2] for row in told))
    return dataclasses.replace(prepared, source=source)
