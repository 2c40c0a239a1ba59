"""Rows of a sealed bridge: made of the sources while they are there, and carried on to the next version of the key."""

from __future__ import annotations

import contextlib
import datetime
import functools
import uuid
from collections.abc import Callable, Iterable, Iterator

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from jobs.audit_log import log as audit_log
from jobs.audit_log.leaves import Leaf, now
from jobs.audit_log.log import Log
from jobs.configuration.column_path import ColumnPath
from jobs.configuration.config import Config
from jobs.configuration.finding import refused
from jobs.configuration.rotation_entry import Bridge
from jobs.console.exit_codes import BadUsage, Refused
from jobs.gates.known import Planned
from jobs.lake import lists_of_runs, vault_table
from jobs.lake.columns import column
from jobs.lake.history import ROTATION
from jobs.lake.vault_table import CREATED, KEY_ID, ROW_KEY, SCHEMA, SEALED_VALUE, Vault
from jobs.policy import policy_approval
from jobs.record.record_reader import columns_of
from jobs.reversal import reversal_keys
from jobs.rotation import bridged, trail
from jobs.rotation.bridged import Turn
from jobs.rotation.scope import Held, Scope, Table
from jobs.spark_app import failures, session
from jobs.table_run import kept_out, of_run, planned
from jobs.table_run.kept_out import KeptOut
from privacy_udfs import wording
from privacy_udfs.bridging import SEAL, BridgeRows, of_canonical
from privacy_udfs.errors import KeyProblem
from privacy_udfs.kernels.text import canonical
from privacy_udfs.keys import AnyReference
from privacy_udfs.reencryption import AFTER, BEFORE
from privacy_udfs.technique import Technique, narrow, plain

BEGUN, BUILT = "bridge begun", "bridge built"
TOLD = f"{ROW_KEY} binary, {SEALED_VALUE} binary"
Batches = Iterable[pa.RecordBatch]
Made = Callable[[Batches], Iterator[pa.RecordBatch]]
"""Batches of one column, or of a bridge's rows, to row keys and sealed values."""


def built(spark: SparkSession, conf: Config, found: Scope, domain: str) -> int:
    """Put into the bridge of a domain what it lacks of the values of all sources, each under the pseudonym that its
    treated table has; returns how many rows it has then. Raises `Refused`, `KeyProblem`, `SourceProblem`."""
    bridge = of(conf, found, domain)
    columns = list(_columns(conf, found, domain))
    if not columns:
        raise BadUsage(f"no treated table has a column of domain {domain} that a bridge could serve")
    log, run_id = audit_log.opened(spark, conf), str(uuid.uuid4())
    body = {"key": found.key, "domain": domain, "bridge": bridge.id, "location": bridge.table.place}
    looks = list[KeptOut]()
    with contextlib.ExitStack() as stack:
        turns = [_turn(conf, found, *each) for each in columns]
        each_turn = zip(columns, turns, strict=True)
        frames = [_of_source(spark, conf, *each, turn, looks, stack) for each, turn in each_turn]
        if log is not None:
            told = [log.leaf(trail.KIND, now(), run_id=run_id, outcome=BEGUN, body=body), *_uses(log, run_id, turns)]
            _told(log, "nothing was put there", told)
        vault = _added(spark, bridge, lambda vault: functools.reduce(DataFrame.unionAll, frames), looks)
    rows = vault.all_rows().count()
    if log is not None:
        leaf = log.leaf(trail.KIND, now(), run_id=run_id, outcome=BUILT, body={**body, "version": vault.version})
        _told(log, "the bridge is filled all the same", [leaf])
    return rows


def _told(log: Log, otherwise: str, leaves: list[Leaf]) -> None:
    """Raises `LogProblem`."""
    of_run.told(f"the audit log cannot be written, and {otherwise}", lambda: log.append(lambda state: leaves))


