"""What policy.yaml says of moving treated tables from one version of a key to the next, and whether it names what is
there."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated

from pydantic import Field

from jobs.configuration.closed_table_entry import ClosedTableEntry
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.entry import Entry, Name, NotBlank
from jobs.configuration.vault_entry import VaultEntry
from privacy_udfs.techniques.tokenize import VAULT


class Bridge(ClosedTableEntry):
    """domain: of domains.yaml, whose tables move to the next version of their key by it. key: of keys.yaml, that seals
    its values, and nothing else. path, id: of the table (jobs/tokens.py create). why: a bridge holds every value of the
    domain, for whoever has its key: what makes that needed."""

    domain: Name
    key: Name
    id: Annotated[str, Field(pattern=VAULT)]
    why: NotBlank

    @property
    def table(self) -> VaultEntry:
        return VaultEntry(path=self.path, id=self.id)


class Rotation(Entry):
    """reencrypt: keys of keys.yaml whose columns may be decrypted and encrypted again from the treated table, by who
    may open the key; no value of them is shown to anybody. bridge: of domains whose values nobody turns back, where
    they stand sealed (docs/rotation.md)."""

    reencrypt: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    bridge: Annotated[tuple[Bridge, ...], Field(strict=False)] = ()

    def bridge_of(self, domain: str) -> Bridge | None:
        return next((each for each in self.bridge if each.domain == domain), None)


def check(rotation: Rotation | None, keys: Collection[str] | None) -> Iterator[Fault]:
    """Every fault. keys: the names of all, also of those at fault; nothing where they could not be read."""
    if rotation is None or not keys:
        return
    for at, name in enumerate(rotation.reencrypt):
        if name not in keys:
            told = f"keys.yaml has no key {name!r}{did_you_mean(name, keys)}"
            yield Fault(POLICY, 0, f"rotation.reencrypt[{at}]", told)
