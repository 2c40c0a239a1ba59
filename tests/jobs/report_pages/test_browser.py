"""Pages as a browser shows them: light and dark, wide and narrow, on paper. Screenshots are left in the test's folder.

Any Chromium on the path will do, or the one that LAKENYM_BROWSER names.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageStat

from jobs import report
from tests.helpers import browser, page_facts
from tests.helpers.browser import Browser

PROGRAM = browser.found()
pytestmark = pytest.mark.skipif(
    PROGRAM is None, reason="no browser: put chromium on the path, or name one by LAKENYM_BROWSER"
)
NAMES = ("crm.customers", "index", "web.never")
WIDTHS = {"narrow": 360, "wide": 1280}
CONTRAST = """
(() => {
  const parsed = (text) => (text.match(/[\\d.]+/g) || []).map(Number);
  const lightness = (rgb) => {
    const linear = (c) => (c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
    const [r, g, b] = rgb.slice(0, 3).map((c) => linear(c / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    const pill = element.matches('.t-on') && element.previousElementSibling;
    if (pill) return parsed(getComputedStyle(pill).fill);
    for (let at = element; at; at = at.parentElement) {
      const found = parsed(getComputedStyle(at).backgroundColor);
      if (found.length === 3 || found[3] > 0) return found;
    }
    return [255, 255, 255];
  };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let seen = 0;
  while (walk.nextNode()) {
    const element = walk.currentNode.parentElement;
    const style = getComputedStyle(element);
    const isShown = !['title', 'desc'].includes(element.tagName) && element.getClientRects().length;
    if (!walk.currentNode.data.trim() || !isShown) continue;
    seen += 1;
    const ink = parsed(element.closest('svg') ? style.fill : style.color);
    const [one, other] = [ink, behind(element)].map(lightness);
    const ratio = (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05);
    if (ratio < 4.5) found.push([element.outerHTML.slice(0, 80), ratio]);
  }
  return {seen, found};
})()
"""
OVERFLOW = """
(() => {
  const edge = document.documentElement.clientWidth + 1;
  const inBox = (element) => element.closest('.scroll, pre, .skip, thead') !== null;
  const all = [...document.body.querySelectorAll('*')];
  const wide = all.filter((e) => !inBox(e) && e.getBoundingClientRect().right > edge);
  return {
    page: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    wide: wide.map((e) => `${e.tagName} ${e.textContent.slice(0, 40)}`),
  };
})()
"""


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pages")
    for name, text in report.pages(page_facts.lake()).items():
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with contextlib.ExitStack() as until_then:
        try:
            found = until_then.enter_context(browser.started(PROGRAM, tmp_path_factory.mktemp("profile")))
        except (AssertionError, OSError) as error:  # one in a sandbox of its own, say
            pytest.skip(f"the browser that is here does not start: {error}")
        yield found


def checked(shown: Browser, page: Path) -> None:
    """Nothing was asked of anybody, nothing went wrong."""
    requests = [each["request"]["url"] for each in shown.said("Network.requestWillBeSent")]
    assert [url for url in requests if not url.startswith("data:")] == [page.as_uri()]
    assert shown.said("Runtime.exceptionThrown", "Log.entryAdded", "Runtime.consoleAPICalled") == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_a_page_can_be_read(shown: Browser, pages: Path, tmp_path: Path, name: str, width: str, scheme: str) -> None:
    page = pages / f"{name}.html"
    shown.show(page, WIDTHS[width], scheme)
    checked(shown, page)
    overflow = shown.run(OVERFLOW)
    assert overflow["page"] <= 0
    assert overflow["wide"] == []
    contrast: dict[str, Any] = shown.run(CONTRAST)
    assert contrast["seen"] > 40
    assert contrast["found"] == []
    picture = shown.picture()
    (tmp_path / f"{name}-{width}-{scheme}.png").write_bytes(picture)
    colours = Image.open(io.BytesIO(picture)).convert("L")
    assert colours.width == WIDTHS[width]
    assert ImageStat.Stat(colours).stddev[0] > 10, "it is not blank"
    mean = ImageStat.Stat(colours).mean[0]
    assert mean > 200 if scheme == "light" else mean < 90


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_printed_whole(shown: Browser, pages: Path, tmp_path: Path, name: str) -> None:
    page = pages / f"{name}.html"
    shown.show(page, 688, "dark")  # A4 without its margins, in pixels of CSS
    shown.ask("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert shown.run(OVERFLOW)["page"] <= 0
    assert shown.run("getComputedStyle(document.querySelector('table td')).display") == "table-cell", (
        "no stacks on paper"
    )
    cut = "[...document.querySelectorAll('.scroll, table, pre')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert shown.run(cut) == 0
    assert shown.run(CONTRAST)["found"] == [], "paper is white, whatever the screen is"
    printed = shown.printed()
    (tmp_path / f"{name}.pdf").write_bytes(printed)
    shown.ask("Emulation.setEmulatedMedia", media="")
    assert printed.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) >= 1


def test_a_hostile_page_runs_nothing(shown: Browser, pages: Path) -> None:
    page = pages / "crm.customers.html"
    shown.show(page, 1280)
    assert (
        shown.run("document.scripts.length + document.images.length + document.querySelectorAll('iframe').length") == 0
    )
    assert shown.run("document.querySelectorAll('[onload], [onerror], [style]').length") == 0
    checked(shown, page)
