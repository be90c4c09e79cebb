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
from teiten.station.spool import Spool
from teiten.stationing import Station

_PAUSES: Final = (1, 2, 5, 15, 60)
"""seconds until an input that failed is tried again, growing"""


class Live:
    """Runs inputs. `tell(level, sentence)` gets what is worth a line of the log."""

    def __init__(self, station: Station, tell: Callable[[str, str], None]) -> None:
        self.station, self.tell = station, tell
        self.spool = Spool.open(station.spool)
        self.desk = Desk(self.spool, station, tell)
        self.inputs = inputs.read(station.inputs)
        self.running: dict[str, inputs.Running] = {}
        self.stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @contextlib.contextmanager
    def at_work(self) -> Iterator[Live]:
        """While it runs. SpoolError where another station writes to the spool."""
        with self.spool.lock():
            self.desk.start()
            self._threads = [threading.Thread(target=self._run, args=(one,), name=one.name, daemon=True) for one in self.inputs]
            for thread in self._threads:
                thread.start()
            try:
                yield self
            finally:
                self.stopping.set()
                for thread in self._threads:
                    thread.join(20)
                if not self.desk.stop():
                    self.tell(
                        "error",
                        "the disk did not take what was waiting: it is not written down, and nobody was told that it is",
                    )

    def done(self) -> bool:
        """Have all inputs come to an end by themselves (stdin)?"""
        return not any(thread.is_alive() for thread in self._threads)

    def _run(self, one: inputs.Input) -> None:
        host = inputs.Host(self.desk, lambda level, text: self.tell(level, f"{one.name}: {text}"), one.told)
        tries = 0
        while not self.stopping.is_set():
            begun = time.monotonic()
            try:
                running = self.running[one.name] = one.open(one.given, host)
                running.run(self.stopping)
                return
            except (OSError, TeitenError) as error:
                if time.monotonic() - begun > _PAUSES[-1]:
                    tries = 0
                pause = _PAUSES[min(tries, len(_PAUSES) - 1)]
                self.tell("error", f"{one.name}: {error}; tried again in {pause} s")
                tries += 1
                self.stopping.wait(pause)

    def status(self) -> dict[str, Any]:
        """Counters and states of all inputs, as plain values."""
        return {
            one.name: {
                "kind": one.kind,
                "state": dict(self.running[one.name].status()) if one.name in self.running else {},
                "feeds": {
                    sensor or "": {"queued": feed.queued, "trouble": feed.trouble, **feed.totals}
                    for (name, sensor, _), feed in list(self.desk.feeds.items())
                    if name == one.name
                },
            }
            for one in self.inputs
        }
