"""`teiten serve` as a process of its own, its memory, and a page in Chromium until its first paint."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from teiten.bench._process import teiten
from teiten.errors import TeitenError

HOST: Final = "127.0.0.1"
_FLAGS: Final = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe",
)  # fmt: skip
_PAINT: Final = "performance.getEntriesByName('first-contentful-paint').map(e => e.startTime)[0] || 0"


class Server:
    """A server that runs: where, and what it takes."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process, self.port = process, port

    def memory(self) -> float:
        """MiB that it held at most, its children's besides."""
        return sum(_peak(pid) for pid in (self.process.pid, *_children(self.process.pid)))

    def processor(self) -> float:
        """Seconds of the processor so far."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextlib.contextmanager
def served(config: Path, *words: str) -> Iterator[Server]:
    """The dashboard over the lake that the configuration names, at a port that is free. TeitenError where it does not start."""
    command = [*teiten("serve"), "--config", str(config), "--port", "0", *words]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert process.stderr is not None
    try:
        said = process.stderr.readline().decode(errors="replace")
        found = re.search(r":(\d+)/?\s*$", said)
        if found is None:
            raise TeitenError(f"teiten serve did not start: {said.strip()}")
        yield Server(process, int(found[1]))
    finally:
        process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        process.kill()
        process.wait()
        process.stderr.close()


def _peak(pid: int) -> float:
    with contextlib.suppress(OSError, AttributeError):
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text(encoding="ascii"))
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def _children(pid: int) -> list[int]:
    with contextlib.suppress(OSError):
        return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]
    return []


def chromium() -> str | None:
    """The browser's program; None where there is none."""
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def first_paint(urls: list[str]) -> list[float]:
    """Seconds from asking for each address until Chromium paints something of it (the middle of three); [] without one.

    A tab is opened once and the pages' files are in its cache from the second page on, as a visitor's are.
    """
    if chromium() is None:
        return []
    with tab() as call:
        call("Page.navigate", url=urls[0])
        time.sleep(2)
        return [statistics.median(_painted(call, url) for _ in range(3)) for url in urls]


def _painted(call: Any, url: str) -> float:
    call("Page.navigate", url="about:blank")
    call("Page.navigate", url=url)
    until = time.monotonic() + 60
    while time.monotonic() < until:
        found = call("Runtime.evaluate", expression=f"location.href === 'about:blank' ? 0 : {_PAINT}", returnByValue=True)
        if value := found["result"].get("value"):
            return float(value) / 1000
        time.sleep(0.05)
    raise TeitenError(f"Chromium painted nothing of {url} in a minute.")


@contextlib.contextmanager
def tab() -> Iterator[Any]:
    """What calls a method of the DevTools protocol in a tab of its own. TeitenError where there is no Chromium."""
    program = chromium()
    if program is None:
        raise TeitenError("There is no Chromium on this machine.", hint="apt install chromium")
    read_to, to = os.pipe()
    back, write_back = os.pipe()
    rest = b""
    number = 0
    session: str | None = None

    def call(method: str, **params: Any) -> Any:
        nonlocal rest, number
        number += 1
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in rest:
                got = os.read(back, 1 << 16)
                if not got:
                    raise TeitenError("Chromium has gone.")
                rest += got
            told, _, rest = rest.partition(b"\0")
            found = json.loads(told)
            if found.get("id") == number:
                if "error" in found:
                    raise TeitenError(f"Chromium: {found['error']}")
                return found["result"]

    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # Chromium reads its orders from descriptor 3 and answers on 4
        script = f'exec "$0" "$@" 3<&{read_to} 4>&{write_back}'
        process = subprocess.Popen(
            ["bash", "-c", script, program, *_FLAGS, f"--user-data-dir={profile}"],
            pass_fds=(read_to, write_back), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        os.close(read_to)
        os.close(write_back)
        try:
            target = call("Target.createTarget", url="about:blank")["targetId"]
            session = call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            call("Page.enable")
            call("Runtime.enable")
            yield call
        finally:
            process.terminate()
            process.wait(20)
            os.close(to)
            os.close(back)
