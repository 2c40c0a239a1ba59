"""Spark's path for columns whose results stand in a vault: values get tokens, rows are treated, tickets are exchanged.

First every value of the run that has no token gets one, in a commit of the vault; a run that fails afterwards leaves
tokens that nobody uses yet. Then all columns are treated at once, these to tickets: from there on no clear value goes
from task to task. Last, tickets are joined with the vault, at the version that has them all.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import types as T

from jobs.configuration.column_path import ColumnPath, Field
from jobs.gates import used_up
from jobs.gates.known import Prepared
from jobs.lake.bare_types import bare
from jobs.lake.columns import column, dotted
from jobs.lake.vault_table import Vault
from jobs.record import field_metadata
from jobs.table_run import row_order
from jobs.table_run.aside import Aside
from jobs.table_run.selection import Selection
from jobs.token_vault import exchange, filling
from jobs.token_vault.filling import AnyKey
from jobs.treatment.treatment_plan import Case, Plan


@dataclasses.dataclass(frozen=True)
class Kept:
    """A column whose tokens stand in a vault. at: its number."""

    at: int
    case: Case
    key: AnyKey

    @property
    def path(self) -> ColumnPath:
        return self.case.path

    @property
    def names(self) -> tuple[str, ...]:
        """Of the column, and of the fields down to it."""
        return self.path.names


def rows(prepared: Prepared, selection: Selection, vaults: Mapping[str, Vault]) -> DataFrame:
    """The treated rows of a run. vaults: of `filled`."""
    kept = _kept(selection)
    if not kept:
        return selection.rows(prepared.source.rows)
    plan = selection.plan
    tickets = dataclasses.replace(selection, plan=_to_tickets(plan))
    treated = prepared.source.rows.select(*tickets.columns())
    for each in kept:
        treated = exchange.by_ticket(treated, column(*each.names), vaults[str(each.case.domain)], each.at)
    exchanges = list(_exchanged(plan.table, kept))
    columns = [_column(selection, field, exchanges) for field in selection.schema().fields]
    return row_order.shuffled(treated, columns) if plan.config.is_shuffled else treated.select(*columns)


def charge(prepared: Prepared, selection: Selection, aside: Aside) -> None:
    """Before any value gets a token, which stays in the vault though the run be refused later: hold the limits of the
    keys. Raises `jobs.audit_log.limits.LimitReached`."""
    limited = used_up.keys_of(prepared) if used_up.counts_rows(prepared) else {}
    keys = {str(each.case.treatment.key) for each in _kept(selection)} & {*limited}
    if keys and aside.charge is not None:
        rows = prepared.source.count
        aside.charge(prepared.source.rows.count() if rows is None else rows, keys)


def filled(prepared: Prepared, selection: Selection) -> dict[str, Vault]:
    """By domain the vaults in which every value of the run has a token. Raises as `filling.filled`."""
    by_domain: dict[str, list[Kept]] = {}
    for each in _kept(selection):
        by_domain.setdefault(str(each.case.domain), []).append(each)
    return {domain: _filled(prepared, of_one) for domain, of_one in by_domain.items()}


def _filled(prepared: Prepared, kept: Sequence[Kept]) -> Vault:
    first, source = kept[0], prepared.source.rows
    entry = first.case.treatment.vault
    assert entry is not None, "a domain with such a technique has a vault"
    values = [source.select(column(*each.names)) for each in kept]
    return filling.filled(prepared.spark, entry, first.case.treatment.technique, first.key, values)


def _kept(selection: Selection) -> list[Kept]:
    cases = [case for case in selection.plan.cases if case.treatment.technique.by_vault]
    return [Kept(at, case, selection.keys[case.path]) for at, case in enumerate(cases)]  # type: ignore[arg-type]


def _to_tickets(plan: Plan) -> Plan:
    """The plan by which these columns become tickets."""
    leaves = tuple(
        dataclasses.replace(leaf, output=T.BinaryType()) if leaf.cases[0].treatment.technique.by_vault else leaf
        for leaf in plan.leaves
    )
    return dataclasses.replace(plan, leaves=leaves)


def _exchanged(table: str, kept: Sequence[Kept]) -> Iterator[tuple[ColumnPath, Column]]:
    """What becomes of each column once the vault's rows are beside it."""
    for each in kept:
        label, technique = f"{table}: {each.path}", each.case.treatment.technique
        made = exchange.redeemed(label, technique, each.key)
        yield each.path, made(column(*each.names), column(exchange.found(each.at)))


def _column(selection: Selection, field: T.StructField, exchanges: Sequence[tuple[ColumnPath, Column]]) -> Column:
    """A column of the target, out of rows with tickets."""
    made = column(field.name)
    for path, exchanged in exchanges:
        if path.root == field.name:
            inner = dotted(*path.names[1:])
            made = made.withField(inner, exchanged) if inner else exchanged
    if bare(field.dataType) != field.dataType:
        made = made.cast(field.dataType)
    path = ColumnPath((Field(field.name),))
    return made.alias(field.name, metadata=field_metadata.of_field(path, selection.entries))
