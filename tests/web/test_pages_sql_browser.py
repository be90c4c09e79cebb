"""The console in a browser: keys, the search of views, the history that stays there, a query that another site led to."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from .conftest import Client

pytestmark = [pytest.mark.browser, pytest.mark.full]


def until(tab: Any, expression: str, seconds: float = 40) -> Any:
    """Its value, once that is true."""
    deadline = time.monotonic() + seconds
    while not (found := tab.ask(expression)) and time.monotonic() < deadline:
        time.sleep(0.2)
    return found


def test_keys_history_and_search(tab: Any, client: Client) -> None:
    own = f"http://127.0.0.1:{client.port}"
    tab.open(f"{own}/sql?lang=en", 1280)
    tab.ask("document.getElementById('q').focus(), document.getElementById('q').value = 'SELECT 6 * 7 AS answer', 1")
    for kind in ("keyDown", "keyUp"):
        tab.call("Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter", windowsVirtualKeyCode=13, modifiers=2)
    assert until(tab, "location.search.includes('SELECT') && document.querySelector('#answer td')?.textContent") == "42"
    # what was asked is listed, leads back, and is forgotten
    assert tab.ask("[...document.querySelectorAll('#history a')].map(a => a.textContent)") == ["SELECT 6 * 7 AS answer"]
    assert tab.ask("(document.querySelector('#history button').click(), document.getElementById('history').hidden)") is True
    assert tab.ask("localStorage.getItem('teiten.sql')") == "[]"
    # the search leaves what holds the text, in names and meanings
    shown = (
        "[...document.querySelectorAll('.views details:not([hidden]) dl > div:not([hidden]) dt code')].map(e => e.textContent)"
    )
    find = "(e => { e.value = {0}; e.dispatchEvent(new Event('input')); })(document.getElementById('of-views'))"
    tab.ask(find.replace("{0}", "'TTL'") + ", 1")
    assert tab.ask(shown) == ["ttl"]
    tab.ask(find.replace("{0}", "''") + ", 1")
    assert len(tab.ask(shown)) > 100
    assert tab.complaints == []


def test_a_link_of_another_site_asks_nothing(tab: Any, client: Client, tmp_path: Path) -> None:
    """A page from elsewhere: its link, frame and picture set nothing to work; the visitor himself does."""
    query = f"http://127.0.0.1:{client.port}/sql?lang=en&q=SELECT+40%2B2+AS+led"
    page = tmp_path / "elsewhere.html"
    page.write_text(f"<!DOCTYPE html><title>x</title><img src='{query}&format=csv'><a id=a href='{query}'>x</a>")
    tab.open(page, 800)
    tab.ask("document.getElementById('a').click(), 1")
    assert until(tab, "document.body?.textContent.includes('Another page led here')")
    assert tab.ask("document.querySelector('#answer td')") is None
    tab.ask("document.querySelector('#query button').click(), 1")
    assert until(tab, "document.querySelector('#answer td')?.textContent") == "42"
    assert tab.ask("location.search").count("SELECT") == 1, "at its own address"
