"""An input at work on a spool of its own, and what it wrote down."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from teiten.station import inputs
from teiten.station.feeds import Desk
from teiten.station.inputs import Host
from teiten.station.spool import Spool
from teiten.stationing import Station, Table


class Work:
    """`running` is the input; `told` what it said."""

    def __init__(self, folder: Path, table: dict[str, Any], **station: Any) -> None:
        [self.input] = inputs.read((Table("in", table, "[station.input.in]", folder),))
        self.spool = Spool.open(folder / "spool")
        self.desk = Desk(self.spool, Station(spool=folder / "spool", **{"sync": 0.02, **station}))
        self.told: list[tuple[str, str]] = []
        self.stop = threading.Event()
        self.failed: list[Exception] = []
        host = Host(self.desk, lambda level, text: self.told.append((level, text)), self.input.told)
        self.running: Any = self.input.open(self.input.given, host)
        self.thread = threading.Thread(target=self._run, daemon=True)

    @contextlib.contextmanager
    def at_work(self, *, disk: bool = True) -> Iterator[Work]:
        """While it runs; `disk` False: nothing is put down before its end."""
        if disk:
            self.desk.start()
        self.thread.start()
        try:
            yield self
        finally:
            self.stop.set()
            self.thread.join(20)
            assert not self.thread.is_alive()
            assert self.desk.stop()
        assert not self.failed, self.failed

    def _run(self) -> None:
        try:
            self.running.run(self.stop)
        except Exception as error:
            self.failed.append(error)

    @property
    def place(self) -> tuple[str, int]:
        host, _, port = self.running.status()["_listen"].rpartition(":")
        return host, int(port)

    def lines(self, sensor: str | None = "home") -> list[bytes]:
        """The lines that are durable, of one sensor."""
        whole = b""
        for stream in self.spool.streams():
            for segment in self.spool.segments(stream.id) if stream.sensor == sensor else ():
                if segment.path is not None:
                    whole += segment.path.read_bytes()[: segment.end]
        return whole.splitlines(keepends=True)

    def counts(self, sensor: str | None = "home") -> Counter[str]:
        """The counters of one sensor, as they stand in the chains."""
        out: Counter[str] = Counter()
        for stream in self.spool.streams():
            for segment in self.spool.segments(stream.id) if stream.sensor == sensor else ():
                for record in segment.records:
                    out.update(record.counts)
        return out


def until(true: Callable[[], Any], seconds: float = 20) -> None:
    """Waits for it."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)
