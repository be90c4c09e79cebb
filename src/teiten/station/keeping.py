"""The disk's budget: evidence that is safe elsewhere is packed, then goes, the oldest first; told before, and written down.

What is not yet in the lake (or with the collector) never goes: where only that is left, intake waits. A damaged segment stays
as it is, unpacked, for somebody to look at.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import threading
import time
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from teiten import disk
from teiten.errors import TeitenError
from teiten.station import _packed, gone, made
from teiten.station.records import parse
from teiten.station.segments import about, data_of, lines_of
from teiten.station.spool import Spool
from teiten.station.verifying import DAMAGE, Check
from teiten.stationing import Station

FILE: Final = "keeping.json"
SAFE: Final = 0.97
"""of the budget: so far evidence goes, once it is used up"""
TOLD: Final = 0.8
"""of the budget: from there on it is told what will go"""
RESERVE: Final = 0.02, 1 << 30
"""of the disk, and bytes at most, that a spool leaves free: the lake must be able to go on where it stands"""
LOOK: Final = 10.0
"""seconds between two looks at all files; where the budget is nearly used up, a tenth of that"""
_TOLD_AGAIN: Final = 86400.0
_ENDINGS: Final = ("data", "data.zst", "chain", "chain.zst")

Whole = Callable[[str, int], bool]
"""Is the segment of that stream and number wholly safe elsewhere?"""
Tell = Callable[[str, str], None]


def nothing() -> Whole:
    """Nothing is safe elsewhere."""
    return lambda _stream, _number: False


def in_lake(spool: Path, lake: Path) -> Callable[[], Whole]:
    """Asks, each time it is called, what the maker says is in that lake; of another lake nothing is."""

    def ask() -> Whole:
        said = made.read(spool)
        try:
            own = str(tomllib.loads((lake / "lake.toml").read_text(encoding="utf-8")).get("id", ""))
        except (OSError, ValueError):
            own = ""
        if said is None or not own or said.lake != own:
            return nothing()
        return said.whole

    return ask


@dataclass(slots=True)
class _Held:
    """A segment as it lies there."""

    stream: str
    number: int
    size: int
    data: int
    """bytes of its data alone, packed or not; 0: none"""
    packed: bool
    at: float
    """when its chain was written to last"""
    newest: bool
    """of its stream: who goes on must find its last record"""


class Keeper:
    """Keeps a spool within its budget. `look` does it once, `work` for as long as it runs.

    whole: asked for each look; full: told why nothing more may be put down, and None when it may again.
    """

    def __init__(
        self, spool: Spool, station: Station, whole: Callable[[], Whole], tell: Tell, full: Callable[[str | None], None]
    ) -> None:
        self.spool, self.station, self.whole, self.tell = spool, station, whole, tell
        self._full = full
        self._said: dict[str, float] = {}
        self._damaged: set[tuple[str, int]] = set()
        self._used = 0
        self._grown: tuple[float, int] | None = None

    def work(self, stop: threading.Event) -> None:
        """Until `stop`. A disk that fails is told, and tried again."""
        looked = -LOOK
        while not stop.is_set():
            pause = LOOK / 10 if self._used > self.station.disk * 0.9 else LOOK
            try:
                if time.monotonic() - looked >= pause:
                    looked = time.monotonic()
                    self.look(stop)
                elif self._tight() is None:
                    self._full(None)
            except (OSError, TeitenError) as error:
                self._say("failed", "warning", f"the spool's evidence could not be looked after: {error}")
            stop.wait(1.0)

    def look(self, stop: threading.Event | None = None) -> None:
        """Packs what is safe, lets go what is old or too much, and says what is the case. OSError."""
        held = list(self._walk())
        self._used = used = sum(one.size for one in held)
        whole = self.whole()
        safe = sorted((one for one in held if whole(one.stream, one.number)), key=lambda one: one.at)
        went = self._old(safe)
        for one in safe:
            if stop is not None and stop.is_set():
                return
            if one.data and not one.packed:
                went += self._pack(one)
        went += self._make_room(safe, used - went)
        self._used = used = used - went
        reason = None
        if used > self.station.disk:
            reason = (
                f"the spool has used up its {_size(self.station.disk)} (disk under [station]), "
                "and what is in it is not yet safe elsewhere"
            )
        reason = reason or self._tight()
        self._full(reason)
        self._warn(safe, used)
        self._note(held, safe, used, reason)

    def _walk(self) -> Iterator[_Held]:
        for folder in self.spool.streams_path.iterdir():
            found: dict[int, dict[str, os.stat_result]] = {}
            with contextlib.suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
                for entry in entries:
                    name, _, ending = entry.name.partition(".")
                    if name.isdigit() and ending in _ENDINGS:
                        with contextlib.suppress(FileNotFoundError):
                            found.setdefault(int(name), {})[ending] = entry.stat()
            for number, files in found.items():
                at = max((files[ending].st_mtime for ending in ("chain", "chain.zst") if ending in files), default=0.0)
                data = sum(files[ending].st_size for ending in ("data", "data.zst") if ending in files)
                size = sum(one.st_size for one in files.values())
                yield _Held(folder.name, number, size, data, "data" not in files, at, number == max(found))

    # what goes -------------------------------------------------------------------------------------------------------

    def _old(self, safe: list[_Held]) -> int:
        """Lets go what is older than it is to be kept; how many bytes that were."""
        if self.station.keep is None:
            return 0
        before = time.time() - self.station.keep
        return sum(self._remove(one, "age", chain=False) for one in safe if one.data and one.at < before)

    def _make_room(self, safe: list[_Held], used: int) -> int:
        """Lets go the oldest as long as there is too little room, then the oldest chains; how many bytes that were."""
        room = used - int(self.station.disk * SAFE) if used > self.station.disk else 0
        room, went = max(room, self._short()), 0
        for chain in (False, True):
            for one in list(safe):
                if went >= room:
                    return went
                if not chain and one.data:
                    went += self._remove(one, "room", chain=False)
                elif chain and not one.data and one.size and not one.newest:
                    went += self._remove(one, "room", chain=True)
                    safe.remove(one)
        return went

    def _short(self) -> int:
        """How many bytes more there should be left on the disk."""
        room = shutil.disk_usage(self.spool.path)
        return max(0, min(int(room.total * RESERVE[0]), RESERVE[1]) - room.free)

    def _remove(self, one: _Held, why: str, *, chain: bool) -> int:
        folder = self.spool.streams_path / one.stream
        own, first, last, received = about(folder), None, None, 0
        for record in filter(None, map(parse, lines_of(folder, one.number))):  # one after the other: a sensor has 64 MiB
            first, last, received = first or record, record, received + record.counts.get("received", 0)
        if own is None or first is None or last is None:
            return 0
        told = gone.Gone(
            f"{one.stream}/{one.number:08d}", own.input, own.sensor, last.end, first.at, last.at,
            received, last.number, last.sha, time.time(), why, chain,
        )  # fmt: skip
        gone.write(self.spool.path, [told])
        endings = ("data", "data.zst", *(("chain", "chain.zst") if chain else ()))
        went = 0
        for ending in endings:
            path = folder / f"{one.number:08d}.{ending}"
            with contextlib.suppress(FileNotFoundError):
                went += path.stat().st_size
                path.unlink()
        one.size, one.data = one.size - went, 0
        disk.sync_folder(folder)
        what = "the records" if chain else f"{last.end:,} bytes of evidence"
        self._say(
            f"gone {why}", "info",
            f"{what} of {own.input} ({_day(first.at)} to {_day(last.at)}) went, for {'their age' if why == 'age' else 'room'}: "
            f"{gone.FILE} has them all", every=3600,
        )  # fmt: skip
        return went

    def _pack(self, one: _Held) -> int:
        """How many bytes less it is."""
        folder = self.spool.streams_path / one.stream
        path = data_of(folder, one.number)
        own = about(folder)
        if path is None or own is None or path.suffix == ".zst" or (one.stream, one.number) in self._damaged:
            return 0
        check = Check(folder, own, one.number)
        bad = [text for kind, text in check.run() if kind == DAMAGE]
        if bad or check.last is None:
            self._damaged.add((one.stream, one.number))
            self.tell("error", f"{one.stream}/{one.number:08d} is damaged, and stays as it is: {'; '.join(bad)}")
            return 0
        try:
            into, _ = _packed.pack(path, check.last.end)
            path.unlink()
            chain = folder / f"{one.number:08d}.chain"
            stat = chain.stat()
            packed, _ = _packed.pack(chain, stat.st_size)
            os.utime(packed, ns=(stat.st_atime_ns, stat.st_mtime_ns))
            chain.unlink()
        except (ImportError, OSError, _packed.BadPackError) as error:  # a disk without room for it: then the oldest goes
            self._say("pack", "warning", f"evidence stays unpacked: {error}")
            return 0
        less = one.size - into.stat().st_size - packed.stat().st_size
        one.size, one.data, one.packed = one.size - less, into.stat().st_size, True
        return less

    # what is told ----------------------------------------------------------------------------------------------------

    def _tight(self) -> str | None:
        """Why nothing may be put down whatever the budget: the disk is nearly full."""
        if not self._short():
            return None
        return f"the disk has {_size(shutil.disk_usage(self.spool.path).free)} left, and the lake needs some of it"

    def _warn(self, safe: list[_Held], used: int) -> None:
        if used < self.station.disk * TOLD:
            return
        first = next((one for one in safe if one.data), None)
        what = "nothing in it is safe elsewhere yet: then intake waits"
        if first is not None:
            what = f"then the oldest goes, from {_day(first.at)} on; `teiten spool export` takes it elsewhere before"
        share = 100 * used / self.station.disk
        self._say("nearly", "warning", f"the spool has used {share:.0f} % of its {_size(self.station.disk)}: {what}")

    def _say(self, key: str, level: str, text: str, every: float = _TOLD_AGAIN) -> None:
        now = time.monotonic()
        if now - self._said.get(key, -every) >= every:
            self._said[key] = now
            self.tell(level, text)

    def _note(self, held: list[_Held], safe: list[_Held], used: int, reason: str | None) -> None:
        """SPOOL/keeping.json, for the doctor, metrics and `teiten spool status`."""
        with_data = [one for one in safe if one.data]
        told: dict[str, Any] = {
            "at": time.time(), "used": used, "disk": self.station.disk, "segments": len(held),
            "packed": sum(one.packed for one in held), "safe": sum(one.data for one in with_data),
            "next": min((one.at for one in with_data), default=None), "full": reason,
            "damaged": [f"{stream}/{number:08d}" for stream, number in sorted(self._damaged)],
        }  # fmt: skip
        fresh = self.spool.path / f"{FILE}.new"
        with contextlib.suppress(OSError):
            fresh.write_text(json.dumps(told), encoding="utf-8")
            fresh.replace(self.spool.path / FILE)


def _size(number: float) -> str:
    """20 GB, 512 MB."""
    for unit, many in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if number >= many:
            return f"{number / many:.3g} {unit}"
    return f"{number:.0f} bytes"


def _day(at: float) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(at))
