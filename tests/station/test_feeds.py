"""What waits for the disk: bounded, in order, counted, durable before anybody hears that it is."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from teiten.station.feeds import Desk, Feed
from teiten.station.spool import Record, Spool
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


def desk_of(folder: Path, **given: float) -> Desk:
    return Desk(Spool.open(folder / "spool"), Station(**{"sync": 0.01, **given}))  # type: ignore[arg-type]


def told(desk: Desk, feed: Feed) -> list[Record]:
    return [record for one in desk.spool.segments(feed.stream.about.id) for record in one.records]


def test_counts_are_those_of_the_blocks_that_they_came_with(tmp_path: Path) -> None:
    """A kill between two groups must not have counted what is not there."""
    desk = desk_of(tmp_path, queue=64 << 20)
    feed = desk.feed("in", "home")
    for n in range(7):
        feed.put(b"x" * (1 << 20) + b"\n", received=1, mark=n)
    feed.count(refused=3)
    assert feed.mark == 6 and feed.stream.mark is None
    assert feed.write()
    groups = [(one.end, one.counts.get("received"), one.mark) for one in told(desk, feed) if one.block]
    size = (1 << 20) + 1
    assert groups == [(3 * size, 3, 2), (6 * size, 3, 5), (7 * size, 1, 6)]


def test_what_came_in_at_other_times_is_put_down_apart(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    feed = desk.feed("in", "home")
    for at in (100.0, 100.4, 102.0, 50.0):
        feed.put(b"x\n", at=at)
    feed.put(b"whole\n", at=50.1, seal=True)
    feed.put(b"next\n", at=50.2)
    assert feed.write()
    assert [(one.at, one.end) for one in told(desk, feed) if one.block] == [(100.4, 4), (102.0, 6), (50.1, 14), (50.2, 5)]
    assert [one.sealed for one in desk.spool.segments(feed.stream.about.id)] == [True, False]


def test_a_sensors_flood_leaves_the_others_their_part(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, queue=100)
    loud, quiet = desk.feed("udp", "loud"), desk.feed("udp", "quiet")
    elsewhere = desk.feed("tcp", "loud")
    while loud.offer(b"x" * 10):
        pass
    assert loud.queued == 100
    assert [quiet.offer(b"x" * 10) for _ in range(6)] == [True] * 5 + [False]
    assert [elsewhere.offer(b"x" * 10) for _ in range(11)] == [True] * 10 + [False]
    assert loud.totals["dropped_queue"] == 1


def test_a_feed_that_never_ends_leaves_the_others_their_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = desk_of(tmp_path)
    feed = desk.feed("in", "home")
    commit = type(feed.stream).commit

    def floods(*given: object, **named: object) -> object:
        feed.put(b"more\n")
        return commit(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(type(feed.stream), "commit", floods)
    feed.put(b"first\n")
    assert feed.write() and feed.queued


def test_heartbeats_are_of_inputs_that_run(tmp_path: Path) -> None:
    desk = desk_of(tmp_path, heartbeat=0.02)
    desk.beat["skew"] = 1.5
    runs, fails = desk.feed("runs", "home"), desk.feed("fails", "home")
    desk.asleep.add("fails")
    desk.start()
    time.sleep(0.15)
    desk.stop()
    first, *beats, last = told(desk, runs)
    assert first.told["start"]["heartbeat"] == 0.02 and last.told == {"stop": True}
    assert len(beats) >= 2 and all(one.told == {"skew": 1.5} and not one.block for one in beats)
    assert len(told(desk, fails)) == 2


def test_a_budget_that_is_used_up_holds_bytes_and_lets_counters_by(tmp_path: Path) -> None:
    said: list[tuple[str, str]] = []
    desk = Desk(Spool.open(tmp_path / "spool"), Station(sync=0.01), lambda *one: said.append(one))
    feed = desk.feed("in", "home")
    desk.full = "the spool's 20 GB are used up"
    feed.put(b"waits\n", received=1)
    feed.count(dropped_kernel=7)
    assert not feed.write(full=desk.full) and feed.trouble == desk.full
    assert told(desk, feed)[-1].counts == {"dropped_kernel": 7} and feed.queued == 6
    desk.start()
    time.sleep(0.05)
    assert [level for level, _ in said] == ["error"] and desk.full in said[0][1]
    assert desk.stop(5), "a station that ends puts down what waits all the same"
    assert told(desk, feed)[-2].counts == {"bytes": 6, "received": 1}


def test_lines_and_packets_of_a_sensor_are_apart(tmp_path: Path) -> None:
    desk = desk_of(tmp_path)
    assert desk.feed("folder", "home") is desk.feed("folder", "home")
    packets = desk.feed("folder", "home", "packets", whole=True)
    assert packets is not desk.feed("folder", "home")
    assert packets.stream.limit is None and {one.data for one in desk.spool.streams()} == {"lines", "packets"}
    assert desk.drop("folder") and not desk.feeds
    assert [one.told.get("stop") for one in told(desk, packets)] == [None, True]
