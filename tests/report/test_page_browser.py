"""The pages in a real browser: nothing is complained of, nothing leaves, nothing sticks out at 390 or 1440 px."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.browser import OVERFLOWS, SERIOUS, cut

from teiten import lang, periods, settings
from teiten.engine.duckdb import Session
from teiten.engine.filters import Filters
from teiten.report import bundle, edition
from teiten.report.answers import Answers
from teiten.report.model import Report

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(
    answers: dict[str, Answers], chosen: settings.Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("pages")
    out = {}
    for name in ("2019-10", "2019-10-22"):
        for code in lang.languages():
            report = edition.compose(answers[name], chosen, code, f"teiten report {name}")
            out[name, code] = laid(report, folder / f"{name}-{code}")
    return out


def laid(report: Report, folder: Path) -> Path:
    """The report's page, in its folder."""
    for file, content in bundle.render(report, lang.words(report.lang), pictures=False).items():
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder / "index.html"


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("code", ["ja", "en"])
@pytest.mark.parametrize("name", ["2019-10", "2019-10-22"])
@pytest.mark.full
def test_page(tab: Any, pages: dict[tuple[str, str], Path], name: str, code: str, width: int) -> None:
    page = pages[name, code]
    tab.open(page, width)
    assert tab.complaints == []
    own = page.parent.resolve().as_uri()
    assert tab.requests and all(url.startswith(own) for url in tab.requests), tab.requests
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(OVERFLOWS) == []
    assert tab.ask(cut("figure svg")) == []
    assert tab.ask("getComputedStyle(document.querySelector('h2')).fontSize") == "20.8px", "the style sheet is in force"
    assert tab.ask("document.querySelectorAll('script, style, [style]').length") == 0
    shown = "[...document.querySelectorAll('figure > div > svg')].filter(s => s.getBoundingClientRect().width).length"
    assert tab.ask(shown) == tab.ask("document.querySelectorAll('.wide > svg').length")
    # tables that are wider than a telephone scroll in their own frame; on a screen none has to, but that of 24 hours a day
    if width >= 768:
        wide = "e.scrollWidth > e.clientWidth + 1 && e.querySelectorAll('thead th').length < 25"
        assert tab.ask(f"[...document.querySelectorAll('.scroll')].filter(e => {wide}).length") == 0


USUAL = (("2019-10", 390, False), ("2019-10-22", 1440, True))
"""looked at each time; the others by the long suite"""

NAMELESS = """[...document.querySelectorAll('figure svg, img')].filter(s => s.getBoundingClientRect().width).filter(s =>
  s.tagName == 'IMG' ? !s.alt : s.getAttribute('role') != 'img' || !(s.getAttribute('aria-labelledby') || '').split(' ').every(
    id => (document.getElementById(id) || {textContent: ''}).textContent.trim().length > 3)
  ).map(s => s.outerHTML.slice(0, 200))"""

FAINT = """[...document.querySelectorAll('figure svg text')].filter(t => t.getBoundingClientRect().width).flatMap(t => {
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ink = light(getComputedStyle(t).fill), paper = light(getComputedStyle(t.ownerSVGElement.querySelector('rect')).fill);
  const ratio = (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
  return ratio >= 4.5 || t.getAttribute('aria-hidden') ? [] : [t.textContent + ' ' + getComputedStyle(t).fill + ' ' + ratio];
})"""


def look(tab: Any, axe: str, page: Path, width: int, dark: bool) -> None:
    """No serious finding of axe's; every picture has words; every letter of a chart stands out from its paper."""
    tab.open(page, width, dark=dark)
    assert tab.ask(NAMELESS) == []
    assert tab.ask(FAINT) == []
    # axe cannot judge what is inside a drawing, and takes a minute to say so
    tab.ask("document.querySelectorAll('svg > :not(title, desc)').forEach(e => e.remove())")
    tab.call("Runtime.evaluate", expression=axe)
    assert tab.ask(SERIOUS) == []


EVERY = [
    pytest.param(name, width, dark, marks=() if (name, width, dark) in USUAL else pytest.mark.full)
    for name in ("2019-10", "2019-10-22", "2019-W43", "2019-Q4")
    for width in (390, 1440)
    for dark in (False, True)
]


@pytest.mark.parametrize(("name", "width", "dark"), EVERY)
def test_anybody_can_read_it(
    tab: Any,
    pages: dict[tuple[str, str], Path],
    session: Session,
    chosen: settings.Settings,
    tmp_path: Path,
    axe: str,
    name: str,
    width: int,
    dark: bool,
) -> None:
    page = pages.get((name, "ja"))
    if page is None:
        kind: Any = "weekly" if "W" in name else "quarterly"
        answers = Answers(session, periods.parse(kind, name, chosen.zone), Filters(), {})
        page = laid(edition.compose(answers, chosen, "ja", "teiten report"), tmp_path)
    look(tab, axe, page, width, dark)


@pytest.mark.parametrize("name", ["2019-10", "2019-10-22"])
def test_it_fits_on_paper(tab: Any, pages: dict[tuple[str, str], Path], name: str) -> None:
    """180 mm between the margins of A4: nothing sticks out or is cut off, what only a screen can do is away."""
    tab.open(pages[name, "ja"], 680)
    tab.call("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "light"}])
    try:
        cut = "[...document.querySelectorAll('.scroll')].filter(e => e.querySelector('table').scrollWidth > e.clientWidth + 1)"
        assert tab.ask(f"{cut}.map(e => e.textContent.slice(0, 60))") == []
        shown = "filter(e => e.getBoundingClientRect().width).length"
        assert tab.ask(f"[...document.querySelectorAll('nav, .files, .moving, details:not([open]), .narrow')].{shown}") == 0
        assert tab.ask(f"[...document.querySelectorAll('.wide svg')].{shown}") > 0
        high = "Math.max(...[...document.querySelectorAll('.wide svg')].map(e => e.getBoundingClientRect().height))"
        assert tab.ask(high) <= 247 / 25.4 * 96, "a chart fits on a page"
    finally:
        tab.call("Emulation.setEmulatedMedia", media="")


def test_the_charts_font_is_the_folders(tab: Any, pages: dict[tuple[str, str], Path]) -> None:
    tab.open(pages["2019-10", "ja"], 1440)
    assert any(url.endswith("fonts/teiten-sans.woff2") for url in tab.requests)
    assert tab.ask("document.fonts.check('16px \"Teiten Sans\"')") is True


def test_dark(tab: Any, pages: dict[tuple[str, str], Path]) -> None:
    paper = "getComputedStyle(document.querySelector('.wide svg > rect')).fill"
    tab.open(pages["2019-10", "ja"], 1440)
    light = tab.ask(paper)
    tab.open(pages["2019-10", "ja"], 1440, dark=True)
    assert (light, tab.ask(paper)) == ("rgb(255, 255, 255)", "rgb(22, 24, 27)")
    assert tab.ask("getComputedStyle(document.body).backgroundColor") == "rgb(22, 24, 27)"
