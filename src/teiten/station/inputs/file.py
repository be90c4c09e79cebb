"""Log files that are followed: across rename, copytruncate and compressed rotation, also while the station was stopped."""

from __future__ import annotations

import glob
import os
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from teiten.errors import UsageError
from teiten.station.inputs import Host
from teiten.station.inputs._followed import Followed
from teiten.station.inputs._rotated import age
from teiten.stationing import Given, Key, seconds, text

NAME: Final = "file"
MEANS: Final = "log files that are followed, through their rotation"
KEEPS: Final = True
"""what is written while it does not run is there afterwards"""
_MOST: Final = 256
"""logs that one input follows"""
_AGAIN: Final = 2.0
"""seconds between two looks at which files a pattern matches"""
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
        self.given, self.tell = given, host.tell
        self.feed = host.desk.feed(given.name, given["sensor"], told=host.told)
        self.logs: dict[str, Followed] = {}
        self.last = 0.0
        self._patterns = [str(given.base / Path(one).expanduser()) for one in given["path"]]
        rotated = given["rotated"]
        self._rotated = None if rotated is None else str(given.base / Path(rotated).expanduser())
        mark = self.feed.mark
        self._marks: dict[str, Any] = dict(mark.get("logs", {})) if isinstance(mark, dict) else {}
        self._stop = threading.Event()
        self._told = False

    def run(self, stop: threading.Event) -> None:
        self._stop = stop
        looked = -_AGAIN
        try:
            while not stop.is_set():
                if time.monotonic() - looked >= _AGAIN:
                    looked = time.monotonic()
                    self._match()
                busy = [log.poll(stop) for log in list(self.logs.values())]
                if not any(busy):
                    stop.wait(self.given["poll"])
        finally:
            for log in self.logs.values():
                log.close()

    def status(self) -> Mapping[str, Any]:
        logs = list(self.logs.values())
        out: dict[str, Any] = {"logs": len(logs), "lag": sum(log.lag() for log in logs), "last": self.last}
        waits = "; ".join(log.waits for log in logs if log.waits) or ("" if logs else f"{self._patterns[0]}: no such file")
        return {**out, "waits": waits} if waits else out

    def _match(self) -> None:
        """Which logs there are now."""
        names = list(self._marks)
        for pattern in self._patterns:
            names += sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]  # noqa: PTH207
        for name in dict.fromkeys(names):
            if name in self.logs or (name not in self._marks and _older(name, names)):
                continue
            if len(self.logs) >= _MOST:
                if not self._told:
                    self.tell("error", f"more than {_MOST} logs match: {name} and others are not followed; make several inputs")
                self._told = True
                break
            if Path(name).is_dir() or (name in self._marks and not self._asked(name)):
                self._marks.pop(name, None)
                continue
            log = self.logs[name] = Followed(Path(name), self._put, self.tell, self._rotated, self.given["begin"])
            if name in self._marks:
                log.resume(self._marks.pop(name))

    def _asked(self, name: str) -> bool:
        """Is a log of the mark still one of the input's?"""
        return any(name == one or (glob.has_magic(one) and Path(name).match(one)) for one in self._patterns)

    def _put(self, block: bytes, **counts: int) -> bool:
        self.last = time.time()
        mark = {"logs": {**self._marks, **{name: log.mark() for name, log in self.logs.items()}}}
        return self.feed.put(block, mark=mark, stop=self._stop, **counts) >= 0


def _older(name: str, names: list[str]) -> bool:
    """Is a file that a pattern matches a part that rotation made of another?"""
    folder, base = os.path.split(name)
    return any(age(os.path.basename(one), base) is not None for one in names if one != name and os.path.dirname(one) == folder)  # noqa: PTH119, PTH120


def open(given: Given, host: Host) -> _Files:
    return _Files(given, host)
