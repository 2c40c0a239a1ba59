"""The vaults of a table's tokens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jobs.configuration.finding import Finding
from jobs.configuration.vault_entry import VaultEntry
from jobs.gates import growth
from jobs.gates.known import Inspected, Planned
from jobs.lake import places, vault_table
from jobs.lake.problems import SourceProblem
from jobs.lake.vault_table import Vault
from jobs.token_vault import filling


def fits(known: Inspected) -> Iterator[Finding]:
    """Columns with tokens in a table whose run cannot join them; vaults that are not there, or are others, or lie where
    the table is read or written."""
    kept = vaults(known)
    if kept and known.entry.mode == "changes":
        yield _refused(
            f"{', '.join(kept)}: tokens are not joined to rows that change one by one: take another mode than changes"
        )
    for domain, entry in kept.items():
        try:
            vault = vault_table.looked(known.spark, entry)
            filling.check_fits(vault, known.conf.domains[domain].treatment.technique)
            places.check_free(known.spark, vault.location, entry.place, "vault")
            places.check_apart(known.spark, known.source.rows, vault.location, entry.place, "vault")
        except SourceProblem as error:
            yield _refused(f"domain {domain}: {error}")
            continue
        yield from _goes_on(known, domain, vault)
        target = known.target.location
        if target is not None and not places.are_apart(known.spark, target, vault.location):
            yield _refused(f"domain {domain}: the vault {entry.place} is the target, or one lies in the other")


def vaults(known: Planned) -> dict[str, VaultEntry]:
    """By domain those that the table's columns have tokens in."""
    found = ((str(case.domain), case.treatment.vault) for case in known.plan.cases)
    return {domain: entry for domain, entry in found if entry is not None}


def _goes_on(known: Inspected, domain: str, vault: Vault) -> Iterator[Finding]:
    """A vault that went back since the table's last run. A run that keeps rows would have two tokens of one value; one
    that treats all anew leaves other tables of the domain behind."""
    history = known.target.history
    runs = (commit.run.get("vaults") for commit in reversed(history.commits) if commit.version in history.ours)
    told = (said[domain] for said in runs if isinstance(said, dict) and isinstance(said.get(domain), dict))
    last: dict[str, Any] = next(told, {})
    if last.get("id") != vault.entry.id:
        return
    try:
        vault_table.check_goes_on(vault, int(last["version"]), str(last["commit"]))
    except SourceProblem as error:
        keeps = known.adds and not growth.starts_anew(known)
        if known.allowed.other_key_version and not keeps:
            yield Finding(
                "warn", None, f"domain {domain}: {error}; other tables do not join until they are treated anew"
            )
            return
        heals = (
            "get the right vault back, or treat all tables of the domain anew: --mode full --accept-other-key-version"
        )
        yield _refused(f"domain {domain}: {error}; {heals}")


def _refused(what: str) -> Finding:
    return Finding("refuse", None, what)
