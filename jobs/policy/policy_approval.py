"""What the policy approves and what runs out: algorithms, techniques, keys, their providers, installed packages.

Each violation stands where it is mended: at a domain if a domain fixes the treatment, at the key in keys.yaml, at the
policy's own line for what is installed.
"""

from __future__ import annotations

import datetime
import functools
import importlib.metadata
import re
from collections.abc import Collection, Iterator, Mapping

from packaging.version import InvalidVersion, Version

from jobs.configuration import asked_risk
from jobs.configuration.config import Config
from jobs.configuration.config_files import DOMAINS, KEYS, POLICY
from jobs.configuration.documents import Loc, did_you_mean, quote
from jobs.configuration.finding import Finding, Level, Place
from jobs.configuration.models import ColumnRule, KeyEntry, Policy, TableConfig, Treatment
from jobs.configuration.policy_entries import Deprecation
from privacy_udfs.key_providers import CLEAR_AT_REST, scheme_of
from privacy_udfs.scope_labels import domain_of
from privacy_udfs.technique import Technique

Judgement = tuple[Level, str]
Lines = Mapping[str, Mapping[Loc, int]]


def of_table(config: Config, table: TableConfig, today: datetime.date) -> Iterator[Finding]:
    """Violations by the algorithms, techniques and keys that a table's columns, and its quarantine, use."""
    known: dict[tuple[str, str | None], list[Judgement]] = {}  # few are told apart, of many columns
    treatments = [(path, column, each) for path, column in table.columns.items() for each in column.treatment.each]
    for path, column, treatment in treatments:
        technique = treatment.technique
        what = technique.technique, technique.algorithm_in_use()
        if what not in known:
            known[what] = list(_technique(config.policy, technique, what[1], today))
        for level, message in known[what]:
            yield _place(config, table, path, column, treatment).says(level, message)
    aside = None if table.quarantine is None else table.quarantine.key
    for name in dict.fromkeys([*(treatment.key for _, _, treatment in treatments), aside]):
        if name is not None:
            yield from of_key(config, name, today)


def of_key(config: Config, name: str, today: datetime.date) -> Iterator[Finding]:
    """Violations by a key of keys.yaml, whatever it is used for."""
    place = Place(KEYS, config.lines.get(KEYS, {}).get((name,), 0), quote(name))
    yield from (place.says(*judgement) for judgement in _key(config.policy, name, config.keys[name], today))


def of_signing(config: Config, today: datetime.date) -> Iterator[Finding]:
    """Violations by the key that signs the audit log, if there is one."""
    name = None if config.audit is None else config.audit.signing_key
    if name is not None and name in config.keys:
        yield from of_key(config, name, today)


def _place(config: Config, table: TableConfig, path: str, column: ColumnRule, treatment: Treatment) -> Place:
    domain = config.domains.get(domain_of(treatment.domain))
    if domain is not None:
        return Place(DOMAINS, domain.line, domain.name)
    return Place(table.file, column.line, f"columns.{quote(path)}")


def _technique(
    policy: Policy, technique: Technique, algorithm: str | None, today: datetime.date
) -> Iterator[Judgement]:
    yield from _deprecated(policy, "technique", technique.technique, today)
    if algorithm is not None:
        yield from _deprecated(policy, "algorithm", algorithm, today)
    if technique.key_size() is not None:
        yield from _approved("algorithm", algorithm or "(unknown)", policy.approved.algorithms)


def _key(policy: Policy, name: str, entry: KeyEntry, today: datetime.date) -> Iterator[Judgement]:
    yield from _deprecated(policy, "key", name, today)
    yield from _approved("key", name, policy.approved.keys)
    schemes = [scheme_of(uri) for place in entry.places for uri in place if uri is not None]
    for scheme in dict.fromkeys(schemes):
        yield from _deprecated(policy, "provider", scheme, today)
        yield from _approved("provider", scheme, policy.approved.providers)
    clear = [scheme_of(keyset) for keyset, kek in entry.places if kek is None and scheme_of(keyset) in CLEAR_AT_REST]
    if not policy.approved.clear_keysets and clear:
        message = f"the keyset lies unencrypted in {clear[0]}:, which policy.yaml forbids: name the 'kek' it is under"
        yield "refuse", message


