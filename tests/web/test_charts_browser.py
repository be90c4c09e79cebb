"""Charts in a real browser: values under the pointer, by touch, by keys; series hidden; a stretch looked at; the map."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from teiten import intake
from teiten.lake import Lake
from teiten.web import pool as pools

from .conftest import Client, lake_of, line, served

pytestmark = [pytest.mark.browser, pytest.mark.full]

SIZES = [(1440, "en"), (390, "ja")]
SHOWN = "[...document.querySelectorAll('.plot[data-values] .figure[data-left]')].find(f => f.offsetWidth)"


def until(tab: Any, expression: str, wanted: Any = True, seconds: float = 20) -> Any:
    deadline = time.monotonic() + seconds
    while (found := tab.ask(expression)) != wanted and time.monotonic() < deadline:
        time.sleep(0.1)
    assert found == wanted, (expression, found)
    return found


def opened(tab: Any, client: Client, place: str, width: int, code: str) -> None:
    tab.open(f"http://127.0.0.1:{client.port}{place}{'&' if '?' in place else '?'}lang={code}", width)
    tab.ask(f"{SHOWN}?.scrollIntoView({{block: 'center'}})")


def spot(tab: Any, part: float, down: float = 0.4) -> tuple[float, float]:
    """A point of the first chart that is shown, so far along its axis of time."""
    x, y = tab.ask(
        f"(() => {{ const f = {SHOWN}, b = f.getBoundingClientRect(), k = b.width / f.dataset.width, d = f.dataset;"
        f" return [b.left + k * (+d.left + {part} * (d.right - d.left)), b.top + b.height * {down}]; }})()"
    )
    return x, y


def mouse(tab: Any, kind: str, x: float, y: float, buttons: int = 0) -> None:
    tab.call(
        "Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left" if buttons else "none", buttons=buttons, clickCount=1
    )


def key(tab: Any, name: str, *, shift: bool = False) -> None:
    codes = {
        "ArrowRight": 39,
        "ArrowLeft": 37,
        "ArrowDown": 40,
        "Enter": 13,
        "Escape": 27,
        "End": 35,
        "Home": 36,
        "?": 191,
        "[": 219,
    }
    text = {"text": "\r"} if name == "Enter" else {"text": name} if len(name) == 1 else {}
    for kind in ("keyDown", "keyUp"):
        more = text if kind == "keyDown" else {}
        tab.call(
            "Input.dispatchKeyEvent",
            type=kind,
            key=name,
            windowsVirtualKeyCode=codes[name],
            modifiers=8 if shift else 0,
            **more,
        )


@pytest.mark.parametrize(("width", "code"), SIZES)
def test_a_point_tells_its_values(tab: Any, client: Client, width: int, code: str) -> None:
    opened(tab, client, "/ports?from=2019-10-21&to=2019-10-23", width, code)
    x, y = spot(tab, 20.5 / 48)
    if width > 600:
        mouse(tab, "mouseMoved", x, y)
    else:
        tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
        tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
        tab.call("Emulation.setTouchEmulationEnabled", enabled=False)
    rows = tab.ask("[...document.querySelectorAll('.tip tr')].map(r => [...r.cells].map(c => c.textContent))")
    assert [row[1] for row in rows] == ["1", "2", "3", "6"] and [row[0] for row in rows][:3] == ["80/tcp", "445/tcp", "23/tcp"]
    assert tab.ask("document.querySelector('.tip caption').textContent") == (
        "10月21日(月)20時" if code == "ja" else "Mon 21 Oct, 20:00"
    )
    assert tab.ask("(() => { const t = document.querySelector('.tip').getBoundingClientRect();"
                   " return t.left >= 0 && t.right <= innerWidth; })()")  # fmt: skip
    mouse(tab, "mouseMoved", 2, 2)


@pytest.mark.parametrize(("width", "code"), SIZES)
def test_keys_read_and_zoom(tab: Any, client: Client, width: int, code: str) -> None:
    opened(tab, client, "/ports?from=2019-10-21&to=2019-10-23", width, code)
    tab.ask("document.querySelector('.plot[data-values]').focus()")
    key(tab, "ArrowRight")
    assert tab.ask("document.querySelectorAll('.tip tr').length") == 4
    for _ in range(2):
        key(tab, "ArrowRight", shift=True)
    assert tab.ask("document.querySelector('.tip tr.sum td').textContent") == "18", "three hours of six packets"
    key(tab, "Escape")
    assert tab.ask("document.querySelector('.tip')") is None
    key(tab, "ArrowRight")
    key(tab, "ArrowRight", shift=True)
    key(tab, "Enter")
    until(tab, "new URL(location.href).searchParams.get('from')", "2019-10-20T15:00Z")
    until(tab, "new URL(location.href).searchParams.get('to')", "2019-10-20T17:00Z")


@pytest.mark.parametrize(("width", "code"), SIZES)
def test_a_series_is_hidden_and_shown(tab: Any, client: Client, width: int, code: str) -> None:
    opened(tab, client, "/ports?from=2019-10-21&to=2019-10-23", width, code)
    tab.ask("window.stayed = true")
    first = "[...document.querySelectorAll('.legend a')].find(a => a.textContent.includes('445/tcp'))"
    names = "JSON.parse(document.querySelector('.plot[data-values]').dataset.values).series.map(s => s[0]).join()"
    assert tab.ask(names) == "23/tcp,445/tcp,80/tcp"
    x, y = tab.ask(f"(() => {{ const a = {first}; a.scrollIntoView({{block: 'center'}});"
                   " const b = a.getBoundingClientRect(); return [b.left + 30, b.top + b.height / 2]; })()")  # fmt: skip
    for kind in ("mousePressed", "mouseReleased"):
        mouse(tab, kind, x, y, 1)
    until(tab, names, "23/tcp,80/tcp")
    assert tab.ask("new URL(location.href).searchParams.get('hide')") == "445/tcp"
    assert tab.ask(f"{first}.closest('li').className") == "hidden"
    assert tab.ask("document.activeElement.textContent.includes('445/tcp')"), "who uses keys is where they were"
    key(tab, "Enter")
    until(tab, names, "23/tcp,445/tcp,80/tcp")
    assert tab.ask("window.stayed"), "it is the same page"
    assert "hide" not in tab.ask("location.search")


def test_a_stretch_is_drawn_on_a_telephone(tab: Any, client: Client) -> None:
    opened(tab, client, "/ports?from=2019-10-21&to=2019-10-23", 390, "ja")
    tab.call("Emulation.setTouchEmulationEnabled", enabled=True)
    (x, y), (right, _) = spot(tab, 0.25), spot(tab, 0.5)
    tab.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    for n in range(1, 6):
        tab.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x + (right - x) * n / 5, "y": y + n % 2}])
    tab.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    tab.call("Emulation.setTouchEmulationEnabled", enabled=False)
    until(tab, "new URL(location.href).searchParams.has('from') && location.search.includes('Z')")
    low, high = (dt.datetime.fromisoformat(tab.ask(f"new URL(location.href).searchParams.get('{n}')")) for n in ("from", "to"))
    assert dt.timedelta(hours=11) <= high - low <= dt.timedelta(hours=14)
    # and back out again
    until(tab, "document.readyState", "complete")
    tab.ask("document.querySelector('[data-key=\"-\"]').click()")
    until(tab, "(p => new Date(p.get('to')) - new Date(p.get('from')))(new URL(location.href).searchParams)"
               f" === {2 * int((high - low).total_seconds() * 1000)}")  # fmt: skip


@pytest.mark.parametrize(("width", "code"), SIZES)
def test_the_map_leads_to_a_country(tab: Any, client: Client, width: int, code: str) -> None:
    opened(tab, client, "/countries?period=week", width, code)
    assert tab.ask("document.querySelectorAll('#world svg a').length") == 1, "one country sent something"
    name = tab.ask("document.querySelector('#world svg a title').textContent")
    assert name == ("米国: 288" if code == "ja" else "United States: 288")
    # dots for Singapore and Hong Kong, and shapes for the large
    assert tab.ask("document.querySelectorAll('#world svg circle').length") > 60
    tab.ask("document.querySelector('#world svg a').dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}))")
    until(tab, "location.pathname", "/country/US")


@pytest.mark.parametrize(("width", "code"), SIZES)
def test_a_heat_map_tells_its_cells(tab: Any, client: Client, width: int, code: str) -> None:
    opened(tab, client, "/port/23/tcp?from=2019-10-21&to=2019-10-23", width, code)
    tab.ask("document.querySelector('#days-heat .plot').scrollIntoView({block: 'center'})")
    tab.ask("document.querySelector('#days-heat .plot').focus()")

    key(tab, "ArrowRight")
    key(tab, "ArrowDown")
    assert tab.ask("document.querySelector('.tip tr').textContent") == ("10月22日(火)3" if code == "ja" else "Tue 22 Oct3")
    assert tab.ask("getComputedStyle(document.querySelector('.cell')).position") == "absolute"


def test_keys_lead(tab: Any, client: Client) -> None:
    opened(tab, client, "/ports?from=2019-10-22&to=2019-10-23", 1440, "en")
    key(tab, "?")
    assert tab.ask("document.getElementById('keys').open")
    key(tab, "[")
    until(tab, "new URL(location.href).searchParams.get('from')", "2019-10-21")
    until(tab, "document.readyState", "complete")
    assert tab.ask("new URL(location.href).searchParams.get('to')") == "2019-10-22"


def test_a_live_page_keeps_its_place(tab: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pools, "LOOK_EVERY", 0.1)
    chosen = lake_of(tmp_path)
    with served(chosen, workers=1) as own:
        tab.open(f"http://127.0.0.1:{own.port}/?lang=en&period=week", 390)
        until(tab, "document.getElementById('live').dataset.state", "on")
        tab.ask("scrollTo(0, 400)")
        tab.ask("document.querySelector('.plot').focus({preventScroll: true})")
        fresh = tmp_path / "more.log"
        fresh.write_text(line(dt.datetime(2019, 10, 22, 23, 30, tzinfo=chosen.zone), "198.18.7.7", 23))
        assert not intake.ingest(Lake.open(chosen.lake), [str(fresh)], chosen, sensor="home", judge=False).failed
        until(tab, "document.getElementById('main').dataset.at !== undefined", seconds=40)
        assert abs(tab.ask("scrollY") - 400) < 10
        assert tab.ask("document.activeElement.className") == "plot"
        until(tab, "document.body.innerText.includes('289')", seconds=40)
        assert tab.ask("document.getElementById('live').textContent") == "Updating live"


@pytest.fixture(scope="module")
def weights(tab: Any, client: Client) -> Iterator[dict[str, int]]:
    yield {}


@pytest.mark.parametrize("place", ["/", "/ports", "/port/23/tcp", "/countries", "/sources", "/events", "/sql"])
def test_a_page_is_light(tab: Any, client: Client, weights: dict[str, int], place: str) -> None:
    """What a page takes with an empty cache, as it travels."""
    tab.call("Network.setCacheDisabled", cacheDisabled=True)
    tab.open(f"http://127.0.0.1:{client.port}{place}?lang=ja&period=week", 1440)
    tab.call("Network.setCacheDisabled", cacheDisabled=False)
    sizes = tab.ask("[...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]"
                    ".map(e => [e.name, e.transferSize])")  # fmt: skip
    weights[place] = sum(size for name, size in sizes if "/live" not in name)
    print(place, weights[place])
    # the font is fetched where no other has the letters: half of it all
    assert weights[place] < 400_000, sizes
