"""What came in, until it is on the disk: a bounded queue a stream, put down in groups by one thread.

    desk = Desk(spool, settings.station)
    feed = desk.feed("kern", "home")
    feed.put(b"a line\\n", received=1)            # waits while the queue is full: a sender that can wait, waits
    feed.offer(b"a datagram\\n", received=1)      # does not wait: what finds the queue full is counted as dropped_queue
    feed.wait(feed.put(...), 10)                 # until it is durable: now the sender may be told

A disk that is full, or fails, makes nothing wrong: what is queued stays queued and is tried again each second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from teiten.errors import TeitenError
from teiten.station.spool import LINES, SEGMENT, Spool, Stream
from teiten.stationing import Station

RETRY: Final = 1.0
"""seconds until a disk that took nothing is tried again"""
BLOCK: Final = 4 << 20
"""bytes that are put down at once, at most (of what was put at once, never a part)"""
TOGETHER: Final = 1.0
"""seconds between what is put down at once, at most: the group has one time at which it came in"""

COUNTERS: Final = ("received", "bytes", "refused", "dropped_kernel", "dropped_queue")
"""what is counted of an input: messages or packets that came in, their bytes; those that cannot be written down (each
input says why); those that the kernel or the full queue lost. received = written down + refused + dropped_queue; what the
kernel lost comes on top"""


@dataclass(slots=True)
class _Block:
    data: bytes
    mark: Any
    at: float
    seal: bool
    counts: Mapping[str, int]


class Room:
    """What the feeds of an input may hold together. `changed`: taken for every look at them, told of every change."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.changed = threading.Condition()
        self.feeds = 0
        self.queued = 0
        self.pressed = threading.Event()
        """set when it is half full: there is no reason to wait longer with putting down"""


