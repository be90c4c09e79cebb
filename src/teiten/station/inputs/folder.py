"""A folder into which captures come, and logs: each file once, whether it appears whole, grows, is renamed or packed."""

from __future__ import annotations

import copy
import os
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from teiten.station.inputs import Host
from teiten.station.inputs._blocks import Broken, Cutter
from teiten.station.inputs._logs import Logs
from teiten.station.inputs._rotated import Part, Place, captured, digest, head_of, holds, opened, packing
from teiten.station.inputs._source import Changed, Piece, Source
from teiten.station.spool import PACKETS, SEGMENT
from teiten.stationing import Given, Key, seconds, text

NAME: Final = "folder"
MEANS: Final = "a folder into which captures and logs come"
KEEPS: Final = True
"""what comes while it does not run is there afterwards"""
LEFT_OUT: Final = (".tmp", ".part", ".partial", ".swp", ".filepart", ".crdownload", "~")
"""ends of the names of files that are not yet what they will be"""
RECENT: Final = 32
"""files of which it is remembered how far they were taken"""
DONE: Final = 20_000
"""files of which it is remembered that they were taken"""
RESTING: Final = 16
"""captures that do not change and are still held open"""
_ERF: Final = re.compile(r"\.erf(\.\w+)?$", re.IGNORECASE)
"""an ERF file has no mark of its own: it is told by its name"""
_TURN: Final = 64
_PATIENCE: Final = 60.0
"""seconds for which a capture that grows waits for another that does"""


def _settle(value: Any, where: str) -> float:
    return seconds(value, where, 0.05, 3600)


KEYS: Final = (
    Key("path", text, "the folder; what is in folders below it counts too", needed=True),
    Key("sensor", text, "the sensor that it counts for", "home"),
    Key("settle", _settle, "seconds without a change after which a file is taken to be whole", 10.0),
    Key("poll", _settle, "seconds between two looks at the folder", 1.0),
)


@dataclass(slots=True)
class _Item:
    """A capture that is being taken. skip: so many bytes of it were taken before."""

    path: Path
    source: Source
    cutter: Cutter
    skip: int
    state: tuple[int, int]
    since: float = field(default_factory=time.monotonic)
    """since when its size and time are as they are"""
    taken: float = field(default_factory=time.monotonic)
    resting: bool = False
    """it is taken as far as it goes, and does not change"""
    told: bool = False


