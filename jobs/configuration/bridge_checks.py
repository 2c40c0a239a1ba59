"""What must hold of sealed bridges: a domain and a key that are there, and a place apart from all else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from jobs.configuration import locations
from jobs.configuration.audit_entry import Audit
from jobs.configuration.config_checks import Draft
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.models import Domain, KeyEntry, Policy
from jobs.configuration.quarantine_checks import is_same, users
from jobs.configuration.rotation_entry import Bridge


def check(
    policy: Policy | None,
    drafts: Sequence[Draft],
    domains: Mapping[str, Domain],
    keys: Mapping[str, KeyEntry],
    names: Collection[str] | None,
    audit: Audit | None,
) -> Iterator[Fault]:
    """Every fault. names: of all keys, also those at fault; nothing is said of them where they could not be read."""
    bridges = () if policy is None or policy.rotation is None else policy.rotation.bridge
    taken = [*users(drafts, domains).items(), *_others(policy, drafts, keys, audit)]
    for at, bridge in enumerate(bridges):
        others = bridges[:at]
        own = [*taken, *((each.key, f"the bridge of domain {each.domain}") for each in others)]
        for name, said in (
            *_of_domain(bridge, domains),
            *_of_key(bridge, keys, names, own),
            *_of_place(bridge, drafts, domains, others),
            *_of_subject_keys(bridge, keys),
        ):
            yield Fault(POLICY, 0, f"rotation.bridge[{at}].{name}", said)


def _others(
    policy: Policy | None, drafts: Sequence[Draft], keys: Mapping[str, KeyEntry], audit: Audit | None
) -> Iterator[tuple[str, str]]:
    """Key -> what it serves beside the treatment of values."""
    for entry in (draft.entry for draft in drafts if draft.entry is not None):
        if entry.quarantine is not None:
            yield entry.quarantine.key, f"the quarantine of {entry.table}"
    yield from ((name, "keys of subjects") for name, key in keys.items() if key.subject_keys is not None)
    if audit is not None and audit.signing_key is not None:
        yield audit.signing_key, "the audit log"
    if policy is not None:
        named = (("erasures", policy.erasure), ("profiles", policy.monitoring), ("requests", policy.subject_access))
        yield from ((each.key, what) for what, each in named if each is not None and each.key is not None)


def _of_domain(bridge: Bridge, domains: Mapping[str, Domain]) -> Iterator[tuple[str, str]]:
    domain = domains.get(bridge.domain)
    if domain is None:
        yield "domain", f"domains.yaml has no domain {bridge.domain!r}{did_you_mean(bridge.domain, domains)}"
    elif not domain.treatment.technique.of_canonical or domain.treatment.key is None:
        yield "domain", f"{domain.treatment.technique.technique} needs no bridge, or has no use for one"
    elif domain.treatment.technique.layer_ids():
        yield "domain", "it has layers, which need no bridge"


def _of_key(
    bridge: Bridge, keys: Mapping[str, KeyEntry], names: Collection[str] | None, taken: Sequence[tuple[str, str]]
) -> Iterator[tuple[str, str]]:
    if names and bridge.key not in names:
        yield "key", f"keys.yaml has no key {bridge.key!r}{did_you_mean(bridge.key, names)}"
    user = next((user for key, user in taken if is_same(bridge.key, key, keys)), None)
    if user is not None:
        yield "key", f"expected a key of its own, which serves nothing else, got the one of {user}"


def _of_place(
    bridge: Bridge, drafts: Sequence[Draft], domains: Mapping[str, Domain], others: Sequence[Bridge]
) -> Iterator[tuple[str, str]]:
    place, vaults = locations.of_path(bridge.path), [each.treatment.vault for each in domains.values()]
    taken = [(each.id, each.path) for each in (*vaults, *others) if each is not None]
    if any(bridge.id == id or locations.overlap(locations.of_path(path), place) for id, path in taken):
        yield "path", "is that of another bridge or vault, or one lies in the other: make one for each domain"
    if any(bridge.domain == each.domain for each in others):
        yield "domain", "it has another bridge: state one"
    for entry in (draft.entry for draft in drafts if draft.entry is not None):
        for what, where in (("source", entry.source), ("target", entry.target), ("quarantine", entry.quarantine)):
            if where is not None and locations.overlap(locations.of(where), place):
                yield "path", f"is the {what} of {entry.table}, or one lies in the other: keep it apart"


def _of_subject_keys(bridge: Bridge, keys: Mapping[str, KeyEntry]) -> Iterator[tuple[str, str]]:
    place = locations.of_path(bridge.path)
    for name, key in keys.items():
        if key.subject_keys is not None and locations.overlap(locations.of_path(key.subject_keys.path), place):
            yield "path", f"is that of the keys of subjects of {name}, or one lies in the other: keep it apart"