class Feed:
    """One stream's queue. `put`, `offer`, `count`, `wait` may be called by any thread."""

    def __init__(self, stream: Stream, limit: int | Room) -> None:
        self.stream = stream
        self.room = limit if isinstance(limit, Room) else Room(limit)
        self.room.feeds += 1
        self.changed = self.room.changed
        self.put_down = 0
        """how many blocks are durable"""
        self.queued = 0
        """bytes that wait"""
        self.totals: dict[str, int] = {}
        """counters since this run began"""
        self.trouble: str | None = None
        """why the disk takes nothing, while it does not"""
        self.latest = time.monotonic()
        """when something was put down last"""
        self._taken = 0
        self._blocks: list[_Block] = []
        self._counts: dict[str, int] = {}
        self._mark: Any = None
        self._ended = False
        self._writing = threading.Lock()

    @property
    def limit(self) -> int:
        """Bytes that it may hold, whatever the input's other feeds hold: its fair part."""
        return self.room.limit // max(1, self.room.feeds)

    @property
    def mark(self) -> Any:
        """The last mark: where an input goes on. In this process what it took is not taken again though it still waits; after
        the process's end it is the last durable one."""
        return self.stream.mark if self._mark is None else self._mark

    def put(
        self, block: bytes, *, mark: Any = None, at: float | None = None, stop: threading.Event | None = None,
        seal: bool | int = False, **counts: int,
    ) -> int:  # fmt: skip
        """Takes a block of whole lines (or a capture's records), waiting while there is no room; its number for `wait`.

        mark: what is to be remembered with it (JSON); at: when it came in (now); seal: the segment ends with it. Block, mark
        and counts become durable together. -1 where `stop` was set while it waited: then nothing was taken.
        """
        with self.changed:
            while not self._fits(len(block)):
                if stop is not None and stop.is_set():
                    return -1
                self.changed.wait(0.2)
            return self._take(_Block(block, mark, time.time() if at is None else at, bool(seal), counts))

    def offer(self, block: bytes, *, mark: Any = None, at: float | None = None, received: int = 1, **counts: int) -> bool:
        """Takes a block if there is room; else it counts `received` as dropped_queue and answers False."""
        with self.changed:
            if not self._fits(len(block)):
                self._count({"received": received, "dropped_queue": received, **counts}, self._counts)
                return False
            given = {"received": received, **counts}
            self._take(_Block(block, mark, time.time() if at is None else at, False, given))
            return True

    def count(self, **counts: int) -> None:
        """Counts what leaves no bytes: refused, dropped_kernel ..."""
        with self.changed:
            self._count(counts, self._counts)

    def wait(self, number: int, timeout: float | None = None) -> bool:
        """Until the block of that number is durable; False after `timeout` seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: self.put_down >= number, timeout)

    def _fits(self, size: int) -> bool:
        """One block always does, a feed's fair part does, and more while the input as a whole has room."""
        room = self.room
        return not self.queued or self.queued + size <= self.limit or room.queued + size <= room.limit

    def _take(self, block: _Block) -> int:
        size = len(block.data)
        block.counts = {"bytes": size, **block.counts}
        self._blocks.append(block)
        self._mark = self._mark if block.mark is None else block.mark
        self.queued += size
        self.room.queued += size
        self._taken += 1
        self._count(block.counts)
        if self.room.queued * 2 > self.room.limit:
            self.room.pressed.set()
        return self._taken

    def _count(self, counts: Mapping[str, int], into: dict[str, int] | None = None) -> None:
        for sums in (self.totals, into):
            if sums is not None:
                for name, many in counts.items():
                    if many:
                        sums[name] = sums.get(name, 0) + many

    # the desk's side -------------------------------------------------------------------------------------------------

    def write(self, *, alive: bool = False, full: str | None = None, beat: Mapping[str, Any] | None = None) -> bool:
        """Puts down what waits now (what comes meanwhile has its turn after the other feeds); with `alive`, a heartbeat where
        nothing does. False where the disk did not take it.

        full: why no bytes are to be put down now (the spool's budget is used up): counters and heartbeats alone are.
        beat: what a heartbeat says besides.
        """
        with self._writing:
            if self._ended:
                return True
            turn = self._taken
            while True:
                with self.changed:
                    group = [] if full or self.put_down >= turn else self._group()
                    counts, self._counts = self._counts, {}
                    held_up = full if full and self._blocks else None
                if not group and not counts and not alive:
                    self.trouble = held_up
                    return held_up is None
                try:
                    self._commit(group, counts, beat if alive else None)
                except (OSError, TeitenError) as error:
                    with self.changed:
                        for name, value in counts.items():
                            self._counts[name] = self._counts.get(name, 0) + value
                        self.trouble = (error.strerror if isinstance(error, OSError) else None) or str(error)
                    return False
                alive = False

    def _group(self) -> list[_Block]:
        out: list[_Block] = []
        size = 0
        for block in self._blocks:
            if out and (size + len(block.data) > BLOCK or abs(block.at - out[0].at) > TOGETHER):
                break
            out.append(block)
            size += len(block.data)
            if block.seal:
                break
        return out

    def _commit(self, group: list[_Block], counts: Mapping[str, int], told: Mapping[str, Any] | None) -> None:
        sums = dict(counts)
        for block in group:
            for name, many in block.counts.items():
                sums[name] = sums.get(name, 0) + many
        mark = next((block.mark for block in reversed(group) if block.mark is not None), None)
        self.stream.commit(
            b"".join(block.data for block in group), counts=sums, mark=mark, at=group[-1].at if group else None,
            seal=bool(group) and group[-1].seal, told=told,
        )  # fmt: skip
        self.latest = time.monotonic()
        size = sum(len(block.data) for block in group)
        with self.changed:
            del self._blocks[: len(group)]
            self.queued -= size
            self.room.queued -= size
            self.put_down += len(group)
            self.trouble = None
            self.changed.notify_all()

    def end(self) -> bool:
        """Puts down what waits, and ends the run. False where the disk did not take it."""
        while self.queued or self._blocks or self._counts:
            if not self.write():
                return False
        with self._writing:
            try:
                self.stream.stop()
            except OSError as error:
                self.trouble = error.strerror
                return False
            self.stream.close()
            self._ended = True
        return True


def _silent(_level: str, _sentence: str) -> None:
    """Nobody is told."""


