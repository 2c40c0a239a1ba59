"""What must hold of the policy's ``erasure`` beside the other files: a key and a place of its own."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from jobs.configuration import locations
from jobs.configuration.audit_entry import Audit
from jobs.configuration.config_checks import Draft
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.erasure_entry import ErasedListEntry, Erasure
from jobs.configuration.models import Domain, KeyEntry, Policy
from jobs.configuration.quarantine_checks import is_same, users


def check(
    policy: Policy | None,
    drafts: Sequence[Draft],
    keys: Mapping[str, KeyEntry],
    names: Collection[str] | None,
    domains: Mapping[str, Domain],
    audit: Audit | None,
) -> Iterator[Fault]:
    """Every fault. names: of all keys, also those at fault; None where they could not be read."""
    erasure: Erasure | None = None if policy is None else policy.erasure
    if erasure is None:
        return
    message = _key_fault(erasure.key, drafts, keys, names, domains, audit)
    if message is not None:
        yield Fault(POLICY, 0, "erasure.key", message)
    if erasure.list is not None:
        for where in _taken(erasure.list, drafts, domains, audit):
            yield Fault(POLICY, 0, "erasure.list", f"is {where}, or one lies in the other: keep it apart")


def _key_fault(
    name: str,
    drafts: Sequence[Draft],
    keys: Mapping[str, KeyEntry],
    names: Collection[str] | None,
    domains: Mapping[str, Domain],
    audit: Audit | None,
) -> str | None:
    is_policy_alone = not names and not drafts  # as it is shown, and reviewed, without the other files
    if names is not None and name not in names and not is_policy_alone:
        return f"keys.yaml has no key {name!r}{did_you_mean(name, names)}"
    if name in keys and keys[name].deliver == "driver":
        return "expected a key that executors fetch themselves (deliver: executor)"
    taken = {**users(drafts, domains)}
    for draft in drafts:
        if draft.entry is not None and draft.entry.quarantine is not None:
            taken[draft.entry.quarantine.key] = f"the quarantine of {draft.document.file}"
    if audit is not None and audit.signing_key is not None:
        taken[audit.signing_key] = "the audit log"
    user = next((user for key, user in taken.items() if is_same(name, key, keys)), None)
    return None if user is None else f"expected a key that serves nothing else, got the one of {user}"


def _taken(
    entry: ErasedListEntry, drafts: Sequence[Draft], domains: Mapping[str, Domain], audit: Audit | None
) -> Iterator[str]:
    """What lies there."""
    place = locations.of_path(entry.path)
    for draft in drafts:
        if draft.entry is not None:
            own = draft.entry
            for what, taken in (("source", own.source), ("target", own.target), ("quarantine", own.quarantine)):
                if taken is not None and locations.overlap(locations.of(taken), place):
                    yield f"the {what} of {draft.document.file}:{draft.document.line((what,))}"
    for name, domain in domains.items():
        vault = domain.treatment.vault
        if vault is not None and locations.overlap(locations.of_path(vault.path), place):
            yield f"the vault of domain {name}"
    if audit is not None and locations.overlap(locations.of(audit.table), place):
        yield "the audit log"
    folder = None if audit is None else audit.checkpoints
    if folder is not None and locations.overlap(locations.of_path(folder), place):
        yield "the folder of the audit log's checkpoints"
