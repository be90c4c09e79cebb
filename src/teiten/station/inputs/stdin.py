"""Lines from the standard input, such as another program's output in a pipe; whoever writes waits while the disk is full."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Mapping
from typing import Any, Final

from teiten.station.inputs import Host
from teiten.stationing import Given, Key, text

NAME: Final = "stdin"
MEANS: Final = "lines from the standard input"
KEYS: Final = (Key("sensor", text, "the sensor that they count for", "home"),)
_PIECE: Final = 1 << 18


class _Stdin:
    def __init__(self, given: Given, host: Host) -> None:
        self.feed = host.desk.feed(given.name, given["sensor"], told=host.told)
        self.ended = False

    def run(self, stop: threading.Event) -> None:
        rest = b""
        while not stop.is_set():
            if not select.select([0], [], [], 0.2)[0]:
                continue
            piece = os.read(0, _PIECE)
            if not piece:
                self.ended = True
                break
            whole, end, rest = (rest + piece).rpartition(b"\n")
            if end:
                self.feed.put(whole + end, received=whole.count(b"\n") + 1)
        if rest:
            self.feed.put(rest + b"\n", received=1)

    def status(self) -> Mapping[str, Any]:
        return {"ended": self.ended}


def open(given: Given, host: Host) -> _Stdin:
    return _Stdin(given, host)
