"""Whether somebody has said why a domain joins as widely as it can: all rows of a person, in all tables.

A warning only where tables of the domain are made for several recipients or purposes, for then a narrower scope would
have kept these apart; a refusal where the policy requires it (``require: [scope]``). So no configuration that says
neither is told anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config import Config
from jobs.configuration.config_files import DOMAINS
from jobs.configuration.finding import Finding, Place
from jobs.configuration.models import Domain, TableConfig
from privacy_udfs.scope_labels import PERSON

INSTEAD = f"say 'why' there (scope: {PERSON}), or take a narrower scope (docs/scopes.md)"


def of_table(config: Config, table: TableConfig) -> Iterator[Finding]:
    """What is to be said of the domains that a table's columns name."""
    required = "scope" in config.policy.require
    for domain in _widest(config, table):
        place = Place(DOMAINS, domain.line, domain.name)
        if required:
            yield place.says("refuse", f"policy.yaml requires a reason for the widest scope: {INSTEAD}")
        elif table.made_for is not None and len(others := _made_for(config, domain.name)) > 1:
            listed = ", ".join(others)
            yield place.says("warn", f"its pseudonyms join all that is made for {listed} with each other: {INSTEAD}")


def _widest(config: Config, table: TableConfig) -> Iterator[Domain]:
    """The domains of scope person that a table uses and that nobody gave a reason for."""
    used = {each.domain for rule in table.columns.values() for each in rule.treatment.each}
    for name in sorted(used & config.domains.keys(), key=str):
        domain = config.domains[str(name)]
        if domain.treatment.scope == PERSON and "why" not in config.written.get(DOMAINS, {}).get(name, {}):
            yield domain


def _made_for(config: Config, domain: str) -> list[str]:
    """All that tables with columns of a domain are made for, each once."""
    tables = (
        table
        for table in config.tables.values()
        if any(each.domain == domain for rule in table.columns.values() for each in rule.treatment.each)
    )
    return sorted({str(table.made_for) for table in tables if table.made_for is not None})
