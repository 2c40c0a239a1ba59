"""What must hold of the vaults of domains: places apart from all else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jobs.configuration import locations
from jobs.configuration.config_checks import Draft
from jobs.configuration.config_files import DOMAINS
from jobs.configuration.documents import Fault
from jobs.configuration.models import Domain


def check(drafts: Sequence[Draft], domains: Mapping[str, Domain]) -> Iterator[Fault]:
    """A vault is a place of its own, and of one domain."""
    owners: dict[str, str] = {}
    for domain in domains.values():
        if domain.treatment.vault is not None:
            place = locations.of_path(domain.treatment.vault.path)
            owner = owners.setdefault(domain.treatment.vault.id, domain.name)
            if owner != domain.name:
                said = f"vault: is that of {owner}: make one for each domain"
                yield Fault(DOMAINS, domain.line, domain.name, said)
            for where in (where for draft in drafts for where in _taken(draft, place)):
                said = f"vault: is the {where}, or one lies in the other: keep it apart"
                yield Fault(DOMAINS, domain.line, domain.name, said)


def _taken(draft: Draft, place: locations.Location) -> Iterator[str]:
    """What of a table lies there."""
    if draft.entry is None:
        return
    entry = draft.entry
    for what, taken in (("source", entry.source), ("target", entry.target), ("quarantine", entry.quarantine)):
        if taken is not None and locations.overlap(locations.of(taken), place):
            yield f"{what} of {draft.document.file}:{draft.document.line((what,))}"