class _Folder:
    def __init__(self, given: Given, host: Host) -> None:
        self.given, self.host, self.tell = given, host, host.tell
        self.folder = Path(given.base / Path(given["path"]).expanduser())
        self.feed = host.desk.feed(given.name, given["sensor"], PACKETS, told=host.told, whole=True)
        self.logs: Logs | None = None
        self.last = 0.0
        mark = self.feed.mark if isinstance(self.feed.mark, dict) else {}
        self.recent = [Place.of(one) for one in mark.get("recent", [])]
        self.done: dict[str, None] = dict.fromkeys(mark.get("done", []))
        """files by name, size and time, and by their first bytes"""
        self._open: _Item | None = None
        self._size = 0
        """of the segment that is open"""
        self._fresh = True
        self._items: dict[tuple[int, int], _Item] = {}
        self._seen: dict[tuple[int, int], tuple[tuple[int, int], float]] = {}
        self._texts: list[str] = []
        self._waits = ""
        self._told: set[str] = set()
        self._stop = threading.Event()

    def run(self, stop: threading.Event) -> None:
        self._stop = stop
        try:
            while not stop.is_set():
                busy = self._look()
                if self._texts and self.logs is None:
                    feed = self.host.desk.feed(self.given.name, self.given["sensor"], told=self.host.told)
                    self.logs = Logs(feed, self.tell, lambda: list(self._texts), self._below, None, "oldest")
                if self.logs is not None:
                    busy = self.logs.step(stop) or busy
                if not busy:
                    stop.wait(self.given["poll"])
        finally:
            for item in self._items.values():
                item.source.close()
            if self.logs is not None:
                self.logs.close()

    def status(self) -> Mapping[str, Any]:
        lag = sum(item.source.lag() for item in list(self._items.values())) + (self.logs.lag() if self.logs else 0)
        out = {"captures": len(self._items), "logs": len(self.logs.logs) if self.logs else 0, "lag": lag, "last": self.last}
        return {**out, "waits": self._waits} if self._waits else out

    def _below(self, name: str) -> bool:
        return name.startswith(str(self.folder) + os.sep)

    # what there is ----------------------------------------------------------------------------------------------------

    def _listed(self) -> list[tuple[Path, os.stat_result]]:
        """Files, oldest first."""
        if not self.folder.is_dir():
            self._wait(f"{self.folder} is no folder that is there")
            return []
        self._wait("")
        out = []
        for base, folders, names in os.walk(self.folder):
            folders[:] = [one for one in folders if not one.startswith(".")]
            for name in names:
                if name.startswith(".") or name.lower().endswith(LEFT_OUT):
                    continue
                path = Path(base) / name
                try:
                    info = path.stat()
                except OSError:
                    continue
                if (info.st_mode & 0o170000) == 0o100000 and info.st_size:
                    out.append((path, info))
        return sorted(out, key=lambda one: (one[1].st_mtime_ns, str(one[0])))

    def _look(self) -> bool:
        """Takes what is there; True where there may be more at once."""
        busy, there, keys = False, set(), set()
        for path, info in self._listed():
            inode, key = (info.st_dev, info.st_ino), self._key(path, info)
            there.add(inode)
            keys.add(key)
            if self._stop.is_set():
                return False
            if key in self.done or str(path) in self._texts:
                continue
            item = self._items.get(inode) or self._new(path, info, key)
            if item is None:
                continue
            item.path = path
            if item.state != (info.st_size, info.st_mtime_ns):
                item.state, item.since, item.resting = (info.st_size, info.st_mtime_ns), time.monotonic(), False
            busy = self._take(item) or busy
        for inode in [inode for inode in self._items if inode not in there]:
            item = self._items[inode]
            busy = self._take(item, gone=True) or busy
        for item in [one for one in self._items.values() if one.resting and one is not self._open][:-RESTING]:
            self._end(item)
        self._seen = {inode: seen for inode, seen in self._seen.items() if inode in there}
        return busy

    def _key(self, path: Path, info: os.stat_result) -> str:
        return digest(f"{path.relative_to(self.folder)}\0{info.st_size}\0{info.st_mtime_ns}".encode())

    def _settled(self, info: os.stat_result) -> bool:
        """Has a file not changed for long enough?"""
        inode, state = (info.st_dev, info.st_ino), (info.st_size, info.st_mtime_ns)
        known = self._seen.get(inode)
        if known is None or known[0] != state:
            self._seen[inode] = known = (state, time.monotonic())
        old = time.time() - max(info.st_mtime, info.st_ctime) - self.given["settle"] >= 0
        return old or bool(time.monotonic() - known[1] >= self.given["settle"])

    def _new(self, path: Path, info: os.stat_result, key: str) -> _Item | None:
        """A file that was not looked at yet; None: there is nothing to be taken from it now."""
        part = Part(path, info)
        try:
            handle = opened(part)
        except OSError as error:
            self._once(key, f"{path} cannot be read: {error.strerror}", keep=False)
            return None
        if handle is None:
            return None
        settled = self._settled(info)
        packed = packing(os.pread(handle, 8, 0)) is not None
        head = b"" if packed and not settled else head_of(handle)
        erf = bool(_ERF.search(path.name)) and not captured(head)
        if (captured(head) or (erf and head)) and (settled or not packed):
            place = holds(handle, self._places())
            if place is not None or digest(head) not in self.done:
                cutter = Cutter(erf=erf)
                source, state = Source(part, handle, cut=cutter.cut), (info.st_size, info.st_mtime_ns)
                item = _Item(path, source, cutter, place.offset if place else 0, state)
                item.since -= self.given["settle"] if settled else 0
                self._items[info.st_dev, info.st_ino] = item
                return item
            self.done[key] = None  # it was taken under another name
        elif (settled or not packed) and head and b"\0" not in head and not captured(head) and not erf:
            self._texts.append(str(path))
        elif settled:
            self._once(key, f"{path} is no capture, and no log: it is left where it is")
        os.close(handle)
        return None

    def _once(self, key: str, sentence: str, *, keep: bool = True) -> None:
        if key not in self._told:
            self.tell("warning", sentence)
        self._told.add(key)
        if keep:
            self.done[key] = None

    def _wait(self, why: str) -> None:
        if why and why != self._waits:
            self.tell("warning", f"{why}: waiting for it")
        self._waits = why

    # taking -----------------------------------------------------------------------------------------------------------

    def _take(self, item: _Item, *, gone: bool = False) -> bool:
        """Takes what is there of a capture; True where there may be more at once."""
        quiet = bool(time.monotonic() - item.since >= self.given["settle"])
        other = self._open if self._open is not item else None
        if other is not None and not other.resting and not (gone or quiet or time.monotonic() - item.taken >= _PATIENCE):
            return False  # each change of files begins a segment
        try:
            for _ in range(_TURN):
                before = copy.copy(item.cutter)
                piece = item.source.piece()
                if piece is None:
                    break
                if self._stop.is_set() or not self._piece(item, piece, before):
                    return False
            else:
                return True
        except Changed:
            self.tell("warning", f"{item.path} was written anew: what was not yet taken of it is lost")
            self._end(item, again=True)
            return True
        except Broken as error:
            self.tell("warning", f"{item.path} is broken after {item.source.at:,} bytes: {error}; what came before is taken")
            self._end(item, refused=1)
            return True
        if gone or quiet or item.source.packed:
            why = item.source.trouble or ("its last packet is not whole" if item.source.half else None)
            if why and not item.told:
                self.tell("warning", f"{item.path} ends too early: {why}; what came before is taken")
                item.told = True
            if gone or item.source.packed:
                self._end(item)
            elif not item.resting:
                item.resting = True
                self._remember(item)
        return False

    def _piece(self, item: _Item, piece: Piece, before: Cutter) -> bool:
        """Puts whole packets down; False: the station stops. before: the cutter as it stood before the piece."""
        source, packets, block = item.source, item.cutter.packets, piece.block
        known = item.skip - source.at
        """bytes of it that were taken before"""
        source.take(block, piece.length)
        if known >= piece.length:
            return True
        if known > 0:
            before.cut(block[:known])
            block = block[known:]
            head = before.head
            before.cut(block)
            packets = before.packets
        else:
            head = before.head
        if self._open is not item or self._size >= SEGMENT:
            if self._open is not None or (self._fresh and self.feed.stream.last.end):
                self.feed.put(b"", seal=True)
            self._open, self._size, self._fresh = item, 0, False
            block = head + block
        self._size += len(block)
        item.taken, self.last = time.monotonic(), time.time()
        return self.feed.put(block, mark=self._mark(), stop=self._stop, received=packets) >= 0

    def _remember(self, item: _Item) -> None:
        """That it was taken, by what it is now."""
        info = os.fstat(item.source.handle)
        self.done[digest(item.source.head)] = None
        if (info.st_size, info.st_mtime_ns) == item.state:
            self.done[self._key(item.path, info)] = None
        for key in list(self.done)[:-DONE]:
            del self.done[key]

    def _end(self, item: _Item, *, refused: int = 0, again: bool = False) -> None:
        """A capture was taken as far as it goes, and is let go."""
        self._items.pop(item.source.inode, None)
        if item.source.at and not again:
            self._remember(item)
            self.recent = [*self.recent, item.source.place()][-RECENT:]
        item.source.close()
        mine = self._open is item
        self._open = None if mine else self._open
        self.feed.put(b"", seal=mine, mark=self._mark(), received=refused, refused=refused)

    def _places(self) -> list[Place]:
        """How far files were taken."""
        items = self._items.values()
        return [*self.recent, *(one.source.place() for one in items if one.source.at > 0 and one.source.at >= one.skip)]

    def _mark(self) -> dict[str, Any]:
        return {"recent": [one.plain() for one in self._places()], "done": list(self.done)}


def open(given: Given, host: Host) -> _Folder:
    return _Folder(given, host)
