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
from jobs.configuration.models import Source, TableConfig, Target
from jobs.lake.read import SourceRows
from jobs.lake.record_names import CONFIG, POLICY, RECORD, SOFTWARE
from jobs.lake.state import TargetState
from jobs.lineage import edges, fields, naming, references
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
) -> RunSteps:
    """The steps of a run that is about to write. entries, record: of its treatment record."""
    looked_at = references.of_schema(spark, plan.schema)
    setting = _settings(spark)
    return RunSteps(
        source=_source(plan, source, setting),
        target=_target(plan, setting),
        mode=mode,
        steps=tuple(_steps(plan, source, mode, entries, looked_at)),
        edges=edges.of_plan(plan, mode, looked_at),
        record=sha256(record[RECORD]),
        config=record[CONFIG],
        policy=record[POLICY],
        software=record[SOFTWARE],
        is_stream=plan.config.mode == "stream",
        is_new=target.version < 0,
    )


def of_entry(spark: SparkSession | None, source: Source, target: Target) -> tuple[Place, Place]:
    """Where an entry reads and writes, with no more than it says."""
    setting = _settings(spark)
    return _place(source, setting, source.format), _place(target, setting, "delta")


def _settings(spark: SparkSession | None) -> naming.Setting:
    return lambda name: None if spark is None else spark.conf.get(name, None)


def _place(place: Source | Target, setting: naming.Setting, format_: str | None, **more: Any) -> Place:
    named = naming.of_path(place.path) if place.path is not None else naming.of_table(str(place.table), setting)
    return Place(named.namespace, named.name, named.uri, format=format_, **more)


def _source(plan: Plan, source: SourceRows, setting: naming.Setting) -> Place:
    columns = fields.of_leaves((leaf.path, leaf.input) for leaf in plan.leaves)
    known = None if source.version is None else str(source.version)
    return _place(plan.config.source, setting, plan.config.source.format, fields=columns, version=known)


def _target(plan: Plan, setting: naming.Setting) -> Place:
    kept = ((leaf.path, leaf.output) for leaf in plan.leaves if leaf.output is not None)
    return _place(plan.config.target, setting, "delta", fields=fields.of_leaves(kept))


def _steps(
    plan: Plan, source: SourceRows, mode: str, entries: Entries, looked_at: references.References
) -> Iterator[Step]:
    ours, config = version("lakenym"), plan.config
    position = None if source.position is None else sha256(canonical_json(source.position.as_json()))
    read = {"format": config.source.kind, "version": source.version, "position": position, "mode": mode}
    yield Step("read", ours, {name: value for name, value in read.items() if value is not None})
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
        yield Step("suppress", ours, {"k": config.suppress.k, "at_most": config.suppress.at_most})
    yield Step("write", ours, {"format": "delta", "mode": mode, "shuffled": config.is_shuffled})


def _boxes(config: TableConfig) -> Mapping[str, Any]:
    """What boxes reach and by which ladders; those that are files by their SHA-256."""
    assert config.mondrian is not None
    told = {str(ColumnPath.parse(name)): text for name, text in config.mondrian.ladders.items()}
    hashed = {path: {"sha256": sha256(canonical_json(rows))} for path, rows in config.ladders.items()}
    return {**config.mondrian.bounds(), **({"ladders": told | hashed} if told else {})}
