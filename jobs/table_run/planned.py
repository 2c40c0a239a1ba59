"""The one way from a configuration to a run: source, keys and plan, then the target. Nothing is written.

What cannot go on stops here by itself, whoever asks: a source that cannot be read, a predicate that cannot be used, a
key that settings give away or that does not open, a column nobody decided about, a target that is no place to write to.
What it comes to is for the gates to judge (`jobs.gates.run_gates`).
"""

from __future__ import annotations

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.gates import run_gates
from jobs.gates.known import NOTHING, Allowed, Inspected, Planned, Prepared, Readable, today
from jobs.lake import places, read, state
from jobs.named_keys import key_ring
from jobs.run_events import events
from jobs.run_events.events import Report
from jobs.treatment import predicates, treatment_plan


def planned(spark: SparkSession, conf: Config, table: str, allowed: Allowed = NOTHING) -> Planned:
    """Plan one table against its source, under the keys in force. Reads schemas and keysets, no rows."""
    entry = conf.tables[table]
    source = predicates.minimized(read.rows_of(spark, entry.source), entry)
    known = Readable(conf, table, today(), spark, source)
    run_gates.pass_all(known, events.silent, run_gates.BEFORE_KEYS)
    keys = key_ring.open_for(conf, entry)
    plan = treatment_plan.build(entry, source.rows.schema, keys.ids, source.names_from_data)
    return Planned(**vars(known), keys=keys, plan=plan, allowed=allowed)


def inspected(known: Planned) -> Inspected:
    """Look at the target too, which must be apart from the source."""
    target = state.inspect(known.spark, known.entry.target)
    if target.location is not None:
        places.check_apart(known.spark, known.source.rows, target.location, target.name)
    return Inspected(**vars(known), target=target)


def prepared(
    spark: SparkSession, conf: Config, table: str, allowed: Allowed = NOTHING, report: Report = events.silent
) -> Prepared:
    """Plan a table against its source, open its keys, look at its target, ask every gate. Raises where one refuses."""
    known = inspected(planned(spark, conf, table, allowed))
    run_gates.pass_all(known, report)
    return Prepared(**vars(known))
