"""The dashboard in a real browser: nothing is complained of, nothing leaves, nothing sticks out, live updates arrive."""

from __future__ import annotations

import datetime as dt
import time
from pathlib import Path
from typing import Any

import pytest
from tests.browser import OVERFLOWS, SERIOUS, cut

from teiten import intake
from teiten.lake import Lake
from teiten.web import pool as pools

from .conftest import HOSTILE, Client, lake_of, line, served
from .test_app import PLACES

pytestmark = [pytest.mark.browser, pytest.mark.full]


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("code", ["ja", "en"])
@pytest.mark.parametrize("place", PLACES)
def test_page(tab: Any, client: Client, place: str, code: str, width: int) -> None:
    own = f"http://127.0.0.1:{client.port}"
    tab.open(f"{own}{place}{'&' if '?' in place else '?'}lang={code}&period=week", width)
    assert tab.complaints == []
    assert tab.requests and all(url.startswith((f"{own}/", "data:")) for url in tab.requests), tab.requests
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask(OVERFLOWS) == []
    assert tab.ask(cut(".figure svg")) == []
    assert tab.ask("getComputedStyle(document.querySelector('header')).borderBottomWidth") == "3px", (
        "the style sheet is in force"
    )
    assert not tab.ask(f"document.documentElement.outerHTML.includes({HOSTILE!r})")


DARK = ("/", "/port/23/tcp", "/events", "/sql", "/nothing")


@pytest.mark.parametrize(("place", "dark"), [*((one, False) for one in (*PLACES, "/nothing")), *((one, True) for one in DARK)])
def test_accessible(tab: Any, client: Client, axe: str, place: str, dark: bool) -> None:
    tab.open(f"http://127.0.0.1:{client.port}{place}{'&' if '?' in place else '?'}period=week&lang=en", 1280, dark=dark)
    tab.ask("document.querySelectorAll('svg > :not(title, desc)').forEach(e => e.remove())")
    tab.call("Runtime.evaluate", expression=axe)
    assert tab.ask(SERIOUS) == []


@pytest.mark.parametrize("width", [390, 1440])
def test_pages_say_all_without_a_script(tab: Any, client: Client, width: int) -> None:
    """Charts, tables, forms and links are there; what a script would do in place, a link does with an address."""
    own = f"http://127.0.0.1:{client.port}"
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        for place in ("/", "/ports", "/port/23/tcp", "/source/8.8.8.3", "/events"):
            tab.open(f"{own}{place}?period=week&lang=en", width)
            assert tab.complaints == []
            assert tab.ask("document.querySelectorAll('table tbody tr').length") > 0
            assert not tab.ask("document.querySelector('main[aria-busy]') !== null")
            drawn = "[...document.querySelectorAll('.figure svg')].filter(s => s.getBoundingClientRect().width).length"
            assert place == "/events" or tab.ask(drawn) > 0
        tab.open(f"{own}/ports?period=week&lang=en", width)
        tab.call("Page.navigate", url=tab.ask("document.querySelector('.legend a').href"))
        wait(tab, "location.search.includes('hide=') && document.querySelector('.legend .hidden') !== null")
        assert tab.ask("document.querySelector('#filters form').checkValidity()")
        assert tab.ask("document.querySelector('header form').action").endswith("/search")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)


def wait(tab: Any, holds: str) -> None:
    """Until that holds in the page: ten seconds at most."""
    deadline = time.monotonic() + 10
    while not tab.ask(holds):
        assert time.monotonic() < deadline, (holds, tab.ask("location.href"))
        time.sleep(0.05)


def test_the_back_button_leads_back(tab: Any, client: Client) -> None:
    """From the overview into a port, a series hidden on the way, and a closer look; each step back is the page that it was."""
    own = f"http://127.0.0.1:{client.port}"
    tab.open(f"{own}/ports?period=week&lang=en", 1440)
    tab.ask("document.querySelector('.legend a[data-toggle]').click()")
    wait(tab, "location.search.includes('hide=') && document.querySelector('.legend .hidden') !== null")
    tab.ask("[...document.querySelectorAll('#ports a')].find(a => a.textContent.startsWith('23/tcp')).click()")
    wait(tab, "location.pathname === '/port/23/tcp' && document.readyState === 'complete'")
    assert tab.ask("document.querySelector('h1').textContent").startswith("23/tcp")
    tab.ask("[...document.querySelectorAll('.spans a')].find(a => a.rel === 'prev').click()")
    wait(tab, "location.search.includes('from=') && document.readyState === 'complete'")
    tab.ask("history.back()")
    wait(tab, "location.pathname === '/port/23/tcp' && !location.search.includes('from=')")
    tab.ask("history.back()")
    wait(tab, "location.pathname === '/ports' && document.querySelector('.legend .hidden') !== null")
    assert tab.ask("location.search.includes('hide=')") and not tab.ask("document.querySelector('main[aria-busy]') !== null")
    tab.ask("history.forward()")
    wait(tab, "location.pathname === '/port/23/tcp'")


