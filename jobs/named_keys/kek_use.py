"""Which keysets a key of ``keys.yaml`` encrypts, where it is a local key-encryption key of others: they open with what
lies there, and with nothing else. Those that stand in no ``keys.yaml`` are not seen."""

from __future__ import annotations

import os

from jobs.configuration.config import Config
from jobs.console.exit_codes import Refused
from jobs.named_keys.named_key import NamedKey
from privacy_udfs import key_providers
from privacy_udfs.errors import KeyProblem
from privacy_udfs.key_providers.file import path_of
from privacy_udfs.keysets import encrypted_keysets, keyset_versions
from privacy_udfs.keysets.keyset import Keyset
from privacy_udfs.keysets.keyset_aead import KeysetAead


def before_rewrap(conf: Config, key: NamedKey, kek: str) -> None:
    """Raises `Refused` where nothing would open a keyset any more once this one lies encrypted under ``kek``."""
    if _is_of(conf, key, kek):
        raise Refused(f"key {key.name}: {kek} is its own keyset: encrypted under itself nothing opens it any more")
    _check(conf, key, key.read(), None)


def before_retiring(conf: Config, key: NamedKey, key_id: int) -> None:
    """Raises `Refused` where a keyset of the configuration opens with this version, and with no other one."""
    keyset = key.read()
    kept = keyset_versions.disabled(keyset, key_id)
    _check(conf, key, keyset_versions.enabled(keyset, key_id), kept)


def _check(conf: Config, key: NamedKey, now: Keyset, kept: Keyset | None) -> None:
    """kept: what is left that opens keysets; None for nothing."""
    lost = [
        name
        for name, entry in conf.keys.items()
        for keyset, kek in entry.places
        if kek is not None and _is_of(conf, key, kek) and _is_lost(key, name, keyset, now, kept)
    ]
    if lost:
        names = ", ".join(dict.fromkeys(lost))
        raise Refused(f"key {key.name} encrypts the keyset of {names}, which would open no more: 'rewrap' that first")


def _is_of(conf: Config, key: NamedKey, uri: str) -> bool:
    """Whether an address is of the key's keyset, or of its copy for the way back."""
    return any(_is_one_place(uri, keyset) for keyset, _ in conf.keys[key.name].places)


def _is_one_place(uri: str, other: str) -> bool:
    """Whether two addresses are of one file, however they are spelt."""
    if {key_providers.scheme_of(uri), key_providers.scheme_of(other)} != {"file"}:
        return False
    return os.path.realpath(path_of(uri)) == os.path.realpath(path_of(other))


def _is_lost(key: NamedKey, name: str, keyset: str, now: Keyset, kept: Keyset | None) -> bool:
    try:
        content = key_providers.fetch(keyset)
    except KeyProblem as error:
        problem = str(error)
    else:
        return _opens(content, now) and not (kept is not None and _opens(content, kept))
    raise Refused(
        f"key {key.name} encrypts the keyset of {name}, which cannot be read, so nobody knows whether it needs this: "
        f"have it read, or take its address out of keys.yaml ({problem})"
    )


def _opens(content: bytes, kek: Keyset) -> bool:
    try:
        return bool(encrypted_keysets.unseal(content, KeysetAead(kek)))
    except KeyProblem:
        return False
