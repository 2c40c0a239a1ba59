"""How many rows may be set aside: of those that a run reads, and of all that the table has by then."""

from __future__ import annotations

import collections
from collections.abc import Mapping, Sequence
from typing import Any

from jobs.configuration import shares
from jobs.gates.known import Prepared
from jobs.lake import change
from jobs.spark_app.failures import RunFailed

FEWEST = 10
"""Rows that may be set aside whatever share they are."""


def check(prepared: Prepared, refused: Sequence[Mapping[str, Any]], rows: int, waiting: int) -> None:
    """Raise `RunFailed` where more are refused than the entry lets be set aside.

    refused: label and rule of each row. rows: how many the run read. waiting: how many of earlier runs stay in
    quarantine; with few in each run, or batch of a stream, they too could become any share of the table.
    """
    of_run, most = len(refused), _most(prepared, rows)
    if of_run > most:
        told = f"of {rows} rows {of_run} are refused ({_listed(prepared.table, refused)})"
        raise _too_many(prepared, told, f"{most} be set aside: mend the rules")
    if not waiting or of_run + waiting <= FEWEST:
        return
    in_all = waiting + _rows_then(prepared, rows)
    most = _most(prepared, in_all)
    if of_run + waiting > most:
        told = (
            f"{of_run} rows are refused ({_listed(prepared.table, refused)}) beside {waiting} of earlier runs in "
            f"quarantine, of {in_all} in all"
        )
        raise _too_many(prepared, told, f"{most} stand there: mend the rules and treat them again with --requeue")


def _most(prepared: Prepared, rows: int) -> int:
    stated = prepared.entry.quarantine
    assert stated is not None, "a run that sets rows aside is told how many"
    return max(FEWEST, shares.of(stated.at_most, rows))


def _rows_then(prepared: Prepared, rows: int) -> int:
    """Of the target, and those refused. Where rows are replaced nobody counts how many: no fewer than this."""
    there = change.rows_of(prepared.spark, prepared.target).count()
    return there + rows if prepared.mode == "incremental" else max(there, rows)


def _listed(table: str, refused: Sequence[Mapping[str, Any]]) -> str:
    found = collections.Counter((str(row["label"]).removeprefix(f"{table}: "), row["rule"]) for row in refused)
    return ", ".join(f"{count} by {rule} of {column}" for (column, rule), count in found.most_common(5))


def _too_many(prepared: Prepared, told: str, lets: str) -> RunFailed:
    stated = prepared.entry.quarantine
    share = None if stated is None else stated.at_most
    return RunFailed(
        f"{prepared.table}: {told}, and quarantine.at_most ({share}) lets {lets}, or raise it; nothing was committed"
    )
