"""What an erasure says of tables whose last run had another list of the erased than it writes to."""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.lake import lists_of_runs, state
from jobs.run_events.events import Report, Warned
from jobs.subjects.search import Search

AGAIN = "erase them again too, or name that list"


def warned(spark: SparkSession, conf: Config, search: Search, report: Report) -> None:
    """Whoever is asked for goes on the list of now; of those who stood on the other one nobody knows who they are."""
    if conf.policy.erasure is None:
        return
    for name in sorted({each.treated.name for each in search.held.tables}):
        lost = lists_of_runs.lost(state.inspect(spark, conf.tables[name].target).history, conf.policy.erasure)
        if lost is not None:
            report(Warned(name, f"{lost}: {AGAIN}"))
