"""What must hold of the tables of keys of subjects: places apart, and subjects of one kind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from jobs.configuration import locations
from jobs.configuration.config_checks import Draft
from jobs.configuration.config_files import KEYS
from jobs.configuration.documents import Fault
from jobs.configuration.models import Domain
from jobs.configuration.subject_keys_entry import Entries


def check(drafts: Sequence[Draft], entries: Entries, domains: Mapping[str, Domain]) -> Iterator[Fault]:
    """A table of keys is a place of its own and of one named key, and its subjects are of one kind."""
    owners: dict[str, str] = {}
    places: list[tuple[str, locations.Location]] = []
    for name, entry in entries.items():
        if entry is None:
            continue
        place = locations.of_path(entry.path)
        owner = owners.setdefault(entry.id, name)
        if owner != name:
            yield Fault(KEYS, 0, name, f"subject_keys: is that of {owner}: make one for each key")
        for other, taken in places:
            if locations.overlap(taken, place) and owners[entry.id] == name:
                yield Fault(KEYS, 0, name, f"subject_keys: is that of {other}, or one lies in the other: keep it apart")
        places.append((name, place))
        for where in (*_vaults(domains, place), *(where for draft in drafts for where in _taken(draft, place))):
            yield Fault(KEYS, 0, name, f"subject_keys: is the {where}, or one lies in the other: keep it apart")
    yield from _of_one_kind(drafts)


def _vaults(domains: Mapping[str, Domain], place: locations.Location) -> Iterator[str]:
    for domain in domains.values():
        vault = domain.treatment.vault
        if vault is not None and locations.overlap(locations.of_path(vault.path), place):
            yield f"vault of {domain.name}"


def _taken(draft: Draft, place: locations.Location) -> Iterator[str]:
    if draft.entry is None:
        return
    entry = draft.entry
    for what, taken in (("source", entry.source), ("target", entry.target), ("quarantine", entry.quarantine)):
        if taken is not None and locations.overlap(locations.of(taken), place):
            yield f"{what} of {draft.document.file}:{draft.document.line((what,))}"


def _of_one_kind(drafts: Sequence[Draft]) -> Iterator[Fault]:
    """Patient 17 and employee 17 would share a key, and be forgotten together."""
    first: dict[str, tuple[Draft, str | None]] = {}
    for draft in drafts:
        kind = _kind(draft)
        used = {
            rule.treatment.key: column for column, rule in draft.rules() if rule.treatment.technique.by_subject_keys()
        }
        for key, column in used.items():
            if key is None:
                continue
            other, known = first.setdefault(key, (draft, kind))
            if other is not draft and (kind is None or kind != known):
                yield draft.document.fault(
                    (*column.loc, "treatment"),
                    f"the key {key} keeps a key for each subject of {other.document.file} too, and nothing says that "
                    "these are the same persons: treat both subjects' own columns by one domain, or take another key",
                )


def _kind(draft: Draft) -> str | None:
    """The domain of the subject's own column."""
    own = [rule.treatment.domain for column, rule in draft.rules() if column.path.leaf == draft.subject]
    return own[0] if len(own) == 1 else None
