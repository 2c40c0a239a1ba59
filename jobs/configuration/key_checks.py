"""Where keysets of keys.yaml are, held against the stores and services that there are; nothing is opened for it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from jobs.configuration.config_files import KEYS
from jobs.configuration.documents import Fault, did_you_mean, one_of, quote
from jobs.configuration.models import KeyEntry
from privacy_udfs.key_providers import KEKS, STORES, scheme_of


def check(keys: Mapping[str, KeyEntry]) -> Iterator[Fault]:
    """Every address of a scheme that none of them has. What is not known may be a secret, and is not shown."""
    for name, entry in keys.items():
        stated = {"": (entry.keyset, entry.kek)}
        if entry.reversal is not None:
            stated[".reversal"] = (entry.reversal.keyset, entry.reversal.kek)
        for where, (keyset, kek) in stated.items():
            yield from _fault(f"{quote(name)}{where}.keyset", keyset, STORES)
            yield from _fault(f"{quote(name)}{where}.kek", kek, KEKS)


def _fault(key: str, uri: str | None, known: Collection[str]) -> Iterator[Fault]:
    if uri is not None and scheme_of(uri) not in known:
        schemes = [f"{each}:" for each in known]
        told = f"expected an address that begins with {one_of(schemes)}"
        yield Fault(KEYS, 0, key, f"{told}{did_you_mean(f'{scheme_of(uri)}:', schemes)}")
