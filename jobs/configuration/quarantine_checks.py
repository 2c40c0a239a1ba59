"""What must hold of the quarantines of tables: keys of their own, and places apart from all else."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterator, Mapping, Sequence

from jobs.configuration import locations
from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.models import Domain, KeyEntry, Quarantine

AT = ("quarantine",)


def check(
    drafts: Sequence[Draft], keys: Mapping[str, KeyEntry], names: Collection[str] | None, domains: Mapping[str, Domain]
) -> Iterator[Fault]:
    """Every fault. names: of all keys, also those at fault; None where they could not be read."""
    taken = users(drafts, domains)
    for draft in drafts:
        stated = _stated(draft)
        if stated is not None:
            message = _key_fault(draft, stated, keys, names, taken)
            if message is not None:
                yield draft.document.fault((*AT, "key"), message)
            yield from _place_faults(draft, stated, drafts)


def _stated(draft: Draft) -> Quarantine | None:
    return None if draft.entry is None else draft.entry.quarantine


def users(drafts: Sequence[Draft], domains: Mapping[str, Domain]) -> dict[str, str]:
    """Key -> who treats values with it."""
    found = {domain.treatment.key: f"domain {domain.name}" for domain in domains.values()}
    for draft in drafts:
        treated = ((each.key, rule.line) for _, rule in draft.rules() for each in rule.treatment.each)
        found.update({key: f"{draft.document.file}:{line}" for key, line in treated})
    return {key: user for key, user in found.items() if key is not None}


def is_same(one: str, other: str, keys: Mapping[str, KeyEntry]) -> bool:
    """Whether two names are of one keyset."""
    return one == other or (one in keys and other in keys and _place(keys[one].keyset) == _place(keys[other].keyset))


def _place(keyset: str) -> str:
    """Where a keyset stands, in one spelling: ``file:a//b/../c`` is ``file:a/c``."""
    kind, mark, path = keyset.partition("file:")
    return f"{mark}{posixpath.normpath(path)}" if mark and not kind else keyset


def _key_fault(
    draft: Draft,
    stated: Quarantine,
    keys: Mapping[str, KeyEntry],
    names: Collection[str] | None,
    users: Mapping[str, str],
) -> str | None:
    if names is not None and stated.key not in names:
        return f"keys.yaml has no {draft.document.show((*AT, 'key'))}{did_you_mean(stated.key, names)}"
    user = next((user for key, user in users.items() if is_same(stated.key, key, keys)), None)
    if user is not None:
        return f"expected a key that treats nothing else, got the one of {user}"
    if stated.key in keys and keys[stated.key].deliver == "driver":
        return "expected a key that executors fetch themselves (deliver: executor)"
    return None


def _place_faults(draft: Draft, stated: Quarantine, drafts: Sequence[Draft]) -> Iterator[Fault]:
    place = locations.of(stated)
    for other in drafts:
        if other.entry is not None:
            for what, taken in (("source", other.entry.source), ("target", other.entry.target)):
                if locations.overlap(locations.of(taken), place):
                    where = f"{other.document.file}:{other.document.line((what,))}"
                    yield draft.document.fault(AT, f"is the {what} of {where}, or one lies in the other: keep it apart")
                    return
