"""What the audit log says of earlier rotations, as far as that is still true of a table as it stands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from jobs.audit_log.leaves import Leaf
from jobs.lake import audit_table
from jobs.lake.audit_table import LEAF
from jobs.lake.log_commits import Commit
from jobs.lake.record_names import RECORD
from jobs.rotation.scope import Scope, Table
from jobs.rotation.trail import KIND, MOVED, PROVEN, Trail


@dataclasses.dataclass(frozen=True)
class Told:
    """leaves: of rotations of the key, in the order of the log."""

    scope: Scope
    leaves: tuple[Leaf, ...]

    def is_proven(self, table: Table) -> bool:
        """Whether it was proven of the version that is there, or of one after which nobody but runs of this job wrote
        to it, by the same record; and no rotation moved it since."""
        proven = None
        for each in self._of(table):
            if each.outcome == PROVEN and each.body.get("to") == self.scope.to:
                proven = each
            elif each.outcome == MOVED and each.body.get("to") != self.scope.to:
                proven = None
        version = None if proven is None else proven.body.get("version")
        return isinstance(version, int) and _is_as_proven(table, version)

    def is_moved(self, table: Table) -> bool:
        """Whether the last that moved it did so to the version in force."""
        moved = [each for each in self._of(table) if each.outcome == MOVED]
        return bool(moved) and moved[-1].body.get("to") == self.scope.to

    def _of(self, table: Table) -> Iterator[Leaf]:
        for each in self.leaves:
            if (each.table, each.body.get("location")) == (table.name, table.location):
                yield each


def of(trail: Trail) -> Told:
    """Nothing where there is no log."""
    log, scope = trail.log, trail.scope
    if log is None or not log.address.exists(log.spark):
        return Told(scope, ())
    wanted: Mapping[str, Sequence[str]] = {"kind": [KIND], "outcome": [MOVED, PROVEN]}
    found = (Leaf.parse(row[LEAF]) for row in audit_table.chosen(log.spark, log.address, wanted))
    return Told(scope, tuple(each for each in found if each.body.get("key") == scope.key))


def _is_as_proven(table: Table, version: int) -> bool:
    stands = table.stands
    if version >= stands.version:
        return version == stands.version
    history = stands.history
    later = [each for each in history.commits if each.version > version]
    whole = len(later) == stands.version - version
    return whole and all(each.version in history.ours and _keeps_record(table, each) for each in later)


def _keeps_record(table: Table, commit: Commit) -> bool:
    return commit.record is None or commit.record.get(RECORD) == table.stands.properties.get(RECORD)
