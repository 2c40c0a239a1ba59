"""A run as deterministic steps: equal inputs give equal steps, whoever runs it, whenever, on however many cores.

The converse does not hold: of a predicate the steps hold the columns alone, so two runs that differ in its values have
equal steps. That they are two shows the hash of the configuration, which stands in the privacy record beside.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.metadata import version
from typing import Any

from pyspark.sql import SparkSession

from jobs.configuration.column_path import ColumnPath
from jobs.configuration.documents import canonical_json
from jobs.configuration.models import Source, TableConfig
from jobs.lake.read import SourceRows
from jobs.lake.record_names import CONFIG, POLICY, RECORD, SOFTWARE
from jobs.lake.state import TargetState
from jobs.lineage import edges, fields, places, references
from jobs.record import told_elsewhere
from jobs.record.column_record import ColumnRecord
from jobs.record.told_elsewhere import sha256
from jobs.run_events.run_steps import Place, RunSteps, Step
from jobs.treatment import risk_columns
from jobs.treatment.treatment_plan import Plan

Entries = Mapping[ColumnPath, ColumnRecord]


def of_run(
    spark: SparkSession,
    plan: Plan,
    source: SourceRows,
    target: TargetState,
    mode: str,
    entries: Entries,
    record: Mapping[str, str],
    tables: edges.Tables,
    others: Mapping[str, SourceRows],
) -> RunSteps:
    """The steps of a run that is about to write. entries, record: of its treatment record. tables: of the catalog.
    others: by table the sources in which values are looked up that are looked for in texts."""
    looked_at = references.of_schema(spark, plan.schema)
    beside = {name: rows for name, rows in others.items() if name != plan.table}
    aside = plan.config.quarantine
    return RunSteps(
        source=_source(spark, plan, source),
        target=_target(spark, plan),
        mode=mode,
        steps=(
            Step("read", version("lakenym"), {**_read(plan.config.source, source), "mode": mode}),
            *_looked_up(plan, tables, others),
            *_steps(plan, mode, entries, looked_at),
        ),
        edges=edges.of_plan(plan, mode, looked_at, tables),
        record=sha256(record[RECORD]),
        config=record[CONFIG],
        policy=record[POLICY],
        software=record[SOFTWARE],
        is_stream=plan.config.mode == "stream",
        is_new=target.version < 0,
        others={name: _other(spark, tables[name].source, rows) for name, rows in beside.items()},
        aside=None if aside is None else places.of(spark, aside),
        sealed=() if aside is None or mode == "requeue" else edges.sealed(plan),
    )


def _other(spark: SparkSession, stated: Source, rows: SourceRows) -> Place:
    """Without its columns: a run looks at few of them, and says nothing of the others."""
    return places.of(spark, stated, stated.format, version=_version(rows))


def _source(spark: SparkSession, plan: Plan, source: SourceRows) -> Place:
    columns = fields.of_leaves((leaf.path, leaf.input) for leaf in plan.leaves)
    stated = plan.config.source
    return places.of(spark, stated, stated.format, fields=columns, version=_version(source))


def _version(source: SourceRows) -> str | None:
    return None if source.version is None else str(source.version)


def _target(spark: SparkSession, plan: Plan) -> Place:
    kept = ((leaf.path, leaf.output) for leaf in plan.leaves if leaf.output is not None)
    return places.of(spark, plan.config.target, fields=fields.of_leaves(kept))


def _steps(plan: Plan, mode: str, entries: Entries, looked_at: references.References) -> Iterator[Step]:
    ours, config = version("lakenym"), plan.config
    if config.rows is not None:
        yield Step("filter", ours, inputs=looked_at(config.rows))
    for leaf in plan.leaves:
        for case in leaf.cases:
            subject = [] if config.subject is None or not case.treatment.technique.needs_subject else [config.subject]
            beside = case.treatment.technique.beside()
            decides = () if case.rule.rows is None else looked_at(case.rule.rows)
            inputs = tuple(dict.fromkeys([str(leaf.path), *map(str, subject), *beside, *decides]))
            outputs = () if leaf.output is None else (str(leaf.path),)
            yield Step(case.name, ours, told_elsewhere.parameters(entries[case.path]), inputs, outputs)
    if config.mondrian is not None:
        decide = tuple(map(str, edges.cut_by(plan)))
        cut = tuple(map(str, risk_columns.of(plan).quasi_identifiers))
        yield Step("mondrian", ours, _boxes(config), decide, cut)
    if config.suppress is not None:
        most = {"k": config.suppress.k, "at_most": config.suppress.at_most}
        yield Step("suppress", ours, most, tuple(edges.suppressed_by(plan)))
    yield Step("write", ours, {"format": "delta", "mode": mode, "shuffled": config.is_shuffled})


def _read(stated: Source, rows: SourceRows) -> dict[str, Any]:
    position = None if rows.position is None else sha256(canonical_json(rows.position.as_json()))
    read = {"format": stated.kind, "version": rows.version, "position": position}
    return {name: value for name, value in read.items() if value is not None}


def _looked_up(plan: Plan, tables: edges.Tables, others: Mapping[str, SourceRows]) -> Iterator[Step]:
    """What else is read: columns of the catalog whose values are looked for in texts."""
    found = dict.fromkeys(
        place for case in plan.cases for place in edges.looked_for(case.treatment.technique, tables)
    )  # fmt: skip
    for name in sorted(others):
        columns = sorted(str(place) for place in found if place.table == name)
        yield Step("look_up", version("lakenym"), _read(tables[name].source, others[name]), tuple(columns))


def _boxes(config: TableConfig) -> Mapping[str, Any]:
    """What boxes reach and by which ladders; those that are files by their SHA-256."""
    assert config.mondrian is not None
    told = {str(ColumnPath.parse(name)): text for name, text in config.mondrian.ladders.items()}
    hashed = {path: {"sha256": sha256(canonical_json(rows))} for path, rows in config.ladders.items()}
    return {**config.mondrian.bounds(), **({"ladders": told | hashed} if told else {})}
