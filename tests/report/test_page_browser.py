"""The pages in a real browser: nothing is complained of, nothing leaves, nothing sticks out at 390 or 1440 px."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teiten import lang, settings
from teiten.report import bundle, edition
from teiten.report.answers import Answers

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    spec = importlib.util.spec_from_file_location("teiten_test_browser", Path(__file__).parent / "browser.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    with module.browser() as found:
        yield found


@pytest.fixture(scope="module")
def pages(
    answers: dict[str, Answers], chosen: settings.Settings, tmp_path_factory: pytest.TempPathFactory
) -> dict[tuple[str, str], Path]:
    folder = tmp_path_factory.mktemp("pages")
    out = {}
    for name in ("2019-10", "2019-10-22"):
        for code in lang.languages():
            report = edition.compose(answers[name], chosen, code, f"teiten report {name}")
            for file, content in bundle.render(report, lang.words(code), pictures=False).items():
                path = folder / f"{name}-{code}" / file
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
            out[name, code] = folder / f"{name}-{code}" / "index.html"
    return out


OVERFLOWS = """[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && !e.closest('.scroll, .skip') && (box.right > innerWidth + 0.5 || box.left < -0.5)
    && !e.closest('svg');
}).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30))"""

CUT = """[...document.querySelectorAll('figure svg')].filter(s => s.getBoundingClientRect().width).flatMap(s => {
  const whole = s.getBoundingClientRect();
  return [...s.querySelectorAll('text')].filter(t => {
    const box = t.getBoundingClientRect();
    return box.right > whole.right + 1 || box.left < whole.left - 1 || box.bottom > whole.bottom + 1;
  }).map(t => t.textContent);
})"""


@pytest.mark.parametrize("width", [390, 768, 1440])
@pytest.mark.parametrize("code", ["ja", "en"])
@pytest.mark.parametrize("name", ["2019-10", "2019-10-22"])
def test_page(tab: Any, pages: dict[tuple[str, str], Path], name: str, code: str, width: int) -> None:
    page = pages[name, code]
    tab.open(page, width)
    assert tab.complaints == []
    own = page.parent.resolve().as_uri()
    assert tab.requests and all(url.startswith(own) for url in tab.requests), tab.requests
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(OVERFLOWS) == []
    assert tab.ask(CUT) == []
    assert tab.ask("getComputedStyle(document.querySelector('h2')).fontSize") == "20.8px", "the style sheet is in force"
    assert tab.ask("document.querySelectorAll('script, style, [style]').length") == 0
    shown = "[...document.querySelectorAll('figure > div > svg')].filter(s => s.getBoundingClientRect().width).length"
    assert tab.ask(shown) == tab.ask("document.querySelectorAll('.wide > svg').length")
    # tables that are wider than a telephone scroll in their own frame; on a screen none has to, but that of 24 hours a day
    if width >= 768:
        wide = "e.scrollWidth > e.clientWidth + 1 && e.querySelectorAll('thead th').length < 25"
        assert tab.ask(f"[...document.querySelectorAll('.scroll')].filter(e => {wide}).length") == 0


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
