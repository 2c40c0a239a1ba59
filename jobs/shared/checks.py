"""What must hold before the first byte is written."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.lake.state import TargetState
from jobs.shared.keys import key_versions
from jobs.shared.keys.key_ring import KeyRing
from jobs.shared.record_reader import columns_of
from jobs.shared.treatment_plan import Plan
from privacy_udfs.errors import LakenymError


class Refused(LakenymError):
    """A check refuses the run; nothing was written."""


def check_before_write(
    plan: Plan, keys: KeyRing, target: TargetState, allow_raw_history: bool, further: Sequence[str] = ()
) -> None:
    """Raise `Refused` with all reasons at once; ``further`` ones come from what else was looked at."""
    reasons = []
    if target.raw_versions and not allow_raw_history:
        reasons.append(_raw_history(target))
    reasons += key_versions.other_keys(plan, keys, columns_of(target.properties))
    refuse(plan.table, [*reasons, *further])


def refuse(table: str, reasons: Sequence[str]) -> None:
    """Raise `Refused` with all reasons, if there are any."""
    if reasons:
        raise Refused("\n".join(f"{table}: {reason}" for reason in reasons))


def _raw_history(target: TargetState) -> str:
    shown = ", ".join(map(str, target.raw_versions[:5])) + (", ..." if len(target.raw_versions) > 5 else "")
    return (
        f"the target {target.name} holds {len(target.raw_versions)} version(s) without a treatment record ({shown}), "
        "which time travel would still show. Choose a new target, or drop it; or accept this with "
        "--allow-raw-history and VACUUM afterwards"
    )
