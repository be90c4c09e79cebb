"""The public site in a browser: nothing complained of, nothing from elsewhere, nothing sticks out; axe; pictures to look at."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest
from tests.browser import OVERFLOWS, SERIOUS, cut

from .conftest import Site

pytestmark = [pytest.mark.browser, pytest.mark.full]
PAGES = ("", "about/", "data/", "ports/", "ports/23-tcp/", "reports/", "stories/", "weekly/")
HIGHEST = 8000


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
        assert tab.ask(OVERFLOWS) == [] and tab.ask(cut("svg")) == []
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