def _uses(log: Log, run_id: str, turns: Iterable[Turn]) -> list[Leaf]:
    """Of mode ``rotation``: they count under no limit."""
    uses = sorted({(key.name, key.key_id, key.technique.technique, key.domain) for turn in turns
                   for key in (turn.before, turn.seal)})  # fmt: skip
    return [
        log.leaf(
            "key_use",
            now(),
            run_id=run_id,
            outcome="used",
            body={"key": name, "mode": ROTATION, "key_id": id, "for": [[technique, domain]]},
        )
        for name, id, technique, domain in uses
    ]


def of(conf: Config, found: Scope, domain: str) -> Bridge:
    """The bridge of a domain. Raises `BadUsage` where the policy states none, `Refused` where it has something against
    a key."""
    bridge = bridged.of_domain(conf, domain)
    if bridge is None:
        raise BadUsage(f"policy.yaml states no bridge of domain {domain}: rotation: bridge (docs/rotation.md)")
    check_keys(conf, found, [bridge])
    return bridge


def check_keys(conf: Config, found: Scope, bridges: Iterable[Bridge]) -> None:
    """Raise `Refused` where the policy has something against a key."""
    day = datetime.datetime.now(datetime.timezone.utc).date()
    names = dict.fromkeys([found.key, *(each.key for each in bridges)])
    against = [str(each) for name in names for each in refused(policy_approval.of_key(conf, name, day))]
    if against:
        raise Refused("\n".join(against))


def _columns(conf: Config, found: Scope, domain: str) -> Iterator[tuple[Table, Held]]:
    for table in found.tables:
        entries = columns_of(table.stands.properties)
        for held in table.columns:
            if held.domain == domain and bridged.why_not(conf, ColumnPath.parse(held.path), entries[held.path]) is None:
                yield table, held


def _turn(conf: Config, found: Scope, table: Table, held: Held) -> Turn:
    entry = columns_of(table.stands.properties)[held.path]
    return bridged.turn(conf, ColumnPath.parse(held.path), entry, found.keyset, 0)


def _of_source(
    spark: SparkSession,
    conf: Config,
    table: Table,
    held: Held,
    turn: Turn,
    looks: list[KeptOut],
    stack: contextlib.ExitStack,
) -> DataFrame:
    """looks: takes the list of the erased as it is now. stack: on which keys are delivered until the rows are there."""
    own, path = session.for_run(spark), ColumnPath.parse(held.path)
    _check_list(conf, table)
    known = failures.translated(table.name, lambda: planned.planned(own, conf, table.name))
    # the values' own column goes into the tasks that seal it, and nothing else of the row
    values = _left(own, conf, known, looks, stack).select(column(*path.names))
    keys = stack.enter_context(reversal_keys.delivered(spark, conf, turn.keys))
    make = functools.partial(_sealed, wording.mark(), turn.technique, keys[BEFORE], keys[SEAL], turn.bridge.id)
    return values.mapInArrow(make, TOLD).withColumn(KEY_ID, F.lit(int(turn.before.key_id)))


def _check_list(conf: Config, table: Table) -> None:
    """Raise `Refused` where the list of the erased is another one than the table's last run had."""
    stated = conf.policy.erasure
    lost = None if stated is None or stated.list is None else lists_of_runs.lost(table.stands.history, stated)
    if lost is not None:
        raise Refused(f"{table.name}: {lost}, and would come into the bridge: name that list, or run the table first")


def _left(
    spark: SparkSession, conf: Config, known: Planned, looks: list[KeptOut], stack: contextlib.ExitStack
) -> DataFrame:
    """The rows of the source without those of whoever stands on the list of the erased."""
    noted = kept_out.noted(spark, conf, known.plan)
    if noted is None:
        return known.source.rows
    looks.append(noted)
    found = stack.enter_context(kept_out.opened(conf, known.plan, noted))
    return found.cleaned(known.source.rows.where(~found.is_of_erased()))


