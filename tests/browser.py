"""Chromium, driven through its own pipe (DevTools protocol): enough to open a file and ask what the page did."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
OVERFLOWS: Final = """[...document.querySelectorAll('body *')].filter(e => {
  const box = e.getBoundingClientRect();
  return box.width && !e.closest('.scroll, .skip, svg') && (box.right > innerWidth + 0.5 || box.left < -0.5);
}).map(e => e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30))"""
"""what sticks out of the page sideways, outside frames that scroll"""
SERIOUS: Final = """axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
  .filter(v => ['serious', 'critical'].includes(v.impact))
  .map(v => v.id + ': ' + v.help + ' ' + v.nodes.slice(0, 3).map(n => n.html.slice(0, 120)).join(' | ')))"""
"""what axe finds serious, where its script has been run in the page (the fixture `axe`)"""


def cut(drawings: str) -> str:
    """An expression: the texts of those drawings (a selector of CSS) that their edge cuts off."""
    return f"""[...document.querySelectorAll('{drawings}')].filter(s => s.getBoundingClientRect().width).flatMap(s => {{
  const whole = s.getBoundingClientRect();
  return [...s.querySelectorAll('text')].filter(t => {{
    const box = t.getBoundingClientRect();
    return box.right > whole.right + 1 || box.left < whole.left - 1 || box.bottom > whole.bottom + 1;
  }}).map(t => t.textContent);
}})"""


class Browser:
    """One tab. `requests` and `complaints` (console, exceptions, policy violations) of the page last opened."""

    def __init__(self, to: int, back: int) -> None:
        self._to, self._back = to, back
        self._number = 0
        self._rest = b""
        self._session: str | None = None
        self.requests: list[str] = []
        self.complaints: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while True:
            found = self._next()
            if found.get("id") == self._number:
                assert "error" not in found, found
                return dict(found["result"])

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            got = os.read(self._back, 1 << 16)
            assert got, "Chromium has gone"
            self._rest += got
        message, _, self._rest = self._rest.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        method, params = found.get("method"), found.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Log.entryAdded":
            self.complaints.append(f"{params['entry']['text']} {params['entry'].get('url', '')}")
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled"):
            self.complaints.append(json.dumps(params)[:500])
        return found

    def open(self, page: Path | str, width: int, *, dark: bool = False) -> None:
        """Loads the file, or the address, in a window of that width, and waits until it stands."""
        self.requests, self.complaints = [], []
        narrow = width < 600
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=narrow)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        self.call("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        while self._next().get("method") != "Page.loadEventFired":
            pass
        self.ask("document.fonts.ready.then(() => 1)")

    def ask(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page (the protocol is not bound by the page's policy)."""
        found = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")


@contextlib.contextmanager
def browser() -> Iterator[Browser]:
    """A Chromium of its own, ended and tidied away afterwards."""
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))))
    read_to, to = os.pipe()
    back, write_back = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # Chromium reads its orders from descriptor 3 and answers on 4
        script = f'exec "$0" "$@" 3<&{read_to} 4>&{write_back}'
        process = subprocess.Popen(
            ["bash", "-c", script, str(program), *FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(read_to, write_back),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_to)
        os.close(write_back)
        try:
            yield Browser(to, back)
        finally:
            process.terminate()
            process.wait(20)
            os.close(to)
            os.close(back)
