"""Lines from the standard input: each of them, in order, the last one too, however the pipe cuts them."""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from teiten.station.feeds import Desk
from teiten.station.inputs import Host, stdin
from teiten.station.spool import Spool
from teiten.stationing import Given, Station


@pytest.fixture
def pipe() -> Iterator[int]:
    """The writing end of a pipe that is the standard input now."""
    before = os.dup(0)
    reading, writing = os.pipe()
    os.dup2(reading, 0)
    os.close(reading)
    yield writing
    os.dup2(before, 0)
    os.close(before)


def test_lines_come_in_as_they_were(tmp_path: Path, pipe: int) -> None:
    desk = Desk(Spool.open(tmp_path / "spool"), Station(sync=0.01))
    desk.start()
    running = stdin.open(Given("in", "", tmp_path, {"sensor": "home"}), Host(desk, lambda *_: None, {"zone": "UTC"}))
    thread = threading.Thread(target=running.run, args=(threading.Event(),))
    thread.start()
    text, chance = b"".join(b"line %d of many\r\n" % n for n in range(500)) + b"\n\xff\x00 no text\nno end", random.Random(1)
    rest = text
    while rest:
        many = chance.choice((1, 7, 100, 4000))
        os.write(pipe, rest[:many])
        rest = rest[many:]
    os.close(pipe)
    thread.join(20)
    assert not thread.is_alive() and running.status() == {"ended": True}
    assert desk.stop()
    [stream] = desk.spool.streams()
    [segment] = desk.spool.segments(stream.id)
    assert segment.path is not None and segment.path.read_bytes() == text + b"\n"
    counts = [record.counts for record in segment.records]
    assert sum(one.get("received", 0) for one in counts) == 503
    assert sum(one.get("bytes", 0) for one in counts) == len(text) + 1 == segment.end


def test_it_stops_when_it_is_told(tmp_path: Path, pipe: int) -> None:
    desk = Desk(Spool.open(tmp_path / "spool"), Station(sync=0.01))
    running = stdin.open(Given("in", "", tmp_path, {"sensor": "home"}), Host(desk, lambda *_: None, {}))
    stop = threading.Event()
    thread = threading.Thread(target=running.run, args=(stop,))
    thread.start()
    os.write(pipe, b"half a li")
    time.sleep(0.05)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    os.close(pipe)
    desk.stop()
    [segment] = desk.spool.segments(desk.spool.streams()[0].id)
    assert segment.path is not None and segment.path.read_bytes() == b"half a li\n"
