"""Log files that are followed: across rename, copytruncate and compressed rotation, also while the station was stopped."""

from __future__ import annotations

import glob
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError
from teiten.station.inputs import Host
from teiten.station.inputs._logs import Logs
from teiten.stationing import Given, Key, seconds, text

NAME: Final = "file"
MEANS: Final = "log files that are followed, through their rotation"
KEEPS: Final = True
"""what is written while it does not run is there afterwards"""
_BEGIN: Final = ("beginning", "end", "oldest")


def _paths(value: Any, where: str) -> tuple[str, ...]:
    if isinstance(value, list) and value:
        return tuple(text(one, where) for one in value)
    return (text(value, where),)


def _begin(value: Any, where: str) -> str:
    if value not in _BEGIN:
        raise UsageError(f"{where} must be one of {', '.join(_BEGIN)}, not {value!r}.")
    return str(value)


def _poll(value: Any, where: str) -> float:
    return seconds(value, where, 0.01, 60)


KEYS: Final = (
    Key("path", _paths, "a log, a pattern (`/var/log/router-*.log`), or a list of them", needed=True),
    Key("sensor", text, "the sensor that their lines count for", "home"),
    Key(
        "begin",
        _begin,
        "where a log begins that was never read: `beginning`; `end`, only what is new; `oldest`, with what rotation made of it",
        "beginning",
    ),
    Key("rotated", text, "a pattern of where rotation puts the older parts, if not beside the log"),
    Key("poll", _poll, "seconds between two looks at a log", 0.25),
)


class _Files:
    def __init__(self, given: Given, host: Host) -> None:
        self.given = given
        self._patterns = [str(given.base / Path(one).expanduser()) for one in given["path"]]
        rotated = given["rotated"]
        rotated = None if rotated is None else str(given.base / Path(rotated).expanduser())
        feed = host.desk.feed(given.name, given["sensor"], told=host.told)
        self.logs = Logs(feed, host.tell, self._names, self._asked, rotated, given["begin"])

    def run(self, stop: threading.Event) -> None:
        try:
            while not stop.is_set():
                if not self.logs.step(stop):
                    stop.wait(self.given["poll"])
        finally:
            self.logs.close()

    def status(self) -> Mapping[str, Any]:
        many = len(self.logs.logs)
        waits = self.logs.waits() or ("" if many else f"{self._patterns[0]}: no such file")
        out = {"logs": many, "lag": self.logs.lag(), "last": self.logs.last}
        return {**out, "waits": waits} if waits else out

    def _names(self) -> list[str]:
        out: list[str] = []
        for pattern in self._patterns:
            out += sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207
        return out

    def _asked(self, name: str) -> bool:
        return any(name == one or (glob.has_magic(one) and Path(name).match(one)) for one in self._patterns)


def open(given: Given, host: Host) -> _Files:
    return _Files(given, host)
