"""Pictures of every page, to be looked at: `TEITEN_SHOTS=DIR pytest tests/web/test_pages_shots.py` writes them there."""

from __future__ import annotations

import base64
import os
from pathlib import Path
from typing import Any

import pytest

from .conftest import Client
from .test_app import PLACES

pytestmark = [pytest.mark.browser, pytest.mark.full]

SIZES = ((390, False), (390, True), (768, False), (1440, False), (1440, True), (2560, False))
"""width, dark"""
HIGHEST = 8000


def picture(tab: Any, width: int) -> bytes:
    high = min(tab.ask("document.documentElement.scrollHeight"), HIGHEST)
    clip = {"x": 0, "y": 0, "width": width, "height": high, "scale": 1}
    return base64.b64decode(tab.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"])


def printed(tab: Any) -> bytes:
    size = {"paperWidth": 8.27, "paperHeight": 11.69}
    return base64.b64decode(tab.call("Page.printToPDF", printBackground=True, preferCSSPageSize=True, **size)["data"])


@pytest.mark.parametrize("place", PLACES)
def test_pictures(tab: Any, client: Client, place: str, tmp_path: Path) -> None:
    """Every page is drawn at every width, in both languages, light and dark, and on paper; none is blank."""
    folder = Path(os.environ.get("TEITEN_SHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    name = "".join(c if c.isalnum() else "-" for c in place.strip("/")) or "overview"
    for code in ("ja", "en"):
        url = f"http://127.0.0.1:{client.port}{place}{'&' if '?' in place else '?'}lang={code}&period=week"
        for width, dark in SIZES:
            tab.open(url, width, dark=dark)
            made = picture(tab, width)
            (folder / f"{name}-{code}-{width}{'-dark' if dark else ''}.png").write_bytes(made)
            assert len(made) > 5000 and tab.ask("document.documentElement.scrollWidth") <= width
        made = printed(tab)
        (folder / f"{name}-{code}.pdf").write_bytes(made)
        assert made.startswith(b"%PDF")
