"""The README and the docs are true: what they name is there."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pytest

import privacy_udfs
from privacy_udfs import __main__ as documentation
from privacy_udfs.techniques import BY_NAME
from tests.helpers.places import ROOT, all_of

README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [*all_of(ROOT.glob("*.md")), *all_of(ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\(([^)\s#:]*)(?:#([^)\s]*))?\)")
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a page, the second of one name and further ones numbered."""
    found: set[str] = set()
    for title in re.findall(r"^#{1,6} +(.+?) *#*$", FENCED.sub("", page), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")
        found.add(next(each for each in (name, *(f"{name}-{n}" for n in range(1, 99))) if each not in found))
    return found


def test_every_technique_is_in_the_readme_and_only_those() -> None:
    listed = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)
    assert listed == list(BY_NAME)


def test_what_pages_say_of_techniques_is_what_these_say_of_themselves() -> None:
    """Else: ``make schemas``."""
    assert documentation.table() in README
    assert documentation.order() in (ROOT / "docs" / "governance.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in LINK.findall(page.read_text(encoding="utf-8")):
        led_to = page.parent / target if target else page
        assert led_to.exists(), target
        assert not anchor or anchor in anchors(led_to.read_text(encoding="utf-8")), f"{target}#{anchor}"


def test_a_link_is_seen_with_its_anchor() -> None:
    assert LINK.findall("[a](b.md#c-d) [e](#f) [g](h/) [i](https://j.example/#k)") == [
        *(("b.md", "c-d"), ("", "f")),
        ("h/", ""),
    ]
    assert anchors("# The `a.b` way\n```\n# no title\n```\n## Who's who\n## Who's who") == {
        *("the-ab-way", "whos-who", "whos-who-1")
    }


def test_every_job_and_make_target_it_names_is_there() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    jobs, targets = re.findall(r"\bjobs/(\w+)\.py", README), re.findall(r"`?make (\w+)", README)
    assert "pseudonymize" in jobs
    assert "test" in targets
    for job in jobs:
        assert (ROOT / "jobs" / f"{job}.py").exists(), job
    for target in targets:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_the_row_that_it_shows_is_treated_so() -> None:
    picture = README.partition("raw row  ")[2].partition("```")[0].splitlines()[1:]
    cells = [re.split(r"\s{2,}", line.strip()) for line in picture]
    assert [(raw[0], raw[0]) for raw in cells] == [(row[0], row[2]) for row in cells]
    shown = {row[0]: (row[1], row[3]) for row in cells}
    number, pseudonym = shown["customer_id"]
    hashed = privacy_udfs.apply({"technique": "keyed_hash"}, pa.array([int(number)]), key=bytes(32))
    assert hashed.to_pylist() == [pseudonym]
    born, year = shown["birth_date"]
    dates = pa.array([born]).cast(pa.date32())
    by_year = privacy_udfs.apply({"technique": "generalize_date", "unit": "year"}, dates)
    assert by_year.cast(pa.string()).to_pylist() == [year]


@pytest.mark.parametrize("technique", BY_NAME.values(), ids=list(BY_NAME))
def test_every_technique_says_what_it_does(technique: type) -> None:
    assert technique.__doc__
    assert len(technique.__doc__) > 100
    assert re.search(r"\bnulls?\b", technique.__doc__, re.IGNORECASE), "a docstring says what becomes of nulls"
