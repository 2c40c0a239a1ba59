"""What must hold before the first byte is written."""

from __future__ import annotations

import json
from collections.abc import Mapping

from jobs.shared.column_path import ColumnPath
from jobs.shared.record import RECORD
from jobs.shared.tables import TargetState
from jobs.shared.treatment_plan import Plan
from privacy_udfs.errors import LakenymError


class Refused(LakenymError):
    """A check refuses the run; nothing was written."""


def check_before_write(
    plan: Plan, key_checks: Mapping[ColumnPath, str], target: TargetState, allow_raw_history: bool
) -> None:
    """Raise `Refused` with all reasons at once."""
    reasons = []
    if target.raw_versions and not allow_raw_history:
        reasons.append(_raw_history(target))
    reasons += _other_keys(plan, key_checks, target)
    if reasons:
        raise Refused("\n".join(f"{plan.table}: {reason}" for reason in reasons))


def _raw_history(target: TargetState) -> str:
    shown = ", ".join(map(str, target.raw_versions[:5])) + (", ..." if len(target.raw_versions) > 5 else "")
    return (
        f"the target {target.name} holds {len(target.raw_versions)} version(s) without a treatment record ({shown}), "
        "which time travel would still show. Choose a new target, or drop it; or accept this with "
        "--allow-raw-history and VACUUM afterwards"
    )


def _other_keys(plan: Plan, key_checks: Mapping[ColumnPath, str], target: TargetState) -> list[str]:
    """Columns whose record has the same key name, id and treatment, but whose key is another one."""
    before = json.loads(target.properties.get(RECORD, "{}")).get("columns", {})
    reasons = []
    for column in plan.columns:
        entry = before.get(str(column.path), {})
        same = (entry.get("key"), entry.get("key_id"), entry.get("domain"), entry.get("technique")) == (
            column.treatment.key,
            column.key_id,
            column.domain,
            column.name,
        )
        if same and column.treatment.key is not None and entry.get("key_check") != key_checks[column.path]:
            reasons.append(
                f"{column.path}: key {column.treatment.key!r} (id {column.key_id}) is not the key that the target's "
                "record was made with; find the right keyset, or give the new key another name"
            )
    return reasons
