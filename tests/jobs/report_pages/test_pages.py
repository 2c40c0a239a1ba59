"""Pages as text: one door for all that is written, the same bytes for the same facts, no length that tells too much."""

from __future__ import annotations

import collections
import re
from html.parser import HTMLParser
from types import SimpleNamespace

import pytest

from jobs import report
from jobs.report_pages.drawing import bars, risk_drawing
from jobs.report_pages.drawing.bars import Bar, Row
from jobs.report_pages.drawing.markup import Markup, code, element, joined
from jobs.report_pages.facts import gather, measured
from jobs.report_pages.facts.plain import Missing
from jobs.report_pages.facts.table_facts import Measured
from jobs.risk_measures.measure import Measures
from jobs.risk_measures.population import Journalist
from jobs.risk_measures.report import Report
from jobs.risk_measures.sizes import Sizes
from jobs.risk_measures.treated import Chosen
from tests.helpers import page_facts
from tests.helpers.page_facts import HOSTILE

PAGES = report.pages(page_facts.lake())
EACH = pytest.mark.parametrize("text", PAGES.values(), ids=list(PAGES))
VOID = {"br", "hr", "link", "meta"}
ADDRESSES = ("href", "src", "xlink:href", "action", "srcset", "poster", "data", "fill")


class Read(HTMLParser):
    """What a parser that is none of ours makes of a page."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: collections.Counter[str] = collections.Counter()
        self.attributes: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def all(self, name: str) -> list[str]:
        return [value for each, value in self.attributes if each == name]


@EACH
def test_a_page_runs_nothing_and_loads_nothing(text: str) -> None:
    page = Read(text)
    assert not page.open, "every element is closed"
    assert not set(page.tags) & {"script", "img", "iframe", "object", "embed", "form", "image", "use", "foreignobject"}
    assert not [name for name, _ in page.attributes if name.startswith("on") or name == "style"]
    addresses = {value for name, value in page.attributes if name in ADDRESSES}
    assert all(re.fullmatch(r"#[\w-]+|[\w.%-]+\.html|data:,|url\(#[\w-]+\)", each) for each in addresses), addresses
    style = text[text.index("<style>") : text.index("</style>")]
    assert "url(" not in style
    assert "@import" not in style
    assert page.tags["link"] == 1
    (policy,) = [value for value in page.all("content") if "default-src" in value]
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")


@EACH
def test_a_page_can_be_found_through(text: str) -> None:
    """Landmarks, headings, names of columns and rows, drawings in words."""
    page = Read(text)
    ids = page.all("id")
    assert len(ids) == len(set(ids))
    told = [name for value in page.all("aria-labelledby") for name in value.split()]
    assert set(told) <= set(ids)
    assert all(value.removeprefix("#") in ids for value in page.all("href") if value.startswith("#"))
    assert [page.tags[each] for each in ("main", "nav", "header", "footer", "h1", "html")] == [1] * 6
    assert page.tags["th"] == len(page.all("scope"))
    assert page.tags["svg"] == page.all("role").count("img") + sum(v == "true" for v in page.all("aria-hidden")) - len(
        [1 for name, value in page.attributes if name == "class" and value.startswith("swatch")]
    )
    assert page.tags["desc"] == page.all("role").count("img")


def test_hostile_names_are_shown_and_obeyed_by_nothing() -> None:
    text = PAGES["crm.customers.html"]
    words = "".join(Read(text).words)
    for each in HOSTILE[:3] + HOSTILE[4:7]:
        assert each in words, each
    assert "a\\u202egnp.exe" in words
    assert "line\\nbreak\\u0000\\u0007" in words.replace("\n", "\\n")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00-\x08]", text)


def test_the_one_door() -> None:
    assert element("p", "<b>&\"'").text == "<p>&lt;b&gt;&amp;&quot;&#x27;</p>"
    assert element("p", title='"><b>').text == '<p title="&quot;&gt;&lt;b&gt;"></p>'
    assert joined([Markup("<i>"), "<i>"], None, 0).text == "<i>&lt;i&gt;0"
    assert code("a<b").text == "<bdi><code>a&lt;b</code></bdi>"
    assert element("th", "x", class_="n", aria_label=None, data_label="y").text == '<th class="n" data-label="y">x</th>'


def test_equal_facts_give_equal_bytes() -> None:
    assert report.pages(page_facts.lake()) == PAGES


def test_a_section_without_data_says_so_and_what_would_give_it() -> None:
    text = PAGES["web.never.html"]
    assert text.count("Nothing to show: the table was never treated") == 7
    assert text.count("python jobs/pseudonymize.py --conf CONF --table t") == 7
    assert 'role="img"' not in text, "no empty plot"


def test_what_is_of_another_version_is_stale() -> None:
    words = "".join(Read(PAGES["crm.customers.html"]).words)
    assert "It is of version 40, and the table stands at version 41." in words
    assert words.count("\u2715 stale") == 1, "the drift is of this version"


def test_a_table_called_as_the_page_of_the_lake_has_a_page_of_its_own() -> None:
    lake = page_facts.lake()
    other = page_facts.dataclasses.replace(lake, tables=(page_facts.bare("index"), page_facts.bare("index_")))
    assert sorted(report.pages(other)) == ["index.html", "index_.html", "index__.html"]


# -- what lengths tell ------------------------------------------------------------------------------------------------


def of_sizes(*counted: tuple[int, int], k: int | None = None) -> Measured:
    """counted: size, classes."""
    sizes = Sizes.of((size, many, size * many) for size, many in counted)
    found = Measures(sizes.rows, sizes, Journalist.of(sizes, 0.2), {}, 0.2, True)
    chosen = Chosen(("zip",), (), "id", None, (), {}, ())
    return measured.after(Report("t", chosen, found, ()), k)


def drawn(before: Measured | Missing, after: Measured | Missing) -> str:
    return joined(risk_drawing.content(page_facts.full(before=before, after=after))).text


def test_tables_that_differ_in_hidden_counts_alone_have_the_same_drawing() -> None:
    """13 people in classes of one and two: 3 of them alone, or 1."""
    one, other = of_sizes((1, 3), (2, 5), (5, 20)), of_sizes((1, 1), (2, 6), (5, 20))
    assert drawn(one, one) == drawn(other, other)
    assert drawn(one, one) != drawn(one, of_sizes((1, 30), (5, 20))), "what may be told is drawn"


def test_the_share_at_risk_and_the_bands_tell_nothing_small_together() -> None:
    """10 rows in classes of one and two, and 8 or 4 in classes of four: 18 or 14 at risk, less those 10."""
    one, other = of_sizes((1, 2), (2, 4), (4, 2), (6, 20)), of_sizes((1, 2), (2, 4), (4, 1), (5, 2), (6, 19))
    assert [(each.sizes, each.many) for each in one.bands] == [("1 to 2", 10), ("4 to 6", 128)]
    assert one.chances["prosecutor", "at_risk"] == one.chances["journalist", "at_risk"] == f"< {20 / 138:.3g}"
    assert drawn(one, one) == drawn(other, other)
    above = of_sizes((1, 10), (4, 5), (5, 1), (6, 20))  # 30 at risk, 20 of them in classes of four
    assert above.chances["prosecutor", "at_risk"] == pytest.approx(30 / 155, rel=1e-2)


@pytest.mark.parametrize("few", [5, 9])
def test_a_share_at_risk_that_ends_just_below_a_band_s_end_is_its_bound(few: int) -> None:
    """104 at risk, of 104 and a class of a few more."""
    found = of_sizes((1, 10), (3, 30), (4, 1), (few, 1))
    told = found.chances["prosecutor", "at_risk"]
    assert isinstance(told, str)
    assert told.startswith("> 0.")
    assert (104 + few - 10) / (104 + few) - 0.01 < float(told[2:]) <= (104 + few - 10) / (104 + few)


def test_a_missed_share_is_told_without_its_number() -> None:
    told = measured._without_count("18 of 138 have a risk above 0.2, the policy wants a share of at most 0.1")
    assert told == "too many have a risk above 0.2, the policy wants a share of at most 0.1"
    assert measured._without_count("k is 2, the policy wants 5") == "k is 2, the policy wants 5"


def test_a_hidden_share_is_drawn_as_its_bound() -> None:
    few = of_sizes((1, 3), (20, 500))
    assert few.chances["prosecutor", "at_risk"] == "< 0.001"
    text = drawn(Missing("none"), few)
    assert f'width="{0.001 * bars.FULL:.2f}%" class="b-hidden"' in text
    assert "0.0003" not in text


@pytest.mark.parametrize("missing", [3, 9])
def test_few_rows_that_were_kept_out_do_not_follow_from_before_and_after(missing: int) -> None:
    after = of_sizes((5, 200), (20, 500))
    before = measured.apart(of_sizes((1, missing), (5, 200), (20, 500)), after, None)
    assert isinstance(before, Measured)
    assert before.many in (11_000, 11_010)
    assert {each.many for each in before.bands} <= {1_000, 1_010, 10_000}
    assert f"{11_000 + missing:,}" not in drawn(before, after)
    assert "rounded to tens" in drawn(before, after)


def test_many_rows_that_were_kept_out_may_be_told() -> None:
    after = of_sizes((5, 200))
    before = of_sizes((1, 10), (5, 200))
    assert measured.apart(before, after, after.many) is before
    assert measured.apart(before, Missing("refused"), 1_004) != before, "nor with what the run says that it wrote"


def test_few_that_were_suppressed_do_not_follow_less_those_in_quarantine() -> None:
    """982 rows in the table, 15 in quarantine, and 3 or none in small classes: source 1,000 or 997."""
    after = of_sizes((2, 1), (20, 49))
    texts = set()
    for many in (18, 15):
        before = of_sizes((1, many - 12), (6, 2), (2, 1), (20, 49))
        assert before.many == 982 + many
        texts.add(str(measured.apart(before, after, 982, keeps_out=True)))
        assert measured.apart(before, after, 982) is before
    (text,) = texts
    assert "1000" in text
    assert "0.00997" not in text


@pytest.mark.parametrize(("many", "told"), [(1_003, "< 0.00997"), (997, "< 0.0101"), (1_004, "< 0.00996")])
def test_a_bound_of_a_share_does_not_tell_of_how_many_it_is(many: int, told: str) -> None:
    """Ten of 1,000: 0.02 is of 15 of 995."""
    assert measured._coarse(told, many) == "< 0.02"
    assert measured._coarse(f"> {1 - 10 / many:.3g}", many) == "> 0.98"
    assert measured._coarse("< 1", "< 10") == "< 1"


@pytest.mark.parametrize(
    ("of_entry", "of_record", "waits"), [(True, None, False), (False, 5, False), (False, None, True)]
)
def test_who_keeps_rows_out(of_entry: bool, of_record: int | None, waits: bool) -> None:
    def told(suppress: object, k: int | None, some_wait: bool) -> bool:
        parts = (SimpleNamespace(suppress=suppress), SimpleNamespace(some_wait=some_wait), SimpleNamespace(suppress=k))
        return gather._keeps_out(*parts)  # type: ignore[arg-type]

    assert told(object() if of_entry else None, of_record, waits)
    assert not told(None, None, False)


def test_classes_are_told_by_the_side_of_k_that_they_are_on() -> None:
    found = of_sizes((1, 12), (4, 1), (6, 1), (10, 10), k=5)
    assert [(each.sizes, each.many, each.side) for each in found.bands] == [
        ("1", 12, "below"),
        ("4 to 6", 10, "across"),
        ("10", 100, "above"),
    ]


def test_a_bar_is_as_long_as_its_number() -> None:
    text = bars.drawn("x", "t", [Row("r", (Bar(0.5, "after", "0.5"), Bar(0, "before", "0")))], bars.QUARTERS).text
    assert f'width="{bars.FULL / 2:.2f}%" class="b-after"' in text
    assert "b-before" not in text, "nothing is no bar"
    assert '<desc id="x-d">r: 0.5, 0</desc>' in text