def _sealed(
    mark: str, technique: Technique, key: AnyReference, seal: AnyReference, bridge: str, batches: Batches
) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        own, rows = key.resolve(), BridgeRows(seal.resolve().material, bridge)
        for batch in batches:
            values = narrow(plain(batch.column(0))).unique()
            values = technique.prepared(values).drop_null()
            pseudonyms = technique.treat(values, own, None).values if len(values) else values
            there = pseudonyms.is_valid()  # what is refused has none
            if len(values) and pseudonyms.null_count < len(values):
                known = canonical(values, getattr(technique, "normalize", ())).filter(there)
                yield _rows(rows, pseudonyms.filter(there), known)


def _rows(rows: BridgeRows, pseudonyms: pa.Array, values: pa.BinaryArray) -> pa.RecordBatch:
    row_keys = rows.row_keys(pseudonyms)
    return pa.record_batch([row_keys, rows.sealed(row_keys, values)], [ROW_KEY, SEALED_VALUE])


def carried_on(spark: SparkSession, conf: Config, turns: Iterable[Turn]) -> None:
    """Put into bridges, of each value, the row of the pseudonym that it has under the version in force: so the rotation
    after this one has a bridge too."""
    for turn in {(each.bridge.id, each.before.key_id): each for each in turns}.values():
        with reversal_keys.delivered(spark, conf, turn.keys) as keys:
            work = functools.partial(_carried, wording.mark(), turn.technique, keys[AFTER], keys[SEAL], turn.bridge.id)
            _added(spark, turn.bridge, functools.partial(_of_older, turn, work))


def _of_older(turn: Turn, work: Made, vault: Vault) -> DataFrame:
    older = vault.all_rows().where(F.col(KEY_ID) == turn.before.key_id).select(ROW_KEY, SEALED_VALUE)
    return older.mapInArrow(work, TOLD).withColumn(KEY_ID, F.lit(int(turn.after.key_id)))


def _carried(
    mark: str, technique: Technique, key: AnyReference, seal: AnyReference, bridge: str, batches: Batches
) -> Iterator[pa.RecordBatch]:
    with wording.marked_errors(mark):
        own, rows, bare = key.resolve(), BridgeRows(seal.resolve().material, bridge), of_canonical(technique)
        for batch in batches:
            if not batch.num_rows:
                continue
            values = rows.opened(narrow(plain(batch.column(0))), narrow(plain(batch.column(1))))
            if values is None:
                raise KeyProblem(
                    "rows of the bridge do not open: its key has another version in force, or it is another"
                )
            yield _rows(rows, bare.treat(values, own, None).values, values)


def _added(
    spark: SparkSession, bridge: Bridge, made: Callable[[Vault], DataFrame], looks: Iterable[KeptOut] = ()
) -> Vault:
    """made: rows of the bridge as it is when they are added: what an erasure took out of it meanwhile is not made again
    of what was there before. looks: the list of the erased, looked at again right before the commit, and after it.
    Raises `CommitConflict` and `RunFailed` where somebody was erased meanwhile."""
    begun = list[int]()

    def missing(vault: Vault) -> DataFrame:
        begun.append(vault.version)
        lacking = made(vault).dropDuplicates([ROW_KEY]).join(vault.rows().select(ROW_KEY), ROW_KEY, "left_anti")
        stated = {ROW_KEY: F.col(ROW_KEY), SEALED_VALUE: F.col(SEALED_VALUE), KEY_ID: F.col(KEY_ID).cast("bigint")}
        stated[CREATED] = F.lit(vault.moment).cast("timestamp")
        return lacking.select(*(stated.get(f.name, F.lit(None).cast(f.dataType)).alias(f.name) for f in SCHEMA.fields))

    def still() -> None:
        for each in looks:
            each.check_still()

    vault = vault_table.add(spark, bridge.table, missing, still)
    if vault.version not in begun:  # else nothing was lacking, and nothing committed
        for each in looks:
            each.check_after(vault.version)
    return vault
