"""A station at work: its spool, its feeds, its inputs, each in a thread of its own; what cannot go on is tried again."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from teiten.errors import TeitenError
from teiten.station import inputs
from teiten.station.feeds import Desk
from teiten.station.keeping import Keeper, Whole, nothing
from teiten.station.spool import Spool
from teiten.stationing import Station

_PAUSES: Final = (1, 2, 5, 15, 60)
"""seconds until an input that failed is tried again, growing"""
_PATIENCE: Final = 20.0
"""seconds that an input has to stop"""


class _Work:
    """An input and its thread."""

    def __init__(self, one: inputs.Input) -> None:
        self.input = one
        self.stop = threading.Event()
        self.thread: threading.Thread | None = None
        self.running: inputs.Running | None = None
        self.trouble: str | None = None
        """why it does not run, while it does not"""
        self.seen: tuple[int, float | None] = (0, None)
        """how much had come when it was last asked, and when that had last become more (Unix time)"""


class Live:
    """Runs inputs. `tell(level, sentence)` gets what is worth a line of the log.

    also: what runs beside the inputs of the tables, in the same way (a collector's server, what a sensor sends with).
    whole: what of the spool is safe elsewhere (`keeping.in_lake`); without it nothing that was written down ever goes.
    """

    def __init__(
        self, station: Station, tell: Callable[[str, str], None], also: Callable[[Station], list[inputs.Input]] | None = None,
        whole: Callable[[], Whole] | None = None,
    ) -> None:  # fmt: skip
        self.station, self.tell = station, tell
        self._also = also or (lambda _: [])
        wanted = self._wanted(station)
        self.spool = Spool.open(station.spool)
        self.desk = Desk(self.spool, station, tell)
        self.keeper = Keeper(self.spool, station, whole or nothing, tell, self.desk.hold)
        self.works: dict[str, _Work] = {name: _Work(one) for name, one in wanted.items()}

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Live]:
        """While it runs. SpoolError where another station writes to the spool."""
        with self.spool.lock():
            self.desk.start()
            ended = threading.Event()
            keeping = threading.Thread(target=self.keeper.work, args=(ended,), name="keeping", daemon=True)
            keeping.start()
            for work in self.works.values():
                self._start(work)
            try:
                yield self
            finally:
                self._stop(list(self.works.values()))
                ended.set()
                if not self.desk.stop():
                    self.tell(
                        "error",
                        "the disk did not take what was waiting: it is not written down, and nobody was told that it is",
                    )
                keeping.join(_PATIENCE)

    def done(self) -> bool:
        """Have all inputs come to an end by themselves (stdin)?"""
        return not any(work.thread is not None and work.thread.is_alive() for work in self.works.values())

    def failed(self) -> str | None:
        """Why it cannot go on at all: what puts down has died. None where all is well."""
        error = self.desk.failed
        return None if error is None else f"what writes to the spool died of {type(error).__name__}: {error}"

    def reload(self, station: Station) -> None:
        """Goes on with these inputs: those that changed, or are no longer named, stop; new ones start; all others do not
        notice. UsageError where a table is wrong: then nothing has changed."""
        wanted = self._wanted(station)
        gone = [work for name, work in self.works.items() if wanted.get(name) != work.input]
        self._stop(gone)
        for work in gone:
            del self.works[work.input.name]
            if not self.desk.drop(work.input.name):
                self.tell("warning", f"{work.input.name}: the disk does not take what waits; its run goes on")
        self.station = self.desk.station = self.keeper.station = station
        for name, one in wanted.items():
            if name not in self.works:
                self.works[name] = _Work(one)
                self._start(self.works[name])

    def status(self) -> dict[str, Any]:
        """Counters and states of all inputs, as plain values."""
        return {name: self._status(work) for name, work in list(self.works.items())}

    def _wanted(self, station: Station) -> dict[str, inputs.Input]:
        return {one.name: one for one in [*self._also(station), *inputs.read(station.inputs)]}

    def _status(self, work: _Work) -> dict[str, Any]:
        name, running = work.input.name, work.running
        received = sum(feed.totals.get("received", 0) for key, feed in list(self.desk.feeds.items()) if key[0] == name)
        if received != work.seen[0]:
            work.seen = (received, time.time())
        return {
            "kind": work.input.kind,
            "trouble": work.trouble,
            "last": work.seen[1],
            "ended": work.thread is not None and not work.thread.is_alive(),
            "state": dict(running.status()) if running is not None else {},
            "feeds": {
                key[1] or "": {"queued": feed.queued, "trouble": feed.trouble, **feed.totals}
                for key, feed in list(self.desk.feeds.items())
                if key[0] == name
            },
        }

    def _start(self, work: _Work) -> None:
        work.thread = threading.Thread(target=self._run, args=(work,), name=work.input.name, daemon=True)
        work.thread.start()

    def _stop(self, works: list[_Work]) -> None:
        for work in works:
            work.stop.set()
        deadline = time.monotonic() + _PATIENCE
        for work in works:
            if work.thread is not None:
                work.thread.join(max(0.1, deadline - time.monotonic()))
                if work.thread.is_alive():
                    self.tell("warning", f"{work.input.name}: does not stop; it is left")

    def _run(self, work: _Work) -> None:
        one = work.input
        host = inputs.Host(self.desk, lambda level, text: self.tell(level, f"{one.name}: {text}"), one.told)
        tries = 0
        while not work.stop.is_set():
            begun = time.monotonic()
            try:
                work.running = one.open(one.given, host)
                work.trouble = None
                self.desk.asleep.discard(one.name)
                work.running.run(work.stop)
                self.desk.asleep.add(one.name)
                return
            except Exception as error:
                if not isinstance(error, (OSError, TeitenError)):
                    error = RuntimeError(f"{type(error).__name__}: {error} (a bug of teiten: please tell its makers)")
                if time.monotonic() - begun > _PAUSES[-1]:
                    tries = 0
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
                work.trouble = str(error)
                self.desk.asleep.add(one.name)
                self.tell("error", f"{one.name}: {error}; tried again in {pause} s")
                tries += 1
                work.stop.wait(pause)
