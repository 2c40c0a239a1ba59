"""No program decides by the name of a technique what is so of it: facts stand on the technique."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import privacy_udfs
from privacy_udfs.techniques import BY_NAME

HOUSE = Path(privacy_udfs.__file__).parents[1]
BY_CHOICE = {
    "jobs/drafting/catalog_drafts.py": "what is safest to propose for a class",
    "jobs/drafting/proposals.py": "what to propose for what a column seems to hold",
    "jobs/drafting/joined.py": "what to propose for columns that hold the same keys",
    "jobs/starting/domains.py": "what to propose for what tables are joined by",
    "jobs/configuration/ladder_steps.py": "which steps a ladder may be stated by",
    "jobs/risk_search/ladders.py": "by which steps a search is to make a column coarser",
}
"""Where techniques are meant by name: which of them to propose is a choice, and no fact about them."""
CODE = sorted(
    path
    for folder in ("jobs", "privacy_udfs")
    for path in (HOUSE / folder).rglob("*.py")
    if path.parent != HOUSE / "privacy_udfs" / "techniques"
)


def named(path: Path) -> set[str]:
    """The texts in a file that are the name of a technique."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    texts = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return texts & set(BY_NAME)


@pytest.mark.parametrize("path", CODE, ids=lambda path: str(path.relative_to(HOUSE)))
def test_techniques_are_known_by_their_facts(path: Path) -> None:
    assert bool(named(path)) is (path.relative_to(HOUSE).as_posix() in BY_CHOICE), named(path)
