"""Whether there is room under a key, by the limits of the policy and what the log tells of the last hour and day.

Who gives names or numbers to be treated, one after the other, finds out whose a pseudonym is: that is a way back, which
nobody approved (EDPB, Guidelines 01/2025, 109). So how much is treated is told before it can be seen, and counted.
"""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from jobs.audit_log import uses
from jobs.audit_log.leaves import Leaf, now, plain, text_of
from jobs.audit_log.log import Log
from jobs.audit_log.state import State
from jobs.audit_log.uses import Use
from jobs.configuration.limits_entry import HOURS, Counted, Limits, Span
from jobs.console.exit_codes import Refused

UNTIL = "%Y-%m-%d %H:%M:%S UTC"


class LimitReached(Refused):
    """More would be treated under a key than the policy lets be in an hour, or in a day."""


@dataclasses.dataclass(frozen=True)
class Room:
    """Under one key, of one bound. amounts: what was told within the span, each with its time."""

    key: str
    what: Counted
    span: Span
    bound: int
    amounts: Sequence[tuple[str, int]]

    @property
    def used(self) -> int:
        return sum(amount for _, amount in self.amounts)

    @property
    def left(self) -> int:
        return max(0, self.bound - self.used)

    @property
    def name(self) -> str:
        """As the policy calls it."""
        return f"{self.what}_per_{self.span}"

    def refusal(self, more: int | None, is_told: bool = True) -> str:
        """Why so many more are too many; empty where they are not. None: one at least, and nobody knows how many.
        is_told: whether it may say how many these are."""
        known, more = more is not None, more or 1
        if self.used + more <= self.bound:
            return ""
        told = f"key {self.key}: policy.yaml, limits: {self.name} is {self.bound}, and {self.used} were counted"
        told += f" within the last {'hour' if self.span == 'hour' else '24 hours'}"
        if not is_told:
            return (
                f"{told}; with this run it would be more: treat fewer rows at a time, run it later, or raise the limit"
            )
        told += f"; this run is {more} more" if known else ", and none is left"
        if more > self.bound:
            return f"{told}, which is over it alone: treat fewer rows at a time, or raise the limit"
        return f"{told}: run it again from {self._free_at(more)} on, or raise the limit"

    def of_start(self, rows: int | None) -> str:
        """Why a run does not begin; empty where it may. rows: as of `check_start`."""
        return self.refusal(None if self.what == "runs" else rows)

    def _free_at(self, more: int) -> str:
        """When so much has left the span that there is room."""
        over, last = self.used + more - self.bound, ""
        for at, amount in sorted(self.amounts):
            over, last = over - amount, at
            if over <= 0:
                break
        told = datetime.datetime.fromisoformat(last.replace("Z", "+00:00"))
        left = told + datetime.timedelta(hours=HOURS[self.span], seconds=1)
        return left.strftime(UNTIL)

    def as_data(self) -> dict[str, str | int]:
        return {"key": self.key, "limit": self.name, "bound": self.bound, "used": self.used, "left": self.left}

    def in_words(self) -> str:
        return f"{self.left} of {self.bound} {self.name.replace('_', ' ')} are left"


def of(limits: Limits | None, keys: Mapping[str, int]) -> dict[str, int]:
    """Those of some keys that have a limit. keys: name -> the id of the version that treats."""
    return {} if limits is None else {name: id_ for name, id_ in keys.items() if limits.of(name) is not None}


def rooms(log: Log, limits: Limits, keys: Mapping[str, int], but: str = "") -> list[Room]:
    """Of each bound of some keys what is used of it. but: the run that is not counted. Raises `LogProblem`."""
    limited = of(limits, keys)
    if not limited:
        return []
    at = datetime.datetime.now(datetime.timezone.utc)
    bounds = [name for key in limited for name in _bounds(limits, key)]
    starts = {span: text_of(at - datetime.timedelta(hours=HOURS[span])) for _, span in bounds}
    found = [use for use in uses.since(log, min(starts.values()), text_of(at)) if use.run_id != but or not but]
    return [
        Room(key, what, span, bound, [*_amounts(found, key, key_id, what, starts[span])])
        for key, key_id in limited.items()
        for (what, span), bound in _bounds(limits, key).items()
    ]


def _bounds(limits: Limits, key: str) -> dict[tuple[Counted, Span], int]:
    limit = limits.of(key)
    return {} if limit is None else limit.bounds


def _amounts(found: Sequence[Use], key: str, key_id: int, what: Counted, start: str) -> Iterator[tuple[str, int]]:
    """Of each run once, whatever names and versions of the key it used."""
    each = dict[str, tuple[str, int]]()
    for use in found:
        at, amount = (use.at, 1) if what == "runs" else (use.rows_at, use.rows or 0)
        if use.is_of(key, key_id) and amount and at >= start:
            before = each.get(use.run_id, ("", 0))
            each[use.run_id] = max(at, before[0]), max(amount, before[1])
    yield from each.values()


def check_start(log: Log, limits: Limits, keys: Mapping[str, int], rows: int | None) -> None:
    """Raise `LimitReached` where there is no room for a run. rows: that it is about to treat; None where nobody knows
    yet: then there must be room for one."""
    _refuse([room.of_start(rows) for room in rooms(log, limits, keys)])


def check_rows(
    log: Log, limits: Limits, keys: Mapping[str, int], rows: Mapping[str, int], run_id: str, is_told: bool = True
) -> None:
    """Raise `LimitReached` where a run that began treated more rows under a key than there is room for. is_told: as of
    `Room.refusal`."""
    found = [room for room in rooms(log, limits, keys, but=run_id) if room.what == "rows"]
    _refuse([room.refusal(rows.get(room.key, 0), is_told) for room in found])


def charge(
    log: Log, limits: Limits, keys: Mapping[str, int], rows: int, about: Mapping[str, str], what: Mapping[str, Any]
) -> None:
    """Tell that so many rows are about to be treated under keys by something that is no run of a table, if there is
    room. about: ``table`` and ``run_id``. what: more of the rows' bodies. Raises `LimitReached` and what the log
    does."""
    limited = of(limits, keys)
    if not limited:
        return

    def made(state: State) -> list[Leaf]:
        check_start(log, limits, limited, rows)
        told = [{"key": key, "key_id": key_id, "rows": rows, **what} for key, key_id in limited.items()]
        return [log.leaf(uses.USE, now(), outcome="used", body=plain(each), **about) for each in told]

    log.append(made)


def _refuse(reasons: Sequence[str]) -> None:
    told = [reason for reason in reasons if reason]
    if told:
        raise LimitReached("\n".join(told))
