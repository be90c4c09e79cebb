"""What waits for the disk: bounded, in order, counted, durable before anybody hears that it is."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from teiten.station.feeds import Desk
from teiten.station.spool import Spool
from teiten.stationing import Station


def test_a_sender_waits_and_a_datagram_does_not(tmp_path: Path) -> None:
    desk = Desk(Spool.open(tmp_path / "spool"), Station(queue=10, sync=0.01))
    feed = desk.feed("udp", "home")
    assert feed.offer(b"12345678\n")
    assert not feed.offer(b"and more\n")
    stop = threading.Event()
    threading.Timer(0.05, stop.set).start()
    assert feed.put(b"and more\n", received=1, stop=stop) == -1
    waiting = threading.Thread(target=feed.put, args=(b"waited\n",), kwargs={"received": 1})
    waiting.start()
    time.sleep(0.02)
    assert waiting.is_alive()
    desk.start()
    waiting.join(10)
    assert not waiting.is_alive()
    assert feed.wait(feed.put(b"last\n", received=1, mark=[1]), 10)
    assert feed.mark == [1]
    desk.stop()
    [segment] = desk.spool.segments(feed.stream.about.id)
    assert segment.path is not None and segment.path.read_bytes() == b"12345678\nwaited\nlast\n"
    sums: dict[str, int] = {}
    for record in segment.records:
        for name, many in record.counts.items():
            sums[name] = sums.get(name, 0) + many
    assert sums == feed.totals == {"received": 4, "dropped_queue": 1, "bytes": 21}


def test_a_disk_that_fails_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(Spool.open(tmp_path / "spool"), Station(sync=0.01))
    feed = desk.feed("in", "home")
    commit = type(feed.stream).commit
    broken = True

    def fails(*given: object, **named: object) -> object:
        if broken:
            raise OSError(28, "No space left on device")
        return commit(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(type(feed.stream), "commit", fails)
    feed.put(b"a\n", received=1)
    assert not feed.write() and feed.trouble == "No space left on device" and feed.queued == 2
    broken = False
    feed.put(b"b\n", received=1)
    assert feed.write() and feed.trouble is None and feed.queued == 0
    [segment] = desk.spool.segments(feed.stream.about.id)
    assert segment.path is not None and segment.path.read_bytes() == b"a\nb\n"
    assert sum(record.counts.get("received", 0) for record in segment.records) == 2
