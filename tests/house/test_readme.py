"""The README and the docs are true: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from privacy_udfs import __main__ as documentation
from privacy_udfs.techniques import BY_NAME

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_technique_is_in_the_readme_and_only_those() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert listed == list(BY_NAME)


def test_what_pages_say_of_techniques_is_what_these_say_of_themselves() -> None:
    """Else: ``make schemas``."""
    assert documentation.table() in README
    assert documentation.order() in (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("document", sorted([ROOT / "README.md", *ROOT.glob("docs/*.md")]), ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", document.read_text(encoding="utf-8")):
        assert (document.parent / target).exists(), target


def test_every_job_and_make_target_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for job in re.findall(r"\bjobs/(\w+)\.py", README):
        assert (ROOT / "jobs" / f"{job}.py").exists(), job
    for target in re.findall(r"`?make (\w+)", README):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("technique", BY_NAME.values(), ids=list(BY_NAME))
def test_every_technique_says_what_it_does(technique: type) -> None:
    assert technique.__doc__
    assert len(technique.__doc__) > 100
    assert "ull" in technique.__doc__, "a technique's docstring says what becomes of nulls"
