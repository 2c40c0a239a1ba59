"""Whether somebody has said why a domain joins as widely as it can: all rows of a person, in all tables.

A warning only where tables of the domain are made for several recipients or purposes, for then a narrower scope would
have kept these apart; a refusal where the policy requires it (``require: [scope]``). So no configuration that says
neither is told anything.
"""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.config import Config
from jobs.configuration.config_files import DOMAINS
from jobs.configuration.documents import quote
from jobs.configuration.finding import Finding, Place
from jobs.configuration.models import Domain, TableConfig
from privacy_udfs.scope_labels import PERSON, domain_of

INSTEAD = f"say 'why' there (scope: {PERSON}), or take a narrower scope (docs/scopes.md)"


def of_table(config: Config, table: TableConfig) -> Iterator[Finding]:
    """What is to be said of the domains that a table's columns name."""
    required = "scope" in config.policy.require
    widest = [(domain.name, Place(DOMAINS, domain.line, domain.name), INSTEAD) for domain in _widest(config, table)]
    for domain, place, instead in (*widest, *_undeclared(config, table)):
        if required:
            yield place.says("refuse", f"policy.yaml requires a reason for the widest scope: {instead}")
        elif table.made_for is not None and len(others := _made_for(config, domain)) > 1:
            listed = ", ".join(others)
            yield place.says("warn", f"its pseudonyms join all that is made for {listed} with each other: {instead}")


def _widest(config: Config, table: TableConfig) -> Iterator[Domain]:
    """The domains of scope person that a table uses and that nobody gave a reason for."""
    used = {each.domain for rule in table.columns.values() for each in rule.treatment.each}
    for name in sorted(used & config.domains.keys(), key=str):
        domain = config.domains[str(name)]
        if domain.treatment.scope == PERSON and "why" not in config.written.get(DOMAINS, {}).get(name, {}):
            yield domain


def _undeclared(config: Config, table: TableConfig) -> Iterator[tuple[str, Place, str]]:
    """The domains with a key that only columns name, where they stand: their pseudonyms join in all tables, too."""
    for path, rule in table.columns.items():
        for each in rule.treatment.each:
            is_wide = each.scope == PERSON and each.technique.deterministic and each.key is not None
            if is_wide and each.domain is not None and domain_of(each.domain) not in config.domains:
                place = Place(table.file, rule.line, f"columns.{quote(path)}")
                yield each.domain, place, f"declare domain {each.domain} in {DOMAINS}, and {INSTEAD}"


def _made_for(config: Config, domain: str) -> list[str]:
    """All that tables with columns of a domain are made for, each once."""
    tables = (
        table
        for table in config.tables.values()
        if any(each.domain == domain for rule in table.columns.values() for each in rule.treatment.each)
    )
    return sorted({str(table.made_for) for table in tables if table.made_for is not None})
