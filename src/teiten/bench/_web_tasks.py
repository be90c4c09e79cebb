"""What people ask a dashboard, done in Chromium with mouse and keyboard: actions, and seconds until the answer stands."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any, Final

from teiten.bench import _web_serve as server
from teiten.errors import TeitenError

_LONGEST: Final = 60.0
_WHERE: Final = """(() => {
  const wanted = new RegExp(%s);
  const link = [...document.querySelectorAll("a")].find(
    a => a.getClientRects().length && wanted.test(`${a.getAttribute("href")} ${a.textContent.trim()}`));
  if (!link) return null;
  link.scrollIntoView({block: "center"});
  const box = link.getClientRects()[0];
  return [box.left + box.width / 2, box.top + box.height / 2];
})()"""
_SEARCH: Final = """(() => {
  const box = document.querySelector("[type=search]").getBoundingClientRect();
  return [box.left + box.width / 2, box.top + box.height / 2];
})()"""

_ROWS: Final = "[...document.querySelectorAll(%s)].map(row => [...row.cells].map(cell => cell.innerText.trim()))"


class Person:
    """Sits before the first page. Clicks and typed words are actions; seconds go on only while the machine is waited for."""

    def __init__(self, call: Any, origin: str) -> None:
        self._call, self.actions, self.seconds = call, 0, 0.0
        call("Emulation.setDeviceMetricsOverride", width=1440, height=900, deviceScaleFactor=1, mobile=False)
        self._go(lambda: call("Page.navigate", url=f"{origin}/?lang=en"))
        self.seconds = 0.0

    def types(self, words: str) -> Person:
        """Clicks into the search, types, sends it off."""
        self._click(self._ask(_SEARCH))
        self.actions += 1
        self._call("Input.insertText", text=words)
        key = {"key": "Enter", "code": "Enter", "windowsVirtualKeyCode": 13, "text": "\r"}
        self._go(lambda: self._call("Input.dispatchKeyEvent", type="keyDown", **key))
        return self

    def clicks(self, pattern: str) -> Person:
        """Clicks the first link that is to be seen whose address and text are like that. TeitenError where there is none."""
        place = self._ask(_WHERE % json.dumps(pattern))
        if place is None:
            raise TeitenError(f"There is no link like {pattern} on {self._ask('location.href')}.")
        self._go(lambda: self._click(place))
        return self

    def reads(self, words: str) -> Person:
        """TeitenError where the page does not say that."""
        text = str(self._ask("document.body.innerText"))
        if words.lower() not in text.lower():
            raise TeitenError(f"{self._ask('location.href')} does not say '{words}'.")
        return self

    def rows(self, part: str) -> list[list[str]]:
        """The cells of a part's table, row by row; none where there is no table."""
        return list(self._ask(_ROWS % json.dumps(f"#{part} tbody tr")) or [])

    def lists(self, part: str) -> Person:
        """TeitenError where that part has no rows."""
        if not self.rows(part):
            raise TeitenError(f"{self._ask('location.href')} has no rows of {part}.")
        return self

    def _click(self, place: list[float]) -> None:
        self.actions += 1
        for kind in ("mousePressed", "mouseReleased"):
            self._call("Input.dispatchMouseEvent", type=kind, x=place[0], y=place[1], button="left", clickCount=1)

    def _go(self, does: Callable[[], Any]) -> None:
        """Does what leads to another page, and waits until that stands, with its fonts."""
        self._ask("window.left = false")
        began = time.monotonic()
        does()
        while self._ask("window.left === false || document.readyState !== 'complete' || !document.querySelector('main')"):
            if time.monotonic() - began > _LONGEST:
                raise TeitenError(f"Nothing came within {_LONGEST:g} s: {self._ask('location.href')}.")
            time.sleep(0.02)
        self._ask("document.fonts.ready.then(() => 1)")
        self.seconds += time.monotonic() - began

    def _ask(self, expression: str) -> Any:
        """The value of an expression in the page; None while one page gives way to the next."""
        try:
            found = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        except TeitenError:
            return True
        return found["result"].get("value")


def tasks(port: str, source: str, published: str = "") -> dict[str, Callable[[Person], Person]]:
    """Name -> what is done, and what the page must then say. published: whose figures were given to the lake (`/compare`)."""
    found: dict[str, Callable[[Person], Person]] = {
        "port_last_month": lambda p: p.types(port).clicks(r"period=month").reads("Countries"),
        "who_is_it": lambda p: p.types(source).reads(source),
        "what_changed": lambda p: p.clicks(r"^/stories").reads("Stories"),
        "which_sensor_was_down": lambda p: p.clicks(r"^/sensors").reads("watched"),
        "log_lines": lambda p: p.types(source).clicks(r"^/events\?.*src=").clicks(r"^/event/").reads(source),
        "countries_yesterday": lambda p: p.clicks(r"^/countries").reads("Countries"),
        "one_sensor_or_all": lambda p: p.types(port).lists("sensors"),
    }
    if published:
        found["only_us"] = lambda p: p.clicks(r"^/compare").reads("only here").reads(published)
    return found


def driven(origin: str, port: str, source: str, published: str = "") -> dict[str, float]:
    """task_NAME_actions, task_NAME_s: first as nobody had asked it (of the page), then again; nothing without a Chromium."""
    if server.chromium() is None:
        return {}
    figures: dict[str, float] = {}
    with server.tab() as call:
        for name, does in tasks(port, source, published).items():
            first, again = does(Person(call, origin)), does(Person(call, origin))
            figures |= {
                f"task_{name}_actions": float(first.actions), f"task_{name}_first_s": first.seconds,
                f"task_{name}_s": again.seconds,
            }  # fmt: skip
    return figures
