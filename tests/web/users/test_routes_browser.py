"""The door in a real browser: in and out, also with scripts off; nothing is complained of, axe finds nothing serious."""

from __future__ import annotations

import time
from typing import Any

import pytest
from tests.browser import SERIOUS

from .conftest import WORD, House

pytestmark = [pytest.mark.browser, pytest.mark.full]


FILL = "document.querySelector('main input[name=name]').value = '{}'; document.querySelector('[name=password]').value = '{}';"


def until(tab: Any, question: str) -> Any:
    deadline = time.monotonic() + 20
    while not (found := tab.ask(question)) and time.monotonic() < deadline:
        time.sleep(0.1)
    return found


@pytest.mark.parametrize("width", [390, 1440])
@pytest.mark.parametrize("code", ["ja", "en"])
def test_in_and_out(tab: Any, home: House, axe: str, code: str, width: int) -> None:
    own = f"http://127.0.0.1:{home.port}"
    tab.open(f"{own}/ports?period=week&lang={code}", width)
    assert tab.ask("location.pathname") == "/login" and tab.ask("document.documentElement.lang") == code
    assert tab.complaints == [] and all(url.startswith(f"{own}/") for url in tab.requests)
    look(tab, axe, width)
    tab.ask(FILL.format("ada", WORD.format("ada")) + "document.querySelector('main form').submit()")
    assert until(tab, "location.pathname === '/ports' && location.search.includes('period=week')")
    for page in ("account", "users"):
        tab.open(f"{own}/{page}?lang={code}", width)
        assert tab.complaints == [] and tab.ask("document.querySelector('.who a').textContent") == "ada"
        look(tab, axe, width)
    tab.ask("document.querySelector('.who form').submit()")
    assert until(tab, "location.pathname === '/login'")
    tab.open(f"{own}/account?lang={code}", width)
    assert tab.ask("location.pathname") == "/login", "and the way back leads nowhere"


def look(tab: Any, axe: str, width: int) -> None:
    assert tab.ask("document.documentElement.scrollWidth") <= width
    assert tab.ask("getComputedStyle(document.querySelector('header')).borderBottomWidth") == "3px"
    tab.call("Runtime.evaluate", expression=axe)
    assert tab.ask(SERIOUS) == []


def test_without_scripts(tab: Any, home: House) -> None:
    own = f"http://127.0.0.1:{home.port}"
    tab.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        tab.open(f"{own}/login?lang=en&next=%2Faccount", 1440)
        tab.ask(FILL.format("vera", WORD.format("vera")) + "document.querySelector('main form').submit()")
        assert until(tab, "location.pathname === '/account'")
    finally:
        tab.call("Emulation.setScriptExecutionDisabled", value=False)
