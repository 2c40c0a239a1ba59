"""What must hold of ``audit.yaml`` beside the other files: a key of its own, and a place apart from all tables."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from jobs.configuration import locations
from jobs.configuration.audit_entry import Audit
from jobs.configuration.config_checks import Draft
from jobs.configuration.documents import Document, Fault, did_you_mean
from jobs.configuration.models import Domain, KeyEntry
from jobs.configuration.quarantine_checks import is_same, users


def check(
    document: Document,
    audit: Audit,
    drafts: Sequence[Draft],
    keys: Mapping[str, KeyEntry],
    names: Collection[str] | None,
    domains: Mapping[str, Domain],
) -> Iterator[Fault]:
    """Every fault. names: of all keys, also those at fault; None where they could not be read."""
    message = None if audit.signing_key is None else _key_fault(audit.signing_key, drafts, keys, names, domains)
    if message is not None:
        yield document.fault(("signing_key",), message)
    table = locations.of(audit.table)
    yield from _place_faults(document, "table", table, drafts)
    if audit.checkpoints is not None:
        folder = locations.of_path(audit.checkpoints)
        yield from _place_faults(document, "checkpoints", folder, drafts)
        if locations.overlap(table, folder):
            yield document.fault(("checkpoints",), "is the folder of 'table', or one lies in the other: keep it apart")


def _place_faults(document: Document, name: str, place: locations.Location, drafts: Sequence[Draft]) -> Iterator[Fault]:
    for draft in drafts:
        if draft.entry is not None:
            for what, taken in (("source", draft.entry.source), ("target", draft.entry.target)):
                if locations.overlap(locations.of(taken), place):
                    where = f"{draft.document.file}:{draft.document.line((what,))}"
                    yield document.fault((name,), f"is the {what} of {where}, or one lies in the other: keep it apart")
                    return


def _key_fault(
    name: str,
    drafts: Sequence[Draft],
    keys: Mapping[str, KeyEntry],
    names: Collection[str] | None,
    domains: Mapping[str, Domain],
) -> str | None:
    if names is not None and name not in names:
        return f"keys.yaml has no {name!r}{did_you_mean(name, names)}"
    quarantines = {
        draft.entry.quarantine.key: draft.document.file
        for draft in drafts
        if draft.entry is not None and draft.entry.quarantine is not None
    }
    taken = {**users(drafts, domains), **{key: f"the quarantine of {file}" for key, file in quarantines.items()}}
    user = next((user for key, user in taken.items() if is_same(name, key, keys)), None)
    return None if user is None else f"expected a key that does nothing but sign, got the one of {user}"
