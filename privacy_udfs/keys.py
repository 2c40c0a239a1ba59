"""Keys by name: what travels is a reference; what it refers to is fetched where it is used, and kept for a while.

>>> reference.resolve()          # doctest: +SKIP
Key(id=1712345678)
"""

from __future__ import annotations

import dataclasses
import logging
import os
from collections.abc import Mapping
from typing import Protocol, TypeAlias

from privacy_udfs import key_providers
from privacy_udfs.entities.elsewhere import Listed
from privacy_udfs.errors import KeyProblem
from privacy_udfs.keysets import encrypted_keysets
from privacy_udfs.keysets.delivered_key import DeliveredKey
from privacy_udfs.keysets.key_derivation import checked, key_check_value
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.keyset_cache import KeysetCache
from privacy_udfs.keysets.keyset_entry import KeysetEntry
from privacy_udfs.keysets.tree_reference import TreeReference
from privacy_udfs.technique import Key, Keys, Technique

__all__ = [
    "AnyReference",
    "Key",
    "KeyReference",
    "KeyReferences",
    "Keyset",
    "KeysetEntry",
    "clear_cache",
    "create_file",
    "is_same",
    "key_check_value",
    "load_keyset",
    "read_keyset",
    "refer",
]

TIME_TO_LIVE = 300.0
"""Seconds for which a process uses a keyset before it asks the provider again."""

_log = logging.getLogger("lakenym.keys")
_warned: set[str] = set()


@dataclasses.dataclass(frozen=True)
class KeyReference:
    """Which key a column uses, and where it is: all that Spark ships or prints.

    name: the key's name in the configuration. keyset, kek: URIs of the keyset and of the key that encrypts it. key_id:
    the version. domain: the label that separates sub-keys. check: the check value of the sub-key as the driver saw it
    (`key_check_value`, no secret): with another key nothing is treated. `refer` makes one.
    """

    name: str
    keyset: str
    kek: str | None
    key_id: int
    technique: Technique
    domain: str
    check: str

    def __repr__(self) -> str:
        technique = self.technique.technique
        return f"KeyReference(name={self.name!r}, key_id={self.key_id}, {technique=}, domain={self.domain!r})"

    def resolve(self) -> Key:
        """The sub-key. The keyset is loaded at most once a process and `TIME_TO_LIVE`, whatever the number of threads,
        batches and references; one that does not give what is expected is loaded again, for it may be an old one.
        Raises `KeyProblem` naming the key."""
        try:
            return _cache.use(self.name, self.keyset, self.kek, self._from)
        except KeyProblem as error:
            problem = str(error)
        raise KeyProblem(f"key {self.name}: {problem}")

    def _from(self, keyset: Keyset) -> Key:
        return checked(keyset.subkey(self.technique, self.domain, self.key_id), self.check)


class List(Protocol):
    """What carries a list of digests to executors: in Spark, a broadcast variable."""

    @property
    def value(self) -> Listed:
        """The list, where it has arrived."""


@dataclasses.dataclass(frozen=True)
class KeyReferences:
    """What stands for the keys of a technique that uses several: a reference for each of its domains. lists: by domain
    what carries the digests of its values that are looked for."""

    by_domain: Mapping[str, KeyReference | DeliveredKey]
    lists: Mapping[str, List] = dataclasses.field(default_factory=dict, repr=False)

    def resolve(self) -> Keys:
        """All sub-keys. Raises `KeyProblem` naming the first that is not to be had."""
        keys = {domain: reference.resolve() for domain, reference in self.by_domain.items()}
        return Keys(by_domain=keys, listed={domain: each.value for domain, each in self.lists.items()})


AnyReference: TypeAlias = KeyReference | DeliveredKey | KeyReferences | TreeReference
"""What stands for the key, or the keys, of one column."""


def refer(name: str, keyset: str, kek: str | None, technique: Technique, domain: str) -> KeyReference:
    """A reference to the version in force of the keyset at a URI, which is looked at for it. Raises `KeyProblem`."""
    key = load_keyset(keyset, kek, name).subkey(technique, domain)
    return KeyReference(name, keyset, kek, key.id, technique, domain, key_check_value(key))


def load_keyset(uri: str, kek: str | None = None, name: str | None = None) -> Keyset:
    """Fetch and read the keyset at ``uri``, every time anew.

    kek: URI of the key that encrypts it, None for a clear one. name: what to call it in the log. Raises `KeyProblem`,
    which never holds any of it.
    """
    keyset = read_keyset(uri, key_providers.fetch(uri), kek)
    if kek is None and key_providers.scheme_of(uri) in key_providers.CLEAR_AT_REST:
        _warn_once(name or uri)
    return keyset


def is_same(keyset: Keyset, uri: str) -> bool:
    """Whether what lies at ``uri`` is this keyset, or has a key of it: by ids, which are drawn at random; of one that
    is encrypted by those that stand beside it, since it is not opened; of a clear one by its keys too. False where
    nothing can be read there."""
    try:
        content = key_providers.fetch(uri)
        ids = encrypted_keysets.ids_told(content)
        others = () if encrypted_keysets.is_sealed(content) else Keyset.from_json(content).entries
    except KeyProblem:
        return False
    own = {entry.id for entry in keyset.entries}, {entry.value for entry in keyset.entries}
    return bool(ids & own[0]) or any(entry.id in own[0] or entry.value in own[1] for entry in others)


def read_keyset(uri: str, content: bytes, kek: str | None) -> Keyset:
    """The keyset in ``content``, which was found at ``uri``. Raises as `load_keyset`."""
    if (kek is not None) != encrypted_keysets.is_sealed(content):
        said = "no kek is named for it" if kek is None else "a kek is named for it"
        raise KeyProblem(f"{uri}: the keyset is {'encrypted' if kek is None else 'not an encrypted one'}, but {said}")
    try:
        if kek is None:
            return Keyset.from_json(content)
        return encrypted_keysets.unseal(content, key_providers.kek(kek))
    except KeyProblem as error:
        problem = str(error)
    raise KeyProblem(f"{uri}: {problem}")


def _warn_once(name: str) -> None:
    if name not in _warned:
        _warned.add(name)
        _log.warning("key %s: its keyset is not encrypted; this is for development only", name)


def create_file(path: str | os.PathLike[str], type: str = "HkdfPrfKey") -> None:
    """Write a new clear keyset of one key to a new file of mode 0600. Raises `KeyProblem` where the path exists."""
    key_providers.file.create(f"file:{os.fspath(path)}", Keyset.generate(type).to_json().encode())


def clear_cache() -> None:
    """Forget every keyset of this process: the next use loads it again."""
    _cache.clear()


def _load(name: str, uri: str, kek: str | None) -> Keyset:
    return read_keyset(uri, key_providers.fetch(uri), kek)  # the driver has warned; its workers need not


_cache = KeysetCache(_load, TIME_TO_LIVE)
os.register_at_fork(after_in_child=_cache.reset)
