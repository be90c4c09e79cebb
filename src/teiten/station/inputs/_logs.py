"""Several logs that are followed side by side into one stream: which there are, and where each stands."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from teiten.station.feeds import Feed
from teiten.station.inputs._followed import Followed
from teiten.station.inputs._rotated import Place, age, digest, holds, opened, parts

MOST: Final = 256
"""logs that are followed at a time; beyond it those rest that were not written to for longest"""
RESTED: Final = 20_000
"""logs that are known to be read whole, beside those"""
_AGAIN: Final = 2.0
"""seconds between two looks at which logs there are"""
_OLD: Final = 3600.0
"""seconds without a change after which a log may rest"""


class Logs:
    """names: the logs that there are now; asked: is a name of a mark still one of them? fixed: named one by one, so that each
    is waited for."""

    def __init__(
        self, feed: Feed, tell: Callable[[str, str], None], names: Callable[[], list[str]], asked: Callable[[str], bool],
        rotated: str | None = None, begin: str = "beginning",
    ) -> None:  # fmt: skip
        self.feed, self.tell, self.names, self.asked = feed, tell, names, asked
        self.rotated, self.begin = rotated, begin
        self.last = 0.0
        self.logs: dict[str, Followed] = {}
        mark = feed.mark if isinstance(feed.mark, dict) else {}
        self._marks: dict[str, Any] = dict(mark.get("logs", {}))
        self._rested: dict[str, None] = dict.fromkeys(map(str, mark.get("rested", [])))
        self._older: dict[str, bool] = {}
        self._stop = threading.Event()
        self._now: Followed | None = None
        self._looked = -_AGAIN
        self._told: set[str] = set()

    def step(self, stop: threading.Event) -> bool:
        """Takes what is there; True where more may be there at once. OSError."""
        self._stop = stop
        if time.monotonic() - self._looked >= _AGAIN:
            self._looked = time.monotonic()
            self._match()
        busy = False
        for log in list(self.logs.values()):
            self._now = log
            busy = log.poll(stop) or busy
        return busy

    def close(self) -> None:
        for log in self.logs.values():
            log.close()

    def lag(self) -> int:
        """Bytes that are there and not yet taken."""
        return sum(log.lag() for log in list(self.logs.values()))

    def waits(self) -> str:
        """What they wait for."""
        return "; ".join(log.waits for log in list(self.logs.values()) if log.waits)

    # which ------------------------------------------------------------------------------------------------------------

    def _match(self) -> None:
        found = self.names()
        for name in [name for name in self._marks if name not in found and self.asked(name)]:
            found.append(name)
        for name in dict.fromkeys(found):
            if name in self.logs or (name not in self._marks and self._is_older(name, found)):
                continue
            if Path(name).is_dir() or self._key(name) in self._rested:
                continue
            if len(self.logs) >= MOST and not self._rest():
                if all(log.whole() for log in self.logs.values()):  # else there is room when they are read
                    self._tell_once(
                        "most", f"more than {MOST} logs are written to: {name} is not followed; make several inputs"
                    )
                break
            log = self.logs[name] = Followed(Path(name), self._put, self.tell, self.rotated, self.begin)
            mark = self._marks.pop(name, None) or self._elsewhere(name)
            if mark is not None:
                log.resume(mark)
        for name in [name for name, log in self.logs.items() if log.over() and name not in found]:
            self.logs.pop(name).close()

    def _is_older(self, name: str, names: list[str]) -> bool:
        """Is it what rotation made of another of the names?"""
        if name not in self._older:
            folder, base = os.path.split(name)
            self._older[name] = any(
                age(os.path.basename(one), base) is not None  # noqa: PTH119
                for one in names if one != name and os.path.dirname(one) == folder  # noqa: PTH120
            )  # fmt: skip
        return self._older[name]

    def _elsewhere(self, name: str) -> Any:
        """The mark of the same log under a name that is no longer asked for: the same file by another way."""
        for other, mark in list(self._marks.items()):
            if self.asked(other):
                continue
            try:
                places = [Place.of(one) for one in mark["files"]]
                for part in reversed(parts(Path(name), self.rotated)):
                    handle = opened(part)
                    if handle is None:
                        continue
                    try:
                        if holds(handle, places):
                            return self._marks.pop(other)
                    finally:
                        os.close(handle)
            except (OSError, ValueError, TypeError, KeyError):
                continue
        return None

    # resting ----------------------------------------------------------------------------------------------------------

    def _key(self, name: str) -> str:
        try:
            info = os.stat(name)  # noqa: PTH116
        except OSError:
            return ""
        return digest(f"{name}\0{info.st_size}\0{info.st_mtime_ns}".encode())

    def _rest(self) -> bool:
        """Lets the log go that was not written to for longest, if it was read whole long ago."""
        idle = [(log.written(), name) for name, log in self.logs.items() if log.lag() == 0 and log.whole()]
        if not idle or time.time() - min(idle)[0] < _OLD:
            return False
        name = min(idle)[1]
        self._rested[self._key(name)] = None
        for key in list(self._rested)[:-RESTED]:
            del self._rested[key]
            self._tell_once("rested", f"more than {RESTED:,} logs that were read are there: move some of them away")
        self.logs.pop(name).close()
        return True

    def _tell_once(self, what: str, sentence: str) -> None:
        if what not in self._told:
            self._told.add(what)
            self.tell("error", sentence)

    def _put(self, block: bytes, **counts: int) -> bool:
        self.last = time.time()
        mark: dict[str, Any] = {"logs": {**self._marks, **{name: log.mark() for name, log in self.logs.items()}}}
        if self._now is not None and block:
            # for the years of stamps that have none: until when the file was written, and how much of it is still to come
            mark |= {"until": round(self._now.until, 3), "behind": self._now.lag()}
        if self._rested:
            mark["rested"] = list(self._rested)
        return self.feed.put(block, mark=mark, stop=self._stop, **counts) >= 0
