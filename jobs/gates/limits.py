"""Whether the limits of the policy can be held at all: as far as the configuration tells."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config import Config
from jobs.configuration.config_files import POLICY
from jobs.configuration.documents import Loc, did_you_mean
from jobs.configuration.finding import Finding, Place
from jobs.configuration.limits_entry import Limits
from jobs.configuration.quarantine_checks import is_same
from jobs.gates.known import Configured


def told(known: Configured) -> Iterator[Finding]:
    """Limits that no log of runs counts by, of keys that are not there, or that could be used by another name."""
    conf, stated = known.conf, known.conf.policy.limits
    if stated is None:
        return
    if conf.audit is None:
        why = "rows and runs are counted in the audit log, and there is none: state it in audit.yaml"
        yield _at(conf, ("limits",)).says("refuse", why)
    for name in stated.keys:
        if name not in conf.keys:
            why = f"keys.yaml has no {name!r}{did_you_mean(name, conf.keys)}: nothing would be held to this limit"
            yield _at(conf, ("limits", "keys", name)).says("refuse", why)
    yield from _known_twice(conf, stated)


def _known_twice(conf: Config, stated: Limits) -> Iterator[Finding]:
    ordered = sorted(conf.keys)
    for at, name in enumerate(ordered):
        other = next((each for each in ordered[:at] if is_same(name, each, conf.keys)), None)
        if other is not None and (stated.of(name) is not None or stated.of(other) is not None):
            why = f"{other} and {name} are one keyset in keys.yaml, which could be used up twice: give it one name"
            yield _at(conf, ("limits",)).says("refuse", why)


def _at(conf: Config, loc: Loc) -> Place:
    lines = conf.lines.get(POLICY, {})
    return Place(POLICY, lines.get(loc, lines.get(loc[:1], 0)), ".".join(map(str, loc)))
