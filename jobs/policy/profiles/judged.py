"""What the profiles of a policy have against a table: each miss with its paragraph, in words for who reads the law."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator

from jobs.configuration.column_path import ColumnPath, ColumnPathError
from jobs.configuration.config import Config
from jobs.configuration.config_files import KEYS, POLICY
from jobs.configuration.documents import did_you_mean, quote
from jobs.configuration.finding import Finding, Place
from jobs.configuration.models import Policy, TableConfig
from jobs.configuration.policy_entries import ProfileException
from jobs.policy.profiles import BY_NAME
from jobs.policy.profiles.rule import Profile, Rule, Seen
from privacy_udfs.scope_labels import domain_of


def of_table(config: Config, table: TableConfig, today: datetime.date) -> Iterator[Finding]:
    """Misses of one table. What an exception lets pass is warned of."""
    profiles = [BY_NAME[name] for name in config.policy.profile]
    for decision in table.decisions.values() if profiles else ():
        for path, column in decision.named.items():
            seen = Seen(config, table, path, column, today)
            for profile in profiles:
                for rule in profile.rules:
                    yield from _asked(profile, rule, seen)


def recorded(policy: Policy, table: str) -> str:
    """The profiles of a policy with their versions, and the rules that a table may miss, as its record holds them;
    empty without one."""
    return ", ".join(_with_exceptions(policy, table, BY_NAME[name]) for name in policy.profile)


def _with_exceptions(policy: Policy, table: str, profile: Profile) -> str:
    # ended ones too: what a record says must not change with the day on which a run asks
    let = {each.rule for each in policy.profile_exceptions if (each.profile, each.table) == (profile.name, table)}
    rules = [rule.name for rule in profile.rules if rule.name in let]
    return f"{profile.stated} (exceptions: {', '.join(rules)})" if rules else profile.stated


def _asked(profile: Profile, rule: Rule, seen: Seen) -> Iterator[Finding]:
    if not rule.of_keys:
        yield from _missed(profile, rule, seen)
        return
    for key in seen.keys:
        yield from _missed(profile, rule, dataclasses.replace(seen, key=key))


def _missed(profile: Profile, rule: Rule, seen: Seen) -> Iterator[Finding]:
    miss = rule.misses(seen)
    if miss is None:
        return
    cited = f"{profile.name}, rule {rule.name}: {rule.paragraph}"
    said = f"{cited}: {rule.demands}. {miss}{_fixed(rule, seen)}. {rule.heals}"
    place, level = _place(rule, seen), rule.level
    exception = _exception(profile, rule, seen)
    if exception is None:
        yield place.says(level, said)
    elif seen.today > exception.review_by:
        yield place.says(level, f"{said}. The exception that policy.yaml states ended on {exception.review_by}")
    else:
        yield place.says("warn", f"{said}. Let pass until {exception.review_by} by policy.yaml: {exception.why}")


def _fixed(rule: Rule, seen: Seen) -> str:
    """Where the treatment stands, if not at the column."""
    domain = seen.config.domains.get(domain_of(seen.column.treatment.domain))
    if domain is None or rule.of_keys or rule.of_table:
        return ""
    return f", fixed by domain {domain.name} (domains.yaml:{domain.line})"


def _place(rule: Rule, seen: Seen) -> Place:
    table = seen.table
    if rule.of_keys:
        return Place(KEYS, seen.config.lines.get(KEYS, {}).get((seen.key,), 0), quote(seen.key))
    if rule.of_table:
        return Place(table.file, table.line, rule.of_table)
    return Place(table.file, seen.column.line, f"columns.{quote(str(seen.path))}")


# -- exceptions -------------------------------------------------------------------------------------------------------


def _exception(profile: Profile, rule: Rule, seen: Seen) -> ProfileException | None:
    """The one that lets the miss pass; of several the last to be reviewed."""
    found = [each for each in seen.config.policy.profile_exceptions if _is_for(each, profile, rule, seen)]
    return max(found, key=lambda each: each.review_by, default=None)


def _is_for(exception: ProfileException, profile: Profile, rule: Rule, seen: Seen) -> bool:
    asked = (exception.profile, exception.rule, exception.table)
    if asked != (profile.name, rule.name, seen.table.name):
        return False
    return exception.column is None or _path(exception.column) == str(seen.path.leaf)


def _path(column: str) -> str | None:
    try:
        return str(ColumnPath.parse(column).leaf)
    except ColumnPathError:
        return None


def idle(config: Config) -> Iterator[Finding]:
    """Exceptions that name nothing that is there. Each is a warning."""
    for at, exception in enumerate(config.policy.profile_exceptions):
        fault = _fault(config, exception)
        if fault is not None:
            line = config.lines.get(POLICY, {}).get(("profile_exceptions", at), 0)
            yield Place(POLICY, line, f"profile_exceptions[{at}]").says("warn", fault)


def _fault(config: Config, exception: ProfileException) -> str | None:
    rules = [rule.name for rule in BY_NAME[exception.profile].rules]
    if exception.profile not in config.policy.profile:
        return f"the policy does not name the profile {exception.profile}"
    if exception.rule not in rules:
        return f"{exception.profile} has no rule {exception.rule}{did_you_mean(exception.rule, rules)}"
    table = config.tables.get(exception.table)
    if table is None:
        return f"the catalog has no table {exception.table}{did_you_mean(exception.table, config.tables)}"
    if exception.column is not None and _path(exception.column) not in table.decisions:
        return f"{exception.table} has no column {exception.column}{did_you_mean(exception.column, table.decisions)}"
    return None
