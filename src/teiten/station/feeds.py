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
from collections.abc import Mapping
from typing import Any, Final

from teiten.station.spool import LINES, Spool, Stream
from teiten.stationing import Station

RETRY: Final = 1.0
"""seconds until a disk that took nothing is tried again"""
BLOCK: Final = 4 << 20
"""bytes that are put down at once, at most (of what was put at once, never a part)"""

COUNTERS: Final = ("received", "bytes", "refused", "dropped_kernel", "dropped_queue")
"""what is counted of an input: messages or packets that came in, their bytes; those that cannot be written down (each
input says why); those that the kernel or the full queue lost. received = written down + refused + dropped_queue; what the
kernel lost comes on top"""


class Feed:
    """One stream's queue. `put`, `offer`, `count` may be called by any thread."""

    def __init__(self, stream: Stream, limit: int) -> None:
        self.stream = stream
        self.limit = limit
        self.changed = threading.Condition()
        self.put_down = 0
        """how many blocks are durable"""
        self.queued = 0
        """bytes that wait"""
        self.totals: dict[str, int] = {}
        """counters since this run began"""
        self.trouble: str | None = None
        """why the disk takes nothing, while it does not"""
        self._taken = 0
        self._blocks: list[tuple[bytes, Any, float]] = []
        self._counts: dict[str, int] = {}
        self.ending = threading.Event()
        """set: once nothing waits, its run ends"""
        self.ended = threading.Event()

    @property
    def mark(self) -> Any:
        """The last mark that is durable: where an input goes on."""
        return self.stream.mark

    def put(
        self, block: bytes, *, mark: Any = None, at: float | None = None, stop: threading.Event | None = None, **counts: int
    ) -> int:
        """Takes a block of whole lines (or a capture's records), waiting while there is no room; its number for `wait`.

        mark: what is to be remembered with it (JSON). Block, mark and counts become durable together. -1 where `stop` was set
        while it waited: then nothing was taken.
        """
        with self.changed:
            while self.queued and self.queued + len(block) > self.limit:
                if stop is not None and stop.is_set():
                    return -1
                self.changed.wait(0.2)
            return self._take(block, mark, at, counts)

    def offer(self, block: bytes, *, mark: Any = None, at: float | None = None, received: int = 1, **counts: int) -> bool:
        """Takes a block if there is room; else it counts `received` as dropped_queue and answers False."""
        with self.changed:
            if self.queued and self.queued + len(block) > self.limit:
                self._count({"received": received, "dropped_queue": received, **counts})
                return False
            self._take(block, mark, at, {"received": received, **counts})
            return True

    def count(self, **counts: int) -> None:
        """Counts what leaves no bytes: refused, dropped_kernel ..."""
        with self.changed:
            self._count(counts)

    def wait(self, number: int, timeout: float | None = None) -> bool:
        """Until the block of that number is durable; False after `timeout` seconds."""
        with self.changed:
            return self.changed.wait_for(lambda: self.put_down >= number, timeout)

    def _take(self, block: bytes, mark: Any, at: float | None, counts: Mapping[str, int]) -> int:
        self._blocks.append((block, mark, time.time() if at is None else at))
        self.queued += len(block)
        self._taken += 1
        self._count({"bytes": len(block), **counts})
        return self._taken

    def _count(self, counts: Mapping[str, int]) -> None:
        for name, many in counts.items():
            if many:
                self._counts[name] = self._counts.get(name, 0) + many
                self.totals[name] = self.totals.get(name, 0) + many

    # the desk's side -------------------------------------------------------------------------------------------------

    def write(self, *, alive: bool = False) -> bool:
        """Puts down what waits; with `alive`, a heartbeat where nothing does. False where the disk did not take it."""
        while True:
            with self.changed:
                many, size = 0, 0
                for block, _, _ in self._blocks:
                    if many and size + len(block) > BLOCK:
                        break
                    many, size = many + 1, size + len(block)
                blocks, counts = self._blocks[:many], self._counts
                self._counts = {}
            if not blocks and not counts and not alive:
                return True
            mark = next((m for _, m, _ in reversed(blocks) if m is not None), None)
            try:
                self.stream.commit(
                    b"".join(b for b, _, _ in blocks), counts=counts, mark=mark, at=blocks[-1][2] if blocks else None
                )
            except OSError as error:
                with self.changed:
                    for name, value in counts.items():
                        self._counts[name] = self._counts.get(name, 0) + value
                    self.trouble = error.strerror or str(error)
                return False
            alive = False
            with self.changed:
                del self._blocks[:many]
                self.queued -= size
                self.put_down += many
                self.trouble = None
                self.changed.notify_all()


class Desk:
    """All feeds of a station, and the thread that puts down what waits in them, every `sync` seconds."""

    def __init__(self, spool: Spool, station: Station) -> None:
        self.spool, self.station = spool, station
        self.feeds: dict[tuple[str, str | None], Feed] = {}
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def feed(
        self, input: str, sensor: str | None, data: str = LINES, *, told: Mapping[str, Any] | None = None, head: bytes = b""
    ) -> Feed:
        """The feed of that input and sensor; its run begins with the first call. sensor None: counters of the input alone."""
        with self._lock:
            found = self.feeds.get((input, sensor))
            if found is None:
                stream = self.spool.stream(input, sensor, data, told)
                stream.begin_with(head)
                stream.run()
                found = self.feeds[(input, sensor)] = Feed(stream, self.station.queue)
            return found

    def drop(self, input: str, timeout: float = 20) -> bool:
        """Ends the runs of an input that has stopped: what waits is put down first. False where the disk did not take it in
        time: then its feeds stay as they are."""
        with self._lock:
            mine = {key: feed for key, feed in self.feeds.items() if key[0] == input}
        for feed in mine.values():
            feed.ending.set()
        deadline = time.monotonic() + timeout
        for feed in mine.values():
            if not feed.ended.wait(max(0.0, deadline - time.monotonic())):
                for one in mine.values():
                    one.ending.clear()
                return not any(key in self.feeds for key in mine)
        return True

    def start(self) -> None:
        """Begins to put down."""
        self._thread = threading.Thread(target=self._work, name="spool", daemon=True)
        self._thread.start()

    def stop(self, timeout: float = 30) -> bool:
        """Puts down what waits and ends every run; False where the disk did not take it in time.

        To be called when the inputs have stopped."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout)
        deadline = time.monotonic() + timeout
        for feed in self.feeds.values():
            while not feed.write():
                if time.monotonic() >= deadline:
                    return False
                time.sleep(RETRY)
            feed.stream.stop()
            feed.stream.close()
        return True

    def _work(self) -> None:
        beat = time.monotonic()
        while not self._stop.wait(self.station.sync):
            alive = time.monotonic() - beat >= self.station.heartbeat
            if alive:
                beat = time.monotonic()
            with self._lock:
                feeds = list(self.feeds.values())
            taken = [feed.write(alive=alive) for feed in feeds]
            self._end(feeds)
            if not all(taken):
                self._stop.wait(RETRY)

    def _end(self, feeds: list[Feed]) -> None:
        """Ends those that are to end and have nothing left to put down."""
        for feed in feeds:
            if not feed.ending.is_set() or feed.queued:
                continue
            try:
                feed.stream.stop()
            except OSError as error:
                feed.trouble = error.strerror or str(error)
                continue
            feed.stream.close()
            with self._lock:
                self.feeds = {key: one for key, one in self.feeds.items() if one is not feed}
            feed.ended.set()