@dataclass
class Desk:
    """All feeds of a station, and the thread that puts down what waits in them, every `sync` seconds."""

    spool: Spool
    station: Station
    tell: Callable[[str, str], None] = _silent
    """a level and a sentence for the station's log: when the disk takes nothing any more, and when it does again"""
    feeds: dict[tuple[str, str | None, str], Feed] = field(default_factory=dict)
    """by input, sensor and kind of data"""
    full: str | None = None
    """why nothing is to be put down at present (the spool's budget is used up): whoever can wait, waits"""
    asleep: set[str] = field(default_factory=set)
    """inputs that do not run at present (they failed, and are tried again): nobody says that they are alive"""
    beat: dict[str, Any] = field(default_factory=dict)
    """what every heartbeat says besides, by anybody (a sensor: its clock's skew)"""
    failed: BaseException | None = None
    """what the thread died of: no station goes on without it"""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._pressed = threading.Event()
        self._rooms: dict[str, Room] = {}
        self._thread: threading.Thread | None = None
        self._trouble: str | None = None

    def feed(
        self, input: str, sensor: str | None, data: str = LINES, *, told: Mapping[str, Any] | None = None, head: bytes = b"",
        whole: bool = False,
    ) -> Feed:  # fmt: skip
        """The feed of that input, sensor and kind of data; its run begins with the first call. OSError, SpoolError.

        sensor None: counters of the input alone. head: what each segment begins with. whole: a segment ends where `put` says
        `seal`, and nowhere else.
        """
        with self._lock:
            found = self.feeds.get((input, sensor, data))
            if found is None:
                stream = self.spool.stream(input, sensor, data, told, limit=None if whole else SEGMENT)
                stream.head = head
                stream.run({"heartbeat": self.station.heartbeat})
                room = self._rooms.get(input)
                if room is None:
                    room = self._rooms[input] = Room(self.station.queue)
                    room.pressed = self._pressed
                found = self.feeds[input, sensor, data] = Feed(stream, room)
            return found

    def drop(self, input: str, timeout: float = 20) -> bool:
        """Ends the runs of an input that has stopped: what waits is put down first. False where the disk did not take it in
        time: then its feeds stay as they are."""
        deadline = time.monotonic() + timeout
        while True:
            with self._lock:
                for key in [key for key in self.feeds if key[0] == input]:
                    if self.feeds[key].end():
                        self.feeds.pop(key).room.feeds -= 1
                if not any(key[0] == input for key in self.feeds):
                    self._rooms.pop(input, None)
                    return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(RETRY, timeout, 0.1))

    def hold(self, why: str | None) -> None:
        """From now on nothing but counters is put down, for that reason; None: all of it again."""
        self.full = why

    def start(self) -> None:
        """Begins to put down."""
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 30) -> bool:
        """Puts down what waits and ends every run; False where the disk did not take it in time.

        To be called when the inputs have stopped. A budget that is used up does not hold it up.
        """
        self._stop.set()
        self._pressed.set()
        deadline = time.monotonic() + timeout
        if self._thread is not None:
            self._thread.join(timeout)
        left = list(self.feeds.values())
        while left := [feed for feed in left if not feed.end()]:
            if time.monotonic() >= deadline:
                return False
            time.sleep(min(RETRY, max(0.01, deadline - time.monotonic())))
        return True

    def _work(self) -> None:
        try:
            while not self._stop.is_set():
                self._pressed.wait(self.station.sync)
                self._pressed.clear()
                with self._lock:
                    mine = list(self.feeds.items())
                feeds = [feed for _, feed in mine]
                taken = []
                for (name, *_), feed in mine:
                    alive = time.monotonic() - feed.latest >= self.station.heartbeat and name not in self.asleep
                    taken.append(feed.write(alive=alive, full=self.full, beat=self.beat))
                self._say(next((feed.trouble for feed in feeds if feed.trouble), None))
                if not all(taken):
                    self._stop.wait(RETRY)
        except BaseException as error:
            self.failed = error
            raise

    def _say(self, trouble: str | None) -> None:
        if trouble and trouble != self._trouble:
            self.tell("error", f"nothing is written down: {trouble}; senders that can wait, wait")
        elif self._trouble and not trouble:
            self.tell("info", "what came in is written down again")
        self._trouble = trouble
