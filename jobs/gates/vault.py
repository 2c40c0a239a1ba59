"""The vaults of a table's tokens."""

from __future__ import annotations

from collections.abc import Iterator

from jobs.configuration.finding import Finding
from jobs.configuration.vault_entry import VaultEntry
from jobs.gates.known import Inspected, Planned
from jobs.lake import places, vault_table
from jobs.lake.problems import SourceProblem


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
            places.check_apart(known.spark, known.source.rows, vault.location, entry.place, "vault")
        except SourceProblem as error:
            yield _refused(f"domain {domain}: {error}")
            continue
        target = known.target.location
        if target is not None and not places.are_apart(known.spark, target, vault.location):
            yield _refused(f"domain {domain}: the vault {entry.place} is the target, or one lies in the other")


def vaults(known: Planned) -> dict[str, VaultEntry]:
    """By domain those that the table's columns have tokens in."""
    found = ((str(case.domain), case.treatment.vault) for case in known.plan.cases)
    return {domain: entry for domain, entry in found if entry is not None}


def _refused(what: str) -> Finding:
    return Finding("refuse", None, what)
