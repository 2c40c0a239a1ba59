"""Whether there is room under the keys of a run, by the limits of the policy and the log of runs."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.audit_log import limits, log
from jobs.audit_log.limits import Room
from jobs.configuration.column_path import Items
from jobs.configuration.finding import Finding
from jobs.gates.known import Planned, Prepared
from jobs.lake import log_counts


def left(known: Planned) -> Iterator[Finding]:
    """A limit that is used up, or would be. Asked where there is something to treat."""
    yield from hidden(known)
    found = rooms(known)
    rows = announced(known) if any(room.what == "rows" for room in found) else None
    for room in found:
        told = room.of_start(rows)
        if told:
            yield Finding("refuse", None, told)


def hidden(known: Planned) -> Iterator[Finding]:
    """Values that can be counted only with those of the rows that are kept out, of which nobody is to know how many."""
    if known.entry.suppress is None or not counts_rows(known):
        return
    keys = keys_of(known)
    for case in known.plan.cases:
        within = any(each.treatment.key in keys for each in case.parts) or Items() in case.path.steps
        if within and any(each.treatment.key in keys for each in case.each):
            told = f"{case.path}: how many values stand within its texts is not counted without telling how many rows"
            more = "are kept out (suppress): limit the runs under its key, not the rows, or leave out 'suppress'"
            yield Finding("refuse", None, f"{told} {more}")


def rooms(known: Planned) -> list[Room]:
    """What the log tells of the limits of its keys. Raises `jobs.audit_log.log.LogProblem`."""
    stated, keys = known.conf.policy.limits, keys_of(known)
    opened = log.opened(known.spark, known.conf) if keys else None
    return [] if opened is None or stated is None else limits.rooms(opened, stated, keys)


def keys_of(known: Planned) -> dict[str, int]:
    """The keys with a limit that columns are treated under, each with the id of its version."""
    used = {each.treatment.key: each.key_id for each in known.plan.keyed}
    named = {key: key_id for key, key_id in used.items() if key is not None and key_id is not None}
    return limits.of(known.conf.policy.limits, named)


def counts_rows(known: Planned) -> bool:
    """Whether one of these limits is of rows."""
    stated = known.conf.policy.limits
    bounds = [stated.of(key) for key in keys_of(known)] if stated is not None else []
    return any(each is not None and each.counts_rows for each in bounds)


def announced(known: Planned) -> int | None:
    """How many rows the run can say beforehand that it will treat; None where nobody knows, or is to know."""
    if known.entry.suppress is not None or known.allowed.requeue:
        return None
    if known.entry.mode != "full" and not isinstance(known, Prepared):
        return None  # which rows are new was not looked at
    return number_of_rows(known)


def number_of_rows(known: Planned) -> int | None:
    """How many rows are to be treated, where that was told, or the log of the source says it."""
    source, is_some = known.source, known.entry.reads_some or known.source.gained
    if source.count is not None or is_some or source.feed is not None:
        return source.count
    return log_counts.of(source.rows if source.chosen is None else source.chosen.out_of, source.chosen)