def _approved(kind: str, name: str, approved: Collection[str] | None) -> Iterator[Judgement]:
    if approved is not None and name not in approved:
        listed = ", ".join(approved) or "nothing"
        hint = did_you_mean(name, approved) if kind == "key" else ""
        yield "refuse", f"{kind} {name} is not approved; policy.yaml approves {listed}{hint}"


def _deprecated(policy: Policy, kind: str, name: str, today: datetime.date) -> Iterator[Judgement]:
    for entry in policy.deprecated:
        if entry.kind == kind and entry.name == name:
            yield from _judged(entry, f"{kind} {name}", today)


def _judged(entry: Deprecation, what: str, today: datetime.date) -> Iterator[Judgement]:
    level = entry.level(today)
    if level == "refuse":
        yield level, f"{what} is refused after {entry.refuse_after}: {entry.why}"
    elif level == "warn":
        until = f" and refused after {entry.refuse_after}" if entry.refuse_after is not None else ""
        yield level, f"{what} is deprecated{until}: {entry.why}"


def misspelt(config: Config) -> Iterator[Finding]:
    """Deprecated keys that keys.yaml does not have, where one of a similar name may be meant. Each is a warning."""
    for at, entry in enumerate(config.policy.deprecated):
        hint = did_you_mean(entry.key, config.keys) if entry.key is not None and entry.key not in config.keys else ""
        if hint:
            place = _in_policy(config.lines, "deprecated", at)
            yield place.says("warn", f"keys.yaml has no key {entry.key}{hint}")


def no_tables(config: Config) -> Iterator[Finding]:
    """Tables that may ask less of their rows, and that the catalog does not have. Each is a warning."""
    for at, name in enumerate(config.policy.risk.laxer_for):
        if name not in config.tables:
            place = _in_policy(config.lines, "risk", "laxer_for", at)
            yield place.says("warn", f"the catalog has no table {name}{did_you_mean(name, config.tables)}")


def idle_bounds(config: Config) -> Iterator[Finding]:
    """Bounds of classes that ask no more than the policy does of every table. Each is a warning."""
    for class_, name, asked in asked_risk.idle(config.policy):
        place = _in_policy(config.lines, "classes", class_, "risk", name)
        yield place.says(
            "warn", f"changes nothing: risk.{name} asks for {asked} of every table, and the strictest counts"
        )


# -- packages ---------------------------------------------------------------------------------------------------------


def of_installation(policy: Policy, lines: Lines, today: datetime.date) -> Iterator[Finding]:
    """Violations by what is installed where this runs."""
    for at, entry in enumerate(policy.deprecated):
        found = _version(entry.package) if entry.package is not None else None
        if found is not None and (entry.below is None or _older(found, entry.below)):
            what = f"package {entry.package} {found}" + (f" (before {entry.below})" if entry.below else "")
            place = _in_policy(lines, "deprecated", at)
            yield from (place.says(*judgement) for judgement in _judged(entry, what, today))
    for name, oldest in policy.approved.packages.items():
        found = _version(name)
        if found is None or _older(found, oldest):
            got = "it is not installed" if found is None else f"{found} is installed"
            place = _in_policy(lines, "approved", "packages", name)
            yield place.says("refuse", f"approved from version {oldest} on; {got}")


def _in_policy(lines: Lines, *loc: str | int) -> Place:
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{quote(part)}" for part in loc).removeprefix(".")
    return Place(POLICY, lines.get(POLICY, {}).get(loc, 0), key)


@functools.cache
def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _older(version: str, than: str) -> bool:
    """By release numbers alone: 2.0rc1 counts as 2.0, and 2.0 is no older than 2."""
    return _release(version) < _release(than)


def _release(version: str) -> Version:
    """Of a version that is none by the standard (PEP 440) the number it begins with, as in ``4.2.0-databricks``; one
    without counts as the oldest."""
    try:
        return Version(".".join(map(str, Version(version).release)))
    except InvalidVersion:
        number = re.match(r"\d+(\.\d+)*", version)
        return Version(number[0] if number else "0")
