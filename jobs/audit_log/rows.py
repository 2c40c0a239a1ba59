"""The rows of a log held against each other: every leaf where it belongs, and beside it what follows from it."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from jobs.audit_log import merkle
from jobs.audit_log.findings import Finding, wrong
from jobs.audit_log.leaves import ENDS, Leaf, MalformedLeaf
from jobs.audit_log.merkle import Hash
from jobs.audit_log.state import State
from jobs.lake.audit_table import INDEX, LEAF, STATE

MOST = 20
"""Findings of one kind that are told; a log that was changed early differs in all that follows."""


@dataclasses.dataclass
class Walked:
    """What a walk over all rows found. hashes: of the leaves in order, as far as there is no hole. state: after them.
    newest: of each target the commit of its highest version that is told. anew: see `keep_newest`. due: the size of the
    last checkpoint that the log says is to be there, 0 for none; due_kind: of that row. runs: all that are told.
    unknown: those of which nobody knows how they ended, and their tables."""

    hashes: list[Hash] = dataclasses.field(default_factory=list)
    state: State = dataclasses.field(default_factory=State)
    newest: dict[str, Leaf] = dataclasses.field(default_factory=dict)
    anew: set[str] = dataclasses.field(default_factory=set)
    due: int = 0
    due_kind: str = ""
    runs: set[str] = dataclasses.field(default_factory=set)
    unknown: dict[str, str] = dataclasses.field(default_factory=dict)
    findings: list[Finding] = dataclasses.field(default_factory=list)


def walked(rows: Iterable[Mapping[str, Any]], latest: str | None = None) -> Walked:
    """rows: in the order of their index. latest: the time after which none can have been told; None: whenever."""
    found = Walked()
    differs = False  # of states: once one differs, all later ones do
    for row in rows:
        expected, index = found.state.size, row[INDEX]
        if index != expected:
            found.findings.append(wrong(f"row {index}", _misplaced(index, expected)))
            if index is None or index < expected:
                continue
            return found  # of what follows a hole nothing can be said
        try:
            leaf = Leaf.parse(str(row[LEAF]))
            told = [*_beside(row, leaf), *unlike_a_commit(leaf), *unlike_a_use(leaf), *_of_another_time(leaf, latest)]
            after = found.state.after(str(row[LEAF]))
            state = after.text()
            leaf.text().encode(), state.encode()  # half a character is in no text
        except (MalformedLeaf, UnicodeError, RecursionError):
            found.findings.append(wrong(f"row {index}", "its leaf is none; nothing can be said of those after it"))
            return found
        found.hashes.append(merkle.leaf_hash(str(row[LEAF]).encode()))
        found.state = after
        if row[STATE] != state and not differs:
            differs = True
            told.append("the leaves up to it are not those that it was added to: one of them, or it, was changed")
        if len(found.findings) < MOST:
            found.findings += [wrong(f"row {index}", each) for each in told]
        _keep(found, leaf, expected)
    return found


def _misplaced(index: Any, expected: int) -> str:
    if index is None or index < expected:
        return "there is another row of this index"
    return f"row {expected} is missing" + (f", and all up to {index - 1}" if index - 1 > expected else "")


def _beside(row: Mapping[str, Any], leaf: Leaf) -> Iterator[str]:
    """What of a row's other columns is not as its leaf says."""
    if leaf.text() != row[LEAF]:
        yield "its leaf is not in the one spelling that it can have"
    for name, value in leaf.derived.items():
        if row[name] != value:
            yield f"the column {name} does not say what the leaf says"


def unlike_a_commit(leaf: Leaf) -> Iterator[str]:
    """What keeps a commit from being held against its target: no run writes such a leaf."""
    body = leaf.body
    if leaf.kind != "run_committed" or "location" not in body:
        return
    if not isinstance(body["location"], str):
        yield "it tells of a commit, and not where"
    if type(body.get("version")) is not int:
        yield "it tells of a commit, and not of which version"
    sums = [body.get(name, {}) for name in ("files", "added")]
    if not all(isinstance(each, Mapping) for each in sums) or ("files" in body and not _is_sum(body["files"])):
        yield "it tells of a commit, and its sums of files are none"


def unlike_a_use(leaf: Leaf) -> Iterator[str]:
    """What keeps what was treated under a key from being counted: no run writes such a leaf."""
    if leaf.kind not in ("key_use", "key_rows") or (leaf.kind == "key_use" and not leaf.body):
        return
    key, key_id, rows = (leaf.body.get(name) for name in ("key", "key_id", "rows"))
    if not isinstance(key, str) or type(key_id) is not int or not isinstance(leaf.body.get("for", []), list):
        yield "it tells of a use, and not of which key, or for what"
    if type(rows) is not int and (rows is not None or leaf.kind == "key_rows"):
        yield "it tells of a use, and its number of rows is none"
    elif rows is not None and rows < 0:
        yield "it tells of a use, and its number of rows is below none"


def _is_sum(files: Mapping[str, Any]) -> bool:
    try:
        return bool(bytes.fromhex(files["sha256"]))
    except (KeyError, TypeError, ValueError):
        return False


def _of_another_time(leaf: Leaf, latest: str | None) -> Iterator[str]:
    if latest is not None and leaf.time > latest:
        yield "its time is one to come"


def newest_state(rows: Sequence[Mapping[str, Any]], count: int) -> str | None:
    """The state after all rows, where no commit tells it; None where there is none. rows: the last two. count: of all.
    Raises `MalformedLeaf` where these are not as a run wrote them: then none goes on from there."""
    if not rows:
        return None
    *before, last = rows
    state = State.parse(str(before[0][STATE])) if before else State()
    places = [row[INDEX] for row in rows]
    if places != [*range(count - len(rows), count)] or state.size != count - 1:
        raise MalformedLeaf("there are others, or they are not where they belong")
    if state.after(str(last[LEAF])).text() != last[STATE]:
        raise MalformedLeaf("its state does not follow from it")
    return str(last[STATE])


def _keep(found: Walked, leaf: Leaf, index: int) -> None:
    if leaf.run_id:
        found.runs.add(leaf.run_id)
    if leaf.kind == "run_unknown":
        found.unknown[leaf.run_id] = leaf.table
    elif leaf.kind in ENDS:  # the run itself may say it later
        found.unknown.pop(leaf.run_id, None)
    if leaf.kind == "run_started" or ("location" in leaf.body and not any(unlike_a_commit(leaf))):
        keep_newest(found.newest, found.anew, str(leaf.body.get("location", "")), leaf)
    if leaf.kind == "checkpoint" or leaf.body.get("checkpoint") is True:
        found.due, found.due_kind = index + 1, leaf.kind


def keep_newest(newest: dict[str, Leaf], anew: set[str], name: str, leaf: Leaf) -> None:
    """Keep the commit of the highest version under a name: ends are told in another order than runs commit in. anew:
    tables that a run has found missing since, so that their versions begin again with the next commit."""
    if leaf.kind == "run_started" and leaf.body.get("version") == -1:
        anew.add(leaf.table)
    if leaf.kind != "run_committed":
        return
    before = newest.get(name)
    if before is None or leaf.table in anew or int(leaf.body["version"]) >= int(before.body["version"]):
        newest[name] = leaf
    anew.discard(leaf.table)
