"""The key by which the erased are told, and nothing else: codes of ids for the list that keeps them out, and others,
of one erasure alone, for its receipt."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from typing import cast

import pyarrow as pa

from jobs.configuration.config import Config
from jobs.configuration.erasure_entry import Erasure
from jobs.console.exit_codes import BadUsage
from jobs.named_keys.key_ring import KeyRing
from privacy_udfs import kept_out
from privacy_udfs.errors import KeyProblem, TypeRefused
from privacy_udfs.kept_out import Parcel
from privacy_udfs.keys import Key, Keyset, load_keyset
from privacy_udfs.normalization import Normalize
from privacy_udfs.technique import narrow, plain

DERIVES = "HkdfPrfKey"
"""A key of another type serves as it is, for whatever label: then codes of a receipt would be those of the list."""


@dataclasses.dataclass(frozen=True)
class ErasureKey:
    """The key of a configuration's ``erasure``. It is opened when it is first used. Its `repr` shows no bytes."""

    conf: Config
    entry: Erasure

    @functools.cached_property
    def ring(self) -> KeyRing:
        """Raises `KeyProblem`."""
        name = self.entry.key
        stated = self.conf.keys[name]
        keyset = load_keyset(stated.keyset, stated.kek, name)
        if any(each.status == "ENABLED" and each.type != DERIVES for each in keyset.entries):
            raise KeyProblem(f"key {name} of erasures: expected a keyset of {DERIVES}, of which sub-keys are derived")
        return KeyRing(self.conf, {name: keyset})

    @property
    def id(self) -> int:
        """Of the version in force."""
        return self.ring.ids[self.entry.key]

    @property
    def ids(self) -> list[int]:
        """Of the versions that are enabled."""
        return [each.id for each in self.ring.keysets[self.entry.key].entries if each.status == "ENABLED"]

    def check_apart(self, others: Mapping[str, Keyset]) -> None:
        """Raise `KeyProblem` where the key serves something else too, by another name."""
        own = {each.value for each in self.ring.keysets[self.entry.key].entries if each.value is not None}
        for name, keyset in sorted(others.items()):
            if any(each.value in own for each in keyset.entries):
                raise KeyProblem(
                    f"key {self.entry.key} of erasures is key {name} again, under another name: make one anew"
                )

    def check_own(self) -> None:
        """Raise `KeyProblem` where a key that treats values, of any domain or table, is this one by another name."""
        treats = {each.treatment.key for each in self.conf.domains.values()}
        for table in self.conf.tables.values():
            treats |= {each.key for rule in table.columns.values() for each in rule.treatment.each}
        named = {name: self.conf.keys[name] for name in treats if name is not None}
        self.check_apart({name: load_keyset(each.keyset, each.kek, name) for name, each in named.items()})

    def spelling(self, domain: str) -> Normalize:
        return kept_out.spelling_of(self.conf.domains[domain].treatment.technique)

    def erased(self, domain: str, parcels: Mapping[tuple[int, tuple[str, ...]], Parcel]) -> kept_out.Erased:
        """What tasks get of the list. parcels: codes by the version of the key, and by the steps by which ids were
        spelled when they were made. Raises `KeyProblem`."""
        how, under = kept_out.technique(self.spelling(domain)), kept_out.label(domain)
        named = [
            (self.ring.reference_of(self.entry.key, how, under, key_id), steps, each)
            for (key_id, steps), each in parcels.items()
        ]
        return kept_out.Erased(domain, tuple(named), self.spelling(domain))

    def listed(self, domain: str, ids: pa.Array | pa.ChunkedArray) -> list[tuple[str, int, bytes]]:
        """What the list is to hold of ids, as they stand in sources, each once. Raises `BadUsage`, `KeyProblem`."""
        return [(domain, self.id, code) for code in self.codes(domain, kept_out.label(domain), ids)]

    def listed_as(
        self, domain: str, ids: pa.Array | pa.ChunkedArray, steps: tuple[str, ...], key_id: int
    ) -> list[bytes]:
        """Codes of ids as the list may have them from before: by these steps, under this version of the key."""
        label, by = kept_out.label(domain), cast(Normalize, steps)
        found = {*self.codes(domain, label, ids, key_id, by)}
        key = self._subkey(by, label, key_id)
        for named in kept_out.spellings(narrow(plain(ids)), steps, self.spelling(domain)):
            found |= {row.tobytes() for row in kept_out.codes(named.drop_null(), key)}
        return sorted(found)

    def codes(
        self,
        domain: str,
        label: str,
        ids: pa.Array | pa.ChunkedArray,
        key_id: int | None = None,
        spelling: Normalize | None = None,
    ) -> list[bytes]:
        """Codes of ids under the sub-key of a label, in order and each once. key_id: the version; None: the one in
        force. spelling: the steps; None: those of the domain by now. Raises `BadUsage` where ids have no canonical
        bytes, or one is null."""
        if domain not in self.conf.domains:
            raise BadUsage(f"domains.yaml has no domain {domain!r}")
        values, steps = narrow(plain(ids)), self.spelling(domain) if spelling is None else spelling
        if not kept_out.takes(values.type):
            raise BadUsage(f"ids of {domain}: subjects are told by text, numbers or dates, not by {values.type}")
        if values.null_count:
            raise BadUsage(f"ids of {domain}: {values.null_count} are null: leave them out")
        key = self._subkey(steps, label, key_id)
        try:
            named = kept_out.spelled(values, steps)
        except TypeRefused as error:
            raise BadUsage(f"ids of {domain}: {error}") from None
        if named.null_count:
            raise BadUsage(f"ids of {domain}: {named.null_count} are a prefix that is taken off, and nothing after it")
        found = kept_out.codes(named, key)
        return sorted({row.tobytes() for row in found})

    def _subkey(self, steps: Normalize, label: str, key_id: int | None) -> Key:
        return self.ring.keysets[self.entry.key].subkey(kept_out.technique(steps), label, key_id)


def of(conf: Config) -> ErasureKey | None:
    """None where the policy states no erasure."""
    entry = conf.policy.erasure
    return None if entry is None else ErasureKey(conf, entry)
