"""Rows that were set aside, treated again: those that pass now are put to the target, and taken out of quarantine. So
are those of the erased, which go nowhere."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from jobs.columnar.set_aside import MOST_ROWS
from jobs.console.exit_codes import Refused
from jobs.console.shown import shown
from jobs.gates.known import Prepared
from jobs.lake.columns import column
from jobs.table_run import waiting
from jobs.table_run.aside import Aside
from jobs.table_run.kept_out import VALUES_OUT, KeptOut
from jobs.table_run.selection import Selection
from jobs.table_run.waiting import NUMBER, RUN
from jobs.treatment import kept_out
from jobs.treatment.kept_out import Out, Watched

REFUSED, ERASED, PARTS, STUCK = "lakenym refused", "lakenym erased", "lakenym erased parts", "lakenym stuck"
"""A row that is stuck (`KeptOut.is_stuck`) waits on, as one that is refused."""


def passing(prepared: Prepared, selection: Selection, aside: Aside) -> Prepared:
    """The run with the rows that no technique refuses any more, of all that stand in quarantine; ``aside`` says then
    which these are, and those of the erased. Raises `Refused` where they cannot be opened."""
    noted: KeptOut | None = prepared.kept_out
    rows = waiting.opened(prepared, selection, aside)
    if noted is not None:
        _check_answers(prepared, noted, rows, aside)
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


def _check_answers(prepared: Prepared, noted: KeptOut, rows: DataFrame, aside: Aside) -> None:
    """Rows are set aside after values of the erased became null in them, and what predicates said before stands nowhere
    with them. Whoever was taken off the list since counts too. Raises `Refused` where a row may be such a one: it has
    null where a predicate asks, and its run took values out, or the log no longer tells."""
    watched = kept_out.of(prepared.spark, prepared.plan, prepared.conf.domains)
    asked = [each for each in watched if kept_out.held(prepared.spark, prepared.plan, [each])]
    runs = _with_values_out(prepared, noted, asked, aside) if asked else []
    lacks = {each: F.lit(True) if each.path.is_in_json else column(*each.path.names).isNull() for each in asked}
    of_runs = rows.where(column(RUN).isin(runs)) if runs else None
    numbers = [] if of_runs is None else of_runs.agg(*map(F.count_if, lacks.values())).collect()[0]
    lacking = [shown(str(each.path)) for each, number in zip(lacks, numbers, strict=bool(runs)) if number]
    if lacking:
        raise Refused(
            f"{prepared.table}: {', '.join(lacking)}: a predicate of 'when' asks it, and rows in quarantine have null "
            "there by a run that took values of the erased out of the table's rows before it set them aside: nobody "
            "knows what the predicate said of them. Treat all rows anew, with --mode full; runs without --requeue go on"
        )


def _with_values_out(prepared: Prepared, noted: KeptOut, asked: Sequence[Watched], aside: Aside) -> list[str]:
    """Of the runs whose rows wait those that took values of the erased out of rows of others, by their commits. One
    whose commit is in the log no more may have, if the list ever had anybody."""
    told: dict[str, bool] = {}
    for commit in prepared.target.history.commits:
        run = str(commit.run.get("run_id"))
        told[run] = told.get(run, False) or bool(commit.run.get(VALUES_OUT))
    is_known = functools.cache(lambda: bool(noted.at.runs({domain for each in asked for domain in each.domains})))
    return [run for run, rows in aside.before.runs.items() if rows and (told[run] if run in told else is_known())]
