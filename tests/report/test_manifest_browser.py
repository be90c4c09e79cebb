"""A second edition in a real browser: nothing runs, nothing leaves, nothing sticks out, its links lead to files."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from tests.browser import OVERFLOWS

from teiten import periods, settings
from teiten.engine import open_session
from teiten.engine.filters import Filters
from teiten.lake import Lake
from teiten.report import edition

pytestmark = pytest.mark.browser
TOKYO = ZoneInfo("Asia/Tokyo")
HOSTILE = "</p><script>fetch('https://evil.invalid/')</script><img src=x onerror=alert(1)> " + "長い語" * 40 + "x" * 200


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory, small: SimpleNamespace) -> Path:
    """A day with a machine that scans, in its second edition."""
    folder = tmp_path_factory.mktemp("second")
    lines = [x for x in small.log() if "2019-10-21" <= x < "2019-10-23"]
    at = dt.datetime(2019, 10, 22, 1, tzinfo=TOKYO)
    lines += [
        small.line(
            at + dt.timedelta(seconds=n), "192.168.1.5", small.tcp(23), dst=f"203.0.{n + 114}.9", head="DROP IN= OUT=ppp0"
        )
        for n in range(40)
    ]
    write(small.ingest("".join(sorted(lines)), folder), folder)
    late = [small.line(at + dt.timedelta(hours=3, seconds=n), small.CHINA + "9", small.tcp(8443)) for n in range(99)]
    lake = small.ingest("".join([*sorted(lines), *late]), folder)
    lake.add_note("addendum", period="2019-10-22", text=HOSTILE, url="https://example.org/" + "a" * 150)
    write(lake, folder)
    return folder


def write(lake: Lake, folder: Path) -> None:
    chosen = settings.load(zone="Asia/Tokyo", language="ja")
    places = {code: folder / code for code in ("ja", "en")}
    with open_session(lake, chosen) as session:
        period = periods.parse("daily", "2019-10-22", TOKYO)
        edition.make(session, chosen, period, Filters(), places, "teiten report", pictures=False)


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("code", ["ja", "en"])
@pytest.mark.full
def test_page(tab: Any, pages: Path, code: str, width: int) -> None:
    page = pages / code / "index.html"
    tab.open(page, width)
    assert tab.complaints == []
    own = page.parent.resolve().as_uri()
    assert tab.requests and all(url.startswith(own) for url in tab.requests), tab.requests
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(OVERFLOWS) == []
    assert tab.ask("document.querySelectorAll('script, img[onerror]').length") == 0
    assert tab.ask("['own', 'changes', 'addenda'].every(id => document.getElementById(id))")
    assert tab.ask("document.querySelectorAll('header .edition a').length") == 2
    assert tab.ask("document.getElementById('addenda').textContent").count("evil.invalid") == 1, "shown as text"
