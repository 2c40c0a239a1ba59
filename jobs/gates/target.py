"""What stands at the target of a run, and how well it is guarded."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.configuration.kept_values import MOST_NAMED
from jobs.configuration.kinds import DIRECT
from jobs.console.numbers import many
from jobs.gates import growth, used_up
from jobs.gates.known import Inspected, Planned
from jobs.lake import delta_commit, promises, replace
from jobs.lake.leftovers import Leftovers
from jobs.lake.state import TargetState
from jobs.treatment import file_statistics

OUT_OF_REACH = (
    "before the commit, in Delta's own transaction, which is out of reach here (another version of Delta, or a table "
    "of another catalog)"
)
NO_SUPPRESSION = f"rows in small classes are kept out (suppress) {OUT_OF_REACH}"
NO_BOXES = f"quasi-identifiers are cut into boxes (mondrian) {OUT_OF_REACH}"
KEPT_ELSEWHERE = (
    "What must hold, check where the source is written or in a job behind this one; defaults and generated columns are "
    "for a view over the target"
)
NO_COUNT = f"rows under a key with a limit are counted {OUT_OF_REACH}"
NO_RISK = f"its risk is measured {OUT_OF_REACH}"


def unguarded(known: Inspected) -> Iterator[Finding]:
    """A commit that cannot be refused when another program changes the target meanwhile, nor where its rows single
    people out, or are too many."""
    if known.target.transaction is not None:
        return
    if known.entry.mondrian is not None:
        yield Finding("refuse", None, NO_BOXES)
    elif known.risk.asked():
        yield Finding("refuse", None, NO_RISK)
    elif known.entry.suppress is not None:
        yield Finding("refuse", None, NO_SUPPRESSION)
    elif used_up.counts_rows(known):
        yield Finding("refuse", None, NO_COUNT)
    else:
        yield Finding("warn", None, replace.UNGUARDED)


def raw_history(known: Inspected) -> Iterator[Finding]:
    """Untreated rows that time travel, or the log, would still show."""
    if known.target.left and not known.allowed.raw_history:
        yield Finding("refuse", None, _raw_history(known.target))


def plain(known: Inspected) -> Iterator[Finding]:
    """What the target is no longer once all of it is written anew, or what of the source a new one is not."""
    there = known.target
    if there.version < 0:
        found = promises.of_source(known.source.rows)
        told = f"the new target {there.name} has plain columns, without what the source says of its own"
    elif known.adds and not growth.starts_anew(known):
        return
    else:
        found = (*promises.of_target(there), *_layout(known))
        told = f"this run writes all of {there.name} anew, with plain columns as the entry lays them out, and drops"
    if found:
        yield Finding("warn", None, f"{told}: {', '.join(found)}. {KEPT_ELSEWHERE}")


def _layout(known: Inspected) -> Iterator[str]:
    """How the target lies, where its entry says otherwise."""
    begun, stated = known.target.transaction, known.entry.target
    if begun is None:
        return
    partitions, clusters = delta_commit.partition_columns(begun), delta_commit.clustering_columns(begun)
    if partitions and partitions != stated.partition_by:
        yield f"partitions by {', '.join(partitions)}"
    if clusters and clusters != stated.cluster_by:
        yield f"clusters by {', '.join(clusters)}"


def folders(known: Planned) -> Iterator[Finding]:
    """Direct identifiers that would be names of folders."""
    for leaf in known.plan.folders:
        if any(case.rule.class_ == DIRECT and case.treatment.technique.keeps_values for case in leaf.cases):
            yield Finding(
                "refuse",
                None,
                f"target: partition_by names {leaf.path}, a direct identifier that is kept: its values would be names "
                "of folders, which logs and listings show. Treat it, or partition by another column",
            )


def measured_still(known: Inspected) -> Iterator[Finding]:
    """Columns that identify people, of which a table of before goes on keeping the least and greatest values."""
    if not known.adds or growth.starts_anew(known):
        return
    found = list(map(str, file_statistics.still_kept(known.plan, known.target.properties)))
    if found:
        more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
        yield Finding(
            "warn",
            None,
            f"the properties of {known.target.name} are of an earlier run: the least and greatest values of "
            f"{', '.join(found[:MOST_NAMED])}{more}, which the catalog does not ask for, go on into its log. A run in "
            "full (--mode full) ends that (docs/statistics.md)",
        )


def _raw_history(target: TargetState) -> str:
    """What is left of raw versions, and what heals it."""
    raw = target.raw_versions
    shown = ", ".join(map(str, raw[:5])) + (", ..." if len(raw) > 5 else "")
    versions = f"the target {target.name} holds {many(len(raw), 'version')} without a treatment record ({shown})"
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
