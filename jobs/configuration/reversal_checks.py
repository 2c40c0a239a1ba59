"""What must hold of the policy's ``reversal`` beside the other files: what it names is there."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, Loc, did_you_mean
from jobs.configuration.models import Policy


def check(
    policy: Policy | None, keys: Collection[str] | None, tables: Collection[str], domains: Collection[str]
) -> Iterator[Fault]:
    """Every fault. keys: the names of all, also of those at fault; nothing where there are none, or they
    could not be read: then that is told."""
    if policy is None or policy.reversal is None:
        return
    if keys:
        yield from _missing("keys.yaml has no key", ("keys",), policy.reversal.keys, keys)
    for at, approver in enumerate(policy.reversal.approvers):
        place = ("approvers", at)
        yield from _missing("the catalog has no table", (*place, "tables"), approver.tables or (), tables)
        yield from _missing("domains.yaml has no domain", (*place, "domains"), approver.domains or (), domains)


def _missing(what: str, loc: Loc, names: Sequence[str], known: Collection[str]) -> Iterator[Fault]:
    for at, name in enumerate(names):
        if name not in known:
            where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in ("reversal", *loc, at))
            yield Fault(POLICY, 0, where.removeprefix("."), f"{what} {name!r}{did_you_mean(name, known)}")
