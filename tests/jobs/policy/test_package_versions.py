"""Which of two versions of a package is the older, for what the policy approves and deprecates."""

from __future__ import annotations

import pytest

from jobs.policy.policy_approval import _older


@pytest.mark.parametrize(
    ("installed", "than"),
    [("1.9", "2"), ("2.9", "2.10"), ("1.99.99", "2.0"), ("2", "2.0.1"), ("2.0rc1", "2.1"), ("44.0.post1", "44.1")],
)
def test_older(installed: str, than: str) -> None:
    assert _older(installed, than)


@pytest.mark.parametrize(
    ("installed", "than"),
    [
        ("2", "2"),
        ("2", "2.0"),
        ("2.0", "2"),
        ("2.10", "2.9"),
        ("2.0rc1", "2.0"),
        ("2.0.dev3", "2"),
        ("2.1+cu12", "2.1"),
        ("4.2.0-databricks", "4.2"),
        ("4.2.0-emr-1", "4.2"),
        ("4.2.0.dev0-SNAPSHOT", "4.2"),
        ("2.31.0-1ubuntu2", "2.31"),
    ],
)
def test_not_older(installed: str, than: str) -> None:
    assert not _older(installed, than)


def test_of_what_is_no_version_the_worst_is_taken() -> None:
    assert _older("unknown", "0.1")
    assert _older("", "1")