def test_a_slow_page_says_that_it_comes(tab: Any, client: Client) -> None:
    """What takes its time shows that it was heard; a page that is there no longer says so."""
    own = f"http://127.0.0.1:{client.port}"
    tab.open(f"{own}/ports?period=week&lang=en", 1440)
    tab.ask("addEventListener('click', (event) => event.preventDefault()); "
            "[...document.querySelectorAll('nav a')].find(a => a.pathname === '/countries').click()")  # fmt: skip
    wait(tab, "document.querySelector('main').getAttribute('aria-busy') === 'true'")
    tab.open(f"{own}/countries?period=week&lang=en", 1440)
    assert not tab.ask("document.querySelector('main').hasAttribute('aria-busy')")


def test_a_stretch_that_is_drawn_becomes_the_span(tab: Any, client: Client) -> None:
    tab.open(f"http://127.0.0.1:{client.port}/ports?lang=en&period=week", 1440)
    box = tab.ask("(() => { const b = document.querySelector('.figure.wide').getBoundingClientRect();"
                  " return [b.left, b.top, b.width, b.height, scrollY]; })()")  # fmt: skip
    y = box[1] + box[3] / 2
    for kind, x in (("mousePressed", 0.5), ("mouseMoved", 0.55), ("mouseMoved", 0.65), ("mouseReleased", 0.65)):
        tab.call("Input.dispatchMouseEvent", type=kind, x=box[0] + box[2] * x, y=y, button="left", clickCount=1, buttons=1)
    deadline = time.monotonic() + 20
    while "from=" not in (found := tab.ask("location.href")) and time.monotonic() < deadline:
        time.sleep(0.2)
    assert "from=2019-10-" in found and "to=2019-10-" in found and "period" not in found


def test_live_updates_arrive(tab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.1)
    chosen = lake_of(tmp_path)
    with served(chosen, workers=1) as own:
        tab.open(f"http://127.0.0.1:{own.port}/events?lang=en", 1440)
        assert "198.18.7.7" not in tab.ask("document.body.innerText")
        # the page follows the end of a lake that is not live: an event of the same hour is within its span
        fresh = tmp_path / "more.log"
        fresh.write_text(line(dt.datetime(2019, 10, 22, 23, 30, tzinfo=chosen.zone), "198.18.7.7", 23))
        assert not intake.ingest(Lake.open(chosen.lake), [str(fresh)], chosen, sensor="home", judge=False).failed
        deadline = time.monotonic() + 40
        while "198.18.7.7" not in tab.ask("document.body.innerText") and time.monotonic() < deadline:
            time.sleep(0.3)
        assert "198.18.7.7" in tab.ask("document.body.innerText")
        assert tab.complaints == []


def test_what_a_log_says_is_only_text(tab: Any, client: Client) -> None:
    """Names that are markup, in every place of an address: no script runs, nothing leaves."""
    own = f"http://127.0.0.1:{client.port}"
    texts = (
        HOSTILE,
        '"><img src=x onerror=alert(1)>',
        "'-alert(1)-'",
        "javascript:alert(1)",
        "</title><script>alert(1)</script>",
    )
    for text in texts:
        shown = "".join(f"%{b:02X}" for b in text.encode())
        for place in (f"/search?q={shown}", f"/sql?q={shown}", f"/port/{shown}", f"/sensor/{shown}", f"/ports?tool={shown}",
                      f"/ports?lang={shown}", f"/ports?sensor={shown}&period=week", f"/story/{shown}"):  # fmt: skip
            tab.open(f"{own}{place}", 800)
            assert all(url.startswith((f"{own}/", "data:")) for url in tab.requests), (place, tab.requests)
            assert not [one for one in tab.complaints if "alert" in one or "Content Security" in one], (place, tab.complaints)
            assert tab.ask("document.querySelectorAll('img, script:not([src])').length") == 0, place
