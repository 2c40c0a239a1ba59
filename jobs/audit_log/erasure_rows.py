"""How the audit log speaks of erasures: the outcomes of its rows of kind ``erasure``, and what stands by them.

An erasure that has to wait for a day is finished by later ones of the very same subjects, which share what ``same`` in
their rows says: so the newest of these tells how it stands.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterable, Iterator

from jobs.audit_log.leaves import Kind, Leaf
from jobs.audit_log.log import Log

KIND: Kind = "erasure"
BEGAN, ERASED, DONE, WAITS, FAILED = "began", "erased", "done", "waits", "failed"
OFF_BEGAN, OFF_LIST = "off_list_began", "off_list"
"""Of subjects who are taken off the list of the erased."""
ENDS = (DONE, WAITS, FAILED)


@dataclasses.dataclass(frozen=True)
class Stands:
    """How the newest erasure of some subjects stands. began: when, as the log spells it. outcome: `BEGAN` as long as
    it has not told how it ended. until: when a further run takes away the last of what it can; None for no such day.
    by_hand: whether something is left that no run takes away. off: when somebody of the domain was taken off the list
    of the erased since it began; None where nobody was."""

    run_id: str
    domain: str
    began: str
    outcome: str
    until: datetime.date | None
    by_hand: bool
    off: str | None = None


def leaves(log: Log) -> list[Leaf]:
    """In order."""
    return log.leaves(KIND)


def standing(rows: Iterable[Leaf]) -> Iterator[Stands]:
    """Of the rows of a log, in order, how each erasure stands. One whose very subjects were taken off the list of the
    erased since is none any more: to run it again would erase people who came back (`let_go`)."""
    return _judged(rows)[0]


def let_go(rows: Iterable[Leaf]) -> list[tuple[str, Stands]]:
    """Erasures that waited for a day when their very subjects were taken off the list, and were not begun again since:
    nobody purges what they left. Each with the run that took these off."""
    return _judged(rows)[1]


def _judged(rows: Iterable[Leaf]) -> tuple[Iterator[Stands], list[tuple[str, Stands]]]:
    newest: dict[str, list[Leaf]] = {}
    off: list[tuple[str, str, set[str]]] = []
    meanwhile: dict[str, set[str]] = {}  # by what takes somebody off, the erasures that began since: it leaves them
    gone: dict[str, tuple[str, Stands]] = {}
    for row in rows:
        same = str(row.body.get("same", row.run_id))
        if row.outcome == OFF_BEGAN:
            meanwhile[row.run_id] = set()
        if row.outcome == OFF_LIST:
            left = meanwhile.pop(row.run_id, set())
            off.append((str(row.body.get("domain", "")), row.time, left))
            for each in _sames(row):
                if each in newest and newest[each][0].run_id not in left:
                    stood = _stands(newest.pop(each), off)
                    gone |= {each: (row.run_id, stood)} if stood.outcome == WAITS else {}
        if row.outcome == BEGAN:
            for begun in meanwhile.values():
                begun.add(row.run_id)
            for each in (*_sames(row), same):
                newest.pop(each, None)
                gone.pop(each, None)
            newest[same] = [row]
        elif newest.get(same) and newest[same][0].run_id == row.run_id:
            newest[same].append(row)
            if row.outcome == DONE:
                newest = {each: rows for each, rows in newest.items() if not _is_closed(rows[0], newest[same][0])}
    return (_stands(each, off) for each in newest.values()), [*gone.values()]


def _stands(rows: list[Leaf], off: list[tuple[str, str, set[str]]]) -> Stands:
    """rows: of one erasure. off: domain and time of each time that somebody was taken off, and whom that left."""
    first, *later = rows
    end = next((row for row in reversed(later) if row.outcome in ENDS), first)
    domain = str(first.body.get("domain", ""))
    since = [at for of, at, left in off if of == domain and at > first.time and first.run_id not in left]
    return Stands(first.run_id, domain, first.time, end.outcome, *_left(end), max(since, default=None))


def _sames(row: Leaf) -> list[str]:
    """What ``same`` was of the very same subjects, under each version of the key."""
    told = row.body.get("sames")
    return [str(each) for each in told] if isinstance(told, list) else []


def _is_closed(earlier: Leaf, later: Leaf) -> bool:
    """Whether an erasure is closed by a later one that is done. Where there was no key nobody can tell subjects, and as
    many of the same domain count as the same."""
    if earlier.run_id == later.run_id or earlier.body.get("same", earlier.run_id) != earlier.run_id:
        return False
    return all(earlier.body.get(name) == later.body.get(name) for name in ("domain", "subjects"))


def _left(end: Leaf) -> tuple[datetime.date | None, bool]:
    told, remains = end.body.get("until"), end.body.get("remains")
    days = [each.get("until") for each in remains] if isinstance(remains, list) else []
    by_hand = bool(end.body.get("unsearched")) or any(day is None for day in days)
    try:
        return (None if told is None else datetime.date.fromisoformat(str(told))), by_hand
    except ValueError:
        return None, True
