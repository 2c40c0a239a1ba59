"""What runs may have left at their places, by the rows of the audit log."""

from __future__ import annotations

from collections.abc import Sequence

from jobs.audit_log.leaves import Leaf
from jobs.console.exit_codes import Refused
from jobs.reversal import trail

CONSOLE = "console"
OUTCOMES = (trail.STARTED, trail.FAILED, trail.REMOVED)


def watched(told: Sequence[Leaf]) -> list[Leaf]:
    """The rows by which runs began whose values in clear may be somewhere. A run counts until it is told that what it
    wrote was removed, or that it failed and its place was looked at and empty: not only one that told how it ended."""
    gone = {leaf.run_id for leaf in told if leaf.outcome == trail.REMOVED or _left_nothing(leaf)}
    return [leaf for leaf in told if _writes(leaf) and leaf.run_id not in gone]


def chosen(told: Sequence[Leaf], place: str, run_id: str | None) -> Leaf:
    """The row by which the run began that left what is at a place. run_id: as what is there says; None where nothing
    is there: then it is the newest. Raises `Refused`."""
    of_place = [leaf for leaf in told if _writes(leaf) and leaf.body.get("output") == place]
    if not of_place:
        raise Refused(f"the audit log knows of no run that wrote to {place}: nothing was removed")
    found = [leaf for leaf in of_place if run_id in (None, leaf.run_id)]
    if not found:
        raise Refused(f"what is at {place} is of no run that the audit log knows of: nothing was removed")
    if any(leaf.outcome == trail.REMOVED and leaf.run_id == found[-1].run_id for leaf in told):
        raise Refused(f"what run {found[-1].run_id} wrote to {place} was removed before: nothing was removed now")
    return found[-1]


def unremoved(told: Sequence[Leaf], place: str) -> list[Leaf]:
    """The rows by which runs began that wrote to a place, of which nothing tells yet that it was removed."""
    gone = {leaf.run_id for leaf in told if leaf.outcome == trail.REMOVED}
    return [leaf for leaf in told if _writes(leaf) and leaf.body.get("output") == place and leaf.run_id not in gone]


def _writes(leaf: Leaf) -> bool:
    return leaf.outcome == trail.STARTED and leaf.body.get("output") != CONSOLE


def _left_nothing(leaf: Leaf) -> bool:
    return leaf.outcome == trail.FAILED and leaf.body.get("left") is False
