"""The keys of a run: who could read them, which they are, how old, and what they join or link."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from jobs.configuration.finding import Finding
from jobs.gates.known import Inspected, Planned, Readable
from jobs.lake import java
from jobs.named_keys import key_age, key_delivery, key_exposure, key_links, key_use, key_versions
from jobs.record.record_reader import columns_of


def exposed(known: Readable) -> Iterator[Finding]:
    """Settings of this application that give keys away."""
    settings = java.application(known.spark)
    return _refusing(key_exposure.refusals(settings.items(), known.conf.keys))


def other_than_recorded(known: Inspected) -> Iterator[Finding]:
    """A keyset that is not the one that the target's record was made with."""
    return _refusing(key_versions.other_keys(known.plan, known.keys, columns_of(known.target.properties)))


def delivery(known: Planned) -> Iterator[Finding]:
    """Sub-keys that would be sent in the clear."""
    return _refusing(key_delivery.refusals(known.spark, known.keys, known.plan))


def age(known: Planned) -> Iterable[Finding]:
    """The age of the versions in force, by the policy."""
    return key_age.findings(known.conf, known.keys.ids, known.today)


def layers(known: Planned) -> Iterator[Finding]:
    """Layers of a domain that do not end with the version in force."""
    return _refusing(key_versions.not_in_force(known.plan, known.keys))


def linking(known: Planned) -> Iterator[Finding]:
    """Domains that a key would link."""
    return _refusing(key_links.refusals(known.conf, known.keys))


def apart(known: Planned) -> Iterator[Finding]:
    """Other tables that hold a domain under another version. They are not looked at where someone accepted that."""
    accepted, together = known.allowed.other_key_version, known.allowed.together
    others = [] if accepted else key_versions.sharing(known.conf, known.plan, together)
    records = key_use.recorded(known.spark, known.conf, others)
    return _refusing(key_versions.apart(known.plan, known.keys.checks(known.plan), records))


def _refusing(reasons: Iterable[str]) -> Iterator[Finding]:
    return (Finding("refuse", None, reason) for reason in reasons)
