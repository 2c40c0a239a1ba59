"""What stands at the target of a run, and how well it is guarded."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.gates.known import Inspected
from jobs.lake import replace
from jobs.lake.leftovers import Leftovers
from jobs.lake.state import TargetState

NO_SUPPRESSION = (
    "rows in small classes are kept out (suppress) before the commit, in Delta's own transaction, which is out of "
    "reach here (another version of Delta, or a table of another catalog)"
)
NO_RISK = (
    "its risk is measured before the commit, in Delta's own transaction, which is out of reach here (another version "
    "of Delta, or a table of another catalog)"
)


def unguarded(known: Inspected) -> Iterator[Finding]:
    """A commit that cannot be refused when another program changes the target meanwhile, nor where its rows single
    people out."""
    if known.target.transaction is None and known.risk.asked():
        yield Finding("refuse", None, NO_RISK)
    elif known.target.transaction is None and known.entry.suppress is not None:
        yield Finding("refuse", None, NO_SUPPRESSION)
    elif known.target.transaction is None:
        yield Finding("warn", None, replace.UNGUARDED)


def raw_history(known: Inspected) -> Iterator[Finding]:
    """Untreated rows that time travel, or the log, would still show."""
    if known.target.left and not known.allowed.raw_history:
        yield Finding("refuse", None, _raw_history(known.target))


def _raw_history(target: TargetState) -> str:
    """What is left of raw versions, and what heals it."""
    raw = target.raw_versions
    shown = ", ".join(map(str, raw[:5])) + (", ..." if len(raw) > 5 else "")
    versions = f"the target {target.name} holds {len(raw)} version(s) without a treatment record ({shown})"
    cleanup = log_cleanup(target.left)
    if target.left.files:
        return (
            f"{versions} or with rows that no run of this job wrote, which time travel would still show. Choose a new "
            "target, or drop it; or accept this with --accept-raw-history and VACUUM afterwards; then the log still "
            f"holds the least and greatest values of their columns. {cleanup}"
        )
    return (
        f"{versions} or with rows that no run of this job wrote. Their data files are gone, but the Delta log and its "
        f"checksums and checkpoints still hold the least and greatest values of their columns. {cleanup} "
        "Until then choose a new target, or drop it; or accept this with --accept-raw-history"
    )


def log_cleanup(left: Leftovers) -> str:
    """When what the log says of older versions is gone."""
    if left.retention is None:
        return "They stay: delta.enableExpiredLogCleanup is false."
    newest = f" (the newest is of {left.since})" if left.since else ""
    return (
        f"Delta's log cleanup removes them with the first checkpoint after delta.logRetentionDuration, "
        f"{left.retention}{newest}."
    )
