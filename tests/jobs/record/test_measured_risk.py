"""What a table says was measured of it: by its properties, by its log, and not by what others write there."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jobs.lake.history import History
from jobs.lake.log_commits import Commit
from jobs.record import measured_risk

RISK: dict[str, Any] = {
    "asked": {"k": 5, "t": 0.3},
    "asked_by": {"k": "policy.yaml (risk)", "t": "its entry (risk)"},
    "quasi_identifiers": 2,
    "counted": "people",
    "rows": 40,
    "people": 31,
    "classes": "< 10",
    "k": 5,
    "uniques": 0,
    "at_risk": 0,
    "sensitive": {"url": {"l": 3, "t": 0.25}},
}


def commit(version: int, operation: str = "WRITE", added: int = 1, **run: Any) -> Commit:
    return Commit(version, added, None, 0, None, version, operation, {}, run)


def history(*commits: Commit, ours: tuple[int, ...] = ()) -> History:
    return History(commits[-1].version if commits else 9, commits, {}, frozenset(ours), True)


def said(**more: Any) -> dict[str, str]:
    text = measured_risk.properties(RISK, "r1", 4)["privacy.risk"] or ""
    return {"privacy.risk": json.dumps({**json.loads(text), **more})}


def test_it_is_kept_in_the_tables_properties() -> None:
    """Also when its log holds no run any more; and Spark shows it whole, though a column's name is a word it hides."""
    text = measured_risk.properties(RISK, "r1", 4)["privacy.risk"] or ""
    assert "url" not in text
    for known in (History(4), history(commit(5, "OPTIMIZE", 0)), history(commit(4, run_id="r1", risk=RISK), ours=(4,))):
        found = measured_risk.of({"privacy.risk": text}, known)
        assert found is not None
        assert (found.version, found.risk, found.is_changed) == (4, RISK, False)
        assert found.as_data() == {"version": 4, "at": found.at, **RISK}
    assert measured_risk.properties(None, "r2", 5) == {"privacy.risk": None}


def test_it_is_that_of_the_last_run_and_no_others() -> None:
    older = said()
    later = history(commit(4, run_id="r1"), commit(5, run_id="r2"), ours=(4, 5))
    assert measured_risk.of(older, later) is None, "the last run measured nothing"
    by_log = measured_risk.of({}, history(commit(4, run_id="r1", risk=RISK), ours=(4,)))
    assert by_log is not None
    assert (by_log.version, by_log.at, by_log.risk) == (4, None, RISK), "a table of before it had the property"
    assert measured_risk.of({}, history(commit(4, run_id="r1"), ours=(4,))) is None
    set_by_others = said(risk={**RISK, "k": 1000})
    found = measured_risk.of(set_by_others, history(commit(4, run_id="r1", risk=RISK), ours=(4,)))
    assert (found and found.risk["k"], found and found.at is None) == (5, False), "the commit counts"


@pytest.mark.parametrize(
    ("operation", "added", "changed"), [("DELETE", 1, True), ("OPTIMIZE", 0, False), ("RESTORE", 0, True)]
)
def test_rows_that_others_changed_are_told(operation: str, added: int, changed: bool) -> None:
    for ours in ((4,), ()):
        found = measured_risk.of(
            said(), history(commit(4, run_id="r1", risk=RISK), commit(5, operation, added), ours=ours)
        )
        assert found is not None
        assert (found.is_changed, found.as_data().get("rows_changed_since", False)) == (changed, changed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"risk": None},
        {"risk": {**RISK, "k": "canary"}},
        {"risk": {**RISK, "people": "canary"}},
        {"risk": {**RISK, "sensitive": {"a": {"l": "canary", "t": 0}}}},
        {"risk": {**RISK, "asked": ["canary"]}},
        {"risk": {**RISK, "counted": "canary"}},
        {"risk": {name: each for name, each in RISK.items() if name != "classes"}},
        {"version": -1},
        {"version": True},
        {"at": "canary"},
        {"run_id": 7},
    ],
)
def test_what_has_not_the_right_form_is_as_if_it_were_not_there(wrong: dict[str, Any]) -> None:
    assert measured_risk.of(said(**wrong), history()) is None
    assert measured_risk.of({"privacy.risk": "{"}, history()) is None
    assert measured_risk.of({"privacy.risk": "[" * 100_000}, history()) is None


def test_nothing_more_than_is_known_is_told_of_it() -> None:
    found = measured_risk.of(said(risk={**RISK, "more": "canary", "asked": {"k\n": 5}}, more="canary"), history())
    assert found is not None
    assert "canary" not in json.dumps(found.as_data())
    assert "\n" not in "".join(found.risk["asked"])


@pytest.mark.parametrize(
    ("commits", "version", "known"),
    [
        ((commit(5, "OPTIMIZE", 0),), 5, True),
        ((commit(15, "OPTIMIZE", 0),), 15, False),  # trimmed: somebody may have written 12
        ((commit(0, "CLONE"), commit(1)), 1, False),
        ((), 9, False),
        ((), 4, True),
    ],
)
def test_a_log_that_does_not_tell_all_since_is_told(commits: tuple[Commit, ...], version: int, known: bool) -> None:
    """Where it was trimmed, and in a clone, whose versions begin anew beside the properties of the original."""
    found = measured_risk.of(said(), History(version, commits, {}, frozenset(), True))
    assert found is not None
    assert found.is_known == known
    assert found.as_data().get("rows_may_have_changed_since", False) == (not known)


def test_counts_that_are_told_as_bounds() -> None:
    assert [measured_risk.most(each) for each in (0, 31, "< 10", "< 22", "> 90")] == [0, 31, 9, 21, None]
    for told in ("< 22", "> 90"):
        assert measured_risk.of(said(risk={**RISK, "at_risk": told}), history()) is not None
    assert measured_risk.of(said(risk={**RISK, "at_risk": "> ninety"}), history()) is None
