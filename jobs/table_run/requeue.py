"""Rows that were set aside, treated again: those that pass now are put to the target, and taken out of quarantine. So
are those of the erased, which go nowhere."""

from __future__ import annotations

import dataclasses

from pyspark.sql import functions as F

from jobs.columnar.set_aside import MOST_ROWS
from jobs.console.exit_codes import Refused
from jobs.console.shown import shown
from jobs.gates.known import Prepared
from jobs.lake.columns import column
from jobs.table_run import waiting
from jobs.table_run.aside import Aside
from jobs.table_run.kept_out import KeptOut
from jobs.table_run.selection import Selection
from jobs.table_run.waiting import NUMBER, RUN
from jobs.treatment import kept_out
from jobs.treatment.kept_out import Out

REFUSED, ERASED, PARTS, STUCK = "lakenym refused", "lakenym erased", "lakenym erased parts", "lakenym stuck"
"""A row that is stuck (`KeptOut.is_stuck`) waits on, as one that is refused."""


def passing(prepared: Prepared, selection: Selection, aside: Aside) -> Prepared:
    """The run with the rows that no technique refuses any more, of all that stand in quarantine; ``aside`` says then
    which these are, and those of the erased. Raises `Refused` where they cannot be opened."""
    noted: KeptOut | None = prepared.kept_out
    if noted is not None:
        _check_answers(prepared, noted)
    rows = waiting.opened(prepared, selection, aside)
    if noted is None:
        rows = rows.withColumns({ERASED: F.lit(False), PARTS: F.lit(0), STUCK: F.lit(False)})
    else:
        told_of = {ERASED: noted.is_of_erased(), PARTS: noted.number_of_parts(rows), STUCK: noted.is_stuck()}
        rows = noted.cleaned(rows.withColumns(told_of))
    refusal = selection.refusal(MOST_ROWS)
    refused = column(STUCK) if refusal is None else column(STUCK) | refusal.isNotNull()
    numbers = (column(name) for name in (RUN, NUMBER))
    told = rows.select(*numbers, refused.alias(REFUSED), column(ERASED), column(PARTS)).collect()
    taken = [(row[0], row[1]) for row in told if row[ERASED] or not row[REFUSED]]
    waiting.take_out(aside, [(row[0], row[1]) for row in told], taken)
    pass_now = [row for row in told if not (row[ERASED] or row[REFUSED])]
    aside.kept_out = Out(sum(row[ERASED] for row in told), sum(row[PARTS] for row in pass_now))
    left = rows.where(~refused & ~column(ERASED)).drop(ERASED, PARTS, STUCK)
    return dataclasses.replace(prepared, source=dataclasses.replace(prepared.source, rows=left, count=len(pass_now)))


def _check_answers(prepared: Prepared, noted: KeptOut) -> None:
    """Rows are set aside after values of the erased became null in them, and what predicates said before stands nowhere
    with them. Whoever was taken off the list since counts too."""
    watched = kept_out.of(prepared.spark, prepared.plan, prepared.conf.domains)
    asked = [each for each in watched if kept_out.held(prepared.spark, prepared.plan, [each])]
    if asked and noted.at.runs({domain for each in asked for domain in each.domains}):
        raise Refused(
            f"{prepared.table}: {', '.join(shown(str(each.path)) for each in asked)}: a predicate of 'when' asks it, "
            "and values of the erased were taken out of it before rows were set aside, so nobody knows what it said of "
            "them: treat all rows anew, with --mode full"
        )
