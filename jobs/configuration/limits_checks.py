"""What must hold of the policy's ``limits`` beside the other files: each key is there, under one name alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Fault, did_you_mean
from jobs.configuration.limits_entry import Limits
from jobs.configuration.models import KeyEntry, Policy
from jobs.configuration.quarantine_checks import is_same


def check(policy: Policy | None, keys: Mapping[str, KeyEntry], names: Collection[str] | None) -> Iterator[Fault]:
    """Every fault. names: of all keys, also those at fault; None where they could not be read: then that is told."""
    if policy is None or policy.limits is None or names is None:
        return
    for name in policy.limits.keys:
        if name not in names:
            yield Fault(POLICY, 0, f"limits.keys.{name}", f"keys.yaml has no {name!r}{did_you_mean(name, names)}")
    yield from _known_twice(policy.limits, keys)


def _known_twice(limits: Limits, keys: Mapping[str, KeyEntry]) -> Iterator[Fault]:
    """A keyset of two names, under which it could be used twice as much."""
    ordered = sorted(keys)
    for at, name in enumerate(ordered):
        other = next((each for each in ordered[:at] if is_same(name, each, keys)), None)
        if other is not None and (limits.of(name) is not None or limits.of(other) is not None):
            told = f"{other} and {name} are one keyset in keys.yaml, and have a limit: give it one name"
            yield Fault(POLICY, 0, "limits", told)
