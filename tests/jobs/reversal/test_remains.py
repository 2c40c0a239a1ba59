"""What runs may have left, by rows of the log alone."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.audit_log.leaves import Leaf
from jobs.console.exit_codes import Refused
from jobs.reversal import remains


def leaf(run: str, outcome: str, **body: Any) -> Leaf:
    return Leaf("reversal", "2026-11-28T12:00:00Z", "bob", "1", "t", run, outcome, body)


def began(run: str, output: str = "file:/out") -> Leaf:
    return leaf(run, "started", output=output, expires="2026-11-29T12:00:00Z")


@pytest.mark.parametrize(
    ("more", "is_watched"),
    [
        ([], True),
        ([leaf("a", "done")], True),
        ([leaf("a", "failed", left=True)], True),
        ([leaf("a", "failed")], True),
        ([leaf("a", "failed", left=0)], True),
        ([leaf("a", "failed", left=False)], False),
        ([leaf("a", "done"), leaf("a", "removed")], False),
        ([leaf("b", "removed")], True),
    ],
    ids=["killed", "done", "left", "nobody looked", "no flag", "looked", "removed", "of another"],
)
def test_who_is_watched(more: list[Leaf], is_watched: bool) -> None:
    """Whoever began, but for the console, until somebody looked: not only who told that they are done."""
    assert [each.run_id for each in remains.watched([began("a"), *more])] == ["a"] * is_watched
    assert remains.watched([began("a", "console"), *more]) == []


def test_whose_a_place_is() -> None:
    told = [began("a"), began("b"), leaf("b", "failed", left=True), began("c", "file:/other")]
    assert remains.chosen(told, "file:/out", "a").run_id == "a", "as the table says, not the newest"
    assert remains.chosen(told, "file:/out", None).run_id == "b"
    assert [each.run_id for each in remains.unremoved(told, "file:/out")] == ["a", "b"]
    for place, run, why in (
        ("file:/nowhere", None, "knows of no run that wrote to file:/nowhere"),
        ("file:/out", "c", "is of no run that the audit log knows of"),
    ):
        with pytest.raises(Refused, match=why):
            remains.chosen(told, place, run)
    gone = [*told, leaf("b", "removed")]
    assert remains.chosen(gone, "file:/out", "a").run_id == "a"
    for run_id in (None, "b"):
        with pytest.raises(Refused, match="was removed before"):
            remains.chosen(gone, "file:/out", run_id)
    assert [each.run_id for each in remains.unremoved(gone, "file:/out")] == ["a"]
