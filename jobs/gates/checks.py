"""What must hold before the first byte is written."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.console.exit_codes import Refused
from jobs.lake.state import TargetState
from jobs.named_keys import key_versions
from jobs.named_keys.key_ring import KeyRing
from jobs.record.record_reader import columns_of
from jobs.treatment.treatment_plan import Plan


def check_before_write(
    plan: Plan, keys: KeyRing, target: TargetState, allow_raw_history: bool, further: Sequence[str] = ()
) -> None:
    """Raise `Refused` with all reasons at once; ``further`` ones come from what else was looked at."""
    reasons = []
    if target.left and not allow_raw_history:
        reasons.append(_raw_history(target))
    reasons += key_versions.other_keys(plan, keys, columns_of(target.properties))
    refuse(plan.table, [*reasons, *further])


def refuse(table: str, reasons: Sequence[str]) -> None:
    """Raise `Refused` with all reasons, if there are any."""
    if reasons:
        raise Refused("\n".join(f"{table}: {reason}" for reason in reasons))


def _raw_history(target: TargetState) -> str:
    """What is left of raw versions, and what heals it."""
    raw = target.raw_versions
    shown = ", ".join(map(str, raw[:5])) + (", ..." if len(raw) > 5 else "")
    versions = f"the target {target.name} holds {len(raw)} version(s) without a treatment record ({shown})"
    if target.left.files:
        return (
            f"{versions} or with rows that no run of this job wrote, which time travel would still show. Choose a new "
            "target, or drop it; or accept this with --allow-raw-history and VACUUM afterwards; then the log still "
            f"holds the least and greatest values of their columns. {_log_cleanup(target)}"
        )
    return (
        f"{versions} or with rows that no run of this job wrote. Their data files are gone, but the Delta log and its "
        f"checksums and checkpoints still hold the least and greatest values of their columns. {_log_cleanup(target)} "
        "Until then choose a new target, or drop it; or accept this with --allow-raw-history"
    )


def _log_cleanup(target: TargetState) -> str:
    if target.left.retention is None:
        return "They stay: delta.enableExpiredLogCleanup is false."
    newest = f" (the newest is of {target.left.since})" if target.left.since else ""
    return (
        f"Delta's log cleanup removes them with the first checkpoint after delta.logRetentionDuration, "
        f"{target.left.retention}{newest}."
    )
