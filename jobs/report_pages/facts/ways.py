"""The lineage of a table as it is drawn: by the plan where the source can be looked at, else by the record alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pyspark.sql import SparkSession

from jobs.configuration.config import Config
from jobs.configuration.models import TableConfig
from jobs.lake import read
from jobs.lineage import edges, references
from jobs.processing_records.article_30 import place_of
from jobs.report_pages.facts.plain import Missing
from jobs.report_pages.facts.table_facts import Column, Lineage, Way
from jobs.run_events.run_steps import Edge
from jobs.spark_app import failures
from jobs.treatment import predicates, treatment_plan
from jobs.treatment.treatment_plan import Plan
from privacy_udfs.errors import LakenymError

BY_RECORD = "by the record of the table alone: the source could not be looked at, so what else decides is not drawn"
CHANGED = "the configuration has changed since: columns are drawn by the record, what else decides by the configuration"
KEPT, TREATED, DROPPED, DECIDES = "kept", "treated", "dropped", "decides"


def of_table(
    spark: SparkSession, conf: Config, entry: TableConfig, columns: Sequence[Column], is_current: bool
) -> Lineage | Missing:
    if not columns:
        return Missing("the table says nothing of its columns", f"python jobs/pseudonymize.py --table {entry.name}")
    own = [way for column in columns for way in _of_column(column)]
    try:
        told = failures.translated(entry.name, lambda: list(_deciding(spark, conf, _plan(spark, conf, entry), entry)))
        note = "" if is_current else CHANGED
    except LakenymError:
        told, note = [], BY_RECORD
    classes = {column.path: column.class_ or "" for column in columns}
    return Lineage(entry.source.describe(), place_of(entry), (*own, *told), classes, note)


def _of_column(column: Column) -> Iterator[Way]:
    """From itself, by all that may be done to it."""
    if not column.treatments:
        yield Way(column.path, column.path, KEPT, "undecided")
        return
    step = " or ".join(dict.fromkeys(each.technique for each in column.treatments))
    protects = all(each.protects for each in column.treatments)
    if column.type_ is None:
        yield Way(column.path, None, DROPPED, step, protects)
        return
    raw = all(each.is_raw for each in column.treatments)
    yield Way(column.path, column.path, KEPT if raw else TREATED, step, protects)


def _plan(spark: SparkSession, conf: Config, entry: TableConfig) -> Plan:
    """Versions of keys decide no edge, so no key is opened."""
    source = predicates.minimized(read.rows_of(spark, entry.source), entry)
    return treatment_plan.build(entry, source.rows.schema, dict.fromkeys(conf.keys, 0), source.names_from_data)


def _deciding(spark: SparkSession, conf: Config, plan: Plan, entry: TableConfig) -> Iterator[Way]:
    """What of other columns has a say in a column, or in which rows there are."""
    for edge in edges.of_plan(plan, entry.mode, references.of_schema(spark, plan.schema), conf.tables):
        if not edge.direct and (edge.table or edge.input != edge.output):
            yield _way(edge)


def _way(edge: Edge) -> Way:
    source = f"{edge.table}: {edge.input}" if edge.table else edge.input
    return Way(source, edge.output, DECIDES, edge.description, edge.masking)
