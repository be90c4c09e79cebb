"""The public site in a browser: nothing complained of, nothing from elsewhere, nothing sticks out; axe; pictures to look at."""

from __future__ import annotations

import base64
import importlib.util
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.full]
ROOT = Path(__file__).resolve().parents[1]
PAGES = ("", "about/", "data/", "ports/", "ports/23-tcp/", "reports/", "stories/", "weekly/")
HIGHEST = 8000

OVERFLOWS = """[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && !e.closest('.scroll, .skip, svg') && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30))"""
CUT = """[...document.querySelectorAll('svg')].filter(s => s.getBoundingClientRect().width).flatMap(s => {
  const whole = s.getBoundingClientRect();
  return [...s.querySelectorAll('text')].filter(t => {
    const box = t.getBoundingClientRect();
    return box.right > whole.right + 1 || box.left < whole.left - 1 || box.bottom > whole.bottom + 1;
  }).map(t => t.textContent);
})"""
SERIOUS = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
  .filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(' | ')))"""


def loaded(name: str, path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def tab() -> Iterator[Any]:
    with loaded("teiten_test_browser_site", ROOT / "report" / "browser.py").browser() as found:
        yield found


@pytest.fixture(scope="module")
def axe() -> str:
    found = importlib.util.find_spec("axe_core_python")
    if found is None or found.origin is None:
        pytest.skip("axe-core-python is not installed (make install of the tools)")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.mark.parametrize("code", ["ja", "en"])
@pytest.mark.parametrize("page", PAGES)
def test_page(tab: Any, axe: str, site: Site, page: str, code: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("TEITEN_SHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    place = site.out / code / page / "index.html"
    own = site.out.resolve().as_uri() + "/"
    for width, dark in ((390, False), (1440, False), (390, True)):
        tab.open(place, width, dark=dark)
        assert tab.complaints == []
        assert tab.requests and all(url.startswith((own, "data:")) for url in tab.requests), tab.requests
        assert tab.ask("document.documentElement.scrollWidth") <= width
        assert tab.ask(OVERFLOWS) == [] and tab.ask(CUT) == []
        assert tab.ask("document.querySelectorAll('script').length") == 0
        name = f"site-{page.strip('/').replace('/', '-') or 'front'}-{code}-{width}{'-dark' if dark else ''}.png"
        (folder / name).write_bytes(picture(tab, width))
    links = tab.ask("[...document.querySelectorAll('.site a')].map(a => a.href)")
    assert len(links) >= len(PAGES) - 1
    for link in links:
        assert link.startswith(own) and (site.out / link.removeprefix(own).partition("#")[0]).is_file(), link
    tab.call("Runtime.evaluate", expression=axe)
    assert tab.ask(SERIOUS) == []


def picture(tab: Any, width: int) -> bytes:
    high = min(tab.ask("document.documentElement.scrollHeight"), HIGHEST)
    clip = {"x": 0, "y": 0, "width": width, "height": high, "scale": 1}
    made = base64.b64decode(tab.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"])
    assert len(made) > 5000
    return made
