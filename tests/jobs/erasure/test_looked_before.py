"""Which tables an earlier erasure of the same subjects looked at, by rows of the audit log."""

from __future__ import annotations

from typing import Any

from jobs.audit_log.leaves import Leaf
from jobs.erasure import looked_before


def row(outcome: str, run_id: str, table: str = "", **body: Any) -> Leaf:
    said = {"domain": "customer", **body}
    return Leaf("erasure", "", "", "", table, run_id, outcome, said)


def test_those_of_the_same_subjects_until_somebody_is_taken_off_the_list() -> None:
    rows = [
        row("began", "a", same="one", subjects=2),
        row("erased", "a", "t", location="file:/t"),
        row("began", "b", same="other", subjects=2),
        row("erased", "b", "u", location="file:/u"),
    ]
    assert looked_before.of_rows(rows, ["one"], "customer") == {("t", "file:/t")}
    assert looked_before.of_rows(rows, [], "customer") == frozenset(), "as many subjects are not the same ones"
    assert looked_before.of_rows([*rows, row("off_list", "c")], ["one"], "customer") == frozenset()
