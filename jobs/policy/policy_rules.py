"""Whether a table of the configuration keeps the policy today: every violation with file, line and remedy. No Spark.

What a class does not allow at all is already a fault of the configuration (`configuration.config_checks`). Here is what
depends on parameters, on dates and on what is installed.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from jobs.configuration import asked_risk
from jobs.configuration.config import Config
from jobs.configuration.documents import describe, quote
from jobs.configuration.finding import Finding, Level, Place, in_order
from jobs.configuration.models import ColumnRule, TableConfig, Treatment
from jobs.configuration.policy_entries import ParameterRule
from jobs.policy import evidence_rules, policy_approval, scope_rules
from jobs.policy.profiles import judged
from privacy_udfs.parameters import plain_text
from privacy_udfs.scope_labels import domain_of
from privacy_udfs.technique import Technique

MOST_NAMED = 3


def violations(config: Config, table: str, today: datetime.date) -> list[Finding]:
    """All that the policy has against treating one table on a day, by file and line.

    Level ``refuse``: the table must not be treated. Level ``warn``: it may, and someone should act.
    """
    entry = config.tables[table]
    found = {
        *_parameters(config, entry),
        *_required(config, entry),
        *reviews(config, entry, today),
        *_risk(config, entry),
        *_suppress(config, entry),
        *judged.of_table(config, entry, today),
        *scope_rules.of_table(config, entry),
        *policy_approval.of_table(config, entry, today),
        *evidence_rules.of_table(config, entry),
        *policy_approval.of_signing(config, today),
        *policy_approval.of_installation(config.policy, config.lines, today),
    }
    return in_order(found)


def of_policy(config: Config, today: datetime.date) -> Iterator[Finding]:
    """What the policy has against the configuration as a whole, tables or none: what is installed, the key that signs,
    names misspelt, what the inventory never saw."""
    yield from policy_approval.of_signing(config, today)
    yield from policy_approval.of_installation(config.policy, config.lines, today)
    yield from policy_approval.misspelt(config)
    yield from policy_approval.no_tables(config)
    yield from policy_approval.idle_bounds(config)
    yield from judged.idle(config)
    yield from evidence_rules.of_house(config)


# -- parameters -------------------------------------------------------------------------------------------------------


def _parameters(config: Config, table: TableConfig) -> Iterator[Finding]:
    by_class = {str(name): policy.rules for name, policy in config.policy.classes.items()}
    treatments = [(path, column, each) for path, column in table.columns.items() for each in column.treatment.each]
    for path, column, treatment in treatments:
        technique = treatment.technique
        for rule in by_class.get(column.class_, ()):
            if rule.technique == technique.technique and not _kept(rule, _in_effect(technique, rule.parameter)[0]):
                yield _at(table, path, column, "refuse", _broken(rule, column, treatment, config))


def _in_effect(technique: Technique, parameter: str) -> tuple[Any, str]:
    """What a parameter comes to, and in words why that is not what is stated, where it is not."""
    stated = getattr(technique, parameter)
    instead = technique.overruled(dict(technique)).get(parameter)
    if instead is None or instead.value == stated:
        return stated, ""
    return instead.value, f", for {instead.why}"


def _kept(rule: ParameterRule, value: Any) -> bool:
    if value is None:
        return rule.or_unset
    if rule.one_of is not None:
        return any(type(value) is type(choice) and value == choice for choice in rule.one_of)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return False
    number = Decimal(str(value))
    return (rule.at_least is None or number >= rule.at_least) and (rule.at_most is None or number <= rule.at_most)


def _broken(rule: ParameterRule, column: ColumnRule, treatment: Treatment, config: Config) -> str:
    bounds = [("at least", rule.at_least), ("at most", rule.at_most)]
    wanted = " and ".join(f"{words} {plain_text(bound)}" for words, bound in bounds if bound is not None)
    if rule.one_of is not None:
        wanted = f"one of {', '.join(map(_shown, rule.one_of))}"
    value, reason = _in_effect(treatment.technique, rule.parameter)
    got = "it is not set" if value is None else f"it is {_shown(value)}{reason}"
    asked = f"policy.yaml asks of {rule.technique} for class {column.class_} that {rule.parameter} be {wanted}; {got}"
    domain = config.domains.get(domain_of(treatment.domain))
    fixed = f", fixed by domain {domain.name} (domains.yaml:{domain.line})" if domain else ""
    return asked + fixed + (f": {rule.why}" if rule.why else "")


def _shown(value: Any) -> str:
    if isinstance(value, Decimal):
        return plain_text(value)
    return describe(value, by_type=isinstance(value, list | dict | tuple)).strip("'")


# -- fields that a column, or its table for it, must have -------------------------------------------------------------


def _required(config: Config, table: TableConfig) -> Iterator[Finding]:
    for field in (each for each in config.policy.require if each != "scope"):  # that is of domains: `scope_rules`
        lacking = [path for path, column in table.decisions.items() if getattr(column.cases[0], field) is None]
        if lacking and getattr(table, field) is None:
            more = f" and {len(lacking) - MOST_NAMED} more" if len(lacking) > MOST_NAMED else ""
            named = ", ".join(lacking[:MOST_NAMED]) + more
            message = f"policy.yaml requires it: give it for the table, or for {named}"
            yield Place(table.file, table.line, field).says("refuse", message)


def reviews(config: Config, table: TableConfig, today: datetime.date) -> Iterator[Finding]:
    """What is past its review: the table as a whole, or columns with a date of their own."""
    grace = config.policy.review_grace_days
    if table.review_by is not None and any(column.review_by is None for column in table.columns.values()):
        level, message = _review(table.review_by, grace, today)
        if level is not None:
            yield Place(table.file, table.line, "review_by").says(level, message)
    for path, decision in table.decisions.items():
        column = decision.cases[0]  # all have the same
        if column.review_by is not None:
            level, message = _review(column.review_by, grace, today)
            if level is not None:
                yield _at(table, path, column, level, message)


def _review(review_by: datetime.date, grace: int | None, today: datetime.date) -> tuple[Level | None, str]:
    if today <= review_by:
        return None, ""
    due = f"the review was due by {review_by}: look at the decision again, then set a new date"
    if grace is None:
        return "warn", due
    last = review_by.toordinal() + grace
    if today.toordinal() > last:
        return "refuse", f"{due}; policy.yaml grants {grace} days, and they are over"
    return "warn", f"{due}; refused after {datetime.date.fromordinal(min(last, datetime.date.max.toordinal()))}"


# -- how far a table may single people out -----------------------------------------------------------------------------


def _risk(config: Config, table: TableConfig) -> Iterator[Finding]:
    """An entry that asks less of its rows than the policy does of them."""
    if table.name in config.policy.risk.laxer_for:
        return
    stated = table.risk.stated()
    for name, bound in asked_risk.laxer(config.policy, table):
        message = f"{bound.by} asks for {bound.value}, and {stated[name]} is laxer; risk.laxer_for names who may"
        yield Place(table.file, table.line, f"risk.{name}").says("refuse", message)


def _suppress(config: Config, table: TableConfig) -> Iterator[Finding]:
    """Small classes kept out, and not small enough: what stays misses the bound all the same."""
    stated, asked = table.suppress, asked_risk.of(config.policy, table).bounds.get("k")
    if stated is not None and asked is not None and stated.k < asked.value:
        message = (
            f"classes of fewer than {stated.k} are kept out, and {asked.by} asks for {asked.value}: a run with a class "
            f"in between stops all the same: state k: {asked.value}"
        )
        yield Place(table.file, table.line, "suppress.k").says("warn", message)


def _at(table: TableConfig, path: str, column: ColumnRule, level: Level, message: str) -> Finding:
    return Place(table.file, column.line, f"columns.{quote(path)}").says(level, message)
