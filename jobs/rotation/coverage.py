"""Which columns of a key were proven by a look at their values. A check that could not be made proves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from jobs.configuration import known_elsewhere
from jobs.configuration.column_path import ColumnPath
from jobs.record.column_record import ColumnRecord
from jobs.rotation.scope import Scope
from jobs.verification import boxes, multisets
from jobs.verification.outcome import Check, judged
from jobs.verification.standing import Standing
from privacy_udfs.errors import LakenymError
from privacy_udfs.techniques import parse

NAME = "columns"


@dataclasses.dataclass(frozen=True)
class Looked:
    """columns: of which a check says, if it holds, that their values are of the version in force."""

    check: Check
    columns: frozenset[str] = frozenset()

    @property
    def proven(self) -> frozenset[str]:
        return self.columns if self.check.outcome == "holds" else frozenset()


def check(scope: Scope, stands: Standing, looked: Sequence[Looked]) -> Check:
    """Whether each column of the key was proven by one of the checks."""
    paths = [path for path, entry in stands.columns.items() if any(each.key == scope.key for each in entry.each)]
    proven = frozenset[str]().union(*(each.proven for each in looked))
    unmade = [
        f"{each.check.name}: {each.check.said or each.check.outcome}"
        for each in looked
        if each.check.outcome != "holds"
    ]
    why = f" ({'; '.join(unmade)})" if unmade else ""
    faults = [f"{path}: no value of it was proven to be of version {scope.to}" for path in paths if path not in proven]
    return judged(NAME, [f"{fault}{why}" for fault in faults], f"each of {len(paths)} columns of the key is proven")


def anew(stands: Standing, made: Check) -> Looked:
    """Of the check that treats rows of the source again: what it compares."""
    roots: dict[str, bool] = {}
    for path, entry in stands.columns.items():
        root = ColumnPath.parse(path).root
        roots[root] = roots.get(root, True) and path not in boxes.cut(stands) and _is_steady(stands, path, entry)
    fields = {field.name: field.dataType for field in stands.rows.schema.fields}
    told = {root for root, steady in roots.items() if steady and root in fields}
    compared = {root for root in told if multisets.can_be_compared(fields[root])}
    return Looked(made, frozenset(path for path in stands.columns if ColumnPath.parse(path).root in compared))


def _is_steady(stands: Standing, path: str, entry: ColumnRecord) -> bool:
    """Whether the same comes out each time, by the source alone."""
    rule = None if stands.entry is None else stands.entry.columns.get(path)
    try:
        technique = (
            parse({**entry.parameters, "technique": entry.technique}) if rule is None else rule.treatment.technique
        )
    except LakenymError:
        return False
    kept = technique.by_vault or technique.by_subject_keys()
    return technique.deterministic and not kept and not known_elsewhere.of(technique)
