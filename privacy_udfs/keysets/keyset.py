"""Keysets: versions of one named key, in Tink's terms. What is here never shows, prints or pickles key material."""

from __future__ import annotations

import dataclasses
import secrets

from privacy_udfs import scope_labels
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets import key_derivation, keyset_formats, strict_json
from privacy_udfs.keysets.keyset_entry import MAX_ID, KeysetEntry, StaysHere, entry_fault
from privacy_udfs.keysets.tink_proto import Values
from privacy_udfs.technique import Key, LayeredKey, Technique


@dataclasses.dataclass(frozen=True)
class Keyset(StaysHere):
    """An immutable keyset with at least one key, of which one, enabled, is the primary. The `repr` shows ids, states
    and types only; pickling is refused."""

    primary_id: int
    entries: tuple[KeysetEntry, ...] = dataclasses.field(repr=False)

    def __post_init__(self) -> None:
        fault = _fault(self.primary_id, self.entries)
        if fault is not None:
            raise KeyProblem(f"not a usable keyset: {fault}")

    def __repr__(self) -> str:
        keys = ", ".join(f"{e.id}{'*' * (e.id == self.primary_id)} {e.type or '?'} {e.status}" for e in self.entries)
        return f"Keyset({keys})"

    @classmethod
    def generate(cls, type: str = "HkdfPrfKey") -> Keyset:
        """A keyset of one new key. type: one of `KEY_TYPES`."""
        entry = KeysetEntry.generate(type, new_id(()))
        return cls(entry.id, (entry,))

    @classmethod
    def from_json(cls, text: str | bytes) -> Keyset:
        """Read Tink's JSON of a clear keyset. Raises `KeyProblem`, which never holds a byte of ``text``."""
        return cls._from_values(*strict_json.read(keyset_formats.values_from_json, text))

    @classmethod
    def from_binary(cls, data: bytes) -> Keyset:
        """Read Tink's binary form of a clear keyset, the form that is encrypted. Raises as `from_json`."""
        return cls._from_values(*strict_json.read(keyset_formats.values_from_binary, data))

    @classmethod
    def _from_values(cls, values: Values | None, fault: str | None) -> Keyset:
        if values is None:
            raise KeyProblem(f"not a usable keyset: {fault}")
        return cls(values["primary_key_id"], tuple(KeysetEntry(**entry) for entry in values["entries"]))

    def to_json(self) -> str:
        """Tink's JSON of the clear keyset. What it gives is the secret itself."""
        return keyset_formats.to_json(self.primary_id, self.entries)

    def to_binary(self) -> bytes:
        """Tink's binary form of the clear keyset. What it gives is the secret itself."""
        return keyset_formats.to_binary(self.primary_id, self.entries)

    @property
    def primary(self) -> KeysetEntry:
        """The key that new data uses."""
        return self.entry(self.primary_id)

    def entry(self, key_id: int) -> KeysetEntry:
        """The key with this id. Raises `KeyProblem` where there is none."""
        for entry in self.entries:
            if entry.id == key_id:
                return entry
        raise KeyProblem(f"the keyset has no key id {key_id}; it has {', '.join(str(e.id) for e in self.entries)}")

    def subkey(self, technique: Technique, domain: str, key_id: int | None = None) -> Key:
        """The key of ``technique`` in ``domain``, derived or used directly: see `key_derivation`.

        key_id: which version, the primary by default; any enabled one will do. The `Key` carries that id. Of a
        technique in layers it is a `LayeredKey` of the versions that they name, and ``key_id`` that of the last.
        Raises `KeyProblem` for an unknown, disabled or destroyed key and for a type that does not fit the technique.
        """
        layers = technique.layer_ids()
        if not layers:
            return self._subkey(technique, domain, self.primary if key_id is None else self.entry(key_id))
        if key_id not in (None, layers[-1]):
            raise KeyProblem(f"key id {key_id} is not the last of the layers, {', '.join(map(str, layers))}")
        return LayeredKey.of(
            tuple(self._subkey(technique, domain, self.entry(each), at) for at, each in enumerate(layers, 1))
        )

    def _subkey(self, technique: Technique, domain: str, entry: KeysetEntry, layer: int = 1) -> Key:
        if entry.status != "ENABLED":
            raise KeyProblem(f"key id {entry.id} is {entry.status.lower()}: it neither treats nor reverts")
        secret = entry.secret()
        if entry.type in key_derivation.MASTERS:
            return Key(key_derivation.derive(entry.type, secret, technique, domain, layer), entry.id)
        if scope_labels.is_scoped(domain):
            raise KeyProblem(
                f"key id {entry.id}: {entry.type} is used as it is and knows no scopes, so that {domain} would join "
                f"with all else under it: take an {key_derivation.MASTERS[0]}"
            )
        if layer > 1:
            raise KeyProblem(f"key id {entry.id}: a {entry.type} is used as it is, so no layer of its own is derived")
        fault = key_derivation.misfit(entry.type, secret, entry.output_prefix, technique)
        if fault is not None:
            raise KeyProblem(f"key id {entry.id}: {fault}")
        return Key(secret.key, entry.id, key_derivation.wire_prefix(entry.output_prefix, entry.id))


def _fault(primary_id: int, entries: tuple[KeysetEntry, ...]) -> str | None:
    """What keeps these entries from being a keyset."""
    ids = [entry.id for entry in entries]
    if not entries:
        return "it has no key"
    if len(set(ids)) != len(ids):
        return "two of its keys have one id"
    if primary_id not in ids:
        return "its primary is none of its keys"
    return next(filter(None, map(entry_fault, entries)), None) or _primary_fault(primary_id, entries)


def _primary_fault(primary_id: int, entries: tuple[KeysetEntry, ...]) -> str | None:
    primary = next(entry for entry in entries if entry.id == primary_id)
    return None if primary.status == "ENABLED" else f"its primary, key id {primary_id}, is {primary.status.lower()}"


def new_id(taken: tuple[int, ...]) -> int:
    """A random id that none of ``taken`` has."""
    while (made := secrets.randbelow(MAX_ID) + 1) in taken:
        pass
    return made
