"""A rotation carried out: every table marked, each moved in one commit, what was moved proven. Where it stopped is told
by the tables themselves, so a further run goes on from there."""

from __future__ import annotations

import dataclasses
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from pyspark.sql import SparkSession

from jobs.archive import snapshots
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.lake import state
from jobs.lake.record_names import RECORD, ROTATION
from jobs.rotation import (
    bridge_filling,
    bridged,
    foreseen,
    in_place,
    judged,
    layered,
    marks,
    proof,
    remains,
    scope,
    told_before,
    trail,
    turns,
)
from jobs.rotation.scope import Asked, Scope, Table
from jobs.rotation.trail import Trail
from jobs.run_events.events import Report, Warned
from jobs.spark_app import failures, session
from jobs.table_run import audited
from jobs.table_run.execution import execute
from jobs.verification.outcome import Check


@dataclasses.dataclass(frozen=True)
class Moved:
    """A table that is under the version in force. way: how this run moved it; ``moved`` where it was before. checks: by
    which that was proven; empty where the audit log says that it was."""

    table: str
    way: str
    version: int
    rows: int | None = None
    checks: tuple[Check, ...] = ()

    @property
    def is_proven(self) -> bool:
        return not any(check.outcome == "fails" for check in self.checks)


@dataclasses.dataclass(frozen=True)
class Rotated:
    """named_by: old version -> tables that still name it. held_by: in words, what holds old values besides."""

    key: str
    before: tuple[int, ...]
    after: int
    tables: tuple[Moved, ...]
    named_by: Mapping[int, list[str]]
    held_by: tuple[str, ...]

    @property
    def is_proven(self) -> bool:
        return all(table.is_proven for table in self.tables)

    @property
    def has_written(self) -> bool:
        return any(table.way != "moved" for table in self.tables)

    def may_be_disabled(self, version: int) -> bool:
        return self.is_proven and not self.named_by[version]


def rotated(spark: SparkSession, conf: Config, asked: Asked, report: Report) -> Rotated:
    """Raises `Refused` with all reasons before anything is written; what a table raises, once others may be moved."""
    found = scope.found(spark, conf, asked)
    judged.check(spark, conf, found, asked, report)
    told = trail.opened(spark, conf, found, str(uuid.uuid4()), report)
    if found.due:
        told.begun()
    marks.set_all(spark, found)
    _carry_bridges_on(spark, conf, found)
    moved = {table.name: _moved(spark, conf, found, table, asked, told) for table in found.due}
    done = dict(_proven(spark, conf, found, moved, told))
    left = tuple(remains.held_by(spark, conf, found, {name: each.version for name, each in moved.items()}))
    return Rotated(found.key, found.old, found.to, tuple(done.values()), remains.named_by(conf, found), left)


def _carry_bridges_on(spark: SparkSession, conf: Config, found: Scope) -> None:
    due = [table for table in found.due if any(each.by_bridge for each in table.columns)]
    made = [turn for table in due for turn in judged.turns(conf, found, table).values()]
    over = [turn for turn in made if isinstance(turn, bridged.Turn)]
    failures.translated("", lambda: bridge_filling.carried_on(session.for_run(spark), conf, over))


def _moved(spark: SparkSession, conf: Config, found: Scope, table: Table, asked: Asked, told: Trail) -> Moved:
    made = _from_source if table.way == "source" else _from_itself
    try:
        judged.check_in_force(conf, found)
        return made(spark, conf, found, table, asked, told)
    except BaseException:
        names = [each.name for each in found.due]
        left = names[names.index(table.name) + 1 :]
        said = f"the rotation of key {found.key} is under way, and stopped at this table"
        said += f"; not moved yet: {', '.join(left)}; run it again" if left else "; run it again"
        told.report(Warned(table.name, said))
        raise


def _from_source(spark: SparkSession, conf: Config, found: Scope, table: Table, asked: Asked, told: Trail) -> Moved:
    """The ordinary run, with all its gates and its own rows in the audit log."""

    def prepared() -> Any:
        return failures.translated(table.name, lambda: judged.prepared(spark, conf, found, table, asked, told.report))

    one = audited.refusals_told(session.pinned(spark), conf, table.name, told.report, prepared)
    result = failures.translated(table.name, lambda: execute(one.spark, one, told.report))
    told.moved(table, result.run_id, result.version, "source")
    return Moved(table.name, "source", result.version, result.rows)


def _from_itself(spark: SparkSession, conf: Config, found: Scope, table: Table, asked: Asked, told: Trail) -> Moved:
    own, run_id = session.for_run(spark), str(uuid.uuid4())
    stands = failures.translated(table.name, lambda: state.inspect(own, table.entry.target))
    now = dataclasses.replace(table, stands=stands)
    turned = judged.turns(conf, found, _same(table, now))
    run = told.of_run(now, turned, run_id)
    run.started()
    said = {"key": found.key, "from": list(found.old), "to": found.to, "id": told.id}

    def step() -> Any:
        more = _of_layers(own, conf, table, turned, run_id)
        with turns.delivered(own, conf, turned) as changes:
            return in_place.rewritten(
                own,
                stands,
                table.name,
                changes,
                run_id,
                said,
                properties={ROTATION: None, **more},
                shuffled=table.entry.is_shuffled,
                at_last=run.still_told,
            )

    try:
        commit = failures.translated(table.name, step)
    except BaseException as error:
        run.ended_by(error)
        raise
    run.committed(commit)
    way = foreseen.way(found, table)
    told.moved(now, run_id, commit.version, way)
    return Moved(table.name, way, commit.version, commit.rows)


def _of_layers(
    spark: SparkSession, conf: Config, table: Table, turned: Mapping[ColumnPath, turns.Turn], run_id: str
) -> Mapping[str, str | None]:
    """What a table says of its configuration where that has other layers than the one of before."""
    if not any(isinstance(each, layered.Turn) for each in turned.values()):
        return {}
    return layered.properties(conf, table.name, snapshots.store(spark, conf, table.name, run_id))


def _same(before: Table, now: Table) -> Table:
    """Raises `Refused` where the record is no longer the one that was judged."""
    if before.stands.properties.get(RECORD) != now.stands.properties.get(RECORD):
        raise Refused(
            f"{before.name}: another run changed it since it was looked at; nothing was committed: run it again"
        )
    return now


def _proven(
    spark: SparkSession, conf: Config, found: Scope, moved: Mapping[str, Moved], told: Trail
) -> Iterator[tuple[str, Moved]]:
    """Each table as it stands by now, with its proof, unless the audit log has one that still holds."""
    before = told_before.of(told)
    for table in found.tables:
        one = moved.get(table.name) or Moved(table.name, "moved", table.stands.version)
        if one.way == "moved" and before.is_proven(table):
            yield table.name, one
            continue
        version, checks = proof.of(spark, conf, found, table, from_source=_is_from_source(table, one))
        one = dataclasses.replace(one, checks=tuple(checks))
        if one.is_proven:
            if one.way == "moved" and not before.is_moved(table):
                told.moved(table, told.id, version, "told by a later rotation")
            told.proven(table, told.id, version, {check.name: check.outcome for check in checks})
        yield table.name, one


def _is_from_source(table: Table, one: Moved) -> bool:
    """Whether the source is asked too: nothing else proves a column that cannot be turned back."""
    return one.way == "source" or any(each.why_not is not None for each in table.columns)
