"""Who counts as another person: for approvals, for runs, and for looks at runs."""

from __future__ import annotations

from typing import Any

import pytest

from jobs.audit_log.leaves import Leaf
from jobs.configuration import persons, reversal_entry
from jobs.configuration.reversal_entry import Approver
from jobs.console.exit_codes import BadUsage, Refused
from jobs.reversal import judged, review
from jobs.reversal.asked import Asked, Rows

ANN = "ann@example.org"
GROUNDS = [{"column": "email", "domain": "mail", "classes": ["direct_identifier", "sensitive"]}]


def approver(name: str = ANN, **bounds: Any) -> Approver:
    return Approver.model_construct(
        name=name, public_key="", **{"tables": None, "domains": None, "classes": None, **bounds}
    )


@pytest.mark.parametrize(
    "other", ["ANN@example.org", "ann\u200b@example.org", "\uff41nn@example.org", "a\u00adnn@example.org"]
)
def test_one_name_however_it_is_written(other: str) -> None:
    assert persons.is_same(ANN, other)
    with pytest.raises(ValueError, match="they are one person"):
        reversal_entry._are_different((approver(), approver(other)))


def test_other_names_are_other_people() -> None:
    assert not persons.is_same(ANN, "ann@example.com")
    assert not persons.is_same(ANN, "anne@example.org")
    assert not persons.may_run_as(ANN, "anne")


@pytest.mark.parametrize("user", ["ann", "Ann", "ann@EXAMPLE.ORG", "ann@REALM"])
def test_who_runs_is_not_who_approved(user: str) -> None:
    """A system knows people by less than their address."""
    with pytest.raises(Refused, match="approved it, and runs it"):
        judged.check_runner(approver(), user)
    judged.check_runner(approver(), "bob")


@pytest.mark.parametrize("name", ["ann\u200b@example.org", "ann\nrows: none", "ann bob", "a+b", "a\x1b[2J"])
def test_an_actor_is_a_name_that_can_be_seen(name: str) -> None:
    with pytest.raises(BadUsage, match="--actor"):
        Asked("t", ("email",), Rows(where="a = 1"), name, "x")


@pytest.mark.parametrize(
    ("by", "actor", "user", "grounds", "why"),
    [
        (approver(tables=("t",)), "bob", "bob", GROUNDS, None),
        (approver(tables=("t",)), ANN, "bob", GROUNDS, "who broke the glass"),
        (approver(tables=("t",)), "bob", "ann", GROUNDS, "who ran the job"),
        (approver(tables=("u",)), "bob", "bob", GROUNDS, "does not let"),
        (approver(classes=("sensitive",)), "bob", "bob", GROUNDS, "does not let"),
        (approver(domains=("other",)), "bob", "bob", GROUNDS, "does not let"),
        (approver(tables=("t",)), "bob", "bob", None, "does not let"),
        (approver(tables=("t",)), "bob", "bob", [{}], "does not let"),
    ],
)
def test_whose_look_counts(by: Approver, actor: str, user: str, grounds: Any, why: str | None) -> None:
    body = {"actor": actor, "grounds": grounds}
    found = review._against(Leaf("break_glass", "", user, "1", "t", "r", "started", body), by)
    assert (found is None) if why is None else (why in str(found))
