"""What must hold of sealed bridges: a domain and a key that are there, and a place apart from all else."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from jobs.configuration import locations
from jobs.configuration.config_checks import Draft
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.models import Domain
from jobs.configuration.rotation_entry import Bridge, Rotation


def check(
    rotation: Rotation | None, drafts: Sequence[Draft], domains: Mapping[str, Domain], keys: Collection[str] | None
) -> Iterator[Fault]:
    """Every fault. keys: the names of all; nothing is said of them where they could not be read."""
    for at, bridge in enumerate(() if rotation is None else rotation.bridge):
        assert rotation is not None
        others = rotation.bridge[:at]
        for name, said in (
            *_of_domain(bridge, domains),
            *_of_key(bridge, domains, keys),
            *_of_place(bridge, drafts, domains, others),
        ):
            yield Fault(POLICY, 0, f"rotation.bridge[{at}].{name}", said)


def _of_domain(bridge: Bridge, domains: Mapping[str, Domain]) -> Iterator[tuple[str, str]]:
    domain = domains.get(bridge.domain)
    if domain is None:
        yield "domain", f"domains.yaml has no domain {bridge.domain!r}{did_you_mean(bridge.domain, domains)}"
    elif not domain.treatment.technique.of_canonical or domain.treatment.key is None:
        yield "domain", f"{domain.treatment.technique.technique} needs no bridge, or has no use for one"
    elif domain.treatment.technique.layer_ids():
        yield "domain", "it has layers, which need no bridge"


def _of_key(bridge: Bridge, domains: Mapping[str, Domain], keys: Collection[str] | None) -> Iterator[tuple[str, str]]:
    if keys and bridge.key not in keys:
        yield "key", f"keys.yaml has no key {bridge.key!r}{did_you_mean(bridge.key, keys)}"
    if any(domain.treatment.key == bridge.key for domain in domains.values()):
        yield "key", f"{bridge.key} treats values: a bridge has a key of its own"


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
