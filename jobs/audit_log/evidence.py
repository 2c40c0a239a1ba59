"""What is given to others of a log: proofs, checkpoints, and runs as statements, made of its rows as they stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jobs.audit_log import log as audit_log
from jobs.audit_log import merkle, proofs, statements
from jobs.audit_log.leaves import Leaf, MalformedLeaf, now
from jobs.audit_log.log import Log
from jobs.audit_log.merkle import Hash, NotProven
from jobs.audit_log.rows import keep_newest, unlike_a_commit
from jobs.audit_log.state import State
from jobs.console.exit_codes import Refused
from jobs.lake import audit_table
from jobs.lake.address import Address
from jobs.lake.audit_table import LEAF
from jobs.lake.record_names import RECORD
from jobs.signatures import checkpoints
from jobs.signatures.checkpoints import Checkpoint
from jobs.signatures.keys import PublicKey


def inclusion(log: Log, row: int, trusted: Sequence[PublicKey]) -> dict[str, Any]:
    """The proof that a row is in the log. Raises `Refused`."""
    leaves = _leaves(log)
    hashes = _hashes(leaves)
    note, tree = _newest(log, hashes, trusted)
    if not 0 <= row < tree.size:
        raise Refused(f"the newest checkpoint has no row {row}: it has {tree.size}, sign a new one")
    return proofs.inclusion(leaves[row], row, hashes, tree, note)


def growth(log: Log, earlier_note: str, trusted: Sequence[PublicKey]) -> dict[str, Any]:
    """The proof that the log only grew since a checkpoint. Raises `Refused`."""
    hashes = _hashes(_leaves(log))
    note, tree = _newest(log, hashes, trusted)
    earlier = checkpoints.opened(earlier_note, log.audit.origin, trusted)
    if earlier.size > tree.size or merkle.root_of(hashes[: earlier.size]) != earlier.root:
        raise Refused(f"the log does not begin with the {earlier.size} rows of that checkpoint")
    try:
        return dict(proofs.consistency(earlier, earlier_note, hashes, tree, note))
    except NotProven as error:
        raise Refused(str(error)) from None


def checkpoint(log: Log) -> str:
    """Sign the log as it stands, once it tells that it is. The checkpoint is left in their folder, if there is one."""
    due = log.leaf("checkpoint", now(), outcome="signed", body={"key": str(log.signer().public)})
    state, _ = log.append(lambda state: [due])
    bound = [
        audit_log.of_table(leaf.table, int(leaf.body["version"]), leaf.body["files"]["sha256"])
        for leaf in _newest_commits(log).values()
    ]
    note = log.signed(state, bound)
    if log.audit.checkpoints is not None:
        log.leave(audit_log.name_of(state.size), note)
    return note


def statement(log: Log, row: int) -> str:
    """A run as a signed statement, by its row. Raises `Refused`."""
    found = audit_table.leaf(log.spark, log.address, row)
    if found is None:
        raise Refused(f"the log has no row {row}")
    leaf = _as_written(Leaf.parse(found))
    try:
        return statements.of_run(leaf, row, log.signer(), _record(log, leaf))
    except (KeyError, TypeError, AttributeError):
        raise MalformedLeaf("no run of which there is a statement") from None


def _as_written(leaf: Leaf) -> Leaf:
    """Raises `MalformedLeaf` where it tells of a commit as no run does."""
    if any(unlike_a_commit(leaf)):
        raise MalformedLeaf("no commit")
    return leaf


def _leaves(log: Log) -> list[str]:
    return list(audit_table.leaves(log.spark, log.address))


def _hashes(leaves: Sequence[str]) -> list[Hash]:
    return [merkle.leaf_hash(leaf.encode()) for leaf in leaves]


def _newest(log: Log, hashes: Sequence[Hash], trusted: Sequence[PublicKey]) -> tuple[str, Checkpoint]:
    """The newest checkpoint of the log; where there is no folder of them, one is signed of what stands there."""
    names = log.checkpoint_names()
    note = log.left(names[-1]) if names else log.signed(State(len(hashes), merkle.frontier_of(hashes)))
    tree = checkpoints.opened(note, log.audit.origin, trusted)
    if tree.size > len(hashes) or merkle.root_of(hashes[: tree.size]) != tree.root:
        raise Refused("the newest checkpoint is not one of the rows that are there: see verify")
    return note, tree


def _newest_commits(log: Log) -> dict[str, Leaf]:
    """Of each table that the log tells of the commit of its highest version."""
    found: dict[str, Leaf] = {}
    anew: set[str] = set()
    for row in audit_table.chosen(log.spark, log.address, {"kind": ["run_started", "run_committed"]}):
        leaf = _as_written(Leaf.parse(str(row[LEAF])))
        if leaf.kind == "run_started" or "files" in leaf.body:
            keep_newest(found, anew, leaf.table, leaf)
    return found


def _record(log: Log, leaf: Leaf) -> str | None:
    """The treatment record that the target has now."""
    if "location" not in leaf.body:
        return None
    target = Address(path=str(leaf.body["location"]))
    return target.properties(log.spark).get(RECORD) if target.exists(log.spark) else None
