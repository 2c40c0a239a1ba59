"""Domains that a key would link. A key of an algorithm's own type is used as it is: it does not know domains.

Under one `AesCmacPrfKey` or `HmacKey` equal values have one pseudonym in every domain, whatever bits and encoding show
of it; under one `AesSivKey` wherever the associated data is the same. `AesGcmKey` gives no result twice.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config import Config
from jobs.configuration.models import Treatment
from jobs.named_keys.key_ring import KeyRing
from privacy_udfs.techniques import BY_NAME

MOST_NAMED = 5

Uses = dict[str, dict[str, None]]
"""Associated data -> the domains in which a key is used with it."""


def refusals(conf: Config, ring: KeyRing) -> list[str]:
    """Keys of the ring by which domains of the catalog would be linked. The types are known of opened keysets only."""
    found = {}
    for name, keyset in ring.keysets.items():
        if not _links(keyset.primary.type):
            continue
        names = _same(conf, ring, name)
        for data, domains in _uses(conf, names).items():
            if len(domains) > 1:
                found[min(names), data] = _told(name, keyset.primary.type, list(domains))
    return list(found.values())


def _links(kind: str) -> bool:
    """Whether under a key of this type equal values get equal results, whatever the domain."""
    return any(cls.deterministic and kind in cls.key_types for cls in BY_NAME.values())


def _same(conf: Config, ring: KeyRing, name: str) -> frozenset[str]:
    """The names under which the catalog has this key: those of the same keyset, and of the same bytes where opened."""
    value = ring.keysets[name].primary.value
    opened = {other for other, keyset in ring.keysets.items() if keyset.primary.value == value}
    places = {conf.keys[other].keyset for other in opened}
    return frozenset(opened | {other for other, entry in conf.keys.items() if entry.keyset in places})


def _uses(conf: Config, names: frozenset[str]) -> Uses:
    uses: Uses = {}
    for treatment, domain in _treatments(conf):
        if treatment.key in names:
            uses.setdefault(str(getattr(treatment.technique, "associated_data", "")), {})[domain] = None
    return uses


def _treatments(conf: Config) -> Iterator[tuple[Treatment, str]]:
    """Each keyed treatment of the catalog and its domain: where it names none, the column's own."""
    for table in conf.tables.values():
        for decision in table.decisions.values():
            for rule in decision.cases:
                for each in rule.treatment.each:
                    yield each, each.domain or f"{table.name}/{decision.path}"


def _told(name: str, kind: str, domains: list[str]) -> str:
    listed = ", ".join(domains[:MOST_NAMED]) + (", ..." if len(domains) > MOST_NAMED else "")
    other = "an 'associated_data' of its own for each, " if kind == "AesSivKey" else ""
    return (
        f"key {name!r} is an {kind}, which is used as it is: it would link {listed}, where equal values would "
        f"get equal pseudonyms. Take a keyset for each, {other}an HkdfPrfKey, or one domain where they are to join"
    )
